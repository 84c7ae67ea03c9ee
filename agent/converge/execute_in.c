// SPDX-License-Identifier: LGPL-2.1-or-later
/* A guest gets a VF. */
#include <stdlib.h>
#include <string.h>

#include "converge/executing.h"
#include "converge/reserve.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "xml/device.h"
#include "xml/domain.h"

int in_claim(struct run *run, struct subject *sub, struct err **err)
{
	return reserve_claim(run->x->edges->store, sub, err);
}

int in_pf_up(struct run *run, struct subject *sub, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct pf *pf = run_pf(run, &sub->lease);

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

/* What drove the VF of one that was reserved; of one that the guest has nobody knows that. */
static void save_driver(const struct run *run, const struct subject *sub, struct lease *lease)
{
	const struct pf *pf = run_pf(run, lease);
	const struct vf *vf = pf ? pf_vf_by_index(pf, lease->index) : NULL;

	if (!lease->driver && vf && !(sub->have & ~sub->unplug & VIEW_LIVE))
		lease->driver = mem_strdup(vf->driver);
}

int in_save(struct run *run, struct subject *sub, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct pf *pf = run_settings_pf(run, &sub->lease);

	if (wait_named(run, sub, err))
		return -1;
	save_driver(run, sub, &sub->lease);
	if (pf && host->ops->read_settings(host, pf, sub->lease.index, &sub->lease.saved, err))
		return -1;
	if (sub->have & ~sub->unplug & VIEW_LIVE)
		forget_ours(&sub->assignment, &sub->lease.saved);
	return run_store_state(run, &sub->lease, LEASE_PLUGGING, err);
}

int in_set(struct run *run, struct subject *sub, struct err **err)
{
	struct host *host = run->x->edges->host;
	const struct pf *pf = run_settings_pf(run, &sub->lease);
	struct vf_settings now = sub->lease.saved, want;
	unsigned cannot;

	if (!pf)
		return 0;
	/* What has just been saved is what is there, unless the guest has the VF. */
	if ((!(sub->did & 1u << STEP_SAVE) || sub->have & ~sub->unplug & VIEW_LIVE) &&
	    host->ops->read_settings(host, pf, sub->lease.index, &now, err))
		return -1;
	want = run_settings_of(sub, &now);
	cannot = assignment_settings(&sub->assignment, &now).known & ~now.known;
	if (cannot)
		return err_set(err, ERR_UNSUPPORTED, "the driver of %s (%s) cannot set %s of a VF",
			       pf->netdev, pf->driver ? pf->driver : "none",
			       vf_settings_word(cannot));
	return run_apply(run, &sub->lease, &now, &want, err);
}

int in_plug_standby(struct run *run, struct subject *sub, struct err **err)
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

int in_plug(struct run *run, struct subject *sub, struct err **err)
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
	const struct pf *pf = run_settings_pf(run, &sub->lease);
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

int in_confirm(struct run *run, struct subject *sub, struct err **err)
{
	if (confirm_view(run, sub, VIEW_LIVE, err) || confirm_view(run, sub, VIEW_CONFIG, err) ||
	    confirm_settings(run, sub, err))
		return -1;
	return run_store_state(run, &sub->lease, LEASE_HELD, err);
}
