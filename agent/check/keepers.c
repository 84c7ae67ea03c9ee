// SPDX-License-Identifier: LGPL-2.1-or-later
#include "check/keepers.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "check/devices.h"
#include "check/rules.h"
#include "check/words.h"
#include "core/cleanup.h"
#include "core/mem.h"

static const char *const kind_names[] = {
	[KEEPER_NM] = "networkmanager",
	[KEEPER_LINK] = "link",
	[KEEPER_RULE] = "udev",
};
static_assert(ARRAY_SIZE(kind_names) == KEEPER_RULE + 1, "a name for every kind");

const char *keeper_kind_name(enum keeper_kind kind)
{
	return kind_names[kind];
}

enum match { MATCH_NO, MATCH_MAYBE, MATCH_YES };

void keepers_clear(struct keepers *keepers)
{
	for (size_t i = 0; i < keepers->n; i++)
		free(keepers->items[i].id);
	free(keepers->items);
	*keepers = (struct keepers){0};
}

static enum match both(enum match a, enum match b)
{
	return a < b ? a : b;
}

static enum match yes_if(bool yes)
{
	return yes ? MATCH_YES : MATCH_NO;
}

/* A glob; without a value to hold against it nobody can tell. */
static enum match glob(const char *pattern, const char *value)
{
	if (!value)
		return MATCH_MAYBE;
	return yes_if(fnmatch(pattern, value, 0) == 0);
}

static enum match same_mac(const char *text, const struct pf *pf)
{
	struct mac mac;

	if (!mac_parse(text, &mac) || mac_is_zero(pf->mac))
		return MATCH_MAYBE;
	return yes_if(mac_equal(mac, pf->mac));
}

/* udev's ID_PATH. */
static char *path_id(const struct pf *pf)
{
	return mem_printf("pci-%s", pciaddr_str(pf->addr));
}

/* NetworkManager */

static char *ini_value(const struct ini *ini)
{
	return mem_printf("%.*s", (int)ini->value_length, ini->value);
}

/* Does one line of the connection speak of this PF? *named: it names an interface at all. */
static enum match nm_line(const struct ini *ini, const struct pf *pf, bool *named)
{
	cleanup_free char *value = ini->key ? ini_value(ini) : NULL, *path = path_id(pf);
	enum match match;

	if (ini_is(ini, "connection", "interface-name")) {
		match = pf->netdev ? yes_if(strcmp(value, pf->netdev) == 0) : MATCH_MAYBE;
	} else if (ini_is(ini, "ethernet", "mac-address") ||
		   ini_is(ini, "802-3-ethernet", "mac-address")) {
		match = same_mac(value, pf);
	} else if (ini_is(ini, "match", "path")) {
		value[strcspn(value, ";")] = '\0';
		match = glob(value, path);
	} else if (ini_is(ini, "match", "interface-name")) {
		value[strcspn(value, ";")] = '\0';
		match = glob(value, pf->netdev);
	} else {
		return MATCH_YES;
	}
	*named = true;
	return match;
}

static void add_keeper(struct keepers *keepers, const struct keeper *keeper, enum match match)
{
	struct keeper *new;

	if (match == MATCH_NO)
		return;
	new = mem_append(&keepers->items, &keepers->n, sizeof(*new));
	*new = *keeper;
	new->id = mem_strdup(keeper->id);
	new->certain = match == MATCH_YES;
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
		match = both(match, nm_line(&ini, pf, &named));
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
	add_keeper(keepers, &keeper, named ? match : both(match, MATCH_MAYBE));
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
		match = yes_if(strcmp(device, pf->netdev) == 0);
	else if (mac)
		match = same_mac(mac, pf);
	keeper.count = strtol(total, NULL, 10);
	add_keeper(keepers, &keeper, match);
}

/* systemd's .link files */

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
			return yes_if(!inverted);
	}
	return yes_if(inverted);
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
		enum match one = same_mac(text, pf);

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
static void read_links(struct keepers *keepers, const struct keeper_facts *facts,
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
				match = both(match, link_line(&ini, pf));
			}
			link_count(&ini, path, &keeper);
		}
		read_drop_ins(&facts->drop_ins, path, &keeper);
		if (!matches)
			match = MATCH_NO;
		if (keeper.count >= 0)
			add_keeper(keepers, &keeper, match);
		if (match == MATCH_YES)
			return;
	}
}

