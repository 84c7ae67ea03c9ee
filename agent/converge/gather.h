/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The facts that a plan is made from: what is read of the host, of libvirt and of the store for it,
 * and what is locked so that it stays so until the plan is executed.
 */
#ifndef VFPOOL_CONVERGE_GATHER_H
#define VFPOOL_CONVERGE_GATHER_H

#include "converge/converge.h"
#include "converge/place.h"

/* What a plan is made from, owned. */
struct gathered {
	struct leases leases;
	struct inventory inventory;
	unsigned *whats; /* HOST_*: how much has been read of each PF of the inventory */
	size_t nwhats;
	struct place *places;
	size_t nplaces;
	struct foreigns foreigns;
	struct networks networks;
	int *nodes; /* NUMA, of the guest */
	size_t nnodes;
	struct pciaddr *gone; /* VFs of devices of ours that the host has not any more */
	size_t ngone;
	bool changes; /* more than a plan is wanted: then no PF's number may change meanwhile */
	int *locks;
	size_t nlocks;
};

/*
 * Reads what the scope (NULL: all) needs and no more: the PFs of its leases and devices; and where
 * a VF is to be chosen, that pool's PF with everything, its leases, and the other domains' devices.
 * The domain and its own leases are taken as c has them; busy are VFs that turned out to be
 * somebody else's, whose assignments need another. Of a domain that is given
 * (converge_open_given()) nothing is asked of libvirt.
 *
 * *g is zeroed before, but for .changes; the caller owes gathered_clear() after -1, too. With
 * .changes it waits, until c's deadline, for the locks of the PFs' numbers (but for c->resizing)
 * and of the pools that have a total limit, and g holds them: ERR_TIMEOUT. A name of a pool that
 * means nothing here, a lease's PF that is not there any more, and a device's VF that is not
 * (.gone) are for the plan to say, and no error.
 */
int gather(struct converge *c, const struct wants *wants, const struct scope *scope,
	   const struct pciaddr *busy, size_t nbusy, struct gathered *g, struct err **err);

/* Lets go of the locks, too. */
void gathered_clear(struct gathered *g);

/*
 * The places' PFs of which less has been read than a choice needs: for look_closer(). The caller
 * frees the array; the PFs are g's.
 */
struct pf **gathered_not_looked_at(struct gathered *g, size_t *n);

#endif
