// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A line a device or MAC: "running" or "defined" and the VF, or "mac" and that; then the domain's
 * name up to the line's end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "converge/foreign.h"
#include "core/cleanup.h"
#include "core/mem.h"

#define RUNNING "running"
#define DEFINED "defined"
#define MAC "mac"

static bool read_line(char *line, const char *but, struct foreigns *out)
{
	const char *word = strsep(&line, " "), *what = strsep(&line, " ");
	bool running = !strcmp(word, RUNNING), wanted;
	struct pciaddr host;
	struct mac mac;

	if (!what || !line || !*line)
		return false;
	wanted = !but || strcmp(line, but) != 0;
	if (!strcmp(word, MAC)) {
		if (!mac_parse(what, &mac))
			return false;
		if (wanted)
			foreigns_add_mac(out, mac, line);
		return true;
	}
	if ((!running && strcmp(word, DEFINED) != 0) || !pciaddr_parse(what, &host))
		return false;
	if (wanted)
		foreigns_add(out, host, line, running);
	return true;
}

static bool recall(const struct memo *memo, const struct memo_mark *mark, const char *but,
		   struct foreigns *out)
{
	cleanup_free char *text = memo_read(memo, mark);
	struct foreigns found = {0};
	char *rest = text, *line;

	while (rest && *rest) {
		line = strsep(&rest, "\n");
		/* The last one has its end, too, or the file is not whole. */
		if (!rest || !read_line(line, but, &found)) {
			foreigns_clear(&found);
			return false;
		}
	}
	*out = found;
	return text;
}

bool foreigns_recall(const struct memo *memo, const struct memo_mark *mark, struct foreigns *out)
{
	return recall(memo, mark, NULL, out);
}

static bool is_local(struct virt *virt)
{
	cleanup_free char *uri = virt->ops->uri(virt);

	return uri && !strcmp(uri, MEMO_URI);
}

bool foreigns_recall_others(const struct edges *edges, const char *domain, struct foreigns *out)
{
	struct memo_mark mark;

	return edges->memo && is_local(edges->virt) && memo_mark(edges->memo, &mark) &&
	       recall(edges->memo, &mark, domain, out);
}

/* A name that breaks the line cannot be kept. */
static bool write_line(FILE *out, const char *word, const char *what, const char *domain)
{
	return *domain && !strchr(domain, '\n') &&
	       fprintf(out, "%s %s %s\n", word, what, domain) > 0;
}

void foreigns_keep(struct edges *edges, const struct memo_mark *mark,
		   const struct foreigns *foreigns)
{
	cleanup_free char *text = NULL;
	bool sound = true;
	size_t size;
	FILE *out;

	if (foreigns->incomplete || !is_local(edges->virt))
		return;
	out = open_memstream(&text, &size);
	if (!out)
		return;
	for (size_t i = 0; i < foreigns->n && sound; i++)
		sound = write_line(out, foreigns->items[i].running ? RUNNING : DEFINED,
				   pciaddr_str(foreigns->items[i].host), foreigns->items[i].domain);
	for (size_t i = 0; i < foreigns->nmacs && sound; i++)
		sound = write_line(out, MAC, mac_str(foreigns->macs[i].mac),
				   foreigns->macs[i].domain);
	if (!fclose(out) && sound)
		memo_write(edges->memo, mark, text);
}
