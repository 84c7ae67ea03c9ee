/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/resize.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "converge/converge.h"
#include "converge/domain.h"
#include "converge/plan_resize.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"

/* Making a VF takes the kernel and the card up to this long, on the slowest cards. */
#define KERNEL_MS_PER_VF 2000
/* After the last guest has let go: until libvirt and QEMU really have. */
#define SETTLE_MS 10000
/* A VF whose driver has not come by itself is bound by hand, and gets so long again. */
#define STRAGGLER_MS 3000
/* So often the guests concerned may change before they are all locked. */
#define ROUNDS_MAX 8
#define STRAGGLERS_MAX 8 /* to be named */

struct resizing {
	struct edges *edges;
	const struct resize_request *request;
	const struct resize_listener *listener;
	bool resumes; /* what was interrupted; the number is not to be changed */
	/* As it was found. */
	struct pf pf;
	enum vf_home home;
	struct leases leases;
	struct domain *domains;
	size_t ndomains;
	char **users;   /* beside pf.vfs */
	bool left;      /* there was a note already */
	bool unsettled; /* the PF has not the VFs that it should have */
	struct resize_note note;
	struct resize_plan plan;
	/* Held. */
	struct converge *guests; /* as plan.concerned */
	size_t nguests;
	int lock;
};

/* Looking */

static void forget_view(struct resizing *r)
{
	for (size_t i = 0; r->users && i < r->pf.nvfs; i++)
		free(r->users[i]);
	free(r->users);
	r->users = NULL;
	pf_clear(&r->pf);
	leases_clear(&r->leases);
	for (size_t i = 0; i < r->ndomains; i++)
		domain_clear(&r->domains[i]);
	free(r->domains);
	r->domains = NULL;
	r->ndomains = 0;
	resize_note_clear(&r->note);
	resize_plan_clear(&r->plan);
}

static int find_note(struct edges *edges, struct pciaddr pf, struct resize_note *out, bool *found,
		     struct err **err)
{
	struct resize_notes notes = {0};

	*found = false;
	if (edges->host->ops->read_notes(edges->host, &notes, err))
		return -1;
	for (size_t i = 0; i < notes.n; i++) {
		if (!pciaddr_equal(notes.items[i].pf, pf))
			continue;
		*out = notes.items[i];
		notes.items[i] = (struct resize_note){0};
		*found = true;
		break;
	}
	resize_notes_clear(&notes);
	return 0;
}

/* A domain that cannot be read may have any VF: then nothing can be said. */
static int read_domains(struct resizing *r, struct err **err)
{
	struct virt *virt = r->edges->virt;
	struct virt_dom *doms = NULL;
	size_t n = 0;
	int result = 0;

	if (!virt)
		return 0;
	if (virt->ops->list(virt, &doms, &n, err))
		return -1;
	r->domains = mem_zero(n, sizeof(*r->domains));
	for (size_t i = 0; i < n; i++) {
		if (!result) {
			result = domain_read(virt, &doms[i], &r->domains[r->ndomains], err);
			if (result)
				err_wrap(err, "reading what VFs %s has", doms[i].name);
			else
				r->ndomains++;
		}
		virt_dom_clear(virt, &doms[i]);
	}
	free(doms);
	return result;
}

/* Only VFs on vfio-pci can be open in a process. */
static void find_users(struct resizing *r)
{
	struct host *host = r->edges->host;

	r->users = mem_zero(r->pf.nvfs, sizeof(*r->users));
	for (size_t i = 0; i < r->pf.nvfs; i++) {
		const struct vf *vf = &r->pf.vfs[i];

		if (vf->driver && !strcmp(vf->driver, "vfio-pci"))
			r->users[i] = host->ops->user_of(host, vf);
	}
}

static int check_count(const struct resizing *r, struct err **err)
{
	if (r->resumes || r->request->count <= r->pf.total_vfs)
		return 0;
	err_set(err, ERR_USAGE, "%s can have %u VFs at most", pf_str(&r->pf), r->pf.total_vfs);
	if (!r->pf.total_vfs)
		return err_next(err, "switch SR-IOV on in the card's firmware");
	return err_next(err, "ask for %u or fewer; some cards have the limit in their firmware",
			r->pf.total_vfs);
}

/* Whoever came here without libvirt did so because there was nobody to ask about. */
static int need_virt(const struct resizing *r, struct err **err)
{
	if (r->edges->virt || !(r->plan.remakes || r->plan.rehomes || r->left) ||
	    !(r->pf.num_vfs || r->leases.n || r->left))
		return 0;
	return err_set(err, ERR_FAILED, "%s has got VFs from somebody else just now",
		       pf_str(&r->pf));
}

