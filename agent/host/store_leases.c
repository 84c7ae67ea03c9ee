// SPDX-License-Identifier: LGPL-2.1-or-later
/* The leases themselves: what is bound and read, and the four operations. */
#include <string.h>
#include <time.h>

#include "core/log.h"
#include "core/mem.h"
#include "host/store_sqlite.h"

/* The order of both the parameters of claim and the columns of list; update uses it too. */
#define COLUMNS_SAVED                                                                         \
	"vf, assignment, state, driver, saved_mac, saved_vlan, saved_qos, saved_vlan_proto, " \
	"saved_spoofchk, saved_trust, saved_link_state, saved_min_rate, saved_max_rate, "
#define COLUMNS_FIXED "pf, vf_index, domain_uuid, domain_name, since"
#define COLUMNS COLUMNS_SAVED "expires, reason, " COLUMNS_FIXED

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
	C_EXPIRES,
	C_REASON,
	/* From here on, what never changes after the claim. */
	C_PF,
	C_INDEX,
	C_UUID,
	C_NAME,
	C_SINCE,
};

/* What was being done, in errors. */
#define CLAIMING "claim a VF in"
#define WRITING "write a lease in"
#define DROPPING "drop a lease in"

static const char *const switch_names[] = {"off", "on"};
static const char *const link_state_names[] = {"auto", "enable", "disable"};

/* What stays unbound is NULL. A value without a name is written as a number: a CHECK refuses it. */
static void bind_settings(sqlite3_stmt *stmt, const struct vf_settings *saved)
{
	if (saved->known & SETTING_MAC)
		store_bind_text(stmt, C_MAC, mac_str(saved->mac));
	if (saved->known & SETTING_VLAN) {
		store_bind_number(stmt, C_VLAN, saved->vlan);
		store_bind_number(stmt, C_QOS, saved->qos);
		store_bind_text(stmt, C_VLAN_PROTO,
				saved->vlan_proto == 0x88a8 ? "802.1ad" : "802.1Q");
	}
	if (saved->known & SETTING_SPOOFCHK)
		store_bind_text(stmt, C_SPOOFCHK, switch_names[saved->spoofchk]);
	if (saved->known & SETTING_TRUST)
		store_bind_text(stmt, C_TRUST, switch_names[saved->trust]);
	if (saved->known & SETTING_LINK_STATE) {
		if (saved->link_state < ARRAY_SIZE(link_state_names))
			store_bind_text(stmt, C_LINK_STATE, link_state_names[saved->link_state]);
		else
			store_bind_number(stmt, C_LINK_STATE, saved->link_state);
	}
	if (saved->known & SETTING_RATE) {
		store_bind_number(stmt, C_MIN_RATE, saved->min_rate);
		store_bind_number(stmt, C_MAX_RATE, saved->max_rate);
	}
}

/* The columns that update writes, and those it finds the row by. */
static void bind_lease(sqlite3_stmt *stmt, const struct lease *lease)
{
	store_bind_text(stmt, C_VF, pciaddr_str(lease->vf));
	store_bind_text(stmt, C_ASSIGNMENT, lease->assignment);
	store_bind_text(stmt, C_STATE, lease_state_name(lease->state));
	if (lease->driver)
		store_bind_text(stmt, C_DRIVER, lease->driver);
	bind_settings(stmt, &lease->saved);
	if (lease->expires)
		store_bind_number(stmt, C_EXPIRES, lease->expires);
	store_bind_text(stmt, C_REASON, lease->reason);
}

