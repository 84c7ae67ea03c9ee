/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/converge.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converge/domain.h"
#include "converge/execute.h"
#include "converge/foreign.h"
#include "converge/look.h"
#include "converge/networks.h"
#include "converge/park.h"
#include "converge/reserve.h"
#include "converge/stuck.h"
#include "core/cleanup.h"
#include "core/mem.h"

/* More VFs than that are not taken from under us in one run. */
#define ROUNDS_MAX 64

/* Metadata of ours that says nothing sure is neither guessed at nor written over. */
static int check_metadata(const struct converge *c, const struct domain_view *view,
			  const char *flag, struct err **err)
{
	if (!view->metadata_error)
		return 0;
	err_set(err, ERR_FAILED, "the vfpool metadata of %s is not valid: %s", c->dom.name,
		view->metadata_error);
	err_now(err, "nothing was changed");
	return err_next(
		err,
		"mend it with `virsh edit %s`, or remove it: `virsh metadata %s --uri " METADATA_URI
		" --remove %s`",
		c->dom.name, c->dom.name, flag);
}

static int read_gone(struct converge *c)
{
	struct domain *d = &c->domain;

	memcpy(d->uuid, c->dom.uuid, sizeof(d->uuid));
	d->name = mem_strdup(c->dom.name);
	return 0;
}

/* For who was at work, or waited, while it was undefined, it is as gone as if it never was there.
 */
static int read_known(struct converge *c, struct err **err)
{
	struct domain *d = &c->domain;
	struct err *why = NULL;

	if (!domain_read(c->edges->virt, &c->dom, d, &why))
		return check_metadata(c, &d->live, "--live", err) ||
				       check_metadata(c, &d->config, "--config", err)
			       ? -1
			       : 0;
	if (why->code != ERR_ABSENT || !c->by_lease) {
		*err = why;
		return -1;
	}
	err_free(&why);
	c->gone = true;
	return read_gone(c);
}

/* The domain and its leases, anew. */
static int read_again(struct converge *c, struct err **err)
{
	struct store *store = c->edges->store;
	struct domain *d = &c->domain;

	if (!c->given)
		domain_clear(d);
	leases_clear(&c->leases);
	if (store->ops->list(store, c->dom.uuid, NULL, &c->leases, err))
		return -1;
	if (c->given)
		return 0;
	if (!c->gone)
		return read_known(c, err);
	return read_gone(c);
}

static int lock_and_read(struct converge *c, struct err **err)
{
	cleanup_free char *name = mem_printf("domain-%s", c->dom.uuid);

	c->deadline = c->edges->now() + c->seconds * (msec)1000;
	if (!c->edges->lock(name, c->deadline, &c->lock, err) && !read_again(c, err))
		return 0;
	converge_close(c);
	return -1;
}

int converge_open(struct converge *c, struct edges *edges, const char *name, unsigned seconds,
		  struct err **err)
{
	*c = (struct converge){.edges = edges, .seconds = seconds, .lock = -1};
	if (edges->virt->ops->find(edges->virt, name, &c->dom, err))
		return -1;
	return lock_and_read(c, err);
}

int converge_open_leased(struct converge *c, struct edges *edges, const char *uuid,
			 const char *name, unsigned seconds, struct err **err)
{
	struct err *why = NULL;

	*c = (struct converge){.edges = edges, .by_lease = true, .seconds = seconds, .lock = -1};
	if (edges->virt->ops->find(edges->virt, uuid, &c->dom, &why)) {
		if (why->code != ERR_ABSENT) {
			*err = why;
			return -1;
		}
		err_free(&why);
		c->gone = true;
		c->dom = (struct virt_dom){.name = mem_strdup(name), .id = -1};
		memcpy(c->dom.uuid, uuid, sizeof(c->dom.uuid));
	}
	return lock_and_read(c, err);
}

int converge_open_given(struct converge *c, struct edges *edges, struct domain *domain,
			msec deadline, struct err **err)
{
	*c = (struct converge){
		.edges = edges, .given = true, .domain = *domain, .deadline = deadline, .lock = -1};
	*domain = (struct domain){0};
	c->dom = (struct virt_dom){.name = mem_strdup(c->domain.name), .id = -1};
	memcpy(c->dom.uuid, c->domain.uuid, sizeof(c->dom.uuid));
	if (!read_again(c, err))
		return 0;
	converge_close(c);
	return -1;
}

int converge_again(struct converge *c, unsigned seconds, struct err **err)
{
	c->seconds = seconds;
	c->deadline = c->edges->now() + seconds * (msec)1000;
	return read_again(c, err);
}

