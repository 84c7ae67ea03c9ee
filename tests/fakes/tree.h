/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a tree like /sys with PFs and VFs, of any size: what vfpool and lspci read of it. PF n is
 * eth<n>, on a bus of its own, below a root port: the first is 0000:01:00.0. Up to 64 VFs a PF
 * they lie as the 82576 has them (01:10.0, .2, .4, .6, 01:11.0, …). Trouble ends the process.
 */
#ifndef VFPOOL_FAKES_TREE_H
#define VFPOOL_FAKES_TREE_H

#include <stdbool.h>

#include "core/pciaddr.h"

struct tree {
	const char *dir;
	unsigned pfs;
	unsigned vfs;   /* of each PF; sriov_numvfs */
	unsigned total; /* sriov_totalvfs; 0: vfs, or 7 */
	bool gaps;      /* every third VF is missing */
	bool no_iommu;
	bool shared_groups; /* a PF and its VFs are one group, with the root port */
	bool no_driver;     /* no VF is bound */
	const char *driver; /* of the VFs; NULL: igbvf */
	bool no_netdevs;
	bool storage; /* NVMe controllers, not NICs */
};

/* A new empty directory, in memory where there is one: trees are many small files. */
char *tree_dir(void);

/* dir must not be there, or be empty. */
void tree_make(const struct tree *tree);
void tree_remove(const char *dir);

struct pciaddr tree_pf(const struct tree *tree, unsigned pf);
struct pciaddr tree_vf(const struct tree *tree, unsigned pf, unsigned vf);

/* Changes to a tree: a file's text, a link, and what is to go, by path below dir. */
void tree_file(const char *dir, const char *path, const char *text);
void tree_link(const char *dir, const char *path, const char *target);
void tree_drop(const char *dir, const char *path);

/* A netdev of a device. */
void tree_netdev(const char *dir, struct pciaddr addr, const char *name);

#endif
