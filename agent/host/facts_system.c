// SPDX-License-Identifier: LGPL-2.1-or-later
/* The processor, the IOMMU, the kernel, and how it is booted. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "host/facts_reader.h"

#define CPUINFO_SIZE (16 << 10)
#define INTERRUPTS_SIZE (256 << 10)

void facts_read_cpu(const struct reader *r, struct cpu_facts *out)
{
	struct stat st;

	out->cpuinfo = root_text(r->root, "proc/cpuinfo", CPUINFO_SIZE);
	if (root_stat(r->root, "dev/kvm", &st))
		out->kvm = ANSWER_YES;
	else if (r->live || root_stat(r->root, "dev", &st))
		out->kvm = ANSWER_NO;
	out->kvm_accessible = !r->live || faccessat(r->root, "dev/kvm", R_OK | W_OK, 0) == 0;
}

static bool has_groups(int sys, bool *dir)
{
	cleanup_names struct names names;

	*dir = root_list(sys, "kernel/iommu_groups", &names);
	return names.n > 0;
}

void facts_read_iommu(const struct reader *r, struct iommu_facts *out)
{
	static const char *const dirs[] = {"etc/modprobe.d", "run/modprobe.d",
					   "usr/local/lib/modprobe.d", "usr/lib/modprobe.d",
					   "lib/modprobe.d"};
	static const struct root_search search = {dirs, ARRAY_SIZE(dirs), ".conf",
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
	root_search(r->root, &search, &out->unsafe_options);
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

void facts_read_kernel(const struct reader *r, struct kernel_facts *out)
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

void facts_read_boot(const struct reader *r, const char *release, struct boot_facts *out)
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
