/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The leases of this host, in SQLite (/var/lib/vfpool/leases.db). Its unique keys decide who gets
 * a VF: one row a VF, one row an assignment. Each call is one short transaction of its own, so
 * that none is ever open across a libvirt call (libvirt may be waiting for our hook, and the hook
 * for the lock). Each change of a lease's state or reason is noted in the history, in the same
 * transaction. A call waits at most STORE_BUSY_MS for another process.
 *
 * What has been written survives a power cut, but for LEASE_HELD, which only tells that all is
 * done: a lease that is back in LEASE_PLUGGING is looked at again by the next converge.
 */
#ifndef VFPOOL_HOST_STORE_H
#define VFPOOL_HOST_STORE_H

#include <stdbool.h>

#include "core/err.h"
#include "model/history.h"
#include "model/lease.h"
#include "model/stuck.h"

#define STORE_PATH "/var/lib/vfpool/leases.db"
#define STORE_BUSY_MS 5000
#define STORE_HISTORY_MAX 10000 /* that many of the last events are kept */

struct store;

struct store_ops {
	/* A new lease, in the state it names. ERR_TAKEN: the VF is leased already (says to whom).
	 */
	int (*claim)(struct store *store, const struct lease *lease, struct err **err);

	/*
	 * Writes state, saved settings, driver, expiry and reason of the lease with this VF *and*
	 * this assignment; ERR_ABSENT when there is none: a late writer never touches another
	 * guest's lease.
	 */
	int (*update)(struct store *store, const struct lease *lease, struct err **err);

	/* Forgets the lease with this VF and this assignment. None there: ERR_ABSENT. */
	int (*drop)(struct store *store, const struct lease *lease, struct err **err);

	/* Leases by VF address. Each filter may be NULL: of one domain, of one PF's VFs. */
	int (*list)(struct store *store, const char *domain_uuid, const struct pciaddr *pf,
		    struct leases *out, struct err **err);

	/*
	 * What the changes from now on are due to, for the history: the command ("attach") or what
	 * happened ("agent: guest stopped"). It is copied.
	 */
	void (*because)(struct store *store, const char *cause);

	/*
	 * What was noted of the leases' changes after the event of this id (0: all that is kept),
	 * oldest first; of the domain with this name or UUID, unless it is NULL.
	 */
	int (*history)(struct store *store, int64_t after, const char *domain, struct history *out,
		       struct err **err);

	/*
	 * A guest cannot be made what it should be, for this reason, and no lease can tell;
	 * reason NULL: it is not stuck any more, if it was.
	 */
	int (*stick)(struct store *store, const char *domain_uuid, const char *domain_name,
		     const char *reason, struct err **err);
	int (*stuck)(struct store *store, struct stuck_guests *out, struct err **err);

	/*
	 * Waits until nobody is in the midst of a change: what its file shows is then to be read.
	 * In a store that was opened for reading, nothing.
	 */
	int (*settle)(struct store *store, struct err **err);

	void (*close)(struct store *store);
};

struct store {
	const struct store_ops *ops;
};

/*
 * Opens the store; for_writing creates it, its directory (0700) and file (0600) when missing. For
 * reading, a missing store is an empty one. Refused, each with its way out, and the file left as
 * it is: not root, a read-only file system, a damaged file, a schema newer than this program.
 */
int store_open(const char *path, bool for_writing, struct store **out, struct err **err);

/* The same for who cannot wait STORE_BUSY_MS for another process. */
int store_open_within(const char *path, bool for_writing, unsigned busy_ms, struct store **out,
		      struct err **err);

#endif
