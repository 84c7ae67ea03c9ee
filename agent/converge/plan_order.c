/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order of a plan, and why:
 *
 *   lose         what is known about VFs that have vanished, though nothing else may come of it
 *   give up      a VF that libvirt refused is handed back before another is claimed
 *   claim        the store decides who gets a VF before anything else happens
 *   PF up, save, set: settings are saved before the first change to the VF; what a driver turns out
 *                to refuse is refused before anything of the guest is touched. The lease stands for
 *                it until then: without an assignment a converge takes it all back
 *   record       the guest's metadata is the intent: from here on a converge goes this way
 *   unplug config, unplug (all asked for at once), release, await: the metadata is record enough
 *                that they are to go, so the lease can follow while the guests let go
 *   unplug standby: the guest has lost the VF by then, and lets go of the rest while the host works
 *   settle, restore, drop: a VF is free only when it is really back; for a guest that is parked
 *   it is reserved in place of dropped
 *   await standby
 *   plug standby, plug: QEMU takes a VF for a standby's that is there; then confirm
 *   learn        last, and only where libvirt chose a guest address
 */
#include <string.h>

#include "converge/planner.h"
#include "core/mem.h"

/* A promise alone: neither VF nor guest has been touched. */
static bool is_untouched(const struct lease *lease)
{
	return lease->state == LEASE_CLAIMED || lease->state == LEASE_RESERVED;
}

/*
 * The guest that it is for may not even be here yet; then it expires. Or it is here, and has the
 * assignment still parked: then it is waited for. Where the assignment was taken from the guest,
 * nobody comes for it any more.
 */
static bool is_reserved(const struct situation *s, const struct subject *sub)
{
	const struct domain *d = s->domain;
	const char *id = sub->assignment.id;
	bool known = assignments_find(&d->live.assignments, id) ||
		     assignments_find(&d->config.assignments, id);
	bool wanted =
		assignments_find(&s->wants->live, id) || assignments_find(&s->wants->config, id);

	if (!sub->leased || sub->lease.state != LEASE_RESERVED || sub->want || (known && !wanted))
		return false;
	return sub->lease.expires > s->now || (d->live.present && wanted);
}

static void add_step(struct plan *plan, enum step_kind kind, size_t subject, unsigned views)
{
	struct step *step = mem_append(&plan->steps, &plan->nsteps, sizeof(*step));

	*step = (struct step){.kind = kind, .subject = subject, .views = views};
}

static void add_claim(struct plan *plan, const struct subject *sub, size_t i)
{
	if (sub->claims && sub->leased)
		add_step(plan, STEP_GIVE_UP, i, 0);
	if (sub->claims)
		add_step(plan, STEP_CLAIM, i, 0);
}

static void add_record(const struct situation *s, struct plan *plan)
{
	const struct domain *d = s->domain;
	unsigned views = 0;

	if (d->live.present && !assignments_equal(&plan->record.live, &d->live.assignments))
		views |= VIEW_LIVE;
	if (d->config.present && !assignments_equal(&plan->record.config, &d->config.assignments))
		views |= VIEW_CONFIG;
	if (views)
		add_step(plan, STEP_RECORD, STEP_ALL, views);
}

static bool is_to_release(const struct subject *sub)
{
	return !sub->want && sub->leased && sub->lease.state != LEASE_RELEASING &&
	       !is_untouched(&sub->lease);
}

/*
 * One that was taken over is known by the metadata alone, and when that is gone by the lease: that
 * one has to stand before.
 */
static bool is_released_first(const struct situation *s, const struct subject *sub)
{
	const struct device *live = planner_device(s, VIEW_LIVE, sub->assignment.id);

	return live && live->adopted;
}

static void add_release(const struct situation *s, struct plan *plan, const struct subject *sub,
			size_t i, bool first)
{
	if (is_to_release(sub) && is_released_first(s, sub) == first)
		add_step(plan, STEP_RELEASE, i, 0);
}

static void add_unplug(struct plan *plan, const struct subject *sub, size_t i)
{
	if (sub->unplug & VIEW_CONFIG)
		add_step(plan, STEP_UNPLUG_CONFIG, i, 0);
	if (sub->unplug & VIEW_LIVE)
		add_step(plan, STEP_UNPLUG, i, 0);
}

/* Are there running guests to be waited for? */
static bool add_unplug_standby(struct plan *plan)
{
	bool awaits = false;

	for (size_t i = 0; i < plan->nsubjects; i++) {
		const struct subject *sub = &plan->subjects[i];

		if (sub->err || !sub->standby_unplug)
			continue;
		add_step(plan, STEP_UNPLUG_STANDBY, i, 0);
		awaits |= sub->standby_unplug & VIEW_LIVE;
	}
	return awaits;
}

