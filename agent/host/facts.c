// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Almost all of it is texts, taken as they are: what they mean is judged elsewhere, from these
 * facts alone. What can be long (a kernel's configuration, lists of modules) is only searched.
 */
#include "host/facts.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/netlink.h"
#include "host/root.h"
#include "host/sysfs.h"

#define CPUINFO_SIZE (16 << 10)
#define INTERRUPTS_SIZE (256 << 10)
#define CONFIG_SIZE (64 << 10)
#define CONFIG_FILES 1024
#define PCI_CONFIG_SIZE 4096

struct reader {
	const struct facts_source *source;
	bool live; /* this very machine, its kernel included */
	int root;  /* -1: sysfs only */
	int sys;
	struct sysfs *sysfs;
	struct facts *facts;
};

#define cleanup_list cleanup(names_clear)

static void keep(struct text_files *files, const char *path, char *text)
{
	*(struct text_file *)mem_append(&files->items, &files->n, sizeof(struct text_file)) =
		(struct text_file){mem_printf("/%s", path), text};
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t length = strlen(text), end = strlen(suffix);

	return length >= end && strcmp(text + length - end, suffix) == 0;
}

/* The processor, the kernel and the IOMMU */

static void read_cpu(const struct reader *r, struct cpu_facts *out)
{
	struct stat st;

	out->cpuinfo = root_text(r->root, "proc/cpuinfo", CPUINFO_SIZE);
	if (root_stat(r->root, "dev/kvm", &st))
		out->kvm = ANSWER_YES;
	else if (r->live || root_stat(r->root, "dev", &st))
		out->kvm = ANSWER_NO;
	out->kvm_accessible = !r->live || faccessat(r->root, "dev/kvm", R_OK | W_OK, 0) == 0;
}

/* Files below several directories, of which a name in an earlier one hides those in later ones. */
struct search {
	const char *const *dirs;
	size_t ndirs;
	const char *suffix;
	const char *with; /* only files with this in them; NULL: all */
};

struct found_file {
	char *name;
	const char *dir;
};

static int compare_found(const void *a, const void *b)
{
	return strcmp(((const struct found_file *)a)->name, ((const struct found_file *)b)->name);
}

static void find_files(int root, const struct search *search, struct found_file **found, size_t *n)
{
	for (size_t i = 0; i < search->ndirs; i++) {
		cleanup_list struct names names;
		size_t before = *n;

		(void)root_list(root, search->dirs[i], &names);
		for (size_t j = 0; j < names.n && *n < CONFIG_FILES; j++) {
			struct found_file key = {.name = names.items[j]};
			struct found_file *new;

			if (!has_suffix(key.name, search->suffix) ||
			    (before && bsearch(&key, *found, before, sizeof(key), compare_found)))
				continue;
			new = mem_append(found, n, sizeof(*new));
			new->name = mem_strdup(key.name);
			new->dir = search->dirs[i];
		}
		if (*n)
			qsort(*found, *n, sizeof(**found), compare_found);
	}
}

static void read_files(int root, const struct search *search, struct text_files *out)
{
	struct found_file *found = NULL;
	size_t n = 0;

	find_files(root, search, &found, &n);
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *path = mem_printf("%s/%s", found[i].dir, found[i].name);
		char *text = root_text(root, path, CONFIG_SIZE);

		free(found[i].name);
		if (text && (!search->with || strstr(text, search->with)))
			keep(out, path, text);
		else
			free(text);
	}
	free(found);
}

static bool has_groups(int sys, bool *dir)
{
	cleanup_list struct names names;

	*dir = root_list(sys, "kernel/iommu_groups", &names);
	return names.n > 0;
}

