// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * migrate: a guest goes to another host, and its VFs are left here and given to it anew there.
 *
 * Whatever becomes of this process, the guest gets its VFs where it runs: they are parked for as
 * long as this process has the guest's lock, and on the other host for no longer than it takes to
 * arrive; the agents of the two hosts see to that. This one only does it sooner, and tells.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converge/move.h"
#include "converge/park.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/table.h"
#include "verbs/migrate_options.h"
#include "verbs/minder.h"
#include "verbs/unparked.h"
#include "verbs/verb.h"

#define WAIT_DEFAULT 60

/* X(id, name, type, right) */
#define COLUMNS(X)                                 \
	X(ASSIGNMENT, "ASSIGNMENT", STRING, false) \
	X(DOMAIN, "DOMAIN", STRING, false)         \
	X(POOL, "POOL", STRING, false)             \
	X(MAC, "MAC", STRING, false)               \
	X(GUEST, "GUEST-ADDRESS", STRING, false)   \
	X(OLD, "OLD-VF", STRING, false)            \
	X(NEW, "NEW-VF", STRING, false)            \
	X(FREE, "FREE", NUMBER, true)              \
	X(SECONDS, "SECONDS", NUMBER, true)        \
	X(DONE, "DONE", STRING, false)

#define COLUMN_ID(id, name, type, right) COL_##id,
enum { COLUMNS(COLUMN_ID) COL_COUNT };

#define COLUMN_ROW(id, name, type, right) [COL_##id] = {name, COLUMN_##type, false, right, 0},
static const struct column columns[] = {COLUMNS(COLUMN_ROW)};

/* What is known of the VFs as long as they are here. */
struct leaving {
	struct wants owed;
	struct {
		char id[ASSIGNMENT_ID_SIZE];
		struct pciaddr vf;
	} * vfs;
	size_t n;
	msec since; /* when they were asked for */
};

static void leaving_clear(struct leaving *leaving)
{
	wants_clear(&leaving->owed);
	free(leaving->vfs);
}

/* One that is parked already has the VF that is kept for it. */
static void note_vfs(const struct converge *c, struct leaving *leaving)
{
	leaving->owed = wants_of(&c->domain);
	leaving->vfs = mem_zero(c->leases.n + 1, sizeof(*leaving->vfs));
	for (size_t i = 0; i < c->leases.n; i++) {
		memcpy(leaving->vfs[i].id, c->leases.items[i].assignment, ASSIGNMENT_ID_SIZE);
		leaving->vfs[i].vf = c->leases.items[i].vf;
	}
	leaving->n = c->leases.n;
}

static void add_row(struct table *table, const struct move *m, const struct leaving *leaving,
		    const struct assignment *a, const struct arrival *arrival, const char *done)
{
	const struct pool_report *pool = report_pool(&m->report, a->pool);
	struct row *row = table_row(table, NULL);

	row_set(row, COL_ASSIGNMENT, "%s", a->id);
	row_set(row, COL_DOMAIN, "%s", m->c->dom.name);
	row_set(row, COL_POOL, "%s", a->pool);
	if (!mac_is_zero(a->mac))
		row_set(row, COL_MAC, "%s", mac_str(a->mac));
	if (a->guest_set)
		row_set(row, COL_GUEST, "%s", pciaddr_str(a->guest));
	for (size_t i = 0; i < leaving->n; i++)
		if (!strcmp(leaving->vfs[i].id, a->id))
			row_set(row, COL_OLD, "%s", pciaddr_str(leaving->vfs[i].vf));
	if (pool)
		row_set(row, COL_FREE, "%u", pool->free);
	if (arrival) {
		row_set(row, COL_NEW, "%s", pciaddr_str(arrival->vf));
		row_set(row, COL_SECONDS, "%.1f", (double)(arrival->at - leaving->since) / 1000);
	}
	row_set(row, COL_DONE, "%s", done);
}

static const struct arrival *arrival_of(const struct arrivals *arrivals, const char *id)
{
	for (size_t i = 0; arrivals && i < arrivals->n; i++)
		if (!strcmp(arrivals->items[i].id, id))
			return &arrivals->items[i];
	return NULL;
}

