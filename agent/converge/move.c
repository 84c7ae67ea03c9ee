/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/move.h"

#include <stdlib.h>
#include <string.h>

#include "converge/domain.h"
#include "converge/report.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/domain.h"

void move_clear(struct move *m)
{
	host_report_clear(&m->report);
}

/* The guest here */

static int check_guest(struct move *m, struct err **err)
{
	const struct domain *d = &m->c->domain;
	struct virt *virt = m->c->edges->virt;
	struct virt_progress job;

	if (!d->live.present) {
		err_set(err, ERR_FAILED, "%s is not running", d->name);
		return err_next(err, "move its definition (`virsh migrate --offline --persistent "
				     "--undefinesource`), then `vfpool reconcile` here");
	}
	for (size_t i = 0; i < d->live.ndevices; i++)
		if (!d->live.devices[i].id[0]) {
			err_set(err, ERR_FAILED,
				"%s has %s, which vfpool did not give it, and libvirt moves no "
				"guest with such a device",
				d->name, pciaddr_str(d->live.devices[i].host));
			return err_next(err,
					"take it out with `virsh detach-device`, or let vfpool "
					"take it over: `vfpool adopt %s`",
					d->name);
		}
	if (virt->ops->job(virt, &m->c->dom, &job, err))
		return -1;
	if (!job.known)
		return 0;
	err_set(err, ERR_FAILED, "libvirt has a job under way on %s", d->name);
	return err_next(err, "let it end (`virsh domjobinfo %s` shows how far it is), then repeat",
			d->name);
}

/* The host there */

static int no_agent(const struct move *m, const char *what, struct err **err)
{
	err_set(err, ERR_FAILED, "%s: %s", m->uri, what);
	return err_next(err, "on that host: `systemctl enable --now vfpool-agent`");
}

static int check_host(struct move *m, struct err **err)
{
	cleanup_free char *here = m->c->edges->host->ops->name(m->c->edges->host);
	struct err *why = NULL;
	bool alive = false;

	if (report_fetch(m->there, &m->report, &alive, &why)) {
		if (why->code == ERR_ABSENT) {
			err_free(&why);
			return no_agent(m, "no vfpool agent has ever told what is free there", err);
		}
		err_pass(err, why);
		return err_wrap(err, "%s", m->uri);
	}
	if (!alive)
		return no_agent(m, "the vfpool agent there is down", err);
	if (!strcmp(m->report.host, here))
		return err_set(err, ERR_FAILED, "%s is this host, or one of the same name, %s",
			       m->uri, here);
	switch (m->report.hook) {
	case REPORT_HOOK_WORKS:
		return 0;
	case REPORT_HOOK_UNSEEN:
		err_set(err, ERR_FAILED,
			"%s: vfpool's hook there is newer than libvirt's daemon, which may not run "
			"it",
			m->report.host);
		return err_next(err, "on that host: restart libvirt's daemon (guests go on "
				     "running)");
	case REPORT_HOOK_NONE:
		break;
	}
	err_set(err, ERR_FAILED, "%s has no vfpool hook: nothing would be reserved there",
		m->report.host);
	return err_next(err, "on that host: `vfpool hook-install`");
}

/* A definition that it has there already: what VFs that names need not be free. */
static int read_there(struct move *m, struct domain *out, struct err **err)
{
	struct virt_dom dom = {0};
	struct err *why = NULL;
	int result;

	if (m->there->ops->find(m->there, m->c->dom.uuid, &dom, &why)) {
		if (why->code == ERR_ABSENT) {
			err_free(&why);
			return 0;
		}
		err_pass(err, why);
		return err_wrap(err, "%s", m->uri);
	}
	result = domain_read(m->there, &dom, out, err);
	virt_dom_clear(m->there, &dom);
	if (!result && out->live.present)
		result = err_set(err, ERR_FAILED, "%s: %s is running there already", m->uri,
				 m->c->domain.name);
	return result;
}

struct need {
	const char *pool;
	unsigned n; /* so many VFs of it */
};

