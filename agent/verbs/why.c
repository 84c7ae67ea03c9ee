// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfpool why: for each VF free, or the reason against it; for the guest, what stands in the way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "converge/domain.h"
#include "converge/foreign.h"
#include "converge/place_find.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "policies/policy.h"
#include "verbs/columns.h"
#include "verbs/verb.h"
#include "verbs/vf_words.h"

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

enum { COLUMNS(COLUMN_ID) COL_COUNT };

static const struct column columns[] = {COLUMNS(COLUMN_ROW)};

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
	struct place place;
	struct inventory inventory; /* the place's PFs */
	struct leases leases;       /* theirs */
	struct foreigns foreigns;
	int *nodes; /* NUMA, of the guest */
	size_t nnodes;
};

static void findings_clear(struct findings *findings)
{
	domain_clear(&findings->domain);
	place_clear(&findings->place);
	inventory_clear(&findings->inventory);
	leases_clear(&findings->leases);
	foreigns_clear(&findings->foreigns);
	free(findings->nodes);
}

static int read_domain(struct virt *virt, const char *name, struct domain *domain, struct err **err)
{
	struct virt_dom dom = {0};
	int rc;

	if (virt->ops->find(virt, name, &dom, err) < 0)
		return -1;
	rc = domain_read(virt, &dom, domain, err);
	virt_dom_clear(virt, &dom);
	return rc;
}

static int read_pf(struct edges *edges, struct pciaddr addr, struct findings *findings,
		   struct err **err)
{
	struct leases leases = {0};
	struct pf pf = {0};

	if (edges->host->ops->read_pf(edges->host, addr, PLACE_WHAT, &pf, err) < 0)
		return -1;
	*(struct pf *)mem_append(&findings->inventory.pfs, &findings->inventory.npfs, sizeof(pf)) =
		pf;
	if (edges->store->ops->list(edges->store, NULL, &addr, &leases, err) < 0)
		return -1;
	for (size_t i = 0; i < leases.n; i++)
		leases_add(&findings->leases, leases.items[i]);
	free(leases.items);
	return 0;
}

static int read_all(struct session *session, const struct request *request,
		    struct findings *findings, struct err **err)
{
	struct edges *edges = &session->edges;
	struct place *place = &findings->place;

