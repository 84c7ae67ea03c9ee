// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The lease store, in SQLite.
 *
 * One table, one row a lease. The primary key (VF) and a unique assignment decide who gets a VF;
 * no code here checks first whether one is free. Every change is one transaction, which takes the
 * write lock at once and notes the change in the history, too.
 *
 * WAL: readers never wait. What was committed survives a power cut (synchronous=FULL), but for what
 * nothing is lost with (NORMAL). The log stays when the last one closes the store: to empty it into
 * the file and to make it anew would cost each command four more waits for the disk. It is emptied
 * when it has LOG_PAGES, few enough to be read at each opening.
 *
 * In WAL, a reader too has to write, beside the file: the index of the log (-shm). Where it cannot,
 * and no log is there, the file alone is the whole truth and is read into memory as it is.
 *
 * The file is not checked in full at each start, that would cost more than all the rest. A damaged
 * page shows when it is read, and everything that reads can refuse.
 *
 * A connection must not be carried across fork().
 */
#include "host/store.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/mem.h"
#include "host/store_sqlite.h"

/* Some attaches and detaches fill it. */
#define LOG_PAGES 64

static bool was_replaced(const struct sqlite_store *s)
{
	struct stat st;

	return stat(s->path, &st) < 0 || st.st_dev != s->device || st.st_ino != s->inode;
}

static void sqlite_store_close(struct store *store)
{
	struct sqlite_store *s = (struct sqlite_store *)store;

	if (!s)
		return;
	for (size_t i = 0; i < STORE_STATEMENTS; i++)
		(void)sqlite3_finalize(s->kept[i]);
	/* SQLite would remove the log by its name: the log of the file that is there by now. */
	if (s->db && was_replaced(s))
		(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_close(s->db);
	free(s->path);
	free(s->cause);
	free(s);
}

static void cleanup_store_pointer(struct sqlite_store **s)
{
	sqlite_store_close((struct store *)*s);
}
#define cleanup_store cleanup(cleanup_store_pointer)

static int damaged(const struct sqlite_store *s, const char *how, struct err **err)
{
	err_set(err, ERR_FAILED, "the lease store %s is damaged: %s", s->path, how);
	err_now(err, "it is left as it is; the guests carry on with the VFs they have");
	return err_next(err,
			"move it away (%s, and -wal and -shm beside it), then run `vfpool "
			"reconcile`: it makes the leases anew from the guests' metadata",
			s->path);
}

/* What a failed SQLite call means; doing reads "claim a VF in". */
int store_failed(const struct sqlite_store *s, int rc, const char *doing, struct err **err)
{
	int errnum;

	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* of our own statements: a table or column is not there */
	case SQLITE_FORMAT:
		return damaged(s, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc), err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		err_set(err, ERR_TIMEOUT,
			"cannot %s the lease store %s: another process has been writing to it for "
			"%g s",
			doing, s->path, s->busy_ms / 1000.0);
		return err_next(err, "repeat; `fuser -v %s` shows who has it open", s->path);
	case SQLITE_FULL:
		return store_refused(s->path, doing, ENOSPC, err);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_IOERR:
		errnum = s->db ? sqlite3_system_errno(s->db) : 0;
		if (errnum)
			return store_refused(s->path, doing, errnum, err);
		break;
	default:
		break;
	}
	return err_set(err, ERR_FAILED, "cannot %s the lease store %s: %s", doing, s->path,
		       s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
}

int store_prepare(const struct sqlite_store *s, const char *sql, const char *doing,
		  sqlite3_stmt **out, struct err **err)
{
	int rc = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);

	return rc == SQLITE_OK ? 0 : store_failed(s, rc, doing, err);
}

int store_keep(struct sqlite_store *s, enum store_statement which, const char *sql,
	       const char *doing, sqlite3_stmt **out, struct err **err)
{
	sqlite3_stmt **kept = &s->kept[which];
	int rc = SQLITE_OK;

	if (!*kept)
		rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, doing, err);
	*out = *kept;
	return 0;
}