void converge_close(struct converge *c)
{
	if (c->succeeded)
		stuck_settle(c);
	virt_dom_clear(c->edges->virt, &c->dom);
	domain_clear(&c->domain);
	leases_clear(&c->leases);
	if (c->lock >= 0)
		(void)close(c->lock);
	c->lock = -1;
}

/* What a plan is made from, owned. */
struct gathered {
	struct leases leases;
	struct inventory inventory;
	unsigned *whats; /* HOST_*: how much has been read of each PF of the inventory */
	size_t nwhats;
	struct place *places;
	size_t nplaces;
	struct foreigns foreigns;
	struct networks networks;
	int *nodes; /* NUMA, of the guest */
	size_t nnodes;
	struct pciaddr *gone; /* VFs of devices of ours that the host has not any more */
	size_t ngone;
	bool changes; /* more than a plan is wanted: then no PF's number may change meanwhile */
	int *locks;
	size_t nlocks;
};

static void gathered_clear(struct gathered *g)
{
	leases_clear(&g->leases);
	inventory_clear(&g->inventory);
	free(g->whats);
	for (size_t i = 0; i < g->nplaces; i++)
		place_clear(&g->places[i]);
	free(g->places);
	foreigns_clear(&g->foreigns);
	networks_clear(&g->networks);
	free(g->nodes);
	free(g->gone);
	for (size_t i = 0; i < g->nlocks; i++)
		if (g->locks[i] >= 0)
			(void)close(g->locks[i]);
	free(g->locks);
}

/* Whoever makes the PF's VFs anew waits until this is done, or this for him. */
static int hold_number(struct converge *c, struct gathered *g, struct pciaddr pf, struct err **err)
{
	cleanup_free char *name = NULL;
	int fd = -1;

	if (!g->changes || (c->resizing && pciaddr_equal(*c->resizing, pf)))
		return 0;
	name = mem_printf("resize-%s", pciaddr_str(pf));
	if (c->edges->share(name, c->deadline, &fd, err))
		return err_wrap(err, "waiting for the VFs of PF %s, which are being made anew",
				pciaddr_str(pf));
	*(int *)mem_append(&g->locks, &g->nlocks, sizeof(fd)) = fd;
	return 0;
}

/* what is HOST_*; a PF that was read for less is read again. */
static int gather_pf(struct converge *c, struct gathered *g, struct pciaddr addr, unsigned what,
		     struct err **err)
{
	struct host *host = c->edges->host;
	struct pf *known = inventory_pf(&g->inventory, addr);
	unsigned *read = known ? &g->whats[known - g->inventory.pfs] : NULL;
	struct pf pf = {0};

	if (known && !(what & ~*read))
		return 0;
	if (!known && hold_number(c, g, addr, err))
		return -1;
	if (host->ops->read_pf(host, addr, what | (read ? *read : 0), &pf, err))
		return -1;
	if (known) {
		pf_clear(known);
	} else {
		known = mem_append(&g->inventory.pfs, &g->inventory.npfs, sizeof(pf));
		read = mem_append(&g->whats, &g->nwhats, sizeof(*read));
	}
	*known = pf;
	*read |= what;
	return 0;
}

/* A PF that is not there any more has no VFs: its leases are let go without it. */
static int gather_pf_if_there(struct converge *c, struct gathered *g, struct pciaddr addr,
			      unsigned what, struct err **err)
{
	struct err *why = NULL;

	if (!gather_pf(c, g, addr, what, &why) || why->code == ERR_ABSENT) {
		err_free(&why);
		return 0;
	}
	*err = why;
	return -1;
}

static int gather_place(struct converge *c, struct gathered *g, const char *pool, struct err **err)
{
	struct place *place;

	for (size_t i = 0; i < g->nplaces; i++)
		if (!strcmp(g->places[i].name, pool))
			return 0;
	place = mem_append(&g->places, &g->nplaces, sizeof(*place));
	place_find(c->edges, pool, place);
	/* A name that means nothing here is for the plan to say, to whom it concerns. */
	for (size_t i = 0; i < place->npfs; i++)
		if (gather_pf(c, g, place->pfs[i],
			      place->npfs > 1 ? PLACE_WHAT : PLACE_WHAT & ~LOOK_WHAT, err))
			return -1;
	return 0;
}

/* The leases of a PF, but for those that are listed already: the domain's own. */
static int gather_leases(struct converge *c, struct gathered *g, struct pciaddr pf,
			 struct err **err)
{
	struct store *store = c->edges->store;
	struct leases of_pf = {0};

