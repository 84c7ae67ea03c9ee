// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connected means that a worker follows libvirt's events and has told of all guests. When it ends,
 * another one is started: at once when something appears where libvirt's daemons have their
 * sockets, and after a pause that grows otherwise. While there is none, no guest is worked on:
 * without libvirt nothing can be done for it, and nobody is to be blamed for that.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "daemon/workers.h"
#include "host/appear.h"
#include "host/journal.h"
#include "host/uevent.h"

#define RECONNECT_FIRST_MS 500
#define RECONNECT_LAST_MS 60000
/* libvirt's daemons make their sockets one after the other. */
#define APPEARED_MS 200
/* VFs come and go in dozens. */
#define LOOK_MS 500
/* Others are told once of what happens together. */
#define PUBLISH_MS 500
/* A guest's time is added to that; then there is something wrong with the worker itself. */
#define WORKER_MS ((msec)600 * 1000)
/* What systemd waits for, if libvirt takes its time. */
#define READY_MS 5000
/* Of the two seconds that it may take to end. */
#define END_MS 1500

#define GLOBALS_MAX 16
#define WORDS_MAX 8

enum { POLL_SIGNALS, POLL_UEVENTS, POLL_APPEAR, POLL_POOLS, POLL_WORKERS };

struct agent {
	const struct daemon_options *options;
	struct queue queue;
	struct workers workers;
	int signals, uevents, appear, pools;
	bool connected, ready;
	msec ready_by;
	msec reconnect; /* when a connection is to be tried; QUEUE_NEVER: there is one, or a try */
	unsigned refused;   /* connections in a row */
	msec look;          /* when the host is to be looked at */
	bool look_again;    /* something has happened while it is */
	msec publish;       /* when others are to be told what is free */
	bool publish_again; /* something has happened while they are */
	bool published;     /* they may have been told something, */
	bool withdrawn;     /* and that was taken back */
	bool untold;        /* that failed, and the journal knows */
	bool ends;          /* it was told to, */
	bool reloads;       /* or to look at all guests */
	char *status;       /* as systemd knows it */
	char *last_failure; /* to connect; it is not said twice */
};

static void say(enum journal_priority priority, const char *domain, const char *text)
{
	journal_write(&(struct journal_line){.priority = priority, .domain = domain, .text = text});
}

static void tell_ready(struct agent *a)
{
	if (!a->ready)
		journal_notify("READY=1");
	a->ready = true;
	a->ready_by = QUEUE_NEVER;
}

static void tell_status(struct agent *a)
{
	cleanup_free char *now =
		mem_printf("STATUS=%s; guests: %zu to look at, %zu stuck",
			   a->connected ? "Following libvirt" : "Waiting for libvirt",
			   a->queue.n - queue_stuck(&a->queue), queue_stuck(&a->queue));

	if (a->status && !strcmp(a->status, now))
		return;
	journal_notify(now);
	free(a->status);
	a->status = steal(&now);
}

/* words ends in NULL. */
static struct worker *start(struct agent *a, enum task task, const char *const words[],
			    msec deadline)
{
	const char *argv[GLOBALS_MAX + WORDS_MAX + 6] = {"vfpool"};
	cleanup_free char *seconds = mem_printf("%u", a->options->seconds);
	cleanup_err struct err *why = NULL;
	struct worker *worker;
	size_t n = 1;

	for (size_t i = 0; a->options->globals[i] && i < GLOBALS_MAX; i++)
		argv[n++] = a->options->globals[i];
	argv[n++] = "agent";
	argv[n++] = "--timeout";
	argv[n++] = seconds;
	/* Names of guests may begin with a dash. */
	argv[n++] = "--";
	for (size_t i = 0; words[i] && i < WORDS_MAX; i++)
		argv[n++] = words[i];
	worker = workers_start(&a->workers, task, argv, deadline, &why);
	if (!worker)
		say(JOURNAL_ERR, NULL, why->what);
	return worker;
}

/* Telling others */

static void publish_later(struct agent *a, msec now)
{
	if (workers_count(&a->workers, TASK_IS_PUBLISH))
		a->publish_again = true;
	else if (a->publish == QUEUE_NEVER && a->connected)
		a->publish = now + PUBLISH_MS;
}

