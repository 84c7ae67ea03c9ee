// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verbs/verb.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converge/converge.h"
#include "converge/pools.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "host/file.h"
#include "host/poolfiles.h"
#include "verbs/globals.h"

enum { KEY_JSON = 0x1000, KEY_SYSFS, KEY_STORE, KEY_POOLS };

static const struct argp_option globals_options[] = {
	{"connect", 'c', "URI", 0, "Connect to this libvirt (default: as virsh does)", 0},
	{"quiet", 'q', NULL, 0, "No words of progress", 0},
	{"json", KEY_JSON, NULL, 0, "Answer in JSON", 0},
	{"sysfs", KEY_SYSFS, "DIR", 0, "Read this tree in place of /sys", 0},
	{"store", KEY_STORE, "FILE", 0, "Keep the leases in this file", 0},
	{"pools", KEY_POOLS, "DIR", 0, "Keep the definitions of pools in this directory", 0},
	{0},
};

static error_t globals_parse(int key, char *arg, struct argp_state *state)
{
	struct session *session = state->input;

	if (!session)
		return ARGP_ERR_UNKNOWN;
	switch (key) {
	case 'c':
		session->uri = arg;
		return 0;
	case 'q':
		log_quiet(true);
		return 0;
	case KEY_JSON:
		session->mode = TABLE_JSON;
		return 0;
	case KEY_SYSFS:
		session->sysfs = arg;
		return 0;
	case KEY_STORE:
		session->store = arg;
		return 0;
	case KEY_POOLS:
		session->pools = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp globals_argp = {.options = globals_options, .parser = globals_parse};

static struct session *bound;

void globals_bind(struct session *session)
{
	bound = session;
}

/* The first line of what argp or getopt said, without the name of the program before it. */
static int words_to_err(char *words, const char *name, struct err **err)
{
	size_t length = strlen(name);

	words[strcspn(words, "\n")] = '\0';
	if (strncmp(words, name, length) == 0 && strncmp(words + length, ": ", 2) == 0)
		words += length + 2;
	return err_set(err, ERR_USAGE, "%s", words);
}

int globals_run_argp(const struct argp *argp, unsigned flags, int argc, char **argv, void *input,
		     struct err **err)
{
	cleanup_free char *words = NULL;
	FILE *caught, *real = stderr;
	size_t size = 0;
	error_t rc;

	caught = open_memstream(&words, &size);
	if (!caught)
		return err_errno(err, errno, "reading the options");
	/* argp takes its stream from here, and getopt below it knows no other. */
	stderr = caught;
	rc = argp_parse(argp, argc, argv, flags | ARGP_NO_EXIT | ARGP_NO_HELP, NULL, input);
	stderr = real;
	if (fclose(caught) != 0)
		return err_errno(err, errno, "reading the options");
	if (rc == ECANCELED)
		return 0;
	if (size)
		return words_to_err(words, argv[0], err);
	if (rc)
		return err_set(err, ERR_USAGE, "%s", strerror(rc));
	return 0;
}

struct invocation {
	void *input;
	bool help;
};

static const struct argp_option help_options[] = {
	{"help", 'h', NULL, 0, "Show this help", -1},
	{0},
};

static error_t invocation_parse(int key, char *arg, struct argp_state *state)
{
	struct invocation *invocation = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = invocation->input;
		state->child_inputs[1] = bound;
		return 0;
	case 'h':
		invocation->help = true;
		return ECANCELED;
	}
	return ARGP_ERR_UNKNOWN;
}

static int print_help(const struct verb *verb, const struct argp *argp, struct err **err)
{
	cleanup_free char *name = mem_printf("vfpool %s", verb->name);

	argp_help(argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
	if (fflush(stdout) != 0)
		return err_errno(err, errno, "writing the output");
	return 1;
}

int verb_parse(const struct verb *verb, argp_parser_t parse, int argc, char **argv, void *input,
	       struct err **err)
{
	const struct argp own = {.options = verb->options, .parser = parse};
	const struct argp_child children[] = {
		{&own, 0, NULL, 0},
		{&globals_argp, 0, "Options of every command:", 100},
		{0},
	};
	const struct argp argp = {
		.options = help_options,
		.parser = invocation_parse,
		.args_doc = verb->args,
		.doc = verb->help,
		.children = children,
	};
	struct invocation invocation = {.input = input};
	int rc = globals_run_argp(&argp, 0, argc, argv, &invocation, err);

	if (invocation.help)
		return print_help(verb, &argp, err);
	if (rc < 0) {
		(void)err_wrap(err, "%s", verb->name);
		return err_next(err, "vfpool help %s says how it is used", verb->name);
	}
	return 0;
}

static int need_store(struct session *session, bool writable, struct err **err)
{
	struct store *store;

	if (session->edges.store && (session->store_writable || !writable))
		return 0;
	if (store_open(session->store, writable, &store, err) < 0)
		return -1;
	if (session->edges.store)
		session->edges.store->ops->close(session->edges.store);
	store->ops->because(store, session->cause);
	session->edges.store = store;
	session->store_writable = writable;
	return 0;
}

static int need_host(struct session *session, struct err **err)
{
	struct edges *edges = &session->edges;

	return edges->host ? 0 : host_open(session->sysfs, &edges->host, err);
}

static void warn_of_pools(const struct session *session)
{
	for (size_t i = 0; i < session->defined.n; i++) {
		const struct pool *pool = &session->defined.items[i];

		if (pool->error && !(session->about && !strcmp(session->about, pool->name)))
			log_warn("pool %s cannot be used: %s", pool->name, pool->error);
	}
}

static int need_pools(struct session *session, struct err **err)
{
	struct pools *pools = &session->defined;
	size_t sound = 0;

	/* The pools of this machine say nothing about another one's tree. */
	if (session->pools_read || !session->pools ||
	    (session->sysfs && !strcmp(session->pools, POOLS_DIR)))
		return 0;
	if (pools_read(session->pools, pools, err))
		return -1;
	session->pools_read = true;
	for (size_t i = 0; i < pools->n; i++)
		sound += !pools->items[i].error;
	if (sound > 1 && (need_host(session, err) || pools_settle(session->edges.host, pools, err)))
		return -1;
	warn_of_pools(session);
	if (pools->n)
		session->edges.pools = pools;
	return 0;
}

void session_forget_pools(struct session *session)
{
	session->edges.pools = NULL;
	session->pools_read = false;
	pools_clear(&session->defined);
}

/* What is on this host alone. */
static int need_local(struct session *session, unsigned what, struct err **err)
{
	if ((what & NEED_HOST) && need_host(session, err) < 0)
		return -1;
	if ((what & NEED_POOLS) && need_pools(session, err) < 0)
		return -1;
	return what & (NEED_STORE | NEED_STORE_WRITE)
		       ? need_store(session, what & NEED_STORE_WRITE, err)
		       : 0;
}

struct connecting {
	const char *uri;
	struct virt *virt;
	struct err *err;
};

static void *connecting_run(void *arg)
{
	struct connecting *c = arg;

	(void)virt_open(c->uri, &c->virt, &c->err);
	return NULL;
}

/*
 * The rest is opened while libvirt's daemon, a processor of its own, answers. The library is loaded
 * before: that is this process's own work, and gains nothing by a thread.
 */
static int need_virt(struct session *session, unsigned what, struct err **err)
{
	struct connecting c = {.uri = session->uri};
	pthread_t thread;
	int errnum, result;

	if (virt_load(err) < 0)
		return -1;
	errnum = pthread_create(&thread, NULL, connecting_run, &c);
	if (errnum)
		return err_errno(err, errnum, "starting a thread");
	result = need_local(session, what, err);
	(void)pthread_join(thread, NULL);
	session->edges.virt = c.virt;
	if (result < 0 || !c.err) {
		err_free(&c.err);
		return result;
	}
	return err_pass(err, c.err);
}

int session_need(struct session *session, unsigned what, struct err **err)
{
	if ((what & (NEED_STORE_WRITE | NEED_ROOT)) && !session->store_writable && geteuid() != 0) {
		(void)err_set(err, ERR_FAILED, "this needs root");
		(void)err_now(err, "nothing was changed");
		return err_next(err, "run it with sudo");
	}
	if (what & NEED_VIRT && !session->edges.virt)
		return need_virt(session, what, err);
	return need_local(session, what, err);
}

bool session_rest(struct session *session)
{
	struct edges *edges = &session->edges;

	if (edges->store)
		edges->store->ops->close(edges->store);
	if (edges->host)
		edges->host->ops->close(edges->host);
	edges->store = NULL;
	edges->host = NULL;
	session->store_writable = false;
	session_forget_pools(session);
	return !edges->virt || edges->virt->ops->rest(edges->virt);
}

void session_close(struct session *session)
{
	struct edges *edges = &session->edges;

	if (edges->virt)
		edges->virt->ops->close(edges->virt);
	edges->virt = NULL;
	(void)session_rest(session);
}

int verb_on_guest(struct session *session, const char *domain, unsigned timeout,
		  int (*work)(struct converge *c, void *request, enum table_mode mode,
			      struct err **err),
		  void *request, const char *doing, struct err **err)
{
	struct converge c;
	int result;

	if (session_need(session, NEED_HOST | NEED_POOLS | NEED_VIRT | NEED_STORE_WRITE, err) ||
	    converge_open(&c, &session->edges, domain, timeout, err))
		return err_wrap(err, "%s %s", doing, domain);
	result = work(&c, request, session->mode, err);
	converge_close(&c);
	return result ? err_wrap(err, "%s %s", doing, domain) : 0;
}

static int read_input(char **out, struct err **err)
{
	cleanup_free char *text = mem_zero(FILE_MAX + 2, 1);
	size_t size = fread(text, 1, FILE_MAX + 1, stdin);

	if (ferror(stdin))
		return err_errno(err, errno, "reading the standard input");
	if (size > FILE_MAX)
		return err_set(err, ERR_FAILED, "the standard input is longer than %d bytes",
			       FILE_MAX);
	*out = steal(&text);
	return 0;
}

int verb_read(const char *file, char **out, struct err **err)
{
	return strcmp(file, "-") != 0 ? file_read(file, out, err) : read_input(out, err);
}
