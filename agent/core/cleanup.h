/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Variables that clean up after themselves when they go out of scope. */
#ifndef VFPOOL_CORE_CLEANUP_H
#define VFPOOL_CORE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

/* The function gets a pointer to the variable, as the compiler's attribute has it. */
#define cleanup(function) __attribute__((cleanup(function)))

static inline void cleanup_free_pointer(void *p)
{
	free(*(void **)p);
}
#define cleanup_free cleanup(cleanup_free_pointer)

static inline void cleanup_close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
#define cleanup_close cleanup(cleanup_close_fd)

/* Hands the value on to a new owner: `return steal(&buffer);` */
static inline void *steal_pointer(void *p)
{
	void *value = *(void **)p;

	*(void **)p = NULL;
	return value;
}
#define steal(pointer) ((__typeof__(*(pointer)))steal_pointer(pointer))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
