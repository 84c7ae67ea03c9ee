/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our element in a domain's <metadata>: the assignments. Read from any domain, so hostile; its
 * grammar is xml/schemas/metadata.rng. It is read at each attach and by the hook, where parsing the
 * schema would cost more than all the rest: so metadata.c knows the grammar by heart, and the tests
 * and the fuzzer hold it against the schema.
 */
#ifndef VFPOOL_XML_METADATA_H
#define VFPOOL_XML_METADATA_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "core/err.h"
#include "model/assignment.h"

/* More than these, or another name than these, cannot be remembered: to be refused at the start. */
#define METADATA_ASSIGNMENTS_MAX 64
bool metadata_pool_valid(const char *pool);       /* 1 to 64 visible ASCII characters */
bool metadata_network_valid(const char *network); /* likewise */

/*
 * The element as text, for virDomainSetMetadata(); NULL for no assignment at all: then it is to be
 * removed. It begins with "<assignments>" and is in no namespace: libvirt puts it into METADATA_URI
 * itself, and refuses an element where the prefix is declared already. The caller frees it.
 */
char *metadata_xml_format(const struct assignments *assignments);

/*
 * element is <assignments> in our namespace. Checked against the grammar, for their number, and for
 * ids and MACs that occur twice: ERR_FAILED says what and where, and *out is untouched.
 */
int metadata_xml_parse(xmlNodePtr element, struct assignments *out, struct err **err);

#endif
