/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Converge: make one domain what it should be. Every command edits wants and calls this; it is
 * level-triggered, so calling it again after any crash carries on.
 */
#ifndef VFPOOL_CONVERGE_CONVERGE_H
#define VFPOOL_CONVERGE_CONVERGE_H

#include "converge/plan.h"
#include "core/clock.h"
#include "core/err.h"
#include "host/edges.h"

#define CONVERGE_TIMEOUT_S 30

/* One domain, locked against every other vfpool process, as it was found. */
struct converge {
	struct edges *edges;
	struct virt_dom dom;
	bool given; /* the domain is as the caller says, and not libvirt's to tell: it is on its way
		     */
	bool by_lease; /* opened so: that it is gone is no failure */
	bool gone;     /* libvirt does not know it any more; dom has its name and UUID only */
	struct domain domain;
	struct leases leases; /* the domain's own */
	unsigned seconds;     /* how long the guest has to let go */
	msec deadline;
	bool park_all;   /* park_domain() takes out what could move with the guest, too */
	int64_t expires; /* CONVERGE_RESERVE: when the reservations do; seconds since 1970 */
	int lock;
	bool succeeded;                 /* some work on it: it may not be stuck any more */
	bool failed;                    /* some: there is more to be done */
	const struct pciaddr *resizing; /* the PF whose number the caller has locked; NULL: none */
};

/*
 * Finds the domain (name, UUID or id), takes its lock and reads it. Waits for the lock no longer
 * than seconds. ERR_ABSENT: no such domain. Metadata of ours that is not valid is an error: it is
 * never guessed at, and never written over. On failure there is nothing to close.
 */
int converge_open(struct converge *c, struct edges *edges, const char *name, unsigned seconds,
		  struct err **err);

/* The same for a domain that leases name; one that is not there any more is .gone. */
int converge_open_leased(struct converge *c, struct edges *edges, const char *uuid,
			 const char *name, unsigned seconds, struct err **err);

/*
 * A domain that is not here yet, and libvirt not to be asked: for CONVERGE_RESERVE and
 * CONVERGE_PLAN alone. Takes what domain holds. No lock is taken; the deadline is for other locks.
 */
int converge_open_given(struct converge *c, struct edges *edges, struct domain *domain,
			msec deadline, struct err **err);

/*
 * Reads the domain anew and gives it another so many seconds: before a second converge_run(), since
 * the first one changed things.
 */
int converge_again(struct converge *c, unsigned seconds, struct err **err);

/* If it was put right, it is not noted as stuck any more; its lock tells whether anything failed.
 */
void converge_close(struct converge *c);

enum converge_mode {
	CONVERGE_PLAN,  /* plan only; nothing is changed */
	CONVERGE_CHECK, /* nothing is begun unless everything can be planned */
	CONVERGE_MEND,  /* what can be done is done */
	/*
	 * The VFs are promised and nothing else is done: LEASE_RESERVED. What was reserved already
	 * is so for longer. Nothing is, unless all that are not optional can be.
	 */
	CONVERGE_RESERVE,
};

/*
 * Plans and executes until the scope is as wanted, taking the next VF when one turns out to be
 * somebody else's. *plan is the last plan, with each subject's outcome, and the caller clears it
 * with plan_clear(); it is zeroed when -1 comes before any plan.
 *
 * -1: not all of the scope is as wanted; the error is the first subject's, moved out of its .err,
 * so that .failed is what tells which ones are not. What was done stays done: the caller says what
 * should be instead and calls again (attach undoes), or leaves it to the next converge.
 *
 * *steps, when not NULL, is increased by the number of steps done.
 */
int converge_run(struct converge *c, const struct wants *wants, const struct scope *scope,
		 enum converge_mode mode, struct plan *plan, size_t *steps, struct err **err);

/* The views that the domain has: VIEW_* bits. */
unsigned converge_views(const struct converge *c);

/*
 * After one that failed: the scope becomes what before says again, in these views, which are those
 * that the domain had then. What has come meanwhile, as the definition of a transient domain, stays
 * as it is.
 */
int converge_back(struct converge *c, const struct wants *before, unsigned views,
		  const struct scope *scope, struct err **err);

#endif
