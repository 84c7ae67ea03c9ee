/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is concerned by a resize, and that nobody else comes between. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converge/domain.h"
#include "converge/resizing.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "host/lock.h"

/* So often the guests concerned may change before they are all locked. */
#define ROUNDS_MAX 8

/* Looking */

static void forget_view(struct resizing *r)
{
	pf_clear(&r->pf);
	leases_clear(&r->leases);
	for (size_t i = 0; i < r->ndomains; i++)
		domain_clear(&r->domains[i]);
	free(r->domains);
	r->domains = NULL;
	r->ndomains = 0;
	resize_note_clear(&r->note);
	resize_plan_clear(&r->plan);
}

int resizing_find_note(struct edges *edges, struct pciaddr pf, struct resize_note *out, bool *found,
		       struct err **err)
{
	struct resize_notes notes = {0};

	*found = false;
	if (edges->host->ops->read_notes(edges->host, &notes, err))
		return -1;
	for (size_t i = 0; i < notes.n; i++) {
		if (!pciaddr_equal(notes.items[i].pf, pf))
			continue;
		*out = notes.items[i];
		notes.items[i] = (struct resize_note){0};
		*found = true;
		break;
	}
	resize_notes_clear(&notes);
	return 0;
}

/* A domain that cannot be read may have any VF: then nothing can be said. */
static int read_domains(struct resizing *r, struct err **err)
{
	struct virt *virt = r->edges->virt;
	struct virt_dom *doms = NULL;
	size_t n = 0;
	int result = 0;

	if (!virt)
		return 0;
	if (virt->ops->list(virt, &doms, &n, err))
		return -1;
	r->domains = mem_zero(n, sizeof(*r->domains));
	for (size_t i = 0; i < n; i++) {
		if (!result) {
			result = domain_read(virt, &doms[i], &r->domains[r->ndomains], err);
			if (result)
				err_wrap(err, "reading what VFs %s has", doms[i].name);
			else
				r->ndomains++;
		}
		virt_dom_clear(virt, &doms[i]);
	}
	free(doms);
	return result;
}

/* Only VFs on a driver of VFIO's can be open in a process. */
static void find_users(struct resizing *r)
{
	struct host *host = r->edges->host;
	cleanup_free struct vf **asked = NULL;
	size_t n = 0;

	for (size_t i = 0; i < r->pf.nvfs; i++)
		if (driver_is_vfio(r->pf.vfs[i].driver))
			*(struct vf **)mem_append(&asked, &n, sizeof(*asked)) = &r->pf.vfs[i];
	host->ops->find_users(host, asked, n);
}

int resizing_check_count(const struct resizing *r, struct err **err)
{
	if (r->resumes || r->request->count <= r->pf.total_vfs)
		return 0;
	err_set(err, ERR_USAGE, "%s can have %u VFs at most", pf_str(&r->pf), r->pf.total_vfs);
	if (!r->pf.total_vfs)
		return err_next(err, "switch SR-IOV on in the card's firmware");
	return err_next(err, "ask for %u or fewer; some cards have the limit in their firmware",
			r->pf.total_vfs);
}

/* Whoever came here without libvirt did so because there was nobody to ask about. */
static int need_virt(const struct resizing *r, struct err **err)
{
	if (r->edges->virt || !(r->plan.remakes || r->plan.rehomes || r->left) ||
	    !(r->pf.num_vfs || r->leases.n || r->left))
		return 0;
	return err_set(err, ERR_FAILED, "%s has got VFs from somebody else just now",
		       pf_str(&r->pf));
}

int resizing_look(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;
	struct store *store = r->edges->store;

	forget_view(r);
	if (host->ops->read_pf(host, r->request->pf, HOST_NETDEVS, &r->pf, err) ||
	    resizing_check_count(r, err) ||
	    host->ops->read_home(host, r->request->pf, &r->home, err) ||
	    store->ops->list(store, NULL, &r->request->pf, &r->leases, err) ||
	    resizing_find_note(r->edges, r->request->pf, &r->note, &r->left, err) ||
	    read_domains(r, err))
		return -1;
	find_users(r);
	resize_plan_make(
		&(struct resize_situation){
			.pf = &r->pf,
			.home = r->home,
			.leases = &r->leases,
			.domains = r->domains,
			.ndomains = r->ndomains,
			.note = r->left ? &r->note : NULL,
			.count = r->resumes ? r->pf.num_vfs : r->request->count,
			.new_home = r->resumes ? r->home : r->request->home,
			.park = r->request->park,
			.force = r->request->force,
		},
		&r->plan);
	if (r->plan.refusal && !r->resumes) {
		*err = steal(&r->plan.refusal);
		return -1;
	}
	return need_virt(r, err);
}

/* Locking */

static void unlock(struct resizing *r)
{
	while (r->nguests)
		converge_close(&r->guests[--r->nguests]);
	free(r->guests);
	r->guests = NULL;
	if (r->lock >= 0)
		(void)close(r->lock);
	r->lock = -1;
}

static unsigned seconds_left(const struct resizing *r, msec deadline)
{
	return (unsigned)(clock_left(deadline, r->edges->now()) + 999) / 1000;
}

/* Domains before the PF, as everybody does who wants both. */
static int lock_planned(struct resizing *r, msec deadline, struct err **err)
{
	cleanup_free char *name = mem_printf(LOCK_OF_NUMBER "%s", pciaddr_str(r->request->pf));

	r->guests = mem_zero(r->plan.nconcerned, sizeof(*r->guests));
	for (size_t i = 0; i < r->plan.nconcerned; i++) {
		const struct concerned *one = &r->plan.concerned[i];

		if (converge_open_leased(&r->guests[i], r->edges, one->uuid, one->name,
					 seconds_left(r, deadline), err))
			return err_wrap(err, "locking %s", one->name);
		r->guests[i].resizing = &r->request->pf;
		r->nguests++;
	}
	return r->edges->lock(name, deadline, &r->lock, err);
}

static bool all_locked(const struct resizing *r)
{
	for (size_t i = 0; i < r->plan.nconcerned; i++) {
		bool found = false;

		for (size_t j = 0; j < r->nguests && !found; j++)
			found = !strcmp(r->guests[j].dom.uuid, r->plan.concerned[i].uuid);
		if (!found)
			return false;
	}
	return true;
}

/* Until all who are concerned are locked, somebody new can become one of them. */
int resizing_lock(struct resizing *r, msec deadline, struct err **err)
{
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		if (lock_planned(r, deadline, err) || resizing_look(r, err))
			return -1;
		if (all_locked(r))
			return 0;
		unlock(r);
	}
	err_set(err, ERR_FAILED, "the guests that have VFs of %s change all the time",
		pf_str(&r->pf));
	return err_next(err, "repeat the command when less is going on");
}

struct converge *resizing_guest(const struct resizing *r, const char *uuid)
{
	for (size_t i = 0; i < r->nguests; i++)
		if (!strcmp(r->guests[i].dom.uuid, uuid))
			return &r->guests[i];
	return NULL;
}

void resizing_close(struct resizing *r)
{
	unlock(r);
	forget_view(r);
}
