// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfpool hosts: what the agents of other hosts tell: their pools, and what is free in each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "converge/report.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "verbs/columns.h"
#include "verbs/verb.h"

/* X(id, name, type, hidden, right, help) */
#define COLUMNS(X)                                                                               \
	X(HOST, "HOST", STRING, false, false, "The host's name, as it says itself")              \
	X(AGENT, "AGENT", STRING, false, false, "Whether its agent is up, down, or not there")   \
	X(HOOK, "HOOK", STRING, false, false,                                                    \
	  "Whether its hook works; unseen: it is newer than libvirt's daemon, which may not "    \
	  "run it; or none")                                                                     \
	X(POOL, "POOL", STRING, false, false, "The pool, or the PF that is one by itself")       \
	X(VFS, "VFS", NUMBER, false, true, "Number of its VFs")                                  \
	X(FREE, "FREE", NUMBER, false, true, "Number of them that a guest could get")            \
	X(NUMA, "NUMA", NUMBER, false, true, "The NUMA node of its PFs")                         \
	X(URI, "URI", STRING, true, false, "The host, as it was asked for")                      \
	X(TYPE, "TYPE", STRING, true, false, "Pool or pf")                                       \
	X(NIC, "NIC", BOOLEAN, true, false, "Whether its VFs are NICs")                          \
	X(FREEVFS, "FREEVFS", STRING, true, false, "Which VFs of a PF are free, by their index") \
	X(VERSION, "VERSION", STRING, true, false, "The version of vfpool there")                \
	X(ERROR, "ERROR", STRING, true, false, "Why nothing is known of it")

enum { COLUMNS(COLUMN_ID) COL_COUNT };

static const struct column columns[] = {COLUMNS(COLUMN_ROW)};

static const struct argp_option options[] = {
	SHOWN_OPTIONS,
	COLUMN_GROUPS,
	COLUMNS(COLUMN_OPTION){0},
};

struct request {
	struct shown shown;
	const char **uris;
	size_t n;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	if (shown_option(&request->shown, key, arg))
		return 0;
	switch (key) {
	case ARGP_KEY_ARG:
		*(const char **)mem_append(&request->uris, &request->n, sizeof(arg)) = arg;
		return 0;
	case ARGP_KEY_END:
		if (request->n)
			return 0;
		argp_error(state, "it takes the URIs of hosts, as virsh does");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static struct row *add_row(struct table *table, const char *uri, const struct host_report *report,
			   bool alive)
{
	struct row *row = table_row(table, NULL);

	row_set(row, COL_URI, "%s", uri);
	row_set(row, COL_HOST, "%s", report->host);
	row_set(row, COL_AGENT, "%s", alive ? "up" : "down");
	row_set(row, COL_HOOK, "%s", report_hook_name(report->hook));
	row_set(row, COL_VERSION, "%s", report->version);
	return row;
}

/* What an agent that is down has told may be true no more; but it is all that is known. */
static void add_report(struct table *table, const char *uri, const struct host_report *report,
		       bool alive)
{
	if (!report->n)
		(void)add_row(table, uri, report, alive);
	for (size_t i = 0; i < report->n; i++) {
		const struct pool_report *pool = &report->pools[i];
		struct row *row = add_row(table, uri, report, alive);

		row_set(row, COL_POOL, "%s", pool->name);
		row_set(row, COL_TYPE, "%s", pool->defined ? "pool" : "pf");
		row_set(row, COL_NIC, "%s", pool->nic ? "true" : "false");
		row_set(row, COL_VFS, "%u", pool->total);
		row_set(row, COL_FREE, "%u", pool->free);
		if (pool->numa >= 0)
			row_set(row, COL_NUMA, "%d", pool->numa);
		if (pool->free_vfs) {
			cleanup_free char *vfs = idset_format(pool->free_vfs);

			row_set(row, COL_FREEVFS, "%s", vfs);
		}
	}
}

static int ask(struct edges *edges, const char *uri, struct table *table, struct err **err)
{
	cleanup(host_report_clear) struct host_report report = {0};
	struct virt *virt = NULL;
	bool alive = false;
	int result;

	if (edges->connect(uri, &virt, err))
		return -1;
	result = report_fetch(virt, &report, &alive, err);
	virt->ops->close(virt);
	if (!result)
		add_report(table, uri, &report, alive);
	return result;
}

static int ask_all(struct session *session, const struct request *request, struct table *table,
		   struct err **first)
{
	for (size_t i = 0; i < request->n; i++) {
		struct err *why = NULL;
		struct row *row;

		if (!ask(&session->edges, request->uris[i], table, &why))
			continue;
		if (why->code == ERR_ABSENT)
			err_next(&why, "`systemctl enable --now vfpool-agent` there");
		row = table_row(table, NULL);
		row_set(row, COL_URI, "%s", request->uris[i]);
		row_set(row, COL_HOST, "%s", request->uris[i]);
		row_set(row, COL_AGENT, "%s", why->code == ERR_ABSENT ? "none" : "unknown");
		row_set(row, COL_ERROR, "%s", why->what);
		log_warn("%s: %s", request->uris[i], why->what);
		if (*first)
			err_free(&why);
		else
			*first = why;
	}
	return *first ? -1 : 0;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	cleanup_table struct table *table = NULL;
	cleanup_err struct err *first = NULL;
	struct request request = {0};
	int rc = verb_parse(verb, parse, argc, argv, &request, err);
	cleanup_free const char **uris = request.uris;

	if (rc)
		return rc < 0 ? -1 : 0;
	if (shown_table(&request.shown, "hosts", columns, COL_COUNT, -1, session->mode, &table,
			err))
		return -1;
	(void)ask_all(session, &request, table, &first);
	if (table_print(table, err))
		return -1;
	if (!first)
		return 0;
	*err = steal(&first);
	err_wrap(err, "not all hosts told");
	return err_recode(err, ERR_PARTIAL);
}

const struct verb verb_hosts = {
	.name = "hosts",
	.args = "URI...",
	.help = "Show other hosts' pools, and what is free there",
	.options = options,
	.run = run,
};
