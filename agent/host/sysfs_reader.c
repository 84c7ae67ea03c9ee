// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sysfs_reader.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"

#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define DIRENT_BUFFER 65536

int sysfs_open(const char *root, struct sysfs **out, struct err **err)
{
	cleanup_close int top = open(root, PATH_FLAGS);
	int devices;
	struct sysfs *sysfs;

	if (top < 0)
		return err_errno(err, errno, "opening %s", root);
	devices = openat(top, "bus/pci/devices", SYSFS_DIR_FLAGS);
	if (devices < 0 && errno != ENOENT)
		return err_errno(err, errno, "opening %s/bus/pci/devices", root);
	sysfs = mem_zero(1, sizeof(*sysfs));
	sysfs->root = top;
	top = -1;
	sysfs->devices = devices;
	sysfs->dirents = mem_zero(1, DIRENT_BUFFER);
	*out = sysfs;
	return 0;
}

void sysfs_close(struct sysfs *sysfs)
{
	if (!sysfs)
		return;
	(void)close(sysfs->root);
	if (sysfs->devices >= 0)
		(void)close(sysfs->devices);
	free(sysfs->dirents);
	free(sysfs);
}

struct sysfs_listing sysfs_listing(struct sysfs *sysfs, int fd)
{
	return (struct sysfs_listing){.fd = fd, .buffer = sysfs->dirents};
}

const char *sysfs_next(struct sysfs_listing *l)
{
	for (;;) {
		const struct dirent64 *entry;

		if (l->at >= l->have) {
			l->have = getdents64(l->fd, l->buffer, DIRENT_BUFFER);
			l->at = 0;
			if (l->have <= 0)
				return NULL;
		}
		entry = (const struct dirent64 *)(const void *)(l->buffer + l->at);
		l->at += entry->d_reclen;
		if (entry->d_name[0] != '.')
			return entry->d_name;
	}
}

const char *sysfs_link_end(int dir, const char *path, char buf[PATH_MAX])
{
	ssize_t size = readlinkat(dir, path, buf, PATH_MAX - 1);
	const char *slash;

	if (size <= 0)
		return NULL;
	buf[size] = '\0';
	slash = strrchr(buf, '/');
	return slash ? slash + 1 : buf;
}

bool sysfs_link_addr(int dir, const char *path, struct pciaddr *out)
{
	char buf[PATH_MAX];
	const char *end = sysfs_link_end(dir, path, buf);

	return end && pciaddr_parse(end, out);
}

char *sysfs_link_name(int dir, const char *path)
{
	char buf[PATH_MAX];

	return mem_strdup(sysfs_link_end(dir, path, buf));
}

/* A small attribute; an open descriptor that is read and closed, or -1. */
static bool number_from(int fd, int base, long *out)
{
	char text[32], *end;
	ssize_t size;
	long value;

	if (fd < 0)
		return false;
	size = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (size <= 0)
		return false;
	text[size] = '\0';
	errno = 0;
	value = strtol(text, &end, base);
	if (errno || end == text || (*end && *end != '\n'))
		return false;
	*out = value;
	return true;
}

bool sysfs_number_at(int dir, const char *path, int base, long *out)
{
	return number_from(openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), base, out);
}

unsigned sysfs_count_at(int dir, const char *path)
{
	long value;

	return sysfs_number_at(dir, path, 10, &value) && value > 0 && value <= UINT16_MAX
		       ? (unsigned)value
		       : 0;
}

const char *sysfs_device_path(struct pciaddr addr, const char *file, char buf[SYSFS_PATH_SIZE])
{
	(void)snprintf(buf, SYSFS_PATH_SIZE, "%s/%s", pciaddr_str(addr), file);
	return buf;
}
