/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of an execution: what its steps share. execute.c has their order, execute_in.c those by
 * which a guest gets a VF, execute_out.c those by which the host gets it back.
 */
#ifndef VFPOOL_CONVERGE_EXECUTING_H
#define VFPOOL_CONVERGE_EXECUTING_H

#include "converge/execute.h"

struct run {
	const struct execution *x;
	/* Read once for all that are confirmed. */
	struct domain_view live, config;
	struct pciaddr *up; /* PFs that were brought up */
	size_t nup;
	bool recorded; /* the guest's metadata has been written, or need not be */
};

/* The PF of a lease's VF; NULL: it is not on this host any more. */
const struct pf *run_pf(const struct run *run, const struct lease *lease);

/* The same where it has settings: they are kept by its netdev, which a PF that is no NIC has not.
 */
const struct pf *run_settings_pf(const struct run *run, const struct lease *lease);

int run_store_state(const struct run *run, struct lease *lease, enum lease_state state,
		    struct err **err);

/* Applies those of a VF's settings that are not as wanted. */
int run_apply(const struct run *run, const struct lease *lease, const struct vf_settings *now,
	      const struct vf_settings *want, struct err **err);

/* What vfpool sets itself on the subject's VF, as far as its driver can (.known of can). */
struct vf_settings run_settings_of(const struct subject *sub, const struct vf_settings *can);

/* The steps: each does what its STEP_* says (converge/plan.h). */

int in_claim(struct run *run, struct subject *sub, struct err **err);
int in_pf_up(struct run *run, struct subject *sub, struct err **err);
int in_save(struct run *run, struct subject *sub, struct err **err);
int in_set(struct run *run, struct subject *sub, struct err **err);
int in_plug_standby(struct run *run, struct subject *sub, struct err **err);
int in_plug(struct run *run, struct subject *sub, struct err **err);
int in_confirm(struct run *run, struct subject *sub, struct err **err);

int out_drop(struct run *run, struct subject *sub, struct err **err);
int out_lose(struct run *run, struct subject *sub, struct err **err);
int out_give_up(struct run *run, struct subject *sub, struct err **err);
int out_release(struct run *run, struct subject *sub, struct err **err);
int out_unplug_config(struct run *run, struct subject *sub, struct err **err);
int out_unplug_standby(struct run *run, struct subject *sub, struct err **err);
int out_unplug(struct run *run, struct subject *sub, struct err **err);
int out_settle(struct run *run, struct subject *sub, struct err **err);
int out_restore(struct run *run, struct subject *sub, struct err **err);
int out_reserve(struct run *run, struct subject *sub, struct err **err);

#endif
