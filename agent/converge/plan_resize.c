/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel knows one way from one number of VFs to another: all go, then the others come. So
 * whoever has a VF of the PF is in the way, also of a larger number.
 *
 * VFs that keep their number come back at the same address. So a definition that names one of
 * those is no obstacle, and the lease of a guest that is off stays.
 */
#include "converge/plan_resize.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "policies/candidates.h"

struct planner {
	const struct resize_situation *s;
	struct resize_plan *plan;
	/* Lines for whoever is in the way. */
	struct err *foreign; /* not ours to take */
	struct err *running; /* can be parked */
	struct err *bound;   /* running, and wants a VF that will not be there */
	struct err *defined; /* names a VF that will not be there */
	struct err *idle;    /* another program may be about to use it */
	bool *stays;         /* beside pf->vfs: promised, and there afterwards too */
	unsigned movers;     /* assignments of running guests whose VF will not be there */
	unsigned owed;       /* by an earlier one, to guests that have no VF now */
};

static bool vanishes(const struct planner *p, const struct vf *vf)
{
	return p->plan->remakes && vf->index >= p->s->count;
}

/* The error is only a list here; what it is about is said when all are known. */
static void list_vf(struct err **list, const struct planner *p, const struct vf *vf,
		    const char *words)
{
	if (!*list)
		err_set(list, ERR_FAILED, "in use");
	err_detail(list, "%s/%u (%s): %s", pf_str(p->s->pf), vf->index, pciaddr_str(vf->addr),
		   words);
}

static bool concerns(const struct resize_plan *plan, const char *uuid)
{
	for (size_t i = 0; i < plan->nconcerned; i++)
		if (!strcmp(plan->concerned[i].uuid, uuid))
			return true;
	return false;
}

static void concern(struct resize_plan *plan, const char *uuid, const char *name)
{
	struct concerned *new;

	if (concerns(plan, uuid))
		return;
	new = mem_append(&plan->concerned, &plan->nconcerned, sizeof(*new));
	memcpy(new->uuid, uuid, sizeof(new->uuid));
	new->name = mem_strdup(name);
}

static const struct device *device_on(const struct domain_view *view, struct pciaddr vf)
{
	for (size_t i = 0; view->present && i < view->ndevices; i++)
		if (pciaddr_equal(view->devices[i].host, vf))
			return &view->devices[i];
	return NULL;
}

/* A running guest whose VF goes gets another one, if it may be any. */
static void add_mover(struct planner *p, const struct domain *d, const struct vf *vf,
		      const struct assignment *a)
{
	cleanup_free char *words = NULL;

	if (!vanishes(p, vf))
		return;
	p->movers++;
	if (a->index < 0)
		return;
	words = mem_printf("%s wants this one and no other (assignment %s)", d->name, a->id);
	list_vf(&p->bound, p, vf, words);
}

static void add_park(struct planner *p, const struct domain *d, const struct vf *vf, const char *id)
{
	const struct assignment *a = assignments_find(&d->live.assignments, id);
	const struct lease *lease = leases_by_vf(p->s->leases, vf->addr);
	struct park *park = mem_append(&p->plan->parks, &p->plan->nparks, sizeof(*p->plan->parks));
	cleanup_free char *words = mem_printf("in %s, by vfpool (assignment %s)", d->name, id);

	memcpy(park->domain_uuid, d->uuid, sizeof(park->domain_uuid));
	memcpy(park->id, id, sizeof(park->id));
	park->vf = vf->addr;
	park->driver = mem_strdup(lease ? lease->driver : NULL);
	list_vf(&p->running, p, vf, words);
	if (a)
		add_mover(p, d, vf, a);
}

/* What an earlier one took out of this guest, which still runs; NULL: it is none of that. */
static const struct assignment *owed_assignment(const struct planner *p, const struct domain *d,
						const char *id)
{
	const struct assignment *a = assignments_find(&d->live.assignments, id);

	return p->s->note && resize_note_find(p->s->note, id) && a && a->parked ? a : NULL;
}

