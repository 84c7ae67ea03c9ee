// SPDX-License-Identifier: LGPL-2.1-or-later
/* The real host on made trees. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "core/mem.h"
#include "fakes/tree.h"
#include "host/host.h"
#include "host/sysfs.h"

#define EVERYTHING (HOST_NETDEVS | HOST_SETTINGS | HOST_GROUPS)

static struct host *host_on(const struct tree *tree)
{
	struct host *host = NULL;

	assert_int_equal(host_open(tree->dir, &host, NULL), 0);
	return host;
}

static void same_text(const char *a, const char *b)
{
	if (!a || !b)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void same_pf(const struct pf *a, const struct pf *b)
{
	assert_true(pciaddr_equal(a->addr, b->addr));
	same_text(a->driver, b->driver);
	same_text(a->netdev, b->netdev);
	assert_int_equal(a->numa_node, b->numa_node);
	assert_int_equal(a->total_vfs, b->total_vfs);
	assert_int_equal(a->num_vfs, b->num_vfs);
	assert_int_equal(a->nvfs, b->nvfs);
	for (size_t i = 0; i < a->nvfs; i++) {
		const struct vf *x = &a->vfs[i], *y = &b->vfs[i];

		assert_true(pciaddr_equal(x->addr, y->addr));
		assert_int_equal(x->index, y->index);
		same_text(x->driver, y->driver);
		assert_int_equal(x->iommu_group, y->iommu_group);
		same_text(x->group_peer, y->group_peer);
		same_text(x->netdev, y->netdev);
		assert_int_equal(x->netdev_elsewhere, y->netdev_elsewhere);
	}
}

/* By read_pf(), and the VFs one by one. */
static struct pf read_in_parts(struct host *host, struct pciaddr addr)
{
	struct pf pf;

	assert_int_equal(host->ops->read_pf(host, addr, HOST_SETTINGS, &pf, NULL), 0);
	for (size_t i = 0; i < pf.nvfs; i++) {
		assert_null(pf.vfs[i].netdev);
		assert_null(pf.vfs[i].group_peer);
		assert_int_equal(
			host->ops->read_vf(host, &pf, &pf.vfs[i], HOST_NETDEVS | HOST_GROUPS, NULL),
			0);
	}
	return pf;
}

/* Reads all, holds each PF against what is read of it alone, and gives the inventory. */
static struct inventory read_all_ways(const struct tree *tree)
{
	struct host *host = host_on(tree);
	struct inventory inventory;

	assert_int_equal(host->ops->read_all(host, EVERYTHING, &inventory, NULL), 0);
	for (size_t i = 0; i < inventory.npfs; i++) {
		struct pf pf;

		assert_int_equal(
			host->ops->read_pf(host, inventory.pfs[i].addr, EVERYTHING, &pf, NULL), 0);
		same_pf(&inventory.pfs[i], &pf);
		pf_clear(&pf);
		pf = read_in_parts(host, inventory.pfs[i].addr);
		same_pf(&inventory.pfs[i], &pf);
		pf_clear(&pf);
	}
	host->ops->close(host);
	return inventory;
}

static struct tree tree_new(struct tree tree)
{
	tree.dir = tree_dir();
	tree_make(&tree);
	return tree;
}

static void tree_end(struct tree *tree)
{
	tree_remove(tree->dir);
	free((char *)(uintptr_t)tree->dir);
}

static char *device_path(struct pciaddr addr, const char *file)
{
	return mem_printf("devices/pci%04x:00/%s/%s", addr.domain, pciaddr_str(addr), file);
}

static void device_drop(const struct tree *tree, struct pciaddr addr, const char *file)
{
	cleanup_free char *path = device_path(addr, file);

	tree_drop(tree->dir, path);
}

static void device_text(const struct tree *tree, struct pciaddr addr, const char *file,
			const char *text)
{
	cleanup_free char *path = device_path(addr, file);

	tree_file(tree->dir, path, text);
}

static void rebind(const struct tree *tree, struct pciaddr addr, const char *from, const char *to)
{
	cleanup_free char *link = device_path(addr, "driver");
	cleanup_free char *old = mem_printf("bus/pci/drivers/%s/%s", from, pciaddr_str(addr));
	cleanup_free char *target = mem_printf("../../../bus/pci/drivers/%s", to);

	tree_drop(tree->dir, old);
	tree_link(tree->dir, link, target);
}

