// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfpool why: for each VF free, or the reason against it; for the guest, what stands in the way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "converge/foreign.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "policies/policy.h"
#include "verbs/verb.h"
#include "verbs/vf_words.h"
#include "xml/domain.h"

/* X(id, name, type, hidden, right, help) */
#define COLUMNS(X)                                                                            \
	X(NAME, "NAME", STRING, false, false, "The domain, the PF's interface, or PF/INDEX")  \
	X(ADDRESS, "ADDRESS", STRING, false, false, "PCI address on the host")                \
	X(VERDICT, "VERDICT", STRING, false, false, "Free, or what is against it, in a word") \
	X(REASON, "REASON", STRING, false, false, "The same in a sentence")                   \
	X(TYPE, "TYPE", STRING, true, false, "Domain, device, pf or vf")                      \
	X(CHOSEN, "CHOSEN", BOOLEAN, true, false, "Whether attach would take this VF now")    \
	X(SLOTS, "SLOTS", NUMBER, true, true, "The guest's free slots for hot-plug")          \
	X(FREE, "FREE", NUMBER, true, true, "Number of the PF's VFs that are free")

#define COLUMN_ID(id, name, type, hidden, right, help) COL_##id,
enum { COLUMNS(COLUMN_ID) COL_COUNT };

#define COLUMN_ROW(id, name, type, hidden, right, help) \
	[COL_##id] = {name, COLUMN_##type, help, hidden, right},
static const struct column columns[] = {COLUMNS(COLUMN_ROW)};

#define COLUMN_OPTION(id, name, type, hidden, right, help) \
	{name, 0, NULL, OPTION_DOC, help, (hidden) ? 3 : 2},
static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "Columns:", 2},
	{NULL, 0, NULL, 0, "More, shown with --json:", 3},
	COLUMNS(COLUMN_OPTION){0},
};

struct request {
	const char *domain;
	const char *pool;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!request->domain)
			request->domain = arg;
		else if (!request->pool)
			request->pool = arg;
		else
			return ARGP_ERR_UNKNOWN;
		return 0;
	case ARGP_KEY_END:
		if (!request->pool) {
			argp_error(state, "%s",
				   request->domain ? "POOL or VF is missing" : "DOMAIN is missing");
			return EINVAL;
		}
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* All that the answer is made from, owned. */
struct findings {
	struct domain domain;
	struct pf pf;
	int index; /* the one VF that was asked for; -1: any */
	struct leases leases;
	struct foreigns foreigns;
};

static void findings_clear(struct findings *findings)
{
	domain_clear(&findings->domain);
	pf_clear(&findings->pf);
	leases_clear(&findings->leases);
	foreigns_clear(&findings->foreigns);
}

static int read_view(struct virt *virt, const struct virt_dom *dom, unsigned which,
		     struct domain_view *view, struct err **err)
{
	cleanup_free char *xml = NULL;
	cleanup_err struct err *why = NULL;

	if (virt->ops->xml(virt, dom, which, &xml, &why) < 0) {
		if (why->code == ERR_ABSENT)
			return 0;
		*err = steal(&why);
		return -1;
	}
	if (domain_xml_parse(xml, view, err) < 0)
		return -1;
	view->present = true;
	return 0;
}

static int read_domain(struct virt *virt, const char *name, struct domain *domain, struct err **err)
{
	struct virt_dom dom = {0};
	int rc;

	if (virt->ops->find(virt, name, &dom, err) < 0)
		return -1;
	memcpy(domain->uuid, dom.uuid, sizeof(domain->uuid));
	domain->name = mem_strdup(dom.name);
	domain->id = dom.id;
	rc = virt->ops->state(virt, &dom, &domain->persistent, &domain->paused, err);
	if (rc == 0 && dom.id >= 0)
		rc = read_view(virt, &dom, VIRT_LIVE, &domain->live, err);
	if (rc == 0 && domain->persistent)
		rc = read_view(virt, &dom, VIRT_CONFIG, &domain->config, err);
	virt_dom_clear(virt, &dom);
	return rc;
}

static int read_all(struct session *session, const struct request *request,
		    struct findings *findings, struct err **err)
{
	const unsigned what = HOST_NETDEVS | HOST_GROUPS;
	struct edges *edges = &session->edges;
	struct pciaddr addr;

	if (session_need(session, NEED_HOST, err) < 0 ||
	    edges->host->ops->resolve(edges->host, request->pool, &addr, &findings->index, err) < 0)
		return -1;
	if (session_need(session, NEED_VIRT | NEED_STORE, err) < 0 ||
	    read_domain(edges->virt, request->domain, &findings->domain, err) < 0)
		return -1;
	if (edges->host->ops->read_pf(edges->host, addr, what, &findings->pf, err) < 0 ||
	    edges->store->ops->list(edges->store, NULL, &addr, &findings->leases, err) < 0)
		return -1;
	return foreigns_gather(edges, &findings->domain, &findings->foreigns, err);
}

static const struct domain_view *view_of(const struct domain *domain)
{
	return domain->live.present ? &domain->live : &domain->config;
}

