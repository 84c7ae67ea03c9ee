/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guests of a PF that is resized: their VFs come out, and go in again. */
#include <stdlib.h>
#include <string.h>

#include "converge/park.h"
#include "converge/resizing.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"

/* Parking */

static int park_guest(struct resizing *r, struct converge *c, msec deadline, struct err **err)
{
	const struct parking parking = parking_here(r->edges, PARK_RESIZE, 0);
	struct scope scope = {0};
	struct plan plan = {0};
	struct wants wants;
	int result;

	for (size_t i = 0; i < r->plan.nparks; i++)
		if (!strcmp(r->plan.parks[i].domain_uuid, c->dom.uuid))
			scope_add(&scope, r->plan.parks[i].id);
	if (!scope.n)
		return 0;
	log_say("taking %zu VF%s of %s out of %s", scope.n, scope.n == 1 ? "" : "s", pf_str(&r->pf),
		c->dom.name);
	if (converge_again(c, r->request->seconds, err)) {
		scope_clear(&scope);
		return -1;
	}
	c->deadline = deadline;
	wants = wants_of(&c->domain);
	for (size_t i = 0; i < scope.n; i++) {
		struct assignment *a = assignments_find(&wants.live, scope.ids[i]);

		if (a)
			assignment_park(a, &parking);
	}
	result = converge_run(c, &wants, &scope, CONVERGE_CHECK, &plan, NULL, err);
	if (result)
		err_wrap(err, "taking VFs out of %s", c->dom.name);
	plan_clear(&plan);
	wants_clear(&wants);
	scope_clear(&scope);
	return result;
}

/* libvirt says that a guest has let go before QEMU has closed the device and the host has it. */
static int settle(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;
	msec deadline = r->edges->now() + SETTLE_MS;

	for (size_t i = 0; i < r->plan.nparks; i++) {
		const struct park *park = &r->plan.parks[i];
		struct err *why = NULL;

		if (host->ops->wait_driver(host, park->vf, park->driver, deadline, &why) &&
		    why->code != ERR_ABSENT)
			return err_pass(err, why);
		err_free(&why);
	}
	return 0;
}

int resizing_park(struct resizing *r, struct err **err)
{
	msec deadline = r->edges->now() + r->request->seconds * (msec)1000;

	if (!r->plan.nparks)
		return 0;
	if (r->edges->host->ops->watch(r->edges->host, err))
		return -1;
	for (size_t i = 0; i < r->nguests; i++)
		if (park_guest(r, &r->guests[i], deadline, err))
			return -1;
	return settle(r, err);
}

/* Giving back */

/*
 * A VF that was made anew knows nothing of what was set on the old one; so the leases that stay
 * begin again. remade: it is certain that they were made anew.
 */
static int renew_leases(struct resizing *r, bool remade, struct err **err)
{
	struct store *store = r->edges->store;

	if (!remade && !r->plan.rehomes && !r->resumes)
		return 0;
	for (size_t i = 0; i < r->leases.n; i++) {
		struct lease *lease = &r->leases.items[i];
		const struct vf *vf = pf_vf_by_index(&r->pf, lease->index);
		const struct converge *c = resizing_guest(r, lease->domain_uuid);
		struct err *why = NULL;

		/* Its VF is in the guest: there was nothing to be made anew. */
		if (c && domain_view_device(&c->domain.live, lease->assignment))
			continue;
		if (!remade && vf && driver_is_vfio(vf->driver) && !vf->prebound)
			continue;
		if (remade && lease->state != LEASE_RESERVED) {
			lease->state = LEASE_CLAIMED;
			lease->saved = (struct vf_settings){0};
		}
		free(lease->driver);
		lease->driver = vf ? mem_strdup(vf->driver) : NULL;
		if (store->ops->update(store, lease, &why) && why->code != ERR_ABSENT)
			return err_pass(err, why);
		err_free(&why);
	}
	return 0;
}

