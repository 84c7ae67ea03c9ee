/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the fuzzers share. */
#ifndef VFPOOL_TESTS_FUZZ_FUZZ_H
#define VFPOOL_TESTS_FUZZ_FUZZ_H

#include <libxml/relaxng.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

/* beyond: the reader has refused what no grammar can say. */
static inline void must_agree(bool reader_takes, bool schema_takes, bool beyond)
{
	must(reader_takes == schema_takes || (!reader_takes && beyond),
	     reader_takes ? "the schema refuses what the reader takes"
			  : "the reader refuses what the schema takes");
}

/* Judges each element of this namespace, but for those inside of another one. */
static inline void judge_each(xmlNodePtr node, const char *uri, xmlRelaxNGPtr schema,
			      void (*judge)(xmlRelaxNGPtr schema, xmlNodePtr element))
{
	for (; node; node = node->next) {
		if (node->type != XML_ELEMENT_NODE)
			continue;
		if (node->ns && strcmp((const char *)node->ns->href, uri) == 0)
			judge(schema, node);
		else
			judge_each(node->children, uri, schema, judge);
	}
}

#endif
