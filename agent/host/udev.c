// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/udev.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/appear.h"

/* What it knows of a netdev is in a file of its own, written when it has named it. */
bool udev_knows(const char *dir, unsigned long ifindex)
{
	cleanup_free char *path = mem_printf("%s/data/n%lu", dir, ifindex);

	return !access(path, F_OK);
}

static bool is_running(const char *dir)
{
	cleanup_free char *path = mem_printf("%s/control", dir);

	return !access(path, F_OK);
}

int udev_wait(const char *dir, bool (*done)(void *arg), void *arg, msec deadline, struct err **err)
{
	cleanup_free char *data = mem_printf("%s/data", dir);

	if (!is_running(dir) || done(arg))
		return 1;
	for (;;) {
		cleanup_close int fd = -1;
		struct pollfd poller = {.events = POLLIN};
		int left;

		if (appear_open(data, &fd, err))
			return -1;
		/* What appeared before that is not told. */
		if (done(arg))
			return 1;
		left = clock_left(deadline, clock_now());
		if (!left)
			return 0;
		poller.fd = fd;
		if (poll(&poller, 1, left) < 0 && errno != EINTR)
			return err_errno(err, errno, "waiting for udev");
	}
}
