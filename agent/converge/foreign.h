/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host's domains have that vfpool did not give them. */
#ifndef VFPOOL_CONVERGE_FOREIGN_H
#define VFPOOL_CONVERGE_FOREIGN_H

#include "core/err.h"
#include "host/edges.h"
#include "host/memo.h"
#include "model/domain.h"
#include "policies/candidates.h"

/*
 * Goes through all domains: one call for the list, one for each definition. known, which may be
 * NULL, is a domain that has been read already and is not asked for again; then the others are
 * recalled where somebody has kept them, and libvirt is not asked at all. A domain that vanishes
 * meanwhile is passed over; one that cannot be read is reported (log_warn) and passed over.
 */
int foreigns_gather(struct edges *edges, const struct domain *known, struct foreigns *out,
		    struct err **err);

/* As somebody has gathered them when the mark was the same. false: nobody has. */
bool foreigns_recall(const struct memo *memo, const struct memo_mark *mark, struct foreigns *out);

/* Those of all but this domain, for whoever has read that one; libvirt is not asked. */
bool foreigns_recall_others(const struct edges *edges, const char *domain, struct foreigns *out);

/* For foreigns_recall(); the mark was taken before they were gathered over these edges. */
void foreigns_keep(struct edges *edges, const struct memo_mark *mark,
		   const struct foreigns *foreigns);

/*
 * Fills in .user of the VFs that are on a driver of VFIO's, without a lease and in no running guest
 * that libvirt knows: a driver does not tell whether somebody has such a VF open. Where there are
 * some that is one walk over the host's processes, else nothing.
 */
void users_gather(struct host *host, const struct leases *leases, const struct foreigns *foreigns,
		  struct inventory *inventory);

#endif
