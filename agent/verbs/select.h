/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of a guest's assignments the user means. */
#ifndef VFPOOL_VERBS_SELECT_H
#define VFPOOL_VERBS_SELECT_H

#include "converge/converge.h"
#include "core/err.h"

/*
 * what is a pool, VF, MAC or assignment id; NULL: the only one there is, or with all every one.
 * Looks at all that have left a trace: in the guest's metadata, among its devices, in the store.
 * ERR_ABSENT: none is meant; ERR_USAGE: it is not clear which, with a line for each. The caller
 * clears *selected.
 */
int select_assignments(struct converge *c, const char *what, bool all, struct scope *selected,
		       struct err **err);

/* The assignment of that id in either view; NULL when there is none. */
const struct assignment *select_assignment(const struct domain *domain, const char *id);

/*
 * Checks that each of the scope is where a change of these views can touch it: asking for a change
 * where there is nothing to change is a mistake that the user wants to hear of.
 */
int select_check_views(const struct converge *c, const struct scope *scope, unsigned views,
		       struct err **err);

#endif
