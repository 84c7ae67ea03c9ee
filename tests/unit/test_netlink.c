// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages as the kernel makes them, whole, cut and damaged. */
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/netlink.h"

#define ROOM (512 * 1024)

/* A message being made; attributes go to its end. */
struct maker {
	char *data;
	size_t size;
};

static struct maker make(uint16_t type, const void *head, size_t size)
{
	struct maker m = {.data = mem_zero(1, ROOM), .size = NLMSG_SPACE(size)};
	struct nlmsghdr *hdr = (struct nlmsghdr *)(void *)m.data;

	hdr->nlmsg_type = type;
	memcpy(NLMSG_DATA(hdr), head, size);
	return m;
}

static size_t put(struct maker *m, uint16_t type, const void *data, size_t size)
{
	struct nlattr attr = {.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};
	size_t at = m->size;

	memcpy(m->data + at, &attr, sizeof(attr));
	if (size)
		memcpy(m->data + at + NLA_HDRLEN, data, size);
	m->size += NLA_ALIGN(NLA_HDRLEN + size);
	return at;
}

static void put_text(struct maker *m, uint16_t type, const char *text)
{
	put(m, type, text, strlen(text) + 1);
}

static void put_number(struct maker *m, uint16_t type, uint32_t number)
{
	put(m, type, &number, sizeof(number));
}

/* As the kernel does it: the length has 16 bits, and nobody looks whether it fits. */
static void end_nest(struct maker *m, size_t at)
{
	uint16_t size = (uint16_t)(m->size - at);

	memcpy(m->data + at, &size, sizeof(size));
}

/* In memory of exactly its own size, so that a reader cannot look behind it unseen. */
static struct nlmsghdr *finish(const struct maker *m, size_t size)
{
	struct nlmsghdr *msg = mem_zero(1, size < sizeof(*msg) ? sizeof(*msg) : size);

	memcpy(msg, m->data, size);
	msg->nlmsg_len = (uint32_t)size;
	return msg;
}

static struct maker link_message(int index, const char *name)
{
	struct ifinfomsg ifi = {.ifi_index = index, .ifi_flags = IFF_UP};
	struct maker m = make(RTM_NEWLINK, &ifi, sizeof(ifi));

	put_text(&m, IFLA_IFNAME, name);
	return m;
}

static void put_vf(struct maker *m, const struct vf_settings *s, uint32_t vf)
{
	struct ifla_vf_mac mac = {.vf = vf};
	struct ifla_vf_vlan vlan = {.vf = vf, .vlan = s->vlan, .qos = s->qos};
	struct ifla_vf_vlan_info info = {
		.vf = vf, .vlan = s->vlan, .qos = s->qos, .vlan_proto = htons(s->vlan_proto)};
	struct ifla_vf_rate rate = {
		.vf = vf, .min_tx_rate = s->min_rate, .max_tx_rate = s->max_rate};
	struct ifla_vf_tx_rate tx_rate = {.vf = vf, .rate = s->max_rate};
	struct ifla_vf_spoofchk spoofchk = {.vf = vf, .setting = s->spoofchk};
	struct ifla_vf_link_state state = {.vf = vf, .link_state = s->link_state};
	struct ifla_vf_rss_query_en rss = {.vf = vf, .setting = UINT32_MAX};
	struct ifla_vf_trust trust = {.vf = vf, .setting = s->trust};
	char broadcast[32] = {(char)0xff};
	size_t list, nest = put(m, IFLA_VF_INFO, NULL, 0);

	if (!(s->known & SETTING_SPOOFCHK))
		spoofchk.setting = UINT32_MAX;
	if (!(s->known & SETTING_TRUST))
		trust.setting = UINT32_MAX;
	memcpy(mac.mac, &s->mac, sizeof(s->mac));
	put(m, IFLA_VF_MAC, &mac, sizeof(mac));
	put(m, IFLA_VF_BROADCAST, broadcast, sizeof(broadcast));
	put(m, IFLA_VF_VLAN, &vlan, sizeof(vlan));
	put(m, IFLA_VF_RATE, &rate, sizeof(rate));
	put(m, IFLA_VF_TX_RATE, &tx_rate, sizeof(tx_rate));
	put(m, IFLA_VF_SPOOFCHK, &spoofchk, sizeof(spoofchk));
	put(m, IFLA_VF_LINK_STATE, &state, sizeof(state));
	put(m, IFLA_VF_RSS_QUERY_EN, &rss, sizeof(rss));
	put(m, IFLA_VF_TRUST, &trust, sizeof(trust));
	list = put(m, IFLA_VF_VLAN_LIST, NULL, 0);
	put(m, IFLA_VF_VLAN_INFO, &info, sizeof(info));
	end_nest(m, list);
	end_nest(m, nest);
}

