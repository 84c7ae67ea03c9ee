// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The real host, put together: sysfs says which PFs and VFs there are, netlink what their netdevs
 * are called and how they are set and used, uevents when something has changed.
 *
 * All PFs: one dump of the links and one of the addresses serve the whole host. One PF: its own
 * netdevs are asked for by name, so that thousands of others cost nothing.
 */
#include "host/host.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "host/lock.h"
#include "host/netlink.h"
#include "host/sysfs.h"
#include "host/uevent.h"

#define SYSFS "/sys"
#define APPLY_LOCK_MS 30000 /* others hold it for one VF's settings at a time */

struct real_host {
	struct host host;
	struct sysfs *sysfs;
	struct netlink *netlink; /* NULL: a made tree */
	const char *root;
	int uevents; /* -1: not watching */
};

static struct real_host *real(struct host *host)
{
	return (struct real_host *)host;
}

static int hand_on(struct err **err, struct err *why)
{
	if (err)
		*err = why;
	else
		err_free(&why);
	return -1;
}

/* Drivers that hand a device to a process; the others are the kernel's own. */
static bool driver_is_userspace(const char *driver)
{
	static const char *const names[] = {"uio_pci_generic", "igb_uio", "pci-stub",
					    "xen-pciback"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(driver, names[i]))
			return true;
	return strstr(driver, "vfio") || !strcmp(driver, "pciback");
}

static int refuse_made_tree(const struct real_host *h, const char *what, struct err **err)
{
	if (h->netlink)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, "%s is not the running kernel's: %s is not possible",
		       h->root, what);
}

/* Resolving names */

/* What a name stands for. */
struct named {
	bool pci_set;
	struct pciaddr pci;
	char netdev[SYSFS_NAME_MAX]; /* the interface's first name; "": a PCI address was given */
	char kind[IFNAMSIZ];
};

static int find_netdev(struct real_host *h, const char *name, struct named *out, struct err **err)
{
	struct link link;
	bool exists;

	if (!sysfs_name_valid(name))
		return err_set(err, ERR_ABSENT, "'%.*s' is no interface and no PCI address",
			       SYSFS_NAME_MAX, name);
	if (!h->netlink) {
		out->pci_set = sysfs_netdev_device(h->sysfs, name, &out->pci, &exists);
		if (!exists)
			return err_set(err, ERR_ABSENT, "there is no interface %s", name);
		memcpy(out->netdev, name, strlen(name) + 1);
		return 0;
	}
	if (netlink_link(h->netlink, name, &link, err))
		return -1;
	out->pci_set = link.pci_set;
	out->pci = link.pci;
	memcpy(out->netdev, link.name, sizeof(link.name));
	memcpy(out->kind, link.kind, sizeof(link.kind));
	return 0;
}

static int find(struct real_host *h, const char *name, struct named *out, struct err **err)
{
	*out = (struct named){0};
	if (pciaddr_parse(name, &out->pci)) {
		out->pci_set = true;
		return 0;
	}
	return find_netdev(h, name, out, err);
}

static int refuse_other(struct real_host *h, const char *name, const struct named *named,
			struct err **err)
{
	cleanup_free char *driver = named->netdev[0] ? sysfs_netdev_driver(h->sysfs, named->netdev)
						     : sysfs_driver(h->sysfs, named->pci);

	if (driver)
		err_set(err, ERR_USAGE, "%s has no SR-IOV (its driver is %s)", name, driver);
	else if (named->kind[0])
		err_set(err, ERR_USAGE, "%s has no SR-IOV: it is a %s, not a NIC", name,
			named->kind);
	else
		err_set(err, ERR_USAGE, "%s has no SR-IOV", name);
	return err_next(err, "`vfpool list` shows the PFs of this host");
}

static int refuse_empty(struct real_host *h, const char *name, struct pciaddr pf, unsigned total,
			struct err **err)
{
	err_set(err, ERR_USAGE, "%s has no VFs now; it can have %u", name, total);
	if (!total)
		return err_next(err, "its driver or firmware allows none");
	return err_next(err, "make some: echo %u > %s/bus/pci/devices/%s/sriov_numvfs", total,
			h->root, pciaddr_str(pf));
}

