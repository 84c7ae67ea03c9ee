// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The reader follows schemas/metadata.rng element by element, and takes nothing that it does not
 * know: a migrated guest brings its metadata from another host, which may be anyone's.
 */
#include "xml/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/node.h"
#include "xml/write.h"

enum { POOL_MAX = 64, VF_INDEX_MAX = 65535, VLAN_MAX = 4094 };

bool metadata_pool_valid(const char *pool)
{
	size_t n = 0;

	for (; n <= POOL_MAX && pool[n] != '\0'; n++)
		if (pool[n] <= ' ' || pool[n] > '~')
			return false;
	return n >= 1 && n <= POOL_MAX;
}

/* A name that cannot be remembered must not cost the other assignments. */
static void write_pool(struct write *write, const char *pool)
{
	char safe[POOL_MAX + 1] = "?";

	if (metadata_pool_valid(pool)) {
		write_attr(write, "pool", pool);
		return;
	}
	for (size_t n = 0; n < POOL_MAX && pool[n] != '\0'; n++)
		safe[n] = pool[n] > ' ' && pool[n] <= '~' ? pool[n] : '?';
	write_attr(write, "pool", safe);
}

static void write_assignment(struct write *write, const struct assignment *assignment)
{
	write_open(write, "assignment");
	write_attr(write, "id", assignment->id);
	write_pool(write, assignment->pool);
	if (assignment->index >= 0)
		write_attr_number(write, "index", (unsigned)assignment->index);
	write_attr(write, "form", form_name(assignment->form));
	if (assignment->parked)
		write_attr(write, "parked", "yes");
	write_leaf(write, "mac", "address", mac_str(assignment->mac));
	if (assignment->vlan)
		write_vlan(write, assignment->vlan);
	if (assignment->guest_set)
		write_pciaddr(write, true, assignment->guest);
	write_close(write);
}

char *metadata_xml_format(const struct assignments *assignments)
{
	struct write write;

	if (!assignments->n)
		return NULL;
	/* Not indented: libvirt does that itself, unless there are spaces already. */
	write = write_start(false);
	write_open(&write, "assignments");
	for (size_t i = 0; i < assignments->n; i++)
		write_assignment(&write, &assignments->items[i]);
	return write_finish(&write);
}

static bool is_ours(const xmlNode *node, const char *name)
{
	return node_in(node, METADATA_URI) && strcmp((const char *)node->name, name) == 0;
}

static bool is_blank(const xmlNode *text)
{
	const char *content = (const char *)text->content;

	return !content || content[strspn(content, " \t\r\n")] == '\0';
}

/*
 * The first element from node on, in *out; NULL when there is none. Between elements there may be
 * comments, processing instructions and white space, nothing else.
 */
static int next_element(xmlNode *node, xmlNode **out, struct err **err)
{
	for (; node; node = node->next) {
		switch ((int)node->type) {
		case XML_ELEMENT_NODE:
			*out = node;
			return 0;
		case XML_COMMENT_NODE:
		case XML_PI_NODE:
			continue;
		case XML_TEXT_NODE:
		case XML_CDATA_SECTION_NODE:
			if (is_blank(node))
				continue;
			break;
		}
		return node_error(node->parent, err, "there is text in it");
	}
	*out = NULL;
	return 0;
}

/*
 * When *next has this name, it becomes *taken, and the element after it *next; else *taken is NULL.
 */
static int take_element(xmlNode **next, const char *name, xmlNode **taken, struct err **err)
{
	xmlNode *node = *next;

	*taken = NULL;
	if (!node || !is_ours(node, name))
		return 0;
	if (next_element(node->next, next, err) < 0)
		return -1;
	*taken = node;
	return 0;
}

static int no_more(const xmlNode *node, struct err **err)
{
	return node ? node_error(node, err, "does not belong here") : 0;
}

/* known ends in NULL. */
static int only_attributes(const xmlNode *element, const char *const *known, struct err **err)
{
	for (const xmlAttr *attr = element->properties; attr; attr = attr->next) {
		const char *const *name = known;

		while (*name && strcmp(*name, (const char *)attr->name) != 0)
			name++;
		if (!*name || attr->ns)
			return node_error(element, err, "has an unknown attribute \"%s\"",
					  node_quote((const char *)attr->name));
	}
	return 0;
}

