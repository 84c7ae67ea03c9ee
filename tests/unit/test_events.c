// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfpool events, on a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/store.h"
#include "verbs/globals.h"
#include "verbs/since.h"
#include "verbs/verb.h"

#define UUID "11111111-2222-3333-4444-555555555555"

struct place {
	char dir[64];
	char file[96];
};

static int setup(void **state)
{
	struct place *place = mem_zero(1, sizeof(*place));

	strcpy(place->dir, "/tmp/vfpool-events-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	(void)snprintf(place->file, sizeof(place->file), "%s/leases.db", place->dir);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm", ".old", ".old-wal", ".old-shm"};
	struct place *place = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		cleanup_free char *path = mem_printf("%s%s", place->file, ends[i]);

		(void)unlink(path);
	}
	assert_int_equal(rmdir(place->dir), 0);
	free(place);
	return 0;
}

static struct store *open_store(const struct place *place)
{
	struct store *store = NULL;

	assert_int_equal(store_open(place->file, true, &store, NULL), 0);
	store->ops->because(store, "attach");
	return store;
}

static void claim(struct store *store, const char *domain, const char *id, unsigned index)
{
	struct lease lease = {
		.vf = {0, 1, (uint8_t)(0x10 + index / 8), (uint8_t)(index % 8)},
		.pf = {0, 1, 0, 0},
		.index = index,
		.domain_uuid = UUID,
		.domain_name = (char *)domain,
		.state = LEASE_CLAIMED,
	};

	memcpy(lease.assignment, id, sizeof(lease.assignment));
	assert_int_equal(store->ops->claim(store, &lease, NULL), 0);
}

static char words[256]; /* the session points into them */

