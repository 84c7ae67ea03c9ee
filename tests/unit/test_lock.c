// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/tree.h"
#include "host/lock.h"

#define LONG_TIME 20000
#define SHORT_TIME 100

/* The directory for locks; it is made by the first lock. */
static int make_dir(void **state)
{
	char *top = tree_dir();

	*state = mem_printf("%s/locks", top);
	free(top);
	return 0;
}

static int drop_dir(void **state)
{
	char *dir = *state;

	*strrchr(dir, '/') = '\0';
	tree_remove(dir);
	free(dir);
	return 0;
}

/* A process that has taken the lock, or waits for it; it writes a byte when it has it. */
struct holder {
	pid_t pid;
	int told;
};

static struct holder start_holder(const char *dir, const char *name, int inherited)
{
	struct holder holder;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	holder.pid = fork();
	if (holder.pid == 0) {
		int fd;

		/* A copy of a holder's descriptor holds the lock as well. */
		if (inherited >= 0)
			(void)close(inherited);
		if (lock_take_in(dir, name, clock_now() + LONG_TIME, &fd, NULL) ||
		    write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ends[1]);
	holder.told = ends[0];
	return holder;
}

static void await_holder(const struct holder *holder)
{
	char byte;

	assert_int_equal(read(holder->told, &byte, 1), 1);
}

static void kill_holder(const struct holder *holder)
{
	int status;

	assert_int_equal(kill(holder->pid, SIGKILL), 0);
	assert_int_equal(waitpid(holder->pid, &status, 0), holder->pid);
	(void)close(holder->told);
}

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void alone(void **state)
{
	const char *dir = *state;
	cleanup_free char *file = mem_printf("%s/pf-0000:01:00.0", dir);
	mode_t mask = umask(0077);
	struct stat st;
	int fd = -1;

	assert_int_equal(lock_take_in(dir, "pf-0000:01:00.0", 0, &fd, NULL), 0);
	(void)umask(mask);
	assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	(void)close(fd);
	assert_int_equal(lock_take_in(dir, "pf-0000:01:00.0", 0, &fd, NULL), 0);
	(void)close(fd);
}

static void times_out_and_names_the_holder(void **state)
{
	const char *dir = *state;
	struct holder holder = start_holder(dir, "domain-x", -1);
	cleanup_free char *words = NULL;
	struct err *err = NULL;
	size_t descriptors;
	msec before, took;
	int fd = -7;

	await_holder(&holder);
	words = mem_printf("the lock domain-x is held by process %d", (int)holder.pid);
	descriptors = open_descriptors();
	before = clock_now();
	assert_int_equal(lock_take_in(dir, "domain-x", before + SHORT_TIME, &fd, &err), -1);
	took = clock_now() - before;
	assert_int_equal(err->code, ERR_TIMEOUT);
	assert_string_equal(err->what, words);
	assert_int_equal(fd, -7);
	assert_true(took >= SHORT_TIME - 1 && took < LONG_TIME / 2);
	err_free(&err);
	/* Also when the time is already up. */
	assert_int_equal(lock_take_in(dir, "domain-x", 0, &fd, &err), -1);
	assert_int_equal(err->code, ERR_TIMEOUT);
	err_free(&err);
	assert_int_equal(lock_take_in(dir, "domain-x", 0, &fd, NULL), -1);
	assert_int_equal(open_descriptors(), descriptors);
	/* Another name is another lock. */
	assert_int_equal(lock_take_in(dir, "domain-y", 0, &fd, NULL), 0);
	(void)close(fd);
	kill_holder(&holder);
	assert_int_equal(lock_take_in(dir, "domain-x", 0, &fd, NULL), 0);
	(void)close(fd);
}

static void a_killed_holder_lets_the_next_in(void **state)
{
	const char *dir = *state;
	struct holder first = start_holder(dir, "domain-x", -1), second;

	await_holder(&first);
	second = start_holder(dir, "domain-x", -1);
	kill_holder(&first);
	await_holder(&second);
	kill_holder(&second);
}

/* What a watch has told since the last time: the names, in order; "*" for any. */
static char told[256];

static void note_freed(void *arg, const char *name)
{
	size_t n = strlen(told);

	(void)arg;
	(void)snprintf(told + n, sizeof(told) - n, "%s ", name ? name : "*");
}

static bool watched(int watch)
{
	told[0] = '\0';
	return lock_watched(watch, note_freed, NULL);
}

static void who_watches_hears_of_the_end(void **state)
{
	const char *dir = *state;
	struct holder holder;
	int watch, fd, again;

	assert_int_equal(lock_watch_in(dir, &watch, NULL), 0);
	assert_int_equal(lock_take_in(dir, "domain-x", 0, &fd, NULL), 0);
	assert_int_equal(lock_take_in(dir, "domain-y", 0, &again, NULL), 0);
	/* To look at one is not to have it. */
	(void)lock_is_taken_in(dir, "domain-x");
	assert_true(watched(watch));
	assert_string_equal(told, "");
	(void)close(again);
	(void)close(fd);
	assert_true(watched(watch));
	assert_string_equal(told, "domain-y domain-x ");
	assert_true(watched(watch));
	assert_string_equal(told, "");

	holder = start_holder(dir, "domain-x", -1);
	await_holder(&holder);
	kill_holder(&holder);
	assert_true(watched(watch));
	assert_string_equal(told, "domain-x ");
	tree_remove(dir);
	assert_false(watched(watch));
	assert_true(strchr(told, '*'));
	(void)close(watch);
	/* It is made anew, as by who takes a lock. */
	assert_int_equal(lock_watch_in(dir, &watch, NULL), 0);
	assert_true(watched(watch));
	(void)close(watch);
}

static void closing_lets_the_next_in(void **state)
{
	const char *dir = *state;
	struct holder other;
	int fd, again = -1;

	assert_int_equal(lock_take_in(dir, "domain-x", 0, &fd, NULL), 0);
	/* One process twice is two holders, too: the agent has threads. */
	assert_int_equal(lock_take_in(dir, "domain-x", clock_now() + SHORT_TIME, &again, NULL), -1);
	other = start_holder(dir, "domain-x", fd);
	(void)close(fd);
	await_holder(&other);
	kill_holder(&other);
}

static void a_program_started_does_not_keep_it(void **state)
{
	const char *dir = *state;
	char *const argv[] = {(char *)(uintptr_t) "sleep", (char *)(uintptr_t) "20", NULL};
	int fd, ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(lock_take_in(dir, "domain-x", 0, &fd, NULL), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)execvp(argv[0], argv);
		_exit(1);
	}
	(void)close(ready[1]);
	/* The child's end of the pipe closes when it becomes the program. */
	assert_int_equal(read(ready[0], &byte, 1), 0);
	(void)close(ready[0]);
	(void)close(fd);
	assert_int_equal(lock_take_in(dir, "domain-x", 0, &fd, NULL), 0);
	(void)close(fd);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void names_and_places_that_are_refused(void **state)
{
	static const char *const names[] = {"", ".", "..", "../x", "a/b", "/x", ".hidden"};
	const char *dir = *state;
	cleanup_free char *link = mem_printf("%s/link", dir);
	cleanup_free char *target = mem_printf("%s/target", dir);
	cleanup_free char *place = mem_printf("%s-link", dir);
	cleanup_free char *huge = mem_zero(1, 400);
	struct err *err = NULL;
	int fd = -1;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(lock_take_in(dir, names[i], 0, &fd, &err), -1);
		err_free(&err);
	}
	memset(huge, 'x', 399);
	assert_int_equal(lock_take_in(dir, huge, 0, &fd, NULL), -1);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(lock_take_in(dir, "link", 0, &fd, NULL), -1);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(symlink(dir, place), 0);
	assert_int_equal(lock_take_in(place, "x", 0, &fd, NULL), -1);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(lock_take_in(dir, "x", 0, &fd, &err), -1);
	assert_non_null(err->next);
	err_free(&err);
	assert_int_equal(lock_take_in("/nonexistent/dir", "x", 0, &fd, &err), -1);
	err_free(&err);
}