	if (store->ops->list(store, NULL, &pf, &of_pf, err))
		return -1;
	for (size_t i = 0; i < of_pf.n; i++)
		if (!leases_by_vf(&g->leases, of_pf.items[i].vf))
			leases_add(&g->leases, lease_copy(&of_pf.items[i]));
	leases_clear(&of_pf);
	return 0;
}

static bool is_gone(const struct gathered *g, struct pciaddr vf)
{
	for (size_t i = 0; i < g->ngone; i++)
		if (pciaddr_equal(g->gone[i], vf))
			return true;
	return false;
}

/* Is this assignment's VF still to be chosen? The PFs of the leases have been read. */
static bool needs_choice(const struct converge *c, const struct gathered *g,
			 const struct assignment *a, const struct pciaddr *busy, size_t nbusy)
{
	const struct lease *lease = leases_by_assignment(&c->leases, a->id);
	const struct pf *pf = lease ? inventory_pf(&g->inventory, lease->pf) : NULL;
	const struct device *device = domain_view_device(&c->domain.live, a->id);
	const struct vf *vf;

	if (device && !is_gone(g, device->host))
		return false;
	for (size_t i = 0; lease && i < nbusy; i++)
		if (pciaddr_equal(busy[i], lease->vf))
			return true;
	vf = pf ? pf_vf_by_index(pf, lease->index) : NULL;
	return !vf || !pciaddr_equal(vf->addr, lease->vf);
}

static bool was_read(const struct gathered *g, struct pciaddr vf)
{
	for (size_t i = 0; i < g->inventory.npfs; i++)
		for (size_t j = 0; j < g->inventory.pfs[i].nvfs; j++)
			if (pciaddr_equal(g->inventory.pfs[i].vfs[j].addr, vf))
				return true;
	return false;
}

/* Those that no lease stands for, and those that have nothing behind them any more. */
static int gather_device(struct converge *c, struct gathered *g, const struct device *device,
			 struct err **err)
{
	struct host *host = c->edges->host;
	cleanup_err struct err *why = NULL;
	struct pciaddr pf;
	int index;

	/* It names a VF of the host that the guest leaves. */
	if (c->given && device_can_follow(device)) {
		*(struct pciaddr *)mem_append(&g->gone, &g->ngone, sizeof(*g->gone)) = device->host;
		return 0;
	}
	if (leases_by_assignment(&c->leases, device->id) && was_read(g, device->host))
		return 0;
	if (!host->ops->resolve(host, pciaddr_str(device->host), &pf, &index, &why))
		return gather_pf(c, g, pf, 0, err) || gather_leases(c, g, pf, err) ? -1 : 0;
	/* A definition can name a VF of another host: the plan sees that it is not here. */
	if (why->code == ERR_ABSENT)
		*(struct pciaddr *)mem_append(&g->gone, &g->ngone, sizeof(*g->gone)) = device->host;
	return 0;
}

static int gather_devices(struct converge *c, struct gathered *g, const struct domain_view *view,
			  const struct scope *scope, struct err **err)
{
	for (size_t i = 0; i < view->ndevices; i++) {
		const struct device *device = &view->devices[i];

		if (device->id[0] && (!scope || scope_has(scope, device->id)) &&
		    gather_device(c, g, device, err))
			return -1;
	}
	return 0;
}

static int gather_choices(struct converge *c, struct gathered *g, const struct assignments *list,
			  const struct scope *scope, const struct pciaddr *busy, size_t nbusy,
			  bool *chooses, struct err **err)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct assignment *a = &list->items[i];

		/* What is parked has none, and needs none for now. */
		if (a->parked)
			continue;
		if ((scope && !scope_has(scope, a->id)) || !needs_choice(c, g, a, busy, nbusy))
			continue;
		if (gather_place(c, g, a->pool, err))
			return -1;
		*chooses = true;
	}
	return 0;
}

/* Those that a standby of the list is to be plugged into. */
static int gather_networks(struct converge *c, struct gathered *g, const struct assignments *list,
			   const struct domain_view *view, const struct scope *scope,
			   struct err **err)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct assignment *a = &list->items[i];

		if (!a->standby || a->parked || (scope && !scope_has(scope, a->id)) ||
		    domain_view_standby(view, a->id))
			continue;
		if (networks_gather(c->edges, a->standby, &g->networks, err))
			return -1;
	}
	return 0;
}

