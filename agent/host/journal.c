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
#include "core/harmless.h"
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

void journal_write(const struct journal_line *line)
{
	bool named = line->domain && *line->domain;
	/* Whoever reads the journal without fields wants to know of whom, too. */
	cleanup_free char *text =
		mem_printf("%s%s%s", named ? line->domain : "", named ? ": " : "", line->text);
	struct journal_line whole = *line;
	cleanup_free char *data = NULL;
	size_t size = 0;

	harmless(text);
	if (!is_journal()) {
		(void)fprintf(stderr, "vfpool agent: %s\n", text);
		return;
	}
	whole.text = text;
	data = journal_format(&whole, &size);
	if (data)
		send_to(JOURNAL_SOCKET, data, size);
}