/* arrivals NULL: nothing has been done. */
static int print(const struct move *m, const struct leaving *leaving,
		 const struct arrivals *arrivals, enum table_mode mode, struct err **err)
{
	const struct assignments *live = &leaving->owed.live, *config = &leaving->owed.config;
	cleanup_table struct table *table = NULL;

	if (table_new(arrivals ? "moved" : "plan", columns, COL_COUNT, -1, mode, NULL, &table, err))
		return -1;
	for (size_t i = 0; i < live->n; i++) {
		const struct arrival *arrival = arrival_of(arrivals, live->items[i].id);

		add_row(table, m, leaving, &live->items[i], arrival,
			!arrivals ? "to move"
			: arrival ? "moved"
				  : "owed");
	}
	for (size_t i = 0; i < config->n; i++)
		if (!assignments_find(live, config->items[i].id))
			add_row(table, m, leaving, &config->items[i], NULL,
				arrivals ? "defined" : "to define");
	if (!live->n && !config->n)
		log_say("%s has no VFs of vfpool", m->c->dom.name);
	return live->n || config->n || mode == TABLE_JSON ? table_print(table, err) : 0;
}

/* The move failed, or so it was said. 1: the guest is over there all the same. */
static int settle_failure(struct move *m, struct err **err)
{
	struct converge *c = m->c;

	switch (move_where(c->edges->virt, m->there, c->dom.uuid)) {
	case MOVE_HERE:
		return unparked_in_vain(c, err);
	case MOVE_THERE:
		log_warn("%s runs on %s, though libvirt said: %s", c->dom.name, m->uri,
			 (*err)->what);
		err_free(err);
		return 1;
	case MOVE_NOWHERE:
		break;
	}
	err_now(err,
		"where %s is cannot be seen from here now; the agent of the host where it runs "
		"gives it its VFs",
		c->dom.name);
	return err_next(err, "see where it runs (`virsh list`), and `vfpool unpark %s` there",
			c->dom.name);
}

/*
 * What was kept here is free. A definition that stays here behind one that is persistent there
 * names no VF any more; one that is the guest's only one has its VFs again.
 */
static int leave_nothing(struct converge *c, bool persistent_there, struct err **err)
{
	struct wants none = {0};
	struct plan plan = {0};
	size_t n = 0;
	int result;

	if (persistent_there)
		result = converge_run(c, &none, NULL, CONVERGE_MEND, &plan, NULL, err);
	else
		result = unpark_domain(c, &plan, err);
	plan_clear(&plan);
	return result ? -1 : park_forget(c, false, &n, err);
}

/* Its lock is needed anew, since it is another domain now, or none. */
static void tidy_up(struct session *session, const struct virt_dom *dom, bool persistent_there)
{
	cleanup_err struct err *why = NULL;
	struct converge c;
	int result = converge_open_leased(&c, &session->edges, dom->uuid, dom->name,
					  CONVERGE_TIMEOUT_S, &why);

	if (!result) {
		/* It may have come back meanwhile. */
		if (!c.domain.live.present)
			result = leave_nothing(&c, persistent_there, &why);
		converge_close(&c);
	}
	if (result)
		log_warn("what was kept for %s on this host is not all free yet: %s (`vfpool "
			 "reconcile %s` tries again)",
			 dom->name, why->what, dom->name);
}

static struct virt_dom who_is(const struct virt_dom *dom)
{
	struct virt_dom who = {.name = mem_strdup(dom->name), .id = -1};

	memcpy(who.uuid, dom->uuid, sizeof(who.uuid));
	return who;
}

/* It is there; its agent gives it what it is owed. */
static int arrive(const struct migrate_request *request, struct move *m,
		  const struct leaving *leaving, const char *uuid, enum table_mode mode,
		  struct err **err)
{
	struct edges *edges = m->c->edges;
	struct arrivals arrivals = {0};
	cleanup_err struct err *why = NULL;
	msec deadline = edges->now() + request->wait * (msec)1000;
	int result;

	if (leaving->owed.live.n)
		(void)move_await(m->there, uuid, &leaving->owed.live, deadline, edges->now,
				 &arrivals, &why);
	result = print(m, leaving, &arrivals, mode, err);
	if (!result && why) {
		*err = steal(&why);
		err_recode(err, ERR_PARTIAL);
		err_now(err, "%s runs on %s, and has %zu of %zu VFs there", m->c->dom.name,
			m->report.host, arrivals.n, leaving->owed.live.n);
		err_next(err, "the agent there goes on with it: `journalctl -u vfpool-agent` there "
			      "says how");
		result = -1;
	}
	free(arrivals.items);
	return result;
}

/* 0: it is there. */
static int park_and_move(const struct migrate_request *request, struct move *m,
			 struct leaving *leaving, struct minder *minder, struct err **err)
{
	struct converge *c = m->c;
	const struct parking parking = parking_here(c->edges, PARK_MIGRATION, 0);
	struct virt *virt = c->edges->virt;
	struct virt_mover mover;
	struct plan plan = {0};
	int result;

