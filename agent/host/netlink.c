// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/mem.h"

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

#ifndef ALTIFNAMSIZ
#define ALTIFNAMSIZ 128
#endif

#define BUFFER_SIZE 65536 /* twice what the kernel puts into one part of a dump */
#define VF_SIZE 512       /* of one VF's part of a message, with room to spare */
#define DUMP_TRIES 5

struct netlink {
	struct nl_sock *sock;
	char *buffer;
	size_t size;
	char words[256]; /* of the kernel, about the last request */
};

/* Parsing */

static void copy_name(char *out, size_t size, const struct nlattr *attr)
{
	size_t n = strnlen(nla_data(attr), (size_t)nla_len(attr));

	if (n >= size)
		n = size - 1;
	memcpy(out, nla_data(attr), n);
	out[n] = '\0';
}

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
	copy_name(out->name, sizeof(out->name), tb[IFLA_IFNAME]);
	/* With a namespace's number beside it the lower link is in that one. */
	if (tb[IFLA_LINK] && !tb[IFLA_LINK_NETNSID])
		out->lower = number_in(tb[IFLA_LINK]);
	if (holds(tb[IFLA_ADDRESS], sizeof(out->mac)) &&
	    nla_len(tb[IFLA_ADDRESS]) == (int)sizeof(out->mac))
		memcpy(&out->mac, nla_data(tb[IFLA_ADDRESS]), sizeof(out->mac));
	if (tb[IFLA_PHYS_PORT_NAME]) {
		copy_name(text, sizeof(text), tb[IFLA_PHYS_PORT_NAME]);
		out->representor = is_representor(text);
	}
	if (tb[IFLA_LINKINFO] && !nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) &&
	    info[IFLA_INFO_KIND]) {
		copy_name(out->kind, sizeof(out->kind), info[IFLA_INFO_KIND]);
		if (info[IFLA_INFO_DATA])
			kind_parse(info[IFLA_INFO_DATA], out);
	}
	if (tb[IFLA_PARENT_DEV_NAME] && tb[IFLA_PARENT_DEV_BUS_NAME]) {
		copy_name(text, sizeof(text), tb[IFLA_PARENT_DEV_BUS_NAME]);
		if (!strcmp(text, "pci")) {
			copy_name(text, sizeof(text), tb[IFLA_PARENT_DEV_NAME]);
			out->pci_set = pciaddr_parse(text, &out->pci);
		}
	}
	return true;
}

void link_names_parse(const struct nlmsghdr *msg, struct link_names *out)
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
		copy_name(text, sizeof(text), name);
		*(char **)mem_append(&out->items, &out->n, sizeof(char *)) = mem_strdup(text);
	}
}

void link_names_clear(struct link_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct link_names){0};
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

const struct link *links_by_index(const struct links *links, int index)
{
	struct link key = {.index = index};

	return links->n ? bsearch(&key, links->items, links->n, sizeof(key), compare_links) : NULL;
}

