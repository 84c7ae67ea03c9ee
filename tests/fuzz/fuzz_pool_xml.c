/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes at all as a pool's definition: it is read or refused, and the schema agrees. What was
 * read is written, and reads and is written the same again.
 */
#include "core/cleanup.h"
#include "core/mem.h"
#include "fuzz/fuzz.h"
#include "xml/pool.h"

/* What no grammar can say. */
static bool beyond_grammar(const struct err *err)
{
	static const char *const words[] = {"ends before it begins", "is above max",
					    "there more than once", "which libvirt cannot set"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(err->what, words[i]))
			return true;
	return false;
}

static void survives(const struct pool *pool)
{
	cleanup(pool_clear) struct pool again = {0};
	cleanup_free char *text = pool_xml_format(pool);
	cleanup_free char *second = NULL;

	must(!pool_xml_validate(text, "written", NULL), "the schema refuses what was written");
	must(!pool_xml_parse(text, "written", &again, NULL), "what was written cannot be read");
	second = pool_xml_format(&again);
	must(!strcmp(text, second), "a pool changes on the way");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(pool_clear) struct pool pool = {0};
	cleanup_free char *text = mem_zero(size + 1, 1);
	cleanup_err struct err *err = NULL;
	bool takes, valid;

	memcpy(text, data, size);
	takes = !pool_xml_parse(text, "input", &pool, &err);
	must(takes == !err, "refused without a word");
	valid = !pool_xml_validate(text, "input", NULL);
	if (takes)
		survives(&pool);
	must_agree(takes, valid, !takes && beyond_grammar(err));
	return 0;
}
