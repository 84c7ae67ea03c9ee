/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a verb makes of the one list of its table's columns, COLUMNS(X) with X(id, name, type,
 * hidden, right, help): the numbers COL_id, the rows of struct column, and the lines of --help.
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

#endif
