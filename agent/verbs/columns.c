/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs/columns.h"

bool shown_option(struct shown *shown, int key, const char *arg)
{
	if (key == 'o')
		shown->columns = arg;
	else if (key == 'n')
		shown->no_headings = true;
	return key == 'o' || key == 'n';
}

int shown_table(const struct shown *shown, const char *name, const struct column *columns, size_t n,
		int tree_column, enum table_mode mode, struct table **out, struct err **err)
{
	if (table_new(name, columns, n, tree_column, mode, shown->columns, out, err))
		return -1;
	if (shown->no_headings)
		table_no_headings(*out);
	return 0;
}
