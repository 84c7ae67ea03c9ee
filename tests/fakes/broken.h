/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command is broken at each call of an edge in turn, each time in a world of its own: the call
 * fails, or is the last one that the program ever makes. What must be so after that is the test's.
 */
#ifndef VFPOOL_TESTS_FAKES_BROKEN_H
#define VFPOOL_TESTS_FAKES_BROKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "fakes/world.h"

/* What has become of the command. */
struct broken {
	const char *name;      /* of the scenario, for words */
	const char *where;     /* the same: "killed at call 7 (claim)" */
	int status;            /* its exit status; killed, it has none that anybody sees */
	const struct err *err; /* what it said; NULL: nothing */
	bool whole;            /* the last time: nothing was broken */
};

struct breaking {
	/* Makes the world as it is before the command. */
	void (*set)(struct world *w, const void *scenario);
	/* Whether all is well, after each time. Nothing is broken by then. */
	void (*check)(struct world *w, const void *scenario, const struct broken *broken);
};

enum break_how { BREAK_FAILS, BREAK_DIES };

/*
 * Breaks the command at its first call, its second, and so on, until it has run whole. The number
 * of calls that it makes then: a test that has broken none has proved nothing.
 */
unsigned break_everywhere(const struct breaking *breaking, enum break_how how, const char *name,
			  const char *command, const void *scenario);

#endif
