// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/err.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/harmless.h"
#include "core/mem.h"

static void set_taking(struct err **err, enum err_code code, char *what)
{
	err_free(err);
	*err = mem_zero(1, sizeof(**err));
	(*err)->code = code;
	(*err)->what = what;
}

int err_set(struct err **err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	set_taking(err, code, mem_vprintf(fmt, ap));
	va_end(ap);
	return -1;
}

int err_errno(struct err **err, int errnum, const char *fmt, ...)
{
	va_list ap;
	char *what;

	if (!err)
		return -1;
	va_start(ap, fmt);
	what = mem_vprintf(fmt, ap);
	va_end(ap);
	set_taking(err, ERR_FAILED, mem_printf("%s: %s", what, strerror(errnum)));
	free(what);
	return -1;
}

int err_pass(struct err **err, struct err *why)
{
	if (err)
		*err = why;
	else
		err_free(&why);
	return -1;
}

int err_wrap(struct err **err, const char *fmt, ...)
{
	va_list ap;
	char *doing, *what;

	if (!err || !*err)
		return -1;
	va_start(ap, fmt);
	doing = mem_vprintf(fmt, ap);
	va_end(ap);
	what = mem_printf("%s: %s", doing, (*err)->what);
	free(doing);
	free((*err)->what);
	(*err)->what = what;
	return -1;
}

int err_detail(struct err **err, const char *fmt, ...)
{
	va_list ap;
	char *line, *details;

	if (!err || !*err)
		return -1;
	va_start(ap, fmt);
	line = mem_vprintf(fmt, ap);
	va_end(ap);
	details = mem_printf("%s%s\n", (*err)->details ? (*err)->details : "", line);
	free(line);
	free((*err)->details);
	(*err)->details = details;
	return -1;
}

int err_now(struct err **err, const char *fmt, ...)
{
	va_list ap;

	if (!err || !*err)
		return -1;
	free((*err)->now);
	va_start(ap, fmt);
	(*err)->now = mem_vprintf(fmt, ap);
	va_end(ap);
	return -1;
}

int err_next(struct err **err, const char *fmt, ...)
{
	va_list ap;

	if (!err || !*err || (*err)->next)
		return -1;
	va_start(ap, fmt);
	(*err)->next = mem_vprintf(fmt, ap);
	va_end(ap);
	return -1;
}

int err_recode(struct err **err, enum err_code code)
{
	if (err && *err)
		(*err)->code = code;
	return -1;
}

int err_exit_status(enum err_code code)
{
	switch (code) {
	case ERR_USAGE:
	case ERR_NO_VF:
	case ERR_GUEST:
	case ERR_PARTIAL:
		return (int)code;
	case ERR_FAILED:
	case ERR_ABSENT:
	case ERR_TAKEN:
	case ERR_TIMEOUT:
	case ERR_LOST:
	case ERR_UNSUPPORTED:
		break;
	}
	return 1;
}

/*
 * What is printed can hold text from a guest's definition or a device's name.
 */
static void print_lines(const char *text, const char *first, FILE *out)
{
	cleanup_free char *copy = mem_strdup(text);
	const char *before = first;

	for (char *rest = copy, *line; rest && *rest; before = "  ") {
		line = strsep(&rest, "\n");
		for (char *tab = line; (tab = strchr(tab, '\t'));)
			*tab = ' ';
		harmless(line);
		(void)fprintf(out, "%s%s\n", before, line);
	}
}

void err_print(const struct err *err, FILE *out)
{
	if (!err)
		return;
	print_lines(err->what, "vfpool: ", out);
	if (err->details)
		print_lines(err->details, "  ", out);
	if (err->now)
		print_lines(err->now, "  ", out);
	if (err->next)
		print_lines(err->next, "  ", out);
}

void err_free(struct err **err)
{
	if (!err || !*err)
		return;
	free((*err)->what);
	free((*err)->details);
	free((*err)->now);
	free((*err)->next);
	free(*err);
	*err = NULL;
}
