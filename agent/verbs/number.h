/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers on the command line. */
#ifndef VFPOOL_VERBS_NUMBER_H
#define VFPOOL_VERBS_NUMBER_H

#include <argp.h>

/*
 * For an argp parser: the whole of text is a decimal number from min to max, else argp_error()
 * names what it should be. Returns what the parser returns.
 */
error_t number_option(struct argp_state *state, const char *what, const char *text, unsigned min,
		      unsigned max, unsigned *out);

/* The same for a time to wait: from a second to a day. */
error_t seconds_option(struct argp_state *state, const char *what, const char *text, unsigned *out);

#endif
