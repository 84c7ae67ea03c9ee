/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command answers: rows and columns, printed as a table, a tree, plain text or JSON.
 * libsmartcols lives behind this and nowhere else. Nothing is written before table_print(), so
 * nothing is ever printed half.
 */
#ifndef VFPOOL_CORE_TABLE_H
#define VFPOOL_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

enum column_type { COLUMN_STRING, COLUMN_NUMBER, COLUMN_BOOLEAN };

struct column {
	const char *name; /* "VF"; in JSON the same in small letters */
	enum column_type type;
	bool hidden;    /* shown only when -o names it (or in JSON, where all are) */
	bool right;     /* aligned to the right */
	unsigned width; /* in a stream: at least so many characters */
};

enum table_mode {
	TABLE_TEXT, /* a tree on a terminal; when piped plain columns, "-" in the empty cells */
	TABLE_JSON,
};

struct table;
struct row;

/*
 * An empty table with these columns (kept, not copied: static data). name is the key of the JSON
 * object's array. tree_column is the column that carries the tree's branches, -1 for no tree.
 * selection is the user's -o list, "VF,MAC" (case does not count), NULL for the default: an
 * unknown name is ERR_USAGE and lists the known ones.
 */
int table_new(const char *name, const struct column *columns, size_t n, int tree_column,
	      enum table_mode mode, const char *selection, struct table **out, struct err **err);
void table_free(struct table **table);
#define cleanup_table cleanup(table_free)

/* Without the line of headings. */
void table_no_headings(struct table *table);

/*
 * This is a part of an output that goes on: rows alone, in columns that fit those of the other
 * parts as a rule; in JSON an object a row and a row a line, without one around them.
 */
void table_stream(struct table *table);

/* Whether rows are shown below their parents: JSON, or a tree on a terminal. */
bool table_is_tree(const struct table *table);

/* A new row below parent (NULL: top). It belongs to the table. */
struct row *table_row(struct table *table, struct row *parent);

/*
 * Sets a cell; a cell never set is empty, in JSON null. Control characters are made harmless. A
 * number that is none leaves the cell empty; a boolean is "true" or "false".
 */
void row_set(struct row *row, size_t column, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes everything to stdout, in one go; a full disk or a closed pipe is an error. */
int table_print(struct table *table, struct err **err);

#endif
