// SPDX-License-Identifier: LGPL-2.1-or-later
/* The reader follows schemas/host.rng element by element. */
#include "xml/host.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/document.h"
#include "xml/node.h"
#include "xml/strict.h"
#include "xml/write.h"

enum { NAME_MAX_LENGTH = 64, NODE_MAX = 8191 };

bool host_xml_name_valid(const char *name)
{
	size_t n = 0;

	for (; n <= NAME_MAX_LENGTH && name[n] != '\0'; n++)
		if (name[n] <= ' ' || name[n] > '~')
			return false;
	return n >= 1 && n <= NAME_MAX_LENGTH;
}

static void write_name(struct write *write, const char *attr, const char *name)
{
	char safe[NAME_MAX_LENGTH + 1] = "?";

	for (size_t n = 0; n < NAME_MAX_LENGTH && name[n] != '\0'; n++)
		safe[n] = name[n] > ' ' && name[n] <= '~' ? name[n] : '?';
	write_attr(write, attr, safe);
}

static void write_pool(struct write *write, const struct pool_report *pool)
{
	cleanup_free char *vfs = pool->free_vfs ? idset_format(pool->free_vfs) : NULL;

	write_open(write, "vfpool:pool");
	write_name(write, "name", pool->name);
	write_attr(write, "type", pool->defined ? "pool" : "pf");
	write_attr(write, "nic", pool->nic ? "yes" : "no");
	write_attr_number(write, "total", pool->total);
	write_attr_number(write, "free", pool->free);
	if (pool->numa >= 0)
		write_attr_number(write, "numa", (unsigned)pool->numa);
	if (vfs)
		write_attr(write, "vfs", vfs);
	write_close(write);
}

char *host_xml_format(const struct host_report *report)
{
	struct write write = write_start(true);

	write_open(&write, "network");
	write_text(&write, "name", REPORT_NETWORK);
	write_text(&write, "uuid", REPORT_UUID);
	write_open(&write, "metadata");
	write_open(&write, "vfpool:host");
	write_attr(&write, "xmlns:vfpool", REPORT_URI);
	write_name(&write, "name", report->host);
	write_name(&write, "version", report->version);
	write_attr(&write, "hook", report_hook_name(report->hook));
	for (size_t i = 0; i < report->n; i++)
		write_pool(&write, &report->pools[i]);
	write_close(&write);
	write_close(&write);
	/* Of all kinds this one has nothing on the host that libvirt could make, or miss. */
	write_leaf(&write, "forward", "mode", "private");
	return write_finish(&write);
}

static int read_name(const xmlNode *element, const char *attr, char **out, struct err **err)
{
	const char *name;

	if (strict_attr(element, attr, &name, err) < 0)
		return -1;
	if (!host_xml_name_valid(name))
		return strict_bad(element, attr, name, "1 to 64 visible ASCII characters", err);
	*out = mem_strdup(name);
	return 0;
}

static int read_count(const xmlNode *element, const char *attr, unsigned *out, struct err **err)
{
	const char *text;

	if (strict_attr(element, attr, &text, err) < 0)
		return -1;
	return strict_decimal(text, 0, REPORT_VFS_MAX, out)
		       ? 0
		       : strict_bad(element, attr, text, "a number of VFs", err);
}

static int read_choice(const xmlNode *element, const char *attr, const char *no, const char *yes,
		       bool *out, struct err **err)
{
	const char *text;

	if (strict_attr(element, attr, &text, err) < 0)
		return -1;
	*out = !strcmp(text, yes);
	if (!*out && strcmp(text, no) != 0)
		return node_error(element, err, "%s is \"%s\", neither %s nor %s", attr,
				  node_quote(text), yes, no);
	return 0;
}

/* As we write it: nothing else that means the same. */
static int read_vfs(const xmlNode *element, const char *text, struct idset **out, struct err **err)
{
	cleanup_free struct idset *set = mem_zero(1, sizeof(*set));
	cleanup_free char *same = NULL;

	if (idset_parse(text, set))
		same = idset_format(set);
	if (!same || strcmp(same, text) != 0)
		return strict_bad(element, "vfs", text, "indexes of VFs in order, like 0-2,5", err);
	*out = steal(&set);
	return 0;
}

