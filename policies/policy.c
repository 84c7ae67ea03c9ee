/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policies/policy.h"

static int by_place(const struct candidate *a, const struct candidate *b)
{
	int order = pciaddr_compare(a->pf->addr, b->pf->addr);

	if (order)
		return order;
	return a->vf->index < b->vf->index ? -1 : a->vf->index > b->vf->index;
}

const struct candidate *policy_choose(const struct policy *policy,
				      const struct candidates *candidates)
{
	const struct candidate *best = NULL;

	for (size_t i = 0; i < candidates->n; i++) {
		const struct candidate *c = &candidates->items[i];
		int order;

		if (c->refusal != REFUSAL_NONE)
			continue;
		order = best ? policy->compare(candidates, c, best) : -1;
		if (order == 0)
			order = by_place(c, best);
		if (order < 0)
			best = c;
	}
	return best;
}
