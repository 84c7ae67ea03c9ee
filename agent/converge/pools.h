/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The defined pools: their files, held against each other and against this host's PFs. What is
 * wrong with one is in its .error, and hides no other.
 */
#ifndef VFPOOL_CONVERGE_POOLS_H
#define VFPOOL_CONVERGE_POOLS_H

#include "core/err.h"
#include "host/host.h"
#include "model/pool.h"

/* All definitions in a directory; no directory: none. The caller clears *out. */
int pools_read(const char *dir, struct pools *out, struct err **err);

/*
 * No VF can be in two pools: those that hold one together get an .error, both of them. The host is
 * asked only where there are two pools; for one PF's VFs only where two pools share that PF.
 */
int pools_settle(struct host *host, struct pools *pools, struct err **err);

/*
 * Can this pool stand beside the others (but for one of its own name)? ERR_FAILED: it holds a VF
 * that one of them has, or its name is that of a PF that it does not hold.
 */
int pools_admit(struct host *host, const struct pools *others, const struct pool *pool,
		struct err **err);

#endif
