/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/converge.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converge/domain.h"
#include "converge/execute.h"
#include "converge/gather.h"
#include "converge/look.h"
#include "converge/parking.h"
#include "converge/reserve.h"
#include "converge/stuck.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "host/lock.h"

/* More VFs than that are not taken from under us in one run. */
#define ROUNDS_MAX 64

/* Metadata of ours that says nothing sure is neither guessed at nor written over. */
static int check_metadata(const struct converge *c, const struct domain_view *view,
			  const char *flag, struct err **err)
{
	if (!view->metadata_error)
		return 0;
	err_set(err, ERR_FAILED, "the vfpool metadata of %s is not valid: %s", c->dom.name,
		view->metadata_error);
	err_now(err, "nothing was changed");
	return err_next(err,
			"mend it: `virsh metadata %s --uri " METADATA_URI " --key " METADATA_PREFIX
			" --edit %s`, or remove it: the same with --remove for --edit",
			c->dom.name, flag);
}

static int read_gone(struct converge *c)
{
	struct domain *d = &c->domain;

	memcpy(d->uuid, c->dom.uuid, sizeof(d->uuid));
	d->name = mem_strdup(c->dom.name);
	return 0;
}

/* For who was at work, or waited, while it was undefined, it is as gone as if it never was there.
 */
static int read_known(struct converge *c, struct err **err)
{
	struct domain *d = &c->domain;
	struct err *why = NULL;

	if (!domain_read(c->edges->virt, &c->dom, d, &why))
		return check_metadata(c, &d->live, "--live", err) ||
				       check_metadata(c, &d->config, "--config", err)
			       ? -1
			       : 0;
	if (why->code != ERR_ABSENT || !c->by_lease)
		return err_pass(err, why);
	err_free(&why);
	c->gone = true;
	return read_gone(c);
}

/* The domain and its leases, anew. */
static int read_again(struct converge *c, struct err **err)
{
	struct store *store = c->edges->store;
	struct domain *d = &c->domain;

	if (!c->given)
		domain_clear(d);
	leases_clear(&c->leases);
	if (store->ops->list(store, c->dom.uuid, NULL, &c->leases, err))
		return -1;
	if (c->given)
		return 0;
	if (!c->gone)
		return read_known(c, err);
	return read_gone(c);
}

/* By its UUID. It is no failure that there is no such domain. */
static int find_leased(struct converge *c, const char *uuid, struct err **err)
{
	struct err *why = NULL;

	c->gone = c->edges->virt->ops->find(c->edges->virt, uuid, &c->dom, &why) != 0;
	if (c->gone && why->code != ERR_ABSENT)
		return err_pass(err, why);
	err_free(&why);
	return 0;
}

/* It may have come while its lock was waited for. */
static int find_again(struct converge *c, struct err **err)
{
	struct virt_dom gone = c->dom;
	int result;

	if (!c->gone)
		return 0;
	result = find_leased(c, gone.uuid, err);
	if (result || c->gone)
		c->dom = gone;
	else
		virt_dom_clear(c->edges->virt, &gone);
	return result;
}

static int lock_and_read(struct converge *c, struct err **err)
{
	cleanup_free char *name = mem_printf(LOCK_OF_DOMAIN "%s", c->dom.uuid);

	c->deadline = c->edges->now() + c->seconds * (msec)1000;
	if (!c->edges->lock(name, c->deadline, &c->lock, err) && !find_again(c, err) &&
	    !read_again(c, err))
		return 0;
	converge_close(c);
	return -1;
}

int converge_open(struct converge *c, struct edges *edges, const char *name, unsigned seconds,
		  struct err **err)
{
	*c = (struct converge){.edges = edges, .seconds = seconds, .lock = -1};
	if (edges->virt->ops->find(edges->virt, name, &c->dom, err))
		return -1;
	return lock_and_read(c, err);
}

int converge_open_leased(struct converge *c, struct edges *edges, const char *uuid,
			 const char *name, unsigned seconds, struct err **err)
{
	*c = (struct converge){.edges = edges, .by_lease = true, .seconds = seconds, .lock = -1};
	if (find_leased(c, uuid, err))
		return -1;
	if (c->gone) {
		c->dom = (struct virt_dom){.name = mem_strdup(name), .id = -1};
		memcpy(c->dom.uuid, uuid, sizeof(c->dom.uuid));
	}
	return lock_and_read(c, err);
}

int converge_open_given(struct converge *c, struct edges *edges, struct domain *domain,
			msec deadline, struct err **err)
{
	*c = (struct converge){
		.edges = edges, .given = true, .domain = *domain, .deadline = deadline, .lock = -1};
	*domain = (struct domain){0};
	c->dom = (struct virt_dom){.name = mem_strdup(c->domain.name), .id = -1};
	memcpy(c->dom.uuid, c->domain.uuid, sizeof(c->dom.uuid));
	if (!read_again(c, err))
		return 0;
	converge_close(c);
	return -1;
}

int converge_again(struct converge *c, unsigned seconds, struct err **err)
{
	c->seconds = seconds;
	c->deadline = c->edges->now() + seconds * (msec)1000;
	return read_again(c, err);
}

void converge_close(struct converge *c)
{
	if (c->succeeded)
		stuck_settle(c);
	virt_dom_clear(c->edges->virt, &c->dom);
	domain_clear(&c->domain);
	leases_clear(&c->leases);
	if (c->lock >= 0 && c->failed)
		(void)close(c->lock);
	else if (c->lock >= 0)
		lock_done(c->lock);
	c->lock = -1;
}

static int plan_and_look(struct converge *c, const struct situation *situation, struct gathered *g,
			 struct plan *plan, struct err **err)
{
	struct looked looked = {0};
	size_t n;
	cleanup_free struct pf **pfs = gathered_not_looked_at(g, &n);
	int again;

