// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/idset.h"

#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

void idset_add(struct idset *set, unsigned id)
{
	if (id < IDSET_MAX)
		set->bits[id / 64] |= UINT64_C(1) << id % 64;
}

bool idset_has(const struct idset *set, unsigned id)
{
	return id < IDSET_MAX && set->bits[id / 64] >> id % 64 & 1;
}

void idset_join(struct idset *set, const struct idset *more)
{
	for (size_t i = 0; i < ARRAY_SIZE(set->bits); i++)
		set->bits[i] |= more->bits[i];
}

bool idset_meets(const struct idset *a, const struct idset *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->bits); i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

unsigned idset_count(const struct idset *set)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(set->bits); i++)
		n += (unsigned)__builtin_popcountll(set->bits[i]);
	return n;
}

static bool parse_number(const char **text, unsigned *out)
{
	const char *p = *text;
	unsigned value = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (unsigned)(*p - '0');
		if (value >= IDSET_MAX)
			return false;
	}
	*text = p;
	*out = value;
	return true;
}

static bool parse_part(const char **text, struct idset *set)
{
	bool without = **text == '^';
	unsigned first, last;

	*text += without;
	if (!parse_number(text, &first))
		return false;
	last = first;
	if (**text == '-') {
		(*text)++;
		if (without || !parse_number(text, &last) || last < first)
			return false;
	}
	if (without)
		set->bits[first / 64] &= ~(UINT64_C(1) << first % 64);
	for (unsigned id = first; !without && id <= last; id++)
		idset_add(set, id);
	return true;
}

/* As long as a set can become as we write it: "8190,". */
#define TEXT_MAX (5 * IDSET_MAX)

bool idset_parse(const char *text, struct idset *out)
{
	static const char space[] = " \t\r\n";

	memset(out, 0, sizeof(*out));
	/* Longer ones can be written, but not by anybody who means well. */
	if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
		return false;
	text += strspn(text, space);
	if (!*text)
		return true;
	for (;;) {
		if (!parse_part(&text, out))
			return false;
		text += strspn(text, space);
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
		text += strspn(text, space);
	}
}

char *idset_format(const struct idset *set)
{
	cleanup_free char *text = mem_zero(TEXT_MAX + 1, 1);
	size_t n = 0;

	for (unsigned id = 0; id < IDSET_MAX; id++) {
		unsigned first = id;

		if (!idset_has(set, id))
			continue;
		while (idset_has(set, id + 1))
			id++;
		n += (size_t)snprintf(text + n, TEXT_MAX + 1 - n, "%s%u", n ? "," : "", first);
		if (id > first)
			n += (size_t)snprintf(text + n, TEXT_MAX + 1 - n, "-%u", id);
	}
	return mem_strdup(text);
}
