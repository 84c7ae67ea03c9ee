// SPDX-License-Identifier: LGPL-2.1-or-later
/* Made machines, read and judged whole: each finding is held against what the machine is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "check/check.h"
#include "check/devices.h"
#include "check/words.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/machine.h"
#include "fakes/tree.h"
#include "host/facts.h"

struct checked {
	char root[64];
	struct facts facts;
	struct results results;
};

static struct checked c;

static int setup(void **state)
{
	(void)state;
	(void)strcpy(c.root, "/tmp/vfpool-machine-XXXXXX");
	assert_non_null(mkdtemp(c.root));
	return 0;
}

static void forget(void)
{
	results_clear(&c.results);
	facts_clear(&c.facts);
}

static int teardown(void **state)
{
	(void)state;
	forget();
	tree_remove(c.root);
	return 0;
}

static int read_machine(const char *name, struct err **err)
{
	cleanup_free char *sys = mem_printf("%s/sys", c.root);
	struct facts_source source = {.root = c.root, .name = name};
	int rc;

	assert_int_equal(host_open(sys, &source.host, NULL), 0);
	rc = facts_read(&source, &c.facts, err);
	source.host->ops->close(source.host);
	return rc;
}

/* name: the one PF that is asked for. */
static void check_named(const char *name)
{
	struct err *err = NULL;

	forget();
	if (read_machine(name, &err) < 0)
		err_print(err, stderr);
	assert_null(err);
	check_machine(&c.facts, &c.results);
}

static void check_all(void)
{
	check_named(NULL);
}

/* Judged anew, after a test has changed a fact. */
static void judge_again(void)
{
	results_clear(&c.results);
	check_machine(&c.facts, &c.results);
}

/* device NULL: the host. */
static const struct result *find(const char *device, enum check check)
{
	for (size_t i = 0; i < c.results.n; i++) {
		const struct result *result = &c.results.items[i];
		const char *name = result->device ? pf_str(&result->device->pf) : NULL;

		if (result->check == check && !name == !device &&
		    (!name || strcmp(name, device) == 0))
			return result;
	}
	return NULL;
}

static void hold(const char *what, const char *text, const char *wanted)
{
	if (!wanted && !text)
		return;
	if (!wanted || !text || !strstr(text, wanted)) {
		print_error("%s is '%s', and has no '%s'\n", what, text ? text : "(none)",
			    wanted ? wanted : "(none)");
		fail();
	}
}

/* found and mend are pieces of the texts; mend NULL: it passes, and there is nothing to mend. */
static void expect(const char *device, enum check check, enum verdict verdict, const char *found,
		   const char *mend)
{
	const struct result *result = find(device, check);

	if (!result) {
		print_error("%s of %s has no result\n", check_name(check),
			    device ? device : "the host");
		fail();
		return;
	}
	if (result->verdict != verdict) {
		print_error("%s of %s is %s: %s\n", check_name(check), device ? device : "the host",
			    verdict_name(result->verdict), result->found);
		fail();
	}
	hold(check_name(check), result->found, found);
	hold(check_name(check), result->mend, mend);
	assert_int_equal(verdict == VERDICT_PASS, !result->mend);
}

#define PASS(device, check, found) expect(device, CHECK_##check, VERDICT_PASS, found, NULL)
#define WARN(device, check, found, mend) expect(device, CHECK_##check, VERDICT_WARN, found, mend)
#define FAIL(device, check, found, mend) expect(device, CHECK_##check, VERDICT_FAIL, found, mend)
#define NONE(device, check) assert_null(find(device, CHECK_##check))

/* Hosts */

static void intel_ready(void **state)
{
	(void)state;
	machine_make(c.root, "82576");
	check_named("eth1");
	PASS(NULL, KVM, "VT-x");
	PASS(NULL, IOMMU_FIRMWARE, "VT-d, by the ACPI table DMAR");
	PASS(NULL, IOMMU_KERNEL, "uses it");
	PASS(NULL, KERNEL_ARGUMENTS, "intel_iommu=on, iommu=pt");
	PASS(NULL, INTERRUPT_REMAPPING, "on");
	PASS(NULL, VFIO_PCI, "loaded");
	PASS(NULL, MEMLOCK, "libvirtd raises");
	PASS(NULL, HOOK, "/etc/libvirt/hooks/qemu.d/vfpool");
	PASS(NULL, HOOK_CONFINEMENT, "neither");
	NONE(NULL, LIBVIRT);
	NONE(NULL, RIGHTS);
	PASS("eth1", SRIOV, "up to 7");
	PASS("eth1", DEVICE, "82576 (8086:10c9)");
	PASS("eth1", DRIVER, "igb");
	PASS("eth1", LINK, "up, with carrier");
	PASS("eth1", VFS, "7 of at most 7");
	PASS("eth1", VF_FUNCTIONS, "all");
	PASS("eth1", VF_DRIVERS, "igbvf on 7");
	PASS("eth1", VF_NETDEVS, "each");
	PASS("eth1", IOMMU_GROUPS, "alone");
	PASS("eth1", NUMA, "node 0");
	PASS("eth1", PERSISTENCE, "/etc/udev/rules.d/90-eth1.rules makes 7");
	NONE("eth2", SRIOV);
	assert_int_equal(results_count(&c.results, VERDICT_FAIL), 0);
	assert_int_equal(results_count(&c.results, VERDICT_WARN), 0);
}

static void amd_needs_no_argument(void **state)
{
	(void)state;
	machine_make(c.root, "xl710");
	check_all();
	PASS(NULL, KVM, "AMD-V");
	PASS(NULL, IOMMU_FIRMWARE, "AMD-Vi, by the ACPI table IVRS");
	PASS(NULL, KERNEL_ARGUMENTS, "none is missing");
	PASS(NULL, MEMLOCK, "virtqemud");
	machine_line(c.root, "file proc/cmdline root=/dev/sda1 ro quiet");
	check_all();
	WARN(NULL, KERNEL_ARGUMENTS, "iommu=pt",
	     "grubby --update-kernel=ALL --args=\"iommu=pt\", then reboot");
	machine_line(c.root, "file sys/kernel/iommu_groups/30/type identity");
	check_all();
	PASS(NULL, KERNEL_ARGUMENTS, "none is missing");
	/* The kernel can be built so, too. */
	machine_line(c.root, "file sys/kernel/iommu_groups/30/type DMA-FQ");
	machine_line(c.root, "more boot/config-6.1.0-18-amd64 CONFIG_IOMMU_DEFAULT_PASSTHROUGH=y");
	check_all();
	PASS(NULL, KERNEL_ARGUMENTS, "none is missing");
}

static void no_groups(void)
{
	machine_line(c.root, "drop sys/kernel/iommu_groups");
	machine_line(c.root, "dir sys/kernel/iommu_groups");
}

