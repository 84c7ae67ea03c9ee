// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The processor and the IOMMU. Where virt-host-validate looks at the same things it goes by the
 * processor's vmx or svm for which ACPI table there must be; so does this, that the two agree.
 */
#include <stdlib.h>
#include <string.h>

#include "check/rules.h"
#include "check/words.h"
#include "core/cleanup.h"
#include "core/mem.h"

/* The text behind "key :" in /proc/cpuinfo, of the first processor; "" for none. */
static char *cpu_value(const struct facts *facts, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = facts->cpu.cpuinfo; line && *line;) {
		const char *end = strchrnul(line, '\n');

		if (strncmp(line, key, length) == 0 && strspn(line + length, "\t :")) {
			const char *value = line + length + strspn(line + length, "\t :");

			return value < end ? mem_printf("%.*s", (int)(end - value), value)
					   : mem_strdup("");
		}
		line = *end ? end + 1 : NULL;
	}
	return mem_strdup("");
}

static bool cpu_has(const struct facts *facts, const char *flag)
{
	cleanup_free char *flags = cpu_value(facts, "flags");

	return has_word(flags, flag);
}

/* Only x86 calls its features flags. */
bool cpu_is_x86(const struct facts *facts)
{
	cleanup_free char *flags = cpu_value(facts, "flags");

	return *flags;
}

static bool cpu_is_arm(const struct facts *facts)
{
	cleanup_free char *implementer = cpu_value(facts, "CPU implementer");

	return *implementer;
}

static bool is_virtual(const struct facts *facts)
{
	return cpu_has(facts, "hypervisor");
}

/* Where something about the machine itself is changed. */
static char *in_firmware(const struct facts *facts, const char *what, const char *xml)
{
	if (is_virtual(facts))
		return mem_printf("this host is a virtual machine: give it %s, then start it anew",
				  xml);
	return mem_printf("turn %s on in the machine's firmware setup, then boot", what);
}

void judge_kvm(struct judging *j)
{
	const struct facts *facts = j->facts;
	bool vmx = cpu_has(facts, "vmx"), svm = cpu_has(facts, "svm");
	const char *name = vmx ? "VT-x" : svm ? "AMD-V" : "the processor's virtualization";

	if (!facts->cpu.cpuinfo)
		return;
	if (cpu_is_x86(facts) && !vmx && !svm)
		report(j, CHECK_KVM, VERDICT_WARN,
		       in_firmware(facts, "VT-x or AMD-V", "<cpu mode='host-passthrough'/>"),
		       "the processor shows neither VT-x nor AMD-V: guests are emulated, and slow");
	else if (facts->cpu.kvm == ANSWER_NO)
		report(j, CHECK_KVM, VERDICT_WARN,
		       mem_printf("modprobe %s", vmx   ? "kvm_intel"
						 : svm ? "kvm_amd"
						       : "kvm"),
		       "there is no /dev/kvm: guests are emulated, and slow");
	else if (facts->cpu.kvm == ANSWER_YES && !facts->cpu.kvm_accessible)
		report(j, CHECK_KVM, VERDICT_WARN,
		       mem_strdup("run it with sudo, or join the group: usermod -aG kvm \"$USER\""),
		       "/dev/kvm is not for this user");
	else
		report(j, CHECK_KVM, VERDICT_PASS, NULL, "%s%s", name,
		       is_virtual(facts) ? ", in a virtual machine itself" : "");
}

/* The ACPI table that tells of the IOMMU. */
struct iommu_table {
	const char *iommu; /* "VT-d" */
	const char *name;  /* NULL: there is no telling which it would be */
	bool there;
};

static struct iommu_table expected_table(const struct facts *facts)
{
	if (cpu_has(facts, "vmx"))
		return (struct iommu_table){"VT-d", "DMAR", facts->iommu.dmar};
	if (cpu_has(facts, "svm"))
		return (struct iommu_table){"AMD-Vi", "IVRS", facts->iommu.ivrs};
	if (cpu_is_arm(facts))
		return (struct iommu_table){"the SMMU", "IORT", facts->iommu.iort};
	return (struct iommu_table){"VT-d or AMD-Vi", NULL, false};
}

/* Power and s390 have their IOMMU always on, and no ACPI. */
static bool iommu_is_built_in(const struct facts *facts)
{
	cleanup_free char *cpu = cpu_value(facts, "cpu"), *vendor = cpu_value(facts, "vendor_id");

	return strncmp(cpu, "POWER", 5) == 0 || strncmp(vendor, "IBM/S390", 8) == 0;
}

