// SPDX-License-Identifier: LGPL-2.1-or-later
/* pool-list: the defined pools, and what is free in each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "converge/foreign.h"
#include "converge/place.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "verbs/columns.h"
#include "verbs/holders.h"
#include "verbs/verb.h"

/* X(id, name, type, hidden, right, help) */
#define COLUMNS(X)                                                                                \
	X(NAME, "NAME", STRING, false, false, "The pool")                                         \
	X(STATE, "STATE", STRING, false, false,                                                   \
	  "One of usable; no-pf: none of its PFs is on this host; wrong: it cannot be used")      \
	X(PFS, "PFS", STRING, false, false, "Its PFs on this host")                               \
	X(VFS, "VFS", NUMBER, false, true, "Number of its VFs")                                   \
	X(FREE, "FREE", NUMBER, false, true, "Number of them that a guest could get")             \
	X(POLICY, "POLICY", STRING, false, false, "How a VF is chosen: the first decides")        \
	X(LEASED, "LEASED", NUMBER, true, true, "Number of them that vfpool has given to guests") \
	X(LIMIT, "LIMIT", NUMBER, true, true, "How many it gives to guests at most")              \
	X(GUESTLIMIT, "GUESTLIMIT", NUMBER, true, true, "How many it gives to one guest at most") \
	X(ERROR, "ERROR", STRING, true, false, "Why it cannot be used")

enum { COLUMNS(COLUMN_ID) COL_COUNT };

static const struct column columns[] = {COLUMNS(COLUMN_ROW)};

enum { KEY_NO_GUESTS = 0x2000 };

static const struct argp_option options[] = {
	SHOWN_OPTIONS,
	{"no-guests", KEY_NO_GUESTS, NULL, 0, "Ask the host and the leases only, not libvirt", 0},
	COLUMN_GROUPS,
	COLUMNS(COLUMN_OPTION){0},
};

struct request {
	struct shown shown;
	bool no_guests;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	if (shown_option(&request->shown, key, arg))
		return 0;
	if (key != KEY_NO_GUESTS)
		return ARGP_ERR_UNKNOWN;
	request->no_guests = true;
	return 0;
}

/* All that is listed, owned. */
struct listing {
	struct inventory names;     /* the PFs by all their names */
	struct inventory inventory; /* and with their VFs */
	struct holders holders;
};

static void listing_clear(struct listing *listing)
{
	inventory_clear(&listing->names);
	inventory_clear(&listing->inventory);
	holders_clear(&listing->holders);
}

static void add_word(char **words, const char *word)
{
	char *more = *words ? mem_printf("%s,%s", *words, word) : mem_strdup(word);

	free(*words);
	*words = more;
}

static void set_pfs(struct row *row, const struct listing *listing, const struct place *place)
{
	cleanup_free char *names = NULL;

	for (size_t i = 0; i < place->npfs; i++)
		add_word(&names, pf_str(inventory_pf(&listing->names, place->pfs[i])));
	if (names)
		row_set(row, COL_PFS, "%s", names);
}

static void set_counts(struct row *row, const struct listing *listing, const struct place *place)
{
	struct stock stock = place_stock(place, &listing->inventory, &listing->holders.leases,
					 &listing->holders.foreigns, NULL);

	row_set(row, COL_VFS, "%u", stock.vfs);
	row_set(row, COL_FREE, "%u", stock.free);
	row_set(row, COL_LEASED, "%u", stock.leased);
}

static void add_pool(struct table *table, const struct listing *listing, const struct pool *pool)
{
	struct place place = {.pool = pool, .index = -1};
	struct row *row = table_row(table, NULL);
	cleanup_free char *policies = NULL;

	row_set(row, COL_NAME, "%s", pool->name);
	if (pool->error) {
		row_set(row, COL_STATE, "wrong");
		row_set(row, COL_ERROR, "%s", pool->error);
		return;
	}
	place_add_pfs(&place, &listing->names);
	set_pfs(row, listing, &place);
	row_set(row, COL_STATE, "%s", place.npfs ? "usable" : "no-pf");
	set_counts(row, listing, &place);
	for (size_t i = 0; i < pool->npolicies; i++)
		add_word(&policies, pool->policies[i]);
	row_set(row, COL_POLICY, "%s", policies ? policies : "first-fit");
	if (pool->total)
		row_set(row, COL_LIMIT, "%u", pool->total);
	if (pool->per_guest)
		row_set(row, COL_GUESTLIMIT, "%u", pool->per_guest);
	free(place.pfs);
}

static int read_listing(struct session *session, const struct request *request,
			struct listing *listing, struct err **err)
{
	struct host *host;

	if (session_need(session, NEED_POOLS, err) < 0)
		return -1;
	/* Without pools there is nothing to ask anybody for. */
	if (!session->edges.pools)
		return 0;
	if (session_need(session, NEED_HOST, err) < 0)
		return -1;
	host = session->edges.host;
	if (host->ops->read_all(host, HOST_NO_VFS, &listing->names, err) < 0 ||
	    host->ops->read_all(host, HOST_NETDEVS, &listing->inventory, err) < 0)
		return -1;
	inventory_find_peers(&listing->inventory);
	holders_read(session, !request->no_guests, &listing->holders);
	users_gather(host, &listing->holders.leases, &listing->holders.foreigns,
		     &listing->inventory);
	return 0;
}

static int list(struct session *session, const struct request *request, struct listing *listing,
		struct err **err)
{
	cleanup_table struct table *table = NULL;
	const struct pools *pools;

	if (shown_table(&request->shown, "pools", columns, COL_COUNT, -1, session->mode, &table,
			err) < 0 ||
	    read_listing(session, request, listing, err) < 0)
		return -1;
	pools = session->edges.pools;
	for (size_t i = 0; pools && i < pools->n; i++)
		add_pool(table, listing, &pools->items[i]);
	if (table_print(table, err) < 0)
		return -1;
	return holders_complete(&listing->holders, err);
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct listing listing = {0};
	struct request request = {0};
	int rc = verb_parse(verb, parse, argc, argv, &request, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	rc = list(session, &request, &listing, err);
	listing_clear(&listing);
	return rc;
}

const struct verb verb_pool_list = {
	.name = "pool-list",
	.args = "",
	.help = "Show the defined pools, and what is free in each",
	.options = options,
	.run = run,
};
