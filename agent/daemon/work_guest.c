// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "converge/converge.h"
#include "converge/park.h"
#include "converge/resize.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "host/lock.h"
#include "daemon/line.h"
#include "daemon/work.h"
#include "host/journal.h"

/* Other processes are waited for as long as that: workers are few, and other guests wait. */
#define BUSY_MS 2000

/* What one worker has to tell; edges->lock has no argument, so there is one. */
static struct {
	int out;
	char lock[sizeof(LOCK_OF_DOMAIN) + UUID_STRLEN];
	const struct edges *edges;
	bool busy; /* a lock was waited for in vain */
} telling;

typedef int lock_call(const char *name, msec deadline, int *fd, struct err **err);

static int wait_a_while(lock_call *take, const char *name, msec deadline, int *fd, struct err **err)
{
	msec now = telling.edges->now();

	if (!take(name, deadline < now + BUSY_MS ? deadline : now + BUSY_MS, fd, err))
		return 0;
	/* Who does not wait only wants to know. */
	telling.busy |= deadline > now && err && (*err)->code == ERR_TIMEOUT;
	return -1;
}

/* With the guest's lock nobody else changes it: what happens from now on may not be seen. */
static int lock_and_tell(const char *name, msec deadline, int *fd, struct err **err)
{
	if (wait_a_while(telling.edges->lock, name, deadline, fd, err))
		return -1;
	if (!strcmp(name, telling.lock))
		(void)line_say(telling.out, "begun", NULL);
	return 0;
}

static int share_a_while(const char *name, msec deadline, int *fd, struct err **err)
{
	return wait_a_while(telling.edges->share, name, deadline, fd, err);
}

static const char *did(const struct subject *sub)
{
	if (sub->did & 1u << STEP_LOSE)
		return "has vanished";
	if (sub->did & 1u << STEP_DROP)
		return "is free again";
	if (sub->did & 1u << STEP_RESERVE)
		return "is kept for the guest, which is parked";
	if (sub->did & 1u << STEP_GIVE_UP)
		return "takes the place of another one";
	if (sub->did & 1u << STEP_PLUG)
		return sub->want & VIEW_LIVE ? "is in the guest" : "is in the definition";
	if (sub->did & (1u << STEP_SET | 1u << STEP_CLAIM | 1u << STEP_CONFIRM))
		return "is as it should be again";
	return "is set right";
}

/* One that no VF was found for has none. */
static const char *vf_of(const struct subject *sub, char text[PCIADDR_STRLEN])
{
	static const struct pciaddr none;

	return pciaddr_equal(sub->vf, none) ? "" : pciaddr_format(sub->vf, text);
}

static void say_subject(int out, const struct subject *sub, const char *cause)
{
	const char digit[] = {(char)('0' + (sub->err ? JOURNAL_WARNING : JOURNAL_NOTICE)), '\0'};
	const char *vf = vf_of(sub, (char[PCIADDR_STRLEN]){0});
	cleanup_free char *name = !*vf      ? mem_printf("assignment %s", sub->assignment.id)
				  : sub->pf ? mem_printf("VF %s/%u", sub->pf, sub->index)
					    : mem_printf("VF %s", vf);
	cleanup_free char *text = sub->err ? mem_printf("%s: %s", name, sub->err->what)
					   : mem_printf("%s %s (assignment %s; %s)", name, did(sub),
							sub->assignment.id, cause);

	(void)line_say(out, "say", digit, vf, sub->assignment.id, text, NULL);
}

struct told {
	int out;
	const char *cause;
	bool mended;
};

static void tell_plan(void *arg, const char *domain, const struct plan *plan)
{
	struct told *told = arg;

	(void)domain;
	for (size_t i = 0; i < plan->nsubjects; i++) {
		const struct subject *sub = &plan->subjects[i];

		if (sub->did && !sub->err && !sub->failed) {
			say_subject(told->out, sub, told->cause);
			told->mended = true;
		} else if (sub->did & 1u << STEP_LOSE || sub->err) {
			/* The first one's error is the whole's, and said with that. */
			say_subject(told->out, sub, told->cause);
		}
	}
}

