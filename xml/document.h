/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XML from outside is hostile: one way in. No network, no DTD, no entities, at most
 * DOCUMENT_MAX bytes; a document with an internal subset is refused.
 */
#ifndef VFPOOL_XML_DOCUMENT_H
#define VFPOOL_XML_DOCUMENT_H

#include <libxml/tree.h>

#include "core/err.h"

#define DOCUMENT_MAX (8u << 20)

/* what names the document in errors. Freed with xmlFreeDoc(). */
int document_parse(const char *text, const char *what, xmlDocPtr *out, struct err **err);

#endif
