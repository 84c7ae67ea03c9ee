/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/execute.h"

#include <stdlib.h>
#include <string.h>

#include "converge/await.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "xml/device.h"
#include "xml/domain.h"
#include "xml/metadata.h"

/* libvirt gives the VF back before it reports the removal; the driver's netdev takes a moment. */
#define SETTLE_MS 10000

/* What all steps of one execution share. */
struct run {
	const struct execution *x;
	/* Read once for all that are confirmed. */
	struct domain_view live, config;
	struct pciaddr *up; /* PFs that were brought up */
	size_t nup;
	bool recorded; /* the guest's metadata has been written, or need not be */
};

static const struct pf *lease_pf(const struct run *run, const struct lease *lease)
{
	return inventory_pf(run->x->inventory, lease->pf);
}

/* Settings are kept by the PF's netdev: a PF that is no NIC has none. */
static const struct pf *settings_pf(const struct run *run, const struct lease *lease)
{
	const struct pf *pf = lease_pf(run, lease);

	return pf && pf->netdev ? pf : NULL;
}

static int store_state(const struct run *run, struct lease *lease, enum lease_state state,
		       struct err **err)
{
	struct store *store = run->x->edges->store;

	lease->state = state;
	/* It has come further, so whatever kept it is over. */
	lease->expires = 0;
	free(steal(&lease->reason));
	return store->ops->update(store, lease, err);
}

static int do_drop(struct run *run, struct subject *sub, struct err **err)
{
	struct store *store = run->x->edges->store;
	struct err *why = NULL;

	if (store->ops->drop(store, &sub->lease, &why) && why->code != ERR_ABSENT) {
		*err = why;
		return -1;
	}
	err_free(&why);
	lease_clear(&sub->lease);
	sub->leased = false;
	return 0;
}

/* Those of the VF's settings that are not as wanted are applied. */
static int settings_apply(const struct run *run, const struct lease *lease,
			  const struct vf_settings *now, const struct vf_settings *want,
			  struct err **err)
{
	struct host *host = run->x->edges->host;
	struct vf_settings todo = *want;

	todo.known = vf_settings_diff(now, want);
	return todo.known
		       ? host->ops->apply(host, settings_pf(run, lease), lease->index, &todo, err)
		       : 0;
}

/* What vfpool sets itself on the subject's VF, as far as its driver can (.known of can). */
static struct vf_settings settings_of(const struct subject *sub, const struct vf_settings *can)
{
	struct vf_settings want = assignment_settings(&sub->assignment, can);

	/* libvirt saves and sets these itself, unless the guest has the VF already. */
	if (sub->assignment.form == FORM_INTERFACE && !(sub->have & ~sub->unplug & VIEW_LIVE))
		want.known &= ~(unsigned)(SETTING_MAC | SETTING_VLAN);
	return want;
}

/*
 * What was saved of a VF that has vanished is of no use for one that comes in its place, not even
 * at the same address.
 */
static int do_lose(struct run *run, struct subject *sub, struct err **err)
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
static int do_give_up(struct run *run, struct subject *sub, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct pf *pf = settings_pf(run, &sub->lease);
	struct vf_settings now, ours, back = sub->lease.saved;

	if (pf && back.known && pf_vf_by_index(pf, sub->lease.index)) {
		if (host->ops->read_settings(host, pf, sub->lease.index, &now, err))
			return -1;
		ours = settings_of(sub, &now);
		back.known &= ours.known & ~vf_settings_diff(&now, &ours);
		if (settings_apply(run, &sub->lease, &now, &back, err))
			return -1;
	}
	return do_drop(run, sub, err);
}

static int do_claim(struct run *run, struct subject *sub, struct err **err)
{
	struct store *store = run->x->edges->store;

	if (store->ops->claim(store, &sub->fresh, err))
		return -1;
	sub->lease = sub->fresh;
	sub->fresh = (struct lease){0};
	sub->leased = true;
	sub->claims = false;
	return 0;
}

