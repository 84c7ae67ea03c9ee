/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* set: changes the settings of VFs that a guest has. */
#include <errno.h>

#include "converge/converge.h"
#include "core/cleanup.h"
#include "verbs/affect.h"
#include "verbs/asked.h"
#include "verbs/assigned.h"
#include "verbs/number.h"
#include "verbs/select.h"
#include "verbs/verb.h"

enum { KEY_TIMEOUT = AFFECT_KEY_END };

static const struct argp_option options[] = {
	ASKED_OPTIONS,
	AFFECT_OPTIONS,
	{"timeout", KEY_TIMEOUT, "SECONDS", 0,
	 "Wait so long for another vfpool at the same guest (default 30)", 0},
	{0},
};

struct request {
	const char *domain, *what;
	struct asked asked;
	struct affect affect;
	unsigned timeout;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;
	error_t rc;

	if (affect_option(&request->affect, key))
		return 0;
	rc = asked_option(&request->asked, key, arg, state);
	if (rc != ARGP_ERR_UNKNOWN)
		return rc;
	switch (key) {
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
		if (!request->what)
			argp_error(state, "it takes a domain and an assignment (or pool, VF, MAC)");
		else if (!request->asked.set && !request->asked.unset && !request->asked.qos_set &&
			 !request->asked.proto_set)
			argp_error(state, "there is nothing to set");
		else
			return 0;
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Nobody changes the VLAN of a NIC that is in the guest, and it must not be left in another one. */
static int check_standby(const struct assignment *a, uint16_t vlan, struct err **err)
{
	if (!a->standby || a->vlan == vlan)
		return 0;
	err_set(err, ERR_USAGE,
		"the standby of assignment %s, on network %s, would not follow into another VLAN",
		a->id, a->standby);
	return err_next(err, "detach it, and attach anew with that VLAN");
}

static int ask(struct assignments *list, const struct scope *scope, const struct asked *asked,
	       struct err **err)
{
	for (size_t i = 0; i < scope->n; i++) {
		struct assignment *a = assignments_find(list, scope->ids[i]);
		uint16_t vlan = a ? a->vlan : 0;

		if (a && mac_is_zero(a->mac))
			return err_set(err, ERR_USAGE,
				       "the VF of assignment %s is no NIC: it has no such settings",
				       a->id);
		if (a && (asked_apply(asked, a, err) || check_standby(a, vlan, err)))
			return -1;
	}
	return 0;
}

static int want(struct converge *c, const struct request *request, struct wants *wants,
		struct scope *scope, struct err **err)
{
	unsigned views;

	if (affect_views(&request->affect, &c->domain, &views, err) ||
	    select_assignments(c, request->what, false, scope, err) ||
	    select_check_views(c, scope, views, err) ||
	    (views & VIEW_LIVE && ask(&wants->live, scope, &request->asked, err)) ||
	    (views & VIEW_CONFIG && ask(&wants->config, scope, &request->asked, err)))
		return err_now(err, "nothing was changed");
	return 0;
}

/* As it was before: the same converge with the old wants. */
static void undo(struct converge *c, const struct wants *before, unsigned views,
		 const struct scope *scope, struct err **err)
{
	cleanup_err struct err *why = NULL;

	if (!converge_back(c, before, views, scope, &why))
		err_now(err, "the settings are as they were");
	else
		err_now(err, "putting the old settings back failed too: %s", why->what);
}

static int set(struct converge *c, void *given, enum table_mode mode, struct err **err)
{
	const struct request *request = given;
	struct wants before = wants_of(&c->domain), wants = wants_of(&c->domain);
	cleanup_table struct table *table = NULL;
	struct scope scope = {0};
	struct plan plan = {0};
	unsigned views = converge_views(c);
	int result = want(c, request, &wants, &scope, err);

	if (!result && converge_run(c, &wants, &scope, CONVERGE_CHECK, &plan, NULL, err)) {
		undo(c, &before, views, &scope, err);
		result = -1;
	} else if (!result && !assigned_new("set", mode, &table, err)) {
		for (size_t i = 0; i < plan.nsubjects; i++)
			assigned_add(table, c->domain.name, &plan.subjects[i]);
		result = table_print(table, err);
	}
	plan_clear(&plan);
	scope_clear(&scope);
	wants_clear(&wants);
	wants_clear(&before);
	return result;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.timeout = CONVERGE_TIMEOUT_S};
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	return verb_on_guest(session, request.domain, request.timeout, set, &request,
			     "setting VFs of", err);
}

const struct verb verb_set = {
	.name = "set",
	.args = "DOMAIN ASSIGNMENT|POOL|VF|MAC",
	.help = "Change the settings of VFs that a guest has",
	.options = options,
	.run = run,
};
