/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who looks after a move: shows how far it is, ends it when the user wants that, and hurries it
 * when its time is up. From minder_start() to minder_stop() SIGINT, SIGTERM and SIGHUP end nothing
 * but the move, so that what has been begun is ended in order.
 */
#ifndef VFPOOL_VERBS_MINDER_H
#define VFPOOL_VERBS_MINDER_H

#include <signal.h>
#include <stdbool.h>

#include "core/clock.h"
#include "core/err.h"
#include "host/virt.h"

struct minder {
	/* What the user wants. */
	bool shows;       /* how far it is, */
	unsigned timeout; /* seconds; 0: as long as it takes; then: */
	enum virt_move_word hurry;
	msec (*now)(void);
	/* Its own. */
	int signals;
	sigset_t before;
	msec started;
	bool hurried, cancelled, shown, terminal;
	bool alone; /* the host there is not to be reached any more */
};

int minder_start(struct minder *minder, struct err **err);
void minder_stop(struct minder *minder);

/* For the move itself; the timeout counts from here. */
struct virt_mover minder_mover(struct minder *minder);

/* Has the user wanted an end by now? */
bool minder_is_cancelled(struct minder *minder);

#endif