/* Each guest gets the VF that it had, if that is there again, before any of them chooses. */
static int reclaim(struct resizing *r, const struct owed *owed, struct err **err)
{
	struct store *store = r->edges->store;
	const struct converge *c = resizing_guest(r, owed->domain_uuid);
	const struct assignment *a =
		c ? assignments_find(&c->domain.live.assignments, owed->assignment) : NULL;
	const struct vf *vf = NULL;
	struct err *why = NULL;
	struct lease lease = {.pf = r->pf.addr, .state = LEASE_CLAIMED};
	int result;

	for (size_t i = 0; i < r->pf.nvfs; i++)
		if (pciaddr_equal(r->pf.vfs[i].addr, owed->vf))
			vf = &r->pf.vfs[i];
	if (!a || !a->parked || !vf || leases_by_assignment(&c->leases, a->id))
		return 0;
	lease.vf = vf->addr;
	lease.index = vf->index;
	lease.domain_name = c->dom.name;
	lease.driver = vf->driver;
	lease.since = r->edges->wall();
	memcpy(lease.assignment, owed->assignment, sizeof(lease.assignment));
	memcpy(lease.domain_uuid, owed->domain_uuid, sizeof(lease.domain_uuid));
	result = store->ops->claim(store, &lease, &why);
	/* Somebody else's by now: another one will do, if any will. */
	if (result && why->code == ERR_TAKEN) {
		err_free(&why);
		return 0;
	}
	err_pass(err, why);
	return result;
}

static int give_back(struct resizing *r, struct converge *c, struct err **err)
{
	struct scope scope = {0};
	struct plan plan = {0};
	struct wants wants;
	int result;

	if (converge_again(c, r->request->seconds, err))
		return -1;
	wants = wants_of(&c->domain);
	if (resize_note_has_domain(&r->note, c->dom.uuid))
		log_say("giving %s its VFs of %s back", c->dom.name, pf_str(&r->pf));
	for (size_t i = 0; i < r->note.n; i++) {
		const struct owed *owed = &r->note.owed[i];
		struct assignment *a;

		if (strcmp(owed->domain_uuid, c->dom.uuid) != 0)
			continue;
		scope_add(&scope, owed->assignment);
		a = assignments_find(&wants.live, owed->assignment);
		if (a)
			a->parked = false;
	}
	for (size_t i = 0; i < c->leases.n; i++)
		if (pciaddr_equal(c->leases.items[i].pf, r->pf.addr))
			scope_add(&scope, c->leases.items[i].assignment);
	result = converge_run(c, &wants, &scope, CONVERGE_MEND, &plan, NULL, err);
	if (r->listener)
		r->listener->heard(r->listener->arg, c->dom.name, &plan);
	plan_clear(&plan);
	wants_clear(&wants);
	scope_clear(&scope);
	return result;
}

void resizing_add_error(struct err **all, struct err *one)
{
	if (!*all) {
		*all = one;
		return;
	}
	err_detail(all, "%s", one->what);
	err_free(&one);
}

/* What is still owed stays in the note: VFs to guests, and the PF its number. */
static int keep_note(struct resizing *r, const bool *done, struct err **err)
{
	struct host *host = r->edges->host;
	struct resize_note left = {.pf = r->pf.addr, .before = r->pf.num_vfs};
	int result;

	if (r->unsettled || !r->pf.num_vfs)
		left.before = r->note.before;
	if (host->ops->read_home(host, left.pf, &left.home, err))
		return -1;
	for (size_t i = 0; i < r->note.n; i++) {
		const struct owed *owed = &r->note.owed[i];
		const struct converge *c = resizing_guest(r, owed->domain_uuid);

		if (!c || !done[c - r->guests])
			resize_note_add(&left, owed->domain_uuid, owed->assignment, owed->vf);
	}
	result = left.n || r->unsettled ? host->ops->write_note(host, &left, err)
					: host->ops->drop_note(host, left.pf, err);
	resize_note_clear(&left);
	return result;
}

/* Every guest that has to do with this PF, whether something was taken from it or not. */
int resizing_give_back(struct resizing *r, bool remade, struct err **err)
{
	cleanup_free bool *done = mem_zero(r->nguests, sizeof(*done));
	struct err *all = NULL, *why = NULL;

	if (resizing_read_pf(r, err))
		return -1;
	for (size_t i = 0; i < r->nguests; i++)
		if (converge_again(&r->guests[i], r->request->seconds, err))
			return -1;
	if (renew_leases(r, remade, err))
		return -1;
	for (size_t i = 0; i < r->note.n; i++)
		if (reclaim(r, &r->note.owed[i], err))
			return -1;
	for (size_t i = 0; i < r->nguests; i++) {
		done[i] = !give_back(r, &r->guests[i], &why);
		if (done[i])
			continue;
		err_wrap(&why, "giving %s its VFs again", r->guests[i].dom.name);
		if (why->code == ERR_LOST) {
			err_free(&all);
			return err_pass(err, why);
		}
		resizing_add_error(&all, steal(&why));
	}
	/* The note that cannot be written anew may stay: what is not owed any more is found out. */
	(void)keep_note(r, done, all ? NULL : &all);
	if (all) {
		*err = all;
		return -1;
	}
	return 0;
}
