// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any bytes at all as the network in which another host tells of its pools: it is read or refused,
 * and the schema agrees. What was read is written, and reads and is written the same again.
 */
#include "core/cleanup.h"
#include "fuzz/fuzz.h"
#include "unit/xml_samples.h"
#include "xml/document.h"
#include "xml/host.h"

static const char host_schema[] =
#include "schemas/host.rng.h"
	;

/* Beside the grammar the reader counts, and looks for doubles and the order of indexes. */
static bool beyond_grammar(const struct err *err)
{
	return err && (strstr(err->what, "there is another called") ||
		       strstr(err->what, "there are more than") ||
		       strstr(err->what, "indexes of VFs in order"));
}

static void survives(const struct host_report *report)
{
	cleanup(host_report_clear) struct host_report again = {0};
	cleanup_free char *text = host_xml_format(report);
	cleanup_free char *second = NULL;

	must(!host_xml_parse(text, &again, NULL), "what was written cannot be read");
	second = host_xml_format(&again);
	must(!strcmp(text, second), "a report changes on the way");
}

static void schema_agrees(xmlRelaxNGPtr schema, xmlNodePtr element)
{
	cleanup(host_report_clear) struct host_report report = {0};
	cleanup_err struct err *err = NULL;
	bool takes = host_xml_parse_element(element, &report, &err) == 0;

	must(takes == !err, "refused without a word");
	must_agree(takes, schema_accepts(schema, element), beyond_grammar(err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static xmlRelaxNGPtr schema;
	cleanup(host_report_clear) struct host_report report = {0};
	cleanup_free char *text = mem_zero(size + 1, 1);
	cleanup_err struct err *err = NULL;
	xmlDocPtr doc;

	if (!schema) {
		schema_quiet();
		schema = schema_load(
			xmlRelaxNGNewMemParserCtxt(host_schema, (int)sizeof(host_schema) - 1));
	}
	memcpy(text, data, size);
	if (host_xml_parse(text, &report, &err) < 0)
		must(err && err->what && !report.host && !report.n, "failed badly");
	else
		survives(&report);
	if (document_parse(text, "input", &doc, NULL) == 0) {
		judge_each(xmlDocGetRootElement(doc), REPORT_URI, schema, schema_agrees);
		xmlFreeDoc(doc);
	}
	return 0;
}
