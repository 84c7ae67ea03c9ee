/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/report.h"

#include <stdlib.h>
#include <string.h>

#include "converge/foreign.h"
#include "converge/place.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/host.h"

/* All that a report is made from, owned. */
struct seen {
	struct inventory names;     /* the PFs by all their names, for pools; without pools, none */
	struct inventory inventory; /* and with their VFs */
	struct leases leases;
	struct foreigns foreigns;
};

static void seen_clear(struct seen *seen)
{
	inventory_clear(&seen->names);
	inventory_clear(&seen->inventory);
	leases_clear(&seen->leases);
	foreigns_clear(&seen->foreigns);
}

static bool has_pools(const struct edges *edges)
{
	return edges->pools && edges->pools->n;
}

static int look(struct edges *edges, struct seen *seen, struct err **err)
{
	struct host *host = edges->host;
	struct memo_mark mark;
	bool marked = edges->memo && memo_mark(edges->memo, &mark);

	if (has_pools(edges) && host->ops->read_all(host, HOST_NO_VFS, &seen->names, err))
		return -1;
	if (host->ops->read_all(host, HOST_NETDEVS, &seen->inventory, err) ||
	    edges->store->ops->list(edges->store, NULL, NULL, &seen->leases, err))
		return -1;
	inventory_find_peers(&seen->inventory);
	if (foreigns_gather(edges, NULL, &seen->foreigns, err))
		return -1;
	/* Who asks next, a list or an attach, need not ask libvirt then. */
	if (marked)
		foreigns_keep(edges, &mark, &seen->foreigns);
	users_gather(host, &seen->leases, &seen->foreigns, &seen->inventory);
	return 0;
}

static void add(struct host_report *report, const char *name, const struct place *place,
		const struct seen *seen)
{
	struct pool_report *out;
	struct stock stock;

	/* One that cannot be an assignment's is nobody's. */
	if (report->n == REPORT_POOLS_MAX || !host_xml_name_valid(name) ||
	    report_pool(report, name))
		return;
	out = mem_append(&report->pools, &report->n, sizeof(*out));
	out->name = mem_strdup(name);
	out->defined = place->pool;
	out->numa = -1;
	for (size_t i = 0; i < place->npfs; i++) {
		const struct pf *pf = inventory_pf(&seen->inventory, place->pfs[i]);

		if (!pf)
			continue;
		out->nic |= pf->nic;
		if (!i)
			out->numa = pf->numa_node;
		else if (out->numa != pf->numa_node)
			out->numa = -1;
	}
	if (!place->pool)
		out->free_vfs = mem_zero(1, sizeof(*out->free_vfs));
	stock = place_stock(place, &seen->inventory, &seen->leases, &seen->foreigns, out->free_vfs);
	out->free = stock.free;
	out->total = stock.vfs;
}

static void add_pool(struct host_report *report, const struct pool *pool, const struct seen *seen)
{
	struct place place = {.pool = pool, .index = -1};

	place_add_pfs(&place, &seen->names);
	if (place.npfs)
		add(report, pool->name, &place, seen);
	free(place.pfs);
}

static void add_pf(struct host_report *report, const struct pools *pools, const struct pf *pf,
		   const struct seen *seen)
{
	struct pciaddr addr = pf->addr;
	struct place place = {.index = -1, .pfs = &addr, .npfs = 1};

	if (pools)
		pools_of_pf(pools, pf, &place.also, &place.nalso);
	add(report, pf_str(pf), &place, seen);
	free(place.also);
}

int report_make(struct edges *edges, enum report_hook hook, struct host_report *out,
		struct err **err)
{
	struct host_report report = {.hook = hook, .version = mem_strdup(VFPOOL_VERSION)};
	const struct pools *pools = edges->pools;
	struct seen seen = {0};
	const struct inventory *pfs = has_pools(edges) ? &seen.names : &seen.inventory;
	int result = look(edges, &seen, err);

	report.host = edges->host->ops->name(edges->host);
	/* A defined pool comes before a PF of its name. */
	for (size_t i = 0; !result && pools && i < pools->n; i++)
		if (!pools->items[i].error)
			add_pool(&report, &pools->items[i], &seen);
	for (size_t i = 0; !result && i < pfs->npfs; i++)
		if (pfs->pfs[i].num_vfs)
			add_pf(&report, pools, &pfs->pfs[i], &seen);
	seen_clear(&seen);
	if (result) {
		host_report_clear(&report);
		return -1;
	}
	*out = report;
	return 0;
}

int report_publish(struct virt *virt, const struct host_report *report, bool *told,
		   struct err **err)
{
	cleanup_free char *xml = host_xml_format(report), *was = NULL, *before = NULL;
	cleanup(host_report_clear) struct host_report known = {0};
	struct err *why = NULL;
	bool alive = false;

	*told = false;
	if (virt->ops->published(virt, &was, &alive, &why) && why->code != ERR_ABSENT)
		return err_pass(err, why);
	err_free(&why);
	if (was && alive && !host_xml_parse(was, &known, NULL)) {
		before = host_xml_format(&known);
		if (!strcmp(before, xml))
			return 0;
	}
	*told = true;
	return virt->ops->publish(virt, xml, err);
}

int report_fetch(struct virt *virt, struct host_report *out, bool *alive, struct err **err)
{
	cleanup_free char *xml = NULL;

	if (virt->ops->published(virt, &xml, alive, err))
		return -1;
	return host_xml_parse(xml, out, err);
}