/* Who in this domain has the VF, or names it? true: it is promised by us. */
static bool judge_domain(struct planner *p, const struct domain *d, const struct vf *vf)
{
	const struct device *live = device_on(&d->live, vf->addr);
	const struct device *config = device_on(&d->config, vf->addr);
	const struct assignment *owed;
	cleanup_free char *words = NULL;

	if ((live && live->id[0]) || (config && config->id[0]))
		concern(p->plan, d->uuid, d->name);
	if (live && !live->id[0]) {
		words = mem_printf("in the running domain %s, not by vfpool", d->name);
		list_vf(&p->foreign, p, vf, words);
		return false;
	}
	if (live) {
		add_park(p, d, vf, live->id);
		return true;
	}
	if (!config)
		return false;
	owed = owed_assignment(p, d, config->id);
	if (owed) {
		add_mover(p, d, vf, owed);
		return true;
	}
	if (vanishes(p, vf)) {
		words = mem_printf("named by the definition of %s%s%s%s", d->name,
				   config->id[0] ? " (assignment " : ", not by vfpool", config->id,
				   config->id[0] ? ")" : "");
		list_vf(&p->defined, p, vf, words);
	}
	return config->id[0];
}

bool resize_plan_in_guest(const struct domain *domains, size_t n, struct pciaddr vf)
{
	for (size_t i = 0; i < n; i++)
		if (device_on(&domains[i].live, vf))
			return true;
	return false;
}

/* What the host itself does with it; that a guest's VF is on vfio-pci is as it should be. */
static void judge_host(struct planner *p, const struct vf *vf)
{
	const struct judge judge = {.index = -1};
	cleanup_free char *reason = NULL;
	enum refusal refusal;

	if (resize_plan_in_guest(p->s->domains, p->s->ndomains, vf->addr))
		return;
	refusal = candidate_judge(&judge, p->s->pf, vf, &reason);
	switch (refusal) {
	case REFUSAL_OPEN:
	case REFUSAL_HOST_ADDRESS:
	case REFUSAL_HOST_MASTER:
	case REFUSAL_HOST_NETNS:
		list_vf(&p->foreign, p, vf, reason);
		break;
	case REFUSAL_HOST_DRIVER:
		if (!vf->prebound && !leases_by_vf(p->s->leases, vf->addr))
			list_vf(&p->idle, p, vf, reason);
		break;
	case REFUSAL_NONE:
	case REFUSAL_LEASED:
	case REFUSAL_DOMAIN:
	case REFUSAL_DEFINED:
	case REFUSAL_NO_IOMMU:
	case REFUSAL_GROUP:
	case REFUSAL_KIND:
	case REFUSAL_BUSY:
	case REFUSAL_OTHER_INDEX:
	case REFUSAL_EXCLUDED:
	case REFUSAL_RESERVED:
	case REFUSAL_LIMIT:
	case REFUSAL_NOT_PREBOUND:
	case REFUSAL_NODE:
		break;
	}
}

static void judge_vf(struct planner *p, size_t i)
{
	const struct vf *vf = &p->s->pf->vfs[i];
	bool promised = leases_by_vf(p->s->leases, vf->addr);

	for (size_t d = 0; d < p->s->ndomains; d++)
		promised |= judge_domain(p, &p->s->domains[d], vf);
	judge_host(p, vf);
	p->stays[i] = promised && !vanishes(p, vf);
}

/* Takes the list over, and says what it is a list of. */
static int refuse(struct planner *p, struct err **list, const char *what, const char *next)
{
	struct err **err = &p->plan->refusal;

	*err = steal(list);
	free((*err)->what);
	(*err)->what = mem_printf("VFs of %s %s", pf_str(p->s->pf), what);
	err_now(err, "nothing was changed");
	return err_next(err, "%s", next);
}

