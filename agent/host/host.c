// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The real host, put together: sysfs and netlink say how things are (reading.c), uevents when to
 * look again.
 */
#include "host/host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/lock.h"
#include "host/real.h"
#include "host/udev.h"
#include "host/uevent.h"
#include "host/vfio.h"

#define SYSFS "/sys"
#define CLOSING_MS 50

int refuse_made_tree(const struct real_host *h, const char *what, struct err **err)
{
	if (h->netlink)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, "%s is not the running kernel's: %s is not possible",
		       h->root, what);
}

static int host_watch(struct host *host, struct err **err)
{
	struct real_host *h = real(host);

	if (h->uevents >= 0)
		return 0;
	if (refuse_made_tree(h, "waiting for drivers", err))
		return -1;
	return uevent_open(&h->uevents, err);
}

static struct vfio_device vfio_device_of(const struct real_host *h, struct pciaddr addr, int group)
{
	return (struct vfio_device){
		.dir = mem_printf("%s/bus/pci/devices/%s/vfio-dev", h->root, pciaddr_str(addr)),
		.group = group,
	};
}

static char *find_user(struct real_host *h, struct pciaddr vf)
{
	struct vfio_device device = vfio_device_of(h, vf, sysfs_iommu_group(h->sysfs, vf));

	vfio_find_users(&device, 1);
	free(device.dir);
	return device.user;
}

static void host_find_users(struct host *host, struct vf *const *vfs, size_t n)
{
	struct real_host *h = real(host);
	cleanup_free struct vfio_device *devices = mem_zero(n, sizeof(*devices));
	cleanup_free struct vf **open = mem_zero(n, sizeof(struct vf *));
	size_t nopen = 0;

	for (size_t i = 0; h->netlink && i < n; i++) {
		free(vfs[i]->user);
		vfs[i]->user = NULL;
		if (!sysfs_is_enabled(h->sysfs, vfs[i]->addr))
			continue;
		devices[nopen] = vfio_device_of(h, vfs[i]->addr, vfs[i]->iommu_group);
		open[nopen++] = vfs[i];
	}
	if (nopen)
		vfio_find_users(devices, nopen);
	for (size_t i = 0; i < nopen; i++) {
		free(devices[i].dir);
		open[i]->user = devices[i].user;
	}
}

/* What is still missing, in words; NULL: nothing, it is as wanted. */
static char *missing(struct real_host *h, struct pciaddr vf, const char *driver)
{
	cleanup_free char *bound = sysfs_driver(h->sysfs, vf);
	cleanup_names struct names names = {0};

	if (driver && (!bound || strcmp(bound, driver) != 0))
		return bound ? mem_printf("it is bound to %s", bound)
			     : mem_strdup("no driver is bound to it");
	if (!driver && driver_is_vfio(bound))
		return mem_printf("it is bound to %s", bound);
	if (driver && !strcmp(driver, "vfio-pci")) {
		char *user = find_user(h, vf);
		char *what = user ? mem_printf("%s has it open", user) : NULL;

		free(user);
		return what;
	}
	/* The driver's link is there before its probe has run; the netdev shows that it has. */
	if (!bound || driver_is_userspace(bound) || !sysfs_is_network(h->sysfs, vf))
		return NULL;
	names = sysfs_netdevs(h->sysfs, vf);
	return names.n ? NULL : mem_printf("it is bound to %s but has no netdev", bound);
}

static int host_wait_driver(struct host *host, struct pciaddr vf, const char *driver, msec deadline,
			    struct err **err)
{
	struct real_host *h = real(host);

