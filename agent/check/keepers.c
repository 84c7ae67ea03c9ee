// SPDX-License-Identifier: LGPL-2.1-or-later
#include "check/keepers.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "check/keeping.h"
#include "core/cleanup.h"
#include "core/mem.h"

static const char *const kind_names[] = {
	[KEEPER_NM] = "networkmanager",
	[KEEPER_NM_CONF] = "networkmanager",
	[KEEPER_LINK] = "link",
	[KEEPER_RULE] = "udev",
};
static_assert(ARRAY_SIZE(kind_names) == KEEPER_RULE + 1, "a name for every kind");

const char *keeper_kind_name(enum keeper_kind kind)
{
	return kind_names[kind];
}

void keepers_clear(struct keepers *keepers)
{
	for (size_t i = 0; i < keepers->n; i++)
		free(keepers->items[i].id);
	free(keepers->items);
	for (size_t i = 0; i < keepers->nsetters; i++)
		free(keepers->setters[i].id);
	free(keepers->setters);
	*keepers = (struct keepers){0};
}

enum match match_both(enum match a, enum match b)
{
	return a < b ? a : b;
}

enum match match_if(bool yes)
{
	return yes ? MATCH_YES : MATCH_NO;
}

/* A glob; without a value to hold against it nobody can tell. */
enum match match_glob(const char *pattern, const char *value)
{
	if (!value)
		return MATCH_MAYBE;
	return match_if(fnmatch(pattern, value, 0) == 0);
}

enum match match_mac(const char *text, const struct pf *pf)
{
	struct mac mac;

	if (!mac_parse(text, &mac) || mac_is_zero(pf->mac))
		return MATCH_MAYBE;
	return match_if(mac_equal(mac, pf->mac));
}

/* udev's ID_PATH. */
char *path_id(const struct pf *pf)
{
	return mem_printf("pci-%s", pciaddr_str(pf->addr));
}

char *ini_value(const struct ini *ini)
{
	return mem_printf("%.*s", (int)ini->value_length, ini->value);
}

void keepers_add(struct keepers *keepers, const struct keeper *keeper, enum match match)
{
	struct keeper *new;

	if (match == MATCH_NO)
		return;
	new = mem_append(&keepers->items, &keepers->n, sizeof(*new));
	*new = *keeper;
	new->id = mem_strdup(keeper->id);
	new->certain = match == MATCH_YES;
}

void keepers_add_setter(struct keepers *keepers, const struct setter *setter, enum match match)
{
	struct setter *new;

	if (match == MATCH_NO)
		return;
	new = mem_append(&keepers->setters, &keepers->nsetters, sizeof(*new));
	*new = *setter;
	new->id = mem_strdup(setter->id);
	new->certain = match == MATCH_YES;
}

void keepers_find(const struct keeper_facts *facts, const struct device_facts *device,
		  struct keepers *out)
{
	*out = (struct keepers){0};
	keepers_find_nm(out, facts, &device->pf);
	keepers_find_links(out, facts, &device->pf);
	keepers_find_rules(out, facts, device);
}

const struct keeper *keepers_first(const struct keepers *keepers)
{
	const struct keeper *first = keepers->n ? &keepers->items[0] : NULL;

	for (size_t i = 1; i < keepers->n && !first->certain; i++)
		first = &keepers->items[i];
	return first;
}
