/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of executing: a running guest is asked to let go of devices, and waited for. Asking only
 * asks; the answer comes as an event, or not at all.
 */
#ifndef VFPOOL_CONVERGE_AWAIT_H
#define VFPOOL_CONVERGE_AWAIT_H

#include "converge/execute.h"

/* Which of a subject's devices. */
enum part { PART_VF, PART_STANDBY };

/* Asks for the subject's device. -1: nobody could be asked, or the connection is lost. */
int await_ask(const struct execution *execution, struct subject *subject, enum part part,
	      struct err **err);

/*
 * Until all are out that were asked for, or the deadline: then those that are not have an error. It
 * asks again in between: a guest that boots may ignore an unplug. -1: the connection is lost.
 */
int await_all(const struct execution *execution, enum part part, struct err **err);

#endif
