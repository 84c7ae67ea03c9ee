/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The template of a policy: it has no preference, so the first free VF by place is taken. */
#include "policies/policy.h"

static int no_preference(const struct candidates *all, const struct candidate *a,
			 const struct candidate *b)
{
	(void)all;
	(void)a;
	(void)b;
	return 0;
}

const struct policy policy_first_fit = {
	.name = "first-fit",
	.compare = no_preference,
};
