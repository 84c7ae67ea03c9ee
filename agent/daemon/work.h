/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the agent's workers do, each in a process of its own that says lines (daemon/line.h) to out.
 * Each can be killed at any moment: a converge carries on from anywhere.
 */
#ifndef VFPOOL_DAEMON_WORK_H
#define VFPOOL_DAEMON_WORK_H

#include <stdbool.h>

#include "core/err.h"
#include "host/edges.h"

struct work_guest {
	const char *uuid, *name;
	const char *cause; /* what happened to it */
	unsigned seconds;  /* how long it has to let go */
	bool move_failed;  /* what was parked here for one is owed now */
	bool last;         /* if it fails, it is stuck, and the store says why */
};

/* Makes one guest what it should be. Needs all edges. What fails is said, and no error. */
void work_guest(struct edges *edges, const struct work_guest *guest, int out);

/* It is stuck, for this reason: where the work itself could not say so. Needs the store. */
void work_stuck(struct edges *edges, const char *uuid, const char *name, const char *reason);

/*
 * The guest is being moved away. Waits until that has ended, and gives it what was parked for it,
 * if it is still here. Needs all edges.
 */
void work_moving(struct edges *edges, const struct work_guest *guest, int out);

/* Finishes resizes that were interrupted. Needs all edges. */
void work_resizes(struct edges *edges, unsigned seconds, int out);

/*
 * Follows libvirt's events, and says each that is of a guest with anything of ours, or of one that
 * has gone, and of the others that there was one; first all guests with anything of ours, as if
 * something had happened to them. Returns when the connection breaks: ERR_LOST. At
 * FOLLOW_WITHDRAW it does what work_withdraw() does over the connection that it has, and returns.
 * Needs libvirt and the store.
 */
int work_follow(struct edges *edges, int out, struct err **err);

/*
 * Says the guests that have leases which are not as they should be, as far as the host itself can
 * tell: the VF is gone, or there again, or on its way, or was reserved for a guest that has not
 * come; and when the next such time is over. Needs the store and the host.
 */
int work_look(struct edges *edges, int out, struct err **err);

/* Tells other hosts what is free here, if that has changed. Needs all edges. */
int work_publish(struct edges *edges, struct err **err);

/* Tells them that nobody is here any more. Needs libvirt. */
int work_withdraw(struct edges *edges, struct err **err);

/* The sooner one of two moments that are still to come, in seconds since 1970; 0: none. */
int64_t work_sooner(int64_t moment, int64_t next, int64_t now);

/* Says that it is to be looked at again then; 0: it is not. */
void work_say_again(struct edges *edges, int64_t moment, int out);

/* Says why a task could not be done. */
void work_say_failure(int out, const struct err *why);

#endif