static void read_iommu(const struct reader *r, struct iommu_facts *out)
{
	static const char *const dirs[] = {"etc/modprobe.d", "run/modprobe.d",
					   "usr/local/lib/modprobe.d", "usr/lib/modprobe.d",
					   "lib/modprobe.d"};
	static const struct search search = {dirs, ARRAY_SIZE(dirs), ".conf",
					     "allow_unsafe_interrupts"};

	out->dmar = root_exists(r->sys, "firmware/acpi/tables/DMAR");
	out->ivrs = root_exists(r->sys, "firmware/acpi/tables/IVRS");
	out->iort = root_exists(r->sys, "firmware/acpi/tables/IORT");
	out->groups = has_groups(r->sys, &out->groups_dir);
	out->unsafe =
		root_value(r->sys, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
	if (r->root < 0)
		return;
	out->interrupts = root_text(r->root, "proc/interrupts", INTERRUPTS_SIZE);
	read_files(r->root, &search, &out->unsafe_options);
}

/* Does the running kernel's configuration have such a line? */
static enum answer configured(const struct reader *r, const char *release, const char *line)
{
	static const char *const places[][2] = {
		{"boot/config-", ""}, {"lib/modules/", "/config"}, {"usr/lib/modules/", "/config"}};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		cleanup_free char *path = mem_printf("%s%s%s", places[i][0], release, places[i][1]);

		if (root_exists(r->root, path))
			return root_contains(r->root, path, line) ? ANSWER_YES : ANSWER_NO;
	}
	return ANSWER_UNKNOWN;
}

static enum module_state module_state(const struct reader *r, const char *release)
{
	static const char *const lists[] = {"modules.builtin", "modules.dep"};
	static const char *const dirs[] = {"lib/modules", "usr/lib/modules"};
	enum module_state state = MODULE_UNKNOWN;

	if (root_exists(r->sys, "bus/pci/drivers/vfio-pci"))
		return MODULE_LOADED;
	for (size_t i = 0; i < ARRAY_SIZE(lists) * ARRAY_SIZE(dirs); i++) {
		cleanup_free char *path =
			mem_printf("%s/%s/%s", dirs[i / 2], release, lists[i % 2]);

		if (root_contains(r->root, path, "/vfio-pci.ko"))
			return i % 2 ? MODULE_AVAILABLE : MODULE_BUILT_IN;
		if (root_exists(r->root, path))
			state = MODULE_ABSENT;
	}
	return state;
}

static void read_kernel(const struct reader *r, struct kernel_facts *out)
{
	cleanup_free char *modules = NULL;
	enum answer answer;

	out->arguments = root_value(r->root, "proc/cmdline");
	out->release = root_value(r->root, "proc/sys/kernel/osrelease");
	if (!out->release || !sysfs_name_valid(out->release))
		return;
	answer = configured(r, out->release, "\nCONFIG_INTEL_IOMMU_DEFAULT_ON=y");
	/* Debian's own: on, but not for a graphics processor that is part of the chip. */
	if (answer == ANSWER_NO)
		answer =
			configured(r, out->release, "\nCONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y");
	out->intel_default_on = answer;
	out->passthrough_default =
		configured(r, out->release, "\nCONFIG_IOMMU_DEFAULT_PASSTHROUGH=y");
	out->vfio_pci = module_state(r, out->release);
	modules = mem_printf("lib/modules/%s", out->release);
	out->modules = root_exists(r->root, modules);
}

/* How it boots */

/* Its name for itself, as EFI keeps it: four bytes of attributes, then UTF-16. */
static char *read_loader(const struct reader *r)
{
	static const char path[] =
		"firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
	uint8_t bytes[256];
	size_t size = root_bytes(r->sys, path, bytes, sizeof(bytes)), n = 0;
	char *text;

	if (size <= 4)
		return NULL;
	text = mem_zero(1, size);
	for (size_t i = 4; i + 1 < size && bytes[i]; i += 2)
		text[n++] = bytes[i + 1] || bytes[i] < ' ' || bytes[i] > '~' ? '?' : (char)bytes[i];
	return text;
}

static bool has_program(const struct reader *r, const char *name)
{
	static const char *const dirs[] = {"usr/sbin", "usr/bin", "sbin", "bin"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		cleanup_free char *path = mem_printf("%s/%s", dirs[i], name);

		if (root_exists(r->root, path))
			return true;
	}
	return false;
}