static void intel_off(void **state)
{
	static const char mend[] =
		"mkdir -p /etc/default/grub.d && echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX "
		"intel_iommu=on iommu=pt\"' >> /etc/default/grub.d/iommu.cfg && update-grub, then "
		"reboot";

	(void)state;
	machine_make(c.root, "82576");
	no_groups();
	machine_line(c.root, "file proc/cmdline root=/dev/sda1 ro quiet");
	check_all();
	PASS(NULL, IOMMU_FIRMWARE, "VT-d");
	FAIL(NULL, IOMMU_KERNEL, "no IOMMU groups", mend);
	FAIL(NULL, KERNEL_ARGUMENTS, "intel_iommu=on is missing", mend);
	NONE(NULL, INTERRUPT_REMAPPING);
	NONE("eth1", IOMMU_GROUPS);
	/* A kernel that has it on by itself: then something else is wrong. */
	machine_line(c.root, "more boot/config-6.1.0-18-amd64 "
			     "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y");
	check_all();
	PASS(NULL, KERNEL_ARGUMENTS, "none is missing");
	FAIL(NULL, IOMMU_KERNEL, "no IOMMU groups", "dmesg");
	/* Only half of it is missing. */
	machine_line(c.root, "file boot/config-6.1.0-18-amd64 #");
	machine_line(c.root, "file proc/cmdline root=/dev/sda1 iommu=pt");
	check_all();
	FAIL(NULL, KERNEL_ARGUMENTS, "intel_iommu=on", "LINUX intel_iommu=on\"'");
}

static void arguments_that_turn_it_off(void **state)
{
	(void)state;
	machine_make(c.root, "82576");
	no_groups();
	machine_line(c.root, "file proc/cmdline root=/dev/sda1 intel_iommu=off");
	machine_line(c.root, "file etc/default/grub GRUB_CMDLINE_LINUX=\"intel_iommu=off\"");
	check_all();
	FAIL(NULL, KERNEL_ARGUMENTS, "intel_iommu=off turns",
	     "sed -i 's/\\<intel_iommu=off\\>//g' /etc/default/grub && update-grub, then reboot");
	machine_line(c.root, "file proc/cmdline root=/dev/sda1 intel_iommu=on iommu=off");
	check_all();
	FAIL(NULL, KERNEL_ARGUMENTS, "iommu=off turns", "take iommu=off out");
	machine_line(c.root, "file usr/sbin/grubby #!/bin/sh");
	check_all();
	FAIL(NULL, IOMMU_KERNEL, "no IOMMU groups", "--remove-args=\"iommu=off\", then reboot");
	/* A word that only begins so, or stands in quotes, is another one. */
	machine_line(c.root, "file proc/cmdline intel_iommu=on,sm_on iommu=off1 x=\"a iommu=off\"");
	check_all();
	PASS(NULL, KERNEL_ARGUMENTS, "intel_iommu=on");
}

static void boot_loaders(void **state)
{
	static const char efi[] =
		"sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
	cleanup_free char *loader = NULL;

	(void)state;
	machine_make(c.root, "82576");
	no_groups();
	machine_line(c.root, "file proc/cmdline root=/dev/sda1");
	machine_line(c.root, "drop usr/sbin/update-grub");
	check_all();
	FAIL(NULL, KERNEL_ARGUMENTS, "missing", "add intel_iommu=on iommu=pt to the kernel's");
	machine_line(c.root, "file usr/sbin/grub-mkconfig #");
	check_all();
	FAIL(NULL, KERNEL_ARGUMENTS, "missing",
	     ">> /etc/default/grub && grub-mkconfig -o /boot/grub/grub.cfg, then reboot");
	machine_line(c.root, "file usr/sbin/grub2-mkconfig #");
	check_all();
	FAIL(NULL, KERNEL_ARGUMENTS, "missing",
	     ">> /etc/default/grub && grub2-mkconfig -o /boot/grub2/grub.cfg, then reboot");
	/* systemd-boot by its files, then by what the firmware knows. */
	machine_line(c.root, "drop etc/default/grub");
	machine_line(c.root, "file usr/bin/kernel-install #");
	machine_line(c.root, "file etc/kernel/cmdline root=/dev/sda1 iommu=pt");
	check_all();
	FAIL(NULL, KERNEL_ARGUMENTS, "missing",
	     "sed -i '1s/$/ intel_iommu=on iommu=pt/' /etc/kernel/cmdline && kernel-install add "
	     "6.1.0-18-amd64 /lib/modules/6.1.0-18-amd64/vmlinuz, then reboot");
	machine_line(c.root, "file boot/initrd.img-6.1.0-18-amd64 x");
	machine_line(c.root, "file usr/sbin/grubby #");
	machine_line(c.root, "drop etc/kernel/cmdline");
	machine_line(c.root, "file %s", efi);
	loader = mem_printf("%s/%s", c.root, efi);
	{
		static const char text[] = "\6\0\0\0s\0y\0s\0t\0e\0m\0d\0-\0b\0o\0o\0t\0 \0002\0";
		FILE *out = fopen(loader, "we");

		assert_non_null(out);
		assert_int_equal(fwrite(text, 1, sizeof(text) - 1, out), sizeof(text) - 1);
		(void)fclose(out);
	}
	check_all();
	assert_string_equal(c.facts.boot.loader, "systemd-boot 2");
	FAIL(NULL, KERNEL_ARGUMENTS, "missing",
	     "/proc/cmdline > /etc/kernel/cmdline && kernel-install add 6.1.0-18-amd64 "
	     "/boot/vmlinuz-6.1.0-18-amd64 /boot/initrd.img-6.1.0-18-amd64, then reboot");
	machine_line(c.root, "file usr/sbin/proxmox-boot-tool #");
	machine_line(c.root, "file etc/kernel/proxmox-boot-uuids x");
	check_all();
	FAIL(NULL, KERNEL_ARGUMENTS, "missing", "&& proxmox-boot-tool refresh, then reboot");
	machine_line(c.root, "file usr/bin/rpm-ostree #");
	machine_line(c.root, "file run/ostree-booted");
	check_all();
	FAIL(NULL, KERNEL_ARGUMENTS, "missing",
	     "rpm-ostree kargs --append-if-missing=intel_iommu=on --append-if-missing=iommu=pt, "
	     "then reboot");
}

