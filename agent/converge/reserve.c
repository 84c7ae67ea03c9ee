// SPDX-License-Identifier: LGPL-2.1-or-later
#include "converge/reserve.h"

#include <stdlib.h>

#include "core/cleanup.h"

int reserve_claim(struct store *store, struct subject *sub, struct err **err)
{
	if (store->ops->claim(store, &sub->fresh, err))
		return -1;
	sub->lease = sub->fresh;
	sub->fresh = (struct lease){0};
	sub->leased = true;
	sub->claims = false;
	return 0;
}

static bool is_needed(const struct subject *sub)
{
	return sub->err && !sub->assignment.optional;
}

/* A VF that will not do, or is gone, is nothing to the guest that is still elsewhere. */
static int let_go(struct store *store, struct subject *sub, struct err **err)
{
	struct err *why = NULL;

	/* Whoever says that it comes with another one than it has here is not to be believed. */
	if (sub->leased && sub->have & ~sub->unplug & VIEW_LIVE &&
	    sub->lease.state != LEASE_RESERVED && sub->lease.state != LEASE_LOST)
		return err_set(err, ERR_FAILED, "assignment %s has VF %s of this host already (%s)",
			       sub->lease.assignment, pciaddr_str(sub->lease.vf),
			       lease_word(&sub->lease));
	if (sub->leased && store->ops->drop(store, &sub->lease, &why) && why->code != ERR_ABSENT)
		return err_pass(err, why);
	err_free(&why);
	lease_clear(&sub->lease);
	sub->leased = false;
	return 0;
}

static int reserve_one(struct store *store, int64_t expires, struct subject *sub, struct err **err)
{
	if (sub->claims) {
		if (let_go(store, sub, err))
			return -1;
		sub->fresh.state = LEASE_RESERVED;
		sub->fresh.expires = expires;
		/* What the guest will take it from is seen when it does. */
		free(steal(&sub->fresh.driver));
		return reserve_claim(store, sub, err);
	}
	if (!sub->leased || sub->lease.state != LEASE_RESERVED)
		return 0;
	sub->lease.expires = expires;
	return store->ops->update(store, &sub->lease, err);
}

void unreserve(struct store *store, const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++) {
		const struct subject *sub = &plan->subjects[i];

		if (sub->leased && sub->lease.state == LEASE_RESERVED)
			(void)store->ops->drop(store, &sub->lease, NULL);
	}
}

void reserve(struct store *store, int64_t expires, struct plan *plan)
{
	bool fails = false;

	for (size_t i = 0; i < plan->nsubjects; i++)
		fails |= is_needed(&plan->subjects[i]);
	for (size_t i = 0; i < plan->nsubjects && !fails; i++) {
		struct subject *sub = &plan->subjects[i];
		struct err *why = NULL;

		if (sub->err || !reserve_one(store, expires, sub, &why))
			continue;
		if (why->code == ERR_TAKEN)
			sub->taken = true;
		else
			sub->err = steal(&why);
		err_free(&why);
		fails = is_needed(sub);
	}
	if (fails)
		unreserve(store, plan);
}
