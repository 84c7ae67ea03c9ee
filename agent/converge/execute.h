/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Carries out a plan's steps through the edges. */
#ifndef VFPOOL_CONVERGE_EXECUTE_H
#define VFPOOL_CONVERGE_EXECUTE_H

#include "converge/plan.h"
#include "core/clock.h"
#include "core/err.h"
#include "host/edges.h"

/*
 * libvirt gives a VF back before it reports the removal, QEMU holds it for a moment longer, and the
 * driver's netdev takes another: so long the host has for that, beside the guest's time.
 */
#define SETTLE_MS 10000

struct execution {
	struct edges *edges;
	const struct virt_dom *dom; /* NULL: the domain is gone */
	const struct domain *domain;
	const struct inventory *inventory;
	struct plan *plan;
	bool whole;       /* all or nothing: a failure before the metadata is written ends it all */
	msec deadline;    /* for the guest to let go */
	unsigned seconds; /* the same as the user said it, for words */
};

/*
 * Does the steps in their order. A step that fails puts its reason into its subject's .err and ends
 * that subject's steps; the others go on. A subject whose VF turns out to be somebody else's gets
 * .taken, and its lease stands for the VF to be given up. A VF that cannot be promised ends it all,
 * so that nothing shows of a plan that cannot be done.
 *
 * -1: a step about the whole domain failed, or the connection to libvirt is lost.
 *
 * Blocks until the deadline for the guest, beside what libvirt and the kernel take.
 */
int execute(struct execution *execution, struct err **err);

#endif