static const struct vf_settings full = {
	.known = SETTING_MAC | SETTING_VLAN | SETTING_SPOOFCHK | SETTING_TRUST |
		 SETTING_LINK_STATE | SETTING_RATE,
	.mac = {{0x02, 0, 0x5e, 0x10, 0, 1}},
	.vlan = 100,
	.qos = 3,
	.vlan_proto = ETH_P_8021AD,
	.spoofchk = true,
	.trust = true,
	.link_state = IFLA_VF_LINK_STATE_DISABLE,
	.min_rate = 10,
	.max_rate = 1000,
};

/* VF i of many: its MAC says which one it is. */
static struct vf_settings numbered(unsigned i)
{
	struct vf_settings s = full;

	s.mac.byte[4] = (uint8_t)(i >> 8);
	s.mac.byte[5] = (uint8_t)i;
	return s;
}

static struct maker pf_message(unsigned vfs)
{
	struct maker m = link_message(3, "eth1");
	struct mac mac = {{0xa0, 0x36, 0x9f, 0x8f, 0x3f, 0xb8}};
	size_t list;

	put(&m, IFLA_ADDRESS, &mac, sizeof(mac));
	put_number(&m, IFLA_NUM_VF, vfs);
	list = put(&m, IFLA_VFINFO_LIST, NULL, 0);
	for (unsigned i = 0; i < vfs; i++) {
		struct vf_settings s = numbered(i);

		put_vf(&m, &s, i);
	}
	end_nest(&m, list);
	put_text(&m, IFLA_PARENT_DEV_NAME, "0000:01:00.0");
	put_text(&m, IFLA_PARENT_DEV_BUS_NAME, "pci");
	return m;
}

static bool parse_link(struct maker *m, struct link *out)
{
	struct nlmsghdr *msg = finish(m, m->size);
	bool good = link_parse(msg, out);

	free(msg);
	free(m->data);
	return good;
}

static void a_pf(void **state)
{
	struct maker m = pf_message(7);
	struct link link;
	uint8_t one = 1;

	(void)state;
	put(&m, IFLA_CARRIER, &one, sizeof(one));
	put_number(&m, IFLA_MASTER, 9);
	put_text(&m, IFLA_PHYS_PORT_NAME, "p0");
	assert_true(parse_link(&m, &link));
	assert_int_equal(link.index, 3);
	assert_string_equal(link.name, "eth1");
	assert_true(link.up);
	assert_true(link.carrier);
	assert_true(link.pci_set);
	assert_string_equal(pciaddr_str(link.pci), "0000:01:00.0");
	assert_string_equal(mac_str(link.mac), "a0:36:9f:8f:3f:b8");
	assert_int_equal(link.master, 9);
	assert_int_equal(link.lower, 0);
	assert_false(link.representor);
	assert_string_equal(link.kind, "");
}

static void alternative_names(void **state)
{
	struct maker m = link_message(3, "eth1");
	struct names names = {0};
	struct nlmsghdr *msg;
	char longest[128];
	size_t list;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[127] = '\0';
	list = put(&m, IFLA_PROP_LIST | NLA_F_NESTED, NULL, 0);
	put_text(&m, IFLA_ALT_IFNAME, "uplink0");
	put_number(&m, IFLA_ALT_IFNAME + 1, 7);
	put_text(&m, IFLA_ALT_IFNAME, longest);
	put(&m, IFLA_ALT_IFNAME, "unended", 7);
	put(&m, IFLA_ALT_IFNAME, NULL, 0);
	end_nest(&m, list);
	msg = finish(&m, m.size);
	link_names_parse(msg, &names);
	assert_int_equal(names.n, 4);
	assert_string_equal(names.items[0], "uplink0");
	assert_string_equal(names.items[1], longest);
	assert_string_equal(names.items[2], "unended");
	assert_string_equal(names.items[3], "");
	names_clear(&names);
	/* Cut anywhere, it has as many as are whole. */
	for (size_t size = NLMSG_HDRLEN; size < m.size; size++) {
		struct nlmsghdr *cut = finish(&m, size);

		link_names_parse(cut, &names);
		assert_true(names.n <= 4);
		names_clear(&names);
		free(cut);
	}
	free(msg);
	free(m.data);
}

