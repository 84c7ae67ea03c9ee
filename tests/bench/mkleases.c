// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes a store in which every fourth VF of a tree is leased: mkleases FILE DIR
 */
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/host.h"
#include "host/store.h"

static int lease_vfs(struct store *store, const struct pf *pf, unsigned *n, struct err **err)
{
	for (size_t i = 0; i < pf->nvfs; i += 4) {
		struct lease lease = {
			.vf = pf->vfs[i].addr,
			.pf = pf->addr,
			.index = pf->vfs[i].index,
			.domain_name = mem_printf("web%u", *n),
			.state = LEASE_CLAIMED,
			.since = 1700000000,
		};
		int failed;

		(void)snprintf(lease.assignment, sizeof(lease.assignment), "%08x", *n);
		(void)snprintf(lease.domain_uuid, sizeof(lease.domain_uuid),
			       "00000000-0000-4000-8000-%012u", (*n)++);
		failed = store->ops->claim(store, &lease, err);
		lease_clear(&lease);
		if (failed)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	cleanup_err struct err *err = NULL;
	struct inventory inventory = {0};
	struct store *store = NULL;
	struct host *host = NULL;
	unsigned n = 0;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: mkleases FILE DIR\n");
		return 2;
	}
	if (store_open(argv[1], true, &store, &err) || host_open(argv[2], &host, &err) ||
	    host->ops->read_all(host, 0, &inventory, &err)) {
		err_print(err, stderr);
		return 1;
	}
	for (size_t i = 0; i < inventory.npfs; i++)
		if (lease_vfs(store, &inventory.pfs[i], &n, &err)) {
			err_print(err, stderr);
			return 1;
		}
	inventory_clear(&inventory);
	host->ops->close(host);
	store->ops->close(store);
	return 0;
}
