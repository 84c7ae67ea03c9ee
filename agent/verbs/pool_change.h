/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands share that define, change and undefine pools. */
#ifndef VFPOOL_VERBS_POOL_CHANGE_H
#define VFPOOL_VERBS_POOL_CHANGE_H

#include "core/err.h"
#include "host/poolfiles.h"
#include "model/pool.h"
#include "verbs/verb.h"

/* The definitions as they are now; nobody else changes them meanwhile. */
struct pool_change {
	struct session *session;
	struct pools pools; /* each by itself: what two of them share is no error here */
	int lock;
};

int pool_change_open(struct session *session, struct pool_change *change, struct err **err);
void pool_change_close(struct pool_change *change);

/*
 * Reads a definition and holds it against the schema, the other pools and this host; what names it
 * in errors. name, when not NULL, is the only name that it may have.
 */
int pool_change_admit(struct pool_change *change, const char *text, const char *what,
		      const char *name, struct pool *out, struct err **err);

int pool_change_write(struct pool_change *change, const struct pool *pool, struct err **err);

/* ERR_ABSENT, in words. Returns -1. */
int pool_not_defined(const char *name, struct err **err);

/* The file that defines a pool, even if what is in it is wrong. The caller clears *out. */
int pool_file_find(struct session *session, const char *name, struct pool_file *out,
		   struct err **err);
void pool_file_clear(struct pool_file *file);

#endif