static int resolve_pf(struct real_host *h, const char *name, struct pciaddr *pf, struct err **err)
{
	struct named named;
	unsigned total, num;

	if (find(h, name, &named, err))
		return -1;
	if (!named.pci_set)
		return refuse_other(h, name, &named, err);
	switch (sysfs_kind(h->sysfs, named.pci)) {
	case SYSFS_ABSENT:
		return err_set(err, ERR_ABSENT, "there is no PCI device %s", name);
	case SYSFS_VF:
		*pf = named.pci;
		return 1;
	case SYSFS_OTHER:
		return refuse_other(h, name, &named, err);
	case SYSFS_PF:
		break;
	}
	sysfs_counts(h->sysfs, named.pci, &total, &num);
	if (!num)
		return refuse_empty(h, name, named.pci, total, err);
	*pf = named.pci;
	return 0;
}

/* PF/INDEX: an index is digits, and an interface's name holds no slash. */
static int resolve_indexed(struct real_host *h, const char *name, const char *slash,
			   struct pciaddr *pf, int *index, struct err **err)
{
	cleanup_free char *left = mem_printf("%.*s", (int)(slash - name), name);
	struct pciaddr addr;
	struct pf read;
	unsigned long wanted;
	char *end;
	bool there;
	int got;

	if (!isdigit((unsigned char)slash[1]))
		return err_set(err, ERR_ABSENT, "'%s' is no PF/INDEX: no number behind the slash",
			       name);
	/* Too large a number gives ULONG_MAX, which is none of theirs. */
	wanted = strtoul(slash + 1, &end, 10);
	if (*end)
		return err_set(err, ERR_ABSENT, "'%s' is no PF/INDEX: no number behind the slash",
			       name);
	got = resolve_pf(h, left, &addr, err);
	if (got < 0)
		return -1;
	if (got)
		return err_set(err, ERR_USAGE, "%s is a VF: it has no VFs", left);
	if (sysfs_read_pf(h->sysfs, addr, &read, err))
		return -1;
	there = wanted < UINT16_MAX && pf_vf_by_index(&read, (unsigned)wanted);
	if (!there) {
		err_set(err, ERR_ABSENT, "%s has no VF %s", left, slash + 1);
		if (read.nvfs)
			err_next(err, "it has %zu VFs, from %u to %u", read.nvfs,
				 read.vfs[0].index, read.vfs[read.nvfs - 1].index);
		pf_clear(&read);
		return -1;
	}
	pf_clear(&read);
	*pf = addr;
	*index = (int)wanted;
	return 0;
}

static int host_resolve(struct host *host, const char *name, struct pciaddr *pf, int *index,
			struct err **err)
{
	struct real_host *h = real(host);
	const char *slash = strrchr(name, '/');
	struct pciaddr addr;
	unsigned number;
	int got;

	if (slash)
		return resolve_indexed(h, name, slash, pf, index, err);
	got = resolve_pf(h, name, &addr, err);
	if (got < 0)
		return -1;
	if (!got) {
		*pf = addr;
		*index = -1;
		return 0;
	}
	if (sysfs_physfn(h->sysfs, addr, &addr, &number, err))
		return -1;
	*pf = addr;
	*index = (int)number;
	return 0;
}

/* Reading */

/* One PF's settings, into its VFs. */
static int read_all_settings(struct real_host *h, struct pf *pf, int link, struct err **err)
{
	cleanup_free struct vf_settings *settings = NULL;
	size_t n;

	if (!pf->nvfs)
		return 0;
	n = pf->vfs[pf->nvfs - 1].index + 1;
	settings = mem_zero(n, sizeof(*settings));
	if (netlink_vf_settings(h->netlink, link, settings, n, err))
		return err_wrap(err, "%s", pf_str(pf));
	for (size_t i = 0; i < pf->nvfs; i++)
		pf->vfs[i].settings = settings[pf->vfs[i].index];
	return 0;
}

static void set_pf_link(struct pf *pf, const struct link *link)
{
	pf->netdev = mem_strdup(link->name);
	pf->mac = link->mac;
	pf->up = link->up;
	pf->carrier = link->carrier;
}

