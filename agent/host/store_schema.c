// SPDX-License-Identifier: LGPL-2.1-or-later
/* The schema, its versions, and how an older store becomes one of today. */
#include <assert.h>

#include "core/cleanup.h"
#include "host/store_sqlite.h"

#define APPLICATION_ID 1986422892 /* "vfpl" */

/*
 * program.needs tells a program that is too old which vfpool to take instead. NULL in a saved_
 * column: not known. Rows that break a CHECK can only come from elsewhere, and are skipped.
 */
#define HEX "[0-9a-f]"
#define HEX2 HEX HEX
#define PCI "'*" HEX2 HEX2 ":" HEX2 ":" HEX2 ".[0-7]'"
#define MAC "'" HEX2 ":" HEX2 ":" HEX2 ":" HEX2 ":" HEX2 ":" HEX2 "'"

#define PROGRAM                                              \
	"CREATE TABLE program (needs TEXT NOT NULL) STRICT;" \
	"INSERT INTO program VALUES ('0.1');"

#define LEASES                                                                              \
	"CREATE TABLE leases ("                                                             \
	" vf TEXT PRIMARY KEY CHECK (vf GLOB " PCI "),"                                     \
	" pf TEXT NOT NULL CHECK (pf GLOB " PCI "),"                                        \
	" vf_index INTEGER NOT NULL CHECK (vf_index BETWEEN 0 AND 65535),"                  \
	" assignment TEXT NOT NULL UNIQUE"                                                  \
	"  CHECK (length(assignment) = 8 AND assignment NOT GLOB '*[^0-9a-f]*'),"           \
	" domain_uuid TEXT NOT NULL CHECK (length(domain_uuid) = 36),"                      \
	" domain_name TEXT NOT NULL,"                                                       \
	" state TEXT NOT NULL CHECK (state IN"                                              \
	"  ('reserved', 'claimed', 'plugging', 'held', 'releasing', 'lost')),"              \
	" since INTEGER NOT NULL,"                                                          \
	" driver TEXT,"                                                                     \
	" saved_mac TEXT CHECK (saved_mac GLOB " MAC "),"                                   \
	" saved_vlan INTEGER CHECK (saved_vlan BETWEEN 0 AND 4095),"                        \
	" saved_qos INTEGER CHECK (saved_qos BETWEEN 0 AND 7),"                             \
	" saved_vlan_proto TEXT CHECK (saved_vlan_proto IN ('802.1Q', '802.1ad')),"         \
	" saved_spoofchk TEXT CHECK (saved_spoofchk IN ('off', 'on')),"                     \
	" saved_trust TEXT CHECK (saved_trust IN ('off', 'on')),"                           \
	" saved_link_state TEXT CHECK (saved_link_state IN ('auto', 'enable', 'disable'))," \
	" saved_min_rate INTEGER CHECK (saved_min_rate BETWEEN 0 AND 4294967295),"          \
	" saved_max_rate INTEGER CHECK (saved_max_rate BETWEEN 0 AND 4294967295),"          \
	" expires INTEGER CHECK (expires > 0),"                                             \
	" reason TEXT"                                                                      \
	") STRICT, WITHOUT ROWID;"                                                          \
	"CREATE INDEX leases_domain ON leases (domain_uuid);"                               \
	"CREATE INDEX leases_pf ON leases (pf);"

/* was and now are the names of states, or "free". */
#define EVENTS                        \
	"CREATE TABLE events ("       \
	" id INTEGER PRIMARY KEY,"    \
	" time INTEGER NOT NULL,"     \
	" domain_uuid TEXT NOT NULL," \
	" domain_name TEXT NOT NULL," \
	" assignment TEXT NOT NULL,"  \
	" vf TEXT NOT NULL,"          \
	" was TEXT NOT NULL,"         \
	" now TEXT NOT NULL,"         \
	" reason TEXT,"               \
	" cause TEXT"                 \
	") STRICT;"

#define STUCK                                                             \
	"CREATE TABLE stuck ("                                            \
	" domain_uuid TEXT PRIMARY KEY CHECK (length(domain_uuid) = 36)," \
	" domain_name TEXT NOT NULL,"                                     \
	" reason TEXT NOT NULL,"                                          \
	" since INTEGER NOT NULL"                                         \
	") STRICT, WITHOUT ROWID;"

