// SPDX-License-Identifier: LGPL-2.1-or-later
/* pool-dumpxml: a pool as XML. */
#include <errno.h>
#include <stdio.h>

#include "converge/pools.h"
#include "core/cleanup.h"
#include "verbs/pool_change.h"
#include "xml/pool.h"

static const struct argp_option options[] = {{0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **name = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*name)
			return ARGP_ERR_UNKNOWN;
		*name = arg;
		return 0;
	case ARGP_KEY_END:
		if (*name)
			return 0;
		argp_error(state, "it takes a pool");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int dump(struct session *session, const char *name, struct err **err)
{
	cleanup(pools_clear) struct pools pools = {0};
	cleanup_free char *text = NULL;
	const struct pool *pool;

	if (pools_read(session->pools, &pools, err) < 0)
		return -1;
	pool = pools_find(&pools, name);
	if (!pool)
		return pool_not_defined(name, err);
	if (pool->error) {
		err_set(err, ERR_FAILED, "pool %s cannot be used: %s", name, pool->error);
		return err_next(err, "`vfpool pool-edit %s` mends it", name);
	}
	text = pool_xml_format(pool);
	if (fputs(text, stdout) < 0 || fflush(stdout))
		return err_errno(err, errno, "writing the XML");
	return 0;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	const char *name = NULL;
	int rc = verb_parse(verb, parse, argc, argv, &name, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	return dump(session, name, err);
}

const struct verb verb_pool_dumpxml = {
	.name = "pool-dumpxml",
	.args = "POOL",
	.help = "Show a pool's definition",
	.options = options,
	.run = run,
};
