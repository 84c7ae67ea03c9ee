// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/idset.h"
#include "core/mac.h"
#include "core/mem.h"
#include "core/pciaddr.h"

static void pciaddr_reads_what_it_writes(void **state)
{
	static const struct {
		const char *text, *written;
	} good[] = {
		{"0000:01:10.0", "0000:01:10.0"},         {"01:1f.7", "0000:01:1f.7"},
		{"10000:e1:00.0", "10000:e1:00.0"},       {"FFFF:aB:01.1", "ffff:ab:01.1"},
		{"ffffffff:ff:1f.7", "ffffffff:ff:1f.7"}, {"0:1:2.3", "0000:01:02.3"},
	};
	struct pciaddr addr;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(pciaddr_parse(good[i].text, &addr));
		assert_string_equal(pciaddr_str(addr), good[i].written);
	}
}

static void pciaddr_refuses_what_is_none(void **state)
{
	static const char *const bad[] = {
		"",
		"eth1",
		"0000:01:20.0",
		"0000:01:10.8",
		"01:10",
		"0000:01:10",
		"0000:01:10.0 ",
		" 0000:01:10.0",
		"0000:100:00.0",
		"0000:01:10.00",
		"100000000:01:10.0",
		"0000:01:010.0",
		"::.",
		"0000:0x1:10.0",
		"-1:10.0",
		"0000:01:10.0/3",
		"000:00:01:10.0",
	};
	struct pciaddr addr = {.bus = 7};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (pciaddr_parse(bad[i], &addr))
			fail_msg("'%s' was taken for an address", bad[i]);
	assert_false(pciaddr_parse(NULL, &addr));
	assert_int_equal(addr.bus, 7);
}

static void pciaddr_sorts_as_the_bus_does(void **state)
{
	static const char *const order[] = {"0000:01:00.0", "0000:01:00.1", "0000:01:10.0",
					    "0000:02:00.0", "0001:00:00.0", "10000:00:00.0"};
	struct pciaddr a, b;

	(void)state;
	for (size_t i = 0; i + 1 < ARRAY_SIZE(order); i++) {
		assert_true(pciaddr_parse(order[i], &a) && pciaddr_parse(order[i + 1], &b));
		assert_true(pciaddr_compare(a, b) < 0);
		assert_true(pciaddr_compare(b, a) > 0);
		assert_true(pciaddr_equal(a, a));
	}
}

static void sets_read_as_the_kernel_writes_them(void **state)
{
	static const char *const bad[] = {"-",    "1-",   "-1",   "2-1",    "1,",
					  ",1",   "1,,2", "a",    "1 2",    "^",
					  "^1-2", "1;2",  "8192", "0-8192", "99999999999999999999",
					  "0x1"};
	struct idset set, other;
	char *text;

	(void)state;
	assert_true(idset_parse("0-3,8,10-11\n", &set));
	assert_int_equal(idset_count(&set), 7);
	assert_true(idset_has(&set, 3) && idset_has(&set, 8) && idset_has(&set, 11));
	assert_false(idset_has(&set, 4) || idset_has(&set, IDSET_MAX) || idset_has(&set, 1u << 31));
	assert_true(idset_parse(" 0-7 , ^2,^9 ", &set));
	assert_int_equal(idset_count(&set), 7);
	assert_false(idset_has(&set, 2));
	assert_true(idset_parse("0-8191", &set));
	assert_int_equal(idset_count(&set), IDSET_MAX);
	assert_true(idset_parse("\n", &set));
	assert_int_equal(idset_count(&set), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(idset_parse(bad[i], &set));
	/* As long as one can become, and longer. */
	for (unsigned id = 0; id < IDSET_MAX; id += 2)
		idset_add(&set, id);
	text = idset_format(&set);
	assert_true(idset_parse(text, &other));
	assert_memory_equal(&set, &other, sizeof(set));
	free(text);
	text = mem_zero(1 << 20, 1);
	for (size_t n = 0; n + 7 < 1 << 20; n += 7)
		memcpy(text + n, "0-8191,", 7);
	text[(1 << 20) / 7 * 7 - 8] = '\0';
	assert_false(idset_parse(text, &set));
	free(text);
	assert_true(idset_parse("1,64", &set) && idset_parse("65-70", &other));
	assert_false(idset_meets(&set, &other));
	idset_add(&other, 64);
	idset_add(&other, IDSET_MAX);
	assert_true(idset_meets(&set, &other));
	idset_join(&set, &other);
	assert_int_equal(idset_count(&set), 8);
}

static void mac_reads_only_macs(void **state)
{
	static const char *const bad[] = {"",
					  "02:00:5e:10:00",
					  "02:00:5e:10:00:01:",
					  "02-00-5e-10-00-01",
					  "02:00:5e:10:00:0g",
					  "2:00:5e:10:00:010",
					  "02:00:5e:10:00:0 "};
	struct mac mac;

	(void)state;
	assert_true(mac_parse("02:00:5E:10:00:0a", &mac));
	assert_string_equal(mac_str(mac), "02:00:5e:10:00:0a");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (mac_parse(bad[i], &mac))
			fail_msg("'%s' was taken for a MAC", bad[i]);
	assert_true(mac_parse("ff:ff:ff:ff:ff:ff", &mac) && mac_is_multicast(mac));
	assert_true(mac_parse("00:00:00:00:00:00", &mac) && mac_is_zero(mac));
}

static void derived_macs_are_a_guests_for_ever(void **state)
{
	struct mac seen[4096];

	(void)state;
	/* Guests have this one: it must never become another. */
	assert_string_equal(mac_str(mac_derive("testguest1/eth1/0")), "8a:21:b6:46:38:fd");
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		cleanup_free char *text = mem_printf("guest%zu/eth1/0", i);

		seen[i] = mac_derive(text);
		assert_int_equal(seen[i].byte[0] & 3, 2);
		assert_int_not_equal(seen[i].byte[0], 0xfe);
		for (size_t j = 0; j < i; j++)
			assert_false(mac_equal(seen[i], seen[j]));
	}
}

