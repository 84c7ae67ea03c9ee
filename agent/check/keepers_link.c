// SPDX-License-Identifier: LGPL-2.1-or-later
/* systemd's .link files. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "check/keeping.h"
#include "core/cleanup.h"
#include "core/mem.h"

/* A list of globs, of which one must fit; "!" before them turns that round. */
static enum match any_glob(const char *patterns, const char *value)
{
	bool inverted = *patterns == '!';
	const char *rest = patterns + inverted, *word;
	size_t length;

	if (!value)
		return MATCH_MAYBE;
	while ((word = next_word(&rest, &length))) {
		cleanup_free char *pattern = mem_printf("%.*s", (int)length, word);

		if (fnmatch(pattern, value, 0) == 0)
			return match_if(!inverted);
	}
	return match_if(inverted);
}

/* The name that the kernel first gave it is not known any more. */
static enum match original_name(const char *patterns, const struct pf *pf)
{
	enum match match = any_glob(patterns, pf->netdev);

	return match == MATCH_NO && strstr(patterns, "eth") ? MATCH_MAYBE : match;
}

static enum match any_mac(const char *list, const struct pf *pf)
{
	enum match match = MATCH_NO;
	const char *word;
	size_t length;

	while ((word = next_word(&list, &length))) {
		cleanup_free char *text = mem_printf("%.*s", (int)length, word);
		enum match one = match_mac(text, pf);

		match = one > match ? one : match;
	}
	return match;
}

static enum match link_line(const struct ini *ini, const struct pf *pf)
{
	cleanup_free char *value = ini_value(ini), *path = path_id(pf);

	if (ini_is(ini, "Match", "OriginalName"))
		return original_name(value, pf);
	if (ini_is(ini, "Match", "Path"))
		return any_glob(value, path);
	if (ini_is(ini, "Match", "Driver"))
		return any_glob(value, pf->driver);
	if (ini_is(ini, "Match", "Type"))
		return any_glob(value, "ether");
	if (ini_is(ini, "Match", "Kind"))
		return *value == '!' ? MATCH_YES : MATCH_NO;
	if (ini_is(ini, "Match", "MACAddress") || ini_is(ini, "Match", "PermanentMACAddress"))
		return any_mac(value, pf);
	return MATCH_MAYBE;
}

/* The number that a file sets, if it does. */
static void link_count(const struct ini *ini, const char *path, struct keeper *keeper)
{
	cleanup_free char *value = NULL;

	if (!ini->key || !ini_is(ini, "Link", "SR-IOVVirtualFunctions"))
		return;
	value = ini_value(ini);
	keeper->count = strtol(value, NULL, 10);
	keeper->path = path;
}

/* "X.link.d/Y.conf" adds to "X.link", wherever the two are. */
static bool is_drop_in_of(const char *path, const char *link)
{
	const char *name = strrchr(link, '/') + 1, *file = strrchr(path, '/');
	size_t length = strlen(name);

	return file - path > (ptrdiff_t)length + 2 && strncmp(file - 2, ".d", 2) == 0 &&
	       strncmp(file - 2 - length, name, length) == 0 && file[-3 - (ptrdiff_t)length] == '/';
}

static void read_drop_ins(const struct text_files *files, const char *link, struct keeper *keeper)
{
	for (size_t i = 0; i < files->n; i++) {
		struct ini ini = {.rest = files->items[i].text};

		while (is_drop_in_of(files->items[i].path, link) && ini_next(&ini))
			link_count(&ini, files->items[i].path, keeper);
	}
}

/* The first one that fits is the only one that counts. */
void keepers_find_links(struct keepers *keepers, const struct keeper_facts *facts,
			const struct pf *pf)
{
	const struct text_files *files = &facts->links;

	for (size_t i = 0; pf->netdev && i < files->n; i++) {
		const char *path = files->items[i].path;
		struct ini ini = {.rest = files->items[i].text};
		struct keeper keeper = {.kind = KEEPER_LINK, .path = path, .count = -1};
		enum match match = MATCH_YES;
		bool matches = false;

		while (ini_next(&ini)) {
			if (!ini.key)
				continue;
			if (ini_in(&ini, "Match")) {
				matches = true;
				match = match_both(match, link_line(&ini, pf));
			}
			link_count(&ini, path, &keeper);
		}
		read_drop_ins(&facts->drop_ins, path, &keeper);
		if (!matches)
			match = MATCH_NO;
		if (keeper.count >= 0)
			keepers_add(keepers, &keeper, match);
		if (match == MATCH_YES)
			return;
	}
}
