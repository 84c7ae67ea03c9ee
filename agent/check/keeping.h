/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What those who look for keepers (keepers_*.c) share. */
#ifndef VFPOOL_CHECK_KEEPING_H
#define VFPOOL_CHECK_KEEPING_H

#include "check/keepers.h"
#include "check/words.h"

/* Does it mean this PF? */
enum match { MATCH_NO, MATCH_MAYBE, MATCH_YES };

enum match match_both(enum match a, enum match b);
enum match match_if(bool yes);

/* A glob; without a value to hold against it nobody can tell. */
enum match match_glob(const char *pattern, const char *value);
enum match match_mac(const char *text, const struct pf *pf);

/* udev's ID_PATH. The caller frees it. */
char *path_id(const struct pf *pf);

char *ini_value(const struct ini *ini); /* The caller frees it. */

/* Copies *keeper with its id; MATCH_NO: not at all. */
void keepers_add(struct keepers *keepers, const struct keeper *keeper, enum match match);

void keepers_add_setter(struct keepers *keepers, const struct setter *setter, enum match match);

/* NetworkManager's connections, and its own settings */
void keepers_find_nm(struct keepers *keepers, const struct keeper_facts *facts,
		     const struct pf *pf);
/* systemd's .link files, and its .network files as far as they set VFs to something */
void keepers_find_links(struct keepers *keepers, const struct keeper_facts *facts,
			const struct pf *pf);
/* udev's rules */
void keepers_find_rules(struct keepers *keepers, const struct keeper_facts *facts,
			const struct device_facts *device);

#endif
