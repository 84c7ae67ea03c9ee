/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the name of a pool means on this host: which PFs, and by which rules. */
#ifndef VFPOOL_CONVERGE_PLACE_H
#define VFPOOL_CONVERGE_PLACE_H

#include "core/err.h"
#include "host/edges.h"
#include "model/inventory.h"
#include "model/pool.h"
#include "policies/candidates.h"

struct place {
	char *name;
	const struct pool *pool; /* its definition, borrowed; NULL: a PF that is a pool by itself */
	struct pciaddr *pfs;
	size_t npfs;
	int index;       /* the one VF that the name itself means; -1: any */
	struct err *err; /* why it means nothing here; then there are no PFs */
};

/* Everything that a choice among a place's VFs needs of its PFs. */
#define PLACE_WHAT (HOST_NETDEVS | HOST_SETTINGS | HOST_GROUPS)

/*
 * Fills *out, which the caller clears. A defined pool comes before a PF of that name; what the name
 * does not mean is in out->err, not an error of the call. No more of the host is read than is
 * needed to find the PFs: for a PF's name, that device; for a pool, the PFs without their VFs.
 */
void place_find(struct edges *edges, const char *name, struct place *out);
void place_clear(struct place *place);

/*
 * The verdicts on all VFs of the place, from PFs that the inventory has. judge is used as it is but
 * for its index and pool, which the place knows.
 */
void place_candidates(const struct place *place, const struct inventory *inventory,
		      const struct judge *judge, struct candidates *out);

#endif
