/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the host what the name of a pool means on it. */
#ifndef VFPOOL_CONVERGE_PLACE_FIND_H
#define VFPOOL_CONVERGE_PLACE_FIND_H

#include "converge/place.h"
#include "host/edges.h"
#include "model/domain.h"

/* Everything that a choice among a place's VFs needs of its PFs. */
#define PLACE_WHAT (HOST_NETDEVS | HOST_SETTINGS | HOST_GROUPS)

/*
 * Fills *out, which the caller clears. A defined pool comes before a PF of that name; what the name
 * does not mean is in out->err, not an error of the call. No more of the host is read than is
 * needed to find the PFs: for a PF's name, that device; for a pool, the PFs without their VFs. The
 * name can be POOL/INDEX, too.
 */
void place_find(struct edges *edges, const char *name, struct place *out);

/*
 * The NUMA nodes where the guest runs, when the place's pool goes by them and the guest is placed
 * at all; else none, and the host is not asked. The caller frees the array.
 */
int place_nodes(struct edges *edges, const struct place *place, const struct domain *domain,
		int **nodes, size_t *n, struct err **err);

#endif