/* A PF without a netdev can be no NIC at all: then its VFs have none to miss either. */
static void find_elsewhere(struct real_host *h, struct pf *pf)
{
	bool nic = pf->netdev, asked = nic;

	for (size_t i = 0; i < pf->nvfs; i++) {
		struct vf *vf = &pf->vfs[i];

		if (vf->netdev || !vf->driver || driver_is_userspace(vf->driver))
			continue;
		if (!asked)
			nic = sysfs_is_network(h->sysfs, pf->addr);
		asked = true;
		vf->netdev_elsewhere = nic;
	}
}

static void find_groups(struct real_host *h, struct pf *pf)
{
	for (size_t i = 0; i < pf->nvfs; i++)
		if (pf->vfs[i].iommu_group >= 0)
			pf->vfs[i].group_peer = sysfs_group_peer(h->sysfs, pf->vfs[i].addr);
}

/* The netdev of a PCI device, asked for by name. 1: found, 0: it has none here, -1: error. */
static int link_of(struct real_host *h, struct pciaddr addr, struct link *out, struct err **err)
{
	cleanup_names struct sysfs_names names = sysfs_netdevs(h->sysfs, addr);
	bool found = false;

	for (size_t i = 0; i < names.n; i++) {
		struct err *why = NULL;
		struct link link;

		if (netlink_link(h->netlink, names.items[i], &link, &why)) {
			if (why->code != ERR_ABSENT)
				return hand_on(err, why);
			err_free(&why);
			continue;
		}
		/* A name can have gone to another device since it was listed. */
		if (!link.pci_set || !pciaddr_equal(link.pci, addr))
			continue;
		if (!found || link_better(out, &link) == &link)
			*out = link;
		found = true;
	}
	return found;
}

static int read_vf_netdev(struct real_host *h, struct vf *vf, struct err **err)
{
	struct link_addresses addresses;
	struct link link;
	int got;

	if (!vf->driver || driver_is_userspace(vf->driver))
		return 0;
	got = link_of(h, vf->addr, &link, err);
	if (got <= 0)
		return got;
	vf->netdev = mem_strdup(link.name);
	vf->master = sysfs_netdev_upper(h->sysfs, vf->addr, link.name);
	if (netlink_addresses(h->netlink, link.index, &addresses, err))
		return -1;
	vf->address = mem_strdup(link_addresses_of(&addresses, link.index));
	link_addresses_clear(&addresses);
	return 0;
}

static int read_pf_links(struct real_host *h, struct pf *pf, unsigned what, struct err **err)
{
	struct link link;
	int got = link_of(h, pf->addr, &link, err);

	if (got < 0)
		return -1;
	if (got) {
		set_pf_link(pf, &link);
		if (what & HOST_SETTINGS && read_all_settings(h, pf, link.index, err))
			return -1;
	}
	for (size_t i = 0; what & HOST_NETDEVS && i < pf->nvfs; i++)
		if (read_vf_netdev(h, &pf->vfs[i], err))
			return -1;
	return 0;
}

/* The same from a made tree, which knows names only. */
static void read_tree_netdevs(struct real_host *h, struct pf *pf, unsigned what)
{
	cleanup_names struct sysfs_names names = sysfs_netdevs(h->sysfs, pf->addr);

	if (names.n)
		pf->netdev = mem_strdup(names.items[0]);
	for (size_t i = 0; what & HOST_NETDEVS && i < pf->nvfs; i++) {
		cleanup_names struct sysfs_names own = sysfs_netdevs(h->sysfs, pf->vfs[i].addr);

		if (own.n)
			pf->vfs[i].netdev = mem_strdup(own.items[0]);
	}
}

static int host_read_pf(struct host *host, struct pciaddr addr, unsigned what, struct pf *out,
			struct err **err)
{
	struct real_host *h = real(host);
	struct pf pf;

	if (sysfs_read_pf(h->sysfs, addr, &pf, err))
		return -1;
	if (!h->netlink) {
		read_tree_netdevs(h, &pf, what);
	} else if (read_pf_links(h, &pf, what, err)) {
		pf_clear(&pf);
		return -1;
	}
	if (what & HOST_NETDEVS)
		find_elsewhere(h, &pf);
	if (what & HOST_GROUPS)
		find_groups(h, &pf);
	*out = pf;
	return 0;
}

/* The host's netdevs by PCI device, the best of each. */
struct owner {
	struct pciaddr addr;
	const struct link *link;
};

struct owners {
	struct owner *items;
	size_t n;
};

static int compare_owners(const void *a, const void *b)
{
	return pciaddr_compare(((const struct owner *)a)->addr, ((const struct owner *)b)->addr);
}

