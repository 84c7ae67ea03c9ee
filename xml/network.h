/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a libvirt network's XML. */
#ifndef VFPOOL_XML_NETWORK_H
#define VFPOOL_XML_NETWORK_H

#include "core/err.h"
#include "model/network.h"

/*
 * Fills in what the XML tells: .kind and .bridge; the rest of *network stays as it is. XML that is
 * not a network's: ERR_FAILED, and *network is untouched.
 */
int network_xml_parse(const char *xml, struct network *network, struct err **err);

#endif
