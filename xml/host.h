/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libvirt network in whose <metadata> a host tells others of its pools; the grammar of that
 * element is xml/schemas/host.rng. It comes from another host, so it is hostile: host.c knows the
 * grammar by heart, and the tests hold it against the schema.
 */
#ifndef VFPOOL_XML_HOST_H
#define VFPOOL_XML_HOST_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "core/err.h"
#include "model/report.h"

bool host_xml_name_valid(const char *name); /* 1 to 64 visible ASCII characters */

/* The whole network, as libvirt takes it. The caller frees it. */
char *host_xml_format(const struct host_report *report);

/*
 * Reads such a network: ERR_ABSENT when nothing of ours is in it. *out is untouched on failure;
 * else the caller clears it.
 */
int host_xml_parse(const char *text, struct host_report *out, struct err **err);

/* Reads our element alone. */
int host_xml_parse_element(const xmlNode *element, struct host_report *out, struct err **err);

#endif