static int look(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;
	struct store *store = r->edges->store;

	forget_view(r);
	if (host->ops->read_pf(host, r->request->pf, HOST_NETDEVS, &r->pf, err) ||
	    check_count(r, err) || host->ops->read_home(host, r->request->pf, &r->home, err) ||
	    store->ops->list(store, NULL, &r->request->pf, &r->leases, err) ||
	    find_note(r->edges, r->request->pf, &r->note, &r->left, err) || read_domains(r, err))
		return -1;
	find_users(r);
	resize_plan_make(
		&(struct resize_situation){
			.pf = &r->pf,
			.home = r->home,
			.leases = &r->leases,
			.domains = r->domains,
			.ndomains = r->ndomains,
			.users = r->users,
			.note = r->left ? &r->note : NULL,
			.count = r->resumes ? r->pf.num_vfs : r->request->count,
			.new_home = r->resumes ? r->home : r->request->home,
			.park = r->request->park,
			.force = r->request->force,
		},
		&r->plan);
	if (r->plan.refusal && !r->resumes) {
		*err = steal(&r->plan.refusal);
		return -1;
	}
	return need_virt(r, err);
}

/* Locking */

static void unlock(struct resizing *r)
{
	while (r->nguests)
		converge_close(&r->guests[--r->nguests]);
	free(r->guests);
	r->guests = NULL;
	if (r->lock >= 0)
		(void)close(r->lock);
	r->lock = -1;
}

static unsigned seconds_left(const struct resizing *r, msec deadline)
{
	return (unsigned)(clock_left(deadline, r->edges->now()) + 999) / 1000;
}

/* Domains before the PF, as everybody does who wants both. */
static int lock_planned(struct resizing *r, msec deadline, struct err **err)
{
	cleanup_free char *name = mem_printf("resize-%s", pciaddr_str(r->request->pf));

	r->guests = mem_zero(r->plan.nconcerned, sizeof(*r->guests));
	for (size_t i = 0; i < r->plan.nconcerned; i++) {
		const struct concerned *one = &r->plan.concerned[i];

		if (converge_open_leased(&r->guests[i], r->edges, one->uuid, one->name,
					 seconds_left(r, deadline), err))
			return err_wrap(err, "locking %s", one->name);
		r->guests[i].resizing = &r->request->pf;
		r->nguests++;
	}
	return r->edges->lock(name, deadline, &r->lock, err);
}

static bool all_locked(const struct resizing *r)
{
	for (size_t i = 0; i < r->plan.nconcerned; i++) {
		bool found = false;

		for (size_t j = 0; j < r->nguests && !found; j++)
			found = !strcmp(r->guests[j].dom.uuid, r->plan.concerned[i].uuid);
		if (!found)
			return false;
	}
	return true;
}

/* Until all who are concerned are locked, somebody new can become one of them. */
static int lock_all(struct resizing *r, msec deadline, struct err **err)
{
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		if (lock_planned(r, deadline, err) || look(r, err))
			return -1;
		if (all_locked(r))
			return 0;
		unlock(r);
	}
	err_set(err, ERR_FAILED, "the guests that have VFs of %s change all the time",
		pf_str(&r->pf));
	return err_next(err, "repeat the command when less is going on");
}

static struct converge *guest_of(const struct resizing *r, const char *uuid)
{
	for (size_t i = 0; i < r->nguests; i++)
		if (!strcmp(r->guests[i].dom.uuid, uuid))
			return &r->guests[i];
	return NULL;
}

/* Parking */

static int park_guest(struct resizing *r, struct converge *c, msec deadline, struct err **err)
{
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
			a->parked = true;
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
		    why->code != ERR_ABSENT) {
			*err = why;
			return -1;
		}
		err_free(&why);
	}
	return 0;
}

static int park_all(struct resizing *r, struct err **err)
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

/* Changing */

static int set_count(struct resizing *r, unsigned count, struct err **err)
{
	struct host *host = r->edges->host;
	unsigned most = r->pf.num_vfs > count ? r->pf.num_vfs : count;
	msec deadline =
		r->edges->now() + r->request->seconds * (msec)1000 + most * (msec)KERNEL_MS_PER_VF;

	if (!host->ops->set_num_vfs(host, &r->pf, count, r->lock, deadline, err))
		return 0;
	return err_wrap(err, count ? "making %u VFs" : "removing the VFs", count);
}

