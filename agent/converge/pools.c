// SPDX-License-Identifier: LGPL-2.1-or-later
#include "converge/pools.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/poolfiles.h"
#include "xml/pool.h"

static struct pool pool_of(const struct pool_file *file)
{
	cleanup_err struct err *err = NULL;
	struct pool pool = {0};

	if (file->error) {
		pool.error = mem_strdup(file->error);
	} else if (pool_xml_parse(file->text, file->path, &pool, &err)) {
		pool.error = steal(&err->what);
	} else if (strcmp(pool.name, file->name) != 0) {
		char *error = mem_printf("%s: the pool in it is called %s", file->path, pool.name);

		pool_spoil(&pool, error);
	}
	free(pool.name);
	pool.name = mem_strdup(file->name);
	return pool;
}

int pools_read(const char *dir, struct pools *out, struct err **err)
{
	struct pool_files files;
	struct pools pools = {0};

	if (poolfiles_read(dir, &files, err))
		return -1;
	for (size_t i = 0; i < files.n; i++)
		*(struct pool *)mem_append(&pools.items, &pools.n, sizeof(struct pool)) =
			pool_of(&files.items[i]);
	poolfiles_clear(&files);
	*out = pools;
	return 0;
}

/* Addresses and indexes of the VFs are added to what was read of the PF alone. */
static int read_vfs(struct host *host, struct pf *pf, struct err **err)
{
	struct pf whole = {0};

	if (pf->nvfs || !pf->num_vfs)
		return 0;
	if (host->ops->read_pf(host, pf->addr, 0, &whole, err))
		return -1;
	pf->vfs = steal(&whole.vfs);
	pf->nvfs = whole.nvfs;
	whole.nvfs = 0;
	pf_clear(&whole);
	return 0;
}

/* What both hold, in words: "PF eth1 (0000:01:00.0)"; *shared is NULL where they share nothing. */
static int find_shared(struct host *host, const struct pool *a, const struct pool *b,
		       struct inventory *pfs, char **shared, struct err **err)
{
	*shared = NULL;
	for (size_t i = 0; i < pfs->npfs && !*shared; i++) {
		struct pf *pf = &pfs->pfs[i];
		int index;

		if (!pool_has_pf(a, pf) || !pool_has_pf(b, pf))
			continue;
		if (a->nexcluded + b->nexcluded && read_vfs(host, pf, err))
			return -1;
		if (!pools_share(a, b, pf, &index))
			continue;
		*shared = index < 0 ? mem_printf("PF %s (%s)", pf_str(pf), pciaddr_str(pf->addr))
				    : mem_printf("VF %s/%d", pf_str(pf), index);
	}
	return 0;
}

int pools_settle(struct host *host, struct pools *pools, struct err **err)
{
	cleanup_free char **errors = mem_zero(pools->n, sizeof(*errors));
	cleanup(inventory_clear) struct inventory pfs = {0};
	int rc = host->ops->read_all(host, HOST_NO_VFS, &pfs, err);

	for (size_t i = 0; i < pools->n && !rc; i++)
		for (size_t j = i + 1; j < pools->n && !rc; j++) {
			struct pool *a = &pools->items[i], *b = &pools->items[j];
			cleanup_free char *shared = NULL;

			if (a->error || b->error)
				continue;
			rc = find_shared(host, a, b, &pfs, &shared, err);
			if (shared && !errors[i])
				errors[i] =
					mem_printf("it and pool %s both have %s", b->name, shared);
			if (shared && !errors[j])
				errors[j] =
					mem_printf("it and pool %s both have %s", a->name, shared);
		}
	for (size_t i = 0; i < pools->n; i++)
		if (errors[i])
			pool_spoil(&pools->items[i], errors[i]);
	return rc;
}

/* What only a NIC can have, for PFs of which none is one. */
static int check_kind(const struct inventory *pfs, const struct pool *pool, struct err **err)
{
	const char *word = pool_nic_word(pool);
	const struct pf *other = NULL;

	for (size_t i = 0; word && i < pfs->npfs; i++) {
		if (!pool_has_pf(pool, &pfs->pfs[i]))
			continue;
		if (pfs->pfs[i].nic)
			return 0;
		other = &pfs->pfs[i];
	}
	if (!other)
		return 0;
	err_set(err, ERR_FAILED, "pool %s sets %s, and its PFs are no NICs (%s)", pool->name, word,
		pf_str(other));
	return err_next(err, "leave that out");
}

int pools_admit(struct host *host, const struct pools *others, const struct pool *pool,
		struct err **err)
{
	cleanup(inventory_clear) struct inventory pfs = {0};

	if (host->ops->read_all(host, HOST_NO_VFS, &pfs, err))
		return -1;
	for (size_t i = 0; i < pfs.npfs; i++)
		if (pf_is_called(&pfs.pfs[i], pool->name) && !pool_has_pf(pool, &pfs.pfs[i])) {
			err_set(err, ERR_FAILED,
				"pool %s would hide the PF of that name (%s), which is not in it",
				pool->name, pciaddr_str(pfs.pfs[i].addr));
			return err_next(err, "give it another name");
		}
	if (check_kind(&pfs, pool, err))
		return -1;
	for (size_t i = 0; i < others->n; i++) {
		const struct pool *other = &others->items[i];
		cleanup_free char *shared = NULL;

		if (other->error || !strcmp(other->name, pool->name))
			continue;
		if (find_shared(host, other, pool, &pfs, &shared, err))
			return -1;
		if (!shared)
			continue;
		err_set(err, ERR_FAILED, "pools %s and %s would both have %s", other->name,
			pool->name, shared);
		return err_next(err, "exclude it from one of the two");
	}
	return 0;
}