/* A bridge that keeps VLANs apart, one that does not, and one that says too little. */
static void what_a_bridge_does(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct maker m = link_message(12, "br0");
		uint8_t filters = i == 1;
		struct link link;
		size_t info, data;

		info = put(&m, IFLA_LINKINFO, NULL, 0);
		put_text(&m, IFLA_INFO_KIND, "bridge");
		data = put(&m, IFLA_INFO_DATA, NULL, 0);
		put(&m, IFLA_BR_VLAN_FILTERING, &filters, i < 2 ? sizeof(filters) : 0);
		end_nest(&m, data);
		end_nest(&m, info);
		assert_true(parse_link(&m, &link));
		assert_int_equal(link.filters, i == 1);
		assert_int_equal(link.vlan, 0);
	}
}

static void what_lies_on_what(void **state)
{
	struct maker m = link_message(12, "eth1v0.5");
	uint16_t vlan = 5;
	struct link link;
	size_t info, data;

	(void)state;
	put_number(&m, IFLA_LINK, 4);
	info = put(&m, IFLA_LINKINFO, NULL, 0);
	put(&m, IFLA_INFO_KIND, "vlan", 4); /* no zero behind it, as the kernel may */
	data = put(&m, IFLA_INFO_DATA, NULL, 0);
	put(&m, IFLA_VLAN_ID, &vlan, sizeof(vlan));
	end_nest(&m, data);
	end_nest(&m, info);
	assert_true(parse_link(&m, &link));
	assert_int_equal(link.vlan, 5);
	assert_int_equal(link.lower, 4);
	assert_string_equal(link.kind, "vlan");
	assert_false(link.pci_set);

	/* The other end of a veth, or a VLAN's device, in another namespace. */
	m = link_message(12, "veth0");
	put_number(&m, IFLA_LINK, 4);
	put_number(&m, IFLA_LINK_NETNSID, 0);
	assert_true(parse_link(&m, &link));
	assert_int_equal(link.lower, 0);
}

