/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The answer of the commands that change assignments: a row for each. */
#ifndef VFPOOL_VERBS_ASSIGNED_H
#define VFPOOL_VERBS_ASSIGNED_H

#include "converge/plan.h"
#include "core/err.h"
#include "core/table.h"

/* An empty answer; name is its key in JSON: "attached". */
int assigned_new(const char *name, enum table_mode mode, struct table **out, struct err **err);

/* A row for a subject, with what was done to it. */
void assigned_add(struct table *table, const char *domain, const struct subject *subject);

#endif
