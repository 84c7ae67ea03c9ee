/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pool: which PFs' VFs are handed out under one name, how one is chosen, and with which
 * settings. Every PF is a pool by itself, with no definition: then all here is at its default.
 */
#ifndef VFPOOL_MODEL_POOL_H
#define VFPOOL_MODEL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/pciaddr.h"
#include "model/assignment.h"
#include "model/inventory.h"

/* One <pf>: a PF is in the pool when all that is set here fits it. */
struct pool_pf {
	char *dev; /* netdev or altname; may be a glob: "ens*f0"; NULL: any */
	bool address_set;
	struct pciaddr address;
	char *driver;     /* NULL: any */
	uint16_t vendor;  /* 0: any */
	uint16_t product; /* 0: any */
};

/* One <exclude> or <reserve>: VFs, by index of every PF in the pool, or one by its address. */
struct pool_vfs {
	bool address_set;
	struct pciaddr address;
	unsigned first, last; /* indexes, where no address is set */
};

#define POOL_NAME_MAX 64

struct pool {
	char *name;
	char *error; /* why its definition cannot be used: then only the name is set; else NULL */
	struct pool_pf *pfs;
	size_t npfs;
	struct pool_vfs *excluded; /* never handed out */
	size_t nexcluded;
	struct pool_vfs *reserved; /* handed out only to who asks for that VF by name */
	size_t nreserved;
	char **policies; /* the first decides, the next ones break ties; none: first-fit */
	size_t npolicies;
	bool numa_strict;   /* policy numa refuses VFs of other nodes than the guest's */
	unsigned per_guest; /* limits; 0: none */
	unsigned total;
	bool form_set;
	enum form form;
	bool prebound;               /* its VFs stay on vfio-pci between guests: managed='no' */
	char *standby;               /* default of attach: a network; NULL: none */
	uint16_t vlan;               /* default of attach; 0: none */
	struct vf_settings settings; /* defaults of attach: .known says which */
};

struct pools {
	struct pool *items;
	size_t n;
};

/* A name that can be a file's, too, and is no PCI address, MAC or PF/INDEX. */
bool pool_name_valid(const char *name);

void pool_clear(struct pool *pool);

/* From now on it cannot be used: all is forgotten but the name. Takes error. */
void pool_spoil(struct pool *pool, char *error);

void pools_clear(struct pools *pools);
struct pool *pools_find(const struct pools *pools, const char *name);

/* The first default of the pool's that only a NIC can have: "a VLAN"; NULL: none. */
const char *pool_nic_word(const struct pool *pool);

/* Does this PF belong to the pool? vendor and product are the PF's own, 0 where not read. */
bool pool_has_pf(const struct pool *pool, const struct pf *pf);

/* The pools that have this PF; the caller frees the array of *n. */
void pools_of_pf(const struct pools *pools, const struct pf *pf, const struct pool ***out,
		 size_t *n);

/* Is this VF named by one of the entries? */
bool pool_vfs_has(const struct pool_vfs *list, size_t n, const struct vf *vf);

/* Is this VF, of a PF that belongs to the pool, in the pool? All are that it does not exclude. */
bool pool_holds(const struct pool *pool, const struct vf *vf);

/*
 * Do the two pools, which both have this PF, hold a VF of it together? *index is that one, -1: all
 * of them. The PF's VFs count where it has been read with them; those that it could have beside
 * them count by their index, unless the pools speak of addresses.
 */
bool pools_share(const struct pool *a, const struct pool *b, const struct pf *pf, int *index);

#endif
