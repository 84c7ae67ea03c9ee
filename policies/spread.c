/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PF with the largest share of its VFs free, so that guests share each card's wire with fewest.
 */
#include "policies/policy.h"

static int compare(const struct choice *choice, const struct candidate *a,
		   const struct candidate *b)
{
	const struct candidate_pf *pa = &choice->all->pfs[a->place];
	const struct candidate_pf *pb = &choice->all->pfs[b->place];
	/* free/total of each, by cross-multiplying: a PF can have thousands, never 2^32. */
	unsigned long long of_a = (unsigned long long)pa->free * pb->total;
	unsigned long long of_b = (unsigned long long)pb->free * pa->total;

	return of_a > of_b ? -1 : of_a < of_b;
}

const struct policy policy_spread = {
	.name = "spread",
	.compare = compare,
};