static void read_boot(const struct reader *r, const char *release, struct boot_facts *out)
{
	static const struct {
		unsigned bit;
		const char *name;
	} programs[] = {
		{PROGRAM_GRUBBY, "grubby"},
		{PROGRAM_UPDATE_GRUB, "update-grub"},
		{PROGRAM_GRUB2_MKCONFIG, "grub2-mkconfig"},
		{PROGRAM_GRUB_MKCONFIG, "grub-mkconfig"},
		{PROGRAM_KERNEL_INSTALL, "kernel-install"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (has_program(r, programs[i].name))
			out->programs |= programs[i].bit;
	/* These can be installed where they are not in charge. */
	if (has_program(r, "proxmox-boot-tool") &&
	    root_exists(r->root, "etc/kernel/proxmox-boot-uuids"))
		out->programs |= PROGRAM_PROXMOX_BOOT;
	if (has_program(r, "rpm-ostree") && root_exists(r->root, "run/ostree-booted"))
		out->programs |= PROGRAM_RPM_OSTREE;
	out->loader = read_loader(r);
	out->grub_default = root_text(r->root, "etc/default/grub", CONFIG_SIZE);
	out->kernel_cmdline = root_text(r->root, "etc/kernel/cmdline", CONFIG_SIZE);
	out->os_release = root_text(r->root, "etc/os-release", CONFIG_SIZE);
	if (release) {
		cleanup_free char *initrd = mem_printf("boot/initrd.img-%s", release);

		out->initrd = root_exists(r->root, initrd);
	}
}

/* libvirt's daemon and hooks */

/* The second that the machine was booted in, and that of a process's start. */
static int64_t started_at(const struct reader *r, const char *pid)
{
	cleanup_free char *path = mem_printf("proc/%s/stat", pid);
	cleanup_free char *own = root_value(r->root, path);
	cleanup_free char *all = root_text(r->root, "proc/stat", INTERRUPTS_SIZE);
	const char *boot = all ? strstr(all, "\nbtime ") : NULL;
	/* Behind the name, which can have anything in it. */
	const char *field = own ? strrchr(own, ')') : NULL;

	for (int i = 0; field && i < 20; i++)
		field = strchr(field + 1, ' ');
	if (!boot || !field)
		return 0;
	return strtoll(boot + strlen("\nbtime "), NULL, 10) +
	       strtoll(field, NULL, 10) / sysconf(_SC_CLK_TCK);
}

static bool read_daemon(const struct reader *r, const char *name, struct daemon *out)
{
	cleanup_free char *file = mem_printf("run/%s.pid", name);
	cleanup_free char *text = root_value(r->root, file);
	cleanup_free char *pid = NULL, *path = NULL, *comm = NULL;
	long number = text ? strtol(text, NULL, 10) : 0;

	if (number <= 0)
		return false;
	pid = mem_printf("%ld", number);
	path = mem_printf("proc/%s/comm", pid);
	comm = root_value(r->root, path);
	/* The file outlives a process that was killed. */
	if (!comm || strcmp(comm, name) != 0)
		return false;
	free(path);
	path = mem_printf("proc/%s/limits", pid);
	out->limits = root_text(r->root, path, CONFIG_SIZE);
	free(path);
	path = mem_printf("proc/%s/status", pid);
	out->status = root_text(r->root, path, CONFIG_SIZE);
	free(path);
	path = mem_printf("proc/%s/attr/current", pid);
	out->label = root_value(r->root, path);
	out->started = started_at(r, pid);
	out->name = mem_strdup(name);
	return true;
}

static void add_hook(const struct reader *r, const char *path, struct libvirt_facts *out)
{
	struct hook *hook;
	struct stat st;

	if (!root_stat(r->root, path, &st) || !S_ISREG(st.st_mode))
		return;
	hook = mem_append(&out->hooks, &out->nhooks, sizeof(*hook));
	hook->path = mem_printf("/%s", path);
	hook->target = root_link(r->root, path);
	hook->executable = st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH);
	hook->changed = st.st_ctime;
}

static void read_hooks(const struct reader *r, struct libvirt_facts *out)
{
	static const char dir[] = "etc/libvirt/hooks", many[] = "etc/libvirt/hooks/qemu.d";
	cleanup_list struct names names;

	out->hooks_read = root_list(r->root, dir, &names) || errno == ENOENT;
	names_clear(&names);
	add_hook(r, "etc/libvirt/hooks/qemu", out);
	(void)root_list(r->root, many, &names);
	for (size_t i = 0; i < names.n; i++) {
		cleanup_free char *path = mem_printf("%s/%s", many, names.items[i]);

		add_hook(r, path, out);
	}
}

static bool is_value(int root, const char *path, const char *wanted)
{
	cleanup_free char *value = root_value(root, path);

	return value && strcmp(value, wanted) == 0;
}

static void read_libvirt(const struct reader *r, struct libvirt_facts *out)
{
	if (!read_daemon(r, "virtqemud", &out->daemon))
		(void)read_daemon(r, "libvirtd", &out->daemon);
	read_hooks(r, out);
	out->apparmor = is_value(r->sys, "module/apparmor/parameters/enabled", "Y");
	out->selinux_enforcing = is_value(r->sys, "fs/selinux/enforce", "1");
	out->hooks_unconfined = root_value(r->sys, "fs/selinux/booleans/virt_hooks_unconfined");
}

/* Who keeps the number of VFs */

static void read_nm(int root, struct keeper_facts *out)
{
	static const struct {
		const char *dir, *with;
	} places[] = {
		{"etc/NetworkManager/system-connections", "[sriov]"},
		{"run/NetworkManager/system-connections", "[sriov]"},
		{"usr/lib/NetworkManager/system-connections", "[sriov]"},
		{"etc/sysconfig/network-scripts", "SRIOV_TOTAL_VFS"},
	};

	out->nm_read = true;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		cleanup_list struct names names;

		if (!root_list(root, places[i].dir, &names))
			out->nm_read &= errno == ENOENT || errno == ENOTDIR;
		for (size_t j = 0; j < names.n && j < CONFIG_FILES; j++) {
			cleanup_free char *path =
				mem_printf("%s/%s", places[i].dir, names.items[j]);
			char *text;

			errno = 0;
			text = root_text(root, path, CONFIG_SIZE);
			if (!text && errno == EACCES)
				out->nm_read = false;
			if (text && strstr(text, places[i].with))
				keep(&out->nm, path, text);
			else
				free(text);
		}
	}
}