static struct owners owners_of(const struct links *links)
{
	struct owners owners = {.items = mem_zero(links->n, sizeof(struct owner))};
	size_t n = 0;

	for (size_t i = 0; i < links->n; i++)
		if (links->items[i].pci_set)
			owners.items[n++] = (struct owner){.addr = links->items[i].pci,
							   .link = &links->items[i]};
	qsort(owners.items, n, sizeof(*owners.items), compare_owners);
	for (size_t i = 0; i < n; i++) {
		struct owner *last = owners.n ? &owners.items[owners.n - 1] : NULL;

		if (last && pciaddr_equal(last->addr, owners.items[i].addr))
			last->link = link_better(last->link, owners.items[i].link);
		else
			owners.items[owners.n++] = owners.items[i];
	}
	return owners;
}

static const struct link *owners_link(const struct owners *owners, struct pciaddr addr)
{
	struct owner key = {.addr = addr};
	const struct owner *found = NULL;

	if (owners->n)
		found = bsearch(&key, owners->items, owners->n, sizeof(key), compare_owners);
	return found ? found->link : NULL;
}

/* Everything that rtnetlink says of the whole host. */
struct dump {
	struct links links;
	struct link_addresses addresses;
	struct owners owners;
	const char **uppers; /* beside links.items: what lies on each, the first of them */
};

static void dump_clear(struct dump *dump)
{
	links_clear(&dump->links);
	link_addresses_clear(&dump->addresses);
	free(dump->owners.items);
	free(dump->uppers);
}

static int dump_read(struct real_host *h, unsigned what, struct dump *dump, struct err **err)
{
	if (netlink_links(h->netlink, &dump->links, err) ||
	    (what & HOST_NETDEVS && netlink_addresses(h->netlink, 0, &dump->addresses, err)))
		return -1;
	dump->owners = owners_of(&dump->links);
	dump->uppers = mem_zero(dump->links.n, sizeof(*dump->uppers));
	for (size_t i = 0; i < dump->links.n; i++) {
		const struct link *upper = &dump->links.items[i];
		const struct link *lower =
			upper->lower ? links_by_index(&dump->links, upper->lower) : NULL;

		if (lower && lower != upper && !dump->uppers[lower - dump->links.items])
			dump->uppers[lower - dump->links.items] = upper->name;
	}
	return 0;
}

static void set_vf_link(const struct dump *dump, struct vf *vf)
{
	const struct link *link = owners_link(&dump->owners, vf->addr);
	const struct link *master;

	if (!link)
		return;
	master = link->master ? links_by_index(&dump->links, link->master) : NULL;
	vf->netdev = mem_strdup(link->name);
	vf->master = mem_strdup(master ? master->name : dump->uppers[link - dump->links.items]);
	vf->address = mem_strdup(link_addresses_of(&dump->addresses, link->index));
}

static int read_links(struct real_host *h, unsigned what, struct inventory *inventory,
		      struct err **err)
{
	cleanup(dump_clear) struct dump dump = {0};

	if (dump_read(h, what, &dump, err))
		return -1;
	for (size_t i = 0; i < inventory->npfs; i++) {
		struct pf *pf = &inventory->pfs[i];
		const struct link *link = owners_link(&dump.owners, pf->addr);
		struct err *why = NULL;

		if (link)
			set_pf_link(pf, link);
		if (link && what & HOST_SETTINGS && read_all_settings(h, pf, link->index, &why)) {
			if (why->code != ERR_ABSENT)
				return hand_on(err, why);
			/* It has just gone; that must not hide the others. */
			err_free(&why);
		}
		for (size_t v = 0; what & HOST_NETDEVS && v < pf->nvfs; v++)
			set_vf_link(&dump, &pf->vfs[v]);
	}
	return 0;
}

struct tree_netdev {
	struct pciaddr addr;
	const char *name;
};

static int compare_tree_netdevs(const void *a, const void *b)
{
	const struct tree_netdev *x = a, *y = b;

	return pciaddr_compare(x->addr, y->addr);
}

static char *tree_netdev_of(const struct tree_netdev *items, size_t n, struct pciaddr addr)
{
	struct tree_netdev key = {.addr = addr};
	const struct tree_netdev *found =
		n ? bsearch(&key, items, n, sizeof(key), compare_tree_netdevs) : NULL;

	return found ? mem_strdup(found->name) : NULL;
}

