// SPDX-License-Identifier: LGPL-2.1-or-later
/* NetworkManager. */
#include <stdlib.h>
#include <string.h>

#include "check/keeping.h"
#include "core/cleanup.h"
#include "core/mem.h"

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
		value[strcspn(value, ";")] = '\0';
		match = match_glob(value, path);
	} else if (ini_is(ini, "match", "interface-name")) {
		value[strcspn(value, ";")] = '\0';
		match = match_glob(value, pf->netdev);
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
	bool named = false, sriov = false;

	while (ini_next(&ini)) {
		cleanup_free char *value = ini.key ? ini_value(&ini) : NULL;

		sriov |= ini_in(&ini, "sriov");
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
	keepers_add(keepers, &keeper, named ? match : match_both(match, MATCH_MAYBE));
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

void keepers_find_nm(struct keepers *keepers, const struct keeper_facts *facts, const struct pf *pf)
{
	for (size_t i = 0; i < facts->nm.n; i++) {
		read_keyfile(keepers, &facts->nm.items[i], pf);
		read_ifcfg(keepers, &facts->nm.items[i], pf);
	}
}
