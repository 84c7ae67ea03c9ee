/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/place.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

static void add_pf(struct place *place, struct pciaddr addr)
{
	*(struct pciaddr *)mem_append(&place->pfs, &place->npfs, sizeof(addr)) = addr;
}

static void find_pfs(struct edges *edges, struct place *place)
{
	struct host *host = edges->host;
	struct inventory all = {0};

	if (host->ops->read_all(host, HOST_NO_VFS, &all, &place->err))
		return;
	for (size_t i = 0; i < all.npfs; i++)
		if (pool_has_pf(place->pool, &all.pfs[i]))
			add_pf(place, all.pfs[i].addr);
	inventory_clear(&all);
	if (!place->npfs) {
		err_set(&place->err, ERR_ABSENT, "pool %s has no PF on this host", place->name);
		err_next(&place->err, "`vfpool pool-dumpxml %s` shows which PFs it wants",
			 place->name);
	}
}

void place_find(struct edges *edges, const char *name, struct place *out)
{
	struct host *host = edges->host;
	struct pciaddr pf;

	*out = (struct place){.name = mem_strdup(name), .index = -1};
	out->pool = edges->pools ? pools_find(edges->pools, name) : NULL;
	if (out->pool)
		find_pfs(edges, out);
	else if (!host->ops->resolve(host, name, &pf, &out->index, &out->err))
		add_pf(out, pf);
}

void place_clear(struct place *place)
{
	free(place->name);
	free(place->pfs);
	err_free(&place->err);
	*place = (struct place){0};
}

void place_candidates(const struct place *place, const struct inventory *inventory,
		      const struct judge *judge, struct candidates *out)
{
	struct judge ours = *judge;

	ours.pool = place->pool;
	if (ours.index < 0)
		ours.index = place->index;
	for (size_t i = 0; i < place->npfs; i++) {
		const struct pf *pf = inventory_pf(inventory, place->pfs[i]);

		if (pf)
			candidates_add(out, &ours, pf);
	}
}