static void read_tree(struct real_host *h, unsigned what, struct inventory *inventory)
{
	cleanup_names struct sysfs_names names = sysfs_all_netdevs(h->sysfs);
	cleanup_free struct tree_netdev *items = mem_zero(names.n, sizeof(*items));
	size_t n = 0;

	for (size_t i = 0; i < names.n; i++) {
		bool exists;

		items[n].name = names.items[i];
		n += sysfs_netdev_device(h->sysfs, names.items[i], &items[n].addr, &exists);
	}
	qsort(items, n, sizeof(*items), compare_tree_netdevs);
	for (size_t i = 0; i < inventory->npfs; i++) {
		struct pf *pf = &inventory->pfs[i];

		pf->netdev = tree_netdev_of(items, n, pf->addr);
		for (size_t v = 0; what & HOST_NETDEVS && v < pf->nvfs; v++)
			pf->vfs[v].netdev = tree_netdev_of(items, n, pf->vfs[v].addr);
	}
}

static int host_read_all(struct host *host, unsigned what, struct inventory *out, struct err **err)
{
	struct real_host *h = real(host);
	struct inventory inventory;

	if (sysfs_read_all(h->sysfs, &inventory, err))
		return -1;
	if (!h->netlink) {
		read_tree(h, what, &inventory);
	} else if (inventory.npfs && read_links(h, what, &inventory, err)) {
		inventory_clear(&inventory);
		return -1;
	}
	for (size_t i = 0; i < inventory.npfs; i++) {
		if (what & HOST_NETDEVS)
			find_elsewhere(h, &inventory.pfs[i]);
		if (what & HOST_GROUPS)
			find_groups(h, &inventory.pfs[i]);
	}
	*out = inventory;
	return 0;
}

/* Changing */

static int pf_link(struct real_host *h, const struct pf *pf, struct link *out, struct err **err)
{
	int got = link_of(h, pf->addr, out, err);

	if (got < 0)
		return -1;
	if (got)
		return 0;
	err_set(err, ERR_UNSUPPORTED, "PF %s has no netdev in this network namespace",
		pciaddr_str(pf->addr));
	return err_next(err, "the settings of its VFs can be reached through its netdev only");
}

static int host_pf_up(struct host *host, const struct pf *pf, struct err **err)
{
	struct real_host *h = real(host);
	struct link link;
	const char *words;
	int error;

	if (refuse_made_tree(h, "a change", err) || pf_link(h, pf, &link, err))
		return -1;
	if (link.up)
		return 0;
	error = netlink_set_up(h->netlink, link.index, &words);
	if (!error)
		return 0;
	err_errno(err, error, "setting %s up", link.name);
	if (words)
		err_detail(err, "the kernel says: %s", words);
	return error == EPERM ? err_next(err, "run it as root") : -1;
}

static int read_one(struct real_host *h, const struct link *link, unsigned index,
		    struct vf_settings *out, struct err **err)
{
	cleanup_free struct vf_settings *settings = mem_zero(index + 1, sizeof(*settings));

	if (netlink_vf_settings(h->netlink, link->index, settings, index + 1, err))
		return err_wrap(err, "%s", link->name);
	*out = settings[index];
	return 0;
}

static int host_read_settings(struct host *host, const struct pf *pf, unsigned index,
			      struct vf_settings *out, struct err **err)
{
	struct real_host *h = real(host);
	struct link link;

	if (!h->netlink) {
		*out = (struct vf_settings){0};
		return 0;
	}
	if (pf_link(h, pf, &link, err))
		return -1;
	return read_one(h, &link, index, out, err);
}

static const struct setting {
	unsigned bit;
	const char *name;
} settings[] = {
	{SETTING_TRUST, "trust"},
	{SETTING_SPOOFCHK, "spoof checking"},
	{SETTING_LINK_STATE, "the link state"},
	{SETTING_RATE, "the rates"},
	{SETTING_VLAN, "the VLAN"},
	{SETTING_MAC, "the MAC"},
};

/* One VF whose settings are being changed. */
struct change {
	struct real_host *h;
	const struct pf *pf;
	struct link link;
	unsigned index;
};