static int do_record(struct run *run, unsigned views, struct err **err)
{
	const struct execution *x = run->x;
	struct virt *virt = x->edges->virt;
	cleanup_free char *live = metadata_xml_format(&x->plan->record.live);
	cleanup_free char *config = metadata_xml_format(&x->plan->record.config);

	/* One round trip where both say the same. */
	if (views == (VIEW_LIVE | VIEW_CONFIG) &&
	    (live == config || (live && config && !strcmp(live, config))))
		return virt->ops->set_metadata(virt, x->dom, live, views, err);
	if (views & VIEW_CONFIG && virt->ops->set_metadata(virt, x->dom, config, VIRT_CONFIG, err))
		return -1;
	if (views & VIEW_LIVE && virt->ops->set_metadata(virt, x->dom, live, VIRT_LIVE, err))
		return -1;
	return 0;
}

static int do_release(struct run *run, struct subject *sub, struct err **err)
{
	return store_state(run, &sub->lease, LEASE_RELEASING, err);
}

/* By its alias; it may be out already. */
static int take_out_of_definition(const struct run *run, const char *alias, struct err **err)
{
	struct virt *virt = run->x->edges->virt;
	struct err *why = NULL;

	if (virt->ops->detach(virt, run->x->dom, alias, VIRT_CONFIG, &why) &&
	    why->code != ERR_ABSENT) {
		*err = why;
		return -1;
	}
	err_free(&why);
	return 0;
}

static int do_unplug_config(struct run *run, struct subject *sub, struct err **err)
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
	if (virt->ops->undefine(virt, x->dom, text, &why) && why->code != ERR_ABSENT) {
		*err = why;
		return -1;
	}
	err_free(&why);
	return 0;
}

static int do_unplug_standby(struct run *run, struct subject *sub, struct err **err)
{
	cleanup_free char *alias = mem_printf(
		ASSIGNMENT_ALIAS_PREFIX "%s" ASSIGNMENT_STANDBY_SUFFIX, sub->assignment.id);

	if (sub->standby_unplug & VIEW_CONFIG && take_out_of_definition(run, alias, err))
		return -1;
	return sub->standby_unplug & VIEW_LIVE ? await_ask(run->x, sub, PART_STANDBY, err) : 0;
}

static int do_unplug(struct run *run, struct subject *sub, struct err **err)
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
			       settings_apply(run, lease, now, &lease->saved, err) ||
			       bind_again(run, lease, err) ||
			       host->ops->read_settings(host, settings_pf(run, lease), lease->index,
							now, err)
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
	return lease->driver ? store_state(run, lease, lease->state, err) : 0;
}

static int do_settle(struct run *run, struct subject *sub, struct err **err)
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
	*err = why;
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
		return settings_apply(run, &sub->lease, &now, &back, err);
	if (restore_unbound(run, &sub->lease, &now, err))
		return -1;
	/*
	 * A driver that finds no MAC takes one and tells the PF, and udev can put another in its
	 * place a while later. Cleared again, it would leave the netdev deaf.
	 */
	if (mac_is_zero(back.mac))
		back.known &= ~(unsigned)SETTING_MAC;
	return settings_apply(run, &sub->lease, &now, &back, err);
}

static int do_restore(struct run *run, struct subject *sub, struct err **err)
{
	if (!sub->lease.saved.known || !lease_pf(run, &sub->lease) ||
	    !restore(run, sub, settings_pf(run, &sub->lease), err))
		return 0;
	err_wrap(err, "restoring the settings of VF %s", pciaddr_str(sub->lease.vf));
	return err_next(
		err, "mend the cause, then `vfpool reconcile`: the VF stays set aside until then");
}

/* What was there before us is there again, and is saved anew when the guest gets the VF back. */
static int do_reserve(struct run *run, struct subject *sub, struct err **err)
{
	struct store *store = run->x->edges->store;

	sub->lease.saved = (struct vf_settings){0};
	sub->lease.state = LEASE_RESERVED;
	sub->lease.expires = sub->kept;
	free(steal(&sub->lease.reason));
	return store->ops->update(store, &sub->lease, err);
}

static int do_pf_up(struct run *run, struct subject *sub, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct pf *pf = lease_pf(run, &sub->lease);

	for (size_t i = 0; i < run->nup; i++)
		if (pciaddr_equal(run->up[i], pf->addr))
			return 0;
	log_say("bringing %s up: libvirt gives no VF of a PF that is down", pf_str(pf));
	if (host->ops->pf_up(host, pf, err))
		return err_wrap(err, "bringing %s up", pf_str(pf));
	*(struct pciaddr *)mem_append(&run->up, &run->nup, sizeof(*run->up)) = pf->addr;
	return 0;
}