static const char *const link_dirs[] = {"etc/systemd/network", "run/systemd/network",
					"usr/local/lib/systemd/network", "usr/lib/systemd/network",
					"lib/systemd/network"};

/* Those of one .link file, from wherever it may have some. */
static void read_drop_ins(int root, const char *link, struct text_files *out)
{
	char *dirs[ARRAY_SIZE(link_dirs)];
	const struct search search = {(const char *const *)dirs, ARRAY_SIZE(dirs), ".conf", NULL};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		dirs[i] = mem_printf("%s%s.d", link_dirs[i], strrchr(link, '/'));
	read_files(root, &search, out);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		free(dirs[i]);
}

static void read_keepers(int root, struct keeper_facts *out)
{
	static const char *const rule_dirs[] = {"etc/udev/rules.d", "run/udev/rules.d",
						"usr/local/lib/udev/rules.d",
						"usr/lib/udev/rules.d", "lib/udev/rules.d"};
	static const struct search links = {link_dirs, ARRAY_SIZE(link_dirs), ".link", NULL};
	static const struct search rules = {rule_dirs, ARRAY_SIZE(rule_dirs), ".rules",
					    "sriov_numvfs"};

	out->read = root_exists(root, "etc");
	read_nm(root, out);
	read_files(root, &links, &out->links);
	read_files(root, &rules, &out->rules);
	for (size_t i = 0; i < out->links.n; i++)
		read_drop_ins(root, out->links.items[i].path, &out->drop_ins);
}

/* Devices */

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

static int group_of(const struct reader *r, struct pciaddr addr)
{
	cleanup_free char *path = device_path(addr, "iommu_group");
	cleanup_free char *target = root_link(r->sys, path);
	const char *number = target ? strrchr(target, '/') : NULL;
	char *end;
	long group;

	if (!number)
		return -1;
	group = strtol(number + 1, &end, 10);
	return *end || end == number + 1 || group < 0 || group > INT32_MAX ? -1 : (int)group;
}

