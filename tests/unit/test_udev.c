// SPDX-License-Identifier: LGPL-2.1-or-later
/* Waiting for udev, on a made /run/udev. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/tree.h"
#include "host/udev.h"

static char *dir;

static int begin(void **state)
{
	cleanup_free char *data = NULL;

	(void)state;
	dir = tree_dir();
	data = mem_printf("%s/data", dir);
	return mkdir(data, 0755);
}

static int end(void **state)
{
	(void)state;
	tree_remove(dir);
	free(dir);
	return 0;
}

static unsigned asked;

static bool knows_7(void *arg)
{
	(void)arg;
	asked++;
	return udev_knows(dir, 7);
}

static void *make_known(void *arg)
{
	(void)arg;
	tree_file(dir, "data/n7", "");
	return NULL;
}

/* udev is done only after the waiter has found that it is not, and while it waits. */
static bool knows_7_soon(void *arg)
{
	pthread_t *udev = arg;
	bool known = knows_7(NULL);

	if (asked == 2)
		assert_int_equal(pthread_create(udev, NULL, make_known, NULL), 0);
	return known;
}

static void without_udev(void **state)
{
	(void)state;
	assert_int_equal(udev_wait(dir, knows_7, NULL, 0, NULL), 1);
}

static void known_already(void **state)
{
	(void)state;
	tree_file(dir, "control", "");
	tree_file(dir, "data/n7", "");
	assert_int_equal(udev_wait(dir, knows_7, NULL, 0, NULL), 1);
	assert_false(udev_knows(dir, 77));
}

static void known_later(void **state)
{
	pthread_t udev;

	(void)state;
	tree_file(dir, "control", "");
	asked = 0;
	assert_int_equal(udev_wait(dir, knows_7_soon, &udev, clock_now() + 60000, NULL), 1);
	assert_true(asked > 2);
	assert_int_equal(pthread_join(udev, NULL), 0);
}

static void never_known(void **state)
{
	(void)state;
	tree_file(dir, "control", "");
	tree_file(dir, "data/n77", "");
	assert_int_equal(udev_wait(dir, knows_7, NULL, clock_now() + 20, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_udev, begin, end),
		cmocka_unit_test_setup_teardown(known_already, begin, end),
		cmocka_unit_test_setup_teardown(known_later, begin, end),
		cmocka_unit_test_setup_teardown(never_known, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
