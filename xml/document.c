// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xml/document.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

/*
 * NOERROR is not among them: newer libxml2 then keeps its messages from our handler, too, and the
 * handler alone is enough to keep them off stderr. The text comes from libvirt, in UTF-8, whatever
 * it says about itself. COMPACT stores short text within its node.
 */
enum {
	OPTIONS = XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT
#if LIBXML_VERSION >= 21300
		  | XML_PARSE_NO_XXE
#endif
};

/* From here on libxml2 hands errors out as const. */
#if LIBXML_VERSION >= 21200
typedef const xmlError *error_ptr;
#else
typedef xmlErrorPtr error_ptr;
#endif

/* The first thing that went wrong; what the parser says after it is mostly noise. */
struct complaint {
	int line;
	char *text;
};

static void complaint_clear(struct complaint *complaint)
{
	free(complaint->text);
}

static void complain(struct complaint *complaint, int line, const char *text)
{
	if (complaint->text)
		return;
	complaint->line = line;
	complaint->text = mem_strdup(text);
	/* It can quote the document, and ends in a newline. */
	for (char *p = complaint->text; *p; p++) {
		if (*p == '\n' && p[1] == '\0')
			*p = '\0';
		else if (*p < ' ' || *p > '~')
			*p = '?';
	}
}

static void on_error(void *data, error_ptr error)
{
	xmlParserCtxtPtr ctxt = data;

	if (error->code == XML_ERR_NO_MEMORY)
		abort();
	/* A bad namespace is less; foreign metadata may have one, and must not hide the rest. */
	if (error->level == XML_ERR_FATAL)
		complain(ctxt->_private, error->line, error->message ? error->message : "not XML");
}

/* Comes at "<!DOCTYPE name", before anything of a subset has been read. */
static void on_doctype(void *data, const xmlChar *name, const xmlChar *external,
		       const xmlChar *system)
{
	xmlParserCtxtPtr ctxt = data;

	(void)name;
	(void)external;
	(void)system;
	complain(ctxt->_private, xmlSAX2GetLineNumber(ctxt),
		 "a document type declaration is not allowed");
	xmlStopParser(ctxt);
}

int document_parse(const char *text, const char *what, xmlDocPtr *out, struct err **err)
{
	cleanup(complaint_clear) struct complaint complaint = {0};
	size_t size = strnlen(text, DOCUMENT_MAX + 1);
	xmlParserCtxtPtr ctxt;
	xmlDocPtr doc;

	if (size > DOCUMENT_MAX)
		return err_set(err, ERR_FAILED, "%s is longer than %u MiB", what,
			       DOCUMENT_MAX >> 20);
	ctxt = xmlNewParserCtxt();
	if (!ctxt)
		abort();
	ctxt->_private = &complaint;
	ctxt->sax->serror = on_error;
	ctxt->sax->internalSubset = on_doctype;
	doc = xmlCtxtReadMemory(ctxt, text, (int)size, NULL, NULL, OPTIONS);
	if (!doc && !complaint.text)
		complain(&complaint, 0, "not XML");
	xmlFreeParserCtxt(ctxt);
	if (!complaint.text) {
		*out = doc;
		return 0;
	}
	xmlFreeDoc(doc);
	if (!complaint.line)
		return err_set(err, ERR_FAILED, "%s: %s", what, complaint.text);
	return err_set(err, ERR_FAILED, "%s: line %d: %s", what, complaint.line, complaint.text);
}