/* udev's rules */

/* KEY{attribute}OP"value" */
struct token {
	char *key; /* with its attribute */
	char op[3];
	char *value;
};

static void token_clear(struct token *token)
{
	free(token->key);
	free(token->value);
	*token = (struct token){0};
}

static bool token_next(const char **text, struct token *out)
{
	const char *p = *text + strspn(*text, " \t,"), *key = p, *end;
	size_t length = strcspn(p, "=!+-:\"\n"), op;

	/* An attribute can have such characters in its name. */
	if (memchr(p, '{', length)) {
		end = strchr(p, '}');
		if (!end)
			return false;
		length = (size_t)(end + 1 - p);
	}
	p += length;
	op = strspn(p, "=!+-:");
	if (!length || !op || op > 2 || p[op] != '"')
		return false;
	end = strchr(p + op + 1, '"');
	if (!end)
		return false;
	out->key = mem_printf("%.*s", (int)length, key);
	(void)memcpy(out->op, p, op);
	out->op[op] = '\0';
	out->value = mem_printf("%.*s", (int)(end - p - (ptrdiff_t)op - 1), p + op + 1);
	*text = end + 1;
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), n = strlen(end);

	return length >= n && strcmp(text + length - n, end) == 0;
}

/* The values that several globs with "|" between them can have. */
static enum match rule_glob(const char *patterns, const char *value)
{
	cleanup_free char *copy = mem_strdup(patterns);
	char *rest = copy, *pattern;

	while ((pattern = strsep(&rest, "|")))
		if (glob(pattern, value) != MATCH_NO)
			return glob(pattern, value);
	return MATCH_NO;
}

static enum match rule_token(const struct token *token, const struct pf *pf, uint16_t vendor,
			     uint16_t device)
{
	const char *key = token->key, *value = token->value;
	cleanup_free char *path = path_id(pf), *ids = NULL;
	enum match a, b;

	if (strcmp(key, "ACTION") == 0)
		return MATCH_YES;
	if (strcmp(key, "SUBSYSTEM") == 0) {
		a = rule_glob(value, "net");
		b = rule_glob(value, "pci");
		return a > b ? a : b;
	}
	if (strcmp(key, "KERNEL") == 0 || strcmp(key, "KERNELS") == 0) {
		a = rule_glob(value, pciaddr_str(pf->addr));
		b = pf->netdev ? rule_glob(value, pf->netdev) : MATCH_NO;
		return a > b ? a : b;
	}
	if (strcmp(key, "NAME") == 0 || strcmp(key, "ENV{INTERFACE}") == 0)
		return rule_glob(value, pf->netdev);
	if (strcmp(key, "DRIVER") == 0 || strcmp(key, "DRIVERS") == 0 ||
	    strcmp(key, "ENV{ID_NET_DRIVER}") == 0)
		return rule_glob(value, pf->driver);
	if (strcmp(key, "ENV{ID_PATH}") == 0)
		return rule_glob(value, path);
	if (strcmp(key, "ATTR{address}") == 0 || strcmp(key, "ATTRS{address}") == 0)
		return same_mac(value, pf);
	/* What is there when it is asked decides; that is no question of which PF. */
	if (ends_with(key, "sriov_numvfs}"))
		return MATCH_YES;
	if (ends_with(key, "{vendor}") || ends_with(key, "{device/vendor}"))
		ids = mem_printf("0x%04x", vendor);
	else if (ends_with(key, "{device}") || ends_with(key, "{device/device}"))
		ids = mem_printf("0x%04x", device);
	return ids ? rule_glob(value, ids) : MATCH_MAYBE;
}

static enum match inverted(enum match match)
{
	switch (match) {
	case MATCH_NO:
		return MATCH_YES;
	case MATCH_YES:
		return MATCH_NO;
	case MATCH_MAYBE:
		break;
	}
	return MATCH_MAYBE;
}

