/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policies/candidates.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

static const char *const refusal_names[] = {
	[REFUSAL_NONE] = "free",
	[REFUSAL_LEASED] = "leased",
	[REFUSAL_DOMAIN] = "running-domain",
	[REFUSAL_OPEN] = "open",
	[REFUSAL_DEFINED] = "defined-domain",
	[REFUSAL_HOST_ADDRESS] = "host-address",
	[REFUSAL_HOST_MASTER] = "host-master",
	[REFUSAL_HOST_NETNS] = "host-netns",
	[REFUSAL_HOST_DRIVER] = "host-driver",
	[REFUSAL_NO_IOMMU] = "no-iommu",
	[REFUSAL_GROUP] = "iommu-group",
	[REFUSAL_KIND] = "other-kind",
	[REFUSAL_BUSY] = "busy",
	[REFUSAL_OTHER_INDEX] = "not-asked-for",
	[REFUSAL_EXCLUDED] = "excluded",
	[REFUSAL_RESERVED] = "reserved",
	[REFUSAL_LIMIT] = "limit",
	[REFUSAL_NOT_PREBOUND] = "not-prebound",
	[REFUSAL_NODE] = "numa-node",
};
static_assert(ARRAY_SIZE(refusal_names) == REFUSAL_NODE + 1, "a name for every refusal");

const char *refusal_name(enum refusal refusal)
{
	return refusal_names[refusal];
}

bool refusal_is_use(enum refusal refusal)
{
	switch (refusal) {
	case REFUSAL_LEASED:
	case REFUSAL_DOMAIN:
	case REFUSAL_OPEN:
	case REFUSAL_DEFINED:
	case REFUSAL_HOST_ADDRESS:
	case REFUSAL_HOST_MASTER:
	case REFUSAL_HOST_NETNS:
	case REFUSAL_HOST_DRIVER:
	case REFUSAL_BUSY:
		return true;
	case REFUSAL_NONE:
	case REFUSAL_KIND:
	case REFUSAL_NO_IOMMU:
	case REFUSAL_GROUP:
	case REFUSAL_OTHER_INDEX:
	case REFUSAL_EXCLUDED:
	case REFUSAL_RESERVED:
	case REFUSAL_LIMIT:
	case REFUSAL_NOT_PREBOUND:
	case REFUSAL_NODE:
		return false;
	}
	return false;
}

void foreigns_clear(struct foreigns *foreigns)
{
	for (size_t i = 0; i < foreigns->n; i++)
		free(foreigns->items[i].domain);
	free(foreigns->items);
	for (size_t i = 0; i < foreigns->nmacs; i++)
		free(foreigns->macs[i].domain);
	free(foreigns->macs);
	*foreigns = (struct foreigns){0};
}

/* Of one VF a running holder comes first: it says more than a definition. */
static bool comes_before(struct pciaddr host, bool running, const struct foreign *other)
{
	int order = pciaddr_compare(host, other->host);

	return order ? order < 0 : running && !other->running;
}

void foreigns_add(struct foreigns *foreigns, struct pciaddr host, const char *domain, bool running)
{
	struct foreign *f = mem_append(&foreigns->items, &foreigns->n, sizeof(*f));

	for (; f > foreigns->items && comes_before(host, running, f - 1); f--)
		*f = f[-1];
	*f = (struct foreign){.host = host, .domain = mem_strdup(domain), .running = running};
}

void foreigns_add_mac(struct foreigns *foreigns, struct mac mac, const char *domain)
{
	struct foreign_mac *m = mem_append(&foreigns->macs, &foreigns->nmacs, sizeof(*m));

	m->mac = mac;
	m->domain = mem_strdup(domain);
}

/* By halves: a host has hundreds of guests, and this is asked for each VF. */
const struct foreign *foreigns_of(const struct foreigns *foreigns, struct pciaddr host, size_t *n)
{
	size_t low = 0, high = foreigns ? foreigns->n : 0, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pciaddr_compare(foreigns->items[middle].host, host) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; foreigns && end < foreigns->n; end++)
		if (!pciaddr_equal(foreigns->items[end].host, host))
			break;
	*n = end - low;
	return *n ? &foreigns->items[low] : NULL;
}

static bool busy(const struct judge *judge, struct pciaddr vf)
{
	for (size_t i = 0; i < judge->nbusy; i++)
		if (pciaddr_equal(judge->busy[i], vf))
			return true;
	return false;
}

