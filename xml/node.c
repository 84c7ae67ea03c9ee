// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xml/node.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

static bool name_is(const xmlChar *name, const char *wanted)
{
	return strcmp((const char *)name, wanted) == 0;
}

bool node_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !node->ns && name_is(node->name, name);
}

bool node_in(const xmlNode *node, const char *uri)
{
	return node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
	       name_is(node->ns->href, uri);
}

const char *node_attr(const xmlNode *element, const char *name)
{
	for (const xmlAttr *attr = element->properties; attr; attr = attr->next) {
		if (attr->ns || !name_is(attr->name, name))
			continue;
		/* With no entities, a value is one text, or nothing when it is empty. */
		if (!attr->children)
			return "";
		return (const char *)attr->children->content;
	}
	return NULL;
}

bool node_attr_is(const xmlNode *element, const char *name, const char *value)
{
	const char *is = node_attr(element, name);

	return is && strcmp(is, value) == 0;
}

int node_number(const xmlNode *element, const char *name, uint32_t max, uint32_t *out,
		struct err **err)
{
	const char *text = node_attr(element, name);
	unsigned long long value;
	char *end;

	if (!text)
		return 0;
	/* strtoull() would take a sign and spaces; too large a value becomes one above max. */
	value = *text >= '0' && *text <= '9' ? strtoull(text, &end, 0) : 0;
	if (*text < '0' || *text > '9' || *end != '\0' || value > max)
		return node_error(element, err, "%s is \"%s\", not a number up to %u", name,
				  node_quote(text), max);
	*out = (uint32_t)value;
	return 0;
}

int node_pciaddr(const xmlNode *element, struct pciaddr *out, struct err **err)
{
	uint32_t domain = 0, bus = 0, slot = 0, function = 0;

	if (node_number(element, "domain", UINT32_MAX, &domain, err) < 0 ||
	    node_number(element, "bus", 0xff, &bus, err) < 0 ||
	    node_number(element, "slot", 0x1f, &slot, err) < 0 ||
	    node_number(element, "function", 7, &function, err) < 0)
		return -1;
	*out = (struct pciaddr){.domain = domain,
				.bus = (uint8_t)bus,
				.device = (uint8_t)slot,
				.function = (uint8_t)function};
	return 0;
}

int node_mac(const xmlNode *element, struct mac *out, struct err **err)
{
	const char *text = node_attr(element, "address");

	if (!text)
		return node_error(element, err, "has no address");
	if (!mac_parse(text, out))
		return node_error(element, err, "\"%s\" is no MAC address", node_quote(text));
	return 0;
}

int node_error(const xmlNode *node, struct err **err, const char *fmt, ...)
{
	cleanup_free char *what = NULL;
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	what = mem_vprintf(fmt, ap);
	va_end(ap);
	return err_set(err, ERR_FAILED, "line %ld: <%s>: %s", xmlGetLineNo(node),
		       node_quote((const char *)node->name), what);
}

const char *node_quote_into(const char *text, char buf[NODE_QUOTE_SIZE])
{
	size_t n = 0;

	for (; *text && n < NODE_QUOTE_SIZE - 4; text++)
		buf[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
	if (*text) {
		memcpy(buf + n, "...", 3);
		n += 3;
	}
	buf[n] = '\0';
	return buf;
}
