// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfpool events: who got which VF when, why, and how long each step took. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "host/filewatch.h"
#include "verbs/columns.h"
#include "verbs/number.h"
#include "verbs/since.h"
#include "verbs/verb.h"

/* X(id, name, type, hidden, right, width, help): in a stream columns have a width. */
#define COLUMNS(X)                                                                               \
	X(TIME, "TIME", STRING, false, false, 28, "When, in the local time")                     \
	X(DOMAIN, "DOMAIN", STRING, false, false, 12, "The domain whose lease it is")            \
	X(VF, "VF", STRING, false, false, 12, "PCI address of the VF")                           \
	X(ASSIGNMENT, "ASSIGNMENT", STRING, false, false, 10, "Id of the assignment")            \
	X(WAS, "WAS", STRING, false, false, 9, "The lease's state before; free: there was none") \
	X(NOW, "NOW", STRING, false, false, 9, "Its state since then; free: there is none")      \
	X(LASTED, "LASTED", NUMBER, false, true, 9, "Seconds since the lease's last event")      \
	X(CAUSE, "CAUSE", STRING, false, false, 8, "The command, or what happened")              \
	X(REASON, "REASON", STRING, false, false, 0, "Why it is stuck, or how it was lost")      \
	X(ID, "ID", NUMBER, true, true, 6, "Number of the event")                                \
	X(STAMP, "STAMP", NUMBER, true, true, 13, "When, in milliseconds since 1970")            \
	X(UUID, "UUID", STRING, true, false, 36, "UUID of the domain")

#define EVENT_ID(id, name, type, hidden, right, width, help) COL_##id,
enum { COLUMNS(EVENT_ID) COL_COUNT };

#define EVENT_ROW(id, name, type, hidden, right, width, help) \
	[COL_##id] = {name, COLUMN_##type, hidden, right, width},
static const struct column columns[] = {COLUMNS(EVENT_ROW)};

enum { KEY_NO_HEADINGS = 0x2000 };

#define LINES_MAX 1000000
#define LINES_FOLLOWED 10

#define EVENT_OPTION(id, name, type, hidden, right, width, help) \
	{name, 0, NULL, OPTION_DOC, help, (hidden) ? 3 : 2},
static const struct argp_option options[] = {
	{"lines", 'n', "N", 0, "Only the last N (default: all; 10 with --follow)", 0},
	{"since", 'S', "TIME", 0,
	 "Only those since: 2026-11-27 21:00, 21:00 (today), 2h (ago; s, m, h, d)", 0},
	{"follow", 'f', NULL, 0, "Go on with those that happen from now on", 0},
	SHOWN_COLUMNS,
	SHOWN_NO_HEADINGS(KEY_NO_HEADINGS),
	COLUMN_GROUPS,
	COLUMNS(EVENT_OPTION){0},
};

struct request {
	const char *domain;
	struct shown shown;
	unsigned lines; /* 0: as many as there are */
	int64_t since;  /* milliseconds since 1970 */
	bool follow;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case 'n':
		return number_option(state, "lines", arg, 1, LINES_MAX, &request->lines);
	case 'S':
		if (since_parse(arg, time(NULL), &request->since))
			return 0;
		argp_error(state,
			   "'%s' is no time: it can be 2026-11-27, 2026-11-27 21:00, 21:00 or "
			   "2h",
			   arg);
		return EINVAL;
	case 'f':
		request->follow = true;
		return 0;
	case KEY_NO_HEADINGS:
		request->shown.no_headings = true;
		return 0;
	case ARGP_KEY_ARG:
		if (request->domain)
			return ARGP_ERR_UNKNOWN;
		request->domain = arg;
		return 0;
	}
	return shown_option(&request->shown, key, arg) ? 0 : ARGP_ERR_UNKNOWN;
}

/* 2026-11-27T21:00:00.123+0000 */
static void set_time(struct row *row, int64_t ms)
{
	time_t when = (time_t)(ms / 1000);
	char day[32] = "?", zone[8] = "";
	struct tm tm;

	if (localtime_r(&when, &tm)) {
		(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
		(void)strftime(zone, sizeof(zone), "%z", &tm);
	}
	row_set(row, COL_TIME, "%s.%03d%s", day, (int)(ms % 1000), zone);
	row_set(row, COL_STAMP, "%lld", (long long)ms);
}

static void add_event(struct table *table, const struct history_event *event)
{
	struct row *row = table_row(table, NULL);

	set_time(row, event->time);
	row_set(row, COL_ID, "%lld", (long long)event->id);
	row_set(row, COL_DOMAIN, "%s", event->domain_name);
	row_set(row, COL_UUID, "%s", event->domain_uuid);
	row_set(row, COL_VF, "%s", pciaddr_str(event->vf));
	row_set(row, COL_ASSIGNMENT, "%s", event->assignment);
	row_set(row, COL_WAS, "%s", event->was);
	row_set(row, COL_NOW, "%s", event->now);
	if (event->lasted >= 0)
		row_set(row, COL_LASTED, "%lld.%03d", (long long)(event->lasted / 1000),
			(int)(event->lasted % 1000));
	if (event->cause)
		row_set(row, COL_CAUSE, "%s", event->cause);
	if (event->reason)
		row_set(row, COL_REASON, "%s", event->reason);
}

/* Those of the history that are asked for; *last becomes the last one's number. */
static int print(struct session *session, const struct request *request, bool first, int64_t *last,
		 struct err **err)
{
	struct store *store = session->edges.store;
	cleanup_table struct table *table = NULL;
	cleanup(history_clear) struct history history = {0};
	size_t from = 0;

	if (shown_table(&request->shown, "events", columns, COL_COUNT, -1, session->mode, &table,
			err) < 0 ||
	    store->ops->history(store, *last, request->domain, &history, err) < 0)
		return -1;
	while (from < history.n && history.items[from].time < request->since)
		from++;
	if (first && request->lines && history.n - from > request->lines)
		from = history.n - request->lines;
	for (size_t i = from; i < history.n; i++)
		add_event(table, &history.items[i]);
	if (history.n)
		*last = history.items[history.n - 1].id;
	if (request->follow)
		table_stream(table);
	return table_print(table, err);
}

/* Another store in its place, or none any more: what is there now is new, all of it. */
static int reopen(struct session *session, int64_t *last, struct err **err)
{
	session->edges.store->ops->close(steal(&session->edges.store));
	*last = 0;
	return session_need(session, NEED_STORE_WRITE, err);
}

static int follow(struct session *session, const struct request *request, int64_t *last,
		  struct err **err)
{
	cleanup_close int fd = -1;
	bool first = true, replaced;

	if (filewatch_open(session->store, &fd, err))
		return -1;
	for (;;) {
		struct store *store = session->edges.store;

		if (store->ops->settle(store, err) || print(session, request, first, last, err) ||
		    filewatch_wait(fd, session->store, &replaced, err) ||
		    (replaced && reopen(session, last, err)))
			return -1;
		first = false;
	}
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {0};
	int64_t last = 0;
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	if (session_need(session, request.follow ? NEED_STORE_WRITE : NEED_STORE, err))
		return -1;
	if (!request.follow)
		return print(session, &request, true, &last, err);
	if (!request.lines && !request.since)
		request.lines = LINES_FOLLOWED;
	return follow(session, &request, &last, err);
}

const struct verb verb_events = {
	.name = "events",
	.args = "[DOMAIN]",
	.help = "Show who got which VF when, and why",
	.options = options,
	.run = run,
};