static bool on_node(const struct judge *judge, int node)
{
	for (size_t i = 0; i < judge->nnodes; i++)
		if (judge->nodes[i] == node)
			return true;
	/* Nothing is known of the guest or of the PF: then nothing speaks against it. */
	return !judge->nnodes || node < 0;
}

/* The pool's own rules, for a VF that is free in itself. */
static enum refusal judge_by_pool(const struct judge *judge, const struct pf *pf,
				  const struct vf *vf, char **reason)
{
	const struct pool *pool = judge->pool;

	if (!pool_holds(pool, vf)) {
		*reason = mem_printf("pool %s excludes it", pool->name);
		return REFUSAL_EXCLUDED;
	}
	if (pool->prebound && (!vf->driver || strcmp(vf->driver, "vfio-pci") != 0)) {
		*reason = mem_printf("it is on %s, and pool %s keeps its VFs on vfio-pci "
				     "(`vfpool set-vfs %s %u --prebind`)",
				     vf->driver ? vf->driver : "no driver", pool->name, pf_str(pf),
				     pf->num_vfs);
		return REFUSAL_NOT_PREBOUND;
	}
	if (judge->index < 0 && pool_vfs_has(pool->reserved, pool->nreserved, vf)) {
		*reason = mem_printf("pool %s reserves it for who asks for it by name", pool->name);
		return REFUSAL_RESERVED;
	}
	if (pool->per_guest && judge->of_guest >= pool->per_guest) {
		*reason =
			mem_printf("the guest has its %u of pool %s", pool->per_guest, pool->name);
		return REFUSAL_LIMIT;
	}
	if (pool->total && judge->of_pool >= pool->total) {
		*reason = mem_printf("the %u of pool %s are handed out", pool->total, pool->name);
		return REFUSAL_LIMIT;
	}
	if (pool->numa_strict && !on_node(judge, pf->numa_node)) {
		*reason = mem_printf("it is on NUMA node %d, and the guest is not", pf->numa_node);
		return REFUSAL_NODE;
	}
	return REFUSAL_NONE;
}

/*
 * Who names the PF and not its pool gets what a pool holds, but never what pools leave out, nor
 * what is kept for who asks for it.
 */
static enum refusal judge_by_others(const struct judge *judge, const struct vf *vf, char **reason)
{
	const struct pool *excludes = NULL, *reserves = NULL;

	for (size_t i = 0; i < judge->nalso; i++) {
		const struct pool *pool = judge->also[i];

		if (!pool_holds(pool, vf)) {
			excludes = pool;
			continue;
		}
		if (judge->index >= 0 || !pool_vfs_has(pool->reserved, pool->nreserved, vf))
			return REFUSAL_NONE;
		reserves = pool;
	}
	if (reserves) {
		*reason = mem_printf("pool %s reserves it for who asks for it by name",
				     reserves->name);
		return REFUSAL_RESERVED;
	}
	if (excludes) {
		*reason = mem_printf("pool %s excludes it", excludes->name);
		return REFUSAL_EXCLUDED;
	}
	return REFUSAL_NONE;
}

/* What belongs to a network card alone is not dropped for a VF of something else. */
char *candidate_other_kind(const struct judge *judge, const struct pf *pf)
{
	const char *of_pool = judge->pool ? pool_nic_word(judge->pool) : NULL;

	if (pf->nic)
		return judge->no_nic ? mem_printf("it is a NIC, and the guest is owed none") : NULL;
	if (of_pool)
		return mem_printf("it is no NIC, and pool %s sets %s", judge->pool->name, of_pool);
	if (judge->nic_word)
		return mem_printf("it is no NIC, and only one has %s", judge->nic_word);
	return NULL;
}

/*
 * The order is from what says most to what says least: a VF that vfpool gave to a guest is also
 * on vfio-pci, and "leased to web1" is what the user needs to read.
 */
