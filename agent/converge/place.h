/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the name of a pool means on a host: which PFs, and by which rules. Pure. */
#ifndef VFPOOL_CONVERGE_PLACE_H
#define VFPOOL_CONVERGE_PLACE_H

#include "core/err.h"
#include "core/idset.h"
#include "model/inventory.h"
#include "model/lease.h"
#include "model/pool.h"
#include "policies/candidates.h"
#include "policies/policy.h"

struct place {
	char *name;
	const struct pool *pool; /* its definition, borrowed; NULL: a PF that is a pool by itself */
	/* Of a PF that is named itself: the defined pools that have it. Their rules hold still. */
	const struct pool **also;
	size_t nalso;
	struct pciaddr *pfs;
	size_t npfs;
	int index;       /* the one VF that the name itself means; -1: any */
	struct err *err; /* why it means nothing here; then there are no PFs */
};

void place_clear(struct place *place);

/* Its PFs become those of these that its pool has; they have to be known by all their names. */
void place_add_pfs(struct place *place, const struct inventory *names);

/* Is this VF of this PF one of the place's? */
bool place_holds(const struct place *place, struct pciaddr pf, struct pciaddr vf, unsigned index);

/*
 * Adds to judge how many of the place's VFs are leased: to this guest, and to all. except (NULL:
 * none) is the assignment that is to get a VF: what it has does not count against it.
 */
void place_count(const struct place *place, const struct leases *leases, const char *domain_uuid,
		 const char *except, struct judge *judge);

/*
 * The verdicts on all VFs of the place, from PFs that the inventory has. judge is used as it is but
 * for its index and pools, which the place knows.
 */
void place_candidates(const struct place *place, const struct inventory *inventory,
		      const struct judge *judge, struct candidates *out);

struct stock {
	unsigned vfs;    /* all of the place's */
	unsigned leased; /* that guests have by us */
	unsigned free;   /* that guests could get still: a pool's limit counts */
};

/*
 * How many VFs there are, by PFs that the inventory has. Adds to free_vfs (NULL: not wanted) those
 * that are free, by their index.
 */
struct stock place_stock(const struct place *place, const struct inventory *inventory,
			 const struct leases *leases, const struct foreigns *foreigns,
			 struct idset *free_vfs);

/* The best of them by the policies of the place; NULL: none is free. */
const struct candidate *place_choose(const struct place *place, const struct choice *choice);

#endif