/* A table there is, but not the one that goes with the processor. */
static const char *unexpected_table(const struct facts *facts)
{
	return facts->iommu.dmar ? "DMAR" : facts->iommu.ivrs ? "IVRS" : NULL;
}

static void judge_other_table(struct judging *j, const struct iommu_table *table)
{
	const struct facts *facts = j->facts;
	const char *other = unexpected_table(facts);
	const char *wanted = table->name ? table->name : "DMAR or IVRS";

	if (other && !table->name)
		report(j, CHECK_IOMMU_FIRMWARE, VERDICT_WARN,
		       in_firmware(facts, "VT-x or AMD-V", "<cpu mode='host-passthrough'/>"),
		       "the ACPI table %s is there, but the processor shows neither VT-x nor AMD-V",
		       other);
	else if (facts->iommu.groups)
		report(j, CHECK_IOMMU_FIRMWARE, VERDICT_WARN,
		       mem_strdup("nothing need be done: the kernel has found an IOMMU all the "
				  "same"),
		       "no ACPI table %s, as this processor's IOMMU has%s%s", wanted,
		       other ? "; there is " : "", other ? other : "");
	else if (other)
		report(j, CHECK_IOMMU_FIRMWARE, VERDICT_WARN, mem_strdup("see iommu-kernel"),
		       "no ACPI table %s, as this processor's IOMMU has; there is %s", wanted,
		       other);
	else
		report(j, CHECK_IOMMU_FIRMWARE, VERDICT_FAIL,
		       in_firmware(facts, table->iommu,
				   "<iommu model='intel'><driver intremap='on'/></iommu>"),
		       "no ACPI table %s: %s is off, or not there", wanted, table->iommu);
}

static void judge_firmware(struct judging *j)
{
	const struct facts *facts = j->facts;
	struct iommu_table table = expected_table(facts);

	if (!facts->cpu.cpuinfo)
		return;
	if (iommu_is_built_in(facts))
		report(j, CHECK_IOMMU_FIRMWARE, VERDICT_PASS, NULL, "part of the processor");
	else if (table.there)
		report(j, CHECK_IOMMU_FIRMWARE, VERDICT_PASS, NULL, "%s, by the ACPI table %s",
		       table.iommu, table.name);
	else
		judge_other_table(j, &table);
}

static void judge_kernel(struct judging *j)
{
	const struct facts *facts = j->facts;
	char *mend;

	if (facts->iommu.groups) {
		report(j, CHECK_IOMMU_KERNEL, VERDICT_PASS, NULL, "the kernel uses it");
		return;
	}
	mend = arguments_mend(facts);
	if (!mend && facts->cpu.cpuinfo && !expected_table(facts).there && !unexpected_table(facts))
		mend = mem_strdup("see iommu-firmware");
	if (!mend && !facts->iommu.groups_dir)
		mend = mem_strdup("boot a kernel with IOMMU support (CONFIG_INTEL_IOMMU, "
				  "CONFIG_AMD_IOMMU)");
	if (!mend)
		mend = mem_strdup("look for the reason: dmesg | grep -iE 'dmar|amd-vi|iommu'");
	report(j, CHECK_IOMMU_KERNEL, VERDICT_FAIL, mend,
	       "the kernel uses no IOMMU: there are no IOMMU groups");
}

/* modprobe's options, as far as they are no comments. */
static const char *unsafe_file(const struct facts *facts)
{
	for (size_t i = 0; i < facts->iommu.unsafe_options.n; i++) {
		const struct text_file *file = &facts->iommu.unsafe_options.items[i];

		for (const char *line = file->text; *line;) {
			size_t length = strcspn(line, "\n");
			cleanup_free char *copy = mem_printf("%.*s", (int)length, line);

			if (copy[strspn(copy, " \t")] != '#' &&
			    (strstr(copy, "allow_unsafe_interrupts=1") ||
			     strcasestr(copy, "allow_unsafe_interrupts=Y")))
				return file->path;
			line += length + (line[length] == '\n');
		}
	}
	return NULL;
}

static char *mend_unsafe(const struct facts *facts)
{
	const char *file = unsafe_file(facts);
	cleanup_free char *word = file ? shell_word(file) : NULL;

	if (file)
		return mem_printf("sed -i /allow_unsafe_interrupts/d %s, then reboot", word);
	return mem_strdup("take vfio_iommu_type1.allow_unsafe_interrupts out of the kernel's "
			  "arguments or of what sets it, then reboot");
}