/*
 * What the guest has by now is not what was there before, which nobody knows any more. libvirt puts
 * back the MAC and VLAN that it set itself; those of a plain hostdev are taken off, since they must
 * not stay when the guest has gone elsewhere. What vfpool had set beside them before it lost the
 * lease goes back to what is safe.
 */
static void forget_ours(const struct assignment *a, struct vf_settings *saved)
{
	unsigned ours = a->adopted_set ? 0 : a->settings.known;

	if (a->form == FORM_INTERFACE) {
		saved->known &= ~(unsigned)(SETTING_MAC | SETTING_VLAN);
	} else {
		saved->mac = (struct mac){0};
		saved->vlan = saved->qos = 0;
		saved->vlan_proto = 0x8100;
	}
	if (ours & SETTING_SPOOFCHK)
		saved->spoofchk = true;
	if (ours & SETTING_TRUST)
		saved->trust = false;
	if (ours & SETTING_LINK_STATE)
		saved->link_state = 0;
	if (ours & SETTING_RATE)
		saved->min_rate = saved->max_rate = 0;
}

/* The VFs may have been made, or given back, only just now. */
static int wait_named(const struct run *run, const struct subject *sub, struct err **err)
{
	const struct edges *edges = run->x->edges;

	return edges->host->ops->wait_named(edges->host, sub->lease.vf, edges->now() + SETTLE_MS,
					    err);
}

static int do_save(struct run *run, struct subject *sub, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct pf *pf = settings_pf(run, &sub->lease);

	if (wait_named(run, sub, err))
		return -1;
	if (pf && host->ops->read_settings(host, pf, sub->lease.index, &sub->lease.saved, err))
		return -1;
	if (sub->have & ~sub->unplug & VIEW_LIVE)
		forget_ours(&sub->assignment, &sub->lease.saved);
	return store_state(run, &sub->lease, LEASE_PLUGGING, err);
}

static int do_set(struct run *run, struct subject *sub, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct pf *pf = settings_pf(run, &sub->lease);
	struct vf_settings now = sub->lease.saved, want;
	unsigned cannot;

	if (!pf)
		return 0;
	/* What has just been saved is what is there, unless the guest has the VF. */
	if ((!(sub->did & 1u << STEP_SAVE) || sub->have & ~sub->unplug & VIEW_LIVE) &&
	    host->ops->read_settings(host, pf, sub->lease.index, &now, err))
		return -1;
	want = settings_of(sub, &now);
	cannot = assignment_settings(&sub->assignment, &now).known & ~now.known;
	if (cannot)
		return err_set(err, ERR_UNSUPPORTED, "the driver of %s (%s) cannot set %s of a VF",
			       pf->netdev, pf->driver ? pf->driver : "none",
			       vf_settings_word(cannot));
	return settings_apply(run, &sub->lease, &now, &want, err);
}

static int do_plug_standby(struct run *run, struct subject *sub, struct err **err)
{
	struct virt *virt = run->x->edges->virt;
	cleanup_free char *xml = device_xml_standby(&sub->assignment, sub->standby_tagged);

	if (!virt->ops->attach(virt, run->x->dom, xml, sub->standby_plug, err))
		return 0;
	/* Another VF would not help. */
	if ((*err)->code == ERR_TAKEN)
		err_recode(err, ERR_FAILED);
	return err_wrap(err, "the standby on network %s", sub->assignment.standby);
}

static int do_plug(struct run *run, struct subject *sub, struct err **err)
{
	struct virt *virt = run->x->edges->virt;
	cleanup_free char *xml = device_xml_format(&sub->assignment, sub->lease.vf, !sub->prebound);

	if (sub->plug & VIEW_LIVE && wait_named(run, sub, err))
		return -1;
	return virt->ops->attach(virt, run->x->dom, xml, sub->plug, err);
}

