// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a host tells others: counted, told no oftener than it changes, and read as if an enemy had
 * told it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "converge/report.h"
#include "core/cleanup.h"
#include "daemon/work.h"
#include "fakes/world.h"
#include "unit/xml_samples.h"
#include "xml/document.h"
#include "xml/host.h"

static const char host_schema[] =
#include "schemas/host.rng.h"
	;

static xmlRelaxNGPtr schema;

static int setup(void **state)
{
	(void)state;
	schema_quiet();
	schema = schema_load(xmlRelaxNGNewMemParserCtxt(host_schema, (int)sizeof(host_schema) - 1));
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
	cleanup(host_report_clear) struct host_report report = {0};

	return host_xml_parse_element(element, &report, err) == 0;
}

enum verdict { BOTH_TAKE, BOTH_REFUSE, READER_REFUSES };

static void judge(const xmlNode *sample, enum verdict verdict)
{
	cleanup_err struct err *err = NULL;
	xmlChar *why = xmlGetNoNsProp(sample, BAD_CAST "why");
	xmlNodePtr element = xmlFirstElementChild((xmlNodePtr)sample);
	bool schema_takes = schema_accepts(schema, element);
	bool reader_takes = reader_accepts(element, &err);

	if (schema_takes != (verdict != BOTH_REFUSE) || reader_takes != (verdict == BOTH_TAKE))
		fail_msg("%s: the schema %s it, the reader %s it", (const char *)why,
			 schema_takes ? "takes" : "refuses", reader_takes ? "takes" : "refuses");
	for (const char *p = err ? err->what : ""; *p; p++)
		assert_in_range(*p, ' ', '~');
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
		judge(node, verdict);
	assert_true(n > 2);
	xmlFreeDoc(doc);
}

static void the_reader_and_the_schema_agree(void **state)
{
	(void)state;
	judge_file("tests/data/hosts/valid.xml", BOTH_TAKE);
	judge_file("tests/data/hosts/invalid.xml", BOTH_REFUSE);
	judge_file("tests/data/hosts/refused.xml", READER_REFUSES);
}

/* Each sample with one character changed, many times over: what the reader takes, the schema does.
 */
static void changed_samples(void **state)
{
	static const char alphabet[] = "0123456789abcdef \t\n<>/=\"':;-,.vpoolnic&#!~";
	cleanup_free char *text = sample_read("tests/data/hosts/valid.xml");
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
					    strstr(err->what, "indexes of VFs")))
					continue;
				if (takes != schema_accepts(schema, element))
					fail_msg("change %u to '%c': the reader says %s", i, *place,
						 err ? err->what : "good");
			}
			xmlFreeDoc(doc);
		}
		*place = was;
	}
	assert_true(judged > 1000 && taken > 500 && taken < judged);
}

static void what_is_no_host_is_none(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
	} texts[] = {
		{"<network><name>vfpool</name></network>", ERR_ABSENT},
		{"<network><metadata/></network>", ERR_ABSENT},
		{"<domain/>", ERR_FAILED},
		{"", ERR_FAILED},
		{"<!DOCTYPE network [<!ENTITY a 'b'>]><network/>", ERR_FAILED},
		{"<network><metadata><h:host xmlns:h='" REPORT_URI
		 "' name='a' version='1' hook='none'/><h:host xmlns:h='" REPORT_URI
		 "' name='a' version='1' hook='none'/></metadata></network>",
		 ERR_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct host_report report = {.n = 7};
		struct err *err = NULL;

		assert_int_equal(host_xml_parse(texts[i].text, &report, &err), -1);
		assert_int_equal(err->code, texts[i].code);
		assert_int_equal(report.n, 7);
		err_free(&err);
	}
}

static void do_run(struct world *w, const char *command, int status)
{
	struct err *err = NULL;
	int got = world_run(w, command, &err);

	if (got != status)
		fail_msg("%s: exit %d: %s", command, got, err ? err->what : "no error");
	err_free(&err);
}

static void publish(struct world *w)
{
	struct err *err = NULL;

	if (work_publish(&w->edges, &err))
		fail_msg("%s", err->what);
}

static struct host_report fetch(struct world *w)
{
	struct host_report report = {0};
	struct err *err = NULL;
	bool alive = false;

	if (report_fetch(&w->virt, &report, &alive, &err))
		fail_msg("%s", err->what);
	assert_true(alive);
	return report;
}

static void it_tells_what_is_free(void **state)
{
	struct host_report report;
	struct world w;

	(void)state;
	world_init(&w, 7);
	(void)world_add_nvme(&w, 4);
	do_run(&w, "attach web1 eth1 --count 2", 0);
	do_run(&w, "attach web1 eth1/4 --config", 0);
	do_run(&w, "park web1", 0);
	publish(&w);
	report = fetch(&w);
	assert_string_equal(report.host, "vfhost-a");
	assert_int_equal(report.n, 2);
	assert_string_equal(report.pools[0].name, "eth1");
	assert_true(report.pools[0].nic);
	assert_false(report.pools[0].defined);
	assert_int_equal(report.pools[0].total, 7);
	assert_int_equal(report.pools[0].free, 4);
	assert_int_equal(report.pools[0].numa, -1);
	{
		cleanup_free char *vfs = idset_format(report.pools[0].free_vfs);

		assert_string_equal(vfs, "2-3,5-6");
	}
	assert_string_equal(report.pools[1].name, "0000:02:00.0");
	assert_false(report.pools[1].nic);
	host_report_clear(&report);
	do_run(&w, "hosts qemu+ssh://vfhost-a/system", 5);
	w.other = &w;
	do_run(&w, "hosts qemu+ssh://vfhost-a/system -o HOST,POOL,FREE", 0);
	world_clear(&w);
}

