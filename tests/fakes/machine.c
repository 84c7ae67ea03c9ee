// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fakes/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "core/pciaddr.h"
#include "fakes/tree.h"

#define MACHINES "tests/data/machines"

static void fail(const char *what) __attribute__((noreturn));

static void fail(const char *what)
{
	perror(what);
	abort();
}

/* Files */

static void make_dirs(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			fail(path);
		*slash = '/';
	}
}

static char *path_in(const char *root, const char *path)
{
	char *full = mem_printf("%s/%s", root, path);

	make_dirs(full);
	return full;
}

static void put_bytes(const char *root, const char *path, int how, const void *data, size_t size)
{
	cleanup_free char *full = path_in(root, path);
	cleanup_close int fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC | how, 0644);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		fail(full);
}

static void put_line(const char *root, const char *path, int how, const char *text)
{
	cleanup_free char *line = mem_printf("%s%s", text, *text ? "\n" : "");

	put_bytes(root, path, how, line, strlen(line));
}

static void put_program(const char *root, const char *path, const char *text)
{
	cleanup_free char *full = path_in(root, path);

	put_line(root, path, O_TRUNC, text);
	if (chmod(full, 0755))
		fail(full);
}

static void put_link(const char *root, const char *path, const char *target)
{
	cleanup_free char *full = path_in(root, path);

	if (unlink(full) && errno != ENOENT)
		fail(full);
	if (symlink(target, full))
		fail(full);
}

static void put_dir(const char *root, const char *path)
{
	cleanup_free char *below = mem_printf("%s/", path);

	free(path_in(root, below));
}

/* PCI functions */

struct function {
	struct pciaddr addr;
	unsigned vendor, device;
	const char *class, *driver, *group, *net, *numa, *total, *num, *mac, *flags, *carrier;
	const char *autoprobe, *capable, *mode;
};

static void attribute(const char *root, const char *dir, const char *name, const char *value)
{
	cleanup_free char *path = mem_printf("%s/%s", dir, name);

	if (value)
		put_line(root, path, O_TRUNC, value);
}

static void attribute_link(const char *root, const char *dir, const char *name, const char *target)
{
	cleanup_free char *path = mem_printf("%s/%s", dir, name);

	put_link(root, path, target);
}

static char *device_dir(struct pciaddr addr)
{
	return mem_printf("sys/devices/pci%04x:00/%s", addr.domain, pciaddr_str(addr));
}

static void make_net(const char *root, const char *dir, const struct function *f)
{
	cleanup_free char *net = mem_printf("%s/net/%s", dir, f->net);
	cleanup_free char *entry = mem_printf("sys/class/net/%s", f->net);
	/* The link is in sys/class/net, and dir below sys. */
	cleanup_free char *target = mem_printf("../../%s", net + strlen("sys/"));
	cleanup_free char *back = mem_printf("../../../%s", pciaddr_str(f->addr));

	put_dir(root, net);
	put_link(root, entry, target);
	attribute_link(root, net, "device", back);
	attribute(root, net, "address", f->mac ? f->mac : "02:00:00:00:00:01");
	attribute(root, net, "flags", f->flags);
	attribute(root, net, "carrier", f->carrier);
}

static void make_config(const char *root, const char *dir, const struct function *f)
{
	uint8_t config[4096] = {
		[0] = (uint8_t)f->vendor,
		[1] = (uint8_t)(f->vendor >> 8),
		[2] = (uint8_t)f->device,
		[3] = (uint8_t)(f->device >> 8),
		/* AER, then, for one that is capable, SR-IOV. */
		[0x100] = 0x01,
		[0x102] = 0x02,
		[0x103] = 0x16,
		[0x160] = strcmp(f->capable, "yes") == 0 ? 0x10 : 0x0e,
		[0x162] = 0x01,
	};
	cleanup_free char *path = mem_printf("%s/config", dir);

	put_bytes(root, path, O_TRUNC, config, sizeof(config));
}