/* "/bin/sh -c 'echo 4 > …/sriov_numvfs'" */
static long echoed_count(const char *command)
{
	const char *echo = strstr(command, "echo ");

	if (!strstr(command, "sriov_numvfs"))
		return -2;
	return echo && strspn(echo + 5, "0123456789") ? strtol(echo + 5, NULL, 10) : -1;
}

static void read_rule(struct keepers *keepers, const struct text_file *file, const char *line,
		      const struct device_facts *device)
{
	struct keeper keeper = {.kind = KEEPER_RULE, .path = file->path, .count = -2};
	cleanup(token_clear) struct token token = {0};
	enum match match = MATCH_YES;

	while (token_clear(&token), token_next(&line, &token)) {
		if (strcmp(token.op, "==") == 0 && ends_with(token.key, "sriov_numvfs}"))
			keeper.patient = strcmp(token.value, "0") == 0;
		else if (strcmp(token.op, "==") == 0)
			match = both(match, rule_token(&token, &device->pf, device->vendor,
						       device->device));
		else if (strcmp(token.op, "!=") == 0)
			match = both(match, inverted(rule_token(&token, &device->pf, device->vendor,
								device->device)));
		else if (ends_with(token.key, "sriov_numvfs}"))
			keeper.count = strtol(token.value, NULL, 10);
		else if (strncmp(token.key, "RUN", 3) == 0 || strncmp(token.key, "PROGRAM", 7) == 0)
			keeper.count = echoed_count(token.value);
	}
	if (keeper.count > -2)
		add_keeper(keepers, &keeper, match);
}

static void read_rules(struct keepers *keepers, const struct text_files *files,
		       const struct device_facts *device)
{
	for (size_t i = 0; i < files->n; i++) {
		cleanup_free char *copy = mem_strdup(files->items[i].text);
		char *rest, *line;

		for (char *p = copy; (p = strstr(p, "\\\n"));)
			p[0] = p[1] = ' ';
		rest = copy;
		while ((line = strsep(&rest, "\n")))
			if (line[strspn(line, " \t")] != '#' && strstr(line, "sriov_numvfs"))
				read_rule(keepers, &files->items[i], line, device);
	}
}

/* Judging */

static const char *keeper_words(enum keeper_kind kind)
{
	switch (kind) {
	case KEEPER_NM:
		return "NetworkManager's connection ";
	case KEEPER_LINK:
	case KEEPER_RULE:
		break;
	}
	return "";
}

/* With some drivers nothing that udev does at boot comes at the right time. */
static bool udev_fails(const struct device_facts *device)
{
	const struct known_device *known = known_device(device->vendor, device->device);

	return known && known->udev_fails;
}

static char *mend_by_service(const struct pf *pf)
{
	return mem_printf("make them in a service that runs before libvirt's: ExecStart=/bin/sh -c "
			  "'echo %u > /sys/bus/pci/devices/%s/sriov_numvfs'",
			  pf->num_vfs, pciaddr_str(pf->addr));
}

static void judge_none(struct judging *j)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free char *name = shell_word(pf_str(pf));

	if (pf->num_vfs)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       udev_fails(j->device)
			       ? mend_by_service(pf)
			       : mem_printf("vfpool set-vfs %s %u --persist", name, pf->num_vfs),
		       "no udev rule, .link file or NetworkManager connection makes its VFs again "
		       "after a reboot");
}

static void judge_nm(struct judging *j, const struct keeper *keeper)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free char *id = shell_word(keeper->id ? keeper->id : keeper->path);
	cleanup_free char *name = shell_word(pf_str(pf));

	if (keeper->count != (long)pf->num_vfs)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       mem_printf("nmcli connection modify %s sriov.total-vfs %u", id, pf->num_vfs),
		       "NetworkManager's connection %s makes it %ld VFs when it comes up: the %u "
		       "that are there, also in guests, vanish",
		       id, keeper->count, pf->num_vfs);
	else if (!keeper->preserves)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       mem_printf("nmcli connection modify %s sriov.preserve-on-down yes (from "
				  "NetworkManager 1.54 on), else: nmcli connection modify %s "
				  "remove sriov && vfpool set-vfs %s %u --persist",
				  id, id, name, pf->num_vfs),
		       "NetworkManager's connection %s takes all VFs away, also from guests, when "
		       "it goes down",
		       id);
	else
		report(j, CHECK_PERSISTENCE, VERDICT_PASS, NULL,
		       "NetworkManager's connection %s makes %ld", id, keeper->count);
}

