// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fakes/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

struct function {
	struct pciaddr addr;
	uint16_t vendor, device;
	uint32_t class;
	const char *driver; /* NULL: none */
	int group;          /* -1: none */
};

static void fail(const char *path) __attribute__((noreturn));

static void fail(const char *path)
{
	perror(path);
	abort();
}

static char *below(const char *dir, const char *path)
{
	return mem_printf("%s/%s", dir, path);
}

/* All directories above it, too. */
static void make_dir(const char *dir, const char *path)
{
	char *full = below(dir, path), *slash = strrchr(path, '/');

	if (mkdir(full, 0755) && errno != EEXIST) {
		if (errno != ENOENT || !slash)
			fail(full);
		*strrchr(full, '/') = '\0';
		make_dir(dir, full + strlen(dir) + 1);
		full[strlen(full)] = '/';
		if (mkdir(full, 0755))
			fail(full);
	}
	free(full);
}

/*
 * Thousands of functions have the same files; links to the first of each take a tenth of the time
 * that so many files would.
 */
#define SAMES 64

static struct same {
	uint8_t data[1024];
	size_t size;
	char *path;
} sames[SAMES];
static size_t nsames;

static void forget_sames(void)
{
	while (nsames)
		free(sames[--nsames].path);
}

static bool link_same(const char *full, const void *data, size_t size)
{
	for (size_t i = 0; i < nsames; i++)
		if (sames[i].size == size && !memcmp(sames[i].data, data, size))
			return !link(sames[i].path, full);
	return false;
}

static void write_file(const char *dir, const char *path, const void *data, size_t size)
{
	char *full = below(dir, path);
	int fd;

	if (link_same(full, data, size)) {
		free(full);
		return;
	}
	fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd))
		fail(full);
	if (nsames < SAMES && size <= sizeof(sames->data)) {
		memcpy(sames[nsames].data, data, size);
		sames[nsames].size = size;
		sames[nsames++].path = full;
	} else {
		free(full);
	}
}

void tree_file(const char *dir, const char *path, const char *text)
{
	char *full = below(dir, path);

	if (unlink(full) && errno != ENOENT)
		fail(full);
	free(full);
	write_file(dir, path, text, strlen(text));
	forget_sames();
}

void tree_link(const char *dir, const char *path, const char *target)
{
	char *full = below(dir, path);

	if (unlink(full) && errno != ENOENT)
		fail(full);
	if (symlink(target, full))
		fail(full);
	free(full);
}