int store_exec(const struct sqlite_store *s, const char *sql, const char *doing, struct err **err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_failed(s, sqlite3_extended_errcode(s->db), doing, err);
}

/* Without a row to come. */
static int run_kept(struct sqlite_store *s, enum store_statement which, const char *sql,
		    const char *doing, struct err **err)
{
	cleanup_kept sqlite3_stmt *stmt = NULL;

	if (store_keep(s, which, sql, doing, &stmt, err) < 0)
		return -1;
	return sqlite3_step(stmt) == SQLITE_DONE
		       ? 0
		       : store_failed(s, sqlite3_extended_errcode(s->db), doing, err);
}

int store_begin(struct sqlite_store *s, bool synced, const char *doing, struct err **err)
{
	if (s->synced != (int)synced &&
	    store_exec(s, synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
		       doing, err) < 0)
		return -1;
	s->synced = synced;
	return run_kept(s, STORE_BEGIN, "BEGIN IMMEDIATE", doing, err);
}

int store_end(struct sqlite_store *s, int result, const char *doing, struct err **err)
{
	if (result == 0)
		result = run_kept(s, STORE_COMMIT, "COMMIT", doing, err);
	if (result < 0)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return result;
}

void store_bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
	(void)sqlite3_bind_text(stmt, column + 1, text, -1, SQLITE_TRANSIENT);
}

void store_bind_number(sqlite3_stmt *stmt, int column, int64_t number)
{
	(void)sqlite3_bind_int64(stmt, column + 1, number);
}