static bool read_name(sqlite3_stmt *row, int column, const char *const *names, size_t n,
		      size_t *out)
{
	const char *text = store_text(row, column);

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

	if (!store_is_null(row, C_MAC)) {
		*bad = "saved_mac";
		if (!store_text(row, C_MAC) || !mac_parse(store_text(row, C_MAC), &out->mac))
			return false;
		out->known |= SETTING_MAC;
	}
	if (!store_is_null(row, C_VLAN)) {
		*bad = "saved_vlan";
		if (!store_number(row, C_VLAN, 4095, &number))
			return false;
		out->vlan = (uint16_t)number;
		*bad = "saved_qos";
		if (!store_number(row, C_QOS, 7, &number))
			return false;
		out->qos = (uint8_t)number;
		*bad = "saved_vlan_proto";
		if (!read_name(row, C_VLAN_PROTO, protos, ARRAY_SIZE(protos), &name))
			return false;
		out->vlan_proto = name ? 0x88a8 : 0x8100;
		out->known |= SETTING_VLAN;
	}
	if (!store_is_null(row, C_SPOOFCHK)) {
		*bad = "saved_spoofchk";
		if (!read_name(row, C_SPOOFCHK, switch_names, ARRAY_SIZE(switch_names), &name))
			return false;
		out->spoofchk = name;
		out->known |= SETTING_SPOOFCHK;
	}
	if (!store_is_null(row, C_TRUST)) {
		*bad = "saved_trust";
		if (!read_name(row, C_TRUST, switch_names, ARRAY_SIZE(switch_names), &name))
			return false;
		out->trust = name;
		out->known |= SETTING_TRUST;
	}
	if (!store_is_null(row, C_LINK_STATE)) {
		*bad = "saved_link_state";
		if (!read_name(row, C_LINK_STATE, link_state_names, ARRAY_SIZE(link_state_names),
			       &name))
			return false;
		out->link_state = (uint8_t)name;
		out->known |= SETTING_LINK_STATE;
	}
	if (!store_is_null(row, C_MIN_RATE)) {
		*bad = "saved_min_rate";
		if (!store_number(row, C_MIN_RATE, UINT32_MAX, &number))
			return false;
		out->min_rate = (uint32_t)number;
		*bad = "saved_max_rate";
		if (!store_number(row, C_MAX_RATE, UINT32_MAX, &number))
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
	if (!store_text(row, C_VF) || !pciaddr_parse(store_text(row, C_VF), &out->vf))
		return false;
	*bad = "pf";
	if (!store_text(row, C_PF) || !pciaddr_parse(store_text(row, C_PF), &out->pf))
		return false;
	*bad = "vf_index";
	if (!store_number(row, C_INDEX, 65535, &index))
		return false;
	out->index = (unsigned)index;
	*bad = "assignment";
	if (!store_text(row, C_ASSIGNMENT) || !assignment_id_valid(store_text(row, C_ASSIGNMENT)))
		return false;
	memcpy(out->assignment, store_text(row, C_ASSIGNMENT), sizeof(out->assignment));
	*bad = "domain_uuid";
	if (!store_text(row, C_UUID) || strlen(store_text(row, C_UUID)) != UUID_STRLEN - 1)
		return false;
	memcpy(out->domain_uuid, store_text(row, C_UUID), sizeof(out->domain_uuid));
	*bad = "domain_name";
	if (!store_text(row, C_NAME))
		return false;
	*bad = "state";
	if (!store_text(row, C_STATE) || !lease_state_parse(store_text(row, C_STATE), &out->state))
		return false;
	*bad = "since";
	if (!store_number(row, C_SINCE, INT64_MAX, &out->since))
		return false;
	*bad = "expires";
	if (!store_is_null(row, C_EXPIRES) &&
	    !store_number(row, C_EXPIRES, INT64_MAX, &out->expires))
		return false;
	if (!read_settings(row, &out->saved, bad))
		return false;
	out->domain_name = mem_strdup(store_text(row, C_NAME));
	out->driver = mem_strdup(store_text(row, C_DRIVER));
	out->reason = mem_strdup(store_text(row, C_REASON));
	return true;
}

/* Why did a claim meet a unique key? The other lease may even be gone by now. */
static int claim_conflict(const struct sqlite_store *s, const struct lease *lease, struct err **err)
{
	static const char sql[] = "SELECT vf, assignment, domain_name FROM leases"
				  " WHERE vf = ?1 OR assignment = ?2 ORDER BY vf = ?1 DESC";
	cleanup_stmt sqlite3_stmt *row = NULL;
	const char *vf = pciaddr_str(lease->vf);
	int rc;

	if (store_prepare(s, sql, "read", &row, err) < 0)
		return -1;
	store_bind_text(row, C_VF, vf);
	store_bind_text(row, C_ASSIGNMENT, lease->assignment);
	rc = sqlite3_step(row);
	if (rc == SQLITE_DONE)
		return err_set(err, ERR_TAKEN, "VF %s was leased just now", vf);
	if (rc != SQLITE_ROW)
		return store_failed(s, rc, "read", err);
	if (strcmp(store_text(row, 0), vf) == 0)
		return err_set(err, ERR_TAKEN, "VF %s is leased to %s (assignment %s)", vf,
			       store_text(row, 2), store_text(row, 1));
	err_set(err, ERR_FAILED, "assignment %s of %s has a lease already, of VF %s",
		lease->assignment, store_text(row, 2), store_text(row, 0));
	return err_next(err, "`vfpool reconcile %s` brings guest and leases together",
			store_text(row, 2));
}

static int prepare_insert(struct sqlite_store *s, sqlite3_stmt **out, struct err **err)
{
	static const char sql[] = "INSERT INTO leases (" COLUMNS
				  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
				  "?, ?)";

	return store_keep(s, STORE_INSERT, sql, CLAIMING, out, err);
}

static int insert(struct sqlite_store *s, const struct lease *lease, struct err **err)
{
	cleanup_kept sqlite3_stmt *stmt = NULL;
	int rc;

	if (prepare_insert(s, &stmt, err) < 0)
		return -1;
	bind_lease(stmt, lease);
	store_bind_text(stmt, C_PF, pciaddr_str(lease->pf));
	store_bind_number(stmt, C_INDEX, lease->index);
	store_bind_text(stmt, C_UUID, lease->domain_uuid);
	store_bind_text(stmt, C_NAME, lease->domain_name);
	store_bind_number(stmt, C_SINCE, lease->since ? lease->since : time(NULL));
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE)
		return 0;
	rc = sqlite3_extended_errcode(s->db);
	if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE)
		return claim_conflict(s, lease, err);
	return store_failed(s, rc, CLAIMING, err);
}

