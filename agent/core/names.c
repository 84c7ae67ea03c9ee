// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/names.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

void names_add(struct names *names, const char *name)
{
	*(char **)mem_append(&names->items, &names->n, sizeof(char *)) = mem_strdup(name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(struct names *names)
{
	if (names->n)
		qsort(names->items, names->n, sizeof(char *), compare);
}

void names_clear(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct names){0};
}
