// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the agent's workers do and say, against made edges. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "daemon/daemon.h"
#include "daemon/line.h"
#include "daemon/work.h"
#include "fakes/world.h"

/* All that was said, a line each, with blanks between the fields. */
static char said[65536];
static int ends_of[2];

static void listen_anew(void)
{
	char rest[4096];

	while (read(ends_of[0], rest, sizeof(rest)) > 0)
		;
}

static void hear(void)
{
	ssize_t got = read(ends_of[0], said, sizeof(said) - 1);

	said[got > 0 ? got : 0] = '\0';
	for (char *p = said; *p; p++)
		if (*p == '\t')
			*p = ' ';
}

static void assert_said(const char *words)
{
	if (!strstr(said, words))
		fail_msg("it did not say '%s', but:\n%s", words, said);
}

static void assert_not_said(const char *words)
{
	if (strstr(said, words))
		fail_msg("it said '%s' among:\n%s", words, said);
}

static void do_run(struct world *w, const char *command, int status)
{
	struct err *err = NULL;
	int got = world_run(w, command, &err);

	if (got != status)
		fail_msg("%s: exit %d: %s", command, got, err ? err->what : "no error");
	err_free(&err);
}

static void work_on(struct world *w, const char *name, bool last)
{
	const struct work_guest guest = {
		.uuid = world_domain(w, name)->uuid,
		.name = name,
		.cause = "stopped",
		.seconds = 30,
		.last = last,
	};

	listen_anew();
	work_guest(&w->edges, &guest, ends_of[1]);
	hear();
}

static void assert_sound(struct world *w)
{
	const char *broken = world_broken(w);

	if (broken)
		fail_msg("%s", broken);
}

