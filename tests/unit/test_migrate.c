// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A guest moves between two made hosts. Whatever breaks, wherever: once each host's agent has
 * looked at it, the guest runs on one of them, with all its VFs there and none of the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "converge/report.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/world.h"

#define TO_B "qemu+ssh://vfhost-b/system"
#define WHOLLY " --live --persistent --undefinesource"

/* From a to b, as a rule. */
static struct world a, b;

static void tell(struct world *w, enum report_hook hook)
{
	cleanup(host_report_clear) struct host_report report = {0};
	struct err *err = NULL;
	bool told;

	world_enter(w);
	if (report_make(&w->edges, hook, &report, &err) ||
	    report_publish(&w->virt, &report, &told, &err))
		fail_msg("%s", err->what);
}

static void run_on(struct world *w, const char *command, int status, const char *words)
{
	struct err *err = NULL;
	int got;

	world_enter(w);
	got = world_run(w, command, &err);
	if (got != status)
		fail_msg("%s: exit %d, not %d: %s", command, got, status,
			 err ? err->what : "no error");
	if (words && !(err && strstr(err->what, words)))
		fail_msg("%s: '%s' does not say '%s'", command, err ? err->what : "", words);
	err_free(&err);
}

static void two_hosts(unsigned vfs_there)
{
	world_init(&b, vfs_there);
	b.name = "vfhost-b";
	world_forget(&b, "web1");
	world_forget(&b, "web2");
	world_stop(&b, "web1");
	world_stop(&b, "web2");
	tell(&b, REPORT_HOOK_WORKS);
	b.agent = true;
	world_init(&a, 7);
	a.other = &b;
	b.other = &a;
	run_on(&a, "attach web1 eth1 --persistent --vlan 5", 0, NULL);
	run_on(&a, "attach web1 eth1 --form hostdev --live", 0, NULL);
}

static void clear(void)
{
	world_clear(&a);
	world_clear(&b);
}

static void assert_sound(struct world *w)
{
	const char *broken;

	world_enter(w);
	broken = world_broken(w);
	if (broken)
		fail_msg("%s: %s", w->name, broken);
}

static void assert_on(struct world *w, size_t live, size_t config, size_t leases)
{
	assert_int_equal(view_ours(&world_domain(w, "web1")->live), live);
	assert_int_equal(view_ours(&world_domain(w, "web1")->config), config);
	assert_int_equal(w->leases.n, leases);
	assert_sound(w);
}

static bool runs_on(struct world *w)
{
	return world_domain(w, "web1")->live.present;
}

static void it_moves_and_comes_back(void **state)
{
	struct domain_view before, after;

	(void)state;
	two_hosts(7);
	/* VFs of other numbers are free there. */
	world_domain(&b, "web2")->live.present = true;
	run_on(&b, "attach web2 eth1 --count 2", 0, NULL);
	tell(&b, REPORT_HOOK_WORKS);
	before = world_view(&a, "web1", VIEW_LIVE);
	run_on(&a, "migrate web1 " TO_B WHOLLY, 0, NULL);
	assert_int_equal(a.moved, 1);
	assert_on(&a, 0, 0, 0);
	assert_false(world_domain(&a, "web1")->config.present);
	assert_on(&b, 2, 1, 4);
	after = world_view(&b, "web1", VIEW_LIVE);
	for (size_t i = 0; i < before.assignments.n; i++) {
		const struct assignment *was = &before.assignments.items[i];

		assert_true(assignment_equal(was, assignments_find(&after.assignments, was->id)));
		assert_false(pciaddr_equal(domain_view_device(&before, was->id)->host,
					   domain_view_device(&after, was->id)->host));
	}
	domain_view_clear(&after);
	tell(&a, REPORT_HOOK_WORKS);
	a.agent = true;
	run_on(&b, "migrate web1 " TO_B WHOLLY, 0, NULL);
	assert_on(&b, 0, 0, 2);
	assert_on(&a, 2, 1, 2);
	after = world_view(&a, "web1", VIEW_LIVE);
	assert_true(assignments_equal(&before.assignments, &after.assignments));
	domain_view_clear(&before);
	domain_view_clear(&after);
	clear();
}

/* The standby moves with the guest, to a network of the same name. */
static void a_standby_moves_along(void **state)
{
	struct domain_view before, after;

	(void)state;
	two_hosts(7);
	run_on(&a, "attach web1 eth1 --standby lan --persistent", 0, NULL);
	before = world_view(&a, "web1", VIEW_LIVE);
	run_on(&a, "migrate web1 " TO_B WHOLLY, 0, NULL);
	assert_on(&a, 0, 0, 0);
	assert_on(&b, 3, 2, 3);
	after = world_view(&b, "web1", VIEW_LIVE);
	assert_int_equal(after.nstandbys, 1);
	assert_true(pciaddr_equal(after.standbys[0].guest, before.standbys[0].guest));
	domain_view_clear(&before);
	domain_view_clear(&after);
	clear();
}