/* Then its VF's settings are compared: before its guest runs, too. */
static bool is_compared(const struct wants *wants, const char *id)
{
	return assignments_find(&wants->live, id) || assignments_find(&wants->config, id);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * Two guests must not both be the last one that a pool's total limit allows. These locks come after
 * all others, in the order of their names, so nobody who holds one waits for anything but the next.
 */
static int hold_limits(struct converge *c, struct gathered *g, struct err **err)
{
	cleanup_free const char **names = mem_zero(g->nplaces, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; g->changes && i < g->nplaces; i++)
		if (g->places[i].pool && g->places[i].pool->total)
			names[n++] = g->places[i].pool->name;
	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *name = NULL;
		int fd = -1;

		/* Of POOL and POOL/INDEX there is one. */
		if (i && !strcmp(names[i], names[i - 1]))
			continue;
		name = mem_printf("pool-%s", names[i]);
		if (c->edges->lock(name, c->deadline, &fd, err))
			return err_wrap(err, "counting what pool %s has handed out", names[i]);
		*(int *)mem_append(&g->locks, &g->nlocks, sizeof(fd)) = fd;
	}
	return 0;
}

/*
 * Reads what the scope needs and no more: the PFs of its leases and devices; and where a VF is to
 * be chosen, that pool's PF with everything, its leases, and the other domains' devices.
 */
static int gather(struct converge *c, const struct wants *wants, const struct scope *scope,
		  const struct pciaddr *busy, size_t nbusy, struct gathered *g, struct err **err)
{
	bool chooses = false;

	for (size_t i = 0; i < c->leases.n; i++)
		leases_add(&g->leases, lease_copy(&c->leases.items[i]));
	for (size_t i = 0; i < c->leases.n; i++)
		if ((!scope || scope_has(scope, c->leases.items[i].assignment)) &&
		    gather_pf_if_there(
			    c, g, c->leases.items[i].pf,
			    is_compared(wants, c->leases.items[i].assignment) ? HOST_SETTINGS : 0,
			    err))
			return -1;
	if (gather_devices(c, g, &c->domain.live, scope, err) ||
	    gather_devices(c, g, &c->domain.config, scope, err))
		return -1;
	/* Where libvirt is not to be asked, converge finds out when the guest is here. */
	if (!c->given && (gather_networks(c, g, &wants->live, &c->domain.live, scope, err) ||
			  gather_networks(c, g, &wants->config, &c->domain.config, scope, err)))
		return -1;
	if (gather_choices(c, g, &wants->live, scope, busy, nbusy, &chooses, err) ||
	    gather_choices(c, g, &wants->config, scope, busy, nbusy, &chooses, err))
		return -1;
	if (!chooses)
		return 0;
	if (hold_limits(c, g, err))
		return -1;
	for (size_t i = 0; i < g->nplaces && !g->nodes; i++)
		if (place_nodes(c->edges, &g->places[i], &c->domain, &g->nodes, &g->nnodes, err))
			return -1;
	for (size_t i = 0; i < g->nplaces; i++)
		for (size_t j = 0; j < g->places[i].npfs; j++)
			if (gather_leases(c, g, g->places[i].pfs[j], err))
				return -1;
	/* It can neither be asked who has VFs: what a guest that arrives gets is seen then. */
	if (c->given)
		return 0;
	if (foreigns_gather(c->edges, &c->domain, &g->foreigns, err))
		return -1;
	users_gather(c->edges->host, &g->leases, &g->foreigns, &g->inventory);
	return 0;
}

/* The places' PFs of which less has been read than a choice needs. */
static struct pf **not_looked_at(struct gathered *g, size_t *n)
{
	struct pf **pfs = mem_zero(g->nplaces + 1, sizeof(struct pf *));

	*n = 0;
	for (size_t i = 0; i < g->nplaces; i++) {
		struct pf *pf = g->places[i].npfs == 1
					? inventory_pf(&g->inventory, g->places[i].pfs[0])
					: NULL;

		if (pf && !(g->whats[pf - g->inventory.pfs] & HOST_NETDEVS))
			pfs[(*n)++] = pf;
	}
	return pfs;
}

static int plan_and_look(struct converge *c, const struct situation *situation, struct gathered *g,
			 struct plan *plan, struct err **err)
{
	struct looked looked = {0};
	size_t n;
	cleanup_free struct pf **pfs = not_looked_at(g, &n);
	int again;

	do {
		plan_clear(plan);
		plan_make(situation, plan);
		again = look_closer(c->edges->host, plan, pfs, n, &looked, err);
	} while (again > 0);
	free(looked.vfs);
	return again;
}

