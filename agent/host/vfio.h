/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a device open by VFIO. */
#ifndef VFPOOL_HOST_VFIO_H
#define VFPOOL_HOST_VFIO_H

#include <stddef.h>

struct vfio_device {
	char *dir; /* vfio-dev of its sysfs entry: it lists the device's own character device */
	int group; /* its IOMMU group; -1: none */
	char *user;
};

/*
 * .user of each is the first process that has the device open, by its group or by its own character
 * device: "qemu-system-x86 (4711)", which the caller frees. NULL: none that we may see. One walk
 * over all processes, which ends where each device has one. Opening the devices to find out would
 * get in the way of who is about to.
 */
void vfio_find_users(struct vfio_device *devices, size_t n);

#endif
