// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/link.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#ifndef ALTIFNAMSIZ
#define ALTIFNAMSIZ 128
#endif

static bool holds(const struct nlattr *attr, size_t size)
{
	return attr && nla_len(attr) >= 0 && (size_t)nla_len(attr) >= size;
}

static int number_in(const struct nlattr *attr)
{
	return holds(attr, sizeof(uint32_t)) ? (int)nla_get_u32(attr) : 0;
}

/* A representor's name on its port is pf0vf3, or c1pf0vf3; that of a port itself is p0. */
static bool is_representor(const char *port)
{
	const char *pf = strstr(port, "pf");

	if (!pf)
		return false;
	pf += strspn(pf + 2, "0123456789") + 2;
	return !strncmp(pf, "vf", 2) || !strncmp(pf, "sf", 2);
}

/* What else is told of a link of this kind. */
static void kind_parse(struct nlattr *data, struct link *out)
{
	struct nlattr *of_vlan[IFLA_VLAN_MAX + 1], *of_bridge[IFLA_BR_MAX + 1];

	if (!strcmp(out->kind, "vlan")) {
		if (!nla_parse_nested(of_vlan, IFLA_VLAN_MAX, data, NULL) &&
		    holds(of_vlan[IFLA_VLAN_ID], sizeof(out->vlan)))
			out->vlan = nla_get_u16(of_vlan[IFLA_VLAN_ID]);
	} else if (!strcmp(out->kind, "bridge")) {
		if (!nla_parse_nested(of_bridge, IFLA_BR_MAX, data, NULL) &&
		    holds(of_bridge[IFLA_BR_VLAN_FILTERING], 1))
			out->filters = nla_get_u8(of_bridge[IFLA_BR_VLAN_FILTERING]);
	}
}

bool link_parse(const struct nlmsghdr *msg, struct link *out)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)(uintptr_t)msg;
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *ifi;
	char text[IFNAMSIZ * 4];

	if (msg->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(hdr, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0 || !tb[IFLA_IFNAME])
		return false;
	ifi = nlmsg_data(hdr);
	*out = (struct link){
		.index = ifi->ifi_index,
		.up = ifi->ifi_flags & IFF_UP,
		.carrier = holds(tb[IFLA_CARRIER], 1) && nla_get_u8(tb[IFLA_CARRIER]),
		.master = number_in(tb[IFLA_MASTER]),
	};
	(void)nla_strlcpy(out->name, tb[IFLA_IFNAME], sizeof(out->name));
	/* With a namespace's number beside it the lower link is in that one. */
	if (tb[IFLA_LINK] && !tb[IFLA_LINK_NETNSID])
		out->lower = number_in(tb[IFLA_LINK]);
	if (holds(tb[IFLA_ADDRESS], sizeof(out->mac)) &&
	    nla_len(tb[IFLA_ADDRESS]) == (int)sizeof(out->mac))
		memcpy(&out->mac, nla_data(tb[IFLA_ADDRESS]), sizeof(out->mac));
	if (tb[IFLA_PHYS_PORT_NAME]) {
		(void)nla_strlcpy(text, tb[IFLA_PHYS_PORT_NAME], sizeof(text));
		out->representor = is_representor(text);
	}
	if (tb[IFLA_LINKINFO] && !nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) &&
	    info[IFLA_INFO_KIND]) {
		(void)nla_strlcpy(out->kind, info[IFLA_INFO_KIND], sizeof(out->kind));
		if (info[IFLA_INFO_DATA])
			kind_parse(info[IFLA_INFO_DATA], out);
	}
	if (tb[IFLA_PARENT_DEV_NAME] && tb[IFLA_PARENT_DEV_BUS_NAME]) {
		(void)nla_strlcpy(text, tb[IFLA_PARENT_DEV_BUS_NAME], sizeof(text));
		if (!strcmp(text, "pci")) {
			(void)nla_strlcpy(text, tb[IFLA_PARENT_DEV_NAME], sizeof(text));
			out->pci_set = pciaddr_parse(text, &out->pci);
		}
	}
	return true;
}

