// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A guest is about to start. libvirt would fail on a VF that is not there, or, worse, not fail on
 * one that is another guest's by now; and would say neither why nor what to do.
 */
#include <string.h>

#include "core/cleanup.h"
#include "hook/hook.h"

static int mend(const struct hook_call *call, struct err **err)
{
	err_now(err, "%s was not started, and nothing was changed", call->name);
	return err_next(err, "`vfpool reconcile %s` gives it a VF that is there", call->name);
}

static int not_leased(const struct device *device, const struct lease *other,
		      const struct lease *own, struct err **err)
{
	const char *vf = pciaddr_str(device->host);

	if (other)
		return err_set(err, ERR_FAILED,
			       "its definition names VF %s for assignment %s, and that is %s by %s "
			       "(assignment %s)",
			       vf, device->id, lease_word(other), other->domain_name,
			       other->assignment);
	if (own)
		return err_set(err, ERR_FAILED,
			       "its definition names VF %s for assignment %s, which has VF %s", vf,
			       device->id, pciaddr_str(own->vf));
	return err_set(err, ERR_FAILED,
		       "its definition names VF %s for assignment %s, and that is not leased to it",
		       vf, device->id);
}

static int check_lease(struct edges *edges, const struct domain_view *view,
		       const struct device *device, struct err **err)
{
	cleanup(leases_clear) struct leases all = {0};
	const struct lease *own, *other;

	if (edges->store->ops->list(edges->store, NULL, NULL, &all, err))
		return -1;
	own = leases_by_assignment(&all, device->id);
	if (own && !strcmp(own->domain_uuid, view->uuid) && pciaddr_equal(own->vf, device->host))
		return 0;
	other = leases_by_vf(&all, device->host);
	return not_leased(device, other != own ? other : NULL, own, err);
}

static int check_vf(struct edges *edges, const struct device *device, struct err **err)
{
	struct host *host = edges->host;
	struct err *why = NULL;
	struct pciaddr pf;
	int index;

	if (!host->ops->resolve(host, pciaddr_str(device->host), &pf, &index, &why) && index >= 0)
		return 0;
	err_set(err, ERR_FAILED, "its definition names VF %s for assignment %s, and %s",
		pciaddr_str(device->host), device->id, why ? why->what : "that is a PF, not a VF");
	err_free(&why);
	return -1;
}

int hook_prepare(const struct hook_call *call, struct domain_view *view, struct err **err)
{
	for (size_t i = 0; i < view->ndevices; i++) {
		const struct device *device = &view->devices[i];
		struct edges *edges;

		if (!device->id[0])
			continue;
		if (call->open(call->arg, HOOK_HOST | HOOK_STORE, &edges, err) ||
		    check_vf(edges, device, err) || check_lease(edges, view, device, err)) {
			err_wrap(err, "%s cannot start", call->name);
			return mend(call, err);
		}
	}
	return 0;
}