static void the_parent_must_be_on_pci(void **state)
{
	static const struct {
		const char *bus, *name;
		bool pci;
	} parents[] = {
		{"pci", "0000:01:00.0", true},  {"virtio", "virtio0", false},
		{"usb", "0000:01:00.0", false}, {"pci", "0000:01:00", false},
		{"pci", "../../x", false},      {"", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
		struct maker m = link_message(2, "$(reboot);\"%s");
		struct link link;

		put_text(&m, IFLA_PARENT_DEV_NAME, parents[i].name);
		put_text(&m, IFLA_PARENT_DEV_BUS_NAME, parents[i].bus);
		assert_true(parse_link(&m, &link));
		assert_int_equal(link.pci_set, parents[i].pci);
		assert_string_equal(link.name, "$(reboot);\"%s");
	}
}

static void the_pf_is_not_its_representors(void **state)
{
	static const struct {
		const char *port;
		bool representor;
	} ports[] = {
		{"p0", false},        {"p1", false},     {"pf0vf3", true},
		{"c1pf0vf127", true}, {"pf1sf88", true}, {"pf0", false},
		{"", false},          {"pf", false},     {"pfvf1", true},
	};
	struct link pf = {.index = 9}, second = {.index = 12},
		    vf = {.index = 3, .representor = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		struct maker m = link_message(2, "eth1");
		struct link link;

		put_text(&m, IFLA_PHYS_PORT_NAME, ports[i].port);
		assert_true(parse_link(&m, &link));
		assert_int_equal(link.representor, ports[i].representor);
	}
	assert_ptr_equal(link_better(&pf, &vf), &pf);
	assert_ptr_equal(link_better(&vf, &pf), &pf);
	assert_ptr_equal(link_better(&second, &pf), &pf);
	assert_ptr_equal(link_better(NULL, &pf), &pf);
	assert_ptr_equal(link_better(&pf, NULL), &pf);
}

static void other_messages_are_none(void **state)
{
	struct ifinfomsg ifi = {.ifi_index = 3};
	struct maker nameless = make(RTM_NEWLINK, &ifi, sizeof(ifi));
	struct maker deleted = make(RTM_DELLINK, &ifi, sizeof(ifi));
	struct link_address address;
	struct nlmsghdr *msg;
	struct link link;

	(void)state;
	assert_false(parse_link(&nameless, &link));
	put_text(&deleted, IFLA_IFNAME, "eth1");
	msg = finish(&deleted, deleted.size);
	assert_false(link_address_parse(msg, &address));
	free(msg);
	assert_false(parse_link(&deleted, &link));
}

static bool parse_address(int family, int scope, const char *local, const char *peer,
			  struct link_address *out)
{
	struct ifaddrmsg ifa = {
		.ifa_family = (uint8_t)family, .ifa_scope = (uint8_t)scope, .ifa_index = 4};
	struct maker m = make(RTM_NEWADDR, &ifa, sizeof(ifa));
	size_t size = family == AF_INET ? 4 : 16;
	struct nlmsghdr *msg;
	char address[16];
	bool good;

	if (peer && inet_pton(family, peer, address) == 1)
		put(&m, IFA_ADDRESS, address, size);
	if (local && inet_pton(family, local, address) == 1)
		put(&m, IFA_LOCAL, address, size);
	msg = finish(&m, m.size);
	good = link_address_parse(msg, out);
	free(msg);
	free(m.data);
	return good;
}

static void addresses(void **state)
{
	struct link_address a;

	(void)state;
	assert_true(parse_address(AF_INET, RT_SCOPE_UNIVERSE, "192.0.2.1", "192.0.2.2", &a));
	assert_string_equal(a.text, "192.0.2.1");
	assert_int_equal(a.link, 4);
	assert_true(parse_address(AF_INET6, RT_SCOPE_UNIVERSE, NULL, "2001:db8::1", &a));
	assert_string_equal(a.text, "2001:db8::1");
	assert_false(parse_address(AF_INET6, RT_SCOPE_LINK, NULL, "fe80::1", &a));
	assert_false(parse_address(AF_INET, RT_SCOPE_LINK, "169.254.1.1", NULL, &a));
	assert_false(parse_address(AF_INET, RT_SCOPE_UNIVERSE, NULL, NULL, &a));
}

static void same_settings(const struct vf_settings *a, const struct vf_settings *b)
{
	assert_int_equal(a->known, b->known);
	assert_int_equal(vf_settings_diff(a, b), 0);
}

static void all_settings(void **state)
{
	struct maker m = pf_message(7);
	struct nlmsghdr *msg = finish(&m, m.size);
	struct vf_settings read[8] = {0};

	(void)state;
	link_vf_settings_parse(msg, read, 8);
	for (unsigned i = 0; i < 7; i++) {
		struct vf_settings want = numbered(i);

		same_settings(&read[i], &want);
	}
	assert_int_equal(read[7].known, 0);
	/* VFs beyond the room for them are left out. */
	memset(read, 0, sizeof(read));
	link_vf_settings_parse(msg, read, 3);
	assert_int_equal(read[2].known, full.known);
	assert_int_equal(read[3].known, 0);
	free(msg);
	free(m.data);
}

static void known_is_what_the_driver_reports(void **state)
{
	struct maker m = link_message(3, "eth1");
	size_t list = put(&m, IFLA_VFINFO_LIST, NULL, 0);
	struct vf_settings quiet = full, read[3] = {0};
	struct nlmsghdr *msg;

	(void)state;
	quiet.known &= ~(unsigned)(SETTING_SPOOFCHK | SETTING_TRUST);
	put_vf(&m, &quiet, 1);
	put_vf(&m, &full, 4000000000);
	end_nest(&m, list);
	msg = finish(&m, m.size);
	link_vf_settings_parse(msg, read, 3);
	same_settings(&read[1], &quiet);
	assert_int_equal(read[0].known, 0);
	assert_int_equal(read[2].known, 0);
	free(msg);
	free(m.data);
}

/* What fits is right; what does not is unknown; nothing is ever wrong. */
static void more_vfs_than_16_bits_hold(void **state)
{
	static const unsigned counts[] = {320, 333, 334, 335, 336, 400, 668, 1000, 2048};

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
		unsigned n = counts[c], known = 0;
		struct maker m = pf_message(n);
		struct nlmsghdr *msg = finish(&m, m.size);
		struct vf_settings *read = mem_zero(n, sizeof(*read));

		link_vf_settings_parse(msg, read, n);
		for (unsigned i = 0; i < n; i++) {
			struct vf_settings want = numbered(i);

			if (!read[i].known)
				continue;
			same_settings(&read[i], &want);
			known++;
		}
		if (n <= 320)
			assert_int_equal(known, n);
		free(read);
		free(msg);
		free(m.data);
	}
}

