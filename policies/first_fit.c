/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The template of a policy: it has no preference, so the first free VF by place is taken. */
#include "policies/policy.h"

static int compare(const struct choice *choice, const struct candidate *a,
		   const struct candidate *b)
{
	(void)choice;
	(void)a;
	(void)b;
	return 0;
}

const struct policy policy_first_fit = {
	.name = "first-fit",
	.compare = compare,
};
