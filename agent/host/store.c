// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The lease store, in SQLite.
 *
 * One table, one row a lease. The primary key (VF) and a unique assignment decide who gets a VF;
 * no code here checks first and writes after. Every operation is a single statement, hence a
 * transaction by itself, which takes the write lock at once (as BEGIN IMMEDIATE does).
 *
 * WAL with synchronous=FULL: readers never wait, and what was committed survives a power cut. In
 * WAL, a reader too has to write, beside the file: the index of the log (-shm). Where it cannot,
 * and no log is there, the file alone is the whole truth and is read into memory as it is.
 *
 * The file is not checked in full at each start, that would cost more than all the rest. A damaged
 * page shows when it is read, and everything that reads can refuse.
 *
 * A connection must not be carried across fork().
 */
#include "host/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"

#define SCHEMA_VERSION 1
#define APPLICATION_ID 1986422892 /* "vfpl" */

/*
 * program.needs tells a program that is too old which vfpool to take instead. NULL in a saved_
 * column: not known. Rows that break a CHECK can only come from elsewhere, and are skipped.
 */
#define HEX "[0-9a-f]"
#define HEX2 HEX HEX
#define PCI "'*" HEX2 HEX2 ":" HEX2 ":" HEX2 ".[0-7]'"
#define MAC "'" HEX2 ":" HEX2 ":" HEX2 ":" HEX2 ":" HEX2 ":" HEX2 "'"

static const char schema[] =
	"CREATE TABLE program (needs TEXT NOT NULL) STRICT;"
	"INSERT INTO program VALUES ('0.1');"
	"CREATE TABLE leases ("
	" vf TEXT PRIMARY KEY CHECK (vf GLOB " PCI "),"
	" pf TEXT NOT NULL CHECK (pf GLOB " PCI "),"
	" vf_index INTEGER NOT NULL CHECK (vf_index BETWEEN 0 AND 65535),"
	" assignment TEXT NOT NULL UNIQUE"
	"  CHECK (length(assignment) = 8 AND assignment NOT GLOB '*[^0-9a-f]*'),"
	" domain_uuid TEXT NOT NULL CHECK (length(domain_uuid) = 36),"
	" domain_name TEXT NOT NULL,"
	" state TEXT NOT NULL CHECK (state IN ('claimed', 'plugging', 'held', 'releasing')),"
	" since INTEGER NOT NULL,"
	" driver TEXT,"
	" saved_mac TEXT CHECK (saved_mac GLOB " MAC "),"
	" saved_vlan INTEGER CHECK (saved_vlan BETWEEN 0 AND 4095),"
	" saved_qos INTEGER CHECK (saved_qos BETWEEN 0 AND 7),"
	" saved_vlan_proto TEXT CHECK (saved_vlan_proto IN ('802.1Q', '802.1ad')),"
	" saved_spoofchk TEXT CHECK (saved_spoofchk IN ('off', 'on')),"
	" saved_trust TEXT CHECK (saved_trust IN ('off', 'on')),"
	" saved_link_state TEXT CHECK (saved_link_state IN ('auto', 'enable', 'disable')),"
	" saved_min_rate INTEGER CHECK (saved_min_rate BETWEEN 0 AND 4294967295),"
	" saved_max_rate INTEGER CHECK (saved_max_rate BETWEEN 0 AND 4294967295)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX leases_domain ON leases (domain_uuid);"
	"CREATE INDEX leases_pf ON leases (pf);"
	"PRAGMA application_id = 1986422892;"
	"PRAGMA user_version = 1;";

/* The order of both the parameters of claim and the columns of list; update uses it too. */
#define COLUMNS                                                                               \
	"vf, assignment, state, driver, saved_mac, saved_vlan, saved_qos, saved_vlan_proto, " \
	"saved_spoofchk, saved_trust, saved_link_state, saved_min_rate, saved_max_rate, "     \
	"pf, vf_index, domain_uuid, domain_name, since"

enum column_of_lease {
	C_VF,
	C_ASSIGNMENT,
	C_STATE,
	C_DRIVER,
	C_MAC,
	C_VLAN,
	C_QOS,
	C_VLAN_PROTO,
	C_SPOOFCHK,
	C_TRUST,
	C_LINK_STATE,
	C_MIN_RATE,
	C_MAX_RATE,
	/* From here on, what never changes after the claim. */
	C_PF,
	C_INDEX,
	C_UUID,
	C_NAME,
	C_SINCE,
};

