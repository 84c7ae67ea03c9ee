/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VFs of a PF that is resized: their number, and what they are bound to. */
#include <stdlib.h>
#include <string.h>

#include "converge/resizing.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"

/* Making a VF takes the kernel and the card up to this long, on the slowest cards. */
#define KERNEL_MS_PER_VF 2000
/* A VF whose driver has not come by itself is bound by hand, and gets so long again. */
#define STRAGGLER_MS 3000
#define STRAGGLERS_MAX 8 /* to be named */

static int set_count(struct resizing *r, unsigned count, struct err **err)
{
	struct host *host = r->edges->host;
	unsigned most = r->pf.num_vfs > count ? r->pf.num_vfs : count;
	msec deadline =
		r->edges->now() + r->request->seconds * (msec)1000 + most * (msec)KERNEL_MS_PER_VF;

	if (!host->ops->set_num_vfs(host, &r->pf, count, r->lock, deadline, err))
		return 0;
	return err_wrap(err, count ? "making %u VFs" : "removing the VFs", count);
}

/* As it is by now; r->plan stays, and is not to be used with it. */
int resizing_read_pf(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;
	struct pf pf;

	if (host->ops->read_pf(host, r->request->pf, HOST_NETDEVS, &pf, err))
		return -1;
	pf_clear(&r->pf);
	r->pf = pf;
	return 0;
}

int resizing_bring_up(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;

	if (!r->request->count || !r->pf.netdev || r->pf.up)
		return 0;
	log_say("bringing %s up", pf_str(&r->pf));
	return host->ops->pf_up(host, &r->pf, err) ? err_wrap(err, "bringing %s up", pf_str(&r->pf))
						   : 0;
}

int resizing_remake(struct resizing *r, unsigned count, struct err **err)
{
	if (r->pf.num_vfs && set_count(r, 0, err))
		return -1;
	if (count && set_count(r, count, err))
		return -1;
	return resizing_read_pf(r, err);
}

int resizing_send_home(struct resizing *r, enum vf_home home, struct err **err)
{
	struct host *host = r->edges->host;
	msec deadline = r->edges->now() + SETTLE_MS + r->pf.nvfs * (msec)KERNEL_MS_PER_VF;

	for (size_t i = 0; i < r->pf.nvfs; i++)
		if (host->ops->send_home(host, r->pf.vfs[i].addr, home, deadline, err))
			return -1;
	return 0;
}

/* After an interruption on the way from one home to another: guests may have some still. */
int resizing_send_idle_home(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;
	msec deadline = r->edges->now() + SETTLE_MS + r->pf.nvfs * (msec)KERNEL_MS_PER_VF;

	for (size_t i = 0; i < r->pf.nvfs; i++) {
		struct pciaddr vf = r->pf.vfs[i].addr;

		if (!resize_plan_in_guest(r->domains, r->ndomains, vf) &&
		    host->ops->send_home(host, vf, r->home, deadline, err))
			return -1;
	}
	return 0;
}

int resizing_change(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;
	const struct resize_request *request = r->request;

	if (host->ops->watch(host, err) || resizing_bring_up(r, err))
		return -1;
	if (r->plan.rehomes && host->ops->set_home(host, request->pf, request->home, err))
		return -1;
	if (r->plan.remakes) {
		log_say("%s has %u VFs, and gets %u", pf_str(&r->pf), r->pf.num_vfs,
			request->count);
		if (resizing_remake(r, request->count, err))
			return -1;
		if (r->pf.num_vfs < r->plan.needed || (request->count && !r->pf.num_vfs))
			return err_set(err, ERR_FAILED, "the kernel enabled %u VFs of %s, not %u",
				       r->pf.num_vfs, pf_str(&r->pf), request->count);
	}
	/* The kernel gives new VFs to the host's driver by itself, or to none. */
	if (request->home == VF_HOME_VFIO || (r->plan.rehomes && !r->plan.remakes))
		return resizing_send_home(r, request->home, err);
	return 0;
}

/* Who was late is bound by hand, and waited for once more. NULL: it is there; else why not. */
static struct err *await_home(struct resizing *r, const struct vf *vf, msec deadline, bool again)
{
	struct host *host = r->edges->host;
	enum vf_home home = r->request->home;
	struct err *why = NULL;
	msec now;

	if (!host->ops->wait_home(host, vf->addr, home, deadline, &why) || !again ||
	    why->code != ERR_TIMEOUT)
		return why;
	now = r->edges->now();
	if (host->ops->send_home(host, vf->addr, home, now + STRAGGLER_MS, NULL))
		return why;
	err_free(&why);
	(void)host->ops->wait_home(host, vf->addr, home, now + STRAGGLER_MS, &why);
	return why;
}

/*
 * What is not as it was asked for, though it was done: -1, and ERR_PARTIAL. A host that has no
 * driver for VFs at all may mean to have none.
 */
int resizing_verify(struct resizing *r, struct err **err)
{
	const struct resize_request *request = r->request;
	msec deadline = r->edges->now() + SETTLE_MS + r->pf.nvfs * (msec)100;
	struct err *list = NULL;
	size_t late = 0;
	bool driven = false;

	if (r->pf.num_vfs < request->count)
		err_set(err, ERR_PARTIAL, "the kernel enabled %u VFs of %s, not %u", r->pf.num_vfs,
			pf_str(&r->pf), request->count);
	else if (r->pf.nvfs < r->pf.num_vfs)
		err_set(err, ERR_PARTIAL, "%s shows %zu VFs, though the kernel counts %u",
			pf_str(&r->pf), r->pf.nvfs, r->pf.num_vfs);
	for (size_t i = 0; i < r->pf.nvfs; i++) {
		struct err *why = await_home(r, &r->pf.vfs[i], deadline, late < STRAGGLERS_MAX);

		if (why && late++ < STRAGGLERS_MAX) {
			if (!list)
				err_set(&list, ERR_PARTIAL, "not at home");
			err_detail(&list, "%s", why->what);
		}
		driven |= !why;
		err_free(&why);
	}
	if (late && !driven && request->home == VF_HOME_HOST) {
		log_warn("no driver of this host has taken the VFs of %s: is it blocked, or not "
			 "installed? (--no-host-driver says that it is not wanted)",
			 pf_str(&r->pf));
	} else if (late && !*err) {
		*err = steal(&list);
		free((*err)->what);
		(*err)->what = mem_printf("%zu of the %zu VFs of %s are not ready", late,
					  r->pf.nvfs, pf_str(&r->pf));
		err_next(err, "`vfpool check %s` may say why", pf_str(&r->pf));
	}
	err_free(&list);
	return *err ? -1 : 0;
}
