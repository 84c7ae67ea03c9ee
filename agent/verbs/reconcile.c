/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reconcile: converges every guest and every lease, and says what it mended. */
#include <stdlib.h>
#include <string.h>

#include "converge/converge.h"
#include "converge/park.h"
#include "converge/resize.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "verbs/assigned.h"
#include "verbs/number.h"
#include "verbs/verb.h"

enum { KEY_TIMEOUT = 0x200 };

static const struct argp_option options[] = {
	{"timeout", KEY_TIMEOUT, "SECONDS", 0, "Give each guest so long to let go (default 30)", 0},
	{0},
};

struct request {
	const char *domain; /* NULL: all */
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
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What one reconcile has come to. */
struct tally {
	struct table *table;
	size_t mended, failed;
	struct err *first;
};

static void tally_failure(struct tally *tally, struct err *why)
{
	tally->failed++;
	if (!tally->first) {
		tally->first = why;
		return;
	}
	err_detail(&tally->first, "%s", why->what);
	err_free(&why);
}

static void tally_domain_failure(struct tally *tally, const char *domain, struct err *why)
{
	err_wrap(&why, "reconciling %s", domain);
	tally_failure(tally, why);
}

static void tally_plan(void *arg, const char *domain, const struct plan *plan)
{
	struct tally *tally = arg;

	for (size_t i = 0; i < plan->nsubjects; i++)
		if (plan->subjects[i].did && !plan->subjects[i].failed) {
			assigned_add(tally->table, domain, &plan->subjects[i]);
			tally->mended++;
		}
}

/* VFs that guests gave up for a PF's number to be changed, which was then interrupted. */
static void resume_resizes(struct edges *edges, const char *domain_uuid, unsigned seconds,
			   struct tally *tally)
{
	const struct resize_listener listener = {.heard = tally_plan, .arg = tally};
	struct err *why = NULL;

	if (resize_resume(edges, domain_uuid, seconds, &listener, &why))
		tally_failure(tally, why);
}

/* Takes the converge over and closes it. */
static void reconcile(struct converge *c, struct tally *tally)
{
	struct wants wants = park_wants(c);
	struct plan plan = {0};
	struct err *why = NULL;

	if (converge_run(c, &wants, NULL, CONVERGE_MEND, &plan, NULL, &why))
		tally_domain_failure(tally, c->dom.name, why);
	tally_plan(tally, c->dom.name, &plan);
	plan_clear(&plan);
	wants_clear(&wants);
	converge_close(c);
}

static void reconcile_leased(struct edges *edges, const char *uuid, const char *name,
			     unsigned seconds, struct tally *tally)
{
	struct converge c;
	struct err *why = NULL;

	if (converge_open_leased(&c, edges, uuid, name, seconds, &why))
		tally_domain_failure(tally, name, why);
	else
		reconcile(&c, tally);
}

static bool listed(const struct virt_dom *doms, size_t n, const char *uuid)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(doms[i].uuid, uuid))
			return true;
	return false;
}

static bool leased_before(const struct leases *leases, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (!strcmp(leases->items[j].domain_uuid, leases->items[i].domain_uuid))
			return true;
	return false;
}

/* Every domain that libvirt knows, and every one that only the leases know any more. */
static int reconcile_all(struct edges *edges, unsigned seconds, struct tally *tally,
			 struct err **err)
{
	struct virt_dom *doms = NULL;
	struct leases leases = {0};
	size_t n = 0;

	resume_resizes(edges, NULL, seconds, tally);
	if (edges->store->ops->list(edges->store, NULL, NULL, &leases, err))
		return -1;
	if (edges->virt->ops->list(edges->virt, &doms, &n, err)) {
		leases_clear(&leases);
		return -1;
	}
	for (size_t i = 0; i < leases.n; i++)
		if (!listed(doms, n, leases.items[i].domain_uuid) && !leased_before(&leases, i))
			reconcile_leased(edges, leases.items[i].domain_uuid,
					 leases.items[i].domain_name, seconds, tally);
	for (size_t i = 0; i < n; i++) {
		reconcile_leased(edges, doms[i].uuid, doms[i].name, seconds, tally);
		virt_dom_clear(edges->virt, &doms[i]);
	}
	free(doms);
	leases_clear(&leases);
	return 0;
}

static int reconcile_one(struct edges *edges, const struct request *request, struct tally *tally,
			 struct err **err)
{
	struct converge c;
	struct virt_dom dom;

	if (edges->virt->ops->find(edges->virt, request->domain, &dom, err))
		return err_wrap(err, "reconciling %s", request->domain);
	resume_resizes(edges, dom.uuid, request->timeout, tally);
	virt_dom_clear(edges->virt, &dom);
	if (converge_open(&c, edges, request->domain, request->timeout, err))
		return err_wrap(err, "reconciling %s", request->domain);
	reconcile(&c, tally);
	return 0;
}

static int report(struct tally *tally, enum table_mode mode, struct err **err)
{
	if ((tally->mended || mode == TABLE_JSON) && table_print(tally->table, err))
		return -1;
	if (!tally->mended && !tally->failed)
		log_say("nothing to mend");
	if (!tally->failed)
		return 0;
	*err = steal(&tally->first);
	if (tally->mended)
		err_recode(err, ERR_PARTIAL);
	return -1;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.timeout = CONVERGE_TIMEOUT_S};
	struct tally tally = {0};
	int result, parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	if (session_need(session, NEED_HOST | NEED_POOLS | NEED_VIRT | NEED_STORE_WRITE, err) ||
	    assigned_new("mended", session->mode, &tally.table, err))
		return -1;
	if (request.domain)
		result = reconcile_one(&session->edges, &request, &tally, err);
	else
		result = reconcile_all(&session->edges, request.timeout, &tally, err);
	if (!result)
		result = report(&tally, session->mode, err);
	err_free(&tally.first);
	table_free(&tally.table);
	return result;
}

const struct verb verb_reconcile = {
	.name = "reconcile",
	.args = "[DOMAIN]",
	.help = "Make every guest what it should be; say what was mended",
	.options = options,
	.run = run,
};
