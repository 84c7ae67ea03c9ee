// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verbs/holders.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converge/foreign.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "host/store.h"

/*
 * The first failure is kept for the exit status; without root it is no failure that the leases may
 * not be read.
 */
static void read_leases(struct session *session, struct holders *out)
{
	cleanup_err struct err *err = NULL;
	struct store *store;

	if (session_need(session, NEED_STORE, &err) == 0) {
		store = session->edges.store;
		if (store->ops->list(store, NULL, NULL, &out->leases, &err) == 0 &&
		    store->ops->stuck(store, &out->stuck, &err) == 0)
			return;
	}
	if (geteuid() != 0)
		log_warn("shown without vfpool's leases: %s", err->what);
	else if (!out->missing)
		out->missing = steal(&err);
}

/* Only of the libvirt that is asked if nobody says otherwise. */
static bool may_recall(const struct session *session)
{
	if (session->uri)
		return session->edges.memo && !strcmp(session->uri, MEMO_URI);
	return session->edges.memo && !getenv("LIBVIRT_DEFAULT_URI");
}

static void read_guests(struct session *session, struct holders *out)
{
	struct err *err = NULL;
	struct memo_mark mark;
	bool marked = may_recall(session) && memo_mark(session->edges.memo, &mark);

	if (marked && foreigns_recall(session->edges.memo, &mark, &out->foreigns))
		return;
	if (session_need(session, NEED_VIRT, &err) == 0 &&
	    foreigns_gather(&session->edges, NULL, &out->foreigns, &err) == 0) {
		if (marked)
			foreigns_keep(&session->edges, &mark, &out->foreigns);
		return;
	}
	(void)err_next(&err, "--no-guests lists the host and the leases alone");
	err_free(&out->missing);
	out->missing = err;
}

void holders_read(struct session *session, bool guests, struct holders *out)
{
	bool here = !session->sysfs;

	if (here || strcmp(session->store, STORE_PATH) != 0)
		read_leases(session, out);
	if (here && guests)
		read_guests(session, out);
}

void holders_clear(struct holders *holders)
{
	leases_clear(&holders->leases);
	stuck_guests_clear(&holders->stuck);
	foreigns_clear(&holders->foreigns);
	err_free(&holders->missing);
}

int holders_complete(struct holders *holders, struct err **err)
{
	if (!holders->missing)
		return 0;
	*err = steal(&holders->missing);
	(void)err_wrap(err, "the list is not complete");
	return err_recode(err, ERR_PARTIAL);
}