static int check_one(const struct move *m, const struct assignment *a, struct err **err)
{
	const struct pool_report *pool = report_pool(&m->report, a->pool);

	if (!pool) {
		err_set(err, ERR_FAILED, "%s has no pool %s (assignment %s)", m->report.host,
			a->pool, a->id);
		return err_next(err,
				"`vfpool hosts %s` shows those that it has; define one of that "
				"name there: `vfpool pool-define`",
				m->uri);
	}
	if (pool->nic != !mac_is_zero(a->mac))
		return err_set(err, ERR_FAILED,
			       "the VFs of pool %s of %s are %sNICs, and assignment %s needs one "
			       "that is%s",
			       a->pool, m->report.host, pool->nic ? "" : "no ", a->id,
			       pool->nic ? " none" : "");
	if (a->index >= 0 && pool->free_vfs && !idset_has(pool->free_vfs, (unsigned)a->index)) {
		err_set(err, ERR_NO_VF, "%s/%d of %s, which assignment %s asks for, is not free",
			a->pool, a->index, m->report.host, a->id);
		return err_next(err,
				"`vfpool list %s/%d -o NAME,STATE,HOLDER,REASON` there says why",
				a->pool, a->index);
	}
	return 0;
}

static struct need *need_of(struct need *needs, size_t *n, const char *pool)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(needs[i].pool, pool))
			return &needs[i];
	needs[*n] = (struct need){.pool = pool};
	return &needs[(*n)++];
}

static int check_counts(const struct move *m, const struct need *needs, size_t n, struct err **err)
{
	for (size_t i = 0; i < n; i++) {
		const struct pool_report *pool = report_pool(&m->report, needs[i].pool);

		if (pool->free >= needs[i].n)
			continue;
		err_set(err, ERR_NO_VF, "%s needs %u VF%s of pool %s, and %s has %u free of %u",
			m->c->domain.name, needs[i].n, needs[i].n == 1 ? "" : "s", needs[i].pool,
			m->report.host, pool->free, pool->total);
		return err_next(err, "free some there: `vfpool list %s` there shows who has them",
				needs[i].pool);
	}
	return 0;
}

/* What it looks like there is for libvirt to see to: the bridges of that host are out of sight. */
static int check_standby(const struct move *m, const struct assignment *a, struct err **err)
{
	cleanup_free char *xml = NULL;
	unsigned long version;
	bool active = false;
	struct err *why = NULL;

	if (!a->standby)
		return 0;
	if (m->there->ops->network(m->there, a->standby, &xml, &active, &version, &why)) {
		if (why->code != ERR_ABSENT) {
			err_pass(err, why);
			return err_wrap(err, "%s", m->uri);
		}
		err_free(&why);
		err_set(err, ERR_FAILED, "%s has no network %s, for the standby of assignment %s",
			m->report.host, a->standby, a->id);
		return err_next(err,
				"define one of that name there, on a network that leads to the "
				"same place");
	}
	if (active)
		return 0;
	err_set(err, ERR_FAILED,
		"network %s of %s, for the standby of assignment %s, is not active", a->standby,
		m->report.host, a->id);
	return err_next(err, "`virsh net-start %s` there", a->standby);
}

/* What runs takes its standbys along. */
static int check_standbys(const struct move *m, struct err **err)
{
	const struct assignments *live = &m->c->domain.live.assignments;

	for (size_t i = 0; i < live->n; i++)
		if (check_standby(m, &live->items[i], err))
			return -1;
	return 0;
}

static int check_pools(struct move *m, const struct domain *there, struct err **err)
{
	const struct assignments *all[] = {&m->c->domain.live.assignments,
					   &m->c->domain.config.assignments};
	cleanup_free struct need *needs = mem_zero(all[0]->n + all[1]->n, sizeof(*needs));
	size_t n = 0;

	for (size_t view = 0; view < ARRAY_SIZE(all); view++)
		for (size_t i = 0; i < all[view]->n; i++) {
			const struct assignment *a = &all[view]->items[i];

			if (a->optional || domain_view_device(&there->config, a->id) ||
			    (view && assignments_find(all[0], a->id)))
				continue;
			if (check_one(m, a, err))
				return -1;
			need_of(needs, &n, a->pool)->n++;
		}
	return check_counts(m, needs, n, err);
}

int move_check(struct move *m, struct err **err)
{
	cleanup(domain_clear) struct domain there = {0};
	const struct domain *d = &m->c->domain;

	m->report = (struct host_report){0};
	if (check_guest(m, err) || read_there(m, &there, err))
		return -1;
	/* libvirt's affair alone. */
	if (!d->live.assignments.n && !d->config.assignments.n)
		return 0;
	return check_host(m, err) || check_pools(m, &there, err) || check_standbys(m, err) ? -1 : 0;
}

