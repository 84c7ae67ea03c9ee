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

static void write_alias(struct write *write, const struct assignment *assignment, const char *end)
{
	char alias[ASSIGNMENT_ALIAS_SIZE];

	(void)snprintf(alias, sizeof(alias), ASSIGNMENT_ALIAS_PREFIX "%s%s", assignment->id, end);
	write_leaf(write, "alias", "name", alias);
}

static void write_teaming(struct write *write, const struct assignment *assignment)
{
	char standby[ASSIGNMENT_ALIAS_SIZE];

	(void)snprintf(standby, sizeof(standby),
		       ASSIGNMENT_ALIAS_PREFIX "%s" ASSIGNMENT_STANDBY_SUFFIX, assignment->id);
	write_open(write, "teaming");
	write_attr(write, "type", "transient");
	write_attr(write, "persistent", standby);
	write_close(write);
}

/* In libvirt's own order, so that what --print-xml shows reads like its dumpxml. */
char *device_xml_format(const struct assignment *assignment, struct pciaddr vf, bool managed)
{
	bool interface = assignment->form == FORM_INTERFACE;
	struct write write = write_start(true);

	begin(&write, assignment->form, managed, assignment->mac, vf);
	if (interface && assignment->vlan)
		write_vlan(&write, assignment->vlan);
	if (assignment->standby)
		write_teaming(&write, assignment);
	write_alias(&write, assignment, "");
	if (assignment->guest_set)
		write_pciaddr(&write, true, assignment->guest);
	return write_finish(&write);
}

char *device_xml_standby(const struct assignment *assignment, bool tagged)
{
	struct write write = write_start(true);

	write_open(&write, "interface");
	write_attr(&write, "type", "network");
	write_leaf(&write, "mac", "address", mac_str(assignment->mac));
	write_leaf(&write, "source", "network", assignment->standby);
	if (tagged)
		write_vlan(&write, assignment->vlan);
	write_leaf(&write, "model", "type", "virtio");
	write_leaf(&write, "teaming", "type", "persistent");
	write_alias(&write, assignment, ASSIGNMENT_STANDBY_SUFFIX);
	if (assignment->standby_guest_set)
		write_pciaddr(&write, true, assignment->standby_guest);
	return write_finish(&write);
}

char *device_xml_of_other(const struct device *device)
{
	struct write write = write_start(true);

	begin(&write, device->form, device->managed, device->mac, device->host);
	return write_finish(&write);
}
