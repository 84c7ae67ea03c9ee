// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connected means that a worker follows libvirt's events and has told of all guests. When it ends,
 * another one is started: at once when something appears where libvirt's daemons have their
 * sockets, and after a pause that grows otherwise. While there is none, no guest is worked on:
 * without libvirt nothing can be done for it, and nobody is to be blamed for that.
 */
#include "daemon/tasks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/appear.h"
#include "host/journal.h"
#include "host/lock.h"

#define RECONNECT_FIRST_MS 500
#define RECONNECT_LAST_MS 60000
/* libvirt's daemons make their sockets one after the other. */
#define APPEARED_MS 200
/* VFs come and go in dozens. */
#define LOOK_MS 500
/* Others are told when so long nothing more has happened. */
#define PUBLISH_MS 2000
/* For so long other work waits for that on guests, and for commands that come in bunches, */
#define LATER_MS 5000
/* and so long that others are told, as long as more happens. */
#define UNTOLD_MS 30000
/* What was done in order is told by events; a look at it is for what they have missed. */
#define DONE_MS 60000
/* A guest's time is added to that; then there is something wrong with the worker itself. */
#define WORKER_MS ((msec)600 * 1000)

static void say(enum journal_priority priority, const char *domain, const char *text)
{
	journal_write(&(struct journal_line){.priority = priority, .domain = domain, .text = text});
}

void tasks_ready(struct agent *a)
{
	if (!a->ready)
		journal_notify("READY=1");
	a->ready = true;
	a->ready_by = QUEUE_NEVER;
}

/* words ends in NULL. */
static struct worker *give(struct agent *a, enum task task, const char *const words[],
			   msec deadline)
{
	cleanup_err struct err *why = NULL;
	struct worker *worker = workers_give(&a->workers, task, words, deadline, &why);

	if (!worker)
		say(JOURNAL_ERR, NULL, why->what);
	return worker;
}

/* What can wait */

static const struct chore never = {.at = QUEUE_NEVER, .by = QUEUE_NEVER};

static void do_later(struct chore *chore, msec moment, msec wait)
{
	*chore = (struct chore){.at = moment, .by = moment + wait};
}

/* A guest is worked on, by whomever. */
static bool is_busy(const struct agent *a)
{
	return workers_count(&a->workers, TASK_IS_GUEST) || queue_has_held(&a->queue);
}

msec tasks_due(const struct agent *a, const struct chore *chore)
{
	return is_busy(a) ? chore->by : chore->at;
}

/* Telling others */

/* Once for what happens together: when it seems to be over. */
static void publish_later(struct agent *a, msec now)
{
	msec moment = now + PUBLISH_MS;

	if (workers_count(&a->workers, TASK_IS_PUBLISH))
		a->publish_again = true;
	else if (a->publish.at != QUEUE_NEVER)
		a->publish.at = moment < a->publish.by ? moment : a->publish.by;
	else if (a->connected)
		do_later(&a->publish, moment, UNTOLD_MS);
}

void tasks_publish(struct agent *a, msec now)
{
	a->publish = never;
	a->publish_again = false;
	a->published = true;
	/* Before they are read, so that no change is missed; no directory at all: no pools. */
	if (a->pools < 0 && appear_open_changes(a->options->pools, &a->pools, NULL))
		a->pools = -1;
	(void)give(a, TASK_IS_PUBLISH, (const char *const[]){TASK_PUBLISH, NULL}, now + WORKER_MS);
}

static void publish_ended(struct agent *a, const struct worker *worker, const char *end, msec now)
{
	const char *why = worker->said.reason ? worker->said.reason : end;

	/* Without libvirt there is nobody to tell; once it is back, that comes again. */
	if (why && !a->untold && !worker->said.lost && !a->ends)
		say(JOURNAL_WARNING, NULL, why);
	if (!worker->said.lost)
		a->untold = why;
	if (a->publish_again && a->connected)
		do_later(&a->publish, now + PUBLISH_MS, UNTOLD_MS);
	/* Or it was the worker's connection alone. */
	else if (worker->said.lost && a->connected)
		do_later(&a->publish, now + QUEUE_EVENT_MS, UNTOLD_MS);
}

