/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pool's definition in XML; its grammar is xml/schemas/pool.rng. It is read at every command that
 * needs pools, where parsing the schema would cost more than all the rest: so pool.c knows the
 * grammar by heart, and the tests and the fuzzer hold it against the schema.
 */
#ifndef VFPOOL_XML_POOL_H
#define VFPOOL_XML_POOL_H

#include "core/err.h"
#include "model/pool.h"

/*
 * what names the text in errors, which say the line and what was expected there: ERR_FAILED. *out
 * is untouched then; else the caller clears it with pool_clear().
 */
int pool_xml_parse(const char *text, const char *what, struct pool *out, struct err **err);

/* Holds the text against the schema. */
int pool_xml_validate(const char *text, const char *what, struct err **err);

/* The whole definition, always in the same order. The caller frees it. */
char *pool_xml_format(const struct pool *pool);

#endif
