// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xml/network.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "xml/document.h"
#include "xml/node.h"

/* No <forward> is an isolated network, and one without a mode is NAT. */
static enum network_kind kind_of(const xmlNode *forward, const xmlNode *bridge,
				 const xmlNode *virtualport)
{
	const char *mode = forward ? node_attr(forward, "mode") : NULL;

	if (!mode)
		return NETWORK_OWN;
	if (!strcmp(mode, "hostdev"))
		return NETWORK_HOSTDEV;
	if (!strcmp(mode, "passthrough"))
		return NETWORK_PASSTHROUGH;
	if (!strcmp(mode, "private") || !strcmp(mode, "vepa"))
		return NETWORK_MACVTAP;
	if (strcmp(mode, "bridge") != 0)
		return NETWORK_OWN;
	if (!bridge)
		return NETWORK_MACVTAP;
	return virtualport && node_attr_is(virtualport, "type", "openvswitch") ? NETWORK_OPENVSWITCH
									       : NETWORK_BRIDGE;
}

int network_xml_parse(const char *xml, struct network *network, struct err **err)
{
	const xmlNode *root, *forward = NULL, *bridge = NULL, *virtualport = NULL;
	xmlDocPtr doc;

	if (document_parse(xml, "the network's XML", &doc, err) < 0)
		return -1;
	root = xmlDocGetRootElement(doc);
	if (!root || !node_is(root, "network")) {
		xmlFreeDoc(doc);
		return err_set(err, ERR_FAILED, "the network's XML: it is no <network>");
	}
	for (const xmlNode *node = root->children; node; node = node->next) {
		if (node_is(node, "forward"))
			forward = node;
		else if (node_is(node, "bridge"))
			bridge = node;
		else if (node_is(node, "virtualport"))
			virtualport = node;
	}
	network->kind = kind_of(forward, bridge, virtualport);
	free(network->bridge);
	network->bridge = bridge ? mem_strdup(node_attr(bridge, "name")) : NULL;
	xmlFreeDoc(doc);
	return 0;
}
