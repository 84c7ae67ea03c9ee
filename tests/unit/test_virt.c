// SPDX-License-Identifier: LGPL-2.1-or-later
/* As far as libvirt's built-in test driver goes; the rest needs a host with VFs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/virt.h"
#include "host/virt_ask.h"
#include "host/virt_loop.h"
#include "model/assignment.h"

/* Two running domains, of which one will be gone when it stops, and one that is shut off. */
static const char node[] =
	"<node>"
	"<domain type='test'><name>running</name>"
	"<uuid>11111111-2222-3333-4444-555555555551</uuid>"
	"<memory>8192</memory><os><type>hvm</type></os>"
	"<devices><interface type='user'><mac address='02:00:00:00:00:01'/></interface></devices>"
	"</domain>"
	"<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
	"<name>transient</name><uuid>11111111-2222-3333-4444-555555555552</uuid>"
	"<memory>8192</memory><os><type>hvm</type></os>"
	"<test:transient/></domain>"
	"<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
	"<name>off</name><uuid>11111111-2222-3333-4444-555555555553</uuid>"
	"<memory>8192</memory><os><type>hvm</type></os>"
	"<test:runstate>5</test:runstate></domain>"
	"<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
	"<name>paused</name><uuid>11111111-2222-3333-4444-555555555554</uuid>"
	"<memory>8192</memory><os><type>hvm</type></os>"
	"<test:runstate>3</test:runstate></domain>"
	"</node>";

struct fixture {
	char file[64];
	struct virt *virt;
};

static int setup(void **state)
{
	struct fixture *f = mem_zero(1, sizeof(*f));
	cleanup_free char *uri = NULL;
	struct err *err = NULL;
	int fd;

	strcpy(f->file, "/tmp/vfpool-virt-XXXXXX");
	fd = mkstemp(f->file);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, node, sizeof(node) - 1), sizeof(node) - 1);
	close(fd);
	uri = mem_printf("test://%s", f->file);
	if (virt_open(uri, &f->virt, &err) < 0)
		err_print(err, stderr);
	assert_non_null(f->virt);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->virt->ops->close(f->virt);
	(void)unlink(f->file);
	free(f);
	return 0;
}

static struct virt_dom must_find(struct virt *virt, const char *name)
{
	struct virt_dom dom = {0};

	assert_int_equal(virt->ops->find(virt, name, &dom, NULL), 0);
	return dom;
}

static void test_about(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	struct virt_about about = {0};

	assert_int_equal(virt->ops->about(virt, &about, NULL), 0);
	assert_string_equal(about.driver, "TEST");
	assert_non_null(strstr(about.uri, "test://"));
	assert_true(about.version >= 4004000);
	virt_about_clear(&about);
	assert_null(about.uri);
}

static void test_find(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	static const char *const absent[] = {
		"nobody",
		"99",
		"-1",
		"99999999999999999999",
		"",
		"11111111-2222-3333-4444-55555555555f",
		"this text is as long as a UUID is ..",
	};
	struct virt_dom dom = must_find(virt, "running");
	char id[16];

	assert_string_equal(dom.name, "running");
	assert_string_equal(dom.uuid, "11111111-2222-3333-4444-555555555551");
	assert_true(dom.id > 0);
	(void)snprintf(id, sizeof(id), "%d", dom.id);
	virt_dom_clear(virt, &dom);
	assert_null(dom.name);

	dom = must_find(virt, id);
	assert_string_equal(dom.name, "running");
	virt_dom_clear(virt, &dom);
	dom = must_find(virt, "11111111-2222-3333-4444-555555555553");
	assert_string_equal(dom.name, "off");
	assert_int_equal(dom.id, -1);
	virt_dom_clear(virt, &dom);

	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		struct err *err = NULL;

		assert_int_equal(virt->ops->find(virt, absent[i], &dom, &err), -1);
		assert_int_equal(err->code, ERR_ABSENT);
		err_free(&err);
	}
}

static void test_list(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	struct virt_dom *doms = NULL;
	size_t n = 0, running = 0;

	assert_int_equal(virt->ops->list(virt, &doms, &n, NULL), 0);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		running += doms[i].id >= 0;
		virt_dom_clear(virt, &doms[i]);
	}
	assert_int_equal(running, 3);
	free(doms);
}

