/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --live, --config, --current and --persistent, with virsh's meanings. */
#ifndef VFPOOL_VERBS_AFFECT_H
#define VFPOOL_VERBS_AFFECT_H

#include <argp.h>
#include <stdbool.h>

#include "core/err.h"
#include "model/domain.h"

struct affect {
	bool live, config, current, persistent;
};

/* Keys of long options that have no letter; verbs' own start at AFFECT_KEY_END. */
enum {
	AFFECT_KEY_LIVE = 0x200,
	AFFECT_KEY_CONFIG,
	AFFECT_KEY_CURRENT,
	AFFECT_KEY_PERSISTENT,
	AFFECT_KEY_END,
};

/* Entries of a verb's argp_option array. */
#define AFFECT_OPTIONS                                                                           \
	{"live", AFFECT_KEY_LIVE, NULL, 0, "Affect the running guest", 0},                       \
		{"config", AFFECT_KEY_CONFIG, NULL, 0, "Affect the next boot", 0},               \
		{"current",                                                                      \
		 AFFECT_KEY_CURRENT,                                                             \
		 NULL,                                                                           \
		 0,                                                                              \
		 "Affect the current state: the running guest, or the next boot of one that is " \
		 "off "                                                                          \
		 "(the default)",                                                                \
		 0},                                                                             \
	{                                                                                        \
		"persistent", AFFECT_KEY_PERSISTENT, NULL, 0,                                    \
			"Affect the next boot, and the running guest if there is one", 0         \
	}

/* Takes the key if it is one of these. */
bool affect_option(struct affect *affect, int key);

/* The views it means for this domain: VIEW_*. ERR_USAGE for options that contradict each other. */
int affect_views(const struct affect *affect, const struct domain *domain, unsigned *views,
		 struct err **err);

#endif
