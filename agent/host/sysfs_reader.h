/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What those who read sysfs (sysfs*.c) share: its directories, links and numbers. */
#ifndef VFPOOL_HOST_SYSFS_READER_H
#define VFPOOL_HOST_SYSFS_READER_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/pciaddr.h"
#include "host/sysfs.h"

#define SYSFS_DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

struct sysfs {
	int root;
	int devices; /* bus/pci/devices */
	char *dirents;
	bool (*busy)(struct pciaddr pf); /* NULL: none is */
};

/* A directory being listed. The buffer is the sysfs's: one at a time. */
struct sysfs_listing {
	int fd;
	char *buffer;
	ssize_t have, at;
};

struct sysfs_listing sysfs_listing(struct sysfs *sysfs, int fd);

/* The next entry's name, good until the next call; NULL at the end. */
const char *sysfs_next(struct sysfs_listing *l);

/* All of them, sorted. */
struct names sysfs_names_in(struct sysfs *sysfs, int fd);

/* The last component of a link's target, in buf; NULL: there is no such link. */
const char *sysfs_link_end(int dir, const char *path, char buf[PATH_MAX]);

/* That as a PCI address; false: it is none. */
bool sysfs_link_addr(int dir, const char *path, struct pciaddr *out);

/* A copy of it, which the caller frees. */
char *sysfs_link_name(int dir, const char *path);

/* What a small file has; false: there is none, or no number in it. */
bool sysfs_number_at(int dir, const char *path, int base, long *out);

/* A decimal one from 1 to UINT16_MAX; 0: it is no such. */
unsigned sysfs_count_at(int dir, const char *path);

/* "0000:01:00.0/file", below bus/pci/devices. */
#define SYSFS_PATH_SIZE (PCIADDR_STRLEN + 32)
const char *sysfs_device_path(struct pciaddr addr, const char *file, char buf[SYSFS_PATH_SIZE]);
#define sysfs_device_file(addr, file) sysfs_device_path((addr), (file), (char[SYSFS_PATH_SIZE]){0})

#endif
