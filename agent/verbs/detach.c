/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* detach: takes assignments from what the guest should have, and converges. */
#include <stdlib.h>
#include <string.h>

#include "converge/converge.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "verbs/affect.h"
#include "verbs/assigned.h"
#include "verbs/number.h"
#include "verbs/select.h"
#include "verbs/verb.h"

enum { KEY_ALL = AFFECT_KEY_END, KEY_TIMEOUT };

static const struct argp_option options[] = {
	{"all", KEY_ALL, NULL, 0, "All VFs that vfpool gave the guest", 0},
	AFFECT_OPTIONS,
	{"timeout", KEY_TIMEOUT, "SECONDS", 0, "Give the guest so long to let go (default 30)", 0},
	{0},
};

struct request {
	const char *domain;
	const char *what; /* pool, VF, MAC or assignment id; NULL: the only one, or all */
	bool all;
	struct affect affect;
	unsigned timeout;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	if (affect_option(&request->affect, key))
		return 0;
	switch (key) {
	case KEY_ALL:
		request->all = true;
		return 0;
	case KEY_TIMEOUT:
		return seconds_option(state, "timeout", arg, &request->timeout);
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			request->domain = arg;
		else if (state->arg_num == 1)
			request->what = arg;
		else
			return ARGP_ERR_UNKNOWN;
		return 0;
	case ARGP_KEY_END:
		if (!request->domain)
			argp_error(state, "it takes a domain");
		else if (request->all && request->what)
			argp_error(state, "--all and '%s' cannot go together", request->what);
		else
			return 0;
		return 1;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void unwant(struct wants *wants, const struct scope *scope, unsigned views)
{
	for (size_t i = 0; i < scope->n; i++) {
		if (views & VIEW_LIVE)
			assignments_remove(&wants->live, scope->ids[i]);
		if (views & VIEW_CONFIG)
			assignments_remove(&wants->config, scope->ids[i]);
	}
}

static int print(const char *domain, const struct plan *plan, enum table_mode mode,
		 struct err **err)
{
	cleanup_table struct table *table = NULL;
	size_t done = 0;

	if (assigned_new("detached", mode, &table, err))
		return -1;
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (!plan->subjects[i].failed) {
			assigned_add(table, domain, &plan->subjects[i]);
			done++;
		}
	return done || mode == TABLE_JSON ? table_print(table, err) : 0;
}

/* Part of them gone is told apart from none, but for guests that only need more time. */
static void judge(const struct plan *plan, struct err **err)
{
	size_t failed = 0;

	for (size_t i = 0; i < plan->nsubjects; i++)
		failed += plan->subjects[i].failed;
	if (failed && failed < plan->nsubjects && (*err)->code != ERR_GUEST &&
	    (*err)->code != ERR_LOST)
		err_recode(err, ERR_PARTIAL);
}

static int detach(struct converge *c, void *given, enum table_mode mode, struct err **err)
{
	const struct request *request = given;
	struct wants wants = wants_of(&c->domain);
	struct scope scope = {0};
	struct plan plan = {0};
	cleanup_err struct err *unprinted = NULL;
	unsigned views;
	int result = -1;

	if (!affect_views(&request->affect, &c->domain, &views, err) &&
	    !select_assignments(c, request->what, request->all, &scope, err) &&
	    !select_check_views(c, &scope, views, err)) {
		unwant(&wants, &scope, views);
		result = converge_run(c, &wants, &scope, CONVERGE_MEND, &plan, NULL, err);
		if (result)
			judge(&plan, err);
		if ((plan.nsubjects || (!result && mode == TABLE_JSON)) &&
		    print(c->domain.name, &plan, mode, result ? &unprinted : err))
			result = -1;
	} else {
		err_now(err, "nothing was changed");
	}
	plan_clear(&plan);
	scope_clear(&scope);
	wants_clear(&wants);
	return result;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.timeout = CONVERGE_TIMEOUT_S};
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	return verb_on_guest(session, request.domain, request.timeout, detach, &request,
			     "detaching from", err);
}

const struct verb verb_detach = {
	.name = "detach",
	.args = "DOMAIN [POOL|VF|MAC|ASSIGNMENT]",
	.help = "Take VFs from a guest",
	.options = options,
	.run = run,
};
