// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(void) __attribute__((noreturn));

static void out_of_memory(void)
{
	static const char words[] = "vfpool: out of memory\n";

	(void)fwrite(words, 1, sizeof(words) - 1, stderr);
	abort();
}

void *mem_zero(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *mem_grow(void *old, size_t count, size_t size)
{
	void *p = reallocarray(old, count ? count : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

char *mem_strdup(const char *s)
{
	char *copy;

	if (!s)
		return NULL;
	copy = strdup(s);
	if (!copy)
		out_of_memory();
	return copy;
}

char *mem_vprintf(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		out_of_memory();
	return text;
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = mem_vprintf(fmt, ap);
	va_end(ap);
	return text;
}

static size_t capacity_for(size_t count)
{
	size_t capacity = 4;

	while (capacity < count) {
		if (capacity > SIZE_MAX / 2)
			out_of_memory();
		capacity *= 2;
	}
	return capacity;
}

/*
 * The capacity is not kept anywhere, so it is asked for each time: an array that came from
 * elsewhere with no room to spare is safe here too, and realloc() to the same size is cheap.
 */
void *mem_append(void *array, size_t *count, size_t size)
{
	char *items;

	memcpy(&items, array, sizeof(items));
	items = mem_grow(items, capacity_for(*count + 1), size);
	memcpy(array, &items, sizeof(items));
	return memset(items + (*count)++ * size, 0, size);
}
