/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks among vfpool's processes: files in /run/vfpool, so a killed process holds none. One for
 * each domain (one converge a guest at a time), one for each PF (settings).
 */
#ifndef VFPOOL_HOST_LOCK_H
#define VFPOOL_HOST_LOCK_H

#include "core/clock.h"
#include "core/err.h"

#define LOCK_DIR "/run/vfpool"

/*
 * Takes the lock called name ("domain-<uuid>", "pf-<address>") and gives a descriptor that holds
 * it until it is closed. Blocks until the deadline: ERR_TIMEOUT, which names the process that
 * holds it.
 */
int lock_take(const char *name, msec deadline, int *fd, struct err **err);

/* The same with another directory, for tests. */
int lock_take_in(const char *dir, const char *name, msec deadline, int *fd, struct err **err);

#endif
