/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moving a guest to another host: what has to be so before anything is touched, and what has to
 * come of it. Everything is asked over libvirt's connections to the two.
 */
#ifndef VFPOOL_CONVERGE_MOVE_H
#define VFPOOL_CONVERGE_MOVE_H

#include "converge/converge.h"
#include "core/err.h"
#include "model/report.h"

struct move {
	struct converge *c; /* the guest, open; borrowed */
	struct virt *there; /* borrowed */
	const char *uri;    /* of it, for words */
	/* What the host there tells; none where the guest has nothing of ours. */
	struct host_report report;
};

/*
 * Can it be moved, and would it get there what it should have? Reads only. The hook there decides
 * in the end, when it reserves the VFs: what limits a pool sets to a single guest, and which NUMA
 * node its VFs are on, is its affair. *m is filled in; move_clear() it in any case.
 */
int move_check(struct move *m, struct err **err);
void move_clear(struct move *m);

/*
 * A definition that the user gives for there: no host device may be in it, and it has to name the
 * assignments of that view, for they are what the guest is owed. what names it in errors.
 */
int move_check_xml(const struct domain *domain, const struct domain_view *view, const char *xml,
		   const char *what, struct err **err);

/* An assignment that has arrived. */
struct arrival {
	char id[ASSIGNMENT_ID_SIZE];
	struct pciaddr vf; /* of the host there */
	msec at;           /* when it was seen */
};

struct arrivals {
	struct arrival *items;
	size_t n;
};

/*
 * Waits until the guest has there all that it had parked here (those that are not optional), as far
 * as its agent there can give it; what has arrived is in *out, on failure, too. ERR_TIMEOUT: not
 * all has by the deadline. there has to be followed since before the move.
 */
int move_await(struct virt *there, const char *uuid, const struct assignments *owed, msec deadline,
	       msec (*now)(void), struct arrivals *out, struct err **err);

enum move_where { MOVE_NOWHERE, MOVE_HERE, MOVE_THERE };

/* Where does the guest run, as far as it can be known? For when it is not clear what came of it. */
enum move_where move_where(struct virt *here, struct virt *there, const char *uuid);

#endif
