// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/journal.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/cleanup.h"
#include "core/mem.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static void send_to(const char *path, const void *data, size_t size)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	cleanup_close int sock = -1;

	if (length < 2 || length >= sizeof(addr.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(addr.sun_path, path, length);
	/* The kernel's abstract names begin with a zero. */
	if (*path == '@')
		addr.sun_path[0] = '\0';
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock >= 0)
		(void)!sendto(sock, data, size, MSG_NOSIGNAL | MSG_DONTWAIT,
			      (const struct sockaddr *)&addr,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

void journal_notify(const char *state)
{
	static char *path;
	static bool asked;

	if (!asked) {
		path = mem_strdup(getenv("NOTIFY_SOCKET"));
		asked = true;
		(void)unsetenv("NOTIFY_SOCKET");
	}
	if (path)
		send_to(path, state, strlen(state));
}

/* JOURNAL_STREAM is the device and inode of what systemd made our standard error. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && !fstat(2, &st) &&
	       st.st_dev == dev && st.st_ino == ino;
}

/*
 * With its length before it, as little-endian bytes, a value may hold anything, newlines, too.
 */
static void put_field(FILE *out, const char *name, const char *value)
{
	uint64_t size;

	if (!value || !*value)
		return;
	size = strlen(value);
	(void)fprintf(out, "%s\n", name);
	for (unsigned shift = 0; shift < 64; shift += 8)
		(void)fputc((int)(size >> shift & 0xff), out);
	(void)fprintf(out, "%s\n", value);
}

char *journal_format(const struct journal_line *line, size_t *size)
{
	char *data = NULL;
	FILE *out = open_memstream(&data, size);

	if (!out)
		return NULL;
	(void)fprintf(out, "PRIORITY=%d\nSYSLOG_IDENTIFIER=vfpool-agent\n", (int)line->priority);
	put_field(out, "MESSAGE", line->text);
	put_field(out, "DOMAIN", line->domain);
	put_field(out, "VF", line->vf);
	put_field(out, "ASSIGNMENT", line->assignment);
	if (fclose(out)) {
		free(data);
		return NULL;
	}
	return data;
}

/* Names of guests must not steer a terminal. */
static void print(const struct journal_line *line)
{
	cleanup_free char *text = mem_printf("%s%s%s", line->domain ? line->domain : "",
					     line->domain ? ": " : "", line->text);

	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	(void)fprintf(stderr, "vfpool agent: %s\n", text);
}

void journal_write(const struct journal_line *line)
{
	cleanup_free char *data = NULL;
	cleanup_free char *text = NULL;
	struct journal_line named = *line;
	size_t size = 0;

	if (!is_journal()) {
		print(line);
		return;
	}
	/* Whoever reads the journal without fields wants to know, too. */
	if (line->domain && *line->domain) {
		text = mem_printf("%s: %s", line->domain, line->text);
		named.text = text;
	}
	data = journal_format(&named, &size);
	if (data)
		send_to(JOURNAL_SOCKET, data, size);
}
