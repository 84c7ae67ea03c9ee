/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "converge/planner.h"
#include "core/cleanup.h"
#include "core/mem.h"

static const char *const step_names[] = {
	[STEP_LOSE] = "lose",
	[STEP_GIVE_UP] = "give-up",
	[STEP_CLAIM] = "claim",
	[STEP_RECORD] = "record",
	[STEP_RELEASE] = "release",
	[STEP_UNPLUG_CONFIG] = "unplug-config",
	[STEP_UNPLUG] = "unplug",
	[STEP_AWAIT] = "await",
	[STEP_SETTLE] = "settle",
	[STEP_RESTORE] = "restore",
	[STEP_RESERVE] = "reserve",
	[STEP_DROP] = "drop",
	[STEP_PF_UP] = "pf-up",
	[STEP_SAVE] = "save",
	[STEP_SET] = "set",
	[STEP_PLUG] = "plug",
	[STEP_CONFIRM] = "confirm",
	[STEP_LEARN] = "learn",
	[STEP_UNPLUG_STANDBY] = "unplug-standby",
	[STEP_AWAIT_STANDBY] = "await-standby",
	[STEP_PLUG_STANDBY] = "plug-standby",
};
static_assert(ARRAY_SIZE(step_names) == STEP_LEARN + 1, "a name for every step");

const char *step_name(enum step_kind kind)
{
	return step_names[kind];
}

bool planner_listed(const struct pciaddr *list, size_t n, struct pciaddr addr)
{
	for (size_t i = 0; i < n; i++)
		if (pciaddr_equal(list[i], addr))
			return true;
	return false;
}

void planner_list(struct pciaddr **list, size_t *n, struct pciaddr addr)
{
	*(struct pciaddr *)mem_append(list, n, sizeof(addr)) = addr;
}

struct device *planner_device(const struct situation *s, unsigned view, const char *id)
{
	return domain_view_device(view == VIEW_LIVE ? &s->domain->live : &s->domain->config, id);
}

const struct vf *planner_vf(const struct situation *s, struct pciaddr addr, const struct pf **pf)
{
	const struct inventory *inventory = s->inventory;

	for (size_t i = 0; i < inventory->npfs; i++)
		for (size_t j = 0; j < inventory->pfs[i].nvfs; j++)
			if (pciaddr_equal(inventory->pfs[i].vfs[j].addr, addr)) {
				*pf = &inventory->pfs[i];
				return &inventory->pfs[i].vfs[j];
			}
	return NULL;
}

struct lease planner_lease(const struct situation *s, const struct subject *sub,
			   const struct pf *pf, const struct vf *vf)
{
	struct lease lease = {
		.vf = vf->addr,
		.pf = pf->addr,
		.index = vf->index,
		.domain_name = mem_strdup(s->domain->name),
		.state = LEASE_CLAIMED,
		.driver = mem_strdup(vf->driver),
		.since = s->now,
	};

	memcpy(lease.assignment, sub->assignment.id, sizeof(lease.assignment));
	memcpy(lease.domain_uuid, s->domain->uuid, sizeof(lease.domain_uuid));
	return lease;
}

/* The device's VF: the running one tells more than the definition. */
static const struct device *subject_device(const struct situation *s, const struct subject *sub)
{
	const struct device *live = planner_device(s, VIEW_LIVE, sub->assignment.id);

	return live ? live : planner_device(s, VIEW_CONFIG, sub->assignment.id);
}

/* Of one that lasts for as long as somebody has the guest's lock, should that one be killed. */
#define KEPT_SECONDS 300

/*
 * Until when the VF is kept for an assignment that was parked on this host. Not for a resize: that
 * makes all VFs anew, and remembers by itself who had which.
 */
static int64_t kept_until(const struct situation *s, const struct subject *sub,
			  const struct assignment *a)
{
	if (!a || !a->parked || a->parking.reason == PARK_RESIZE ||
	    strcmp(a->parking.host, s->here) != 0)
		return 0;
	if (a->parking.until)
		return a->parking.until;
	return sub->lease.state == LEASE_RESERVED && sub->lease.expires ? sub->lease.expires
									: s->now + KEPT_SECONDS;
}

