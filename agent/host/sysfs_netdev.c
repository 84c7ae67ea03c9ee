// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/sysfs_reader.h"

bool sysfs_name_valid(const char *name)
{
	size_t size = strnlen(name, SYSFS_NAME_MAX);

	return size > 0 && size < SYSFS_NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

struct names sysfs_names_in(struct sysfs *sysfs, int fd)
{
	struct sysfs_listing listing = sysfs_listing(sysfs, fd);
	struct names names = {0};

	for (const char *name; (name = sysfs_next(&listing));)
		names_add(&names, name);
	names_sort(&names);
	return names;
}

struct names sysfs_netdevs(struct sysfs *sysfs, struct pciaddr addr)
{
	cleanup_close int fd =
		openat(sysfs->devices, sysfs_device_file(addr, "net"), SYSFS_DIR_FLAGS);

	return fd < 0 ? (struct names){0} : sysfs_names_in(sysfs, fd);
}

unsigned long sysfs_netdev_index(struct sysfs *sysfs, struct pciaddr addr, const char *netdev)
{
	cleanup_free char *path = mem_printf("%s/net/%s/ifindex", pciaddr_str(addr), netdev);
	long index;

	return sysfs_name_valid(netdev) && sysfs_number_at(sysfs->devices, path, 10, &index) &&
			       index > 0
		       ? (unsigned long)index
		       : 0;
}

struct names sysfs_all_netdevs(struct sysfs *sysfs)
{
	cleanup_close int fd = openat(sysfs->root, "class/net", SYSFS_DIR_FLAGS);

	return fd < 0 ? (struct names){0} : sysfs_names_in(sysfs, fd);
}

char *sysfs_netdev_upper(struct sysfs *sysfs, struct pciaddr addr, const char *netdev)
{
	static const char prefix[] = "upper_";
	cleanup_free char *path = NULL;
	cleanup_close int fd = -1;
	struct sysfs_listing listing;
	char *master;

	if (!sysfs_name_valid(netdev))
		return NULL;
	path = mem_printf("%s/net/%s", pciaddr_str(addr), netdev);
	fd = openat(sysfs->devices, path, SYSFS_DIR_FLAGS);
	if (fd < 0)
		return NULL;
	master = sysfs_link_name(fd, "master");
	if (master)
		return master;
	listing = sysfs_listing(sysfs, fd);
	for (const char *name; (name = sysfs_next(&listing));)
		if (!strncmp(name, prefix, sizeof(prefix) - 1))
			return mem_strdup(name + sizeof(prefix) - 1);
	return NULL;
}

bool sysfs_netdev_device(struct sysfs *sysfs, const char *netdev, struct pciaddr *addr,
			 bool *exists)
{
	cleanup_free char *path = NULL, *device = NULL;

	*exists = false;
	if (!sysfs_name_valid(netdev))
		return false;
	path = mem_printf("class/net/%s", netdev);
	device = mem_printf("%s/device", path);
	*exists = true;
	if (sysfs_link_addr(sysfs->root, device, addr))
		return true;
	*exists = !faccessat(sysfs->root, path, F_OK, 0);
	return false;
}

char *sysfs_netdev_driver(struct sysfs *sysfs, const char *netdev)
{
	cleanup_free char *path = NULL;

	if (!sysfs_name_valid(netdev))
		return NULL;
	path = mem_printf("class/net/%s/device/driver", netdev);
	return sysfs_link_name(sysfs->root, path);
}