int store_claim(struct store *store, const struct lease *lease, struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	int result;

	if (store_begin(s, true, CLAIMING, err) < 0)
		return -1;
	result = insert(s, lease, err);
	if (result == 0)
		result = store_note(s, lease, STORE_FREE, lease_state_name(lease->state),
				    lease->reason, err);
	return store_end(s, result, CLAIMING, err);
}

/* Runs a statement that has to meet exactly the row of this lease. */
static int change_row(const struct sqlite_store *s, sqlite3_stmt *stmt, const struct lease *lease,
		      const char *doing, struct err **err)
{
	int rc = sqlite3_step(stmt);

	if (rc != SQLITE_DONE)
		return store_failed(s, sqlite3_extended_errcode(s->db), doing, err);
	if (sqlite3_changes(s->db) == 0)
		return err_set(err, ERR_ABSENT, "assignment %s has no lease of VF %s",
			       lease->assignment, pciaddr_str(lease->vf));
	return 0;
}

static int prepare_update(struct sqlite_store *s, sqlite3_stmt **out, struct err **err)
{
	static const char sql[] =
		"UPDATE leases SET state = ?3, driver = ?4, saved_mac = ?5, saved_vlan = ?6,"
		" saved_qos = ?7, saved_vlan_proto = ?8, saved_spoofchk = ?9, saved_trust = ?10,"
		" saved_link_state = ?11, saved_min_rate = ?12, saved_max_rate = ?13,"
		" expires = ?14, reason = ?15 WHERE vf = ?1 AND assignment = ?2";

	return store_keep(s, STORE_UPDATE, sql, WRITING, out, err);
}

static int write_row(struct sqlite_store *s, const struct lease *lease, struct err **err)
{
	cleanup_kept sqlite3_stmt *stmt = NULL;

	if (prepare_update(s, &stmt, err) < 0)
		return -1;
	bind_lease(stmt, lease);
	return change_row(s, stmt, lease, WRITING, err);
}

