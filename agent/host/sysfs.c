// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A VF costs two or three readlinks: its address, its IOMMU group, and its driver where that is
 * not known yet. When all PFs are read, the first VF of a driver makes us list what is bound to
 * that driver, once, and the others are looked up there.
 *
 * A PF is told from other functions by its sriov_totalvfs. There is one entry a function, VFs
 * too, and asking each would double the cost; but a VF's address is always above its PF's, so in
 * the order of addresses the VFs are known from their PF before their turn comes.
 */
#include "host/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/sysfs_reader.h"

#define CPULIST_SIZE 65536
#define TOTAL "sriov_totalvfs"
#define NUM "sriov_numvfs"
#define OFFSET "sriov_offset"
#define STRIDE "sriov_stride"

bool sysfs_present(struct sysfs *sysfs, struct pciaddr addr)
{
	return faccessat(sysfs->devices, pciaddr_str(addr), F_OK, 0) == 0;
}

enum sysfs_kind sysfs_kind(struct sysfs *sysfs, struct pciaddr addr)
{
	struct pciaddr pf;

	if (sysfs_link_addr(sysfs->devices, sysfs_device_file(addr, "physfn"), &pf))
		return SYSFS_VF;
	if (!faccessat(sysfs->devices, sysfs_device_file(addr, TOTAL), F_OK, 0))
		return SYSFS_PF;
	return sysfs_present(sysfs, addr) ? SYSFS_OTHER : SYSFS_ABSENT;
}

char *sysfs_driver(struct sysfs *sysfs, struct pciaddr addr)
{
	return sysfs_link_name(sysfs->devices, sysfs_device_file(addr, "driver"));
}

static long class_of(struct sysfs *sysfs, struct pciaddr addr)
{
	long class;

	return sysfs_number_at(sysfs->devices, sysfs_device_file(addr, "class"), 16, &class) ? class
											     : -1;
}

bool sysfs_is_network(struct sysfs *sysfs, struct pciaddr addr)
{
	return class_of(sysfs, addr) >> 16 == 0x02;
}

bool sysfs_is_enabled(struct sysfs *sysfs, struct pciaddr addr)
{
	long count;

	return !sysfs_number_at(sysfs->devices, sysfs_device_file(addr, "enable"), 10, &count) ||
	       count > 0;
}

static bool is_bridge(struct sysfs *sysfs, struct pciaddr addr)
{
	return class_of(sysfs, addr) >> 8 == 0x0604;
}

void sysfs_avoid(struct sysfs *sysfs, bool (*busy)(struct pciaddr pf))
{
	sysfs->busy = busy;
}

/* One more than the number of the last VF. */
static unsigned count_links(struct sysfs *sysfs, struct pciaddr pf)
{
	int fd = openat(sysfs->devices, pciaddr_str(pf), SYSFS_DIR_FLAGS);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	unsigned n = 0, index;

	if (!dir && fd >= 0)
		(void)close(fd);
	for (const struct dirent *entry; dir && (entry = readdir(dir));)
		if (sscanf(entry->d_name, "virtfn%u", &index) == 1 && index >= n)
			n = index + 1;
	if (dir)
		(void)closedir(dir);
	return n;
}

static unsigned num_of(struct sysfs *sysfs, struct pciaddr pf)
{
	if (sysfs->busy && sysfs->busy(pf))
		return count_links(sysfs, pf);
	return sysfs_count_at(sysfs->devices, sysfs_device_file(pf, NUM));
}

void sysfs_counts(struct sysfs *sysfs, struct pciaddr pf, unsigned *total, unsigned *num)
{
	*total = sysfs_count_at(sysfs->devices, sysfs_device_file(pf, TOTAL));
	*num = num_of(sysfs, pf);
}

/* Where a PF says that its VF index is; false: there is none. */
static bool virtfn(struct sysfs *sysfs, struct pciaddr pf, unsigned index, struct pciaddr *out)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "virtfn%u", index);
	return sysfs_link_addr(sysfs->devices, sysfs_device_file(pf, name), out);
}

int sysfs_physfn(struct sysfs *sysfs, struct pciaddr vf, struct pciaddr *pf, unsigned *index,
		 struct err **err)
{
	struct pciaddr physfn, other;
	unsigned num;

