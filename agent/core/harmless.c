// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/harmless.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The length of the well-formed UTF-8 character at p; 0 when there is none. */
static size_t utf8_length(const unsigned char *p)
{
	uint32_t c;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] < 0xe0) {
		n = 2;
		c = p[0] & 0x1fu;
	} else if (p[0] >= 0xe0 && p[0] < 0xf0) {
		n = 3;
		c = p[0] & 0x0fu;
	} else if (p[0] >= 0xf0 && p[0] < 0xf5) {
		n = 4;
		c = p[0] & 0x07u;
	} else {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0u) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if ((n == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
	    (n == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	return n;
}

static bool is_control(const char *p, size_t length)
{
	unsigned char first = (unsigned char)p[0];

	if (length == 1)
		return first < 0x20 || first == 0x7f;
	return length == 2 && first == 0xc2 && (unsigned char)p[1] < 0xa0;
}

static void clean(char *text, bool controls)
{
	while (*text) {
		size_t length = utf8_length((const unsigned char *)text);
		bool bad = !length || (controls && is_control(text, length));

		length += !length;
		if (bad)
			memset(text, '?', length);
		text += length;
	}
}

void harmless_utf8(char *text)
{
	clean(text, false);
}

void harmless(char *text)
{
	clean(text, true);
}
