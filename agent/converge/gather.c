/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/gather.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converge/foreign.h"
#include "converge/look.h"
#include "converge/networks.h"
#include "converge/place_find.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "host/lock.h"

void gathered_clear(struct gathered *g)
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
	name = mem_printf(LOCK_OF_NUMBER "%s", pciaddr_str(pf));
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
	return err_pass(err, why);
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

int gather(struct converge *c, const struct wants *wants, const struct scope *scope,
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

struct pf **gathered_not_looked_at(struct gathered *g, size_t *n)
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
