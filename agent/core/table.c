// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rows are kept in little memory (a host can have thousands of VFs): all text in one arena, a cell
 * being the offset of its text. Plain columns are written from there; trees and JSON are
 * libsmartcols's work, for which the rows are turned into its lines at the end.
 */
#include "core/table.h"

#include <ctype.h>
#include <errno.h>
#include <langinfo.h>
#include <libsmartcols.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/harmless.h"
#include "core/mem.h"

#define NOT_SHOWN SIZE_MAX

struct row {
	struct table *table;
	struct row *parent;
	struct row *next;
	struct libscols_line *line; /* while it is printed */
	uint32_t cells[];           /* offset in the arena, plus 1; 0: empty */
};

struct table {
	const char *name;
	const struct column *columns;
	size_t ncolumns;
	int tree_column;
	enum table_mode mode;
	bool terminal;
	bool no_headings;
	bool stream;

	size_t *place; /* of each column among those shown, or NOT_SHOWN */
	size_t *shown; /* the columns shown, from left to right */
	size_t nshown;

	struct row *first, **end;

	char *arena;
	size_t used, room;
};

static void show(struct table *table, size_t column)
{
	if (table->place[column] != NOT_SHOWN)
		return;
	table->place[column] = table->nshown;
	table->shown[table->nshown++] = column;
}

static int unknown_column(const struct table *table, const char *name, size_t len, struct err **err)
{
	cleanup_free char *known = NULL;

	for (size_t i = 0; i < table->ncolumns; i++) {
		char *more = mem_printf("%s%s%s", known ? known : "", known ? ", " : "",
					table->columns[i].name);

		free(known);
		known = more;
	}
	(void)err_set(err, ERR_USAGE, "there is no column called '%.*s'", (int)len, name);
	return err_next(err, "the columns are %s", known);
}

static int select_columns(struct table *table, const char *selection, struct err **err)
{
	const char *p = selection;

	for (;;) {
		size_t len = strcspn(p, ","), i;

		for (i = 0; i < table->ncolumns; i++)
			if (strlen(table->columns[i].name) == len &&
			    strncasecmp(table->columns[i].name, p, len) == 0)
				break;
		if (i == table->ncolumns)
			return unknown_column(table, p, len, err);
		show(table, i);
		if (!p[len])
			return 0;
		p += len + 1;
	}
}

int table_new(const char *name, const struct column *columns, size_t n, int tree_column,
	      enum table_mode mode, const char *selection, struct table **out, struct err **err)
{
	cleanup_table struct table *table = mem_zero(1, sizeof(*table));

	table->name = name;
	table->columns = columns;
	table->ncolumns = n;
	table->tree_column = tree_column;
	table->mode = mode;
	table->terminal = mode == TABLE_TEXT && isatty(STDOUT_FILENO);
	table->end = &table->first;
	table->place = mem_zero(n, sizeof(*table->place));
	table->shown = mem_zero(n, sizeof(*table->shown));
	for (size_t i = 0; i < n; i++)
		table->place[i] = NOT_SHOWN;
	if (selection) {
		if (select_columns(table, selection, err) < 0)
			return -1;
	} else {
		for (size_t i = 0; i < n; i++)
			if (mode == TABLE_JSON || !columns[i].hidden)
				show(table, i);
	}
	*out = steal(&table);
	return 0;
}

void table_free(struct table **table)
{
	struct row *row, *next;

	if (!*table)
		return;
	for (row = (*table)->first; row; row = next) {
		next = row->next;
		free(row);
	}
	free((*table)->place);
	free((*table)->shown);
	free((*table)->arena);
	free(*table);
	*table = NULL;
}

void table_no_headings(struct table *table)
{
	table->no_headings = true;
}

void table_stream(struct table *table)
{
	table->no_headings = true;
	table->stream = true;
}

bool table_is_tree(const struct table *table)
{
	if (table->mode == TABLE_JSON)
		return table->tree_column >= 0;
	return table->terminal && table->tree_column >= 0 &&
	       table->place[table->tree_column] != NOT_SHOWN;
}

struct row *table_row(struct table *table, struct row *parent)
{
	struct row *row = mem_zero(1, sizeof(*row) + table->nshown * sizeof(row->cells[0]));

	row->table = table;
	row->parent = parent;
	*table->end = row;
	table->end = &row->next;
	return row;
}

