// SPDX-License-Identifier: LGPL-2.1-or-later
/* The host gets a VF back. */
#include <stdlib.h>
#include <string.h>

#include "converge/await.h"
#include "converge/executing.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/device.h"

int out_drop(struct run *run, struct subject *sub, struct err **err)
{
	struct store *store = run->x->edges->store;
	struct err *why = NULL;

	if (store->ops->drop(store, &sub->lease, &why) && why->code != ERR_ABSENT)
		return err_pass(err, why);
	err_free(&why);
	lease_clear(&sub->lease);
	sub->leased = false;
	return 0;
}

/*
 * What was saved of a VF that has vanished is of no use for one that comes in its place, not even
 * at the same address.
 */
int out_lose(struct run *run, struct subject *sub, struct err **err)
{
	struct store *store = run->x->edges->store;
	struct lease *lease = &sub->lease;

	lease->state = LEASE_LOST;
	lease->saved = (struct vf_settings){0};
	free(lease->reason);
	lease->reason = mem_printf("the VF has vanished; %s", sub->err->what);
	return store->ops->update(store, lease, err);
}

/*
 * Somebody else has the VF by now, so only what is still as we set it is taken back. libvirt has
 * changed nothing when it refuses.
 */
int out_give_up(struct run *run, struct subject *sub, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct pf *pf = run_settings_pf(run, &sub->lease);
	struct vf_settings now, ours, back = sub->lease.saved;

	if (pf && back.known && pf_vf_by_index(pf, sub->lease.index)) {
		if (host->ops->read_settings(host, pf, sub->lease.index, &now, err))
			return -1;
		ours = run_settings_of(sub, &now);
		back.known &= ours.known & ~vf_settings_diff(&now, &ours);
		if (run_apply(run, &sub->lease, &now, &back, err))
			return -1;
	}
	return out_drop(run, sub, err);
}

int out_release(struct run *run, struct subject *sub, struct err **err)
{
	return run_store_state(run, &sub->lease, LEASE_RELEASING, err);
}

/* By its alias; it may be out already. */
static int take_out_of_definition(const struct run *run, const char *alias, struct err **err)
{
	struct virt *virt = run->x->edges->virt;
	struct err *why = NULL;

	if (virt->ops->detach(virt, run->x->dom, alias, VIEW_CONFIG, run->x->deadline,
				&why) &&
	    why->code != ERR_ABSENT)
		return err_pass(err, why);
	err_free(&why);
	return 0;
}

int out_unplug_config(struct run *run, struct subject *sub, struct err **err)
{
	const struct execution *x = run->x;
	struct virt *virt = x->edges->virt;
	const struct device *device = domain_view_device(&x->domain->config, sub->assignment.id);
	cleanup_free char *text = NULL;
	struct err *why = NULL;

	if (!device || !device->adopted) {
		text = mem_printf(ASSIGNMENT_ALIAS_PREFIX "%s", sub->assignment.id);
		return take_out_of_definition(run, text, err);
	}
	text = device_xml_of_other(device);
	if (virt->ops->undefine(virt, x->dom, text, &why) && why->code != ERR_ABSENT)
		return err_pass(err, why);
	err_free(&why);
	return 0;
}

int out_unplug_standby(struct run *run, struct subject *sub, struct err **err)
{
	cleanup_free char *alias = mem_printf(
		ASSIGNMENT_ALIAS_PREFIX "%s" ASSIGNMENT_STANDBY_SUFFIX, sub->assignment.id);

	if (sub->standby_unplug & VIEW_CONFIG && take_out_of_definition(run, alias, err))
		return -1;
	return sub->standby_unplug & VIEW_LIVE ? await_ask(run->x, sub, PART_STANDBY, err) : 0;
}

int out_unplug(struct run *run, struct subject *sub, struct err **err)
{
	return await_ask(run->x, sub, PART_VF, err);
}

/* Does the host itself drive it, so that it has a netdev when no guest has it? */
static bool has_host_driver(const struct lease *lease)
{
	return lease->driver && strcmp(lease->driver, "vfio-pci") != 0;
}

/*
 * Does nobody see to it that it comes back: neither a process that has it open, nor, after all this
 * time, whoever took it off its driver: a libvirtd that was killed while it attached, or a vfpool
 * while it restored?
 */
static bool is_stranded(const struct run *run, const struct lease *lease)
{
	struct host *host = run->x->edges->host;
	struct vf *vf;
	struct pf pf = {0};
	bool stranded = false;

	if (host->ops->read_pf(host, lease->pf, 0, &pf, NULL))
		return false;
	vf = pf_vf_by_index(&pf, lease->index);
	if (vf && driver_is_vfio(vf->driver)) {
		host->ops->find_users(host, &vf, 1);
		stranded = !vf->user && !lease_is_prebound(lease);
	} else {
		stranded = vf && !vf->driver && lease->driver;
	}
	pf_clear(&pf);
	return stranded;
}

/* The driver of what is no NIC may refuse a VF that it was still looking at when this was leased.
 */
static bool is_refused(const struct run *run, const struct lease *lease)
{
	struct host *host = run->x->edges->host;
	const struct vf *vf;
	struct pf pf = {0};
	bool refused;

	if (host->ops->read_pf(host, lease->pf, 0, &pf, NULL))
		return false;
	vf = pf_vf_by_index(&pf, lease->index);
	refused = vf && !vf->driver && !pf.nic;
	pf_clear(&pf);
	return refused;
}

