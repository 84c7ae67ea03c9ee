/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A libvirt network, as far as a guest's standby NIC on it goes. Plain data. */
#ifndef VFPOOL_MODEL_NETWORK_H
#define VFPOOL_MODEL_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bridge of the host's. */
struct bridge {
	bool filters;  /* it keeps VLANs apart, as the ports say */
	uint16_t vlan; /* all its ports that are VLAN interfaces are in this one; 0: there is none
			*/
};

/* How a guest is connected to it. */
enum network_kind {
	NETWORK_OWN,         /* to a bridge of libvirt's: isolated, routed or with NAT */
	NETWORK_BRIDGE,      /* to a Linux bridge of the host's */
	NETWORK_OPENVSWITCH, /* to a bridge of Open vSwitch */
	NETWORK_MACVTAP,     /* to an interface of the host's, with others */
	NETWORK_PASSTHROUGH, /* to an interface of the host's, alone */
	NETWORK_HOSTDEV,     /* not at all: it gets a VF of the network's */
};

struct network {
	char *name;
	bool defined; /* libvirt knows it; else nothing else is known */
	bool active;
	enum network_kind kind;
	char *bridge;  /* its name, where the kind has one; else NULL */
	uint16_t vlan; /* the one that all of it is in, as far as can be seen; 0: none */
	/*
	 * Why it cannot keep a NIC in a VLAN, in words that follow the network's name, and what can
	 * be done; NULL: it can.
	 */
	char *no_vlan, *no_vlan_next;
};

struct networks {
	struct network *items;
	size_t n;
};

void network_clear(struct network *network);
void networks_clear(struct networks *networks);
const struct network *networks_find(const struct networks *networks,
				    const char *name); /* or NULL */

#endif