	do {
		plan_clear(plan);
		plan_make(situation, plan);
		again = look_closer(c->edges->host, plan, pfs, n, &looked, err);
	} while (again > 0);
	free(looked.vfs);
	return again;
}

static int plan_once(struct converge *c, const struct wants *wants, const struct scope *scope,
		     const struct pciaddr *busy, size_t nbusy, struct gathered *g,
		     struct plan *plan, struct err **err)
{
	const struct parking here = parking_here(c->edges, PARK_MIGRATION, 0);
	struct situation situation = {
		.domain = &c->domain,
		.now = c->edges->wall(),
		.here = here.host,
		.wants = wants,
		.scope = scope,
		.busy = busy,
		.nbusy = nbusy,
	};

	/* What is being taken over does not show in the metadata yet. */
	domain_view_adopt(&c->domain.live, &wants->live);
	domain_view_adopt(&c->domain.config, &wants->config);
	domain_view_adopt_leaving(&c->domain.live, &c->leases);
	if (gather(c, wants, scope, busy, nbusy, g, err))
		return -1;
	situation.leases = &g->leases;
	situation.inventory = &g->inventory;
	situation.places = g->places;
	situation.nplaces = g->nplaces;
	situation.foreigns = &g->foreigns;
	situation.networks = &g->networks;
	situation.nodes = g->nodes;
	situation.nnodes = g->nnodes;
	situation.gone = g->gone;
	situation.ngone = g->ngone;
	return plan_and_look(c, &situation, g, plan, err);
}

/* The first subject's error becomes the whole's; each that failed stays marked. */
static int outcome(struct plan *plan, struct err **err)
{
	int result = 0;

	for (size_t i = 0; i < plan->nsubjects; i++) {
		struct subject *sub = &plan->subjects[i];

		sub->failed = sub->err != NULL;
		if (sub->failed && !result)
			*err = steal(&sub->err);
		result |= sub->failed ? -1 : 0;
	}
	return result;
}

static bool has_error(const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (plan->subjects[i].err)
			return true;
	return false;
}

/* Notes what somebody else has, so that the next round chooses another. */
static bool note_taken(const struct plan *plan, struct pciaddr **busy, size_t *nbusy)
{
	bool any = false;

	for (size_t i = 0; i < plan->nsubjects; i++) {
		const struct subject *sub = &plan->subjects[i];

		if (!sub->taken)
			continue;
		any = true;
		if (sub->leased)
			*(struct pciaddr *)mem_append(busy, nbusy, sizeof(**busy)) = sub->lease.vf;
	}
	return any;
}

/* What was done shows in the domain: whoever plans next has to see it. */
static int read_for_next_round(struct converge *c, struct err **err)
{
	bool ran = c->domain.live.present, was_defined = c->domain.config.present;

	if (read_again(c, err))
		return -1;
	/* Nobody has asked yet what is wanted in a view that has just come: nothing would be wrong.
	 */
	if (c->domain.live.present <= ran && c->domain.config.present <= was_defined)
		return 0;
	err_set(err, ERR_FAILED, "%s was %s meanwhile", c->dom.name, ran ? "defined" : "started");
	return err_next(err, "do it again");
}

int converge_run(struct converge *c, const struct wants *wants, const struct scope *scope,
		 enum converge_mode mode, struct plan *plan, size_t *steps, struct err **err)
{
	struct pciaddr *busy = NULL;
	size_t nbusy = 0;
	int result = -1;

	*plan = (struct plan){0};
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		struct gathered g = {.changes = mode != CONVERGE_PLAN};
		struct execution x = {
			.edges = c->edges,
			.dom = c->gone ? NULL : &c->dom,
			.domain = &c->domain,
			.inventory = &g.inventory,
			.plan = plan,
			.whole = mode == CONVERGE_CHECK,
			.deadline = c->deadline,
			.seconds = c->seconds,
		};
		bool again;

		plan_clear(plan);
		result = plan_once(c, wants, scope, busy, nbusy, &g, plan, err);
		if (!result && mode == CONVERGE_RESERVE)
			reserve(c->edges->store, c->expires, plan);
		else if (!result && mode != CONVERGE_PLAN &&
			 !(mode == CONVERGE_CHECK && has_error(plan))) {
			result = execute(&x, err);
			if (steps)
				*steps += plan->nsteps;
		}
		gathered_clear(&g);
		again = !result && note_taken(plan, &busy, &nbusy);
		if (!result && plan->nsteps && mode != CONVERGE_PLAN && again)
			result = read_for_next_round(c, err);
		if (result || !again)
			break;
	}
	free(busy);
	if (!result)
		result = outcome(plan, err);
	c->failed |= result && mode != CONVERGE_PLAN;
	c->succeeded |= !result && (mode == CONVERGE_CHECK || mode == CONVERGE_MEND);
	return result ? -1 : 0;
}

unsigned converge_views(const struct converge *c)
{
	return (c->domain.live.present ? VIEW_LIVE : 0) |
	       (c->domain.config.present ? VIEW_CONFIG : 0);
}

int converge_back(struct converge *c, const struct wants *before, unsigned views,
		  const struct scope *scope, struct err **err)
{
	struct wants now, back;
	struct plan plan;
	int result;

	if (converge_again(c, CONVERGE_TIMEOUT_S, err))
		return -1;
	now = wants_of(&c->domain);
	back = (struct wants){
		.live = views & VIEW_LIVE ? before->live : now.live,
		.config = views & VIEW_CONFIG ? before->config : now.config,
	};
	result = converge_run(c, &back, scope, CONVERGE_MEND, &plan, NULL, err);
	plan_clear(&plan);
	wants_clear(&now);
	return result;
}