static void judge_room(struct planner *p)
{
	struct err **err = &p->plan->refusal;
	unsigned stay = 0;

	for (size_t i = 0; i < p->s->pf->nvfs; i++)
		stay += p->stays[i];
	p->plan->needed = stay + p->movers + p->owed;
	if (!(p->movers || p->owed) || p->plan->needed <= p->s->count)
		return;
	err_set(err, ERR_FAILED, "%u VFs of %s are not enough for the %u that are promised",
		p->s->count, pf_str(p->s->pf), p->plan->needed);
	err_now(err, "nothing was changed");
	err_next(err,
		 "`vfpool list %s --used` shows whose they are; `vfpool detach` those that are not "
		 "needed",
		 pf_str(p->s->pf));
}

/* Who is parked and has no lease has nothing; who has one is counted by his VF. */
static void count_owed(struct planner *p)
{
	for (size_t i = 0; p->s->note && i < p->s->note->n; i++) {
		const struct owed *owed = &p->s->note->owed[i];

		if (leases_by_assignment(p->s->leases, owed->assignment))
			continue;
		for (size_t d = 0; d < p->s->ndomains; d++)
			p->owed += owed_assignment(p, &p->s->domains[d], owed->assignment) != NULL;
	}
}

static void judge(struct planner *p)
{
	if (p->foreign)
		refuse(p, &p->foreign, "are in use, and not by vfpool",
		       "take them away from whoever has them, then repeat the command");
	else if (p->running && !p->s->park)
		refuse(p, &p->running, "are in running guests",
		       "give --park: they are taken out of the guests, and put back");
	else if (p->bound)
		refuse(p, &p->bound, "would not be there any more",
		       "ask for more VFs, or `vfpool detach` these first");
	else if (p->defined && !p->s->force)
		refuse(p, &p->defined, "would not be there any more",
		       "give --force if those guests may stay off, or be given other VFs");
	else if (p->idle && !p->s->force)
		refuse(p, &p->idle, "are kept for some other program",
		       "give --force if nobody needs them");
	else
		judge_room(p);
}

static int compare_concerned(const void *a, const void *b)
{
	return strcmp(((const struct concerned *)a)->uuid, ((const struct concerned *)b)->uuid);
}

static const char *name_of(const struct resize_situation *s, const char *uuid)
{
	for (size_t i = 0; i < s->ndomains; i++)
		if (!strcmp(s->domains[i].uuid, uuid))
			return s->domains[i].name;
	return uuid;
}

void resize_plan_make(const struct resize_situation *s, struct resize_plan *plan)
{
	struct planner p = {.s = s, .plan = plan, .stays = mem_zero(s->pf->nvfs, sizeof(*p.stays))};

	*plan = (struct resize_plan){
		.remakes = s->pf->num_vfs != s->count,
		.rehomes = s->home != s->new_home,
	};
	for (size_t i = 0; i < s->leases->n; i++)
		concern(plan, s->leases->items[i].domain_uuid, s->leases->items[i].domain_name);
	for (size_t i = 0; s->note && i < s->note->n; i++)
		concern(plan, s->note->owed[i].domain_uuid,
			name_of(s, s->note->owed[i].domain_uuid));
	for (size_t i = 0; i < s->pf->nvfs; i++)
		judge_vf(&p, i);
	count_owed(&p);
	if (plan->remakes || plan->rehomes || p.owed)
		judge(&p);
	if (plan->nconcerned)
		qsort(plan->concerned, plan->nconcerned, sizeof(*plan->concerned),
		      compare_concerned);
	err_free(&p.foreign);
	err_free(&p.running);
	err_free(&p.bound);
	err_free(&p.defined);
	err_free(&p.idle);
	free(p.stays);
}

void resize_plan_clear(struct resize_plan *plan)
{
	for (size_t i = 0; i < plan->nparks; i++)
		free(plan->parks[i].driver);
	free(plan->parks);
	for (size_t i = 0; i < plan->nconcerned; i++)
		free(plan->concerned[i].name);
	free(plan->concerned);
	err_free(&plan->refusal);
	*plan = (struct resize_plan){0};
}
