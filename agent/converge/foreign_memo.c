// SPDX-License-Identifier: LGPL-2.1-or-later
/* A line a device: "running" or "defined", the VF, and the domain's name up to the line's end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "converge/foreign.h"
#include "core/cleanup.h"
#include "core/mem.h"

#define RUNNING "running"
#define DEFINED "defined"

static bool read_line(char *line, struct foreigns *out)
{
	const char *word = strsep(&line, " "), *address = strsep(&line, " ");
	bool running = !strcmp(word, RUNNING);
	struct pciaddr host;

	if ((!running && strcmp(word, DEFINED) != 0) || !address || !line || !*line ||
	    !pciaddr_parse(address, &host))
		return false;
	foreigns_add(out, host, line, running);
	return true;
}

bool foreigns_recall(const struct memo *memo, const struct memo_mark *mark, struct foreigns *out)
{
	cleanup_free char *text = memo_read(memo, mark);
	struct foreigns found = {0};
	char *rest = text, *line;

	while (rest && *rest) {
		line = strsep(&rest, "\n");
		/* The last one has its end, too, or the file is not whole. */
		if (!rest || !read_line(line, &found)) {
			foreigns_clear(&found);
			return false;
		}
	}
	*out = found;
	return text;
}

static bool is_local(struct virt *virt)
{
	cleanup_free char *uri = virt->ops->uri(virt);

	return uri && !strcmp(uri, MEMO_URI);
}

void foreigns_keep(struct edges *edges, const struct memo_mark *mark,
		   const struct foreigns *foreigns)
{
	cleanup_free char *text = NULL;
	size_t size;
	FILE *out;

	if (foreigns->incomplete || !is_local(edges->virt))
		return;
	out = open_memstream(&text, &size);
	if (!out)
		return;
	for (size_t i = 0; i < foreigns->n; i++) {
		const struct foreign *foreign = &foreigns->items[i];

		(void)fprintf(out, "%s %s %s\n", foreign->running ? RUNNING : DEFINED,
			      pciaddr_str(foreign->host), foreign->domain);
		if (!*foreign->domain || strchr(foreign->domain, '\n')) {
			(void)fclose(out);
			return;
		}
	}
	if (!fclose(out))
		memo_write(edges->memo, mark, text);
}
