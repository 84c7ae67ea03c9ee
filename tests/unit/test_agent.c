// SPDX-License-Identifier: LGPL-2.1-or-later
/* The agent's queue with a made clock; its workers, and what they say; what it says to the journal.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "daemon/daemon.h"
#include "daemon/line.h"
#include "daemon/queue.h"
#include "daemon/workers.h"
#include "host/appear.h"
#include "host/journal.h"

#define WEB1 "11111111-1111-4111-8111-111111111111"
#define WEB2 "22222222-2222-4222-8222-222222222222"
#define WEB3 "33333333-3333-4333-8333-333333333333"

static msec clock;

static void happens(struct queue *q, const char *uuid)
{
	queue_event(q, uuid, "web", "started", clock);
}

/* Time passes until somebody is due, who is taken. */
static struct guest *next(struct queue *q)
{
	msec due = queue_next(q);
	struct guest *guest;

	assert_true(due != QUEUE_NEVER);
	if (due > clock) {
		assert_null(queue_take(q, due - 1));
		clock = due;
	}
	guest = queue_take(q, clock);
	assert_non_null(guest);
	return guest;
}

static void ends(struct queue *q, struct guest *guest, enum outcome outcome)
{
	queue_begun(guest);
	queue_ended(q, guest, outcome, QUEUE_NEVER, clock);
}

/* Fails until it is stuck. */
static struct guest *stick(struct queue *q, const char *uuid)
{
	happens(q, uuid);
	for (int i = 0; i < QUEUE_TRIES; i++) {
		struct guest *guest = next(q);

		assert_int_equal(queue_is_last_try(guest), i == QUEUE_TRIES - 1);
		assert_false(guest->stuck);
		ends(q, guest, OUTCOME_FAILED);
	}
	assert_true(queue_find(q, uuid)->stuck);
	assert_true(queue_next(q) == QUEUE_NEVER);
	return queue_find(q, uuid);
}

static void one_event_one_look(void **state)
{
	struct queue q = {0};
	struct guest *guest;

	(void)state;
	clock = 5000;
	assert_true(queue_next(&q) == QUEUE_NEVER);
	happens(&q, WEB1);
	assert_int_equal(queue_next(&q), clock + QUEUE_SETTLE_MS);
	/* A bunch of them is waited for once, from the first. */
	clock += QUEUE_SETTLE_MS / 2;
	happens(&q, WEB1);
	assert_int_equal(queue_next(&q), 5000 + QUEUE_SETTLE_MS);
	guest = next(&q);
	assert_string_equal(guest->uuid, WEB1);
	assert_string_equal(guest->name, "web");
	assert_string_equal(guest->cause, "started");
	assert_null(queue_take(&q, clock + 100000));
	ends(&q, guest, OUTCOME_CLEAN);
	assert_int_equal(q.n, 0);
	queue_clear(&q);
}

static void one_at_a_time_and_nothing_is_missed(void **state)
{
	struct queue q = {0};
	struct guest *guest;

	(void)state;
	happens(&q, WEB1);
	guest = next(&q);
	/* It will see that. */
	happens(&q, WEB1);
	ends(&q, guest, OUTCOME_CLEAN);
	assert_int_equal(q.n, 0);

	happens(&q, WEB1);
	guest = next(&q);
	queue_begun(guest);
	/* This it may not have seen, but nobody else looks meanwhile. */
	happens(&q, WEB1);
	assert_true(queue_next(&q) == QUEUE_NEVER);
	assert_null(queue_take(&q, clock + 100000));
	queue_ended(&q, guest, OUTCOME_CLEAN, QUEUE_NEVER, clock);
	assert_int_equal(queue_next(&q), clock + QUEUE_SETTLE_MS);
	ends(&q, next(&q), OUTCOME_CLEAN);
	assert_int_equal(q.n, 0);
	queue_clear(&q);
}