enum refusal candidate_judge(const struct judge *judge, const struct pf *pf, const struct vf *vf,
			     char **reason)
{
	const struct lease *lease = judge->leases ? leases_by_vf(judge->leases, vf->addr) : NULL;
	size_t nforeign;
	const struct foreign *foreign = foreigns_of(judge->foreigns, vf->addr, &nforeign);

	*reason = NULL;
	if (judge->index >= 0 && vf->index != (unsigned)judge->index) {
		*reason = mem_printf("another VF was asked for");
		return REFUSAL_OTHER_INDEX;
	}
	/* Its lease is then the one that is about to be given up for that. */
	if (busy(judge, vf->addr)) {
		*reason = mem_printf("somebody else has it, libvirt says");
		return REFUSAL_BUSY;
	}
	if (lease) {
		*reason = mem_printf("%s %s %s (assignment %s)%s%s", lease_word(lease),
				     lease->state == LEASE_RESERVED ? "for" : "by",
				     lease->domain_name, lease->assignment,
				     lease->reason ? ": " : "", lease->reason ? lease->reason : "");
		return REFUSAL_LEASED;
	}
	if (foreign && foreign->running) {
		*reason = mem_printf("in the running domain %s, not by vfpool", foreign->domain);
		return REFUSAL_DOMAIN;
	}
	if (vf->user) {
		*reason = mem_printf("%s has it open", vf->user);
		return REFUSAL_OPEN;
	}
	if (foreign) {
		*reason = mem_printf("named by the definition of domain %s, not by vfpool",
				     foreign->domain);
		return REFUSAL_DEFINED;
	}
	if (vf->master) {
		*reason =
			mem_printf("the host uses it: %s is a port of %s", vf->netdev, vf->master);
		return REFUSAL_HOST_MASTER;
	}
	if (vf->address) {
		*reason = mem_printf("the host uses it: %s has the address %s", vf->netdev,
				     vf->address);
		return REFUSAL_HOST_ADDRESS;
	}
	/* A prebound pool's VFs wait on vfio-pci, as all do of a PF that was set so. */
	if (driver_is_userspace(vf->driver) && !vf->prebound &&
	    !(judge->pool && judge->pool->prebound && !strcmp(vf->driver, "vfio-pci"))) {
		*reason = mem_printf("bound to %s, and not by vfpool", vf->driver);
		return REFUSAL_HOST_DRIVER;
	}
	if (vf->driver && vf->netdev_elsewhere) {
		*reason = mem_printf("its netdev is in another network namespace (driver %s)",
				     vf->driver);
		return REFUSAL_HOST_NETNS;
	}
	if (vf->iommu_group < 0) {
		*reason = mem_printf("it has no IOMMU group: the host's IOMMU is off");
		return REFUSAL_NO_IOMMU;
	}
	if (vf->group_peer) {
		*reason = mem_printf("it shares IOMMU group %d with %s", vf->iommu_group,
				     vf->group_peer);
		return REFUSAL_GROUP;
	}
	*reason = candidate_other_kind(judge, pf);
	if (*reason)
		return REFUSAL_KIND;
	return judge->pool ? judge_by_pool(judge, pf, vf, reason)
			   : judge_by_others(judge, vf, reason);
}

void candidates_add(struct candidates *candidates, const struct judge *judge, const struct pf *pf)
{
	size_t place = candidates->npfs;
	struct judge any = *judge;
	struct candidate_pf *of =
		mem_append(&candidates->pfs, &candidates->npfs, sizeof(*candidates->pfs));

	any.index = -1;
	of->pf = pf;
	for (size_t i = 0; i < pf->nvfs; i++) {
		struct candidate *c = mem_append(&candidates->items, &candidates->n, sizeof(*c));

		c->pf = pf;
		c->vf = &pf->vfs[i];
		c->place = place;
		c->refusal = candidate_judge(&any, pf, c->vf, &c->reason);
		c->counted = c->refusal == REFUSAL_NONE;
		of->free += c->counted;
		of->used += refusal_is_use(c->refusal);
		if (judge->index >= 0) {
			free(c->reason);
			c->refusal = candidate_judge(judge, pf, c->vf, &c->reason);
		}
		of->total += !judge->pool || pool_holds(judge->pool, c->vf);
	}
}

void candidate_refuse(struct candidates *candidates, struct candidate *candidate,
		      enum refusal refusal, char *reason)
{
	struct candidate_pf *of = &candidates->pfs[candidate->place];

	of->free -= candidate->counted;
	candidate->counted = false;
	of->used += refusal_is_use(refusal);
	candidate->refusal = refusal;
	candidate->reason = reason;
}

void candidates_clear(struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->n; i++)
		free(candidates->items[i].reason);
	free(candidates->items);
	free(candidates->pfs);
	*candidates = (struct candidates){0};
}
