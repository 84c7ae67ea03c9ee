// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xml/domain_move.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/document.h"
#include "xml/node.h"

void vf_moves_add(struct vf_moves *moves, const char *id, struct pciaddr to)
{
	struct vf_move *move = mem_append(&moves->items, &moves->n, sizeof(*move));

	memcpy(move->id, id, sizeof(move->id));
	move->to = to;
}

void vf_moves_clear(struct vf_moves *moves)
{
	free(moves->items);
	*moves = (struct vf_moves){0};
}

static xmlNode *child(const xmlNode *element, const char *name)
{
	for (xmlNode *node = element ? element->children : NULL; node; node = node->next)
		if (node_is(node, name))
			return node;
	return NULL;
}

/* The host's address of the device with this alias; NULL: there is no such device. */
static xmlNode *find_address(const xmlNode *root, const char *alias)
{
	const xmlNode *devices = child(root, "devices");

	for (const xmlNode *node = devices ? devices->children : NULL; node; node = node->next) {
		const xmlNode *named = node_is(node, "interface") ? child(node, "alias") : NULL;

		if (named && node_attr_is(named, "name", alias))
			return child(child(node, "source"), "address");
	}
	return NULL;
}

static void set_hex(xmlNode *element, const char *name, int digits, unsigned value)
{
	char text[sizeof("0x00000000")];

	(void)snprintf(text, sizeof(text), "0x%0*x", digits, value);
	if (!xmlSetProp(element, BAD_CAST name, BAD_CAST text))
		abort();
}

static int move_one(const xmlNode *root, const struct vf_move *move, struct err **err)
{
	char alias[ASSIGNMENT_ALIAS_SIZE];
	xmlNode *address;

	(void)snprintf(alias, sizeof(alias), ASSIGNMENT_ALIAS_PREFIX "%s", move->id);
	address = find_address(root, alias);
	if (!address)
		return err_set(err, ERR_FAILED, "the domain's XML: it has no device %s", alias);
	set_hex(address, "domain", 4, move->to.domain);
	set_hex(address, "bus", 2, move->to.bus);
	set_hex(address, "slot", 2, move->to.device);
	set_hex(address, "function", 1, move->to.function);
	return 0;
}

static char *format(xmlDocPtr doc, xmlNode *root)
{
	xmlBufferPtr buffer = xmlBufferCreate();
	char *text;

	if (!buffer || xmlNodeDump(buffer, doc, root, 0, 0) < 0)
		abort();
	text = mem_strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	return text;
}

int domain_xml_move(const char *xml, const struct vf_moves *moves, char **out, struct err **err)
{
	xmlNode *root;
	xmlDocPtr doc;
	int rc = 0;

	if (document_parse(xml, "the domain's XML", &doc, err) < 0)
		return -1;
	root = xmlDocGetRootElement(doc);
	for (size_t i = 0; i < moves->n && !rc; i++)
		rc = move_one(root, &moves->items[i], err);
	if (!rc)
		*out = format(doc, root);
	xmlFreeDoc(doc);
	return rc;
}
