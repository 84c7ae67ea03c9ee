// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which leases are not as they should be, as far as the host itself can tell. */
#include "daemon/line.h"
#include "daemon/work.h"

static bool is_over(const struct lease *lease, int64_t now)
{
	return lease->state == LEASE_RESERVED && lease->expires && lease->expires <= now;
}

/* Can the host's side of it be as it should be? */
static bool is_settled(const struct lease *lease, const struct inventory *inventory, int64_t now)
{
	const struct pf *pf = inventory_pf(inventory, lease->pf);
	const struct vf *vf = pf ? pf_vf_by_index(pf, lease->index) : NULL;

	return (lease->state == LEASE_HELD || lease->state == LEASE_RESERVED) && !lease->reason &&
	       !is_over(lease, now) && vf && pciaddr_equal(vf->addr, lease->vf);
}

int work_look(struct edges *edges, int out, struct err **err)
{
	struct inventory inventory = {0};
	struct leases leases = {0};
	int64_t now = edges->wall(), next = 0;

	if (edges->store->ops->list(edges->store, NULL, NULL, &leases, err))
		return -1;
	if (leases.n && edges->host->ops->read_all(edges->host, 0, &inventory, err)) {
		leases_clear(&leases);
		return -1;
	}
	for (size_t i = 0; i < leases.n; i++) {
		const struct lease *lease = &leases.items[i];

		if (!is_settled(lease, &inventory, now))
			(void)line_say(out, "guest", lease->domain_uuid, lease->domain_name,
				       "VF changed", NULL);
		else if (lease->state == LEASE_RESERVED)
			next = work_sooner(lease->expires, next, now);
	}
	work_say_again(edges, next, out);
	inventory_clear(&inventory);
	leases_clear(&leases);
	return 0;
}
