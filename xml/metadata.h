/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our element in a domain's <metadata>: the assignments. Read from any domain, so hostile; its
 * grammar is xml/schemas/metadata.rng, which is compiled into the program.
 */
#ifndef VFPOOL_XML_METADATA_H
#define VFPOOL_XML_METADATA_H

#include <libxml/tree.h>

#include "core/err.h"
#include "model/assignment.h"

#define METADATA_URI "urn:vfpool:domain:1"
#define METADATA_PREFIX "vfpool"

/*
 * The element as text, for virDomainSetMetadata(); NULL for no assignment at all: then it is to be
 * removed. The caller frees it.
 */
char *metadata_xml_format(const struct assignments *assignments);

/*
 * element is <assignments> in our namespace. Checked against the schema, and for ids and MACs that
 * occur twice: ERR_FAILED says what and where, and *out is untouched.
 */
int metadata_xml_parse(xmlNodePtr element, struct assignments *out, struct err **err);

#endif