/* Those that fail are stuck; where no plan could be made, all that is not settled. */
static bool is_stuck(const struct lease *lease, const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (!strcmp(plan->subjects[i].assignment.id, lease->assignment))
			return plan->subjects[i].failed;
	return true;
}

/* Does any of them tell the reason now? */
static bool note_leases(struct store *store, const char *uuid, const struct plan *plan,
			const char *reason)
{
	struct leases leases = {0};
	bool told = false;

	if (store->ops->list(store, uuid, NULL, &leases, NULL))
		return false;
	for (size_t i = 0; i < leases.n; i++) {
		struct lease *lease = &leases.items[i];
		const char *now = is_stuck(lease, plan) ? reason : NULL;

		told |= now || lease->state == LEASE_LOST;
		/* One that is lost says why by itself. */
		if (lease->state == LEASE_LOST || (!now && !lease->reason) ||
		    (now && lease->reason && !strcmp(now, lease->reason)))
			continue;
		free(lease->reason);
		lease->reason = mem_strdup(now);
		(void)store->ops->update(store, lease, NULL);
	}
	leases_clear(&leases);
	return told;
}

/* A failure is no worse for not being noted: it has been said. */
static void note(struct edges *edges, const char *uuid, const char *name, const struct plan *plan,
		 const char *reason)
{
	struct store *store = edges->store;
	bool told = note_leases(store, uuid, plan, reason);

	(void)store->ops->stick(store, uuid, name, told ? NULL : reason, NULL);
}

void work_stuck(struct edges *edges, const char *uuid, const char *name, const char *reason)
{
	const struct plan none = {0};

	note(edges, uuid, name, &none, reason);
}

int64_t work_sooner(int64_t moment, int64_t next, int64_t now)
{
	return moment > now && (!next || moment < next) ? moment : next;
}

/* As the plan has left it: what was kept for the guest may be the guest's by now. */
static bool is_kept(const struct lease *lease, const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (!strcmp(plan->subjects[i].assignment.id, lease->assignment))
			return plan->subjects[i].leased &&
			       plan->subjects[i].lease.state == LEASE_RESERVED;
	return lease->state == LEASE_RESERVED;
}

/* The next moment at which something is over by itself, in seconds since 1970; 0: none. */
static int64_t next_moment(const struct converge *c, const struct wants *wants,
			   const struct plan *plan)
{
	int64_t now = c->edges->wall(), next = 0;

	for (size_t i = 0; i < wants->live.n; i++) {
		const struct assignment *a = &wants->live.items[i];

		if (a->parked && a->parking.reason != PARK_RESIZE)
			next = work_sooner(a->parking.until, next, now);
	}
	for (size_t i = 0; i < c->leases.n; i++)
		if (is_kept(&c->leases.items[i], plan))
			next = work_sooner(c->leases.items[i].expires, next, now);
	return next;
}

void work_say_again(struct edges *edges, int64_t moment, int out)
{
	int64_t now = edges->wall();
	cleanup_free char *left = NULL;

	if (!moment)
		return;
	left = mem_printf("%" PRId64, (moment - now) * 1000);
	(void)line_say(out, "again", left, NULL);
}

void work_say_failure(int out, const struct err *why)
{
	cleanup_free char *text =
		why->next ? mem_printf("%s; %s", why->what, why->next) : mem_strdup(why->what);

	(void)line_say(out, why->code == ERR_LOST ? "lost" : "failed", text, NULL);
}

/* It has moved away, or been saved: it does not come back for what was parked here. */
static int forget_parked(struct converge *c, struct told *told, struct err **err)
{
	static const char digit[] = {(char)('0' + JOURNAL_NOTICE), '\0'};
	cleanup_free char *text = NULL;
	size_t n = 0;

	if (park_forget(c, true, &n, err))
		return -1;
	if (!n)
		return 0;
	/* When they would have expired is of no interest any more. */
	leases_clear(&c->leases);
	if (c->edges->store->ops->list(c->edges->store, c->dom.uuid, NULL, &c->leases, err))
		return -1;
	text = mem_printf("%zu VF%s that %s kept for the guest %s free (%s)", n, n == 1 ? "" : "s",
			  n == 1 ? "was" : "were", n == 1 ? "is" : "are", told->cause);
	(void)line_say(told->out, "say", digit, "", "", text, NULL);
	told->mended = true;
	return 0;
}

