/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agent's loop.
 *
 * It decides whose turn it is, and no more: it opens neither libvirt nor the store, and reads no
 * device. Whatever can take long, hang or crash is done by workers: processes that it forks, each
 * with one task at a time, which say in lines what they find (daemon/line.h). One follows
 * libvirt's events for as long as the connection lasts; others make one guest each what it should
 * be, a bounded number of them at work at once. The kernel's own events come to the loop directly.
 * Without events it sleeps.
 */
#ifndef VFPOOL_DAEMON_DAEMON_H
#define VFPOOL_DAEMON_DAEMON_H

#include <signal.h>

#include "core/err.h"

#define DAEMON_WORKERS 4
#define DAEMON_WORKERS_MAX 16

/*
 * What a worker is to do. With TASK_WORKS it takes tasks from its standard input, the words of one
 * in each line, and answers each with "done". The others can also be said behind "agent -- " in a
 * command line.
 */
#define TASK_WORKS "works"
#define TASK_FOLLOW "follow"
#define TASK_GUEST "guest" /* UUID NAME CAUSE [last] */
#define TASK_LOOK "look"
#define TASK_RESIZES "resizes"
#define TASK_STUCK "stuck"   /* UUID NAME REASON */
#define TASK_MOVING "moving" /* UUID NAME */
#define TASK_PUBLISH "publish"
#define TASK_WITHDRAW "withdraw"

/* A signal to the one that follows: take back what others were told, and end. */
#define FOLLOW_WITHDRAW SIGUSR1

struct daemon_options {
	/* What a worker does: a task until it is done; returns its exit status. */
	int (*work)(void *arg, const char *task);
	void *arg;
	const char *pools; /* the directory of their definitions */
	unsigned workers;
	unsigned seconds; /* that guests have to let go */
};

/*
 * Returns when it was told to end by SIGTERM or SIGINT; within 2 s. ERR_PARTIAL: what others were
 * told could not be taken back.
 */
int daemon_run(const struct daemon_options *options, struct err **err);

#endif
