/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which guest is to be converged, and when. Pure: knows no process, no clock but the one it is
 * told.
 *
 * A guest is here from the first event about it until a converge has found nothing more to do; one
 * at a time works on it. What happens meanwhile is seen by another one afterwards, unless it
 * happened before the work had begun to look. Failures are repeated, later each time; after
 * QUEUE_TRIES of them the guest is stuck, until something happens to it. What our own work makes
 * happen is no reason to try again sooner: else a guest that fails at once would keep a host busy.
 */
#ifndef VFPOOL_DAEMON_QUEUE_H
#define VFPOOL_DAEMON_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "model/lease.h"

#define QUEUE_NEVER INT64_MAX

#define QUEUE_SETTLE_MS 20    /* events come in bunches: the first one waits for its fellows */
#define QUEUE_PASSING_MS 1000 /* what a guest does by itself keeps no worker busy */
#define QUEUE_ECHO_MS 1000    /* as late as that, what happens is due to our own work */
#define QUEUE_FIRST_MS 1000   /* after the first failure; twice as long after each further one */
#define QUEUE_LAST_MS 60000   /* but no longer than this */
#define QUEUE_EVENT_MS 8000   /* nor this, when something has happened to guest or host */
#define QUEUE_TRIES 8         /* then it is stuck */
#define QUEUE_BUSY_MS 8000    /* nor this, while somebody else is at work on it */
#define QUEUE_MENDS 3         /* that all found something to do: from then on as if they failed */

enum outcome {
	OUTCOME_CLEAN,  /* nothing was to be done */
	OUTCOME_MENDED, /* something was done; all is as it should be */
	OUTCOME_FAILED,
	OUTCOME_BUSY, /* somebody else is at work on it: nobody's failure */
	OUTCOME_LOST, /* libvirt has gone away: that is not the guest's failure */
};

struct guest {
	char uuid[UUID_STRLEN];
	char *name;
	char *cause;   /* what happened to it last: "started" */
	msec due;      /* QUEUE_NEVER: not before something happens */
	msec ended;    /* when the last work on it did */
	unsigned held; /* so often in a row another process had its lock */
	bool works;    /* it is being converged now, */
	bool begun;    /* and has been looked at, */
	bool dirty;    /* and something has happened since then */
	bool stuck;
	unsigned tries;    /* failures since the last event */
	unsigned failures; /* in a row */
	unsigned mends;    /* in a row */
	unsigned busy;     /* so often in a row somebody else was at work on it */
};

struct queue {
	struct guest **items; /* by UUID */
	size_t n;
};

void queue_clear(struct queue *queue);
struct guest *queue_find(const struct queue *queue, const char *uuid); /* NULL: not there */

/* Something has happened to a guest. */
void queue_event(struct queue *queue, const char *uuid, const char *name, const char *cause,
		 msec now);

/* The same of what it can do by itself, as often as it likes: it starts anew. */
void queue_passing(struct queue *queue, const char *uuid, const char *name, const char *cause,
		   msec now);

/* The same, but for one that is here already: that is known to need something. */
void queue_suspect(struct queue *queue, const char *uuid, const char *name, const char *cause,
		   msec now);

/* Something has happened to the host: whoever could not be helped may be, now. */
void queue_host_event(struct queue *queue, msec now);

/* The guest that has been due longest; NULL: none is. It is at work from now on. */
struct guest *queue_take(struct queue *queue, msec now);

/*
 * One that was taken is not to be worked on yet: another process is at it. That this has ended is
 * told by queue_freed(), of one guest or, uuid NULL, of any; else it is looked at later each time.
 */
void queue_held(struct guest *guest, msec now);
void queue_freed(struct queue *queue, const char *uuid, msec now);

/* Will it be stuck if this fails, too? Of a guest at work. */
bool queue_is_last_try(const struct guest *guest);

/* The work has begun to look: what happens from now on it may not see. */
void queue_begun(struct guest *guest);

/*
 * It has ended. again is when it is to be looked at without any event; QUEUE_NEVER: it need not be.
 * The guest may be gone from the queue after that.
 */
void queue_ended(struct queue *queue, struct guest *guest, enum outcome outcome, msec again,
		 msec now);

/* When the next one is due; QUEUE_NEVER: none will be. */
msec queue_next(const struct queue *queue);

size_t queue_stuck(const struct queue *queue);  /* how many are */
bool queue_has_held(const struct queue *queue); /* is another process at one of them? */

#endif
