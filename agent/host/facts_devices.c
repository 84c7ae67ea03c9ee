// SPDX-License-Identifier: LGPL-2.1-or-later
/* Devices, and the IOMMU groups that they are in. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/mem.h"
#include "host/facts_reader.h"
#include "host/netlink.h"

#define PCI_CONFIG_SIZE 4096

/* "0000:01:00.0/file", below bus/pci/devices. */
static char *device_path(struct pciaddr addr, const char *file)
{
	return mem_printf("bus/pci/devices/%s/%s", pciaddr_str(addr), file);
}

static char *device_value(const struct reader *r, struct pciaddr addr, const char *file)
{
	cleanup_free char *path = device_path(addr, file);

	return root_value(r->sys, path);
}

static unsigned long device_hex(const struct reader *r, struct pciaddr addr, const char *file)
{
	cleanup_free char *text = device_value(r, addr, file);

	return text ? strtoul(text, NULL, 16) : 0;
}

static enum answer yes_or_no(const char *value)
{
	if (!value || (strcmp(value, "0") != 0 && strcmp(value, "1") != 0))
		return ANSWER_UNKNOWN;
	return *value == '1' ? ANSWER_YES : ANSWER_NO;
}

/* Its list of extended capabilities, for one that is SR-IOV. */
static enum answer read_capable(const struct reader *r, struct pciaddr addr)
{
	enum { FIRST = 0x100, SRIOV = 0x10, LENGTH = 4 };
	cleanup_free char *path = device_path(addr, "config");
	uint8_t config[PCI_CONFIG_SIZE];
	size_t size = root_bytes(r->sys, path, config, sizeof(config)), at = FIRST;

	/* Others than root get the first 64 bytes. */
	if (size < FIRST + LENGTH)
		return ANSWER_UNKNOWN;
	for (size_t left = size / LENGTH; left > 0 && at >= FIRST && at + LENGTH <= size; left--) {
		const uint8_t *c = config + at;

		if ((c[0] | c[1] << 8) == SRIOV)
			return ANSWER_YES;
		at = (size_t)(c[2] >> 4 | c[3] << 4) & ~3U;
	}
	return ANSWER_NO;
}

static enum answer read_writable(const struct reader *r, struct pciaddr addr)
{
	cleanup_free char *path = device_path(addr, "sriov_numvfs");
	struct statvfs fs;
	struct stat st;

	if (!root_stat(r->sys, path, &st))
		return ANSWER_UNKNOWN;
	if (!(st.st_mode & S_IWUSR))
		return ANSWER_NO;
	return r->live && fstatvfs(r->sys, &fs) == 0 && (fs.f_flag & ST_RDONLY) ? ANSWER_NO
										: ANSWER_YES;
}

/* A copied tree has them in files; a kernel tells more reliably by netlink. */
static void read_tree_link(const struct reader *r, struct device_facts *device)
{
	cleanup_free char *path = NULL, *flags = NULL, *carrier = NULL, *mac = NULL;

	if (!device->pf.netdev || !sysfs_name_valid(device->pf.netdev))
		return;
	path = mem_printf("class/net/%s/flags", device->pf.netdev);
	flags = root_value(r->sys, path);
	if (flags)
		device->up = strtoul(flags, NULL, 16) & IFF_UP ? ANSWER_YES : ANSWER_NO;
	free(path);
	path = mem_printf("class/net/%s/carrier", device->pf.netdev);
	carrier = root_value(r->sys, path);
	device->carrier = yes_or_no(carrier);
	free(path);
	path = mem_printf("class/net/%s/address", device->pf.netdev);
	mac = root_value(r->sys, path);
	if (mac)
		(void)mac_parse(mac, &device->pf.mac);
}

