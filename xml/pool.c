// SPDX-License-Identifier: LGPL-2.1-or-later
/* The reader follows schemas/pool.rng. People write these by hand: the elements have no order. */
#include "xml/pool.h"

#include <libxml/relaxng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/document.h"
#include "xml/metadata.h"
#include "xml/node.h"
#include "xml/settings.h"
#include "xml/strict.h"
#include "xml/write.h"

enum { DEV_MAX = 127, DRIVER_MAX = 64, VF_INDEX_MAX = 65535, COUNT_MAX = 9999999 };

static const char schema_text[] =
#include "schemas/pool.rng.h"
	;

/* What has been read once already, where once is all. */
struct reader {
	struct pool pool;
	bool name, limit, device, vlan, settings, rate, standby;
};

static int once(const xmlNode *element, bool *seen, struct err **err)
{
	if (*seen)
		return node_error(element, err, "is there more than once");
	*seen = true;
	return 0;
}

static int read_name(struct reader *reader, const xmlNode *element, struct err **err)
{
	char name[POOL_NAME_MAX + 2];

	if (once(element, &reader->name, err) < 0 ||
	    strict_attributes(element, (const char *const[]){NULL}, err) < 0)
		return -1;
	if (!strict_text(element, name, sizeof(name)) || !pool_name_valid(name))
		return node_error(
			element, err,
			"is no pool's name: that is 1 to %d letters, digits, '_', '-' and "
			"'.', with no '-' or '.' first",
			POOL_NAME_MAX);
	reader->pool.name = mem_strdup(name);
	return 0;
}

/* As people write one, too: without the domain, or with fewer digits. */
static int read_address(const xmlNode *element, struct pciaddr *out, struct err **err)
{
	const char *type = node_attr(element, "type");
	uint32_t domain = 0, bus, slot, function;

	if (strict_leaf(element,
			(const char *const[]){"type", "domain", "bus", "slot", "function", NULL},
			err) < 0)
		return -1;
	if (type && strcmp(type, "pci") != 0)
		return strict_bad(element, "type", type, "pci", err);
	if ((node_attr(element, "domain") &&
	     strict_hex(element, "domain", 1, 8, UINT32_MAX, &domain, err) < 0) ||
	    strict_hex(element, "bus", 1, 2, 0xff, &bus, err) < 0 ||
	    strict_hex(element, "slot", 1, 2, 0x1f, &slot, err) < 0 ||
	    strict_hex(element, "function", 1, 1, 7, &function, err) < 0)
		return -1;
	*out = (struct pciaddr){.domain = domain,
				.bus = (uint8_t)bus,
				.device = (uint8_t)slot,
				.function = (uint8_t)function};
	return 0;
}

/* An element that can have an <address> in it, and nothing else. */
static int take_address(const xmlNode *element, bool *set, struct pciaddr *out, struct err **err)
{
	xmlNode *next, *address;

	if (strict_next(element->children, &next, err) < 0 ||
	    strict_take(&next, NULL, "address", &address, err) < 0 || strict_end(next, err) < 0)
		return -1;
	*set = address != NULL;
	return address ? read_address(address, out, err) : 0;
}

static bool dev_valid(const char *dev)
{
	size_t n = 0;

	for (; n <= DEV_MAX && dev[n] != '\0'; n++)
		if (dev[n] <= ' ' || dev[n] > '~' || dev[n] == '/')
			return false;
	return n >= 1 && n <= DEV_MAX;
}

