// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/persist.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/child.h"
#include "host/file.h"

#define RULES_DIR "etc/udev/rules.d"
#define LINKS_DIR "etc/systemd/network"
#define UNITS_DIR "etc/systemd/system"
#define ASK_MS 5000
#define RELOAD_MS 20000
#define LINK_SINCE 251 /* the systemd that has SR-IOVVirtualFunctions= */
#define KEY "SR-IOVVirtualFunctions"

bool persist_kind_parse(const char *text, enum persist_kind *out)
{
	if (!strcmp(text, "udev"))
		*out = PERSIST_UDEV;
	else if (!strcmp(text, "link"))
		*out = PERSIST_LINK;
	else
		return false;
	return true;
}

struct places {
	const char *root;
	char *rules_dir, *rules; /* directory, and the name of the file in it */
	char *links_dir, *link;
	char *drop_in; /* a name in the directory of the .link file's drop-ins */
};

static struct places places_of(const char *root, struct pciaddr pf)
{
	const char *address = pciaddr_str(pf);

	return (struct places){
		.root = root,
		.rules_dir = mem_printf("%s/" RULES_DIR, root),
		.rules = mem_printf("70-vfpool-%s.rules", address),
		.links_dir = mem_printf("%s/" LINKS_DIR, root),
		.link = mem_printf("10-vfpool-%s.link", address),
		.drop_in = mem_printf("vfpool-%s.conf", address),
	};
}

static void places_clear(struct places *places)
{
	free(places->rules_dir);
	free(places->rules);
	free(places->links_dir);
	free(places->link);
	free(places->drop_in);
}

bool persist_prebinds(const char *root, struct pciaddr pf)
{
	cleanup(places_clear) struct places places = places_of(root, pf);
	cleanup_free char *path = mem_printf("%s/%s", places.rules_dir, places.rules);
	cleanup_free char *text = NULL;

	return !file_read(path, &text, NULL) && strstr(text, "vfio-pci");
}

/* Which .link file udev applies, and what is in it; .path is NULL where there is none. */
struct applied {
	char *path;
	char *text;
	bool own;
};

static void applied_clear(struct applied *applied)
{
	free(applied->path);
	free(applied->text);
}

static char *property(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && line[length] == '=')
			return mem_printf("%.*s", (int)strcspn(line + length + 1, "\n"),
					  line + length + 1);
	}
	return NULL;
}

/* udev knows what it has applied; to find that out by the rules of matching would be guesswork. */
static int find_applied(const char *root, const struct pf *pf, struct applied *out,
			struct err **err)
{
	cleanup_free char *net = mem_printf("--path=/sys/class/net/%s", pf->netdev);
	const char *const argv[] = {"udevadm", "info", "--query=property", net, NULL};
	cleanup_free char *answer = NULL, *path = NULL;

	*out = (struct applied){0};
	if (child_run(argv, clock_now() + ASK_MS, &answer, err))
		return err_wrap(err, "asking udev about %s", pf->netdev);
	out->path = property(answer, "ID_NET_LINK_FILE");
	if (!out->path)
		return 0;
	path = mem_printf("%s/%s", root, out->path);
	if (file_read(path, &out->text, err)) {
		applied_clear(out);
		return -1;
	}
	out->own = persist_link_is_own(out->text);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static char *drop_ins_dir(const struct places *places, const char *link)
{
	return mem_printf("%s/%s.d", places->links_dir, base_name(link));
}

/* libvirt's daemons, which are to wait */

static const char *const daemons[] = {"libvirtd", "virtqemud", "virtnetworkd"};

static char *wait_dir(const struct places *places, size_t i)
{
	return mem_printf("%s/" UNITS_DIR "/%s.service.d", places->root, daemons[i]);
}

/* systemd is told now, so that it does not complain about files that have changed. */
static void reload(const struct places *places)
{
	const char *const argv[] = {"systemctl", "daemon-reload", NULL};
	cleanup_free char *words = NULL;

	if (!*places->root)
		(void)child_run(argv, clock_now() + RELOAD_MS, &words, NULL);
}

static int write_waits(const struct places *places, const struct persist *p, struct err **err)
{
	cleanup_free char *units = mem_printf("%s/" UNITS_DIR, places->root);
	cleanup_free char *udevadm = mem_printf("%s/usr/bin/udevadm", places->root), *text = NULL;

	/* Another init starts the daemons in an order of its own. */
	if (access(units, F_OK))
		return 0;
	text = persist_wait(p, access(udevadm, X_OK) ? "/sbin/udevadm" : "/usr/bin/udevadm");
	for (size_t i = 0; i < ARRAY_SIZE(daemons); i++) {
		cleanup_free char *dir = wait_dir(places, i);

		if (file_replace(dir, places->drop_in, text, err))
			return -1;
	}
	reload(places);
	return 0;
}

static int forget_waits(const struct places *places, struct err **err)
{
	bool any = false;
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(daemons) && !result; i++) {
		cleanup_free char *dir = wait_dir(places, i);
		bool was = false;

		result = file_remove(dir, places->drop_in, &was, err);
		any |= was;
		if (was)
			(void)rmdir(dir); /* only if it is empty now */
	}
	if (any)
		reload(places);
	return result;
}