/* A definition that stays behind has its VFs where it is the only one, and none where it is not. */
static void what_stays_behind(void **state)
{
	(void)state;
	two_hosts(7);
	run_on(&a, "migrate web1 " TO_B " --live", 0, NULL);
	assert_on(&a, 0, 1, 1);
	assert_on(&b, 2, 0, 2);
	clear();
	two_hosts(7);
	run_on(&a, "migrate web1 " TO_B " --live --persistent", 0, NULL);
	assert_true(world_domain(&a, "web1")->config.present);
	assert_null(world_domain(&a, "web1")->config.metadata);
	assert_on(&a, 0, 0, 0);
	assert_on(&b, 2, 1, 2);
	clear();
}

static void refused(const char *words, int status)
{
	size_t before = a.leases.n;

	a.touched = b.touched = 0;
	run_on(&a, "migrate web1 " TO_B " --live", status, words);
	assert_int_equal(a.touched | b.touched, 0);
	assert_int_equal(a.moved, 0);
	assert_int_equal(a.leases.n, before);
	assert_true(runs_on(&a));
	assert_sound(&a);
	clear();
}

static void without_what_it_needs_nothing_is_touched(void **state)
{
	struct fake_domain *d;

	(void)state;
	two_hosts(7);
	a.other = NULL;
	refused("cannot connect", 1);
	two_hosts(7);
	free(steal(&b.network));
	refused("no vfpool agent has ever told", 1);
	two_hosts(7);
	b.network_active = false;
	refused("the vfpool agent there is down", 1);
	two_hosts(7);
	tell(&b, REPORT_HOOK_NONE);
	refused("vfhost-b has no vfpool hook", 1);
	two_hosts(7);
	tell(&b, REPORT_HOOK_UNSEEN);
	refused("newer than libvirt's daemon", 1);
	two_hosts(7);
	b.name = "vfhost-a";
	tell(&b, REPORT_HOOK_WORKS);
	refused("is this host, or one of the same name", 1);
	two_hosts(1);
	refused("needs 2 VFs of pool eth1, and vfhost-b has 1 free of 1", 3);
	two_hosts(4);
	run_on(&a, "attach web1 eth1/4 --live", 0, NULL);
	refused("eth1/4 of vfhost-b, which assignment", 3);
	two_hosts(7);
	free(b.network);
	b.network = mem_strdup("<network><metadata><h:host xmlns:h='" REPORT_URI
			       "' name='vfhost-b' version='1' hook='works'/></metadata></network>");
	refused("vfhost-b has no pool eth1", 1);
	two_hosts(7);
	run_on(&a, "attach web1 eth1 --standby lan", 0, NULL);
	b.lacks = "lan";
	refused("vfhost-b has no network lan, for the standby", 1);
	two_hosts(7);
	run_on(&a, "attach web1 eth1 --standby lan", 0, NULL);
	b.stopped = "lan";
	refused("network lan of vfhost-b, for the standby", 1);
	two_hosts(7);
	free(b.network);
	b.network = mem_strdup("<network><metadata><h:host xmlns:h='" REPORT_URI
			       "' name='a b' version='1' hook='works'/></metadata></network>");
	refused("not 1 to 64 visible", 1);
	two_hosts(7);
	a.job = true;
	refused("libvirt has a job under way on web1", 1);
	two_hosts(7);
	world_domain(&b, "web1")->live.present = true;
	refused("is running there already", 1);
	two_hosts(7);
	world_give(&a, "web1", &world_pf(&a)->vfs[6], false, VIEW_LIVE);
	refused("which vfpool did not give it", 1);
	two_hosts(7);
	d = world_domain(&a, "web1");
	d->paused = true;
	refused("is paused", 4);
}

static void one_that_is_off_does_not_move(void **state)
{
	(void)state;
	two_hosts(7);
	world_stop(&a, "web1");
	run_on(&a, "migrate web1 " TO_B, 1, "web1 is not running");
	clear();
}

/* Without anything of ours it is libvirt's affair alone, and no agent has to be there. */
static void a_guest_without_vfs_needs_nobody(void **state)
{
	(void)state;
	two_hosts(7);
	free(steal(&b.network));
	run_on(&a, "migrate web2 " TO_B WHOLLY, 0, NULL);
	assert_true(world_domain(&b, "web2")->live.present);
	clear();
}

