/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the store share; nobody else includes it. */
#ifndef VFPOOL_HOST_STORE_SQLITE_H
#define VFPOOL_HOST_STORE_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "host/store.h"

#define STORE_SCHEMA_VERSION 3
#define STORE_SCHEMA_WITH_HISTORY 2
#define STORE_SCHEMA_WITH_STUCK 3

/* What one command says more than once; to have it compiled costs as much as to carry it out. */
enum store_statement {
	STORE_BEGIN,
	STORE_COMMIT,
	STORE_INSERT,
	STORE_UPDATE,
	STORE_DELETE,
	STORE_NOTE,
	STORE_LIST, /* and three more: of a domain, of a PF, of both */
	STORE_STATEMENTS = STORE_LIST + 4,
};

struct sqlite_store {
	struct store store;
	sqlite3 *db; /* NULL: there is no file, and it was opened for reading: no leases */
	char *path;
	char *cause;
	unsigned busy_ms;
	dev_t device; /* of the file that was opened */
	ino_t inode;
	int version; /* of the schema that is there: less than today's only when reading */
	int synced;  /* is each commit on the disk when it returns? -1: not set yet */
	sqlite3_stmt *kept[STORE_STATEMENTS];
};

static inline void cleanup_stmt_pointer(sqlite3_stmt **stmt)
{
	(void)sqlite3_finalize(*stmt);
}
#define cleanup_stmt cleanup(cleanup_stmt_pointer)

/* For a kept one, which must not stay open: it would hold its transaction. */
static inline void cleanup_kept_pointer(sqlite3_stmt **stmt)
{
	if (!*stmt)
		return;
	(void)sqlite3_reset(*stmt);
	(void)sqlite3_clear_bindings(*stmt);
}
#define cleanup_kept cleanup(cleanup_kept_pointer)

/* store.c: what a failed SQLite call means; doing reads "claim a VF in". Each returns -1. */
int store_failed(const struct sqlite_store *s, int rc, const char *doing, struct err **err);
int store_prepare(const struct sqlite_store *s, const char *sql, const char *doing,
		  sqlite3_stmt **out, struct err **err);
/* As store_prepare(), once; the store keeps it until it is closed, and lends it for cleanup_kept.
 */
int store_keep(struct sqlite_store *s, enum store_statement which, const char *sql,
	       const char *doing, sqlite3_stmt **out, struct err **err);
int store_exec(const struct sqlite_store *s, const char *sql, const char *doing, struct err **err);

/*
 * A change and its history are one transaction: begin, then store_end() with the result so far,
 * which commits what succeeded and takes back what did not. synced: it is on the disk then.
 */
int store_begin(struct sqlite_store *s, bool synced, const char *doing, struct err **err);
int store_end(struct sqlite_store *s, int result, const char *doing, struct err **err);

/* Columns and parameters are counted from 0, as the enums of columns are. */
void store_bind_text(sqlite3_stmt *stmt, int column, const char *text); /* NULL stays NULL */
void store_bind_number(sqlite3_stmt *stmt, int column, int64_t number);
const char *store_text(sqlite3_stmt *row, int column);
bool store_is_null(sqlite3_stmt *row, int column);
bool store_number(sqlite3_stmt *row, int column, int64_t max, int64_t *out);

/* store_file.c */
int store_refused(const char *path, const char *doing, int errnum, struct err **err);
int store_find_directory(const char *path, bool create, char **real, struct err **err);
int store_create_file(const char *path, struct err **err);
int store_check_file(const char *path, bool for_writing, struct err **err);
bool store_has_log(const char *path);
int store_slurp(const char *path, unsigned char **out, struct stat *st);

/* store_schema.c: is the file ours, and of which schema? *version is 0: it is empty. */
int store_read_version(const struct sqlite_store *s, int *version, bool *foreign);
int store_check_version(const struct sqlite_store *s, int version, bool foreign, struct err **err);
/* Makes it, or makes today's of an older one, whatever another process does meanwhile. */
int store_make_schema(struct sqlite_store *s, struct err **err);

/* store_leases.c */
int store_claim(struct store *store, const struct lease *lease, struct err **err);
int store_update(struct store *store, const struct lease *lease, struct err **err);
int store_drop(struct store *store, const struct lease *lease, struct err **err);
int store_list(struct store *store, const char *domain_uuid, const struct pciaddr *pf,
	       struct leases *out, struct err **err);
/*
 * Has SQLite read the schema and compile what nearly every change says: a command opens the store
 * for that while it waits for libvirt. What fails does so again where it is needed, and is told
 * there.
 */
void store_leases_prepare(struct sqlite_store *s);

/* store_stuck.c */
int store_stick(struct store *store, const char *uuid, const char *name, const char *reason,
		struct err **err);
int store_stuck(struct store *store, struct stuck_guests *out, struct err **err);

/*
 * store_history.c: notes what the lease with this VF and this assignment becomes. To be called
 * inside the transaction of the change, while the row is as it was; was is NULL for the state
 * that the row has, and nothing is noted where nothing changes.
 */
#define STORE_FREE "free"
int store_note(struct sqlite_store *s, const struct lease *lease, const char *was, const char *now,
	       const char *reason, struct err **err);
int store_note_prepare(struct sqlite_store *s, sqlite3_stmt **out, struct err **err);
int store_history(struct store *store, int64_t after, const char *domain, struct history *out,
		  struct err **err);

#endif
