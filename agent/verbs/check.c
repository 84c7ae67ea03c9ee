// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfpool check: is this host ready to hand out VFs, and if not, what is to be done? */
#include <stdlib.h>
#include <unistd.h>

#include "check/check.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "host/facts.h"
#include "verbs/columns.h"
#include "verbs/verb.h"

/* X(id, name, type, hidden, right, help) */
#define COLUMNS(X)                                                                \
	X(RESULT, "RESULT", STRING, false, false, "One of pass, warn, fail")      \
	X(NAME, "NAME", STRING, false, false,                                     \
	  "What was checked: host, or the PF's interface or address")             \
	X(CHECK, "CHECK", STRING, false, false, "Which check")                    \
	X(MESSAGE, "MESSAGE", STRING, false, false,                               \
	  "What was found, and behind an arrow, if no columns are named, how to " \
	  "mend it")                                                              \
	X(MEND, "MEND", STRING, true, false, "How to mend it")                    \
	X(ADDRESS, "ADDRESS", STRING, true, false, "PCI address of the PF")

enum { COLUMNS(COLUMN_ID) COL_COUNT };

static const struct column columns[] = {COLUMNS(COLUMN_ROW)};

enum { KEY_ROOT = 0x2000 };

static const struct argp_option options[] = {
	{"root", KEY_ROOT, "DIR", 0, "Check the machine whose files are below this directory", 0},
	SHOWN_OPTIONS,
	COLUMN_GROUPS,
	COLUMNS(COLUMN_OPTION){0},
};

struct request {
	const char *pf;
	const char *root;
	struct shown shown;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	if (shown_option(&request->shown, key, arg))
		return 0;
	switch (key) {
	case KEY_ROOT:
		request->root = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (request->pf)
			return ARGP_ERR_UNKNOWN;
		request->pf = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* That libvirt does not answer is a finding, not an error of this command. */
static void ask_libvirt(struct session *session, struct libvirt_facts *out)
{
	struct virt_about about = {0};
	struct virt *virt;

	/* Only the system's libvirt gives VFs to guests; a user's own is not even started. */
	if (!session->uri && geteuid() != 0 && !getenv("LIBVIRT_DEFAULT_URI"))
		session->uri = "qemu:///system";
	out->asked = true;
	if (session_need(session, NEED_VIRT, &out->err) < 0)
		return;
	virt = session->edges.virt;
	if (virt->ops->about(virt, &about, &out->err) < 0)
		return;
	out->uri = steal(&about.uri);
	out->driver = steal(&about.driver);
	out->version = about.version;
	out->hypervisor = about.hypervisor;
	virt_about_clear(&about);
}

/* Another machine's tree has a host of its own. */
static int read_made(const struct request *request, const char *sysfs, struct facts *out,
		     struct err **err)
{
	cleanup_free char *path = sysfs ? mem_strdup(sysfs) : mem_printf("%s/sys", request->root);
	struct facts_source source = {.root = request->root, .sysfs = path, .name = request->pf};
	int rc;

	if (host_open(path, &source.host, err) < 0)
		return -1;
	rc = facts_read(&source, out, err);
	source.host->ops->close(source.host);
	return rc;
}

static int read_facts(struct session *session, const struct request *request, struct facts *out,
		      struct err **err)
{
	struct facts_source source = {.name = request->pf};

	if (request->root || session->sysfs)
		return read_made(request, session->sysfs, out, err);
	if (session_need(session, NEED_HOST, err) < 0)
		return -1;
	source.host = session->edges.host;
	if (facts_read(&source, out, err) < 0)
		return -1;
	ask_libvirt(session, &out->libvirt);
	return 0;
}

static void add_row(struct table *table, const struct result *result, bool in_words)
{
	struct row *row = table_row(table, NULL);

	row_set(row, COL_RESULT, "%s", verdict_name(result->verdict));
	row_set(row, COL_CHECK, "%s", check_name(result->check));
	row_set(row, COL_NAME, "%s", result->device ? pf_str(&result->device->pf) : "host");
	if (result->device)
		row_set(row, COL_ADDRESS, "%s", pciaddr_str(result->device->pf.addr));
	if (in_words && result->mend)
		row_set(row, COL_MESSAGE, "%s -> %s", result->found, result->mend);
	else
		row_set(row, COL_MESSAGE, "%s", result->found);
	if (result->mend)
		row_set(row, COL_MEND, "%s", result->mend);
}

static int answer(struct session *session, const struct request *request,
		  const struct results *results, struct err **err)
{
	size_t failed = results_count(results, VERDICT_FAIL);
	size_t warned = results_count(results, VERDICT_WARN);
	const char *name = request->pf ? request->pf : "the host";
	cleanup_table struct table *table = NULL;

	if (shown_table(&request->shown, "checks", columns, COL_COUNT, -1, session->mode, &table,
			err) < 0)
		return -1;
	for (size_t i = 0; i < results->n; i++)
		add_row(table, &results->items[i],
			session->mode == TABLE_TEXT && !request->shown.columns);
	if (table_print(table, err) < 0)
		return -1;
	if (failed)
		return err_set(err, ERR_FAILED, "%s is not ready: %zu of %zu checks failed", name,
			       failed, results->n);
	if (warned)
		log_say("%s is ready, with %zu warning%s", name, warned, warned == 1 ? "" : "s");
	else
		log_say("%s is ready", name);
	return 0;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct results results = {0};
	struct request request = {0};
	struct facts facts = {0};
	int rc;

	rc = verb_parse(verb, parse, argc, argv, &request, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (read_facts(session, &request, &facts, err) < 0)
		return -1;
	check_machine(&facts, &results);
	rc = answer(session, &request, &results, err);
	results_clear(&results);
	facts_clear(&facts);
	return rc;
}

const struct verb verb_check = {
	.name = "check",
	.args = "[PF]",
	.help = "Say whether this host is ready, and how to mend what is not",
	.options = options,
	.run = run,
};
