/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a device open by VFIO. */
#ifndef VFPOOL_HOST_VFIO_H
#define VFPOOL_HOST_VFIO_H

/*
 * The first process that has the device open, by its IOMMU group or by the character device that
 * is listed in the directory vfio_dev of its sysfs entry: "qemu-system-x86 (4711)". NULL: none
 * that we may see. Opening the device to find out would get in the way of who is about to.
 */
char *vfio_user(const char *vfio_dev, int group);

#endif