static void subject_learn(struct planner *p, struct subject *sub, const char *id)
{
	const struct situation *s = p->s;
	const struct domain *d = s->domain;
	const struct assignment *live = assignments_find(&s->wants->live, id);
	const struct assignment *config = assignments_find(&s->wants->config, id);
	const struct lease *lease = leases_by_assignment(s->leases, id);

	const struct assignment *was = assignments_find(&d->live.assignments, id);

	if (!was)
		was = assignments_find(&d->config.assignments, id);
	if (live || config || was)
		sub->assignment = assignment_copy(live ? live : config ? config : was);
	else
		memcpy(sub->assignment.id, id, ASSIGNMENT_ID_SIZE);
	/* Chosen in an earlier round, and recorded. */
	if (was && !sub->assignment.form_set) {
		sub->assignment.form_set = true;
		sub->assignment.form = was->form;
	}
	if (was && mac_is_zero(sub->assignment.mac))
		sub->assignment.mac = was->mac;
	if (live && !live->parked && d->live.present)
		sub->want |= VIEW_LIVE;
	if (config && !config->parked && d->config.present)
		sub->want |= VIEW_CONFIG;
	if (planner_device(s, VIEW_LIVE, id))
		sub->have |= VIEW_LIVE;
	if (planner_device(s, VIEW_CONFIG, id))
		sub->have |= VIEW_CONFIG;
	if (lease && !strcmp(lease->domain_uuid, d->uuid)) {
		sub->leased = true;
		sub->lease = lease_copy(lease);
		sub->vf = lease->vf;
		sub->index = lease->index;
	}
	if (subject_device(s, sub))
		sub->vf = subject_device(s, sub)->host;
	planner_standby_learn(s, sub);
	if (sub->leased)
		sub->kept = kept_until(s, sub, live && live->parked ? live : config);
}

/* The guest has a VF that no lease of its own stands for: the guest is right, unless it is stolen.
 */
static void claim_device(struct planner *p, struct subject *sub, struct pciaddr host)
{
	const struct situation *s = p->s;
	const struct lease *other = leases_by_vf(s->leases, host);
	const struct pf *pf = NULL;
	const struct vf *vf = planner_vf(s, host, &pf);

	if (other) {
		err_set(&sub->err, ERR_FAILED,
			"%s has VF %s, which is promised to %s (assignment %s)", s->domain->name,
			pciaddr_str(host), other->domain_name, other->assignment);
		err_next(&sub->err, "`vfpool detach` it from one of the two");
		return;
	}
	if (!vf) {
		err_set(&sub->err, ERR_FAILED, "%s has %s, which is no VF of this host",
			s->domain->name, pciaddr_str(host));
		return;
	}
	sub->claims = true;
	sub->fresh = planner_lease(s, sub, pf, vf);
	/* What drove it before the guest got it is not to be seen any more, but where it stays. */
	if (sub->have & VIEW_LIVE && planner_device(s, VIEW_LIVE, sub->assignment.id)->managed)
		free(steal(&sub->fresh.driver));
}

/* The one that is to be taken over with a guest that is off; there is no other in its place. */
static void claim_defined(struct planner *p, struct subject *sub, struct pciaddr host)
{
	const struct situation *s = p->s;
	const struct judge judge = {.leases = s->leases, .foreigns = s->foreigns, .index = -1};
	cleanup_free char *reason = NULL;
	const struct pf *pf = NULL;
	const struct vf *vf = planner_vf(s, host, &pf);

	if (vf && candidate_judge(&judge, pf, vf, &reason) != REFUSAL_NONE)
		err_set(&sub->err, ERR_NO_VF, "VF %s, which %s names, is not free: %s",
			pciaddr_str(host), s->domain->name, reason);
	else
		claim_device(p, sub, host);
}

/*
 * The VF has vanished, and left a device behind that is good for nothing, whatever may be at its
 * address by now.
 */
static bool is_dead(const struct situation *s, const struct subject *sub,
		    const struct device *device)
{
	return planner_listed(s->gone, s->ngone, device->host) ||
	       (sub->leased && sub->lease.state == LEASE_LOST &&
		pciaddr_equal(sub->lease.vf, device->host));
}

/* Which VF it is to have: the one in the running guest, else the one leased, else a new one. */
static void subject_find_vf(struct planner *p, struct subject *sub)
{
	const struct situation *s = p->s;
	const struct device *live = planner_device(s, VIEW_LIVE, sub->assignment.id);
	const struct device *config = planner_device(s, VIEW_CONFIG, sub->assignment.id);
	const struct pf *pf;

	if (!live && !sub->leased && config && config->adopted) {
		claim_defined(p, sub, config->host);
	} else if (live && !is_dead(s, sub, live)) {
		if (!sub->leased || !pciaddr_equal(sub->lease.vf, live->host))
			claim_device(p, sub, live->host);
	} else if (!sub->leased || planner_listed(s->busy, s->nbusy, sub->lease.vf) ||
		   !planner_vf(s, sub->lease.vf, &pf)) {
		planner_choose(p, sub);
	}
}

/* Does the definition say what libvirt is to set when the guest starts? */
static bool device_fits(const struct device *device, const struct subject *sub)
{
	const struct assignment *a = &sub->assignment;

	return !device->adopted && device->managed == !sub->prebound && device->form == a->form &&
	       (device->form == FORM_HOSTDEV ||
		(mac_equal(device->mac, a->mac) && device->vlan == a->vlan));
}

