// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How long a choice takes on a host with many VFs: who is eligible, then which is best.
 * choose RUNS: a line for each, in nanoseconds. 4,096 VFs on 32 PFs, every fourth leased; all
 * policies in one chain, so that each is asked.
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

static void make_inventory(struct inventory *inventory, struct leases *leases)
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

static char names[][16] = {"numa", "link-up", "anti-affinity", "pack", "spread", "first-fit"};

/* false: nothing was chosen. */
static bool choose(const struct inventory *inventory, const struct leases *leases, long long *took)
{
	static const int nodes[] = {1};
	const struct judge judge = {
		.leases = leases,
		.index = -1,
		.nodes = nodes,
		.nnodes = ARRAY_SIZE(nodes),
	};
	const struct pciaddr mate = inventory->pfs[1].addr;
	struct candidates candidates = {0};
	const struct candidate *best;
	char *chain[ARRAY_SIZE(names)];
	long long start = now_ns();
	bool found;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		chain[i] = names[i];
	for (size_t i = 0; i < inventory->npfs; i++)
		candidates_add(&candidates, &judge, &inventory->pfs[i]);
	best = policy_choose(chain, ARRAY_SIZE(chain),
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
	long runs = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	struct inventory inventory = {0};
	struct leases leases = {0};
	bool found = true;

	if (runs < 1) {
		(void)fprintf(stderr, "usage: choose RUNS\n");
		return 2;
	}
	make_inventory(&inventory, &leases);
	for (long i = 0; i < runs && found; i++) {
		long long took;

		found = choose(&inventory, &leases, &took);
		(void)printf("%lld\n", took);
	}
	inventory_clear(&inventory);
	leases_clear(&leases);
	return found ? 0 : 1;
}