static void firmware_off(void **state)
{
	(void)state;
	machine_make(c.root, "82576");
	no_groups();
	machine_line(c.root, "drop sys/firmware");
	check_all();
	FAIL(NULL, IOMMU_FIRMWARE, "no ACPI table DMAR: VT-d is off", "turn VT-d on");
	FAIL(NULL, IOMMU_KERNEL, "no IOMMU groups", "see iommu-firmware");
	PASS(NULL, KERNEL_ARGUMENTS, "intel_iommu=on");
	/* In a virtual machine there is no firmware setup to go to. */
	machine_line(c.root, "file proc/cpuinfo flags : vmx hypervisor");
	check_all();
	PASS(NULL, KVM, "VT-x, in a virtual machine");
	FAIL(NULL, IOMMU_FIRMWARE, "VT-d", "<driver intremap='on'/>");
	machine_line(c.root, "drop sys/kernel/iommu_groups");
	check_all();
	assert_false(c.facts.iommu.groups_dir);
}

/* The verdicts of virt-host-validate, where it looks at the same things. */
static void tables_and_processors(void **state)
{
	(void)state;
	/* An emulated AMD processor with Intel's IOMMU. */
	machine_make(c.root, "82576");
	machine_line(c.root, "file proc/cpuinfo flags : svm hypervisor");
	check_all();
	WARN(NULL, IOMMU_FIRMWARE,
	     "no ACPI table IVRS, as this processor's IOMMU has; there is DMAR",
	     "nothing need be done");
	PASS(NULL, IOMMU_KERNEL, "uses it");
	no_groups();
	machine_line(c.root, "file proc/cmdline intel_iommu=off");
	check_all();
	WARN(NULL, IOMMU_FIRMWARE, "no ACPI table IVRS", "see iommu-kernel");
	FAIL(NULL, IOMMU_KERNEL, "no IOMMU groups", "take intel_iommu=off out");
	machine_line(c.root, "dir sys/kernel/iommu_groups/1");
	check_all();
	PASS(NULL, IOMMU_KERNEL, "uses it");
	machine_line(c.root, "file proc/cmdline intel_iommu=off iommu=pt");
	check_all();
	PASS(NULL, KERNEL_ARGUMENTS, "none is missing");
	/* Virtualization is off, the IOMMU is on. */
	machine_line(c.root, "file proc/cpuinfo flags : fpu");
	check_all();
	WARN(NULL, KVM, "neither VT-x nor AMD-V",
	     "turn VT-x or AMD-V on in the machine's firmware");
	WARN(NULL, IOMMU_FIRMWARE, "DMAR is there, but", "turn VT-x or AMD-V on");
	machine_line(c.root, "dir dev");
	machine_line(c.root, "file proc/cpuinfo flags : svm");
	check_all();
	WARN(NULL, KVM, "no /dev/kvm", "modprobe kvm_amd");
	/* Arm, Power, mainframes. */
	machine_line(c.root, "file proc/cpuinfo CPU implementer	: 0x41");
	check_all();
	WARN(NULL, IOMMU_FIRMWARE, "IORT", "nothing need be done");
	PASS(NULL, KERNEL_ARGUMENTS, "needs none");
	NONE(NULL, INTERRUPT_REMAPPING);
	machine_line(c.root, "file sys/firmware/acpi/tables/IORT x");
	check_all();
	PASS(NULL, IOMMU_FIRMWARE, "SMMU, by the ACPI table IORT");
	machine_line(c.root, "file proc/cpuinfo cpu		: POWER9 (raw)");
	check_all();
	PASS(NULL, IOMMU_FIRMWARE, "part of the processor");
	machine_line(c.root, "file proc/cpuinfo vendor_id       : IBM/S390");
	check_all();
	PASS(NULL, IOMMU_FIRMWARE, "part of the processor");
}

static void interrupt_remapping(void **state)
{
	static const char unsafe[] =
		"file sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts Y";

	(void)state;
	machine_make(c.root, "82576");
	machine_line(c.root, "%s", unsafe);
	machine_line(c.root, "file etc/modprobe.d/vfio.conf options vfio_iommu_type1 "
			     "allow_unsafe_interrupts=1");
	check_all();
	WARN(NULL, INTERRUPT_REMAPPING, "it is on, but allow_unsafe_interrupts",
	     "sed -i /allow_unsafe_interrupts/d /etc/modprobe.d/vfio.conf, then reboot");
	machine_line(c.root, "file proc/interrupts  2: 156 0 IO-APIC 2-edge timer");
	check_all();
	WARN(NULL, INTERRUPT_REMAPPING, "off, and allowed", "interrupt remapping");
	/* VFIO is not loaded yet: its options tell. */
	machine_line(c.root, "drop sys/module/vfio_iommu_type1");
	check_all();
	WARN(NULL, INTERRUPT_REMAPPING, "off, and allowed", "interrupt remapping");
	machine_line(c.root, "file etc/modprobe.d/vfio.conf # allow_unsafe_interrupts=1");
	check_all();
	FAIL(NULL, INTERRUPT_REMAPPING, "VFIO gives no VF", "turn interrupt remapping");
	machine_line(c.root, "file proc/cmdline intel_iommu=on intremap=off");
	check_all();
	FAIL(NULL, INTERRUPT_REMAPPING, "VFIO gives no VF", "take intremap=off out");
}

static void vfio(void **state)
{
	static const char dep[] = "lib/modules/6.1.0-18-amd64/modules.dep";

	(void)state;
	machine_make(c.root, "82576");
	machine_line(c.root, "drop sys/bus/pci/drivers/vfio-pci");
	check_all();
	PASS(NULL, VFIO_PCI, "when it is first needed");
	machine_line(c.root, "file %s kernel/drivers/vfio/vfio-pci.k", dep);
	check_all();
	FAIL(NULL, VFIO_PCI, "6.1.0-18-amd64, has no vfio-pci", "boot a kernel");
	machine_line(c.root, "file etc/os-release ID=\"rhel\"");
	check_all();
	FAIL(NULL, VFIO_PCI, "no vfio-pci", "dnf install kernel-modules-6.1.0-18-amd64");
	machine_line(c.root,
		     "file lib/modules/6.1.0-18-amd64/modules.builtin kernel/x/vfio-pci.ko");
	check_all();
	PASS(NULL, VFIO_PCI, "built into");
	/* A release is no path. */
	machine_line(c.root, "file proc/sys/kernel/osrelease ../../etc");
	check_all();
	NONE(NULL, VFIO_PCI);
}

/* libvirt */

static void libvirt(void **state)
{
	struct libvirt_facts *facts = &c.facts.libvirt;

	(void)state;
	machine_make(c.root, "82576");
	check_all();
	facts->asked = true;
	facts->uri = mem_strdup("qemu:///system");
	facts->driver = mem_strdup("QEMU");
	facts->version = 11003000;
	facts->hypervisor = 10000013;
	judge_again();
	PASS(NULL, LIBVIRT, "libvirt 11.3.0, QEMU 10.0.13");
	facts->version = 9005000;
	judge_again();
	PASS(NULL, LIBVIRT, "libvirt 9.5.0");
	facts->version = 9000000;
	judge_again();
	WARN(NULL, LIBVIRT, "libvirt 9.0.0: a VF", "upgrade libvirt to 9.5");
	free(facts->uri);
	facts->uri = mem_strdup("qemu:///session");
	judge_again();
	WARN(NULL, LIBVIRT, "qemu:///session", "sudo vfpool -c qemu:///system check");
	free(facts->driver);
	facts->driver = mem_strdup("TEST");
	judge_again();
	WARN(NULL, LIBVIRT, "TEST", "-c qemu:///system");
	(void)err_set(&facts->err, ERR_FAILED, "cannot connect");
	judge_again();
	FAIL(NULL, LIBVIRT, "cannot connect", "systemctl status");
	(void)err_next(&facts->err, "start it");
	judge_again();
	FAIL(NULL, LIBVIRT, "cannot connect", "start it");
}

