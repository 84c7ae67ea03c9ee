// SPDX-License-Identifier: LGPL-2.1-or-later
/* list and why, on a made world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "converge/foreign.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/tree.h"
#include "fakes/world.h"
#include "host/memo.h"
#include "host/lock.h"
#include "verbs/globals.h"

static struct world world;

static int setup(void **state)
{
	(void)state;
	world_init(&world, 4);
	globals_bind(&world.session);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_clear(&world);
	return 0;
}

static char words[256]; /* the session points into them */

/* A command line with its output, and its exit status as main() would have it. */
static char *answer(const struct verb *verb, const char *command, int *status)
{
	cleanup_err struct err *err = NULL;
	char *argv[16] = {0}, *rest = words, *text = mem_zero(1, 65536);
	int argc = 0, fds[2], saved, rc;

	(void)snprintf(words, sizeof(words), "%s", command);
	while (argc < 15 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	assert_int_equal(pipe(fds), 0);
	(void)fflush(stdout);
	saved = dup(STDOUT_FILENO);
	(void)dup2(fds[1], STDOUT_FILENO);
	rc = verb->run(verb, &world.session, argc, argv, &err);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	(void)close(fds[1]);
	assert_true(read(fds[0], text, 65535) >= 0);
	(void)close(fds[0]);
	*status = rc < 0 ? err_exit_status(err->code) : 0;
	return text;
}

static void expect(const struct verb *verb, const char *command, int status, const char *text)
{
	int got;
	cleanup_free char *found = answer(verb, command, &got);

	assert_string_equal(found, text);
	assert_int_equal(got, status);
}

static void add_foreign(struct fake_view *view, unsigned index)
{
	struct fake_device *device = &view->devices[view->ndevices++];

	device->host = world_pf(&world)->vfs[index].addr;
	device->xml = mem_printf("<hostdev mode='subsystem' type='pci' managed='yes'><source>"
				 "<address domain='0x%04x' bus='0x%02x' slot='0x%02x' "
				 "function='0x%x'/></source></hostdev>",
				 device->host.domain, device->host.bus, device->host.device,
				 device->host.function);
	device->alias = mem_strdup("hostdev0");
}

static void each_holder_is_shown(void **state)
{
	struct pf *pf = world_pf(&world);

	(void)state;
	add_foreign(&world_domain(&world, "web1")->live, 0);
	add_foreign(&world_domain(&world, "web1")->config, 0);
	add_foreign(&world_domain(&world, "web2")->config, 0);
	add_foreign(&world_domain(&world, "web2")->config, 1);
	pf->vfs[2].address = mem_strdup("192.0.2.1");
	expect(&verb_list, "list -n -o NAME,STATE,HOLDER,FREE", 0,
	       "eth1    up       -          1\n"
	       "eth1/0  guest    web1,web2  -\n"
	       "eth1/1  defined  web2       -\n"
	       "eth1/2  host     192.0.2.1  -\n"
	       "eth1/3  free     -          -\n");
	expect(&verb_list, "list --free -n -o name", 0, "eth1/3\n");
	expect(&verb_list, "list eth1 --used -n -o name", 0, "eth1/0\neth1/1\neth1/2\n");
	expect(&verb_list, "list 0000:01:10.2 -n -o name", 0, "eth1/1\n");
}

static void what_vfpool_gave_is_not_foreign(void **state)
{
	(void)state;
	assert_int_equal(world_run(&world, "attach web1 eth1 --vlan 100", NULL), 0);
	expect(&verb_list, "list -n -o NAME,STATE,HOLDER,VLAN --used", 0,
	       "eth1/0  held  web1  100\n");
}

static void what_is_lost_or_stuck_is_shown(void **state)
{
	struct pf *pf = world_pf(&world);
	struct store *store = world.edges.store;

	(void)state;
	assert_int_equal(world_run(&world, "attach web1 eth1 --count 2", NULL), 0);
	world.leases.items[1].state = LEASE_LOST;
	world.leases.items[1].reason = mem_strdup("the VF has vanished");
	pf->nvfs = 1;
	assert_int_equal(store->ops->stick(store, world_domain(&world, "web2")->uuid, "web2",
					   "no VF of eth1 is free", NULL),
			 0);
	expect(&verb_list, "list -n -o NAME,TYPE,STATE,HOLDER,STUCK", 0,
	       "eth1    pf     up     -     -\n"
	       "eth1/0  vf     held   web1  -\n"
	       "eth1/1  vf     lost   web1  the VF has vanished\n"
	       "-       guest  stuck  web2  no VF of eth1 is free\n");
	expect(&verb_list, "list 0000:01:10.0 -n -o NAME,STATE", 0, "eth1/0  held\n");
	expect(&verb_list, "list eth1 --used -n -o NAME,STATE", 0,
	       "eth1/0  held\n"
	       "eth1/1  lost\n");
	expect(&verb_list, "list --free -n -o NAME,STATE", 0, "");
	/* The card itself is gone. */
	world.leases.items[1].pf.bus = 7;
	expect(&verb_list, "list --used -n -o NAME,STATE", 0,
	       "eth1/0        held\n"
	       "0000:01:10.2  lost\n"
	       "-             stuck\n");
	pf->nvfs = 4;
	world.leases.items[1].pf.bus = 1;
}

static void a_shared_group_makes_unusable(void **state)
{
	struct pf *pf = world_pf(&world);

	(void)state;
	pf->vfs[3].iommu_group = pf->vfs[1].iommu_group;
	expect(&verb_list, "list -n -o NAME,REFUSAL", 0,
	       "eth1    -\n"
	       "eth1/0  -\n"
	       "eth1/1  iommu-group\n"
	       "eth1/2  -\n"
	       "eth1/3  iommu-group\n");
}

static void without_libvirt_the_rest_is_shown(void **state)
{
	(void)state;
	add_foreign(&world_domain(&world, "web1")->live, 0);
	do {
		world.calls = 0;
		world.failed_in = NULL;
		world.fail_at++;
		free(answer(&verb_list, "list", &(int){0}));
		assert_non_null(world.failed_in);
	} while (strcmp(world.failed_in, "list") != 0);
	world.calls = 0;
	expect(&verb_list, "list -n -o NAME,STATE --free", 5,
	       "eth1/0  free\neth1/1  free\neth1/2  free\neth1/3  free\n");
	world.calls = 0;
	expect(&verb_list, "list -n -o NAME --free --no-guests", 0,
	       "eth1/0\neth1/1\neth1/2\neth1/3\n");
}

static void bad_requests_are_refused(void **state)
{
	(void)state;
	expect(&verb_list, "list --free --used", 2, "");
	expect(&verb_list, "list -o NAME,NONE", 2, "");
	expect(&verb_list, "list eth1 eth2", 2, "");
	expect(&verb_list, "list --frei", 2, "");
	expect(&verb_why, "why web1", 2, "");
	assert_int_equal(world.calls, 0);
}

static void global_options_come_after_the_verb_too(void **state)
{
	int status;
	cleanup_free char *text =
		answer(&verb_list, "list -o NAME --json --used -c test:///default", &status);

	(void)state;
	assert_int_equal(world.session.mode, TABLE_JSON);
	assert_string_equal(world.session.uri, "test:///default");
	assert_non_null(strstr(text, "\"pfs\""));
}

static void why_tells_what_attach_would_do(void **state)
{
	(void)state;
	add_foreign(&world_domain(&world, "web1")->live, 0);
	world_domain(&world, "web1")->ports = 1;
	expect(&verb_why, "why web1 eth1", 0,
	       "NAME     ADDRESS       VERDICT         REASON\n"
	       "web1     -             ready           running, free slots for hot-plug: 1\n"
	       "hostdev  0000:01:10.0  stops-a-move    not vfpool's: take it out by hand before a "
	       "live migration\n"
	       "eth1     0000:01:00.0  up              3 of 4 VFs free\n"
	       "eth1/0   0000:01:10.0  running-domain  in the running domain web1, not by vfpool\n"
	       "eth1/1   0000:01:10.2  free            attach would take it\n"
	       "eth1/2   0000:01:10.4  free            -\n"
	       "eth1/3   0000:01:10.6  free            -\n");
}

static void why_without_a_free_vf_is_status_3(void **state)
{
	int status;

	(void)state;
	add_foreign(&world_domain(&world, "web2")->live, 2);
	free(answer(&verb_why, "why web1 0000:01:10.4", &status));
	assert_int_equal(status, 3);
	free(answer(&verb_why, "why web1 0000:01:10.2", &status));
	assert_int_equal(status, 0);
	free(answer(&verb_why, "why nobody eth1", &status));
	assert_int_equal(status, 1);
}

static void one_domain_cannot_hide_the_others(void **state)
{
	struct foreigns found = {0};
	struct fake_view *broken = &world_domain(&world, "web1")->live;

	(void)state;
	add_foreign(broken, 0);
	free(broken->devices[0].xml);
	broken->devices[0].xml = mem_strdup("</unfinished");
	add_foreign(&world_domain(&world, "web2")->live, 1);
	assert_int_equal(foreigns_gather(&world.edges, NULL, &found, NULL), 0);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.items[0].domain, "web2");
	assert_true(found.items[0].running);
	foreigns_clear(&found);
}

