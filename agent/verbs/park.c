/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* park: takes all VFs out of a guest that something is to happen to, and remembers them. */
#include "converge/park.h"

#include <errno.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "verbs/assigned.h"
#include "verbs/number.h"
#include "verbs/verb.h"

#define LASTS_DEFAULT 300

enum { KEY_REASON = 0x200, KEY_ALL, KEY_DEADLINE, KEY_TIMEOUT };

static const struct argp_option options[] = {
	{"reason", KEY_REASON, "REASON", 0, "migration (default), save or snapshot", 0},
	{"all", KEY_ALL, NULL, 0, "VFs that QEMU can move with the guest, too", 0},
	{"deadline", KEY_DEADLINE, "SECONDS", 0,
	 "The guest gets its VFs back by itself after so long (default 300)", 0},
	{"timeout", KEY_TIMEOUT, "SECONDS", 0, "Give the guest so long to let go (default 30)", 0},
	{0},
};

struct request {
	const char *domain;
	enum park_reason reason;
	bool all;
	unsigned lasts, timeout;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_REASON:
		if (park_reason_parse(arg, &request->reason) && request->reason != PARK_RESIZE)
			return 0;
		argp_error(state, "'%s' is no reason: migration, save or snapshot", arg);
		return EINVAL;
	case KEY_ALL:
		request->all = true;
		return 0;
	case KEY_DEADLINE:
		return seconds_option(state, "deadline", arg, &request->lasts);
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

/* They are in the way as much as ours were, and are not ours to take out. */
static void warn_of_foreign(const struct domain *domain)
{
	for (size_t i = 0; i < domain->live.ndevices; i++)
		if (!domain->live.devices[i].id[0])
			log_warn("%s has %s, which vfpool did not give it: it stays in",
				 domain->name, pciaddr_str(domain->live.devices[i].host));
}

static void tell_of_stays(const struct domain *domain, const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (plan->subjects[i].stays)
			log_say("%s keeps VF %s: its driver can move it along with the guest "
				"(--all takes it out, too)",
				domain->name, pciaddr_str(plan->subjects[i].vf));
}

static int park(struct converge *c, void *given, enum table_mode mode, struct err **err)
{
	const struct request *request = given;
	const struct parking parking = parking_here(c->edges, request->reason, request->lasts);
	cleanup_table struct table *table = NULL;
	struct plan plan = {0};
	int result = assigned_new("parked", mode, &table, err);

	c->park_all = request->all;
	if (!result)
		result = park_domain(c, &parking, &plan, err);
	if (!result) {
		warn_of_foreign(&c->domain);
		tell_of_stays(&c->domain, &plan);
		for (size_t i = 0; i < plan.nsubjects; i++)
			assigned_add(table, c->domain.name, &plan.subjects[i]);
		if (!plan.nsubjects)
			log_say("%s has no VFs of vfpool", c->domain.name);
		if (plan.nsubjects || mode == TABLE_JSON)
			result = table_print(table, err);
	}
	plan_clear(&plan);
	return result;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.lasts = LASTS_DEFAULT, .timeout = CONVERGE_TIMEOUT_S};
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	return verb_on_guest(session, request.domain, request.timeout, park, &request,
			     "parking the VFs of", err);
}

const struct verb verb_park = {
	.name = "park",
	.args = "DOMAIN",
	.help = "Take all VFs out of a guest, to be given back",
	.options = options,
	.run = run,
};
