// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kernel's arguments, and how they are changed on this machine. The commands only ever append
 * or take away a word: what else is there stays as it is.
 */
#include "check/rules.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "check/words.h"
#include "core/cleanup.h"
#include "core/mem.h"

enum boot_loader {
	LOADER_UNKNOWN,
	LOADER_OSTREE,
	LOADER_PROXMOX,
	LOADER_SYSTEMD_BOOT,
	LOADER_GRUBBY,
	LOADER_UPDATE_GRUB,
	LOADER_GRUB2_MKCONFIG,
	LOADER_GRUB_MKCONFIG,
};

static bool is_systemd_boot(const struct boot_facts *boot)
{
	return boot->loader && strncmp(boot->loader, "systemd-boot", 12) == 0;
}

static enum boot_loader boot_loader(const struct boot_facts *boot)
{
	if (boot->programs & PROGRAM_RPM_OSTREE)
		return LOADER_OSTREE;
	if (is_systemd_boot(boot) && (boot->programs & PROGRAM_PROXMOX_BOOT))
		return LOADER_PROXMOX;
	if (is_systemd_boot(boot) && (boot->programs & PROGRAM_KERNEL_INSTALL))
		return LOADER_SYSTEMD_BOOT;
	if (boot->programs & PROGRAM_GRUBBY)
		return LOADER_GRUBBY;
	if (boot->grub_default && (boot->programs & PROGRAM_UPDATE_GRUB))
		return LOADER_UPDATE_GRUB;
	if (boot->grub_default && (boot->programs & PROGRAM_GRUB2_MKCONFIG))
		return LOADER_GRUB2_MKCONFIG;
	if (boot->grub_default && (boot->programs & PROGRAM_GRUB_MKCONFIG))
		return LOADER_GRUB_MKCONFIG;
	if (boot->kernel_cmdline && (boot->programs & PROGRAM_KERNEL_INSTALL))
		return LOADER_SYSTEMD_BOOT;
	return LOADER_UNKNOWN;
}

/* What follows on a change of the file that the arguments are kept in; NULL: nothing is known. */
static char *renew_command(const struct facts *facts, enum boot_loader loader)
{
	const char *release = facts->kernel.release;

	switch (loader) {
	case LOADER_UNKNOWN:
	case LOADER_OSTREE:
	case LOADER_GRUBBY:
		break;
	case LOADER_PROXMOX:
		return mem_strdup("proxmox-boot-tool refresh");
	case LOADER_SYSTEMD_BOOT:
		if (!release)
			return NULL;
		if (facts->boot.initrd)
			return mem_printf("kernel-install add %s /boot/vmlinuz-%s "
					  "/boot/initrd.img-%s",
					  release, release, release);
		return mem_printf("kernel-install add %s /lib/modules/%s/vmlinuz", release,
				  release);
	case LOADER_UPDATE_GRUB:
		return mem_strdup("update-grub");
	case LOADER_GRUB2_MKCONFIG:
		return mem_strdup("grub2-mkconfig -o /boot/grub2/grub.cfg");
	case LOADER_GRUB_MKCONFIG:
		return mem_strdup("grub-mkconfig -o /boot/grub/grub.cfg");
	}
	return NULL;
}

/* "--args-of=a --args-of=b" */
static char *each_word(const char *words, const char *option)
{
	char *text = mem_strdup("");
	const char *word;
	size_t length;

	while ((word = next_word(&words, &length))) {
		char *more = mem_printf("%s %s=%.*s", text, option, (int)length, word);

		free(text);
		text = more;
	}
	return text;
}

static char *mend_adding(const struct facts *facts, const char *words)
{
	enum boot_loader loader = boot_loader(&facts->boot);
	cleanup_free char *renew = renew_command(facts, loader), *options = NULL;

	switch (loader) {
	case LOADER_UNKNOWN:
		break;
	case LOADER_OSTREE:
		options = each_word(words, "--append-if-missing");
		return mem_printf("rpm-ostree kargs%s, then reboot", options);
	case LOADER_GRUBBY:
		return mem_printf("grubby --update-kernel=ALL --args=\"%s\", then reboot", words);
	case LOADER_PROXMOX:
	case LOADER_SYSTEMD_BOOT:
		if (!renew)
			break;
		if (!facts->boot.kernel_cmdline)
			return mem_printf("sed -E 's/(^| )(BOOT_IMAGE|initrd)=[^ ]*//g; s/$/ %s/' "
					  "/proc/cmdline > /etc/kernel/cmdline && %s, then reboot",
					  words, renew);
		return mem_printf("sed -i '1s/$/ %s/' /etc/kernel/cmdline && %s, then reboot",
				  words, renew);
	case LOADER_UPDATE_GRUB:
		return mem_printf(
			"mkdir -p /etc/default/grub.d && echo 'GRUB_CMDLINE_LINUX="
			"\"$GRUB_CMDLINE_LINUX %s\"' >> /etc/default/grub.d/iommu.cfg && %s, "
			"then reboot",
			words, renew);
	case LOADER_GRUB2_MKCONFIG:
	case LOADER_GRUB_MKCONFIG:
		return mem_printf("echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX %s\"' >> "
				  "/etc/default/grub && %s, then reboot",
				  words, renew);
	}
	return mem_printf("add %s to the kernel's arguments where this machine's boot loader has "
			  "them, then reboot",
			  words);
}

