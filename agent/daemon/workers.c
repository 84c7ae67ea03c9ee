// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/workers.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "daemon/daemon.h"
#include "host/child.h"

/* What happens to a guest comes in bunches of some seconds: a start, a move. */
#define REST_MS 10000
/* Then it has nothing more to do than to end. */
#define END_MS 5000

size_t workers_count(const struct workers *workers, enum task task)
{
	size_t n = 0;

	for (size_t i = 0; i < workers->n; i++)
		n += workers->items[i]->task == task;
	return n;
}

struct start {
	const struct workers *workers;
	const char *name;
};

static int work(void *arg)
{
	const struct start *start = arg;

	return start->workers->work(start->workers->arg, start->name);
}

struct worker *workers_start(struct workers *workers, enum task task, const char *name,
			     msec deadline, struct err **err)
{
	struct start start = {.workers = workers, .name = name};
	struct worker *worker;
	int in, out;
	pid_t pid;

	if (child_fork(work, &start, &pid, &in, &out, err))
		return NULL;
	worker = mem_zero(1, sizeof(*worker));
	worker->pid = pid;
	worker->in = in;
	worker->out = out;
	worker->task = task;
	worker->deadline = deadline;
	worker->said.again = QUEUE_NEVER;
	*(struct worker **)mem_append(&workers->items, &workers->n, sizeof(worker)) = worker;
	return worker;
}

static void dismiss(struct worker *worker)
{
	if (worker->in >= 0)
		(void)close(worker->in);
	worker->in = -1;
}

/* A pipe that is read by who waits for it takes a line at once. */
static bool take(struct worker *worker, const char *const words[])
{
	if (line_say_all(worker->in, words))
		return true;
	/* It has just been killed. */
	dismiss(worker);
	return false;
}

struct worker *workers_give(struct workers *workers, enum task task, const char *const words[],
			    msec deadline, struct err **err)
{
	struct worker *worker;

	for (size_t i = 0; i < workers->n; i++) {
		worker = workers->items[i];
		if (worker->task != TASK_IS_NONE || worker->in < 0 || worker->ended ||
		    !take(worker, words))
			continue;
		worker->task = task;
		worker->deadline = deadline;
		return worker;
	}
	worker = workers_start(workers, task, TASK_WORKS, deadline, err);
	/* If it ends at once, that is noticed by itself. */
	if (worker)
		(void)take(worker, words);
	return worker;
}

void worker_rest(struct worker *worker, msec now)
{
	free(worker->said.reason);
	worker->said = (struct said){.again = QUEUE_NEVER};
	worker->task = TASK_IS_NONE;
	worker->uuid[0] = '\0';
	free(steal(&worker->name));
	worker->deadline = now + REST_MS;
}

void workers_reap(struct workers *workers)
{
	pid_t pid;
	int status;

	while ((pid = child_ended(&status)))
		for (size_t i = 0; i < workers->n; i++)
			if (workers->items[i]->pid == pid) {
				workers->items[i]->ended = true;
				workers->items[i]->status = status;
			}
}

msec workers_hurry(const struct workers *workers, msec now)
{
	msec next = QUEUE_NEVER;

	for (size_t i = 0; i < workers->n; i++) {
		struct worker *worker = workers->items[i];

		if (worker->ended)
			continue;
		if (worker->deadline <= now && worker->task == TASK_IS_NONE && worker->in >= 0) {
			dismiss(worker);
			worker->deadline = now + END_MS;
		} else if (worker->deadline <= now) {
			(void)kill(worker->pid, SIGKILL);
			/* One that waits in the kernel ends when that lets it. */
			worker->deadline = QUEUE_NEVER;
		}
		if (worker->deadline < next)
			next = worker->deadline;
	}
	return next;
}

void workers_dismiss(const struct workers *workers)
{
	for (size_t i = 0; i < workers->n; i++)
		if (workers->items[i]->task == TASK_IS_NONE)
			dismiss(workers->items[i]);
}

void workers_signal(const struct workers *workers, int signal, int follow)
{
	for (size_t i = 0; i < workers->n; i++) {
		const struct worker *worker = workers->items[i];

		if (!worker->ended)
			(void)kill(worker->pid, worker->task == TASK_IS_FOLLOW ? follow : signal);
	}
}

void workers_remove(struct workers *workers, struct worker *worker)
{
	size_t i = 0;

	while (workers->items[i] != worker)
		i++;
	workers->n--;
	memmove(&workers->items[i], &workers->items[i + 1],
		(workers->n - i) * sizeof(struct worker *));
	dismiss(worker);
	if (worker->out >= 0)
		(void)close(worker->out);
	free(worker->said.reason);
	free(worker->name);
	free(worker);
}

char *worker_end(const struct worker *worker)
{
	if (WIFSIGNALED(worker->status))
		return mem_printf("the worker was killed by signal %d", WTERMSIG(worker->status));
	if (WEXITSTATUS(worker->status))
		return mem_printf("the worker failed with exit status %d",
				  WEXITSTATUS(worker->status));
	return NULL;
}
