/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The edge to the kernel: sysfs, netlink and uevents behind one table, so that tests can put
 * another host there. host_open() gives the real one (sysfs.c reads the tree, netlink.c links and
 * VF settings, uevent.c waits).
 *
 * Nothing here blocks longer than the kernel takes for one request, except what has a deadline.
 */
#ifndef VFPOOL_HOST_HOST_H
#define VFPOOL_HOST_HOST_H

#include "core/clock.h"
#include "core/err.h"
#include "host/persist.h"
#include "model/inventory.h"
#include "model/network.h"
#include "model/numa.h"
#include "model/resize_note.h"

/* How much of a PF to read beside addresses, drivers, IOMMU groups and counts. */
enum {
	HOST_NETDEVS = 1 << 0,  /* the VFs' netdevs, and how the host uses them */
	HOST_SETTINGS = 1 << 1, /* the VFs' settings: one netlink request a PF */
	HOST_GROUPS = 1 << 2,   /* group_peer: one directory a VF */
	HOST_NO_VFS = 1 << 3,   /* the PFs only, without their VFs */
};

struct host;
struct keeper_facts;

struct host_ops {
	/*
	 * Which PF, and which one of its VFs (*index, else -1), does the user mean? name is a PF's
	 * netdev, altname or PCI address, a VF's PCI address or netdev, or PF/INDEX ("eth1/3").
	 * ERR_ABSENT: no such device; ERR_USAGE: it is there, but no PF or VF (says what it is);
	 * ERR_NO_VF: a PF whose count is 0 (says how to make VFs). Reads no more than that device.
	 */
	int (*resolve)(struct host *host, const char *name, struct pciaddr *pf, int *index,
		       struct err **err);

	/* Reads one PF and its VFs. The cost does not depend on the host's other devices. */
	int (*read_pf)(struct host *host, struct pciaddr addr, unsigned what, struct pf *out,
		       struct err **err);

	/* Reads more of one VF of that: HOST_NETDEVS, HOST_GROUPS, which it was read without. */
	int (*read_vf)(struct host *host, const struct pf *pf, struct vf *vf, unsigned what,
		       struct err **err);

	/* Reads all PFs of the host; at most 4 system calls a VF, without HOST_GROUPS. */
	int (*read_all)(struct host *host, unsigned what, struct inventory *out, struct err **err);

	/* Sets the PF administratively up. */
	int (*pf_up)(struct host *host, const struct pf *pf, struct err **err);

	/* Reads one VF's settings anew (the kernel answers with its PF's, all of them). */
	int (*read_settings)(struct host *host, const struct pf *pf, unsigned index,
			     struct vf_settings *out, struct err **err);

	/*
	 * Applies the settings in want->known, one netlink attribute a request, serialised among
	 * all vfpool processes per PF (i40e races MAC against VLAN), then reads them back: a
	 * difference is an error that names the setting. A failure can leave the earlier ones
	 * applied.
	 */
	int (*apply)(struct host *host, const struct pf *pf, unsigned index,
		     const struct vf_settings *want, struct err **err);

	/*
	 * From now on, remember the kernel's driver events. To be called before what is to be
	 * waited for is set going. Calling it again does nothing.
	 */
	int (*watch)(struct host *host, struct err **err);

	/*
	 * Waits until the VF is bound to driver (NULL: until it is off vfio-pci), and, where that
	 * driver makes one, its netdev is there; with vfio-pci, until no process has it open.
	 * ERR_TIMEOUT: says what it is bound to instead; ERR_ABSENT: the VF vanished. Needs
	 * watch().
	 */
	int (*wait_driver)(struct host *host, struct pciaddr vf, const char *driver, msec deadline,
			   struct err **err);

	/*
	 * Waits until udev has named the VF's netdev, where it has one: libvirt asks for it by
	 * name, and udev can give it a MAC as well. That the deadline passes is no error.
	 */
	int (*wait_named)(struct host *host, struct pciaddr vf, msec deadline, struct err **err);

	/* As resolve(), of a PF alone, which may be without VFs. ERR_USAGE: it is there, but no PF.
	 */
	int (*find_pf)(struct host *host, const char *name, struct pciaddr *pf, struct err **err);

	/*
	 * Sets the number of the PF's VFs, which the kernel lets be done only from 0 or to 0. keep
	 * (-1: none) is a lock that is held until the kernel has finished, whatever becomes of us.
	 * ERR_TIMEOUT: it has not finished by the deadline, and goes on in a process that is named.
	 * Anything else: read the PF to see what there is. It may be fewer than were asked for.
	 */
	int (*set_num_vfs)(struct host *host, const struct pf *pf, unsigned count, int keep,
			   msec deadline, struct err **err);

	/* Where the PF's VFs are at home. */
	int (*read_home)(struct host *host, struct pciaddr pf, enum vf_home *out, struct err **err);

	/* For VFs that are made from now on; those that are there are moved by send_home(). */
	int (*set_home)(struct host *host, struct pciaddr pf, enum vf_home home, struct err **err);

	/* Binds a VF that nobody uses as its home says, or to nothing; what is so already is left.
	 */
	int (*send_home)(struct host *host, struct pciaddr vf, enum vf_home home, msec deadline,
			 struct err **err);

	/*
	 * Waits until it is there: any driver of the host's with, for a NIC, a netdev (what is no
	 * NIC can also have none); no driver; vfio-pci. Errors as wait_driver(). Needs watch().
	 */
	int (*wait_home)(struct host *host, struct pciaddr vf, enum vf_home home, msec deadline,
			 struct err **err);

	/*
	 * Fills in .user of these VFs, as far as processes can be seen. Where none is open that is
	 * a read for each; else one walk over all of the host's processes, however many VFs. Who
	 * has opened the group and not the device yet is not seen: QEMU says then that it is busy.
	 */
	void (*find_users)(struct host *host, struct vf *const *vfs, size_t n);

	/* Keeps the number of VFs across reboots, and no more; host/persist.h tells how. */
	int (*persist)(struct host *host, const struct persist *persist, char **path,
		       struct err **err);
	int (*forget)(struct host *host, struct pciaddr pf, bool *was, struct err **err);

	/* Who keeps it, whoever wrote that. */
	int (*read_keepers)(struct host *host, struct keeper_facts *out, struct err **err);

	/* What is owed by resizes of PFs, those that were interrupted, too. Durable until a reboot.
	 */
	int (*write_note)(struct host *host, const struct resize_note *note, struct err **err);
	int (*read_notes)(struct host *host, struct resize_notes *out, struct err **err);
	int (*drop_note)(struct host *host, struct pciaddr pf,
			 struct err **err); /* none: nothing */

	/* The host's own name, as libvirt knows it, too. The caller frees it. */
	char *(*name)(struct host *host);

	/* ERR_ABSENT: there is no bridge of this name, or it is none of Linux's. */
	int (*read_bridge)(struct host *host, const char *name, struct bridge *out,
			   struct err **err);

	/* The host's NUMA nodes and their CPUs; none where the kernel knows no NUMA. */
	int (*read_nodes)(struct host *host, struct numa_nodes *out, struct err **err);

	void (*close)(struct host *host);
};

/* The common part; an implementation's private data follows it. */
struct host {
	const struct host_ops *ops;
};

/*
 * The real host. sysfs is the tree to read, NULL for /sys; with another tree the netlink parts are
 * left empty, and everything that would change the host is refused with ERR_UNSUPPORTED.
 */
int host_open(const char *sysfs, struct host **out, struct err **err);

#endif
