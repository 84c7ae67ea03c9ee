/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the VFs of a PF anew, and sees that every guest has its own again afterwards.
 *
 * All guests concerned are locked first, then the PF's number; so nobody gives a VF of it away
 * meanwhile. A note (model/resize_note.h) is written before the first guest is asked for a VF, and
 * dropped when all have theirs again. A note whose lock can be taken has nobody behind it any more:
 * resize_resume() finishes what it owes.
 */
#ifndef VFPOOL_CONVERGE_RESIZE_H
#define VFPOOL_CONVERGE_RESIZE_H

#include <stdbool.h>

#include "converge/plan.h"
#include "core/err.h"
#include "host/edges.h"

struct resize_request {
	struct pciaddr pf;
	unsigned count;
	enum vf_home home;
	bool park;        /* VFs are taken out of guests, and put back */
	bool force;       /* definitions may name VFs that are not there any more */
	unsigned seconds; /* for all guests together to let go; more for the kernel, by the VF */
};

/* Hears of each guest that was converged at the end: its assignments on the PF, with outcomes. */
struct resize_listener {
	void (*heard)(void *arg, const char *domain, const struct plan *plan);
	void *arg;
};

/*
 * Does it need libvirt? Not where the PF has no VF, nobody is promised one, and nothing is owed:
 * as on a new host.
 */
int resize_needs_guests(struct edges *edges, const struct resize_request *request, bool *needs,
			struct err **err);

/*
 * 0: the PF has as many VFs as were asked for, at home, and each guest has its own. -1: the error's
 * .now says how things stand. ERR_PARTIAL: the VFs were made, but fewer than were asked for, or
 * some are not at home, or not every guest has its own again. Anything else: the PF has the VFs
 * that it had, unless .now says otherwise.
 */
int resize_run(struct edges *edges, const struct resize_request *request,
	       const struct resize_listener *listener, struct err **err);

/*
 * Finishes what resizes that were interrupted owe to this domain; NULL: to all. What one of them
 * cannot be given does not keep the others from theirs: the first error is returned, with the
 * others as its details. One that is at work still is left alone.
 */
int resize_resume(struct edges *edges, const char *domain_uuid, unsigned seconds,
		  const struct resize_listener *listener, struct err **err);

#endif