static void assert_why(const char *sentence, bool said)
{
	int status;
	cleanup_free char *text = answer(&verb_why, "why web1 eth1", &status);

	assert_int_equal(status, 0);
	if (!strstr(text, sentence) == said)
		fail_msg("'%s': %s", sentence, text);
}

/* A VF stops a move, unless its driver can move it; its standby comes along. */
static void why_tells_what_moves(void **state)
{
	(void)state;
	world_add_pf(&world, 2);
	assert_int_equal(world_run(&world, "attach web1 eth1 --standby lan", NULL), 0);
	assert_why("stops-a-move", true);
	assert_why("`vfpool migrate` or", true);
	assert_why("is out, on network lan", true);
	assert_int_equal(world_run(&world, "detach web1", NULL), 0);
	world.variant = "mlx5_vfio_pci";
	assert_int_equal(world_run(&world, "attach web1 eth1", NULL), 0);
	assert_why("its driver can move it", true);
	assert_why("stops-a-move", false);
	assert_int_equal(world_run(&world, "attach web1 eth1 --form hostdev", NULL), 0);
	assert_why("stops-a-move", true);
}

/* Our directory, and libvirt's two; the lock of its daemon. */
static char *top, *places[3];
static struct memo memo;
static int daemon_lock;

static int setup_kept(void **state)
{
	setup(state);
	top = tree_dir();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		places[i] = mem_printf("%s/%zu", top, i);
		assert_int_equal(mkdir(places[i], 0755), 0);
	}
	memo = (struct memo){.dir = places[0],
			     .watched = {places[1], places[2]},
			     .run = places[0],
			     .daemons = {"other.pid", "daemon.pid"}};
	assert_int_equal(lock_take_in(memo.run, "daemon.pid", 0, &daemon_lock, NULL), 0);
	lock_hand_to(daemon_lock, getppid());
	world.session.edges.memo = world.edges.memo = &memo;
	unsetenv("LIBVIRT_DEFAULT_URI");
	return 0;
}

