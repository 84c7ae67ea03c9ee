// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who keeps the number of VFs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "host/facts_reader.h"

#define CONNECTIONS_MAX 1024

static void read_nm(int root, struct keeper_facts *out)
{
	static const struct {
		const char *dir, *with;
	} places[] = {
		{"etc/NetworkManager/system-connections", "[sriov]"},
		{"run/NetworkManager/system-connections", "[sriov]"},
		{"usr/lib/NetworkManager/system-connections", "[sriov]"},
		{"etc/sysconfig/network-scripts", "SRIOV_TOTAL_VFS"},
	};

	out->nm_read = true;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		cleanup_names struct names names;

		if (!root_list(root, places[i].dir, &names))
			out->nm_read &= errno == ENOENT || errno == ENOTDIR;
		for (size_t j = 0; j < names.n && j < CONNECTIONS_MAX; j++) {
			cleanup_free char *path =
				mem_printf("%s/%s", places[i].dir, names.items[j]);
			char *text;

			errno = 0;
			text = root_text(root, path, CONFIG_SIZE);
			if (!text && errno == EACCES)
				out->nm_read = false;
			if (text && strstr(text, places[i].with))
				root_keep(&out->nm, path, text);
			else
				free(text);
		}
	}
}

/* What is in /etc comes before the same name elsewhere; by its name, and NetworkManager.conf last
 * but /etc's own. */
static void read_nm_conf(int root, struct keeper_facts *out)
{
	static const char *const dirs[] = {"etc/NetworkManager/conf.d", "run/NetworkManager/conf.d",
					   "usr/lib/NetworkManager/conf.d"};
	static const struct root_search search = {dirs, ARRAY_SIZE(dirs), ".conf", "sriov-num-vfs"};
	static const char main_file[] = "etc/NetworkManager/NetworkManager.conf";
	char *text = root_text(root, main_file, CONFIG_SIZE);

	if (text && strstr(text, search.with))
		root_keep(&out->nm_conf, main_file, text);
	else
		free(text);
	root_search(root, &search, &out->nm_conf);
}

static const char *const network_dirs[] = {"etc/systemd/network", "run/systemd/network",
					   "usr/local/lib/systemd/network",
					   "usr/lib/systemd/network", "lib/systemd/network"};

/* Those of one file, from wherever it may have some. */
static void read_drop_ins(int root, const char *file, struct text_files *out)
{
	char *dirs[ARRAY_SIZE(network_dirs)];
	const struct root_search search = {(const char *const *)dirs, ARRAY_SIZE(dirs), ".conf",
					   NULL};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		dirs[i] = mem_printf("%s%s.d", network_dirs[i], strrchr(file, '/'));
	root_search(root, &search, out);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		free(dirs[i]);
}

static void read_units(int root, const char *suffix, struct text_files *out,
		       struct text_files *drop_ins)
{
	const struct root_search search = {network_dirs, ARRAY_SIZE(network_dirs), suffix, NULL};

	root_search(root, &search, out);
	for (size_t i = 0; i < out->n; i++)
		read_drop_ins(root, out->items[i].path, drop_ins);
}

void facts_read_keepers_at(int root, struct keeper_facts *out)
{
	static const char *const rule_dirs[] = {"etc/udev/rules.d", "run/udev/rules.d",
						"usr/local/lib/udev/rules.d",
						"usr/lib/udev/rules.d", "lib/udev/rules.d"};
	static const struct root_search rules = {rule_dirs, ARRAY_SIZE(rule_dirs), ".rules",
						 "sriov_numvfs"};

	out->read = root_exists(root, "etc");
	read_nm(root, out);
	read_nm_conf(root, out);
	root_search(root, &rules, &out->rules);
	read_units(root, ".link", &out->links, &out->drop_ins);
	read_units(root, ".network", &out->networks, &out->drop_ins);
}

int facts_read_keepers(const char *root, struct keeper_facts *out, struct err **err)
{
	cleanup_close int fd = -1;

	*out = (struct keeper_facts){0};
	if (root_open(root ? root : "/", &fd, err) < 0)
		return -1;
	facts_read_keepers_at(fd, out);
	return 0;
}