static int view_read(const struct run *run, unsigned view, struct domain_view *out,
		     struct err **err)
{
	struct virt *virt = run->x->edges->virt;
	cleanup_free char *xml = NULL;

	if (out->present)
		return 0;
	if (virt->ops->xml(virt, run->x->dom, view, &xml, err) || domain_xml_parse(xml, out, err))
		return -1;
	out->present = true;
	return 0;
}

static int confirm_standby(const struct run *run, struct subject *sub,
			   const struct domain_view *view, const char *words, struct err **err)
{
	struct assignment *a = &sub->assignment;
	const struct standby *standby = domain_view_standby(view, a->id);

	if (!a->standby)
		return 0;
	if (!standby)
		return err_set(err, ERR_FAILED,
			       "the %s definition of %s shows no standby of assignment %s", words,
			       run->x->domain->name, a->id);
	if (!a->standby_guest_set && standby->guest_set) {
		a->standby_guest_set = true;
		a->standby_guest = standby->guest;
	}
	return 0;
}

/* libvirt has said that it is in, and it is where we wanted it: the XML could say no more. */
static bool is_known_to_be_in(const struct subject *sub, unsigned which)
{
	return sub->did & 1u << STEP_PLUG && sub->plug & which && sub->assignment.guest_set &&
	       !sub->assignment.standby;
}

static int confirm_view(struct run *run, struct subject *sub, unsigned which, struct err **err)
{
	struct domain_view *view = which == VIEW_LIVE ? &run->live : &run->config;
	const char *words = which == VIEW_LIVE ? "running" : "persistent";
	const struct device *device;

	if (!(sub->want & which) || is_known_to_be_in(sub, which))
		return 0;
	if (view_read(run, which, view, err))
		return -1;
	device = domain_view_device(view, sub->assignment.id);
	if (!device || !pciaddr_equal(device->host, sub->lease.vf))
		return err_set(err, ERR_FAILED, "the %s definition of %s shows no VF %s of ours",
			       words, run->x->domain->name, pciaddr_str(sub->lease.vf));
	if (!sub->assignment.guest_set && device->guest_set) {
		sub->assignment.guest_set = true;
		sub->assignment.guest = device->guest;
	}
	return confirm_standby(run, sub, view, words, err);
}

/* Only while the guest has it: libvirt sets MAC and VLAN when the guest starts. */
static int confirm_settings(struct run *run, struct subject *sub, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct pf *pf = settings_pf(run, &sub->lease);
	struct vf_settings want, now;
	unsigned off;

	if (!pf || !(sub->want & VIEW_LIVE))
		return 0;
	if (host->ops->read_settings(host, pf, sub->lease.index, &now, err))
		return -1;
	want = assignment_settings(&sub->assignment, &now);
	off = vf_settings_diff(&now, &want);
	if (off & SETTING_MAC)
		return err_set(err, ERR_FAILED, "VF %s has MAC %s, not %s",
			       pciaddr_str(sub->lease.vf), mac_str(now.mac), mac_str(want.mac));
	if (off & SETTING_VLAN)
		return err_set(err, ERR_FAILED, "VF %s has VLAN %u, not %u",
			       pciaddr_str(sub->lease.vf), now.vlan, want.vlan);
	if (off)
		return err_set(err, ERR_FAILED, "VF %s has not the %s that was set",
			       pciaddr_str(sub->lease.vf), vf_settings_word(off));
	return 0;
}

static int do_confirm(struct run *run, struct subject *sub, struct err **err)
{
	if (confirm_view(run, sub, VIEW_LIVE, err) || confirm_view(run, sub, VIEW_CONFIG, err) ||
	    confirm_settings(run, sub, err))
		return -1;
	return store_state(run, &sub->lease, LEASE_HELD, err);
}

static unsigned learn_into(struct assignments *list, const struct subject *sub, unsigned view)
{
	struct assignment *item = assignments_find(list, sub->assignment.id);
	const struct assignment *a = &sub->assignment;
	bool has_our_alias =
		item && item->adopted_set && sub->plug & view && sub->did & 1u << STEP_CONFIRM;
	bool has_address = item && !item->guest_set && a->guest_set;
	bool has_standby = item && !item->standby_guest_set && a->standby_guest_set;

	if (has_our_alias)
		item->adopted_set = false;
	if (has_address) {
		item->guest_set = true;
		item->guest = a->guest;
	}
	if (has_standby) {
		item->standby_guest_set = true;
		item->standby_guest = a->standby_guest;
	}
	return has_our_alias || has_address || has_standby ? view : 0;
}

