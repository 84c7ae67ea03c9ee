// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"

/* A killed process needs a moment, unless it waits in the kernel. */
#define DYING_MS 1000

/* A process without descriptors that others may wait for. */
static void close_all_but(const int *keep, size_t n)
{
	for (unsigned low = 0;; low++) {
		unsigned next = UINT_MAX;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned)keep[i] >= low && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next > low)
			(void)close_range(low, next == UINT_MAX ? next : next - 1, 0);
		if (next == UINT_MAX)
			return;
		low = next;
	}
}

/* Between fork and end only what is safe there. answer is open for as long as it lives. */
static void write_and_end(int fd, const char *text, size_t size, int keep, int answer)
	__attribute__((noreturn));

static void write_and_end(int fd, const char *text, size_t size, int keep, int answer)
{
	ssize_t put;
	int error;

	close_all_but((const int[]){fd, keep, answer}, 3);
	put = write(fd, text, size);
	error = put == (ssize_t)size ? 0 : put < 0 ? errno : EIO;
	(void)!write(answer, &error, sizeof(error));
	_Exit(EXIT_SUCCESS);
}

/* Reads until all writers have gone. 0, ETIMEDOUT, or an errno; *have is what there was by then. */
static int read_until(int fd, void *buffer, size_t size, size_t *have, msec deadline)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	for (;;) {
		int left = clock_left(deadline, clock_now());
		int ready = poll(&poller, 1, left);
		char rest[512];
		ssize_t got;

		if (ready < 0 && errno != EINTR)
			return errno;
		if (!ready && !left)
			return ETIMEDOUT;
		if (ready <= 0)
			continue;
		if (*have < size)
			got = read(fd, (char *)buffer + *have, size - *have);
		else
			got = read(fd, rest,
				   sizeof(rest)); /* too much: it must not block for that */
		if (got < 0 && errno != EINTR)
			return errno;
		if (!got)
			return 0;
		if (got > 0 && *have < size)
			*have += (size_t)got;
	}
}

static void reap(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return;
}

struct child_result child_write(int fd, const char *text, int keep, msec deadline)
{
	struct child_result result = {.end = CHILD_REFUSED};
	int ends[2], status, error = 0;
	size_t have = 0;

	if (pipe2(ends, O_CLOEXEC)) {
		result.error = errno;
		return result;
	}
	result.pid = fork();
	if (result.pid == 0)
		write_and_end(fd, text, strlen(text), keep, ends[1]);
	result.error = errno;
	(void)close(ends[1]);
	if (result.pid > 0) {
		result.end = CHILD_DONE;
		if (read_until(ends[0], &error, sizeof(error), &have, deadline)) {
			(void)kill(result.pid, SIGKILL);
			result.end = read_until(ends[0], &error, sizeof(error), &have,
						clock_now() + DYING_MS)
					     ? CHILD_HANGS
					     : CHILD_STOPPED;
		}
		/* It can have been done in the last moment; and it may have been killed by others.
		 */
		if (result.end != CHILD_HANGS && have == sizeof(error))
			result.end = error ? CHILD_REFUSED : CHILD_DONE;
		else if (result.end == CHILD_DONE)
			result.end = CHILD_STOPPED;
		result.error = error;
		if (result.end != CHILD_HANGS)
			reap(result.pid, &status);
	}
	(void)close(ends[0]);
	return result;
}

static int spawn(const char *const argv[], int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return error;
	error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
							 O_WRONLY, 0);
	if (!error)
		error = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* What has closed its output has said all, but it may stay. */
static bool ends_by(pid_t pid, msec deadline)
{
	cleanup_close int pidfd = pidfd_open(pid, 0);
	struct pollfd poller = {.fd = pidfd, .events = POLLIN};

	return pidfd >= 0 && poll(&poller, 1, clock_left(deadline, clock_now())) > 0;
}

int child_run(const char *const argv[], msec deadline, char **out, struct err **err)
{
	cleanup_free char *text = mem_zero(1, CHILD_OUTPUT_MAX + 1);
	int ends[2], status = 0, error;
	size_t have = 0;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, errno, "running %s", argv[0]);
	error = spawn(argv, ends[1], &pid);
	(void)close(ends[1]);
	if (error) {
		(void)close(ends[0]);
		if (error == ENOENT)
			return err_set(err, ERR_ABSENT, "there is no program %s", argv[0]);
		return err_errno(err, error, "running %s", argv[0]);
	}
	error = read_until(ends[0], text, CHILD_OUTPUT_MAX, &have, deadline);
	(void)close(ends[0]);
	if (error || !ends_by(pid, deadline))
		(void)kill(pid, SIGKILL);
	reap(pid, &status);
	if (error == ETIMEDOUT)
		return err_set(err, ERR_TIMEOUT, "%s gave no answer in time", argv[0]);
	if (error)
		return err_errno(err, error, "reading what %s says", argv[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(err, ERR_FAILED, "%s failed", argv[0]);
	*out = steal(&text);
	return 0;
}

/* It may have ended before it was asked to tell. */
static bool begins(int in, int out, pid_t parent)
{
	sigset_t none;

	(void)sigemptyset(&none);
	return dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
	       !prctl(PR_SET_PDEATHSIG, SIGTERM) && getppid() == parent &&
	       !close_range(STDERR_FILENO + 1, UINT_MAX, 0) &&
	       !sigprocmask(SIG_SETMASK, &none, NULL);
}

int child_fork(int (*work)(void *arg), void *arg, pid_t *pid, int *in, int *out, struct err **err)
{
	pid_t parent = getpid();
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC))
		return err_errno(err, errno, "starting a process");
	if (pipe2(from, O_CLOEXEC)) {
		err_errno(err, errno, "starting a process");
		(void)close(to[0]);
		(void)close(to[1]);
		return -1;
	}
	/* What is to be written yet is ours to write. */
	(void)fflush(NULL);
	*pid = fork();
	if (*pid == 0) {
		int status = begins(to[0], from[1], parent) ? work(arg) : EXIT_FAILURE;

		(void)fflush(NULL);
		_Exit(status);
	}
	if (*pid < 0)
		err_errno(err, errno, "starting a process");
	(void)close(to[0]);
	(void)close(from[1]);
	if (*pid < 0) {
		(void)close(to[1]);
		(void)close(from[0]);
		return -1;
	}
	(void)fcntl(from[0], F_SETFL, O_NONBLOCK);
	*in = to[1];
	*out = from[0];
	return 0;
}

pid_t child_ended(int *status)
{
	pid_t pid;

	do
		pid = waitpid(-1, status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	return pid > 0 ? pid : 0;
}