#define VERSION "PRAGMA application_id = 1986422892; PRAGMA user_version = 3;"
static_assert(STORE_SCHEMA_VERSION == 3, "the same as in VERSION");

static const char schema[] = PROGRAM LEASES EVENTS STUCK VERSION;

/*
 * A CHECK cannot be changed, so the table is made anew. Rows that break one are carried over as
 * they are: each still keeps its VF from being leased.
 */
static const char from_1[] =
	"ALTER TABLE leases RENAME TO leases_1;"
	"DROP INDEX leases_domain;"
	"DROP INDEX leases_pf;" LEASES "INSERT INTO leases SELECT *, NULL, NULL FROM leases_1;"
	"DROP TABLE leases_1;" EVENTS STUCK VERSION;

static const char from_2[] = STUCK VERSION;

static int too_new(const struct sqlite_store *s, int version, struct err **err)
{
	cleanup_stmt sqlite3_stmt *row = NULL;
	const char *needs = NULL;

	if (sqlite3_prepare_v2(s->db, "SELECT needs FROM program", -1, &row, NULL) == SQLITE_OK &&
	    sqlite3_step(row) == SQLITE_ROW)
		needs = store_text(row, 0);
	err_set(err, ERR_FAILED,
		"the lease store %s was written by a newer vfpool: its schema is %d, and this "
		"vfpool " VFPOOL_VERSION " knows up to %d",
		s->path, version, STORE_SCHEMA_VERSION);
	err_now(err, "it is left as it is; the guests carry on with the VFs they have");
	if (needs)
		return err_next(err, "install vfpool %s or newer", needs);
	return err_next(err, "install the vfpool that wrote it, or a newer one");
}

/*
 * Is it ours, and of which schema? 0 in *version: empty. Returns SQLite's code, so that a reader
 * that cannot have the log's index can be told from the rest.
 */
int store_read_version(const struct sqlite_store *s, int *version, bool *foreign)
{
	static const char sql[] = "SELECT user_version, application_id,"
				  " (SELECT count(*) FROM sqlite_schema)"
				  " FROM pragma_user_version, pragma_application_id";
	cleanup_stmt sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &row, NULL);
	int id;

	if (rc != SQLITE_OK)
		return sqlite3_extended_errcode(s->db);
	rc = sqlite3_step(row);
	if (rc != SQLITE_ROW)
		return sqlite3_extended_errcode(s->db);
	*version = sqlite3_column_int(row, 0);
	id = sqlite3_column_int(row, 1);
	*foreign =
		*version ? *version < 0 || id != APPLICATION_ID : id || sqlite3_column_int(row, 2);
	return SQLITE_OK;
}

int store_check_version(const struct sqlite_store *s, int version, bool foreign, struct err **err)
{
	if (foreign) {
		err_set(err, ERR_FAILED, "%s is a SQLite database, but no lease store of vfpool",
			s->path);
		err_now(err, "it is left as it is");
		return err_next(err, "name another place with --store, or move it away");
	}
	return version > STORE_SCHEMA_VERSION ? too_new(s, version, err) : 0;
}

int store_make_schema(struct sqlite_store *s, struct err **err)
{
	static const char *const steps[] = {schema, from_1, from_2};
	bool foreign;
	int version, rc, ret;

	/* Not to be changed within a transaction. */
	if (store_exec(s, "PRAGMA ignore_check_constraints = ON", "open", err) < 0 ||
	    store_begin(s, true, "create", err) < 0)
		return -1;
	/* Another process may have been faster. */
	rc = store_read_version(s, &version, &foreign);
	if (rc != SQLITE_OK)
		ret = store_failed(s, rc, "create", err);
	else if (foreign || version >= STORE_SCHEMA_VERSION)
		ret = store_check_version(s, version, foreign, err);
	else
		ret = store_exec(s, steps[version], "create", err);
	if (store_end(s, ret, "create", err) < 0 ||
	    store_exec(s, "PRAGMA ignore_check_constraints = OFF", "open", err) < 0)
		return -1;
	return 0;
}