/* As it is by now; r->plan and r->users stay, and are not to be used with it. */
static int read_pf_again(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;
	struct pf pf;

	if (host->ops->read_pf(host, r->request->pf, HOST_NETDEVS, &pf, err))
		return -1;
	for (size_t i = 0; r->users && i < r->pf.nvfs; i++)
		free(r->users[i]);
	free(r->users);
	r->users = NULL;
	pf_clear(&r->pf);
	r->pf = pf;
	return 0;
}

static int bring_up(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;

	if (!r->request->count || !r->pf.netdev || r->pf.up)
		return 0;
	log_say("bringing %s up", pf_str(&r->pf));
	return host->ops->pf_up(host, &r->pf, err) ? err_wrap(err, "bringing %s up", pf_str(&r->pf))
						   : 0;
}

static int remake(struct resizing *r, unsigned count, struct err **err)
{
	if (r->pf.num_vfs && set_count(r, 0, err))
		return -1;
	if (count && set_count(r, count, err))
		return -1;
	return read_pf_again(r, err);
}

static int send_all_home(struct resizing *r, enum vf_home home, struct err **err)
{
	struct host *host = r->edges->host;
	msec deadline = r->edges->now() + SETTLE_MS + r->pf.nvfs * (msec)KERNEL_MS_PER_VF;

	for (size_t i = 0; i < r->pf.nvfs; i++)
		if (host->ops->send_home(host, r->pf.vfs[i].addr, home, deadline, err))
			return -1;
	return 0;
}

/* After an interruption on the way from one home to another: guests may have some still. */
static int send_idle_home(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;
	msec deadline = r->edges->now() + SETTLE_MS + r->pf.nvfs * (msec)KERNEL_MS_PER_VF;

	for (size_t i = 0; i < r->pf.nvfs; i++) {
		struct pciaddr vf = r->pf.vfs[i].addr;

		if (!resize_plan_in_guest(r->domains, r->ndomains, vf) &&
		    host->ops->send_home(host, vf, r->home, deadline, err))
			return -1;
	}
	return 0;
}

static int change(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;
	const struct resize_request *request = r->request;

	if (host->ops->watch(host, err) || bring_up(r, err))
		return -1;
	if (r->plan.rehomes && host->ops->set_home(host, request->pf, request->home, err))
		return -1;
	if (r->plan.remakes) {
		log_say("%s has %u VFs, and gets %u", pf_str(&r->pf), r->pf.num_vfs,
			request->count);
		if (remake(r, request->count, err))
			return -1;
		if (r->pf.num_vfs < r->plan.needed || (request->count && !r->pf.num_vfs))
			return err_set(err, ERR_FAILED, "the kernel enabled %u VFs of %s, not %u",
				       r->pf.num_vfs, pf_str(&r->pf), request->count);
	}
	/* The kernel gives new VFs to the host's driver by itself, or to none. */
	if (request->home == VF_HOME_VFIO || (r->plan.rehomes && !r->plan.remakes))
		return send_all_home(r, request->home, err);
	return 0;
}

/* Who was late is bound by hand, and waited for once more. NULL: it is there; else why not. */
static struct err *await_home(struct resizing *r, const struct vf *vf, msec deadline, bool again)
{
	struct host *host = r->edges->host;
	enum vf_home home = r->request->home;
	struct err *why = NULL;
	msec now;

	if (!host->ops->wait_home(host, vf->addr, home, deadline, &why) || !again ||
	    why->code != ERR_TIMEOUT)
		return why;
	now = r->edges->now();
	if (host->ops->send_home(host, vf->addr, home, now + STRAGGLER_MS, NULL))
		return why;
	err_free(&why);
	(void)host->ops->wait_home(host, vf->addr, home, now + STRAGGLER_MS, &why);
	return why;
}

/*
 * What is not as it was asked for, though it was done: -1, and ERR_PARTIAL. A host that has no
 * driver for VFs at all may mean to have none.
 */
