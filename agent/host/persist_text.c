// SPDX-License-Identifier: LGPL-2.1-or-later
/* The files that keep a number of VFs, as texts. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/persist.h"

#define WAIT_SECONDS 60 /* systemd gives a unit 90 to start */
#define KEY "SR-IOVVirtualFunctions"

#define MADE_BY                                          \
	"# Made by `vfpool set-vfs --persist`, removed " \
	"by `vfpool set-vfs --no-persist`.\n"

/*
 * "add" is for a driver that was there before udev ran, "bind" for one that comes later; the kernel
 * makes VFs only once the driver is bound. A PF that has VFs is left alone.
 */
char *persist_rules(const struct persist *p)
{
	const char *address = pciaddr_str(p->pf->addr);
	cleanup_free char *pf = mem_printf("ACTION==\"add|bind\", SUBSYSTEM==\"pci\", "
					   "KERNEL==\"%s\", DRIVER==\"?*\"",
					   address);
	cleanup_free char *autoprobe = NULL, *prebind = NULL;

	if (p->home != VF_HOME_HOST)
		autoprobe = mem_printf("%s, ATTR{sriov_numvfs}==\"0\", "
				       "ATTR{sriov_drivers_autoprobe}=\"0\"\n",
				       pf);
	if (p->home == VF_HOME_VFIO)
		prebind = mem_printf("ACTION==\"add\", SUBSYSTEM==\"pci\", DRIVER==\"\", "
				     "ATTR{physfn/uevent}==\"*PCI_SLOT_NAME=%s*\", "
				     "IMPORT{builtin}=\"kmod load vfio-pci\"\n"
				     "ACTION==\"add\", SUBSYSTEM==\"pci\", DRIVER==\"\", "
				     "ATTR{physfn/uevent}==\"*PCI_SLOT_NAME=%s*\", "
				     "ATTR{driver_override}=\"vfio-pci\", "
				     "ATTR{[subsystem/pci]drivers_probe}=\"$kernel\"\n",
				     address, address);
	return mem_printf(MADE_BY "%s%s, ATTR{sriov_numvfs}==\"0\", ATTR{sriov_numvfs}=\"%u\"\n%s",
			  autoprobe ? autoprobe : "", pf, p->count, prebind ? prebind : "");
}

char *persist_drop_in(const struct persist *p)
{
	return mem_printf(MADE_BY "[Link]\n" KEY "=%u\n", p->count);
}

/* It ends when the last VF is there, or when udev has nothing more to do. */
char *persist_wait(const struct persist *p, const char *udevadm)
{
	return mem_printf(MADE_BY "[Service]\nExecStartPre=-%s settle --timeout=%d "
				  "--exit-if-exists=/sys/bus/pci/devices/%s/virtfn%u\n",
			  udevadm, WAIT_SECONDS, pciaddr_str(p->pf->addr), p->count - 1);
}

/* The lines of an INI file; what they are is told by their first character. */
static char *next_line(char **rest)
{
	char *line;

	while ((line = strsep(rest, "\n"))) {
		line += strspn(line, " \t");
		if (*line && *line != '#' && *line != ';')
			return line;
	}
	return NULL;
}

static bool line_has_key(const char *line, const char *key)
{
	size_t length = strlen(key);

	return !strncasecmp(line, key, length) &&
	       line[length + strspn(line + length, " \t")] == '=';
}

/* Without its [Match], the number, and sections that are empty then. */
char *persist_link(const struct persist *p, const char *applied)
{
	cleanup_free char *copy = mem_strdup(applied);
	char *rest = copy;
	char *text = mem_printf(MADE_BY "[Match]\nPath=pci-%s\n", pciaddr_str(p->pf->addr));
	const char *section = NULL;
	bool match = false;
	char *more;

	for (char *line; (line = next_line(&rest));) {
		if (*line == '[') {
			match = !strncasecmp(line, "[Match]", 7);
			section = line;
			continue;
		}
		if (match || line_has_key(line, KEY))
			continue;
		more = mem_printf("%s%s%s%s%s\n", text, section ? "\n" : "", section ? section : "",
				  section ? "\n" : "", line);
		free(text);
		text = more;
		section = NULL;
	}
	more = mem_printf("%s\n[Link]\n" KEY "=%u\n", text, p->count);
	free(text);
	return more;
}

/* One word without a pattern in it is one NIC. */
static bool is_one(const char *value)
{
	value += strspn(value, " \t");
	return *value && *value != '!' && !strpbrk(value, "*?[ \t");
}

bool persist_link_is_own(const char *text)
{
	static const char *const keys[] = {"MACAddress", "PermanentMACAddress", "Path",
					   "OriginalName"};
	cleanup_free char *copy = mem_strdup(text);
	char *rest = copy;
	bool match = false;

	for (char *line; (line = next_line(&rest));) {
		if (*line == '[')
			match = !strncasecmp(line, "[Match]", 7);
		line[strcspn(line, "\r")] = '\0';
		for (size_t i = 0; match && i < ARRAY_SIZE(keys); i++)
			if (line_has_key(line, keys[i]) && is_one(strchr(line, '=') + 1))
				return true;
	}
	return false;
}

bool persist_link_counts(const char *text)
{
	cleanup_free char *copy = mem_strdup(text);
	char *rest = copy;

	for (char *line; (line = next_line(&rest));)
		if (line_has_key(line, KEY))
			return true;
	return false;
}
