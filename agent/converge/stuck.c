// SPDX-License-Identifier: LGPL-2.1-or-later
#include "converge/stuck.h"

#include <string.h>

#include "converge/park.h"
#include "core/cleanup.h"

static bool has_row(struct store *store, const char *uuid)
{
	struct stuck_guests stuck = {0};
	bool has = false;

	if (store->ops->stuck(store, &stuck, NULL))
		return false;
	for (size_t i = 0; i < stuck.n; i++)
		has |= !strcmp(stuck.items[i].uuid, uuid);
	stuck_guests_clear(&stuck);
	return has;
}

/* One that is lost says why by itself. */
static bool tells(const struct lease *lease)
{
	return lease->reason && lease->state != LEASE_LOST;
}

static bool is_noted(struct store *store, const char *uuid)
{
	struct leases leases = {0};
	bool noted = false;

	if (store->ops->list(store, uuid, NULL, &leases, NULL))
		return false;
	for (size_t i = 0; i < leases.n; i++)
		noted |= tells(&leases.items[i]);
	leases_clear(&leases);
	return noted || has_row(store, uuid);
}

/* All of it, which can be more than what was worked on. */
static bool is_right(struct converge *c)
{
	struct wants wants;
	struct plan plan = {0};
	cleanup_err struct err *why = NULL;
	bool right;

	if (converge_again(c, c->seconds, &why))
		return false;
	wants = park_wants(c);
	right = !converge_run(c, &wants, NULL, CONVERGE_PLAN, &plan, NULL, &why) && !plan.nsteps;
	plan_clear(&plan);
	wants_clear(&wants);
	return right;
}

void stuck_settle(struct converge *c)
{
	struct store *store = c->edges->store;

	if (!is_noted(store, c->dom.uuid) || !is_right(c))
		return;
	for (size_t i = 0; i < c->leases.n; i++) {
		struct lease *lease = &c->leases.items[i];

		if (!tells(lease))
			continue;
		free(lease->reason);
		lease->reason = NULL;
		(void)store->ops->update(store, lease, NULL);
	}
	(void)store->ops->stick(store, c->dom.uuid, c->dom.name, NULL, NULL);
}
