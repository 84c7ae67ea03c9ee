/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain should have, and which part of that a converge is about. */
#ifndef VFPOOL_CONVERGE_WANTS_H
#define VFPOOL_CONVERGE_WANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/assignment.h"
#include "model/domain.h"
#include "model/lease.h"

/* What should be: the assignments of each view. */
struct wants {
	struct assignments live;
	struct assignments config;
};

void wants_clear(struct wants *wants);
struct wants wants_copy(const struct wants *from);
struct wants wants_of(const struct domain *domain); /* as its own metadata says */

/*
 * A set of assignments that a converge is about; all of a domain's when NULL is given in its
 * place. The others of the domain are neither planned for nor touched.
 */
struct scope {
	char (*ids)[ASSIGNMENT_ID_SIZE];
	size_t n;
};

bool scope_has(const struct scope *scope, const char *id);
void scope_add(struct scope *scope, const char *id); /* already there: nothing */
void scope_clear(struct scope *scope);

/* Ids of every assignment, device of ours and lease of this domain. */
void scope_of_domain(struct scope *scope, const struct domain *domain, const struct wants *wants,
		     const struct leases *leases);

#endif