static void publish_now(struct agent *a, msec now)
{
	a->publish = QUEUE_NEVER;
	a->publish_again = false;
	a->published = true;
	/* Before they are read, so that no change is missed; no directory at all: no pools. */
	if (a->pools < 0 && appear_open_changes(a->options->pools, &a->pools, NULL))
		a->pools = -1;
	(void)start(a, TASK_IS_PUBLISH, (const char *const[]){TASK_PUBLISH, NULL}, now + WORKER_MS);
}

static void publish_ended(struct agent *a, const struct worker *worker, const char *end, msec now)
{
	const char *why = worker->reason ? worker->reason : end;

	/* Without libvirt there is nobody to tell; once it is back, that comes again. */
	if (why && !a->untold && !worker->lost && !a->ends)
		say(JOURNAL_WARNING, NULL, why);
	if (!worker->lost)
		a->untold = why;
	if (a->publish_again && a->connected)
		a->publish = now + PUBLISH_MS;
}

static void pools_changed(struct agent *a, msec now)
{
	(void)close(a->pools);
	a->pools = -1;
	publish_later(a, now);
}

/* Connecting */

static void reconnect_later(struct agent *a, msec now)
{
	msec pause = RECONNECT_FIRST_MS;
	cleanup_err struct err *why = NULL;

	for (unsigned i = 0; i < a->refused && pause < RECONNECT_LAST_MS; i++)
		pause *= 2;
	a->refused++;
	a->reconnect = now + (pause < RECONNECT_LAST_MS ? pause : RECONNECT_LAST_MS);
	/* It stays open over the next try, so that nothing appears in between unseen. */
	if (a->appear < 0 && appear_open(LIBVIRT_DIR, &a->appear, &why))
		a->appear = -1;
}

static void connect_now(struct agent *a, msec now)
{
	a->reconnect = QUEUE_NEVER;
	if (!start(a, TASK_IS_FOLLOW, (const char *const[]){TASK_FOLLOW, NULL}, QUEUE_NEVER))
		reconnect_later(a, now);
}

static void appeared(struct agent *a, msec now)
{
	(void)close(a->appear);
	a->appear = -1;
	if (a->reconnect != QUEUE_NEVER && a->reconnect > now + APPEARED_MS)
		a->reconnect = now + APPEARED_MS;
}

static void connection_made(struct agent *a)
{
	a->connected = true;
	a->refused = 0;
	free(steal(&a->last_failure));
	if (a->appear >= 0)
		(void)close(a->appear);
	a->appear = -1;
	say(JOURNAL_INFO, NULL, "following libvirt's events");
	tell_ready(a);
	publish_later(a, clock_now());
	(void)start(a, TASK_IS_RESIZES, (const char *const[]){TASK_RESIZES, NULL},
		    clock_now() + WORKER_MS);
}

static void connection_ended(struct agent *a, const struct worker *worker, msec now)
{
	cleanup_free char *end = worker_end(worker);
	const char *why = worker->reason ? worker->reason : end ? end : "it ended";

	if (!a->ends && (a->connected || !a->last_failure || strcmp(a->last_failure, why) != 0)) {
		cleanup_free char *text = mem_printf("not following libvirt's events: %s", why);

		say(a->reloads ? JOURNAL_INFO : JOURNAL_WARNING, NULL,
		    a->reloads ? "looking at all guests anew" : text);
		a->reloads = false;
		free(a->last_failure);
		a->last_failure = mem_strdup(why);
	}
	a->withdrawn = a->ends && !worker->reason && !end;
	a->connected = false;
	tell_ready(a);
	reconnect_later(a, now);
}

/* Guests */

static void start_guests(struct agent *a, msec now)
{
	struct guest *guest;

	while (a->connected && !a->ends &&
	       workers_count(&a->workers, TASK_IS_GUEST) < a->options->workers &&
	       (guest = queue_take(&a->queue, now))) {
		const char *const words[] = {TASK_GUEST,
					     guest->uuid,
					     guest->name,
					     guest->cause,
					     queue_is_last_try(guest) ? "last" : NULL,
					     NULL};
		struct worker *worker = start(a, TASK_IS_GUEST, words,
					      now + WORKER_MS + a->options->seconds * (msec)1000);

		if (worker)
			memcpy(worker->uuid, guest->uuid, sizeof(worker->uuid));
		else
			queue_ended(&a->queue, guest, OUTCOME_FAILED, QUEUE_NEVER, now);
	}
}

