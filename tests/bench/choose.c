// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How long a choice takes on a host with many VFs: who is eligible, then which is best.
 * choose RUNS POLICY...: a line for each run, in nanoseconds. 4,096 VFs on 32 PFs: every fourth is
 * leased, and every fourth is in a guest that got it by hand. The policies are one chain.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "policies/policy.h"

#define PFS 32
#define VFS 128

static void make_inventory(struct inventory *inventory, struct leases *leases,
			   struct foreigns *foreigns)
{
	for (unsigned i = 0; i < PFS; i++) {
		struct pf *pf = mem_append(&inventory->pfs, &inventory->npfs, sizeof(*pf));

		pf->addr = (struct pciaddr){.bus = (uint8_t)(i + 1)};
		pf->numa_node = (int)i % 2;
		pf->up = true;
		pf->carrier = i % 4 != 0;
		for (unsigned j = 0; j < VFS; j++) {
			struct vf *vf = mem_append(&pf->vfs, &pf->nvfs, sizeof(*vf));
			struct lease *lease;

			vf->addr = pf->addr;
			vf->addr.device = (uint8_t)((8 + j) / 8);
			vf->addr.function = (uint8_t)(j % 8);
			vf->index = j;
			vf->driver = mem_strdup("igbvf");
			vf->iommu_group = (int)(i * VFS + j);
			if (j % 4 == 1)
				foreigns_add(foreigns, vf->addr, "other", true);
			if (j % 4)
				continue;
			lease = mem_append(&leases->items, &leases->n, sizeof(*lease));
			lease->vf = vf->addr;
			lease->pf = pf->addr;
			lease->index = j;
			lease->state = LEASE_HELD;
			lease->domain_name = mem_strdup("web1");
			(void)snprintf(lease->assignment, sizeof(lease->assignment), "%08zx",
				       leases->n);
		}
	}
}

static long long now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* false: nothing was chosen. */
static bool choose(const struct inventory *inventory, const struct leases *leases,
		   const struct foreigns *foreigns, char *const *chain, size_t nchain,
		   long long *took)
{
	static const int nodes[] = {1};
	const struct judge judge = {
		.leases = leases,
		.foreigns = foreigns,
		.index = -1,
		.nodes = nodes,
		.nnodes = ARRAY_SIZE(nodes),
	};
	const struct pciaddr mate = inventory->pfs[1].addr;
	struct candidates candidates = {0};
	const struct candidate *best;
	long long start = now_ns();
	bool found;

	for (size_t i = 0; i < inventory->npfs; i++)
		candidates_add(&candidates, &judge, &inventory->pfs[i]);
	best = policy_choose(chain, nchain,
			     &(struct choice){
				     .all = &candidates,
				     .mates = &mate,
				     .nmates = 1,
				     .nodes = nodes,
				     .nnodes = ARRAY_SIZE(nodes),
			     });
	*took = now_ns() - start;
	found = best && best->refusal == REFUSAL_NONE;
	candidates_clear(&candidates);
	return found;
}

int main(int argc, char **argv)
{
	long runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	struct inventory inventory = {0};
	struct leases leases = {0};
	struct foreigns foreigns = {0};
	bool found = true;

	for (int i = 2; i < argc && runs > 0; i++)
		if (!policy_by_name(argv[i]))
			runs = 0;
	if (runs < 1) {
		(void)fprintf(stderr, "usage: choose RUNS POLICY...\n");
		return 2;
	}
	make_inventory(&inventory, &leases, &foreigns);
	for (long i = 0; i < runs && found; i++) {
		long long took;

		found = choose(&inventory, &leases, &foreigns, argv + 2, (size_t)argc - 2, &took);
		(void)printf("%lld\n", took);
	}
	inventory_clear(&inventory);
	leases_clear(&leases);
	foreigns_clear(&foreigns);
	return found ? 0 : 1;
}