/* Every length that a message can be cut to. */
static void cut_anywhere(void **state)
{
	struct maker m = pf_message(3);

	(void)state;
	for (size_t size = 0; size <= m.size; size++) {
		struct nlmsghdr *msg = finish(&m, size);
		struct vf_settings read[3] = {0};
		struct link_address address;
		struct link link;

		if (link_parse(msg, &link))
			assert_string_equal(link.name, "eth1");
		(void)link_address_parse(msg, &address);
		link_vf_settings_parse(msg, read, 3);
		for (unsigned i = 0; i < 3; i++) {
			struct vf_settings want = numbered(i);

			assert_int_equal(vf_settings_diff(&read[i], &want), 0);
		}
		free(msg);
	}
	free(m.data);
}

/* Nothing to hold it against but the sanitizers. */
static void damaged_anywhere(void **state)
{
	struct maker m = pf_message(3);
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct nlmsghdr *msg = finish(&m, m.size);
		unsigned char *bytes = (unsigned char *)msg;
		struct vf_settings read[3];
		struct link_address address;
		struct link link;

		for (int i = 0; i < 4; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[sizeof(*msg) + (seed >> 8) % (m.size - sizeof(*msg))] =
				(unsigned char)(seed >> 24);
		}
		if (link_parse(msg, &link))
			assert_true(strnlen(link.name, sizeof(link.name)) < sizeof(link.name));
		link_vf_settings_parse(msg, read, 3);
		msg->nlmsg_type = RTM_NEWADDR;
		(void)link_address_parse(msg, &address);
		free(msg);
	}
	free(m.data);
}