	if (!sysfs_link_addr(sysfs->devices, sysfs_device_file(vf, "physfn"), &physfn))
		return err_set(err, ERR_ABSENT, "%s is no VF", pciaddr_str(vf));
	num = num_of(sysfs, physfn);
	for (unsigned i = 0; i < num; i++) {
		if (!virtfn(sysfs, physfn, i, &other) || !pciaddr_equal(other, vf))
			continue;
		*pf = physfn;
		*index = i;
		return 0;
	}
	return err_set(err, ERR_ABSENT,
		       "PF %s does not know VF %s: its VFs are being made or removed",
		       pciaddr_str(physfn), pciaddr_str(vf));
}

static int compare_addrs(const void *a, const void *b)
{
	return pciaddr_compare(*(const struct pciaddr *)a, *(const struct pciaddr *)b);
}

struct addrs {
	struct pciaddr *items; /* sorted once they are complete */
	size_t n;
};

static void addrs_clear(struct addrs *addrs)
{
	free(addrs->items);
	*addrs = (struct addrs){0};
}

static const struct pciaddr *addrs_find(const struct addrs *addrs, struct pciaddr addr)
{
	return addrs->n ? bsearch(&addr, addrs->items, addrs->n, sizeof(addr), compare_addrs)
			: NULL;
}

static struct addrs addrs_in(struct sysfs *sysfs, int fd)
{
	struct sysfs_listing listing = sysfs_listing(sysfs, fd);
	struct addrs addrs = {0};
	struct pciaddr addr;

	for (const char *name; (name = sysfs_next(&listing));)
		if (pciaddr_parse(name, &addr))
			*(struct pciaddr *)mem_append(&addrs.items, &addrs.n, sizeof(addr)) = addr;
	if (addrs.n)
		qsort(addrs.items, addrs.n, sizeof(addr), compare_addrs);
	return addrs;
}

/* A driver and what is bound to it. */
struct bound {
	char *driver;
	struct addrs addrs;
};

struct bounds {
	struct bound *items;
	size_t n;
};

static void bounds_clear(struct bounds *bounds)
{
	for (size_t i = 0; i < bounds->n; i++) {
		free(bounds->items[i].driver);
		addrs_clear(&bounds->items[i].addrs);
	}
	free(bounds->items);
}

static void bounds_add(struct sysfs *sysfs, struct bounds *bounds, const char *driver)
{
	cleanup_free char *path = mem_printf("bus/pci/drivers/%s", driver);
	cleanup_close int fd = openat(sysfs->root, path, SYSFS_DIR_FLAGS);
	struct bound *bound;

	for (size_t i = 0; i < bounds->n; i++)
		if (!strcmp(bounds->items[i].driver, driver))
			return;
	bound = mem_append(&bounds->items, &bounds->n, sizeof(*bound));
	bound->driver = mem_strdup(driver);
	if (fd >= 0)
		bound->addrs = addrs_in(sysfs, fd);
}

/* bounds NULL: for a few devices listing a driver's is not worth it. */
static char *driver_of(struct sysfs *sysfs, struct bounds *bounds, struct pciaddr addr)
{
	char *driver;

	for (size_t i = 0; bounds && i < bounds->n; i++)
		if (addrs_find(&bounds->items[i].addrs, addr))
			return mem_strdup(bounds->items[i].driver);
	driver = sysfs_driver(sysfs, addr);
	if (driver && bounds)
		bounds_add(sysfs, bounds, driver);
	return driver;
}

int sysfs_iommu_group(struct sysfs *sysfs, struct pciaddr addr)
{
	char buf[PATH_MAX], *rest;
	const char *end =
		sysfs_link_end(sysfs->devices, sysfs_device_file(addr, "iommu_group"), buf);
	long group;

	if (!end)
		return -1;
	group = strtol(end, &rest, 10);
	return rest != end && !*rest && group >= 0 && group <= INT_MAX ? (int)group : -1;
}

/*
 * present are all functions of the host, to tell a link to a VF that has been removed; NULL: ask.
 */
static void read_vfs(struct sysfs *sysfs, struct bounds *bounds, const struct addrs *present,
		     struct pf *pf)
{
	/* The kernel numbers VFs below sriov_numvfs; each of them can be missing. */
	for (unsigned i = 0; i < pf->num_vfs; i++) {
		struct pciaddr addr;
		struct vf *vf;

		if (!virtfn(sysfs, pf->addr, i, &addr) || (present && !addrs_find(present, addr)))
			continue;
		vf = mem_append(&pf->vfs, &pf->nvfs, sizeof(*vf));
		vf->addr = addr;
		vf->index = i;
		vf->driver = driver_of(sysfs, bounds, addr);
		vf->iommu_group = sysfs_iommu_group(sysfs, addr);
		if (!present && !vf->driver && vf->iommu_group < 0 && !sysfs_present(sysfs, addr))
			pf->nvfs--;
	}
}

