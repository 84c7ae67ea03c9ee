// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One pass over the tree gathers the devices, and beside them what each guest bus is and which of
 * its slots are taken; from these the free slots follow. A bus's number is the index of the
 * controller that makes it.
 */
#include "xml/domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/document.h"
#include "xml/metadata.h"
#include "xml/node.h"
#include "xml/strict.h"

enum { BUSES = 256, SLOTS = 32 };

/*
 * Slots that are taken with no device to show for it. 0 is the bridge's own. On an i440FX board 1
 * is the PIIX3's, and 2 is where its first video card wants to be, should it get one some day.
 */
enum { RESERVED_ON_BRIDGE = 1 << 0, RESERVED_ON_ROOT = 1 << 0 | 1 << 1 | 1 << 2 };

enum bus_kind {
	BUS_CLOSED,       /* none, or nothing can be hot-plugged into it */
	BUS_PORT,         /* PCI Express: one slot, 0 */
	BUS_CONVENTIONAL, /* slots up to 31 */
};

struct reader {
	struct domain_view view;
	enum bus_kind kind[BUSES];
	uint32_t used[BUSES]; /* a bit for each slot */
	bool has_element;
};

static void reader_clear(struct reader *reader)
{
	domain_view_clear(&reader->view);
}

/* The children that say something about VFs, each the first of its name. */
struct parts {
	const xmlNode *address, *alias, *mac, *source, *target, *vlan;
};

static void keep_first(const xmlNode **part, const xmlNode *node)
{
	if (!*part)
		*part = node;
}

static struct parts find_parts(const xmlNode *element)
{
	struct parts parts = {0};

	for (const xmlNode *node = element->children; node; node = node->next) {
		if (node_is(node, "address"))
			keep_first(&parts.address, node);
		else if (node_is(node, "alias"))
			keep_first(&parts.alias, node);
		else if (node_is(node, "mac"))
			keep_first(&parts.mac, node);
		else if (node_is(node, "source"))
			keep_first(&parts.source, node);
		else if (node_is(node, "target"))
			keep_first(&parts.target, node);
		else if (node_is(node, "vlan"))
			keep_first(&parts.vlan, node);
	}
	return parts;
}

static const xmlNode *child(const xmlNode *element, const char *name)
{
	for (const xmlNode *node = element ? element->children : NULL; node; node = node->next)
		if (node_is(node, name))
			return node;
	return NULL;
}

static enum bus_kind bus_kind(const char *model)
{
	static const struct {
		const char *model;
		enum bus_kind kind;
	} kinds[] = {
		{"pcie-root-port", BUS_PORT},
		{"pcie-switch-downstream-port", BUS_PORT},
		{"pci-root", BUS_CONVENTIONAL},
		{"pci-bridge", BUS_CONVENTIONAL},
		{"pcie-to-pci-bridge", BUS_CONVENTIONAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(model, kinds[i].model) == 0)
			return kinds[i].kind;
	return BUS_CLOSED;
}

static int read_controller(struct reader *reader, const xmlNode *element, const struct parts *parts,
			   struct err **err)
{
	const char *model = node_attr(element, "model");
	uint32_t index = BUSES;

	if (!node_attr_is(element, "type", "pci") || !model)
		return 0;
	if (node_number(element, "index", UINT32_MAX, &index, err) < 0)
		return -1;
	if (index >= BUSES)
		return 0;
	if (parts->target && node_attr_is(parts->target, "hotplug", "off"))
		return 0;
	reader->kind[index] = bus_kind(model);
	if (reader->kind[index] == BUS_CONVENTIONAL)
		reader->used[index] |= index == 0 ? RESERVED_ON_ROOT : RESERVED_ON_BRIDGE;
	return 0;
}

/* Where the guest sees the device. One that is to be chosen yet is 0, or not there at all. */
static int read_guest(struct reader *reader, const xmlNode *address, bool *set,
		      struct pciaddr *guest, struct err **err)
{
	struct pciaddr addr;