static enum outcome outcome_of(const struct worker *worker)
{
	if (worker->lost)
		return OUTCOME_LOST;
	if (worker->failed)
		return OUTCOME_FAILED;
	if (worker->busy)
		return OUTCOME_BUSY;
	return worker->mended ? OUTCOME_MENDED : OUTCOME_CLEAN;
}

/* What it says when it is not as it should be: that it will be tried again, or not. */
static void tell_failure(const struct guest *guest, const char *reason, msec now)
{
	cleanup_free char *text = NULL;

	if (guest->stuck)
		text = mem_printf("stuck, until something happens: %s", reason);
	else
		text = mem_printf("not as it should be yet, to be tried again in %lld s: %s",
				  (long long)(guest->due - now + 999) / 1000, reason);
	say(guest->stuck ? JOURNAL_ERR : JOURNAL_WARNING, guest->name, text);
}

static void guest_ended(struct agent *a, struct worker *worker, msec now)
{
	struct guest *guest = queue_find(&a->queue, worker->uuid);
	cleanup_free char *end = worker_end(worker);
	enum outcome outcome;

	/* Nobody tries again what was ended with the agent. */
	if (!guest || a->ends)
		return;
	/* One that was killed could not say so, nor that its guest is stuck. */
	if (end) {
		worker->failed = true;
		if (queue_is_last_try(guest))
			(void)start(a, TASK_IS_STUCK,
				    (const char *const[]){TASK_STUCK, guest->uuid, guest->name, end,
							  NULL},
				    now + WORKER_MS);
	}
	outcome = outcome_of(worker);
	queue_ended(&a->queue, guest, outcome,
		    worker->again == QUEUE_NEVER ? QUEUE_NEVER : now + worker->again, now);
	if (outcome == OUTCOME_FAILED)
		tell_failure(guest, end ? end : worker->reason, now);
	if (outcome != OUTCOME_BUSY)
		publish_later(a, now);
	/* It may have freed what others wait for. */
	if (worker->mended)
		queue_host_event(&a->queue, now);
}

static bool is_watched(const struct agent *a, const char *uuid)
{
	for (size_t i = 0; i < a->workers.n; i++)
		if (a->workers.items[i]->task == TASK_IS_MOVING &&
		    !strcmp(a->workers.items[i]->uuid, uuid))
			return true;
	return false;
}

/* Of a move that fails nothing is heard: somebody has to look. */
static void moves(struct agent *a, const char *uuid, const char *name)
{
	const char *const words[] = {TASK_MOVING, uuid, name, NULL};
	struct worker *worker;

	if (a->ends || is_watched(a, uuid) || strlen(uuid) != UUID_STRLEN - 1)
		return;
	worker = start(a, TASK_IS_MOVING, words, QUEUE_NEVER);
	if (worker)
		memcpy(worker->uuid, uuid, sizeof(worker->uuid));
}

/* The host */

static void look_later(struct agent *a, msec now)
{
	if (workers_count(&a->workers, TASK_IS_LOOK))
		a->look_again = true;
	else if (a->look == QUEUE_NEVER)
		a->look = now + LOOK_MS;
}

static void look_now(struct agent *a, msec now)
{
	a->look = QUEUE_NEVER;
	a->look_again = false;
	queue_host_event(&a->queue, now);
	publish_later(a, now);
	(void)start(a, TASK_IS_LOOK, (const char *const[]){TASK_LOOK, NULL}, now + WORKER_MS);
}

/* What workers say */

static void set_reason(struct worker *worker, const char *reason)
{
	free(worker->reason);
	worker->reason = mem_strdup(reason);
}

