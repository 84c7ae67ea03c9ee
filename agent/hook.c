// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vfpool-hook: libvirt's hook for QEMU guests. hook/ has what it answers; here is how it is called.
 * libvirt runs it with NAME OP SUB-OP EXTRA, the guest's XML on stdin and an empty environment, and
 * waits. It reads both pipes until they are closed: nothing of ours is left behind to hold them.
 *
 * Nothing here may fail a guest that has nothing to do with vfpool, and never one that runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "converge/pools.h"
#include "core/cleanup.h"
#include "core/clock.h"
#include "core/harmless.h"
#include "core/mem.h"
#include "hook/hook.h"
#include "host/lock.h"
#include "host/poolfiles.h"

/*
 * How long it may be kept waiting, by whatever; how long by other vfpool processes. What a busy
 * host takes for its processors does not count: a guest is not refused because a hundred others
 * start.
 */
#define WAIT_MS 900
#define PATIENCE_MS 400
#define ALL_MS 10000

#define CONFIGS_DIR "/etc/libvirt/qemu"

static const char *guest = "?";
static volatile sig_atomic_t status_when_late;
static msec began;

/* Running, or waiting for a processor, in ms; -1: the kernel does not tell. */
static msec busy_ms(void)
{
	int fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
	uint64_t numbers[2] = {0};
	size_t n = 0;
	char text[64];
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, text, sizeof(text));
	(void)close(fd);
	for (ssize_t i = 0; i < got && n < 2; i++) {
		if (text[i] == ' ')
			n++;
		else if (text[i] >= '0' && text[i] <= '9')
			numbers[n] = numbers[n] * 10 + (uint64_t)(text[i] - '0');
	}
	return n == 2 ? (msec)((numbers[0] + numbers[1]) / 1000000) : -1;
}

/* Whatever it hangs in, libvirt must not. */
static void too_late(int signo)
{
	static const char words[] = ": no answer in time: the host is very busy, or its disk or "
				    "a driver does not answer\n";

	int error = errno;
	msec busy = busy_ms(), all = clock_now() - began;

	(void)signo;
	if (busy >= 0 && all - busy < WAIT_MS && all < ALL_MS) {
		errno = error;
		return;
	}
	(void)!write(STDERR_FILENO, "vfpool-hook: ", 13);
	(void)!write(STDERR_FILENO, guest, strlen(guest));
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(status_when_late);
}

static void be_quick(void)
{
	const struct sigaction action = {.sa_handler = too_late, .sa_flags = SA_RESTART};
	const struct itimerval timer = {.it_value.tv_usec = WAIT_MS * 1000,
					.it_interval.tv_usec = WAIT_MS * 100};

	began = clock_now();
	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* NULL: it cannot be read. One that is too long is cut, and then is no XML. */
static char *read_xml(struct err **err)
{
	size_t have = 0, room = 1 << 15;
	cleanup_free char *xml = mem_grow(NULL, room, 1);
	ssize_t got;

	while ((got = read(STDIN_FILENO, xml + have, room - have - 1)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			(void)err_errno(err, errno, "reading the guest's XML");
			return NULL;
		}
		have += (size_t)got;
		if (have > HOOK_XML_MAX)
			break;
		if (have == room - 1)
			xml = mem_grow(steal(&xml), room *= 2, 1);
	}
	xml[have] = '\0';
	return steal(&xml);
}

struct opened {
	struct edges edges;
	struct pools pools;
	bool pools_read;
};

static int open_pools(struct opened *o, struct err **err)
{
	if (o->pools_read)
		return 0;
	if (pools_read(POOLS_DIR, &o->pools, err) || pools_settle(o->edges.host, &o->pools, err))
		return -1;
	o->pools_read = true;
	o->edges.pools = o->pools.n ? &o->pools : NULL;
	return 0;
}

/* No answer needs the store for reading first and for writing later. */
static int open_edges(void *arg, unsigned what, struct edges **edges, struct err **err)
{
	struct opened *o = arg;

	if (what & HOOK_HOST && !o->edges.host && host_open(NULL, &o->edges.host, err))
		return -1;
	if (what & HOOK_POOLS && open_pools(o, err))
		return -1;
	if (what & (HOOK_STORE | HOOK_STORE_WRITE) && !o->edges.store &&
	    store_open_within(STORE_PATH, what & HOOK_STORE_WRITE, PATIENCE_MS, &o->edges.store,
			      err))
		return -1;
	*edges = &o->edges;
	return 0;
}

static int answer(const char *const *args, char **changed, struct err **err)
{
	struct opened opened = {.edges = {.now = clock_now,
					  .wall = clock_wall,
					  .lock = lock_take,
					  .share = lock_share}};
	const struct hook_call call = {
		.name = args[0],
		.op = args[1],
		.sub_op = args[2],
		.configs = CONFIGS_DIR,
		.deadline = clock_now() + PATIENCE_MS,
		.changed = changed,
		.open = open_edges,
		.arg = &opened,
	};
	cleanup_free char *xml = NULL;
	int result;

	if (!hook_asks(&call))
		return 0;
	status_when_late = hook_can_refuse(&call) ? EXIT_FAILURE : EXIT_SUCCESS;
	be_quick();
	xml = read_xml(err);
	result = xml ? hook_answer(&call, xml, err) : -1;
	if (opened.edges.store)
		opened.edges.store->ops->close(opened.edges.store);
	if (opened.edges.host)
		opened.edges.host->ops->close(opened.edges.host);
	pools_clear(&opened.pools);
	return result && hook_can_refuse(&call) ? -1 : 0;
}

static int told(const char *option)
{
	if (!strcmp(option, "--version"))
		(void)printf("vfpool-hook %s\n", VFPOOL_VERSION);
	else if (!strcmp(option, "--help"))
		(void)printf(
			"Usage: vfpool-hook NAME OPERATION SUB-OPERATION EXTRA < XML\n" HOOK_MARK
			"; `vfpool hook-install` puts it where libvirt "
			"finds it.\n");
	else
		return -1;
	return fflush(stdout) == 0 ? 0 : -1;
}

/* Whole, or the guest does not come. */
static int print_changed(int fd, const char *xml, struct err **err)
{
	size_t size = strlen(xml), done = 0;

	while (done < size) {
		ssize_t got = write(fd, xml + done, size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_errno(err, errno, "writing the guest's XML");
		done += (size_t)got;
	}
	return 0;
}

int main(int argc, char **argv)
{
	cleanup_err struct err *err = NULL;
	cleanup_free char *changed = NULL;
	cleanup_close int out = -1;
	char *shown;
	int status;

	if (argc == 2 && !told(argv[1]))
		return EXIT_SUCCESS;
	if (argc < 4) {
		(void)fprintf(stderr, "vfpool-hook: it takes NAME OPERATION SUB-OPERATION EXTRA, "
				      "and the guest's XML on stdin\n");
		return 2;
	}
	/* libvirt takes what comes out there for the guest's new XML. */
	out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (!freopen("/dev/null", "w", stdout))
		(void)close(STDOUT_FILENO);
	(void)signal(SIGPIPE, SIG_IGN);
	shown = mem_strdup(argv[1]);
	harmless(shown);
	guest = shown;
	status = answer((const char *const *)&argv[1], &changed, &err) ||
				 (changed && print_changed(out, changed, &err))
			 ? EXIT_FAILURE
			 : EXIT_SUCCESS;
	err_print(err, stderr);
	return status;
}
