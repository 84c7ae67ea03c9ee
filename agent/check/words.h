/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces of text that the rules read and write. */
#ifndef VFPOOL_CHECK_WORDS_H
#define VFPOOL_CHECK_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* As one word of a shell command: quoted where it has to be. The caller frees it. */
char *shell_word(const char *text);

/* Adds to a list with commas, of which *list is the text; NULL at the beginning. */
void list_add(char **list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Ascending numbers as "0-3, 5"; long lists are cut. The caller frees it. */
char *number_ranges(const unsigned *numbers, size_t n);

/* The next word between blanks, what is in double quotes being one. NULL: no more. */
const char *next_word(const char **text, size_t *length);

/* Is it one of the words? */
bool has_word(const char *text, const char *word);

/* One line `key = value` of an INI file, below its section. Texts are borrowed from the file's. */
struct ini {
	const char *rest;
	const char *section, *key, *value;
	size_t section_length, key_length, value_length;
};

/* The next one, also a section that has just begun: then there is no key. false: the end. */
bool ini_next(struct ini *ini);
bool ini_is(const struct ini *ini, const char *section, const char *key);
bool ini_in(const struct ini *ini, const char *section);

/* The value of KEY=value in a file like /etc/os-release, without quotes. The caller frees it. */
char *assigned_value(const char *text, const char *key);

#endif
