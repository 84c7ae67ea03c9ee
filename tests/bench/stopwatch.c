// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Times two commands against each other: stopwatch PAIRS CMD [ARG...] -- CMD [ARG...]
 *
 * They run in turn, and the order changes with every pair, so that what else the machine does
 * meets both alike. A line a pair: microseconds of the first and of the second, then the peak of
 * their resident memory in KiB. What they print is thrown away; one that fails ends it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

struct figure {
	long long us;
	long kib;
};

static long long now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

#define INPUT_FD 10

static struct figure measure(char **argv)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	long long start;
	int status, error;
	char input[32];
	pid_t pid;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	/* Opened anew, so that each reads it from the beginning; 0 itself is closed before. */
	(void)snprintf(input, sizeof(input), "/proc/self/fd/%d",
		       fcntl(0, F_DUPFD_CLOEXEC, INPUT_FD) < 0 ? 0 : INPUT_FD);
	(void)posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
	start = now_us();
	error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	if (error) {
		(void)fprintf(stderr, "stopwatch: %s: %s\n", argv[0], strerror(error));
		exit(1);
	}
	while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	start = now_us() - start;
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(INPUT_FD);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		(void)fprintf(stderr, "stopwatch: %s failed, status %#x\n", argv[0], status);
		exit(1);
	}
	return (struct figure){.us = start, .kib = usage.ru_maxrss};
}

int main(int argc, char **argv)
{
	long pairs = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	int second = 0;

	for (int i = 3; i < argc - 1 && !second; i++)
		if (!strcmp(argv[i], "--"))
			second = i + 1;
	if (pairs < 1 || !second) {
		(void)fprintf(stderr, "usage: stopwatch PAIRS CMD [ARG...] -- CMD [ARG...]\n");
		return 2;
	}
	argv[second - 1] = NULL;
	for (long i = 0; i < pairs; i++) {
		struct figure a = {0}, b;

		if (i % 2 == 0)
			a = measure(argv + 2);
		b = measure(argv + second);
		if (i % 2 == 1)
			a = measure(argv + 2);
		(void)printf("%lld %lld %ld %ld\n", a.us, b.us, a.kib, b.kib);
		if (fflush(stdout))
			return 1;
	}
	return 0;
}
