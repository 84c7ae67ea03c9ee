/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the VFs of a PF can be made anew, whose VFs they are, and what has to come out first.
 * Pure, as plan.h.
 */
#ifndef VFPOOL_CONVERGE_PLAN_RESIZE_H
#define VFPOOL_CONVERGE_PLAN_RESIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "model/domain.h"
#include "model/inventory.h"
#include "model/lease.h"
#include "model/resize_note.h"

/* What is to be, and what is. Borrowed. */
struct resize_situation {
	const struct pf *pf;          /* with HOST_NETDEVS and users, before anything is changed */
	enum vf_home home;            /* as it is */
	const struct leases *leases;  /* of the PF */
	const struct domain *domains; /* all of the host's */
	size_t ndomains;
	const struct resize_note *note; /* of an earlier one that was interrupted; NULL: none */
	unsigned count;
	enum vf_home new_home;
	bool park;  /* guests may be asked for their VFs */
	bool force; /* definitions may name VFs that are not there any more */
};

/* An assignment whose VF has to come out of its running guest. */
struct park {
	char domain_uuid[UUID_STRLEN];
	char id[ASSIGNMENT_ID_SIZE];
	struct pciaddr vf;
	char *driver; /* what the VF comes back to; NULL: not known, or none */
};

/* A domain that has or names VFs of the PF by vfpool: locked, and converged when all is done. */
struct concerned {
	char uuid[UUID_STRLEN];
	char *name;
};

struct resize_plan {
	bool remakes; /* all VFs go, and others come */
	bool rehomes; /* they are bound to something else */
	struct park *parks;
	size_t nparks;
	struct concerned *concerned; /* by UUID, which is the order of their locks */
	size_t nconcerned;
	unsigned needed;     /* fewer VFs than these, and a guest would be left without */
	struct err *refusal; /* why it is not to be done; NULL: nothing is against it */
};

void resize_plan_make(const struct resize_situation *situation, struct resize_plan *plan);
void resize_plan_clear(struct resize_plan *plan);

/* Is the VF in a running guest, by vfpool or not? */
bool resize_plan_in_guest(const struct domain *domains, size_t n, struct pciaddr vf);

#endif
