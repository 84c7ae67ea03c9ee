/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/place.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

void place_clear(struct place *place)
{
	free(place->name);
	free(place->pfs);
	free(place->also);
	err_free(&place->err);
	*place = (struct place){0};
}

void place_add_pfs(struct place *place, const struct inventory *names)
{
	for (size_t i = 0; i < names->npfs; i++)
		if (pool_has_pf(place->pool, &names->pfs[i]))
			*(struct pciaddr *)mem_append(&place->pfs, &place->npfs,
						      sizeof(*place->pfs)) = names->pfs[i].addr;
}

bool place_holds(const struct place *place, struct pciaddr pf, struct pciaddr vf, unsigned index)
{
	const struct vf key = {.addr = vf, .index = index};

	for (size_t i = 0; i < place->npfs; i++)
		if (pciaddr_equal(place->pfs[i], pf))
			return !place->pool || pool_holds(place->pool, &key);
	return false;
}

void place_count(const struct place *place, const struct leases *leases, const char *domain_uuid,
		 const char *except, struct judge *judge)
{
	for (size_t i = 0; i < leases->n; i++) {
		const struct lease *lease = &leases->items[i];

		if (!place_holds(place, lease->pf, lease->vf, lease->index) ||
		    (except && !strcmp(lease->assignment, except)))
			continue;
		judge->of_pool++;
		judge->of_guest += !strcmp(lease->domain_uuid, domain_uuid);
	}
}

void place_candidates(const struct place *place, const struct inventory *inventory,
		      const struct judge *judge, struct candidates *out)
{
	struct judge ours = *judge;

	ours.pool = place->pool;
	ours.also = place->also;
	ours.nalso = place->nalso;
	if (ours.index < 0)
		ours.index = place->index;
	for (size_t i = 0; i < place->npfs; i++) {
		const struct pf *pf = inventory_pf(inventory, place->pfs[i]);

		if (pf)
			candidates_add(out, &ours, pf);
	}
}

struct stock place_stock(const struct place *place, const struct inventory *inventory,
			 const struct leases *leases, const struct foreigns *foreigns,
			 struct idset *free_vfs)
{
	struct judge judge = {.leases = leases, .foreigns = foreigns, .index = -1};
	unsigned limit = place->pool ? place->pool->total : 0;
	struct candidates all = {0};
	struct stock stock = {0};

	place_count(place, leases, "", NULL, &judge);
	place_candidates(place, inventory, &judge, &all);
	for (size_t i = 0; i < all.npfs; i++) {
		stock.free += (unsigned)all.pfs[i].free;
		stock.vfs += (unsigned)all.pfs[i].total;
	}
	for (size_t i = 0; free_vfs && i < all.n; i++)
		if (all.items[i].refusal == REFUSAL_NONE)
			idset_add(free_vfs, all.items[i].vf->index);
	candidates_clear(&all);
	stock.leased = (unsigned)judge.of_pool;
	if (limit && stock.free + stock.leased > limit)
		stock.free = stock.leased < limit ? limit - stock.leased : 0;
	return stock;
}

const struct candidate *place_choose(const struct place *place, const struct choice *choice)
{
	const struct pool *pool = place->pool;

	return policy_choose(pool ? pool->policies : NULL, pool ? pool->npolicies : 0, choice);
}
