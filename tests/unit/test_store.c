// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/store.h"

#define UUID_A "11111111-2222-3333-4444-555555555555"
#define UUID_B "99999999-2222-3333-4444-555555555555"

struct place {
	char dir[64];
	char file[80];
};

static int setup(void **state)
{
	struct place *place = mem_zero(1, sizeof(*place));

	strcpy(place->dir, "/tmp/vfpool-store-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	(void)snprintf(place->file, sizeof(place->file), "%s/leases.db", place->dir);
	*state = place;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct place *place = *state;

	(void)nftw(place->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

/* With its log: another file's would be taken for that of the next one. */
static void remove_store(const struct place *place)
{
	cleanup_free char *log = mem_printf("%s-wal", place->file);
	cleanup_free char *index = mem_printf("%s-shm", place->file);

	assert_int_equal(unlink(place->file), 0);
	(void)unlink(log);
	(void)unlink(index);
}

static struct lease make_lease(unsigned index, const char *id)
{
	struct lease lease = {
		.vf = {0, 1, (uint8_t)(0x10 + index / 8), (uint8_t)(index % 8)},
		.pf = {0, 1, 0, 0},
		.index = index,
		.domain_uuid = UUID_A,
		.domain_name = (char *)"testguest1",
		.state = LEASE_CLAIMED,
		.since = 1700000000,
	};

	memcpy(lease.assignment, id, sizeof(lease.assignment));
	return lease;
}

static struct store *must_open(const char *path, bool for_writing)
{
	struct store *store = NULL;
	struct err *err = NULL;

	if (store_open(path, for_writing, &store, &err) < 0)
		err_print(err, stderr);
	assert_non_null(store);
	return store;
}

static struct leases must_list(struct store *store)
{
	struct leases leases = {0};

	assert_int_equal(store->ops->list(store, NULL, NULL, &leases, NULL), 0);
	return leases;
}

static void must_claim(struct store *store, struct lease lease)
{
	assert_int_equal(store->ops->claim(store, &lease, NULL), 0);
}

/* Opening must fail, with words of `what` and of `next`. */
static void must_refuse(const char *path, bool for_writing, const char *what, const char *next)
{
	struct store *store = NULL;
	cleanup_err struct err *err = NULL;

	assert_int_equal(store_open(path, for_writing, &store, &err), -1);
	assert_null(store);
	if (!strstr(err->what, what) || (next && (!err->next || !strstr(err->next, next)))) {
		err_print(err, stderr);
		fail();
	}
}

/* Another program's hand in the store. */
static void by_hand(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* As SQLite does by itself when the last one closes a file. */
static void empty_log(const char *path)
{
	cleanup_free char *log = mem_printf("%s-wal", path);

	by_hand(path, "SELECT count(*) FROM leases");
	assert_int_equal(access(log, F_OK), -1);
}

static void test_keeps_everything(void **state)
{
	struct place *place = *state;
	struct store *store = must_open(place->file, true);
	struct lease lease = make_lease(3, "0a1b2c3d");
	struct leases leases;
	const struct lease *back;

	must_claim(store, lease);
	leases = must_list(store);
	assert_int_equal(leases.n, 1);
	back = &leases.items[0];
	assert_int_equal(back->state, LEASE_CLAIMED);
	assert_int_equal(back->saved.known, 0);
	assert_null(back->driver);
	leases_clear(&leases);

	lease.state = LEASE_HELD;
	lease.expires = 1700000600;
	lease.reason = (char *)"the driver does not come back";
	lease.driver = (char *)"igbvf";
	lease.saved = (struct vf_settings){
		.known = SETTING_MAC | SETTING_VLAN | SETTING_SPOOFCHK | SETTING_TRUST |
			 SETTING_LINK_STATE | SETTING_RATE,
		.mac = {{2, 0, 0x5e, 0x10, 0, 1}},
		.vlan = 4094,
		.qos = 7,
		.vlan_proto = 0x88a8,
		.spoofchk = true,
		.link_state = 2,
		.min_rate = 1,
		.max_rate = UINT32_MAX,
	};
	assert_int_equal(store->ops->update(store, &lease, NULL), 0);
	store->ops->close(store);

	store = must_open(place->file, false);
	leases = must_list(store);
	assert_int_equal(leases.n, 1);
	back = &leases.items[0];
	assert_true(pciaddr_equal(back->vf, lease.vf));
	assert_true(pciaddr_equal(back->pf, lease.pf));
	assert_int_equal(back->index, 3);
	assert_string_equal(back->assignment, "0a1b2c3d");
	assert_string_equal(back->domain_uuid, UUID_A);
	assert_string_equal(back->domain_name, "testguest1");
	assert_string_equal(back->driver, "igbvf");
	assert_int_equal(back->state, LEASE_HELD);
	assert_int_equal(back->since, 1700000000);
	assert_int_equal(back->expires, 1700000600);
	assert_string_equal(back->reason, "the driver does not come back");
	assert_string_equal(lease_word(back), "stuck");
	assert_int_equal(back->saved.known, lease.saved.known);
	assert_int_equal(vf_settings_diff(&back->saved, &lease.saved), 0);
	leases_clear(&leases);
	store->ops->close(store);
}

static void test_claim_is_unique(void **state)
{
	struct place *place = *state;
	struct store *store = must_open(place->file, true);
	struct lease first = make_lease(0, "0a1b2c3d"), other = make_lease(0, "ffffffff");
	cleanup_err struct err *err = NULL;

	must_claim(store, first);
	assert_int_equal(store->ops->claim(store, &other, &err), -1);
	assert_int_equal(err->code, ERR_TAKEN);
	assert_string_equal(err->what,
			    "VF 0000:01:10.0 is leased to testguest1 (assignment 0a1b2c3d)");
	err_free(&err);

	/* One assignment, one VF. */
	other = make_lease(1, "0a1b2c3d");
	assert_int_equal(store->ops->claim(store, &other, &err), -1);
	assert_int_equal(err->code, ERR_FAILED);
	assert_non_null(strstr(err->what, "0000:01:10.0"));
	err_free(&err);

	/* What breaks a CHECK is refused, too. */
	other = make_lease(2, "NOT-HEX!");
	assert_int_equal(store->ops->claim(store, &other, &err), -1);
	assert_int_equal(err->code, ERR_FAILED);
	store->ops->close(store);
}

static void test_foreign_writer_is_refused(void **state)
{
	struct place *place = *state;
	struct store *store = must_open(place->file, true);
	struct lease mine = make_lease(0, "0a1b2c3d"), late = make_lease(0, "ffffffff");
	cleanup_err struct err *err = NULL;
	struct leases leases;

	must_claim(store, mine);
	late.state = LEASE_RELEASING;
	assert_int_equal(store->ops->update(store, &late, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	assert_int_equal(store->ops->drop(store, &late, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	leases = must_list(store);
	assert_int_equal(leases.n, 1);
	assert_int_equal(leases.items[0].state, LEASE_CLAIMED);
	leases_clear(&leases);

	assert_int_equal(store->ops->drop(store, &mine, NULL), 0);
	err_free(&err);
	assert_int_equal(store->ops->drop(store, &mine, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	store->ops->close(store);
}

static void test_list_filters_and_order(void **state)
{
	struct place *place = *state;
	struct store *store = must_open(place->file, true);
	struct lease a = make_lease(2, "00000001"), b = make_lease(0, "00000002"),
		     c = make_lease(1, "00000003");
	struct pciaddr pf2 = {0x10000, 1, 0, 0};
	struct leases leases = {0};

	memcpy(b.domain_uuid, UUID_B, sizeof(b.domain_uuid));
	c.pf = pf2;
	c.vf = (struct pciaddr){0x10000, 1, 0x10, 0};
	must_claim(store, c);
	must_claim(store, a);
	must_claim(store, b);

	leases = must_list(store);
	assert_int_equal(leases.n, 3);
	assert_string_equal(leases.items[0].assignment, "00000002");
	assert_string_equal(leases.items[1].assignment, "00000001");
	assert_string_equal(leases.items[2].assignment, "00000003");
	leases_clear(&leases);

	assert_int_equal(store->ops->list(store, UUID_B, NULL, &leases, NULL), 0);
	assert_int_equal(leases.n, 1);
	assert_string_equal(leases.items[0].assignment, "00000002");
	leases_clear(&leases);

	assert_int_equal(store->ops->list(store, NULL, &pf2, &leases, NULL), 0);
	assert_int_equal(leases.n, 1);
	assert_string_equal(leases.items[0].assignment, "00000003");
	leases_clear(&leases);

	assert_int_equal(store->ops->list(store, UUID_B, &pf2, &leases, NULL), 0);
	assert_int_equal(leases.n, 0);
	store->ops->close(store);
}

static void test_modes_do_not_depend_on_umask(void **state)
{
	struct place *place = *state;
	cleanup_free char *dir = mem_printf("%s/deep", place->dir);
	cleanup_free char *file = mem_printf("%s/leases.db", dir);
	cleanup_free char *wal = mem_printf("%s-wal", file);
	static const mode_t masks[] = {0, 0777};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		mode_t old = umask(masks[i]);
		struct store *store = must_open(file, true);

		must_claim(store, make_lease(0, "0a1b2c3d"));
		(void)umask(old);
		assert_int_equal(stat(dir, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_int_equal(stat(file, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(stat(wal, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		store->ops->close(store);
		assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	}
}

static void test_missing_reads_as_empty(void **state)
{
	struct place *place = *state;
	cleanup_free char *deep = mem_printf("%s/no/such/leases.db", place->dir);
	struct store *store = must_open(place->file, false);
	struct leases leases = must_list(store);
	int fd;

	assert_int_equal(leases.n, 0);
	store->ops->close(store);
	assert_int_equal(access(place->file, F_OK), -1);

	store = must_open(deep, false);
	store->ops->close(store);

	/* Made, and then the power went. */
	fd = open(place->file, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	store = must_open(place->file, false);
	leases = must_list(store);
	assert_int_equal(leases.n, 0);
	store->ops->close(store);
	store = must_open(place->file, true);
	must_claim(store, make_lease(0, "0a1b2c3d"));
	store->ops->close(store);
}

static void read_file(const char *path, char *buf, size_t size, size_t *n)
{
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	*n = fread(buf, 1, size, file);
	fclose(file);
}

/* The file, and nothing else in its directory but what was there. */
static void assert_same_file(const char *path, const char *before, size_t size)
{
	static char after[1 << 17];
	size_t n;

	read_file(path, after, sizeof(after), &n);
	assert_int_equal(n, size);
	assert_memory_equal(after, before, n);
}

static void test_newer_schema_is_refused(void **state)
{
	struct place *place = *state;
	static char before[1 << 17];
	struct store *store = must_open(place->file, true);
	size_t n;

	must_claim(store, make_lease(0, "0a1b2c3d"));
	store->ops->close(store);
	by_hand(place->file, "UPDATE program SET needs = '7.3'; PRAGMA user_version = 99");
	read_file(place->file, before, sizeof(before), &n);
	must_refuse(place->file, true, "schema is 99", "install vfpool 7.3 or newer");
	must_refuse(place->file, false, "schema is 99", "install vfpool 7.3 or newer");
	assert_same_file(place->file, before, n);

	by_hand(place->file, "DROP TABLE program");
	must_refuse(place->file, true, "schema is 99", "the vfpool that wrote it");
}

/* A store as the first vfpool made it, with a lease that it held and one that breaks a CHECK. */
static void make_first_schema(const char *path)
{
	by_hand(path,
		"PRAGMA journal_mode = WAL;"
		"CREATE TABLE program (needs TEXT NOT NULL) STRICT;"
		"INSERT INTO program VALUES ('0.1');"
		"CREATE TABLE leases (vf TEXT PRIMARY KEY, pf TEXT NOT NULL,"
		" vf_index INTEGER NOT NULL, assignment TEXT NOT NULL UNIQUE,"
		" domain_uuid TEXT NOT NULL, domain_name TEXT NOT NULL, state TEXT NOT NULL"
		" CHECK (state IN ('claimed', 'plugging', 'held', 'releasing')),"
		" since INTEGER NOT NULL, driver TEXT, saved_mac TEXT, saved_vlan INTEGER,"
		" saved_qos INTEGER, saved_vlan_proto TEXT, saved_spoofchk TEXT, saved_trust TEXT,"
		" saved_link_state TEXT, saved_min_rate INTEGER, saved_max_rate INTEGER"
		") STRICT, WITHOUT ROWID;"
		"CREATE INDEX leases_domain ON leases (domain_uuid);"
		"CREATE INDEX leases_pf ON leases (pf);"
		"INSERT INTO leases VALUES ('0000:01:10.0', '0000:01:00.0', 0, '0a1b2c3d',"
		" '" UUID_A "', 'testguest1', 'held', 1700000000, 'igbvf', '02:00:5e:10:00:01',"
		" NULL, NULL, NULL, 'on', NULL, NULL, 1, 2);"
		"INSERT INTO leases VALUES ('0000:01:10.2', '0000:01:00.0', 1, 'NOT-HEX!',"
		" '" UUID_A "', 'testguest1', 'held', 1700000000, NULL, NULL,"
		" NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);"
		"PRAGMA application_id = 1986422892;"
		"PRAGMA user_version = 1;");
}

static void assert_first_lease(struct store *store)
{
	struct leases leases = {0};
	struct pciaddr pf = {0, 1, 0, 0};
	const struct lease *back;

	assert_int_equal(store->ops->list(store, UUID_A, &pf, &leases, NULL), 0);
	assert_int_equal(leases.n, 1);
	back = &leases.items[0];
	assert_string_equal(back->assignment, "0a1b2c3d");
	assert_int_equal(back->state, LEASE_HELD);
	assert_int_equal(back->since, 1700000000);
	assert_string_equal(back->driver, "igbvf");
	assert_int_equal(back->saved.known, SETTING_MAC | SETTING_SPOOFCHK | SETTING_RATE);
	assert_int_equal(back->saved.max_rate, 2);
	assert_int_equal(back->expires, 0);
	assert_null(back->reason);
	leases_clear(&leases);
}

static void test_older_schema_is_brought_up_to_date(void **state)
{
	struct place *place = *state;
	struct lease lease = make_lease(2, "0000000a");
	cleanup_err struct err *err = NULL;
	struct history history = {0};
	struct store *store;
	sqlite3 *db;

	make_first_schema(place->file);
	/* Who only reads leaves it as it is. */
	store = must_open(place->file, false);
	assert_first_lease(store);
	assert_int_equal(store->ops->history(store, 0, NULL, &history, NULL), 0);
	assert_int_equal(history.n, 0);
	store->ops->close(store);

	store = must_open(place->file, true);
	assert_first_lease(store);
	/* The row that cannot be read keeps its VF. */
	lease.vf = (struct pciaddr){0, 1, 0x10, 2};
	assert_int_equal(store->ops->claim(store, &lease, &err), -1);
	assert_int_equal(err->code, ERR_TAKEN);
	lease.vf.function = 4;
	memcpy(lease.domain_uuid, UUID_B, sizeof(lease.domain_uuid));
	lease.state = LEASE_RESERVED;
	must_claim(store, lease);
	assert_int_equal(store->ops->history(store, 0, NULL, &history, NULL), 0);
	assert_int_equal(history.n, 1);
	history_clear(&history);
	store->ops->close(store);

	/* It is the schema that a new store has. */
	store = must_open(place->file, true);
	assert_first_lease(store);
	store->ops->close(store);
	assert_int_equal(sqlite3_open(place->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "INSERT INTO leases (vf, pf, vf_index, assignment,"
				      " domain_uuid, domain_name, state, since) VALUES ("
				      "'0000:01:10.6', '0000:01:00.0', 3, '0000000b', '" UUID_A
				      "', 'x', 'bound', 1)",
				      NULL, NULL, NULL),
			 SQLITE_CONSTRAINT);
	sqlite3_close(db);
}

static void assert_stuck(struct store *store, size_t n, const char *reason)
{
	struct stuck_guests stuck = {0};

	assert_int_equal(store->ops->stuck(store, &stuck, NULL), 0);
	assert_int_equal(stuck.n, n);
	if (n) {
		assert_string_equal(stuck.items[0].uuid, UUID_A);
		assert_string_equal(stuck.items[0].name, "testguest1");
		assert_string_equal(stuck.items[0].reason, reason);
		assert_true(stuck.items[0].since > 1700000000);
	}
	stuck_guests_clear(&stuck);
}

static void test_stuck_guests(void **state)
{
	struct place *place = *state;
	struct store *store = must_open(place->file, true);
	const struct store_ops *ops = store->ops;

	assert_stuck(store, 0, NULL);
	assert_int_equal(ops->stick(store, UUID_A, "testguest1", NULL, NULL), 0);
	assert_int_equal(ops->stick(store, UUID_A, "renamed", "no VF", NULL), 0);
	assert_int_equal(ops->stick(store, UUID_B, "web2", "no VF", NULL), 0);
	assert_int_equal(ops->stick(store, UUID_A, "testguest1", "still no VF", NULL), 0);
	assert_stuck(store, 2, "still no VF");
	assert_int_equal(ops->stick(store, UUID_B, "web2", NULL, NULL), 0);
	ops->close(store);
	store = must_open(place->file, false);
	assert_stuck(store, 1, "still no VF");
	ops->close(store);

	/* As the vfpool before made it: read as it is, brought up to date by who writes. */
	by_hand(place->file, "DROP TABLE stuck; PRAGMA user_version = 2;");
	store = must_open(place->file, false);
	assert_stuck(store, 0, NULL);
	ops->close(store);
	store = must_open(place->file, true);
	assert_int_equal(ops->stick(store, UUID_A, "testguest1", "no VF", NULL), 0);
	assert_stuck(store, 1, "no VF");
	ops->close(store);

	/* A row from elsewhere is left out. */
	by_hand(place->file, "PRAGMA ignore_check_constraints = ON;"
			     "INSERT INTO stuck VALUES ('x', 'y', 'z', 0);");
	store = must_open(place->file, true);
	assert_stuck(store, 1, "no VF");
	ops->close(store);

	/* No vfpool ever wrote that. */
	by_hand(place->file, "PRAGMA user_version = -1;");
	must_refuse(place->file, true, "no lease store of vfpool", "--store");
}

static void assert_event(const struct history_event *event, const char *was, const char *now,
			 const char *reason, const char *cause)
{
	assert_string_equal(event->was, was);
	assert_string_equal(event->now, now);
	if (reason)
		assert_string_equal(event->reason, reason);
	else
		assert_null(event->reason);
	if (cause)
		assert_string_equal(event->cause, cause);
	else
		assert_null(event->cause);
	assert_string_equal(event->domain_name, "testguest1");
	assert_string_equal(event->domain_uuid, UUID_A);
}

static void test_history(void **state)
{
	struct place *place = *state;
	struct store *store = must_open(place->file, true);
	struct lease lease = make_lease(0, "0a1b2c3d"), other = make_lease(0, "ffffffff");
	struct history history = {0};

	store->ops->because(store, "attach");
	must_claim(store, lease);
	/* What changed nothing leaves no trace. */
	assert_int_equal(store->ops->claim(store, &other, NULL), -1);
	assert_int_equal(store->ops->update(store, &other, NULL), -1);
	assert_int_equal(store->ops->drop(store, &other, NULL), -1);
	assert_int_equal(store->ops->update(store, &lease, NULL), 0);
	lease.state = LEASE_PLUGGING;
	assert_int_equal(store->ops->update(store, &lease, NULL), 0);
	store->ops->because(store, "agent: guest stopped");
	lease.reason = (char *)"no driver";
	assert_int_equal(store->ops->update(store, &lease, NULL), 0);
	store->ops->because(store, NULL);
	assert_int_equal(store->ops->drop(store, &lease, NULL), 0);
	store->ops->because(store, "attach");
	memcpy(other.domain_uuid, UUID_B, sizeof(other.domain_uuid));
	other.domain_name = (char *)"web1";
	must_claim(store, other);
	store->ops->close(store);

	/* As if the first step had begun a second and a half earlier. */
	by_hand(place->file, "UPDATE events SET time = (SELECT time - 1500 FROM events"
			     " WHERE id = 2) WHERE id = 1;"
			     "UPDATE events SET time = (SELECT time + 9000 FROM events"
			     " WHERE id = 4) WHERE id = 3");
	store = must_open(place->file, false);
	assert_int_equal(store->ops->history(store, 0, NULL, &history, NULL), 0);
	assert_int_equal(history.n, 5);
	assert_event(&history.items[0], "free", "claimed", NULL, "attach");
	assert_int_equal(history.items[0].lasted, -1);
	assert_true(history.items[0].time > 1700000000000);
	assert_event(&history.items[1], "claimed", "plugging", NULL, "attach");
	assert_int_equal(history.items[1].lasted, 1500);
	assert_event(&history.items[2], "plugging", "plugging", "no driver",
		     "agent: guest stopped");
	assert_event(&history.items[3], "plugging", "free", NULL, NULL);
	/* The clock was set back. */
	assert_int_equal(history.items[3].lasted, -1);
	assert_string_equal(history.items[3].assignment, "0a1b2c3d");
	assert_true(pciaddr_equal(history.items[3].vf, lease.vf));
	/* Another assignment's step begins anew. */
	assert_int_equal(history.items[4].lasted, -1);
	history_clear(&history);

	assert_int_equal(store->ops->history(store, 3, "testguest1", &history, NULL), 0);
	assert_int_equal(history.n, 1);
	assert_int_equal(history.items[0].id, 4);
	history_clear(&history);
	assert_int_equal(store->ops->history(store, 0, UUID_B, &history, NULL), 0);
	assert_int_equal(history.n, 1);
	history_clear(&history);
	store->ops->close(store);
}

static void test_history_is_bounded(void **state)
{
	struct place *place = *state;
	struct store *store = must_open(place->file, true);
	struct lease lease = make_lease(0, "0a1b2c3d");
	struct history history = {0};
	int64_t last;

	must_claim(store, lease);
	by_hand(place->file,
		"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)"
		" INSERT INTO events SELECT i, i, '" UUID_A "', 'x', '0a1b2c3d', '0000:01:10.0',"
		" 'held', 'held', NULL, NULL FROM n");
	for (int i = 0; i < 256; i++) {
		lease.state = lease.state == LEASE_HELD ? LEASE_CLAIMED : LEASE_HELD;
		assert_int_equal(store->ops->update(store, &lease, NULL), 0);
	}
	assert_int_equal(store->ops->history(store, 0, NULL, &history, NULL), 0);
	assert_in_range(history.n, STORE_HISTORY_MAX, STORE_HISTORY_MAX + 128);
	last = history.items[history.n - 1].id;
	assert_int_equal(last, 12256);
	assert_int_equal(history.items[0].id, last - (int64_t)history.n + 1);
	history_clear(&history);
	store->ops->close(store);
}

static void test_other_database_is_refused(void **state)
{
	struct place *place = *state;

	by_hand(place->file, "CREATE TABLE cookies (name TEXT)");
	must_refuse(place->file, true, "no lease store", "--store");
	must_refuse(place->file, false, "no lease store", "--store");
}

static void overwrite(const char *path, long at, const void *data, size_t n)
{
	FILE *file = fopen(path, "r+e");

	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fwrite(data, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void test_damage_is_refused(void **state)
{
	struct place *place = *state;
	static char before[1 << 17];
	static const char garbage[4096] = "\x7f garbage";
	struct lease lease = make_lease(6, "00000006");
	cleanup_err struct err *err = NULL;
	struct leases leases = {0};
	struct store *store;
	size_t n;

	/* Not a database at all. */
	store = must_open(place->file, true);
	must_claim(store, make_lease(0, "0a1b2c3d"));
	store->ops->close(store);
	empty_log(place->file);
	read_file(place->file, before, sizeof(before), &n);
	overwrite(place->file, 0, garbage, 512);
	must_refuse(place->file, true, "is damaged", "vfpool reconcile");
	must_refuse(place->file, false, "is damaged", "vfpool reconcile");
	overwrite(place->file, 0, before, n);

	/* Cut short. */
	assert_int_equal(truncate(place->file, (off_t)n / 2), 0);
	must_refuse(place->file, true, "is damaged", "move it away");
	overwrite(place->file, 0, before, n);

	/* A page of leases is gone: the file opens, and whoever reads there is told. */
	overwrite(place->file, 2 * 4096, garbage, sizeof(garbage));
	read_file(place->file, before, sizeof(before), &n);
	store = must_open(place->file, true);
	assert_int_equal(store->ops->list(store, NULL, NULL, &leases, &err), -1);
	assert_non_null(strstr(err->what, "is damaged"));
	assert_non_null(strstr(err->next, "vfpool reconcile"));
	assert_null(leases.items);
	err_free(&err);
	assert_int_equal(store->ops->claim(store, &lease, &err), -1);
	assert_non_null(strstr(err->what, "is damaged"));
	store->ops->close(store);
	assert_same_file(place->file, before, n);
}

static void test_garbage_row_hides_no_other(void **state)
{
	struct place *place = *state;
	struct store *store = must_open(place->file, true);
	struct lease lease = make_lease(1, "00000009");
	cleanup_err struct err *err = NULL;
	struct leases leases;
	int saved_stderr = dup(2);
	char said[1024] = "";
	FILE *capture = tmpfile();

	for (unsigned i = 0; i < 3; i++) {
		char id[ASSIGNMENT_ID_SIZE];

		(void)snprintf(id, sizeof(id), "%08x", i);
		must_claim(store, make_lease(i, id));
	}
	by_hand(place->file, "PRAGMA ignore_check_constraints = ON;"
			     "UPDATE leases SET saved_mac = 'no mac' WHERE vf = '0000:01:10.1'");

	(void)dup2(fileno(capture), 2);
	leases = must_list(store);
	(void)dup2(saved_stderr, 2);
	close(saved_stderr);
	rewind(capture);
	(void)!fread(said, 1, sizeof(said) - 1, capture);
	fclose(capture);

	assert_int_equal(leases.n, 2);
	assert_string_equal(leases.items[1].assignment, "00000002");
	assert_non_null(strstr(said, "0000:01:10.1"));
	assert_non_null(strstr(said, "saved_mac"));
	leases_clear(&leases);
	/* Unread, and still nobody else's. */
	assert_int_equal(store->ops->claim(store, &lease, &err), -1);
	assert_int_equal(err->code, ERR_TAKEN);
	store->ops->close(store);
}

static void test_symlink_is_refused(void **state)
{
	struct place *place = *state;
	cleanup_free char *target = mem_printf("%s/target.db", place->dir);
	cleanup_free char *dir = mem_printf("%s/dir", place->dir);
	cleanup_free char *link_dir = mem_printf("%s/link", place->dir);
	cleanup_free char *behind = mem_printf("%s/leases.db", link_dir);
	struct store *store = must_open(target, true);

	store->ops->close(store);
	assert_int_equal(symlink(target, place->file), 0);
	must_refuse(place->file, true, "symbolic link", "file itself");
	must_refuse(place->file, false, "symbolic link", "file itself");
	assert_int_equal(unlink(place->file), 0);
	assert_int_equal(symlink("nowhere", place->file), 0);
	must_refuse(place->file, true, "symbolic link", NULL);
	assert_int_equal(unlink(place->file), 0);
	assert_int_equal(mkfifo(place->file, 0600), 0);
	must_refuse(place->file, true, "not a plain file", NULL);

	/* An administrator may have moved the directory to another disk. */
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(symlink("dir", link_dir), 0);
	store = must_open(behind, true);
	store->ops->close(store);

	assert_int_equal(chmod(dir, 0777), 0);
	must_refuse(behind, true, "written by others", "chmod 0700");
}

/* Runs work in a process that is not root; its result must be 0. */
static void as_nobody(const struct place *place, void (*work)(const struct place *))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
			_exit(99);
		work(place);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* In a child: a failed assert cannot jump, so the exit status tells. */
#define CHECK(condition)                                                              \
	do {                                                                          \
		if (!(condition)) {                                                   \
			(void)fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
			_exit(1);                                                     \
		}                                                                     \
	} while (0)

static void cannot_write(const struct place *place)
{
	struct store *store = NULL;
	struct err *err = NULL;

	CHECK(store_open(place->file, true, &store, &err) == -1);
	CHECK(strstr(err->what, "Permission denied"));
	CHECK(strstr(err->next, "as root"));
	CHECK(!store);
	err_free(&err);
}

static void reads_one(const struct place *place)
{
	struct store *store = NULL;
	struct leases leases = {0};

	CHECK(store_open(place->file, false, &store, NULL) == 0);
	CHECK(store->ops->list(store, NULL, NULL, &leases, NULL) == 0);
	CHECK(leases.n == 1);
	leases_clear(&leases);
	store->ops->close(store);
}

static void cannot_read(const struct place *place)
{
	struct store *store = NULL;
	struct err *err = NULL;

	CHECK(store_open(place->file, false, &store, &err) == -1);
	CHECK(strstr(err->what, "cannot read"));
	err_free(&err);
}

/* A process with the store open for writing: SQLite's handles must not cross a fork. */
static pid_t start_writer(const struct place *place, unsigned index, int gate[2])
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(gate), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct lease lease = make_lease(index, index == 1 ? "11111111" : "22222222");
		struct store *store = NULL;

		close(gate[1]);
		CHECK(store_open(place->file, true, &store, NULL) == 0);
		CHECK(store->ops->claim(store, &lease, NULL) == 0);
		CHECK(write(ready[1], "", 1) == 1);
		CHECK(read(gate[0], &byte, 1) == 0);
		store->ops->close(store);
		_exit(0);
	}
	close(gate[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void stop_writer(pid_t pid, int gate[2])
{
	int status;

	close(gate[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A directory where this reader may not write, without a writer and with one. */
static void test_read_only_directory(void **state)
{
	struct place *place = *state;
	cleanup_free char *shm = mem_printf("%s-shm", place->file);
	cleanup_free char *wal = mem_printf("%s-wal", place->file);
	struct lease lease = make_lease(0, "0a1b2c3d");
	struct store *store;
	int gate[2];
	pid_t writer;

	assert_int_equal(chmod(place->dir, 0555), 0);
	as_nobody(place, cannot_write);
	assert_int_equal(chmod(place->dir, 0755), 0);

	store = must_open(place->file, true);
	must_claim(store, lease);
	store->ops->close(store);
	as_nobody(place, geteuid() == 0 ? cannot_read : reads_one);

	/* Nobody writes, and the log has all: as on a file system that is mounted read-only. */
	assert_int_equal(chmod(place->file, 0644), 0);
	assert_int_equal(chmod(wal, 0444), 0);
	assert_int_equal(chmod(shm, 0444), 0);
	assert_int_equal(chmod(place->dir, 0555), 0);
	as_nobody(place, reads_one);
	assert_int_equal(chmod(place->dir, 0755), 0);
	empty_log(place->file);

	/* Nobody writes, and the log's index cannot be made. */
	assert_int_equal(chmod(place->file, 0644), 0);
	assert_int_equal(chmod(place->dir, 0555), 0);
	as_nobody(place, cannot_write);
	as_nobody(place, reads_one);

	/* A writer is there, and what it wrote is in its log only. */
	assert_int_equal(chmod(place->dir, 0755), 0);
	store = must_open(place->file, true);
	assert_int_equal(store->ops->drop(store, &lease, NULL), 0);
	store->ops->close(store);
	assert_int_equal(chmod(wal, 0644), 0);
	assert_int_equal(chmod(shm, 0644), 0);
	writer = start_writer(place, 1, gate);
	assert_int_equal(chmod(place->dir, 0555), 0);
	as_nobody(place, reads_one);
	assert_int_equal(chmod(place->dir, 0755), 0);
	stop_writer(writer, gate);

	/* The log without its index, as a power cut leaves it: the file is not all. */
	writer = start_writer(place, 2, gate);
	assert_int_equal(kill(writer, SIGKILL), 0);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	close(gate[1]);
	assert_int_equal(unlink(shm), 0);
	assert_int_equal(chmod(place->dir, 0555), 0);
	as_nobody(place, cannot_read);
	assert_int_equal(chmod(place->dir, 0755), 0);
	store = must_open(place->file, false);
	store->ops->close(store);
}

/* It stays when the store is closed, and is emptied before it gets long. */
static void test_log_stays_and_stays_short(void **state)
{
	struct place *place = *state;
	cleanup_free char *wal = mem_printf("%s-wal", place->file);
	struct lease lease = make_lease(0, "0a1b2c3d");
	struct stat log, file, first;
	struct leases leases;

	for (int i = 0; i < 60; i++) {
		struct store *store = must_open(place->file, true);

		lease.state = LEASE_CLAIMED;
		must_claim(store, lease);
		lease.state = LEASE_HELD;
		assert_int_equal(store->ops->update(store, &lease, NULL), 0);
		store->ops->close(store);
		store = must_open(place->file, true);
		leases = must_list(store);
		assert_int_equal(leases.n, 1);
		leases_clear(&leases);
		assert_int_equal(store->ops->drop(store, &lease, NULL), 0);
		store->ops->close(store);
		assert_int_equal(stat(wal, &log), 0);
		assert_true(log.st_size > 0);
		if (i == 0)
			assert_int_equal(stat(place->file, &first), 0);
	}
	assert_true(log.st_size < 100 * 4200);
	assert_int_equal(stat(place->file, &file), 0);
	assert_true(file.st_mtim.tv_sec > first.st_mtim.tv_sec ||
		    file.st_mtim.tv_nsec > first.st_mtim.tv_nsec);
}

/* Processes that all start at once: each waits for the pipe to be closed. */
static pid_t start(int gate[2], int (*work)(const struct place *, int), const struct place *place,
		   int number)
{
	pid_t pid = fork();
	char byte;

	if (pid == 0) {
		close(gate[1]);
		(void)!read(gate[0], &byte, 1);
		_exit(work(place, number));
	}
	return pid;
}

/* 0: this process got a VF, 1: it did not; the first of seven that is free. */
static int claim_one(const struct place *place, int number)
{
	struct store *store = NULL;
	char id[ASSIGNMENT_ID_SIZE];

	(void)snprintf(id, sizeof(id), "%08x", number);
	if (store_open(place->file, true, &store, NULL) < 0)
		return 2;
	for (unsigned index = 0; index < 7; index++) {
		struct lease lease = make_lease(index, id);
		struct err *err = NULL;

		if (store->ops->claim(store, &lease, &err) == 0) {
			store->ops->close(store);
			return 0;
		}
		if (err->code != ERR_TAKEN)
			return 3;
		err_free(&err);
	}
	store->ops->close(store);
	return 1;
}

static int claim_first(const struct place *place, int number)
{
	struct store *store = NULL;
	struct err *err = NULL;
	struct lease lease = make_lease(0, number ? "00000001" : "00000000");
	int ret = 0;

	if (store_open(place->file, true, &store, NULL) < 0)
		return 2;
	if (store->ops->claim(store, &lease, &err) < 0)
		ret = err->code == ERR_TAKEN ? 1 : 3;
	err_free(&err);
	store->ops->close(store);
	return ret;
}

static void race(const struct place *place, int processes, int (*work)(const struct place *, int),
		 int winners)
{
	pid_t pids[16];
	int gate[2], won = 0, status;
	struct leases leases;
	struct store *store;

	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < processes; i++)
		pids[i] = start(gate, work, place, i);
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < processes; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_true(WEXITSTATUS(status) <= 1);
		won += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(won, winners);
	store = must_open(place->file, false);
	leases = must_list(store);
	assert_int_equal(leases.n, winners);
	leases_clear(&leases);
	store->ops->close(store);
	remove_store(place);
}

/* They race for making the store, too. */
static void test_two_processes_one_vf(void **state)
{
	for (int round = 0; round < 10; round++)
		race(*state, 2, claim_first, 1);
}

static void test_ten_processes_seven_vfs(void **state)
{
	for (int round = 0; round < 5; round++)
		race(*state, 10, claim_one, 7);
}

/* Claims and drops for ever, and tells each committed claim down the pipe. */
static void claim_for_ever(const struct place *place, int tell)
{
	struct store *store = NULL;

	if (store_open(place->file, true, &store, NULL) < 0)
		_exit(2);
	for (unsigned i = 0;; i++) {
		struct lease lease = make_lease(i % 200, "00000000");

		(void)snprintf(lease.assignment, sizeof(lease.assignment), "%08x", i);
		if (i >= 100) {
			struct lease old = make_lease((i - 100) % 200, "00000000");

			(void)snprintf(old.assignment, sizeof(old.assignment), "%08x", i - 100);
			if (store->ops->drop(store, &old, NULL) < 0)
				_exit(3);
		}
		if (store->ops->claim(store, &lease, NULL) < 0 ||
		    write(tell, &i, sizeof(i)) != sizeof(i))
			_exit(4);
	}
}

/* Each lease that is there was the last one said to be, and no other. */
static void assert_history_agrees(struct store *store, const struct leases *leases)
{
	struct history history = {0};
	size_t there = 0;

	assert_int_equal(store->ops->history(store, 0, NULL, &history, NULL), 0);
	for (size_t i = 0; i < history.n; i++) {
		const struct history_event *event = &history.items[i];

		if (strcmp(event->now, "free") == 0) {
			there--;
			assert_null(leases_by_assignment(leases, event->assignment));
		} else {
			there++;
		}
	}
	assert_int_equal(there, leases->n);
	history_clear(&history);
}

static void test_killed_at_any_point(void **state)
{
	struct place *place = *state;

	for (int round = 0; round < 10; round++) {
		unsigned last = 0, told;
		int pipes[2], status;
		struct leases leases;
		struct store *store;
		char id[16];
		sqlite3 *db;
		pid_t pid;

		assert_int_equal(pipe(pipes), 0);
		pid = fork();
		if (pid == 0)
			claim_for_ever(place, pipes[1]);
		close(pipes[1]);
		while (last < 20u * (unsigned)round + 5)
			assert_int_equal(read(pipes[0], &last, sizeof(last)), sizeof(last));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		while (read(pipes[0], &told, sizeof(told)) == sizeof(told))
			last = told;
		close(pipes[0]);

		/* What was told is there, and in the history; the store is whole; it can be
		 * written.
		 */
		store = must_open(place->file, true);
		leases = must_list(store);
		(void)snprintf(id, sizeof(id), "%08x", last);
		assert_non_null(leases_by_assignment(&leases, id));
		assert_history_agrees(store, &leases);
		leases_clear(&leases);
		must_claim(store, make_lease(250, "ffffffff"));
		assert_int_equal(sqlite3_open(place->file, &db), SQLITE_OK);
		{
			sqlite3_stmt *stmt;

			assert_int_equal(
				sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL),
				SQLITE_OK);
			assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
			assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
			sqlite3_finalize(stmt);
		}
		sqlite3_close(db);
		store->ops->close(store);
		remove_store(place);
	}
}

static void test_readers_never_wait(void **state)
{
	struct place *place = *state;
	struct store *store = must_open(place->file, true);
	struct leases leases;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(place->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE; DELETE FROM leases", NULL, NULL, NULL),
			 SQLITE_OK);
	leases = must_list(store);
	assert_int_equal(leases.n, 0);
	sqlite3_close(db);
	must_claim(store, make_lease(0, "0a1b2c3d"));
	store->ops->close(store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_keeps_everything),
		TEST(test_claim_is_unique),
		TEST(test_foreign_writer_is_refused),
		TEST(test_list_filters_and_order),
		TEST(test_modes_do_not_depend_on_umask),
		TEST(test_missing_reads_as_empty),
		TEST(test_newer_schema_is_refused),
		TEST(test_older_schema_is_brought_up_to_date),
		TEST(test_stuck_guests),
		TEST(test_history),
		TEST(test_history_is_bounded),
		TEST(test_other_database_is_refused),
		TEST(test_damage_is_refused),
		TEST(test_garbage_row_hides_no_other),
		TEST(test_symlink_is_refused),
		TEST(test_read_only_directory),
		TEST(test_log_stays_and_stays_short),
		TEST(test_two_processes_one_vf),
		TEST(test_ten_processes_seven_vfs),
		TEST(test_killed_at_any_point),
		TEST(test_readers_never_wait),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
