/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What sysfs knows of PCI devices: PFs, VFs, drivers, IOMMU groups, the names of netdevs. Reads
 * only, from /sys or a made tree. No path is ever made from a name that was not checked.
 */
#ifndef VFPOOL_HOST_SYSFS_H
#define VFPOOL_HOST_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "core/names.h"
#include "model/inventory.h"
#include "model/numa.h"

#define SYSFS_NAME_MAX 128 /* of an interface, altnames too; with the zero */

struct sysfs;

enum sysfs_kind {
	SYSFS_ABSENT, /* no such PCI device */
	SYSFS_PF,
	SYSFS_VF,
	SYSFS_OTHER, /* a PCI device without SR-IOV */
};

int sysfs_open(const char *root, struct sysfs **out, struct err **err);
void sysfs_close(struct sysfs *sysfs);

/*
 * While the number of a PF's VFs is being changed, reading it waits in the kernel for that, which
 * may not end. For a PF of which busy says so, VFs are counted by their links instead.
 */
void sysfs_avoid(struct sysfs *sysfs, bool (*busy)(struct pciaddr pf));

/* Can this be an interface's name? Then it is one component of a path, too. */
bool sysfs_name_valid(const char *name);

enum sysfs_kind sysfs_kind(struct sysfs *sysfs, struct pciaddr addr);
bool sysfs_present(struct sysfs *sysfs, struct pciaddr addr);

/* The driver bound to a device; NULL: none. The caller frees it. */
char *sysfs_driver(struct sysfs *sysfs, struct pciaddr addr);

/* Is it a network controller by its PCI class? */
bool sysfs_is_network(struct sysfs *sysfs, struct pciaddr addr);

/*
 * Does a driver have it in use, as vfio-pci does just while a process has the device open
 * (drivers/vfio/pci/vfio_pci_core.c)? Where the kernel does not tell: yes.
 */
bool sysfs_is_enabled(struct sysfs *sysfs, struct pciaddr addr);

/* The IOMMU group of a device; -1: none. */
int sysfs_iommu_group(struct sysfs *sysfs, struct pciaddr addr);

/* The PF of a VF, and which of its VFs this is. */
int sysfs_physfn(struct sysfs *sysfs, struct pciaddr vf, struct pciaddr *pf, unsigned *index,
		 struct err **err);

/* sriov_totalvfs and sriov_numvfs; 0 where they are missing. */
void sysfs_counts(struct sysfs *sysfs, struct pciaddr pf, unsigned *total, unsigned *num);

/* Addresses, drivers, IOMMU groups, counts and NUMA node; ERR_ABSENT when it is no PF. */
int sysfs_read_pf(struct sysfs *sysfs, struct pciaddr addr, struct pf *out, struct err **err);
int sysfs_read_all(struct sysfs *sysfs, struct inventory *out, struct err **err);

/* The same without the VFs, and with the PCI ids. No file is touched that is a VF's. */
int sysfs_read_pf_alone(struct sysfs *sysfs, struct pciaddr addr, struct pf *out, struct err **err);
int sysfs_read_all_alone(struct sysfs *sysfs, struct inventory *out, struct err **err);

/* The NUMA nodes; none where the kernel shows none. The caller clears them. */
struct numa_nodes sysfs_numa_nodes(struct sysfs *sysfs);

/* The first other device in its IOMMU group that is no bridge; NULL: none. The caller frees it. */
char *sysfs_group_peer(struct sysfs *sysfs, struct pciaddr addr);

/* The netdevs of a device in the network namespace that this tree shows, sorted. */
struct names sysfs_netdevs(struct sysfs *sysfs, struct pciaddr addr);

/*
 * What the netdev is a port of, else what lies on it (VLAN, macvtap); NULL: nothing. The caller
 * frees it.
 */
char *sysfs_netdev_upper(struct sysfs *sysfs, struct pciaddr addr, const char *netdev);

/* The netdev's index; 0: it has no such netdev. */
unsigned long sysfs_netdev_index(struct sysfs *sysfs, struct pciaddr addr, const char *netdev);

/* All netdevs of the tree, sorted. */
struct names sysfs_all_netdevs(struct sysfs *sysfs);

/*
 * The PCI device that a netdev belongs to. false: it belongs to none, or there is no such netdev
 * (then *exists is false).
 */
bool sysfs_netdev_device(struct sysfs *sysfs, const char *netdev, struct pciaddr *addr,
			 bool *exists);

/* The driver of a netdev's device, on whatever bus; NULL: none. The caller frees it. */
char *sysfs_netdev_driver(struct sysfs *sysfs, const char *netdev);

#endif
