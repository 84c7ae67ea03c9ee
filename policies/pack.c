/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PF that has most VFs in use already: the fewest PFs are touched, so that the others can be
 * resized or switched off.
 */
#include "policies/policy.h"

static int compare(const struct choice *choice, const struct candidate *a,
		   const struct candidate *b)
{
	const struct candidate_pf *pa = &choice->all->pfs[a->place];
	const struct candidate_pf *pb = &choice->all->pfs[b->place];
	size_t used_a = pa->total - pa->free, used_b = pb->total - pb->free;

	return used_a > used_b ? -1 : used_a < used_b;
}

const struct policy policy_pack = {
	.name = "pack",
	.compare = compare,
};