static int compare_addresses(const void *a, const void *b)
{
	return ((const struct link_address *)a)->link - ((const struct link_address *)b)->link;
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

/* The socket */

int netlink_open(struct netlink **out, struct err **err)
{
	struct netlink *nl = mem_zero(1, sizeof(*nl));
	const int on = 1;
	int fd, failed;

	nl->sock = nl_socket_alloc();
	failed = nl->sock ? nl_connect(nl->sock, NETLINK_ROUTE) : -NLE_NOMEM;
	if (failed) {
		netlink_close(nl);
		return err_set(err, ERR_FAILED, "opening a netlink socket: %s",
			       nl_geterror(failed));
	}
	nl_socket_disable_auto_ack(nl->sock);
	nl->size = BUFFER_SIZE;
	nl->buffer = mem_zero(1, nl->size);
	fd = nl_socket_get_fd(nl->sock);
	/* What these add is the kernel's own words, and filters in dumps; it goes without. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	*out = nl;
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sock);
	free(nl->buffer);
	free(nl);
}

static void keep_words(struct netlink *nl, struct nlmsghdr *msg)
{
	const struct nlmsgerr *e = nlmsg_data(msg);
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	int offset = (int)sizeof(*e);

	nl->words[0] = '\0';
	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		offset += NLMSG_ALIGN(e->msg.nlmsg_len) - (int)sizeof(e->msg);
	if (!nlmsg_parse(msg, offset, tb, NLMSGERR_ATTR_MAX, NULL) && tb[NLMSGERR_ATTR_MSG])
		copy_name(nl->words, sizeof(nl->words), tb[NLMSGERR_ATTR_MSG]);
}

/*
 * Sends a request and gives each part of the answer to each(); takes the message. Returns 0 or an
 * errno; EINTR: a dump that changed while it was read.
 */
static int request(struct netlink *nl, struct nl_msg *msg,
		   void (*each)(const struct nlmsghdr *part, void *data), void *data)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	bool dump = (hdr->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	bool interrupted = false;
	uint32_t seq;
	int sent;

	nl->words[0] = '\0';
	nl_complete_msg(nl->sock, msg);
	seq = hdr->nlmsg_seq;
	sent = nl_send(nl->sock, msg);
	nlmsg_free(msg);
	if (sent < 0)
		return errno ? errno : EIO;
	for (;;) {
		struct iovec iov = {.iov_base = nl->buffer, .iov_len = nl->size};
		struct sockaddr_nl from = {0};
		struct msghdr head = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};
		ssize_t got = recvmsg(nl_socket_get_fd(nl->sock), &head, 0);
		int left;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (head.msg_flags & MSG_TRUNC)
			return EMSGSIZE;
		if (from.nl_pid)
			continue;
		left = (int)got;
		for (hdr = (struct nlmsghdr *)(void *)nl->buffer; nlmsg_ok(hdr, left);
		     hdr = nlmsg_next(hdr, &left)) {
			if (hdr->nlmsg_seq != seq)
				continue;
			interrupted |= !!(hdr->nlmsg_flags & NLM_F_DUMP_INTR);
			if (hdr->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *e = nlmsg_data(hdr);

				if (nlmsg_datalen(hdr) < (int)sizeof(*e))
					return EPROTO;
				keep_words(nl, hdr);
				return -e->error;
			}
			if (hdr->nlmsg_type == NLMSG_DONE) {
				int error = 0;

				if (nlmsg_datalen(hdr) >= (int)sizeof(error))
					memcpy(&error, nlmsg_data(hdr), sizeof(error));
				if (error < 0)
					return -error;
				return interrupted ? EINTR : 0;
			}
			each(hdr, data);
			if (!dump)
				return 0;
		}
	}
}

static struct nl_msg *message(int type, int flags, const void *head, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags | NLM_F_REQUEST);

	/* Here and at the attributes libnl fails only for want of memory: a message has a page. */
	if (!msg || nlmsg_append(msg, (void *)(uintptr_t)head, size, NLMSG_ALIGNTO))
		abort();
	return msg;
}

static void put(struct nl_msg *msg, int type, const void *data, size_t size)
{
	if (nla_put(msg, type, (int)size, data))
		abort();
}

static struct nlattr *nest(struct nl_msg *msg, int type)
{
	struct nlattr *start = nla_nest_start(msg, type);

	if (!start)
		abort();
	return start;
}

static struct nl_msg *link_request(int index, const char *name, unsigned mask)
{
	struct ifinfomsg ifi = {.ifi_index = index};
	struct nl_msg *msg =
		message(RTM_GETLINK, index || name ? 0 : NLM_F_DUMP, &ifi, sizeof(ifi));
	uint32_t ext = mask;

	/* The kernel finds first names by this attribute, too. */
	if (name)
		put(msg, IFLA_ALT_IFNAME, name, strlen(name) + 1);
	put(msg, IFLA_EXT_MASK, &ext, sizeof(ext));
	return msg;
}

struct one_link {
	struct link link;
	bool found;
};

