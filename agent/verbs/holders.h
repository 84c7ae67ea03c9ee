/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has VFs, as far as it can be asked: the leases and the guests. */
#ifndef VFPOOL_VERBS_HOLDERS_H
#define VFPOOL_VERBS_HOLDERS_H

#include <stdbool.h>

#include "core/err.h"
#include "model/lease.h"
#include "policies/candidates.h"
#include "verbs/verb.h"

struct holders {
	struct leases leases;
	struct stuck_guests stuck; /* read with the leases */
	struct foreigns foreigns;
	struct err *missing; /* why something is not known; NULL: all is */
};

/*
 * Reads both; without guests the leases alone. What cannot be read is left out, and is no failure
 * of the call. Another machine's tree (--sysfs) has nothing to do with the guests and leases of
 * this one.
 */
void holders_read(struct session *session, bool guests, struct holders *out);
void holders_clear(struct holders *holders);

/* When all has been printed: 0, or ERR_PARTIAL where something is missing. */
int holders_complete(struct holders *holders, struct err **err);

#endif