	session->about = request->pool;
	if (session_need(session, NEED_HOST | NEED_POOLS, err) < 0)
		return -1;
	place_find(edges, request->pool, place);
	if (place->err) {
		*err = steal(&place->err);
		return -1;
	}
	if (session_need(session, NEED_VIRT | NEED_STORE, err) < 0 ||
	    read_domain(edges->virt, request->domain, &findings->domain, err) < 0)
		return -1;
	for (size_t i = 0; i < place->npfs; i++)
		if (read_pf(edges, place->pfs[i], findings, err) < 0)
			return -1;
	if (place_nodes(edges, place, &findings->domain, &findings->nodes, &findings->nnodes, err))
		return -1;
	if (foreigns_gather(edges, &findings->domain, &findings->foreigns, err) < 0)
		return -1;
	users_gather(edges->host, &findings->leases, &findings->foreigns, &findings->inventory);
	return 0;
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

/* Of VFs on PFs that nobody asked for that is not known. */
static bool can_move(const struct inventory *inventory, const struct device *device)
{
	for (size_t i = 0; i < inventory->npfs; i++)
		for (size_t j = 0; j < inventory->pfs[i].nvfs; j++) {
			const struct vf *vf = &inventory->pfs[i].vfs[j];

			if (pciaddr_equal(vf->addr, device->host))
				return driver_can_migrate(vf->driver) && device_can_follow(device);
		}
	return false;
}

/* libvirt moves no guest that has a host device, but for those whose driver can tell its state. */
static void add_devices(struct table *table, struct row *parent, const struct domain *domain,
			const struct inventory *inventory)
{
	const struct domain_view *view = view_of(domain);

	for (size_t i = 0; i < view->ndevices; i++) {
		const struct device *device = &view->devices[i];
		struct row *row = table_row(table, parent);

		row_set(row, COL_NAME, "%s", form_name(device->form));
		row_set(row, COL_ADDRESS, "%s", pciaddr_str(device->host));
		row_set(row, COL_TYPE, "device");
		row_set(row, COL_VERDICT, "stops-a-move");
		if (can_move(inventory, device)) {
			row_set(row, COL_VERDICT, "moves-along");
			row_set(row, COL_REASON,
				"vfpool's (assignment %s): its driver can move it with the guest",
				device->id);
		} else if (*device->id)
			row_set(row, COL_REASON,
				"vfpool's (assignment %s): `vfpool migrate` or `vfpool park` takes "
				"it out",
				device->id);
		else
			row_set(row, COL_REASON,
				"not vfpool's: take it out by hand before a live migration");
	}
}

static void add_standbys(struct table *table, struct row *parent, const struct domain *domain)
{
	const struct domain_view *view = view_of(domain);

	for (size_t i = 0; i < view->nstandbys; i++) {
		const struct standby *standby = &view->standbys[i];
		const struct assignment *a = assignments_find(&view->assignments, standby->id);
		struct row *row = table_row(table, parent);

		row_set(row, COL_NAME, "standby");
		row_set(row, COL_TYPE, "device");
		row_set(row, COL_VERDICT, "moves-along");
		row_set(row, COL_REASON, "takes over while the VF of assignment %s is out%s%s",
			standby->id, a && a->standby ? ", on network " : "",
			a && a->standby ? a->standby : "");
	}
}

static void set_pf(struct row *row, const struct candidate_pf *of)
{
	const struct pf *pf = of->pf;

	row_set(row, COL_NAME, "%s", pf_str(pf));
	row_set(row, COL_ADDRESS, "%s", pciaddr_str(pf->addr));
	row_set(row, COL_TYPE, "pf");
	row_set(row, COL_FREE, "%zu", of->free);
	if (pf->netdev && !pf->up) {
		row_set(row, COL_VERDICT, "down");
		row_set(row, COL_REASON, "%zu of %zu VFs free; attach brings the PF up", of->free,
			of->total);
	} else {
		if (pf->netdev)
			row_set(row, COL_VERDICT, "up");
		row_set(row, COL_REASON, "%zu of %zu VFs free", of->free, of->total);
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

static void add_pf(struct table *table, const struct candidates *all, size_t which,
		   const struct candidate *chosen)
{
	struct row *parent = table_row(table, NULL);

	set_pf(parent, &all->pfs[which]);
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].place == which && all->items[i].refusal != REFUSAL_OTHER_INDEX)
			set_vf(table_row(table, parent), &all->items[i], chosen);
}

static int no_vf(const struct request *request, const struct candidates *all, struct err **err)
{
	size_t nvfs = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].refusal == REFUSAL_LIMIT)
			return err_set(err, ERR_NO_VF, "%s", all->items[i].reason);
	for (size_t i = 0; i < all->npfs; i++)
		nvfs += all->pfs[i].total;
	if (nvfs)
		return err_set(err, ERR_NO_VF, "no VF of %s is available", request->pool);
	(void)err_set(err, ERR_NO_VF, "%s has no VFs", request->pool);
	return err_next(err, "make some: `vfpool set-vfs %s N`", pciaddr_str(all->pfs[0].pf->addr));
}

/* PFs of the guest's VFs; the caller frees the array. */
static struct pciaddr *mates_of(const struct findings *findings, size_t *n)
{
	struct pciaddr *mates = NULL;

	*n = 0;
	for (size_t i = 0; i < findings->leases.n; i++)
		if (!strcmp(findings->leases.items[i].domain_uuid, findings->domain.uuid))
			*(struct pciaddr *)mem_append(&mates, n, sizeof(*mates)) =
				findings->leases.items[i].pf;
	return mates;
}

static int answer(struct session *session, const struct request *request,
		  const struct findings *findings, struct err **err)
{
	struct judge judge = {.leases = &findings->leases,
			      .foreigns = &findings->foreigns,
			      .nodes = findings->nodes,
			      .nnodes = findings->nnodes,
			      .index = -1};
	cleanup_table struct table *table = NULL;
	struct candidates all = {0};
	struct choice choice = {.all = &all, .nodes = findings->nodes, .nnodes = findings->nnodes};
	cleanup_free struct pciaddr *mates = mates_of(findings, &choice.nmates);
	const struct candidate *chosen;
	struct row *guest;
	int rc;

	if (table_new("why", columns, COL_COUNT, COL_NAME, session->mode, NULL, &table, err) < 0)
		return -1;
	guest = table_row(table, NULL);
	set_domain(guest, &findings->domain);
	add_devices(table, guest, &findings->domain, &findings->inventory);
	add_standbys(table, guest, &findings->domain);
	place_count(&findings->place, &findings->leases, findings->domain.uuid, NULL, &judge);
	place_candidates(&findings->place, &findings->inventory, &judge, &all);
	choice.mates = mates;
	chosen = place_choose(&findings->place, &choice);
	for (size_t i = 0; i < all.npfs; i++)
		add_pf(table, &all, i, chosen);
	rc = table_print(table, err);
	if (rc == 0 && !chosen)
		rc = no_vf(request, &all, err);
	candidates_clear(&all);
	return rc;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct findings findings = {0};
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