static void read_ethtool(struct device_facts *device)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (char *)&info};
	cleanup_close int fd = -1;

	if (!device->pf.netdev || strlen(device->pf.netdev) >= sizeof(request.ifr_name))
		return;
	(void)strcpy(request.ifr_name, device->pf.netdev);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request) < 0)
		return;
	info.version[sizeof(info.version) - 1] = '\0';
	info.fw_version[sizeof(info.fw_version) - 1] = '\0';
	if (info.version[0])
		device->driver_version = mem_strdup(info.version);
	if (info.fw_version[0] && strcmp(info.fw_version, "N/A") != 0)
		device->firmware = mem_strdup(info.fw_version);
}

/* Completes a device of which .pf and .sriov are known. */
static void read_device(const struct reader *r, struct device_facts *device)
{
	struct pciaddr addr = device->pf.addr;
	cleanup_free char *autoprobe = device_value(r, addr, "sriov_drivers_autoprobe");

	device->vendor = (uint16_t)device_hex(r, addr, "vendor");
	device->device = (uint16_t)device_hex(r, addr, "device");
	device->nic = device_hex(r, addr, "class") >> 16 == 0x02;
	device->group = sysfs_iommu_group(r->sysfs, addr);
	device->capable = device->sriov ? ANSWER_YES : read_capable(r, addr);
	device->writable = read_writable(r, addr);
	device->autoprobe = yes_or_no(autoprobe);
	if (!r->live) {
		read_tree_link(r, device);
		return;
	}
	if (device->pf.netdev && device->sriov) {
		device->up = device->pf.up ? ANSWER_YES : ANSWER_NO;
		device->carrier = device->pf.carrier ? ANSWER_YES : ANSWER_NO;
	}
	read_ethtool(device);
}

static struct device_facts *add_device(struct facts *facts)
{
	return mem_append(&facts->devices, &facts->ndevices, sizeof(struct device_facts));
}

/* A device without SR-IOV has no more than these. */
static void add_other(const struct reader *r, struct pciaddr addr)
{
	struct device_facts *device = add_device(r->facts);
	struct names netdevs = sysfs_netdevs(r->sysfs, addr);

	device->pf.addr = addr;
	device->pf.numa_node = -1;
	device->pf.driver = sysfs_driver(r->sysfs, addr);
	if (netdevs.n)
		device->pf.netdev = mem_strdup(netdevs.items[0]);
	names_clear(&netdevs);
	read_device(r, device);
}

/* What the user calls it, whether it is a PF or not. */
static int locate(const struct reader *r, const char *name, struct pciaddr *out, struct err **err)
{
	bool exists;

	if (pciaddr_parse(name, out))
		return 0;
	if (r->live && sysfs_name_valid(name)) {
		struct netlink *netlink;
		struct link link;
		int rc;

		if (netlink_open(&netlink, err) < 0)
			return -1;
		rc = netlink_link(netlink, name, &link, err);
		netlink_close(netlink);
		if (rc < 0)
			return -1;
		if (link.pci_set) {
			*out = link.pci;
			return 0;
		}
		exists = true;
	} else if (sysfs_netdev_device(r->sysfs, name, out, &exists)) {
		return 0;
	}
	if (!exists)
		return err_set(err, ERR_ABSENT, "there is no interface %s", name);
	return err_set(err, ERR_USAGE, "%s is no PCI device", name);
}

static int refuse_vf(const struct reader *r, const char *name, struct pciaddr addr,
		     struct err **err)
{
	struct pciaddr pf;
	unsigned index;

	(void)err_set(err, ERR_USAGE, "%s is a VF", name);
	if (sysfs_physfn(r->sysfs, addr, &pf, &index, NULL) == 0)
		return err_next(err, "name its PF, %s", pciaddr_str(pf));
	return err_next(err, "name its PF");
}