/* Its exit status; what it writes goes to out. */
static int run(const struct place *place, const char *command, int out)
{
	struct session session = {.store = place->file, .store_writable = true};
	cleanup_err struct err *err = NULL;
	char *argv[16] = {0}, *rest = words;
	int argc = 0, saved, rc;

	globals_bind(&session);
	(void)snprintf(words, sizeof(words), "%s", command);
	while (argc < 15 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	(void)fflush(stdout);
	saved = dup(STDOUT_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	rc = verb_events.run(&verb_events, &session, argc, argv, &err);
	(void)fflush(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	session_close(&session);
	return rc < 0 ? err_exit_status(err->code) : 0;
}

static char *answer(const struct place *place, const char *command, int status)
{
	char *text = mem_zero(1, 65536);
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(run(place, command, fds[1]), status);
	(void)close(fds[1]);
	assert_true(read(fds[0], text, 65535) >= 0);
	(void)close(fds[0]);
	return text;
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_shows(void **state)
{
	const struct place *place = *state;
	struct store *store = open_store(place);
	cleanup_free char *all = NULL, *last = NULL, *one = NULL, *json = NULL, *late = NULL;

	claim(store, "web1", "00000001", 1);
	claim(store, "we\"b2\t", "00000002", 2);
	store->ops->close(store);
	all = answer(place, "events", 0);
	assert_int_equal(lines(all), 3);
	assert_int_equal(strncmp(all, "TIME  ", 6), 0);
	assert_non_null(strstr(all, " 0000:01:10.1  00000001    free  claimed       -  attach"));
	assert_non_null(strstr(all, "we\"b2?"));
	last = answer(place, "events -n 1 --no-headings -o DOMAIN,NOW", 0);
	assert_string_equal(last, "we\"b2?  claimed\n");
	one = answer(place, "events web1 --no-headings -o ID", 0);
	assert_string_equal(one, "1\n");
	late = answer(place, "events --since 2100-01-01", 0);
	assert_string_equal(late, "");
	json = answer(place, "events --json " UUID, 0);
	assert_non_null(strstr(json, "\"events\": ["));
	assert_non_null(strstr(json, "\"lasted\": null"));
	assert_non_null(strstr(json, "\"we\\\"b2\\"));
	free(steal(&json));
	json = answer(place, "events --since yesterday", 2);
}

static void read_line(FILE *from, char *line, size_t size)
{
	assert_non_null(fgets(line, (int)size, from));
}

/* A process that follows; its lines come from the stream. */
static FILE *start(const struct place *place, const char *command, pid_t *pid)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	*pid = fork();
	if (*pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(fds[0]);
		_exit(run(place, command, fds[1]));
	}
	(void)close(fds[1]);
	return fdopen(fds[0], "re");
}

static void test_follows(void **state)
{
	const struct place *place = *state;
	struct store *store = open_store(place);
	char line[1024];
	pid_t pid;
	FILE *out;

	claim(store, "web1", "00000001", 1);
	claim(store, "web1", "00000002", 2);
	store->ops->close(store);
	out = start(place, "events --follow -n 1 -o DOMAIN,ID,NOW", &pid);
	read_line(out, line, sizeof(line));
	assert_string_equal(line, "web1               2  claimed\n");
	store = open_store(place);
	for (unsigned i = 0; i < 50; i++) {
		char id[ASSIGNMENT_ID_SIZE], want[64];

		(void)snprintf(id, sizeof(id), "%08x", 0x10 + i);
		claim(store, "web2", id, 0x20 + i);
		read_line(out, line, sizeof(line));
		(void)snprintf(want, sizeof(want), "web2          %6u  claimed\n", 3 + i);
		assert_string_equal(line, want);
	}
	store->ops->close(store);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)fclose(out);
}

static void move_away(const struct place *place)
{
	static const char *const ends[] = {"-shm", "-wal", ""};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		cleanup_free char *from = mem_printf("%s%s", place->file, ends[i]);
		cleanup_free char *to = mem_printf("%s.old%s", place->file, ends[i]);

		assert_int_equal(rename(from, to), 0);
	}
}

/* The store is moved away, as it is when it was damaged, and another one made. */
static void test_follows_to_another_store(void **state)
{
	const struct place *place = *state;
	struct store *store = open_store(place);
	char line[1024];
	pid_t pid;
	FILE *out;

	claim(store, "web1", "00000001", 1);
	store->ops->close(store);
	out = start(place, "events --follow --json -o DOMAIN,ID,LASTED,NOW", &pid);
	read_line(out, line, sizeof(line));
	assert_string_equal(line,
			    "{\"domain\":\"web1\",\"id\":1,\"lasted\":null,\"now\":\"claimed\"}\n");
	move_away(place);
	store = open_store(place);
	claim(store, "we\"b2", "00000002", 2);
	read_line(out, line, sizeof(line));
	assert_string_equal(
		line, "{\"domain\":\"we\\\"b2\",\"id\":1,\"lasted\":null,\"now\":\"claimed\"}\n");
	store->ops->close(store);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)fclose(out);
}

static void test_since(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} cases[] = {
		{"2026-11-27", 1795737600},
		{"2026-11-27 21:00", 1795813200},
		{"2026-11-27T21:00", 1795813200},
		{"2026-11-27 21:00:30", 1795813230},
		{"20:00", 1795809600},
		{"20:00:01", 1795809601},
		{"90s", 1795813200 - 90},
		{"30m", 1795813200 - 1800},
		{"2h", 1795813200 - 7200},
		{"7d", 1795813200 - 7 * 86400},
		{"", -1},
		{"2h ", -1},
		{"h", -1},
		{"9999999999h", -1},
		{"2026-13-01", -1},
		{"25:00", -1},
		{"tomorrow", -1},
	};

	(void)state;
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t got = -1000;

		assert_int_equal(since_parse(cases[i].text, 1795813200, &got),
				 cases[i].seconds >= 0);
		assert_int_equal(got, cases[i].seconds >= 0 ? cases[i].seconds * 1000 : -1000);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_shows),
		TEST(test_follows),
		TEST(test_follows_to_another_store),
		cmocka_unit_test(test_since),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
