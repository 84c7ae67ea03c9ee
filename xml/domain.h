/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a libvirt domain's XML. */
#ifndef VFPOOL_XML_DOMAIN_H
#define VFPOOL_XML_DOMAIN_H

#include "core/err.h"
#include "model/domain.h"

/*
 * Everything of it that matters for VFs: devices on host PCI devices, MACs, our metadata, and the
 * slots where another device can go. Metadata that does not match our schema is reported in
 * .metadata_error and otherwise ignored: it must not hide the rest. A device whose alias names an
 * assignment is ours, and so is one that our metadata says was taken over.
 *
 * Slots: pcie-root-port and pcie-switch-downstream-port (device 0) that are empty and not
 * hotplug='off', lowest index first; then the free slots of conventional buses (pci-root,
 * pci-bridge, pcie-to-pci-bridge). pcie-root itself takes no hot-plug.
 *
 * Where vCPUs and memory are placed, as far as it is said.
 *
 * XML that is not a domain's: ERR_FAILED. view is untouched then; else free it with
 * domain_view_clear().
 */
int domain_xml_parse(const char *xml, struct domain_view *view, struct err **err);

#endif
