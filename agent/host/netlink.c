// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/netlink.h"

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

#define BUFFER_SIZE 65536 /* twice what the kernel puts into one part of a dump */
#define VF_SIZE 512       /* of one VF's part of a message, with room to spare */
#define DUMP_TRIES 5

struct netlink {
	struct nl_sock *sock;
	char *buffer;
	size_t size;
	char words[256]; /* of the kernel, about the last request */
};

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
		(void)nla_strlcpy(nl->words, tb[NLMSGERR_ATTR_MSG], sizeof(nl->words));
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
	struct vf_settings *vfs;
	size_t n;
};

static void take_link(const struct nlmsghdr *part, void *data)
{
	struct one_link *one = data;

	one->found = link_parse(part, &one->link);
	link_vf_settings_parse(part, one->vfs, one->n);
}

/* For a message with these VFs. */
static void make_room(struct netlink *nl, size_t n)
{
	size_t size = BUFFER_SIZE + n * VF_SIZE;

	if (size <= nl->size)
		return;
	nl->buffer = mem_grow(nl->buffer, size, 1);
	nl->size = size;
}

int netlink_link(struct netlink *nl, const char *name, struct link *out, struct err **err)
{
	return netlink_link_and_vfs(nl, name, out, NULL, 0, err);
}

int netlink_link_and_vfs(struct netlink *nl, const char *name, struct link *out,
			 struct vf_settings *vfs, size_t n, struct err **err)
{
	struct one_link one = {.vfs = vfs, .n = n};
	unsigned mask = RTEXT_FILTER_SKIP_STATS | (n ? RTEXT_FILTER_VF : 0);
	int error;

	make_room(nl, n);
	for (size_t i = 0; i < n; i++)
		vfs[i] = (struct vf_settings){0};
	error = request(nl, link_request(0, name, mask), take_link, &one);
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

int netlink_altnames(struct netlink *nl, int link, struct names *out, struct err **err)
{
	struct names names = {0};
	int error =
		request(nl, link_request(link, NULL, RTEXT_FILTER_SKIP_STATS), take_names, &names);

	if (error && error != ENODEV) {
		names_clear(&names);
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
	links_sort(&links);
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
	link_addresses_sort(&some.list);
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
	int error;

	make_room(nl, n);
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
