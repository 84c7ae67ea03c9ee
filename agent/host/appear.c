// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/appear.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "core/cleanup.h"
#include "core/mem.h"

int appear_open(const char *dir, int *fd, struct err **err)
{
	const uint32_t appears = IN_CREATE | IN_MOVED_TO | IN_ATTRIB;
	cleanup_close int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	const char *slash = strrchr(dir, '/');
	cleanup_free char *above =
		slash && slash != dir ? mem_printf("%.*s", (int)(slash - dir), dir) : NULL;

	if (notify < 0)
		return err_errno(err, errno, "waiting for %s", dir);
	if (inotify_add_watch(notify, dir, appears | IN_ONLYDIR) < 0 &&
	    (!above || inotify_add_watch(notify, above, appears | IN_ONLYDIR) < 0))
		return err_errno(err, errno, "waiting for %s", dir);
	*fd = notify;
	notify = -1;
	return 0;
}

int appear_open_changes(const char *dir, int *fd, struct err **err)
{
	const uint32_t changes = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
				 IN_CLOSE_WRITE | IN_MOVE_SELF | IN_DELETE_SELF;
	cleanup_close int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	cleanup_free char *place = mem_strdup(dir);

	if (notify < 0)
		return err_errno(err, errno, "watching %s", dir);
	while (inotify_add_watch(notify, place, changes | IN_ONLYDIR) < 0) {
		char *slash = strrchr(place, '/');

		if (!slash || slash == place)
			return err_errno(err, errno, "watching %s", dir);
		*slash = '\0';
	}
	*fd = notify;
	notify = -1;
	return 0;
}
