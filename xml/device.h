/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the device XML that libvirt gets for an assignment. */
#ifndef VFPOOL_XML_DEVICE_H
#define VFPOOL_XML_DEVICE_H

#include "core/pciaddr.h"
#include "model/assignment.h"
#include "model/domain.h"

/*
 * managed: libvirt takes the VF off its driver and puts it on it again; else it waits on vfio-pci.
 *
 * <interface type='hostdev' managed='yes'> with MAC and VLAN, or <hostdev mode='subsystem'
 * type='pci' managed='yes'>; with our alias, and the guest address when it is set. Indented by two
 * spaces, ended by a newline, valid against libvirt's domain schema. The caller frees it.
 */
char *device_xml_format(const struct assignment *assignment, struct pciaddr vf, bool managed);

/*
 * The standby NIC of an assignment that has one: <interface type='network'> with a virtio card. It
 * and the VF's device name each other with <teaming>. tagged: libvirt is to put it into the VF's
 * VLAN. Written as device_xml_format()'s.
 */
char *device_xml_standby(const struct assignment *assignment, bool tagged);

/*
 * A device that has no alias of ours, for libvirt to find it by: by its VF, or its MAC. The caller
 * frees it.
 */
char *device_xml_of_other(const struct device *device);

#endif