static char *mend_remapping(const struct facts *facts)
{
	static const char *const off[] = {"intremap=off", "nointremap"};

	for (size_t i = 0; i < ARRAY_SIZE(off); i++)
		if (argument_given(facts, off[i]))
			return mend_removing(facts, off[i]);
	return in_firmware(facts, "interrupt remapping (often with x2APIC)",
			   "<iommu model='intel'><driver intremap='on'/></iommu> and "
			   "<ioapic driver='qemu'/>");
}

static void judge_remapping(struct judging *j)
{
	const struct facts *facts = j->facts;
	const char *set = facts->iommu.unsafe;
	bool active, unsafe;

	if (!facts->iommu.groups || !facts->iommu.interrupts || !cpu_is_x86(facts))
		return;
	/* The kernel calls its interrupt chips so where it remaps: "IR-PCI-MSI". */
	active = strstr(facts->iommu.interrupts, " IR-");
	unsafe = set ? *set == 'Y' || *set == '1' : unsafe_file(facts) != NULL;
	if (active && unsafe)
		report(j, CHECK_INTERRUPT_REMAPPING, VERDICT_WARN, mend_unsafe(facts),
		       "it is on, but allow_unsafe_interrupts is set: guests may send interrupts "
		       "they should not");
	else if (active)
		report(j, CHECK_INTERRUPT_REMAPPING, VERDICT_PASS, NULL, "on");
	else if (unsafe)
		report(j, CHECK_INTERRUPT_REMAPPING, VERDICT_WARN, mend_remapping(facts),
		       "off, and allowed to be by allow_unsafe_interrupts: a guest can harm the "
		       "host through its VFs");
	else
		report(j, CHECK_INTERRUPT_REMAPPING, VERDICT_FAIL, mend_remapping(facts),
		       "off: VFIO gives no VF to a guest");
}

void judge_iommu(struct judging *j)
{
	judge_firmware(j);
	judge_kernel(j);
	judge_arguments(j);
	judge_remapping(j);
}

/* A kernel, or modules for this one, with vfio-pci. */
static char *mend_vfio(const struct facts *facts)
{
	cleanup_free char *id = assigned_value(facts->boot.os_release, "ID");
	cleanup_free char *like = assigned_value(facts->boot.os_release, "ID_LIKE");
	cleanup_free char *ids = mem_printf("%s %s", id ? id : "", like ? like : "");
	const char *release = facts->kernel.release;

	if (has_word(ids, "ubuntu"))
		return mem_printf("apt install linux-modules-extra-%s", release);
	if (has_word(ids, "debian") && strstr(release, "-cloud-"))
		return mem_printf("apt install linux-image-%s, then reboot",
				  strstr(release, "arm64") ? "arm64" : "amd64");
	if (has_word(ids, "fedora") || has_word(ids, "rhel"))
		return mem_printf("dnf install kernel-modules-%s", release);
	if (has_word(ids, "suse") || has_word(ids, "opensuse"))
		return mem_strdup("zypper install kernel-default, then reboot");
	return mem_strdup("boot a kernel built with CONFIG_VFIO_PCI");
}

void judge_vfio(struct judging *j)
{
	const struct facts *facts = j->facts;

	switch (facts->kernel.vfio_pci) {
	case MODULE_UNKNOWN:
		if (!facts->made && facts->kernel.release && !facts->kernel.modules)
			report(j, CHECK_VFIO_PCI, VERDICT_FAIL, mem_strdup("reboot"),
			       "the modules of the running kernel, %s, are gone, as after an "
			       "update",
			       facts->kernel.release);
		break;
	case MODULE_ABSENT:
		report(j, CHECK_VFIO_PCI, VERDICT_FAIL, mend_vfio(facts),
		       "the running kernel, %s, has no vfio-pci", facts->kernel.release);
		break;
	case MODULE_AVAILABLE:
		report(j, CHECK_VFIO_PCI, VERDICT_PASS, NULL,
		       "there, and loaded when it is first needed");
		break;
	case MODULE_BUILT_IN:
		report(j, CHECK_VFIO_PCI, VERDICT_PASS, NULL, "built into the kernel");
		break;
	case MODULE_LOADED:
		report(j, CHECK_VFIO_PCI, VERDICT_PASS, NULL, "loaded");
		break;
	}
}