void link_names_parse(const struct nlmsghdr *msg, struct names *out)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)(uintptr_t)msg;
	struct nlattr *tb[IFLA_MAX + 1], *name;
	int left;

	if (msg->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(hdr, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0 ||
	    !tb[IFLA_PROP_LIST])
		return;
	nla_for_each_nested (name, tb[IFLA_PROP_LIST], left) {
		char text[ALTIFNAMSIZ];

		if (nla_type(name) != IFLA_ALT_IFNAME)
			continue;
		(void)nla_strlcpy(text, name, sizeof(text));
		names_add(out, text);
	}
}

bool link_address_parse(const struct nlmsghdr *msg, struct link_address *out)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)(uintptr_t)msg;
	struct nlattr *tb[IFA_MAX + 1], *attr;
	const struct ifaddrmsg *ifa;

	if (msg->nlmsg_type != RTM_NEWADDR || nlmsg_parse(hdr, sizeof(*ifa), tb, IFA_MAX, NULL) < 0)
		return false;
	ifa = nlmsg_data(hdr);
	/* On a point-to-point link IFA_ADDRESS is the other end. */
	attr = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (ifa->ifa_scope == RT_SCOPE_LINK ||
	    !(ifa->ifa_family == AF_INET || ifa->ifa_family == AF_INET6) ||
	    !holds(attr, ifa->ifa_family == AF_INET ? 4 : 16))
		return false;
	*out = (struct link_address){.link = (int)ifa->ifa_index};
	return inet_ntop(ifa->ifa_family, nla_data(attr), out->text, sizeof(out->text));
}

/* The protocol is only in the list; there is one entry for one tag. */
static uint16_t vlan_proto_in(struct nlattr *list)
{
	struct nlattr *entry;
	int left;

	if (!list)
		return ETH_P_8021Q;
	nla_for_each_nested (entry, list, left) {
		struct ifla_vf_vlan_info info;

		if (nla_type(entry) != IFLA_VF_VLAN_INFO || !holds(entry, sizeof(info)))
			continue;
		memcpy(&info, nla_data(entry), sizeof(info));
		return ntohs(info.vlan_proto);
	}
	return ETH_P_8021Q;
}

static void vf_parse(struct nlattr *vf, struct vf_settings *out, size_t n)
{
	struct nlattr *tb[IFLA_VF_MAX + 1];
	struct vf_settings s = {0};
	struct ifla_vf_mac mac;

	if (nla_parse_nested(tb, IFLA_VF_MAX, vf, NULL) || !holds(tb[IFLA_VF_MAC], sizeof(mac)))
		return;
	memcpy(&mac, nla_data(tb[IFLA_VF_MAC]), sizeof(mac));
	if (mac.vf >= n)
		return;
	memcpy(&s.mac, mac.mac, sizeof(s.mac));
	s.known = SETTING_MAC;
	if (holds(tb[IFLA_VF_VLAN], sizeof(struct ifla_vf_vlan))) {
		struct ifla_vf_vlan vlan;

		memcpy(&vlan, nla_data(tb[IFLA_VF_VLAN]), sizeof(vlan));
		s.vlan = (uint16_t)vlan.vlan;
		s.qos = (uint8_t)vlan.qos;
		s.vlan_proto = vlan_proto_in(tb[IFLA_VF_VLAN_LIST]);
		s.known |= SETTING_VLAN;
	}
	/* The kernel fills in -1 where the driver said nothing. */
	if (holds(tb[IFLA_VF_SPOOFCHK], sizeof(struct ifla_vf_spoofchk))) {
		struct ifla_vf_spoofchk spoofchk;

		memcpy(&spoofchk, nla_data(tb[IFLA_VF_SPOOFCHK]), sizeof(spoofchk));
		s.spoofchk = spoofchk.setting == 1;
		s.known |= spoofchk.setting != UINT32_MAX ? SETTING_SPOOFCHK : 0;
	}
	if (holds(tb[IFLA_VF_TRUST], sizeof(struct ifla_vf_trust))) {
		struct ifla_vf_trust trust;

		memcpy(&trust, nla_data(tb[IFLA_VF_TRUST]), sizeof(trust));
		s.trust = trust.setting == 1;
		s.known |= trust.setting != UINT32_MAX ? SETTING_TRUST : 0;
	}
	if (holds(tb[IFLA_VF_LINK_STATE], sizeof(struct ifla_vf_link_state))) {
		struct ifla_vf_link_state state;

		memcpy(&state, nla_data(tb[IFLA_VF_LINK_STATE]), sizeof(state));
		s.link_state = (uint8_t)state.link_state;
		s.known |= SETTING_LINK_STATE;
	}
	if (holds(tb[IFLA_VF_RATE], sizeof(struct ifla_vf_rate))) {
		struct ifla_vf_rate rate;

		memcpy(&rate, nla_data(tb[IFLA_VF_RATE]), sizeof(rate));
		s.min_rate = rate.min_tx_rate;
		s.max_rate = rate.max_tx_rate;
		s.known |= SETTING_RATE;
	}
	out[mac.vf] = s;
}