static void who_is_due_longest_is_first(void **state)
{
	struct queue q = {0};
	struct guest *first, *second;

	(void)state;
	happens(&q, WEB3);
	clock += 10;
	happens(&q, WEB1);
	clock += 10;
	happens(&q, WEB2);
	clock += QUEUE_SETTLE_MS;
	first = next(&q);
	second = next(&q);
	assert_string_equal(first->uuid, WEB3);
	assert_string_equal(second->uuid, WEB1);
	/* One that ends lets the others be. */
	ends(&q, first, OUTCOME_CLEAN);
	assert_ptr_equal(queue_find(&q, WEB1), second);
	assert_string_equal(next(&q)->uuid, WEB2);
	assert_null(queue_find(&q, WEB3));
	queue_clear(&q);
}

static void failures_are_repeated_later_each_time(void **state)
{
	static const msec pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000};
	struct queue q = {0};
	struct guest *guest;

	(void)state;
	_Static_assert(ARRAY_SIZE(pauses) == QUEUE_TRIES - 1, "one between two tries");
	happens(&q, WEB1);
	for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
		ends(&q, next(&q), OUTCOME_FAILED);
		assert_int_equal(queue_next(&q), clock + pauses[i]);
		assert_int_equal(queue_stuck(&q), 0);
	}
	ends(&q, next(&q), OUTCOME_FAILED);
	assert_int_equal(queue_stuck(&q), 1);
	assert_true(queue_next(&q) == QUEUE_NEVER);

	/* What happens much later begins a new series. */
	clock += 3600000;
	happens(&q, WEB1);
	assert_int_equal(queue_next(&q), clock + QUEUE_SETTLE_MS);
	guest = next(&q);
	assert_false(queue_is_last_try(guest));
	ends(&q, guest, OUTCOME_FAILED);
	/* The pauses do not: it has never been well. */
	assert_int_equal(queue_next(&q), clock + QUEUE_LAST_MS);
	ends(&q, next(&q), OUTCOME_MENDED);
	assert_int_equal(q.n, 0);
	queue_clear(&q);
}

/* A try that fails at once, and makes something happen, is not repeated at once. */
static void its_own_echo_moves_nothing(void **state)
{
	struct queue q = {0};
	struct guest *guest;
	unsigned tries = 0;
	msec begin;

	(void)state;
	begin = clock;
	happens(&q, WEB1);
	while (!queue_stuck(&q)) {
		guest = next(&q);
		queue_begun(guest);
		happens(&q, WEB1);
		queue_ended(&q, guest, OUTCOME_FAILED, QUEUE_NEVER, clock);
		clock += 20;
		happens(&q, WEB1);
		tries++;
	}
	assert_int_equal(tries, QUEUE_TRIES);
	assert_true(clock - begin > 120000);
	/* It might have been something else: so there is one more, late. */
	assert_int_equal(queue_next(&q), queue_find(&q, WEB1)->ended + QUEUE_LAST_MS);
	ends(&q, next(&q), OUTCOME_FAILED);
	assert_int_equal(queue_stuck(&q), 1);
	assert_true(queue_next(&q) == QUEUE_NEVER);
	queue_clear(&q);
}

/* Something happens again and again to a guest that cannot be helped. */
static void events_do_not_make_it_busy(void **state)
{
	struct queue q = {0};
	unsigned tries = 0;
	msec begin;

	(void)state;
	(void)stick(&q, WEB1);
	begin = clock;
	while (clock < begin + 600000) {
		clock += QUEUE_ECHO_MS;
		happens(&q, WEB1);
		if (queue_next(&q) <= clock) {
			ends(&q, next(&q), OUTCOME_FAILED);
			tries++;
		}
	}
	assert_in_range(tries, 10, 600000 / QUEUE_EVENT_MS + 1);
	queue_clear(&q);
}