static int refused(const struct change *c, const struct setting *setting,
		   const struct vf_settings *want, int error, const char *words, struct err **err)
{
	const char *driver = c->pf->driver ? c->pf->driver : "?";

	if (error == EOPNOTSUPP)
		err_set(err, ERR_UNSUPPORTED,
			"setting %s of VF %u of %s: its driver %s cannot do that", setting->name,
			c->index, c->link.name, driver);
	else
		err_errno(err, error, "setting %s of VF %u of %s (driver %s)", setting->name,
			  c->index, c->link.name, driver);
	if (words)
		err_detail(err, "the kernel says: %s", words);
	if (error == EPERM)
		return err_next(err, "run it as root");
	if (error == EINVAL && setting->bit == SETTING_RATE)
		return err_next(err, "a rate must fit the link, which must have carrier%s",
				want->min_rate ? "; many drivers know no minimum" : "");
	return -1;
}

/*
 * No MAC, so that the driver or the guest chooses. Some drivers refuse that. Then the VF gets an
 * address of its own: the last guest's must not stay, since it would draw that guest's traffic to
 * wherever this VF goes next.
 */
static int clear_mac(const struct change *c, const struct setting *setting,
		     const struct vf_settings *want, struct err **err)
{
	struct netlink *nl = c->h->netlink;
	struct vf_settings own = *want;
	cleanup_free char *text = NULL;
	const char *words;
	int error = netlink_set_vf(nl, c->link.index, c->index, SETTING_MAC, want, &words);

	if (error != EINVAL && error != EADDRNOTAVAIL)
		return error ? refused(c, setting, want, error, words, err) : 0;
	text = mem_printf("VF %u of %s", c->index, pciaddr_str(c->pf->addr));
	own.mac = mac_derive(text);
	error = netlink_set_vf(nl, c->link.index, c->index, SETTING_MAC, &own, &words);
	if (error)
		return refused(c, setting, want, error, words, err);
	log_warn("%s (driver %s) does not take back the MAC of VF %u: it now has %s",
		 c->link.name, c->pf->driver ? c->pf->driver : "?", c->index, mac_str(own.mac));
	return 0;
}

static int set_one(const struct change *c, const struct setting *setting,
		   const struct vf_settings *want, struct err **err)
{
	const char *words;
	int error;

	if (setting->bit == SETTING_MAC && mac_is_zero(want->mac))
		return clear_mac(c, setting, want, err);
	error = netlink_set_vf(c->h->netlink, c->link.index, c->index, setting->bit, want, &words);
	return error ? refused(c, setting, want, error, words, err) : 0;
}

static char *describe(const struct vf_settings *s, unsigned bit)
{
	static const char *const states[] = {"auto", "enable", "disable"};

	switch (bit) {
	case SETTING_MAC:
		return mem_strdup(mac_str(s->mac));
	case SETTING_VLAN:
		return mem_printf("%u, QoS %u, protocol %#x", s->vlan, s->qos, s->vlan_proto);
	case SETTING_SPOOFCHK:
		return mem_strdup(s->spoofchk ? "on" : "off");
	case SETTING_TRUST:
		return mem_strdup(s->trust ? "on" : "off");
	case SETTING_LINK_STATE:
		return mem_strdup(s->link_state < ARRAY_SIZE(states) ? states[s->link_state] : "?");
	default:
		return mem_printf("%u to %u Mbit/s", s->min_rate, s->max_rate);
	}
}

/*
 * What cannot be read is not compared. With no MAC wanted any will do but the one that was there.
 */
static int compare(const struct change *c, const struct vf_settings *before,
		   const struct vf_settings *want, struct err **err)
{
	struct vf_settings after;
	unsigned off;

	if (read_one(c->h, &c->link, c->index, &after, err))
		return -1;
	off = vf_settings_diff(want, &after);
	if (off & SETTING_MAC && mac_is_zero(want->mac) && !mac_equal(before->mac, after.mac))
		off &= ~SETTING_MAC;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		cleanup_free char *is = NULL, *wanted = NULL;

		if (!(off & settings[i].bit))
			continue;
		is = describe(&after, settings[i].bit);
		wanted = describe(want, settings[i].bit);
		return err_set(err, ERR_FAILED,
			       "setting %s of VF %u of %s (driver %s): it reads %s, not %s",
			       settings[i].name, c->index, c->link.name,
			       c->pf->driver ? c->pf->driver : "?", is, wanted);
	}
	return 0;
}

