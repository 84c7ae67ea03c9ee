// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfpool list: the host's PFs, their VFs, and who holds each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "converge/foreign.h"
#include "converge/place_find.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "verbs/columns.h"
#include "verbs/holders.h"
#include "verbs/verb.h"
#include "verbs/vf_words.h"

/* X(id, name, type, hidden, right, help) */
#define COLUMNS(X)                                                                              \
	X(NAME, "NAME", STRING, false, false, "The PF's interface, or PF/INDEX")                \
	X(ADDRESS, "ADDRESS", STRING, false, false, "PCI address on the host")                  \
	X(STATE, "STATE", STRING, false, false,                                                 \
	  "One of free; reserved, claimed, plugging, held, releasing, lost, stuck: vfpool's; "  \
	  "guest, defined: of a domain, not by vfpool; host; unusable; withheld: by the pool; " \
	  "for a PF up or down")                                                                \
	X(HOLDER, "HOLDER", STRING, false, false,                                               \
	  "Domains, or the address, bridge, process or driver on the host")                     \
	X(MAC, "MAC", STRING, false, false, "MAC address set by the host")                      \
	X(VLAN, "VLAN", NUMBER, false, true, "VLAN set by the host")                            \
	X(ASSIGNMENT, "ASSIGNMENT", STRING, false, false, "Id of the assignment")               \
	X(NUMA, "NUMA", NUMBER, false, true, "NUMA node")                                       \
	X(GROUP, "GROUP", NUMBER, false, true, "IOMMU group")                                   \
	X(DRIVER, "DRIVER", STRING, false, false, "Driver on the host")                         \
	X(NETDEV, "NETDEV", STRING, false, false, "Interface on the host")                      \
	X(TYPE, "TYPE", STRING, true, false, "Either pf, vf, or guest: one that is stuck")      \
	X(PF, "PF", STRING, true, false, "PCI address of the PF")                               \
	X(INDEX, "INDEX", NUMBER, true, true, "Number of the VF")                               \
	X(POOL, "POOL", STRING, true, false, "The defined pool that it is in")                  \
	X(REFUSAL, "REFUSAL", STRING, true, false, "Why it is not free, in a word")             \
	X(REASON, "REASON", STRING, true, false, "Why it is not free, in a sentence")           \
	X(UUID, "UUID", STRING, true, false, "UUID of the domain that vfpool gave it to")       \
	X(STUCK, "STUCK", STRING, true, false, "Why vfpool cannot get on with it, or lost it")  \
	X(SINCE, "SINCE", NUMBER, true, true, "When it was given away; seconds since 1970")     \
	X(QOS, "QOS", NUMBER, true, true, "Priority in the VLAN tag")                           \
	X(TRUST, "TRUST", BOOLEAN, true, false, "Whether the VF is trusted")                    \
	X(SPOOFCHK, "SPOOFCHK", BOOLEAN, true, false, "Whether source addresses are checked")   \
	X(LINK, "LINK", STRING, true, false, "Link state of the VF: auto, enable, disable")     \
	X(MINRATE, "MINRATE", NUMBER, true, true, "Guaranteed rate in Mbit/s")                  \
	X(MAXRATE, "MAXRATE", NUMBER, true, true, "Highest rate in Mbit/s")                     \
	X(CARRIER, "CARRIER", BOOLEAN, true, false, "Whether the PF has a carrier")             \
	X(FREE, "FREE", NUMBER, true, true, "Number of the PF's VFs that are free")             \
	X(VFS, "VFS", NUMBER, true, true, "Number of the PF's VFs")                             \
	X(TOTAL, "TOTAL", NUMBER, true, true, "Most VFs that the PF can have")

enum { COLUMNS(COLUMN_ID) COL_COUNT };

static const struct column columns[] = {COLUMNS(COLUMN_ROW)};

enum { KEY_FREE = 0x2000, KEY_USED, KEY_NO_GUESTS };

