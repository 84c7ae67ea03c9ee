// SPDX-License-Identifier: LGPL-2.1-or-later
#include "converge/foreign.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "xml/domain.h"

static void add_view(struct foreigns *foreigns, const struct domain_view *view, const char *name,
		     bool running)
{
	for (size_t i = 0; i < view->ndevices; i++)
		if (!*view->devices[i].id)
			foreigns_add(foreigns, view->devices[i].host, name, running);
	for (size_t i = 0; i < view->nmacs; i++)
		foreigns_add_mac(foreigns, view->macs[i], name);
	/* A plain hostdev shows none, and what is parked comes back with the one that it has. */
	for (size_t i = 0; i < view->assignments.n; i++)
		foreigns_add_mac(foreigns, view->assignments.items[i].mac, name);
}

/* What its two views add: its foreign devices, and the MACs of all its interfaces. */
static void foreigns_add_domain(struct foreigns *foreigns, const struct domain *domain)
{
	if (domain->live.present)
		add_view(foreigns, &domain->live, domain->name, true);
	if (domain->config.present)
		add_view(foreigns, &domain->config, domain->name, false);
}

/*
 * One definition of one domain. Whether it has a definition of that kind is not asked before: its
 * absence is the answer, and that of a running domain that is not persistent names what its live
 * one does. Only a lost connection ends it all.
 */
static int add_definition(struct virt *virt, const struct virt_dom *dom, unsigned which,
			  struct foreigns *foreigns, struct err **err)
{
	cleanup_free char *xml = NULL;
	cleanup_err struct err *why = NULL;
	struct domain_view view = {0};

	if (virt->ops->xml(virt, dom, which, &xml, &why) < 0) {
		if (why->code == ERR_ABSENT)
			return 0;
		if (why->code == ERR_LOST) {
			if (err)
				*err = steal(&why);
			return err_wrap(err, "reading the definition of domain %s", dom->name);
		}
	} else if (domain_xml_parse(xml, &view, &why) == 0) {
		add_view(foreigns, &view, dom->name, which == VIEW_LIVE);
		domain_view_clear(&view);
		return 0;
	}
	log_warn("domain %s is passed over, its devices are not known: %s", dom->name, why->what);
	foreigns->incomplete = true;
	return 0;
}

static int add_domain(struct virt *virt, const struct virt_dom *dom, struct foreigns *foreigns,
		      struct err **err)
{
	if (dom->id >= 0 && add_definition(virt, dom, VIEW_LIVE, foreigns, err) < 0)
		return -1;
	return add_definition(virt, dom, VIEW_CONFIG, foreigns, err);
}

int foreigns_gather(struct edges *edges, const struct domain *known, struct foreigns *out,
		    struct err **err)
{
	struct virt *virt = edges->virt;
	struct foreigns found = {0};
	cleanup_free struct virt_dom *doms = NULL;
	size_t n = 0;
	int rc = 0;

	if (known && foreigns_recall_others(edges, known->name, out)) {
		foreigns_add_domain(out, known);
		return 0;
	}
	if (virt->ops->list(virt, &doms, &n, err) < 0)
		return -1;
	if (known)
		foreigns_add_domain(&found, known);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && !(known && strcmp(doms[i].uuid, known->uuid) == 0))
			rc = add_domain(virt, &doms[i], &found, err);
		virt_dom_clear(virt, &doms[i]);
	}
	if (rc < 0) {
		foreigns_clear(&found);
		return -1;
	}
	*out = found;
	return 0;
}

static bool is_known(const struct leases *leases, const struct foreigns *foreigns,
		     struct pciaddr vf)
{
	size_t n;
	const struct foreign *foreign = foreigns_of(foreigns, vf, &n);

	return (foreign && foreign->running) || leases_by_vf(leases, vf);
}

void users_gather(struct host *host, const struct leases *leases, const struct foreigns *foreigns,
		  struct inventory *inventory)
{
	cleanup_free struct vf **asked = NULL;
	size_t n = 0;

	for (size_t i = 0; i < inventory->npfs; i++)
		for (size_t j = 0; j < inventory->pfs[i].nvfs; j++) {
			struct vf *vf = &inventory->pfs[i].vfs[j];

			if (driver_is_vfio(vf->driver) && !is_known(leases, foreigns, vf->addr))
				*(struct vf **)mem_append(&asked, &n, sizeof(struct vf *)) = vf;
		}
	if (n)
		host->ops->find_users(host, asked, n);
}