/* Who only looks is told of others who have it for themselves, and of nobody else. */
static void looked_at(void **state)
{
	const char *dir = *state;
	struct holder holder;
	int fd;

	assert_false(lock_is_taken_in(dir, "resize-x"));
	assert_int_equal(lock_take_in(dir, "resize-x", clock_now(), &fd, NULL), 0);
	assert_false(lock_is_taken_in(dir, "resize-x"));
	/* What was left behind has it, too. */
	lock_hand_to(fd, getppid());
	assert_true(lock_is_taken_in(dir, "resize-x"));
	(void)close(fd);
	assert_false(lock_is_taken_in(dir, "resize-x"));
	holder = start_holder(dir, "resize-x", -1);
	await_holder(&holder);
	assert_true(lock_is_taken_in(dir, "resize-x"));
	kill_holder(&holder);
	assert_false(lock_is_taken_in(dir, "resize-x"));
	assert_int_equal(lock_share_in(dir, "resize-x", clock_now(), &fd, NULL), 0);
	assert_false(lock_is_taken_in(dir, "resize-x"));
	(void)close(fd);
}

static void who_was_killed_has_not_done(void **state)
{
	const char *dir = *state;
	struct holder holder;
	bool done = true;
	int fd, watch;

	assert_int_equal(lock_holder_in(dir, "domain-x", &done), 0);
	assert_false(done);
	assert_int_equal(lock_take_in(dir, "domain-x", 0, &fd, NULL), 0);
	assert_int_equal(lock_watch_in(dir, &watch, NULL), 0);
	assert_int_equal(lock_holder_in(dir, "domain-x", &done), getpid());
	assert_false(done);
	lock_done(fd);
	assert_true(watched(watch));
	assert_string_equal(told, "domain-x ");
	assert_int_equal(lock_holder_in(dir, "domain-x", &done), getpid());
	assert_true(done);
	holder = start_holder(dir, "domain-x", -1);
	await_holder(&holder);
	kill_holder(&holder);
	assert_int_equal(lock_holder_in(dir, "domain-x", &done), holder.pid);
	assert_false(done);
	(void)close(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(alone, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(times_out_and_names_the_holder, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(a_killed_holder_lets_the_next_in, make_dir,
						drop_dir),
		cmocka_unit_test_setup_teardown(who_watches_hears_of_the_end, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(closing_lets_the_next_in, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(looked_at, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(who_was_killed_has_not_done, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(a_program_started_does_not_keep_it, make_dir,
						drop_dir),
		cmocka_unit_test_setup_teardown(names_and_places_that_are_refused, make_dir,
						drop_dir),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
