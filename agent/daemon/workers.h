/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The processes that do the agent's work. They are forked from it, so they have libvirt loaded from
 * the start. One that has done its task stays for a while: its connection is made.
 */
#ifndef VFPOOL_DAEMON_WORKERS_H
#define VFPOOL_DAEMON_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/clock.h"
#include "core/err.h"
#include "daemon/line.h"
#include "daemon/queue.h"

enum task {
	TASK_IS_NONE, /* it waits for one */
	TASK_IS_FOLLOW,
	TASK_IS_GUEST,
	TASK_IS_LOOK,
	TASK_IS_RESIZES,
	TASK_IS_STUCK,
	TASK_IS_MOVING,
	TASK_IS_PUBLISH,
};

/* What is said about a task while it is done. */
struct said {
	bool mended, failed, busy, lost;
	char *reason;
	msec again; /* QUEUE_NEVER: it was not */
};

struct worker {
	pid_t pid;
	int in;  /* where it takes tasks from; -1: it gets none any more */
	int out; /* its lines; -1: it will say no more */
	struct line_reader reader;
	bool ended; /* its process has */
	int status; /* then, as of waitpid(2) */
	/* Its task. */
	enum task task;
	char uuid[UUID_STRLEN]; /* of its guest; "": it has none */
	char *name;             /* and that one's; NULL: not needed */
	msec deadline;          /* then it is killed; QUEUE_NEVER: it may take its time */
	struct said said;
};

struct workers {
	struct worker **items;
	size_t n;
	/* Does a task in a process of its own, or, with TASK_WORKS, what it is given; returns its
	 * exit status. */
	int (*work)(void *arg, const char *task);
	void *arg;
};

size_t workers_count(const struct workers *workers, enum task task);

/*
 * Gives a task, said by its words (NULL ends them), to one that waits, or to a new process. NULL,
 * with *err: it could not be started.
 */
struct worker *workers_give(struct workers *workers, enum task task, const char *const words[],
			    msec deadline, struct err **err);

/* Starts one of its own that keeps to a task, of this name. */
struct worker *workers_start(struct workers *workers, enum task task, const char *name,
			     msec deadline, struct err **err);

/* Its task is done: it waits for the next one, for so long. */
void worker_rest(struct worker *worker, msec now);

/* Takes note of the processes that have ended. */
void workers_reap(struct workers *workers);

/* Kills those whose time is up, and ends those that waited in vain; returns when the next one's
 * will be. */
msec workers_hurry(const struct workers *workers, msec now);

/* Those that wait, and have a connection to a libvirt that is not there any more, end. */
void workers_dismiss(const struct workers *workers);

/* follow: for the one that follows libvirt's events; the others get signal. */
void workers_signal(const struct workers *workers, int signal, int follow);

/* Forgets one whose process has ended. */
void workers_remove(struct workers *workers, struct worker *worker);

/* How its process ended, in words; NULL: as it should. The caller frees it. */
char *worker_end(const struct worker *worker);

#endif
