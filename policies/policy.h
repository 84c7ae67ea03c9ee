/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The contract of a policy: which of the eligible VFs is best. Deterministic: the same candidates
 * give the same choice. A policy looks at no ineligible one.
 */
#ifndef VFPOOL_POLICIES_POLICY_H
#define VFPOOL_POLICIES_POLICY_H

#include "policies/candidates.h"

struct policy {
	const char *name;
	/* <0 when a is the better one, 0 when it does not care; both are free. */
	int (*compare)(const struct candidates *all, const struct candidate *a,
		       const struct candidate *b);
};

extern const struct policy policy_first_fit;

/* The best free candidate; NULL when none is free. Ties go to the lower PF address, then index. */
const struct candidate *policy_choose(const struct policy *policy,
				      const struct candidates *candidates);

#endif