/*
 * The list's length has 16 bits, and kernels let it overflow: with too many VFs it says where the
 * list would end modulo 65536, and what follows is no attribute but the inside of a VF. So the
 * first list counts, each VF says itself which one it is, and the walk ends at the first that is
 * not whole. Nothing that comes behind the list is looked at.
 */
void link_vf_settings_parse(const struct nlmsghdr *msg, struct vf_settings *out, size_t n)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)(uintptr_t)msg;
	struct nlattr *attr, *vf;
	int left, inner;

	if (msg->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(hdr, sizeof(struct ifinfomsg)))
		return;
	nlmsg_for_each_attr (attr, hdr, sizeof(struct ifinfomsg), left) {
		if (nla_type(attr) != IFLA_VFINFO_LIST)
			continue;
		nla_for_each_nested (vf, attr, inner) {
			if (nla_type(vf) == IFLA_VF_INFO)
				vf_parse(vf, out, n);
		}
		return;
	}
}

void links_clear(struct links *links)
{
	free(links->items);
	*links = (struct links){0};
}

void link_addresses_clear(struct link_addresses *addresses)
{
	free(addresses->items);
	*addresses = (struct link_addresses){0};
}

static int compare_links(const void *a, const void *b)
{
	return ((const struct link *)a)->index - ((const struct link *)b)->index;
}

void links_sort(struct links *links)
{
	if (links->n)
		qsort(links->items, links->n, sizeof(*links->items), compare_links);
}

const struct link *links_by_index(const struct links *links, int index)
{
	struct link key = {.index = index};

	return links->n ? bsearch(&key, links->items, links->n, sizeof(key), compare_links) : NULL;
}

static int compare_addresses(const void *a, const void *b)
{
	return ((const struct link_address *)a)->link - ((const struct link_address *)b)->link;
}

void link_addresses_sort(struct link_addresses *addresses)
{
	if (addresses->n)
		qsort(addresses->items, addresses->n, sizeof(*addresses->items), compare_addresses);
}

const char *link_addresses_of(const struct link_addresses *addresses, int link)
{
	struct link_address key = {.link = link};
	const struct link_address *found = NULL;

	if (addresses->n)
		found = bsearch(&key, addresses->items, addresses->n, sizeof(key),
				compare_addresses);
	return found ? found->text : NULL;
}

const struct link *link_better(const struct link *a, const struct link *b)
{
	if (!a || (a->representor && !b->representor))
		return b;
	if (!b || (b->representor && !a->representor))
		return a;
	return a->index <= b->index ? a : b;
}
