// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysfs says which PFs and VFs there are, netlink what their netdevs are called and how they are
 * set and used. For all PFs one dump of the links and one of the addresses serve the whole host.
 * For one PF its own netdevs are asked for by name, so that thousands of others cost nothing.
 */
#include "host/real.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/sizing.h"

/* As many VFs as the kernel numbers. */
static size_t vfs_of(const struct pf *pf)
{
	return pf->nvfs ? pf->vfs[pf->nvfs - 1].index + (size_t)1 : 0;
}

static void set_settings(struct pf *pf, const struct vf_settings *settings)
{
	for (size_t i = 0; i < pf->nvfs; i++)
		pf->vfs[i].settings = settings[pf->vfs[i].index];
}

/* One PF's settings, into its VFs. */
static int read_all_settings(struct real_host *h, struct pf *pf, int link, struct err **err)
{
	cleanup_free struct vf_settings *settings = NULL;
	size_t n;

	n = vfs_of(pf);
	if (!n)
		return 0;
	settings = mem_zero(n, sizeof(*settings));
	if (netlink_vf_settings(h->netlink, link, settings, n, err))
		return err_wrap(err, "%s", pf_str(pf));
	set_settings(pf, settings);
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
static void find_elsewhere(const struct pf *pf, struct vf *vf)
{
	if (!vf->netdev && vf->driver && !driver_is_userspace(vf->driver))
		vf->netdev_elsewhere = pf->netdev || pf->nic;
}

/* What shows when the netdevs have been read, and what is beside them. */
static void find_more(struct real_host *h, const struct pf *pf, struct vf *vf, unsigned what)
{
	if (what & HOST_NETDEVS)
		find_elsewhere(pf, vf);
	if (what & HOST_GROUPS && vf->iommu_group >= 0)
		vf->group_peer = sysfs_group_peer(h->sysfs, vf->addr);
}

static void find_prebound(struct pf *pf)
{
	bool asked = false, prebound = false;

	for (size_t i = 0; i < pf->nvfs; i++) {
		if (!pf->vfs[i].driver || strcmp(pf->vfs[i].driver, "vfio-pci") != 0)
			continue;
		if (!asked)
			prebound = sizing_prebound(pf->addr);
		asked = true;
		pf->vfs[i].prebound = prebound;
	}
}

/* A name can have gone to another device since it was listed. */
static bool is_link_of(const struct link *link, struct pciaddr addr)
{
	return link->pci_set && pciaddr_equal(link->pci, addr);
}

static int find_link(struct real_host *h, const struct names *names, struct pciaddr addr,
		     struct link *out, struct err **err)
{
	bool found = false;

	for (size_t i = 0; i < names->n; i++) {
		struct err *why = NULL;
		struct link link;

		if (netlink_link(h->netlink, names->items[i], &link, &why)) {
			if (why->code != ERR_ABSENT)
				return err_pass(err, why);
			err_free(&why);
			continue;
		}
		if (!is_link_of(&link, addr))
			continue;
		if (!found || link_better(out, &link) == &link)
			*out = link;
		found = true;
	}
	return found;
}

int link_of(struct real_host *h, struct pciaddr addr, struct link *out, struct err **err)
{
	cleanup_names struct names names = sysfs_netdevs(h->sysfs, addr);

	return find_link(h, &names, addr, out, err);
}

int link_and_vfs_of(struct real_host *h, const struct pf *pf, struct link *out,
		    struct vf_settings *vfs, size_t n, struct err **err)
{
	cleanup_names struct names names = sysfs_netdevs(h->sysfs, pf->addr);
	int got;

	/* A PF that is a switch has a netdev for each of its VFs, too. What fails here fails below.
	 */
	if (names.n == 1 && pf->num_vfs <= NETLINK_VFS_AT_ONCE &&
	    !netlink_link_and_vfs(h->netlink, names.items[0], out, vfs, n, NULL) &&
	    is_link_of(out, pf->addr))
		return 1;
	got = find_link(h, &names, pf->addr, out, err);
	if (got > 0 && n && netlink_vf_settings(h->netlink, out->index, vfs, n, err))
		return err_wrap(err, "%s", out->name);
	return got;
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
	size_t n = what & HOST_SETTINGS ? vfs_of(pf) : 0;
	cleanup_free struct vf_settings *settings = mem_zero(n, sizeof(*settings));
	struct link link;
	int got = link_and_vfs_of(h, pf, &link, settings, n, err);

	if (got < 0)
		return -1;
	if (got)
		set_pf_link(pf, &link);
	if (got && n)
		set_settings(pf, settings);
	for (size_t i = 0; what & HOST_NETDEVS && i < pf->nvfs; i++)
		if (read_vf_netdev(h, &pf->vfs[i], err))
			return -1;
	return 0;
}

/* The same from a made tree, which knows names only. */
static void read_tree_netdev(struct real_host *h, struct vf *vf)
{
	cleanup_names struct names names = sysfs_netdevs(h->sysfs, vf->addr);

	if (names.n)
		vf->netdev = mem_strdup(names.items[0]);
}

static void read_tree_netdevs(struct real_host *h, struct pf *pf, unsigned what)
{
	cleanup_names struct names names = sysfs_netdevs(h->sysfs, pf->addr);

	if (names.n)
		pf->netdev = mem_strdup(names.items[0]);
	for (size_t i = 0; what & HOST_NETDEVS && i < pf->nvfs; i++)
		read_tree_netdev(h, &pf->vfs[i]);
}

/* The PF's netdev by all its names. A PF has few, the host can have thousands: so it is asked. */
static int read_names(struct real_host *h, struct pf *pf, struct err **err)
{
	struct names names;
	struct link link;
	int got;

	if (!h->netlink) {
		read_tree_netdevs(h, pf, 0);
		return 0;
	}
	got = link_of(h, pf->addr, &link, err);
	if (got <= 0)
		return got;
	set_pf_link(pf, &link);
	if (netlink_altnames(h->netlink, link.index, &names, err))
		return -1;
	pf->altnames = names.items;
	pf->naltnames = names.n;
	return 0;
}

static int read_pf_alone(struct real_host *h, struct pciaddr addr, struct pf *out, struct err **err)
{
	struct pf pf;

	if (sysfs_read_pf_alone(h->sysfs, addr, &pf, err))
		return -1;
	if (read_names(h, &pf, err)) {
		pf_clear(&pf);
		return -1;
	}
	*out = pf;
	return 0;
}

static int read_all_alone(struct real_host *h, struct inventory *out, struct err **err)
{
	struct inventory inventory;

	if (sysfs_read_all_alone(h->sysfs, &inventory, err))
		return -1;
	for (size_t i = 0; i < inventory.npfs; i++)
		if (read_names(h, &inventory.pfs[i], err)) {
			inventory_clear(&inventory);
			return -1;
		}
	*out = inventory;
	return 0;
}

int host_read_pf(struct host *host, struct pciaddr addr, unsigned what, struct pf *out,
		 struct err **err)
{
	struct real_host *h = real(host);
	struct pf pf;

	if (what & HOST_NO_VFS)
		return read_pf_alone(h, addr, out, err);
	if (sysfs_read_pf(h->sysfs, addr, &pf, err))
		return -1;
	if (!h->netlink) {
		read_tree_netdevs(h, &pf, what);
	} else if (read_pf_links(h, &pf, what, err)) {
		pf_clear(&pf);
		return -1;
	}
	if (h->netlink)
		find_prebound(&pf);
	for (size_t i = 0; i < pf.nvfs; i++)
		find_more(h, &pf, &pf.vfs[i], what);
	*out = pf;
	return 0;
}

int host_read_vf(struct host *host, const struct pf *pf, struct vf *vf, unsigned what,
		 struct err **err)
{
	struct real_host *h = real(host);

	if (what & HOST_NETDEVS && !h->netlink)
		read_tree_netdev(h, vf);
	else if (what & HOST_NETDEVS && read_vf_netdev(h, vf, err))
		return -1;
	find_more(h, pf, vf, what);
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
				return err_pass(err, why);
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
	cleanup_names struct names names = sysfs_all_netdevs(h->sysfs);
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

int host_read_all(struct host *host, unsigned what, struct inventory *out, struct err **err)
{
	struct real_host *h = real(host);
	struct inventory inventory;

	if (what & HOST_NO_VFS)
		return read_all_alone(h, out, err);
	if (sysfs_read_all(h->sysfs, &inventory, err))
		return -1;
	if (!h->netlink) {
		read_tree(h, what, &inventory);
	} else if (inventory.npfs && read_links(h, what, &inventory, err)) {
		inventory_clear(&inventory);
		return -1;
	}
	for (size_t i = 0; i < inventory.npfs; i++) {
		if (h->netlink)
			find_prebound(&inventory.pfs[i]);
		for (size_t v = 0; v < inventory.pfs[i].nvfs; v++)
			find_more(h, &inventory.pfs[i], &inventory.pfs[i].vfs[v], what);
	}
	*out = inventory;
	return 0;
}

int host_read_bridge(struct host *host, const char *name, struct bridge *out, struct err **err)
{
	struct real_host *h = real(host);
	struct links links = {0};
	struct bridge bridge;
	struct link link;
	bool differ = false;

	if (!h->netlink)
		return refuse_made_tree(h, "reading a bridge", err);
	if (netlink_link(h->netlink, name, &link, err))
		return -1;
	if (strcmp(link.kind, "bridge") != 0)
		return err_set(err, ERR_ABSENT, "%s is no Linux bridge", link.name);
	bridge = (struct bridge){.filters = link.filters};
	if (netlink_links(h->netlink, &links, err))
		return err_wrap(err, "reading the ports of bridge %s", link.name);
	for (size_t i = 0; i < links.n; i++) {
		const struct link *port = &links.items[i];

		if (port->master != link.index || !port->vlan)
			continue;
		differ |= bridge.vlan && bridge.vlan != port->vlan;
		bridge.vlan = port->vlan;
	}
	if (differ)
		bridge.vlan = 0;
	links_clear(&links);
	*out = bridge;
	return 0;
}

int host_read_nodes(struct host *host, struct numa_nodes *out, struct err **err)
{
	(void)err;
	*out = sysfs_numa_nodes(real(host)->sysfs);
	return 0;
}
