/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PF with the fewest VFs of this very guest: the legs of its bond go through different ports.
 */
#include "policies/policy.h"

static int mates(const struct choice *choice, struct pciaddr pf)
{
	int n = 0;

	for (size_t i = 0; i < choice->nmates; i++)
		n += pciaddr_equal(choice->mates[i], pf);
	return n;
}

static int compare(const struct choice *choice, const struct candidate *a,
		   const struct candidate *b)
{
	return mates(choice, a->pf->addr) - mates(choice, b->pf->addr);
}

const struct policy policy_anti_affinity = {
	.name = "anti-affinity",
	.compare = compare,
};
