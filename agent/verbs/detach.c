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
#include "verbs/verb.h"

#define TIMEOUT_MAX 86400

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
		return number_option(state, "timeout", arg, 1, TIMEOUT_MAX, &request->timeout);
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

static const struct device *device_of(const struct domain *domain, const char *id)
{
	const struct device *live = domain_view_device(&domain->live, id);

	return live ? live : domain_view_device(&domain->config, id);
}

static const struct assignment *assignment_of(const struct domain *domain, const char *id)
{
	const struct assignment *live = assignments_find(&domain->live.assignments, id);

	return live ? live : assignments_find(&domain->config.assignments, id);
}

static bool matches(const struct converge *c, const char *what, const struct place *place,
		    const char *id)
{
	const struct assignment *a = assignment_of(&c->domain, id);
	const struct lease *lease = leases_by_assignment(&c->leases, id);
	const struct device *device = device_of(&c->domain, id);
	struct pciaddr addr;
	struct mac mac;

	if (!strcmp(what, id))
		return true;
	if (mac_parse(what, &mac))
		return (a && mac_equal(a->mac, mac)) ||
		       (device && device->mac_set && mac_equal(device->mac, mac));
	if (pciaddr_parse(what, &addr) && ((lease && pciaddr_equal(lease->vf, addr)) ||
					   (device && pciaddr_equal(device->host, addr))))
		return true;
	for (size_t i = 0; lease && i < place->npfs; i++)
		if (pciaddr_equal(lease->pf, place->pfs[i]) &&
		    (place->index < 0 || lease->index == (unsigned)place->index))
			return true;
	/* The pool's name is known though the host has no such PF any more. */
	return a && !place->npfs && !strcmp(a->pool, what);
}

static int select_one(const struct converge *c, const struct scope *all, struct scope *selected,
		      struct err **err)
{
	if (all->n == 1) {
		scope_add(selected, all->ids[0]);
		return 0;
	}
	err_set(err, ERR_USAGE, "%s has %zu VFs of vfpool: which one?", c->domain.name, all->n);
	for (size_t i = 0; i < all->n; i++) {
		const struct lease *lease = leases_by_assignment(&c->leases, all->ids[i]);
		const struct assignment *a = assignment_of(&c->domain, all->ids[i]);

		err_detail(err, "assignment %s: VF %s, MAC %s, pool %s", all->ids[i],
			   lease ? pciaddr_str(lease->vf) : "none", a ? mac_str(a->mac) : "none",
			   a ? a->pool : "none");
	}
	return err_next(err, "name one (pool, VF, MAC or assignment), or give --all");
}

/* Which assignments the user means, among all that have left a trace in the guest or the store. */
static int select_ids(struct converge *c, const struct request *request, struct scope *selected,
		      struct err **err)
{
	struct wants wants = wants_of(&c->domain);
	struct scope all = {0};
	struct place place;
	int result = 0;

	scope_of_domain(&all, &c->domain, &wants, &c->leases);
	wants_clear(&wants);
	if (!all.n && !request->all) {
		result = err_set(err, ERR_ABSENT, "%s has no VF of vfpool", c->domain.name);
	} else if (request->what) {
		place_find(c->edges, request->what, &place);
		for (size_t i = 0; i < all.n; i++)
			if (matches(c, request->what, &place, all.ids[i]))
				scope_add(selected, all.ids[i]);
		place_clear(&place);
		if (!selected->n)
			result = err_set(err, ERR_ABSENT, "vfpool gave %s nothing that '%s' stands for",
					 c->domain.name, request->what);
	} else if (request->all) {
		for (size_t i = 0; i < all.n; i++)
			scope_add(selected, all.ids[i]);
	} else {
		result = select_one(c, &all, selected, err);
	}
	if (result)
		err_next(err, "`vfpool list --used` shows what each guest has");
	scope_clear(&all);
	return result;
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

/* Asking for a change where there is nothing to change is a mistake the user wants to hear of. */
static int check_views(const struct converge *c, const struct scope *scope, unsigned views,
		       struct err **err)
{
	for (size_t i = 0; i < scope->n; i++) {
		const char *id = scope->ids[i];
		bool live = assignments_find(&c->domain.live.assignments, id);
		bool config = assignments_find(&c->domain.config.assignments, id);

		if (!live && !config)
			continue; /* a leftover: to be finished whatever was asked */
		if ((live && views & VIEW_LIVE) || (config && views & VIEW_CONFIG))
			continue;
		err_set(err, ERR_FAILED, "assignment %s of %s is only in its %s", id, c->domain.name,
			config ? "definition for the next boot" : "running state");
		return err_next(err, "use %s", config ? "--config" : "--live");
	}
	return 0;
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

static int detach(struct converge *c, const struct request *request, enum table_mode mode,
		  struct err **err)
{
	struct wants wants = wants_of(&c->domain);
	struct scope scope = {0};
	struct plan plan = {0};
	cleanup_err struct err *unprinted = NULL;
	unsigned views;
	int result = -1;

	if (!affect_views(&request->affect, &c->domain, &views, err) &&
	    !select_ids(c, request, &scope, err) && !check_views(c, &scope, views, err)) {
		unwant(&wants, &scope, views);
		result = converge_run(c, &wants, &scope, CONVERGE_MEND, &plan, NULL, err);
		if (result)
			judge(&plan, err);
		if (plan.nsubjects && print(c->domain.name, &plan, mode, result ? &unprinted : err))
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
	struct converge c;
	int result, parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	if (session_need(session, NEED_HOST | NEED_POOLS | NEED_VIRT | NEED_STORE_WRITE, err) ||
	    converge_open(&c, &session->edges, request.domain, request.timeout, err))
		return err_wrap(err, "detaching from %s", request.domain);
	result = detach(&c, &request, session->mode, err);
	converge_close(&c);
	return result ? err_wrap(err, "detaching from %s", request.domain) : 0;
}

const struct verb verb_detach = {
	.name = "detach",
	.args = "DOMAIN [POOL|VF|MAC|ASSIGNMENT]",
	.help = "Take VFs from a guest",
	.options = options,
	.run = run,
};