/* Whoever moves it had its lock until now, or was not seen to begin. */
static int ask_whether_it_leaves(const struct converge *c, bool *leaves, struct err **err)
{
	struct virt *virt = c->edges->virt;
	struct virt_progress job = {0};
	struct err *why = NULL;

	if (c->domain.live.present && park_waits_for_move(c) &&
	    virt->ops->job(virt, &c->dom, &job, &why)) {
		if (why->code == ERR_LOST)
			return err_pass(err, why);
		/* It has gone meanwhile, which is seen by itself. */
		err_free(&why);
	}
	*leaves = job.leaves;
	return 0;
}

/* c is open. */
static int converge_guest(struct converge *c, const struct work_guest *guest, struct told *told,
			  struct plan *plan, struct err **err)
{
	struct wants wants = guest->move_failed ? park_wants_back(c) : park_wants(c);
	bool leaves = false;
	int result = guest->move_failed ? 0 : ask_whether_it_leaves(c, &leaves, err);

	if (leaves)
		(void)line_say(told->out, "moving", guest->uuid, guest->name, NULL);
	/* What has arrived, or has not gone in the end, is told by an event. */
	if (!result && !leaves && !c->domain.moving)
		result = converge_run(c, &wants, NULL, CONVERGE_MEND, plan, NULL, err);
	tell_plan(told, guest->name, plan);
	if (!result && !c->domain.live.present)
		result = forget_parked(c, told, err);
	work_say_again(c->edges, next_moment(c, &wants, plan), told->out);
	wants_clear(&wants);
	return result;
}

static bool is_busy(const struct err *why)
{
	return telling.busy && why->code == ERR_TIMEOUT;
}

static bool is_failure(const struct err *why)
{
	return why->code != ERR_LOST && !is_busy(why);
}

void work_guest(struct edges *edges, const struct work_guest *guest, int out)
{
	cleanup_free char *cause = mem_printf("agent: %s", guest->cause);
	struct told told = {.out = out, .cause = guest->cause};
	const struct resize_listener listener = {.heard = tell_plan, .arg = &told};
	struct edges mine = *edges;
	struct converge c;
	struct plan plan = {0};
	cleanup_err struct err *why = NULL;

	telling.out = out;
	telling.edges = edges;
	telling.busy = false;
	(void)snprintf(telling.lock, sizeof(telling.lock), LOCK_OF_DOMAIN "%s", guest->uuid);
	mine.lock = lock_and_tell;
	mine.share = share_a_while;
	edges->store->ops->because(edges->store, cause);
	if (!resize_resume(&mine, guest->uuid, guest->seconds, &listener, &why) &&
	    !converge_open_leased(&c, &mine, guest->uuid, guest->name, guest->seconds, &why)) {
		(void)converge_guest(&c, guest, &told, &plan, &why);
		/* While nobody else is at work on it. */
		if (why && guest->last && is_failure(why))
			note(edges, guest->uuid, guest->name, &plan, why->what);
		converge_close(&c);
	} else if (guest->last && is_failure(why)) {
		note(edges, guest->uuid, guest->name, &plan, why->what);
	}
	if (told.mended)
		(void)line_say(out, "mended", NULL);
	if (why && is_busy(why))
		(void)line_say(out, "busy", why->what, NULL);
	else if (why)
		work_say_failure(out, why);
	plan_clear(&plan);
}

void work_resizes(struct edges *edges, unsigned seconds, int out)
{
	struct told told = {.out = out, .cause = "number of VFs"};
	const struct resize_listener listener = {.heard = tell_plan, .arg = &told};
	cleanup_err struct err *why = NULL;

	edges->store->ops->because(edges->store, "agent: resize resumed");
	if (resize_resume(edges, NULL, seconds, &listener, &why))
		work_say_failure(out, why);
}
