// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A guest has ended here, or never came; libvirt has given its devices back to the host. A lease
 * that was only for the running guest goes: at once where its VF is back and as it was before us;
 * else it is marked, and whoever converges next finishes it.
 *
 * Whether one outlives the running guest, only the persistent definition says, and libvirt is not
 * to be asked: its own file tells.
 */
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/file.h"
#include "hook/hook.h"
#include "host/lock.h"
#include "xml/domain.h"

#define LOOK_MS 300

/* No file: the guest is not persistent, and *out is without a view. */
static int read_config(const struct hook_call *call, const char *uuid, struct domain_view *out,
		       struct err **err)
{
	cleanup_free char *path = mem_printf("%s/%s.xml", call->configs, call->name);
	cleanup_free char *text = NULL;
	struct err *why = NULL;

	if (file_read_within(path, HOOK_XML_MAX, &text, &why)) {
		if (why->code == ERR_ABSENT) {
			err_free(&why);
			return 0;
		}
		return err_pass(err, why);
	}
	if (domain_xml_parse(text, out, err))
		return err_wrap(err, "%s", path);
	if (out->metadata_error || strcmp(out->uuid, uuid) != 0)
		return err_set(err, ERR_FAILED, "%s is not understood", path);
	return 0;
}

static bool is_back(struct edges *edges, const struct lease *lease)
{
	struct host *host = edges->host;
	const struct vf *vf;
	struct pf pf = {0};
	bool back;

	if (host->ops->read_pf(host, lease->pf, HOST_SETTINGS, &pf, NULL))
		return false;
	vf = pf_vf_by_index(&pf, lease->index);
	back = vf && pciaddr_equal(vf->addr, lease->vf);
	if (back && lease->driver)
		back = vf->driver && !strcmp(vf->driver, lease->driver);
	else if (back)
		back = !driver_is_vfio(vf->driver);
	if (back && pf.netdev)
		back = !(lease->saved.known & ~vf->settings.known) &&
		       !vf_settings_diff(&vf->settings, &lease->saved);
	pf_clear(&pf);
	return back;
}

static bool is_untouched(const struct lease *lease)
{
	return lease->state == LEASE_RESERVED || lease->state == LEASE_CLAIMED ||
	       lease->state == LEASE_LOST;
}

static int let_go(struct edges *edges, struct lease *lease, struct err **err)
{
	struct store *store = edges->store;

	if (is_untouched(lease) || is_back(edges, lease))
		return store->ops->drop(store, lease, err);
	if (lease->state == LEASE_RELEASING)
		return 0;
	lease->state = LEASE_RELEASING;
	return store->ops->update(store, lease, err);
}

/* config is NULL where it is not known: then only what nobody can come for any more goes. */
static bool stays(const struct domain_view *config, const struct lease *lease)
{
	if (!config)
		return lease->state != LEASE_RESERVED;
	return assignments_find(&config->assignments, lease->assignment) ||
	       domain_view_device(config, lease->assignment);
}

static int let_all_go(const struct hook_call *call, struct edges *edges,
		      const struct domain_view *view, struct err **err)
{
	cleanup(domain_view_clear) struct domain_view config = {0};
	cleanup(leases_clear) struct leases leases = {0};
	bool known;

	if (edges->store->ops->list(edges->store, view->uuid, NULL, &leases, err))
		return -1;
	if (!leases.n)
		return 0;
	known = !read_config(call, view->uuid, &config, err);
	for (size_t i = 0; i < leases.n; i++) {
		struct err *why = NULL;

		if (!stays(known ? &config : NULL, &leases.items[i]) &&
		    let_go(edges, &leases.items[i], &why) && !*err)
			*err = steal(&why);
		err_free(&why);
	}
	return *err ? -1 : 0;
}

int hook_release(const struct hook_call *call, struct domain_view *view, struct err **err)
{
	cleanup_free char *lock = mem_printf(LOCK_OF_DOMAIN "%s", view->uuid);
	struct edges *edges;
	int fd = -1, result;

	if (!view->uuid[0])
		return 0;
	if (call->open(call->arg, HOOK_HOST | HOOK_STORE_WRITE, &edges, err))
		return -1;
	/* Whoever has the lock for longer is at work on this very guest, and sees that it has
	 * ended; the agent may only have looked at it. */
	if (edges->lock(lock, edges->now() + LOOK_MS, &fd, NULL))
		return 0;
	edges->store->ops->because(edges->store, "hook: release end");
	result = let_all_go(call, edges, view, err);
	if (fd >= 0)
		(void)close(fd);
	return result;
}
