// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/filewatch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"

enum { REPLACED = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO };

int filewatch_open(const char *path, int *fd, struct err **err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir =
		slash ? mem_printf("%.*s", (int)(slash - path + 1), path) : mem_strdup(".");
	cleanup_close int watch = inotify_init1(IN_CLOEXEC);

	if (watch < 0 || inotify_add_watch(watch, dir, IN_MODIFY | REPLACED | IN_ONLYDIR) < 0)
		return err_errno(err, errno, "watching %s", dir);
	*fd = watch;
	watch = -1;
	return 0;
}

int filewatch_wait(int fd, const char *path, bool *replaced, struct err **err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	bool ours = false;

	*replaced = false;
	while (!ours) {
		const struct inotify_event *event;
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, errno, "watching %s", path);
		for (const char *p = buffer; p < buffer + got; p += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)(const void *)p;
			if (event->mask & (IN_Q_OVERFLOW | IN_IGNORED)) {
				ours = *replaced = true;
			} else if (event->len && !strncmp(event->name, name, strlen(name))) {
				ours = true;
				*replaced |= !event->name[strlen(name)] && event->mask & REPLACED;
			}
		}
	}
	return 0;
}