/* Removing */

static int forget_rules(const struct places *places, bool *was, struct err **err)
{
	return file_remove(places->rules_dir, places->rules, was, err);
}

/* In whichever .link file's directory; keep is not touched. */
static int forget_drop_ins(const struct places *places, const char *keep, bool *was,
			   struct err **err)
{
	struct names names;
	int result = 0;

	if (file_list(places->links_dir, "", &names, err))
		return -1;
	for (size_t i = 0; i < names.n && !result; i++) {
		cleanup_free char *dir = mem_printf("%s/%s", places->links_dir, names.items[i]);
		bool one = false;

		if (fnmatch("*.link.d", names.items[i], 0) != 0 || (keep && !strcmp(dir, keep)))
			continue;
		result = file_remove(dir, places->drop_in, &one, err);
		*was |= one;
		if (one)
			(void)rmdir(dir); /* only if it is empty now */
	}
	names_clear(&names);
	return result;
}

static int forget_link(const struct places *places, bool *was, struct err **err)
{
	return file_remove(places->links_dir, places->link, was, err);
}

int persist_forget(const char *root, struct pciaddr pf, bool *was, struct err **err)
{
	cleanup(places_clear) struct places places = places_of(root, pf);
	bool rules = false, link = false, drop_ins = false;
	int result = 0;

	/* As much of it as can be. */
	result |= forget_rules(&places, &rules, err);
	result |= forget_link(&places, &link, result ? NULL : err);
	result |= forget_drop_ins(&places, NULL, &drop_ins, result ? NULL : err);
	result |= forget_waits(&places, result ? NULL : err);
	*was = rules || link || drop_ins;
	return result;
}

/* Writing */

static int write_rules(const struct places *places, const struct persist *p, char **path,
		       struct err **err)
{
	cleanup_free char *text = persist_rules(p);
	cleanup_free char *etc = mem_printf("%s/etc/udev", places->root);
	bool was;

	if (access(etc, F_OK)) {
		err_set(err, ERR_UNSUPPORTED, "this host has no udev (%s is not there)", etc);
		return err_next(err,
				"let whatever starts its devices write %u to "
				"/sys/bus/pci/devices/%s/sriov_numvfs",
				p->count, pciaddr_str(p->pf->addr));
	}
	if (file_replace(places->rules_dir, places->rules, text, err) ||
	    forget_link(places, &was, err) || forget_drop_ins(places, NULL, &was, err))
		return -1;
	*path = mem_printf("%s/%s", places->rules_dir, places->rules);
	return 0;
}

static int need_systemd(struct err **err)
{
	cleanup_free char *version = NULL;
	long number;

	if (child_run((const char *const[]){"udevadm", "--version", NULL}, clock_now() + ASK_MS,
		      &version, err))
		return err_wrap(err, "asking for systemd's version");
	number = strtol(version, NULL, 10);
	if (number >= LINK_SINCE)
		return 0;
	err_set(err, ERR_UNSUPPORTED, "systemd %ld knows no " KEY "= in .link files (%d does)",
		number, LINK_SINCE);
	return err_next(err, "use --persist=udev");
}

static int make_dir(const char *dir, struct err **err)
{
	return mkdir(dir, 0755) && errno != EEXIST ? err_errno(err, errno, "making %s", dir) : 0;
}

static int write_drop_in(const struct places *places, const struct persist *p,
			 const struct applied *applied, char **path, struct err **err)
{
	cleanup_free char *dir = drop_ins_dir(places, applied->path);
	cleanup_free char *text = persist_drop_in(p);
	bool was;

	if (make_dir(places->links_dir, err) || file_replace(dir, places->drop_in, text, err) ||
	    forget_link(places, &was, err) || forget_drop_ins(places, dir, &was, err) ||
	    forget_rules(places, &was, err))
		return -1;
	*path = mem_printf("%s/%s", dir, places->drop_in);
	return 0;
}

static bool has_drop_ins(const struct places *places, const char *link)
{
	static const char *const dirs[] = {"etc", "run", "usr/local/lib", "usr/lib", "lib"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		cleanup_free char *dir = mem_printf("%s/%s/systemd/network/%s.d", places->root,
						    dirs[i], base_name(link));

		if (!access(dir, F_OK))
			return true;
	}
	return false;
}