static int read_pool(const xmlNode *element, struct pool_report *out, struct err **err)
{
	static const char *const known[] = {"name", "type", "nic", "total",
					    "free", "numa", "vfs", NULL};
	const char *numa = node_attr(element, "numa"), *vfs = node_attr(element, "vfs");
	unsigned node;

	out->numa = -1;
	if (strict_leaf(element, known, err) < 0 ||
	    read_name(element, "name", &out->name, err) < 0 ||
	    read_choice(element, "type", "pf", "pool", &out->defined, err) < 0 ||
	    read_choice(element, "nic", "no", "yes", &out->nic, err) < 0 ||
	    read_count(element, "total", &out->total, err) < 0 ||
	    read_count(element, "free", &out->free, err) < 0)
		return -1;
	if (numa && !strict_decimal(numa, 0, NODE_MAX, &node))
		return strict_bad(element, "numa", numa, "a NUMA node", err);
	if (numa)
		out->numa = (int)node;
	return vfs ? read_vfs(element, vfs, &out->free_vfs, err) : 0;
}

static int add_pool(const xmlNode *element, struct host_report *report, struct err **err)
{
	cleanup(pool_report_clear) struct pool_report pool = {0};

	if (report->n == REPORT_POOLS_MAX)
		return node_error(element, err, "there are more than %d", REPORT_POOLS_MAX);
	if (read_pool(element, &pool, err) < 0)
		return -1;
	if (report_pool(report, pool.name))
		return node_error(element, err, "there is another called %s", pool.name);
	*(struct pool_report *)mem_append(&report->pools, &report->n, sizeof(pool)) = pool;
	pool = (struct pool_report){0};
	return 0;
}

int host_xml_parse_element(const xmlNode *element, struct host_report *out, struct err **err)
{
	static const char *const known[] = {"name", "version", "hook", NULL};
	cleanup(host_report_clear) struct host_report report = {0};
	const char *hook;
	xmlNode *next, *pool;

	if (!strict_is(element, REPORT_URI, "host"))
		return node_error(element, err, "is not <host>");
	if (strict_attributes(element, known, err) < 0 ||
	    read_name(element, "name", &report.host, err) < 0 ||
	    read_name(element, "version", &report.version, err) < 0 ||
	    strict_attr(element, "hook", &hook, err) < 0)
		return -1;
	if (!report_hook_parse(hook, &report.hook))
		return strict_bad(element, "hook", hook, "works, unseen or none", err);
	if (strict_next(element->children, &next, err) < 0)
		return -1;
	while (next) {
		if (strict_take(&next, REPORT_URI, "pool", &pool, err) < 0)
			return -1;
		if (!pool)
			return strict_end(next, err);
		if (add_pool(pool, &report, err) < 0)
			return -1;
	}
	*out = report;
	report = (struct host_report){0};
	return 0;
}

/* What else is in libvirt's own elements is its affair. */
static int find_element(const xmlNode *root, const xmlNode **out, struct err **err)
{
	*out = NULL;
	if (!root || !node_is(root, "network"))
		return err_set(err, ERR_FAILED, "it is no <network>");
	for (const xmlNode *part = root->children; part; part = part->next)
		for (const xmlNode *node = node_is(part, "metadata") ? part->children : NULL; node;
		     node = node->next) {
			if (!node_in(node, REPORT_URI))
				continue;
			if (*out)
				return node_error(node, err, "is there more than once");
			*out = node;
		}
	return *out ? 0 : err_set(err, ERR_ABSENT, "nothing of vfpool is in it");
}

int host_xml_parse(const char *text, struct host_report *out, struct err **err)
{
	static const char what[] = "network " REPORT_NETWORK;
	const xmlNode *element;
	xmlDocPtr doc;
	int rc;

	if (document_parse(text, what, &doc, err) < 0)
		return -1;
	rc = find_element(xmlDocGetRootElement(doc), &element, err);
	if (!rc)
		rc = host_xml_parse_element(element, out, err);
	xmlFreeDoc(doc);
	return rc ? err_wrap(err, "%s", what) : 0;
}
