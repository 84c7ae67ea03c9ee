/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is there, or the process is not: out of memory aborts. That is safe here, since
 * every effect has its record before it and the next converge carries on from any point.
 * The caller owns what is returned and frees it with free().
 */
#ifndef VFPOOL_CORE_MEM_H
#define VFPOOL_CORE_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *mem_zero(size_t count, size_t size);

/* As reallocarray(3). */
void *mem_grow(void *old, size_t count, size_t size);

/* A copy; NULL gives NULL. */
char *mem_strdup(const char *s);

char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/*
 * Makes room for one element more at the end of an array that grows by doubling, zeroes it and
 * returns it: `struct vf *vf = mem_append(&pf->vfs, &pf->nvfs, sizeof(*vf));`
 */
void *mem_append(void *array, size_t *count, size_t size);

#endif