static void what_finds_something_each_time_is_slowed_down(void **state)
{
	struct queue q = {0};
	msec begin = clock;
	struct guest *guest;

	(void)state;
	happens(&q, WEB1);
	for (int i = 0; i < 20; i++) {
		guest = next(&q);
		queue_begun(guest);
		happens(&q, WEB1);
		queue_ended(&q, guest, OUTCOME_MENDED, QUEUE_NEVER, clock);
		if (i < QUEUE_MENDS)
			assert_int_equal(queue_next(&q), clock + QUEUE_SETTLE_MS);
	}
	assert_true(clock - begin > 600000);
	ends(&q, next(&q), OUTCOME_CLEAN);
	assert_int_equal(q.n, 0);
	queue_clear(&q);
}

static void the_host_helps_who_could_not_be_helped(void **state)
{
	struct queue q = {0};
	struct guest *guest;

	(void)state;
	guest = stick(&q, WEB1);
	happens(&q, WEB2);
	assert_string_equal(next(&q)->uuid, WEB2);
	clock += 100000;
	queue_host_event(&q, clock);
	assert_int_equal(queue_next(&q), clock + QUEUE_SETTLE_MS);
	guest = next(&q);
	assert_string_equal(guest->uuid, WEB1);
	assert_true(queue_is_last_try(guest));
	/* Who is at work, and has not failed, is the one that made it happen. */
	assert_false(queue_find(&q, WEB2)->dirty);
	ends(&q, guest, OUTCOME_MENDED);
	assert_null(queue_find(&q, WEB1));
	queue_clear(&q);
}

static void two_that_fail_do_not_wake_each_other(void **state)
{
	struct queue q = {0};
	unsigned tries = 0;
	msec begin;

	(void)state;
	(void)stick(&q, WEB1);
	(void)stick(&q, WEB2);
	begin = clock;
	queue_host_event(&q, clock);
	while (clock < begin + 100000) {
		struct guest *guest = next(&q);

		queue_begun(guest);
		queue_host_event(&q, clock);
		queue_ended(&q, guest, OUTCOME_FAILED, QUEUE_NEVER, clock);
		tries++;
	}
	assert_in_range(tries, 1, 2 * 100000 / QUEUE_EVENT_MS + 2);
	queue_clear(&q);
}

static void a_suspect_is_looked_at_once(void **state)
{
	struct queue q = {0};
	struct guest *guest;

	(void)state;
	queue_suspect(&q, WEB1, "web", "VF changed", clock);
	ends(&q, next(&q), OUTCOME_FAILED);
	clock += QUEUE_ECHO_MS / 2;
	queue_suspect(&q, WEB1, "web", "VF changed", clock);
	guest = queue_find(&q, WEB1);
	assert_int_equal(guest->due, guest->ended + QUEUE_FIRST_MS);
	assert_int_equal(guest->tries, 1);
	queue_clear(&q);
}

static void it_is_looked_at_when_it_said(void **state)
{
	struct queue q = {0};
	struct guest *guest;

	(void)state;
	happens(&q, WEB1);
	guest = next(&q);
	queue_begun(guest);
	queue_ended(&q, guest, OUTCOME_CLEAN, clock + 30000, clock);
	assert_int_equal(queue_next(&q), clock + 30000);
	/* Something may happen before. */
	clock += 10000;
	happens(&q, WEB1);
	assert_int_equal(queue_next(&q), clock + QUEUE_SETTLE_MS);
	guest = next(&q);
	queue_begun(guest);
	queue_ended(&q, guest, OUTCOME_FAILED, clock + 300, clock);
	assert_int_equal(queue_next(&q), clock + 300);
	queue_clear(&q);
}

static void libvirt_going_away_is_no_failure(void **state)
{
	struct queue q = {0};
	struct guest *guest;

	(void)state;
	happens(&q, WEB1);
	for (int i = 0; i < 3 * QUEUE_TRIES; i++) {
		guest = next(&q);
		ends(&q, guest, OUTCOME_LOST);
		assert_int_equal(guest->failures, 0);
		assert_int_equal(queue_next(&q), clock + QUEUE_FIRST_MS);
	}
	assert_int_equal(queue_stuck(&q), 0);
	queue_clear(&q);
}