	leaving->since = c->edges->now();
	result = park_domain(c, &parking, &plan, err);
	plan_clear(&plan);
	if (result && (*err)->code == ERR_LOST)
		err_now(err, "%s gets back what it has lost already when libvirt is back",
			c->dom.name);
	if (result)
		return -1;
	if (minder_is_cancelled(minder)) {
		err_set(err, ERR_FAILED, "cancelled");
		return unparked_in_vain(c, err);
	}
	mover = minder_mover(minder);
	if (!virt->ops->move(virt, &c->dom, m->there, &request->move, &mover, err))
		return 0;
	if (minder->cancelled)
		err_wrap(err, "cancelled");
	else if (minder->alone)
		err_wrap(err, "the connection to %s broke", request->uri);
	return settle_failure(m, err) == 1 ? 0 : -1;
}

/* Closes the guest, whose lock is not to be had any longer than it is here. */
static int carry_out(struct session *session, const struct migrate_request *request, struct move *m,
		     struct err **err)
{
	cleanup(leaving_clear) struct leaving leaving = {0};
	bool persistent = request->move.flags & VIRT_MOVE_PERSISTENT;
	struct minder minder = {
		.shows = request->verbose || (isatty(STDERR_FILENO) && !log_is_quiet()),
		.timeout = request->timeout,
		.hurry = request->to_postcopy ? VIRT_MOVE_TO_POSTCOPY : VIRT_MOVE_PAUSE,
		.now = session->edges.now,
	};
	struct virt_dom who;
	int result;

	note_vfs(m->c, &leaving);
	/* Before the move, so that nothing happens there unseen. */
	if (m->there->ops->follow(m->there, -1, err) || minder_start(&minder, err))
		return err_now(err, "nothing was changed");
	result = park_and_move(request, m, &leaving, &minder, err);
	if (!result) {
		who = who_is(&m->c->dom);
		converge_close(m->c);
		m->c->dom = who;
		tidy_up(session, &who, persistent);
	}
	minder_stop(&minder);
	return result ? -1 : arrive(request, m, &leaving, m->c->dom.uuid, session->mode, err);
}

static int check(const struct migrate_request *request, struct move *m, struct err **err)
{
	const struct domain *d = &m->c->domain;
	const struct virt_move *move = &request->move;

	if (move->xml && move_check_xml(d, &d->live, move->xml, request->xml, err))
		return -1;
	if (move->persistent_xml &&
	    move_check_xml(d, &d->config, move->persistent_xml, request->persistent_xml, err))
		return -1;
	return move_check(m, err);
}

static int migrate(struct session *session, const struct migrate_request *request,
		   struct virt *there, struct err **err)
{
	struct converge c;
	struct move m = {.c = &c, .there = there, .uri = request->uri};
	int result;

	if (converge_open(&c, &session->edges, request->domain, request->unplug, err))
		return err_now(err, "nothing was changed");
	c.park_all = request->all;
	result = check(request, &m, err);
	if (result) {
		err_now(err, "nothing was changed");
	} else if (request->dry_run) {
		cleanup(leaving_clear) struct leaving leaving = {0};

		note_vfs(&c, &leaving);
		result = print(&m, &leaving, NULL, session->mode, err);
	} else {
		result = carry_out(session, request, &m, err);
	}
	move_clear(&m);
	converge_close(&c);
	return result;
}

static int run_request(struct session *session, struct migrate_request *request, struct err **err)
{
	struct virt *there = NULL;
	int result;

	request->move.uri = request->uri;
	if (migrate_read_files(request, err) ||
	    session_need(session, NEED_HOST | NEED_POOLS | NEED_VIRT | NEED_STORE_WRITE, err) ||
	    session->edges.connect(request->uri, &there, err))
		return err_now(err, "nothing was changed");
	result = migrate(session, request, there, err);
	there->ops->close(there);
	return result;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct migrate_request request = {.unplug = CONVERGE_TIMEOUT_S, .wait = WAIT_DEFAULT};
	int result = verb_parse(verb, migrate_parse, argc, argv, &request, err);

	if (!result)
		result = run_request(session, &request, err)
				 ? err_wrap(err, "moving %s to %s", request.domain, request.uri)
				 : 0;
	migrate_request_clear(&request);
	return result < 0 ? -1 : 0;
}

const struct verb verb_migrate = {
	.name = "migrate",
	.args = "DOMAIN DESTURI",
	.help = "Move a guest to another host, with other VFs there",
	.options = migrate_options,
	.run = run,
};