static const struct argp_option options[] = {
	{"free", KEY_FREE, NULL, 0, "Only VFs that are free", 0},
	{"used", KEY_USED, NULL, 0, "Only VFs that somebody has", 0},
	SHOWN_OPTIONS,
	{"no-guests", KEY_NO_GUESTS, NULL, 0, "Ask the host and the leases only, not libvirt", 0},
	COLUMN_GROUPS,
	COLUMNS(COLUMN_OPTION){0},
};

struct request {
	const char *pool;
	struct shown shown;
	bool only_free, only_used;
	bool no_guests;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	if (shown_option(&request->shown, key, arg))
		return 0;
	switch (key) {
	case KEY_FREE:
		request->only_free = true;
		return 0;
	case KEY_USED:
		request->only_used = true;
		return 0;
	case KEY_NO_GUESTS:
		request->no_guests = true;
		return 0;
	case ARGP_KEY_ARG:
		if (request->pool)
			return ARGP_ERR_UNKNOWN;
		request->pool = arg;
		return 0;
	case ARGP_KEY_END:
		if (request->only_free && request->only_used) {
			argp_error(state, "--free and --used exclude each other");
			return EINVAL;
		}
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* All that is listed, owned. */
struct listing {
	struct inventory inventory;
	struct inventory names; /* the same PFs by all their names; read where there are pools */
	struct holders holders;
	struct place place; /* what was asked for; .index is -1 for all VFs */
	const struct pools *pools;
};

static void listing_clear(struct listing *listing)
{
	inventory_clear(&listing->inventory);
	inventory_clear(&listing->names);
	holders_clear(&listing->holders);
	place_clear(&listing->place);
}

static int read_place(struct edges *edges, const char *name, struct listing *listing,
		      struct err **err)
{
	struct inventory *inventory = &listing->inventory;
	struct place *place = &listing->place;

	place_find(edges, name, place);
	if (place->err) {
		*err = steal(&place->err);
		return -1;
	}
	for (size_t i = 0; i < place->npfs; i++) {
		struct pf pf = {0};

		if (edges->host->ops->read_pf(edges->host, place->pfs[i],
					      HOST_NETDEVS | HOST_SETTINGS, &pf, err) < 0)
			return -1;
		*(struct pf *)mem_append(&inventory->pfs, &inventory->npfs, sizeof(pf)) = pf;
	}
	return 0;
}

static int read_host(struct session *session, const struct request *request,
		     struct listing *listing, struct err **err)
{
	struct host *host;

	session->about = request->pool;
	if (session_need(session, NEED_HOST | NEED_POOLS, err) < 0)
		return -1;
	host = session->edges.host;
	listing->pools = session->edges.pools;
	if (listing->pools && host->ops->read_all(host, HOST_NO_VFS, &listing->names, err) < 0)
		return -1;
	if (request->pool)
		return read_place(&session->edges, request->pool, listing, err);
	return host->ops->read_all(host, HOST_NETDEVS | HOST_SETTINGS, &listing->inventory, err);
}

static const char *state_of(const struct listing *listing, const struct vf *vf,
			    enum refusal refusal)
{
	switch (refusal) {
	case REFUSAL_LEASED:
		return lease_word(leases_by_vf(&listing->holders.leases, vf->addr));
	case REFUSAL_DOMAIN:
		return "guest";
	case REFUSAL_DEFINED:
		return "defined";
	case REFUSAL_OPEN:
	case REFUSAL_HOST_ADDRESS:
	case REFUSAL_HOST_MASTER:
	case REFUSAL_HOST_NETNS:
	case REFUSAL_HOST_DRIVER:
		return "host";
	case REFUSAL_NO_IOMMU:
	case REFUSAL_GROUP:
	case REFUSAL_KIND:
	case REFUSAL_BUSY:
	case REFUSAL_OTHER_INDEX:
		return "unusable";
	case REFUSAL_EXCLUDED:
	case REFUSAL_RESERVED:
	case REFUSAL_LIMIT:
	case REFUSAL_NOT_PREBOUND:
	case REFUSAL_NODE:
		return "withheld";
	case REFUSAL_NONE:
		break;
	}
	return "free";
}

static void set_text(struct row *row, size_t column, const char *text)
{
	if (text)
		row_set(row, column, "%s", text);
}

static void set_boolean(struct row *row, size_t column, bool value)
{
	row_set(row, column, "%s", value ? "true" : "false");
}

static const char *link_name(uint8_t link_state)
{
	static const char *const names[] = {"auto", "enable", "disable"};

	return link_state < ARRAY_SIZE(names) ? names[link_state] : NULL;
}

static void set_settings(struct row *row, const struct vf_settings *settings)
{
	if ((settings->known & SETTING_MAC) && !mac_is_zero(settings->mac))
		set_text(row, COL_MAC, mac_str(settings->mac));
	if ((settings->known & SETTING_VLAN) && settings->vlan) {
		row_set(row, COL_VLAN, "%u", settings->vlan);
		row_set(row, COL_QOS, "%u", settings->qos);
	}
	if (settings->known & SETTING_TRUST)
		set_boolean(row, COL_TRUST, settings->trust);
	if (settings->known & SETTING_SPOOFCHK)
		set_boolean(row, COL_SPOOFCHK, settings->spoofchk);
	if (settings->known & SETTING_LINK_STATE)
		set_text(row, COL_LINK, link_name(settings->link_state));
	if (settings->known & SETTING_RATE) {
		row_set(row, COL_MINRATE, "%u", settings->min_rate);
		row_set(row, COL_MAXRATE, "%u", settings->max_rate);
	}
}

static void set_lease(struct row *row, const struct lease *lease)
{
	set_text(row, COL_ASSIGNMENT, lease->assignment);
	set_text(row, COL_UUID, lease->domain_uuid);
	set_text(row, COL_STUCK, lease->reason);
	row_set(row, COL_SINCE, "%lld", (long long)lease->since);
}

static void set_vf(struct row *row, const struct listing *listing, const struct judge *judge,
		   const struct candidate *candidate)
{
	const struct pf *pf = candidate->pf;
	const struct vf *vf = candidate->vf;
	const struct lease *lease = leases_by_vf(&listing->holders.leases, vf->addr);
	cleanup_free char *name = vf_name(pf, vf);
	cleanup_free char *holder = vf_holder(judge, vf, candidate->refusal);

	set_text(row, COL_NAME, name);
	set_text(row, COL_ADDRESS, pciaddr_str(vf->addr));
	set_text(row, COL_STATE, state_of(listing, vf, candidate->refusal));
	set_text(row, COL_HOLDER, holder);
	set_text(row, COL_DRIVER, vf->driver);
	set_text(row, COL_NETDEV, vf->netdev);
	set_text(row, COL_TYPE, "vf");
	set_text(row, COL_PF, pciaddr_str(pf->addr));
	row_set(row, COL_INDEX, "%u", vf->index);
	if (pf->numa_node >= 0)
		row_set(row, COL_NUMA, "%d", pf->numa_node);
	if (vf->iommu_group >= 0)
		row_set(row, COL_GROUP, "%d", vf->iommu_group);
	if (candidate->refusal != REFUSAL_NONE)
		set_text(row, COL_REFUSAL, refusal_name(candidate->refusal));
	set_text(row, COL_REASON, candidate->reason);
	if (lease)
		set_lease(row, lease);
	set_settings(row, &vf->settings);
	for (size_t i = 0; i < judge->nalso; i++)
		if (pool_holds(judge->also[i], vf))
			set_text(row, COL_POOL, judge->also[i]->name);
}

static void set_pf(struct row *row, const struct pf *pf, size_t nfree, bool in_words)
{
	set_text(row, COL_NAME, pf_str(pf));
	set_text(row, COL_ADDRESS, pciaddr_str(pf->addr));
	set_text(row, COL_DRIVER, pf->driver);
	set_text(row, COL_NETDEV, pf->netdev);
	set_text(row, COL_TYPE, "pf");
	set_text(row, COL_PF, pciaddr_str(pf->addr));
	/* A made tree does not tell these; no interface has an address of zeroes. */
	if (pf->netdev && !mac_is_zero(pf->mac)) {
		set_text(row, COL_STATE, pf->up ? "up" : "down");
		set_text(row, COL_MAC, mac_str(pf->mac));
		set_boolean(row, COL_CARRIER, pf->carrier);
	}
	if (pf->numa_node >= 0)
		row_set(row, COL_NUMA, "%d", pf->numa_node);
	if (in_words)
		row_set(row, COL_HOLDER, "%zu of %zu free", nfree, pf->nvfs);
	row_set(row, COL_FREE, "%zu", nfree);
	row_set(row, COL_VFS, "%zu", pf->nvfs);
	row_set(row, COL_TOTAL, "%u", pf->total_vfs);
}

static bool is_there(const struct pf *pf, const struct lease *lease)
{
	for (size_t i = 0; i < pf->nvfs; i++)
		if (pciaddr_equal(pf->vfs[i].addr, lease->vf))
			return true;
	return false;
}

/* A VF that is promised, and not there any more. pf is NULL: nor is that. */
static void add_lost(struct table *table, struct row *parent, const struct pf *pf,
		     const struct lease *lease)
{
	cleanup_free char *name = pf ? mem_printf("%s/%u", pf_str(pf), lease->index) : NULL;
	struct row *row = table_row(table, parent);

	set_text(row, COL_NAME, name ? name : pciaddr_str(lease->vf));
	set_text(row, COL_ADDRESS, pciaddr_str(lease->vf));
	set_text(row, COL_STATE, lease_word(lease));
	set_text(row, COL_HOLDER, lease->domain_name);
	set_text(row, COL_TYPE, "vf");
	set_text(row, COL_PF, pciaddr_str(lease->pf));
	row_set(row, COL_INDEX, "%u", lease->index);
	set_text(row, COL_REFUSAL, refusal_name(REFUSAL_LEASED));
	set_text(row, COL_REASON, "it is promised, and not there any more");
	set_lease(row, lease);
}

static bool is_lost(const struct request *request, const struct listing *listing,
		    const struct pf *pf, const struct lease *lease)
{
	return !request->only_free && listing->place.index < 0 &&
	       pciaddr_equal(lease->pf, pf->addr) && !is_there(pf, lease);
}

/* Of PFs that are not there any more either; and guests that no VF can be shown with. */
static void add_homeless(struct table *table, const struct listing *listing)
{
	const struct stuck_guests *stuck = &listing->holders.stuck;
	const struct leases *leases = &listing->holders.leases;

	for (size_t i = 0; i < leases->n; i++)
		if (!inventory_pf(&listing->inventory, leases->items[i].pf))
			add_lost(table, NULL, NULL, &leases->items[i]);
	for (size_t i = 0; i < stuck->n; i++) {
		const struct stuck_guest *guest = &stuck->items[i];
		struct row *row = table_row(table, NULL);

		set_text(row, COL_STATE, "stuck");
		set_text(row, COL_HOLDER, guest->name);
		set_text(row, COL_TYPE, "guest");
		set_text(row, COL_UUID, guest->uuid);
		set_text(row, COL_STUCK, guest->reason);
		row_set(row, COL_SINCE, "%lld", (long long)guest->since);
	}
}

static bool is_wanted(const struct request *request, const struct listing *listing,
		      const struct candidate *candidate)
{
	if (listing->place.index >= 0 && candidate->vf->index != (unsigned)listing->place.index)
		return false;
	if (request->only_free)
		return candidate->refusal == REFUSAL_NONE;
	if (request->only_used)
		return refusal_is_use(candidate->refusal);
	return true;
}

/* The pools that have this PF; the caller frees the array. */
static const struct pool **find_pools(const struct listing *listing, const struct pf *pf, size_t *n)
{
	const struct pf *names = inventory_pf(&listing->names, pf->addr);
	const struct pool **found = NULL;

	*n = 0;
	if (listing->pools && names)
		pools_of_pf(listing->pools, names, &found, n);
	return found;
}

static void add_pool(char **names, const char *name)
{
	char *more = *names ? mem_printf("%s,%s", *names, name) : mem_strdup(name);

	free(*names);
	*names = more;
}

static void add_pf(struct table *table, const struct request *request, struct session *session,
		   const struct listing *listing, const struct pf *pf)
{
	cleanup_free const struct pool **also = NULL;
	struct judge judge = {.leases = &listing->holders.leases,
			      .foreigns = &listing->holders.foreigns,
			      .pool = listing->place.pool,
			      .index = -1};
	struct candidates candidates = {0};
	cleanup_free char *pools = NULL;
	struct row *parent = NULL;
	const struct leases *leases = &listing->holders.leases;
	size_t nfree = 0, nwanted = 0;
	/* A PF is neither free nor used: it is there to stand above its VFs, where they stand
	 * below. */
	bool selective = request->only_free || request->only_used || listing->place.index >= 0;
	bool tree = table_is_tree(table);

	also = find_pools(listing, pf, &judge.nalso);
	judge.also = also;
	if (judge.pool)
		place_count(&listing->place, &listing->holders.leases, "", NULL, &judge);
	candidates_add(&candidates, &judge, pf);
	for (size_t i = 0; i < candidates.n; i++) {
		nfree += candidates.items[i].refusal == REFUSAL_NONE;
		nwanted += is_wanted(request, listing, &candidates.items[i]);
	}
	for (size_t i = 0; i < leases->n; i++)
		nwanted += is_lost(request, listing, pf, &leases->items[i]);
	if (!selective || (tree && nwanted)) {
		parent = table_row(table, NULL);
		set_pf(parent, pf, nfree, tree && session->mode == TABLE_TEXT);
		for (size_t i = 0; i < judge.nalso; i++)
			add_pool(&pools, judge.also[i]->name);
		set_text(parent, COL_POOL, pools);
	}
	for (size_t i = 0; i < candidates.n; i++)
		if (is_wanted(request, listing, &candidates.items[i]))
			set_vf(table_row(table, parent), listing, &judge, &candidates.items[i]);
	for (size_t i = 0; i < leases->n; i++)
		if (is_lost(request, listing, pf, &leases->items[i]))
			add_lost(table, parent, pf, &leases->items[i]);
	candidates_clear(&candidates);
}

static int print(struct table *table, struct session *session, const struct request *request,
		 const struct listing *listing, struct err **err)
{
	for (size_t i = 0; i < listing->inventory.npfs; i++)
		add_pf(table, request, session, listing, &listing->inventory.pfs[i]);
	if (!request->pool && !request->only_free)
		add_homeless(table, listing);
	if (listing->inventory.npfs == 0)
		log_say("this host has no device with SR-IOV");
	return table_print(table, err);
}

static int list(struct session *session, const struct request *request, struct listing *listing,
		struct err **err)
{
	cleanup_table struct table *table = NULL;

	if (shown_table(&request->shown, "pfs", columns, COL_COUNT, COL_NAME, session->mode, &table,
			err) < 0 ||
	    read_host(session, request, listing, err) < 0)
		return -1;
	inventory_find_peers(&listing->inventory);
	holders_read(session, !request->no_guests, &listing->holders);
	users_gather(session->edges.host, &listing->holders.leases, &listing->holders.foreigns,
		     &listing->inventory);
	if (print(table, session, request, listing, err) < 0)
		return -1;
	return holders_complete(&listing->holders, err);
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct listing listing = {.place = {.index = -1}};
	struct request request = {0};
	int rc;

	rc = verb_parse(verb, parse, argc, argv, &request, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	rc = list(session, &request, &listing, err);
	listing_clear(&listing);
	return rc;
}

const struct verb verb_list = {
	.name = "list",
	.args = "[POOL]",
	.help = "Show PFs and their VFs, and who holds each",
	.options = options,
	.run = run,
};