static void who_is_busy_has_not_failed(void **state)
{
	struct queue q = {0};
	struct guest *guest;

	(void)state;
	happens(&q, WEB1);
	for (int i = 0; i < 3 * QUEUE_TRIES; i++) {
		guest = next(&q);
		/* It never got to look: what happens meanwhile is seen by the next one. */
		happens(&q, WEB1);
		queue_ended(&q, guest, OUTCOME_BUSY, QUEUE_NEVER, clock);
		assert_int_equal(guest->failures, 0);
		/* Somebody who moves it can be at that for long. */
		assert_int_equal(queue_next(&q),
				 clock + (i < 3 ? QUEUE_FIRST_MS << i : QUEUE_BUSY_MS));
	}
	/* Nor is one that had failed any further. */
	ends(&q, next(&q), OUTCOME_FAILED);
	guest = next(&q);
	queue_ended(&q, guest, OUTCOME_BUSY, QUEUE_NEVER, clock);
	assert_int_equal(guest->failures, 1);
	assert_int_equal(queue_stuck(&q), 0);
	ends(&q, next(&q), OUTCOME_CLEAN);
	assert_int_equal(q.n, 0);
	queue_clear(&q);
}

/* One that starts anew all the time is looked at now and then; what else happens, at once. */
static void what_a_guest_does_by_itself_can_wait(void **state)
{
	struct queue q = {0};

	(void)state;
	for (int i = 0; i < 3; i++) {
		msec before = clock;

		queue_passing(&q, WEB1, "web", "rebooted", clock);
		queue_passing(&q, WEB1, "web", "rebooted", clock + 10);
		ends(&q, next(&q), OUTCOME_CLEAN);
		assert_int_equal(clock, before + QUEUE_PASSING_MS);
	}
	queue_passing(&q, WEB1, "web", "rebooted", clock);
	happens(&q, WEB1);
	assert_int_equal(queue_next(&q), clock + QUEUE_SETTLE_MS);
	queue_clear(&q);
}

/* Then neither time nor a worker is spent on it until the lock is let go. */
static void who_is_held_waits_for_the_lock(void **state)
{
	struct queue q = {0};
	struct guest *guest;

	(void)state;
	happens(&q, WEB1);
	happens(&q, WEB2);
	guest = next(&q);
	assert_string_equal(guest->uuid, WEB1);
	assert_false(queue_has_held(&q));
	queue_held(guest, clock);
	assert_true(queue_has_held(&q));
	ends(&q, next(&q), OUTCOME_CLEAN);
	assert_int_equal(queue_next(&q), clock + QUEUE_FIRST_MS);
	guest = next(&q);
	queue_held(guest, clock);
	assert_int_equal(queue_next(&q), clock + 2 * QUEUE_FIRST_MS);
	guest = next(&q);
	queue_held(guest, clock);
	assert_int_equal(queue_next(&q), clock + 4 * QUEUE_FIRST_MS);
	/* Another guest's is none of its affair. */
	queue_freed(&q, WEB2, clock);
	assert_int_equal(queue_next(&q), clock + 4 * QUEUE_FIRST_MS);
	queue_freed(&q, WEB1, clock);
	assert_false(queue_has_held(&q));
	assert_int_equal(queue_next(&q), clock);
	guest = next(&q);
	/* That was told a moment before it was so. */
	queue_held(guest, clock);
	assert_int_equal(queue_next(&q), clock + QUEUE_FIRST_MS);
	guest = next(&q);
	/* While it is at work, the lock that is let go is the worker's own. */
	queue_freed(&q, WEB1, clock);
	ends(&q, guest, OUTCOME_CLEAN);
	assert_int_equal(q.n, 0);

	/* Somebody had taken it before the worker could. Nobody knows which ones were missed. */
	happens(&q, WEB1);
	guest = next(&q);
	queue_ended(&q, guest, OUTCOME_BUSY, QUEUE_NEVER, clock);
	assert_int_equal(queue_next(&q), clock + QUEUE_FIRST_MS);
	queue_freed(&q, NULL, clock);
	assert_int_equal(queue_next(&q), clock);
	queue_clear(&q);

	/* One that has failed is not helped by it. */
	happens(&q, WEB1);
	ends(&q, next(&q), OUTCOME_FAILED);
	queue_freed(&q, WEB1, clock);
	assert_int_equal(queue_next(&q), clock + QUEUE_FIRST_MS);
	queue_clear(&q);
}

