// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/harmless.h"
#include "core/mem.h"

static bool is_quiet;

void log_quiet(bool quiet)
{
	is_quiet = quiet;
}

bool log_is_quiet(void)
{
	return is_quiet;
}

static void say(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* The words may quote a guest's or a device's name. */
static void say(const char *fmt, va_list ap)
{
	char *text = mem_vprintf(fmt, ap);

	for (char *end = text; (end = strchr(end, '\n'));)
		*end = ' ';
	harmless(text);
	(void)fprintf(stderr, "vfpool: %s\n", text);
	free(text);
}

void log_say(const char *fmt, ...)
{
	va_list ap;

	if (is_quiet)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}
