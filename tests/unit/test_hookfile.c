// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/hookfile.h"

#define MARK "the mark of ours"

struct place {
	char dir[64];
	char *hooks, *hook, *program;
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	struct place *place = mem_zero(1, sizeof(*place));

	strcpy(place->dir, "/tmp/vfpool-hooks-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	place->hooks = mem_printf("%s/hooks", place->dir);
	place->hook = mem_printf("%s/qemu.d/vfpool", place->hooks);
	place->program = mem_printf("%s/vfpool-hook", place->dir);
	assert_int_equal(mkdir(place->hooks, 0755), 0);
	write_file(place->program, "one " MARK);
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
	free(place->hooks);
	free(place->hook);
	free(place->program);
	free(place);
	return 0;
}

static void must_install(const struct place *place, bool link, enum hookfile_done want)
{
	struct err *err = NULL;
	enum hookfile_done done;

	if (hookfile_install(place->hooks, place->program, MARK, link, &done, &err))
		fail_msg("%s", err->what);
	assert_string_equal(hookfile_done_name(done), hookfile_done_name(want));
}

static void must_remove(const struct place *place, enum hookfile_done want)
{
	struct err *err = NULL;
	enum hookfile_done done;

	if (hookfile_remove(place->hooks, MARK, &done, &err))
		fail_msg("%s", err->what);
	assert_string_equal(hookfile_done_name(done), hookfile_done_name(want));
}

static void must_refuse(const struct place *place, const char *what)
{
	cleanup_err struct err *err = NULL;
	enum hookfile_done done;

	assert_int_equal(hookfile_install(place->hooks, place->program, MARK, false, &done, &err),
			 -1);
	if (!strstr(err->what, what))
		fail_msg("not '%s': %s", what, err->what);
}

static void assert_text(const char *path, const char *text)
{
	char got[256] = "";
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	(void)!fread(got, 1, sizeof(got) - 1, file);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(got, text);
}

static void test_copy(void **state)
{
	const struct place *place = *state;
	struct stat st;
	mode_t old = umask(0077);

	must_install(place, false, HOOKFILE_INSTALLED);
	(void)umask(old);
	assert_text(place->hook, "one " MARK);
	assert_int_equal(lstat(place->hook, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0755);
	must_install(place, false, HOOKFILE_UNCHANGED);
	write_file(place->program, "two " MARK);
	must_install(place, false, HOOKFILE_UPDATED);
	assert_text(place->hook, "two " MARK);
	must_remove(place, HOOKFILE_REMOVED);
	assert_int_equal(access(place->hook, F_OK), -1);
	must_remove(place, HOOKFILE_ABSENT);
}

static void test_link(void **state)
{
	const struct place *place = *state;
	struct stat st;

	must_install(place, false, HOOKFILE_INSTALLED);
	must_install(place, true, HOOKFILE_UPDATED);
	must_install(place, true, HOOKFILE_UNCHANGED);
	assert_int_equal(lstat(place->hook, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_text(place->hook, "one " MARK);
	must_install(place, false, HOOKFILE_UPDATED);
	must_install(place, true, HOOKFILE_UPDATED);
	/* The program is gone: it is still ours to remove. */
	assert_int_equal(unlink(place->program), 0);
	must_remove(place, HOOKFILE_REMOVED);
	assert_true(hookfile_may_link("/usr/bin/vfpool-hook"));
	assert_false(hookfile_may_link("/usr/local/bin/vfpool-hook"));
	assert_false(hookfile_may_link("usr/bin/vfpool-hook"));
}

static void test_foreign(void **state)
{
	const struct place *place = *state;
	cleanup_free char *dir = mem_printf("%s/qemu.d", place->hooks);
	cleanup_err struct err *err = NULL;
	enum hookfile_done done;

	assert_int_equal(mkdir(dir, 0755), 0);
	write_file(place->hook, "#!/bin/sh\n");
	must_refuse(place, "is there, and is not vfpool's hook");
	assert_int_equal(hookfile_remove(place->hooks, MARK, &done, &err), -1);
	assert_text(place->hook, "#!/bin/sh\n");
	assert_int_equal(unlink(place->hook), 0);
	assert_int_equal(symlink("/bin/true", place->hook), 0);
	must_refuse(place, "is there, and is not vfpool's hook");
	assert_int_equal(unlink(place->hook), 0);
	assert_int_equal(mkdir(place->hook, 0755), 0);
	must_refuse(place, "is there, and is not vfpool's hook");
	assert_int_equal(rmdir(place->hook), 0);

	assert_int_equal(chmod(dir, 0777), 0);
	must_refuse(place, "can be written by others");
	assert_int_equal(chmod(dir, 0755), 0);
	write_file(place->program, "no mark");
	must_refuse(place, "is not vfpool's hook");
	assert_int_equal(unlink(place->program), 0);
	must_refuse(place, "vfpool-hook: No such file");
}

static void test_leftovers_and_no_libvirt(void **state)
{
	const struct place *place = *state;
	cleanup_free char *left = mem_printf("%s/.vfpool.new", place->hooks);
	cleanup_free char *dir = mem_printf("%s/qemu.d", place->hooks);

	write_file(left, "half");
	must_install(place, false, HOOKFILE_INSTALLED);
	assert_int_equal(access(left, F_OK), -1);
	must_remove(place, HOOKFILE_REMOVED);
	assert_int_equal(rmdir(dir), 0);
	must_remove(place, HOOKFILE_ABSENT);
	assert_int_equal(rmdir(place->hooks), 0);
	must_remove(place, HOOKFILE_ABSENT);
	must_refuse(place, "libvirt is not installed here");
	/* Not where a link leads. */
	assert_int_equal(mkdir(dir, 0755), -1);
	assert_int_equal(symlink(place->dir, place->hooks), 0);
	must_refuse(place, "opening the directory");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_copy),
		TEST(test_link),
		TEST(test_foreign),
		TEST(test_leftovers_and_no_libvirt),
	};

	return cmocka_run_group_tests_name("hookfile", tests, NULL, NULL);
}
