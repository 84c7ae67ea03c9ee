/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which VF an assignment gets that has none. */
#include <stdlib.h>
#include <string.h>

#include "converge/planner.h"
#include "core/cleanup.h"
#include "core/mem.h"

static const struct place *place_of(const struct situation *s, const char *pool)
{
	for (size_t i = 0; i < s->nplaces; i++)
		if (!strcmp(s->places[i].name, pool))
			return &s->places[i];
	return NULL;
}

static bool has_mac(const struct planner *p, struct mac mac)
{
	for (size_t i = 0; i < p->plan->nsubjects; i++)
		if (mac_equal(p->plan->subjects[i].assignment.mac, mac))
			return true;
	return domain_has_mac(p->s->domain, mac);
}

/* The n-th VF of a pool that a guest asks for has the same MAC each time. */
static struct mac make_mac(const struct planner *p, const char *pool)
{
	for (unsigned n = 0;; n++) {
		cleanup_free char *text = mem_printf("%s %s %u", p->s->domain->uuid, pool, n);
		struct mac mac = mac_derive(text);

		if (!has_mac(p, mac))
			return mac;
	}
}

/* What the VF is decides what the user left open. */
static void fit(const struct planner *p, struct assignment *a, const struct pf *pf)
{
	if (!a->form_set)
		a->form = pf->nic ? FORM_INTERFACE : FORM_HOSTDEV;
	a->form_set = true;
	if (pf->nic && mac_is_zero(a->mac))
		a->mac = make_mac(p, a->pool);
}

static int mac_check(const struct situation *s, struct subject *sub, const struct pf *pf)
{
	struct err **err = &sub->err;
	struct mac mac = sub->assignment.mac;
	const char *text = mac_str(mac);

	if (!pf->nic)
		return 0;
	if (pf->netdev && mac_equal(pf->mac, mac))
		return err_set(err, ERR_FAILED, "MAC %s is that of the PF %s itself", text,
			       pf->netdev);
	for (size_t i = 0; i < pf->nvfs; i++) {
		const struct vf *vf = &pf->vfs[i];

		if (!(vf->settings.known & SETTING_MAC) || !mac_equal(vf->settings.mac, mac))
			continue;
		/* The VF to be claimed may have it from an earlier time, the one given up still
		 * has. */
		if (pciaddr_equal(vf->addr, sub->fresh.vf) ||
		    (sub->leased && pciaddr_equal(vf->addr, sub->lease.vf)))
			continue;
		return err_set(err, ERR_FAILED, "MAC %s is on VF %s/%u (%s) already", text,
			       pf_str(pf), vf->index, pciaddr_str(vf->addr));
	}
	/* The guest's own interfaces are whoever's affair that asks: its definition may name it. */
	for (size_t i = 0; s->foreigns && i < s->foreigns->nmacs; i++)
		if (mac_equal(s->foreigns->macs[i].mac, mac) &&
		    strcmp(s->foreigns->macs[i].domain, s->domain->name) != 0)
			return err_set(err, ERR_FAILED,
				       "MAC %s is on an interface of domain %s already", text,
				       s->foreigns->macs[i].domain);
	return 0;
}

static const struct candidate *free_one(const struct candidates *all, struct pciaddr vf)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].refusal == REFUSAL_NONE &&
		    pciaddr_equal(all->items[i].vf->addr, vf))
			return &all->items[i];
	return NULL;
}

/* How much of the pool is handed out: by the leases, and by this plan. */
static void count_pool(const struct planner *p, const struct place *place,
		       const struct subject *sub, struct judge *judge)
{
	const struct situation *s = p->s;

	place_count(place, s->leases, s->domain->uuid, sub->assignment.id, judge);
	for (size_t i = 0; i < p->plan->nsubjects; i++) {
		const struct lease *fresh = &p->plan->subjects[i].fresh;

		if (p->plan->subjects[i].claims &&
		    place_holds(place, fresh->pf, fresh->vf, fresh->index)) {
			judge->of_pool++;
			judge->of_guest++;
		}
	}
}

static void no_place(struct subject *sub, const struct place *place)
{
	if (!place || !place->err) {
		err_set(&sub->err, ERR_ABSENT, "its pool is not on this host");
		return;
	}
	err_set(&sub->err, place->err->code, "%s", place->err->what);
	if (place->err->next)
		err_next(&sub->err, "%s", place->err->next);
}

static const struct candidate *refused_by(const struct candidates *all, enum refusal refusal)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].refusal == refusal)
			return &all->items[i];
	return NULL;
}

/* Of what stands against them, what is the easiest to undo. */
static void say_what_frees(struct subject *sub, const struct candidates *all)
{
	const struct candidate *isolation = refused_by(all, REFUSAL_GROUP);

	if (!isolation)
		isolation = refused_by(all, REFUSAL_NO_IOMMU);
	if (!all->n && all->npfs)
		err_next(&sub->err, "make some: `vfpool set-vfs %s N`", pf_str(all->pfs[0].pf));
	else if (refused_by(all, REFUSAL_LEASED))
		err_next(&sub->err, "`vfpool detach` one that is not needed");
	else if (isolation)
		err_next(&sub->err, "`vfpool check %s` says how to mend that",
			 pf_str(isolation->pf));
	else
		err_next(&sub->err, "take away what stands in the way of one of them");
}