static uint16_t id_at(struct sysfs *sysfs, struct pciaddr addr, const char *file)
{
	long id;

	return sysfs_number_at(sysfs->devices, sysfs_device_file(addr, file), 16, &id) && id > 0 &&
			       id <= UINT16_MAX
		       ? (uint16_t)id
		       : 0;
}

/* All but the VFs. */
static void read_pf_itself(struct sysfs *sysfs, struct pciaddr addr, unsigned total,
			   struct bounds *bounds, struct pf *out)
{
	long node;

	*out = (struct pf){
		.addr = addr,
		.driver = driver_of(sysfs, bounds, addr),
		.nic = sysfs_is_network(sysfs, addr),
		.numa_node = -1,
		.total_vfs = total,
		.num_vfs = num_of(sysfs, addr),
	};
	if (sysfs_number_at(sysfs->devices, sysfs_device_file(addr, "numa_node"), 10, &node) &&
	    node >= 0)
		out->numa_node = (int)node;
}

static void read_pf(struct sysfs *sysfs, struct pciaddr addr, unsigned total, struct bounds *bounds,
		    const struct addrs *present, struct pf *out)
{
	read_pf_itself(sysfs, addr, total, bounds, out);
	read_vfs(sysfs, bounds, present, out);
}

static void read_pf_alone(struct sysfs *sysfs, struct pciaddr addr, unsigned total, struct pf *out)
{
	read_pf_itself(sysfs, addr, total, NULL, out);
	out->vendor = id_at(sysfs, addr, "vendor");
	out->product = id_at(sysfs, addr, "device");
}

/* false: it is no PF. */
static bool total_of(struct sysfs *sysfs, struct pciaddr addr, long *total)
{
	return sysfs_number_at(sysfs->devices, sysfs_device_file(addr, TOTAL), 10, total) &&
	       *total >= 0;
}

static int no_pf(struct sysfs *sysfs, struct pciaddr addr, struct err **err)
{
	return err_set(err, ERR_ABSENT,
		       sysfs_present(sysfs, addr) ? "PCI device %s is no PF"
						  : "there is no PCI device %s",
		       pciaddr_str(addr));
}

int sysfs_read_pf(struct sysfs *sysfs, struct pciaddr addr, struct pf *out, struct err **err)
{
	long total;

	if (!total_of(sysfs, addr, &total))
		return no_pf(sysfs, addr, err);
	read_pf(sysfs, addr, (unsigned)total, NULL, NULL, out);
	return 0;
}

int sysfs_read_pf_alone(struct sysfs *sysfs, struct pciaddr addr, struct pf *out, struct err **err)
{
	long total;

	if (!total_of(sysfs, addr, &total))
		return no_pf(sysfs, addr, err);
	read_pf_alone(sysfs, addr, (unsigned)total, out);
	return 0;
}