/* JSON's grammar of a number, which is narrower than strtod()'s. */
static bool is_number(const char *p)
{
	size_t digits;

	p += *p == '-';
	digits = strspn(p, "0123456789");
	if (digits == 0 || (digits > 1 && *p == '0'))
		return false;
	p += digits;
	if (*p == '.') {
		digits = strspn(p + 1, "0123456789");
		if (digits == 0)
			return false;
		p += digits + 1;
	}
	return !*p;
}

/*
 * Whether the text may stand in such a column. Booleans are written over with the words that
 * people and libsmartcols read alike: it takes "false" for true.
 */
static bool fits(enum column_type type, char *text)
{
	switch (type) {
	case COLUMN_STRING:
		return true;
	case COLUMN_NUMBER:
		return is_number(text);
	case COLUMN_BOOLEAN:
		if (strcmp(text, "true") == 0)
			(void)strcpy(text, "yes");
		else if (strcmp(text, "false") == 0)
			(void)strcpy(text, "no");
		return strcmp(text, "yes") == 0 || strcmp(text, "no") == 0;
	}
	return false;
}

void row_set(struct row *row, size_t column, const char *fmt, ...)
{
	struct table *table = row->table;
	size_t place = table->place[column], left;
	va_list ap;
	int length;

	if (place == NOT_SHOWN)
		return;
	row->cells[place] = 0;
	for (;;) {
		left = table->room - table->used;
		va_start(ap, fmt);
		length = vsnprintf(table->arena ? table->arena + table->used : NULL, left, fmt, ap);
		va_end(ap);
		if (length < 0)
			return;
		if ((size_t)length < left)
			break;
		table->room = (table->room + (size_t)length + 1) * 2;
		if (table->room > UINT32_MAX)
			abort();
		table->arena = mem_grow(table->arena, table->room, 1);
	}
	if (!fits(table->columns[column].type, table->arena + table->used))
		return;
	/* JSON escapes what steers. */
	(table->mode == TABLE_JSON ? harmless_utf8 : harmless)(table->arena + table->used);
	row->cells[place] = (uint32_t)table->used + 1;
	table->used += (size_t)length + 1;
}

static const char *cell_text(const struct row *row, size_t place)
{
	uint32_t cell = row->cells[place];

	return cell ? row->table->arena + cell - 1 : NULL;
}

