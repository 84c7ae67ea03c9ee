// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "daemon/daemon.h"
#include "daemon/line.h"
#include "daemon/work.h"

/* Without any event it waits, and waits. */
#define FOREVER_MS ((msec)365 * 24 * 3600 * 1000)

/* Whoever has said anything of ours once is told of without being asked again. */
struct follower {
	struct edges *edges;
	int out;
	char (*ours)[UUID_STRLEN];
	size_t nours;
};

static bool is_ours(const struct follower *f, const char *uuid)
{
	for (size_t i = 0; i < f->nours; i++)
		if (!strcmp(f->ours[i], uuid))
			return true;
	return false;
}

static void note_ours(struct follower *f, const char *uuid)
{
	if (!is_ours(f, uuid))
		memcpy(mem_append(&f->ours, &f->nours, UUID_STRLEN), uuid, UUID_STRLEN);
}

static void say_guest(struct follower *f, const char *uuid, const char *name)
{
	note_ours(f, uuid);
	(void)line_say(f->out, "guest", uuid, name, "full pass", NULL);
}

/*
 * Has the guest anything of ours? Its definition is not parsed here: a word that is not ours, and
 * looks so, costs a look at that guest.
 */
static int view_has_ours(struct virt *virt, const struct virt_dom *dom, unsigned view, bool *has,
			 struct err **err)
{
	cleanup_free char *xml = NULL;
	struct err *why = NULL;

	if (virt->ops->xml(virt, dom, view, &xml, &why)) {
		if (why->code == ERR_LOST)
			return err_pass(err, why);
		/* It has no such definition, or has gone; an event tells of that. */
		*has |= why->code != ERR_ABSENT;
		err_free(&why);
		return 0;
	}
	*has |= strstr(xml, METADATA_URI) || strstr(xml, ASSIGNMENT_ALIAS_PREFIX);
	return 0;
}

static bool is_among(const struct leases *leases, size_t n, const char *uuid)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(leases->items[i].domain_uuid, uuid))
			return true;
	return false;
}

static int has_ours(struct virt *virt, const struct virt_dom *dom, bool *has, struct err **err)
{
	return view_has_ours(virt, dom, VIEW_LIVE, has, err) ||
			       (!*has && view_has_ours(virt, dom, VIEW_CONFIG, has, err))
		       ? -1
		       : 0;
}

/* What they lacked they may have by now, or need no more: nothing else may tell of them. */
static int say_stuck(struct follower *f, struct err **err)
{
	struct store *store = f->edges->store;
	struct stuck_guests stuck = {0};

	if (store->ops->stuck(store, &stuck, err))
		return -1;
	for (size_t i = 0; i < stuck.n; i++)
		say_guest(f, stuck.items[i].uuid, stuck.items[i].name);
	stuck_guests_clear(&stuck);
	return 0;
}

static int say_all(struct follower *f, struct err **err)
{
	struct edges *edges = f->edges;
	struct virt *virt = edges->virt;
	struct virt_dom *doms = NULL;
	struct leases leases = {0};
	int result = 0;
	size_t n = 0;

	if (virt->ops->list(virt, &doms, &n, err))
		return -1;
	if (edges->store->ops->list(edges->store, NULL, NULL, &leases, err))
		result = -1;
	for (size_t i = 0; i < n; i++) {
		bool has = false;

		if (!result && !is_among(&leases, leases.n, doms[i].uuid))
			result = has_ours(virt, &doms[i], &has, err);
		if (has)
			say_guest(f, doms[i].uuid, doms[i].name);
		virt_dom_clear(virt, &doms[i]);
	}
	free(doms);
	for (size_t i = 0; i < leases.n && !result; i++)
		if (!is_among(&leases, i, leases.items[i].domain_uuid))
			say_guest(f, leases.items[i].domain_uuid, leases.items[i].domain_name);
	leases_clear(&leases);
	return result || say_stuck(f, err) ? -1 : 0;
}

/*
 * What happens to guests that have nothing to do with us is nothing to a worker, either. Whatever
 * has anything of ours was said at first, or has been changed since then. libvirt answers for one
 * guest after the other, so it is not asked more often than that.
 */
static int concerns(struct follower *f, const struct virt_event *event, bool *does,
		    struct err **err)
{
	struct virt *virt = f->edges->virt;
	struct virt_dom dom = {0};
	struct err *why = NULL;
	int result;

	*does = is_ours(f, event->uuid);
	if (*does || event->kind != VIRT_DOMAIN_CHANGED)
		return 0;
	if (virt->ops->find(virt, event->uuid, &dom, &why)) {
		if (why->code == ERR_LOST)
			return err_pass(err, why);
		err_free(&why);
		*does = true;
		return 0;
	}
	result = has_ours(virt, &dom, does, err);
	virt_dom_clear(virt, &dom);
	if (*does)
		note_ours(f, event->uuid);
	return result;
}

static int say_event(struct follower *f, const struct virt_event *event, struct err **err)
{
	bool moves = event->kind == VIRT_DOMAIN_MOVING;
	bool passes = event->kind == VIRT_DOMAIN_PASSING, does = false;

	if (concerns(f, event, &does, err))
		return -1;
	if (does)
		(void)line_say(f->out,
			       moves    ? "moving"
			       : passes ? "passing"
					: "guest",
			       event->uuid, event->name, event->what, NULL);
	else if (!moves && !passes)
		(void)line_say(f->out, "other", NULL);
	return 0;
}

static int take_signal(int *fd, struct err **err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, FOLLOW_WITHDRAW);
	if (!sigprocmask(SIG_BLOCK, &set, NULL))
		*fd = signalfd(-1, &set, SFD_CLOEXEC);
	return *fd < 0 ? err_errno(err, errno, "taking signals") : 0;
}

static bool is_told(int signals)
{
	struct pollfd poller = {.fd = signals, .events = POLLIN};

	return poll(&poller, 1, 0) > 0;
}

static int follow(struct follower *f, struct err **err)
{
	struct edges *edges = f->edges;
	struct virt *virt = edges->virt;
	cleanup_close int signals = -1;

	/* First the events, then what there is: nothing happens in between unseen. */
	if (take_signal(&signals, err) || virt->ops->follow(virt, signals, err) || say_all(f, err))
		return -1;
	/* What was read is not needed any more, and this may wait for a long time. */
	edges->store->ops->close(edges->store);
	edges->store = NULL;
	(void)line_say(f->out, "following", NULL);
	for (;;) {
		struct virt_event event = {0};
		int got = virt->ops->next_event(virt, edges->now() + FOREVER_MS, &event, err);

		if (got > 0 && say_event(f, &event, err))
			got = -1;
		virt_event_clear(&event);
		if (got < 0)
			return -1;
		if (is_told(signals))
			return work_withdraw(edges, err);
	}
}

int work_follow(struct edges *edges, int out, struct err **err)
{
	struct follower f = {.edges = edges, .out = out};
	int result = follow(&f, err);

	free(f.ours);
	return result;
}