	if (host_watch(host, err))
		return -1;
	for (;;) {
		cleanup_free char *what = NULL;
		msec again;
		bool polls;
		int got;

		if (!sysfs_present(h->sysfs, vf))
			return err_set(err, ERR_ABSENT, "VF %s is gone", pciaddr_str(vf));
		what = missing(h, vf, driver);
		if (!what)
			return 0;
		/* Nothing tells when a process closes it. */
		again = clock_now() + CLOSING_MS;
		polls = driver && !strcmp(driver, "vfio-pci") && again < deadline;
		got = uevent_wait(h->uevents, vf, polls ? again : deadline, err);
		if (got < 0)
			return -1;
		if (got || polls)
			continue;
		if (driver)
			return err_set(err, ERR_TIMEOUT,
				       "waiting for VF %s to come back to its driver %s: %s",
				       pciaddr_str(vf), driver, what);
		return err_set(err, ERR_TIMEOUT, "waiting for VF %s to be released: %s",
			       pciaddr_str(vf), what);
	}
}

static char *host_name(struct host *host)
{
	struct utsname name;

	(void)host;
	return mem_strdup(uname(&name) ? "" : name.nodename);
}

/* The netdevs that is_named() asks after. */
struct netdevs_of {
	struct sysfs *sysfs;
	struct pciaddr vf;
};

static bool is_named(void *arg)
{
	const struct netdevs_of *of = arg;
	cleanup_names struct names names = sysfs_netdevs(of->sysfs, of->vf);

	/* One that has got another name since then has index 0, which udev does not know. */
	for (size_t i = 0; i < names.n; i++)
		if (!udev_knows(UDEV_DIR, sysfs_netdev_index(of->sysfs, of->vf, names.items[i])))
			return false;
	return true;
}

static int host_wait_named(struct host *host, struct pciaddr vf, msec deadline, struct err **err)
{
	struct netdevs_of of = {.sysfs = real(host)->sysfs, .vf = vf};

	if (!real(host)->netlink)
		return 0;
	return udev_wait(UDEV_DIR, is_named, &of, deadline, err) < 0 ? -1 : 0;
}

static void host_close(struct host *host)
{
	struct real_host *h = real(host);

	if (h->uevents >= 0)
		(void)close(h->uevents);
	netlink_close(h->netlink);
	sysfs_close(h->sysfs);
	free(h);
}

static const struct host_ops real_ops = {
	.resolve = host_resolve,
	.read_pf = host_read_pf,
	.read_vf = host_read_vf,
	.read_all = host_read_all,
	.name = host_name,
	.read_bridge = host_read_bridge,
	.read_nodes = host_read_nodes,
	.pf_up = host_pf_up,
	.read_settings = host_read_settings,
	.apply = host_apply,
	.watch = host_watch,
	.wait_driver = host_wait_driver,
	.wait_named = host_wait_named,
	.find_pf = host_find_pf,
	.set_num_vfs = host_set_num_vfs,
	.read_home = host_read_home,
	.set_home = host_set_home,
	.send_home = host_send_home,
	.wait_home = host_wait_home,
	.find_users = host_find_users,
	.persist = host_persist,
	.forget = host_forget,
	.read_keepers = host_read_keepers,
	.write_note = host_write_note,
	.read_notes = host_read_notes,
	.drop_note = host_drop_note,
	.close = host_close,
};

/* By whoever has its number for himself; a process that was left behind in the kernel still has. */
static bool is_resized(struct pciaddr pf)
{
	cleanup_free char *name = mem_printf(LOCK_OF_NUMBER "%s", pciaddr_str(pf));

	return lock_is_taken(name);
}

int host_open(const char *sysfs, struct host **out, struct err **err)
{
	struct real_host *h = mem_zero(1, sizeof(*h));

	h->host.ops = &real_ops;
	h->uevents = -1;
	h->root = sysfs ? sysfs : SYSFS;
	if (sysfs_open(h->root, &h->sysfs, err) ||
	    (!strcmp(h->root, SYSFS) && netlink_open(&h->netlink, err))) {
		sysfs_close(h->sysfs);
		free(h);
		return -1;
	}
	if (h->netlink)
		sysfs_avoid(h->sysfs, is_resized);
	*out = &h->host;
	return 0;
}
