// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/vfio.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/file.h"

#define VFIO "/dev/vfio/"

/* What a process would have open of a device. */
struct wanted {
	char *group, *own; /* NULL: there is none */
	struct vfio_device *device;
};

static char *name_of(const char *pid)
{
	cleanup_free char *path = mem_printf("/proc/%s/comm", pid), *name = NULL;

	if (file_read(path, &name, NULL))
		return mem_printf("process %s", pid);
	name[strcspn(name, "\n")] = '\0';
	/* It calls itself what it likes. */
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return mem_printf("%s (%s)", name, pid);
}

static void note_user(const struct wanted *wanted, size_t n, const char *path, const char *pid,
		      size_t *left)
{
	for (size_t i = 0; i < n; i++) {
		struct vfio_device *device = wanted[i].device;

		if (device->user || !((wanted[i].group && !strcmp(wanted[i].group, path)) ||
				      (wanted[i].own && !strcmp(wanted[i].own, path))))
			continue;
		device->user = name_of(pid);
		(*left)--;
	}
}

static void look_at(const char *pid, const struct wanted *wanted, size_t n, size_t *left)
{
	cleanup_free char *path = mem_printf("/proc/%s/fd", pid);
	DIR *dir = opendir(path);

	for (const struct dirent *entry; dir && *left && (entry = readdir(dir));) {
		char target[PATH_MAX];
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (size <= 0)
			continue;
		target[size] = '\0';
		if (!strncmp(target, VFIO, strlen(VFIO)))
			note_user(wanted, n, target, pid, left);
	}
	if (dir)
		(void)closedir(dir);
}

static char *own_path(const char *dir)
{
	struct names devices = {0};
	char *path = NULL;

	(void)file_list(dir, "vfio", &devices, NULL);
	if (devices.n)
		path = mem_printf(VFIO "devices/%s", devices.items[0]);
	names_clear(&devices);
	return path;
}

void vfio_find_users(struct vfio_device *devices, size_t n)
{
	cleanup_free struct wanted *wanted = mem_zero(n, sizeof(*wanted));
	DIR *proc = opendir("/proc");
	size_t left = n;

	for (size_t i = 0; i < n; i++) {
		wanted[i].device = &devices[i];
		devices[i].user = NULL;
		if (devices[i].group >= 0)
			wanted[i].group = mem_printf(VFIO "%d", devices[i].group);
		wanted[i].own = own_path(devices[i].dir);
	}
	for (const struct dirent *entry; proc && left && (entry = readdir(proc));)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at(entry->d_name, wanted, n, &left);
	if (proc)
		(void)closedir(proc);
	for (size_t i = 0; i < n; i++) {
		free(wanted[i].group);
		free(wanted[i].own);
	}
}
