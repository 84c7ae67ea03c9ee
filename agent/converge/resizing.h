/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of a resize: what its parts share. resize.c has the order of things, resize_view.c finds
 * out who is concerned and locks them, resize_vfs.c makes the VFs, resize_guests.c takes them out
 * of guests and gives them back.
 */
#ifndef VFPOOL_CONVERGE_RESIZING_H
#define VFPOOL_CONVERGE_RESIZING_H

#include "converge/converge.h"
#include "converge/execute.h"
#include "converge/plan_resize.h"
#include "converge/resize.h"

struct resizing {
	struct edges *edges;
	const struct resize_request *request;
	const struct resize_listener *listener;
	bool resumes; /* what was interrupted; the number is not to be changed */
	/* As it was found. */
	struct pf pf;
	enum vf_home home;
	struct leases leases;
	struct domain *domains;
	size_t ndomains;
	bool left;      /* there was a note already */
	bool unsettled; /* the PF has not the VFs that it should have */
	struct resize_note note;
	struct resize_plan plan;
	/* Held. */
	struct converge *guests; /* as plan.concerned */
	size_t nguests;
	int lock;
};

/* resize_view.c */

/* Reads the PF, its leases, its note and all domains, and plans. -1: also when it is refused. */
int resizing_look(struct resizing *r, struct err **err);

/* Locks all who are concerned, then the PF's number, and looks again. Needs resizing_look(). */
int resizing_lock(struct resizing *r, msec deadline, struct err **err);

void resizing_close(struct resizing *r);

int resizing_check_count(const struct resizing *r, struct err **err);
int resizing_find_note(struct edges *edges, struct pciaddr pf, struct resize_note *out, bool *found,
		       struct err **err);
struct converge *resizing_guest(const struct resizing *r, const char *uuid); /* NULL: not locked */

/* resize_vfs.c */

/* As it is by now; .plan stays, and is not to be used with it. */
int resizing_read_pf(struct resizing *r, struct err **err);

int resizing_bring_up(struct resizing *r, struct err **err);

/* Through 0 to this number, whatever there is. */
int resizing_remake(struct resizing *r, unsigned count, struct err **err);

int resizing_send_home(struct resizing *r, enum vf_home home, struct err **err);

/* After an interruption on the way from one home to another: guests may have some still. */
int resizing_send_idle_home(struct resizing *r, struct err **err);

/* From what there is to what was asked for, no guest having a VF. */
int resizing_change(struct resizing *r, struct err **err);

/*
 * What is not as it was asked for, though it was done: -1, and ERR_PARTIAL. A host that has no
 * driver for VFs at all may mean to have none.
 */
int resizing_verify(struct resizing *r, struct err **err);

/* resize_guests.c */

int resizing_park(struct resizing *r, struct err **err);

/*
 * Every guest that has to do with this PF gets its own, whether something was taken from it or not.
 * remade: it is certain that the VFs were made anew.
 */
int resizing_give_back(struct resizing *r, bool remade, struct err **err);

/* Several errors as one: the first, with the others as its details. */
void resizing_add_error(struct err **all, struct err *one);

#endif