static void test_state(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	static const struct {
		const char *name;
		struct virt_state state;
	} known[] = {
		{"running", {.running = true, .persistent = true}},
		{"transient", {.running = true}},
		{"off", {.persistent = true}},
		{"paused", {.running = true, .persistent = true, .paused = true}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct virt_dom dom = must_find(virt, known[i].name);
		struct virt_state got;

		assert_int_equal(virt->ops->state(virt, &dom, &got, NULL), 0);
		assert_int_equal(got.running, known[i].state.running);
		assert_int_equal(got.persistent, known[i].state.persistent);
		assert_int_equal(got.paused, known[i].state.paused);
		assert_false(got.moving);
		virt_dom_clear(virt, &dom);
	}
}

static void must_be_absent(struct virt *virt, const char *name, unsigned view)
{
	struct virt_dom dom = must_find(virt, name);
	cleanup_err struct err *err = NULL;
	char *xml = NULL;

	assert_int_equal(virt->ops->xml(virt, &dom, view, &xml, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	assert_null(xml);
	virt_dom_clear(virt, &dom);
}

static char *must_get(struct virt *virt, const struct virt_dom *dom, unsigned view)
{
	char *xml = NULL;

	assert_int_equal(virt->ops->xml(virt, dom, view, &xml, NULL), 0);
	return xml;
}

static void test_xml(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	struct virt_dom dom = must_find(virt, "running");
	char *xml;

	xml = must_get(virt, &dom, VIEW_LIVE);
	assert_non_null(strstr(xml, " id='"));
	free(xml);
	xml = must_get(virt, &dom, VIEW_CONFIG);
	assert_null(strstr(xml, " id='"));
	free(xml);
	virt_dom_clear(virt, &dom);
	must_be_absent(virt, "off", VIEW_LIVE);
	dom = must_find(virt, "transient");
	xml = must_get(virt, &dom, VIEW_CONFIG);
	assert_null(strstr(xml, " id='"));
	free(xml);
	virt_dom_clear(virt, &dom);
}

static void test_metadata(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	struct virt_dom dom = must_find(virt, "running");
	char *xml;

	assert_int_equal(
		virt->ops->set_metadata(virt, &dom, "<assignments one='1'/>", VIEW_LIVE, NULL), 0);
	xml = must_get(virt, &dom, VIEW_LIVE);
	assert_non_null(strstr(xml, "<vfpool:assignments xmlns:vfpool=\"" METADATA_URI "\" one="));
	free(xml);
	xml = must_get(virt, &dom, VIEW_CONFIG);
	assert_null(strstr(xml, "vfpool:assignments"));
	free(xml);

	/* Taking it away; also where it is not. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			virt->ops->set_metadata(virt, &dom, NULL, VIEW_LIVE | VIEW_CONFIG, NULL),
			0);
	xml = must_get(virt, &dom, VIEW_LIVE);
	assert_null(strstr(xml, "vfpool:assignments"));
	free(xml);
	virt_dom_clear(virt, &dom);
}

static void test_change_of_a_definition_that_is_not_there(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	struct virt_dom dom = must_find(virt, "off");
	cleanup_err struct err *err = NULL;

	assert_int_equal(virt->ops->set_metadata(virt, &dom, "<a/>", VIEW_LIVE, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	virt_dom_clear(virt, &dom);
	dom = must_find(virt, "transient");
	assert_int_equal(virt->ops->set_metadata(virt, &dom, "<a/>", VIEW_CONFIG, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	virt_dom_clear(virt, &dom);
}

static void test_attach_hostdev(void **state)
{
	static const char device[] =
		"<hostdev mode='subsystem' type='pci' managed='yes'><source>"
		"<address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>"
		"</source><alias name='ua-vfpool-0a1b2c3d'/></hostdev>";
	struct virt *virt = ((struct fixture *)*state)->virt;
	struct virt_dom dom = must_find(virt, "running");
	unsigned long version = 0;
	char *xml;

	if (virGetVersion(&version, NULL, NULL) < 0 || version < 10000000) {
		/* This libvirt's test driver attaches no host device. */
		virt_dom_clear(virt, &dom);
		return;
	}
	assert_int_equal(virt->ops->attach(virt, &dom, device, VIEW_LIVE, NULL), 0);
	xml = must_get(virt, &dom, VIEW_LIVE);
	assert_non_null(strstr(xml, "ua-vfpool-0a1b2c3d"));
	free(xml);
	virt_dom_clear(virt, &dom);
}

static void test_attach_keeps_libvirts_words(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	struct virt_dom dom = must_find(virt, "running");
	cleanup_err struct err *err = NULL;

	assert_int_equal(virt->ops->attach(virt, &dom, "<no device", VIEW_LIVE, &err), -1);
	assert_true(err->code == ERR_FAILED || err->code == ERR_UNSUPPORTED);
	assert_non_null(strstr(err->what, "attaching a device to running: "));
	virt_dom_clear(virt, &dom);
}

static void test_events(void **state)
{
	struct fixture *f = *state;
	struct virt *virt = f->virt;
	struct virt_dom dom = must_find(virt, "transient");
	cleanup_err struct err *err = NULL;
	struct virt_event event = {0};
	struct virt_dom gone = {0};
	struct virt_state now;
	char *xml = NULL;

	assert_int_equal(virt->ops->watch(virt, NULL), 0);
	assert_int_equal(virt->ops->watch(virt, NULL), 0);
	assert_int_equal(virt->ops->watch_closely(virt, NULL), 0);
	assert_int_equal(virt->ops->watch_closely(virt, NULL), 0);
	assert_int_equal(virt->ops->next_event(virt, clock_now(), &event, NULL), 0);
	assert_int_equal(virt->ops->next_event(virt, clock_now() + 20, &event, NULL), 0);

	assert_int_equal(virDomainDestroy(dom.handle), 0);
	assert_int_equal(virt->ops->next_event(virt, clock_now() + 5000, &event, NULL), 1);
	assert_int_equal(event.kind, VIRT_DOMAIN_STOPPED);
	assert_string_equal(event.uuid, dom.uuid);
	assert_null(event.alias);
	virt_event_clear(&event);
	assert_int_equal(virt->ops->next_event(virt, clock_now() + 20, &event, NULL), 0);

	/* And now there is no such domain, whatever is asked of it. */
	assert_int_equal(virt->ops->state(virt, &dom, &now, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	assert_int_equal(virt->ops->xml(virt, &dom, VIEW_LIVE, &xml, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	assert_int_equal(virt->ops->attach(virt, &dom, "<hostdev/>", VIEW_LIVE, &err), -1);
	err_free(&err);
	assert_int_equal(virt->ops->find(virt, "transient", &gone, &err), -1);
	virt_dom_clear(virt, &dom);
}

static int asked[2], answered[2];
static char heard[16];

/* What it was given is still there when it is answered at last. */
static int answers_late(virDomainPtr dom, const char *text, unsigned flags)
{
	char c;

	assert_int_equal(read(asked[0], &c, 1), 1);
	assert_int_equal(virDomainIsActive(dom), 1);
	(void)snprintf(heard, sizeof(heard), "%s %u", text, flags);
	assert_int_equal(write(answered[1], &c, 1), 1);
	return 0;
}

static int answers_at_once(virDomainPtr dom, const char *text, unsigned flags)
{
	(void)text;
	(void)flags;
	return virDomainIsActive(dom) == 1 ? 0 : -1;
}

static void test_ask(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	struct virt_dom dom = must_find(virt, "running");
	cleanup_free char *text = mem_strdup("alias");
	virErrorPtr error = NULL;
	char c = 0;

	assert_int_equal(
		virt_ask(answers_at_once, dom.handle, text, 0, clock_now() + 60000, &error),
		VIRT_DONE);
	assert_null(error);
	assert_int_equal(virt_ask(virDomainDetachDeviceAlias, dom.handle, text,
				  VIR_DOMAIN_AFFECT_LIVE, clock_now() + 60000, &error),
			 VIRT_REFUSED);
	assert_non_null(strstr(error->message, "alias"));
	virFreeError(error);
	error = NULL;

	assert_int_equal(pipe(asked) | pipe(answered), 0);
	assert_int_equal(virt_ask(answers_late, dom.handle, text, 7, clock_now() + 10, &error),
			 VIRT_SILENT);
	assert_null(error);
	virt_dom_clear(virt, &dom);
	free(steal(&text));
	assert_int_equal(write(asked[1], &c, 1), 1);
	assert_int_equal(read(answered[0], &c, 1), 1);
	assert_string_equal(heard, "alias 7");
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static void must_tell(struct virt *virt, enum virt_event_kind kind)
{
	struct virt_event event = {0};

	assert_int_equal(virt->ops->next_event(virt, clock_now() + 5000, &event, NULL), 1);
	assert_int_equal(event.kind, kind);
	virt_event_clear(&event);
}

/* From then on its thread runs the loop, and nobody else does. */
static void test_follow(void **state)
{
	struct virt *virt = ((struct fixture *)*state)->virt;
	struct virt_dom dom = must_find(virt, "transient");
	struct virt_event event = {0};

	assert_int_equal(virt->ops->follow(virt, -1, NULL), 0);
	assert_false(virt_loop_run(never, NULL, clock_now() + 20));
	assert_int_equal(virt->ops->next_event(virt, clock_now() + 20, &event, NULL), 0);
	assert_int_equal(virDomainDestroy(dom.handle), 0);
	must_tell(virt, VIRT_DOMAIN_STOPPED);
	virt_dom_clear(virt, &dom);
	dom = must_find(virt, "off");
	assert_int_equal(virDomainCreate(dom.handle), 0);
	must_tell(virt, VIRT_DOMAIN_CHANGED);
	virt_dom_clear(virt, &dom);
}

static void test_unreachable(void **state)
{
	static const char *const uris[] = {
		"qemu+unix:///system?socket=/nowhere/libvirt-sock",
		"nosuch:///driver",
		"not an address",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		struct virt *virt = NULL;
		struct err *err = NULL;

		assert_int_equal(virt_open(uris[i], &virt, &err), -1);
		assert_null(virt);
		assert_non_null(strstr(err->what, uris[i]));
		if (i == 0)
			assert_non_null(strstr(err->next, "systemctl start libvirtd.socket"));
		err_free(&err);
	}
}

/* A state goes to a file, which says whose it is, and comes from it. */
static void test_save(void **state)
{
	struct fixture *f = *state;
	struct virt *virt = f->virt;
	cleanup_free char *path = mem_printf("%s.saved", f->file), *xml = NULL;
	struct virt_dom dom = must_find(virt, "running");
	struct err *err = NULL;

	assert_int_equal(virt->ops->save(virt, &dom, "/nowhere/saved", 0, &err), -1);
	assert_non_null(strstr(err->what, "saving the state of running"));
	err_free(&err);
	assert_int_equal(virt->ops->saved_xml(virt, path, &xml, &err), -1);
	assert_non_null(strstr(err->what, path));
	err_free(&err);
	assert_int_equal(virt->ops->restore(virt, path, 0, &err), -1);
	assert_non_null(strstr(err->what, path));
	err_free(&err);

	assert_int_equal(virt->ops->save(virt, &dom, path, 0, NULL), 0);
	assert_int_equal(virt->ops->save(virt, &dom, path, 0, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	assert_int_equal(virt->ops->saved_xml(virt, path, &xml, NULL), 0);
	assert_non_null(strstr(xml, dom.uuid));
	virt_dom_clear(virt, &dom);
	assert_int_equal(virt->ops->restore(virt, path, VIRT_BYPASS_CACHE, &err), -1);
	err_free(&err);
	assert_int_equal(virt->ops->restore(virt, path, 0, NULL), 0);
	dom = must_find(virt, "running");
	assert_true(dom.id >= 0);
	assert_int_equal(virt->ops->save(virt, &dom, NULL, 0, NULL), 0);
	virt_dom_clear(virt, &dom);
	dom = must_find(virt, "running");
	assert_int_equal(dom.id, -1);
	virt_dom_clear(virt, &dom);
	(void)unlink(path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_about),
		TEST(test_find),
		TEST(test_list),
		TEST(test_state),
		TEST(test_xml),
		TEST(test_metadata),
		TEST(test_change_of_a_definition_that_is_not_there),
		TEST(test_attach_hostdev),
		TEST(test_attach_keeps_libvirts_words),
		TEST(test_ask),
		TEST(test_events),
		TEST(test_save),
		TEST(test_follow), /* the last one with events: in the others, who waits runs the
				      loop */
		cmocka_unit_test(test_unreachable),
	};

	return cmocka_run_group_tests_name("virt", tests, NULL, NULL);
}
