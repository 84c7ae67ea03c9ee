// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a name stands for: a PF, one of its VFs, or something that cannot serve, and then why. */
#include "host/real.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

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
	out->pci_set = sysfs_netdev_device(h->sysfs, name, &out->pci, &exists);
	if (!h->netlink && !exists)
		return err_set(err, ERR_ABSENT, "there is no interface %s", name);
	if (!h->netlink || out->pci_set) {
		memcpy(out->netdev, name, strlen(name) + 1);
		return 0;
	}
	/* It knows the other names, too, and what kind it is. */
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

static int refuse_empty(const char *name, unsigned total, struct err **err)
{
	err_set(err, ERR_NO_VF, "%s has no VFs now; it can have %u", name, total);
	if (!total)
		return err_next(err, "its driver or firmware allows none");
	return err_next(err, "make some: `vfpool set-vfs %s %u`", name, total);
}

/* 0: a PF; 1: a VF. */
static int find_device(struct real_host *h, const char *name, struct pciaddr *pf, struct err **err)
{
	struct named named;

	if (find(h, name, &named, err))
		return -1;
	if (!named.pci_set)
		return refuse_other(h, name, &named, err);
	switch (sysfs_kind(h->sysfs, named.pci)) {
	case SYSFS_ABSENT:
		return err_set(err, ERR_ABSENT, "there is no PCI device %s", name);
	case SYSFS_OTHER:
		return refuse_other(h, name, &named, err);
	case SYSFS_VF:
		*pf = named.pci;
		return 1;
	case SYSFS_PF:
		break;
	}
	*pf = named.pci;
	return 0;
}

static int resolve_pf(struct real_host *h, const char *name, struct pciaddr *pf, struct err **err)
{
	struct pciaddr addr;
	unsigned total, num;
	int got = find_device(h, name, &addr, err);

	if (got < 0)
		return -1;
	if (!got) {
		sysfs_counts(h->sysfs, addr, &total, &num);
		if (!num)
			return refuse_empty(name, total, err);
	}
	*pf = addr;
	return got;
}

int host_find_pf(struct host *host, const char *name, struct pciaddr *pf, struct err **err)
{
	struct real_host *h = real(host);
	struct pciaddr addr, of;
	unsigned index;
	int got = find_device(h, name, &addr, err);

	if (got < 0)
		return -1;
	if (!got) {
		*pf = addr;
		return 0;
	}
	err_set(err, ERR_USAGE, "%s is a VF", name);
	return sysfs_physfn(h->sysfs, addr, &of, &index, NULL)
		       ? -1
		       : err_next(err, "its PF is %s", pciaddr_str(of));
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
			err_next(err, "it has %zu VFs, from %u to %u", read.nvfs, read.vfs[0].index,
				 read.vfs[read.nvfs - 1].index);
		pf_clear(&read);
		return -1;
	}
	pf_clear(&read);
	*pf = addr;
	*index = (int)wanted;
	return 0;
}

int host_resolve(struct host *host, const char *name, struct pciaddr *pf, int *index,
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