static int verify(struct resizing *r, struct err **err)
{
	const struct resize_request *request = r->request;
	msec deadline = r->edges->now() + SETTLE_MS + r->pf.nvfs * (msec)100;
	struct err *list = NULL;
	size_t late = 0;
	bool driven = false;

	if (r->pf.num_vfs < request->count)
		err_set(err, ERR_PARTIAL, "the kernel enabled %u VFs of %s, not %u", r->pf.num_vfs,
			pf_str(&r->pf), request->count);
	else if (r->pf.nvfs < r->pf.num_vfs)
		err_set(err, ERR_PARTIAL, "%s shows %zu VFs, though the kernel counts %u",
			pf_str(&r->pf), r->pf.nvfs, r->pf.num_vfs);
	for (size_t i = 0; i < r->pf.nvfs; i++) {
		struct err *why = await_home(r, &r->pf.vfs[i], deadline, late < STRAGGLERS_MAX);

		if (why && late++ < STRAGGLERS_MAX) {
			if (!list)
				err_set(&list, ERR_PARTIAL, "not at home");
			err_detail(&list, "%s", why->what);
		}
		driven |= !why;
		err_free(&why);
	}
	if (late && !driven && request->home == VF_HOME_HOST) {
		log_warn("no driver of this host has taken the VFs of %s: is it blocked, or not "
			 "installed? (--no-host-driver says that it is not wanted)",
			 pf_str(&r->pf));
	} else if (late && !*err) {
		*err = steal(&list);
		free((*err)->what);
		(*err)->what = mem_printf("%zu of the %zu VFs of %s are not ready", late,
					  r->pf.nvfs, pf_str(&r->pf));
		err_next(err, "`vfpool check %s` may say why", pf_str(&r->pf));
	}
	err_free(&list);
	return *err ? -1 : 0;
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
		const struct converge *c = guest_of(r, lease->domain_uuid);
		struct err *why = NULL;

		/* Its VF is in the guest: there was nothing to be made anew. */
		if (c && domain_view_device(&c->domain.live, lease->assignment))
			continue;
		if (!remade && vf && vf->driver && !strcmp(vf->driver, "vfio-pci") && !vf->prebound)
			continue;
		if (remade) {
			lease->state = LEASE_CLAIMED;
			lease->saved = (struct vf_settings){0};
		}
		free(lease->driver);
		lease->driver = vf ? mem_strdup(vf->driver) : NULL;
		if (store->ops->update(store, lease, &why) && why->code != ERR_ABSENT) {
			*err = why;
			return -1;
		}
		err_free(&why);
	}
	return 0;
}

/* Each guest gets the VF that it had, if that is there again, before any of them chooses. */
static int reclaim(struct resizing *r, const struct owed *owed, struct err **err)
{
	struct store *store = r->edges->store;
	const struct converge *c = guest_of(r, owed->domain_uuid);
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
	lease.since = (int64_t)time(NULL);
	memcpy(lease.assignment, owed->assignment, sizeof(lease.assignment));
	memcpy(lease.domain_uuid, owed->domain_uuid, sizeof(lease.domain_uuid));
	result = store->ops->claim(store, &lease, &why);
	/* Somebody else's by now: another one will do, if any will. */
	if (result && why->code == ERR_TAKEN) {
		err_free(&why);
		return 0;
	}
	*err = why;
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

static void add_error(struct err **all, struct err *one)
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
		const struct converge *c = guest_of(r, owed->domain_uuid);

		if (!c || !done[c - r->guests])
			resize_note_add(&left, owed->domain_uuid, owed->assignment, owed->vf);
	}
	result = left.n || r->unsettled ? host->ops->write_note(host, &left, err)
					: host->ops->drop_note(host, left.pf, err);
	resize_note_clear(&left);
	return result;
}

/* Every guest that has to do with this PF, whether something was taken from it or not. */
static int give_all_back(struct resizing *r, bool remade, struct err **err)
{
	cleanup_free bool *done = mem_zero(r->nguests, sizeof(*done));
	struct err *all = NULL, *why = NULL;

	if (read_pf_again(r, err))
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
			*err = why;
			return -1;
		}
		add_error(&all, steal(&why));
	}
	/* The note that cannot be written anew may stay: what is not owed any more is found out. */
	(void)keep_note(r, done, all ? NULL : &all);
	if (all) {
		*err = all;
		return -1;
	}
	return 0;
}

/* Failing */

static const char *const resume_words = "`vfpool reconcile` puts back what is missing";

/* The first thing to do comes from where it failed; this comes after it. */
static int owe(struct err **err)
{
	if (!(*err)->next)
		return err_next(err, "%s", resume_words);
	return err_detail(err, "after that, %s", resume_words);
}

