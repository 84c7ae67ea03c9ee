/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can hang is done by a child process, so that a deadline can be kept. No shell is involved
 * anywhere.
 */
#ifndef VFPOOL_HOST_CHILD_H
#define VFPOOL_HOST_CHILD_H

#include <sys/types.h>

#include "core/clock.h"
#include "core/err.h"

enum child_end {
	CHILD_DONE,
	CHILD_REFUSED, /* the write failed; .error says how */
	CHILD_STOPPED, /* it was not done by the deadline, and could be ended */
	CHILD_HANGS,   /* it was not done by the deadline, and waits in the kernel still */
};

struct child_result {
	enum child_end end;
	int error; /* an errno */
	pid_t pid;
};

/*
 * Makes one write(2) of text to fd. The child has no other descriptor open but keep (-1: none):
 * a lock in it is held for as long as the kernel takes, whatever becomes of us.
 */
struct child_result child_write(int fd, const char *text, int keep, msec deadline);

/*
 * Runs a program (argv[0], found in PATH) with no input, and gives what it wrote to its standard
 * output, at most CHILD_OUTPUT_MAX bytes; the caller frees it. ERR_ABSENT: there is no such
 * program; ERR_FAILED: its exit status is not 0; ERR_TIMEOUT: it was killed.
 */
#define CHILD_OUTPUT_MAX 65536
int child_run(const char *const argv[], msec deadline, char **out, struct err **err);

/*
 * Forks, and has the child do work(arg) with its standard input and output in pipes, of which *in
 * and *out are our ends (the latter does not block); what that returns is its exit status. The
 * child has all that is in our memory, libraries too, but no other descriptor than the standard
 * ones and no signal blocked, and gets SIGTERM when we end. For a process with one thread.
 */
int child_fork(int (*work)(void *arg), void *arg, pid_t *pid, int *in, int *out, struct err **err);

/* A child that has ended, and how (as waitpid(2) says it): 0: none has. */
pid_t child_ended(int *status);

#endif
