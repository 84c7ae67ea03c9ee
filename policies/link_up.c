/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A PF with carrier before one without. */
#include "policies/policy.h"

static int compare(const struct choice *choice, const struct candidate *a,
		   const struct candidate *b)
{
	(void)choice;
	return b->pf->carrier - a->pf->carrier;
}

const struct policy policy_link_up = {
	.name = "link-up",
	.compare = compare,
};
