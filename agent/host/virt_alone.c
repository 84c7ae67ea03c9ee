// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/virt_alone.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/virt_load.h"

enum kind { HANDLE, TIMER };

/* What libvirt wants to be called for. */
struct wish {
	enum kind kind;
	int id;
	bool removed; /* its opaque is still to be freed, but not from within libvirt's own call */
	void *opaque;
	virFreeCallback free;
	/* HANDLE */
	int fd;
	int events; /* libvirt's */
	virEventHandleCallback on_fd;
	/* TIMER */
	int every; /* milliseconds; -1: never */
	msec due;
	virEventTimeoutCallback on_time;
};

static struct {
	struct wish **items; /* they stay where they are: a callback may add some */
	size_t n;
	int last_id;
	int local; /* the connection that is not watched; -1: none */
} wishes = {.local = -1};

/* A socket that has a name at its other end; ssh's pair has none. */
static bool is_local_daemon(int fd)
{
	struct sockaddr_un peer = {0};
	socklen_t size = sizeof(peer);

	return !getpeername(fd, (struct sockaddr *)&peer, &size) && peer.sun_family == AF_UNIX &&
	       size > offsetof(struct sockaddr_un, sun_path);
}

static struct wish *add(enum kind kind, void *opaque, virFreeCallback free)
{
	struct wish *wish = mem_zero(1, sizeof(*wish));

	wish->kind = kind;
	wish->id = ++wishes.last_id;
	wish->opaque = opaque;
	wish->free = free;
	*(struct wish **)mem_append(&wishes.items, &wishes.n, sizeof(wish)) = wish;
	return wish;
}

static struct wish *find(enum kind kind, int id)
{
	for (size_t i = 0; i < wishes.n; i++)
		if (wishes.items[i]->kind == kind && wishes.items[i]->id == id &&
		    !wishes.items[i]->removed)
			return wishes.items[i];
	return NULL;
}

static int remove_wish(enum kind kind, int id)
{
	struct wish *wish = find(kind, id);

	if (!wish)
		return -1;
	wish->removed = true;
	return 0;
}

static int add_handle(int fd, int events, virEventHandleCallback call, void *opaque,
		      virFreeCallback free)
{
	struct wish *wish;

	if (is_local_daemon(fd)) {
		wishes.local = fd;
		return -1;
	}
	wish = add(HANDLE, opaque, free);
	wish->fd = fd;
	wish->events = events;
	wish->on_fd = call;
	return wish->id;
}

static void update_handle(int id, int events)
{
	struct wish *wish = find(HANDLE, id);

	if (wish)
		wish->events = events;
}

static int remove_handle(int id)
{
	return remove_wish(HANDLE, id);
}

static void set_timer(struct wish *wish, int every)
{
	wish->every = every;
	wish->due = every < 0 ? INT64_MAX : clock_now() + every;
}

static int add_timer(int every, virEventTimeoutCallback call, void *opaque, virFreeCallback free)
{
	struct wish *wish = add(TIMER, opaque, free);

	wish->on_time = call;
	set_timer(wish, every);
	return wish->id;
}

static void update_timer(int id, int every)
{
	struct wish *wish = find(TIMER, id);

	if (wish)
		set_timer(wish, every);
}

static int remove_timer(int id)
{
	return remove_wish(TIMER, id);
}

void alone_register(void)
{
	virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timer, update_timer,
			     remove_timer);
}

/* The turn */

static void bury(void)
{
	size_t i = 0;

	while (i < wishes.n) {
		struct wish *wish = wishes.items[i];

		if (!wish->removed) {
			i++;
			continue;
		}
		wishes.n--;
		memmove(&wishes.items[i], &wishes.items[i + 1],
			(wishes.n - i) * sizeof(struct wish *));
		/* This may remove others, but they are not gone before their turn here. */
		if (wish->free)
			wish->free(wish->opaque);
		free(wish);
	}
}

static short poll_of(int events)
{
	return (short)((events & VIR_EVENT_HANDLE_READABLE ? POLLIN : 0) |
		       (events & VIR_EVENT_HANDLE_WRITABLE ? POLLOUT : 0));
}

static int events_of(short got)
{
	return (got & POLLIN ? VIR_EVENT_HANDLE_READABLE : 0) |
	       (got & POLLOUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
	       (got & (POLLERR | POLLNVAL) ? VIR_EVENT_HANDLE_ERROR : 0) |
	       (got & POLLHUP ? VIR_EVENT_HANDLE_HANGUP : 0);
}

static bool run_timers(msec now)
{
	bool ran = false;

	for (size_t i = 0; i < wishes.n; i++) {
		struct wish *wish = wishes.items[i];

		if (wish->kind != TIMER || wish->removed || wish->due > now)
			continue;
		set_timer(wish, wish->every);
		wish->on_time(wish->id, wish->opaque);
		ran = true;
	}
	return ran;
}

static msec next_timer(msec deadline)
{
	for (size_t i = 0; i < wishes.n; i++)
		if (wishes.items[i]->kind == TIMER && wishes.items[i]->due < deadline)
			deadline = wishes.items[i]->due;
	return deadline;
}

/* fds[i] is of[i]'s. */
static void run_handles(const struct pollfd *fds, struct wish *const *of, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents && !of[i]->removed)
			of[i]->on_fd(of[i]->id, of[i]->fd, events_of(fds[i].revents),
				     of[i]->opaque);
}

int alone_turn(int stop, msec deadline, bool *calls, struct err **err)
{
	cleanup_free struct pollfd *fds = NULL;
	cleanup_free struct wish **of = NULL;
	size_t n = 2;
	int got;

	*calls = false;
	bury();
	if (run_timers(clock_now()))
		return 1;
	fds = mem_zero(wishes.n + 2, sizeof(*fds));
	of = mem_zero(wishes.n + 2, sizeof(struct wish *));
	fds[0] = (struct pollfd){.fd = stop, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = wishes.local, .events = POLLIN};
	for (size_t i = 0; i < wishes.n; i++) {
		struct wish *wish = wishes.items[i];

		if (wish->kind != HANDLE || !wish->events)
			continue;
		of[n] = wish;
		fds[n++] = (struct pollfd){.fd = wish->fd, .events = poll_of(wish->events)};
	}
	got = poll(fds, (nfds_t)n, clock_left(next_timer(deadline), clock_now()));
	if (got < 0)
		return errno == EINTR ? 1 : err_errno(err, errno, "waiting for libvirt's events");
	if (fds[0].revents)
		return 0;
	*calls = fds[1].revents;
	run_handles(fds + 2, of + 2, n - 2);
	return clock_now() < deadline;
}
