// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xml/device.h"

#include <stdio.h>

#include "xml/write.h"

/* Leaves the device's element open. */
static void begin(struct write *write, enum form form, bool managed, struct mac mac,
		  struct pciaddr vf)
{
	bool interface = form == FORM_INTERFACE;

	if (interface) {
		write_open(write, "interface");
		write_attr(write, "type", "hostdev");
	} else {
		write_open(write, "hostdev");
		write_attr(write, "mode", "subsystem");
		write_attr(write, "type", "pci");
	}
	write_attr(write, "managed", managed ? "yes" : "no");
	if (interface)
		write_leaf(write, "mac", "address", mac_str(mac));
	write_open(write, "source");
	write_pciaddr(write, interface, vf);
	write_close(write);
}

/* In libvirt's own order, so that what --print-xml shows reads like its dumpxml. */
char *device_xml_format(const struct assignment *assignment, struct pciaddr vf, bool managed)
{
	char alias[sizeof(ASSIGNMENT_ALIAS_PREFIX) + ASSIGNMENT_ID_SIZE];
	bool interface = assignment->form == FORM_INTERFACE;
	struct write write = write_start(true);

	begin(&write, assignment->form, managed, assignment->mac, vf);
	if (interface && assignment->vlan)
		write_vlan(&write, assignment->vlan);
	(void)snprintf(alias, sizeof(alias), "%s%s", ASSIGNMENT_ALIAS_PREFIX, assignment->id);
	write_leaf(&write, "alias", "name", alias);
	if (assignment->guest_set)
		write_pciaddr(&write, true, assignment->guest);
	return write_finish(&write);
}

char *device_xml_of_other(const struct device *device)
{
	struct write write = write_start(true);

	begin(&write, device->form, device->managed, device->mac, device->host);
	return write_finish(&write);
}