static int teardown_kept(void **state)
{
	(void)close(daemon_lock);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		free(steal(&places[i]));
	tree_remove(top);
	free(steal(&top));
	return teardown(state);
}

/* libvirt has written something down, so many seconds ago. */
static void writes(size_t place, time_t ago)
{
	struct timespec times[2];

	(void)clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= ago;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, places[1 + place], times, 0), 0);
}

/* How many VFs are in some guest by hand, as list says. */
static void assert_foreign(size_t n)
{
	int status;
	size_t got = 0;
	cleanup_free char *text = answer(&verb_list, "list -n -o STATE --used", &status);

	assert_int_equal(status, 0);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		got++;
	assert_int_equal(got, n);
}

static void what_was_found_is_kept_until_something_happens(void **state)
{
	struct fake_view *view = &world_domain(&world, "web1")->live;

	(void)state;
	writes(0, 60);
	writes(1, 50);
	add_foreign(view, 0);
	assert_foreign(1);
	/* Nobody has written anything down, so this is not so. */
	add_foreign(view, 1);
	assert_foreign(1);
	writes(1, 40);
	assert_foreign(2);
	add_foreign(view, 2);
	assert_foreign(2);
	writes(0, 30);
	assert_foreign(3);
	expect(&verb_list, "list -n -o NAME,STATE,HOLDER --used", 0,
	       "eth1/0  guest  web1\neth1/1  guest  web1\neth1/2  guest  web1\n");
}

static void what_may_have_changed_since_is_not_kept(void **state)
{
	struct fake_view *view = &world_domain(&world, "web1")->live;

	(void)state;
	/* Another change could have the same time. */
	writes(0, 60);
	writes(1, 0);
	add_foreign(view, 0);
	assert_foreign(1);
	add_foreign(view, 1);
	assert_foreign(2);
	/* The clock was put back. */
	writes(1, -3600);
	add_foreign(view, 2);
	assert_foreign(3);
	add_foreign(view, 3);
	assert_foreign(4);
}

