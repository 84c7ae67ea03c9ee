// SPDX-License-Identifier: LGPL-2.1-or-later
#include "check/words.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

#define RANGES_MAX 8
#define BLANKS " \t\r\n"

char *shell_word(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_./:@%+,-";
	char *word, *p;

	if (*text && !text[strspn(text, plain)])
		return mem_strdup(text);
	/* A quote within ends the quoting, stands for itself, and begins it anew. */
	p = word = mem_zero(strlen(text) + 1, 4);
	*p++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			p = stpcpy(p, "'\\''");
		else
			*p++ = *text;
	}
	*p = '\'';
	return mem_grow(word, strlen(word) + 1, 1);
}

void list_add(char **list, const char *fmt, ...)
{
	cleanup_free char *before = *list, *item = NULL;
	va_list ap;

	va_start(ap, fmt);
	item = mem_vprintf(fmt, ap);
	va_end(ap);
	*list = before ? mem_printf("%s, %s", before, item) : steal(&item);
}

char *number_ranges(const unsigned *numbers, size_t n)
{
	char *list = NULL;
	size_t ranges = 0;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && numbers[end] == numbers[end - 1] + 1;)
			end++;
		if (++ranges > RANGES_MAX) {
			list_add(&list, "%zu more", n - i);
			break;
		}
		if (end - i > 1)
			list_add(&list, "%u-%u", numbers[i], numbers[end - 1]);
		else
			list_add(&list, "%u", numbers[i]);
	}
	return list ? list : mem_strdup("none");
}

const char *next_word(const char **text, size_t *length)
{
	const char *word = *text + strspn(*text, BLANKS);
	bool quoted = false;
	size_t n = 0;

	for (; word[n] && (quoted || !strchr(BLANKS, word[n])); n++)
		quoted ^= word[n] == '"';
	*text = word + n;
	*length = n;
	return n ? word : NULL;
}

bool has_word(const char *text, const char *word)
{
	const char *found;
	size_t length, wanted = strlen(word);

	while (text && (found = next_word(&text, &length)))
		if (length == wanted && memcmp(found, word, wanted) == 0)
			return true;
	return false;
}

static void trim(const char **text, size_t *length)
{
	while (*length && strchr(BLANKS, **text)) {
		(*text)++;
		(*length)--;
	}
	while (*length && strchr(BLANKS, (*text)[*length - 1]))
		(*length)--;
}

bool ini_next(struct ini *ini)
{
	while (*ini->rest) {
		const char *line = ini->rest, *equals;
		size_t length = strcspn(line, "\n");

		ini->rest = line + length + (line[length] == '\n');
		trim(&line, &length);
		if (!length || *line == '#' || *line == ';')
			continue;
		if (*line == '[' && line[length - 1] == ']') {
			ini->section = line + 1;
			ini->section_length = length - 2;
			ini->key = NULL;
			return true;
		}
		equals = memchr(line, '=', length);
		if (!equals || !ini->section)
			continue;
		ini->key = line;
		ini->key_length = (size_t)(equals - line);
		ini->value = equals + 1;
		ini->value_length = length - ini->key_length - 1;
		trim(&ini->key, &ini->key_length);
		trim(&ini->value, &ini->value_length);
		return true;
	}
	return false;
}

static bool equals(const char *text, size_t length, const char *wanted)
{
	return strlen(wanted) == length && memcmp(text, wanted, length) == 0;
}

bool ini_in(const struct ini *ini, const char *section)
{
	return equals(ini->section, ini->section_length, section);
}

bool ini_is(const struct ini *ini, const char *section, const char *key)
{
	return ini->key && ini_in(ini, section) && equals(ini->key, ini->key_length, key);
}

char *assigned_value(const char *text, const char *key)
{
	size_t wanted = strlen(key);

	for (const char *line = text; line && *line;) {
		size_t length = strcspn(line, "\n");

		if (length > wanted && memcmp(line, key, wanted) == 0 && line[wanted] == '=') {
			const char *value = line + wanted + 1;
			size_t n = length - wanted - 1;

			trim(&value, &n);
			if (n >= 2 && strchr("\"'", *value) && value[n - 1] == *value) {
				value++;
				n -= 2;
			}
			return mem_printf("%.*s", (int)n, value);
		}
		line += length + (line[length] == '\n');
	}
	return NULL;
}
