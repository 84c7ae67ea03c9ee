// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The reader follows schemas/metadata.rng element by element, and takes nothing that it does not
 * know: a migrated guest brings its metadata from another host, which may be anyone's.
 */
#include "xml/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/mem.h"
#include "xml/node.h"
#include "xml/settings.h"
#include "xml/strict.h"
#include "xml/write.h"

enum { POOL_MAX = 64, VF_INDEX_MAX = 65535 };

bool metadata_pool_valid(const char *pool)
{
	size_t n = 0;

	for (; n <= POOL_MAX && pool[n] != '\0'; n++)
		if (pool[n] <= ' ' || pool[n] > '~')
			return false;
	return n >= 1 && n <= POOL_MAX;
}

bool metadata_network_valid(const char *network)
{
	return metadata_pool_valid(network);
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

static void write_parking(struct write *write, const struct parking *parking)
{
	char until[CLOCK_TEXT_SIZE];

	write_open(write, "parked");
	write_attr(write, "reason", park_reason_name(parking->reason));
	write_attr(write, "host", parking->host);
	if (parking->until)
		write_attr(write, "until", clock_text(parking->until, until));
	write_close(write);
}

static void write_standby(struct write *write, const struct assignment *assignment)
{
	write_open(write, "standby");
	write_attr(write, "network", assignment->standby);
	if (assignment->standby_guest_set)
		write_pciaddr(write, true, assignment->standby_guest);
	write_close(write);
}

static void write_assignment(struct write *write, const struct assignment *assignment)
{
	struct vf_settings asked = assignment->settings;

	asked.vlan = assignment->vlan;
	write_open(write, "assignment");
	write_attr(write, "id", assignment->id);
	write_pool(write, assignment->pool);
	if (assignment->index >= 0)
		write_attr_number(write, "index", (unsigned)assignment->index);
	write_attr(write, "form", form_name(assignment->form));
	if (assignment->optional)
		write_attr(write, "required", "no");
	if (assignment->adopted_set)
		write_attr(write, "adopted", pciaddr_str(assignment->adopted));
	/* What is no NIC has none of these. */
	if (!mac_is_zero(assignment->mac))
		write_leaf(write, "mac", "address", mac_str(assignment->mac));
	settings_write(write, &asked);
	if (assignment->standby)
		write_standby(write, assignment);
	if (assignment->guest_set)
		write_pciaddr(write, true, assignment->guest);
	if (assignment->parked)
		write_parking(write, &assignment->parking);
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

static int read_mac(const xmlNode *element, struct mac *out, struct err **err)
{
	struct mac mac;

	if (strict_leaf(element, (const char *const[]){"address", NULL}, err) < 0 ||
	    node_mac(element, &mac, err) < 0)
		return -1;
	if (mac_is_zero(mac) || mac_is_multicast(mac))
		return node_error(element, err, "%s is no MAC address of one NIC", mac_str(mac));
	*out = mac;
	return 0;
}

static int read_attributes(const xmlNode *element, struct assignment *out, struct err **err)
{
	static const char *const known[] = {"id",       "pool",    "index", "form",
					    "required", "adopted", NULL};
	const char *id, *pool, *form, *index = node_attr(element, "index");
	const char *required = node_attr(element, "required");
	const char *adopted = node_attr(element, "adopted");
	unsigned number;

	if (strict_attributes(element, known, err) < 0 ||
	    strict_attr(element, "id", &id, err) < 0 ||
	    strict_attr(element, "pool", &pool, err) < 0 ||
	    strict_attr(element, "form", &form, err) < 0)
		return -1;
	if (!assignment_id_valid(id))
		return strict_bad(element, "id", id, "eight small hex digits", err);
	if (!metadata_pool_valid(pool))
		return strict_bad(element, "pool", pool, "1 to 64 visible ASCII characters", err);
	if (!form_parse(form, &out->form))
		return strict_bad(element, "form", form, "interface or hostdev", err);
	if (index && !strict_decimal(index, 0, VF_INDEX_MAX, &number))
		return strict_bad(element, "index", index, "the index of a VF", err);
	if (required && strcmp(required, "yes") != 0 && strcmp(required, "no") != 0)
		return strict_bad(element, "required", required, "yes or no", err);
	out->optional = required && strcmp(required, "no") == 0;
	if (adopted && (!pciaddr_parse(adopted, &out->adopted) ||
			strcmp(pciaddr_str(out->adopted), adopted) != 0))
		return strict_bad(element, "adopted", adopted, "a PCI address like 0000:01:10.0",
				  err);
	out->adopted_set = adopted;
	out->form_set = true;
	memcpy(out->id, id, sizeof(out->id));
	out->pool = mem_strdup(pool);
	out->index = index ? (int)number : -1;
	return 0;
}

static int read_parking(const xmlNode *element, struct parking *out, struct err **err)
{
	static const char *const known[] = {"reason", "host", "until", NULL};
	const char *reason, *host, *until = node_attr(element, "until");

	if (strict_leaf(element, known, err) < 0 ||
	    strict_attr(element, "reason", &reason, err) < 0 ||
	    strict_attr(element, "host", &host, err) < 0)
		return -1;
	if (!park_reason_parse(reason, &out->reason))
		return strict_bad(element, "reason", reason, "migration, save, snapshot or resize",
				  err);
	if (!metadata_pool_valid(host))
		return strict_bad(element, "host", host, "1 to 64 visible ASCII characters", err);
	if (until && !clock_parse(until, &out->until))
		return strict_bad(element, "until", until, "a time like 2026-11-27T21:00:00Z", err);
	parking_set_host(out, host);
	return 0;
}

static int read_standby(const xmlNode *element, struct assignment *out, struct err **err)
{
	const char *network;
	xmlNode *next, *address;

	if (strict_attributes(element, (const char *const[]){"network", NULL}, err) < 0 ||
	    strict_attr(element, "network", &network, err) < 0)
		return -1;
	if (!metadata_network_valid(network))
		return strict_bad(element, "network", network, "1 to 64 visible ASCII characters",
				  err);
	if (strict_next(element->children, &next, err) < 0 ||
	    strict_take(&next, METADATA_URI, "address", &address, err) < 0 ||
	    strict_end(next, err) < 0 ||
	    (address && strict_pciaddr(address, &out->standby_guest, err) < 0))
		return -1;
	out->standby_guest_set = address != NULL;
	out->standby = mem_strdup(network);
	return 0;
}

static int read_children(const xmlNode *element, struct assignment *out, struct err **err)
{
	xmlNode *next, *mac, *vlan, *flags, *rate, *standby, *address, *parked;

	if (strict_next(element->children, &next, err) < 0 ||
	    strict_take(&next, METADATA_URI, "mac", &mac, err) < 0 ||
	    strict_take(&next, METADATA_URI, "vlan", &vlan, err) < 0 ||
	    strict_take(&next, METADATA_URI, "settings", &flags, err) < 0 ||
	    strict_take(&next, METADATA_URI, "rate", &rate, err) < 0 ||
	    strict_take(&next, METADATA_URI, "standby", &standby, err) < 0 ||
	    strict_take(&next, METADATA_URI, "address", &address, err) < 0 ||
	    strict_take(&next, METADATA_URI, "parked", &parked, err) < 0 ||
	    strict_end(next, err) < 0)
		return -1;
	if (!mac && (out->form == FORM_INTERFACE || vlan || flags || rate || standby))
		return node_error(element, err, "has no <mac>, as only a hostdev that is no NIC");
	if ((mac && read_mac(mac, &out->mac, err) < 0) ||
	    (vlan && settings_read_vlan(vlan, METADATA_URI, &out->settings, err) < 0) ||
	    (flags && settings_read_flags(flags, &out->settings, err) < 0) ||
	    (rate && settings_read_rate(rate, &out->settings, err) < 0) ||
	    (standby && read_standby(standby, out, err) < 0) ||
	    (address && strict_pciaddr(address, &out->guest, err) < 0) ||
	    (parked && read_parking(parked, &out->parking, err) < 0))
		return -1;
	out->vlan = out->settings.vlan;
	out->settings.vlan = 0;
	out->guest_set = address != NULL;
	out->parked = parked != NULL;
	return 0;
}

static int check_unique(const struct assignments *list, const struct assignment *item,
			const xmlNode *element, struct err **err)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].id, item->id) == 0)
			return node_error(element, err, "there is another with id %s", item->id);
		if (!mac_is_zero(item->mac) && mac_equal(list->items[i].mac, item->mac))
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
	item.pool = item.standby = NULL;
	return 0;
}

int metadata_xml_parse(xmlNodePtr element, struct assignments *out, struct err **err)
{
	cleanup(assignments_clear) struct assignments list = {0};
	xmlNode *next;

	if (!strict_is(element, METADATA_URI, "assignments"))
		return node_error(element, err, "is not <assignments>");
	if (strict_attributes(element, (const char *const[]){NULL}, err) < 0 ||
	    strict_next(element->children, &next, err) < 0)
		return -1;
	while (next) {
		xmlNode *assignment;

		if (strict_take(&next, METADATA_URI, "assignment", &assignment, err) < 0)
			return -1;
		if (!assignment)
			return strict_end(next, err);
		if (read_assignment(assignment, &list, err) < 0)
			return -1;
	}
	*out = list;
	list = (struct assignments){0};
	return 0;
}
