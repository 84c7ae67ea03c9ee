// SPDX-License-Identifier: LGPL-2.1-or-later
/* pool-undefine: forgets a pool that nobody has VFs of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "converge/domain.h"
#include "converge/place_find.h"
#include "converge/plan.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "verbs/pool_change.h"

enum { KEY_FORCE = 0x2000 };

static const struct argp_option options[] = {
	{"force", KEY_FORCE, NULL, 0, "Whoever has VFs of it", 0},
	{0},
};

struct request {
	const char *pool;
	bool force;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_FORCE:
		request->force = true;
		return 0;
	case ARGP_KEY_ARG:
		if (request->pool)
			return ARGP_ERR_UNKNOWN;
		request->pool = arg;
		return 0;
	case ARGP_KEY_END:
		if (request->pool)
			return 0;
		argp_error(state, "it takes a pool");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Who has VFs of the pool, or is owed some: a line for each in *users. */
struct search {
	const char *pool;
	struct scope known; /* assignments that some domain has in its metadata */
	struct err **users;
};

static void search_view(struct search *search, const char *domain, const struct domain_view *view)
{
	if (view->metadata_error)
		err_detail(search->users, "%s: its vfpool metadata is not valid, and may name it",
			   domain);
	for (size_t i = 0; i < view->assignments.n; i++) {
		const struct assignment *a = &view->assignments.items[i];

		/* Both of its views can have the same one. */
		if (!strcmp(a->pool, search->pool) && !scope_has(&search->known, a->id))
			err_detail(search->users, "%s: assignment %s, MAC %s%s", domain, a->id,
				   mac_is_zero(a->mac) ? "none" : mac_str(a->mac),
				   a->parked ? ", parked" : "");
		scope_add(&search->known, a->id);
	}
}

static int search_domains(struct virt *virt, struct search *search, struct err **err)
{
	cleanup_free struct virt_dom *doms = NULL;
	size_t n = 0;
	int rc = virt->ops->list(virt, &doms, &n, err);

	for (size_t i = 0; i < n; i++) {
		struct domain domain = {0};
		struct err *why = NULL;

		if (rc == 0 && domain_read(virt, &doms[i], &domain, &why) == 0) {
			search_view(search, domain.name, &domain.live);
			search_view(search, domain.name, &domain.config);
			domain_clear(&domain);
		} else if (why && why->code != ERR_ABSENT) {
			*err = steal(&why);
			rc = err_wrap(err, "reading domain %s", doms[i].name);
		}
		err_free(&why);
		virt_dom_clear(virt, &doms[i]);
	}
	return rc;
}

/* Leases that no guest's metadata tells of: of what was interrupted, and of guests that are gone.
 */
static int search_leases(struct edges *edges, struct search *search, struct err **err)
{
	cleanup(leases_clear) struct leases leases = {0};
	cleanup(place_clear) struct place place = {0};

	if (edges->store->ops->list(edges->store, NULL, NULL, &leases, err) < 0)
		return -1;
	place_find(edges, search->pool, &place);
	for (size_t i = 0; i < leases.n; i++) {
		const struct lease *lease = &leases.items[i];

		if (!scope_has(&search->known, lease->assignment) && place.pool &&
		    place_holds(&place, lease->pf, lease->vf, lease->index))
			err_detail(search->users, "%s: a lease on VF %s (assignment %s)",
				   lease->domain_name, pciaddr_str(lease->vf), lease->assignment);
	}
	return 0;
}

static int check_unused(struct session *session, const char *pool, struct err **err)
{
	struct err *users = NULL;
	struct search search = {.pool = pool, .users = &users};
	int rc = -1;

	(void)err_set(&users, ERR_FAILED, "pool %s is in use", pool);
	session->about = pool;
	if (session_need(session, NEED_POOLS | NEED_VIRT | NEED_STORE, err) == 0)
		rc = search_domains(session->edges.virt, &search, err);
	if (rc == 0)
		rc = search_leases(&session->edges, &search, err);
	scope_clear(&search.known);
	if (rc < 0) {
		err_free(&users);
		return err_wrap(err, "looking who has VFs of it (--force does not look)");
	}
	if (users->details) {
		*err = users;
		return err_next(err, "`vfpool detach` them; or --force: they keep their VFs, and "
				     "get no others");
	}
	err_free(&users);
	return 0;
}

static int undefine(struct pool_change *change, const struct request *request, struct err **err)
{
	struct session *session = change->session;
	bool was;

	if (!pools_find(&change->pools, request->pool))
		return pool_not_defined(request->pool, err);
	if (!request->force && check_unused(session, request->pool, err) < 0)
		return -1;
	session_forget_pools(session);
	if (poolfiles_remove(session->pools, request->pool, &was, err) < 0)
		return -1;
	log_say("pool %s undefined", request->pool);
	return 0;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {0};
	struct pool_change change;
	int rc = verb_parse(verb, parse, argc, argv, &request, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	rc = pool_change_open(session, &change, err);
	if (rc == 0) {
		rc = undefine(&change, &request, err);
		pool_change_close(&change);
	}
	return rc < 0 ? err_wrap(err, "undefining pool %s", request.pool) : 0;
}

const struct verb verb_pool_undefine = {
	.name = "pool-undefine",
	.args = "POOL",
	.help = "Forget a pool",
	.options = options,
	.run = run,
};