static void heard(struct agent *a, struct worker *worker, const struct line *line)
{
	const char *const *field = line->fields;
	struct guest *guest = queue_find(&a->queue, worker->uuid);
	const char *word = field[0];

	if (!strcmp(word, "guest") && worker->task == TASK_IS_FOLLOW) {
		queue_event(&a->queue, field[1], field[2], field[3], clock_now());
	} else if (!strcmp(word, "guest")) {
		queue_suspect(&a->queue, field[1], field[2], field[3], clock_now());
	} else if (!strcmp(word, "moving") && worker->task == TASK_IS_FOLLOW) {
		moves(a, field[1], field[2]);
	} else if (!strcmp(word, "following")) {
		connection_made(a);
	} else if (!strcmp(word, "begun") && guest && worker->task == TASK_IS_GUEST) {
		queue_begun(guest);
	} else if (!strcmp(word, "say")) {
		journal_write(&(struct journal_line){
			.priority = (enum journal_priority)(field[1][0] - '0'),
			.domain = guest ? guest->name : NULL,
			.vf = field[2],
			.assignment = field[3],
			.text = field[4],
		});
	} else if (!strcmp(word, "mended")) {
		worker->mended = true;
	} else if (!strcmp(word, "again")) {
		worker->again = strtoll(field[1], NULL, 10);
	} else if (!strcmp(word, "failed")) {
		worker->failed = true;
		set_reason(worker, field[1]);
	} else if (!strcmp(word, "busy")) {
		worker->busy = true;
	} else if (!strcmp(word, "lost")) {
		worker->lost = true;
		set_reason(worker, field[1]);
	}
}

static void read_lines(struct agent *a, struct worker *worker)
{
	struct line line;
	enum line_read got;

	while ((got = line_read(&worker->reader, worker->fd, &line)) == LINE_ONE)
		heard(a, worker, &line);
	if (got == LINE_END) {
		(void)close(worker->fd);
		worker->fd = -1;
	}
}

static void worker_ended(struct agent *a, struct worker *worker, msec now)
{
	cleanup_free char *end = worker_end(worker);

	if (worker->fd >= 0)
		read_lines(a, worker);
	switch (worker->task) {
	case TASK_IS_FOLLOW:
		connection_ended(a, worker, now);
		break;
	case TASK_IS_GUEST:
		guest_ended(a, worker, now);
		break;
	case TASK_IS_LOOK:
		if (a->look_again)
			a->look = now + LOOK_MS;
		/* fallthrough */
	case TASK_IS_RESIZES:
	case TASK_IS_STUCK:
	case TASK_IS_MOVING:
		if (!a->ends && (worker->reason || end))
			say(JOURNAL_WARNING, NULL, worker->reason ? worker->reason : end);
		break;
	case TASK_IS_PUBLISH:
		publish_ended(a, worker, end, now);
		break;
	}
	workers_remove(&a->workers, worker);
}

static void bury(struct agent *a, msec now)
{
	size_t i = 0;

	workers_reap(&a->workers);
	while (i < a->workers.n)
		if (a->workers.items[i]->ended)
			worker_ended(a, a->workers.items[i], now);
		else
			i++;
}

/* The loop */

