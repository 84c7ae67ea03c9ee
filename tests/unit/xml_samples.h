/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of tests/data, the compiled metadata schema, and small steps on documents. */
#ifndef VFPOOL_TESTS_UNIT_XML_SAMPLES_H
#define VFPOOL_TESTS_UNIT_XML_SAMPLES_H

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "xml/metadata.h"

static const char metadata_schema[] =
#include "schemas/metadata.rng.h"
	;

#define LIBVIRT_DOMAIN_SCHEMA "/usr/share/libvirt/schemas/domain.rng"

/* libxml2 changed how it hands messages out; these tests do not read them. */
static inline void no_words(void *data, ...)
{
	(void)data;
}

static inline void schema_quiet(void)
{
	xmlSetGenericErrorFunc(NULL, (xmlGenericErrorFunc)(void *)no_words);
}

static inline xmlRelaxNGPtr schema_load(xmlRelaxNGParserCtxtPtr ctxt)
{
	xmlRelaxNGPtr schema = ctxt ? xmlRelaxNGParse(ctxt) : NULL;

	xmlRelaxNGFreeParserCtxt(ctxt);
	return schema;
}

static inline xmlRelaxNGPtr schema_metadata(void)
{
	return schema_load(
		xmlRelaxNGNewMemParserCtxt(metadata_schema, (int)sizeof(metadata_schema) - 1));
}

static inline bool schema_accepts_doc(xmlRelaxNGPtr schema, xmlDocPtr doc)
{
	xmlRelaxNGValidCtxtPtr ctxt = xmlRelaxNGNewValidCtxt(schema);
	int rc = xmlRelaxNGValidateDoc(ctxt, doc);

	xmlRelaxNGFreeValidCtxt(ctxt);
	return rc == 0;
}

/* The element as a document of its own. */
static inline bool schema_accepts(xmlRelaxNGPtr schema, xmlNodePtr element)
{
	xmlDocPtr doc = xmlNewDoc(BAD_CAST "1.0");
	bool accepted;

	(void)xmlDocSetRootElement(doc, xmlDocCopyNode(element, doc, 1));
	accepted = schema_accepts_doc(schema, doc);
	xmlFreeDoc(doc);
	return accepted;
}

/* NULL when it cannot be read; the caller frees it. */
static inline char *sample_read(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	(void)fclose(file);
	return text;
}

/*
 * What libvirt stores when it is given this metadata element: its virDomainSetMetadata() declares
 * the prefix on the element, and moves all into the namespace that is in none.
 */
static inline void set_namespace(xmlNodePtr node, xmlNsPtr ns)
{
	if (node->type == XML_ELEMENT_NODE && !node->ns)
		xmlSetNs(node, ns);
	for (xmlNodePtr child = node->children; child; child = child->next)
		set_namespace(child, ns);
}

/* A domain with this metadata element, as libvirt would show it; NULL if it would refuse. */
static inline char *domain_with_metadata(const char *element)
{
	xmlDocPtr doc = xmlReadMemory(element, (int)strlen(element), NULL, NULL, XML_PARSE_NONET);
	xmlNodePtr root = xmlDocGetRootElement(doc);
	xmlNsPtr ns = root ? xmlNewNs(root, BAD_CAST METADATA_URI, BAD_CAST METADATA_PREFIX) : NULL;
	xmlBufferPtr buffer;
	char *domain;

	if (!ns) {
		xmlFreeDoc(doc);
		return NULL;
	}
	set_namespace(root, ns);
	buffer = xmlBufferCreate();
	(void)xmlNodeDump(buffer, doc, root, 2, 1);
	domain = mem_printf("<domain type='kvm'>\n  <name>guest</name>\n  <metadata>\n    %s\n"
			    "  </metadata>\n  <devices/>\n</domain>\n",
			    (const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	xmlFreeDoc(doc);
	return domain;
}

/* Small and the same each time: xorshift64. */
static inline uint64_t dice(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
