/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PF on a NUMA node where the guest runs, before one whose node nobody knows, before any other.
 * That it must be so (strict) is no preference: candidates.c refuses the others then.
 */
#include "policies/policy.h"

static int distance(const struct choice *choice, int node)
{
	if (node < 0)
		return 1;
	for (size_t i = 0; i < choice->nnodes; i++)
		if (choice->nodes[i] == node)
			return 0;
	return 2;
}

static int compare(const struct choice *choice, const struct candidate *a,
		   const struct candidate *b)
{
	if (!choice->nnodes)
		return 0;
	return distance(choice, a->pf->numa_node) - distance(choice, b->pf->numa_node);
}

const struct policy policy_numa = {
	.name = "numa",
	.compare = compare,
};
