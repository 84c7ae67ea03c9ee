/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A time as people write it. */
#ifndef VFPOOL_VERBS_SINCE_H
#define VFPOOL_VERBS_SINCE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*
 * In local time "2026-11-27", "2026-11-27 21:00", "2026-11-27 21:00:30" (or with a T), "21:00" and
 * "21:00:30" of today; "90s", "30m", "2h", "7d" before now. In milliseconds since 1970.
 */
bool since_parse(const char *text, time_t now, int64_t *out);

#endif
