/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* save and managedsave: as virsh's, with the VFs taken out before. */
#include <errno.h>
#include <string.h>

#include "converge/park.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "verbs/assigned.h"
#include "verbs/number.h"
#include "verbs/save_options.h"
#include "verbs/unparked.h"
#include "verbs/verb.h"

enum { KEY_TIMEOUT = SAVE_KEY_END };

static const struct argp_option options[] = {
	SAVE_OPTIONS,
	{"timeout", KEY_TIMEOUT, "SECONDS", 0, "Give the guest so long to let go (default 30)", 0},
	{0},
};

struct request {
	const char *domain, *file; /* file is NULL for managedsave */
	bool managed;
	unsigned flags, timeout;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	if (save_option(&request->flags, key))
		return 0;
	switch (key) {
	case KEY_TIMEOUT:
		return seconds_option(state, "timeout", arg, &request->timeout);
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			request->domain = arg;
		else if (state->arg_num == 1 && !request->managed)
			request->file = arg;
		else
			return ARGP_ERR_UNKNOWN;
		return 0;
	case ARGP_KEY_END:
		if (!request->domain || (!request->file && !request->managed))
			argp_error(state, request->managed ? "it takes a domain"
							   : "it takes a domain and a file");
		else
			return save_check(state, request->flags);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The guest is off: what was kept for it in case that it would not be is free. */
static int free_kept(struct session *session, const struct converge *saved, struct err **err)
{
	struct converge c;
	size_t n = 0;
	int result;

	if (converge_open_leased(&c, &session->edges, saved->dom.uuid, saved->dom.name,
				 CONVERGE_TIMEOUT_S, err))
		return -1;
	result = park_forget(&c, false, &n, err);
	converge_close(&c);
	return result;
}

static int print(const struct converge *c, const struct plan *plan, enum table_mode mode,
		 struct err **err)
{
	cleanup_table struct table *table = NULL;

	if (assigned_new("saved", mode, &table, err))
		return -1;
	for (size_t i = 0; i < plan->nsubjects; i++)
		assigned_add(table, c->domain.name, &plan->subjects[i]);
	return plan->nsubjects || mode == TABLE_JSON ? table_print(table, err) : 0;
}

static int save(struct session *session, struct converge *c, const struct request *request,
		struct err **err)
{
	const struct parking parking = parking_here(c->edges, PARK_SAVE, 0);
	struct virt *virt = c->edges->virt;
	struct plan plan = {0};
	int result;

	if (!c->domain.live.present)
		return err_set(err, ERR_FAILED, "%s is not running", c->dom.name);
	result = park_domain(c, &parking, &plan, err);
	if (!result && virt->ops->save(virt, &c->dom, request->file, request->flags, err))
		result = unparked_in_vain(c, err);
	if (!result)
		result = print(c, &plan, session->mode, err);
	plan_clear(&plan);
	return result;
}

static int run_request(struct session *session, const struct request *request, struct err **err)
{
	struct converge c;
	int result;

	if (session_need(session, NEED_HOST | NEED_POOLS | NEED_VIRT | NEED_STORE_WRITE, err) ||
	    converge_open(&c, &session->edges, request->domain, request->timeout, err))
		return -1;
	result = save(session, &c, request, err);
	if (!result) {
		/* Its lock is needed anew, since it is another domain now, or none. */
		struct converge saved = {.dom.name = mem_strdup(c.dom.name)};

		memcpy(saved.dom.uuid, c.dom.uuid, sizeof(saved.dom.uuid));
		converge_close(&c);
		result = free_kept(session, &saved, err);
		free(saved.dom.name);
		return result;
	}
	converge_close(&c);
	return -1;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.timeout = CONVERGE_TIMEOUT_S,
				  .managed = verb == &verb_managedsave};
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	return run_request(session, &request, err) ? err_wrap(err, "saving %s", request.domain) : 0;
}

const struct verb verb_save = {
	.name = "save",
	.args = "DOMAIN FILE",
	.help = "Save a guest to a file, its VFs parked",
	.options = options,
	.run = run,
};

const struct verb verb_managedsave = {
	.name = "managedsave",
	.args = "DOMAIN",
	.help = "Save a guest for its next start, its VFs parked",
	.options = options,
	.run = run,
};
