/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PF that has most VFs in use already: the fewest PFs are touched, so that the others can be
 * resized or switched off. What a pool keeps back is not in use.
 */
#include "policies/policy.h"

static int compare(const struct choice *choice, const struct candidate *a,
		   const struct candidate *b)
{
	size_t used_a = choice->all->pfs[a->place].used, used_b = choice->all->pfs[b->place].used;

	return used_a > used_b ? -1 : used_a < used_b;
}

const struct policy policy_pack = {
	.name = "pack",
	.compare = compare,
};
