/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --bypass-cache, --running and --paused, with virsh's meanings. */
#ifndef VFPOOL_VERBS_SAVE_OPTIONS_H
#define VFPOOL_VERBS_SAVE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "host/virt.h"

enum { SAVE_KEY_BYPASS_CACHE = 0x200, SAVE_KEY_RUNNING, SAVE_KEY_PAUSED, SAVE_KEY_END };

/* Entries of a verb's argp_option array. */
#define SAVE_OPTIONS                                                                              \
	{"bypass-cache", SAVE_KEY_BYPASS_CACHE, NULL, 0, "Leave the host's page cache alone", 0}, \
		{"running", SAVE_KEY_RUNNING, NULL, 0, "The guest runs when it is restored", 0},  \
	{                                                                                         \
		"paused", SAVE_KEY_PAUSED, NULL, 0, "The guest is paused when it is restored", 0  \
	}

/* Takes the key if it is one of these. */
static inline bool save_option(unsigned *flags, int key)
{
	switch (key) {
	case SAVE_KEY_BYPASS_CACHE:
		*flags |= VIRT_BYPASS_CACHE;
		return true;
	case SAVE_KEY_RUNNING:
		*flags |= VIRT_RUNNING;
		return true;
	case SAVE_KEY_PAUSED:
		*flags |= VIRT_PAUSED;
		return true;
	default:
		return false;
	}
}

/* At the end of an argp parser. */
static inline error_t save_check(struct argp_state *state, unsigned flags)
{
	if ((flags & VIRT_RUNNING) == 0 || (flags & VIRT_PAUSED) == 0)
		return 0;
	argp_error(state, "--running and --paused cannot go together");
	return 1;
}

#endif
