/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policies/policy.h"

#include <string.h>

static const struct policy *const policies[] = {
	&policy_first_fit, &policy_spread,        &policy_pack, &policy_numa,
	&policy_link_up,   &policy_anti_affinity, NULL,
};

#define CHAIN_MAX 8

const struct policy *policy_by_name(const char *name)
{
	for (const struct policy *const *p = policies; *p; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

const struct policy *const *policies_all(void)
{
	return policies;
}

static int by_place(const struct candidate *a, const struct candidate *b)
{
	int order = pciaddr_compare(a->pf->addr, b->pf->addr);

	if (order)
		return order;
	return a->vf->index < b->vf->index ? -1 : a->vf->index > b->vf->index;
}

const struct candidate *policy_choose(char *const *chain, size_t n, const struct choice *choice)
{
	const struct policy *links[CHAIN_MAX];
	const struct candidate *best = NULL;
	size_t nlinks = 0;

	/* A name that means nothing has been refused when the pool was defined. */
	for (size_t i = 0; i < n && nlinks < CHAIN_MAX; i++)
		if ((links[nlinks] = policy_by_name(chain[i])))
			nlinks++;
	for (size_t i = 0; i < choice->all->n; i++) {
		const struct candidate *c = &choice->all->items[i];
		int order = best ? 0 : -1;

		if (c->refusal != REFUSAL_NONE)
			continue;
		for (size_t j = 0; j < nlinks && !order; j++)
			order = links[j]->compare(choice, c, best);
		if (!order)
			order = by_place(c, best);
		if (order < 0)
			best = c;
	}
	return best;
}