static int drop_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_remove(const char *dir)
{
	if (nftw(dir, drop_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		fail(dir);
}

void tree_drop(const char *dir, const char *path)
{
	char *full = below(dir, path);

	tree_remove(full);
	free(full);
}

char *tree_dir(void)
{
	const char *chosen = getenv("TMPDIR"), *memory = "/dev/shm";
	const char *top = chosen ? chosen : !access(memory, W_OK) ? memory : "/tmp";
	char *dir = mem_printf("%s/vfpool-tree-XXXXXX", top);

	if (!mkdtemp(dir))
		fail(dir);
	return dir;
}

static unsigned buses_of(const struct tree *tree)
{
	return tree->vfs <= 64 ? 1 : 1 + (8 + tree->vfs) / 256;
}

struct pciaddr tree_pf(const struct tree *tree, unsigned pf)
{
	unsigned buses = buses_of(tree), each = 255 / buses;

	return (struct pciaddr){.domain = pf / each, .bus = (uint8_t)(1 + pf % each * buses)};
}

struct pciaddr tree_vf(const struct tree *tree, unsigned pf, unsigned vf)
{
	struct pciaddr addr = tree_pf(tree, pf);
	unsigned id = tree->vfs <= 64 ? 128 + 2 * vf : 8 + vf;

	addr.bus = (uint8_t)(addr.bus + (id >> 8));
	addr.device = (uint8_t)(id >> 3 & 31);
	addr.function = (uint8_t)(id & 7);
	return addr;
}

/* The device's own directory, below dir. */
static char *device_dir(struct pciaddr addr)
{
	return mem_printf("devices/pci%04x:00/%s", addr.domain, pciaddr_str(addr));
}

static void device_text(const char *dir, const char *device, const char *file, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void device_text(const char *dir, const char *device, const char *file, const char *fmt, ...)
{
	char *path = below(device, file), *text;
	va_list ap;

	va_start(ap, fmt);
	text = mem_vprintf(fmt, ap);
	va_end(ap);
	write_file(dir, path, text, strlen(text));
	free(path);
	free(text);
}

static void device_link(const char *dir, const char *device, const char *file, const char *target)
{
	char *path = below(device, file);

	tree_link(dir, path, target);
	free(path);
}

static void make_config(const char *dir, const char *device, const struct function *f)
{
	uint8_t config[256] = {
		[0] = (uint8_t)f->vendor,
		[1] = (uint8_t)(f->vendor >> 8),
		[2] = (uint8_t)f->device,
		[3] = (uint8_t)(f->device >> 8),
		[8] = 1,
		[9] = (uint8_t)f->class,
		[10] = (uint8_t)(f->class >> 8),
		[11] = (uint8_t)(f->class >> 16),
		[14] = f->class >> 8 == 0x0604,
	};
	char *path = below(device, "config");

	write_file(dir, path, config, sizeof(config));
	free(path);
}

static void make_resource(const char *dir, const char *device)
{
	static const char line[] = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
	char text[13 * (sizeof(line) - 1) + 1] = "";

	for (int i = 0; i < 13; i++)
		memcpy(text + i * (sizeof(line) - 1), line, sizeof(line) - 1);
	device_text(dir, device, "resource", "%s", text);
}

static void bind_driver(const char *dir, const char *device, const struct function *f)
{
	char *driver = mem_printf("bus/pci/drivers/%s", f->driver);
	char *up = mem_printf("../../../%s", driver);
	char *entry = mem_printf("%s/%s", driver, pciaddr_str(f->addr));
	char *back = mem_printf("../../../../%s", device);

	make_dir(dir, driver);
	tree_link(dir, entry, back);
	device_link(dir, device, "driver", up);
	free(driver);
	free(up);
	free(entry);
	free(back);
}

static void join_group(const char *dir, const char *device, const struct function *f)
{
	char *group = mem_printf("kernel/iommu_groups/%d", f->group);
	char *devices = below(group, "devices");
	char *up = mem_printf("../../../%s", group);
	char *entry = mem_printf("%s/%s", devices, pciaddr_str(f->addr));
	char *back = mem_printf("../../../../%s", device);

	make_dir(dir, devices);
	tree_link(dir, entry, back);
	device_link(dir, device, "iommu_group", up);
	free(group);
	free(devices);
	free(up);
	free(entry);
	free(back);
}

static void make_function(const char *dir, const struct function *f)
{
	char *device = device_dir(f->addr);
	char *entry = mem_printf("bus/pci/devices/%s", pciaddr_str(f->addr));
	char *target = mem_printf("../../../%s", device);

	make_dir(dir, device);
	tree_link(dir, entry, target);
	device_text(dir, device, "vendor", "0x%04x\n", f->vendor);
	device_text(dir, device, "device", "0x%04x\n", f->device);
	device_text(dir, device, "subsystem_vendor", "0x%04x\n", f->vendor);
	device_text(dir, device, "subsystem_device", "0x%04x\n", 0);
	device_text(dir, device, "class", "0x%06x\n", f->class);
	device_text(dir, device, "revision", "0x01\n");
	device_text(dir, device, "irq", "0\n");
	device_text(dir, device, "numa_node", "-1\n");
	make_config(dir, device, f);
	make_resource(dir, device);
	if (f->driver)
		bind_driver(dir, device, f);
	if (f->group >= 0)
		join_group(dir, device, f);
	free(device);
	free(entry);
	free(target);
}

void tree_netdev(const char *dir, struct pciaddr addr, const char *name)
{
	char *device = device_dir(addr);
	char *net = mem_printf("%s/net/%s", device, name);
	char *entry = mem_printf("class/net/%s", name);
	char *target = mem_printf("../../%s", net);
	char *back = mem_printf("../../../%s", pciaddr_str(addr));

	make_dir(dir, net);
	device_link(dir, net, "device", back);
	tree_link(dir, entry, target);
	free(device);
	free(net);
	free(entry);
	free(target);
	free(back);
}

static void make_vf(const struct tree *tree, unsigned pf, unsigned index, int *groups)
{
	struct function f = {
		.addr = tree_vf(tree, pf, index),
		.vendor = 0x8086,
		.device = tree->storage ? 0x2701 : 0x10ca,
		.class = tree->storage ? 0x010802 : 0x020000,
		.driver = tree->no_driver ? NULL
			  : tree->driver  ? tree->driver
					  : "igbvf",
	};
	struct pciaddr pf_addr = tree_pf(tree, pf);
	char *of_pf = device_dir(pf_addr), *of_vf = device_dir(f.addr), *target;
	char name[32];

	f.group = tree->no_iommu ? -1 : tree->shared_groups ? (int)pf : (*groups)++;
	make_function(tree->dir, &f);
	(void)snprintf(name, sizeof(name), "virtfn%u", index);
	target = mem_printf("../%s", pciaddr_str(f.addr));
	device_link(tree->dir, of_pf, name, target);
	free(target);
	target = mem_printf("../%s", pciaddr_str(pf_addr));
	device_link(tree->dir, of_vf, "physfn", target);
	free(target);
	if (!tree->no_netdevs && !tree->storage && f.driver && !strstr(f.driver, "vfio")) {
		(void)snprintf(name, sizeof(name), "eth%uv%u", pf + 1, index);
		tree_netdev(tree->dir, f.addr, name);
	}
	free(of_pf);
	free(of_vf);
}

static void make_pf(const struct tree *tree, unsigned pf, int *groups)
{
	struct function port = {
		.addr = {.device = (uint8_t)(1 + pf / 8), .function = (uint8_t)(pf % 8)},
		.vendor = 0x8086,
		.device = 0x3420,
		.class = 0x060400,
		.driver = "pcieport",
	};
	struct function f = {
		.addr = tree_pf(tree, pf),
		.vendor = 0x8086,
		.device = tree->storage ? 0x2700 : 0x10c9,
		.class = tree->storage ? 0x010802 : 0x020000,
		.driver = tree->storage ? "nvme" : "igb",
	};
	unsigned total = tree->total ? tree->total : tree->vfs ? tree->vfs : 7;
	char *device = device_dir(f.addr);
	char name[16];

	port.group = tree->no_iommu ? -1 : tree->shared_groups ? (int)pf : (*groups)++;
	f.group = tree->no_iommu ? -1 : tree->shared_groups ? (int)pf : (*groups)++;
	if (port.addr.device < 31)
		make_function(tree->dir, &port);
	make_function(tree->dir, &f);
	device_text(tree->dir, device, "sriov_totalvfs", "%u\n", total);
	device_text(tree->dir, device, "sriov_numvfs", "%u\n", tree->vfs);
	device_text(tree->dir, device, "sriov_offset", "%u\n", tree->vfs <= 64 ? 128 : 8);
	device_text(tree->dir, device, "sriov_stride", "%u\n", tree->vfs <= 64 ? 2 : 1);
	if (!tree->storage && !tree->no_netdevs) {
		(void)snprintf(name, sizeof(name), "eth%u", pf + 1);
		tree_netdev(tree->dir, f.addr, name);
	}
	for (unsigned i = 0; i < tree->vfs; i++)
		if (!tree->gaps || i % 3 != 1)
			make_vf(tree, pf, i, groups);
	free(device);
}

void tree_make(const struct tree *tree)
{
	/* In a PF's own group, its number; the others come after. */
	int groups = (int)tree->pfs;

	if (mkdir(tree->dir, 0755) && errno != EEXIST)
		fail(tree->dir);
	make_dir(tree->dir, "bus/pci/devices");
	make_dir(tree->dir, "bus/pci/drivers");
	make_dir(tree->dir, "bus/pci/slots");
	make_dir(tree->dir, "class/net");
	make_dir(tree->dir, "kernel/iommu_groups");
	for (unsigned i = 0; i < tree->pfs; i++)
		make_pf(tree, i, &groups);
	forget_sames();
}