/* Completes a device of which .pf and .sriov are known. */
static void read_device(const struct reader *r, struct device_facts *device)
{
	struct pciaddr addr = device->pf.addr;
	cleanup_free char *autoprobe = device_value(r, addr, "sriov_drivers_autoprobe");

	device->vendor = (uint16_t)device_hex(r, addr, "vendor");
	device->device = (uint16_t)device_hex(r, addr, "device");
	device->nic = device_hex(r, addr, "class") >> 16 == 0x02;
	device->group = group_of(r, addr);
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
	struct sysfs_names netdevs = sysfs_netdevs(r->sysfs, addr);

	device->pf.addr = addr;
	device->pf.numa_node = -1;
	device->pf.driver = sysfs_driver(r->sysfs, addr);
	if (netdevs.n)
		device->pf.netdev = mem_strdup(netdevs.items[0]);
	sysfs_names_clear(&netdevs);
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
	cleanup_list struct names names;

	(void)root_list(r->sys, "bus/pci/devices", &names);
	for (size_t i = 0; i < names.n; i++) {
		struct pciaddr addr;

		if (pciaddr_parse(names.items[i], &addr) &&
		    sysfs_kind(r->sysfs, addr) == SYSFS_OTHER && sysfs_is_network(r->sysfs, addr))
			add_other(r, addr);
	}
}

static int read_devices(const struct reader *r, struct err **err)
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
	cleanup_list struct names names;

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

static void read_groups(const struct reader *r)
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

static unsigned count_nodes(int sys)
{
	cleanup_list struct names names;
	unsigned n = 0;

	(void)root_list(sys, "devices/system/node", &names);
	for (size_t i = 0; i < names.n; i++)
		n += strncmp(names.items[i], "node", 4) == 0 && names.items[i][4] >= '0' &&
		     names.items[i][4] <= '9';
	return n;
}

static int read_all(const struct reader *r, struct err **err)
{
	struct facts *facts = r->facts;

	facts->made = !r->live;
	facts->privileged = geteuid() == 0;
	facts->named = r->source->name;
	if (read_devices(r, err) < 0)
		return -1;
	read_groups(r);
	read_iommu(r, &facts->iommu);
	(void)root_list(r->sys, "bus/pci/drivers", &facts->pci_drivers);
	facts->numa_nodes = count_nodes(r->sys);
	if (r->root < 0)
		return 0;
	read_cpu(r, &facts->cpu);
	read_kernel(r, &facts->kernel);
	read_boot(r, facts->kernel.release, &facts->boot);
	read_libvirt(r, &facts->libvirt);
	read_keepers(r->root, &facts->keepers);
	return 0;
}

static int open_trees(const struct facts_source *source, int *root, int *sys, struct sysfs **sysfs,
		      struct err **err)
{
	const char *base = source->root ? source->root : "/";
	cleanup_free char *path = source->sysfs ? mem_strdup(source->sysfs)
						: mem_printf("%s/sys", source->root ? base : "");

	if ((source->root || !source->sysfs) && root_open(base, root, err) < 0)
		return -1;
	if (root_open(path, sys, err) < 0)
		return -1;
	return sysfs_open(path, sysfs, err);
}

int facts_read(const struct facts_source *source, struct facts *out, struct err **err)
{
	struct facts facts = {0};
	cleanup_close int root = -1, sys = -1;
	struct reader r = {.source = source, .facts = &facts};
	int rc;

	if (open_trees(source, &root, &sys, &r.sysfs, err) < 0)
		return -1;
	r.live = !source->root && !source->sysfs;
	r.root = root;
	r.sys = sys;
	rc = read_all(&r, err);
	sysfs_close(r.sysfs);
	if (rc < 0)
		facts_clear(&facts);
	else
		*out = facts;
	return rc;
}

int facts_read_keepers(const char *root, struct keeper_facts *out, struct err **err)
{
	cleanup_close int fd = -1;

	*out = (struct keeper_facts){0};
	if (root_open(root ? root : "/", &fd, err) < 0)
		return -1;
	read_keepers(fd, out);
	return 0;
}