static void lines_are_whole_and_harmless(void **state)
{
	struct line_reader reader = {0};
	struct line line;
	cleanup_free char *huge = mem_zero(3 * LINE_SIZE, 1);
	int ends_of[2];

	(void)state;
	memset(huge, 'x', 3 * LINE_SIZE - 1);
	assert_int_equal(pipe2(ends_of, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_NONE);
	assert_true(line_say(ends_of[1], "guest", WEB1, "a\tb\nfollowing\033", "started", NULL));
	assert_true(line_say(ends_of[1], "begun", NULL));
	assert_true(line_say(ends_of[1], "failed", huge, "more", NULL));
	assert_true(line_say(ends_of[1], "mended", NULL));
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_ONE);
	assert_int_equal(line.n, 4);
	assert_string_equal(line.fields[0], "guest");
	assert_string_equal(line.fields[1], WEB1);
	assert_string_equal(line.fields[2], "a b following ");
	assert_string_equal(line.fields[3], "started");
	assert_string_equal(line.fields[4], "");
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_ONE);
	assert_string_equal(line.fields[0], "begun");
	assert_string_equal(line.fields[1], "");
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_ONE);
	assert_string_equal(line.fields[0], "failed");
	assert_int_equal(strlen(line.fields[1]), LINE_SIZE - 1 - strlen("failed\t"));
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_ONE);
	assert_string_equal(line.fields[0], "mended");

	/* What nobody but a broken worker says: a line without end, passed over; one that is cut.
	 */
	assert_int_equal(write(ends_of[1], huge, 2 * LINE_SIZE + 5), 2 * LINE_SIZE + 5);
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_NONE);
	assert_int_equal(write(ends_of[1], "\n\nfoll", 6), 6);
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_ONE);
	assert_string_equal(line.fields[0], "");
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_NONE);
	assert_int_equal(write(ends_of[1], "owing\n", 6), 6);
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_ONE);
	assert_string_equal(line.fields[0], "following");
	(void)close(ends_of[1]);
	assert_int_equal(line_read(&reader, ends_of[0], &line), LINE_END);
	(void)close(ends_of[0]);
}

static void the_journal_gets_fields(void **state)
{
	static const char whole[] = "PRIORITY=4\nSYSLOG_IDENTIFIER=vfpool-agent\n"
				    "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\n"
				    "DOMAIN\n\4\0\0\0\0\0\0\0web1\n"
				    "ASSIGNMENT\n\10\0\0\0\0\0\0\0"
				    "0a1b2c3d\n";
	const struct journal_line line = {
		.priority = JOURNAL_WARNING,
		.text = "a\nb",
		.domain = "web1",
		.vf = "",
		.assignment = "0a1b2c3d",
	};
	cleanup_free char *data = NULL;
	size_t size;

	(void)state;
	data = journal_format(&line, &size);
	assert_int_equal(size, sizeof(whole) - 1);
	assert_memory_equal(data, whole, size);
}

static bool is_readable(int fd)
{
	char buf[4096];

	return read(fd, buf, sizeof(buf)) > 0;
}

