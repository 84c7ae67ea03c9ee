/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells when something appears in a directory, such as a daemon's socket, or changes there. */
#ifndef VFPOOL_HOST_APPEAR_H
#define VFPOOL_HOST_APPEAR_H

#include <stdbool.h>

#include "core/err.h"

#define LIBVIRT_DIR "/run/libvirt" /* where its daemons have their sockets */

/*
 * A descriptor that becomes readable when something appears in dir from now on, or, while there is
 * no dir, when that does. Close it when it did, and open it again to wait for more.
 */
int appear_open(const char *dir, int *fd, struct err **err);

/*
 * The same for whatever changes in dir: files that come, go, or are written. While there is no dir,
 * what changes in the nearest one above it tells.
 */
int appear_open_changes(const char *dir, int *fd, struct err **err);

#endif