int move_check_xml(const struct domain *domain, const struct domain_view *view, const char *xml,
		   const char *what, struct err **err)
{
	cleanup(domain_view_clear) struct domain_view given = {0};

	if (domain_xml_parse(xml, &given, err))
		return err_wrap(err, "%s", what);
	if (given.ndevices) {
		err_set(err, ERR_USAGE, "%s: VF %s is in it, and that is one of this host", what,
			pciaddr_str(given.devices[0].host));
		return err_next(err,
				"take host devices out of it; vfpool gives the guest its VFs there "
				"by what its metadata says");
	}
	if (given.metadata_error)
		return err_set(err, ERR_USAGE, "%s: its vfpool metadata is not valid: %s", what,
			       given.metadata_error);
	if (strcmp(given.uuid, domain->uuid) != 0)
		return err_set(err, ERR_USAGE, "%s: it is not %s, by its UUID", what, domain->name);
	for (size_t i = 0; i < view->assignments.n; i++)
		if (!assignments_find(&given.assignments, view->assignments.items[i].id)) {
			err_set(err, ERR_USAGE, "%s: assignment %s is not in its metadata", what,
				view->assignments.items[i].id);
			return err_next(err, "leave the <vfpool:assignments> of `virsh dumpxml "
					     "--migratable` in it");
		}
	return 0;
}

/* What comes of it */

static void note_arrivals(const struct domain_view *view, const struct assignments *owed, msec now,
			  struct arrivals *out)
{
	for (size_t i = 0; i < owed->n; i++) {
		const char *id = owed->items[i].id;
		const struct device *device = domain_view_device(view, id);
		struct arrival *arrival;
		bool known = false;

		for (size_t j = 0; j < out->n; j++)
			known |= !strcmp(out->items[j].id, id);
		if (!device || known)
			continue;
		arrival = mem_append(&out->items, &out->n, sizeof(*arrival));
		memcpy(arrival->id, id, sizeof(arrival->id));
		arrival->vf = device->host;
		arrival->at = now;
	}
}

/* As it should be, and its metadata says so. */
static bool is_all_there(const struct domain_view *view, const struct assignments *owed)
{
	for (size_t i = 0; i < owed->n; i++) {
		const struct assignment *a =
			assignments_find(&view->assignments, owed->items[i].id);

		if (owed->items[i].optional)
			continue;
		if (!a || a->parked || !domain_view_device(view, a->id))
			return false;
	}
	return true;
}

static int look_there(struct virt *there, const struct virt_dom *dom, struct domain *out,
		      struct err **err)
{
	if (domain_read(there, dom, out, err))
		return -1;
	if (out->live.present)
		return 0;
	domain_clear(out);
	return err_set(err, ERR_ABSENT, "%s does not run there any more", dom->name);
}

static int await(struct virt *there, const struct virt_dom *dom, const struct assignments *owed,
		 msec deadline, msec (*now)(void), struct arrivals *out, struct err **err)
{
	for (;;) {
		cleanup(domain_clear) struct domain d = {0};
		struct virt_event event = {0};
		int got = 1;

		if (look_there(there, dom, &d, err))
			return -1;
		note_arrivals(&d.live, owed, now(), out);
		if (is_all_there(&d.live, owed))
			return 0;
		do {
			virt_event_clear(&event);
			got = there->ops->next_event(there, deadline, &event, err);
		} while (got > 0 && strcmp(event.uuid, dom->uuid) != 0 && now() < deadline);
		virt_event_clear(&event);
		if (got < 0)
			return -1;
		/* Others may have events without end. */
		if (!got || now() >= deadline)
			return err_set(err, ERR_TIMEOUT, "%s has not got all its VFs there yet",
				       dom->name);
	}
}

int move_await(struct virt *there, const char *uuid, const struct assignments *owed, msec deadline,
	       msec (*now)(void), struct arrivals *out, struct err **err)
{
	struct virt_dom dom = {0};
	int result;

	if (there->ops->find(there, uuid, &dom, err))
		return -1;
	result = await(there, &dom, owed, deadline, now, out, err);
	virt_dom_clear(there, &dom);
	return result;
}

static bool runs_at(struct virt *virt, const char *uuid)
{
	cleanup(domain_clear) struct domain d = {0};
	struct virt_dom dom = {0};
	bool runs;

	if (virt->ops->find(virt, uuid, &dom, NULL))
		return false;
	runs = !domain_read(virt, &dom, &d, NULL) && d.live.present;
	virt_dom_clear(virt, &dom);
	return runs;
}

enum move_where move_where(struct virt *here, struct virt *there, const char *uuid)
{
	if (runs_at(here, uuid))
		return MOVE_HERE;
	return runs_at(there, uuid) ? MOVE_THERE : MOVE_NOWHERE;
}