static bool driver_valid(const char *driver)
{
	size_t n = strspn(driver, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-");

	return n >= 1 && n <= DRIVER_MAX && driver[n] == '\0';
}

static int read_id(const xmlNode *element, const char *name, uint16_t *out, struct err **err)
{
	uint32_t value = 0;

	if (!node_attr(element, name))
		return 0;
	if (strict_hex(element, name, 4, 4, 0xffff, &value, err) < 0)
		return -1;
	if (!value)
		return node_error(element, err, "%s 0x0000 is nobody's", name);
	*out = (uint16_t)value;
	return 0;
}

static int read_pf(struct reader *reader, const xmlNode *element, struct err **err)
{
	const char *dev = node_attr(element, "dev"), *driver = node_attr(element, "driver");
	struct pool_pf pf = {0};

	if (strict_attributes(element,
			      (const char *const[]){"dev", "driver", "vendor", "product", NULL},
			      err) < 0)
		return -1;
	if (dev && !dev_valid(dev))
		return strict_bad(element, "dev", dev,
				  "an interface's name, which may be a glob: \"ens*f0\"", err);
	if (driver && !driver_valid(driver))
		return strict_bad(element, "driver", driver, "a driver's name", err);
	if (read_id(element, "vendor", &pf.vendor, err) < 0 ||
	    read_id(element, "product", &pf.product, err) < 0 ||
	    take_address(element, &pf.address_set, &pf.address, err) < 0)
		return -1;
	if (pf.product && !pf.vendor)
		return node_error(element, err, "has a product and no vendor");
	if (!dev && !driver && !pf.vendor && !pf.address_set)
		return node_error(element, err,
				  "says nothing; it can have: dev, driver, vendor, product, "
				  "<address>");
	pf.dev = mem_strdup(dev);
	pf.driver = mem_strdup(driver);
	*(struct pool_pf *)mem_append(&reader->pool.pfs, &reader->pool.npfs, sizeof(pf)) = pf;
	return 0;
}

/* "3", or "4-6". */
static int read_index(const xmlNode *element, const char *text, struct pool_vfs *out,
		      struct err **err)
{
	const char *dash = strchr(text, '-');
	char low[8];
	size_t length = dash ? (size_t)(dash - text) : strlen(text);

	if (length < sizeof(low)) {
		memcpy(low, text, length);
		low[length] = '\0';
	}
	if (length >= sizeof(low) || !strict_decimal(low, 0, VF_INDEX_MAX, &out->first) ||
	    !strict_decimal(dash ? dash + 1 : low, 0, VF_INDEX_MAX, &out->last))
		return strict_bad(element, "index", text, "the index of a VF, or a range: \"4-6\"",
				  err);
	if (out->last < out->first)
		return node_error(element, err, "index \"%s\" ends before it begins",
				  node_quote(text));
	return 0;
}

static int read_vfs(const xmlNode *element, struct pool_vfs **list, size_t *n, struct err **err)
{
	const char *index = node_attr(element, "index");
	struct pool_vfs vfs = {0};

	if (strict_attributes(element, (const char *const[]){"index", NULL}, err) < 0 ||
	    take_address(element, &vfs.address_set, &vfs.address, err) < 0)
		return -1;
	if (!index == !vfs.address_set)
		return node_error(element, err, "has to have either an index or an <address>");
	if (index && read_index(element, index, &vfs, err) < 0)
		return -1;
	*(struct pool_vfs *)mem_append(list, n, sizeof(vfs)) = vfs;
	return 0;
}

static int read_exclude(struct reader *reader, const xmlNode *element, struct err **err)
{
	return read_vfs(element, &reader->pool.excluded, &reader->pool.nexcluded, err);
}

static int read_reserve(struct reader *reader, const xmlNode *element, struct err **err)
{
	return read_vfs(element, &reader->pool.reserved, &reader->pool.nreserved, err);
}

static int read_policy(struct reader *reader, const xmlNode *element, struct err **err)
{
	static const char *const names[] = {"first-fit", "spread",  "pack",
					    "numa",      "link-up", "anti-affinity"};
	const char *name, *mode = node_attr(element, "mode");
	struct pool *pool = &reader->pool;
	bool known = false;

	if (strict_leaf(element, (const char *const[]){"name", "mode", NULL}, err) < 0 ||
	    strict_attr(element, "name", &name, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		known |= !strcmp(name, names[i]);
	if (!known)
		return strict_bad(element, "name", name,
				  "first-fit, spread, pack, numa, link-up or anti-affinity", err);
	if (mode && strcmp(name, "numa") != 0)
		return node_error(element, err, "%s has no mode; numa has", name);
	if (mode && strcmp(mode, "strict") != 0 && strcmp(mode, "preferred") != 0)
		return strict_bad(element, "mode", mode, "strict or preferred", err);
	for (size_t i = 0; i < pool->npolicies; i++)
		if (!strcmp(pool->policies[i], name))
			return node_error(element, err, "%s is there more than once", name);
	pool->numa_strict |= mode && !strcmp(mode, "strict");
	*(char **)mem_append(&pool->policies, &pool->npolicies, sizeof(char *)) = mem_strdup(name);
	return 0;
}

static int read_count(const xmlNode *element, const char *name, unsigned *out, struct err **err)
{
	const char *text = node_attr(element, name);

	if (!text || strict_decimal(text, 1, COUNT_MAX, out))
		return 0;
	return strict_bad(element, name, text, "a number of VFs from 1 on", err);
}

static int read_limit(struct reader *reader, const xmlNode *element, struct err **err)
{
	struct pool *pool = &reader->pool;

	if (once(element, &reader->limit, err) < 0 ||
	    strict_leaf(element, (const char *const[]){"guest", "total", NULL}, err) < 0 ||
	    read_count(element, "guest", &pool->per_guest, err) < 0 ||
	    read_count(element, "total", &pool->total, err) < 0)
		return -1;
	if (!pool->per_guest && !pool->total)
		return node_error(element, err, "has neither guest nor total");
	return 0;
}

static int read_device(struct reader *reader, const xmlNode *element, struct err **err)
{
	const char *form = node_attr(element, "form"), *managed = node_attr(element, "managed");
	struct pool *pool = &reader->pool;

	if (once(element, &reader->device, err) < 0 ||
	    strict_leaf(element, (const char *const[]){"form", "managed", NULL}, err) < 0)
		return -1;
	if (!form && !managed)
		return node_error(element, err, "has neither form nor managed");
	if (form && !form_parse(form, &pool->form))
		return strict_bad(element, "form", form, "interface or hostdev", err);
	if (managed && strcmp(managed, "yes") != 0 && strcmp(managed, "no") != 0)
		return strict_bad(element, "managed", managed, "yes or no", err);
	pool->form_set = form != NULL;
	pool->prebound = managed && !strcmp(managed, "no");
	return 0;
}

static int read_vlan(struct reader *reader, const xmlNode *element, struct err **err)
{
	struct pool *pool = &reader->pool;

	if (once(element, &reader->vlan, err) < 0 ||
	    settings_read_vlan(element, NULL, &pool->settings, err) < 0)
		return -1;
	pool->vlan = pool->settings.vlan;
	pool->settings.vlan = 0;
	return 0;
}

static int read_settings(struct reader *reader, const xmlNode *element, struct err **err)
{
	return once(element, &reader->settings, err) < 0
		       ? -1
		       : settings_read_flags(element, &reader->pool.settings, err);
}

static int read_rate(struct reader *reader, const xmlNode *element, struct err **err)
{
	return once(element, &reader->rate, err) < 0
		       ? -1
		       : settings_read_rate(element, &reader->pool.settings, err);
}

static int read_standby(struct reader *reader, const xmlNode *element, struct err **err)
{
	const char *network;

	if (once(element, &reader->standby, err) < 0 ||
	    strict_leaf(element, (const char *const[]){"network", NULL}, err) < 0 ||
	    strict_attr(element, "network", &network, err) < 0)
		return -1;
	if (!metadata_network_valid(network))
		return strict_bad(element, "network", network, "1 to 64 visible ASCII characters",
				  err);
	reader->pool.standby = mem_strdup(network);
	return 0;
}

static const struct part {
	const char *name;
	int (*read)(struct reader *reader, const xmlNode *element, struct err **err);
} parts[] = {
	{"name", read_name},       {"pf", read_pf},           {"exclude", read_exclude},
	{"reserve", read_reserve}, {"policy", read_policy},   {"limit", read_limit},
	{"device", read_device},   {"vlan", read_vlan},       {"settings", read_settings},
	{"rate", read_rate},       {"standby", read_standby},
};

static int read_part(struct reader *reader, const xmlNode *element, struct err **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (node_is(element, parts[i].name))
			return parts[i].read(reader, element, err);
	return node_error(element, err,
			  "does not belong here; a pool has: name, pf, exclude, reserve, policy, "
			  "limit, device, vlan, settings, rate, standby");
}

/* What the grammar cannot say. */
static int check(const struct reader *reader, const xmlNode *root, struct err **err)
{
	const struct pool *pool = &reader->pool;

	if (!reader->name)
		return node_error(root, err, "has no <name>");
	if (!pool->npfs)
		return node_error(root, err, "has no <pf>");
	if ((pool->settings.qos || pool->settings.vlan_proto) &&
	    !(pool->form_set && pool->form == FORM_HOSTDEV))
		return node_error(root, err,
				  "has a VLAN with qos or protocol, which libvirt cannot set: that "
				  "needs <device form='hostdev'/>");
	return 0;
}

static int read_pool(struct reader *reader, const xmlNode *root, struct err **err)
{
	xmlNode *next;

	if (!root || !node_is(root, "pool"))
		return err_set(err, ERR_FAILED, "it is no <pool>");
	if (strict_attributes(root, (const char *const[]){NULL}, err) < 0 ||
	    strict_next(root->children, &next, err) < 0)
		return -1;
	while (next)
		if (read_part(reader, next, err) < 0 || strict_next(next->next, &next, err) < 0)
			return -1;
	return check(reader, root, err);
}

int pool_xml_parse(const char *text, const char *what, struct pool *out, struct err **err)
{
	struct reader reader = {0};
	xmlDocPtr doc;
	int rc;

	if (document_parse(text, what, &doc, err) < 0)
		return -1;
	rc = read_pool(&reader, xmlDocGetRootElement(doc), err);
	xmlFreeDoc(doc);
	if (rc < 0) {
		pool_clear(&reader.pool);
		return err_wrap(err, "%s", what);
	}
	*out = reader.pool;
	return 0;
}

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_ptr;
#else
typedef xmlErrorPtr error_ptr;
#endif

/* The first complaint says most. */
static void on_error(void *data, error_ptr error)
{
	struct err **err = data;

	if (!*err)
		(void)err_set(err, ERR_FAILED, "line %d: %s", error->line,
			      node_quote(error->message ? error->message : "not valid"));
}

static int validate(xmlDocPtr doc, struct err **err)
{
	xmlRelaxNGParserCtxtPtr parser =
		xmlRelaxNGNewMemParserCtxt(schema_text, (int)sizeof(schema_text) - 1);
	xmlRelaxNGPtr schema = parser ? xmlRelaxNGParse(parser) : NULL;
	xmlRelaxNGValidCtxtPtr ctxt = schema ? xmlRelaxNGNewValidCtxt(schema) : NULL;
	int rc = -1;

	if (ctxt) {
		xmlRelaxNGSetValidStructuredErrors(ctxt, on_error, err);
		rc = xmlRelaxNGValidateDoc(ctxt, doc);
	}
	xmlRelaxNGFreeValidCtxt(ctxt);
	xmlRelaxNGFree(schema);
	xmlRelaxNGFreeParserCtxt(parser);
	if (rc && !*err)
		(void)err_set(err, ERR_FAILED, "it is not valid");
	return rc ? -1 : 0;
}

int pool_xml_validate(const char *text, const char *what, struct err **err)
{
	struct err *why = NULL;
	xmlDocPtr doc;
	int rc;

	if (document_parse(text, what, &doc, err) < 0)
		return -1;
	rc = validate(doc, &why);
	xmlFreeDoc(doc);
	if (rc && err)
		*err = steal(&why);
	err_free(&why);
	return rc ? err_wrap(err, "%s", what) : 0;
}

static void write_id(struct write *write, const char *name, uint16_t value)
{
	char text[sizeof("0x0000")];

	(void)snprintf(text, sizeof(text), "0x%04x", value);
	write_attr(write, name, text);
}

static void write_pf(struct write *write, const struct pool_pf *pf)
{
	write_open(write, "pf");
	if (pf->dev)
		write_attr(write, "dev", pf->dev);
	if (pf->driver)
		write_attr(write, "driver", pf->driver);
	if (pf->vendor)
		write_id(write, "vendor", pf->vendor);
	if (pf->product)
		write_id(write, "product", pf->product);
	if (pf->address_set)
		write_pciaddr(write, true, pf->address);
	write_close(write);
}

static void write_vfs(struct write *write, const char *name, const struct pool_vfs *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pool_vfs *vfs = &list[i];
		char text[sizeof("4294967295-4294967295")];

		write_open(write, name);
		if (vfs->address_set) {
			write_pciaddr(write, true, vfs->address);
		} else if (vfs->first == vfs->last) {
			write_attr_number(write, "index", vfs->first);
		} else {
			(void)snprintf(text, sizeof(text), "%u-%u", vfs->first, vfs->last);
			write_attr(write, "index", text);
		}
		write_close(write);
	}
}

static void write_policies(struct write *write, const struct pool *pool)
{
	for (size_t i = 0; i < pool->npolicies; i++) {
		write_open(write, "policy");
		write_attr(write, "name", pool->policies[i]);
		if (pool->numa_strict && !strcmp(pool->policies[i], "numa"))
			write_attr(write, "mode", "strict");
		write_close(write);
	}
}

static void write_limit(struct write *write, const struct pool *pool)
{
	if (!pool->per_guest && !pool->total)
		return;
	write_open(write, "limit");
	if (pool->per_guest)
		write_attr_number(write, "guest", pool->per_guest);
	if (pool->total)
		write_attr_number(write, "total", pool->total);
	write_close(write);
}

static void write_device(struct write *write, const struct pool *pool)
{
	if (!pool->form_set && !pool->prebound)
		return;
	write_open(write, "device");
	if (pool->form_set)
		write_attr(write, "form", form_name(pool->form));
	if (pool->prebound)
		write_attr(write, "managed", "no");
	write_close(write);
}

char *pool_xml_format(const struct pool *pool)
{
	struct vf_settings settings = pool->settings;
	struct write write = write_start(true);

	settings.vlan = pool->vlan;
	write_open(&write, "pool");
	write_text(&write, "name", pool->name);
	for (size_t i = 0; i < pool->npfs; i++)
		write_pf(&write, &pool->pfs[i]);
	write_vfs(&write, "exclude", pool->excluded, pool->nexcluded);
	write_vfs(&write, "reserve", pool->reserved, pool->nreserved);
	write_policies(&write, pool);
	write_limit(&write, pool);
	write_device(&write, pool);
	settings_write(&write, &settings);
	if (pool->standby)
		write_leaf(&write, "standby", "network", pool->standby);
	return write_finish(&write);
}
