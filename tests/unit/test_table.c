// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "core/table.h"

enum { NAME, VLAN, TRUST, REASON };

static const struct column columns[] = {
	[NAME] = {"NAME", COLUMN_STRING, false, false, 0},
	[VLAN] = {"VLAN", COLUMN_NUMBER, false, true, 0},
	[TRUST] = {"TRUST", COLUMN_BOOLEAN, false, false, 0},
	[REASON] = {"REASON", COLUMN_STRING, true, false, 0},
};

static struct table *make(enum table_mode mode, const char *selection)
{
	struct table *table = NULL;

	assert_int_equal(
		table_new("pfs", columns, ARRAY_SIZE(columns), NAME, mode, selection, &table, NULL),
		0);
	return table;
}

static void fill(struct table *table)
{
	struct row *pf = table_row(table, NULL), *vf;

	row_set(pf, NAME, "eth1");
	vf = table_row(table, pf);
	row_set(vf, NAME, "eth1/0");
	row_set(vf, VLAN, "%u", 100u);
	row_set(vf, TRUST, "false");
	row_set(vf, REASON, "leased");
}

/* What happens while stdout is fd, with what is printed there. */
struct redirect {
	int saved;
};

static struct redirect redirect(int fd)
{
	struct redirect r = {.saved = dup(STDOUT_FILENO)};

	(void)fflush(stdout);
	(void)dup2(fd, STDOUT_FILENO);
	return r;
}

static void restore(struct redirect r)
{
	(void)dup2(r.saved, STDOUT_FILENO);
	(void)close(r.saved);
}

/* Fills in one go what fits a pipe; made and printed while stdout is the one given. */
static char *output(enum table_mode mode, const char *selection, bool headings,
		    void (*fill_in)(struct table *))
{
	struct table *table;
	struct redirect r;
	char *text = mem_zero(1, 65536);
	int fds[2];
	int rc;

	assert_int_equal(pipe(fds), 0);
	r = redirect(fds[1]);
	table = make(mode, selection);
	if (!headings)
		table_no_headings(table);
	fill_in(table);
	rc = table_print(table, NULL);
	restore(r);
	table_free(&table);
	(void)close(fds[1]);
	assert_int_equal(rc, 0);
	assert_true(read(fds[0], text, 65535) >= 0);
	(void)close(fds[0]);
	return text;
}

static void piped_columns_are_plain(void **state)
{
	cleanup_free char *text = output(TABLE_TEXT, NULL, true, fill);

	(void)state;
	assert_string_equal(text, "NAME    VLAN  TRUST\n"
				  "eth1       -  -\n"
				  "eth1/0   100  no\n");
}

static void columns_come_as_asked_for(void **state)
{
	cleanup_free char *text = output(TABLE_TEXT, "reason,Name,REASON", false, fill);

	(void)state;
	assert_string_equal(text, "-       eth1\n"
				  "leased  eth1/0\n");
}

static void an_unknown_column_is_named(void **state)
{
	cleanup_err struct err *err = NULL;
	struct table *table = NULL;

	(void)state;
	assert_int_equal(table_new("pfs", columns, ARRAY_SIZE(columns), NAME, TABLE_TEXT,
				   "NAME,NAM", &table, &err),
			 -1);
	assert_null(table);
	assert_int_equal(err->code, ERR_USAGE);
	assert_non_null(strstr(err->what, "'NAM'"));
	assert_non_null(strstr(err->next, "NAME, VLAN, TRUST, REASON"));
	err_free(&err);
	assert_int_equal(
		table_new("pfs", columns, ARRAY_SIZE(columns), NAME, TABLE_TEXT, "", &table, &err),
		-1);
}

static void squeeze(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != ' ' && *text != '\n')
			*to++ = *text;
	*to = '\0';
}

static void json_has_types_and_children(void **state)
{
	cleanup_free char *text = output(TABLE_JSON, NULL, true, fill);

	(void)state;
	squeeze(text);
	assert_string_equal(text, "{\"pfs\":[{\"name\":\"eth1\",\"vlan\":null,\"trust\":null,"
				  "\"reason\":null,\"children\":[{\"name\":\"eth1/0\",\"vlan\":100,"
				  "\"trust\":false,\"reason\":\"leased\"}]}]}");
}

