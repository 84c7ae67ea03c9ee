// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verbs/since.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

static bool ago(const char *text, time_t now, int64_t *out)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; digits && digits <= 9 && i < ARRAY_SIZE(units); i++)
		if (!strcmp(text + digits, units[i].unit)) {
			*out = ((int64_t)now - atoll(text) * units[i].seconds) * 1000;
			return true;
		}
	return false;
}

bool since_parse(const char *text, time_t now, int64_t *out)
{
	static const char *const forms[] = {
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d",          "%H:%M:%S",          "%H:%M"};

	if (ago(text, now, out))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm;
		const char *end;
		time_t when;

		(void)localtime_r(&now, &tm);
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		tm.tm_isdst = -1;
		end = strptime(text, forms[i], &tm);
		if (!end || *end)
			continue;
		when = mktime(&tm);
		*out = (int64_t)when * 1000;
		return when != (time_t)-1;
	}
	return false;
}