static void a_guest_that_stopped_is_relieved(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1", 0);
	work_on(&w, "web1", false);
	assert_string_equal(said, "begun\n");
	world_stop(&w, "web1");
	work_on(&w, "web1", false);
	assert_memory_equal(said, "begun\n", 6);
	assert_said("say 5 0000:01:10.0 ");
	assert_said("VF eth1/0 is free again (assignment ");
	assert_said("; stopped)\n");
	assert_said("\nmended\n");
	assert_not_said("failed");
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* What was kept for the case that it would not go is free; what is reserved for one that comes is
 * not. */
static void a_guest_that_moved_away_leaves_nothing(void **state)
{
	struct lease coming = {.vf = {.bus = 1, .device = 0x10, .function = 6},
			       .pf = {.bus = 1},
			       .index = 3,
			       .assignment = "0a1b2c3d",
			       .state = LEASE_RESERVED};
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1 --count 2", 0);
	do_run(&w, "attach web1 eth1 --config", 0);
	do_run(&w, "park web1", 0);
	work_on(&w, "web1", false);
	assert_int_equal(w.leases.n, 3);
	world_stop(&w, "web1");
	/* Its definition is still here, and gets at the deadline what it has lost. */
	work_on(&w, "web1", false);
	assert_said("2 VFs that were kept for the guest are free (stopped)\n");
	assert_said("\nmended\n");
	assert_int_equal(w.leases.n, 1);
	world_forget(&w, "web1");
	coming.expires = w.wall + 600;
	coming.domain_name = mem_strdup("web1");
	memcpy(coming.domain_uuid, world_domain(&w, "web1")->uuid, sizeof(coming.domain_uuid));
	leases_add(&w.leases, coming);
	work_on(&w, "web1", false);
	assert_said("1 VF that was kept for the guest is free (stopped)\n");
	assert_int_equal(w.leases.n, 1);
	assert_string_equal(w.leases.items[0].assignment, "0a1b2c3d");
	work_on(&w, "web1", false);
	assert_not_said("mended");
	world_clear(&w);
}

static void watch_move(struct world *w)
{
	const struct work_guest guest = {
		.uuid = world_domain(w, "web1")->uuid, .name = "web1", .seconds = 30};

	listen_anew();
	work_moving(&w->edges, &guest, ends_of[1]);
	hear();
}

/* A look at it in between leaves it what was reserved here; only what was parked here goes. */
static void of_one_that_comes_the_reservation_stays(void **state)
{
	struct world w;
	struct lease *lease;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1 --count 2", 0);
	do_run(&w, "park web1 --deadline 3600", 0);
	lease = &w.leases.items[1];
	free(lease->driver);
	lease->driver = NULL;
	world_forget(&w, "web1");
	work_on(&w, "web1", false);
	assert_int_equal(w.leases.n, 1);
	assert_null(w.leases.items[0].driver);
	world_clear(&w);
}

/* Then there is nothing to wait for any more. */
static void of_one_that_moved_away_nothing_expires(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1 --count 2", 0);
	do_run(&w, "park web1 --deadline 3600", 0);
	work_on(&w, "web1", false);
	assert_said("again 3600000\n");
	world_forget(&w, "web1");
	work_on(&w, "web1", false);
	assert_said("\nmended\n");
	assert_not_said("again");
	assert_int_equal(w.leases.n, 0);
	world_clear(&w);
}

/* One that failed is told by nobody; the guest has its VFs at once, not at the deadline. */
static void a_move_that_fails_is_noticed(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1 --count 2 --persistent", 0);
	/* Nothing is parked: it is none of our affair. */
	w.job = true;
	watch_move(&w);
	assert_string_equal(said, "");
	w.job = false;
	do_run(&w, "park web1", 0);
	w.job = true;
	w.job_ends = 4;
	watch_move(&w);
	assert_said("is in the guest");
	assert_said("; move failed)\n");
	assert_said("\nmended\n");
	assert_int_equal(view_ours(&world_domain(&w, "web1")->live), 2);
	assert_int_equal(view_ours(&world_domain(&w, "web1")->config), 2);
	assert_sound(&w);
	/* And one that did not: it has gone. */
	do_run(&w, "park web1", 0);
	w.job = w.job_moves = true;
	w.job_ends = 3;
	watch_move(&w);
	assert_string_equal(said, "");
	assert_int_equal(w.leases.n, 2);
	world_clear(&w);
}

/* Whoever began it has been killed, or the agent was not there then: nobody else would watch it. */
static void a_move_under_way_is_found(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1 --count 2", 0);
	do_run(&w, "park web1 --deadline 60", 0);
	w.job = true;
	/* Even after its deadline: libvirt lets nobody change it now. */
	w.wall += 61;
	work_on(&w, "web1", false);
	assert_said("\nmoving 00000000-0000-4000-8000-000000000001 web1\n");
	assert_not_said("failed");
	assert_int_equal(view_ours(&world_domain(&w, "web1")->live), 0);
	w.job = false;
	work_on(&w, "web1", false);
	assert_not_said("moving");
	assert_int_equal(view_ours(&world_domain(&w, "web1")->live), 2);
	assert_sound(&w);
	world_clear(&w);
}

/* What is parked for something else stays so. */
static void a_save_that_was_prepared_is_not_a_move(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1", 0);
	do_run(&w, "park web1 --reason save", 0);
	w.job = true;
	w.job_ends = 2;
	watch_move(&w);
	assert_int_equal(view_ours(&world_domain(&w, "web1")->live), 0);
	world_clear(&w);
}

static void watching_a_move_breaks_at_each_call(void **state)
{
	(void)state;
	for (unsigned at = 1;; at++) {
		struct world w;

		world_init(&w, 7);
		do_run(&w, "attach web1 eth1 --count 2", 0);
		do_run(&w, "park web1", 0);
		w.job = true;
		w.job_ends = 3;
		w.calls = 0;
		w.fail_at = at;
		watch_move(&w);
		w.fail_at = 0;
		if (!w.failed_in) {
			assert_said("mended");
			world_clear(&w);
			assert_true(at > 10);
			return;
		}
		w.wall += 1000;
		do_run(&w, "reconcile", 0);
		assert_int_equal(view_ours(&world_domain(&w, "web1")->live), 2);
		assert_sound(&w);
		world_clear(&w);
	}
}

static void the_last_try_leaves_a_reason(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1 --count 2", 0);
	world_domain(&w, "web1")->deaf = 1000;
	do_run(&w, "detach web1 0000:01:10.2 --timeout 1", 4);
	work_on(&w, "web1", false);
	assert_said("\nfailed web1 has not let go of VF 0000:01:10.2 within 30 s");
	assert_null(w.leases.items[1].reason);
	work_on(&w, "web1", true);
	assert_said("\nfailed ");
	/* The other one is well. */
	assert_null(w.leases.items[0].reason);
	assert_non_null(strstr(w.leases.items[1].reason, "has not let go"));
	assert_string_equal(lease_word(&w.leases.items[1]), "stuck");
	world_domain(&w, "web1")->deaf = 0;
	work_on(&w, "web1", false);
	assert_said("\nmended\n");
	assert_int_equal(w.leases.n, 1);
	assert_sound(&w);
	world_clear(&w);
}

/* By metadata that cannot be read, and by a worker that could not say anything. */
static void what_could_not_even_be_planned_is_stuck(void **state)
{
	struct world w;
	struct fake_view *view;
	char *before;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1", 0);
	view = &world_domain(&w, "web1")->live;
	before = view->metadata;
	view->metadata = mem_strdup(
		"<assignments xmlns='urn:vfpool:domain:1'><assignment id='x'/></assignments>");
	work_on(&w, "web1", true);
	assert_said("\nfailed the vfpool metadata of web1 is not valid");
	assert_string_equal(lease_word(&w.leases.items[0]), "stuck");
	assert_int_equal(view_ours(view), 1);
	free(view->metadata);
	view->metadata = before;
	work_on(&w, "web1", false);
	assert_not_said("failed");
	assert_null(w.leases.items[0].reason);
	work_stuck(&w.edges, world_domain(&w, "web1")->uuid, "web1", "the worker was killed");
	assert_string_equal(w.leases.items[0].reason, "the worker was killed");
	work_on(&w, "web1", false);
	assert_null(w.leases.items[0].reason);
	assert_sound(&w);
	world_clear(&w);
}

static void add_event(struct world *w, const char *name, const char *what)
{
	struct virt_event *event = &w->events[w->nevents++];

	*event = (struct virt_event){
		.kind = VIRT_DOMAIN_CHANGED, .name = mem_strdup(name), .what = what};
	memcpy(event->uuid, world_domain(w, name)->uuid, UUID_STRLEN);
}

/* Until libvirt goes away, after so many calls. */
static void follow_for(struct world *w, unsigned calls)
{
	struct edges edges = w->edges;
	cleanup_err struct err *err = NULL;

	w->calls = 0;
	w->fail_at = calls;
	listen_anew();
	assert_int_equal(work_follow(&edges, ends_of[1], &err), -1);
	w->fail_at = 0;
	hear();
}

/* There is no VF for it, so there is no lease that could tell. */
static void a_guest_without_a_lease_is_stuck_by_itself(void **state)
{
	struct world w;
	struct fake_view *view;

	(void)state;
	world_init(&w, 1);
	do_run(&w, "attach web1 eth1", 0);
	view = &world_domain(&w, "web2")->live;
	free(view->metadata);
	view->metadata = mem_strdup(
		"<assignments xmlns='urn:vfpool:domain:1'><assignment id='0a1b2c3d' pool='eth1' "
		"form='interface'><mac address='02:00:5e:10:00:09'/></assignment><assignment "
		"id='0a1b2c3e' pool='nowhere' form='interface'><mac address='02:00:5e:10:00:0a'/>"
		"</assignment></assignments>");
	work_on(&w, "web2", false);
	assert_said("\nsay 4  0a1b2c3e assignment 0a1b2c3e: ");
	assert_said("\nfailed ");
	assert_int_equal(w.stuck.n, 0);
	work_on(&w, "web2", true);
	assert_int_equal(w.stuck.n, 1);
	assert_string_equal(w.stuck.items[0].name, "web2");
	assert_non_null(strstr(w.stuck.items[0].reason, "eth1"));
	assert_null(w.leases.items[0].reason);
	/* When it is gone, nothing else tells of it. */
	world_forget(&w, "web2");
	follow_for(&w, 40);
	assert_said(" web2 full pass\n");
	work_on(&w, "web2", false);
	assert_not_said("failed");
	assert_int_equal(w.stuck.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* Whoever it was. */
static void a_guest_put_right_by_a_command_is_not_stuck(void **state)
{
	static const char *const commands[] = {"reconcile web1", "detach web1 eth1",
					       "attach web1 eth1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct world w;
		const char *uuid;

		world_init(&w, 3);
		do_run(&w, "attach web1 eth1", 0);
		uuid = world_domain(&w, "web1")->uuid;
		assert_int_equal(w.edges.store->ops->stick(w.edges.store, uuid, "web1", "it", NULL),
				 0);
		/* What only asks, and what fails, changes nothing about that. */
		do_run(&w, "why web1 eth1", 0);
		do_run(&w, "attach web1 eth1 --count 7", 3);
		assert_int_equal(w.stuck.n, 1);
		do_run(&w, commands[i], 0);
		assert_int_equal(w.stuck.n, 0);
		assert_sound(&w);
		world_clear(&w);
	}
}

static void one_of_its_vfs_put_right_is_not_all_of_it(void **state)
{
	struct world w;
	struct fake_view *view;

	(void)state;
	world_init(&w, 2);
	do_run(&w, "attach web1 eth1", 0);
	view = &world_domain(&w, "web2")->live;
	free(view->metadata);
	view->metadata = mem_strdup(
		"<assignments xmlns='urn:vfpool:domain:1'><assignment id='0a1b2c3e' pool='nowhere' "
		"form='interface'><mac address='02:00:5e:10:00:0a'/></assignment></assignments>");
	work_on(&w, "web2", true);
	assert_int_equal(w.stuck.n, 1);
	do_run(&w, "attach web2 eth1", 0);
	assert_int_equal(w.stuck.n, 1);
	/* With that taken back, it is. */
	do_run(&w, "detach web2 0a1b2c3e", 0);
	assert_int_equal(w.stuck.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void what_is_parked_is_looked_at_again(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1", 0);
	do_run(&w, "park web1 --deadline 90", 0);
	work_on(&w, "web1", false);
	assert_said("\nagain 90000\n");
	assert_int_equal(view_ours(&world_domain(&w, "web1")->live), 0);
	w.wall += 90;
	work_on(&w, "web1", false);
	assert_not_said("again");
	assert_said("\nmended\n");
	assert_int_equal(view_ours(&world_domain(&w, "web1")->live), 1);
	assert_sound(&w);
	world_clear(&w);
}

/* Whatever fails or kills it, the next one says and does the rest. */
static void broken_at_every_call(void **state)
{
	(void)state;
	for (int dies = 0; dies < 2; dies++)
		for (unsigned n = 1;; n++) {
			struct world w;
			bool reached;

			world_init(&w, 7);
			do_run(&w, "attach web1 eth1 --form hostdev --vlan 4", 0);
			world_stop(&w, "web1");
			w.calls = 0;
			w.fail_at = n;
			w.dies = dies;
			work_on(&w, "web1", true);
			reached = w.calls >= n;
			w.fail_at = 0;
			work_on(&w, "web1", false);
			assert_not_said("failed");
			assert_int_equal(w.leases.n, 0);
			assert_sound(&w);
			world_clear(&w);
			if (!reached)
				break;
			assert_true(n < 1000);
		}
}

static void others_at_work_are_no_failure(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1", 0);
	world_stop(&w, "web1");
	w.locked = world_domain(&w, "web1")->uuid;
	work_on(&w, "web1", true);
	assert_string_equal(said, "busy the lock domain-00000000-0000-4000-8000-000000000001 is "
				  "held by process 4711\n");
	assert_null(w.leases.items[0].reason);
	/* It has not waited long: other guests wait for it. */
	assert_int_equal(w.clock, 1000 + 2000);
	w.locked = NULL;

	/* Somebody makes the PF's VFs anew: nothing can be done until that is over. */
	w.at_work = true;
	work_on(&w, "web1", true);
	assert_memory_equal(said, "begun\nbusy ", 11);
	assert_null(w.leases.items[0].reason);
	w.at_work = false;
	work_on(&w, "web1", true);
	assert_said("\nmended\n");
	assert_sound(&w);
	world_clear(&w);
}

static void starts_web1(struct world *w)
{
	world_start(w, "web1");
}

static void forgets_web1(struct world *w)
{
	world_forget(w, "web1");
}

/* Makes something happen at the nth call of an edge. */
static void let_happen(struct world *w, void (*meanwhile)(struct world *w), unsigned n)
{
	w->calls = 0;
	w->meanwhile = meanwhile;
	w->meanwhile_at = n;
	w->meanwhile_in = NULL;
}

/* What the agent does about a guest to which something happens at the nth call: it looks again,
 * unless that was before it had begun to look. */
static bool work_while(struct world *w, void (*meanwhile)(struct world *w), unsigned n)
{
	let_happen(w, meanwhile, n);
	work_on(w, "web1", false);
	w->meanwhile = NULL;
	if (!w->meanwhile_in)
		return false;
	/* The guest's lock is the first one that is taken. */
	if (n > w->locked_at)
		work_on(w, "web1", false);
	return true;
}

/*
 * In a world of its own for each call at which something can happen. once() tells whether it has
 * happened; the last time, all is done before the nth call.
 */
static void at_each_call(bool (*once)(struct world *w, unsigned n))
{
	bool reached = true;

	for (unsigned n = 1; reached; n++) {
		struct world w;

		world_init(&w, 7);
		reached = once(&w, n);
		assert_sound(&w);
		world_clear(&w);
		assert_true(n < 1000);
	}
}

static bool started_at(struct world *w, unsigned n)
{
	bool reached;

	world_stop(w, "web1");
	do_run(w, "attach web1 eth1", 0);
	reached = work_while(w, starts_web1, n);
	assert_not_said("failed");
	if (reached)
		assert_int_equal(view_ours(&world_domain(w, "web1")->live), 1);
	return reached;
}

static void a_guest_started_while_it_is_looked_at(void **state)
{
	(void)state;
	at_each_call(started_at);
}

static bool forgotten_at(struct world *w, unsigned n)
{
	bool reached;

	do_run(w, "attach web1 eth1", 0);
	reached = work_while(w, forgets_web1, n);
	assert_not_said("failed");
	assert_int_equal(w->leases.n, reached ? 0 : 1);
	return reached;
}

static void a_guest_forgotten_while_it_is_looked_at(void **state)
{
	(void)state;
	at_each_call(forgotten_at);
}

static void a_guest_that_has_not_arrived_is_left_alone(void **state)
{
	struct world w;
	struct fake_domain *web1;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1", 0);
	do_run(&w, "park web1 --reason migration", 0);
	web1 = world_domain(&w, "web1");
	web1->moving = true;
	w.name = "there";
	w.touched = 0;
	work_on(&w, "web1", false);
	assert_not_said("mended");
	assert_not_said("failed");
	assert_int_equal(w.touched, 0);
	web1->moving = false;
	work_on(&w, "web1", false);
	assert_said("is in the guest");
	/* What was kept for it is its own now, and expires no more. */
	assert_not_said("again");
	assert_int_equal(view_ours(&web1->live), 1);
	assert_sound(&w);
	world_clear(&w);
}

static struct fake_view defined;

static void defines_web1(struct world *w)
{
	world_domain(w, "web1")->config = defined;
	defined = (struct fake_view){0};
}

/* It becomes transient; what defines it again is kept. */
static void undefines_web1(struct world *w)
{
	defined = world_domain(w, "web1")->config;
	world_domain(w, "web1")->config = (struct fake_view){0};
}

/* The command's exit status; web1 is defined at the nth call. */
static int run_while_defined(struct world *w, unsigned n, const char *command)
{
	int status;

	let_happen(w, defines_web1, n);
	status = world_run(w, command, NULL);
	w->meanwhile = NULL;
	free(steal(&defined.metadata)); /* it was not */
	return status;
}

static bool refused_once;

/* While another VF is looked for: what is wanted in that definition stays. */
static bool defined_at(struct world *w, unsigned n)
{
	struct fake_domain *web1 = world_domain(w, "web1");

	do_run(w, "attach web1 eth1 --persistent", 0);
	do_run(w, "park web1", 0);
	/* As it arrives: transient, its reserved VF taken by somebody else. */
	undefines_web1(w);
	w->taken[w->ntaken++] = w->leases.items[0].vf;
	(void)run_while_defined(w, n, "unpark web1");
	if (!w->meanwhile_in)
		return false;
	refused_once |= view_ours(&web1->live) == 0;
	do_run(w, "unpark web1", 0);
	do_run(w, "reconcile web1", 0);
	assert_int_equal(view_ours(&web1->live), 1);
	assert_int_equal(view_ours(&web1->config), 1);
	return true;
}

static void a_definition_that_comes_meanwhile(void **state)
{
	(void)state;
	at_each_call(defined_at);
	assert_true(refused_once);
}

/* The same for an attach that finds no VF, and takes back what it has done. */
static bool defined_while_attached_at(struct world *w, unsigned n)
{
	struct fake_domain *web1 = world_domain(w, "web1");

	do_run(w, "attach web1 eth1/6 --persistent", 0);
	do_run(w, "park web1", 0);
	undefines_web1(w);
	for (unsigned i = 0; i < 6; i++)
		w->taken[w->ntaken++] = world_pf(w)->vfs[i].addr;
	assert_int_not_equal(run_while_defined(w, n, "attach web1 eth1"), 0);
	if (!w->meanwhile_in)
		return false;
	do_run(w, "unpark web1", 0);
	assert_non_null(web1->config.metadata);
	assert_int_equal(view_ours(&web1->config), 1);
	return true;
}

static void a_definition_that_comes_while_a_vf_is_attached(void **state)
{
	(void)state;
	at_each_call(defined_while_attached_at);
}

/* And for one that is parked, of whose VFs one does not come out. */
static bool defined_while_parked_at(struct world *w, unsigned n)
{
	struct fake_domain *web1 = world_domain(w, "web1");

	do_run(w, "attach web1 eth1 --count 2 --persistent", 0);
	undefines_web1(w);
	web1->holds = true;
	web1->held = world_pf(w)->vfs[1].addr;
	assert_int_equal(run_while_defined(w, n, "park web1 --timeout 12"), 4);
	web1->holds = false;
	if (!w->meanwhile_in)
		return false;
	assert_int_equal(view_ours(&web1->live), 2);
	assert_int_equal(view_ours(&web1->config), 2);
	assert_non_null(strstr(web1->config.metadata, "assignment"));
	return true;
}

static void a_definition_that_comes_while_it_is_parked(void **state)
{
	(void)state;
	at_each_call(defined_while_parked_at);
}

static void all_guests_come_before_events(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1", 0);
	do_run(&w, "attach web2 eth1", 0);
	/* A lease alone, and metadata alone, count as well. */
	leases_clear(&w.leases);
	do_run(&w, "reconcile web1", 0);
	world_forget(&w, "web1");
	add_event(&w, "web2", "rebooted");
	follow_for(&w, 40);
	assert_said(" web1 full pass\n");
	assert_said(" web2 full pass\n");
	assert_said("\nfollowing\nguest ");
	assert_said(" web2 rebooted\n");
	assert_true(strstr(said, "full pass") < strstr(said, "following"));
	world_clear(&w);
}

static void gives_web2_metadata(struct world *w)
{
	struct fake_view *view = &world_domain(w, "web2")->live;

	free(view->metadata);
	view->metadata = mem_strdup("<assignments xmlns='" METADATA_URI "'/>");
}

/* What happens to it costs no worker. */
static void of_guests_without_anything_of_ours_nothing_is_said(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1", 0);
	add_event(&w, "web2", "rebooted");
	add_event(&w, "web1", "paused");
	add_event(&w, "web2", "job completed");
	follow_for(&w, 40);
	assert_said("\nfollowing\nother\nguest ");
	assert_said(" web1 paused\nother\n");
	assert_not_said("web2");

	/* It has gone, or has something now: who knows? */
	add_event(&w, "web2", "stopped");
	world_forget(&w, "web2");
	follow_for(&w, 40);
	assert_said(" web2 stopped\n");
	world_clear(&w);

	/* What had nothing at first gets something. */
	for (unsigned n = 1;; n++) {
		world_init(&w, 7);
		add_event(&w, "web2", "metadata changed");
		add_event(&w, "web2", "paused");
		let_happen(&w, gives_web2_metadata, n);
		follow_for(&w, 40);
		if (w.meanwhile_in && !strcmp(w.meanwhile_in, "next_event"))
			break;
		world_clear(&w);
		assert_true(n < 40);
	}
	assert_said("following\nguest ");
	assert_said(" web2 metadata changed\n");
	assert_said(" web2 paused\n");
	world_clear(&w);
}

/* Told so, it does that last. */
static void what_was_published_is_withdrawn_by_the_one_that_follows(void **state)
{
	struct world w;
	struct edges edges;
	sigset_t set;
	int signal;

	(void)state;
	world_init(&w, 7);
	do_run(&w, "attach web1 eth1", 0);
	assert_int_equal(work_publish(&w.edges, NULL), 0);
	assert_true(w.network_active);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, FOLLOW_WITHDRAW);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)raise(FOLLOW_WITHDRAW);
	listen_anew();
	edges = w.edges;
	assert_int_equal(work_follow(&edges, ends_of[1], NULL), 0);
	hear();
	assert_said("\nfollowing\n");
	assert_false(w.network_active);
	assert_int_equal(sigwait(&set, &signal), 0);
	world_clear(&w);
}

static void the_look_finds_what_is_not_settled(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 3);
	do_run(&w, "attach web2 eth1 --count 2", 0);
	do_run(&w, "attach web1 eth1", 0);
	/* What is kept for a guest that is on its way waits for that one alone. */
	w.leases.items[0].state = LEASE_RESERVED;
	listen_anew();
	assert_int_equal(work_look(&w.edges, ends_of[1], NULL), 0);
	hear();
	assert_string_equal(said, "");
	w.leases.items[0].expires = w.wall + 9;
	assert_int_equal(work_look(&w.edges, ends_of[1], NULL), 0);
	hear();
	assert_string_equal(said, "again 9000\n");
	w.wall += 9;
	assert_int_equal(work_look(&w.edges, ends_of[1], NULL), 0);
	hear();
	assert_said(" web2 VF changed\n");
	assert_not_said("again");
	w.leases.items[0].state = LEASE_HELD;
	w.leases.items[0].expires = 0;
	world_vanish(&w);
	assert_int_equal(work_look(&w.edges, ends_of[1], NULL), 0);
	hear();
	assert_said(" web1 VF changed\n");
	assert_not_said("web2");
	/* It is known to be lost: that may be over now. */
	do_run(&w, "reconcile web1", 3);
	world_return(&w);
	assert_int_equal(work_look(&w.edges, ends_of[1], NULL), 0);
	hear();
	assert_said(" web1 VF changed\n");
	work_on(&w, "web1", false);
	assert_said("mended");
	assert_int_equal(work_look(&w.edges, ends_of[1], NULL), 0);
	hear();
	assert_string_equal(said, "");
	assert_sound(&w);
	world_clear(&w);
}

static void a_vf_that_vanished_is_told(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 1);
	do_run(&w, "attach web1 eth1 --form hostdev", 0);
	w.leases.items[0].state = LEASE_PLUGGING;
	world_add_pf(&w, 1);
	do_run(&w, "attach web2 eth2", 0);
	world_vanish(&w);
	work_on(&w, "web2", false);
	assert_said("\nfailed ");
	assert_int_equal(w.leases.items[1].state, LEASE_LOST);
	assert_not_said("mended");
	world_clear(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_that_stopped_is_relieved),
		cmocka_unit_test(a_guest_that_moved_away_leaves_nothing),
		cmocka_unit_test(of_one_that_comes_the_reservation_stays),
		cmocka_unit_test(of_one_that_moved_away_nothing_expires),
		cmocka_unit_test(a_move_that_fails_is_noticed),
		cmocka_unit_test(a_move_under_way_is_found),
		cmocka_unit_test(a_save_that_was_prepared_is_not_a_move),
		cmocka_unit_test(watching_a_move_breaks_at_each_call),
		cmocka_unit_test(the_last_try_leaves_a_reason),
		cmocka_unit_test(what_could_not_even_be_planned_is_stuck),
		cmocka_unit_test(a_guest_without_a_lease_is_stuck_by_itself),
		cmocka_unit_test(a_guest_put_right_by_a_command_is_not_stuck),
		cmocka_unit_test(one_of_its_vfs_put_right_is_not_all_of_it),
		cmocka_unit_test(what_is_parked_is_looked_at_again),
		cmocka_unit_test(broken_at_every_call),
		cmocka_unit_test(others_at_work_are_no_failure),
		cmocka_unit_test(a_guest_started_while_it_is_looked_at),
		cmocka_unit_test(a_guest_forgotten_while_it_is_looked_at),
		cmocka_unit_test(a_guest_that_has_not_arrived_is_left_alone),
		cmocka_unit_test(a_definition_that_comes_meanwhile),
		cmocka_unit_test(a_definition_that_comes_while_a_vf_is_attached),
		cmocka_unit_test(a_definition_that_comes_while_it_is_parked),
		cmocka_unit_test(all_guests_come_before_events),
		cmocka_unit_test(of_guests_without_anything_of_ours_nothing_is_said),
		cmocka_unit_test(what_was_published_is_withdrawn_by_the_one_that_follows),
		cmocka_unit_test(the_look_finds_what_is_not_settled),
		cmocka_unit_test(a_vf_that_vanished_is_told),
	};

	if (pipe2(ends_of, O_CLOEXEC | O_NONBLOCK))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
