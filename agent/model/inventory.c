// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/inventory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

static const char *const home_names[] = {
	[VF_HOME_HOST] = "host",
	[VF_HOME_NONE] = "none",
	[VF_HOME_VFIO] = "vfio",
};
static_assert(ARRAY_SIZE(home_names) == VF_HOME_VFIO + 1, "a name for every home");

const char *vf_home_name(enum vf_home home)
{
	return home_names[home];
}

bool vf_home_parse(const char *text, enum vf_home *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(home_names); i++)
		if (!strcmp(home_names[i], text)) {
			*out = (enum vf_home)i;
			return true;
		}
	return false;
}

static void vf_clear(struct vf *vf)
{
	free(vf->driver);
	free(vf->group_peer);
	free(vf->netdev);
	free(vf->master);
	free(vf->address);
	free(vf->user);
}

bool driver_is_vfio(const char *driver)
{
	return driver && strstr(driver, "vfio");
}

bool driver_is_userspace(const char *driver)
{
	/* The last one is how the kernel calls xen-pciback. */
	static const char *const names[] = {"uio_pci_generic", "igb_uio", "pci-stub", "xen-pciback",
					    "pciback"};

	for (size_t i = 0; driver && i < ARRAY_SIZE(names); i++)
		if (!strcmp(driver, names[i]))
			return true;
	return driver_is_vfio(driver);
}

bool driver_can_migrate(const char *driver)
{
	static const char *const names[] = {"mlx5_vfio_pci", "hisi_acc_vfio_pci", "pds_vfio_pci",
					    "qat_vfio_pci"};

	for (size_t i = 0; driver && i < ARRAY_SIZE(names); i++)
		if (!strcmp(driver, names[i]))
			return true;
	return false;
}

void pf_clear(struct pf *pf)
{
	for (size_t i = 0; i < pf->nvfs; i++)
		vf_clear(&pf->vfs[i]);
	free(pf->vfs);
	free(pf->driver);
	free(pf->netdev);
	for (size_t i = 0; i < pf->naltnames; i++)
		free(pf->altnames[i]);
	free(pf->altnames);
	memset(pf, 0, sizeof(*pf));
}

void inventory_clear(struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->npfs; i++)
		pf_clear(&inventory->pfs[i]);
	free(inventory->pfs);
	memset(inventory, 0, sizeof(*inventory));
}

struct vf *pf_vf_by_index(const struct pf *pf, unsigned index)
{
	/* Without gaps, which is the rule, it is at its own place. */
	if (index < pf->nvfs && pf->vfs[index].index == index)
		return &pf->vfs[index];
	for (size_t i = 0; i < pf->nvfs; i++)
		if (pf->vfs[i].index == index)
			return &pf->vfs[i];
	return NULL;
}

struct pf *inventory_pf(const struct inventory *inventory, struct pciaddr addr)
{
	for (size_t i = 0; i < inventory->npfs; i++)
		if (pciaddr_equal(inventory->pfs[i].addr, addr))
			return &inventory->pfs[i];
	return NULL;
}

const char *pf_name(const struct pf *pf, char buf[PCIADDR_STRLEN])
{
	return pf->netdev ? pf->netdev : pciaddr_format(pf->addr, buf);
}

bool pf_is_called(const struct pf *pf, const char *name)
{
	if (pf->netdev && !strcmp(pf->netdev, name))
		return true;
	for (size_t i = 0; i < pf->naltnames; i++)
		if (!strcmp(pf->altnames[i], name))
			return true;
	return false;
}

struct group_member {
	int group;
	struct vf *vf;
};

static int by_group(const void *a, const void *b)
{
	const struct group_member *left = a, *right = b;

	return (left->group > right->group) - (left->group < right->group);
}

void inventory_find_peers(struct inventory *inventory)
{
	cleanup_free struct group_member *members = NULL;
	size_t n = 0;

	for (size_t i = 0; i < inventory->npfs; i++)
		n += inventory->pfs[i].nvfs;
	members = mem_zero(n, sizeof(*members));
	n = 0;
	for (size_t i = 0; i < inventory->npfs; i++) {
		struct pf *pf = &inventory->pfs[i];

		for (size_t j = 0; j < pf->nvfs; j++)
			if (pf->vfs[j].iommu_group >= 0)
				members[n++] =
					(struct group_member){pf->vfs[j].iommu_group, &pf->vfs[j]};
	}
	qsort(members, n, sizeof(*members), by_group);
	for (size_t i = 0; i + 1 < n; i++) {
		struct vf *a = members[i].vf, *b = members[i + 1].vf;

		if (members[i].group != members[i + 1].group)
			continue;
		if (!a->group_peer)
			a->group_peer = mem_strdup(pciaddr_str(b->addr));
		if (!b->group_peer)
			b->group_peer = mem_strdup(pciaddr_str(a->addr));
	}
}