static void take_link(const struct nlmsghdr *part, void *data)
{
	struct one_link *one = data;

	one->found = link_parse(part, &one->link);
}

int netlink_link(struct netlink *nl, const char *name, struct link *out, struct err **err)
{
	struct one_link one = {0};
	int error = request(nl, link_request(0, name, RTEXT_FILTER_SKIP_STATS), take_link, &one);

	if (error == ENODEV)
		return err_set(err, ERR_ABSENT, "there is no interface %s", name);
	if (error)
		return err_errno(err, error, "asking the kernel for interface %s", name);
	if (!one.found)
		return err_set(err, ERR_FAILED, "the kernel's answer about %s makes no sense",
			       name);
	*out = one.link;
	return 0;
}

static void take_names(const struct nlmsghdr *part, void *data)
{
	link_names_parse(part, data);
}

int netlink_altnames(struct netlink *nl, int link, struct link_names *out, struct err **err)
{
	struct link_names names = {0};
	int error =
		request(nl, link_request(link, NULL, RTEXT_FILTER_SKIP_STATS), take_names, &names);

	if (error && error != ENODEV) {
		link_names_clear(&names);
		return err_errno(err, error, "asking the kernel for the names of interface %d",
				 link);
	}
	*out = names;
	return 0;
}

static void add_link(const struct nlmsghdr *part, void *data)
{
	struct links *links = data;
	struct link link;

	if (link_parse(part, &link))
		*(struct link *)mem_append(&links->items, &links->n, sizeof(link)) = link;
}

int netlink_links(struct netlink *nl, struct links *out, struct err **err)
{
	struct links links = {0};
	int error = EINTR;

	for (int i = 0; error == EINTR && i < DUMP_TRIES; i++) {
		links_clear(&links);
		error = request(nl, link_request(0, NULL, RTEXT_FILTER_SKIP_STATS), add_link,
				&links);
	}
	/* Links come and go so fast that no list is exact; what was read is as good as any. */
	if (error && error != EINTR) {
		links_clear(&links);
		return err_errno(err, error, "asking the kernel for all interfaces");
	}
	if (links.n)
		qsort(links.items, links.n, sizeof(*links.items), compare_links);
	*out = links;
	return 0;
}

struct some_addresses {
	struct link_addresses list;
	int link;
};

static void add_address(const struct nlmsghdr *part, void *data)
{
	struct some_addresses *some = data;
	struct link_address address;

	/* A kernel that does not filter sends them all. */
	if (link_address_parse(part, &address) && (!some->link || some->link == address.link))
		*(struct link_address *)mem_append(&some->list.items, &some->list.n,
						   sizeof(address)) = address;
}

int netlink_addresses(struct netlink *nl, int link, struct link_addresses *out, struct err **err)
{
	struct ifaddrmsg ifa = {.ifa_index = (uint32_t)link};
	struct some_addresses some = {.link = link};
	int error = EINTR;

	for (int i = 0; error == EINTR && i < DUMP_TRIES; i++) {
		link_addresses_clear(&some.list);
		error = request(nl, message(RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa)),
				add_address, &some);
	}
	if (error && error != EINTR) {
		link_addresses_clear(&some.list);
		/* The link has just gone, and its addresses with it. */
		if (link && error == ENODEV) {
			*out = some.list;
			return 0;
		}
		return err_errno(err, error, "asking the kernel for IP addresses");
	}
	if (some.list.n)
		qsort(some.list.items, some.list.n, sizeof(*some.list.items), compare_addresses);
	*out = some.list;
	return 0;
}

struct some_vfs {
	struct vf_settings *settings;
	size_t n;
};

static void take_vfs(const struct nlmsghdr *part, void *data)
{
	const struct some_vfs *some = data;

	link_vf_settings_parse(part, some->settings, some->n);
}

int netlink_vf_settings(struct netlink *nl, int link, struct vf_settings *out, size_t n,
			struct err **err)
{
	struct some_vfs some = {.settings = out, .n = n};
	size_t size = BUFFER_SIZE + n * VF_SIZE;
	int error;