static void a_directory_is_watched_or_the_one_above(void **state)
{
	char above[] = "/tmp/vfpool-appear-XXXXXX";
	cleanup_free char *dir = NULL;
	cleanup_free char *file = NULL;
	int fd, made;

	(void)state;
	assert_non_null(mkdtemp(above));
	dir = mem_printf("%s/libvirt", above);
	file = mem_printf("%s/virtqemud-sock", dir);
	assert_int_equal(appear_open(dir, &fd, NULL), 0);
	assert_false(is_readable(fd));
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_true(is_readable(fd));
	(void)close(fd);
	assert_int_equal(appear_open(dir, &fd, NULL), 0);
	assert_false(is_readable(fd));
	made = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(made >= 0);
	assert_true(is_readable(fd));
	(void)close(made);
	(void)close(fd);
	(void)unlink(file);
	(void)rmdir(dir);
	(void)rmdir(above);
	assert_int_equal(appear_open(dir, &fd, NULL), -1);
}

/* Says which descriptors it has, and whether a signal is blocked. */
static void say_what_it_has(void)
{
	char fds[64] = "";
	sigset_t blocked;

	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			(void)snprintf(fds + strlen(fds), sizeof(fds) - strlen(fds), "%d ", fd);
	(void)sigprocmask(SIG_SETMASK, NULL, &blocked);
	(void)line_say(STDOUT_FILENO, "say", fds, sigismember(&blocked, SIGTERM) ? "TERM" : "none",
		       NULL);
}

/* A worker: what it is told to do, it does. */
static int work(void *arg, const char *task)
{
	struct line_reader reader = {0};
	struct line line;

	if (strcmp(task, TASK_WORKS) != 0) {
		say_what_it_has();
		return *(const int *)arg;
	}
	while (line_read(&reader, STDIN_FILENO, &line) == LINE_ONE) {
		if (!strcmp(line.fields[0], "die"))
			(void)raise(SIGKILL);
		if (!strcmp(line.fields[0], "leave"))
			return 0;
		(void)line_say(STDOUT_FILENO, "say", line.fields[0], line.fields[1], NULL);
		(void)line_say(STDOUT_FILENO, "done", NULL);
	}
	return 0;
}

/* What it says next; LINE_END: nothing more. */
static enum line_read answer(struct worker *worker, struct line *line)
{
	struct pollfd poller = {.fd = worker->out, .events = POLLIN};
	enum line_read got;

	while ((got = line_read(&worker->reader, worker->out, line)) == LINE_NONE)
		assert_int_equal(poll(&poller, 1, -1), 1);
	return got;
}

static void assert_done(struct worker *worker, const char *task, msec now)
{
	struct line line;

	assert_int_equal(answer(worker, &line), LINE_ONE);
	assert_string_equal(line.fields[0], "say");
	assert_string_equal(line.fields[1], task);
	assert_int_equal(answer(worker, &line), LINE_ONE);
	assert_string_equal(line.fields[0], "done");
	worker_rest(worker, now);
}

static void assert_gone(struct workers *workers, struct worker *worker, const char *how)
{
	siginfo_t info;
	struct line line;
	cleanup_free char *end = NULL;

	assert_int_equal(answer(worker, &line), LINE_END);
	assert_int_equal(waitid(P_PID, (id_t)worker->pid, &info, WEXITED | WNOWAIT), 0);
	workers_reap(workers);
	assert_true(worker->ended);
	end = worker_end(worker);
	if (how)
		assert_string_equal(end, how);
	else
		assert_null(end);
	workers_remove(workers, worker);
}

static struct worker *give(struct workers *workers, const char *task)
{
	struct worker *worker = workers_give(workers, TASK_IS_GUEST,
					     (const char *const[]){task, "web1", NULL}, 100, NULL);

	assert_non_null(worker);
	assert_int_equal(worker->task, TASK_IS_GUEST);
	return worker;
}

