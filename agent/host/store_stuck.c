// SPDX-License-Identifier: LGPL-2.1-or-later
/* Guests that were given up, where no lease can tell. They come and go seldom. */
#include <string.h>
#include <time.h>

#include "core/log.h"
#include "core/mem.h"
#include "host/store_sqlite.h"

enum stuck_column { C_UUID, C_NAME, C_REASON, C_SINCE };

#define WRITING "note a stuck guest in"

/* *is: is it noted as stuck? */
static int is_noted(const struct sqlite_store *s, const char *uuid, bool *is, struct err **err)
{
	cleanup_stmt sqlite3_stmt *row = NULL;
	int rc;

	if (store_prepare(s, "SELECT 1 FROM stuck WHERE domain_uuid = ?", WRITING, &row, err) < 0)
		return -1;
	store_bind_text(row, C_UUID, uuid);
	rc = sqlite3_step(row);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_failed(s, sqlite3_extended_errcode(s->db), WRITING, err);
	*is = rc == SQLITE_ROW;
	return 0;
}

static int change(const struct sqlite_store *s, const char *sql, const char *const texts[3],
		  struct err **err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;

	if (store_prepare(s, sql, WRITING, &stmt, err) < 0)
		return -1;
	store_bind_text(stmt, C_UUID, texts[C_UUID]);
	if (texts[C_REASON]) {
		store_bind_text(stmt, C_NAME, texts[C_NAME]);
		store_bind_text(stmt, C_REASON, texts[C_REASON]);
		store_bind_number(stmt, C_SINCE, time(NULL));
	}
	if (sqlite3_step(stmt) != SQLITE_DONE)
		return store_failed(s, sqlite3_extended_errcode(s->db), WRITING, err);
	return 0;
}

int store_stick(struct store *store, const char *uuid, const char *name, const char *reason,
		struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	const char *const texts[] = {uuid, name, reason};
	bool is = false;
	int ret;

	if (is_noted(s, uuid, &is, err))
		return -1;
	/* Nearly all are not, and then nothing is written. */
	if (!is && !reason)
		return 0;
	if (store_begin(s, false, WRITING, err) < 0)
		return -1;
	ret = change(s,
		     reason ? "INSERT INTO stuck VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
			      " SET domain_name = excluded.domain_name, reason = excluded.reason"
			    : "DELETE FROM stuck WHERE domain_uuid = ?1",
		     texts, err);
	return store_end(s, ret, WRITING, err);
}

static bool read_guest(sqlite3_stmt *row, struct stuck_guest *out)
{
	const char *uuid = store_text(row, C_UUID), *name = store_text(row, C_NAME);
	const char *reason = store_text(row, C_REASON);

	if (!uuid || strlen(uuid) != UUID_STRLEN - 1 || !name || !reason ||
	    !store_number(row, C_SINCE, INT64_MAX, &out->since))
		return false;
	memcpy(out->uuid, uuid, sizeof(out->uuid));
	out->name = mem_strdup(name);
	out->reason = mem_strdup(reason);
	return true;
}

int store_stuck(struct store *store, struct stuck_guests *out, struct err **err)
{
	static const char sql[] = "SELECT domain_uuid, domain_name, reason, since FROM stuck"
				  " ORDER BY domain_uuid";
	const struct sqlite_store *s = (const struct sqlite_store *)store;
	cleanup_stmt sqlite3_stmt *row = NULL;
	struct stuck_guests found = {0};
	int rc;

	if (!s->db || s->version < STORE_SCHEMA_WITH_STUCK) {
		*out = found;
		return 0;
	}
	if (store_prepare(s, sql, "read the stuck guests in", &row, err) < 0)
		return -1;
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct stuck_guest guest = {0};

		if (read_guest(row, &guest))
			*(struct stuck_guest *)mem_append(&found.items, &found.n, sizeof(guest)) =
				guest;
		else
			log_warn("%s: a stuck guest cannot be read, and is left out", s->path);
	}
	if (rc != SQLITE_DONE) {
		stuck_guests_clear(&found);
		return store_failed(s, sqlite3_extended_errcode(s->db), "read the stuck guests in",
				    err);
	}
	*out = found;
	return 0;
}
