/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links, addresses and VF settings by rtnetlink. libnl is included in netlink.c only. What turns
 * a message into data is apart from the socket, so that any message can be given to it.
 */
#ifndef VFPOOL_HOST_NETLINK_H
#define VFPOOL_HOST_NETLINK_H

#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "core/mac.h"
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

/* The alternative names of a link, in the kernel's order. */
struct link_names {
	char **items;
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

/* Adds the alternative names that a message about a link has. */
void link_names_parse(const struct nlmsghdr *msg, struct link_names *out);
void link_names_clear(struct link_names *names);

/*
 * The settings of the VFs 0 to n-1 as far as the message has them whole; the others in out are
 * left alone.
 */
void link_vf_settings_parse(const struct nlmsghdr *msg, struct vf_settings *out, size_t n);

void links_clear(struct links *links);
void link_addresses_clear(struct link_addresses *addresses);
const struct link *links_by_index(const struct links *links, int index);
const char *link_addresses_of(const struct link_addresses *addresses, int link); /* NULL: none */

/* Of two links of one device, the one that people mean: never a representor, else the older. */
const struct link *link_better(const struct link *a, const struct link *b);

struct netlink;

int netlink_open(struct netlink **out, struct err **err);
void netlink_close(struct netlink *nl);

/* By name or altname. ERR_ABSENT: there is none in this network namespace. */
int netlink_link(struct netlink *nl, const char *name, struct link *out, struct err **err);

/* The alternative names of a link; none where the kernel knows no such thing. */
int netlink_altnames(struct netlink *nl, int link, struct link_names *out, struct err **err);

/* All links of this network namespace. */
int netlink_links(struct netlink *nl, struct links *out, struct err **err);

/* The addresses of one link; 0: of all. */
int netlink_addresses(struct netlink *nl, int link, struct link_addresses *out, struct err **err);

/*
 * The settings of the VFs 0 to n-1 of a PF's link; .known is 0 where the kernel does not tell: it
 * cannot put more than 220 VFs (newer ones 334) into one message.
 */
int netlink_vf_settings(struct netlink *nl, int link, struct vf_settings *out, size_t n,
			struct err **err);

/*
 * Sets one setting (a SETTING_* bit) of a VF from want. Returns 0 or the kernel's errno; *words
 * is then what the kernel said beside it, NULL for nothing, good until the next request.
 */
int netlink_set_vf(struct netlink *nl, int link, unsigned index, unsigned setting,
		   const struct vf_settings *want, const char **words);

/* Sets a link administratively up; returns as netlink_set_vf(). */
int netlink_set_up(struct netlink *nl, int link, const char **words);

#endif
