// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "unit/xml_samples.h"
#include "xml/document.h"
#include "xml/domain.h"
#include "xml/metadata.h"

static xmlRelaxNGPtr schema;

static int setup(void **state)
{
	(void)state;
	schema_quiet();
	schema = schema_metadata();
	return schema ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	xmlRelaxNGFree(schema);
	return 0;
}

static bool reader_accepts(xmlNodePtr element, struct err **err)
{
	cleanup(assignments_clear) struct assignments list = {0};

	return metadata_xml_parse(element, &list, err) == 0;
}

enum verdict { BOTH_TAKE, BOTH_REFUSE, READER_REFUSES };

static void judge(const char *path, const xmlNode *sample, enum verdict verdict)
{
	cleanup_err struct err *err = NULL;
	xmlChar *why = xmlGetNoNsProp(sample, BAD_CAST "why");
	xmlNodePtr element = xmlFirstElementChild((xmlNodePtr)sample);
	bool schema_takes = schema_accepts(schema, element);
	bool reader_takes = reader_accepts(element, &err);

	if (schema_takes != (verdict != BOTH_REFUSE) || reader_takes != (verdict == BOTH_TAKE))
		fail_msg("%s:%ld: %s: the schema %s it, the reader %s it", path,
			 xmlGetLineNo(element), (const char *)why,
			 schema_takes ? "takes" : "refuses", reader_takes ? "takes" : "refuses");
	if (!reader_takes) {
		assert_non_null(err);
		assert_int_equal(err->code, ERR_FAILED);
		assert_int_equal(strncmp(err->what, "line ", 5), 0);
		for (const char *p = err->what; *p; p++)
			assert_in_range(*p, ' ', '~');
	}
	xmlFree(why);
}

static void judge_file(const char *path, enum verdict verdict)
{
	cleanup_free char *text = sample_read(path);
	xmlDocPtr doc;
	unsigned n = 0;

	assert_non_null(text);
	assert_int_equal(document_parse(text, path, &doc, NULL), 0);
	for (const xmlNode *node = xmlFirstElementChild(xmlDocGetRootElement(doc)); node;
	     node = xmlNextElementSibling((xmlNodePtr)node), n++)
		judge(path, node, verdict);
	assert_true(n > 0);
	xmlFreeDoc(doc);
}

static void valid(void **state)
{
	(void)state;
	judge_file("tests/data/metadata/valid.xml", BOTH_TAKE);
}

static void invalid(void **state)
{
	(void)state;
	judge_file("tests/data/metadata/invalid.xml", BOTH_REFUSE);
}

static void refused(void **state)
{
	(void)state;
	judge_file("tests/data/metadata/refused.xml", READER_REFUSES);
}

/* Each sample with one character changed, many times over: still they must agree. */
static void agreement(void **state)
{
	static const char alphabet[] = "0123456789abcdefABCDEFxX \t\n<>/=\"':;-+.vgimnopty&#!~";
	cleanup_free char *text = sample_read("tests/data/metadata/valid.xml");
	uint64_t seed = 0x9e3779b97f4a7c15;
	size_t size = strlen(text);
	unsigned judged = 0, taken = 0;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		char *place = text + dice(&seed) % size;
		char was = *place;
		xmlDocPtr doc;

		*place = alphabet[dice(&seed) % (sizeof(alphabet) - 1)];
		if (document_parse(text, "sample", &doc, NULL) == 0) {
			xmlNodePtr node = xmlFirstElementChild(xmlDocGetRootElement(doc));

			for (; node; node = xmlNextElementSibling(node)) {
				xmlNodePtr element = xmlFirstElementChild(node);
				cleanup_err struct err *err = NULL;
				bool takes;

				if (!element)
					continue;
				takes = reader_accepts(element, &err);
				judged++;
				taken += takes;
				if (err && (strstr(err->what, "there is another") ||
					    strstr(err->what, "is above")))
					continue;
				if (takes != schema_accepts(schema, element))
					fail_msg("change %u at %zu to '%c': the reader says %s", i,
						 (size_t)(place - text), *place,
						 err ? err->what : "good");
			}
			xmlFreeDoc(doc);
		}
		*place = was;
	}
	assert_true(judged > 1000 && taken > 1000 && taken < judged);
}

static char *random_pool(uint64_t *seed)
{
	size_t n = 1 + dice(seed) % 64;
	char *pool = mem_zero(n + 1, 1);

	for (size_t i = 0; i < n; i++)
		pool[i] = (char)('!' + dice(seed) % ('~' - '!' + 1));
	return pool;
}