static void a_dry_run_touches_nothing(void **state)
{
	(void)state;
	two_hosts(7);
	a.touched = b.touched = 0;
	run_on(&a, "migrate web1 " TO_B " --live --dry-run", 0, NULL);
	assert_int_equal(a.touched | b.touched, 0);
	assert_on(&a, 2, 1, 2);
	clear();
}

/* Its definition there has the VFs already: they need not be free. */
static void what_it_has_there_already_counts(void **state)
{
	(void)state;
	two_hosts(7);
	run_on(&a, "detach web1 0000:01:10.2", 0, NULL);
	run_on(&a, "migrate web1 " TO_B WHOLLY, 0, NULL);
	tell(&a, REPORT_HOOK_WORKS);
	a.agent = true;
	run_on(&b, "migrate web1 " TO_B " --live", 0, NULL);
	assert_on(&b, 0, 1, 1);
	world_domain(&b, "web2")->live.present = true;
	world_domain(&b, "web2")->ports = 6;
	run_on(&b, "attach web2 eth1 --count 6", 0, NULL);
	tell(&b, REPORT_HOOK_WORKS);
	b.agent = true;
	run_on(&a, "migrate web1 " TO_B " --live --persistent", 0, NULL);
	assert_on(&b, 1, 1, 7);
	assert_on(&a, 0, 0, 0);
	clear();
}

static void settle(void)
{
	a.fail_at = b.fail_at = 0;
	a.dies = b.dies = false;
	world_enter(&a);
	(void)world_run(&a, "reconcile", NULL);
	world_enter(&b);
	(void)world_run(&b, "reconcile", NULL);
}

/* With all it is owed, wherever it runs, and the other host has nothing for it but what it may
 * keep. */
static void assert_right(const char *where)
{
	struct world *w = runs_on(&a) ? &a : &b;

	if (runs_on(&a) == runs_on(&b))
		fail_msg("%s: it runs on %s hosts", where, runs_on(&a) ? "both" : "no");
	if (view_ours(&world_domain(w, "web1")->live) != 2)
		fail_msg("%s: it has %zu VFs on %s", where,
			 view_ours(&world_domain(w, "web1")->live), w->name);
	/* What nobody could drop any more expires. */
	a.wall += 1000;
	b.wall += 1000;
	settle();
	assert_sound(&a);
	assert_sound(&b);
	if ((w == &a ? &b : &a)->leases.n)
		fail_msg("%s: the other host keeps something", where);
}

static void broken_at(struct world *w, bool dies)
{
	for (unsigned at = 1;; at++) {
		struct err *err = NULL;
		char where[128];
		int status;

		two_hosts(7);
		a.calls = b.calls = 0;
		w->fail_at = at;
		w->dies = dies;
		world_enter(&a);
		status = world_run(&a, "migrate web1 " TO_B WHOLLY, &err);
		(void)snprintf(where, sizeof(where), "%s %s in call %u, %s", w->name,
			       dies ? "dies" : "fails", at, w->failed_in ? w->failed_in : "none");
		if (!w->failed_in) {
			assert_int_equal(status, 0);
			clear();
			assert_true(at > 10);
			return;
		}
		if (status && !err->now)
			fail_msg("%s: it does not say how things stand: %s", where, err->what);
		err_free(&err);
		settle();
		assert_right(where);
		clear();
	}
}

static void broken_at_each_call(void **state)
{
	(void)state;
	broken_at(&a, false);
	broken_at(&b, false);
}

static void killed_at_each_call(void **state)
{
	(void)state;
	broken_at(&a, true);
	broken_at(&b, true);
}

static void cancelled(const char *words)
{
	struct err *err = NULL;

	world_enter(&a);
	assert_int_equal(world_run(&a, "migrate web1 " TO_B WHOLLY, &err), 1);
	assert_non_null(strstr(err->what, words));
	assert_string_equal(err->now, "web1 runs on here, with its VFs as before");
	err_free(&err);
	assert_on(&a, 2, 1, 2);
	assert_false(runs_on(&b));
	clear();
}

static void who_cancels_it_has_all_as_it_was(void **state)
{
	(void)state;
	two_hosts(7);
	a.move_stopped = true;
	cancelled("canceled by client");
	two_hosts(7);
	a.move_signal = SIGINT;
	cancelled("cancelled: operation aborted");
	two_hosts(7);
	a.move_signal = SIGTERM;
	cancelled("cancelled: operation aborted");
	/* libvirt would wait for that host for as long as TCP does. */
	two_hosts(7);
	a.move_alone = true;
	cancelled("the connection to " TO_B " broke: operation aborted");
	/* It ends the move, and nothing else. */
	two_hosts(7);
	(void)signal(SIGHUP, SIG_IGN);
	run_on(&a, "migrate web1 " TO_B " --live --verbose --timeout 5", 0, NULL);
	clear();
}

