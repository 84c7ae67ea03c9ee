// SPDX-License-Identifier: LGPL-2.1-or-later
/* pool-define: a pool from XML. */
#include <errno.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "verbs/pool_change.h"

static const struct argp_option options[] = {{0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **file = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*file)
			return ARGP_ERR_UNKNOWN;
		*file = arg;
		return 0;
	case ARGP_KEY_END:
		if (*file)
			return 0;
		argp_error(state, "it takes a file, or - for the standard input");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int define(struct pool_change *change, const char *text, const char *what, struct err **err)
{
	cleanup(pool_clear) struct pool pool = {0};
	bool known;

	if (pool_change_admit(change, text, what, NULL, &pool, err) < 0)
		return -1;
	known = pools_find(&change->pools, pool.name);
	if (pool_change_write(change, &pool, err) < 0)
		return -1;
	log_say("pool %s %s", pool.name, known ? "defined anew" : "defined");
	return 0;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	cleanup_free char *text = NULL;
	struct pool_change change;
	const char *file = NULL;
	int rc = verb_parse(verb, parse, argc, argv, &file, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	if (verb_read(file, &text, err) < 0 || pool_change_open(session, &change, err) < 0)
		return err_wrap(err, "defining a pool");
	rc = define(&change, text, strcmp(file, "-") != 0 ? file : "the standard input", err);
	pool_change_close(&change);
	if (rc < 0) {
		(void)err_wrap(err, "defining a pool");
		return err_now(err, "no pool was changed");
	}
	return 0;
}

const struct verb verb_pool_define = {
	.name = "pool-define",
	.args = "FILE|-",
	.help = "Define a pool, or define it anew, from XML",
	.options = options,
	.run = run,
};