static struct vf_settings random_settings(uint64_t *seed)
{
	struct vf_settings s = {
		.known = (unsigned)dice(seed) &
			 (SETTING_SPOOFCHK | SETTING_TRUST | SETTING_LINK_STATE | SETTING_RATE),
	};

	if (s.known & SETTING_SPOOFCHK)
		s.spoofchk = dice(seed) % 2;
	if (s.known & SETTING_TRUST)
		s.trust = dice(seed) % 2;
	if (s.known & SETTING_LINK_STATE)
		s.link_state = dice(seed) % 3;
	if (s.known & SETTING_RATE) {
		s.max_rate = dice(seed) % 3 ? (uint32_t)(dice(seed) % 10000000) : 0;
		s.min_rate = (uint32_t)(dice(seed) % ((s.max_rate ? s.max_rate : 9999999) + 1));
	}
	return s;
}

static struct assignment random_assignment(uint64_t *seed)
{
	static const uint16_t protocols[] = {0, 0x8100, 0x88a8};
	struct assignment item = {
		.pool = random_pool(seed),
		.index = (int)(dice(seed) % 65537) - 1,
		.form = (enum form)(dice(seed) % 2),
		.vlan = (uint16_t)(dice(seed) % 2 ? dice(seed) % 4095 : 0),
		.settings = random_settings(seed),
		.guest_set = dice(seed) % 2,
		.parked = dice(seed) % 2,
		.parking = {.reason = (enum park_reason)(dice(seed) % 4),
			    .until = dice(seed) % 2 ? (int64_t)(dice(seed) % 253402300800) : 0},
	};
	uint64_t bits = dice(seed);
	char *host = random_pool(seed);

	parking_set_host(&item.parking, host);
	if (item.vlan) {
		item.settings.qos = dice(seed) % 8;
		item.settings.vlan_proto = protocols[dice(seed) % ARRAY_SIZE(protocols)];
	}

	free(host);
	(void)snprintf(item.id, sizeof(item.id), "%08x", (unsigned)dice(seed));
	memcpy(item.mac.byte, &bits, sizeof(item.mac.byte));
	item.mac.byte[0] = (uint8_t)((item.mac.byte[0] & 0xfe) | 2);
	if (dice(seed) % 2)
		item.standby = random_pool(seed);
	item.standby_guest_set = item.standby && dice(seed) % 2;
	if (item.standby_guest_set)
		item.standby_guest = (struct pciaddr){.bus = (uint8_t)dice(seed)};
	if (item.guest_set)
		item.guest = (struct pciaddr){
			.domain = (uint32_t)(dice(seed) % 2 ? dice(seed) : 0),
			.bus = (uint8_t)dice(seed),
			.device = dice(seed) % 32,
			.function = dice(seed) % 8,
		};
	return item;
}

/* What is written is what is read, by way of a domain as libvirt shows it. */
static void round_trip(void **state)
{
	uint64_t seed = 88172645463325252;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		cleanup(assignments_clear) struct assignments list = {0};
		cleanup(domain_view_clear) struct domain_view view = {0};
		cleanup_free char *text = NULL, *domain = NULL;
		size_t n = i == 0 ? METADATA_ASSIGNMENTS_MAX : 1 + dice(&seed) % 8;

		for (size_t k = 0; k < n; k++)
			assignments_add(&list, random_assignment(&seed));
		text = metadata_xml_format(&list);
		assert_non_null(text);
		domain = domain_with_metadata(text);
		assert_non_null(domain);
		assert_int_equal(domain_xml_parse(domain, &view, NULL), 0);
		if (view.metadata_error)
			fail_msg("%s\n%s", view.metadata_error, domain);
		assert_true(assignments_equal(&list, &view.assignments));
	}
}

static void written_is_valid(void **state)
{
	uint64_t seed = 1181783497276652981;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		cleanup(assignments_clear) struct assignments list = {0};
		cleanup_free char *text = NULL, *domain = NULL;
		xmlNodePtr node;
		xmlDocPtr doc;

		assignments_add(&list, random_assignment(&seed));
		text = metadata_xml_format(&list);
		domain = domain_with_metadata(text);
		assert_int_equal(document_parse(domain, "domain", &doc, NULL), 0);
		node = xmlFirstElementChild(xmlDocGetRootElement(doc));
		while (strcmp((const char *)node->name, "metadata") != 0)
			node = xmlNextElementSibling(node);
		assert_true(schema_accepts(schema, xmlFirstElementChild(node)));
		xmlFreeDoc(doc);
	}
}