static int do_learn(struct run *run, struct err **err)
{
	struct plan *plan = run->x->plan;
	unsigned views = 0;

	for (size_t i = 0; i < plan->nsubjects; i++) {
		views |= learn_into(&plan->record.live, &plan->subjects[i], VIEW_LIVE);
		views |= learn_into(&plan->record.config, &plan->subjects[i], VIEW_CONFIG);
	}
	if (!run->x->domain->live.present)
		views &= ~VIEW_LIVE;
	return views ? do_record(run, views, err) : 0;
}

static int do_step_of_all(struct run *run, const struct step *step, struct err **err)
{
	switch (step->kind) {
	case STEP_RECORD:
		run->recorded = true;
		return do_record(run, step->views, err);
	case STEP_AWAIT:
		return await_all(run->x, PART_VF, err);
	case STEP_AWAIT_STANDBY:
		return await_all(run->x, PART_STANDBY, err);
	case STEP_LEARN:
		return do_learn(run, err);
	default: /* the others are about one subject */
		return err_set(err, ERR_FAILED, "step %s has no subject", step_name(step->kind));
	}
}

static int (*const subject_steps[])(struct run *, struct subject *, struct err **) = {
	[STEP_GIVE_UP] = do_give_up,
	[STEP_CLAIM] = do_claim,
	[STEP_RELEASE] = do_release,
	[STEP_UNPLUG_CONFIG] = do_unplug_config,
	[STEP_UNPLUG] = do_unplug,
	[STEP_SETTLE] = do_settle,
	[STEP_RESTORE] = do_restore,
	[STEP_RESERVE] = do_reserve,
	[STEP_DROP] = do_drop,
	[STEP_PF_UP] = do_pf_up,
	[STEP_SAVE] = do_save,
	[STEP_SET] = do_set,
	[STEP_PLUG] = do_plug,
	[STEP_CONFIRM] = do_confirm,
	[STEP_UNPLUG_STANDBY] = do_unplug_standby,
	[STEP_PLUG_STANDBY] = do_plug_standby,
};

/* 0: go on; 1: the rest is not to be tried; -1: error. */
static int do_step(struct run *run, const struct step *step, struct err **err)
{
	struct subject *sub;
	struct err *why = NULL;

	if (step->subject == STEP_ALL)
		return do_step_of_all(run, step, err);
	sub = &run->x->plan->subjects[step->subject];
	/* That has an error already, which counts more than that it cannot be written down. */
	if (step->kind == STEP_LOSE) {
		if (!do_lose(run, sub, NULL))
			sub->did |= 1u << step->kind;
		return 0;
	}
	if (sub->err || sub->taken)
		return 0;
	if (!subject_steps[step->kind](run, sub, &why)) {
		sub->did |= 1u << step->kind;
		return 0;
	}
	if (why->code == ERR_LOST) {
		*err = why;
		return -1;
	}
	if (why->code == ERR_TAKEN) {
		log_say("%s: looking for another", why->what);
		sub->taken = true;
		err_free(&why);
	} else {
		sub->err = why;
	}
	return step->kind == STEP_CLAIM || step->kind == STEP_GIVE_UP ||
	       (!run->recorded && (run->x->whole || step->kind == STEP_RELEASE));
}

static bool has_step(const struct plan *plan, enum step_kind kind)
{
	for (size_t i = 0; i < plan->nsteps; i++)
		if (plan->steps[i].kind == kind)
			return true;
	return false;
}

int execute(struct execution *execution, struct err **err)
{
	struct run run = {
		.x = execution,
		.recorded = !has_step(execution->plan, STEP_RECORD),
	};
	int result = 0;

	for (size_t i = 0; i < execution->plan->nsteps && !result; i++)
		result = do_step(&run, &execution->plan->steps[i], err);
	domain_view_clear(&run.live);
	domain_view_clear(&run.config);
	free(run.up);
	return result < 0 ? -1 : 0;
}