/* The number as it was, and where VFs are at home. */
static int undo_change(struct resizing *r, bool *remade, struct err **err)
{
	struct host *host = r->edges->host;

	if (read_pf_again(r, err) ||
	    (r->plan.rehomes && host->ops->set_home(host, r->pf.addr, r->note.home, err)))
		return -1;
	*remade = r->pf.num_vfs != r->note.before;
	if (*remade && remake(r, r->note.before, err))
		return -1;
	return r->plan.rehomes && (!*remade || r->note.home == VF_HOME_VFIO)
		       ? send_all_home(r, r->note.home, err)
		       : 0;
}

/* All is as it was: the number, and the guests. touched: something may have happened to it. */
static int undo(struct resizing *r, bool touched, struct err **err)
{
	unsigned before = r->note.before;
	cleanup_err struct err *why = NULL;
	bool remade = false;

	/* The kernel is still at it, or nobody answers: whatever is done now may be undone by that.
	 */
	if ((*err)->code == ERR_LOST || (touched && (*err)->code == ERR_TIMEOUT)) {
		if (r->plan.nparks)
			err_now(err, "%zu VFs of %s are out of their guests", r->plan.nparks,
				pf_str(&r->pf));
		return owe(err);
	}
	r->unsettled = touched && undo_change(r, &remade, &why);
	if (r->unsettled) {
		err_now(err, "%s cannot be brought back to its %u VFs: %s", pf_str(&r->pf), before,
			why->what);
		if (why->code != ERR_TIMEOUT && why->code != ERR_LOST) {
			err_free(&why);
			/* What there is may do for some. */
			if (give_all_back(r, remade, &why))
				err_detail(err, "%s", why->what);
		}
		return owe(err);
	}
	if (give_all_back(r, remade, &why)) {
		err_now(err, "%s has its %u VFs as before, but not every guest its own: %s",
			pf_str(&r->pf), before, why->what);
		return owe(err);
	}
	return err_now(err, "%s has its %u VFs as before%s", pf_str(&r->pf), before,
		       r->plan.nparks ? ", and every guest its own" : "");
}

/* Doing */

/* What an earlier one owes is owed by this one. */
static int write_note(struct resizing *r, struct err **err)
{
	struct host *host = r->edges->host;

	/* Without VFs there is nothing to be put back, and nobody to whom. */
	if (!r->request->count)
		return 0;
	if (!r->left || r->pf.num_vfs) {
		r->note.pf = r->pf.addr;
		r->note.before = r->pf.num_vfs;
		r->note.home = r->home;
	}
	for (size_t i = 0; i < r->plan.nparks; i++) {
		const struct park *park = &r->plan.parks[i];
		const struct converge *c = guest_of(r, park->domain_uuid);

		/* One that is on its way out of the guest anyway is not owed. */
		if (c && assignments_find(&c->domain.live.assignments, park->id))
			resize_note_add(&r->note, park->domain_uuid, park->id, park->vf);
	}
	return r->note.before || r->note.n ? host->ops->write_note(host, &r->note, err) : 0;
}

static int resize(struct resizing *r, struct err **err)
{
	cleanup_err struct err *partly = NULL;
	bool remade = r->plan.remakes, halfway = r->left && r->note.home != r->home;

	if (write_note(r, err))
		return err_now(err, "nothing was changed");
	if (remade || r->plan.rehomes) {
		if (park_all(r, err))
			return undo(r, false, err);
		if (change(r, err))
			return undo(r, true, err);
		(void)verify(r, &partly);
	} else if (halfway && send_idle_home(r, err)) {
		return owe(err);
	}
	if (give_all_back(r, remade, err)) {
		if ((*err)->code != ERR_LOST)
			err_recode(err, ERR_PARTIAL);
		if (partly)
			err_detail(err, "%s", partly->what);
		err_now(err, "%s has %u VFs", pf_str(&r->pf), r->pf.num_vfs);
		return owe(err);
	}
	if (!partly)
		return 0;
	*err = steal(&partly);
	return err_now(err, "%s has %u VFs%s", pf_str(&r->pf), r->pf.num_vfs,
		       r->plan.nparks ? ", and every guest its own" : "");
}

static void resizing_close(struct resizing *r)
{
	unlock(r);
	forget_view(r);
}

int resize_needs_guests(struct edges *edges, const struct resize_request *request, bool *needs,
			struct err **err)
{
	struct resizing r = {.edges = edges, .request = request, .lock = -1};
	struct host *host = edges->host;
	struct store *store = edges->store;
	int result = host->ops->read_pf(host, request->pf, 0, &r.pf, err) || check_count(&r, err) ||
		     host->ops->read_home(host, request->pf, &r.home, err) ||
		     store->ops->list(store, NULL, &request->pf, &r.leases, err) ||
		     find_note(edges, request->pf, &r.note, &r.left, err);

