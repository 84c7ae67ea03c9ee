/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/wants.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

bool scope_has(const struct scope *scope, const char *id)
{
	for (size_t i = 0; i < scope->n; i++)
		if (!strcmp(scope->ids[i], id))
			return true;
	return false;
}

void scope_add(struct scope *scope, const char *id)
{
	if (scope_has(scope, id))
		return;
	memcpy(mem_append(&scope->ids, &scope->n, sizeof(*scope->ids)), id, ASSIGNMENT_ID_SIZE);
}

void scope_clear(struct scope *scope)
{
	free(scope->ids);
	*scope = (struct scope){0};
}

void wants_clear(struct wants *wants)
{
	assignments_clear(&wants->live);
	assignments_clear(&wants->config);
}

struct wants wants_copy(const struct wants *from)
{
	return (struct wants){
		.live = assignments_copy(&from->live),
		.config = assignments_copy(&from->config),
	};
}

struct wants wants_of(const struct domain *domain)
{
	return (struct wants){
		.live = assignments_copy(&domain->live.assignments),
		.config = assignments_copy(&domain->config.assignments),
	};
}

static void scope_of_view(struct scope *scope, const struct domain_view *view)
{
	for (size_t i = 0; i < view->ndevices; i++)
		if (view->devices[i].id[0])
			scope_add(scope, view->devices[i].id);
	for (size_t i = 0; i < view->nstandbys; i++)
		scope_add(scope, view->standbys[i].id);
}

void scope_of_domain(struct scope *scope, const struct domain *domain, const struct wants *wants,
		     const struct leases *leases)
{
	for (size_t i = 0; i < wants->live.n; i++)
		scope_add(scope, wants->live.items[i].id);
	for (size_t i = 0; i < wants->config.n; i++)
		scope_add(scope, wants->config.items[i].id);
	scope_of_view(scope, &domain->live);
	scope_of_view(scope, &domain->config);
	for (size_t i = 0; i < leases->n; i++)
		if (!strcmp(leases->items[i].domain_uuid, domain->uuid))
			scope_add(scope, leases->items[i].assignment);
}
