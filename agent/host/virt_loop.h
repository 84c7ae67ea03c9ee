/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's event loop, one for the process: without it there are no events, and no sign of life
 * for the daemon. For virt*.c only.
 *
 * A thread runs it, as in virsh, and it must run all the time, not just while somebody waits for an
 * event: libvirtd asks each client that has an event loop for a sign of life, and cuts it off after
 * half a minute without an answer, which a wait for a guest's lock or for a VF's driver can well
 * take. But while it runs, libvirt wakes it up some times for each call. So it begins when the
 * first sign of life comes near, or where events are followed for good: most commands are over
 * before that. Who waits for an event until then runs the loop himself; and who does nothing but
 * follow events (virt_follow_only()) has no such thread at all.
 */
#ifndef VFPOOL_HOST_VIRT_LOOP_H
#define VFPOOL_HOST_VIRT_LOOP_H

#include <pthread.h>
#include <stdbool.h>

#include "core/clock.h"

/* Before the first connection; again: does nothing. 0, or an errno. */
int virt_loop_start(void);

/* After virt_follow_only(): host/virt_alone.h has the loop. */
bool virt_loop_is_alone(void);

/* From now on the thread runs it. */
void virt_loop_need(void);

/*
 * Runs it until done(arg), or the deadline (clock_now()'s). false: that is not possible, for the
 * thread runs it, or somebody else.
 */
bool virt_loop_run(bool (*done)(void *arg), void *arg, msec deadline);

/* The condition's deadlines are clock_now()'s. */
void virt_condition_init(pthread_cond_t *condition);

#endif
