/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of names, each of them the list's own. All zero: none. */
#ifndef VFPOOL_CORE_NAMES_H
#define VFPOOL_CORE_NAMES_H

#include <stddef.h>

#include "core/cleanup.h"

struct names {
	char **items;
	size_t n;
};

void names_add(struct names *names, const char *name); /* copies it */
void names_sort(struct names *names);
void names_clear(struct names *names);

#define cleanup_names cleanup(names_clear)

#endif
