/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where all VFs of a place are of one PF, whichever is chosen does as well as another, so only
 * those that are about to be chosen are looked at closely: what the host does with their netdevs,
 * and who is in their IOMMU group. That costs more than all else that is read of a VF.
 */
#ifndef VFPOOL_CONVERGE_LOOK_H
#define VFPOOL_CONVERGE_LOOK_H

#include "converge/plan.h"
#include "core/err.h"
#include "host/host.h"

/* What PLACE_WHAT has beside it, of a place with one PF, is read by look_closer(). */
#define LOOK_WHAT (HOST_NETDEVS | HOST_GROUPS)

struct looked {
	struct pciaddr *vfs;
	size_t n;
};

/*
 * Looks at the VFs of these PFs (with less than LOOK_WHAT read) that the plan claims; where it
 * fails for something, at all, so that each is refused for what is against it. 1: that showed
 * what the plan was made without: make it again. 0: the plan stands.
 */
int look_closer(struct host *host, const struct plan *plan, struct pf *const *pfs, size_t npfs,
		struct looked *looked, struct err **err);

#endif