static void memory_limits(void **state)
{
	(void)state;
	machine_make(c.root, "82576");
	machine_line(c.root, "file proc/700/status Name: libvirtd");
	machine_line(c.root, "more proc/700/status CapEff:	00000000feffffff");
	check_all();
	WARN(NULL, MEMLOCK, "libvirtd can lock 64 MiB",
	     "/etc/systemd/system/libvirtd.service.d/memlock.conf && systemctl daemon-reload");
	machine_line(c.root,
		     "file proc/700/limits Max locked memory         unlimited unlimited bytes");
	check_all();
	PASS(NULL, MEMLOCK, "any amount");
	/* A process that has its number by chance. */
	machine_line(c.root, "file proc/700/comm cat");
	check_all();
	assert_null(c.facts.libvirt.daemon.name);
	NONE(NULL, MEMLOCK);
}

static void hooks(void **state)
{
	static const char hook[] = "etc/libvirt/hooks/qemu.d/50-x";
	cleanup_free char *path = NULL;

	(void)state;
	machine_make(c.root, "82576");
	machine_line(c.root, "file %s #!/bin/sh", hook);
	check_all();
	WARN(NULL, HOOK, "/etc/libvirt/hooks/qemu.d/50-x cannot be executed",
	     "chmod +x /etc/libvirt/hooks/qemu.d/50-x && systemctl restart libvirtd");
	path = mem_printf("%s/%s", c.root, hook);
	assert_int_equal(chmod(path, 0755), 0);
	check_all();
	/* The machine was booted in the year 2100. */
	PASS(NULL, HOOK, "/etc/libvirt/hooks/qemu.d/vfpool and others");
	assert_true(c.facts.libvirt.daemon.started >= 4102444800);
	machine_line(c.root, "file proc/stat cpu");
	machine_line(c.root, "more proc/stat btime 1000");
	check_all();
	WARN(NULL, HOOK, "was changed after libvirtd had started", "systemctl restart libvirtd");
	machine_line(c.root, "file proc/stat cpu");
	machine_line(c.root, "more proc/stat btime 4102444800");
	machine_line(c.root, "drop etc/libvirt/hooks/qemu.d/vfpool");
	check_all();
	WARN(NULL, HOOK, "vfpool's is not installed", "vfpool hook-install");
	machine_line(c.root, "drop etc/libvirt/hooks");
	check_all();
	WARN(NULL, HOOK, "vfpool's is not installed", "vfpool hook-install");
	machine_line(c.root, "program %s #!/bin/sh", hook);

	machine_line(c.root, "file sys/fs/selinux/enforce 1");
	machine_line(c.root, "file sys/fs/selinux/booleans/virt_hooks_unconfined 0 0");
	check_all();
	WARN(NULL, HOOK_CONFINEMENT, "SELinux", "setsebool -P virt_hooks_unconfined on");
	machine_line(c.root, "file sys/fs/selinux/booleans/virt_hooks_unconfined 1 1");
	check_all();
	PASS(NULL, HOOK_CONFINEMENT, "SELinux");
	machine_line(c.root, "drop sys/fs");

	machine_line(c.root, "file sys/module/apparmor/parameters/enabled Y");
	machine_line(c.root, "file proc/700/attr/current libvirtd (enforce)");
	check_all();
	PASS(NULL, HOOK_CONFINEMENT, "AppArmor confines libvirtd, and lets");
	machine_line(c.root, "file opt/x/hook #!/bin/sh");
	machine_line(c.root, "link etc/libvirt/hooks/qemu.d/60-y /opt/x/hook");
	check_all();
	WARN(NULL, HOOK_CONFINEMENT, "does not let libvirtd run /opt/x/hook",
	     "/opt/x/hook rmix,' >> /etc/apparmor.d/local/usr.sbin.libvirtd");
	/* A link cannot lead out of the machine. */
	machine_line(c.root, "link etc/libvirt/hooks/qemu.d/70-z ../../../../../../bin/sh");
	check_all();
	assert_int_equal(c.facts.libvirt.nhooks, 2);
}

/* Devices */

static void ixgbe_down(void **state)
{
	(void)state;
	machine_make(c.root, "82599");
	check_all();
	PASS("enp3s0f0", DEVICE, "82599ES (8086:10fb)");
	WARN("enp3s0f0", LINK, "down", "ip link set dev enp3s0f0 up");
	PASS("enp3s0f0", VFS, "4 of at most 63");
	PASS("enp3s0f0", NUMA, "node 1");
	WARN("enp3s0f0", PERSISTENCE,
	     "/etc/udev/rules.d/70-vfs.rules makes it 2 VFs at the next boot",
	     "vfpool set-vfs enp3s0f0 4 --persist");
	assert_int_equal(results_count(&c.results, VERDICT_FAIL), 0);
}

static void i40e_gaps(void **state)
{
	(void)state;
	machine_make(c.root, "xl710");
	check_all();
	PASS("ens1f0", DEVICE, "XL710");
	PASS("ens1f0", VFS, "8 of at most 64");
	WARN("ens1f0", VF_FUNCTIONS, "2 of 8 are missing: 2, 5",
	     "echo 0 > /sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs && echo 8 >");
	WARN("ens1f0", VF_DRIVERS, "none on 6; iavf on 5", "echo 0000:3b:02.6 > ");
	PASS("ens1f0", VF_NETDEVS, "each");
	WARN("ens1f0", PERSISTENCE, "'storage net' takes all VFs away",
	     "nmcli connection modify 'storage net' sriov.preserve-on-down yes");
	/* Its driver is not loaded. */
	machine_line(c.root, "drop sys/bus/pci/drivers/iavf");
	check_all();
	WARN("ens1f0", VF_DRIVERS, "none on 6", "modprobe iavf");
}