int store_update(struct store *store, const struct lease *lease, struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	int result;

	if (store_begin(s, lease->state != LEASE_HELD, WRITING, err) < 0)
		return -1;
	result = store_note(s, lease, NULL, lease_state_name(lease->state), lease->reason, err);
	if (result == 0)
		result = write_row(s, lease, err);
	return store_end(s, result, WRITING, err);
}

static int delete_row(struct sqlite_store *s, const struct lease *lease, struct err **err)
{
	static const char sql[] = "DELETE FROM leases WHERE vf = ?1 AND assignment = ?2";
	cleanup_kept sqlite3_stmt *stmt = NULL;

	if (store_keep(s, STORE_DELETE, sql, DROPPING, &stmt, err) < 0)
		return -1;
	store_bind_text(stmt, C_VF, pciaddr_str(lease->vf));
	store_bind_text(stmt, C_ASSIGNMENT, lease->assignment);
	return change_row(s, stmt, lease, DROPPING, err);
}

int store_drop(struct store *store, const struct lease *lease, struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	int result;

	if (store_begin(s, true, DROPPING, err) < 0)
		return -1;
	result = store_note(s, lease, NULL, STORE_FREE, NULL, err);
	if (result == 0)
		result = delete_row(s, lease, err);
	return store_end(s, result, DROPPING, err);
}

enum { OF_DOMAIN = 1 << 0, OF_PF = 1 << 1 };

static int prepare_list(struct sqlite_store *s, unsigned of, sqlite3_stmt **out, struct err **err)
{
	/* One text for each, so that each is answered from an index. */
	static const char *const which[] = {
		[0] = "",
		[OF_DOMAIN] = "WHERE domain_uuid = ?1",
		[OF_PF] = "WHERE pf = ?2",
		[OF_DOMAIN | OF_PF] = "WHERE domain_uuid = ?1 AND +pf = ?2",
	};
	/* Who only reads cannot bring an older store up to date. */
	cleanup_free char *sql = mem_printf(
		"SELECT %s FROM leases %s",
		s->version < 2 ? COLUMNS_SAVED "NULL, NULL, " COLUMNS_FIXED : COLUMNS, which[of]);

	return store_keep(s, STORE_LIST + of, sql, "read", out, err);
}

int store_list(struct store *store, const char *domain_uuid, const struct pciaddr *pf,
	       struct leases *out, struct err **err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	cleanup_kept sqlite3_stmt *row = NULL;
	struct leases found = {0};
	int rc;

	if (!s->db) {
		*out = found;
		return 0;
	}
	if (prepare_list(s, (domain_uuid ? OF_DOMAIN : 0) | (pf ? OF_PF : 0), &row, err) < 0)
		return -1;
	if (domain_uuid)
		store_bind_text(row, 0, domain_uuid);
	if (pf)
		store_bind_text(row, 1, pciaddr_str(*pf));
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct lease lease = {0};
		const char *bad = NULL;

		if (read_lease(row, &lease, &bad))
			leases_add(&found, lease);
		else
			log_warn("%s: the lease of VF '%s' (assignment '%s', guest '%s') cannot be "
				 "read, its %s is not valid; it is left alone and keeps that VF "
				 "from being leased",
				 s->path, store_text(row, C_VF), store_text(row, C_ASSIGNMENT),
				 store_text(row, C_NAME), bad);
	}
	if (rc != SQLITE_DONE) {
		leases_clear(&found);
		return store_failed(s, sqlite3_extended_errcode(s->db), "read", err);
	}
	*out = found;
	return 0;
}

void store_leases_prepare(struct sqlite_store *s)
{
	sqlite3_stmt *stmt;

	(void)(prepare_list(s, OF_DOMAIN, &stmt, NULL) || prepare_list(s, OF_PF, &stmt, NULL) ||
	       prepare_insert(s, &stmt, NULL) || prepare_update(s, &stmt, NULL) ||
	       store_note_prepare(s, &stmt, NULL));
}
