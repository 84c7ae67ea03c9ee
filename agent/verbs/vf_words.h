/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short words about VFs that more than one command prints. */
#ifndef VFPOOL_VERBS_VF_WORDS_H
#define VFPOOL_VERBS_VF_WORDS_H

#include "host/edges.h"
#include "model/inventory.h"
#include "policies/candidates.h"

/* "eth1/3"; the caller frees it. */
char *vf_name(const struct pf *pf, const struct vf *vf);

/*
 * Who or what has a VF, without spaces: the names of domains with commas between them, an address,
 * a bridge, a driver. NULL: nobody. The caller frees it.
 */
char *vf_holder(const struct judge *judge, const struct vf *vf, enum refusal refusal);

#endif
