/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes that do the agent's work. */
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
	TASK_IS_FOLLOW,
	TASK_IS_GUEST,
	TASK_IS_LOOK,
	TASK_IS_RESIZES,
	TASK_IS_STUCK,
	TASK_IS_MOVING,
	TASK_IS_PUBLISH,
};

struct worker {
	enum task task;
	pid_t pid;
	int fd; /* its lines; -1: it will say no more */
	struct line_reader reader;
	msec deadline; /* then it is killed; QUEUE_NEVER: it may stay */
	bool ended;    /* its process has */
	int status;    /* then, as of waitpid(2) */
	/* What it has said. */
	char uuid[UUID_STRLEN]; /* of its guest */
	bool mended, failed, busy, lost;
	char *reason;
	msec again;
};

struct workers {
	struct worker **items;
	size_t n;
};

size_t workers_count(const struct workers *workers, enum task task);

/* NULL, with *err: it could not be started. */
struct worker *workers_start(struct workers *workers, enum task task, const char *const argv[],
			     msec deadline, struct err **err);

/* Takes note of the processes that have ended. */
void workers_reap(struct workers *workers);

/* Kills those whose time is up; returns when the next one's will be. */
msec workers_hurry(const struct workers *workers, msec now);

/* follow: for the one that follows libvirt's events; the others get signal. */
void workers_signal(const struct workers *workers, int signal, int follow);

/* Forgets one whose process has ended. */
void workers_remove(struct workers *workers, struct worker *worker);

/* How its process ended, in words; NULL: as it should. The caller frees it. */
char *worker_end(const struct worker *worker);

#endif