/*
 * Where it comes out and where it goes in. A definition that names another VF than the one it has
 * is both: libvirt cannot change the address of a device. So is a guest with a dead device.
 */
static void subject_compare(struct planner *p, struct subject *sub)
{
	const struct device *live = planner_device(p->s, VIEW_LIVE, sub->assignment.id);
	const struct device *config = planner_device(p->s, VIEW_CONFIG, sub->assignment.id);
	const struct lease *lease = sub->claims ? &sub->fresh : &sub->lease;

	sub->unplug = sub->have & ~sub->want;
	sub->plug = sub->want & ~sub->have;
	if (live && sub->want & VIEW_LIVE && is_dead(p->s, sub, live)) {
		sub->unplug |= VIEW_LIVE;
		sub->plug |= VIEW_LIVE;
	}
	if (config && sub->want & VIEW_CONFIG &&
	    (!pciaddr_equal(config->host, lease->vf) || !device_fits(config, sub))) {
		sub->unplug |= VIEW_CONFIG;
		sub->plug |= VIEW_CONFIG;
	}
}

/*
 * Settings that are not wanted any more, that somebody else has changed, or that went with the VF
 * when it was made anew, while the guest has it or will find it when it starts. A trusted guest may
 * choose its own MAC, and the PF reports that one.
 */
static bool has_drifted(const struct planner *p, const struct subject *sub)
{
	const struct pf *pf;
	const struct vf *vf;
	struct vf_settings want;

	unsigned has = sub->want & sub->have;

	if (!sub->leased || sub->claims ||
	    !(has & VIEW_LIVE || (has & VIEW_CONFIG && !(sub->have & VIEW_LIVE))))
		return false;
	vf = planner_vf(p->s, sub->lease.vf, &pf);
	if (!vf)
		return false;
	want = assignment_settings(&sub->assignment, &vf->settings);
	if (want.known & SETTING_TRUST && want.trust)
		want.known &= ~(unsigned)SETTING_MAC;
	/* These libvirt sets when the guest starts. */
	if (sub->assignment.form == FORM_INTERFACE && !(has & VIEW_LIVE))
		want.known &= ~(unsigned)(SETTING_MAC | SETTING_VLAN);
	/* What the driver cannot tell, it cannot have: STEP_SET says so. */
	return vf->settings.known &&
	       (vf_settings_diff(&vf->settings, &want) || want.known & ~vf->settings.known);
}

/*
 * Can the settings be had of this PF's driver? What it does not report it cannot set; what it
 * reports it may refuse still, which STEP_SET finds out.
 */
static void check_settings(const struct planner *p, struct subject *sub)
{
	const struct lease *lease = sub->claims ? &sub->fresh : &sub->lease;
	const struct pf *pf = NULL;
	const struct vf *vf = planner_vf(p->s, lease->vf, &pf);
	unsigned cannot;

	if (!vf || !pf->nic || !(sub->plug || sub->drifted))
		return;
	if (!pf->netdev) {
		err_set(&sub->err, ERR_UNSUPPORTED,
			"PF %s has no netdev in this network namespace, and by that alone its VFs' "
			"settings can be reached",
			pciaddr_str(pf->addr));
		err_next(&sub->err,
			 "see that its driver is bound and its netdev is in this namespace");
		return;
	}
	/* None at all: they were not read, or could not be. */
	if (!vf->settings.known)
		return;
	cannot = assignment_settings(&sub->assignment, &vf->settings).known & ~vf->settings.known;
	if (cannot)
		err_set(&sub->err, ERR_UNSUPPORTED, "the driver of %s (%s) cannot set %s of a VF",
			pf_str(pf), pf->driver ? pf->driver : "none", vf_settings_word(cannot));
}

static bool is_prebound(const struct planner *p, const struct subject *sub)
{
	const struct lease *lease = sub->claims ? &sub->fresh : &sub->lease;
	const struct pf *pf = NULL;
	const struct vf *vf = planner_vf(p->s, lease->vf, &pf);

	if (!sub->claims && !sub->leased)
		return false;
	/* Nobody has touched that one since it was reserved. */
	if (!lease->driver && lease->state == LEASE_RESERVED && vf && vf->driver &&
	    !strcmp(vf->driver, "vfio-pci"))
		return true;
	return lease_is_prebound(lease) || (vf && vf->prebound);
}

