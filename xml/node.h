/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads single nodes of a parsed document, without XPath and without allocating. */
#ifndef VFPOOL_XML_NODE_H
#define VFPOOL_XML_NODE_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/mac.h"
#include "core/pciaddr.h"

/* An element of this name that is in no namespace, as all of libvirt's own are. */
bool node_is(const xmlNode *node, const char *name);

/* An element, whatever its name, of the namespace uri. */
bool node_in(const xmlNode *node, const char *uri);

/* An attribute's value, borrowed from the document; NULL when it is not there. */
const char *node_attr(const xmlNode *element, const char *name);

/* The attribute is there, and has just this value. */
bool node_attr_is(const xmlNode *element, const char *name, const char *value);

/*
 * A number as libvirt reads one: decimal, or hex after 0x. An attribute that is not there leaves
 * *out as it was.
 */
int node_number(const xmlNode *element, const char *name, uint32_t max, uint32_t *out,
		struct err **err);

/* The attributes domain, bus, slot and function; those that are not there are 0. */
int node_pciaddr(const xmlNode *element, struct pciaddr *out, struct err **err);

/* The attribute address, which must be there. */
int node_mac(const xmlNode *element, struct mac *out, struct err **err);

/*
 * err_set() for what is wrong with a node: "line 12: <address>: " and the text. Returns -1.
 */
int node_error(const xmlNode *node, struct err **err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What a document says may steer a terminal, or fill it: this is harmless and short. */
#define NODE_QUOTE_SIZE 48
const char *node_quote_into(const char *text, char buf[NODE_QUOTE_SIZE]);
#define node_quote(text) node_quote_into((text), (char[NODE_QUOTE_SIZE]){0})

#endif
