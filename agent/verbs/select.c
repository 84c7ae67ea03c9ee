/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs/select.h"

#include <string.h>

#include "converge/place_find.h"
#include "core/cleanup.h"

static const struct device *device_of(const struct domain *domain, const char *id)
{
	const struct device *live = domain_view_device(&domain->live, id);

	return live ? live : domain_view_device(&domain->config, id);
}

const struct assignment *select_assignment(const struct domain *domain, const char *id)
{
	const struct assignment *live = assignments_find(&domain->live.assignments, id);

	return live ? live : assignments_find(&domain->config.assignments, id);
}

static bool matches(const struct converge *c, const char *what, const struct place *place,
		    const char *id)
{
	const struct assignment *a = select_assignment(&c->domain, id);
	const struct lease *lease = leases_by_assignment(&c->leases, id);
	const struct device *device = device_of(&c->domain, id);
	struct pciaddr addr;
	struct mac mac;

	if (!strcmp(what, id))
		return true;
	if (mac_parse(what, &mac))
		return (a && mac_equal(a->mac, mac)) ||
		       (device && device->mac_set && mac_equal(device->mac, mac));
	if (pciaddr_parse(what, &addr) && ((lease && pciaddr_equal(lease->vf, addr)) ||
					   (device && pciaddr_equal(device->host, addr))))
		return true;
	if (lease && place_holds(place, lease->pf, lease->vf, lease->index))
		return place->index < 0 || lease->index == (unsigned)place->index;
	/* The pool's name is known though the host has no such PF any more. */
	return a && !place->npfs && !strcmp(a->pool, what);
}

static int select_one(const struct converge *c, const struct scope *all, struct scope *selected,
		      struct err **err)
{
	if (all->n == 1) {
		scope_add(selected, all->ids[0]);
		return 0;
	}
	err_set(err, ERR_USAGE, "%s has %zu VFs of vfpool: which one?", c->domain.name, all->n);
	for (size_t i = 0; i < all->n; i++) {
		const struct lease *lease = leases_by_assignment(&c->leases, all->ids[i]);
		const struct assignment *a = select_assignment(&c->domain, all->ids[i]);

		err_detail(err, "assignment %s: VF %s, MAC %s, pool %s", all->ids[i],
			   lease ? pciaddr_str(lease->vf) : "none",
			   a && !mac_is_zero(a->mac) ? mac_str(a->mac) : "none",
			   a ? a->pool : "none");
	}
	return err_next(err, "name one (pool, VF, MAC or assignment), or give --all");
}

int select_assignments(struct converge *c, const char *what, bool everything,
		       struct scope *selected, struct err **err)
{
	struct wants wants = wants_of(&c->domain);
	struct scope all = {0};
	struct place place;
	int result = 0;

	scope_of_domain(&all, &c->domain, &wants, &c->leases);
	wants_clear(&wants);
	if (!all.n && !everything) {
		result = err_set(err, ERR_ABSENT, "%s has no VF of vfpool", c->domain.name);
	} else if (what) {
		place_find(c->edges, what, &place);
		for (size_t i = 0; i < all.n; i++)
			if (matches(c, what, &place, all.ids[i]))
				scope_add(selected, all.ids[i]);
		place_clear(&place);
		if (!selected->n)
			result = err_set(err, ERR_ABSENT,
					 "vfpool gave %s nothing that '%s' stands for",
					 c->domain.name, what);
	} else if (everything) {
		for (size_t i = 0; i < all.n; i++)
			scope_add(selected, all.ids[i]);
	} else {
		result = select_one(c, &all, selected, err);
	}
	if (result)
		err_next(err, "`vfpool list --used` shows what each guest has");
	scope_clear(&all);
	return result;
}

int select_check_views(const struct converge *c, const struct scope *scope, unsigned views,
		       struct err **err)
{
	for (size_t i = 0; i < scope->n; i++) {
		const char *id = scope->ids[i];
		bool live = assignments_find(&c->domain.live.assignments, id);
		bool config = assignments_find(&c->domain.config.assignments, id);

		if (!live && !config)
			continue; /* a leftover: to be finished whatever was asked */
		if ((live && views & VIEW_LIVE) || (config && views & VIEW_CONFIG))
			continue;
		err_set(err, ERR_FAILED, "assignment %s of %s is only in its %s", id,
			c->domain.name, config ? "definition for the next boot" : "running state");
		return err_next(err, "use %s", config ? "--config" : "--live");
	}
	return 0;
}
