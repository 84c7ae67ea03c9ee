/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parking: a guest's VFs are taken out because something is to happen to it that they would be in
 * the way of, and it is owed them. The assignments stay in its metadata, so that they go where it
 * goes; while it is here, its VFs are kept for it, idle and with their own settings, so that a move
 * that fails can always be undone.
 */
#ifndef VFPOOL_CONVERGE_PARK_H
#define VFPOOL_CONVERGE_PARK_H

#include "converge/converge.h"
#include "converge/parking.h"
#include "core/err.h"
#include "host/edges.h"
#include "model/assignment.h"

/*
 * What the domain should have by now: what its metadata says, and what is parked there but over.
 * The caller clears it.
 */
struct wants park_wants(const struct converge *c);

/* The same when it is known that a move from here has failed. */
struct wants park_wants_back(const struct converge *c);

/* Is any of the running guest's VFs parked here for a move? */
bool park_waits_for_move(const struct converge *c);

/*
 * Takes all VFs out of the guest, and waits until each is back on the host, as it was before; c has
 * the guest as it is. For a migration they are taken out of its persistent definition, too: that
 * must not bring the address of a VF of this host to another one. What was parked before is
 * parked anew. And those that QEMU can move with it stay in the running guest, unless c->park_all.
 *
 * All or nothing: on -1 the guest has been given back what had been taken out, and the error's .now
 * says so, or what is missing. The plan is the caller's to clear, as converge_run()'s; it tells of
 * the parking alone.
 */
int park_domain(struct converge *c, const struct parking *parking, struct plan *plan,
		struct err **err);

/*
 * Gives the guest all that is parked, and all else that it should have: the VFs that are kept for
 * it, else others of their pools, at the guest addresses that they had. -1: not all; what could be
 * done is done.
 */
int unpark_domain(struct converge *c, struct plan *plan, struct err **err);

/*
 * The guest has gone: the VFs that are kept for it alone are free. *n is increased by their number.
 * coming: it may be on its way here, as far as the caller knows; then what was reserved for that,
 * and not parked here, stays.
 */
int park_forget(struct converge *c, bool coming, size_t *n, struct err **err);

#endif