/* Columns on the screen; one for each character is near enough for names and numbers. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0u) != 0x80;
	return width;
}

static const char *plain_text(const struct row *row, size_t place)
{
	const char *text = cell_text(row, place);

	return text && *text ? text : "-";
}

static void print_cell(FILE *out, const struct table *table, size_t place, size_t width,
		       const char *text)
{
	bool last = place + 1 == table->nshown;
	int pad = (int)(width - width_of(text));

	if (table->columns[table->shown[place]].right)
		(void)fprintf(out, "%*s%s%s", pad, "", text, last ? "\n" : "  ");
	else if (last)
		(void)fprintf(out, "%s\n", text);
	else
		(void)fprintf(out, "%s%*s", text, pad + 2, "");
}

static void print_plain(const struct table *table, FILE *out)
{
	cleanup_free size_t *widths = mem_zero(table->nshown, sizeof(*widths));

	for (size_t i = 0; i < table->nshown; i++) {
		if (table->stream)
			widths[i] = table->columns[table->shown[i]].width;
		else if (!table->no_headings)
			widths[i] = width_of(table->columns[table->shown[i]].name);
		for (const struct row *row = table->first; row; row = row->next) {
			size_t width = width_of(plain_text(row, i));

			if (width > widths[i])
				widths[i] = width;
		}
	}
	for (size_t i = 0; table->first && !table->no_headings && i < table->nshown; i++)
		print_cell(out, table, i, widths[i], table->columns[table->shown[i]].name);
	for (const struct row *row = table->first; row; row = row->next)
		for (size_t i = 0; i < table->nshown; i++)
			print_cell(out, table, i, widths[i], plain_text(row, i));
}

static void print_json_string(FILE *out, const char *text, bool small)
{
	(void)fputc('"', out);
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			(void)fprintf(out, "\\u%04x", *text);
		else if (*text == '"' || *text == '\\')
			(void)fprintf(out, "\\%c", *text);
		else
			(void)fputc(small ? tolower((unsigned char)*text) : *text, out);
	}
	(void)fputc('"', out);
}

static void print_json_cell(FILE *out, const struct column *column, const char *text)
{
	print_json_string(out, column->name, true);
	(void)fputc(':', out);
	if (!text)
		(void)fputs("null", out);
	else if (column->type == COLUMN_NUMBER)
		(void)fputs(text, out);
	else if (column->type == COLUMN_BOOLEAN)
		(void)fputs(strcmp(text, "yes") == 0 ? "true" : "false", out);
	else
		print_json_string(out, text, false);
}

static void print_json_lines(const struct table *table, FILE *out)
{
	for (const struct row *row = table->first; row; row = row->next)
		for (size_t i = 0; i < table->nshown; i++) {
			(void)fputc(i ? ',' : '{', out);
			print_json_cell(out, &table->columns[table->shown[i]], cell_text(row, i));
			if (i + 1 == table->nshown)
				(void)fputs("}\n", out);
		}
}

static int json_type(enum column_type type)
{
	switch (type) {
	case COLUMN_STRING:
		break;
	case COLUMN_NUMBER:
		return SCOLS_JSON_NUMBER;
	case COLUMN_BOOLEAN:
		return SCOLS_JSON_BOOLEAN_OPTIONAL;
	}
	return SCOLS_JSON_STRING;
}

static int add_columns(const struct table *table, struct libscols_table *scols)
{
	bool tree = table_is_tree(table);

	for (size_t i = 0; i < table->nshown; i++) {
		const struct column *column = &table->columns[table->shown[i]];
		struct libscols_column *cl;
		bool branches = (int)table->shown[i] == table->tree_column;
		int flags = column->right ? SCOLS_FL_RIGHT : 0;

		/* In JSON the rows nest whichever columns were asked for. */
		if (tree && table->mode == TABLE_JSON)
			branches = i == 0;
		if (tree && branches)
			flags |= SCOLS_FL_TREE;
		cl = scols_table_new_column(scols, column->name, 0, flags);
		if (!cl || scols_column_set_json_type(cl, json_type(column->type)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_lines(const struct table *table, struct libscols_table *scols)
{
	bool tree = table_is_tree(table);

	for (struct row *row = table->first; row; row = row->next) {
		row->line =
			scols_table_new_line(scols, tree && row->parent ? row->parent->line : NULL);
		if (!row->line)
			return -ENOMEM;
		for (size_t i = 0; i < table->nshown; i++) {
			const char *text = cell_text(row, i);

			if (text && scols_line_set_data(row->line, i, text) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int print_scols(const struct table *table, FILE *out)
{
	struct libscols_table *scols = scols_new_table();
	cleanup_free char *text = NULL;
	int rc = scols ? 0 : -ENOMEM;

	if (rc == 0)
		rc = scols_table_set_name(scols, table->name);
	if (rc == 0)
		rc = scols_table_enable_json(scols, table->mode == TABLE_JSON);
	if (rc == 0)
		rc = scols_table_enable_noheadings(scols, table->no_headings);
	if (rc == 0 && strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		rc = scols_table_enable_ascii(scols, 1);
	if (rc == 0)
		rc = add_columns(table, scols);
	if (rc == 0)
		rc = add_lines(table, scols);
	if (rc == 0)
		rc = scols_print_table_to_string(scols, &text);
	scols_unref_table(scols);
	if (rc == 0 && text && *text)
		(void)fprintf(out, "%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
	return rc;
}

static int write_all(const char *text, size_t size, struct err **err)
{
	if (fflush(stdout) != 0)
		return err_errno(err, errno, "writing the output");
	while (size) {
		ssize_t n = write(STDOUT_FILENO, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "writing the output");
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

int table_print(struct table *table, struct err **err)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc = 0;

	if (!out)
		return err_errno(err, errno, "composing the output");
	if (table->stream && table->mode == TABLE_JSON)
		print_json_lines(table, out);
	else if (table->stream)
		print_plain(table, out);
	/* Some releases of libsmartcols print nothing at all for an empty table. */
	else if (!table->first && table->mode == TABLE_JSON)
		(void)fprintf(out, "{\n   \"%s\": []\n}\n", table->name);
	else if (table->mode == TABLE_JSON || table->terminal)
		rc = print_scols(table, out);
	else
		print_plain(table, out);
	if (fclose(out) != 0 && rc == 0)
		rc = -ENOMEM;
	if (rc < 0)
		return err_errno(err, -rc, "composing the output");
	return write_all(text, size, err);
}