static int list_devices(struct sysfs *sysfs, struct addrs *out, struct err **err)
{
	if (sysfs->devices >= 0 && lseek(sysfs->devices, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "listing the PCI devices");
	*out = addrs_in(sysfs, sysfs->devices);
	return 0;
}

int sysfs_read_all(struct sysfs *sysfs, struct inventory *out, struct err **err)
{
	cleanup(addrs_clear) struct addrs present = {0};
	cleanup(bounds_clear) struct bounds bounds = {0};
	struct inventory inventory = {0};
	cleanup_free bool *is_vf = NULL; /* of present */

	if (list_devices(sysfs, &present, err))
		return -1;
	is_vf = mem_zero(present.n, sizeof(*is_vf));
	for (size_t i = 0; i < present.n; i++) {
		struct pciaddr addr = present.items[i];
		struct pf *pf;
		long total;

		if (is_vf[i] || !total_of(sysfs, addr, &total))
			continue;
		pf = mem_append(&inventory.pfs, &inventory.npfs, sizeof(*pf));
		read_pf(sysfs, addr, (unsigned)total, &bounds, &present, pf);
		for (size_t v = 0; v < pf->nvfs; v++)
			is_vf[addrs_find(&present, pf->vfs[v].addr) - present.items] = true;
	}
	*out = inventory;
	return 0;
}

/*
 * Where the VFs of a PF are follows from two numbers of it. A kernel before 4.14 does not tell
 * them: then each VF is asked whether it is a PF.
 */
static void mark_vfs(struct sysfs *sysfs, const struct pf *pf, const struct addrs *present,
		     bool *is_vf)
{
	unsigned offset =
		pf->num_vfs ? sysfs_count_at(sysfs->devices, sysfs_device_file(pf->addr, OFFSET))
			    : 0;
	unsigned stride =
		offset ? sysfs_count_at(sysfs->devices, sysfs_device_file(pf->addr, STRIDE)) : 0;
	unsigned id =
		(unsigned)pf->addr.bus << 8 | (unsigned)pf->addr.device << 3 | pf->addr.function;

	for (unsigned i = 0; offset && i < pf->num_vfs; i++) {
		unsigned at = id + offset + i * stride;
		struct pciaddr addr = {.domain = pf->addr.domain,
				       .bus = (uint8_t)(at >> 8),
				       .device = at >> 3 & 31,
				       .function = at & 7};
		const struct pciaddr *found = at <= UINT16_MAX ? addrs_find(present, addr) : NULL;

		if (found)
			is_vf[found - present->items] = true;
	}
}

int sysfs_read_all_alone(struct sysfs *sysfs, struct inventory *out, struct err **err)
{
	cleanup(addrs_clear) struct addrs present = {0};
	struct inventory inventory = {0};
	cleanup_free bool *is_vf = NULL; /* of present */

	if (list_devices(sysfs, &present, err))
		return -1;
	is_vf = mem_zero(present.n, sizeof(*is_vf));
	for (size_t i = 0; i < present.n; i++) {
		struct pf *pf;
		long total;

		if (is_vf[i] || !total_of(sysfs, present.items[i], &total))
			continue;
		pf = mem_append(&inventory.pfs, &inventory.npfs, sizeof(*pf));
		read_pf_alone(sysfs, present.items[i], (unsigned)total, pf);
		mark_vfs(sysfs, pf, &present, is_vf);
	}
	*out = inventory;
	return 0;
}

char *sysfs_group_peer(struct sysfs *sysfs, struct pciaddr addr)
{
	cleanup_close int fd = openat(
		sysfs->devices, sysfs_device_file(addr, "iommu_group/devices"), SYSFS_DIR_FLAGS);
	cleanup(addrs_clear) struct addrs group = {0};

	if (fd < 0)
		return NULL;
	group = addrs_in(sysfs, fd);
	/* Bridges go with their ports: VFIO does not mind them. */
	for (size_t i = 0; i < group.n; i++)
		if (!pciaddr_equal(group.items[i], addr) && !is_bridge(sysfs, group.items[i]))
			return mem_strdup(pciaddr_str(group.items[i]));
	return NULL;
}

/* What is bound to be in one read(2): "0-3,8-11\n". */
static bool idset_at(int dir, const char *path, struct idset *out)
{
	cleanup_close int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_free char *text = fd >= 0 ? mem_zero(CPULIST_SIZE + 1, 1) : NULL;
	ssize_t size = text ? read(fd, text, CPULIST_SIZE) : -1;

	return size >= 0 && size < CPULIST_SIZE && idset_parse(text, out);
}

static int compare_nodes(const void *a, const void *b)
{
	return ((const struct numa_node *)a)->id - ((const struct numa_node *)b)->id;
}

struct numa_nodes sysfs_numa_nodes(struct sysfs *sysfs)
{
	cleanup_close int fd = openat(sysfs->root, "devices/system/node", SYSFS_DIR_FLAGS);
	cleanup_names struct names names = {0};
	struct numa_nodes nodes = {0};

	if (fd < 0)
		return nodes;
	names = sysfs_names_in(sysfs, fd);
	for (size_t i = 0; i < names.n; i++) {
		cleanup_free char *path = mem_printf("%s/cpulist", names.items[i]);
		struct numa_node node;
		int end = 0;

		if (sscanf(names.items[i], "node%4d%n", &node.id, &end) != 1 ||
		    names.items[i][end] || node.id < 0 || !idset_at(fd, path, &node.cpus))
			continue;
		*(struct numa_node *)mem_append(&nodes.items, &nodes.n, sizeof(node)) = node;
	}
	if (nodes.n)
		qsort(nodes.items, nodes.n, sizeof(*nodes.items), compare_nodes);
	return nodes;
}
