// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "policies/policy.h"
#include "unit/xml_samples.h"
#include "xml/document.h"
#include "xml/pool.h"

enum verdict { BOTH_TAKE, BOTH_REFUSE, READER_REFUSES };

/* The element as text of its own. */
static char *text_of(xmlNodePtr element)
{
	xmlBufferPtr buffer = xmlBufferCreate();
	char *text;

	(void)xmlNodeDump(buffer, element->doc, element, 0, 0);
	text = mem_strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	return text;
}

static bool reader_takes(const char *text, struct err **err)
{
	cleanup(pool_clear) struct pool pool = {0};

	return pool_xml_parse(text, "f.xml", &pool, err) == 0;
}

static void judge(const char *path, const xmlNode *sample, enum verdict verdict)
{
	cleanup_err struct err *err = NULL, *invalid = NULL;
	xmlChar *why = xmlGetNoNsProp(sample, BAD_CAST "why");
	cleanup_free char *text = text_of(xmlFirstElementChild((xmlNodePtr)sample));
	bool valid = pool_xml_validate(text, "f.xml", &invalid) == 0;
	bool taken = reader_takes(text, &err);

	if (valid != (verdict != BOTH_REFUSE) || taken != (verdict == BOTH_TAKE))
		fail_msg("%s: %s: the schema %s it, the reader %s it: %s", path, (const char *)why,
			 valid ? "takes" : "refuses", taken ? "takes" : "refuses",
			 err ? err->what : "");
	assert_int_equal(valid, !invalid);
	if (!taken) {
		assert_int_equal(err->code, ERR_FAILED);
		assert_int_equal(strncmp(err->what, "f.xml: ", 7), 0);
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
	for (xmlNodePtr node = xmlFirstElementChild(xmlDocGetRootElement(doc)); node;
	     node = xmlNextElementSibling(node), n++)
		judge(path, node, verdict);
	assert_true(n > 0);
	xmlFreeDoc(doc);
}

static void valid(void **state)
{
	(void)state;
	judge_file("tests/data/pools/valid.xml", BOTH_TAKE);
}

static void invalid(void **state)
{
	(void)state;
	judge_file("tests/data/pools/invalid.xml", BOTH_REFUSE);
}

static void refused(void **state)
{
	(void)state;
	judge_file("tests/data/pools/refused.xml", READER_REFUSES);
}

static const char whole[] =
	"<pool>\n"
	"  <name>fast</name>\n"
	"  <pf dev=\"eth1\"/>\n"
	"  <pf dev=\"ens*f0\" driver=\"ixgbe\"/>\n"
	"  <pf vendor=\"0x8086\" product=\"0x10fb\">\n"
	"    <address type=\"pci\" domain=\"0x0000\" bus=\"0x81\" slot=\"0x00\" "
	"function=\"0x1\"/>\n"
	"  </pf>\n"
	"  <exclude index=\"0\"/>\n"
	"  <exclude index=\"4-6\"/>\n"
	"  <reserve>\n"
	"    <address type=\"pci\" domain=\"0x0000\" bus=\"0x01\" slot=\"0x10\" "
	"function=\"0x2\"/>\n"
	"  </reserve>\n"
	"  <policy name=\"numa\" mode=\"strict\"/>\n"
	"  <policy name=\"spread\"/>\n"
	"  <limit guest=\"2\" total=\"10\"/>\n"
	"  <device form=\"hostdev\" managed=\"no\"/>\n"
	"  <vlan>\n"
	"    <tag id=\"10\" qos=\"3\" protocol=\"802.1ad\"/>\n"
	"  </vlan>\n"
	"  <settings spoofchk=\"on\" trust=\"off\" linkState=\"enable\"/>\n"
	"  <rate min=\"100\" max=\"1000\"/>\n"
	"  <standby network=\"default\"/>\n"
	"</pool>\n";

static void everything_is_read_and_written(void **state)
{
	cleanup(pool_clear) struct pool pool = {0};
	cleanup_free char *text = NULL;

	(void)state;
	assert_int_equal(pool_xml_parse(whole, "f.xml", &pool, NULL), 0);
	assert_null(pool.error);
	assert_string_equal(pool.name, "fast");
	assert_int_equal(pool.npfs, 3);
	assert_string_equal(pool.pfs[0].dev, "eth1");
	assert_null(pool.pfs[0].driver);
	assert_false(pool.pfs[0].address_set);
	assert_string_equal(pool.pfs[1].driver, "ixgbe");
	assert_null(pool.pfs[2].dev);
	assert_int_equal(pool.pfs[2].vendor, 0x8086);
	assert_int_equal(pool.pfs[2].product, 0x10fb);
	assert_true(
		pciaddr_equal(pool.pfs[2].address, (struct pciaddr){.bus = 0x81, .function = 1}));
	assert_int_equal(pool.nexcluded, 2);
	assert_int_equal(pool.excluded[0].last, 0);
	assert_int_equal(pool.excluded[1].first, 4);
	assert_int_equal(pool.excluded[1].last, 6);
	assert_int_equal(pool.nreserved, 1);
	assert_true(pool.reserved[0].address_set);
	assert_int_equal(pool.npolicies, 2);
	assert_string_equal(pool.policies[1], "spread");
	assert_true(pool.numa_strict);
	assert_int_equal(pool.per_guest, 2);
	assert_int_equal(pool.total, 10);
	assert_true(pool.form_set && pool.form == FORM_HOSTDEV && pool.prebound);
	assert_int_equal(pool.vlan, 10);
	assert_int_equal(pool.settings.qos, 3);
	assert_int_equal(pool.settings.vlan_proto, 0x88a8);
	assert_int_equal(pool.settings.known,
			 SETTING_SPOOFCHK | SETTING_TRUST | SETTING_LINK_STATE | SETTING_RATE);
	assert_true(pool.settings.spoofchk && !pool.settings.trust);
	assert_int_equal(pool.settings.link_state, 1);
	assert_int_equal(pool.settings.min_rate, 100);
	assert_int_equal(pool.settings.max_rate, 1000);
	assert_string_equal(pool.standby, "default");
	text = pool_xml_format(&pool);
	assert_string_equal(text, whole);
}

/* Every valid sample is written as one that reads, and is written, the same. */
static void round_trip(void **state)
{
	cleanup_free char *text = sample_read("tests/data/pools/valid.xml");
	xmlDocPtr doc;

	(void)state;
	assert_int_equal(document_parse(text, "valid.xml", &doc, NULL), 0);
	for (xmlNodePtr node = xmlFirstElementChild(xmlDocGetRootElement(doc)); node;
	     node = xmlNextElementSibling(node)) {
		cleanup(pool_clear) struct pool pool = {0}, again = {0};
		cleanup_free char *sample = text_of(xmlFirstElementChild(node));
		cleanup_free char *first = NULL, *second = NULL;

		assert_int_equal(pool_xml_parse(sample, "f.xml", &pool, NULL), 0);
		first = pool_xml_format(&pool);
		assert_int_equal(pool_xml_validate(first, "f.xml", NULL), 0);
		assert_int_equal(pool_xml_parse(first, "f.xml", &again, NULL), 0);
		second = pool_xml_format(&again);
		assert_string_equal(first, second);
	}
	xmlFreeDoc(doc);
}

/* A sample with one character changed, many times over: still reader and schema agree. */
static void agreement(void **state)
{
	static const char alphabet[] = "0123456789abcdefx \n<>/=\"-.gimnopty&";
	cleanup_free char *text = mem_strdup(whole);
	uint64_t seed = 0x9e3779b97f4a7c15;
	unsigned taken = 0, refusals = 0;

	(void)state;
	for (unsigned i = 0; i < 1500; i++) {
		cleanup_err struct err *err = NULL;
		char *place = text + dice(&seed) % strlen(whole), was = *place;
		bool takes;

		*place = alphabet[dice(&seed) % (sizeof(alphabet) - 1)];
		takes = reader_takes(text, &err);
		taken += takes;
		refusals += !takes;
		if (takes ||
		    !(strstr(err->what, "is above max") || strstr(err->what, "ends before") ||
		      strstr(err->what, "cannot set") || strstr(err->what, "there more")))
			if (takes != (pool_xml_validate(text, "f.xml", NULL) == 0))
				fail_msg("change %u to '%c': the reader says %s\n%s", i, *place,
					 err ? err->what : "good", text);
		*place = was;
	}
	assert_true(taken > 100 && refusals > 100);
}

static void expect_error(const char *text, const char *words)
{
	cleanup_err struct err *err = NULL;

	assert_false(reader_takes(text, &err));
	assert_string_equal(err->what, words);
}

/* The message says file, line, and what was expected there. */
static void words(void **state)
{
	(void)state;
	expect_error("<pool>\n<name>fast</name>\n<pf vendor='8086'/></pool>",
		     "f.xml: line 3: <pf>: vendor is \"8086\", not 0x and 4 hex digits");
	expect_error("<pool>\n<nam>fast</nam></pool>",
		     "f.xml: line 2: <nam>: does not belong here; a pool has: name, pf, exclude, "
		     "reserve, policy, limit, device, vlan, settings, rate, standby");
	expect_error(
		"<pool>\n<name>fast</name>\n\n<pf/></pool>",
		"f.xml: line 4: <pf>: says nothing; it can have: dev, driver, vendor, product, "
		"<address>");
	expect_error("<pool>\n<name>fast</name><limit guests='2'/></pool>",
		     "f.xml: line 2: <limit>: has an unknown attribute \"guests\"; it can have: "
		     "guest, total");
	expect_error("<pool><pf><address bus='0x1' slot='0x21' function='0x0'/></pf></pool>",
		     "f.xml: line 1: <address>: slot is \"0x21\", not a number up to 0x1f");
	expect_error("<pool>\n<name>a</name", "f.xml: line 2: expected '>'");
	expect_error("<domain/>", "f.xml: it is no <pool>");
	expect_error("<!DOCTYPE pool [<!ENTITY a 'b'>]><pool/>",
		     "f.xml: line 1: a document type declaration is not allowed");
}

/* The names of policies that the grammar knows are those that there are. */
static void policies(void **state)
{
	static const char *const names[] = {"first-fit", "spread",        "pack", "numa",
					    "link-up",   "anti-affinity", "best"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *text = mem_printf(
			"<pool><name>a</name><pf dev='b'/><policy name='%s'/></pool>", names[i]);

		assert_int_equal(reader_takes(text, NULL), policy_by_name(names[i]) != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid),      cmocka_unit_test(invalid),
		cmocka_unit_test(refused),    cmocka_unit_test(everything_is_read_and_written),
		cmocka_unit_test(round_trip), cmocka_unit_test(agreement),
		cmocka_unit_test(words),      cmocka_unit_test(policies),
	};

	schema_quiet();
	return cmocka_run_group_tests_name("pool XML", tests, NULL, NULL);
}
