// SPDX-License-Identifier: LGPL-2.1-or-later
/* systemd's .link and .network files. */
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
	if (ini_is(ini, "Match", "Name")) /* of .network files */
		return any_glob(value, pf->netdev);
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

/* What a file and its drop-ins have for a PF. */
struct effect {
	long count; /* -1: nothing */
	const char *count_path;
	const char *sets_path; /* settings of VFs; NULL: none */
};

static void read_effect(const struct ini *ini, const char *path, struct effect *effect)
{
	cleanup_free char *value = NULL;

	if (ini->key && ini_is(ini, "Link", "SR-IOVVirtualFunctions")) {
		value = ini_value(ini);
		effect->count = strtol(value, NULL, 10);
		effect->count_path = path;
	} else if (ini->key && ini_is(ini, "SR-IOV", "VirtualFunction")) {
		effect->sets_path = path;
	}
}

/* "X.link.d/Y.conf" adds to "X.link", wherever the two are. */
static bool is_drop_in_of(const char *path, const char *unit)
{
	const char *name = strrchr(unit, '/') + 1, *file = strrchr(path, '/');
	size_t length = strlen(name);

	return file - path > (ptrdiff_t)length + 2 && strncmp(file - 2, ".d", 2) == 0 &&
	       strncmp(file - 2 - length, name, length) == 0 && file[-3 - (ptrdiff_t)length] == '/';
}

static void read_drop_ins(const struct text_files *files, const char *unit, struct effect *effect)
{
	for (size_t i = 0; i < files->n; i++) {
		struct ini ini = {.rest = files->items[i].text};

		while (is_drop_in_of(files->items[i].path, unit) && ini_next(&ini))
			read_effect(&ini, files->items[i].path, effect);
	}
}

static enum match read_unit(const struct text_file *file, const struct text_files *drop_ins,
			    const struct pf *pf, struct effect *effect)
{
	struct ini ini = {.rest = file->text};
	enum match match = MATCH_YES;
	bool matches = false;

	*effect = (struct effect){.count = -1};
	while (ini_next(&ini)) {
		if (ini.key && ini_in(&ini, "Match")) {
			matches = true;
			match = match_both(match, link_line(&ini, pf));
		}
		read_effect(&ini, file->path, effect);
	}
	read_drop_ins(drop_ins, file->path, effect);
	return matches ? match : MATCH_NO;
}

static void add_setter(struct keepers *keepers, enum setter_kind kind, const struct effect *effect,
		       enum match match)
{
	const struct setter setter = {.kind = kind, .path = effect->sets_path};

	if (setter.path)
		keepers_add_setter(keepers, &setter, match);
}

/* The first one that fits is the only one that counts. */
static void read_links(struct keepers *keepers, const struct keeper_facts *facts,
		       const struct pf *pf)
{
	for (size_t i = 0; i < facts->links.n; i++) {
		struct effect effect;
		enum match match = read_unit(&facts->links.items[i], &facts->drop_ins, pf, &effect);
		const struct keeper keeper = {
			.kind = KEEPER_LINK, .path = effect.count_path, .count = effect.count};

		if (effect.count >= 0)
			keepers_add(keepers, &keeper, match);
		add_setter(keepers, SETTER_LINK, &effect, match);
		if (match == MATCH_YES)
			return;
	}
}

static void read_networks(struct keepers *keepers, const struct keeper_facts *facts,
			  const struct pf *pf)
{
	for (size_t i = 0; i < facts->networks.n; i++) {
		struct effect effect;
		enum match match =
			read_unit(&facts->networks.items[i], &facts->drop_ins, pf, &effect);

		add_setter(keepers, SETTER_NETWORKD, &effect, match);
		if (match == MATCH_YES)
			return;
	}
}

void keepers_find_links(struct keepers *keepers, const struct keeper_facts *facts,
			const struct pf *pf)
{
	if (!pf->netdev)
		return;
	read_links(keepers, facts, pf);
	read_networks(keepers, facts, pf);
}
