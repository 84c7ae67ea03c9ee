/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * udev names a netdev, and can give it a MAC, some time after its driver has made it. Who asks for
 * it by name meanwhile finds none.
 */
#ifndef VFPOOL_HOST_UDEV_H
#define VFPOOL_HOST_UDEV_H

#include <stdbool.h>

#include "core/clock.h"
#include "core/err.h"

#define UDEV_DIR "/run/udev"

/*
 * Waits until udev is done with all that done() asks after; done() uses udev_knows(). Without udev
 * there is nothing to wait for. 1: it is; 0: the deadline passed; -1: *err.
 */
int udev_wait(const char *dir, bool (*done)(void *arg), void *arg, msec deadline, struct err **err);

/* Is udev done with the netdev of this index? */
bool udev_knows(const char *dir, unsigned long ifindex);

#endif