/* However long it takes until it is written: it is when libvirt was asked that counts. */
static void what_was_asked_too_early_is_not_kept(void **state)
{
	struct foreigns none = {0};
	struct memo_mark mark;

	(void)state;
	writes(0, 60);
	writes(1, 60);
	assert_true(memo_mark(&memo, &mark));
	mark.taken = mark.of[1].changed;
	foreigns_keep(&world.edges, &mark, &none);
	assert_false(foreigns_recall(&memo, &mark, &none));
	mark.taken.tv_sec++;
	foreigns_keep(&world.edges, &mark, &none);
	assert_true(foreigns_recall(&memo, &mark, &none));
}

static void only_the_libvirt_of_these_directories_is_kept(void **state)
{
	struct fake_view *view = &world_domain(&world, "web1")->live;

	(void)state;
	writes(0, 60);
	writes(1, 60);
	world.uri = "xen:///system";
	add_foreign(view, 0);
	assert_foreign(1);
	add_foreign(view, 1);
	assert_foreign(2);
	world.uri = NULL;
	assert_foreign(2);
	add_foreign(view, 2);
	assert_foreign(2);
	setenv("LIBVIRT_DEFAULT_URI", "test:///default", 1);
	assert_foreign(3);
	unsetenv("LIBVIRT_DEFAULT_URI");
	assert_foreign(2);
	world.session.uri = "test:///default";
	assert_foreign(3);
	world.session.uri = MEMO_URI;
	assert_foreign(2);
	/* What happens while no daemon runs is written down when one does. */
	(void)close(daemon_lock);
	assert_foreign(3);
	assert_int_equal(lock_take_in(memo.run, "other.pid", 0, &daemon_lock, NULL), 0);
	lock_hand_to(daemon_lock, getppid());
	assert_foreign(2);
	tree_remove(places[2]);
	assert_foreign(3);
}

static void what_is_not_whole_is_not_kept(void **state)
{
	static const char *const damaged[] = {"running 0000:01:10.0",
					      "running 0000:01:10.0 web1",
					      "runs 0000:01:10.0 web1\n",
					      "running 1 web1\n",
					      "running 0000:01:10.0 \n",
					      "\n",
					      "running\n",
					      "mac 02:00:00:00:00:01\n",
					      "mac 02:00:00:00:00:01 \n",
					      "mac 02:00:00:00:00 web1\n"};
	struct fake_domain *web2 = world_domain(&world, "web2");
	struct fake_view *view = &world_domain(&world, "web1")->live;
	struct memo_mark mark;
	struct foreigns found = {0};

	(void)state;
	writes(0, 60);
	writes(1, 60);
	assert_true(memo_mark(&memo, &mark));
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		memo_write(&memo, &mark, damaged[i]);
		assert_false(foreigns_recall(&memo, &mark, &found));
	}
	/* No device at all is an answer, too. */
	foreigns_keep(&world.edges, &mark, &found);
	assert_true(foreigns_recall(&memo, &mark, &found));
	assert_int_equal(found.n, 0);
	/* A name can have blanks, and only one that breaks the line is not kept. */
	foreigns_add(&found, world_pf(&world)->vfs[0].addr, "a guest  of mine ", true);
	foreigns_keep(&world.edges, &mark, &found);
	foreigns_clear(&found);
	assert_true(foreigns_recall(&memo, &mark, &found));
	assert_int_equal(found.n, 1);
	assert_string_equal(found.items[0].domain, "a guest  of mine ");
	assert_true(found.items[0].running);
	foreigns_add(&found, world_pf(&world)->vfs[1].addr, "two\nlines", false);
	foreigns_keep(&world.edges, &mark, &found);
	foreigns_clear(&found);
	assert_true(foreigns_recall(&memo, &mark, &found));
	assert_int_equal(found.n, 1);
	foreigns_clear(&found);
	/* One that could not be read has to be told of each time. */
	writes(0, 50);
	add_foreign(view, 0);
	add_foreign(&web2->live, 1);
	free(web2->live.devices[0].xml);
	web2->live.devices[0].xml = mem_strdup("</unfinished");
	assert_foreign(1);
	add_foreign(view, 2);
	assert_foreign(2);
}