	if (!address || !node_attr_is(address, "type", "pci"))
		return 0;
	if (node_pciaddr(address, &addr, err) < 0)
		return -1;
	if (!addr.domain && !addr.bus && !addr.device)
		return 0;
	/* QEMU's guests have one PCI segment, and the controllers' indexes are buses of it. */
	if (addr.domain == 0)
		reader->used[addr.bus] |= UINT32_C(1) << addr.device;
	*guest = addr;
	*set = true;
	return 0;
}

static void read_alias(const xmlNode *alias, struct device *device)
{
	const char *name = alias ? node_attr(alias, "name") : NULL;
	size_t skip = strlen(ASSIGNMENT_ALIAS_PREFIX);

	if (!name)
		return;
	if (strncmp(name, ASSIGNMENT_ALIAS_PREFIX, skip) == 0 && assignment_id_valid(name + skip))
		memcpy(device->id, name + skip, sizeof(device->id));
	else
		device->alias = mem_strdup(name);
}

/* The standby of an assignment, by its alias; of a VF it would be no such thing. */
static void read_standby(struct reader *reader, const struct parts *parts,
			 const struct device *device)
{
	const char *name = parts->alias ? node_attr(parts->alias, "name") : NULL;
	size_t skip = strlen(ASSIGNMENT_ALIAS_PREFIX);
	struct standby standby = {.guest_set = device->guest_set, .guest = device->guest};
	size_t length = sizeof(standby.id) - 1;

	if (!name || strncmp(name, ASSIGNMENT_ALIAS_PREFIX, skip) != 0 ||
	    strlen(name + skip) < length ||
	    strcmp(name + skip + length, ASSIGNMENT_STANDBY_SUFFIX) != 0)
		return;
	memcpy(standby.id, name + skip, length);
	if (assignment_id_valid(standby.id))
		*(struct standby *)mem_append(&reader->view.standbys, &reader->view.nstandbys,
					      sizeof(standby)) = standby;
}

/* Does vfpool write the like, or libvirt by itself? */
static bool is_plain(const xmlNode *node)
{
	static const char *const names[] = {"mac", "source", "target", "model", "alias", "address"};

	const xmlNode *tag = child(node, "tag");

	if (node_is(node, "vlan"))
		return !node_attr(node, "trunk") && !(tag && node_attr(tag, "nativeMode"));
	if (node_is(node, "driver"))
		return node_attr_is(node, "name", "vfio") && !node->properties->next;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (node_is(node, names[i]))
			return true;
	return node->type != XML_ELEMENT_NODE;
}

static void find_extra(const xmlNode *element, struct device *device)
{
	char quoted[NODE_QUOTE_SIZE];

	for (const xmlNode *node = element->children; node && !device->extra; node = node->next)
		if (!is_plain(node))
			device->extra =
				mem_strdup(node_quote_into((const char *)node->name, quoted));
}

/* A device on a host PCI device. source is its <source>. */
static int read_device(struct reader *reader, const xmlNode *element, const struct parts *parts,
		       struct device *device, struct err **err)
{
	const xmlNode *host = child(parts->source, "address");

	if (!host)
		return node_error(element, err, "does not say which host device it is");
	if (node_pciaddr(host, &device->host, err) < 0)
		return -1;
	device->managed = node_attr_is(element, "managed", "yes");
	read_alias(parts->alias, device);
	if (!device->id[0])
		find_extra(element, device);
	*(struct device *)mem_append(&reader->view.devices, &reader->view.ndevices,
				     sizeof(*device)) = *device;
	return 0;
}

static int read_interface(struct reader *reader, const xmlNode *element, const struct parts *parts,
			  struct device *device, struct err **err)
{
	const xmlNode *host = child(parts->source, "address");
	const xmlNode *tag = child(parts->vlan, "tag");
	uint32_t vlan = 0;