struct sqlite_store {
	struct store store;
	sqlite3 *db; /* NULL: there is no file, and it was opened for reading: no leases */
	char *path;
};

static void cleanup_stmt_pointer(sqlite3_stmt **stmt)
{
	(void)sqlite3_finalize(*stmt);
}
#define cleanup_stmt cleanup(cleanup_stmt_pointer)

static void sqlite_store_close(struct store *store)
{
	struct sqlite_store *s = (struct sqlite_store *)store;

	if (!s)
		return;
	(void)sqlite3_close(s->db);
	free(s->path);
	free(s);
}

static void cleanup_store_pointer(struct sqlite_store **s)
{
	sqlite_store_close((struct store *)*s);
}
#define cleanup_store cleanup(cleanup_store_pointer)

static int damaged(const struct sqlite_store *s, const char *how, struct err **err)
{
	/* Closing must not move pages of the log into a file that is to stay as it is. */
	if (s->db)
		(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	err_set(err, ERR_FAILED, "the lease store %s is damaged: %s", s->path, how);
	err_now(err, "it is left as it is; the guests carry on with the VFs they have");
	return err_next(err,
			"move it away (%s, and -wal and -shm beside it), then run `vfpool "
			"reconcile`: it makes the leases anew from the guests' metadata",
			s->path);
}

static int refused_access(const char *path, const char *doing, int errnum, struct err **err)
{
	err_errno(err, errnum, "cannot %s the lease store %s", doing, path);
	err_now(err, "nothing was changed");
	if (errnum == EROFS)
		return err_next(err, "its file system is mounted read-only: mount it for writing "
				     "(`mount -o remount,rw`), or see why the kernel did that");
	if ((errnum == EACCES || errnum == EPERM) && geteuid() != 0)
		return err_next(err, "it belongs to root: run vfpool as root");
	if (errnum == ENOSPC || errnum == EDQUOT)
		return err_next(err, "make room on its file system and repeat");
	return -1;
}

/* What a failed SQLite call means; doing reads "claim a VF in". */
static int failed(const struct sqlite_store *s, int rc, const char *doing, struct err **err)
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
			"%d s",
			doing, s->path, STORE_BUSY_MS / 1000);
		return err_next(err, "repeat; `fuser -v %s` shows who has it open", s->path);
	case SQLITE_FULL:
		return refused_access(s->path, doing, ENOSPC, err);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_IOERR:
		errnum = s->db ? sqlite3_system_errno(s->db) : 0;
		if (errnum)
			return refused_access(s->path, doing, errnum, err);
		break;
	default:
		break;
	}
	return err_set(err, ERR_FAILED, "cannot %s the lease store %s: %s", doing, s->path,
		       s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
}

/* Binding and reading a lease */

static const char *const switch_names[] = {"off", "on"};
static const char *const link_state_names[] = {"auto", "enable", "disable"};

static void bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
	(void)sqlite3_bind_text(stmt, column + 1, text, -1, SQLITE_TRANSIENT);
}

static void bind_number(sqlite3_stmt *stmt, int column, int64_t number)
{
	(void)sqlite3_bind_int64(stmt, column + 1, number);
}

/* What stays unbound is NULL. A value without a name is written as a number: a CHECK refuses it. */
static void bind_settings(sqlite3_stmt *stmt, const struct vf_settings *saved)
{
	if (saved->known & SETTING_MAC)
		bind_text(stmt, C_MAC, mac_str(saved->mac));
	if (saved->known & SETTING_VLAN) {
		bind_number(stmt, C_VLAN, saved->vlan);
		bind_number(stmt, C_QOS, saved->qos);
		bind_text(stmt, C_VLAN_PROTO, saved->vlan_proto == 0x88a8 ? "802.1ad" : "802.1Q");
	}
	if (saved->known & SETTING_SPOOFCHK)
		bind_text(stmt, C_SPOOFCHK, switch_names[saved->spoofchk]);
	if (saved->known & SETTING_TRUST)
		bind_text(stmt, C_TRUST, switch_names[saved->trust]);
	if (saved->known & SETTING_LINK_STATE) {
		if (saved->link_state < ARRAY_SIZE(link_state_names))
			bind_text(stmt, C_LINK_STATE, link_state_names[saved->link_state]);
		else
			bind_number(stmt, C_LINK_STATE, saved->link_state);
	}
	if (saved->known & SETTING_RATE) {
		bind_number(stmt, C_MIN_RATE, saved->min_rate);
		bind_number(stmt, C_MAX_RATE, saved->max_rate);
	}
}