static void make_function(const char *root, const struct function *f)
{
	cleanup_free char *dir = device_dir(f->addr);
	cleanup_free char *entry = mem_printf("sys/bus/pci/devices/%s", pciaddr_str(f->addr));
	cleanup_free char *target = mem_printf("../../../%s", dir + strlen("sys/"));
	cleanup_free char *vendor = mem_printf("0x%04x", f->vendor);
	cleanup_free char *device = mem_printf("0x%04x", f->device);
	cleanup_free char *class = mem_printf("0x%s", f->class ? f->class : "020000");

	put_dir(root, dir);
	put_link(root, entry, target);
	attribute(root, dir, "vendor", vendor);
	attribute(root, dir, "device", device);
	attribute(root, dir, "class", class);
	attribute(root, dir, "numa_node", f->numa ? f->numa : "-1");
	attribute(root, dir, "sriov_totalvfs", f->total);
	attribute(root, dir, "sriov_numvfs", f->total && !f->num ? "0" : f->num);
	attribute(root, dir, "sriov_drivers_autoprobe",
		  f->total && !f->autoprobe ? "1" : f->autoprobe);
	if (f->mode) {
		cleanup_free char *path = mem_printf("%s/%s/sriov_numvfs", root, dir);

		if (chmod(path, (mode_t)strtoul(f->mode, NULL, 8)))
			fail(path);
	}
	if (f->capable)
		make_config(root, dir, f);
	if (f->driver) {
		cleanup_free char *driver = mem_printf("bus/pci/drivers/%s", f->driver);
		cleanup_free char *up = mem_printf("../../../%s", driver);
		cleanup_free char *at = mem_printf("sys/%s", driver);

		put_dir(root, at);
		attribute_link(root, dir, "driver", up);
		free(at);
		at = mem_printf("sys/%s/%s", driver, pciaddr_str(f->addr));
		free(up);
		up = mem_printf("../../../../%s", dir + strlen("sys/"));
		put_link(root, at, up);
	}
	if (f->group) {
		cleanup_free char *group = mem_printf("kernel/iommu_groups/%s", f->group);
		cleanup_free char *up = mem_printf("../../../%s", group);
		cleanup_free char *at =
			mem_printf("sys/%s/devices/%s", group, pciaddr_str(f->addr));
		cleanup_free char *back = mem_printf("../../../../%s", dir + strlen("sys/"));

		attribute_link(root, dir, "iommu_group", up);
		put_link(root, at, back);
	}
	if (f->net)
		make_net(root, dir, f);
}

/* The value of key=value among the words of a line; NULL: it is not there. The caller frees it. */
static char *option(const char *words, const char *key)
{
	size_t length = strlen(key);

	for (const char *p = words; *p;) {
		p += strspn(p, " \t");
		if (strncmp(p, key, length) == 0 && p[length] == '=')
			return mem_printf("%.*s", (int)strcspn(p + length + 1, " \t"),
					  p + length + 1);
		p += strcspn(p, " \t");
	}
	return NULL;
}

static struct pciaddr must_parse(const char *text)
{
	struct pciaddr addr;

	if (!text || !pciaddr_parse(text, &addr))
		fail(text ? text : "address");
	return addr;
}

static void parse_id(const char *id, struct function *f)
{
	char *end;

	f->vendor = (unsigned)strtoul(id, &end, 16);
	f->device = (unsigned)strtoul(end + 1, NULL, 16);
}

static void make_pci(const char *root, const char *addr, const char *words)
{
	cleanup_free char *id = option(words, "id"), *class = option(words, "class");
	cleanup_free char *driver = option(words, "driver"), *group = option(words, "group");
	cleanup_free char *net = option(words, "net"), *numa = option(words, "numa");
	cleanup_free char *total = option(words, "total"), *num = option(words, "num");
	cleanup_free char *mac = option(words, "mac"), *flags = option(words, "flags");
	cleanup_free char *carrier = option(words, "carrier"), *mode = option(words, "mode");
	cleanup_free char *autoprobe = option(words, "autoprobe");
	cleanup_free char *capable = option(words, "capable");
	struct function f = {
		.addr = must_parse(addr),
		.class = class,
		.driver = driver,
		.group = group,
		.net = net,
		.numa = numa,
		.total = total,
		.num = num,
		.mac = mac,
		.flags = flags,
		.carrier = carrier,
		.autoprobe = autoprobe,
		.capable = capable,
		.mode = mode,
	};

	parse_id(id, &f);
	make_function(root, &f);
}

