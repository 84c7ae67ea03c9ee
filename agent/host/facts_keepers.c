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
		cleanup_list struct names names;

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

static const char *const link_dirs[] = {"etc/systemd/network", "run/systemd/network",
					"usr/local/lib/systemd/network", "usr/lib/systemd/network",
					"lib/systemd/network"};

/* Those of one .link file, from wherever it may have some. */
static void read_drop_ins(int root, const char *link, struct text_files *out)
{
	char *dirs[ARRAY_SIZE(link_dirs)];
	const struct root_search search = {(const char *const *)dirs, ARRAY_SIZE(dirs), ".conf",
					   NULL};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		dirs[i] = mem_printf("%s%s.d", link_dirs[i], strrchr(link, '/'));
	root_search(root, &search, out);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		free(dirs[i]);
}

void facts_read_keepers_at(int root, struct keeper_facts *out)
{
	static const char *const rule_dirs[] = {"etc/udev/rules.d", "run/udev/rules.d",
						"usr/local/lib/udev/rules.d",
						"usr/lib/udev/rules.d", "lib/udev/rules.d"};
	static const struct root_search links = {link_dirs, ARRAY_SIZE(link_dirs), ".link", NULL};
	static const struct root_search rules = {rule_dirs, ARRAY_SIZE(rule_dirs), ".rules",
						 "sriov_numvfs"};

	out->read = root_exists(root, "etc");
	read_nm(root, out);
	root_search(root, &links, &out->links);
	root_search(root, &rules, &out->rules);
	for (size_t i = 0; i < out->links.n; i++)
		read_drop_ins(root, out->links.items[i].path, &out->drop_ins);
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