static void subject_plan(struct planner *p, struct subject *sub)
{
	const struct situation *s = p->s;
	const struct device *device = subject_device(s, sub);
	const struct pf *pf;

	if (sub->want) {
		subject_find_vf(p, sub);
		if (sub->err)
			return;
	}
	sub->prebound = is_prebound(p, sub);
	subject_compare(p, sub);
	sub->drifted = has_drifted(p, sub);
	check_settings(p, sub);
	if (sub->err)
		return;
	pf = inventory_pf(s->inventory, sub->claims ? sub->fresh.pf : sub->lease.pf);
	if (pf && (sub->claims || sub->leased))
		sub->pf = mem_strdup(pf_str(pf));
	if (sub->claims) {
		sub->vf = sub->fresh.vf;
		sub->index = sub->fresh.index;
	}
	if ((sub->unplug | sub->standby_unplug) & VIEW_LIVE && s->domain->paused) {
		err_set(&sub->err, ERR_GUEST, "%s is paused, so it cannot let go of %s %s",
			s->domain->name,
			sub->unplug & VIEW_LIVE ? "VF" : "the standby of assignment",
			sub->unplug & VIEW_LIVE ? pciaddr_str(sub->vf) : sub->assignment.id);
		err_now(&sub->err, "nothing was changed");
		err_next(&sub->err, "`virsh resume %s` and try again", s->domain->name);
		return;
	}
	planner_standby(p, sub);
	if (sub->err || !(sub->plug || sub->standby_plug))
		return;
	if (!sub->assignment.guest_set && device && device->guest_set) {
		sub->assignment.guest_set = true;
		sub->assignment.guest = device->guest;
	}
	planner_slots(p, sub);
}

/* Something is in its way, and its VF is not there any more: that is to be seen. */
static bool is_lost(const struct planner *p, const struct subject *sub)
{
	const struct pf *pf;

	return sub->err && sub->leased && sub->lease.state != LEASE_LOST &&
	       !planner_vf(p->s, sub->lease.vf, &pf);
}

/* What was chosen goes into the wants that are written. */
static void record_choice(struct assignments *list, const struct assignment *a)
{
	struct assignment *item = assignments_find(list, a->id);

	if (item) {
		item->form_set = a->form_set;
		item->form = a->form;
		item->mac = a->mac;
	}
	if (item && a->guest_set) {
		item->guest_set = true;
		item->guest = a->guest;
	}
	if (item && a->standby_guest_set) {
		item->standby_guest_set = true;
		item->standby_guest = a->standby_guest;
	}
}

/* What cannot be done is not recorded as if it would be: what the guest's metadata says of it
 * stays. */
static void record_as_before(struct assignments *list, const struct assignments *before,
			     const char *id)
{
	const struct assignment *old = assignments_find(before, id);
	const struct assignment *new = assignments_find(list, id);

	if (old && new &&assignment_equal(old, new))
		return;
	assignments_remove(list, id);
	if (old)
		assignments_add(list, assignment_copy(old));
}

void plan_make(const struct situation *s, struct plan *plan)
{
	struct planner p = {.s = s, .plan = plan};
	struct scope all = {0};
	const struct scope *scope = s->scope;

	*plan = (struct plan){.record = wants_copy(s->wants)};
	if (!scope) {
		scope_of_domain(&all, s->domain, s->wants, s->leases);
		scope = &all;
	}
	plan->subjects = mem_zero(scope->n, sizeof(*plan->subjects));
	plan->nsubjects = scope->n;
	/* First what each has, so that none is given what another one already holds. */
	for (size_t i = 0; i < scope->n; i++)
		subject_learn(&p, &plan->subjects[i], scope->ids[i]);
	for (size_t i = 0; i < s->leases->n; i++)
		if (!strcmp(s->leases->items[i].domain_uuid, s->domain->uuid))
			planner_list(&p.mates, &p.nmates, s->leases->items[i].pf);
	for (size_t i = 0; i < scope->n; i++)
		subject_plan(&p, &plan->subjects[i]);
	for (size_t i = 0; i < scope->n; i++)
		plan->subjects[i].loses = is_lost(&p, &plan->subjects[i]);
	for (size_t i = 0; i < scope->n; i++) {
		const struct subject *sub = &plan->subjects[i];
		const struct domain *d = s->domain;

		if (sub->err) {
			record_as_before(&plan->record.live, &d->live.assignments, scope->ids[i]);
			record_as_before(&plan->record.config, &d->config.assignments,
					 scope->ids[i]);
		} else {
			record_choice(&plan->record.live, &sub->assignment);
			record_choice(&plan->record.config, &sub->assignment);
		}
	}
	planner_order(s, plan);
	scope_clear(&all);
	free(p.claimed);
	free(p.slots);
	free(p.mates);
}

void plan_clear(struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++) {
		struct subject *sub = &plan->subjects[i];

		assignment_clear(&sub->assignment);
		lease_clear(&sub->lease);
		lease_clear(&sub->fresh);
		free(sub->pf);
		err_free(&sub->err);
		err_free(&sub->silent);
	}
	free(plan->subjects);
	free(plan->steps);
	wants_clear(&plan->record);
	*plan = (struct plan){0};
}

const struct err *plan_silence(const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (plan->subjects[i].silent)
			return plan->subjects[i].silent;
	return NULL;
}
