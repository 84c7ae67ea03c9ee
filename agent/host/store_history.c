// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The history of the leases. Each event is written in the transaction of the change that it tells
 * of, so the two cannot disagree, and it costs no further write to the disk.
 */
#include <string.h>
#include <time.h>

#include "core/log.h"
#include "core/mem.h"
#include "host/store_sqlite.h"

/* That many are kept, and up to STORE_TRIM_EVERY more, so that not each change trims. */
#define STORE_TRIM_EVERY 128

enum note_parameter { N_VF, N_ASSIGNMENT, N_WAS, N_NOW, N_REASON, N_TIME, N_CAUSE };

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int trim(const struct sqlite_store *s, struct err **err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int64_t last = sqlite3_last_insert_rowid(s->db);
	int rc;

	if (last % STORE_TRIM_EVERY || last <= STORE_HISTORY_MAX)
		return 0;
	if (store_prepare(s, "DELETE FROM events WHERE id <= ?", "write the history in", &stmt,
			  err) < 0)
		return -1;
	store_bind_number(stmt, 0, last - STORE_HISTORY_MAX);
	rc = sqlite3_step(stmt);
	return rc == SQLITE_DONE ? 0
				 : store_failed(s, sqlite3_extended_errcode(s->db),
						"write the history in", err);
}

int store_note_prepare(struct sqlite_store *s, sqlite3_stmt **out, struct err **err)
{
	static const char sql[] =
		"INSERT INTO events (time, domain_uuid, domain_name, assignment, vf, was, now,"
		" reason, cause)"
		" SELECT ?6, domain_uuid, domain_name, assignment, vf, ifnull(?3, state), ?4, ?5,"
		" ?7 FROM leases WHERE vf = ?1 AND assignment = ?2"
		" AND (?3 IS NOT NULL OR state IS NOT ?4 OR reason IS NOT ?5)";

	return store_keep(s, STORE_NOTE, sql, "write the history in", out, err);
}

int store_note(struct sqlite_store *s, const struct lease *lease, const char *was, const char *now,
	       const char *reason, struct err **err)
{
	cleanup_kept sqlite3_stmt *stmt = NULL;
	int rc;

	if (store_note_prepare(s, &stmt, err) < 0)
		return -1;
	store_bind_text(stmt, N_VF, pciaddr_str(lease->vf));
	store_bind_text(stmt, N_ASSIGNMENT, lease->assignment);
	store_bind_text(stmt, N_WAS, was);
	store_bind_text(stmt, N_NOW, now);
	store_bind_text(stmt, N_REASON, reason);
	store_bind_number(stmt, N_TIME, now_ms());
	store_bind_text(stmt, N_CAUSE, s->cause);
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_DONE)
		return store_failed(s, sqlite3_extended_errcode(s->db), "write the history in",
				    err);
	return sqlite3_changes(s->db) ? trim(s, err) : 0;
}

enum event_column {
	E_ID,
	E_TIME,
	E_LASTED,
	E_VF,
	E_ASSIGNMENT,
	E_UUID,
	E_NAME,
	E_WAS,
	E_NOW,
	E_REASON,
	E_CAUSE
};

static bool read_event(sqlite3_stmt *row, struct history_event *out)
{
	const char *id = store_text(row, E_ASSIGNMENT), *uuid = store_text(row, E_UUID);

	if (!id || !assignment_id_valid(id) || !uuid || strlen(uuid) != UUID_STRLEN - 1 ||
	    !store_text(row, E_VF) || !pciaddr_parse(store_text(row, E_VF), &out->vf) ||
	    !store_number(row, E_ID, INT64_MAX, &out->id) ||
	    !store_number(row, E_TIME, INT64_MAX, &out->time))
		return false;
	/* The clock may have been set back meanwhile. */
	if (!store_number(row, E_LASTED, INT64_MAX, &out->lasted))
		out->lasted = -1;
	memcpy(out->assignment, id, sizeof(out->assignment));
	memcpy(out->domain_uuid, uuid, sizeof(out->domain_uuid));
	out->domain_name = mem_strdup(store_text(row, E_NAME));
	out->was = mem_strdup(store_text(row, E_WAS));
	out->now = mem_strdup(store_text(row, E_NOW));
	out->reason = mem_strdup(store_text(row, E_REASON));
	out->cause = mem_strdup(store_text(row, E_CAUSE));
	return true;
}

int store_history(struct store *store, int64_t after, const char *domain, struct history *out,
		  struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	static const char sql[] =
		"SELECT id, time, lasted, vf, assignment, domain_uuid, domain_name, was, now,"
		" reason, cause FROM (SELECT *, CASE was WHEN '" STORE_FREE "' THEN NULL"
		"  ELSE time - lag(time) OVER (PARTITION BY assignment, vf ORDER BY id) END"
		"  AS lasted FROM events)"
		" WHERE id > ?1 AND (?2 IS NULL OR domain_name = ?2 OR domain_uuid = ?2)"
		" ORDER BY id";
	cleanup_stmt sqlite3_stmt *row = NULL;
	struct history found = {0};
	int rc;

	if (!s->db || s->version < STORE_SCHEMA_WITH_HISTORY) {
		*out = found;
		return 0;
	}
	if (store_prepare(s, sql, "read the history in", &row, err) < 0)
		return -1;
	store_bind_number(row, 0, after);
	store_bind_text(row, 1, domain);
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct history_event event = {0};

		if (read_event(row, &event))
			*(struct history_event *)mem_append(&found.items, &found.n, sizeof(event)) =
				event;
		else
			log_warn("%s: event %lld of the history cannot be read, and is left out",
				 s->path, (long long)sqlite3_column_int64(row, E_ID));
	}
	if (rc != SQLITE_DONE) {
		history_clear(&found);
		return store_failed(s, sqlite3_extended_errcode(s->db), "read the history in", err);
	}
	*out = found;
	return 0;
}
