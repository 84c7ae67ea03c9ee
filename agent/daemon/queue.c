// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/queue.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* Where it is, or would be. */
static size_t place_of(const struct queue *queue, const char *uuid)
{
	size_t low = 0, high = queue->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(queue->items[middle]->uuid, uuid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct guest *queue_find(const struct queue *queue, const char *uuid)
{
	size_t place = place_of(queue, uuid);

	return place < queue->n && !strcmp(queue->items[place]->uuid, uuid) ? queue->items[place]
									    : NULL;
}

static void guest_free(struct guest *guest)
{
	free(guest->name);
	free(guest->cause);
	free(guest);
}

void queue_clear(struct queue *queue)
{
	for (size_t i = 0; i < queue->n; i++)
		guest_free(queue->items[i]);
	free(queue->items);
	*queue = (struct queue){0};
}

static struct guest *add(struct queue *queue, const char *uuid)
{
	size_t place = place_of(queue, uuid);
	struct guest *guest = mem_zero(1, sizeof(*guest));

	(void)mem_append(&queue->items, &queue->n, sizeof(struct guest *));
	memmove(&queue->items[place + 1], &queue->items[place],
		(queue->n - 1 - place) * sizeof(struct guest *));
	queue->items[place] = guest;
	memcpy(guest->uuid, uuid, strnlen(uuid, sizeof(guest->uuid) - 1));
	guest->due = QUEUE_NEVER;
	return guest;
}

static void take_out(struct queue *queue, struct guest *guest)
{
	size_t place = place_of(queue, guest->uuid);

	queue->n--;
	memmove(&queue->items[place], &queue->items[place + 1],
		(queue->n - place) * sizeof(struct guest *));
	guest_free(guest);
}

static msec later(msec a, msec b)
{
	return a > b ? a : b;
}

static msec sooner(msec a, msec b)
{
	return a < b ? a : b;
}

/* How long to wait after so many failures in a row. */
static msec pause_after(unsigned failures, msec cap)
{
	msec pause = QUEUE_FIRST_MS;

	if (!failures)
		return 0;
	while (--failures && pause < cap)
		pause *= 2;
	return sooner(pause, cap);
}

static void happened(struct queue *queue, const char *uuid, const char *name, const char *cause,
		     msec settle, msec now)
{
	struct guest *guest = queue_find(queue, uuid);

	if (!guest)
		guest = add(queue, uuid);
	free(guest->name);
	guest->name = mem_strdup(name);
	if (guest->works) {
		if (!guest->begun)
			return;
		guest->dirty = true;
	} else if (guest->failures && now - guest->ended < QUEUE_ECHO_MS) {
		/* Another try is on its way; where none is, this might have been no echo. */
		if (guest->stuck)
			guest->due = sooner(guest->due, guest->ended + QUEUE_LAST_MS);
	} else {
		guest->tries = 0;
		guest->due =
			sooner(guest->due,
			       later(now + settle,
				     guest->ended + pause_after(guest->failures, QUEUE_EVENT_MS)));
	}
	free(guest->cause);
	guest->cause = mem_strdup(cause);
}

void queue_event(struct queue *queue, const char *uuid, const char *name, const char *cause,
		 msec now)
{
	happened(queue, uuid, name, cause, QUEUE_SETTLE_MS, now);
}

void queue_passing(struct queue *queue, const char *uuid, const char *name, const char *cause,
		   msec now)
{
	happened(queue, uuid, name, cause, QUEUE_PASSING_MS, now);
}

void queue_suspect(struct queue *queue, const char *uuid, const char *name, const char *cause,
		   msec now)
{
	if (!queue_find(queue, uuid))
		queue_event(queue, uuid, name, cause, now);
}

void queue_host_event(struct queue *queue, msec now)
{
	for (size_t i = 0; i < queue->n; i++) {
		struct guest *guest = queue->items[i];

		/* The work on it may be what has happened. */
		if (!guest->failures)
			continue;
		if (guest->works)
			guest->dirty |= guest->begun;
		else
			guest->due = sooner(
				guest->due,
				later(now + QUEUE_SETTLE_MS,
				      guest->ended + pause_after(guest->failures, QUEUE_EVENT_MS)));
	}
}

struct guest *queue_take(struct queue *queue, msec now)
{
	struct guest *first = NULL;

	for (size_t i = 0; i < queue->n; i++) {
		struct guest *guest = queue->items[i];

		if (!guest->works && guest->due <= now && (!first || guest->due < first->due))
			first = guest;
	}
	if (first) {
		first->works = true;
		first->begun = false;
		first->dirty = false;
		first->due = QUEUE_NEVER;
	}
	return first;
}

void queue_held(struct guest *guest, msec now)
{
	guest->works = false;
	guest->held++;
	guest->due = now + pause_after(guest->held, QUEUE_LAST_MS);
}

void queue_freed(struct queue *queue, const char *uuid, msec now)
{
	for (size_t i = 0; i < queue->n; i++) {
		struct guest *guest = queue->items[i];

		if (guest->works || !(guest->held || guest->busy) ||
		    (uuid && strcmp(guest->uuid, uuid) != 0))
			continue;
		/* The kernel tells of it a moment before it is so. */
		guest->held = 0;
		guest->due = sooner(guest->due, now);
	}
}

bool queue_is_last_try(const struct guest *guest)
{
	return guest->tries + 1 >= QUEUE_TRIES;
}

void queue_begun(struct guest *guest)
{
	guest->begun = true;
}

static void ended_well(struct queue *queue, struct guest *guest, bool mended, msec again, msec now)
{
	guest->stuck = false;
	guest->tries = 0;
	guest->failures = 0;
	guest->mends = mended ? guest->mends + 1 : 0;
	guest->due = again;
	if (guest->dirty) {
		msec pause = guest->mends > QUEUE_MENDS
				     ? pause_after(guest->mends - QUEUE_MENDS, QUEUE_LAST_MS)
				     : QUEUE_SETTLE_MS;

		guest->due = sooner(again, now + pause);
	}
	if (guest->due == QUEUE_NEVER)
		take_out(queue, guest);
}

static void ended_badly(struct guest *guest, msec again, msec now)
{
	guest->failures++;
	guest->mends = 0;
	if (++guest->tries < QUEUE_TRIES) {
		guest->due = sooner(again, now + pause_after(guest->failures, QUEUE_LAST_MS));
		return;
	}
	guest->stuck = true;
	guest->due = guest->dirty ? sooner(again, now + QUEUE_LAST_MS) : again;
}

void queue_ended(struct queue *queue, struct guest *guest, enum outcome outcome, msec again,
		 msec now)
{
	guest->works = false;
	guest->held = 0;
	guest->ended = now;
	guest->busy = outcome == OUTCOME_BUSY ? guest->busy + 1 : 0;
	switch (outcome) {
	case OUTCOME_CLEAN:
	case OUTCOME_MENDED:
		ended_well(queue, guest, outcome == OUTCOME_MENDED, again, now);
		break;
	case OUTCOME_FAILED:
		ended_badly(guest, again, now);
		break;
	case OUTCOME_BUSY:
		guest->due = sooner(again, now + pause_after(guest->busy, QUEUE_BUSY_MS));
		break;
	case OUTCOME_LOST:
		guest->due = now + QUEUE_FIRST_MS;
		break;
	}
}

msec queue_next(const struct queue *queue)
{
	msec next = QUEUE_NEVER;

	for (size_t i = 0; i < queue->n; i++)
		if (!queue->items[i]->works)
			next = sooner(next, queue->items[i]->due);
	return next;
}

size_t queue_stuck(const struct queue *queue)
{
	size_t n = 0;

	for (size_t i = 0; i < queue->n; i++)
		n += queue->items[i]->stuck;
	return n;
}

bool queue_has_held(const struct queue *queue)
{
	for (size_t i = 0; i < queue->n; i++)
		if (queue->items[i]->held)
			return true;
	return false;
}
