/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of small numbers, CPUs or NUMA nodes, in the words of the kernel and libvirt: "0-3,8". */
#ifndef VFPOOL_CORE_IDSET_H
#define VFPOOL_CORE_IDSET_H

#include <stdbool.h>
#include <stdint.h>

#define IDSET_MAX 8192 /* numbers are below it; no kernel can have more CPUs */

struct idset {
	uint64_t bits[IDSET_MAX / 64];
};

/*
 * The whole of text is numbers and ranges with commas between them; "^2" takes one out again. An
 * empty text is the empty set. false, with *out undefined: it is none, or a number is too large.
 */
bool idset_parse(const char *text, struct idset *out);

/* The same as text, the shortest one. The caller frees it. */
char *idset_format(const struct idset *set);

void idset_add(struct idset *set, unsigned id); /* one that is too large: nothing */
bool idset_has(const struct idset *set, unsigned id);
void idset_join(struct idset *set, const struct idset *more);
bool idset_meets(const struct idset *a, const struct idset *b);
unsigned idset_count(const struct idset *set);

#endif
