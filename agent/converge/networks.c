// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What libvirt does with the VLAN of an interface depends on the network's kind and on its own
 * version, and not all of it is refused: a Linux bridge that does not keep VLANs apart takes one,
 * and lets all frames through.
 */
#include "converge/networks.h"

#include <stdlib.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/network.h"

/* From then on libvirt sets the VLANs of a port of a Linux bridge. */
#define LIBVIRT_BRIDGE_VLANS 11000000ul

static void cannot(struct network *network, const char *why, char *next)
{
	network->no_vlan = mem_strdup(why);
	network->no_vlan_next = next;
}

static char *take_another(void)
{
	return mem_strdup("name a network on an Open vSwitch bridge, on a Linux bridge that "
			  "filters VLANs, or on one over an interface of that VLAN");
}

static int judge_bridge(struct edges *edges, struct network *network, unsigned long version,
			struct err **err)
{
	struct host *host = edges->host;
	struct bridge bridge;
	struct err *why = NULL;

	if (host->ops->read_bridge(host, network->bridge, &bridge, &why)) {
		if (why->code != ERR_ABSENT)
			return err_pass(err, why);
		cannot(network, why->what, take_another());
		err_free(&why);
		return 0;
	}
	network->vlan = bridge.vlan;
	if (version < LIBVIRT_BRIDGE_VLANS)
		cannot(network, "libvirt before 11.0 sets no VLANs on a Linux bridge",
		       take_another());
	else if (!bridge.filters)
		cannot(network, "its bridge does not filter VLANs",
		       mem_printf(
			       "turn that on (`ip link set %s type bridge vlan_filtering 1`), or "
			       "name another network",
			       network->bridge));
	return 0;
}

static int judge(struct edges *edges, struct network *network, unsigned long version,
		 struct err **err)
{
	switch (network->kind) {
	case NETWORK_BRIDGE:
		if (network->bridge)
			return judge_bridge(edges, network, version, err);
		break;
	case NETWORK_OWN:
		cannot(network, "it is libvirt's own bridge, which has no VLANs", take_another());
		break;
	case NETWORK_MACVTAP:
		cannot(network, "macvtap sets no VLANs", take_another());
		break;
	case NETWORK_OPENVSWITCH:
	case NETWORK_PASSTHROUGH:
	case NETWORK_HOSTDEV:
		break;
	}
	return 0;
}

static int read_network(struct edges *edges, struct network *network, struct err **err)
{
	struct virt *virt = edges->virt;
	cleanup_free char *xml = NULL;
	unsigned long version = 0;
	struct err *why = NULL;

	if (virt->ops->network(virt, network->name, &xml, &network->active, &version, &why)) {
		if (why->code != ERR_ABSENT)
			return err_pass(err, why);
		err_free(&why);
		return 0;
	}
	network->defined = true;
	return network_xml_parse(xml, network, err) || judge(edges, network, version, err) ? -1 : 0;
}

int networks_gather(struct edges *edges, const char *name, struct networks *out, struct err **err)
{
	struct network network = {0};

	if (networks_find(out, name))
		return 0;
	network.name = mem_strdup(name);
	if (read_network(edges, &network, err)) {
		network_clear(&network);
		return err_wrap(err, "looking at network %s", name);
	}
	*(struct network *)mem_append(&out->items, &out->n, sizeof(network)) = network;
	return 0;
}