static int need_attr(const xmlNode *element, const char *name, const char **out, struct err **err)
{
	*out = node_attr(element, name);
	return *out ? 0 : node_error(element, err, "has no %s", name);
}

static int bad_attr(const xmlNode *element, const char *name, const char *value, const char *wanted,
		    struct err **err)
{
	return node_error(element, err, "%s is \"%s\", not %s", name, node_quote(value), wanted);
}

/* Plain decimal, no zero in front: every number has one way to be written. */
static bool parse_decimal(const char *text, unsigned min, unsigned max, unsigned *out)
{
	size_t n = strspn(text, "0123456789");
	unsigned value;

	if (n == 0 || n > 5 || text[n] != '\0' || (n > 1 && *text == '0'))
		return false;
	value = (unsigned)strtoul(text, NULL, 10);
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

/* 0x and from min to max digits, as libvirt writes parts of an address. */
static int read_hex(const xmlNode *element, const char *name, size_t min, size_t max,
		    uint32_t limit, uint32_t *out, struct err **err)
{
	const char *text;
	uint32_t value;
	size_t n;

	if (need_attr(element, name, &text, err) < 0)
		return -1;
	n = strncmp(text, "0x", 2) == 0 ? strspn(text + 2, "0123456789abcdefABCDEF") : 0;
	if (n < min || n > max || text[n + 2] != '\0')
		return bad_attr(element, name, text, "a part of a PCI address", err);
	value = (uint32_t)strtoul(text + 2, NULL, 16);
	if (value > limit)
		return bad_attr(element, name, text, "a part of a PCI address", err);
	*out = value;
	return 0;
}

static int leaf(const xmlNode *element, const char *const *attributes, struct err **err)
{
	xmlNode *inside;

	if (only_attributes(element, attributes, err) < 0 ||
	    next_element(element->children, &inside, err) < 0)
		return -1;
	return no_more(inside, err);
}

static int read_mac(const xmlNode *element, struct mac *out, struct err **err)
{
	struct mac mac;

	if (leaf(element, (const char *const[]){"address", NULL}, err) < 0 ||
	    node_mac(element, &mac, err) < 0)
		return -1;
	if (mac_is_zero(mac) || mac_is_multicast(mac))
		return node_error(element, err, "%s is no MAC address of one NIC", mac_str(mac));
	*out = mac;
	return 0;
}

static int read_vlan(const xmlNode *element, uint16_t *out, struct err **err)
{
	xmlNode *next, *tag;
	const char *text;
	unsigned vlan;

	if (only_attributes(element, (const char *const[]){NULL}, err) < 0 ||
	    next_element(element->children, &next, err) < 0 ||
	    take_element(&next, "tag", &tag, err) < 0 || no_more(next, err) < 0)
		return -1;
	if (!tag)
		return node_error(element, err, "has no <tag>");
	if (leaf(tag, (const char *const[]){"id", NULL}, err) < 0 ||
	    need_attr(tag, "id", &text, err) < 0)
		return -1;
	if (!parse_decimal(text, 1, VLAN_MAX, &vlan))
		return bad_attr(tag, "id", text, "a VLAN from 1 to 4094", err);
	*out = (uint16_t)vlan;
	return 0;
}

static int read_address(const xmlNode *element, struct pciaddr *out, struct err **err)
{
	uint32_t domain, bus, slot, function;
	const char *type;

	if (leaf(element, (const char *const[]){"type", "domain", "bus", "slot", "function", NULL},
		 err) < 0 ||
	    need_attr(element, "type", &type, err) < 0)
		return -1;
	if (strcmp(type, "pci") != 0)
		return bad_attr(element, "type", type, "pci", err);
	if (read_hex(element, "domain", 4, 8, UINT32_MAX, &domain, err) < 0 ||
	    read_hex(element, "bus", 2, 2, 0xff, &bus, err) < 0 ||
	    read_hex(element, "slot", 2, 2, 0x1f, &slot, err) < 0 ||
	    read_hex(element, "function", 1, 1, 7, &function, err) < 0)
		return -1;
	*out = (struct pciaddr){.domain = domain,
				.bus = (uint8_t)bus,
				.device = (uint8_t)slot,
				.function = (uint8_t)function};
	return 0;
}

static int read_attributes(const xmlNode *element, struct assignment *out, struct err **err)
{
	const char *id, *pool, *form, *index = node_attr(element, "index");
	const char *parked = node_attr(element, "parked");
	unsigned number;

	if (only_attributes(element,
			    (const char *const[]){"id", "pool", "index", "form", "parked", NULL},
			    err) < 0 ||
	    need_attr(element, "id", &id, err) < 0 || need_attr(element, "pool", &pool, err) < 0 ||
	    need_attr(element, "form", &form, err) < 0)
		return -1;
	if (!assignment_id_valid(id))
		return bad_attr(element, "id", id, "eight small hex digits", err);
	if (!metadata_pool_valid(pool))
		return bad_attr(element, "pool", pool, "1 to 64 visible ASCII characters", err);
	if (!form_parse(form, &out->form))
		return bad_attr(element, "form", form, "interface or hostdev", err);
	if (index && !parse_decimal(index, 0, VF_INDEX_MAX, &number))
		return bad_attr(element, "index", index, "the index of a VF", err);
	if (parked && strcmp(parked, "yes") != 0 && strcmp(parked, "no") != 0)
		return bad_attr(element, "parked", parked, "yes or no", err);
	memcpy(out->id, id, sizeof(out->id));
	out->pool = mem_strdup(pool);
	out->index = index ? (int)number : -1;
	out->parked = parked && strcmp(parked, "yes") == 0;
	return 0;
}

static int read_children(const xmlNode *element, struct assignment *out, struct err **err)
{
	xmlNode *next, *mac, *vlan, *address;

	if (next_element(element->children, &next, err) < 0 ||
	    take_element(&next, "mac", &mac, err) < 0 ||
	    take_element(&next, "vlan", &vlan, err) < 0 ||
	    take_element(&next, "address", &address, err) < 0 || no_more(next, err) < 0)
		return -1;
	if (!mac)
		return node_error(element, err, "has no <mac>");
	if (read_mac(mac, &out->mac, err) < 0)
		return -1;
	if (vlan && read_vlan(vlan, &out->vlan, err) < 0)
		return -1;
	if (address && read_address(address, &out->guest, err) < 0)
		return -1;
	out->guest_set = address != NULL;
	return 0;
}

static int check_unique(const struct assignments *list, const struct assignment *item,
			const xmlNode *element, struct err **err)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].id, item->id) == 0)
			return node_error(element, err, "there is another with id %s", item->id);
		if (mac_equal(list->items[i].mac, item->mac))
			return node_error(element, err, "there is another with MAC %s",
					  mac_str(item->mac));
	}
	return 0;
}