static void network_manager(void **state)
{
	static const char file[] = "etc/NetworkManager/system-connections/ens1f0.nmconnection";

	(void)state;
	machine_make(c.root, "xl710");
	machine_line(c.root, "more %s preserve-on-down=1", file);
	check_all();
	PASS("ens1f0", PERSISTENCE, "'storage net' makes 8");
	/* Without a number it is none. */
	machine_line(c.root, "file %s [connection]", file);
	machine_line(c.root, "more %s id=a", file);
	machine_line(c.root, "more %s [ethernet]", file);
	machine_line(c.root, "more %s mac-address=3C:FD:FE:00:00:01", file);
	machine_line(c.root, "more %s [sriov]", file);
	check_all();
	WARN("ens1f0", PERSISTENCE, "connection a makes it 0 VFs",
	     "nmcli connection modify a sriov.total-vfs 8");
	/* Another card's. */
	machine_line(c.root, "file %s [match]", file);
	machine_line(c.root, "more %s path=pci-0000:5e:*;", file);
	machine_line(c.root, "more %s [sriov]", file);
	check_all();
	WARN("ens1f0", PERSISTENCE, "no udev rule", "vfpool set-vfs ens1f0 8 --persist");
	machine_line(c.root, "file etc/sysconfig/network-scripts/ifcfg-x DEVICE=\"ens1f0\"");
	machine_line(c.root, "more etc/sysconfig/network-scripts/ifcfg-x SRIOV_TOTAL_VFS=4");
	check_all();
	WARN("ens1f0", PERSISTENCE, "/etc/sysconfig/network-scripts/ifcfg-x makes it 4", "nmcli");
	/* One of several names is enough. */
	machine_line(c.root, "file %s [match]", file);
	machine_line(c.root, "more %s interface-name=eth*;ens1*;", file);
	machine_line(c.root, "more %s [sriov]", file);
	machine_line(c.root, "more %s total-vfs=4", file);
	check_all();
	WARN("ens1f0", PERSISTENCE, "makes it 4 VFs when it comes up", "sriov.total-vfs 8");
	/* A second one who keeps another number. */
	machine_line(c.root, "file etc/systemd/network/10.link [Match]");
	machine_line(c.root, "more etc/systemd/network/10.link Driver=ice i40e");
	machine_line(c.root, "more etc/systemd/network/10.link [Link]");
	machine_line(c.root, "more etc/systemd/network/10.link SR-IOVVirtualFunctions = 8");
	check_all();
	WARN("ens1f0", PERSISTENCE, "makes 4 VFs, and /etc/systemd/network/10.link makes 8",
	     "leave the number to one");
}

/* A number of its own, that no connection has. */
static void network_manager_conf(void **state)
{
	static const char main_file[] = "etc/NetworkManager/NetworkManager.conf";
	static const char drop_in[] = "etc/NetworkManager/conf.d/vfs.conf";

	(void)state;
	machine_make(c.root, "ql41000");
	machine_line(c.root, "file %s [main]", main_file);
	machine_line(c.root, "more %s plugins=keyfile", main_file);
	machine_line(c.root, "more %s [device-wlan]", main_file);
	machine_line(c.root, "more %s match-device=type:wifi", main_file);
	machine_line(c.root, "more %s sriov-num-vfs=9", main_file);
	machine_line(c.root, "more %s [device-other]", main_file);
	machine_line(c.root, "more %s match-device=driver:q*,except:interface-name:ens6f0",
		     main_file);
	machine_line(c.root, "more %s sriov-num-vfs=8", main_file);
	check_named("ens6f0");
	WARN("ens6f0", PERSISTENCE, "no udev rule", "--persist");
	machine_line(c.root, "more %s [device-this]", main_file);
	machine_line(c.root, "more %s match-device=interface-name:eth0;interface-name:ens6*",
		     main_file);
	machine_line(c.root, "more %s sriov-num-vfs=2", main_file);
	machine_line(c.root, "more %s [device]", main_file);
	machine_line(c.root, "more %s sriov-num-vfs=7", main_file);
	check_named("ens6f0");
	PASS("ens6f0", PERSISTENCE, "/etc/NetworkManager/NetworkManager.conf makes 2");
	/* What is added later wins; what is hidden by the same name in /etc does not count. */
	machine_line(c.root, "file usr/lib/NetworkManager/conf.d/vfs.conf [device]");
	machine_line(c.root, "more usr/lib/NetworkManager/conf.d/vfs.conf sriov-num-vfs=1");
	machine_line(c.root, "file %s [device]", drop_in);
	machine_line(c.root, "more %s match-device=mac:02:00:00:00:00:01", drop_in);
	machine_line(c.root, "more %s sriov-num-vfs=4", drop_in);
	check_named("ens6f0");
	WARN("ens6f0", PERSISTENCE,
	     "/etc/NetworkManager/conf.d/vfs.conf makes it 4 VFs when NetworkManager starts: the 2",
	     "sed -i 's/^sriov-num-vfs=.*/sriov-num-vfs=2/' /etc/NetworkManager/conf.d/vfs.conf");
}

/* Who sets VFs to something has no respect for guests. */
static void settings_by_others(void **state)
{
	static const char nm[] = "etc/NetworkManager/system-connections/ens1f0.nmconnection";
	static const char network[] = "etc/systemd/network/20-x.network";
	static const char link[] = "etc/systemd/network/20-x.link";

	(void)state;
	machine_make(c.root, "xl710");
	check_all();
	PASS("ens1f0", VF_SETTINGS, "set nothing");
	machine_line(c.root, "more %s vf.0=mac=02:00:00:00:00:07 trust=true", nm);
	check_all();
	WARN("ens1f0", VF_SETTINGS, "NetworkManager's connection 'storage net' sets VFs",
	     "nmcli connection modify 'storage net' sriov.vfs ''");
	machine_line(c.root, "drop %s", nm);
	machine_line(c.root, "file %s [Match]", network);
	machine_line(c.root, "more %s Name=eth* ens1f?", network);
	machine_line(c.root, "more %s [Network]", network);
	machine_line(c.root, "more %s [SR-IOV]", network);
	machine_line(c.root, "more %s VirtualFunction=0", network);
	machine_line(c.root, "more %s VLANId=5", network);
	check_all();
	WARN("ens1f0", VF_SETTINGS,
	     "/etc/systemd/network/20-x.network sets VFs whenever networkd configures",
	     "[SR-IOV] sections out of /etc/systemd/network/20-x.network");
	/* The first one that fits is the only one. */
	machine_line(c.root, "file etc/systemd/network/10-x.network [Match]");
	machine_line(c.root, "more etc/systemd/network/10-x.network Driver=i40e");
	check_all();
	PASS("ens1f0", VF_SETTINGS, "set nothing");
	machine_line(c.root, "file %s [Match]", link);
	machine_line(c.root, "more %s Property=ID_MODEL=x", link);
	machine_line(c.root, "file %s.d/vfs.conf [SR-IOV]", link);
	machine_line(c.root, "more %s.d/vfs.conf VirtualFunction=1", link);
	check_all();
	WARN("ens1f0", VF_SETTINGS,
	     "/etc/systemd/network/20-x.link.d/vfs.conf sets VFs whenever udev",
	     "out of /etc/systemd/network/20-x.link.d/vfs.conf");
	hold("found", find("ens1f0", CHECK_VF_SETTINGS)->found, "if it means this PF");
}

