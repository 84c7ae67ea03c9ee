/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* unpark: gives a guest back what was parked, on whichever host it is by now. */
#include <errno.h>
#include <string.h>

#include "converge/park.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "verbs/number.h"
#include "verbs/unparked.h"
#include "verbs/verb.h"

enum { KEY_TIMEOUT = 0x200 };

static const struct argp_option options[] = {
	{"timeout", KEY_TIMEOUT, "SECONDS", 0,
	 "Wait so long for another vfpool at the same guest (default 30)", 0},
	{0},
};

struct request {
	const char *domain;
	unsigned timeout;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_TIMEOUT:
		return seconds_option(state, "timeout", arg, &request->timeout);
	case ARGP_KEY_ARG:
		if (state->arg_num)
			return ARGP_ERR_UNKNOWN;
		request->domain = arg;
		return 0;
	case ARGP_KEY_END:
		if (request->domain)
			return 0;
		argp_error(state, "it takes a domain");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The domain that this host keeps VFs for, by name or UUID; "": none. */
static int find_kept(struct edges *edges, const char *name, char uuid[UUID_STRLEN],
		     struct err **err)
{
	struct leases leases = {0};

	*uuid = '\0';
	if (edges->store->ops->list(edges->store, NULL, NULL, &leases, err))
		return -1;
	for (size_t i = 0; i < leases.n && !*uuid; i++) {
		const struct lease *lease = &leases.items[i];

		if (lease->state == LEASE_RESERVED &&
		    (!strcmp(lease->domain_name, name) || !strcmp(lease->domain_uuid, name)))
			memcpy(uuid, lease->domain_uuid, UUID_STRLEN);
	}
	leases_clear(&leases);
	return 0;
}

/*
 * It has moved away: what was kept here in case that it would not is free. So one and the same
 * command is right on both hosts after a move. why, which says that it is not here, is taken.
 */
static int forget(struct session *session, const struct request *request, struct err *why,
		  struct err **err)
{
	char uuid[UUID_STRLEN];
	struct converge c;
	size_t n = 0;
	int result;

	if (find_kept(&session->edges, request->domain, uuid, err)) {
		err_free(&why);
		return -1;
	}
	if (!*uuid)
		return err_pass(err, why);
	err_free(&why);
	if (converge_open_leased(&c, &session->edges, uuid, request->domain, request->timeout, err))
		return -1;
	result = park_forget(&c, false, &n, err);
	converge_close(&c);
	if (result)
		return -1;
	log_say("%s is not on this host; %zu VF%s that had been kept for it %s free",
		request->domain, n, n == 1 ? "" : "s", n == 1 ? "is" : "are");
	return unparked_nothing(session->mode, "unparked", err);
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.timeout = CONVERGE_TIMEOUT_S};
	struct err *why = NULL;
	struct converge c;
	int result, parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	if (session_need(session, NEED_HOST | NEED_POOLS | NEED_VIRT | NEED_STORE_WRITE, err))
		return err_wrap(err, "giving %s its VFs back", request.domain);
	if (!converge_open(&c, &session->edges, request.domain, request.timeout, &why)) {
		result = unparked(&c, session->mode, "unparked", err);
		converge_close(&c);
	} else if (why->code == ERR_ABSENT) {
		result = forget(session, &request, why, err);
	} else {
		err_pass(err, why);
		result = -1;
	}
	return result ? err_wrap(err, "giving %s its VFs back", request.domain) : 0;
}

const struct verb verb_unpark = {
	.name = "unpark",
	.args = "DOMAIN",
	.help = "Give a guest back what was parked",
	.options = options,
	.run = run,
};