static void a_plain_host(void **state)
{
	struct tree tree = tree_new((struct tree){.pfs = 2, .vfs = 7});
	struct inventory inventory;
	const struct pf *pf;

	(void)state;
	device_text(&tree, tree_pf(&tree, 1), "numa_node", "1\n");
	inventory = read_all_ways(&tree);
	assert_int_equal(inventory.npfs, 2);
	pf = &inventory.pfs[0];
	assert_string_equal(pciaddr_str(pf->addr), "0000:01:00.0");
	assert_string_equal(pf->driver, "igb");
	assert_string_equal(pf->netdev, "eth1");
	assert_int_equal(pf->total_vfs, 7);
	assert_int_equal(pf->num_vfs, 7);
	assert_int_equal(pf->numa_node, -1);
	assert_int_equal(inventory.pfs[1].numa_node, 1);
	assert_int_equal(pf->nvfs, 7);
	assert_string_equal(pciaddr_str(pf->vfs[5].addr), "0000:01:11.2");
	for (unsigned i = 0; i < 7; i++) {
		const struct vf *vf = &pf->vfs[i];

		assert_int_equal(vf->index, i);
		assert_string_equal(vf->driver, "igbvf");
		assert_true(vf->iommu_group >= 0);
		assert_null(vf->group_peer);
		assert_non_null(vf->netdev);
		assert_false(vf->netdev_elsewhere);
		assert_int_equal(vf->settings.known, 0);
	}
	inventory_clear(&inventory);
	tree_end(&tree);
}

