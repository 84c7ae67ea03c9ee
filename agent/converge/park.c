/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/park.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

static void unpark_over(struct assignments *list, const char *here, int64_t now)
{
	for (size_t i = 0; i < list->n; i++) {
		struct assignment *a = &list->items[i];

		if (a->parked && parking_is_over(&a->parking, here, now))
			a->parked = false;
	}
}

struct wants park_wants(const struct converge *c)
{
	const struct parking here = parking_here(c->edges, PARK_MIGRATION, 0);
	struct wants wants = wants_of(&c->domain);
	int64_t now = c->edges->wall();

	unpark_over(&wants.live, here.host, now);
	unpark_over(&wants.config, here.host, now);
	return wants;
}

static bool is_for_move_from(const struct assignment *a, const char *here)
{
	return a->parked && a->parking.reason == PARK_MIGRATION && !strcmp(a->parking.host, here);
}

static void unpark_moved(struct assignments *list, const char *here)
{
	for (size_t i = 0; i < list->n; i++)
		if (is_for_move_from(&list->items[i], here))
			list->items[i].parked = false;
}

bool park_waits_for_move(const struct converge *c)
{
	const struct parking here = parking_here(c->edges, PARK_MIGRATION, 0);
	const struct assignments *live = &c->domain.live.assignments;

	for (size_t i = 0; i < live->n; i++)
		if (is_for_move_from(&live->items[i], here.host))
			return true;
	return false;
}

struct wants park_wants_back(const struct converge *c)
{
	const struct parking here = parking_here(c->edges, PARK_MIGRATION, 0);
	struct wants wants = park_wants(c);

	unpark_moved(&wants.live, here.host);
	unpark_moved(&wants.config, here.host);
	return wants;
}

static void park_each(struct assignments *list, const struct parking *parking,
		      const struct scope *stays, struct scope *scope)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!stays || !scope_has(stays, list->items[i].id))
			assignment_park(&list->items[i], parking);
		scope_add(scope, list->items[i].id);
	}
}

/* Of one that cannot be read, nobody knows that it could. */
static bool driver_moves(struct host *host, const struct lease *lease)
{
	struct pf pf = {0};
	const struct vf *vf;
	bool moves;

	if (host->ops->read_pf(host, lease->pf, 0, &pf, NULL))
		return false;
	vf = pf_vf_by_index(&pf, lease->index);
	moves = vf && pciaddr_equal(vf->addr, lease->vf) && driver_can_migrate(vf->driver);
	pf_clear(&pf);
	return moves;
}

/*
 * Those whose device state QEMU can move with the guest; but one with a standby is taken out by
 * QEMU in any case.
 */
static bool can_stay(struct converge *c, const struct assignment *a)
{
	const struct device *device = domain_view_device(&c->domain.live, a->id);
	const struct lease *lease = leases_by_assignment(&c->leases, a->id);

	return device && device_can_follow(device) && lease && lease->state == LEASE_HELD &&
	       !a->parked && !a->standby && pciaddr_equal(lease->vf, device->host) &&
	       driver_moves(c->edges->host, lease);
}

/* For a migration: the assignments whose VFs QEMU can move with the guest. */
static void find_stays(struct converge *c, struct scope *out)
{
	for (size_t i = 0; i < c->domain.live.assignments.n; i++)
		if (can_stay(c, &c->domain.live.assignments.items[i]))
			scope_add(out, c->domain.live.assignments.items[i].id);
}

/* What is on its way out anyway has to be out as well. */
static void add_leftovers(const struct domain_view *view, struct scope *scope)
{
	for (size_t i = 0; i < view->ndevices; i++)
		if (view->devices[i].id[0])
			scope_add(scope, view->devices[i].id);
}

static int undo(struct converge *c, const struct wants *before, unsigned views,
		const struct scope *scope, struct err **err)
{
	cleanup_err struct err *why = NULL;

	if (converge_back(c, before, views, scope, &why)) {
		err_now(err, "%s has not got back all that had been taken out: %s", c->dom.name,
			why->what);
		free(steal(&(*err)->next));
		err_next(err, "mend that, then `vfpool unpark %s`", c->dom.name);
	} else {
		err_now(err, "%s has its VFs as before", c->dom.name);
	}
	return -1;
}

int park_domain(struct converge *c, const struct parking *parking, struct plan *plan,
		struct err **err)
{
	struct wants before = wants_of(&c->domain), wants = wants_copy(&before);
	struct scope scope = {0}, stays = {0};
	unsigned views = converge_views(c);
	size_t done = 0;
	int result;

	if (parking->reason == PARK_MIGRATION && !c->park_all)
		find_stays(c, &stays);
	park_each(&wants.live, parking, &stays, &scope);
	add_leftovers(&c->domain.live, &scope);
	/* The definition must name no VF of this host, whoever stays in the guest. */
	if (parking->reason == PARK_MIGRATION) {
		park_each(&wants.config, parking, NULL, &scope);
		add_leftovers(&c->domain.config, &scope);
	}
	result = converge_run(c, &wants, &scope, CONVERGE_CHECK, plan, &done, err);
	for (size_t i = 0; i < plan->nsubjects; i++)
		plan->subjects[i].stays = scope_has(&stays, plan->subjects[i].assignment.id);
	if (result && !done)
		err_now(err, "nothing was changed");
	else if (result && plan_silence(plan))
		err_now(err,
			"%s counts as parked: its VFs come out when its QEMU goes on, and "
			"`vfpool unpark %s` gives them back",
			c->dom.name, c->dom.name);
	else if (result && (*err)->code != ERR_LOST)
		result = undo(c, &before, views, &scope, err);
	scope_clear(&scope);
	scope_clear(&stays);
	wants_clear(&wants);
	wants_clear(&before);
	return result;
}

static void unpark_each(struct assignments *list)
{
	for (size_t i = 0; i < list->n; i++)
		list->items[i].parked = false;
}

int unpark_domain(struct converge *c, struct plan *plan, struct err **err)
{
	struct wants wants = wants_of(&c->domain);
	int result;

	unpark_each(&wants.live);
	unpark_each(&wants.config);
	result = converge_run(c, &wants, NULL, CONVERGE_MEND, plan, NULL, err);
	wants_clear(&wants);
	return result;
}

/* It has been in the guest: of one that was reserved only, the driver is not noted yet. */
static bool was_parked(const struct lease *lease)
{
	return lease->saved.known || lease->driver;
}

int park_forget(struct converge *c, bool coming, size_t *n, struct err **err)
{
	struct store *store = c->edges->store;

	for (size_t i = 0; i < c->leases.n; i++) {
		const struct lease *lease = &c->leases.items[i];
		struct err *why = NULL;

		/* Nothing was done to its VF since it came back. */
		if (lease->state != LEASE_RESERVED || (coming && !was_parked(lease)) ||
		    assignments_find(&c->domain.live.assignments, lease->assignment) ||
		    assignments_find(&c->domain.config.assignments, lease->assignment))
			continue;
		if (!store->ops->drop(store, lease, &why))
			++*n;
		else if (why->code != ERR_ABSENT)
			return err_pass(err, why);
		err_free(&why);
	}
	return 0;
}
