/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An event loop for libvirt without a thread of its own, for a process that does nothing but follow
 * events over one connection: virt_follow_only(). For virt.c only.
 *
 * libvirt's daemons ask every client whose event loop watches the connection for a sign of life,
 * each five seconds, for as long as it lasts. On a local socket that tells nobody anything: its end
 * is told by the kernel. An event loop may refuse to watch a connection; libvirt's client then goes
 * without the signs of life, and takes in events whenever it makes a call. So this one refuses
 * local sockets and looks at them itself: when there is something to be read, a call has to be
 * made.
 */
#ifndef VFPOOL_HOST_VIRT_ALONE_H
#define VFPOOL_HOST_VIRT_ALONE_H

#include <stdbool.h>

#include "core/clock.h"
#include "core/err.h"

/* Makes it libvirt's event loop: before the first connection. */
void alone_register(void);

/*
 * Waits until something is to be done and does it. 1: there is time left; 0: the deadline has
 * passed, or stop (-1: none) can be read; -1: error. *calls: a call has to be made now, whichever.
 */
int alone_turn(int stop, msec deadline, bool *calls, struct err **err);

#endif