static void gaps_in_the_numbers(void **state)
{
	static const unsigned left[] = {0, 2, 3, 5, 6};
	struct tree tree = tree_new((struct tree){.pfs = 1, .vfs = 8, .gaps = true});
	struct host *host = host_on(&tree);
	struct pciaddr addr;
	struct err *err = NULL;
	struct pf pf;
	int index;

	(void)state;
	/* The last is a VF that was removed, and whose link is still there. */
	device_drop(&tree, tree_vf(&tree, 0, 6), "driver");
	device_drop(&tree, tree_vf(&tree, 0, 6), "iommu_group");
	assert_int_equal(host->ops->read_pf(host, tree_pf(&tree, 0), 0, &pf, NULL), 0);
	assert_int_equal(pf.num_vfs, 8);
	assert_int_equal(pf.nvfs, 5);
	for (size_t i = 0; i < pf.nvfs; i++) {
		assert_int_equal(pf.vfs[i].index, left[i]);
		assert_true(pciaddr_equal(pf.vfs[i].addr, tree_vf(&tree, 0, left[i])));
	}
	pf_clear(&pf);

	tree_drop(tree.dir, "bus/pci/devices/0000:01:11.4");
	assert_int_equal(host->ops->read_pf(host, tree_pf(&tree, 0), 0, &pf, NULL), 0);
	assert_int_equal(pf.nvfs, 4);
	pf_clear(&pf);
	assert_int_equal(host->ops->resolve(host, "eth1/3", &addr, &index, NULL), 0);
	assert_int_equal(index, 3);
	assert_int_equal(host->ops->resolve(host, "eth1/4", &addr, &index, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	assert_string_equal(err->what, "eth1 has no VF 4");
	err_free(&err);
	assert_int_equal(host->ops->resolve(host, "0000:01:10.6", &addr, &index, NULL), 0);
	assert_int_equal(index, 3);
	host->ops->close(host);
	tree_end(&tree);
}

static bool second_is_busy(struct pciaddr pf)
{
	return pf.bus == 2;
}

/* A number that cannot be read now, as while VFs are being removed and one does not go. */
static void a_number_that_is_being_changed(void **state)
{
	struct tree tree = tree_new((struct tree){.pfs = 2, .vfs = 8, .gaps = true});
	cleanup_free char *number = NULL;
	struct inventory all = {0};
	struct pciaddr pf, vf;
	struct sysfs *sysfs;
	unsigned total, num, index;

	(void)state;
	tree_drop(tree.dir, "bus/pci/devices/0000:02:00.0/sriov_numvfs");
	number = mem_printf("%s/bus/pci/devices/0000:02:00.0/sriov_numvfs", tree.dir);
	/* Whoever opens it waits, and is killed. */
	assert_int_equal(mkfifo(number, 0600), 0);
	(void)alarm(60);
	assert_int_equal(sysfs_open(tree.dir, &sysfs, NULL), 0);
	sysfs_avoid(sysfs, second_is_busy);
	sysfs_counts(sysfs, tree_pf(&tree, 1), &total, &num);
	assert_int_equal(num, 7);
	assert_int_equal(sysfs_read_all(sysfs, &all, NULL), 0);
	assert_int_equal(all.pfs[0].num_vfs, 8);
	assert_int_equal(all.pfs[1].num_vfs, 7);
	assert_int_equal(all.pfs[1].nvfs, 5);
	inventory_clear(&all);
	vf = tree_vf(&tree, 1, 3);
	assert_int_equal(sysfs_physfn(sysfs, vf, &pf, &index, NULL), 0);
	assert_int_equal(index, 3);
	(void)alarm(0);
	sysfs_close(sysfs);
	tree_end(&tree);
}

static void drivers_of_every_kind(void **state)
{
	struct tree tree = tree_new((struct tree){.pfs = 1, .vfs = 7});
	struct inventory inventory;
	const struct vf *vfs;

	(void)state;
	device_drop(&tree, tree_vf(&tree, 0, 1), "driver");
	device_drop(&tree, tree_vf(&tree, 0, 1), "net");
	tree_drop(tree.dir, "class/net/eth1v1");
	tree_drop(tree.dir, "bus/pci/drivers/igbvf/0000:01:10.2");
	for (unsigned i = 2; i < 5; i++) {
		cleanup_free char *netdev = mem_printf("class/net/eth1v%u", i);

		/* The last keeps its driver; its netdev is in another namespace. */
		if (i < 4)
			rebind(&tree, tree_vf(&tree, 0, i), "igbvf",
			       i == 2 ? "vfio-pci" : "mlx5_vfio_pci");
		device_drop(&tree, tree_vf(&tree, 0, i), "net");
		tree_drop(tree.dir, netdev);
	}
	inventory = read_all_ways(&tree);
	vfs = inventory.pfs[0].vfs;
	assert_string_equal(vfs[0].driver, "igbvf");
	assert_null(vfs[1].driver);
	assert_false(vfs[1].netdev_elsewhere);
	assert_string_equal(vfs[2].driver, "vfio-pci");
	assert_false(vfs[2].netdev_elsewhere);
	assert_string_equal(vfs[3].driver, "mlx5_vfio_pci");
	assert_false(vfs[3].netdev_elsewhere);
	assert_string_equal(vfs[4].driver, "igbvf");
	assert_null(vfs[4].netdev);
	assert_true(vfs[4].netdev_elsewhere);
	assert_string_equal(vfs[6].netdev, "eth1v6");
	inventory_clear(&inventory);
	tree_end(&tree);
}

static void vfs_that_are_no_nics(void **state)
{
	struct tree tree =
		tree_new((struct tree){.pfs = 1, .vfs = 4, .storage = true, .driver = "nvme"});
	struct inventory inventory = read_all_ways(&tree);

	(void)state;
	assert_null(inventory.pfs[0].netdev);
	assert_string_equal(inventory.pfs[0].vfs[0].driver, "nvme");
	assert_false(inventory.pfs[0].vfs[0].netdev_elsewhere);
	inventory_clear(&inventory);
	tree_end(&tree);
}

static void iommu_groups(void **state)
{
	struct tree shared = tree_new((struct tree){.pfs = 2, .vfs = 3, .shared_groups = true});
	struct tree none = tree_new((struct tree){.pfs = 1, .vfs = 3, .no_iommu = true});
	struct inventory inventory = read_all_ways(&shared);

	(void)state;
	/* The root port is in the group too, but it is a bridge. */
	assert_string_equal(inventory.pfs[0].vfs[0].group_peer, "0000:01:00.0");
	assert_string_equal(inventory.pfs[1].vfs[2].group_peer, "0000:02:00.0");
	inventory_clear(&inventory);
	inventory = read_all_ways(&none);
	assert_int_equal(inventory.pfs[0].vfs[0].iommu_group, -1);
	assert_null(inventory.pfs[0].vfs[0].group_peer);
	inventory_clear(&inventory);
	tree_end(&shared);
	tree_end(&none);
}

static void names_are_only_data(void **state)
{
	static const char *const names[] = {"$(reboot)",   "a;b|c", "\"q\" 'r'", "%s%n%d", "&x&",
					    "\033[31mred", "-rf *", "virtfn0",   "..."};
	struct tree tree = tree_new((struct tree){.pfs = 9, .vfs = 1, .no_netdevs = true});
	struct host *host = host_on(&tree);
	struct inventory inventory;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		tree_netdev(tree.dir, tree_pf(&tree, i), names[i]);
	inventory = read_all_ways(&tree);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		struct pciaddr addr;
		int index = 7;

		/* Names of dots are hidden from a listing; the PF then goes by its address. */
		if (names[i][0] != '.')
			assert_string_equal(inventory.pfs[i].netdev, names[i]);
		assert_int_equal(host->ops->resolve(host, names[i], &addr, &index, NULL), 0);
		assert_true(pciaddr_equal(addr, tree_pf(&tree, i)));
		assert_int_equal(index, -1);
	}
	inventory_clear(&inventory);
	host->ops->close(host);
	tree_end(&tree);
}

static void what_people_type(void **state)
{
	static const struct {
		const char *name, *pf;
		int index;
	} good[] = {
		{"eth1", "0000:01:00.0", -1},    {"eth2/0", "0000:02:00.0", 0},
		{"eth2/06", "0000:02:00.0", 6},  {"0000:01:00.0", "0000:01:00.0", -1},
		{"01:00.0", "0000:01:00.0", -1}, {"0000:02:11.4", "0000:02:00.0", 6},
		{"eth1v3", "0000:01:00.0", 3},   {"01:00.0/2", "0000:01:00.0", 2},
	};
	static const struct {
		const char *name;
		enum err_code code;
	} bad[] = {
		{"", ERR_ABSENT},
		{".", ERR_ABSENT},
		{"..", ERR_ABSENT},
		{"../net/eth1", ERR_ABSENT},
		{"/", ERR_ABSENT},
		{"/etc/passwd", ERR_ABSENT},
		{"eth1/", ERR_ABSENT},
		{"eth1/-1", ERR_ABSENT},
		{"eth1/+1", ERR_ABSENT},
		{"eth1/ 1", ERR_ABSENT},
		{"eth1/7", ERR_ABSENT},
		{"eth1/1x", ERR_ABSENT},
		{"eth1/0x1", ERR_ABSENT},
		{"eth1/99999999999999999999999", ERR_ABSENT},
		{"eth1/4294967296", ERR_ABSENT},
		{"eth1/1/1", ERR_ABSENT},
		{"eth9", ERR_ABSENT},
		{"0000:09:00.0", ERR_ABSENT},
		{"eth1v1/0", ERR_USAGE},
		{"0000:00:01.0", ERR_USAGE},
		{"eth1\n", ERR_ABSENT},
		{"eth1 ", ERR_ABSENT},
		{"%s%s%n", ERR_ABSENT},
		{"eth1/../eth2/1", ERR_ABSENT},
	};
	struct tree tree = tree_new((struct tree){.pfs = 2, .vfs = 7});
	struct host *host = host_on(&tree);
	char huge[5000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct pciaddr addr;
		int index = 99;

		assert_int_equal(host->ops->resolve(host, good[i].name, &addr, &index, NULL), 0);
		assert_string_equal(pciaddr_str(addr), good[i].pf);
		assert_int_equal(index, good[i].index);
	}
	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	for (size_t i = 0; i <= ARRAY_SIZE(bad); i++) {
		const char *name = i < ARRAY_SIZE(bad) ? bad[i].name : huge;
		struct pciaddr addr = {.bus = 0x77};
		struct err *err = NULL;
		int index = 99;

		assert_int_equal(host->ops->resolve(host, name, &addr, &index, &err), -1);
		assert_int_equal(err->code, i < ARRAY_SIZE(bad) ? bad[i].code : ERR_ABSENT);
		assert_true(strlen(err->what) < 300);
		assert_int_equal(addr.bus, 0x77);
		assert_int_equal(index, 99);
		err_free(&err);
		assert_int_equal(host->ops->resolve(host, name, &addr, &index, NULL), -1);
	}
	host->ops->close(host);
	tree_end(&tree);
}

static void refusals_say_what_it_is(void **state)
{
	struct tree tree = tree_new((struct tree){.pfs = 2, .vfs = 0});
	struct host *host = host_on(&tree);
	struct pciaddr addr;
	struct err *err = NULL;
	struct pf pf;
	int index;

	(void)state;
	assert_int_equal(host->ops->resolve(host, "eth1", &addr, &index, &err), -1);
	assert_int_equal(err->code, ERR_NO_VF);
	assert_string_equal(err->what, "eth1 has no VFs now; it can have 7");
	assert_string_equal(err->next, "make some: `vfpool set-vfs eth1 7`");
	err_free(&err);

	device_drop(&tree, tree_pf(&tree, 1), "sriov_totalvfs");
	assert_int_equal(host->ops->resolve(host, "eth2", &addr, &index, &err), -1);
	assert_int_equal(err->code, ERR_USAGE);
	assert_string_equal(err->what, "eth2 has no SR-IOV (its driver is igb)");
	err_free(&err);
	assert_int_equal(host->ops->resolve(host, "02:00.0", &addr, &index, &err), -1);
	assert_string_equal(err->what, "02:00.0 has no SR-IOV (its driver is igb)");
	err_free(&err);
	assert_int_equal(host->ops->read_pf(host, tree_pf(&tree, 1), 0, &pf, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	assert_int_equal(host->ops->read_pf(host, (struct pciaddr){.bus = 0x99}, 0, &pf, &err), -1);
	assert_int_equal(err->code, ERR_ABSENT);
	err_free(&err);
	host->ops->close(host);
	tree_end(&tree);
}

static void a_made_tree_is_never_changed(void **state)
{
	struct tree tree = tree_new((struct tree){.pfs = 1, .vfs = 1});
	struct host *host = host_on(&tree);
	struct vf_settings settings = {.known = SETTING_VLAN, .vlan = 5};
	struct err *err = NULL;
	struct pf pf;

	(void)state;
	assert_int_equal(host->ops->read_pf(host, tree_pf(&tree, 0), 0, &pf, NULL), 0);
	assert_int_equal(host->ops->pf_up(host, &pf, &err), -1);
	assert_int_equal(err->code, ERR_UNSUPPORTED);
	err_free(&err);
	assert_int_equal(host->ops->apply(host, &pf, 0, &settings, &err), -1);
	assert_int_equal(err->code, ERR_UNSUPPORTED);
	err_free(&err);
	assert_int_equal(host->ops->watch(host, &err), -1);
	assert_int_equal(err->code, ERR_UNSUPPORTED);
	err_free(&err);
	assert_int_equal(host->ops->wait_driver(host, pf.vfs[0].addr, "igbvf", 0, &err), -1);
	err_free(&err);
	assert_int_equal(host->ops->read_settings(host, &pf, 0, &settings, NULL), 0);
	assert_int_equal(settings.known, 0);
	pf_clear(&pf);
	host->ops->close(host);
	tree_end(&tree);
}

static void nothing_there(void **state)
{
	struct tree tree = {.dir = tree_dir()};
	struct inventory inventory;
	struct err *err = NULL;
	struct host *host;

	(void)state;
	assert_int_equal(host_open("/nonexistent/sys", &host, &err), -1);
	err_free(&err);
	host = host_on(&tree);
	assert_int_equal(host->ops->read_all(host, EVERYTHING, &inventory, NULL), 0);
	assert_int_equal(inventory.npfs, 0);
	host->ops->close(host);
	tree_make(&tree);
	host = host_on(&tree);
	assert_int_equal(host->ops->read_all(host, EVERYTHING, &inventory, NULL), 0);
	assert_int_equal(inventory.npfs, 0);
	host->ops->close(host);
	tree_end(&tree);
}

/* Attributes that make no sense read as nothing; none of them ends the listing. */
static void attributes_of_nonsense(void **state)
{
	static const char *const texts[] = {
		"", "\n", "-1\n", "x\n", "99999999999999999999\n", "1 2", "0x7\n", "65536\n", "7"};
	struct tree tree = tree_new((struct tree){.pfs = 2, .vfs = 7});

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct inventory inventory;

		device_text(&tree, tree_pf(&tree, 0), "sriov_numvfs", texts[i]);
		device_text(&tree, tree_pf(&tree, 0), "numa_node", texts[i]);
		inventory = read_all_ways(&tree);
		assert_int_equal(inventory.npfs, 2);
		assert_int_equal(inventory.pfs[0].nvfs, !strcmp(texts[i], "7") ? 7 : 0);
		assert_int_equal(inventory.pfs[1].nvfs, 7);
		inventory_clear(&inventory);
	}
	tree_end(&tree);
}

/* The PFs without their VFs are the same PFs, and more is known of them. */
static void pfs_alone(void **state)
{
	struct tree tree = tree_new((struct tree){.pfs = 3, .vfs = 100, .gaps = true});
	struct host *host = host_on(&tree);
	struct inventory all, alone;

	(void)state;
	/* Without these numbers each VF is asked. */
	device_drop(&tree, tree_pf(&tree, 1), "sriov_offset");
	device_text(&tree, tree_pf(&tree, 2), "sriov_stride", "65535\n");
	assert_int_equal(host->ops->read_all(host, 0, &all, NULL), 0);
	assert_int_equal(host->ops->read_all(host, HOST_NO_VFS, &alone, NULL), 0);
	assert_int_equal(alone.npfs, 3);
	for (size_t i = 0; i < 3; i++) {
		struct pf pf, *a = &alone.pfs[i];

		assert_true(pciaddr_equal(a->addr, all.pfs[i].addr));
		same_text(a->netdev, all.pfs[i].netdev);
		same_text(a->driver, all.pfs[i].driver);
		assert_int_equal(a->num_vfs, 100);
		assert_int_equal(a->nvfs, 0);
		assert_null(a->vfs);
		assert_int_equal(a->vendor, 0x8086);
		assert_int_equal(a->product, 0x10c9);
		assert_int_equal(host->ops->read_pf(host, a->addr, HOST_NO_VFS, &pf, NULL), 0);
		same_pf(&pf, a);
		assert_int_equal(pf.vendor, 0x8086);
		pf_clear(&pf);
	}
	inventory_clear(&all);
	inventory_clear(&alone);
	host->ops->close(host);
	tree_end(&tree);
}

static void numa_nodes(void **state)
{
	struct tree tree = tree_new((struct tree){.pfs = 1, .vfs = 1});
	cleanup_free char *path = mem_printf("%s/devices/system", tree.dir);
	cleanup_free char *node = mem_printf("%s/node", path);
	static const struct {
		const char *name, *cpulist;
	} made[] = {{"node10", "8-11\n"}, {"node2", "0-3,12\n"},   {"node0", "\n"},
		    {"nodex", "1\n"},     {"node3", "nonsense\n"}, {"node1", NULL}};
	struct host *host = host_on(&tree);
	struct numa_nodes nodes;

	(void)state;
	assert_int_equal(host->ops->read_nodes(host, &nodes, NULL), 0);
	assert_int_equal(nodes.n, 0);
	assert_int_equal(mkdir(path, 0755) || mkdir(node, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		cleanup_free char *one = mem_printf("%s/%s", node, made[i].name);
		cleanup_free char *list =
			mem_printf("devices/system/node/%s/cpulist", made[i].name);

		assert_int_equal(mkdir(one, 0755), 0);
		if (made[i].cpulist)
			tree_file(tree.dir, list, made[i].cpulist);
	}
	assert_int_equal(host->ops->read_nodes(host, &nodes, NULL), 0);
	assert_int_equal(nodes.n, 3);
	assert_int_equal(nodes.items[0].id, 0);
	assert_int_equal(idset_count(&nodes.items[0].cpus), 0);
	assert_int_equal(nodes.items[1].id, 2);
	assert_int_equal(idset_count(&nodes.items[1].cpus), 5);
	assert_int_equal(nodes.items[2].id, 10);
	assert_true(idset_has(&nodes.items[2].cpus, 11));
	numa_nodes_clear(&nodes);
	host->ops->close(host);
	tree_end(&tree);
}

/* System calls of reading the whole tree, counted by tracing a child; -1: not allowed here. */
static long count_system_calls(const char *dir, unsigned what)
{
	long calls = 0;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct inventory inventory;
		struct host *host;

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			_exit(77);
		if (host_open(dir, &host, NULL) ||
		    host->ops->read_all(host, what, &inventory, NULL))
			_exit(1);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		calls += WSTOPSIG(status) == SIGTRAP;
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
			break;
	}
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		return -1;
	assert_int_equal(WEXITSTATUS(status), 0);
	return calls / 2; /* a stop on the way in, one on the way out */
}

static void four_system_calls_a_vf(void **state)
{
	struct tree small = tree_new((struct tree){.pfs = 1, .vfs = 8});
	struct tree big = tree_new((struct tree){.pfs = 8, .vfs = 32});
	long few = count_system_calls(small.dir, HOST_NETDEVS | HOST_SETTINGS);
	long many = count_system_calls(big.dir, HOST_NETDEVS | HOST_SETTINGS);

	(void)state;
	tree_end(&small);
	tree_end(&big);
	if (few < 0)
		skip();
	print_message("# 8 VFs: %ld system calls, 256 VFs: %ld\n", few, many);
	assert_true(many - few <= 4 * (256 - 8));
}

static void no_system_call_a_vf(void **state)
{
	struct tree small = tree_new((struct tree){.pfs = 8, .vfs = 1});
	struct tree big = tree_new((struct tree){.pfs = 8, .vfs = 64});
	long few = count_system_calls(small.dir, HOST_NO_VFS);
	long many = count_system_calls(big.dir, HOST_NO_VFS);

	(void)state;
	tree_end(&small);
	tree_end(&big);
	if (few < 0)
		skip();
	print_message("# 8 PFs alone: %ld system calls, with 512 VFs: %ld\n", few, many);
	/* The list of all devices is longer; memory for it may be asked for. */
	assert_true(many <= few + 64);
}

static void thousands(void **state)
{
	struct tree tree = tree_new((struct tree){.pfs = 32, .vfs = 128});
	struct host *host = host_on(&tree);
	struct inventory inventory;
	struct rusage before, after;

	(void)state;
	assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
	assert_int_equal(host->ops->read_all(host, EVERYTHING, &inventory, NULL), 0);
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	assert_int_equal(inventory.npfs, 32);
	for (unsigned i = 0; i < 32; i++) {
		assert_int_equal(inventory.pfs[i].nvfs, 128);
		for (unsigned v = 0; v < 128; v++)
			assert_true(
				pciaddr_equal(inventory.pfs[i].vfs[v].addr, tree_vf(&tree, i, v)));
	}
#ifndef __SANITIZE_ADDRESS__
	print_message("# 4096 VFs: %ld KiB\n", after.ru_maxrss - before.ru_maxrss);
	assert_true(after.ru_maxrss - before.ru_maxrss <= 4096);
#endif
	inventory_clear(&inventory);
	host->ops->close(host);
	tree_end(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_host),
		cmocka_unit_test(gaps_in_the_numbers),
		cmocka_unit_test(a_number_that_is_being_changed),
		cmocka_unit_test(drivers_of_every_kind),
		cmocka_unit_test(vfs_that_are_no_nics),
		cmocka_unit_test(iommu_groups),
		cmocka_unit_test(names_are_only_data),
		cmocka_unit_test(what_people_type),
		cmocka_unit_test(refusals_say_what_it_is),
		cmocka_unit_test(a_made_tree_is_never_changed),
		cmocka_unit_test(nothing_there),
		cmocka_unit_test(attributes_of_nonsense),
		cmocka_unit_test(pfs_alone),
		cmocka_unit_test(numa_nodes),
		cmocka_unit_test(four_system_calls_a_vf),
		cmocka_unit_test(no_system_call_a_vf),
		cmocka_unit_test(thousands),
	};

	return cmocka_run_group_tests_name("sysfs", tests, NULL, NULL);
}
