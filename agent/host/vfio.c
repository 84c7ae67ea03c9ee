// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/vfio.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/file.h"

#define NAMES_MAX 2

struct wanted {
	char *paths[NAMES_MAX];
	size_t n;
};

static bool is_wanted(const struct wanted *wanted, const char *path)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (!strcmp(wanted->paths[i], path))
			return true;
	return false;
}

static bool has_open(const char *pid, const struct wanted *wanted)
{
	cleanup_free char *path = mem_printf("/proc/%s/fd", pid);
	DIR *dir = opendir(path);
	bool found = false;

	for (const struct dirent *entry; dir && !found && (entry = readdir(dir));) {
		char target[PATH_MAX];
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (size <= 0)
			continue;
		target[size] = '\0';
		found = is_wanted(wanted, target);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static char *name_of(const char *pid)
{
	cleanup_free char *path = mem_printf("/proc/%s/comm", pid), *name = NULL;

	if (file_read(path, &name, NULL))
		return mem_printf("process %s", pid);
	name[strcspn(name, "\n")] = '\0';
	return mem_printf("%s (%s)", name, pid);
}

char *vfio_user(const char *vfio_dev, int group)
{
	struct wanted wanted = {0};
	struct file_names devices = {0};
	DIR *proc = opendir("/proc");
	char *user = NULL;

	if (group >= 0)
		wanted.paths[wanted.n++] = mem_printf("/dev/vfio/%d", group);
	(void)file_list(vfio_dev, "vfio", &devices, NULL);
	if (devices.n)
		wanted.paths[wanted.n++] = mem_printf("/dev/vfio/devices/%s", devices.items[0]);
	file_names_clear(&devices);
	for (const struct dirent *entry; proc && !user && (entry = readdir(proc));)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_open(entry->d_name, &wanted))
			user = name_of(entry->d_name);
	if (proc)
		(void)closedir(proc);
	while (wanted.n)
		free(wanted.paths[--wanted.n]);
	return user;
}