/* The last word of libvirt there was lost. */
static void it_is_there_though_it_was_said_to_have_failed(void **state)
{
	(void)state;
	two_hosts(7);
	a.move_lies = 1;
	run_on(&a, "migrate web1 " TO_B WHOLLY, 0, NULL);
	assert_on(&a, 0, 0, 0);
	assert_on(&b, 2, 1, 2);
	clear();
}

/* Its agent there has not done it in time: that is told, and it goes on. */
static void what_is_not_there_in_time_is_owed(void **state)
{
	struct err *err = NULL;

	(void)state;
	two_hosts(7);
	b.agent = false;
	world_enter(&a);
	assert_int_equal(world_run(&a, "migrate web1 " TO_B WHOLLY " --wait 5", &err), 5);
	assert_string_equal(err->now, "web1 runs on vfhost-b, and has 0 of 2 VFs there");
	err_free(&err);
	assert_on(&a, 0, 0, 0);
	settle();
	assert_on(&b, 2, 1, 2);
	clear();
}

static void with_xml(const char *devices, const char *uuid, bool metadata, int status,
		     const char *words)
{
	char path[] = "/tmp/vfpool-migrate-XXXXXX";
	cleanup_free char *command = NULL;
	int fd = mkstemp(path);
	FILE *file;

	two_hosts(7);
	file = fdopen(fd, "w");
	assert_non_null(file);
	(void)fprintf(file,
		      "<domain type='kvm'><name>web1</name><uuid>%s</uuid><metadata>%s</metadata>"
		      "<devices>%s</devices></domain>",
		      uuid ? uuid : world_domain(&a, "web1")->uuid,
		      metadata ? world_domain(&a, "web1")->live.metadata : "", devices);
	(void)fclose(file);
	command = mem_printf("migrate web1 " TO_B " --live --xml %s", path);
	run_on(&a, command, status, words);
	(void)unlink(path);
	if (status)
		assert_on(&a, 2, 1, 2);
	clear();
}

static void a_definition_for_there_is_looked_at(void **state)
{
	(void)state;
	with_xml("", NULL, true, 0, NULL);
	with_xml("", NULL, false, 2, "is not in its metadata");
	with_xml("", "00000000-0000-4000-8000-00000000000f", true, 2, "it is not web1");
	with_xml("<hostdev mode='subsystem' type='pci' managed='yes'><source><address "
		 "domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>",
		 NULL, true, 2, "that is one of this host");
}

static void options_that_make_no_sense(void **state)
{
	static const char *const commands[] = {
		"migrate web1",
		"migrate web1 " TO_B " --tunnelled",
		"migrate web1 " TO_B " --copy-storage-all --copy-storage-inc",
		"migrate web1 " TO_B " --live --timeout-suspend",
		"migrate web1 " TO_B " --live --timeout 5 --timeout-postcopy",
		"migrate web1 " TO_B " --timeout 5",
		"migrate web1 " TO_B " --parallel-connections 2",
		"migrate web1 " TO_B " --bandwidth x",
		"migrate web1 " TO_B " three",
	};

	(void)state;
	two_hosts(7);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		run_on(&a, commands[i], 2, NULL);
	clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_moves_and_comes_back),
		cmocka_unit_test(a_standby_moves_along),
		cmocka_unit_test(what_stays_behind),
		cmocka_unit_test(without_what_it_needs_nothing_is_touched),
		cmocka_unit_test(one_that_is_off_does_not_move),
		cmocka_unit_test(a_guest_without_vfs_needs_nobody),
		cmocka_unit_test(a_dry_run_touches_nothing),
		cmocka_unit_test(what_it_has_there_already_counts),
		cmocka_unit_test(broken_at_each_call),
		cmocka_unit_test(killed_at_each_call),
		cmocka_unit_test(who_cancels_it_has_all_as_it_was),
		cmocka_unit_test(it_is_there_though_it_was_said_to_have_failed),
		cmocka_unit_test(what_is_not_there_in_time_is_owed),
		cmocka_unit_test(a_definition_for_there_is_looked_at),
		cmocka_unit_test(options_that_make_no_sense),
	};

	return cmocka_run_group_tests_name("migration", tests, NULL, NULL);
}
