/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The contract of a policy: which of the eligible VFs is better. Deterministic: the same choice to
 * make gives the same VF. A policy looks at no ineligible one, and is asked once for each pair it
 * decides: what it needs of all the others is counted before, in struct choice.
 *
 * To add one: a file with its const struct policy (first_fit.c is the template), a line in
 * policy.c's table, a word in docs/.
 */
#ifndef VFPOOL_POLICIES_POLICY_H
#define VFPOOL_POLICIES_POLICY_H

#include "policies/candidates.h"

/* What there is to choose from, and for whom. Borrowed. */
struct choice {
	const struct candidates *all;
	const struct pciaddr *mates; /* PFs of the VFs that this guest has, or gets in this call */
	size_t nmates;
	const int *nodes; /* the guest's NUMA nodes; none: it may run anywhere */
	size_t nnodes;
};

struct policy {
	const char *name;
	/* <0 when a is the better one, 0 when it does not care; both are free. */
	int (*compare)(const struct choice *choice, const struct candidate *a,
		       const struct candidate *b);
};

extern const struct policy policy_anti_affinity;
extern const struct policy policy_first_fit;
extern const struct policy policy_link_up;
extern const struct policy policy_numa;
extern const struct policy policy_pack;
extern const struct policy policy_spread;

/* All there are, and NULL behind them. */
const struct policy *const *policies_all(void);

/* NULL: there is no policy of that name. */
const struct policy *policy_by_name(const char *name);

/*
 * The best free candidate; NULL when none is free. chain is names of policies: the first that
 * cares decides; ties go to the lower PF address, then the lower index. One pass.
 */
const struct candidate *policy_choose(char *const *chain, size_t n, const struct choice *choice);

#endif
