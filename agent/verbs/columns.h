/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The columns of a verb's table, and what of it the user wants to see. A verb makes of the one
 * list, COLUMNS(X) with X(id, name, type, hidden, right, help), the numbers COL_id, the rows of
 * struct column, and the lines of --help.
 */
#ifndef VFPOOL_VERBS_COLUMNS_H
#define VFPOOL_VERBS_COLUMNS_H

#include <argp.h>

#include "core/table.h"

#define COLUMN_ID(id, name, type, hidden, right, help) COL_##id,

#define COLUMN_ROW(id, name, type, hidden, right, help) \
	[COL_##id] = {name, COLUMN_##type, hidden, right, 0},

/* An entry of an argp_option array: in group 2, or 3 for what is hidden. */
#define COLUMN_OPTION(id, name, type, hidden, right, help) \
	{name, 0, NULL, OPTION_DOC, help, (hidden) ? 3 : 2},

/* What stands above them in --help. */
#define COLUMN_GROUPS                                                         \
	{NULL, 0, NULL, 0, "Columns:", 2},                                    \
	{                                                                     \
		NULL, 0, NULL, 0, "More columns, shown with -o or --json:", 3 \
	}

struct shown {
	const char *columns; /* as table_new() takes them; NULL: the default */
	bool no_headings;
};

/* Where -n means something else, the second one has a key of the verb's. */
#define SHOWN_COLUMNS                                                                           \
	{                                                                                       \
		"columns", 'o', "COLUMNS", 0, "Show these columns, with commas between them", 0 \
	}
#define SHOWN_NO_HEADINGS(key)                                                   \
	{                                                                        \
		"no-headings", key, NULL, 0, "Leave the line of headings out", 0 \
	}
#define SHOWN_OPTIONS SHOWN_COLUMNS, SHOWN_NO_HEADINGS('n')

/* false: it is another option. */
bool shown_option(struct shown *shown, int key, const char *arg);

/* An empty table as the user wants it; otherwise as table_new(). */
int shown_table(const struct shown *shown, const char *name, const struct column *columns, size_t n,
		int tree_column, enum table_mode mode, struct table **out, struct err **err);

#endif
