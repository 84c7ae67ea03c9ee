/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests that were given up. */
#ifndef VFPOOL_MODEL_STUCK_H
#define VFPOOL_MODEL_STUCK_H

#include <stddef.h>
#include <stdint.h>

#include "model/lease.h"

/* One that should have what it cannot be given, and no lease to tell why. */
struct stuck_guest {
	char uuid[UUID_STRLEN];
	char *name;
	char *reason;
	int64_t since; /* seconds since 1970 */
};

struct stuck_guests {
	struct stuck_guest *items; /* by UUID */
	size_t n;
};

void stuck_guests_clear(struct stuck_guests *guests);

#endif