static int host_apply(struct host *host, const struct pf *pf, unsigned index,
		      const struct vf_settings *want, struct err **err)
{
	struct real_host *h = real(host);
	struct change c = {.h = h, .pf = pf, .index = index};
	cleanup_free char *name = mem_printf("pf-%s", pciaddr_str(pf->addr));
	struct vf_settings before = {0};
	cleanup_close int lock = -1;

	if (refuse_made_tree(h, "a change", err) || pf_link(h, pf, &c.link, err) ||
	    lock_take(name, clock_now() + APPLY_LOCK_MS, &lock, err))
		return -1;
	if (want->known & SETTING_MAC && mac_is_zero(want->mac) &&
	    read_one(h, &c.link, index, &before, err))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (want->known & settings[i].bit && set_one(&c, &settings[i], want, err))
			return -1;
	return compare(&c, &before, want, err);
}

/* Waiting */

static int host_watch(struct host *host, struct err **err)
{
	struct real_host *h = real(host);

	if (h->uevents >= 0)
		return 0;
	if (refuse_made_tree(h, "waiting for drivers", err))
		return -1;
	return uevent_open(&h->uevents, err);
}

/* What is still missing, in words; NULL: nothing, it is as wanted. */
static char *missing(struct real_host *h, struct pciaddr vf, const char *driver)
{
	cleanup_free char *bound = sysfs_driver(h->sysfs, vf);
	cleanup_names struct sysfs_names names = {0};

	if (driver && (!bound || strcmp(bound, driver) != 0))
		return bound ? mem_printf("it is bound to %s", bound)
			     : mem_strdup("no driver is bound to it");
	if (!driver && bound && !strcmp(bound, "vfio-pci"))
		return mem_strdup("it is bound to vfio-pci");
	/* The driver's link is there before its probe has run; the netdev shows that it has. */
	if (!bound || driver_is_userspace(bound) || !sysfs_is_network(h->sysfs, vf))
		return NULL;
	names = sysfs_netdevs(h->sysfs, vf);
	return names.n ? NULL : mem_printf("it is bound to %s but has no netdev", bound);
}

static int host_wait_driver(struct host *host, struct pciaddr vf, const char *driver,
			    msec deadline, struct err **err)
{
	struct real_host *h = real(host);

	if (host_watch(host, err))
		return -1;
	for (;;) {
		cleanup_free char *what = NULL;
		int got;

		if (!sysfs_present(h->sysfs, vf))
			return err_set(err, ERR_ABSENT, "VF %s is gone", pciaddr_str(vf));
		what = missing(h, vf, driver);
		if (!what)
			return 0;
		got = uevent_wait(h->uevents, vf, deadline, err);
		if (got < 0)
			return -1;
		if (got)
			continue;
		if (driver)
			return err_set(err, ERR_TIMEOUT,
				       "waiting for VF %s to come back to its driver %s: %s",
				       pciaddr_str(vf), driver, what);
		return err_set(err, ERR_TIMEOUT, "waiting for VF %s to be released: %s",
			       pciaddr_str(vf), what);
	}
}

static void host_close(struct host *host)
{
	struct real_host *h = real(host);

	if (h->uevents >= 0)
		(void)close(h->uevents);
	netlink_close(h->netlink);
	sysfs_close(h->sysfs);
	free(h);
}

static const struct host_ops real_ops = {
	.resolve = host_resolve,
	.read_pf = host_read_pf,
	.read_all = host_read_all,
	.pf_up = host_pf_up,
	.read_settings = host_read_settings,
	.apply = host_apply,
	.watch = host_watch,
	.wait_driver = host_wait_driver,
	.close = host_close,
};

int host_open(const char *sysfs, struct host **out, struct err **err)
{
	struct real_host *h = mem_zero(1, sizeof(*h));

	h->host.ops = &real_ops;
	h->uevents = -1;
	h->root = sysfs ? sysfs : SYSFS;
	if (sysfs_open(h->root, &h->sysfs, err) ||
	    (!strcmp(h->root, SYSFS) && netlink_open(&h->netlink, err))) {
		sysfs_close(h->sysfs);
		free(h);
		return -1;
	}
	*out = &h->host;
	return 0;
}