static void add_free(const struct situation *s, struct plan *plan, const struct subject *sub,
		     size_t i)
{
	const struct pf *pf;
	bool keep = sub->kept && planner_vf(s, sub->lease.vf, &pf);

	if (sub->want || !sub->leased || (!keep && is_reserved(s, sub)))
		return;
	/* A claim alone has touched nothing, so there is nothing to put back. */
	if (!is_untouched(&sub->lease)) {
		add_step(plan, STEP_SETTLE, i, 0);
		add_step(plan, STEP_RESTORE, i, 0);
	}
	if (!keep)
		add_step(plan, STEP_DROP, i, 0);
	else if (sub->lease.state != LEASE_RESERVED || sub->lease.expires != sub->kept)
		add_step(plan, STEP_RESERVE, i, 0);
}

/*
 * Before the guest's metadata says that the VF is the guest's; but of one that the guest has
 * already without a lease, the metadata has to stand first. And what stands for a VF that has
 * vanished is lost until the dead device is out.
 */
static bool is_set_first(const struct subject *sub)
{
	return !(sub->claims && sub->have) && !(sub->plug & sub->unplug & VIEW_LIVE);
}

static void add_set(const struct situation *s, struct plan *plan, const struct subject *sub,
		    size_t i, bool first)
{
	const struct lease *lease = sub->claims ? &sub->fresh : &sub->lease;
	const struct pf *pf = inventory_pf(s->inventory, lease->pf);
	/*
	 * Where the guest will find it when it starts, too: nobody else sets it then, and what the
	 * driver refuses is not to be found out then.
	 */
	bool we_set =
		sub->plug & VIEW_LIVE || sub->drifted || (sub->plug && !(sub->have & VIEW_LIVE));

	/* The guest has had it before there was a lease: then that is to be completed. */
	bool late = sub->have & VIEW_LIVE && sub->want && (sub->claims || is_untouched(lease));

	if ((!sub->plug && !sub->drifted && !late) || is_set_first(sub) != first)
		return;
	if (sub->plug & VIEW_LIVE && pf && pf->netdev && !pf->up)
		add_step(plan, STEP_PF_UP, i, 0);
	if ((we_set || sub->have & VIEW_LIVE) && !lease->saved.known)
		add_step(plan, STEP_SAVE, i, 0);
	if (we_set)
		add_step(plan, STEP_SET, i, 0);
}

static void add_confirm(struct plan *plan, const struct subject *sub, size_t i)
{
	if (sub->want && (sub->plug || sub->standby_plug || sub->drifted || sub->claims ||
			  sub->lease.state != LEASE_HELD || sub->lease.reason))
		add_step(plan, STEP_CONFIRM, i, 0);
}

static bool is_to_learn(const struct subject *sub)
{
	const struct assignment *a = &sub->assignment;

	return (sub->plug && (!a->guest_set || a->adopted_set)) ||
	       (sub->standby_plug && !a->standby_guest_set);
}

/*
 * One phase after the other, so that what all assignments need is done together: all VFs are
 * claimed before one is plugged, all unplugs are asked for before one is awaited.
 */
void planner_order(const struct situation *s, struct plan *plan)
{
	bool awaits = false, learns = false, awaits_too;

#define FOR_EACH_SOUND(i)                            \
	for (size_t i = 0; i < plan->nsubjects; i++) \
		if (!plan->subjects[i].err)

	for (size_t i = 0; i < plan->nsubjects; i++)
		if (plan->subjects[i].loses)
			add_step(plan, STEP_LOSE, i, 0);
	FOR_EACH_SOUND(i)
	add_claim(plan, &plan->subjects[i], i);
	FOR_EACH_SOUND(i)
	{
		add_set(s, plan, &plan->subjects[i], i, true);
		add_release(s, plan, &plan->subjects[i], i, true);
	}
	add_record(s, plan);
	FOR_EACH_SOUND(i)
	{
		add_unplug(plan, &plan->subjects[i], i);
		awaits |= plan->subjects[i].unplug & VIEW_LIVE;
	}
	FOR_EACH_SOUND(i)
	add_release(s, plan, &plan->subjects[i], i, false);
	if (awaits)
		add_step(plan, STEP_AWAIT, STEP_ALL, 0);
	awaits_too = add_unplug_standby(plan);
	FOR_EACH_SOUND(i)
	add_free(s, plan, &plan->subjects[i], i);
	if (awaits_too)
		add_step(plan, STEP_AWAIT_STANDBY, STEP_ALL, 0);
	FOR_EACH_SOUND(i)
	{
		add_set(s, plan, &plan->subjects[i], i, false);
		if (plan->subjects[i].standby_plug)
			add_step(plan, STEP_PLUG_STANDBY, i, 0);
		if (plan->subjects[i].plug)
			add_step(plan, STEP_PLUG, i, 0);
	}
	FOR_EACH_SOUND(i)
	{
		add_confirm(plan, &plan->subjects[i], i);
		learns |= is_to_learn(&plan->subjects[i]);
	}
	if (learns)
		add_step(plan, STEP_LEARN, STEP_ALL, 0);
#undef FOR_EACH_SOUND
}
