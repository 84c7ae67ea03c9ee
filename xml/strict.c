// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xml/strict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xml/node.h"

bool strict_is(const xmlNode *node, const char *ns, const char *name)
{
	if (!ns)
		return node_is(node, name);
	return node_in(node, ns) && strcmp((const char *)node->name, name) == 0;
}

static bool is_blank(const xmlNode *text)
{
	const char *content = (const char *)text->content;

	return !content || content[strspn(content, " \t\r\n")] == '\0';
}

int strict_next(xmlNode *node, xmlNode **out, struct err **err)
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

int strict_take(xmlNode **next, const char *ns, const char *name, xmlNode **taken, struct err **err)
{
	xmlNode *node = *next;

	*taken = NULL;
	if (!node || !strict_is(node, ns, name))
		return 0;
	if (strict_next(node->next, next, err) < 0)
		return -1;
	*taken = node;
	return 0;
}

int strict_end(const xmlNode *node, struct err **err)
{
	return node ? node_error(node, err, "does not belong here") : 0;
}

static int unknown_attribute(const xmlNode *element, const xmlAttr *attr, const char *const *known,
			     struct err **err)
{
	char names[128] = "none";

	for (size_t used = 0; *known && used < sizeof(names); known++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 used ? ", " : "", *known);
	return node_error(element, err, "has an unknown attribute \"%s\"; it can have: %s",
			  node_quote((const char *)attr->name), names);
}

int strict_attributes(const xmlNode *element, const char *const *known, struct err **err)
{
	for (const xmlAttr *attr = element->properties; attr; attr = attr->next) {
		const char *const *name = known;

		while (*name && strcmp(*name, (const char *)attr->name) != 0)
			name++;
		if (!*name || attr->ns)
			return unknown_attribute(element, attr, known, err);
	}
	return 0;
}

int strict_leaf(const xmlNode *element, const char *const *attributes, struct err **err)
{
	xmlNode *inside;

	if (strict_attributes(element, attributes, err) < 0 ||
	    strict_next(element->children, &inside, err) < 0)
		return -1;
	return strict_end(inside, err);
}

int strict_attr(const xmlNode *element, const char *name, const char **out, struct err **err)
{
	*out = node_attr(element, name);
	return *out ? 0 : node_error(element, err, "has no %s", name);
}

int strict_bad(const xmlNode *element, const char *name, const char *value, const char *wanted,
	       struct err **err)
{
	return node_error(element, err, "%s is \"%s\", not %s", name, node_quote(value), wanted);
}

bool strict_text(const xmlNode *element, char *buf, size_t size)
{
	size_t used = 0;

	for (const xmlNode *node = element->children; node; node = node->next) {
		const char *content = (const char *)node->content;
		size_t length = content ? strlen(content) : 0;

		if (node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE)
			continue;
		if ((node->type != XML_TEXT_NODE && node->type != XML_CDATA_SECTION_NODE) ||
		    length >= size - used)
			return false;
		if (length)
			memcpy(buf + used, content, length);
		used += length;
	}
	buf[used] = '\0';
	return true;
}

bool strict_decimal(const char *text, unsigned min, unsigned max, unsigned *out)
{
	size_t n = strspn(text, "0123456789");
	unsigned value;

	if (n == 0 || n > 7 || text[n] != '\0' || (n > 1 && *text == '0'))
		return false;
	value = (unsigned)strtoul(text, NULL, 10);
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

static int bad_hex(const xmlNode *element, const char *name, const char *text, size_t min,
		   size_t max, uint32_t limit, struct err **err)
{
	const char *digits = max == 1 ? "digit" : "digits";

	if (limit >> (4 * max - 1))
		return node_error(element, err, "%s is \"%s\", not 0x and %zu%s%.0zu hex %s", name,
				  node_quote(text), min, min < max ? " to " : "",
				  min < max ? max : 0, digits);
	return node_error(element, err, "%s is \"%s\", not a number up to 0x%x", name,
			  node_quote(text), limit);
}

int strict_hex(const xmlNode *element, const char *name, size_t min, size_t max, uint32_t limit,
	       uint32_t *out, struct err **err)
{
	const char *text;
	uint32_t value;
	size_t n;

	if (strict_attr(element, name, &text, err) < 0)
		return -1;
	n = strncmp(text, "0x", 2) == 0 ? strspn(text + 2, "0123456789abcdefABCDEF") : 0;
	if (n < min || n > max || text[n + 2] != '\0')
		return bad_hex(element, name, text, min, max, limit, err);
	value = (uint32_t)strtoul(text + 2, NULL, 16);
	if (value > limit)
		return bad_hex(element, name, text, min, max, limit, err);
	*out = value;
	return 0;
}

int strict_pciaddr(const xmlNode *element, struct pciaddr *out, struct err **err)
{
	uint32_t domain, bus, slot, function;
	const char *type;

	if (strict_leaf(element,
			(const char *const[]){"type", "domain", "bus", "slot", "function", NULL},
			err) < 0 ||
	    strict_attr(element, "type", &type, err) < 0)
		return -1;
	if (strcmp(type, "pci") != 0)
		return strict_bad(element, "type", type, "pci", err);
	if (strict_hex(element, "domain", 4, 8, UINT32_MAX, &domain, err) < 0 ||
	    strict_hex(element, "bus", 2, 2, 0xff, &bus, err) < 0 ||
	    strict_hex(element, "slot", 2, 2, 0x1f, &slot, err) < 0 ||
	    strict_hex(element, "function", 1, 1, 7, &function, err) < 0)
		return -1;
	*out = (struct pciaddr){.domain = domain,
				.bus = (uint8_t)bus,
				.device = (uint8_t)slot,
				.function = (uint8_t)function};
	return 0;
}
