// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/workers.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "host/child.h"

size_t workers_count(const struct workers *workers, enum task task)
{
	size_t n = 0;

	for (size_t i = 0; i < workers->n; i++)
		n += workers->items[i]->task == task;
	return n;
}

struct worker *workers_start(struct workers *workers, enum task task, const char *const argv[],
			     msec deadline, struct err **err)
{
	struct worker *worker;
	pid_t pid;
	int fd;

	if (child_again(argv, &pid, &fd, err))
		return NULL;
	worker = mem_zero(1, sizeof(*worker));
	worker->task = task;
	worker->pid = pid;
	worker->fd = fd;
	worker->deadline = deadline;
	worker->again = QUEUE_NEVER;
	*(struct worker **)mem_append(&workers->items, &workers->n, sizeof(worker)) = worker;
	return worker;
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
		if (worker->deadline <= now) {
			(void)kill(worker->pid, SIGKILL);
			/* One that waits in the kernel ends when that lets it. */
			worker->deadline = QUEUE_NEVER;
		}
		if (worker->deadline < next)
			next = worker->deadline;
	}
	return next;
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
	if (worker->fd >= 0)
		(void)close(worker->fd);
	free(worker->reason);
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