static void pools_have_limits(void **state)
{
	struct pool_pf pf = {.dev = (char[]){"eth*"}};
	struct pool_vfs excluded = {.first = 6, .last = 6};
	struct pool pool = {.name = (char[]){"blue"},
			    .pfs = &pf,
			    .npfs = 1,
			    .excluded = &excluded,
			    .nexcluded = 1,
			    .total = 5};
	struct pools pools = {.items = &pool, .n = 1};
	struct host_report report;
	struct world w;

	(void)state;
	world_init(&w, 7);
	(void)world_add_pf(&w, 7);
	w.edges.pools = w.session.edges.pools = &pools;
	do_run(&w, "attach web1 blue --count 2", 0);
	publish(&w);
	report = fetch(&w);
	assert_int_equal(report.n, 3);
	assert_string_equal(report.pools[0].name, "blue");
	assert_true(report.pools[0].defined);
	assert_int_equal(report.pools[0].total, 12);
	assert_int_equal(report.pools[0].free, 3);
	assert_null(report.pools[0].free_vfs);
	assert_string_equal(report.pools[1].name, "eth1");
	host_report_clear(&report);
	world_clear(&w);
}

static void it_is_told_when_it_changes(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	publish(&w);
	publish(&w);
	assert_int_equal(w.published, 1);
	do_run(&w, "attach web1 eth1", 0);
	publish(&w);
	publish(&w);
	assert_int_equal(w.published, 2);
	/* The agent is here again, with nothing new to tell. */
	assert_int_equal(work_withdraw(&w.edges, NULL), 0);
	assert_false(w.network_active);
	publish(&w);
	assert_true(w.network_active);
	/* What somebody has written over is told anew. */
	free(w.network);
	w.network = mem_strdup("<network><name>vfpool</name></network>");
	publish(&w);
	assert_int_equal(w.published, 4);
	world_clear(&w);
}

static void what_cannot_be_told_fails_and_nothing_to_withdraw_does_not(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_int_equal(work_withdraw(&w.edges, NULL), 0);
	do_run(&w, "attach web1 eth1", 0);
	for (unsigned at = 1;; at++) {
		struct err *err = NULL;

		w.calls = 0;
		w.fail_at = at;
		w.failed_in = NULL;
		if (!work_publish(&w.edges, &err) && !w.failed_in)
			break;
		/* A guest that cannot be read just now holds up none of this. */
		if (!err && (!strcmp(w.failed_in, "xml") || !strcmp(w.failed_in, "state")))
			continue;
		assert_non_null(err);
		assert_non_null(strstr(err->what, "made to fail in"));
		err_free(&err);
	}
	world_clear(&w);
}

static void a_hook_works_or_not(void **state)
{
	struct hook hooks[] = {
		{.path = (char[]){"/etc/libvirt/hooks/qemu"}, .executable = true, .changed = 10},
		{.path = (char[]){"/etc/libvirt/hooks/qemu.d/vfpool"},
		 .executable = true,
		 .changed = 30},
	};
	struct libvirt_facts facts = {.hooks = hooks, .nhooks = 2, .daemon.started = 20};

	(void)state;
	/* The daemon has found one, so it looks for all of them each time. */
	assert_int_equal(report_hook_of(&facts), REPORT_HOOK_WORKS);
	hooks[0].changed = 25;
	assert_int_equal(report_hook_of(&facts), REPORT_HOOK_UNSEEN);
	facts.daemon.started = 0;
	assert_int_equal(report_hook_of(&facts), REPORT_HOOK_WORKS);
	hooks[1].executable = false;
	assert_int_equal(report_hook_of(&facts), REPORT_HOOK_NONE);
	facts.nhooks = 0;
	assert_int_equal(report_hook_of(&facts), REPORT_HOOK_NONE);
}

static void sets_are_written_short(void **state)
{
	static const char *const texts[] = {"", "0", "0-1", "3,5-8191", "0,2,4"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct idset set;
		char *text;

		assert_true(idset_parse(texts[i], &set));
		text = idset_format(&set);
		assert_string_equal(text, texts[i]);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reader_and_the_schema_agree),
		cmocka_unit_test(changed_samples),
		cmocka_unit_test(what_is_no_host_is_none),
		cmocka_unit_test(it_tells_what_is_free),
		cmocka_unit_test(pools_have_limits),
		cmocka_unit_test(it_is_told_when_it_changes),
		cmocka_unit_test(what_cannot_be_told_fails_and_nothing_to_withdraw_does_not),
		cmocka_unit_test(a_hook_works_or_not),
		cmocka_unit_test(sets_are_written_short),
	};

	return cmocka_run_group_tests_name("what hosts tell", tests, setup, teardown);
}