/* The columns that update writes, and those it finds the row by. */
static void bind_lease(sqlite3_stmt *stmt, const struct lease *lease, enum lease_state state)
{
	bind_text(stmt, C_VF, pciaddr_str(lease->vf));
	bind_text(stmt, C_ASSIGNMENT, lease->assignment);
	bind_text(stmt, C_STATE, lease_state_name(state));
	if (lease->driver)
		bind_text(stmt, C_DRIVER, lease->driver);
	bind_settings(stmt, &lease->saved);
}

static const char *text_of(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

static bool is_null(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL;
}

static bool read_number(sqlite3_stmt *row, int column, int64_t max, int64_t *out)
{
	*out = sqlite3_column_int64(row, column);
	return sqlite3_column_type(row, column) == SQLITE_INTEGER && *out >= 0 && *out <= max;
}

static bool read_name(sqlite3_stmt *row, int column, const char *const *names, size_t n,
		      size_t *out)
{
	const char *text = text_of(row, column);

	for (*out = 0; text && *out < n; (*out)++)
		if (strcmp(text, names[*out]) == 0)
			return true;
	return false;
}

/* false: *bad is the column that cannot be read. */
static bool read_settings(sqlite3_stmt *row, struct vf_settings *out, const char **bad)
{
	static const char *const protos[] = {"802.1Q", "802.1ad"};
	int64_t number;
	size_t name;

	if (!is_null(row, C_MAC)) {
		*bad = "saved_mac";
		if (!text_of(row, C_MAC) || !mac_parse(text_of(row, C_MAC), &out->mac))
			return false;
		out->known |= SETTING_MAC;
	}
	if (!is_null(row, C_VLAN)) {
		*bad = "saved_vlan";
		if (!read_number(row, C_VLAN, 4095, &number))
			return false;
		out->vlan = (uint16_t)number;
		*bad = "saved_qos";
		if (!read_number(row, C_QOS, 7, &number))
			return false;
		out->qos = (uint8_t)number;
		*bad = "saved_vlan_proto";
		if (!read_name(row, C_VLAN_PROTO, protos, ARRAY_SIZE(protos), &name))
			return false;
		out->vlan_proto = name ? 0x88a8 : 0x8100;
		out->known |= SETTING_VLAN;
	}
	if (!is_null(row, C_SPOOFCHK)) {
		*bad = "saved_spoofchk";
		if (!read_name(row, C_SPOOFCHK, switch_names, ARRAY_SIZE(switch_names), &name))
			return false;
		out->spoofchk = name;
		out->known |= SETTING_SPOOFCHK;
	}
	if (!is_null(row, C_TRUST)) {
		*bad = "saved_trust";
		if (!read_name(row, C_TRUST, switch_names, ARRAY_SIZE(switch_names), &name))
			return false;
		out->trust = name;
		out->known |= SETTING_TRUST;
	}
	if (!is_null(row, C_LINK_STATE)) {
		*bad = "saved_link_state";
		if (!read_name(row, C_LINK_STATE, link_state_names, ARRAY_SIZE(link_state_names),
			       &name))
			return false;
		out->link_state = (uint8_t)name;
		out->known |= SETTING_LINK_STATE;
	}
	if (!is_null(row, C_MIN_RATE)) {
		*bad = "saved_min_rate";
		if (!read_number(row, C_MIN_RATE, UINT32_MAX, &number))
			return false;
		out->min_rate = (uint32_t)number;
		*bad = "saved_max_rate";
		if (!read_number(row, C_MAX_RATE, UINT32_MAX, &number))
			return false;
		out->max_rate = (uint32_t)number;
		out->known |= SETTING_RATE;
	}
	return true;
}

static bool read_lease(sqlite3_stmt *row, struct lease *out, const char **bad)
{
	int64_t index;

	*bad = "vf";
	if (!text_of(row, C_VF) || !pciaddr_parse(text_of(row, C_VF), &out->vf))
		return false;
	*bad = "pf";
	if (!text_of(row, C_PF) || !pciaddr_parse(text_of(row, C_PF), &out->pf))
		return false;
	*bad = "vf_index";
	if (!read_number(row, C_INDEX, 65535, &index))
		return false;
	out->index = (unsigned)index;
	*bad = "assignment";
	if (!text_of(row, C_ASSIGNMENT) || !assignment_id_valid(text_of(row, C_ASSIGNMENT)))
		return false;
	memcpy(out->assignment, text_of(row, C_ASSIGNMENT), sizeof(out->assignment));
	*bad = "domain_uuid";
	if (!text_of(row, C_UUID) || strlen(text_of(row, C_UUID)) != UUID_STRLEN - 1)
		return false;
	memcpy(out->domain_uuid, text_of(row, C_UUID), sizeof(out->domain_uuid));
	*bad = "domain_name";
	if (!text_of(row, C_NAME))
		return false;
	*bad = "state";
	if (!text_of(row, C_STATE) || !lease_state_parse(text_of(row, C_STATE), &out->state))
		return false;
	*bad = "since";
	if (!read_number(row, C_SINCE, INT64_MAX, &out->since))
		return false;
	if (!read_settings(row, &out->saved, bad))
		return false;
	out->domain_name = mem_strdup(text_of(row, C_NAME));
	out->driver = mem_strdup(text_of(row, C_DRIVER));
	return true;
}

/* The operations */

static int prepare(const struct sqlite_store *s, const char *sql, const char *doing,
		   sqlite3_stmt **out, struct err **err)
{
	int rc = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);

	return rc == SQLITE_OK ? 0 : failed(s, rc, doing, err);
}