	if (!result)
		*needs = r.left || ((r.pf.num_vfs || r.leases.n) &&
				    (r.pf.num_vfs != request->count || r.home != request->home));
	resizing_close(&r);
	return result ? -1 : 0;
}

int resize_run(struct edges *edges, const struct resize_request *request,
	       const struct resize_listener *listener, struct err **err)
{
	struct resizing r = {.edges = edges, .request = request, .listener = listener, .lock = -1};
	msec deadline = edges->now() + request->seconds * (msec)1000;
	int result = look(&r, err);

	if (result)
		err_now(err, "nothing was changed");
	else if (!r.left && !r.plan.remakes && !r.plan.rehomes)
		result = bring_up(&r, err);
	else if (lock_all(&r, deadline, err))
		result = err_now(err, "nothing was changed");
	else
		result = resize(&r, err);
	resizing_close(&r);
	return result ? -1 : 0;
}

/* Resuming */

/* The PF keeps the VFs that it has, unless it was interrupted when there were none. */
static int resume(struct resizing *r, struct resize_request *request, struct err **err)
{
	struct host *host = r->edges->host;
	cleanup_err struct err *partly = NULL;
	bool remade = !r->pf.num_vfs && r->note.before;

	request->home = r->home;
	request->count = r->pf.num_vfs;
	if (remade) {
		log_say("%s gets its %u VFs back", pf_str(&r->pf), r->note.before);
		request->home = r->note.home;
		request->count = r->note.before;
		if (host->ops->watch(host, err) || bring_up(r, err) ||
		    host->ops->set_home(host, r->pf.addr, request->home, err) ||
		    remake(r, request->count, err) ||
		    (request->home == VF_HOME_VFIO && send_all_home(r, request->home, err)))
			return -1;
		if (verify(r, &partly))
			log_warn("%s", partly->what);
	} else if (r->home != r->note.home && send_idle_home(r, err)) {
		return -1;
	}
	return give_all_back(r, remade, err);
}

/* Whoever is at work has the lock; his guests' locks are not to be waited for. */
static bool at_work(struct edges *edges, struct pciaddr pf)
{
	cleanup_free char *name = mem_printf("resize-%s", pciaddr_str(pf));
	cleanup_err struct err *why = NULL;
	int fd;

	if (!edges->lock(name, edges->now(), &fd, &why)) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	if (why->code == ERR_TIMEOUT)
		log_warn("the VFs of %s are being made anew: %s", pciaddr_str(pf), why->what);
	return why->code == ERR_TIMEOUT;
}

static int resume_one(struct edges *edges, struct pciaddr pf, unsigned seconds,
		      const struct resize_listener *listener, struct err **err)
{
	struct resize_request request = {.pf = pf, .park = true, .force = true, .seconds = seconds};
	struct resizing r = {.edges = edges,
			     .request = &request,
			     .listener = listener,
			     .resumes = true,
			     .lock = -1};
	int result = 0;

	if (at_work(edges, pf))
		return 0;
	result = look(&r, err) || lock_all(&r, edges->now() + seconds * (msec)1000, err);
	/* Somebody else may have been faster. */
	if (!result && r.left)
		result = resume(&r, &request, err);
	if (result) {
		err_wrap(err, "giving the guests of %s their VFs again",
			 r.pf.total_vfs ? pf_str(&r.pf) : pciaddr_str(pf));
		err_next(err,
			 "make VFs (`vfpool set-vfs %s N`), or mend what is said above, and "
			 "repeat the command",
			 pciaddr_str(pf));
	}
	resizing_close(&r);
	return result ? -1 : 0;
}

int resize_resume(struct edges *edges, const char *domain_uuid, unsigned seconds,
		  const struct resize_listener *listener, struct err **err)
{
	struct host *host = edges->host;
	struct resize_notes notes = {0};
	struct err *all = NULL;

	if (host->ops->read_notes(host, &notes, err))
		return -1;
	for (size_t i = 0; i < notes.n; i++) {
		struct err *why = NULL;

		if (domain_uuid && !resize_note_has_domain(&notes.items[i], domain_uuid))
			continue;
		if (resume_one(edges, notes.items[i].pf, seconds, listener, &why))
			add_error(&all, why);
	}
	resize_notes_clear(&notes);
	*err = all;
	return all ? -1 : 0;
}
