// SPDX-License-Identifier: LGPL-2.1-or-later
/* libvirt's daemon and hooks, as far as they can be seen without asking it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"
#include "host/facts_reader.h"

#define STAT_SIZE (256 << 10)

/* The kernel says it without its fraction (fs/proc/stat.c); a made tree has one of its own. */
static int64_t booted_ms(int64_t second)
{
	struct timespec now, up;
	int64_t ms;

	if (clock_gettime(CLOCK_REALTIME, &now) || clock_gettime(CLOCK_BOOTTIME, &up))
		return second * 1000;
	ms = (int64_t)(now.tv_sec - up.tv_sec) * 1000 + (now.tv_nsec - up.tv_nsec) / 1000000;
	return llabs(ms / 1000 - second) <= 1 ? ms : second * 1000;
}

/* To a clock tick, in milliseconds: a hook may well be installed just before its daemon starts. */
static int64_t started_at(const struct reader *r, const char *pid)
{
	cleanup_free char *path = mem_printf("proc/%s/stat", pid);
	cleanup_free char *own = root_value(r->root, path);
	cleanup_free char *all = root_text(r->root, "proc/stat", STAT_SIZE);
	const char *boot = all ? strstr(all, "\nbtime ") : NULL;
	/* Behind the name, which can have anything in it. */
	const char *field = own ? strrchr(own, ')') : NULL;

	for (int i = 0; field && i < 20; i++)
		field = strchr(field + 1, ' ');
	if (!boot || !field)
		return 0;
	return booted_ms(strtoll(boot + strlen("\nbtime "), NULL, 10)) +
	       strtoll(field, NULL, 10) * 1000 / sysconf(_SC_CLK_TCK);
}

static bool read_daemon(const struct reader *r, const char *name, struct daemon *out)
{
	cleanup_free char *file = mem_printf("run/%s.pid", name);
	cleanup_free char *text = root_value(r->root, file);
	cleanup_free char *pid = NULL, *path = NULL, *comm = NULL;
	long number = text ? strtol(text, NULL, 10) : 0;

	if (number <= 0)
		return false;
	pid = mem_printf("%ld", number);
	path = mem_printf("proc/%s/comm", pid);
	comm = root_value(r->root, path);
	/* The file outlives a process that was killed. */
	if (!comm || strcmp(comm, name) != 0)
		return false;
	free(path);
	path = mem_printf("proc/%s/limits", pid);
	out->limits = root_text(r->root, path, CONFIG_SIZE);
	free(path);
	path = mem_printf("proc/%s/status", pid);
	out->status = root_text(r->root, path, CONFIG_SIZE);
	free(path);
	path = mem_printf("proc/%s/attr/current", pid);
	out->label = root_value(r->root, path);
	out->started = started_at(r, pid);
	out->name = mem_strdup(name);
	return true;
}

static void add_hook(const struct reader *r, const char *path, struct libvirt_facts *out)
{
	struct hook *hook;
	struct stat st;

	if (!root_stat(r->root, path, &st) || !S_ISREG(st.st_mode))
		return;
	hook = mem_append(&out->hooks, &out->nhooks, sizeof(*hook));
	hook->path = mem_printf("/%s", path);
	hook->target = root_link(r->root, path);
	hook->executable = st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH);
	hook->changed = (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
}

static void read_hooks(const struct reader *r, struct libvirt_facts *out)
{
	static const char dir[] = "etc/libvirt/hooks", many[] = "etc/libvirt/hooks/qemu.d";
	cleanup_names struct names names;

	out->hooks_read = root_list(r->root, dir, &names) || errno == ENOENT;
	names_clear(&names);
	add_hook(r, "etc/libvirt/hooks/qemu", out);
	(void)root_list(r->root, many, &names);
	for (size_t i = 0; i < names.n; i++) {
		cleanup_free char *path = mem_printf("%s/%s", many, names.items[i]);

		add_hook(r, path, out);
	}
}

static bool is_value(int root, const char *path, const char *wanted)
{
	cleanup_free char *value = root_value(root, path);

	return value && strcmp(value, wanted) == 0;
}

void facts_read_libvirt(const struct reader *r, struct libvirt_facts *out)
{
	if (!read_daemon(r, "virtqemud", &out->daemon))
		(void)read_daemon(r, "libvirtd", &out->daemon);
	read_hooks(r, out);
	out->apparmor = is_value(r->sys, "module/apparmor/parameters/enabled", "Y");
	out->selinux_enforcing = is_value(r->sys, "fs/selinux/enforce", "1");
	out->hooks_unconfined = root_value(r->sys, "fs/selinux/booleans/virt_hooks_unconfined");
}