/* Why did a claim meet a unique key? The other lease may even be gone by now. */
static int claim_conflict(const struct sqlite_store *s, const struct lease *lease, struct err **err)
{
	static const char sql[] = "SELECT vf, assignment, domain_name FROM leases"
				  " WHERE vf = ?1 OR assignment = ?2 ORDER BY vf = ?1 DESC";
	cleanup_stmt sqlite3_stmt *row = NULL;
	const char *vf = pciaddr_str(lease->vf);
	int rc;

	if (prepare(s, sql, "read", &row, err) < 0)
		return -1;
	bind_text(row, C_VF, vf);
	bind_text(row, C_ASSIGNMENT, lease->assignment);
	rc = sqlite3_step(row);
	if (rc == SQLITE_DONE)
		return err_set(err, ERR_TAKEN, "VF %s was leased just now", vf);
	if (rc != SQLITE_ROW)
		return failed(s, rc, "read", err);
	if (strcmp(text_of(row, 0), vf) == 0)
		return err_set(err, ERR_TAKEN, "VF %s is leased to %s (assignment %s)", vf,
			       text_of(row, 2), text_of(row, 1));
	err_set(err, ERR_FAILED, "assignment %s of %s has a lease already, of VF %s",
		lease->assignment, text_of(row, 2), text_of(row, 0));
	return err_next(err, "`vfpool reconcile %s` brings guest and leases together",
			text_of(row, 2));
}

static int sqlite_store_claim(struct store *store, const struct lease *lease, struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	static const char sql[] = "INSERT INTO leases (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?,"
				  " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int rc;

	if (prepare(s, sql, "claim a VF in", &stmt, err) < 0)
		return -1;
	bind_lease(stmt, lease, LEASE_CLAIMED);
	bind_text(stmt, C_PF, pciaddr_str(lease->pf));
	bind_number(stmt, C_INDEX, lease->index);
	bind_text(stmt, C_UUID, lease->domain_uuid);
	bind_text(stmt, C_NAME, lease->domain_name);
	bind_number(stmt, C_SINCE, lease->since ? lease->since : time(NULL));
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE)
		return 0;
	rc = sqlite3_extended_errcode(s->db);
	if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE)
		return claim_conflict(s, lease, err);
	return failed(s, rc, "claim a VF in", err);
}