static bool is_skipped(const char *skip, unsigned index)
{
	while (skip && *skip) {
		char *end;

		if (strtoul(skip, &end, 10) == index)
			return true;
		skip = *end ? end + 1 : end;
	}
	return false;
}

static void make_vfs(const char *root, const char *pf, const char *words)
{
	cleanup_free char *id = option(words, "id"), *driver = option(words, "driver");
	cleanup_free char *class = option(words, "class"), *group = option(words, "group");
	cleanup_free char *net = option(words, "net"), *first = option(words, "first");
	cleanup_free char *stride = option(words, "stride"), *count = option(words, "count");
	cleanup_free char *skip = option(words, "skip"), *one = option(words, "one-group");
	cleanup_free char *pf_dir = device_dir(must_parse(pf));
	struct pciaddr addr = must_parse(first);
	unsigned where = (unsigned)(addr.bus << 8 | addr.device << 3 | addr.function);

	for (unsigned i = 0; i < strtoul(count, NULL, 10); i++) {
		cleanup_free char *number =
			group ? mem_printf("%lu", strtoul(group, NULL, 10) + (one ? 0 : i)) : NULL;
		cleanup_free char *netdev = net ? mem_printf("%s%u", net, i) : NULL;
		cleanup_free char *link = mem_printf("virtfn%u", i), *to = NULL, *dir = NULL;
		struct function f = {.addr = addr,
				     .class = class,
				     .driver = driver,
				     .group = number,
				     .net = netdev};

		f.addr.bus = (uint8_t)(where >> 8);
		f.addr.device = (uint8_t)(where >> 3 & 31);
		f.addr.function = (uint8_t)(where & 7);
		where += stride ? (unsigned)strtoul(stride, NULL, 10) : 1;
		if (is_skipped(skip, i))
			continue;
		parse_id(id, &f);
		make_function(root, &f);
		to = mem_printf("../%s", pciaddr_str(f.addr));
		attribute_link(root, pf_dir, link, to);
		free(to);
		to = mem_printf("../%s", pf);
		dir = device_dir(f.addr);
		attribute_link(root, dir, "physfn", to);
	}
}

/* Descriptions */

static void run_line(const char *root, char *line)
{
	char *rest = line, *verb = strsep(&rest, " "), *path, *text;

	if (!*verb || *verb == '#')
		return;
	path = strsep(&rest, " ");
	text = rest ? rest : (char[]){""};
	if (!path)
		fail(line);
	if (strcmp(verb, "include") == 0)
		machine_make(root, path);
	else if (strcmp(verb, "file") == 0)
		put_line(root, path, O_TRUNC, text);
	else if (strcmp(verb, "program") == 0)
		put_program(root, path, text);
	else if (strcmp(verb, "more") == 0)
		put_line(root, path, O_APPEND, text);
	else if (strcmp(verb, "link") == 0)
		put_link(root, path, text);
	else if (strcmp(verb, "dir") == 0)
		put_dir(root, path);
	else if (strcmp(verb, "drop") == 0)
		tree_drop(root, path);
	else if (strcmp(verb, "pci") == 0)
		make_pci(root, path, text);
	else if (strcmp(verb, "vfs") == 0)
		make_vfs(root, path, text);
	else
		fail(verb);
}

void machine_make(const char *root, const char *name)
{
	cleanup_free char *path = mem_printf("%s/%s", MACHINES, name), *line = NULL;
	FILE *in = fopen(path, "re");
	size_t size = 0;

	if (!in)
		fail(path);
	if (mkdir(root, 0755) && errno != EEXIST)
		fail(root);
	while (getline(&line, &size, in) > 0) {
		line[strcspn(line, "\n")] = '\0';
		run_line(root, line);
	}
	(void)fclose(in);
}

void machine_line(const char *root, const char *fmt, ...)
{
	cleanup_free char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	line = mem_vprintf(fmt, ap);
	va_end(ap);
	run_line(root, line);
}