static int read_assignment(const xmlNode *element, struct assignments *list, struct err **err)
{
	cleanup(assignment_clear) struct assignment item = {0};

	if (list->n == METADATA_ASSIGNMENTS_MAX)
		return node_error(element, err, "there are more than %d", METADATA_ASSIGNMENTS_MAX);
	if (read_attributes(element, &item, err) < 0 || read_children(element, &item, err) < 0 ||
	    check_unique(list, &item, element, err) < 0)
		return -1;
	assignments_add(list, item);
	item.pool = NULL;
	return 0;
}

int metadata_xml_parse(xmlNodePtr element, struct assignments *out, struct err **err)
{
	cleanup(assignments_clear) struct assignments list = {0};
	xmlNode *next;

	if (!is_ours(element, "assignments"))
		return node_error(element, err, "is not <assignments>");
	if (only_attributes(element, (const char *const[]){NULL}, err) < 0 ||
	    next_element(element->children, &next, err) < 0)
		return -1;
	while (next) {
		xmlNode *assignment;

		if (take_element(&next, "assignment", &assignment, err) < 0)
			return -1;
		if (!assignment)
			return no_more(next, err);
		if (read_assignment(assignment, &list, err) < 0)
			return -1;
	}
	*out = list;
	list = (struct assignments){0};
	return 0;
}
