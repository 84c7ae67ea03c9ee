/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deadlines: milliseconds of CLOCK_MONOTONIC. What outlives a process has the time of day. */
#ifndef VFPOOL_CORE_CLOCK_H
#define VFPOOL_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef int64_t msec;

msec clock_now(void);

/* What is left of a deadline: 0 when it has passed; fits poll(2). */
int clock_left(msec deadline, msec now);

/* The time of day, in seconds since 1970. */
int64_t clock_wall(void);

/*
 * As text in UTC, "2026-11-27T21:00:00Z". A time before 1970 or after 9999 becomes the nearest one
 * that can be written. A day that its month has not is the one so many days later.
 */
#define CLOCK_TEXT_SIZE 21
const char *clock_text(int64_t seconds, char buf[CLOCK_TEXT_SIZE]);
bool clock_parse(const char *text, int64_t *out);

#endif