static void workers_are_used_again(void **state)
{
	struct workers workers = {.work = work};
	struct worker *first = give(&workers, "one"), *second = give(&workers, "two");

	(void)state;
	assert_ptr_not_equal(first, second);
	assert_done(first, "one", 1);
	assert_int_equal(workers_count(&workers, TASK_IS_GUEST), 1);
	assert_ptr_equal(give(&workers, "three"), first);
	assert_done(second, "two", 1);
	assert_done(first, "three", 2);
	assert_int_equal(workers.n, 2);

	/* One that was killed while it waited, or at its task, or had no connection any more. */
	(void)kill(second->pid, SIGKILL);
	assert_gone(&workers, second, "the worker was killed by signal 9");
	assert_ptr_equal(give(&workers, "die"), first);
	assert_gone(&workers, first, "the worker was killed by signal 9");
	assert_gone(&workers, give(&workers, "leave"), NULL);
	assert_int_equal(workers.n, 0);

	/* It waits for so long, and then it ends; at a task it is killed. */
	first = give(&workers, "one");
	assert_int_equal(workers_hurry(&workers, 99), 100);
	assert_done(first, "one", 1);
	assert_int_equal(workers_hurry(&workers, 2), first->deadline);
	assert_true(workers_hurry(&workers, first->deadline) > first->deadline - 1);
	assert_gone(&workers, first, NULL);
	first = give(&workers, "one");
	(void)kill(first->pid, SIGSTOP);
	assert_int_equal(workers_hurry(&workers, 100), QUEUE_NEVER);
	assert_gone(&workers, first, "the worker was killed by signal 9");

	/* Those that wait are sent away. */
	first = give(&workers, "one");
	assert_done(first, "one", 1);
	workers_dismiss(&workers);
	second = give(&workers, "two");
	assert_ptr_not_equal(second, first);
	assert_gone(&workers, first, NULL);
	assert_done(second, "two", 1);
	workers_dismiss(&workers);
	assert_gone(&workers, second, NULL);
	free(workers.items);
}

static void a_worker_begins_with_nothing_of_ours(void **state)
{
	int status = 7;
	struct workers workers = {.work = work, .arg = &status};
	struct worker *worker;
	struct line line;
	sigset_t term, before;

	(void)state;
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, &before);
	/* What we have not written yet is not written twice. */
	(void)printf("# a worker starts\n");
	worker = workers_start(&workers, TASK_IS_FOLLOW, TASK_FOLLOW, 100, NULL);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	assert_non_null(worker);
	assert_int_equal(answer(worker, &line), LINE_ONE);
	assert_string_equal(line.fields[0], "say");
	assert_string_equal(line.fields[1], "0 1 2 ");
	assert_string_equal(line.fields[2], "none");
	assert_gone(&workers, worker, "the worker failed with exit status 7");
	free(workers.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_are_used_again),
		cmocka_unit_test(a_worker_begins_with_nothing_of_ours),
		cmocka_unit_test(one_event_one_look),
		cmocka_unit_test(one_at_a_time_and_nothing_is_missed),
		cmocka_unit_test(who_is_due_longest_is_first),
		cmocka_unit_test(failures_are_repeated_later_each_time),
		cmocka_unit_test(its_own_echo_moves_nothing),
		cmocka_unit_test(events_do_not_make_it_busy),
		cmocka_unit_test(what_finds_something_each_time_is_slowed_down),
		cmocka_unit_test(the_host_helps_who_could_not_be_helped),
		cmocka_unit_test(two_that_fail_do_not_wake_each_other),
		cmocka_unit_test(a_suspect_is_looked_at_once),
		cmocka_unit_test(it_is_looked_at_when_it_said),
		cmocka_unit_test(libvirt_going_away_is_no_failure),
		cmocka_unit_test(who_is_busy_has_not_failed),
		cmocka_unit_test(what_a_guest_does_by_itself_can_wait),
		cmocka_unit_test(who_is_held_waits_for_the_lock),
		cmocka_unit_test(lines_are_whole_and_harmless),
		cmocka_unit_test(the_journal_gets_fields),
		cmocka_unit_test(a_directory_is_watched_or_the_one_above),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