static int bind_again(const struct run *run, const struct lease *lease, struct err **err)
{
	struct host *host = run->x->edges->host;
	msec deadline = run->x->edges->now() + SETTLE_MS;
	enum vf_home home = lease_is_prebound(lease) ? VF_HOME_VFIO : VF_HOME_HOST;

	/* What it had before is not known, or nothing: then what all VFs of its PF have. */
	if (!lease->driver && host->ops->read_home(host, lease->pf, &home, err))
		return -1;
	return host->ops->send_home(host, lease->vf, home, deadline, err) ||
			       host->ops->wait_driver(host, lease->vf, lease->driver, deadline, err)
		       ? -1
		       : 0;
}

/*
 * A driver takes the MAC that is set when it is bound, and libvirt has bound it already: with the
 * guest's MAC, where libvirt did not set that itself. Without the assignment there is no telling.
 */
static bool is_bound_with_ours(const struct subject *sub, const struct vf_settings *now)
{
	const struct mac ours = sub->assignment.mac;

	return has_host_driver(&sub->lease) &&
	       vf_settings_diff(now, &sub->lease.saved) & SETTING_MAC &&
	       (mac_is_zero(ours) || mac_equal(now->mac, ours));
}

/* Off its driver, and on it again when the VF has its own MAC. */
static int restore_unbound(const struct run *run, const struct lease *lease,
			   struct vf_settings *now, struct err **err)
{
	struct host *host = run->x->edges->host;
	msec deadline = run->x->edges->now() + SETTLE_MS;

	return host->ops->send_home(host, lease->vf, VF_HOME_NONE, deadline, err) ||
			       run_apply(run, lease, now, &lease->saved, err) ||
			       bind_again(run, lease, err) ||
			       host->ops->read_settings(host, run_settings_pf(run, lease),
							lease->index, now, err)
		       ? -1
		       : 0;
}

/* Of a VF that the guest had before there was a lease it shows only now. */
static int learn_driver(const struct run *run, struct lease *lease, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct vf *vf;
	struct pf pf = {0};

	if (host->ops->read_pf(host, lease->pf, 0, &pf, err))
		return -1;
	vf = pf_vf_by_index(&pf, lease->index);
	lease->driver = vf ? mem_strdup(vf->driver) : NULL;
	pf_clear(&pf);
	/* Restoring may take it off that driver. */
	return lease->driver ? run_store_state(run, lease, lease->state, err) : 0;
}

int out_settle(struct run *run, struct subject *sub, struct err **err)
{
	const struct execution *x = run->x;
	struct host *host = x->edges->host;
	msec deadline = x->edges->now() + SETTLE_MS;
	struct err *why = NULL;

	if (host->ops->watch(host, err))
		return -1;
	/* All its PF's VFs may have been set so since it was leased. */
	if (sub->prebound && !lease_is_prebound(&sub->lease)) {
		free(sub->lease.driver);
		sub->lease.driver = mem_strdup("vfio-pci");
	}
	if (!host->ops->wait_driver(host, sub->lease.vf, sub->lease.driver, deadline, &why))
		return sub->lease.driver ? 0 : learn_driver(run, &sub->lease, err);
	if (why->code == ERR_TIMEOUT && is_stranded(run, &sub->lease)) {
		err_free(&why);
		if (!bind_again(run, &sub->lease, &why))
			return 0;
		if (why->code == ERR_TIMEOUT && is_refused(run, &sub->lease)) {
			err_free(&why);
			return 0;
		}
	}
	if (why->code == ERR_ABSENT) {
		/* A VF that is gone has no settings: nothing is left but to forget it. */
		err_free(&why);
		sub->lease.saved.known = 0;
		return 0;
	}
	err_pass(err, why);
	err_next(err, "bind VF %s to its driver, then `vfpool reconcile`",
		 pciaddr_str(sub->lease.vf));
	return -1;
}

static int restore(const struct run *run, const struct subject *sub, const struct pf *pf,
		   struct err **err)
{
	struct host *host = run->x->edges->host;
	struct vf_settings now, back = sub->lease.saved;

	if (!pf)
		return err_set(err, ERR_FAILED, "its PF %s has no netdev in this network namespace",
			       pciaddr_str(sub->lease.pf));
	if (host->ops->read_settings(host, pf, sub->lease.index, &now, err))
		return -1;
	if (!is_bound_with_ours(sub, &now))
		return run_apply(run, &sub->lease, &now, &back, err);
	if (restore_unbound(run, &sub->lease, &now, err))
		return -1;
	/*
	 * A driver that finds no MAC takes one and tells the PF, and udev can put another in its
	 * place a while later. Cleared again, it would leave the netdev deaf.
	 */
	if (mac_is_zero(back.mac))
		back.known &= ~(unsigned)SETTING_MAC;
	return run_apply(run, &sub->lease, &now, &back, err);
}

int out_restore(struct run *run, struct subject *sub, struct err **err)
{
	if (!sub->lease.saved.known || !run_pf(run, &sub->lease) ||
	    !restore(run, sub, run_settings_pf(run, &sub->lease), err))
		return 0;
	err_wrap(err, "restoring the settings of VF %s", pciaddr_str(sub->lease.vf));
	return err_next(
		err, "mend the cause, then `vfpool reconcile`: the VF stays set aside until then");
}

/* What was there before us is there again, and is saved anew when the guest gets the VF back. */
int out_reserve(struct run *run, struct subject *sub, struct err **err)
{
	struct store *store = run->x->edges->store;

	sub->lease.saved = (struct vf_settings){0};
	sub->lease.state = LEASE_RESERVED;
	sub->lease.expires = sub->kept;
	free(steal(&sub->lease.reason));
	return store->ops->update(store, &sub->lease, err);
}
