// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "daemon/tasks.h"
#include "host/journal.h"
#include "host/uevent.h"

/* What systemd waits for, if libvirt takes its time. */
#define READY_MS 5000
/* Of the two seconds that it may take to end. */
#define END_MS 1500

enum { POLL_SIGNALS, POLL_UEVENTS, POLL_APPEAR, POLL_POOLS, POLL_LOCKS, POLL_WORKERS };

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

static void bury(struct agent *a, msec now)
{
	size_t i = 0;

	workers_reap(&a->workers);
	while (i < a->workers.n)
		if (a->workers.items[i]->ended)
			tasks_worker_ended(a, a->workers.items[i], now);
		else
			i++;
}

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
		tasks_ready(a);
	if (a->reconnect <= now)
		tasks_connect(a, now);
	if (tasks_due(a, &a->look) <= now)
		tasks_look(a, now);
	if (tasks_due(a, &a->publish) <= now)
		tasks_publish(a, now);
	tasks_start_guests(a, now);
	next = sooner(next, sooner(a->ready_by, a->reconnect));
	next = sooner(next, sooner(tasks_due(a, &a->look), tasks_due(a, &a->publish)));
	/* Else a worker's end, or the connection, comes first. */
	if (a->connected && workers_count(&a->workers, TASK_IS_GUEST) < a->options->workers)
		next = sooner(next, queue_next(&a->queue));
	tell_status(a);
	return next;
}

/* Those that follow, or all others. */
static void hear(struct agent *a, const struct pollfd *fds, struct worker *const *of, size_t n,
		 bool follow)
{
	for (size_t i = POLL_WORKERS; i < n; i++)
		if (fds[i].revents && (of[i]->task == TASK_IS_FOLLOW) == follow)
			tasks_hear(a, of[i]);
}

static int wait_until(struct agent *a, msec until, struct err **err)
{
	size_t n = POLL_WORKERS, all = n + a->workers.n;
	cleanup_free struct pollfd *fds = mem_zero(all, sizeof(*fds));
	cleanup_free struct worker **of = mem_zero(all, sizeof(struct worker *));
	msec now = clock_now();
	int left = until == QUEUE_NEVER ? -1 : clock_left(until, now);

	fds[POLL_SIGNALS] = (struct pollfd){.fd = a->signals, .events = POLLIN};
	fds[POLL_UEVENTS] = (struct pollfd){.fd = a->uevents, .events = POLLIN};
	fds[POLL_APPEAR] = (struct pollfd){.fd = a->appear, .events = POLLIN};
	fds[POLL_POOLS] = (struct pollfd){.fd = a->pools, .events = POLLIN};
	fds[POLL_LOCKS] = (struct pollfd){.fd = a->locks, .events = POLLIN};
	for (size_t i = 0; n < all; i++, n++) {
		of[n] = a->workers.items[i];
		fds[n] = (struct pollfd){.fd = of[n]->out, .events = POLLIN};
	}
	if (poll(fds, (nfds_t)n, left) < 0 && errno != EINTR)
		return err_errno(err, errno, "waiting for events");
	/* That work has begun was said before what has happened since then. */
	hear(a, fds, of, n, false);
	hear(a, fds, of, n, true);
	now = clock_now();
	if (fds[POLL_UEVENTS].revents)
		tasks_devices_changed(a, uevent_of_pci(a->uevents), now);
	if (fds[POLL_APPEAR].revents)
		tasks_appeared(a, now);
	if (fds[POLL_POOLS].revents)
		tasks_pools_changed(a, now);
	if (fds[POLL_LOCKS].revents)
		tasks_locks_freed(a);
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
	tasks_watch_locks(a);
	return uevent_open(&a->uevents, err);
}

static void close_all(struct agent *a)
{
	const int fds[] = {a->signals, a->uevents, a->appear, a->pools, a->locks};

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
		.workers = {.work = options->work, .arg = options->arg},
		.signals = -1,
		.uevents = -1,
		.appear = -1,
		.pools = -1,
		.locks = -1,
		.publish = {.at = QUEUE_NEVER, .by = QUEUE_NEVER},
		.ready_by = clock_now() + READY_MS,
		.look = {.at = QUEUE_NEVER, .by = QUEUE_NEVER},
	};
	int result;

	result = open_all(&a, err);
	while (!result && !a.ends)
		result = wait_until(&a, do_due(&a, clock_now()), err);
	if (end(&a, result ? NULL : err) && !result)
		result = -1;
	close_all(&a);
	return result;
}