const char *store_text(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

bool store_is_null(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL;
}

bool store_number(sqlite3_stmt *row, int column, int64_t max, int64_t *out)
{
	*out = sqlite3_column_int64(row, column);
	return sqlite3_column_type(row, column) == SQLITE_INTEGER && *out >= 0 && *out <= max;
}

static void sqlite_store_because(struct store *store, const char *cause)
{
	struct sqlite_store *s = (struct sqlite_store *)store;

	free(s->cause);
	s->cause = mem_strdup(cause);
}

/* The log's index is written last, after the log itself has been: who has this lock has both. */
static int sqlite_store_settle(struct store *store, struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;

	if (!s->db || sqlite3_db_readonly(s->db, "main"))
		return 0;
	return store_begin(s, false, "wait for", err) < 0 ? -1 : store_end(s, 0, "wait for", err);
}

static const struct store_ops sqlite_store_ops = {
	.claim = store_claim,
	.update = store_update,
	.drop = store_drop,
	.list = store_list,
	.because = sqlite_store_because,
	.history = store_history,
	.stick = store_stick,
	.stuck = store_stuck,
	.settle = sqlite_store_settle,
	.close = sqlite_store_close,
};

/*
 * The change of an empty file to WAL is refused at once, without the usual wait, while another
 * process is at the same: hence the loop.
 */
static int set_wal(const struct sqlite_store *s, struct err **err)
{
	msec deadline = clock_now() + (msec)s->busy_ms;
	int rc;

	do {
		rc = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if ((rc & 0xff) != SQLITE_BUSY)
			break;
		(void)usleep(2000);
	} while (clock_now() < deadline);
	return rc == SQLITE_OK ? 0 : store_failed(s, sqlite3_extended_errcode(s->db), "open", err);
}

/*
 * SQLite makes room for twenty pages and a thousand small things before it knows whether it needs
 * them, and writes to it all: a third of the page faults that a command has from its store.
 */
static void take_less_memory(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	(void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_database(struct sqlite_store *s, bool for_writing, struct err **err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
		    (for_writing ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int rc;

	(void)pthread_once(&once, take_less_memory);
	rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "open", err);
	(void)sqlite3_extended_result_codes(s->db, 1);
	(void)sqlite3_busy_timeout(s->db, (int)s->busy_ms);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* So closing changes no file that is damaged or not ours, either. */
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return 0;
}

static int open_for_writing(struct sqlite_store *s, struct err **err)
{
	int version, rc;
	bool foreign;

	if (open_database(s, true, err) < 0)
		return -1;
	/* SQLite quietly opens a file for reading when it may not write. */
	if (sqlite3_db_readonly(s->db, "main"))
		return store_refused(s->path, "write", EROFS, err);
	rc = store_read_version(s, &version, &foreign);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "open", err);
	if (store_check_version(s, version, foreign, err) < 0)
		return -1;
	if (set_wal(s, err) < 0)
		return -1;
	if (version < STORE_SCHEMA_VERSION && store_make_schema(s, err) < 0)
		return -1;
	s->version = STORE_SCHEMA_VERSION;
	(void)sqlite3_wal_autocheckpoint(s->db, LOG_PAGES);
	if (store_exec(s, "PRAGMA cell_size_check = ON", "open", err) < 0)
		return -1;
	store_leases_prepare(s);
	return 0;
}

/*
 * For a reader that may not write beside the file. SQLite's own way out, immutable=1, trusts that
 * nobody writes; this looks: a writer would leave its log there, or the file changed.
 */
static int open_snapshot(struct sqlite_store *s, struct err **err)
{
	struct stat before, after;
	unsigned char *data = NULL;
	int errnum, rc;

	(void)sqlite3_close(s->db);
	s->db = NULL;
	for (int tries = 0;; tries++) {
		errnum = store_has_log(s->path) ? EACCES : store_slurp(s->path, &data, &before);
		if (errnum == 0) {
			if (!store_has_log(s->path) && stat(s->path, &after) == 0 &&
			    before.st_ino == after.st_ino && before.st_size == after.st_size &&
			    before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
			    before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
				break;
			sqlite3_free(data);
			data = NULL;
			errnum = EAGAIN;
		}
		if (errnum == EAGAIN && tries < 3)
			continue;
		return store_refused(s->path, "read", errnum, err);
	}
	/* In memory there is no WAL; these bytes of the header say whether to use one. */
	if (before.st_size > 20)
		data[18] = data[19] = 1;
	rc = sqlite3_open_v2(":memory:", &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		sqlite3_free(data);
	else
		rc = sqlite3_deserialize(s->db, "main", data, before.st_size, before.st_size,
					 SQLITE_DESERIALIZE_FREEONCLOSE |
						 SQLITE_DESERIALIZE_READONLY);
	return rc == SQLITE_OK ? 0 : store_failed(s, rc, "read", err);
}

static int open_for_reading(struct sqlite_store *s, struct err **err)
{
	int version = 0, rc;
	bool foreign;

	if (open_database(s, false, err) < 0)
		return -1;
	rc = store_read_version(s, &version, &foreign);
	if ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) {
		if (open_snapshot(s, err) < 0)
			return -1;
		rc = store_read_version(s, &version, &foreign);
	}
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "read", err);
	if (store_check_version(s, version, foreign, err) < 0)
		return -1;
	if (!version) {
		/* Created just now, or never finished: no leases. */
		(void)sqlite3_close(s->db);
		s->db = NULL;
	}
	s->version = version;
	return 0;
}

int store_open_within(const char *path, bool for_writing, unsigned busy_ms, struct store **out,
		      struct err **err)
{
	cleanup_store struct sqlite_store *s = mem_zero(1, sizeof(*s));
	struct stat st;
	int missing;

	s->store.ops = &sqlite_store_ops;
	s->busy_ms = busy_ms;
	s->synced = -1;
	missing = store_find_directory(path, for_writing, &s->path, err);
	if (missing == 0)
		missing = store_check_file(s->path, for_writing, err);
	if (missing < 0)
		return -1;
	if (missing == 0 || for_writing) {
		if (missing && store_create_file(s->path, err) < 0)
			return -1;
		if ((for_writing ? open_for_writing(s, err) : open_for_reading(s, err)) < 0)
			return -1;
	}
	if (s->db && stat(s->path, &st) == 0) {
		s->device = st.st_dev;
		s->inode = st.st_ino;
	}
	*out = &steal(&s)->store;
	return 0;
}

int store_open(const char *path, bool for_writing, struct store **out, struct err **err)
{
	return store_open_within(path, for_writing, STORE_BUSY_MS, out, err);
}
