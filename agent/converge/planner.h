/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of planning: what the files that make a plan share. */
#ifndef VFPOOL_CONVERGE_PLANNER_H
#define VFPOOL_CONVERGE_PLANNER_H

#include "converge/plan.h"

/* The work in hand: what the subjects claim and occupy, so that the next one does not. */
struct planner {
	const struct situation *s;
	struct plan *plan;
	struct pciaddr *claimed;
	size_t nclaimed;
	struct pciaddr *slots;
	size_t nslots;
	struct pciaddr *mates; /* PFs of the guest's VFs, those that it gets now, too */
	size_t nmates;
};

bool planner_listed(const struct pciaddr *list, size_t n, struct pciaddr addr);
void planner_list(struct pciaddr **list, size_t *n, struct pciaddr addr);

/* Our device of that assignment in a view; NULL: it is not there. */
struct device *planner_device(const struct situation *s, unsigned view, const char *id);

/* The VF at an address of the host, and its PF; NULL: it was not read, or there is none. */
const struct vf *planner_vf(const struct situation *s, struct pciaddr addr, const struct pf **pf);

/* A claim for the subject. */
struct lease planner_lease(const struct situation *s, const struct subject *sub,
			   const struct pf *pf, const struct vf *vf);

/*
 * Chooses a VF for an assignment that has none: the one that its definition names, if that is free.
 * With it come form and MAC, where they are not said: they depend on what the VF is. Fills in
 * .fresh and .claims, or .err.
 */
void planner_choose(struct planner *p, struct subject *sub);

/*
 * The guest addresses that its device and its standby are to have: their own of old, else free
 * ones; or .err.
 */
void planner_slots(struct planner *p, struct subject *sub);

/* Where its standby is to come out and to go in. */
void planner_standby_learn(const struct situation *s, struct subject *sub);

/* Can its standby be on the network that it is to go to? Else .err. */
void planner_standby(struct planner *p, struct subject *sub);

/* All the steps of a plan whose subjects are known. */
void planner_order(const struct situation *s, struct plan *plan);

#endif