void tasks_pools_changed(struct agent *a, msec now)
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

void tasks_connect(struct agent *a, msec now)
{
	cleanup_err struct err *why = NULL;

	a->reconnect = QUEUE_NEVER;
	if (workers_start(&a->workers, TASK_IS_FOLLOW, TASK_FOLLOW, QUEUE_NEVER, &why))
		return;
	say(JOURNAL_ERR, NULL, why->what);
	reconnect_later(a, now);
}

void tasks_appeared(struct agent *a, msec now)
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
	tasks_ready(a);
	do_later(&a->publish, clock_now(), LATER_MS);
	(void)give(a, TASK_IS_RESIZES, (const char *const[]){TASK_RESIZES, NULL},
		   clock_now() + WORKER_MS);
}

static void connection_ended(struct agent *a, const struct worker *worker, const char *end,
			     msec now)
{
	const char *why = worker->said.reason ? worker->said.reason : end ? end : "it ended";

	if (!a->ends && (a->connected || !a->last_failure || strcmp(a->last_failure, why) != 0)) {
		cleanup_free char *text = mem_printf("not following libvirt's events: %s", why);

		say(a->reloads ? JOURNAL_INFO : JOURNAL_WARNING, NULL,
		    a->reloads ? "looking at all guests anew" : text);
		a->reloads = false;
		free(a->last_failure);
		a->last_failure = mem_strdup(why);
	}
	a->withdrawn = a->ends && !worker->said.reason && !end;
	a->connected = false;
	workers_dismiss(&a->workers);
	tasks_ready(a);
	reconnect_later(a, now);
}

/* Guests */

/* Who has its lock sees to it, and the lock tells when that has ended. */
static bool is_held(const struct agent *a, const char *uuid)
{
	cleanup_free char *name = mem_printf(LOCK_OF_DOMAIN "%s", uuid);

	return a->locks >= 0 && lock_is_taken(name);
}

void tasks_start_guests(struct agent *a, msec now)
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
		struct worker *worker;

		if (is_held(a, guest->uuid)) {
			queue_held(guest, now);
			continue;
		}
		worker = give(a, TASK_IS_GUEST, words,
			      now + WORKER_MS + a->options->seconds * (msec)1000);
		if (worker)
			memcpy(worker->uuid, guest->uuid, sizeof(worker->uuid));
		else
			queue_ended(&a->queue, guest, OUTCOME_FAILED, QUEUE_NEVER, now);
	}
}

static void look_later(struct agent *a, msec pause, msec now)
{
	if (workers_count(&a->workers, TASK_IS_LOOK))
		a->look_again = true;
	else if (a->look.at == QUEUE_NEVER || a->look.at > now + pause)
		do_later(&a->look, now + pause, LATER_MS);
}

static bool is_worker(const struct agent *a, pid_t pid)
{
	for (size_t i = 0; i < a->workers.n; i++)
		if (a->workers.items[i]->pid == pid)
			return true;
	return false;
}

/* name NULL: any may have been. */
static void freed(void *arg, const char *name)
{
	struct agent *a = arg;
	const char *uuid = name ? name + strlen(LOCK_OF_DOMAIN) : NULL;
	msec now = clock_now();
	bool done = false;

	if (name && strncmp(name, LOCK_OF_DOMAIN, strlen(LOCK_OF_DOMAIN)) != 0)
		return;
	queue_freed(&a->queue, uuid, now);
	if (name && (queue_find(&a->queue, uuid) || is_worker(a, lock_holder(name, &done))))
		return;
	/* Who had it may have been killed before anything but a lease could tell of it. */
	look_later(a, done ? DONE_MS : LATER_MS, now);
	/* Or it has given back what others wait for. */
	if (done)
		queue_host_event(&a->queue, now);
}