/* Runs a statement that has to meet exactly the row of this lease. */
static int change_row(const struct sqlite_store *s, sqlite3_stmt *stmt, const struct lease *lease,
		      const char *doing, struct err **err)
{
	int rc = sqlite3_step(stmt);

	if (rc != SQLITE_DONE)
		return failed(s, sqlite3_extended_errcode(s->db), doing, err);
	if (sqlite3_changes(s->db) == 0)
		return err_set(err, ERR_ABSENT, "assignment %s has no lease of VF %s",
			       lease->assignment, pciaddr_str(lease->vf));
	return 0;
}

static int sqlite_store_update(struct store *store, const struct lease *lease, struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	static const char sql[] =
		"UPDATE leases SET state = ?3, driver = ?4, saved_mac = ?5, saved_vlan = ?6,"
		" saved_qos = ?7, saved_vlan_proto = ?8, saved_spoofchk = ?9, saved_trust = ?10,"
		" saved_link_state = ?11, saved_min_rate = ?12, saved_max_rate = ?13"
		" WHERE vf = ?1 AND assignment = ?2";
	cleanup_stmt sqlite3_stmt *stmt = NULL;

	if (prepare(s, sql, "write a lease in", &stmt, err) < 0)
		return -1;
	bind_lease(stmt, lease, lease->state);
	return change_row(s, stmt, lease, "write a lease in", err);
}

static int sqlite_store_drop(struct store *store, const struct lease *lease, struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	static const char sql[] = "DELETE FROM leases WHERE vf = ?1 AND assignment = ?2";
	cleanup_stmt sqlite3_stmt *stmt = NULL;

	if (prepare(s, sql, "drop a lease in", &stmt, err) < 0)
		return -1;
	bind_text(stmt, C_VF, pciaddr_str(lease->vf));
	bind_text(stmt, C_ASSIGNMENT, lease->assignment);
	return change_row(s, stmt, lease, "drop a lease in", err);
}

static int sqlite_store_list(struct store *store, const char *domain_uuid, const struct pciaddr *pf,
			     struct leases *out, struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	/* One text for each, so that each is answered from an index. */
	static const char *const sql[] = {
		"SELECT " COLUMNS " FROM leases",
		"SELECT " COLUMNS " FROM leases WHERE domain_uuid = ?1",
		"SELECT " COLUMNS " FROM leases WHERE pf = ?2",
		"SELECT " COLUMNS " FROM leases WHERE domain_uuid = ?1 AND +pf = ?2",
	};
	cleanup_stmt sqlite3_stmt *row = NULL;
	struct leases found = {0};
	int rc;

	if (!s->db) {
		*out = found;
		return 0;
	}
	if (prepare(s, sql[(domain_uuid ? 1 : 0) + (pf ? 2 : 0)], "read", &row, err) < 0)
		return -1;
	if (domain_uuid)
		bind_text(row, 0, domain_uuid);
	if (pf)
		bind_text(row, 1, pciaddr_str(*pf));
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct lease lease = {0};
		const char *bad = NULL;

		if (read_lease(row, &lease, &bad))
			leases_add(&found, lease);
		else
			log_warn("%s: the lease of VF '%s' (assignment '%s', guest '%s') cannot be "
				 "read, its %s is not valid; it is left alone and keeps that VF "
				 "from being leased",
				 s->path, text_of(row, C_VF), text_of(row, C_ASSIGNMENT),
				 text_of(row, C_NAME), bad);
	}
	if (rc != SQLITE_DONE) {
		leases_clear(&found);
		return failed(s, sqlite3_extended_errcode(s->db), "read", err);
	}
	*out = found;
	return 0;
}

static const struct store_ops sqlite_store_ops = {
	.claim = sqlite_store_claim,
	.update = sqlite_store_update,
	.drop = sqlite_store_drop,
	.list = sqlite_store_list,
	.close = sqlite_store_close,
};

/* Opening */

/*
 * Finds the real directory, so that it may lie behind a symbolic link (an administrator's choice)
 * while the store itself may not. 1: there is none.
 */