	device->form = FORM_INTERFACE;
	if (parts->mac) {
		struct mac *mac;

		if (node_mac(parts->mac, &device->mac, err) < 0)
			return -1;
		device->mac_set = true;
		mac = mem_append(&reader->view.macs, &reader->view.nmacs, sizeof(*mac));
		*mac = device->mac;
	}
	if (!node_attr_is(element, "type", "hostdev")) {
		read_standby(reader, parts, device);
		return 0;
	}
	if (host && node_attr_is(host, "type", "usb"))
		return 0;
	if (tag && node_number(tag, "id", 4095, &vlan, err) < 0)
		return -1;
	device->vlan = (uint16_t)vlan;
	return read_device(reader, element, parts, device, err);
}

static int read_hostdev(struct reader *reader, const xmlNode *element, const struct parts *parts,
			struct device *device, struct err **err)
{
	device->form = FORM_HOSTDEV;
	if (!node_attr_is(element, "type", "pci"))
		return 0;
	return read_device(reader, element, parts, device, err);
}

static int read_devices(struct reader *reader, const xmlNode *devices, struct err **err)
{
	for (const xmlNode *node = devices->children; node; node = node->next) {
		struct device device = {0};
		struct parts parts;
		int rc = 0;

		if (node->type != XML_ELEMENT_NODE || node->ns)
			continue;
		parts = find_parts(node);
		if (read_guest(reader, parts.address, &device.guest_set, &device.guest, err) < 0)
			return -1;
		if (node_is(node, "controller"))
			rc = read_controller(reader, node, &parts, err);
		else if (node_is(node, "interface"))
			rc = read_interface(reader, node, &parts, &device, err);
		else if (node_is(node, "hostdev"))
			rc = read_hostdev(reader, node, &parts, &device, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int read_element(struct reader *reader, xmlNode *element, struct err **err)
{
	if (reader->has_element)
		return node_error(element, err, "is there more than once");
	reader->has_element = true;
	return metadata_xml_parse(element, &reader->view.assignments, err);
}

static void read_metadata(struct reader *reader, const xmlNode *metadata)
{
	cleanup_err struct err *err = NULL;

	for (xmlNode *node = metadata->children; node && !err; node = node->next)
		if (node_in(node, METADATA_URI))
			(void)read_element(reader, node, &err);
	if (!err || reader->view.metadata_error)
		return;
	assignments_clear(&reader->view.assignments);
	reader->view.metadata_error = steal(&err->what);
}

static void add_slot(struct domain_view *view, unsigned bus, unsigned slot)
{
	struct pciaddr *addr = mem_append(&view->free_slots, &view->nfree_slots, sizeof(*addr));

	addr->bus = (uint8_t)bus;
	addr->device = (uint8_t)slot;
}

static void add_free_slots(struct reader *reader)
{
	for (unsigned bus = 0; bus < BUSES; bus++)
		if (reader->kind[bus] == BUS_PORT && !reader->used[bus])
			add_slot(&reader->view, bus, 0);
	reader->view.nfree_ports = reader->view.nfree_slots;
	for (unsigned bus = 0; bus < BUSES; bus++) {
		if (reader->kind[bus] != BUS_CONVENTIONAL)
			continue;
		for (unsigned slot = 0; slot < SLOTS; slot++)
			if (!(reader->used[bus] >> slot & 1))
				add_slot(&reader->view, bus, slot);
	}
}

/* A set that makes no sense says nothing, as one that is not there. */
static struct idset *read_set(const xmlNode *element, const char *name)
{
	const char *text = element ? node_attr(element, name) : NULL;
	struct idset *set;

	if (!text)
		return NULL;
	set = mem_zero(1, sizeof(*set));
	if (!idset_parse(text, set) || !idset_count(set))
		free(steal(&set));
	return set;
}

static void join(struct idset **set, struct idset *more)
{
	if (!*set) {
		*set = more;
		return;
	}
	if (more)
		idset_join(*set, more);
	free(more);
}

/* Where memory comes from: of the whole guest, or of each of its own nodes. */
static void read_numatune(struct reader *reader, const xmlNode *numatune)
{
	for (const xmlNode *node = numatune->children; node; node = node->next)
		if (node_is(node, "memory") || node_is(node, "memnode"))
			join(&reader->view.nodes, read_set(node, "nodeset"));
}

/* What is said of vCPUs, each by itself and all together. */
struct pinning {
	unsigned vcpus;
	struct idset *of_all; /* <vcpu cpuset=…>: of those that are not pinned */
	struct idset *pinned; /* where they are pinned to */
	struct idset named;   /* those that are */
};

static void read_cputune(struct pinning *pinning, const xmlNode *cputune)
{
	for (const xmlNode *node = cputune->children; node; node = node->next) {
		uint32_t vcpu = IDSET_MAX;
		struct idset *set;

		if (!node_is(node, "vcpupin") ||
		    node_number(node, "vcpu", UINT32_MAX, &vcpu, NULL) < 0 ||
		    vcpu >= pinning->vcpus)
			continue;
		set = read_set(node, "cpuset");
		if (!set)
			continue;
		join(&pinning->pinned, set);
		idset_add(&pinning->named, vcpu);
	}
}

static unsigned read_vcpus(const xmlNode *vcpu)
{
	char text[16];
	unsigned n;

	return strict_text(vcpu, text, sizeof(text)) && sscanf(text, "%9u", &n) == 1 ? n : 0;
}

/* One vCPU that may run anywhere is enough for the guest to run anywhere. */
static void read_pinning(struct reader *reader, const xmlNode *root)
{
	const xmlNode *vcpu = child(root, "vcpu"), *cputune = child(root, "cputune");
	struct pinning pinning = {0};

	if (!vcpu)
		return;
	pinning.vcpus = read_vcpus(vcpu);
	pinning.of_all = read_set(vcpu, "cpuset");
	if (cputune)
		read_cputune(&pinning, cputune);
	if (pinning.pinned && idset_count(&pinning.named) >= pinning.vcpus) {
		reader->view.cpus = steal(&pinning.pinned);
	} else if (pinning.of_all) {
		join(&pinning.of_all, steal(&pinning.pinned));
		reader->view.cpus = steal(&pinning.of_all);
	}
	free(pinning.pinned);
	free(pinning.of_all);
}

/* Eight, four, four, four and twelve hex digits. */
static bool uuid_valid(const char *text)
{
	for (size_t i = 0; i < UUID_STRLEN - 1; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23
			    ? text[i] != '-'
			    : !text[i] || !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	return true;
}

static void read_uuid(struct reader *reader, const xmlNode *element)
{
	char text[UUID_STRLEN];

	if (strict_text(element, text, sizeof(text)) && uuid_valid(text))
		memcpy(reader->view.uuid, text, sizeof(text));
}

static int read_domain(struct reader *reader, const xmlNode *root, struct err **err)
{
	if (!root || !node_is(root, "domain"))
		return err_set(err, ERR_FAILED, "it is no <domain>");
	for (const xmlNode *node = root->children; node; node = node->next) {
		if (node_is(node, "metadata"))
			read_metadata(reader, node);
		else if (node_is(node, "uuid"))
			read_uuid(reader, node);
		else if (node_is(node, "numatune"))
			read_numatune(reader, node);
		else if (node_is(node, "devices") && read_devices(reader, node, err) < 0)
			return -1;
	}
	domain_view_adopt(&reader->view, &reader->view.assignments);
	read_pinning(reader, root);
	add_free_slots(reader);
	return 0;
}

int domain_xml_parse(const char *xml, struct domain_view *view, struct err **err)
{
	cleanup(reader_clear) struct reader reader = {.view.present = true};
	xmlDocPtr doc;
	int rc;

	if (document_parse(xml, "the domain's XML", &doc, err) < 0)
		return -1;
	rc = read_domain(&reader, xmlDocGetRootElement(doc), err);
	xmlFreeDoc(doc);
	if (rc < 0)
		return err_wrap(err, "the domain's XML");
	*view = reader.view;
	reader.view = (struct domain_view){0};
	return 0;
}
