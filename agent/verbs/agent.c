/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* agent: the daemon. What its workers are to do follows as words, which are nobody else's affair.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converge/converge.h"
#include "core/cleanup.h"
#include "daemon/daemon.h"
#include "daemon/line.h"
#include "daemon/work.h"
#include "host/poolfiles.h"
#include "verbs/globals.h"
#include "verbs/number.h"
#include "verbs/verb.h"

#define WORDS_MAX LINE_FIELDS

enum { KEY_WORKERS = 0x200, KEY_TIMEOUT };

static const struct argp_option options[] = {
	{"workers", KEY_WORKERS, "N", 0, "Work on so many guests at a time, 1-16 (default 4)", 0},
	{"timeout", KEY_TIMEOUT, "SECONDS", 0, "Give each guest so long to let go (default 30)", 0},
	{0},
};

struct request {
	unsigned workers;
	unsigned timeout;
	const char *words[WORDS_MAX];
	size_t n;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_WORKERS:
		return number_option(state, "workers", arg, 1, DAEMON_WORKERS_MAX,
				     &request->workers);
	case KEY_TIMEOUT:
		return seconds_option(state, "timeout", arg, &request->timeout);
	case ARGP_KEY_ARG:
		if (request->n == WORDS_MAX)
			return ARGP_ERR_UNKNOWN;
		request->words[request->n++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool is_task(const struct request *request, const char *task, size_t n)
{
	return !strcmp(request->words[0], task) && request->n >= n;
}

/* libvirt first: that it is not there is nobody's failure, and no reason to give up a guest. */
static int open_edges(struct session *session, struct err **err)
{
	if (!session_need(session, NEED_VIRT, err))
		return session_need(session, NEED_HOST | NEED_POOLS | NEED_STORE_WRITE, err);
	return err_recode(err, ERR_LOST);
}

/* systemd runs that after the agent, and says how it ended: in order, it has done so itself. */
static bool is_withdrawn(void)
{
	const char *how = getenv("SERVICE_RESULT"), *status = getenv("EXIT_STATUS");

	return how && status && !strcmp(how, "success") && !strcmp(status, "0");
}

static int run_task(struct session *session, const struct request *request, struct err **err)
{
	const char *const *words = request->words;

	if (is_task(request, TASK_GUEST, 4)) {
		const struct work_guest guest = {
			.uuid = words[1],
			.name = words[2],
			.cause = words[3],
			.seconds = request->timeout,
			.last = request->n == 5,
		};

		if (strlen(guest.uuid) != UUID_STRLEN - 1)
			return err_set(err, ERR_USAGE, "'%s' is no UUID", guest.uuid);
		if (open_edges(session, err))
			return -1;
		work_guest(&session->edges, &guest, STDOUT_FILENO);
		return 0;
	}
	if (is_task(request, TASK_FOLLOW, 1)) {
		virt_follow_only();
		return session_need(session, NEED_VIRT | NEED_STORE, err) ||
				       work_follow(&session->edges, STDOUT_FILENO, err)
			       ? -1
			       : 0;
	}
	if (is_task(request, TASK_LOOK, 1))
		return session_need(session, NEED_HOST | NEED_STORE, err) ||
				       work_look(&session->edges, STDOUT_FILENO, err)
			       ? -1
			       : 0;
	if (is_task(request, TASK_RESIZES, 1)) {
		if (open_edges(session, err))
			return -1;
		work_resizes(&session->edges, request->timeout, STDOUT_FILENO);
		return 0;
	}
	if (is_task(request, TASK_STUCK, 4)) {
		if (session_need(session, NEED_STORE_WRITE, err))
			return -1;
		work_stuck(&session->edges, words[1], words[2], words[3]);
		return 0;
	}
	if (is_task(request, TASK_MOVING, 3)) {
		const struct work_guest guest = {
			.uuid = words[1], .name = words[2], .seconds = request->timeout};

		if (open_edges(session, err))
			return -1;
		work_moving(&session->edges, &guest, STDOUT_FILENO);
		return 0;
	}
	if (is_task(request, TASK_PUBLISH, 1))
		return open_edges(session, err) || work_publish(&session->edges, err) ? -1 : 0;
	if (is_task(request, TASK_WITHDRAW, 1) && is_withdrawn())
		return 0;
	if (is_task(request, TASK_WITHDRAW, 1))
		return session_need(session, NEED_VIRT, err) || work_withdraw(&session->edges, err)
			       ? -1
			       : 0;
	return err_set(err, ERR_USAGE, "agent takes no such argument: '%s'", words[0]);
}

static void run_words(struct session *session, const struct request *request)
{
	cleanup_err struct err *why = NULL;

	if (run_task(session, request, &why))
		work_say_failure(STDOUT_FILENO, why);
}

/* Takes its tasks from the standard input, one after the other, until that ends. */
static void run_tasks(struct session *session, struct request *request)
{
	struct line_reader reader = {0};
	struct line line;

	while (line_read(&reader, STDIN_FILENO, &line) == LINE_ONE) {
		memcpy(request->words, line.fields, sizeof(request->words));
		request->n = line.n;
		run_words(session, request);
		/* The next task is for somebody who has a connection. */
		if (!session_rest(session) || !line_say(STDOUT_FILENO, "done", NULL))
			return;
	}
}

/* What a worker is forked for. */
struct job {
	struct session *session;
	const struct request *request;
};

static int work(void *arg, const char *task)
{
	const struct job *job = arg;
	struct request request = *job->request;

	request.words[request.n++] = task;
	if (is_task(&request, TASK_WORKS, 1))
		run_tasks(job->session, &request);
	else
		run_words(job->session, &request);
	session_close(job->session);
	return EXIT_SUCCESS;
}

static int run_daemon(struct session *session, const struct request *request, struct err **err)
{
	struct job job = {.session = session, .request = request};
	const struct daemon_options daemon = {
		.work = work,
		.arg = &job,
		.pools = session->pools,
		.workers = request->workers,
		.seconds = request->timeout,
	};

	if (geteuid() != 0) {
		err_set(err, ERR_FAILED, "this needs root");
		return err_next(err, "`systemctl start vfpool-agent`");
	}
	/* Once for all workers. Where that fails, each of them says why. */
	(void)virt_load(NULL);
	return daemon_run(&daemon, err);
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.workers = DAEMON_WORKERS, .timeout = CONVERGE_TIMEOUT_S};
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);
	cleanup_err struct err *why = NULL;

	if (parsed)
		return parsed < 0 ? -1 : 0;
	if (!request.n)
		return run_daemon(session, &request, err);
	if (run_task(session, &request, &why)) {
		/* A mistake of who typed it is told to him. */
		if (why->code == ERR_USAGE)
			return err_pass(err, steal(&why));
		work_say_failure(STDOUT_FILENO, why);
	}
	return 0;
}

const struct verb verb_agent = {
	.name = "agent",
	.args = "",
	.help = "The daemon: keep every guest what it should be",
	.options = options,
	.run = run,
};
