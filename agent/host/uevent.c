// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "core/cleanup.h"

#define KERNEL_GROUP 1       /* group 2 is udevd's, and anybody's with CAP_NET_ADMIN */
#define EVENT_SIZE 8192      /* the kernel's own limit is 2048 and the path */
#define QUEUE_SIZE (1 << 20) /* a PF's hundreds of VFs come and go at once */

int uevent_open(int *fd, struct err **err)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
	const int size = QUEUE_SIZE;
	cleanup_close int sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
					NETLINK_KOBJECT_UEVENT);

	if (sock < 0)
		return err_errno(err, errno, "opening a socket for the kernel's device events");
	/* Best effort: when the queue is too short events are lost, and that is told. */
	if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(sock, (const struct sockaddr *)&addr, sizeof(addr)))
		return err_errno(err, errno, "listening to the kernel's device events");
	*fd = sock;
	sock = -1;
	return 0;
}

/* "bind@/devices/pci0000:00/0000:00:01.0/0000:01:10.0", a zero, and pairs behind it. */
bool uevent_concerns(const char *text, size_t size, struct pciaddr device)
{
	char address[PCIADDR_STRLEN + 1] = "/";
	const char *path = memchr(text, '@', strnlen(text, size));
	const char *end = text + strnlen(text, size);
	size_t want;

	if (!path)
		return false;
	(void)pciaddr_format(device, address + 1);
	want = strlen(address);
	for (; (size_t)(end - path) >= want; path++)
		if (!memcmp(path, address, want) && (path + want == end || path[want] == '/'))
			return true;
	return false;
}

/* The next one that the kernel itself sent. 1: its size is in *size, 0 when events were lost; 0:
 * none is there; -1: errno. */
static int next(int fd, char text[EVENT_SIZE], size_t *size)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = text, .iov_len = EVENT_SIZE};
		struct msghdr head = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};
		ssize_t got = recvmsg(fd, &head, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return 0;
		if (got < 0 && errno != ENOBUFS)
			return -1;
		if (got >= 0 && (from.nl_pid != 0 || from.nl_groups != KERNEL_GROUP))
			continue;
		*size = got < 0 ? 0 : (size_t)got;
		return 1;
	}
}

/* 1: an event of the device; 0: nothing more to read; -1: *err. */
static int drain(int fd, struct pciaddr device, struct err **err)
{
	char text[EVENT_SIZE];
	int concerned = 0, got;
	size_t size;

	while ((got = next(fd, text, &size)) > 0)
		if (!size || uevent_concerns(text, size, device))
			concerned = 1;
	if (got < 0)
		return err_errno(err, errno, "reading the kernel's device events");
	return concerned;
}

/* The value of a pair behind the path; NULL: there is none. */
static const char *value_of(const char *text, size_t size, const char *name)
{
	size_t length = strlen(name);
	const char *end = text + size;

	/* A pair that is cut has no zero at its end, and is none. */
	for (const char *p = text, *zero; (zero = memchr(p, 0, (size_t)(end - p))); p = zero + 1)
		if ((size_t)(zero - p) > length && !memcmp(p, name, length) && p[length] == '=')
			return p + length + 1;
	return NULL;
}

enum uevent_pci uevent_pci_of(const char *text, size_t size)
{
	static const struct {
		const char *action;
		enum uevent_pci what;
	} actions[] = {
		{"add", UEVENT_DEVICES},
		{"remove", UEVENT_DEVICES},
		{"bind", UEVENT_DRIVERS},
		{"unbind", UEVENT_DRIVERS},
	};
	const char *subsystem = value_of(text, size, "SUBSYSTEM");
	const char *action = value_of(text, size, "ACTION");

	if (!subsystem || strcmp(subsystem, "pci") != 0 || !action)
		return UEVENT_NOTHING;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(action, actions[i].action))
			return actions[i].what;
	return UEVENT_NOTHING;
}

enum uevent_pci uevent_of_pci(int fd)
{
	enum uevent_pci all = UEVENT_NOTHING;
	char text[EVENT_SIZE];
	size_t size;

	while (next(fd, text, &size) > 0) {
		enum uevent_pci what = size ? uevent_pci_of(text, size) : UEVENT_DEVICES;

		if (what > all)
			all = what;
	}
	return all;
}

int uevent_wait(int fd, struct pciaddr device, msec deadline, struct err **err)
{
	for (;;) {
		struct pollfd poller = {.fd = fd, .events = POLLIN};
		int got = drain(fd, device, err);
		int left;

		if (got)
			return got;
		left = clock_left(deadline, clock_now());
		if (!left)
			return 0;
		if (poll(&poller, 1, left) < 0 && errno != EINTR)
			return err_errno(err, errno, "waiting for the kernel's device events");
	}
}