static int write_copy(const struct places *places, const struct persist *p,
		      const struct applied *applied, char **path, struct err **err)
{
	cleanup_free char *text = NULL;
	bool was;

	if (applied->path && (strcmp(places->link, base_name(applied->path)) > 0 ||
			      has_drop_ins(places, applied->path))) {
		err_set(err, ERR_UNSUPPORTED, "%s fits %s and other NICs, and a copy of it %s",
			applied->path, p->pf->netdev,
			has_drop_ins(places, applied->path) ? "would lack its drop-ins"
							    : "would come after it");
		return err_next(err, "use --persist=udev");
	}
	text = persist_link(p, applied->text ? applied->text : "");
	if (make_dir(places->links_dir, err) ||
	    file_replace(places->links_dir, places->link, text, err) ||
	    forget_drop_ins(places, NULL, &was, err) || forget_rules(places, &was, err))
		return -1;
	*path = mem_printf("%s/%s", places->links_dir, places->link);
	return 0;
}

/* The one that udev applies is ours from an earlier time: its copied part is as good as before. */
static int write_link(const struct places *places, const struct persist *p, char **path,
		      struct err **err)
{
	cleanup(applied_clear) struct applied applied = {0};

	if (!p->pf->netdev) {
		err_set(err, ERR_UNSUPPORTED, "%s has no interface, which a .link file is for",
			pf_str(p->pf));
		return err_next(err, "use --persist=udev");
	}
	if (p->home != VF_HOME_HOST) {
		err_set(err, ERR_UNSUPPORTED,
			"a .link file cannot keep the host's driver from VFs");
		return err_next(err, "use --persist=udev");
	}
	if (need_systemd(err) || find_applied(places->root, p->pf, &applied, err))
		return -1;
	if (applied.path && applied.own && strcmp(base_name(applied.path), places->link) != 0)
		return write_drop_in(places, p, &applied, path, err);
	return write_copy(places, p, &applied, path, err);
}

/* One of the lines that nmcli gives for one of the fields that it was asked for. */
static char *line_of(const char *text, unsigned number)
{
	for (; number; number--) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return mem_printf("%.*s", (int)strcspn(text, "\n"), text);
}

/* NetworkManager has the last word on what it brings up. */
static int refuse_networkmanager(const struct persist *p, struct err **err)
{
	const char *const argv[] = {"nmcli",  "-g",   "GENERAL.NM-MANAGED,GENERAL.CON-UUID",
				    "device", "show", p->pf->netdev,
				    NULL};
	cleanup_free char *answer = NULL, *managed = NULL, *uuid = NULL;

	/* An interface may be called "-f", too; no such program, or not running: no such owner. */
	if (!p->pf->netdev || *p->pf->netdev == '-' ||
	    child_run(argv, clock_now() + ASK_MS, &answer, NULL))
		return 0;
	managed = line_of(answer, 0);
	uuid = line_of(answer, 1);
	if (strcmp(managed, "yes") != 0 || !*uuid || !strcmp(uuid, "--"))
		return 0;
	err_set(err, ERR_UNSUPPORTED, "NetworkManager manages %s (connection %s)", p->pf->netdev,
		uuid);
	err_detail(err, "without sriov.preserve-on-down, which NetworkManager has from 1.54 on, it "
			"removes all VFs, also from guests, when the connection goes down");
	return err_next(
		err,
		"nmcli connection modify %s sriov.total-vfs %u%s && nmcli connection modify %s "
		"sriov.preserve-on-down yes; or give --persist=udev",
		uuid, p->count, p->home == VF_HOME_HOST ? "" : " sriov.autoprobe-drivers 0", uuid);
}

static bool has_link(const struct places *places)
{
	cleanup_free char *link = mem_printf("%s/%s", places->links_dir, places->link);
	struct names names = {0};
	bool found = !access(link, F_OK);

	(void)file_list(places->links_dir, "", &names, NULL);
	for (size_t i = 0; i < names.n && !found; i++) {
		cleanup_free char *path =
			mem_printf("%s/%s/%s", places->links_dir, names.items[i], places->drop_in);

		found = !access(path, F_OK);
	}
	names_clear(&names);
	return found;
}

/* As it was chosen before; and a .link file that sets the number has to be the one that sets it. */
static enum persist_kind choose(const struct places *places, const struct persist *p)
{
	cleanup(applied_clear) struct applied applied = {0};

	if (!p->pf->netdev || p->home != VF_HOME_HOST)
		return PERSIST_UDEV;
	if (has_link(places))
		return PERSIST_LINK;
	return !find_applied(places->root, p->pf, &applied, NULL) && applied.own &&
			       persist_link_counts(applied.text)
		       ? PERSIST_LINK
		       : PERSIST_UDEV;
}

int persist_write(const char *root, const struct persist *persist, char **path, struct err **err)
{
	cleanup(places_clear) struct places places = places_of(root, persist->pf->addr);
	enum persist_kind kind = persist->kind;
	cleanup_free char *written = NULL;

	if (kind == PERSIST_CHOOSE) {
		if (refuse_networkmanager(persist, err))
			return -1;
		kind = choose(&places, persist);
	}
	if ((kind == PERSIST_LINK ? write_link(&places, persist, &written, err)
				  : write_rules(&places, persist, &written, err)) ||
	    write_waits(&places, persist, err))
		return -1;
	*path = steal(&written);
	return 0;
}