/* As sed finds it between \< and \>. */
static bool mentions(const char *text, const char *word)
{
	for (const char *p = text; (p = strstr(p, word)); p++) {
		char end = p[strlen(word)];

		if ((p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_')) &&
		    !isalnum((unsigned char)end) && end != '_')
			return true;
	}
	return false;
}

char *mend_removing(const struct facts *facts, const char *word)
{
	enum boot_loader loader = boot_loader(&facts->boot);
	cleanup_free char *renew = renew_command(facts, loader);
	const char *kept = facts->boot.grub_default, *file = "/etc/default/grub";

	switch (loader) {
	case LOADER_UNKNOWN:
		kept = NULL;
		break;
	case LOADER_OSTREE:
		return mem_printf("rpm-ostree kargs --delete-if-present=%s, then reboot", word);
	case LOADER_GRUBBY:
		return mem_printf("grubby --update-kernel=ALL --remove-args=\"%s\", then reboot",
				  word);
	case LOADER_PROXMOX:
	case LOADER_SYSTEMD_BOOT:
		kept = facts->boot.kernel_cmdline;
		file = "/etc/kernel/cmdline";
		break;
	case LOADER_UPDATE_GRUB:
	case LOADER_GRUB2_MKCONFIG:
	case LOADER_GRUB_MKCONFIG:
		break;
	}
	if (renew && kept && mentions(kept, word))
		return mem_printf("sed -i 's/\\<%s\\>//g' %s && %s, then reboot", word, file,
				  renew);
	return mem_printf("take %s out of the kernel's arguments where this machine's boot loader "
			  "has them, then reboot",
			  word);
}

bool argument_given(const struct facts *facts, const char *word)
{
	return has_word(facts->kernel.arguments, word);
}

/* The argument that turns the IOMMU off; NULL: none does, or it is on all the same. */
static const char *turned_off_by(const struct facts *facts)
{
	static const char *const words[] = {"iommu=off", "intel_iommu=off", "amd_iommu=off"};

	if (facts->iommu.groups)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (argument_given(facts, words[i]))
			return words[i];
	return NULL;
}

static bool intel_on(const struct facts *facts)
{
	const char *rest = facts->kernel.arguments, *word;
	size_t length;

	while (rest && (word = next_word(&rest, &length)))
		if (strncmp(word, "intel_iommu=on", 14) == 0 && (length == 14 || word[14] == ','))
			return true;
	return false;
}

static bool passes_through(const struct facts *facts)
{
	if (argument_given(facts, "iommu=pt") || argument_given(facts, "iommu.passthrough=1") ||
	    facts->kernel.passthrough_default == ANSWER_YES)
		return true;
	/* What the kernel made of it all shows in the groups of the host's own functions. */
	for (size_t i = 0; i < facts->ndevices; i++) {
		const struct iommu_group *group = facts_group(facts, facts->devices[i].group);

		if (group && group->type && strcmp(group->type, "identity") == 0)
			return true;
	}
	return false;
}

/* intel_iommu=on is needed, and not there. */
static bool lacks_intel_on(const struct facts *facts)
{
	return facts->iommu.dmar && !facts->iommu.groups && !intel_on(facts) &&
	       facts->kernel.intel_default_on != ANSWER_YES;
}

char *arguments_mend(const struct facts *facts)
{
	const char *off;

	if (!facts->kernel.arguments || !cpu_is_x86(facts))
		return NULL;
	off = turned_off_by(facts);
	if (off)
		return mend_removing(facts, off);
	if (lacks_intel_on(facts))
		return mend_adding(facts, passes_through(facts) ? "intel_iommu=on"
								: "intel_iommu=on iommu=pt");
	return NULL;
}

void judge_arguments(struct judging *j)
{
	const struct facts *facts = j->facts;
	const char *off;

	if (!facts->kernel.arguments)
		return;
	if (!cpu_is_x86(facts)) {
		report(j, CHECK_KERNEL_ARGUMENTS, VERDICT_PASS, NULL, "this processor needs none");
		return;
	}
	off = turned_off_by(facts);
	if (off)
		report(j, CHECK_KERNEL_ARGUMENTS, VERDICT_FAIL, arguments_mend(facts),
		       "%s turns the IOMMU off", off);
	else if (lacks_intel_on(facts))
		report(j, CHECK_KERNEL_ARGUMENTS, VERDICT_FAIL, arguments_mend(facts),
		       "intel_iommu=on is missing, and this kernel does not use the IOMMU without");
	else if (facts->iommu.groups && !passes_through(facts))
		report(j, CHECK_KERNEL_ARGUMENTS, VERDICT_WARN, mend_adding(facts, "iommu=pt"),
		       "iommu=pt is missing: without, the host's own devices are slower");
	else
		report(j, CHECK_KERNEL_ARGUMENTS, VERDICT_PASS, NULL, "%s%s",
		       intel_on(facts) ? "intel_iommu=on" : "none is missing",
		       intel_on(facts) && argument_given(facts, "iommu=pt") ? ", iommu=pt" : "");
}
