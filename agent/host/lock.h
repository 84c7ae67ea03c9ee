/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks among vfpool's processes: files in /run/vfpool, so a killed process holds none. One for
 * each domain (one converge a guest at a time), two for each PF: one for the settings of its VFs,
 * and one for their number, which everybody shares who uses its VFs and has for himself who makes
 * them anew; one for each pool with a limit, and one for the definitions of pools. Who wants
 * several takes the domains' locks first, in the order of their names, then PFs', then pools'.
 */
#ifndef VFPOOL_HOST_LOCK_H
#define VFPOOL_HOST_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/clock.h"
#include "core/err.h"

#define LOCK_DIR "/run/vfpool"
#define LOCK_OF_DOMAIN "domain-" /* the UUID follows */
#define LOCK_OF_NUMBER "resize-" /* the PF's address follows */

/*
 * Takes the lock called name ("domain-<uuid>", "pf-<address>", "resize-<address>") and gives a
 * descriptor that holds it until it is closed. Blocks until the deadline: ERR_TIMEOUT, which names
 * the process that holds it.
 */
int lock_take(const char *name, msec deadline, int *fd, struct err **err);

/* Takes it together with others who share it, against those who take it for themselves. */
int lock_share(const char *name, msec deadline, int *fd, struct err **err);

/*
 * Does another process have it for itself? As far as one may know that: a lock is for its owner to
 * read.
 */
bool lock_is_taken(const char *name);

/* Closes its descriptor, and says before that its holder owes nobody anything. */
void lock_done(int fd);

/*
 * Who has it, or had it last; 0: not known. *done: that one had said so; one that was killed has
 * not.
 */
pid_t lock_holder(const char *name, bool *done);

/* From now on this process is named as the holder: a child that has the descriptor, too. */
void lock_hand_to(int fd, pid_t pid);

/* A descriptor that becomes readable when a lock is let go, in whichever way its holder ends. */
int lock_watch(int *fd, struct err **err);

/*
 * Calls freed for each lock that was let go since the last time; name NULL: for any, since some may
 * have been missed. Does not wait. false: the descriptor tells nothing any more.
 */
bool lock_watched(int fd, void (*freed)(void *arg, const char *name), void *arg);

/*
 * Opens their directory, which is made if it is missing. One that others can write to is refused:
 * what is found in it would be theirs.
 */
int lock_open_dir(const char *dir, int *fd, struct err **err);

/* The same with another directory, for tests. */
int lock_watch_in(const char *dir, int *fd, struct err **err);
bool lock_is_taken_in(const char *dir, const char *name);
pid_t lock_holder_in(const char *dir, const char *name, bool *done);
int lock_take_in(const char *dir, const char *name, msec deadline, int *fd, struct err **err);
int lock_share_in(const char *dir, const char *name, msec deadline, int *fd, struct err **err);

#endif
