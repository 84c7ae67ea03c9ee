// SPDX-License-Identifier: LGPL-2.1-or-later
/* udev's rules. */
#include <stdlib.h>
#include <string.h>

#include "check/keeping.h"
#include "core/cleanup.h"
#include "core/mem.h"

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
		if (match_glob(pattern, value) != MATCH_NO)
			return match_glob(pattern, value);
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
		return match_mac(value, pf);
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
			match = match_both(match, rule_token(&token, &device->pf, device->vendor,
							     device->device));
		else if (strcmp(token.op, "!=") == 0)
			match = match_both(match,
					   inverted(rule_token(&token, &device->pf, device->vendor,
							       device->device)));
		else if (ends_with(token.key, "sriov_numvfs}"))
			keeper.count = strtol(token.value, NULL, 10);
		else if (strncmp(token.key, "RUN", 3) == 0 || strncmp(token.key, "PROGRAM", 7) == 0)
			keeper.count = echoed_count(token.value);
	}
	if (keeper.count > -2)
		keepers_add(keepers, &keeper, match);
}

void keepers_find_rules(struct keepers *keepers, const struct keeper_facts *facts,
			const struct device_facts *device)
{
	const struct text_files *files = &facts->rules;

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
