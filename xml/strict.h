/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads elements whose grammar the reader knows by heart: what is not known is refused, and each
 * error says where and what was expected. ns is the namespace's URI, NULL for none.
 */
#ifndef VFPOOL_XML_STRICT_H
#define VFPOOL_XML_STRICT_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/pciaddr.h"

bool strict_is(const xmlNode *node, const char *ns, const char *name);

/*
 * The first element from node on, in *out; NULL when there is none. Between elements there may be
 * comments, processing instructions and white space, nothing else.
 */
int strict_next(xmlNode *node, xmlNode **out, struct err **err);

/*
 * When *next has this name, it becomes *taken, and the element after it *next; else *taken is NULL.
 */
int strict_take(xmlNode **next, const char *ns, const char *name, xmlNode **taken,
		struct err **err);

/* node, which strict_next() found, has to be NULL. */
int strict_end(const xmlNode *node, struct err **err);

/* The element has no attributes but these; known ends in NULL. */
int strict_attributes(const xmlNode *element, const char *const *known, struct err **err);

/* Neither other attributes nor anything within it. */
int strict_leaf(const xmlNode *element, const char *const *attributes, struct err **err);

/* The attribute has to be there. */
int strict_attr(const xmlNode *element, const char *name, const char **out, struct err **err);

/* For an attribute with a value that is not what was wanted. Returns -1. */
int strict_bad(const xmlNode *element, const char *name, const char *value, const char *wanted,
	       struct err **err);

/*
 * The text of an element that has nothing but text in it. false: it has something else, or more
 * than fits.
 */
bool strict_text(const xmlNode *element, char *buf, size_t size);

/*
 * Plain decimal of at most seven digits, no zero in front: every number has one way to be written.
 */
bool strict_decimal(const char *text, unsigned min, unsigned max, unsigned *out);

/* An attribute of 0x and from min to max digits, as libvirt writes them; at most limit. */
int strict_hex(const xmlNode *element, const char *name, size_t min, size_t max, uint32_t limit,
	       uint32_t *out, struct err **err);

/* <address type='pci' …/>, whole and as libvirt writes it. */
int strict_pciaddr(const xmlNode *element, struct pciaddr *out, struct err **err);

#endif
