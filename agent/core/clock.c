// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/clock.h"

#include <limits.h>
#include <time.h>

msec clock_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (msec)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int clock_left(msec deadline, msec now)
{
	if (deadline <= now)
		return 0;
	return deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now);
}
