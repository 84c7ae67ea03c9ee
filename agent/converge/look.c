/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/look.h"

#include "core/mem.h"

static bool has_failed(const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (plan->subjects[i].err)
			return true;
	return false;
}

static bool is_claimed(const struct plan *plan, struct pciaddr vf)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (plan->subjects[i].claims && pciaddr_equal(plan->subjects[i].fresh.vf, vf))
			return true;
	return false;
}

static bool was_looked_at(const struct looked *looked, struct pciaddr vf)
{
	for (size_t i = 0; i < looked->n; i++)
		if (pciaddr_equal(looked->vfs[i], vf))
			return true;
	return false;
}

/* Does it show anything that could speak against it? */
static bool shows(const struct vf *vf)
{
	return vf->master || vf->address || vf->netdev_elsewhere || vf->group_peer;
}

int look_closer(struct host *host, const struct plan *plan, struct pf *const *pfs, size_t npfs,
		struct looked *looked, struct err **err)
{
	bool all = has_failed(plan), again = false;

	for (size_t i = 0; i < npfs; i++)
		for (size_t j = 0; j < pfs[i]->nvfs; j++) {
			struct vf *vf = &pfs[i]->vfs[j];

			if (!(all || is_claimed(plan, vf->addr)) || was_looked_at(looked, vf->addr))
				continue;
			if (host->ops->read_vf(host, pfs[i], vf, LOOK_WHAT, err))
				return -1;
			*(struct pciaddr *)mem_append(&looked->vfs, &looked->n, sizeof(vf->addr)) =
				vf->addr;
			again |= shows(vf);
		}
	return again;
}