static void judge_udev(struct judging *j, const struct keeper *keeper)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free char *path = shell_word(keeper->path), *name = shell_word(pf_str(pf));
	cleanup_free char *service = mend_by_service(pf);

	if (udev_fails(j->device))
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       mem_printf("take %s away, and %s", path, service),
		       "%s does not work: with this driver VFs do not come back by udev",
		       keeper->path);
	else if (keeper->count < 0)
		report(j, CHECK_PERSISTENCE, VERDICT_PASS, NULL, "%s sets their number",
		       keeper->path);
	else if (keeper->count != (long)pf->num_vfs && keeper->patient)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       mem_printf("vfpool set-vfs %s %u --persist", name, pf->num_vfs),
		       "%s makes it %ld VFs after a reboot, not %u", keeper->path, keeper->count,
		       pf->num_vfs);
	else if (keeper->count != (long)pf->num_vfs)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       /* Its own file is written anew. */
		       strstr(keeper->path, "vfpool-")
			       ? mem_printf("vfpool set-vfs %s %u --persist", name, pf->num_vfs)
			       : mem_printf("vfpool set-vfs %s %u --persist, and take %s away",
					    name, pf->num_vfs, path),
		       "%s makes it %ld VFs at the next boot, or whenever udev handles its "
		       "interface anew: the %u that are there, also in guests, vanish",
		       keeper->path, keeper->count, pf->num_vfs);
	else
		report(j, CHECK_PERSISTENCE, VERDICT_PASS, NULL, "%s makes %ld%s", keeper->path,
		       keeper->count, keeper->certain ? "" : ", if it means this PF");
}

/* Two that are certain, and of two minds. */
static bool judge_quarrel(struct judging *j, const struct keepers *keepers)
{
	const struct keeper *first = NULL;

	for (size_t i = 0; i < keepers->n; i++) {
		const struct keeper *keeper = &keepers->items[i];

		if (!keeper->certain || keeper->count < 0)
			continue;
		if (!first) {
			first = keeper;
		} else if (keeper->count != first->count) {
			report(j, CHECK_PERSISTENCE, VERDICT_WARN,
			       mem_strdup("leave the number to one of them, and take it out of the "
					  "other"),
			       "%s%s makes %ld VFs, and %s%s makes %ld", keeper_words(first->kind),
			       first->path, first->count, keeper_words(keeper->kind), keeper->path,
			       keeper->count);
			return true;
		}
	}
	return false;
}

void keepers_find(const struct keeper_facts *facts, const struct device_facts *device,
		  struct keepers *out)
{
	*out = (struct keepers){0};
	for (size_t i = 0; i < facts->nm.n; i++) {
		read_keyfile(out, &facts->nm.items[i], &device->pf);
		read_ifcfg(out, &facts->nm.items[i], &device->pf);
	}
	read_links(out, facts, &device->pf);
	read_rules(out, &facts->rules, device);
}

const struct keeper *keepers_first(const struct keepers *keepers)
{
	const struct keeper *first = keepers->n ? &keepers->items[0] : NULL;

	for (size_t i = 1; i < keepers->n && !first->certain; i++)
		first = &keepers->items[i];
	return first;
}

void judge_persistence(struct judging *j)
{
	const struct keeper_facts *facts = &j->facts->keepers;
	cleanup(keepers_clear) struct keepers keepers = {0};
	const struct keeper *keeper;

	if (!facts->read)
		return;
	keepers_find(facts, j->device, &keepers);
	keeper = keepers_first(&keepers);
	if (!keeper) {
		judge_none(j);
		return;
	}
	if (judge_quarrel(j, &keepers))
		return;
	switch (keeper->kind) {
	case KEEPER_NM:
		judge_nm(j, keeper);
		break;
	case KEEPER_LINK:
	case KEEPER_RULE:
		judge_udev(j, keeper);
		break;
	}
}
