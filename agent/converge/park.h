/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parking: a guest's VFs are taken out because something is to happen to it that they would be in
 * the way of, and it is owed them. The assignments stay in its metadata, so that they go where it
 * goes; while it is here, its VFs are kept for it, idle and with their own settings, so that a move
 * that fails can always be undone.
 */
#ifndef VFPOOL_CONVERGE_PARK_H
#define VFPOOL_CONVERGE_PARK_H

#include "host/edges.h"
#include "model/assignment.h"

/* A parking on this host that lasts so many seconds; 0: for as long as the guest's lock is held. */
struct parking parking_here(struct edges *edges, enum park_reason reason, unsigned seconds);

#endif