/* Which VFs are in some guest by hand, as somebody sees it who has read this guest. */
static void assert_foreign_beside(const char *domain, const char *vfs)
{
	cleanup_free char *command = mem_printf("why %s eth1", domain), *seen = mem_strdup("");
	int status;
	cleanup_free char *text = answer(&verb_why, command, &status);

	for (const char *at = text; (at = strstr(at, "eth1/")); at++) {
		const char *word = strstr(at, "running-domain");
		char *longer;

		if (!word || word > strchr(at, '\n'))
			continue;
		longer = mem_printf("%s%c", seen, at[5]);
		free(seen);
		seen = longer;
	}
	assert_string_equal(seen, vfs);
}

static void of_the_other_guests_what_is_kept_will_do(void **state)
{
	struct fake_view *web1 = &world_domain(&world, "web1")->live;
	struct fake_view *web2 = &world_domain(&world, "web2")->live;

	(void)state;
	writes(0, 60);
	writes(1, 50);
	add_foreign(web1, 0);
	assert_foreign(1);
	/* Nobody has written anything down, so this is not so but of the one that has been read. */
	add_foreign(web1, 1);
	add_foreign(web2, 2);
	assert_foreign_beside("web2", "02");
	assert_foreign_beside("web1", "01");
	writes(1, 40);
	assert_foreign_beside("web2", "012");
	assert_foreign_beside("web1", "012");
	/* Who has read one guest alone keeps nothing. */
	add_foreign(web1, 3);
	assert_foreign_beside("web2", "0123");
}

static void of_the_other_guests_macs_are_kept_too(void **state)
{
	const struct mac one = {{2, 0, 0, 0, 0, 1}}, two = {{2, 0, 0, 0, 0, 2}};
	struct foreigns found = {0};
	struct memo_mark mark;

	(void)state;
	writes(0, 60);
	writes(1, 60);
	assert_true(memo_mark(&memo, &mark));
	foreigns_add_mac(&found, one, "web1");
	foreigns_add_mac(&found, two, "web2");
	foreigns_keep(&world.edges, &mark, &found);
	foreigns_clear(&found);
	assert_true(foreigns_recall(&memo, &mark, &found));
	assert_int_equal(found.nmacs, 2);
	foreigns_clear(&found);
	assert_true(foreigns_recall_others(&world.edges, "web1", &found));
	assert_int_equal(found.nmacs, 1);
	assert_string_equal(found.macs[0].domain, "web2");
	assert_memory_equal(&found.macs[0].mac, &two, sizeof(two));
	foreigns_clear(&found);
}

static void who_keeps_something_first_makes_the_directory(void **state)
{
	cleanup_free char *made = mem_printf("%s/made", top);
	cleanup_free char *cannot = mem_printf("%s/no/where", top);
	struct fake_view *view = &world_domain(&world, "web1")->live;

	(void)state;
	writes(0, 60);
	writes(1, 60);
	/* That it cannot is no failure. */
	memo.dir = cannot;
	add_foreign(view, 0);
	assert_foreign(1);
	add_foreign(view, 1);
	assert_foreign(2);
	memo.dir = made;
	assert_foreign(2);
	add_foreign(view, 2);
	assert_foreign(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST_KEPT(name) cmocka_unit_test_setup_teardown(name, setup_kept, teardown_kept)
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(each_holder_is_shown),
		TEST(what_vfpool_gave_is_not_foreign),
		TEST(what_is_lost_or_stuck_is_shown),
		TEST(a_shared_group_makes_unusable),
		TEST(without_libvirt_the_rest_is_shown),
		TEST(bad_requests_are_refused),
		TEST(global_options_come_after_the_verb_too),
		TEST(why_tells_what_attach_would_do),
		TEST(why_without_a_free_vf_is_status_3),
		TEST(one_domain_cannot_hide_the_others),
		TEST(why_tells_what_moves),
		TEST_KEPT(what_was_found_is_kept_until_something_happens),
		TEST_KEPT(what_may_have_changed_since_is_not_kept),
		TEST_KEPT(what_was_asked_too_early_is_not_kept),
		TEST_KEPT(only_the_libvirt_of_these_directories_is_kept),
		TEST_KEPT(what_is_not_whole_is_not_kept),
		TEST_KEPT(of_the_other_guests_what_is_kept_will_do),
		TEST_KEPT(of_the_other_guests_macs_are_kept_too),
		TEST_KEPT(who_keeps_something_first_makes_the_directory),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