/* Why none of these PFs will ever do; NULL: one does. The caller frees it. */
static char *all_of_other_kind(const struct judge *judge, const struct candidates *all)
{
	char *why = NULL;

	for (size_t i = 0; i < all->npfs; i++) {
		free(why);
		why = candidate_other_kind(judge, all->pfs[i].pf);
		if (!why)
			break;
	}
	return why;
}

static void none_free(struct subject *sub, const struct place *place, const struct judge *judge,
		      const struct candidates *all)
{
	int index = sub->assignment.index >= 0 ? sub->assignment.index : place->index;
	cleanup_free char *kind = all_of_other_kind(judge, all);
	const struct candidate *limit = NULL;
	size_t judged = 0;

	/* Then it is the question that is wrong. */
	if (kind) {
		err_set(&sub->err, ERR_USAGE, "%s: %s", place->name, kind);
		return;
	}
	for (size_t i = 0; i < all->n; i++) {
		judged += all->items[i].refusal != REFUSAL_OTHER_INDEX;
		if (all->items[i].refusal == REFUSAL_LIMIT)
			limit = &all->items[i];
	}
	/* That holds for all of them, whatever else is against one. */
	if (limit) {
		err_set(&sub->err, ERR_NO_VF, "%s", limit->reason);
		err_next(&sub->err, "`vfpool detach` one of them, or raise the pool's limit");
		return;
	}
	if (!judged && index >= 0) {
		err_set(&sub->err, ERR_NO_VF, "%s has no VF %d", place->name, index);
		err_next(&sub->err, "`vfpool list %s` shows which ones it has", place->name);
		return;
	}
	if (judged == 1 && all->n > 1)
		err_set(&sub->err, ERR_NO_VF, "the VF is not free");
	else if (judged)
		err_set(&sub->err, ERR_NO_VF, "none of the %zu VFs of %s is free", judged,
			place->name);
	else
		err_set(&sub->err, ERR_NO_VF, "%s has no VFs", place->name);
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].refusal != REFUSAL_OTHER_INDEX)
			err_detail(&sub->err, "%s %s/%u: %s", pciaddr_str(all->items[i].vf->addr),
				   pf_str(all->items[i].pf), all->items[i].vf->index,
				   all->items[i].reason);
	say_what_frees(sub, all);
}

/* A VF for an assignment that has none; the one that its definition names, if that is free. */
void planner_choose(struct planner *p, struct subject *sub)
{
	const struct situation *s = p->s;
	const struct place *place = place_of(s, sub->assignment.pool);
	struct judge judge = {
		.leases = s->leases,
		.foreigns = s->foreigns,
		.busy = s->busy,
		.nbusy = s->nbusy,
		.index = sub->assignment.index,
		.nodes = s->nodes,
		.nnodes = s->nnodes,
	};
	const struct device *named = planner_device(s, VIEW_CONFIG, sub->assignment.id);
	const bool is_new = !assignments_find(&s->domain->live.assignments, sub->assignment.id) &&
			    !assignments_find(&s->domain->config.assignments, sub->assignment.id);
	struct candidates all = {0};
	struct choice choice = {.all = &all,
				.mates = p->mates,
				.nmates = p->nmates,
				.nodes = s->nodes,
				.nnodes = s->nnodes};
	const struct candidate *best;

	if (!place || place->err) {
		no_place(sub, place);
		return;
	}
	count_pool(p, place, sub, &judge);
	judge.pool = place->pool;
	judge.nic_word = assignment_nic_word(&sub->assignment);
	judge.no_nic = !is_new && mac_is_zero(sub->assignment.mac);
	place_candidates(place, s->inventory, &judge, &all);
	for (size_t i = 0; i < all.n; i++)
		if (all.items[i].refusal == REFUSAL_NONE &&
		    planner_listed(p->claimed, p->nclaimed, all.items[i].vf->addr))
			candidate_refuse(
				&all, &all.items[i], REFUSAL_LEASED,
				mem_printf("goes to %s in this very call", s->domain->name));
	best = named ? free_one(&all, named->host) : NULL;
	if (!best)
		best = place_choose(place, &choice);
	if (best) {
		sub->fresh = planner_lease(s, sub, best->pf, best->vf);
		fit(p, &sub->assignment, best->pf);
		sub->claims = !mac_check(s, sub, best->pf);
	} else {
		none_free(sub, place, &judge, &all);
	}
	if (sub->claims) {
		planner_list(&p->claimed, &p->nclaimed, best->vf->addr);
		planner_list(&p->mates, &p->nmates, best->pf->addr);
	} else {
		lease_clear(&sub->fresh);
	}
	candidates_clear(&all);
}