static void link_files(void **state)
{
	static const char file[] = "usr/lib/systemd/network/50-x.link";

	(void)state;
	machine_make(c.root, "ql41000");
	machine_line(c.root, "file %s [Match]", file);
	machine_line(c.root, "more %s MACAddress=02:00:00:00:00:09 02:00:00:00:00:01", file);
	machine_line(c.root, "more %s Type=!wlan", file);
	machine_line(c.root, "more %s [Link]", file);
	machine_line(c.root, "more %s SR-IOVVirtualFunctions=2", file);
	check_named("ens6f0");
	PASS("ens6f0", PERSISTENCE, "/usr/lib/systemd/network/50-x.link makes 2");
	/* One that comes before it counts alone. */
	machine_line(c.root, "file etc/systemd/network/40-x.link [Match]");
	machine_line(c.root, "more etc/systemd/network/40-x.link Path=pci-0000:06:00.0");
	check_named("ens6f0");
	WARN("ens6f0", PERSISTENCE, "no udev rule", "--persist");
	machine_line(c.root, "drop etc/systemd/network/40-x.link");
	/* Masked, in the directory that goes first. */
	machine_line(c.root, "link etc/systemd/network/50-x.link /dev/null");
	check_named("ens6f0");
	WARN("ens6f0", PERSISTENCE, "no udev rule", "--persist");
	machine_line(c.root, "drop etc/systemd/network/50-x.link");
	/* What cannot be told from here. */
	machine_line(c.root, "file %s [Match]", file);
	machine_line(c.root, "more %s Property=ID_MODEL=x", file);
	machine_line(c.root, "more %s [Link]", file);
	machine_line(c.root, "more %s SR-IOVVirtualFunctions=2", file);
	check_named("ens6f0");
	PASS("ens6f0", PERSISTENCE, "makes 2, if it means this PF");
	/* A drop-in has the last word, from whichever directory. */
	machine_line(c.root, "file %s [Match]", file);
	machine_line(c.root, "more %s Driver=qede", file);
	machine_line(c.root,
		     "file etc/systemd/network/50-x.link.d/vfpool-0000:06:00.0.conf [Link]");
	machine_line(c.root, "more etc/systemd/network/50-x.link.d/vfpool-0000:06:00.0.conf "
			     "SR-IOVVirtualFunctions=3");
	check_named("ens6f0");
	WARN("ens6f0", PERSISTENCE,
	     "/etc/systemd/network/50-x.link.d/vfpool-0000:06:00.0.conf makes it 3",
	     "vfpool set-vfs ens6f0 2 --persist");
	machine_line(c.root, "drop etc/systemd/network/50-x.link.d");
	/* Without a [Match] nothing fits. */
	machine_line(c.root, "file %s [Link]", file);
	machine_line(c.root, "more %s SR-IOVVirtualFunctions=2", file);
	check_named("ens6f0");
	WARN("ens6f0", PERSISTENCE, "no udev rule", "--persist");
}

static void udev_rules(void **state)
{
	static const struct {
		const char *rule;
		bool fits;
	} rules[] = {
		{"ACTION==\"add\", SUBSYSTEM==\"net\", KERNEL==\"ens6*\", "
		 "ATTR{device/sriov_numvfs}=\"2\"",
		 true},
		{"SUBSYSTEM==\"pci\", KERNEL==\"0000:06:00.0\", ATTR{sriov_numvfs}=\"2\"", true},
		{"SUBSYSTEM==\"pci\", ATTR{vendor}==\"0x1077\", ATTR{device}==\"0x8070\", "
		 "ATTR{sriov_numvfs}=\"2\"",
		 true},
		{"SUBSYSTEM==\"net\", DRIVERS==\"ixgbe|qede\", "
		 "RUN+=\"/bin/sh -c 'echo 2 > /sys$devpath/device/sriov_numvfs'\"",
		 true},
		{"SUBSYSTEM==\"net\", ATTR{address}==\"02:00:00:00:00:01\", \\\n"
		 " ATTR{device/sriov_numvfs}=\"2\"",
		 true},
		{"SUBSYSTEM==\"net\", DRIVERS!=\"qede\", ATTR{device/sriov_numvfs}=\"2\"", false},
		{"SUBSYSTEM==\"net\", KERNELS==\"0000:07:00.0\", ATTR{device/sriov_numvfs}=\"2\"",
		 false},
		{"#SUBSYSTEM==\"net\", ATTR{device/sriov_numvfs}=\"2\"", false},
		{"SUBSYSTEM==\"net\", NAME==\"eth1\", ATTR{device/sriov_numvfs}=\"2", false},
		{"SUBSYSTEM==\"block\", ATTR{device/sriov_numvfs}=\"2\"", false},
	};

	(void)state;
	machine_make(c.root, "ql41000");
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		machine_line(c.root, "file etc/udev/rules.d/9.rules %s", rules[i].rule);
		check_named("ens6f0");
		if (rules[i].fits)
			PASS("ens6f0", PERSISTENCE, "/etc/udev/rules.d/9.rules makes 2");
		else
			WARN("ens6f0", PERSISTENCE, "no udev rule", "--persist");
	}
}

/* As set-vfs writes it: VFs that are there are left alone. */
static void a_rule_that_waits(void **state)
{
	static const char rule[] = "file etc/udev/rules.d/70-vfpool-0000:06:00.0.rules "
				   "ACTION==\"add|bind\", SUBSYSTEM==\"pci\", "
				   "KERNEL==\"0000:06:00.0\", DRIVER==\"?*\", "
				   "ATTR{sriov_numvfs}==\"0\", ATTR{sriov_numvfs}=\"%u\"";

	(void)state;
	machine_make(c.root, "ql41000");
	machine_line(c.root, rule, 2);
	check_named("ens6f0");
	PASS("ens6f0", PERSISTENCE, "/etc/udev/rules.d/70-vfpool-0000:06:00.0.rules makes 2");
	machine_line(c.root, rule, 4);
	check_named("ens6f0");
	WARN("ens6f0", PERSISTENCE, "makes it 4 VFs after a reboot, not 2",
	     "vfpool set-vfs ens6f0 2 --persist");
}