static int find_directory(const char *path, bool create, char **real, struct err **err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *name = !slash          ? mem_strdup(".")
				  : slash == path ? mem_strdup("/")
						  : mem_printf("%.*s", (int)(slash - path), path);
	cleanup_free char *dir = NULL;
	struct stat st;

	if (create && mkdir(name, 0700) == 0) {
		/* Whatever the umask is. */
		if (chmod(name, 0700) < 0)
			return refused_access(path, "create", errno, err);
	} else if (create && errno != EEXIST) {
		return refused_access(path, "create", errno, err);
	}
	dir = realpath(name, NULL);
	if (!dir && errno == ENOENT && !create)
		return 1;
	if (!dir)
		return refused_access(path, create ? "write" : "read", errno, err);
	if (create) {
		if (stat(dir, &st) < 0 || faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0)
			return refused_access(path, "write", errno, err);
		if (st.st_mode & 022) {
			err_set(err, ERR_FAILED,
				"the lease store's directory %s can be written by others than its "
				"owner",
				dir);
			return err_next(err,
					"see that nobody put anything there, then `chmod 0700 %s`",
					dir);
		}
	}
	*real = mem_printf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, slash ? slash + 1 : path);
	return 0;
}

/* An empty file, which SQLite takes for an empty database. There already: fine. */
static int create_file(const char *path, struct err **err)
{
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? 0 : refused_access(path, "create", errno, err);
	if (fchmod(fd, 0600) < 0)
		return refused_access(path, "create", errno, err);
	return 0;
}

/* 1: there is no such file. Opens nothing: closing it would drop the locks this process has. */
static int check_file(const char *path, bool for_writing, struct err **err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 1 : refused_access(path, "read", errno, err);
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_FAILED, "the lease store %s is %s, not a plain file", path,
			S_ISLNK(st.st_mode) ? "a symbolic link" : "something else");
		err_now(err, "nothing was changed");
		return err_next(err, "put the file itself there; its directory may be a link");
	}
	if (faccessat(AT_FDCWD, path, for_writing ? R_OK | W_OK : R_OK, AT_EACCESS) < 0)
		return refused_access(path, for_writing ? "write" : "read", errno, err);
	return 0;
}

static int exec(const struct sqlite_store *s, const char *sql, const char *doing, struct err **err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : failed(s, sqlite3_extended_errcode(s->db), doing, err);
}

static int too_new(const struct sqlite_store *s, int version, struct err **err)
{
	cleanup_stmt sqlite3_stmt *row = NULL;
	const char *needs = NULL;

	if (sqlite3_prepare_v2(s->db, "SELECT needs FROM program", -1, &row, NULL) == SQLITE_OK &&
	    sqlite3_step(row) == SQLITE_ROW)
		needs = text_of(row, 0);
	err_set(err, ERR_FAILED,
		"the lease store %s was written by a newer vfpool: its schema is %d, and this "
		"vfpool " VFPOOL_VERSION " knows up to %d",
		s->path, version, SCHEMA_VERSION);
	err_now(err, "it is left as it is; the guests carry on with the VFs they have");
	if (needs)
		return err_next(err, "install vfpool %s or newer", needs);
	return err_next(err, "install the vfpool that wrote it, or a newer one");
}

/*
 * Is it ours, and of which schema? 0 in *version: empty. Returns SQLite's code, so that a reader
 * that cannot have the log's index can be told from the rest.
 */
static int read_version(const struct sqlite_store *s, int *version, bool *foreign)
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
	*foreign = *version ? id != APPLICATION_ID : id || sqlite3_column_int(row, 2);
	return SQLITE_OK;
}

static int check_version(const struct sqlite_store *s, int version, bool foreign, struct err **err)
{
	if (foreign) {
		err_set(err, ERR_FAILED, "%s is a SQLite database, but no lease store of vfpool",
			s->path);
		err_now(err, "it is left as it is");
		return err_next(err, "name another place with --store, or move it away");
	}
	return version > SCHEMA_VERSION ? too_new(s, version, err) : 0;
}

/*
 * The change of an empty file to WAL is refused at once, without the usual wait, while another
 * process is at the same: hence the loop.
 */
static int set_wal(const struct sqlite_store *s, struct err **err)
{
	msec deadline = clock_now() + STORE_BUSY_MS;
	int rc;

	do {
		rc = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if ((rc & 0xff) != SQLITE_BUSY)
			break;
		(void)usleep(2000);
	} while (clock_now() < deadline);
	return rc == SQLITE_OK ? 0 : failed(s, sqlite3_extended_errcode(s->db), "open", err);
}

