// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/line.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* Names come from guests: what would be taken for the end of a field becomes a blank. */
static size_t put(char *line, size_t size, const char *text)
{
	for (; *text && size < LINE_SIZE - 1; text++)
		line[size++] = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;
	return size;
}

bool line_say_all(int fd, const char *const *fields)
{
	char line[LINE_SIZE];
	size_t size = 0;
	ssize_t wrote;

	for (size_t i = 0; fields[i]; i++) {
		if (i && size < LINE_SIZE - 1)
			line[size++] = '\t';
		size = put(line, size, fields[i]);
	}
	line[size++] = '\n';
	do
		wrote = write(fd, line, size);
	while (wrote < 0 && errno == EINTR);
	return wrote == (ssize_t)size;
}

bool line_say(int fd, const char *word, ...)
{
	const char *fields[LINE_FIELDS + 1] = {word};
	va_list ap;

	va_start(ap, word);
	for (size_t i = 1; i < LINE_FIELDS && (fields[i] = va_arg(ap, const char *)); i++)
		;
	va_end(ap);
	return line_say_all(fd, fields);
}

/* Takes text apart, which it changes: fields points into it. */
static void line_split(char *text, struct line *out)
{
	*out = (struct line){0};
	for (size_t i = 0; i < LINE_FIELDS; i++)
		out->fields[i] = "";
	while (text && out->n < LINE_FIELDS) {
		char *tab = out->n + 1 < LINE_FIELDS ? strchr(text, '\t') : NULL;

		if (tab)
			*tab++ = '\0';
		out->fields[out->n++] = text;
		text = tab;
	}
}

/* The line at the beginning, of so many characters with its end, is taken out. */
static void take(struct line_reader *reader, size_t length, char line[LINE_SIZE])
{
	memcpy(line, reader->text, length);
	line[length - 1] = '\0';
	reader->size -= length;
	memmove(reader->text, reader->text + length, reader->size);
}

enum line_read line_read(struct line_reader *reader, int fd, struct line *out)
{
	static char line[LINE_SIZE];

	for (;;) {
		char *end = memchr(reader->text, '\n', reader->size);
		ssize_t got;

		if (end) {
			bool skipped = reader->skips;

			take(reader, (size_t)(end - reader->text) + 1, line);
			reader->skips = false;
			if (skipped)
				continue;
			line_split(line, out);
			return LINE_ONE;
		}
		if (reader->size == sizeof(reader->text)) {
			reader->skips = true;
			reader->size = 0;
		}
		got = read(fd, reader->text + reader->size, sizeof(reader->text) - reader->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return LINE_NONE;
		if (got <= 0)
			return LINE_END;
		reader->size += (size_t)got;
	}
}
