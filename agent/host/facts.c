// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Almost all of it is texts, taken as they are: what they mean is judged elsewhere, from these
 * facts alone. What can be long (a kernel's configuration, lists of modules) is only searched.
 */
#include "host/facts.h"

#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "host/facts_reader.h"

static unsigned count_nodes(int sys)
{
	cleanup_names struct names names;
	unsigned n = 0;

	(void)root_list(sys, "devices/system/node", &names);
	for (size_t i = 0; i < names.n; i++)
		n += strncmp(names.items[i], "node", 4) == 0 && names.items[i][4] >= '0' &&
		     names.items[i][4] <= '9';
	return n;
}

static int read_all(const struct reader *r, struct err **err)
{
	struct facts *facts = r->facts;

	facts->made = !r->live;
	facts->privileged = geteuid() == 0;
	facts->named = r->source->name;
	if (facts_read_devices(r, err) < 0)
		return -1;
	facts_read_groups(r);
	facts_read_iommu(r, &facts->iommu);
	(void)root_list(r->sys, "bus/pci/drivers", &facts->pci_drivers);
	facts->numa_nodes = count_nodes(r->sys);
	if (r->root < 0)
		return 0;
	facts_read_cpu(r, &facts->cpu);
	facts_read_kernel(r, &facts->kernel);
	facts_read_boot(r, facts->kernel.release, &facts->boot);
	facts_read_libvirt(r, &facts->libvirt);
	facts_read_keepers_at(r->root, &facts->keepers);
	return 0;
}

static int open_trees(const struct facts_source *source, int *root, int *sys, struct sysfs **sysfs,
		      struct err **err)
{
	const char *base = source->root ? source->root : "/";
	cleanup_free char *path = source->sysfs ? mem_strdup(source->sysfs)
						: mem_printf("%s/sys", source->root ? base : "");

	if ((source->root || !source->sysfs) && root_open(base, root, err) < 0)
		return -1;
	if (root_open(path, sys, err) < 0)
		return -1;
	return sysfs_open(path, sysfs, err);
}

int facts_read_hooks(const char *root_path, struct libvirt_facts *out, struct err **err)
{
	const struct facts_source source = {.root = root_path};
	cleanup_close int root = -1, sys = -1;
	struct reader r = {.source = &source};

	if (open_trees(&source, &root, &sys, &r.sysfs, err) < 0)
		return -1;
	r.live = !root_path;
	r.root = root;
	r.sys = sys;
	*out = (struct libvirt_facts){0};
	facts_read_libvirt(&r, out);
	sysfs_close(r.sysfs);
	return 0;
}

int facts_read(const struct facts_source *source, struct facts *out, struct err **err)
{
	struct facts facts = {0};
	cleanup_close int root = -1, sys = -1;
	struct reader r = {.source = source, .facts = &facts};
	int rc;

	if (open_trees(source, &root, &sys, &r.sysfs, err) < 0)
		return -1;
	r.live = !source->root && !source->sysfs;
	r.root = root;
	r.sys = sys;
	rc = read_all(&r, err);
	sysfs_close(r.sysfs);
	if (rc < 0)
		facts_clear(&facts);
	else
		*out = facts;
	return rc;
}