/* A guest that is off needs no slot: libvirt makes room when it starts. */
static void set_domain(struct row *row, const struct domain *domain)
{
	const struct domain_view *view = view_of(domain);
	size_t slots = view->nfree_slots;

	row_set(row, COL_NAME, "%s", domain->name);
	row_set(row, COL_TYPE, "domain");
	if (!domain->live.present) {
		row_set(row, COL_VERDICT, "off");
		row_set(row, COL_REASON, "shut off: attach with --config");
		return;
	}
	row_set(row, COL_SLOTS, "%zu", slots);
	if (slots == 0) {
		row_set(row, COL_VERDICT, "no-slot");
		row_set(row, COL_REASON,
			"%s, without a free slot for hot-plug: add a pcie-root-port and restart it",
			domain->paused ? "paused" : "running");
	} else if (domain->paused) {
		row_set(row, COL_VERDICT, "paused");
		row_set(row, COL_REASON,
			"paused, free slots for hot-plug: %zu; it cannot let go of a VF before it "
			"is resumed",
			slots);
	} else {
		row_set(row, COL_VERDICT, "ready");
		row_set(row, COL_REASON, "running, free slots for hot-plug: %zu", slots);
	}
}

/* libvirt moves no guest that has a host device. */
static void add_devices(struct table *table, struct row *parent, const struct domain *domain)
{
	const struct domain_view *view = view_of(domain);

	for (size_t i = 0; i < view->ndevices; i++) {
		const struct device *device = &view->devices[i];
		struct row *row = table_row(table, parent);

		row_set(row, COL_NAME, "%s", form_name(device->form));
		row_set(row, COL_ADDRESS, "%s", pciaddr_str(device->host));
		row_set(row, COL_TYPE, "device");
		row_set(row, COL_VERDICT, "stops-a-move");
		if (*device->id)
			row_set(row, COL_REASON,
				"vfpool's (assignment %s): detach it before a live migration",
				device->id);
		else
			row_set(row, COL_REASON,
				"not vfpool's: take it out by hand before a live migration");
	}
}

static void set_pf(struct row *row, const struct pf *pf, size_t nfree)
{
	row_set(row, COL_NAME, "%s", pf_str(pf));
	row_set(row, COL_ADDRESS, "%s", pciaddr_str(pf->addr));
	row_set(row, COL_TYPE, "pf");
	row_set(row, COL_FREE, "%zu", nfree);
	if (pf->netdev && !pf->up) {
		row_set(row, COL_VERDICT, "down");
		row_set(row, COL_REASON, "%zu of %zu VFs free; attach brings the PF up", nfree,
			pf->nvfs);
	} else {
		if (pf->netdev)
			row_set(row, COL_VERDICT, "up");
		row_set(row, COL_REASON, "%zu of %zu VFs free", nfree, pf->nvfs);
	}
}

static void set_vf(struct row *row, const struct candidate *candidate,
		   const struct candidate *chosen)
{
	cleanup_free char *name = vf_name(candidate->pf, candidate->vf);

	row_set(row, COL_NAME, "%s", name);
	row_set(row, COL_ADDRESS, "%s", pciaddr_str(candidate->vf->addr));
	row_set(row, COL_TYPE, "vf");
	row_set(row, COL_VERDICT, "%s", refusal_name(candidate->refusal));
	row_set(row, COL_CHOSEN, "%s", candidate == chosen ? "true" : "false");
	if (candidate->reason)
		row_set(row, COL_REASON, "%s", candidate->reason);
	else if (candidate == chosen)
		row_set(row, COL_REASON, "attach would take it");
}

static void add_vfs(struct table *table, const struct findings *findings,
		    const struct candidates *candidates, const struct candidate *chosen)
{
	struct row *parent = table_row(table, NULL);
	size_t nfree = 0;

	for (size_t i = 0; i < candidates->n; i++)
		nfree += candidates->items[i].refusal == REFUSAL_NONE;
	set_pf(parent, &findings->pf, nfree);
	for (size_t i = 0; i < candidates->n; i++)
		if (candidates->items[i].refusal != REFUSAL_OTHER_INDEX)
			set_vf(table_row(table, parent), &candidates->items[i], chosen);
}

static int no_vf(const struct request *request, const struct findings *findings, struct err **err)
{
	if (findings->pf.nvfs == 0) {
		(void)err_set(err, ERR_NO_VF, "%s has no VFs", pf_str(&findings->pf));
		return err_next(err, "make some: echo N > /sys/bus/pci/devices/%s/sriov_numvfs",
				pciaddr_str(findings->pf.addr));
	}
	return err_set(err, ERR_NO_VF, "no VF of %s is available", request->pool);
}

static int answer(struct session *session, const struct request *request,
		  const struct findings *findings, struct err **err)
{
	const struct judge judge = {.leases = &findings->leases,
				    .foreigns = &findings->foreigns,
				    .index = findings->index};
	cleanup_table struct table *table = NULL;
	struct candidates candidates = {0};
	const struct candidate *chosen;
	struct row *guest;
	int rc;

	if (table_new("why", columns, COL_COUNT, COL_NAME, session->mode, NULL, &table, err) < 0)
		return -1;
	guest = table_row(table, NULL);
	set_domain(guest, &findings->domain);
	add_devices(table, guest, &findings->domain);
	candidates_add(&candidates, &judge, &findings->pf);
	chosen = policy_choose(&policy_first_fit, &candidates);
	add_vfs(table, findings, &candidates, chosen);
	rc = table_print(table, err);
	if (rc == 0 && !chosen)
		rc = no_vf(request, findings, err);
	candidates_clear(&candidates);
	return rc;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct findings findings = {.index = -1};
	struct request request = {0};
	int rc;

	rc = verb_parse(verb, parse, argc, argv, &request, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	rc = read_all(session, &request, &findings, err);
	if (rc == 0)
		rc = answer(session, &request, &findings, err);
	findings_clear(&findings);
	return rc;
}

const struct verb verb_why = {
	.name = "why",
	.args = "DOMAIN POOL|VF",
	.help = "Say for each VF why a guest could have it, or not",
	.options = options,
	.run = run,
};