static int create_schema(const struct sqlite_store *s, struct err **err)
{
	bool foreign;
	int version, rc, ret;

	if (exec(s, "BEGIN IMMEDIATE", "create", err) < 0)
		return -1;
	/* Another process may have been faster. */
	rc = read_version(s, &version, &foreign);
	if (rc != SQLITE_OK)
		ret = failed(s, rc, "create", err);
	else if (version || foreign)
		ret = check_version(s, version, foreign, err);
	else
		ret = exec(s, schema, "create", err);
	if (ret == 0)
		ret = exec(s, "COMMIT", "create", err);
	if (ret < 0)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

static int open_database(struct sqlite_store *s, bool for_writing, struct err **err)
{
	int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
		    (for_writing ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);

	if (rc != SQLITE_OK)
		return failed(s, rc, "open", err);
	(void)sqlite3_extended_result_codes(s->db, 1);
	(void)sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* Until the file is known to be ours, closing it must not change it. */
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
		return refused_access(s->path, "write", EROFS, err);
	rc = read_version(s, &version, &foreign);
	if (rc != SQLITE_OK)
		return failed(s, rc, "open", err);
	if (check_version(s, version, foreign, err) < 0)
		return -1;
	if (set_wal(s, err) < 0)
		return -1;
	if (!version && create_schema(s, err) < 0)
		return -1;
	if (exec(s, "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON", "open", err) < 0)
		return -1;
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return 0;
}

/* Is there a log with something in it? Then the file alone is not the whole truth. */
static bool has_log(const struct sqlite_store *s)
{
	cleanup_free char *log = mem_printf("%s-wal", s->path);
	struct stat st;

	return stat(log, &st) == 0 && st.st_size > 0;
}

/* Reads the file into SQLite's memory; *st is how it was meanwhile. 0, or an errno. */
static int slurp(const char *path, unsigned char **out, struct stat *st)
{
	cleanup_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	unsigned char *data;
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, st) < 0)
		return errno;
	data = sqlite3_malloc64((sqlite3_uint64)st->st_size + 1);
	if (!data)
		return ENOMEM;
	for (off_t at = 0; at < st->st_size; at += got) {
		got = read(fd, data + at, (size_t)(st->st_size - at));
		if (got <= 0) {
			sqlite3_free(data);
			return got < 0 ? errno : EAGAIN;
		}
	}
	*out = data;
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
		errnum = has_log(s) ? EACCES : slurp(s->path, &data, &before);
		if (errnum == 0) {
			if (!has_log(s) && stat(s->path, &after) == 0 &&
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
		return refused_access(s->path, "read", errnum, err);
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
	return rc == SQLITE_OK ? 0 : failed(s, rc, "read", err);
}

static int open_for_reading(struct sqlite_store *s, struct err **err)
{
	int version = 0, rc;
	bool foreign;

	if (open_database(s, false, err) < 0)
		return -1;
	rc = read_version(s, &version, &foreign);
	if ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) {
		if (open_snapshot(s, err) < 0)
			return -1;
		rc = read_version(s, &version, &foreign);
	}
	if (rc != SQLITE_OK)
		return failed(s, rc, "read", err);
	if (check_version(s, version, foreign, err) < 0)
		return -1;
	if (!version) {
		/* Created just now, or never finished: no leases. */
		(void)sqlite3_close(s->db);
		s->db = NULL;
	}
	return 0;
}

int store_open(const char *path, bool for_writing, struct store **out, struct err **err)
{
	cleanup_store struct sqlite_store *s = mem_zero(1, sizeof(*s));
	int missing;

	s->store.ops = &sqlite_store_ops;
	missing = find_directory(path, for_writing, &s->path, err);
	if (missing == 0)
		missing = check_file(s->path, for_writing, err);
	if (missing < 0)
		return -1;
	if (missing == 0 || for_writing) {
		if (missing && create_file(s->path, err) < 0)
			return -1;
		if ((for_writing ? open_for_writing(s, err) : open_for_reading(s, err)) < 0)
			return -1;
	}
	*out = &steal(&s)->store;
	return 0;
}
