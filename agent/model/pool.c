/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/pool.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

bool pool_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789_.-");

	return n >= 1 && n <= POOL_NAME_MAX && !name[n] && *name != '.' && *name != '-';
}

void pool_clear(struct pool *pool)
{
	free(pool->name);
	free(pool->error);
	for (size_t i = 0; i < pool->npfs; i++) {
		free(pool->pfs[i].dev);
		free(pool->pfs[i].driver);
	}
	free(pool->pfs);
	free(pool->excluded);
	free(pool->reserved);
	for (size_t i = 0; i < pool->npolicies; i++)
		free(pool->policies[i]);
	free(pool->policies);
	free(pool->standby);
	*pool = (struct pool){0};
}

void pool_spoil(struct pool *pool, char *error)
{
	char *name = pool->name;

	pool->name = NULL;
	pool_clear(pool);
	pool->name = name;
	pool->error = error;
}

void pools_clear(struct pools *pools)
{
	for (size_t i = 0; i < pools->n; i++)
		pool_clear(&pools->items[i]);
	free(pools->items);
	*pools = (struct pools){0};
}

struct pool *pools_find(const struct pools *pools, const char *name)
{
	for (size_t i = 0; i < pools->n; i++)
		if (!strcmp(pools->items[i].name, name))
			return &pools->items[i];
	return NULL;
}

const char *pool_nic_word(const struct pool *pool)
{
	const struct assignment defaults = {
		.form_set = pool->form_set,
		.form = pool->form,
		.vlan = pool->vlan,
		.standby = pool->standby,
		.settings = pool->settings,
	};

	return assignment_nic_word(&defaults);
}

static bool dev_fits(const char *pattern, const struct pf *pf)
{
	if (pf->netdev && !fnmatch(pattern, pf->netdev, 0))
		return true;
	for (size_t i = 0; i < pf->naltnames; i++)
		if (!fnmatch(pattern, pf->altnames[i], 0))
			return true;
	return false;
}

static bool fits(const struct pool_pf *want, const struct pf *pf)
{
	if (want->dev && !dev_fits(want->dev, pf))
		return false;
	if (want->address_set && !pciaddr_equal(want->address, pf->addr))
		return false;
	if (want->driver && (!pf->driver || strcmp(want->driver, pf->driver) != 0))
		return false;
	return (!want->vendor || want->vendor == pf->vendor) &&
	       (!want->product || want->product == pf->product);
}

bool pool_has_pf(const struct pool *pool, const struct pf *pf)
{
	for (size_t i = 0; i < pool->npfs; i++)
		if (fits(&pool->pfs[i], pf))
			return true;
	return false;
}

void pools_of_pf(const struct pools *pools, const struct pf *pf, const struct pool ***out,
		 size_t *n)
{
	*out = NULL;
	*n = 0;
	for (size_t i = 0; i < pools->n; i++)
		if (pool_has_pf(&pools->items[i], pf))
			*(const struct pool **)mem_append(out, n, sizeof(**out)) = &pools->items[i];
}

bool pool_vfs_has(const struct pool_vfs *list, size_t n, const struct vf *vf)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].address_set ? pciaddr_equal(list[i].address, vf->addr)
					: vf->index >= list[i].first && vf->index <= list[i].last)
			return true;
	}
	return false;
}

bool pool_holds(const struct pool *pool, const struct vf *vf)
{
	return !pool_vfs_has(pool->excluded, pool->nexcluded, vf);
}

static bool has_addresses(const struct pool_vfs *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].address_set)
			return true;
	return false;
}

bool pools_share(const struct pool *a, const struct pool *b, const struct pf *pf, int *index)
{
	*index = -1;
	if (!a->nexcluded && !b->nexcluded)
		return true;
	for (size_t i = 0; i < pf->nvfs; i++)
		if (pool_holds(a, &pf->vfs[i]) && pool_holds(b, &pf->vfs[i])) {
			*index = (int)pf->vfs[i].index;
			return true;
		}
	if (has_addresses(a->excluded, a->nexcluded) || has_addresses(b->excluded, b->nexcluded))
		return false;
	for (unsigned i = 0; i < pf->total_vfs; i++) {
		const struct vf vf = {.index = i};

		if (!pool_holds(a, &vf) || !pool_holds(b, &vf))
			continue;
		*index = (int)i;
		return true;
	}
	return false;
}
