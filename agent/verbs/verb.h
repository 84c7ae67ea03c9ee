/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command of vfpool: one file a verb, each with its `const struct verb verb_NAME`. main.c has
 * the table of them, from which usage is printed.
 */
#ifndef VFPOOL_VERBS_VERB_H
#define VFPOOL_VERBS_VERB_H

#include <argp.h>
#include <stdbool.h>

#include "core/err.h"
#include "core/table.h"
#include "host/edges.h"

/* What the global options say, and the edges, each opened when a verb first needs it. */
struct session {
	const char *uri;      /* -c; NULL: as virsh chooses */
	const char *sysfs;    /* --sysfs; NULL: /sys */
	const char *store;    /* STORE_PATH, or --store */
	const char *pools;    /* POOLS_DIR, or --pools; NULL: none are defined */
	enum table_mode mode; /* --json */
	struct edges edges;
	bool store_writable;
	const char *cause; /* of the changes to leases: the command's name */
	/* The pool that the command is about: what is wrong with that one is the command's to say.
	 */
	const char *about;
	struct pools defined; /* where edges.pools points to */
	bool pools_read;
};

enum {
	NEED_HOST = 1 << 0,
	NEED_VIRT = 1 << 1,
	NEED_STORE = 1 << 2,
	NEED_STORE_WRITE = 1 << 3,
	NEED_POOLS = 1 << 4,
	NEED_ROOT = 1 << 5,
};

/*
 * Opens what is needed and not open yet. NEED_STORE_WRITE and NEED_ROOT refuse whoever is not root
 * before anything else is done. The session closes what it opened when main() ends.
 */
int session_need(struct session *session, unsigned what, struct err **err);

/* The pools' files have changed: who needs pools next reads them again. */
void session_forget_pools(struct session *session);

/*
 * For who goes on with something else later: closes all but the connection to libvirt, which takes
 * longest to make. false: that one is broken.
 */
bool session_rest(struct session *session);

struct verb {
	const char *name;
	const char *args; /* "DOMAIN POOL|VF" */
	const char *help; /* a line */
	const struct argp_option *options;
	/* Gets argv with argv[0] the verb. 0: done, with its data on stdout. */
	int (*run)(const struct verb *verb, struct session *session, int argc, char **argv,
		   struct err **err);
};

extern const struct verb verb_agent;
extern const struct verb verb_adopt;
extern const struct verb verb_attach;
extern const struct verb verb_detach;
extern const struct verb verb_park;
extern const struct verb verb_unpark;
extern const struct verb verb_save;
extern const struct verb verb_managedsave;
extern const struct verb verb_restore;
extern const struct verb verb_snapshot_create;
extern const struct verb verb_snapshot_revert;
extern const struct verb verb_list;
extern const struct verb verb_events;
extern const struct verb verb_hook_install;
extern const struct verb verb_hook_remove;
extern const struct verb verb_hosts;
extern const struct verb verb_migrate;
extern const struct verb verb_why;
extern const struct verb verb_reconcile;
extern const struct verb verb_set;
extern const struct verb verb_check;
extern const struct verb verb_set_vfs;
extern const struct verb verb_pool_define;
extern const struct verb verb_pool_dumpxml;
extern const struct verb verb_pool_edit;
extern const struct verb verb_pool_list;
extern const struct verb verb_pool_undefine;

/*
 * Parses a verb's options with argp; parse is argp's parser, input its state->input. Options and
 * arguments may come in any order. 0: parsed; 1: --help was asked for and has been printed; -1:
 * ERR_USAGE, with argp's words, and nothing printed.
 */
int verb_parse(const struct verb *verb, argp_parser_t parse, int argc, char **argv, void *input,
	       struct err **err);

/* The text of a file, or of the standard input for "-"; the caller frees it. */
int verb_read(const char *file, char **out, struct err **err);

struct converge;

/*
 * The frame of a verb that changes one guest: opens all edges, then the guest, waiting up to
 * timeout seconds for another vfpool at it, and calls work under the guest's lock. An error becomes
 * one of "DOING DOMAIN".
 */
int verb_on_guest(struct session *session, const char *domain, unsigned timeout,
		  int (*work)(struct converge *c, void *request, enum table_mode mode,
			      struct err **err),
		  void *request, const char *doing, struct err **err);

#endif