static void mlx5_two_ports(void **state)
{
	(void)state;
	machine_make(c.root, "connectx5");
	check_all();
	PASS("enp175s0f0np0", DEVICE, "ConnectX-5 (15b3:1017)");
	PASS("enp175s0f0np0", VF_DRIVERS, "mlx5_core on 4");
	PASS("enp175s0f1np1", VF_FUNCTIONS, "all");
	PASS("enp175s0f1np1", IOMMU_GROUPS, "alone");
	PASS("enp175s0f0np0", PERSISTENCE, "/etc/systemd/network/10-cx5.link makes 4");
	WARN("enp175s0f1np1", PERSISTENCE, "no udev rule", "set-vfs enp175s0f1np1 4 --persist");
	/* Others can serve, so that this one is not missed. */
	WARN("enp216s0np0", SRIOV, "turned off in the card",
	     "mstconfig -d 0000:d8:00.0 set SRIOV_EN=1 NUM_OF_VFS=8");
	NONE("enp216s0np0", VFS);
	check_named("0000:d8:00.0");
	FAIL("enp216s0np0", SRIOV, "turned off in the card", "mstconfig");
}

static void bnx2x_quirks(void **state)
{
	(void)state;
	machine_make(c.root, "bcm57810");
	check_all();
	WARN("eno1", DEVICE, "BCM57810: its VFs are unreliable in guests with Windows",
	     "other systems only");
	WARN("eno1", LINK, "up, but no carrier", "ethtool eno1");
	WARN("eno1", PERSISTENCE, "/etc/udev/rules.d/70-vfs.rules does not work",
	     "ExecStart=/bin/sh -c 'echo 8 > /sys/bus/pci/devices/0000:04:00.0/sriov_numvfs'");
	machine_line(c.root, "drop etc/udev");
	check_all();
	WARN("eno1", PERSISTENCE, "no udev rule", "ExecStart=");
	assert_int_equal(results_count(&c.results, VERDICT_FAIL), 0);
}

static void ice_shared_group(void **state)
{
	(void)state;
	machine_make(c.root, "e810");
	check_all();
	PASS("ens3f0", DEVICE, "E810-C");
	FAIL("ens3f0", IOMMU_GROUPS,
	     "not isolated, so unusable: 0-15 (group 30 is shared with 0000:41:00.0, 0000:41:01.1, "
	     "0000:41:01.2, 0000:41:01.3, 12 more)",
	     "ACS");
	WARN("ens3f0", NUMA, "which of 2 nodes", "firmware");
	/* Before there are any VFs the PF's own group is a sign. */
	machine_line(c.root, "file sys/devices/pci0000:00/0000:41:00.0/sriov_numvfs 0");
	check_all();
	WARN("ens3f0", IOMMU_GROUPS, "the PF shares group 30 with", "ACS");
	FAIL("ens3f0", VFS, "none of at most 128", "vfpool set-vfs ens3f0 8 --persist");
}

static void some_groups_shared(void **state)
{
	(void)state;
	machine_make(c.root, "82576");
	/* A bridge is no stranger, another endpoint is. */
	machine_line(c.root, "link sys/kernel/iommu_groups/20/devices/0000:00:01.0 "
			     "../../../../devices/pci0000:00/0000:00:01.0");
	check_all();
	PASS("eth1", IOMMU_GROUPS, "alone");
	machine_line(c.root, "link sys/kernel/iommu_groups/20/devices/0000:01:00.1 "
			     "../../../../devices/pci0000:00/0000:01:00.1");
	check_all();
	WARN("eth1", IOMMU_GROUPS, "unusable: 0 (group 20 is shared with 0000:01:00.1)", "ACS");
	machine_line(c.root, "drop sys/devices/pci0000:00/0000:01:10.2/iommu_group");
	check_all();
	WARN("eth1", IOMMU_GROUPS, "no IOMMU group for the VFs 1", "dmesg");
	PASS("eth2", IOMMU_GROUPS, "the PF is alone in group 11");
}

static void cards_that_are_off(void **state)
{
	(void)state;
	machine_make(c.root, "sfc9220");
	check_all();
	FAIL("ens5f0np0", SRIOV, "its driver allows no VF", "sfboot --adapter=ens5f0np0");
	NONE("ens5f0np0", VFS);
}

static void unlisted_device(void **state)
{
	(void)state;
	machine_make(c.root, "ql41000");
	check_all();
	PASS("ens6f0", DEVICE, "QL41000");
	PASS("ens6f0", VF_DRIVERS, "none on 0-1, as sriov_drivers_autoprobe is 0");
	PASS("ens6f0", VF_NETDEVS, "the host drives none");
	WARN("0000:07:00.0", DEVICE, "1af4:4242 is not among", "try");
	WARN("0000:07:00.0", DRIVER, "no driver",
	     "modprobe \"$(cat /sys/bus/pci/devices/0000:07:00.0/modalias)\"");
	WARN("0000:07:00.0", VFS, "none of at most 4", "vfpool set-vfs 0000:07:00.0 4 --persist");
	assert_int_equal(results_count(&c.results, VERDICT_FAIL), 0);
	/* It was asked for: then it must be ready. */
	check_named("0000:07:00.0");
	FAIL("0000:07:00.0", DRIVER, "no driver", "modprobe");
	FAIL("0000:07:00.0", VFS, "none of", "set-vfs");
}

static void wrong_drivers(void **state)
{
	(void)state;
	machine_make(c.root, "82576");
	machine_line(c.root, "link sys/devices/pci0000:00/0000:01:00.1/driver "
			     "../../../bus/pci/drivers/vfio-pci");
	check_named("0000:01:00.1");
	FAIL("eth2", DRIVER, "vfio-pci has the PF itself",
	     "virsh nodedev-reattach pci_0000_01_00_1");
	machine_line(c.root, "link sys/devices/pci0000:00/0000:01:00.1/driver "
			     "../../../bus/pci/drivers/igb2");
	check_named("0000:01:00.1");
	WARN("eth2", DRIVER, "igb2 is not the driver", "modprobe igb");
}

static void hostile_names(void **state)
{
	static const char first[] = "e;$(reboot)&'x", second[] = "-rf|%s%n\"`x`";

	(void)state;
	machine_make(c.root, "hostile");
	check_all();
	WARN(first, LINK, "down", "ip link set dev 'e;$(reboot)&'\\''x' up");
	WARN(first, VFS, "2 of at most 7, and their number cannot be changed",
	     "mount -o remount,rw");
	WARN(first, VF_NETDEVS, "none in this network namespace on 0-1",
	     "echo 0000:01:10.0 > /sys/bus/pci/drivers/igbvf/unbind");
	WARN(first, PERSISTENCE, "no udev", "vfpool set-vfs 'e;$(reboot)&'\\''x' 2 --persist");
	WARN(second, LINK, "down", "ip link set dev '-rf|%s%n\"`x`' up");
	WARN(second, VFS, "none of at most 7, and", "/sys");
	/* It is read-only, and named. */
	check_named(second);
	FAIL(second, VFS, "cannot be changed", "/sys");
}

