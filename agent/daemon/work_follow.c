// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "core/cleanup.h"
#include "daemon/daemon.h"
#include "daemon/line.h"
#include "daemon/work.h"

/* Without any event it waits, and waits. */
#define FOREVER_MS ((msec)365 * 24 * 3600 * 1000)

/*
 * Has the guest anything of ours? Its definition is not parsed here: a word that is not ours, and
 * looks so, costs a look at that guest.
 */
static int has_ours(struct virt *virt, const struct virt_dom *dom, unsigned view, bool *has,
		    struct err **err)
{
	cleanup_free char *xml = NULL;
	struct err *why = NULL;

	if (virt->ops->xml(virt, dom, view, &xml, &why)) {
		if (why->code == ERR_LOST) {
			*err = why;
			return -1;
		}
		/* It has no such definition, or has gone; an event tells of that. */
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

static void say_leased(const struct leases *leases, size_t i, const char *what, int out)
{
	if (!is_among(leases, i, leases->items[i].domain_uuid))
		(void)line_say(out, "guest", leases->items[i].domain_uuid,
			       leases->items[i].domain_name, what, NULL);
}

/* What they lacked they may have by now, or need no more: nothing else may tell of them. */
static int say_stuck(struct store *store, int out, struct err **err)
{
	struct stuck_guests stuck = {0};

	if (store->ops->stuck(store, &stuck, err))
		return -1;
	for (size_t i = 0; i < stuck.n; i++)
		(void)line_say(out, "guest", stuck.items[i].uuid, stuck.items[i].name, "full pass",
			       NULL);
	stuck_guests_clear(&stuck);
	return 0;
}

static int say_all(struct edges *edges, int out, struct err **err)
{
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
			result = has_ours(virt, &doms[i], VIRT_LIVE, &has, err) ||
						 has_ours(virt, &doms[i], VIRT_CONFIG, &has, err)
					 ? -1
					 : 0;
		if (has)
			(void)line_say(out, "guest", doms[i].uuid, doms[i].name, "full pass", NULL);
		virt_dom_clear(virt, &doms[i]);
	}
	free(doms);
	for (size_t i = 0; i < leases.n && !result; i++)
		say_leased(&leases, i, "full pass", out);
	leases_clear(&leases);
	return result || say_stuck(edges->store, out, err) ? -1 : 0;
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

int work_follow(struct edges *edges, int out, struct err **err)
{
	struct virt *virt = edges->virt;
	cleanup_close int signals = -1;

	/* First the events, then what there is: nothing happens in between unseen. */
	if (take_signal(&signals, err) || virt->ops->follow(virt, signals, err) ||
	    say_all(edges, out, err))
		return -1;
	/* What was read is not needed any more, and this may wait for a long time. */
	edges->store->ops->close(edges->store);
	edges->store = NULL;
	(void)line_say(out, "following", NULL);
	for (;;) {
		struct virt_event event = {0};
		int got = virt->ops->next_event(virt, edges->now() + FOREVER_MS, &event, err);

		if (got < 0)
			return -1;
		if (got)
			(void)line_say(out, event.kind == VIRT_DOMAIN_MOVING ? "moving" : "guest",
				       event.uuid, event.name, event.what, NULL);
		virt_event_clear(&event);
		if (is_told(signals))
			return work_withdraw(edges, err);
	}
}

/* Can the host's side of it be as it should be? */
static bool is_settled(const struct lease *lease, const struct inventory *inventory)
{
	const struct pf *pf = inventory_pf(inventory, lease->pf);
	const struct vf *vf = pf ? pf_vf_by_index(pf, lease->index) : NULL;

	return (lease->state == LEASE_HELD || lease->state == LEASE_RESERVED) && !lease->reason &&
	       vf && pciaddr_equal(vf->addr, lease->vf);
}

int work_look(struct edges *edges, int out, struct err **err)
{
	struct inventory inventory = {0};
	struct leases leases = {0};

	if (edges->store->ops->list(edges->store, NULL, NULL, &leases, err))
		return -1;
	if (leases.n && edges->host->ops->read_all(edges->host, 0, &inventory, err)) {
		leases_clear(&leases);
		return -1;
	}
	for (size_t i = 0; i < leases.n; i++)
		if (!is_settled(&leases.items[i], &inventory))
			(void)line_say(out, "guest", leases.items[i].domain_uuid,
				       leases.items[i].domain_name, "VF changed", NULL);
	inventory_clear(&inventory);
	leases_clear(&leases);
	return 0;
}