static void exact_text(void **state)
{
	struct assignments list = {0};
	cleanup_free char *text = NULL;

	(void)state;
	assert_null(metadata_xml_format(&list));
	assignments_add(&list,
			(struct assignment){.id = "0a1b2c3d",
					    .pool = mem_strdup("e\"'<&>1"),
					    .index = 3,
					    .form = FORM_HOSTDEV,
					    .mac = {{0x02, 0, 0, 0, 0, 0xaf}},
					    .vlan = 10,
					    .settings = {.known = SETTING_SPOOFCHK |
								  SETTING_LINK_STATE | SETTING_RATE,
							 .qos = 3,
							 .vlan_proto = 0x88a8,
							 .spoofchk = true,
							 .link_state = 2,
							 .max_rate = 100},
					    .guest_set = true,
					    .guest = {.bus = 5},
					    .parked = true,
					    .parking = {.reason = PARK_MIGRATION,
							.host = "vfhost-a",
							.until = 1795813200}});
	text = metadata_xml_format(&list);
	assert_string_equal(
		text,
		"<assignments><assignment id=\"0a1b2c3d\" pool=\"e&quot;'&lt;&amp;&gt;1\""
		" index=\"3\" form=\"hostdev\"><mac address=\"02:00:00:00:00:af\"/>"
		"<vlan><tag id=\"10\" qos=\"3\" protocol=\"802.1ad\"/></vlan>"
		"<settings spoofchk=\"on\" linkState=\"disable\"/><rate max=\"100\"/><address "
		"type=\"pci\" domain=\"0x0000\" bus=\"0x05\""
		" slot=\"0x00\" function=\"0x0\"/><parked reason=\"migration\" host=\"vfhost-a\""
		" until=\"2026-11-27T21:00:00Z\"/></assignment></assignments>\n");
	assignments_clear(&list);
}

/* A pool that nobody should have let in must not cost the other assignments. */
static void bad_pool(void **state)
{
	static const char *const bad[] = {
		"", " ", "eth 1", "\xff\xc3", "\x1b[31m", "gr\xc3\xb6\xc3", "\xf0"};
	char longest[66];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[65] = '\0';
	assert_false(metadata_pool_valid(longest));
	longest[64] = '\0';
	assert_true(metadata_pool_valid(longest));
	longest[64] = 'x';
	for (size_t i = 0; i <= ARRAY_SIZE(bad); i++) {
		const char *pool = i < ARRAY_SIZE(bad) ? bad[i] : longest;
		cleanup(assignments_clear) struct assignments list = {0};
		cleanup(domain_view_clear) struct domain_view view = {0};
		cleanup_free char *text = NULL, *domain = NULL;

		assert_false(metadata_pool_valid(pool));
		assignments_add(&list, (struct assignment){.id = "0a1b2c3d",
							   .pool = mem_strdup(pool),
							   .index = -1,
							   .mac = {{0x02, 0, 0, 0, 0, 1}}});
		text = metadata_xml_format(&list);
		domain = domain_with_metadata(text);
		assert_non_null(domain);
		assert_int_equal(domain_xml_parse(domain, &view, NULL), 0);
		assert_null(view.metadata_error);
		assert_int_equal(view.assignments.n, 1);
	}
}

static void too_many(void **state)
{
	cleanup(assignments_clear) struct assignments list = {0};
	cleanup(domain_view_clear) struct domain_view view = {0};
	cleanup_free char *text = NULL, *domain = NULL;
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i <= METADATA_ASSIGNMENTS_MAX; i++)
		assignments_add(&list, random_assignment(&seed));
	text = metadata_xml_format(&list);
	domain = domain_with_metadata(text);
	assert_int_equal(domain_xml_parse(domain, &view, NULL), 0);
	assert_non_null(view.metadata_error);
	assert_non_null(strstr(view.metadata_error, "more than 64"));
	assert_int_equal(view.assignments.n, 0);
}

static void untouched_on_failure(void **state)
{
	struct assignments list = {0}, before;
	xmlDocPtr doc;

	(void)state;
	assignments_add(&list, (struct assignment){.id = "0a1b2c3d", .pool = mem_strdup("eth1")});
	before = list;
	assert_int_equal(
		document_parse("<assignments xmlns='urn:vfpool:domain:1'><x/></assignments>",
			       "sample", &doc, NULL),
		0);
	assert_int_equal(metadata_xml_parse(xmlDocGetRootElement(doc), &list, NULL), -1);
	assert_memory_equal(&before, &list, sizeof(list));
	assignments_clear(&list);
	xmlFreeDoc(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid),      cmocka_unit_test(invalid),
		cmocka_unit_test(refused),    cmocka_unit_test(agreement),
		cmocka_unit_test(round_trip), cmocka_unit_test(written_is_valid),
		cmocka_unit_test(exact_text), cmocka_unit_test(bad_pool),
		cmocka_unit_test(too_many),   cmocka_unit_test(untouched_on_failure),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