static void nothing(struct table *table)
{
	(void)table;
}

static void an_empty_table_is_json_too(void **state)
{
	cleanup_free char *json = output(TABLE_JSON, NULL, true, nothing);
	cleanup_free char *text = output(TABLE_TEXT, NULL, true, nothing);

	(void)state;
	squeeze(json);
	assert_string_equal(json, "{\"pfs\":[]}");
	assert_string_equal(text, "");
}

static void fill_hostile(struct table *table)
{
	struct row *row = table_row(table, NULL);

	row_set(row, NAME, "a\"\\\x1b[2J\n\xff\xc0\xaf\xed\xa0\x80\xc3\xa4\xc2\x9b");
	row_set(row, VLAN, "1e5; rm");
	row_set(row, TRUST, "maybe");
}

static void hostile_text_is_made_harmless(void **state)
{
	cleanup_free char *text = output(TABLE_TEXT, "NAME", false, fill_hostile);
	cleanup_free char *json = output(TABLE_JSON, "NAME,VLAN,TRUST", true, fill_hostile);

	(void)state;
	assert_string_equal(text, "a\"\\?[2J???????\xc3\xa4??\n");
	squeeze(json);
	assert_string_equal(json, "{\"pfs\":[{\"name\":\"a\\\"\\\\\\u001b[2J\\n??????\xc3\xa4"
				  "\xc2\x9b\",\"vlan\":null,\"trust\":null}]}");
}

static void fill_numbers(struct table *table)
{
	static const char *const texts[] = {"0", "-1", "007", "1.5", "1.", "+1", "", "0x1", "nan"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		row_set(table_row(table, NULL), VLAN, "%s", texts[i]);
}

static void only_numbers_are_numbers(void **state)
{
	cleanup_free char *text = output(TABLE_TEXT, "VLAN", false, fill_numbers);

	(void)state;
	squeeze(text);
	assert_string_equal(text, "0-1-1.5-----");
}

static void a_terminal_gets_a_tree(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), terminal;
	struct termios raw;
	struct table *table;
	struct redirect r;
	char text[512] = "";
	int rc;

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(terminal >= 0 && tcgetattr(terminal, &raw) == 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(terminal, TCSANOW, &raw), 0);
	r = redirect(terminal);
	table = make(TABLE_TEXT, NULL);
	fill(table);
	rc = table_print(table, NULL);
	restore(r);
	assert_true(table_is_tree(table));
	table_free(&table);
	assert_int_equal(rc, 0);
	assert_true(read(master, text, sizeof(text) - 1) > 0);
	assert_int_equal(strncmp(text, "NAME", 4), 0);
	assert_non_null(strstr(text, "`-eth1/0"));
	(void)close(terminal);
	(void)close(master);
}

static void fails_on(int fd, const char *why)
{
	cleanup_err struct err *err = NULL;
	struct table *table = make(TABLE_TEXT, NULL);
	struct redirect r;
	int rc;

	fill(table);
	r = redirect(fd);
	rc = table_print(table, &err);
	restore(r);
	table_free(&table);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(err->what, why));
}

static void a_write_that_fails_is_told(void **state)
{
	int full = open("/dev/full", O_WRONLY), fds[2];

	(void)state;
	fails_on(full, "No space left");
	(void)close(full);
	assert_int_equal(pipe(fds), 0);
	(void)close(fds[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	fails_on(fds[1], "Broken pipe");
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(piped_columns_are_plain),
		cmocka_unit_test(columns_come_as_asked_for),
		cmocka_unit_test(an_unknown_column_is_named),
		cmocka_unit_test(json_has_types_and_children),
		cmocka_unit_test(an_empty_table_is_json_too),
		cmocka_unit_test(hostile_text_is_made_harmless),
		cmocka_unit_test(only_numbers_are_numbers),
		cmocka_unit_test(a_terminal_gets_a_tree),
		cmocka_unit_test(a_write_that_fails_is_told),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
