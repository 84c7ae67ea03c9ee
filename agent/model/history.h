/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What became of the host's leases: who got which VF when, and why. */
#ifndef VFPOOL_MODEL_HISTORY_H
#define VFPOOL_MODEL_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "core/pciaddr.h"
#include "model/assignment.h"
#include "model/lease.h"

/* One change of one lease. */
struct history_event {
	int64_t id;     /* grows with each event */
	int64_t time;   /* milliseconds since 1970 */
	int64_t lasted; /* how long the lease had been in the state it left, in ms; -1: not known */
	struct pciaddr vf;
	char assignment[ASSIGNMENT_ID_SIZE];
	char domain_uuid[UUID_STRLEN];
	char *domain_name;
	char *was, *now; /* states of a lease by name; "free" where there is none */
	char *reason;    /* why it is stuck or lost; NULL: it is not */
	char *cause;     /* the command or event that did it: "attach", "agent: guest stopped" */
};

struct history {
	struct history_event *items; /* oldest first */
	size_t n;
};

void history_clear(struct history *history);

#endif
