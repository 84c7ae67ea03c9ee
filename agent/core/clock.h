/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deadlines: milliseconds of CLOCK_MONOTONIC. */
#ifndef VFPOOL_CORE_CLOCK_H
#define VFPOOL_CORE_CLOCK_H

#include <stdint.h>

typedef int64_t msec;

msec clock_now(void);

/* What is left of a deadline: 0 when it has passed; fits poll(2). */
int clock_left(msec deadline, msec now);

#endif