void tasks_watch_locks(struct agent *a)
{
	cleanup_err struct err *why = NULL;

	/* Then those who are at work on a guest are met, and asked after now and then. */
	if (lock_watch(&a->locks, &why))
		say(JOURNAL_WARNING, NULL, why->what);
}

void tasks_locks_freed(struct agent *a)
{
	if (lock_watched(a->locks, freed, a))
		return;
	/* Their directory has been removed. */
	(void)close(a->locks);
	a->locks = -1;
	tasks_watch_locks(a);
	freed(a, NULL);
}

static enum outcome outcome_of(const struct said *said)
{
	if (said->lost)
		return OUTCOME_LOST;
	if (said->failed)
		return OUTCOME_FAILED;
	if (said->busy)
		return OUTCOME_BUSY;
	return said->mended ? OUTCOME_MENDED : OUTCOME_CLEAN;
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

/* end: how its process did, if it has. */
static void guest_ended(struct agent *a, struct worker *worker, const char *end, msec now)
{
	struct guest *guest = queue_find(&a->queue, worker->uuid);
	enum outcome outcome;

	/* Nobody tries again what was ended with the agent. */
	if (!guest || a->ends)
		return;
	/* One that was killed could not say so, nor that its guest is stuck. */
	if (end) {
		worker->said.failed = true;
		if (queue_is_last_try(guest))
			(void)give(a, TASK_IS_STUCK,
				   (const char *const[]){TASK_STUCK, guest->uuid, guest->name, end,
							 NULL},
				   now + WORKER_MS);
	}
	outcome = outcome_of(&worker->said);
	queue_ended(&a->queue, guest, outcome,
		    worker->said.again == QUEUE_NEVER ? QUEUE_NEVER : now + worker->said.again,
		    now);
	if (outcome == OUTCOME_FAILED)
		tell_failure(guest, end ? end : worker->said.reason, now);
	if (outcome != OUTCOME_BUSY)
		publish_later(a, now);
	/* It may have freed what others wait for. */
	if (worker->said.mended)
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

/*
 * Of a move that fails nothing is heard: somebody has to look. Should who has the guest's lock go
 * before it has ended, the look at the guest then says so.
 */
static void moves(struct agent *a, const char *uuid, const char *name, bool was_looked_at)
{
	const char *const words[] = {TASK_MOVING, uuid, name, NULL};
	struct worker *worker;

	if (a->ends || is_watched(a, uuid) || strlen(uuid) != UUID_STRLEN - 1)
		return;
	/* Who has just looked at it has its lock still. */
	if (!was_looked_at && is_held(a, uuid)) {
		queue_event(&a->queue, uuid, name, "moving", clock_now());
		return;
	}
	worker = give(a, TASK_IS_MOVING, words, QUEUE_NEVER);
	if (!worker) {
		queue_event(&a->queue, uuid, name, "moving", clock_now());
		return;
	}
	memcpy(worker->uuid, uuid, sizeof(worker->uuid));
	worker->name = mem_strdup(name);
}

/* end: how its process did, if it has. What it could not give the guest is given by others. */
static void watch_ended(struct agent *a, const struct worker *worker, const char *end, msec now)
{
	const struct said *said = &worker->said;

	if (a->ends || !(end || said->failed || said->busy || said->lost))
		return;
	if (said->reason || end)
		say(JOURNAL_WARNING, worker->name, said->reason ? said->reason : end);
	queue_event(&a->queue, worker->uuid, worker->name, "move ended", now);
}

/* The host */

void tasks_devices_changed(struct agent *a, enum uevent_pci what, msec now)
{
	switch (what) {
	case UEVENT_NOTHING:
		return;
	case UEVENT_DEVICES:
		look_later(a, LOOK_MS, now);
		return;
	case UEVENT_DRIVERS:
		queue_host_event(&a->queue, now);
		publish_later(a, now);
		return;
	}
}

void tasks_look(struct agent *a, msec now)
{
	a->look = never;
	a->look_again = false;
	queue_host_event(&a->queue, now);
	publish_later(a, now);
	(void)give(a, TASK_IS_LOOK, (const char *const[]){TASK_LOOK, NULL}, now + WORKER_MS);
}

/* What workers say */

static void set_reason(struct worker *worker, const char *reason)
{
	free(worker->said.reason);
	worker->said.reason = mem_strdup(reason);
}

static void task_ended(struct agent *a, struct worker *worker, const char *end, msec now)
{
	const char *why = worker->said.reason ? worker->said.reason : end;

	switch (worker->task) {
	case TASK_IS_FOLLOW:
		connection_ended(a, worker, end, now);
		break;
	case TASK_IS_GUEST:
		guest_ended(a, worker, end, now);
		break;
	case TASK_IS_LOOK:
		/* What was reserved is free then. */
		if (worker->said.again != QUEUE_NEVER)
			look_later(a, worker->said.again, now);
		if (a->look_again)
			look_later(a, LOOK_MS, now);
		/* fallthrough */
	case TASK_IS_RESIZES:
	case TASK_IS_STUCK:
		if (!a->ends && why)
			say(JOURNAL_WARNING, NULL, why);
		break;
	case TASK_IS_MOVING:
		watch_ended(a, worker, end, now);
		break;
	case TASK_IS_PUBLISH:
		publish_ended(a, worker, end, now);
		break;
	case TASK_IS_NONE:
		break;
	}
}

static void task_done(struct agent *a, struct worker *worker, msec now)
{
	task_ended(a, worker, NULL, now);
	worker_rest(worker, now);
	/* Who began with a connection that is broken by now would lose a task by it. */
	if (!a->connected)
		workers_dismiss(&a->workers);
}

static void heard(struct agent *a, struct worker *worker, const struct line *line)
{
	const char *const *field = line->fields;
	struct guest *guest = queue_find(&a->queue, worker->uuid);
	const char *word = field[0];

	if (!strcmp(word, "guest") && worker->task == TASK_IS_FOLLOW) {
		queue_event(&a->queue, field[1], field[2], field[3], clock_now());
	} else if (!strcmp(word, "passing")) {
		queue_passing(&a->queue, field[1], field[2], field[3], clock_now());
	} else if (!strcmp(word, "guest")) {
		queue_suspect(&a->queue, field[1], field[2], field[3], clock_now());
	} else if (!strcmp(word, "other")) {
		/* It may have a VF now that was free. */
		publish_later(a, clock_now());
	} else if (!strcmp(word, "moving")) {
		moves(a, field[1], field[2], worker->task != TASK_IS_FOLLOW);
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
		worker->said.mended = true;
	} else if (!strcmp(word, "again")) {
		worker->said.again = strtoll(field[1], NULL, 10);
	} else if (!strcmp(word, "failed")) {
		worker->said.failed = true;
		set_reason(worker, field[1]);
	} else if (!strcmp(word, "busy")) {
		worker->said.busy = true;
	} else if (!strcmp(word, "lost")) {
		worker->said.lost = true;
		set_reason(worker, field[1]);
	} else if (!strcmp(word, "done")) {
		task_done(a, worker, clock_now());
	}
}

void tasks_hear(struct agent *a, struct worker *worker)
{
	struct line line;
	enum line_read got;

	while ((got = line_read(&worker->reader, worker->out, &line)) == LINE_ONE)
		heard(a, worker, &line);
	if (got == LINE_END) {
		(void)close(worker->out);
		worker->out = -1;
	}
}

void tasks_worker_ended(struct agent *a, struct worker *worker, msec now)
{
	cleanup_free char *end = worker_end(worker);

	if (worker->out >= 0)
		tasks_hear(a, worker);
	/* It has found that libvirt is not there any more, and has not begun, or not ended, a task.
	 */
	worker->said.lost |= !end;
	task_ended(a, worker, end, now);
	workers_remove(&a->workers, worker);
}
