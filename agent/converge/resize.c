/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/resizing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "host/lock.h"

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

	if (resizing_read_pf(r, err) ||
	    (r->plan.rehomes && host->ops->set_home(host, r->pf.addr, r->note.home, err)))
		return -1;
	*remade = r->pf.num_vfs != r->note.before;
	if (*remade && resizing_remake(r, r->note.before, err))
		return -1;
	return r->plan.rehomes && (!*remade || r->note.home == VF_HOME_VFIO)
		       ? resizing_send_home(r, r->note.home, err)
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
			if (resizing_give_back(r, remade, &why))
				err_detail(err, "%s", why->what);
		}
		return owe(err);
	}
	if (resizing_give_back(r, remade, &why)) {
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
		const struct converge *c = resizing_guest(r, park->domain_uuid);

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
		if (resizing_park(r, err))
			return undo(r, false, err);
		if (resizing_change(r, err))
			return undo(r, true, err);
		(void)resizing_verify(r, &partly);
	} else if (halfway && resizing_send_idle_home(r, err)) {
		return owe(err);
	}
	if (resizing_give_back(r, remade, err)) {
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

int resize_needs_guests(struct edges *edges, const struct resize_request *request, bool *needs,
			struct err **err)
{
	struct resizing r = {.edges = edges, .request = request, .lock = -1};
	struct host *host = edges->host;
	struct store *store = edges->store;
	int result = host->ops->read_pf(host, request->pf, 0, &r.pf, err) ||
		     resizing_check_count(&r, err) ||
		     host->ops->read_home(host, request->pf, &r.home, err) ||
		     store->ops->list(store, NULL, &request->pf, &r.leases, err) ||
		     resizing_find_note(edges, request->pf, &r.note, &r.left, err);

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
	int result = resizing_look(&r, err);

	if (result)
		err_now(err, "nothing was changed");
	else if (!r.left && !r.plan.remakes && !r.plan.rehomes)
		result = resizing_bring_up(&r, err);
	else if (resizing_lock(&r, deadline, err))
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
		if (host->ops->watch(host, err) || resizing_bring_up(r, err) ||
		    host->ops->set_home(host, r->pf.addr, request->home, err) ||
		    resizing_remake(r, request->count, err) ||
		    (request->home == VF_HOME_VFIO && resizing_send_home(r, request->home, err)))
			return -1;
		if (resizing_verify(r, &partly))
			log_warn("%s", partly->what);
	} else if (r->home != r->note.home && resizing_send_idle_home(r, err)) {
		return -1;
	}
	return resizing_give_back(r, remade, err);
}

/*
 * Whoever is at work has the lock for himself, and his guests' locks are not to be waited for;
 * those who only use its VFs share it.
 */
static bool at_work(struct edges *edges, struct pciaddr pf)
{
	cleanup_free char *name = mem_printf(LOCK_OF_NUMBER "%s", pciaddr_str(pf));
	cleanup_err struct err *why = NULL;
	int fd;

	if (!edges->share(name, edges->now(), &fd, &why)) {
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
	result = resizing_look(&r, err) ||
		 resizing_lock(&r, edges->now() + seconds * (msec)1000, err);
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
			resizing_add_error(&all, why);
	}
	resize_notes_clear(&notes);
	*err = all;
	return all ? -1 : 0;
}