	if (size > nl->size) {
		nl->buffer = mem_grow(nl->buffer, size, 1);
		nl->size = size;
	}
	memset(out, 0, n * sizeof(*out));
	error = request(nl, link_request(link, NULL, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS),
			take_vfs, &some);
	/* More VFs than the kernel can put into a message: then they are not known. */
	if (!error || error == EMSGSIZE)
		return 0;
	err_errno(err, error, "asking the kernel for the settings of VFs");
	return error == ENODEV ? err_recode(err, ERR_ABSENT) : -1;
}

static void put_setting(struct nl_msg *msg, unsigned vf, unsigned setting,
			const struct vf_settings *want)
{
	switch (setting) {
	case SETTING_MAC: {
		struct ifla_vf_mac mac = {.vf = vf};

		memcpy(mac.mac, &want->mac, sizeof(want->mac));
		put(msg, IFLA_VF_MAC, &mac, sizeof(mac));
		return;
	}
	case SETTING_VLAN: {
		struct ifla_vf_vlan vlan = {.vf = vf, .vlan = want->vlan, .qos = want->qos};
		struct ifla_vf_vlan_info info = {
			.vf = vf,
			.vlan = want->vlan,
			.qos = want->qos,
			.vlan_proto = htons(want->vlan_proto),
		};
		struct nlattr *list;

		if (want->vlan_proto != ETH_P_8021AD) {
			put(msg, IFLA_VF_VLAN, &vlan, sizeof(vlan));
			return;
		}
		list = nest(msg, IFLA_VF_VLAN_LIST);
		put(msg, IFLA_VF_VLAN_INFO, &info, sizeof(info));
		nla_nest_end(msg, list);
		return;
	}
	case SETTING_SPOOFCHK: {
		struct ifla_vf_spoofchk spoofchk = {.vf = vf, .setting = want->spoofchk};

		put(msg, IFLA_VF_SPOOFCHK, &spoofchk, sizeof(spoofchk));
		return;
	}
	case SETTING_TRUST: {
		struct ifla_vf_trust trust = {.vf = vf, .setting = want->trust};

		put(msg, IFLA_VF_TRUST, &trust, sizeof(trust));
		return;
	}
	case SETTING_LINK_STATE: {
		struct ifla_vf_link_state state = {.vf = vf, .link_state = want->link_state};

		put(msg, IFLA_VF_LINK_STATE, &state, sizeof(state));
		return;
	}
	case SETTING_RATE: {
		struct ifla_vf_rate rate = {
			.vf = vf,
			.min_tx_rate = want->min_rate,
			.max_tx_rate = want->max_rate,
		};

		put(msg, IFLA_VF_RATE, &rate, sizeof(rate));
		return;
	}
	default: /* not one bit */
		abort();
	}
}

static void take_nothing(const struct nlmsghdr *part, void *data)
{
	(void)part;
	(void)data;
}

static int change(struct netlink *nl, struct nl_msg *msg, const char **words)
{
	int error = request(nl, msg, take_nothing, NULL);

	*words = nl->words[0] ? nl->words : NULL;
	return error;
}

int netlink_set_vf(struct netlink *nl, int link, unsigned index, unsigned setting,
		   const struct vf_settings *want, const char **words)
{
	struct ifinfomsg ifi = {.ifi_index = link};
	struct nl_msg *msg = message(RTM_SETLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	struct nlattr *list = nest(msg, IFLA_VFINFO_LIST);
	struct nlattr *vf = nest(msg, IFLA_VF_INFO);

	put_setting(msg, index, setting, want);
	nla_nest_end(msg, vf);
	nla_nest_end(msg, list);
	return change(nl, msg, words);
}

int netlink_set_up(struct netlink *nl, int link, const char **words)
{
	struct ifinfomsg ifi = {.ifi_index = link, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	return change(nl, message(RTM_SETLINK, NLM_F_ACK, &ifi, sizeof(ifi)), words);
}
