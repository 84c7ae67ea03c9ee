// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

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

int64_t clock_wall(void)
{
	return (int64_t)time(NULL);
}

const char *clock_text(int64_t seconds, char buf[CLOCK_TEXT_SIZE])
{
	time_t when = (time_t)(seconds < 0 ? 0 : seconds > LAST_SECOND ? LAST_SECOND : seconds);
	struct tm tm;

	(void)gmtime_r(&when, &tm);
	(void)strftime(buf, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

bool clock_parse(const char *text, int64_t *out)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	int year, month, day, hour, minute, second;
	struct tm tm = {0};

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &year, &month, &day, &hour, &minute,
		   &second) != 6 ||
	    year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
	    minute > 59 || second > 59)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	*out = (int64_t)timegm(&tm);
	return true;
}
