// SPDX-License-Identifier: LGPL-2.1-or-later
/* NetworkManager. */
#include <stdlib.h>
#include <string.h>

#include "check/keeping.h"
#include "core/cleanup.h"
#include "core/mem.h"

/* One of a list, which ends each of its words with a semicolon; *value is taken to pieces. */
static enum match any_of(char *value, const char *name)
{
	enum match match = MATCH_NO;

	for (char *word; (word = strsep(&value, ";"));)
		if (*word && match_glob(word, name) > match)
			match = match_glob(word, name);
	return match;
}

/* Does one line of the connection speak of this PF? *named: it names an interface at all. */
static enum match nm_line(const struct ini *ini, const struct pf *pf, bool *named)
{
	cleanup_free char *value = ini->key ? ini_value(ini) : NULL, *path = path_id(pf);
	enum match match;

	if (ini_is(ini, "connection", "interface-name")) {
		match = pf->netdev ? match_if(strcmp(value, pf->netdev) == 0) : MATCH_MAYBE;
	} else if (ini_is(ini, "ethernet", "mac-address") ||
		   ini_is(ini, "802-3-ethernet", "mac-address")) {
		match = match_mac(value, pf);
	} else if (ini_is(ini, "match", "path")) {
		match = any_of(value, path);
	} else if (ini_is(ini, "match", "interface-name")) {
		match = any_of(value, pf->netdev);
	} else {
		return MATCH_YES;
	}
	*named = true;
	return match;
}

static void read_keyfile(struct keepers *keepers, const struct text_file *file, const struct pf *pf)
{
	struct ini ini = {.rest = file->text};
	struct keeper keeper = {.kind = KEEPER_NM, .path = file->path};
	cleanup_free char *id = NULL;
	enum match match = MATCH_YES;
	bool named = false, sriov = false, sets = false;

	while (ini_next(&ini)) {
		cleanup_free char *value = ini.key ? ini_value(&ini) : NULL;

		sriov |= ini_in(&ini, "sriov");
		sets |= ini.key && ini_in(&ini, "sriov") && !strncmp(ini.key, "vf.", 3);
		match = match_both(match, nm_line(&ini, pf, &named));
		if (ini_is(&ini, "connection", "id")) {
			free(id);
			id = steal(&value);
		} else if (ini_is(&ini, "sriov", "total-vfs")) {
			keeper.count = strtol(value, NULL, 10);
		} else if (ini_is(&ini, "sriov", "preserve-on-down")) {
			keeper.preserves = strcmp(value, "1") == 0 || strcmp(value, "yes") == 0;
		}
	}
	if (!sriov)
		return;
	keeper.id = id;
	match = named ? match : match_both(match, MATCH_MAYBE);
	keepers_add(keepers, &keeper, match);
	if (sets)
		keepers_add_setter(
			keepers, &(struct setter){.kind = SETTER_NM, .path = file->path, .id = id},
			match);
}

/* The older form, of which there are still some: shell variables. */
static void read_ifcfg(struct keepers *keepers, const struct text_file *file, const struct pf *pf)
{
	cleanup_free char *total = assigned_value(file->text, "SRIOV_TOTAL_VFS");
	cleanup_free char *device = assigned_value(file->text, "DEVICE");
	cleanup_free char *mac = assigned_value(file->text, "HWADDR");
	cleanup_free char *id = assigned_value(file->text, "NAME");
	struct keeper keeper = {.kind = KEEPER_NM, .path = file->path, .id = id};
	enum match match = MATCH_MAYBE;

	if (!total)
		return;
	if (device && pf->netdev)
		match = match_if(strcmp(device, pf->netdev) == 0);
	else if (mac)
		match = match_mac(mac, pf);
	keeper.count = strtol(total, NULL, 10);
	keepers_add(keepers, &keeper, match);
}

/* One word of match-device. */
static enum match device_word(const char *word, const struct pf *pf)
{
	if (strcmp(word, "*") == 0 || strcmp(word, "type:ethernet") == 0)
		return MATCH_YES;
	if (strncmp(word, "interface-name:", 15) == 0)
		return match_glob(word + 15 + (word[15] == '='), pf->netdev);
	if (strncmp(word, "driver:", 7) == 0)
		return match_glob(word + 7, pf->driver);
	if (strncmp(word, "mac:", 4) == 0)
		return match_mac(word + 4, pf);
	return strncmp(word, "type:", 5) == 0 ? MATCH_NO : MATCH_MAYBE;
}

/* What is excepted wins. */
static enum match match_device(const struct ini *ini, const struct pf *pf)
{
	cleanup_free char *value = ini_value(ini);
	char *rest = value;
	enum match match = MATCH_NO;

	for (char *word; (word = strsep(&rest, ",;"));) {
		bool except;

		word += strspn(word, " \t");
		except = strncmp(word, "except:", 7) == 0;
		if (except && device_word(word + 7, pf) == MATCH_YES)
			return MATCH_NO;
		if (*word && !except && device_word(word, pf) > match)
			match = device_word(word, pf);
	}
	return match;
}

static bool ini_key_is(const struct ini *ini, const char *key)
{
	return ini->key_length == strlen(key) && !strncmp(ini->key, key, ini->key_length);
}

/* The first section [device], [device-something] that fits and has a number. */
static enum match read_device(const struct text_file *file, const struct pf *pf, long *count)
{
	struct ini ini = {.rest = file->text};
	enum match match = MATCH_NO;
	bool more, device = false;

	*count = -1;
	do {
		more = ini_next(&ini);
		if (!more || !ini.key) {
			if (device && *count >= 0 && match != MATCH_NO)
				return match;
			device = more && ini.section_length >= 6 &&
				 !strncmp(ini.section, "device", 6);
			match = MATCH_YES;
			*count = -1;
		} else if (ini_key_is(&ini, "match-device")) {
			match = match_device(&ini, pf);
		} else if (ini_key_is(&ini, "sriov-num-vfs")) {
			*count = strtol(ini.value, NULL, 10);
		}
	} while (more);
	return MATCH_NO;
}

/* NetworkManager.conf and what adds to it: the last file wins. */
static void read_conf(struct keepers *keepers, const struct text_files *files, const struct pf *pf)
{
	for (size_t i = files->n; i > 0; i--) {
		const struct text_file *file = &files->items[i - 1];
		struct keeper keeper = {
			.kind = KEEPER_NM_CONF, .path = file->path, .preserves = true};
		enum match match = read_device(file, pf, &keeper.count);

		keepers_add(keepers, &keeper, match);
		if (match == MATCH_YES)
			return;
	}
}

void keepers_find_nm(struct keepers *keepers, const struct keeper_facts *facts, const struct pf *pf)
{
	for (size_t i = 0; i < facts->nm.n; i++) {
		read_keyfile(keepers, &facts->nm.items[i], pf);
		read_ifcfg(keepers, &facts->nm.items[i], pf);
	}
	read_conf(keepers, &facts->nm_conf, pf);
}