static void take_signals(struct agent *a)
{
	struct signalfd_siginfo info;

	while (read(a->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			a->ends = true;
		/* A new connection begins with a look at all guests. */
		if (info.ssi_signo == SIGHUP) {
			a->reloads = a->connected;
			a->refused = 0;
			for (size_t i = 0; i < a->workers.n; i++)
				if (a->workers.items[i]->task == TASK_IS_FOLLOW &&
				    !a->workers.items[i]->ended)
					(void)kill(a->workers.items[i]->pid, SIGTERM);
			if (a->reconnect != QUEUE_NEVER)
				a->reconnect = clock_now();
		}
	}
}

static msec sooner(msec a, msec b)
{
	return a < b ? a : b;
}

/* Does what is due; returns when the next will be. */
static msec do_due(struct agent *a, msec now)
{
	msec next = workers_hurry(&a->workers, now);

	if (a->ends)
		return next;
	if (a->ready_by <= now)
		tell_ready(a);
	if (a->reconnect <= now)
		connect_now(a, now);
	if (a->look <= now)
		look_now(a, now);
	if (a->publish <= now)
		publish_now(a, now);
	start_guests(a, now);
	next = sooner(next, sooner(a->ready_by, sooner(a->reconnect, a->look)));
	next = sooner(next, a->publish);
	/* Else a worker's end, or the connection, comes first. */
	if (a->connected && workers_count(&a->workers, TASK_IS_GUEST) < a->options->workers)
		next = sooner(next, queue_next(&a->queue));
	tell_status(a);
	return next;
}

static int wait_until(struct agent *a, msec until, struct err **err)
{
	struct pollfd fds[POLL_WORKERS + DAEMON_WORKERS_MAX * 2 + WORDS_MAX];
	struct worker *of[ARRAY_SIZE(fds)];
	size_t n = POLL_WORKERS;
	msec now = clock_now();
	int left = until == QUEUE_NEVER ? -1 : clock_left(until, now);

	fds[POLL_SIGNALS] = (struct pollfd){.fd = a->signals, .events = POLLIN};
	fds[POLL_UEVENTS] = (struct pollfd){.fd = a->uevents, .events = POLLIN};
	fds[POLL_APPEAR] = (struct pollfd){.fd = a->appear, .events = POLLIN};
	fds[POLL_POOLS] = (struct pollfd){.fd = a->pools, .events = POLLIN};
	for (size_t i = 0; i < a->workers.n && n < ARRAY_SIZE(fds); i++, n++) {
		of[n] = a->workers.items[i];
		fds[n] = (struct pollfd){.fd = of[n]->fd, .events = POLLIN};
	}
	if (poll(fds, (nfds_t)n, left) < 0 && errno != EINTR)
		return err_errno(err, errno, "waiting for events");
	for (size_t i = POLL_WORKERS; i < n; i++)
		if (fds[i].revents)
			read_lines(a, of[i]);
	now = clock_now();
	if (fds[POLL_UEVENTS].revents && uevent_of_pci(a->uevents))
		look_later(a, now);
	if (fds[POLL_APPEAR].revents)
		appeared(a, now);
	if (fds[POLL_POOLS].revents)
		pools_changed(a, now);
	if (fds[POLL_SIGNALS].revents) {
		take_signals(a);
		bury(a, now);
	}
	return 0;
}

/* Whatever they are at can be taken up again by anybody. */
static int end(struct agent *a, struct err **err)
{
	msec by = clock_now() + END_MS;

	journal_notify("STOPPING=1\nSTATUS=Ending");
	/* Who has no connection yet has told nobody anything over it. */
	workers_signal(&a->workers, SIGTERM, a->connected ? FOLLOW_WITHDRAW : SIGTERM);
	while (a->workers.n && clock_now() < by)
		if (wait_until(a, by, err))
			return -1;
	workers_signal(&a->workers, SIGKILL, SIGKILL);
	if (a->published && !a->withdrawn)
		return err_set(err, ERR_PARTIAL,
			       "libvirt did not answer in time: other hosts may take the agent for "
			       "running on");
	return 0;
}

static int open_all(struct agent *a, struct err **err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_errno(err, errno, "taking signals");
	a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->signals < 0)
		return err_errno(err, errno, "taking signals");
	return uevent_open(&a->uevents, err);
}

static void close_all(struct agent *a)
{
	const int fds[] = {a->signals, a->uevents, a->appear, a->pools};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	while (a->workers.n)
		workers_remove(&a->workers, a->workers.items[0]);
	free(a->workers.items);
	queue_clear(&a->queue);
	free(a->status);
	free(a->last_failure);
}

int daemon_run(const struct daemon_options *options, struct err **err)
{
	struct agent a = {
		.options = options,
		.signals = -1,
		.uevents = -1,
		.appear = -1,
		.pools = -1,
		.publish = QUEUE_NEVER,
		.ready_by = clock_now() + READY_MS,
		.look = QUEUE_NEVER,
	};
	int result = open_all(&a, err);

	while (!result && !a.ends)
		result = wait_until(&a, do_due(&a, clock_now()), err);
	if (end(&a, result ? NULL : err) && !result)
		result = -1;
	close_all(&a);
	return result;
}
