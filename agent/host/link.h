/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What rtnetlink's messages tell of links, their addresses and the settings of VFs. It is apart
 * from the socket (host/netlink.h), so that any message can be given to it.
 */
#ifndef VFPOOL_HOST_LINK_H
#define VFPOOL_HOST_LINK_H

#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"
#include "core/mac.h"
#include "core/names.h"
#include "core/pciaddr.h"
#include "model/settings.h"

struct link {
	int index;
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ]; /* "bridge", "vlan"; empty for a real NIC */
	bool pci_set;
	struct pciaddr pci; /* the PCI device it belongs to */
	int master;         /* the link it is a port of; 0: none */
	int lower;          /* the link it lies on: a VLAN's, a macvtap's; 0: none */
	bool representor;   /* stands for a VF in the PF's switch; it is not the PF's own */
	bool up;
	bool carrier;
	bool filters;  /* a bridge: it keeps VLANs apart */
	uint16_t vlan; /* of a VLAN interface; 0: it is none */
	struct mac mac;
};

struct links {
	struct link *items; /* by index */
	size_t n;
};

/* An IP address that is not link-local. */
struct link_address {
	int link;
	char text[46];
};

struct link_addresses {
	struct link_address *items;
	size_t n;
};

/* false: not a message of that kind, or not one that is wanted; *out is then undefined. */
bool link_parse(const struct nlmsghdr *msg, struct link *out);
bool link_address_parse(const struct nlmsghdr *msg, struct link_address *out);

/* Adds the alternative names that a message about a link has, in the kernel's order. */
void link_names_parse(const struct nlmsghdr *msg, struct names *out);

/*
 * The settings of the VFs 0 to n-1 as far as the message has them whole; the others in out are
 * left alone.
 */
void link_vf_settings_parse(const struct nlmsghdr *msg, struct vf_settings *out, size_t n);

void links_clear(struct links *links);
void link_addresses_clear(struct link_addresses *addresses);

/* By index, as the look-ups below need them. */
void links_sort(struct links *links);
void link_addresses_sort(struct link_addresses *addresses);
const struct link *links_by_index(const struct links *links, int index);
const char *link_addresses_of(const struct link_addresses *addresses, int link); /* NULL: none */

/* Of two links of one device, the one that people mean: never a representor, else the older. */
const struct link *link_better(const struct link *a, const struct link *b);

#endif
