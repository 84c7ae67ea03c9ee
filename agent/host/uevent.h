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

/* What has happened to PCI devices; what comes later says more. */
enum uevent_pci {
	UEVENT_NOTHING,
	UEVENT_DRIVERS, /* one got a driver, or lost it */
	UEVENT_DEVICES, /* one came or went, or events were lost */
};

/* Takes all events that are there. Does not wait. */
enum uevent_pci uevent_of_pci(int fd);

/* Of one event, as the kernel sends it. */
enum uevent_pci uevent_pci_of(const char *text, size_t size);

/* Is this event, as the kernel sends it, about the device or something on it? */
bool uevent_concerns(const char *text, size_t size, struct pciaddr device);

#endif