static void append_grows_and_zeroes(void **state)
{
	/* No room to spare, as an array has that was made elsewhere. */
	int *numbers = mem_grow(NULL, 3, sizeof(*numbers));
	size_t n = 3;

	(void)state;
	for (int i = 0; i < 3; i++)
		numbers[i] = i;
	while (n < 1000) {
		int *number = mem_append(&numbers, &n, sizeof(*number));

		assert_int_equal(*number, 0);
		*number = (int)n - 1;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], i);
	free(numbers);
}

static char *printed(const struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	err_print(err, out);
	(void)fclose(out);
	return text;
}

static void an_error_says_its_four_things(void **state)
{
	cleanup_err struct err *err = NULL;
	cleanup_free char *text = NULL;

	(void)state;
	assert_int_equal(err_set(&err, ERR_TAKEN, "no VF is %s", "free"), -1);
	assert_int_equal(err_detail(&err, "eth1/%d: held by web1", 0), -1);
	assert_int_equal(err_detail(&err, "eth1/%d: held by web2", 1), -1);
	assert_int_equal(err_wrap(&err, "attaching to %s", "web3"), -1);
	assert_int_equal(err_next(&err, "the innermost advice"), -1);
	assert_int_equal(err_next(&err, "another advice"), -1);
	assert_int_equal(err_now(&err, "an early view"), -1);
	assert_int_equal(err_now(&err, "nothing was changed"), -1);
	assert_int_equal(err_recode(&err, ERR_NO_VF), -1);
	assert_int_equal(err->code, ERR_NO_VF);
	text = printed(err);
	assert_string_equal(text, "vfpool: attaching to web3: no VF is free\n"
				  "  eth1/0: held by web1\n"
				  "  eth1/1: held by web2\n"
				  "  nothing was changed\n"
				  "  the innermost advice\n");
}

static void an_error_cannot_steer_the_terminal(void **state)
{
	cleanup_err struct err *err = NULL;
	cleanup_free char *text = NULL;

	(void)state;
	(void)err_set(&err, ERR_FAILED, "web\033[2J\r1\nmore \xc2\x9b[2J\x9b \xc3\xa9");
	text = printed(err);
	assert_string_equal(text, "vfpool: web?[2J?1\n  more ??[2J? \xc3\xa9\n");
}

static void nobody_needs_to_want_an_error(void **state)
{
	struct err *none = NULL;

	(void)state;
	assert_int_equal(err_set(NULL, ERR_FAILED, "x"), -1);
	assert_int_equal(err_errno(NULL, 2, "x"), -1);
	assert_int_equal(err_wrap(&none, "x"), -1);
	assert_int_equal(err_next(NULL, "x"), -1);
	assert_null(none);
	err_free(NULL);
}

static void exit_statuses_are_as_documented(void **state)
{
	(void)state;
	assert_int_equal(err_exit_status(ERR_FAILED), 1);
	assert_int_equal(err_exit_status(ERR_USAGE), 2);
	assert_int_equal(err_exit_status(ERR_NO_VF), 3);
	assert_int_equal(err_exit_status(ERR_GUEST), 4);
	assert_int_equal(err_exit_status(ERR_PARTIAL), 5);
	assert_int_equal(err_exit_status(ERR_TAKEN), 1);
	assert_int_equal(err_exit_status(ERR_UNSUPPORTED), 1);
}

static void a_deadline_runs_out_once(void **state)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t seconds;

	(void)state;
	assert_int_equal(clock_left(100, 40), 60);
	assert_int_equal(clock_left(100, 100), 0);
	assert_int_equal(clock_left(100, 5000), 0);
	assert_int_equal(clock_left(INT64_MAX, 0), INT32_MAX);
	assert_true(clock_now() > 0);
	assert_true(clock_wall() > 0);
	assert_string_equal(clock_text(1795813200, text), "2026-11-27T21:00:00Z");
	assert_string_equal(clock_text(INT64_MIN, text), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_text(INT64_MAX, text), "9999-12-31T23:59:59Z");
	assert_true(clock_parse("2026-11-27T21:00:00Z", &seconds));
	assert_int_equal(seconds, 1795813200);
	assert_true(clock_parse("2026-02-31T00:00:00Z", &seconds));
	assert_string_equal(clock_text(seconds, text), "2026-03-03T00:00:00Z");
	assert_true(clock_parse("9999-12-31T23:59:59Z", &seconds));
	assert_false(clock_parse("", &seconds));
	assert_false(clock_parse("2026-11-27T21:00:00", &seconds));
	assert_false(clock_parse("2026-11-27T21:00:00Z ", &seconds));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pciaddr_reads_what_it_writes),
		cmocka_unit_test(pciaddr_refuses_what_is_none),
		cmocka_unit_test(pciaddr_sorts_as_the_bus_does),
		cmocka_unit_test(sets_read_as_the_kernel_writes_them),
		cmocka_unit_test(mac_reads_only_macs),
		cmocka_unit_test(derived_macs_are_a_guests_for_ever),
		cmocka_unit_test(append_grows_and_zeroes),
		cmocka_unit_test(an_error_says_its_four_things),
		cmocka_unit_test(an_error_cannot_steer_the_terminal),
		cmocka_unit_test(nobody_needs_to_want_an_error),
		cmocka_unit_test(exit_statuses_are_as_documented),
		cmocka_unit_test(a_deadline_runs_out_once),
	};

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
