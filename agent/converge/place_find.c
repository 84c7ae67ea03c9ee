/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/place_find.h"

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
		err_set(&place->err, ERR_ABSENT, "pool %s has no PF on this host",
			place->pool->name);
		err_next(&place->err, "`vfpool pool-dumpxml %s` shows which PFs it wants",
			 place->pool->name);
	}
}

/* A PF that was named itself: which pools does it belong to? */
static void find_also(struct edges *edges, struct place *place)
{
	struct host *host = edges->host;
	struct pf pf = {0};

	if (host->ops->read_pf(host, place->pfs[0], HOST_NO_VFS, &pf, &place->err)) {
		place->npfs = 0;
		return;
	}
	pools_of_pf(edges->pools, &pf, &place->also, &place->nalso);
	pf_clear(&pf);
}

/* POOL, or POOL/INDEX. */
static const struct pool *find_pool(const struct pools *pools, const char *name, int *index)
{
	const char *slash = strrchr(name, '/');
	size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;
	cleanup_free char *left = NULL;
	const struct pool *pool;

	if (!digits || digits > 5 || slash[1 + digits])
		return pools_find(pools, name);
	left = mem_printf("%.*s", (int)(slash - name), name);
	pool = pools_find(pools, left);
	if (pool)
		*index = atoi(slash + 1);
	return pool;
}

void place_find(struct edges *edges, const char *name, struct place *out)
{
	struct host *host = edges->host;
	struct pciaddr pf;

	*out = (struct place){.name = mem_strdup(name), .index = -1};
	out->pool = edges->pools ? find_pool(edges->pools, name, &out->index) : NULL;
	if (out->pool && out->pool->error) {
		err_set(&out->err, ERR_FAILED, "pool %s cannot be used: %s", out->pool->name,
			out->pool->error);
		err_next(&out->err, "`vfpool pool-edit %s` mends it", out->pool->name);
	} else if (out->pool) {
		find_pfs(edges, out);
	} else if (!host->ops->resolve(host, name, &pf, &out->index, &out->err)) {
		add_pf(out, pf);
		if (edges->pools)
			find_also(edges, out);
	} else if (out->err->code == ERR_ABSENT && pool_name_valid(name)) {
		err_next(&out->err,
			 "`vfpool list` shows the PFs of this host, `vfpool pool-list` its "
			 "pools");
	}
}

static bool goes_by_nodes(const struct pool *pool)
{
	for (size_t i = 0; pool && i < pool->npolicies; i++)
		if (!strcmp(pool->policies[i], policy_numa.name))
			return true;
	return false;
}

int place_nodes(struct edges *edges, const struct place *place, const struct domain *domain,
		int **nodes, size_t *n, struct err **err)
{
	const struct domain_view *view = domain->live.present ? &domain->live : &domain->config;
	struct host *host = edges->host;
	struct numa_nodes all;

	*nodes = NULL;
	*n = 0;
	if (!goes_by_nodes(place->pool) || (!view->cpus && !view->nodes))
		return 0;
	if (host->ops->read_nodes(host, &all, err))
		return -1;
	numa_of_guest(&all, view, nodes, n);
	numa_nodes_clear(&all);
	return 0;
}
