/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where and for how long something is parked, as this host writes it into a guest's metadata. */
#ifndef VFPOOL_CONVERGE_PARKING_H
#define VFPOOL_CONVERGE_PARKING_H

#include "host/edges.h"
#include "model/assignment.h"

/* A parking on this host that lasts so many seconds; 0: for as long as the guest's lock is held. */
struct parking parking_here(struct edges *edges, enum park_reason reason, unsigned seconds);

#endif
