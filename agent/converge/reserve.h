/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan's claims: by themselves they promise VFs to a guest that is not here yet. */
#ifndef VFPOOL_CONVERGE_RESERVE_H
#define VFPOOL_CONVERGE_RESERVE_H

#include "converge/plan.h"
#include "host/store.h"

/*
 * The lease that the plan has made for a subject becomes its own. ERR_TAKEN: its VF went to
 * somebody else meanwhile; then, as after any error, nothing has changed.
 */
int reserve_claim(struct store *store, struct subject *sub, struct err **err);

/*
 * Claims what the plan would claim, in LEASE_RESERVED; reservations that are there already last
 * until expires, too. A subject whose VF went to somebody else meanwhile gets .taken, and another
 * failure is in its .err. When one that is not optional fails, all reservations of the plan are
 * dropped.
 */
void reserve(struct store *store, int64_t expires, struct plan *plan);

/* The guest does not come: its reservations are dropped. What cannot be dropped now expires. */
void unreserve(struct store *store, const struct plan *plan);

#endif