static int plan_once(struct converge *c, const struct wants *wants, const struct scope *scope,
		     const struct pciaddr *busy, size_t nbusy, struct gathered *g,
		     struct plan *plan, struct err **err)
{
	const struct parking here = parking_here(c->edges, PARK_MIGRATION, 0);
	struct situation situation = {
		.domain = &c->domain,
		.now = c->edges->wall(),
		.here = here.host,
		.wants = wants,
		.scope = scope,
		.busy = busy,
		.nbusy = nbusy,
	};

	/* What is being taken over does not show in the metadata yet. */
	domain_view_adopt(&c->domain.live, &wants->live);
	domain_view_adopt(&c->domain.config, &wants->config);
	domain_view_adopt_leaving(&c->domain.live, &c->leases);
	if (gather(c, wants, scope, busy, nbusy, g, err))
		return -1;
	situation.leases = &g->leases;
	situation.inventory = &g->inventory;
	situation.places = g->places;
	situation.nplaces = g->nplaces;
	situation.foreigns = &g->foreigns;
	situation.networks = &g->networks;
	situation.nodes = g->nodes;
	situation.nnodes = g->nnodes;
	situation.gone = g->gone;
	situation.ngone = g->ngone;
	return plan_and_look(c, &situation, g, plan, err);
}

/* The first subject's error becomes the whole's; each that failed stays marked. */
static int outcome(struct plan *plan, struct err **err)
{
	int result = 0;

	for (size_t i = 0; i < plan->nsubjects; i++) {
		struct subject *sub = &plan->subjects[i];

		sub->failed = sub->err != NULL;
		if (sub->failed && !result)
			*err = steal(&sub->err);
		result |= sub->failed ? -1 : 0;
	}
	return result;
}

static bool has_error(const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (plan->subjects[i].err)
			return true;
	return false;
}

/* Notes what somebody else has, so that the next round chooses another. */
static bool note_taken(const struct plan *plan, struct pciaddr **busy, size_t *nbusy)
{
	bool any = false;

	for (size_t i = 0; i < plan->nsubjects; i++) {
		const struct subject *sub = &plan->subjects[i];

		if (!sub->taken)
			continue;
		any = true;
		if (sub->leased)
			*(struct pciaddr *)mem_append(busy, nbusy, sizeof(**busy)) = sub->lease.vf;
	}
	return any;
}

/* What was done shows in the domain: whoever plans next has to see it. */
static int read_for_next_round(struct converge *c, struct err **err)
{
	bool ran = c->domain.live.present, was_defined = c->domain.config.present;

	if (read_again(c, err))
		return -1;
	/* Nobody has asked yet what is wanted in a view that has just come: nothing would be wrong.
	 */
	if (c->domain.live.present <= ran && c->domain.config.present <= was_defined)
		return 0;
	err_set(err, ERR_FAILED, "%s was %s meanwhile", c->dom.name, ran ? "defined" : "started");
	return err_next(err, "do it again");
}

int converge_run(struct converge *c, const struct wants *wants, const struct scope *scope,
		 enum converge_mode mode, struct plan *plan, size_t *steps, struct err **err)
{
	struct pciaddr *busy = NULL;
	size_t nbusy = 0;
	int result = -1;

	*plan = (struct plan){0};
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		struct gathered g = {.changes = mode != CONVERGE_PLAN};
		struct execution x = {
			.edges = c->edges,
			.dom = c->gone ? NULL : &c->dom,
			.domain = &c->domain,
			.inventory = &g.inventory,
			.plan = plan,
			.whole = mode == CONVERGE_CHECK,
			.deadline = c->deadline,
			.seconds = c->seconds,
		};
		bool again;

		plan_clear(plan);
		result = plan_once(c, wants, scope, busy, nbusy, &g, plan, err);
		if (!result && mode == CONVERGE_RESERVE)
			reserve(c->edges->store, c->expires, plan);
		else if (!result && mode != CONVERGE_PLAN &&
			 !(mode == CONVERGE_CHECK && has_error(plan))) {
			result = execute(&x, err);
			if (steps)
				*steps += plan->nsteps;
		}
		gathered_clear(&g);
		again = !result && note_taken(plan, &busy, &nbusy);
		if (!result && plan->nsteps && mode != CONVERGE_PLAN && again)
			result = read_for_next_round(c, err);
		if (result || !again)
			break;
	}
	free(busy);
	if (!result)
		result = outcome(plan, err);
	c->succeeded |= !result && (mode == CONVERGE_CHECK || mode == CONVERGE_MEND);
	return result ? -1 : 0;
}
