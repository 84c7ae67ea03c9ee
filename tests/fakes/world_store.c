/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fakes/world_inside.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static int store_claim(struct store *store, const struct lease *lease, struct err **err)
{
	struct world *w = WORLD_OF(store, store);

	if (world_call(w, "claim", err))
		return -1;
	if (leases_by_vf(&w->leases, lease->vf) ||
	    leases_by_assignment(&w->leases, lease->assignment))
		return err_set(err, ERR_TAKEN, "VF %s is leased", pciaddr_str(lease->vf));
	leases_add(&w->leases, lease_copy(lease));
	return 0;
}

static struct lease *store_find(struct world *w, const struct lease *lease)
{
	struct lease *found = leases_by_vf(&w->leases, lease->vf);

	return found && !strcmp(found->assignment, lease->assignment) ? found : NULL;
}

static int store_update(struct store *store, const struct lease *lease, struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct lease *found = store_find(w, lease);

	if (world_call(w, "update", err))
		return -1;
	if (!found)
		return err_set(err, ERR_ABSENT, "no such lease");
	lease_clear(found);
	*found = lease_copy(lease);
	return 0;
}

static int store_drop(struct store *store, const struct lease *lease, struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct lease *found = store_find(w, lease);
	size_t i;

	if (world_call(w, "drop", err))
		return -1;
	if (!found)
		return err_set(err, ERR_ABSENT, "no such lease");
	i = (size_t)(found - w->leases.items);
	lease_clear(found);
	w->leases.n--;
	memmove(found, found + 1, (w->leases.n - i) * sizeof(*found));
	return 0;
}

static int store_list(struct store *store, const char *uuid, const struct pciaddr *pf,
		      struct leases *out, struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct leases found = {0};

	if (world_call(w, "store-list", err))
		return -1;
	for (size_t i = 0; i < w->leases.n; i++) {
		const struct lease *lease = &w->leases.items[i];

		if ((!uuid || !strcmp(uuid, lease->domain_uuid)) &&
		    (!pf || pciaddr_equal(*pf, lease->pf)))
			*(struct lease *)mem_append(&found.items, &found.n, sizeof(*lease)) =
				lease_copy(lease);
	}
	*out = found;
	return 0;
}

static void store_because(struct store *store, const char *cause)
{
	(void)store;
	(void)cause;
}

static int store_history(struct store *store, int64_t after, const char *domain,
			 struct history *out, struct err **err)
{
	(void)after;
	(void)domain;
	if (world_call(WORLD_OF(store, store), "history", err))
		return -1;
	*out = (struct history){0};
	return 0;
}

static int store_stick(struct store *store, const char *uuid, const char *name, const char *reason,
		       struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct stuck_guests *all = &w->stuck;
	size_t i = 0;

	if (world_call(w, "stick", err))
		return -1;
	while (i < all->n && strcmp(all->items[i].uuid, uuid) != 0)
		i++;
	if (i < all->n) {
		free(all->items[i].name);
		free(all->items[i].reason);
		all->items[i] = all->items[--all->n];
	}
	if (reason) {
		struct stuck_guest *guest = mem_append(&all->items, &all->n, sizeof(*guest));

		*guest = (struct stuck_guest){
			.name = mem_strdup(name), .reason = mem_strdup(reason), .since = w->wall};
		memcpy(guest->uuid, uuid, sizeof(guest->uuid));
	}
	return 0;
}

static int store_stuck(struct store *store, struct stuck_guests *out, struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct stuck_guests found = {0};

	if (world_call(w, "stuck", err))
		return -1;
	for (size_t i = 0; i < w->stuck.n; i++) {
		struct stuck_guest guest = w->stuck.items[i];

		guest.name = mem_strdup(guest.name);
		guest.reason = mem_strdup(guest.reason);
		*(struct stuck_guest *)mem_append(&found.items, &found.n, sizeof(guest)) = guest;
	}
	*out = found;
	return 0;
}

static int store_settle(struct store *store, struct err **err)
{
	return world_call(WORLD_OF(store, store), "settle", err) ? -1 : 0;
}

static void store_close(struct store *store)
{
	(void)store;
}

const struct store_ops world_store_ops = {
	.claim = store_claim,
	.update = store_update,
	.drop = store_drop,
	.list = store_list,
	.because = store_because,
	.history = store_history,
	.stick = store_stick,
	.stuck = store_stuck,
	.settle = store_settle,
	.close = store_close,
};
