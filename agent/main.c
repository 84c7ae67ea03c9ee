// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfpool: hands the virtual functions of SR-IOV cards to libvirt guests. */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "host/lock.h"
#include "host/poolfiles.h"
#include "verbs/globals.h"
#include "verbs/verb.h"

static const struct verb *const verbs[] = {
	&verb_attach,
	&verb_detach,
	&verb_set,
	&verb_list,
	&verb_why,
	&verb_check,
	&verb_set_vfs,
	&verb_reconcile,
	&verb_pool_list,
	&verb_pool_define,
	&verb_pool_dumpxml,
	&verb_pool_edit,
	&verb_pool_undefine,
	&verb_park,
	&verb_unpark,
	&verb_save,
	&verb_managedsave,
	&verb_restore,
	&verb_agent,
	&verb_adopt,
	&verb_events,
	&verb_hook_install,
	&verb_hook_remove,
	&verb_hosts,
	&verb_migrate,
	&verb_snapshot_create,
	&verb_snapshot_revert,
};

enum { KEY_VERSION = 'V', KEY_HELP = 'h' };

static const struct argp_option options[] = {
	{"help", KEY_HELP, NULL, 0, "Show this help", -1},
	{"version", KEY_VERSION, NULL, 0, "Show the version", -1},
	{0},
};

/* What stands before the command's name. */
struct opening {
	struct session *session;
	bool help, version;
	int verb; /* where it is in argv; 0: nowhere */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct opening *opening = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = opening->session;
		return 0;
	case KEY_HELP:
		opening->help = true;
		return ECANCELED;
	case KEY_VERSION:
		opening->version = true;
		return ECANCELED;
	case ARGP_KEY_ARG:
		opening->verb = state->next - 1;
		return ECANCELED;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{&globals_argp, 0, NULL, 0},
	{0},
};
static const struct argp argp = {.options = options, .parser = parse, .children = children};

static void print_usage(FILE *out)
{
	(void)fputs(
		"Usage: vfpool [OPTION...] COMMAND [ARGUMENT...]\n"
		"Hands the virtual functions (VFs) of SR-IOV network cards to libvirt guests.\n\n",
		out);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		(void)fprintf(out, "  %-13s %-28s %s\n", verbs[i]->name, verbs[i]->args,
			      verbs[i]->help);
	(void)fprintf(out, "  %-13s %-28s %s\n\n", "help", "[COMMAND]",
		      "How to use vfpool, or one command of it");
	argp_help(&argp, out, ARGP_HELP_LONG, (char[]){"vfpool"});
}

static int usage(struct err **err)
{
	print_usage(stdout);
	return fflush(stdout) == 0 ? 0 : err_errno(err, errno, "writing the output");
}

static int version(struct err **err)
{
	(void)printf("vfpool %s\n", VFPOOL_VERSION);
	return fflush(stdout) == 0 ? 0 : err_errno(err, errno, "writing the output");
}

static const struct verb *find_verb(const char *name, struct err **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	(void)err_set(err, ERR_USAGE, "there is no command called '%s'", name);
	(void)err_next(err, "vfpool --help lists them");
	return NULL;
}

static int run_help(struct session *session, char *name, struct err **err)
{
	const struct verb *verb;

	if (!name)
		return usage(err);
	verb = find_verb(name, err);
	if (!verb)
		return -1;
	return verb->run(verb, session, 2, (char *[]){name, (char[]){"--help"}, NULL}, err);
}

static int run(struct session *session, int argc, char **argv, struct err **err)
{
	struct opening opening = {.session = session};
	const struct verb *verb;

	if (globals_run_argp(&argp, ARGP_IN_ORDER, argc, argv, &opening, err) < 0)
		return err_next(err, "vfpool --help lists commands and options");
	if (opening.help)
		return usage(err);
	if (opening.version)
		return version(err);
	if (!opening.verb) {
		print_usage(stderr);
		return err_set(err, ERR_USAGE, "no command was given");
	}
	if (strcmp(argv[opening.verb], "help") == 0)
		return run_help(session, argv[opening.verb + 1], err);
	verb = find_verb(argv[opening.verb], err);
	if (!verb)
		return -1;
	session->cause = verb->name;
	return verb->run(verb, session, argc - opening.verb, argv + opening.verb, err);
}

int main(int argc, char **argv)
{
	struct session session = {
		.store = STORE_PATH,
		.pools = POOLS_DIR,
		.edges = {.now = clock_now,
			  .wall = clock_wall,
			  .connect = virt_open,
			  .lock = lock_take,
			  .share = lock_share,
			  .memo = &memo_here},
	};
	cleanup_err struct err *err = NULL;
	int status = EXIT_SUCCESS;

	(void)setlocale(LC_CTYPE, "");
	/* A reader that has gone away is an error of the write, not the end in the midst of work.
	 */
	(void)signal(SIGPIPE, SIG_IGN);
	/* argp's note on long and short options helps nobody here. */
	(void)setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
	globals_bind(&session);
	if (run(&session, argc, argv, &err) < 0) {
		err_print(err, stderr);
		status = err ? err_exit_status(err->code) : EXIT_FAILURE;
	}
	session_close(&session);
	return status;
}