static int read_named(const struct reader *r, const char *name, struct err **err)
{
	struct host *host = r->source->host;
	struct device_facts *device;
	struct pciaddr addr;
	struct pf pf;

	if (locate(r, name, &addr, err) < 0)
		return -1;
	switch (sysfs_kind(r->sysfs, addr)) {
	case SYSFS_ABSENT:
		return err_set(err, ERR_ABSENT, "there is no PCI device %s", name);
	case SYSFS_VF:
		return refuse_vf(r, name, addr, err);
	case SYSFS_OTHER:
		add_other(r, addr);
		return 0;
	case SYSFS_PF:
		break;
	}
	if (host->ops->read_pf(host, addr, HOST_NETDEVS, &pf, err) < 0)
		return -1;
	device = add_device(r->facts);
	device->pf = pf;
	device->sriov = true;
	read_device(r, device);
	return 0;
}

/* NICs that are no PFs, and may have to be made ones. */
static void read_other_nics(const struct reader *r)
{
	cleanup_names struct names names;

	(void)root_list(r->sys, "bus/pci/devices", &names);
	for (size_t i = 0; i < names.n; i++) {
		struct pciaddr addr;

		if (pciaddr_parse(names.items[i], &addr) &&
		    sysfs_kind(r->sysfs, addr) == SYSFS_OTHER && sysfs_is_network(r->sysfs, addr))
			add_other(r, addr);
	}
}

int facts_read_devices(const struct reader *r, struct err **err)
{
	struct host *host = r->source->host;
	struct inventory inventory = {0};

	if (r->source->name)
		return read_named(r, r->source->name, err);
	if (host->ops->read_all(host, HOST_NETDEVS, &inventory, err) < 0)
		return -1;
	read_other_nics(r);
	for (size_t i = 0; i < inventory.npfs; i++) {
		struct device_facts *device = add_device(r->facts);

		device->pf = inventory.pfs[i];
		inventory.pfs[i] = (struct pf){0};
		device->sriov = true;
		read_device(r, device);
	}
	inventory_clear(&inventory);
	return 0;
}

/* IOMMU groups */

static int compare_numbers(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int compare_members(const void *a, const void *b)
{
	return pciaddr_compare(((const struct group_member *)a)->addr,
			       ((const struct group_member *)b)->addr);
}

static void read_group(const struct reader *r, int number)
{
	struct facts *facts = r->facts;
	struct iommu_group *group = mem_append(&facts->groups, &facts->ngroups, sizeof(*group));
	cleanup_free char *type = mem_printf("kernel/iommu_groups/%d/type", number);
	cleanup_free char *devices = mem_printf("kernel/iommu_groups/%d/devices", number);
	cleanup_names struct names names;

	group->number = number;
	group->type = root_value(r->sys, type);
	(void)root_list(r->sys, devices, &names);
	for (size_t i = 0; i < names.n; i++) {
		struct group_member member = {0};

		if (!pciaddr_parse(names.items[i], &member.addr))
			continue;
		member.bridge = names.n > 1 && device_hex(r, member.addr, "class") >> 8 == 0x0604;
		*(struct group_member *)mem_append(&group->members, &group->n, sizeof(member)) =
			member;
	}
	if (group->n)
		qsort(group->members, group->n, sizeof(*group->members), compare_members);
}

void facts_read_groups(const struct reader *r)
{
	const struct facts *facts = r->facts;
	cleanup_free int *numbers = NULL;
	size_t n = 0;

	for (size_t i = 0; i < facts->ndevices; i++) {
		const struct device_facts *device = &facts->devices[i];

		*(int *)mem_append(&numbers, &n, sizeof(int)) = device->group;
		for (size_t j = 0; j < device->pf.nvfs; j++)
			*(int *)mem_append(&numbers, &n, sizeof(int)) =
				device->pf.vfs[j].iommu_group;
	}
	if (n)
		qsort(numbers, n, sizeof(*numbers), compare_numbers);
	for (size_t i = 0; i < n; i++)
		if (numbers[i] >= 0 && (i == 0 || numbers[i] != numbers[i - 1]))
			read_group(r, numbers[i]);
}