/* What two kernels answered about a PF with seven VFs, two of them set. */
static void recorded(void **state)
{
	static const struct {
		const char *file, *name, *address;
	} records[] = {
		{"tests/data/netlink/link-igb-6.1.bin", "eth1", "0000:01:00.0"},
		{"tests/data/netlink/link-igb-6.12.bin", "eth3", "0000:03:00.0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		struct nlmsghdr *msg = mem_zero(1, 4096);
		FILE *file = fopen(records[i].file, "r");
		struct vf_settings vfs[8] = {0};
		struct link link;
		size_t size;

		assert_non_null(file);
		size = fread(msg, 1, 4096, file);
		assert_int_equal(size, msg->nlmsg_len);
		(void)fclose(file);
		assert_true(link_parse(msg, &link));
		assert_string_equal(link.name, records[i].name);
		assert_true(link.pci_set);
		assert_string_equal(pciaddr_str(link.pci), records[i].address);
		assert_true(link.up && link.carrier && !link.representor);
		link_vf_settings_parse(msg, vfs, 8);
		for (unsigned v = 0; v < 7; v++) {
			assert_int_equal(vfs[v].known, full.known);
			assert_int_equal(vfs[v].vlan, v == 2 ? 100 : 0);
			assert_int_equal(vfs[v].qos, v == 2 ? 3 : 0);
			assert_int_equal(vfs[v].vlan_proto, ETH_P_8021Q);
			assert_int_equal(vfs[v].spoofchk, v != 3);
			assert_int_equal(vfs[v].trust, v == 3);
			assert_int_equal(vfs[v].min_rate, 0);
			assert_int_equal(vfs[v].max_rate, v == 3 ? 100 : 0);
			assert_int_equal(vfs[v].link_state, IFLA_VF_LINK_STATE_AUTO);
		}
		assert_string_equal(mac_str(vfs[2].mac), "02:00:5e:10:00:01");
		assert_int_equal(vfs[7].known, 0);
		free(msg);
	}
}

static void lists_by_link(void **state)
{
	struct link items[] = {{.index = 1}, {.index = 5}, {.index = 9}};
	struct links links = {.items = items, .n = 3};
	struct link_address address_items[] = {{.link = 5, .text = "192.0.2.1"},
					       {.link = 5, .text = "192.0.2.2"},
					       {.link = 9, .text = "2001:db8::1"}};
	struct link_addresses list = {.items = address_items, .n = 3};

	(void)state;
	assert_ptr_equal(links_by_index(&links, 5), &items[1]);
	assert_null(links_by_index(&links, 6));
	assert_null(links_by_index(&(struct links){0}, 6));
	assert_non_null(link_addresses_of(&list, 5));
	assert_string_equal(link_addresses_of(&list, 9), "2001:db8::1");
	assert_null(link_addresses_of(&list, 1));
	assert_null(link_addresses_of(&(struct link_addresses){0}, 1));
}

/* The loopback interface is everywhere; a kernel without rtnetlink is not. */
static void the_kernel_itself(void **state)
{
	struct netlink *nl = NULL;
	struct link_addresses list;
	struct names names;
	struct err *err = NULL;
	struct vf_settings vf;
	const struct link *lo;
	struct links links;
	const char *words;
	struct link link;

	(void)state;
	if (netlink_open(&nl, NULL))
		skip();
	assert_int_equal(netlink_link(nl, "lo", &link, NULL), 0);
	assert_string_equal(link.name, "lo");
	assert_false(link.pci_set);
	assert_int_equal(netlink_altnames(nl, link.index, &names, NULL), 0);
	names_clear(&names);
	assert_int_equal(netlink_altnames(nl, 0x7ffffff0, &names, NULL), 0);
	assert_int_equal(names.n, 0);
	assert_int_equal(netlink_link(nl, "nonesuch0", &link, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	assert_int_equal(netlink_links(nl, &links, NULL), 0);
	lo = links_by_index(&links, link.index);
	assert_non_null(lo);
	assert_string_equal(lo->name, "lo");
	for (size_t i = 1; i < links.n; i++)
		assert_true(links.items[i - 1].index < links.items[i].index);
	links_clear(&links);
	assert_int_equal(netlink_addresses(nl, link.index, &list, NULL), 0);
	for (size_t i = 0; i < list.n; i++)
		assert_int_equal(list.items[i].link, link.index);
	link_addresses_clear(&list);
	assert_int_equal(netlink_addresses(nl, 0, &list, NULL), 0);
	link_addresses_clear(&list);
	/* No VFs, and nobody may set them. */
	vf.known = SETTING_MAC;
	assert_int_equal(netlink_link_and_vfs(nl, "lo", &link, &vf, 1, NULL), 0);
	assert_string_equal(link.name, "lo");
	assert_int_equal(vf.known, 0);
	assert_int_equal(netlink_vf_settings(nl, link.index, &vf, 1, NULL), 0);
	assert_int_equal(vf.known, 0);
	assert_int_not_equal(netlink_set_vf(nl, link.index, 0, SETTING_MAC, &full, &words), 0);
	assert_int_equal(netlink_vf_settings(nl, 0x7ffffff0, &vf, 1, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	netlink_close(nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pf),
		cmocka_unit_test(alternative_names),
		cmocka_unit_test(what_a_bridge_does),
		cmocka_unit_test(what_lies_on_what),
		cmocka_unit_test(the_parent_must_be_on_pci),
		cmocka_unit_test(the_pf_is_not_its_representors),
		cmocka_unit_test(other_messages_are_none),
		cmocka_unit_test(addresses),
		cmocka_unit_test(all_settings),
		cmocka_unit_test(known_is_what_the_driver_reports),
		cmocka_unit_test(more_vfs_than_16_bits_hold),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(damaged_anywhere),
		cmocka_unit_test(recorded),
		cmocka_unit_test(lists_by_link),
		cmocka_unit_test(the_kernel_itself),
	};

	return cmocka_run_group_tests_name("netlink", tests, NULL, NULL);
}