static void storage_has_no_netdevs(void **state)
{
	(void)state;
	machine_make(c.root, "storage");
	check_all();
	NONE("0000:09:00.0", LINK);
	NONE("0000:09:00.0", VF_NETDEVS);
	PASS("0000:09:00.0", VF_DRIVERS, "nvme on 2");
	WARN("0000:09:00.0", DEVICE, "144d:a824", "try");
}

static void no_sriov(void **state)
{
	struct err *err = NULL;

	(void)state;
	machine_make(c.root, "none");
	check_all();
	/* A card that is known to have it; the ordinary one is of no interest. */
	FAIL("enp2s0", SRIOV, "but the kernel does not offer it", "CONFIG_PCI_IOV");
	NONE("eno1", SRIOV);
	check_named("eno1");
	FAIL("eno1", SRIOV, "no SR-IOV", "take another");
	machine_line(c.root, "drop sys/bus/pci/devices/0000:02:00.0");
	check_all();
	FAIL(NULL, SRIOV, "no device with SR-IOV", "put in");
	forget();

	assert_int_equal(read_machine("eth9", &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	assert_int_equal(read_machine("../../etc", &err), -1);
	err_free(&err);
	assert_int_equal(read_machine("0000:7f:00.0", &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
}

static void a_vf_is_no_pf(void **state)
{
	struct err *err = NULL;

	(void)state;
	machine_make(c.root, "82576");
	assert_int_equal(read_machine("eth1v3", &err), -1);
	assert_int_equal(err->code, ERR_USAGE);
	assert_string_equal(err->next, "name its PF, 0000:01:00.0");
	err_free(&err);
}

/* An empty tree tells nothing, and that is no reason to fall over. */
static void an_empty_machine(void **state)
{
	(void)state;
	machine_line(c.root, "dir sys/bus/pci/devices");
	check_all();
	FAIL(NULL, IOMMU_KERNEL, "no IOMMU groups", "CONFIG_INTEL_IOMMU");
	FAIL(NULL, SRIOV, "no device", "put in");
	NONE(NULL, KVM);
	NONE(NULL, KERNEL_ARGUMENTS);
}

static void rights(void **state)
{
	(void)state;
	machine_make(c.root, "82576");
	check_all();
	c.facts.made = false;
	c.facts.privileged = false;
	judge_again();
	NONE(NULL, RIGHTS);
	c.facts.keepers.nm_read = false;
	c.facts.libvirt.hooks_read = false;
	judge_again();
	WARN(NULL, RIGHTS, "NetworkManager's connections and libvirt's hooks", "sudo");
}

/* Words */

static void shell_words(void **state)
{
	static const char *const texts[][2] = {
		{"eth1", "eth1"},     {"", "''"},         {"a b", "'a b'"},
		{"a'b", "'a'\\''b'"}, {"$x", "'$x'"},     {"0000:01:00.0", "0000:01:00.0"},
		{"'", "''\\'''"},     {"a\nb", "'a\nb'"}, {"~", "'~'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_free char *word = shell_word(texts[i][0]);

		assert_string_equal(word, texts[i][1]);
	}
}

static void ranges(void **state)
{
	const unsigned some[] = {0, 1, 2, 5, 7, 8};
	unsigned many[40];
	cleanup_free char *text = number_ranges(some, ARRAY_SIZE(some));

	(void)state;
	assert_string_equal(text, "0-2, 5, 7-8");
	free(text);
	text = number_ranges(NULL, 0);
	assert_string_equal(text, "none");
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = 2 * i;
	free(text);
	text = number_ranges(many, ARRAY_SIZE(many));
	assert_string_equal(text, "0, 2, 4, 6, 8, 10, 12, 14, 32 more");
}

static void ini_files(void **state)
{
	struct ini ini = {.rest = "a=1\n# c\n[one]\n b = x y \r\n;\nnothing\n[]\nc=\n[two"};

	(void)state;
	assert_true(ini_next(&ini));
	assert_true(ini_in(&ini, "one") && !ini.key);
	assert_true(ini_next(&ini));
	assert_true(ini_is(&ini, "one", "b"));
	assert_int_equal(ini.value_length, 3);
	assert_true(ini_next(&ini) && ini_in(&ini, ""));
	assert_true(ini_next(&ini) && ini_is(&ini, "", "c"));
	assert_int_equal(ini.value_length, 0);
	assert_false(ini_next(&ini));
}

static void known_devices(void **state)
{
	static const struct {
		uint16_t vendor, device;
		const char *driver, *vf_driver;
	} issued[] = {
		{0x8086, 0x10fb, "ixgbe", "ixgbevf"},
		{0x8086, 0x1583, "i40e", "iavf"},
		{0x8086, 0x158b, "i40e", "iavf"},
		{0x15b3, 0x1017, "mlx5_core", "mlx5_core"},
		{0x8086, 0x10c9, "igb", "igbvf"},
		{0x14e4, 0x168e, "bnx2x", "bnx2x"},
		{0x8086, 0x1592, "ice", "iavf"},
		{0x15b3, 0x101d, "mlx5_core", "mlx5_core"},
		{0x15b3, 0x1021, "mlx5_core", "mlx5_core"},
		{0x1924, 0x0a03, "sfc", "sfc"},
		{0x1077, 0x8070, "qede", "qede"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(issued); i++) {
		const struct known_device *known = known_device(issued[i].vendor, issued[i].device);

		assert_non_null(known);
		assert_string_equal(known->driver, issued[i].driver);
		assert_string_equal(known->vf_driver, issued[i].vf_driver);
	}
	assert_null(known_device(0x8086, 0x10ca));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(intel_ready),
		TEST(amd_needs_no_argument),
		TEST(intel_off),
		TEST(arguments_that_turn_it_off),
		TEST(boot_loaders),
		TEST(firmware_off),
		TEST(tables_and_processors),
		TEST(interrupt_remapping),
		TEST(vfio),
		TEST(libvirt),
		TEST(memory_limits),
		TEST(hooks),
		TEST(ixgbe_down),
		TEST(i40e_gaps),
		TEST(network_manager),
		TEST(network_manager_conf),
		TEST(settings_by_others),
		TEST(link_files),
		TEST(udev_rules),
		TEST(a_rule_that_waits),
		TEST(mlx5_two_ports),
		TEST(bnx2x_quirks),
		TEST(ice_shared_group),
		TEST(some_groups_shared),
		TEST(cards_that_are_off),
		TEST(unlisted_device),
		TEST(wrong_drivers),
		TEST(hostile_names),
		TEST(storage_has_no_netdevs),
		TEST(no_sriov),
		TEST(a_vf_is_no_pf),
		TEST(an_empty_machine),
		TEST(rights),
		cmocka_unit_test(shell_words),
		cmocka_unit_test(ranges),
		cmocka_unit_test(ini_files),
		cmocka_unit_test(known_devices),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
