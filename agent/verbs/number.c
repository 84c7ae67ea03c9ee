/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

error_t number_option(struct argp_state *state, const char *what, const char *text, unsigned min,
		      unsigned max, unsigned *out)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	/* strtoul takes signs and blanks; a user who types them has made a mistake. */
	if (!*text || strspn(text, "0123456789") != strlen(text) || errno || value < min ||
	    value > max) {
		argp_error(state, "%s '%s' is not a number from %u to %u", what, text, min, max);
		return EINVAL;
	}
	*out = (unsigned)value;
	return 0;
}

error_t seconds_option(struct argp_state *state, const char *what, const char *text, unsigned *out)
{
	return number_option(state, what, text, 1, 24 * 60 * 60, out);
}
