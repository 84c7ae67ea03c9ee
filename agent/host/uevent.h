/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's own device events. They only wake a waiter up: what is true is read from sysfs, so
 * a lost event costs nothing but a look too many.
 */
#ifndef VFPOOL_HOST_UEVENT_H
#define VFPOOL_HOST_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/pciaddr.h"

/* A descriptor that remembers events from now on. */
int uevent_open(int *fd, struct err **err);

/*
 * Waits until there was an event of this PCI device or of something on it. 1: there was, or events
 * were lost; 0: the deadline passed; -1: error.
 */
int uevent_wait(int fd, struct pciaddr device, msec deadline, struct err **err);

/*
 * Takes all events that are there. true: one was about a PCI device that came, went, or changed its
 * driver, or events were lost. Does not wait.
 */
bool uevent_of_pci(int fd);

/* Is this event such a one? As the kernel sends it. */
bool uevent_is_pci(const char *text, size_t size);

/* Is this event, as the kernel sends it, about the device or something on it? */
bool uevent_concerns(const char *text, size_t size, struct pciaddr device);

#endif
