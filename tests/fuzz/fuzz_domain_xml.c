// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any bytes at all as a domain's XML: it is read or refused, never more. What was read is written
 * again and must read the same; and the metadata's reader must agree with its schema.
 */
#include "core/cleanup.h"
#include "fuzz/fuzz.h"
#include "unit/xml_samples.h"
#include "xml/device.h"
#include "xml/document.h"
#include "xml/domain.h"

static void metadata_survives(const struct assignments *list)
{
	cleanup(domain_view_clear) struct domain_view view = {0};
	cleanup_free char *text = metadata_xml_format(list);
	cleanup_free char *domain = NULL;

	must(!text == !list->n, "assignments are not written");
	if (!text)
		return;
	domain = domain_with_metadata(text);
	must(domain && domain_xml_parse(domain, &view, NULL) == 0, "what was written is no XML");
	must(assignments_equal(list, &view.assignments), "assignments change on the way");
}

static void device_survives(const struct assignment *item)
{
	const struct pciaddr vf = {.domain = 0x10000, .bus = 0xff, .device = 0x1f, .function = 7};
	cleanup(domain_view_clear) struct domain_view view = {0};
	cleanup_free char *device = device_xml_format(item, vf, true);
	cleanup_free char *domain = mem_printf("<domain><devices>%s</devices></domain>", device);
	const struct device *is;

	must(domain_xml_parse(domain, &view, NULL) == 0, "a device that was written is no XML");
	is = domain_view_device(&view, item->id);
	must(is && pciaddr_equal(is->host, vf) && is->form == item->form, "a device is lost");
	must(item->form == FORM_HOSTDEV || mac_equal(is->mac, item->mac), "a MAC is lost");
}

/* Beside the grammar the reader looks for doubles, and counts. */
static bool beyond_grammar(const struct err *err)
{
	return err && (strstr(err->what, "there is another with") ||
		       strstr(err->what, "more than") || strstr(err->what, "is above max"));
}

static void schema_agrees(xmlRelaxNGPtr schema, xmlNodePtr element)
{
	cleanup(assignments_clear) struct assignments list = {0};
	cleanup_err struct err *err = NULL;
	bool takes = metadata_xml_parse(element, &list, &err) == 0;

	must(takes == !err, "refused without a word");
	must_agree(takes, schema_accepts(schema, element), beyond_grammar(err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static xmlRelaxNGPtr schema;
	cleanup(domain_view_clear) struct domain_view view = {0};
	cleanup_free char *text = mem_zero(size + 1, 1);
	cleanup_err struct err *err = NULL;
	xmlDocPtr doc;

	if (!schema) {
		schema_quiet();
		schema = schema_metadata();
	}
	memcpy(text, data, size);
	if (domain_xml_parse(text, &view, &err) < 0)
		must(err && err->what && !view.present, "failed badly");
	must(!view.metadata_error || !view.assignments.n, "bad metadata left assignments");
	metadata_survives(&view.assignments);
	for (size_t i = 0; i < view.assignments.n; i++)
		device_survives(&view.assignments.items[i]);
	if (document_parse(text, "input", &doc, NULL) == 0) {
		judge_each(xmlDocGetRootElement(doc), METADATA_URI, schema, schema_agrees);
		xmlFreeDoc(doc);
	}
	return 0;
}
