/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host has: PFs and their VFs, as the kernel tells. Plain data, no I/O. */
#ifndef VFPOOL_MODEL_INVENTORY_H
#define VFPOOL_MODEL_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/pciaddr.h"
#include "model/settings.h"

/* What the VFs of a PF are bound to while no guest has them. */
enum vf_home {
	VF_HOME_HOST, /* the host's own driver for them */
	VF_HOME_NONE, /* no driver */
	VF_HOME_VFIO, /* vfio-pci: prebound, so that a guest gets them sooner */
};

struct vf {
	struct pciaddr addr;
	unsigned index;   /* N of virtfnN and of "vf N"; there can be gaps */
	char *driver;     /* NULL: none bound */
	bool prebound;    /* to vfio-pci, by us: it waits there for a guest */
	int iommu_group;  /* -1: none, there is no IOMMU */
	char *group_peer; /* another device in the same group, "0000:01:00.0"; NULL: alone or not
			     read */
	char *netdev;     /* in this network namespace; NULL: none */
	/* A network driver is bound and the VF has no netdev here: it has been moved to another
	 * one. */
	bool netdev_elsewhere;
	/* How the host itself uses the netdev; all empty when it does not (or was not read). */
	char *master;  /* bridge, bond or team it is a port of; else a VLAN or macvtap on it */
	char *address; /* an IP address on it that is not link-local: "192.0.2.1" */
	/* A process that has it open by VFIO: "qemu-system-x86 (4711)"; NULL: none, or not asked.
	 */
	char *user;
	struct vf_settings settings; /* .known is 0 when not read, or not a NIC */
};

struct pf {
	struct pciaddr addr;
	char *driver;    /* NULL: none */
	char *netdev;    /* NULL: not a NIC, or it lives in another network namespace */
	char **altnames; /* of the netdev; read with HOST_NO_VFS only */
	size_t naltnames;
	uint16_t vendor, product; /* PCI ids; read with HOST_NO_VFS only, else 0 */
	bool nic;                 /* its PCI class is network controller */
	struct mac mac;
	bool up; /* administratively */
	bool carrier;
	int numa_node;      /* -1: the firmware does not say */
	unsigned total_vfs; /* sriov_totalvfs */
	unsigned num_vfs;   /* sriov_numvfs */
	struct vf *vfs;     /* by index */
	size_t nvfs;
};

struct inventory {
	struct pf *pfs; /* by address */
	size_t npfs;
};

const char *vf_home_name(enum vf_home home); /* "host" */
bool vf_home_parse(const char *text, enum vf_home *out);

/*
 * Is this driver VFIO's, that gives a device to a process: vfio-pci, or one that knows the device
 * better, as mlx5_vfio_pci, which libvirt takes by itself from 10.0 on? NULL is not.
 */
bool driver_is_vfio(const char *driver);

/* Does it hand a device to a process, or another kernel? The others are this kernel's own. */
bool driver_is_userspace(const char *driver);

/*
 * Can it take a device's state out and put it into another device of the kind, so that the device
 * moves with its guest? Whether this device's firmware can is known to QEMU only.
 */
bool driver_can_migrate(const char *driver);

void pf_clear(struct pf *pf); /* frees what it holds and zeroes it */
void inventory_clear(struct inventory *inventory);

/* NULL when there is none. */
struct vf *pf_vf_by_index(const struct pf *pf, unsigned index);
struct pf *inventory_pf(const struct inventory *inventory, struct pciaddr addr);

/*
 * Fills in the group_peer of VFs that share a group with each other: that shows from what was read
 * already, where asking the kernel for the members of each group would cost a directory a VF.
 */
void inventory_find_peers(struct inventory *inventory);

/*
 * The name people use for a PF: its netdev, else its address. Returns buf, or the netdev itself.
 */
const char *pf_name(const struct pf *pf, char buf[PCIADDR_STRLEN]);
#define pf_str(pf) pf_name((pf), (char[PCIADDR_STRLEN]){0})

/* Is this its netdev's name, or one of the alternative ones, as far as they were read? */
bool pf_is_called(const struct pf *pf, const char *name);

#endif
