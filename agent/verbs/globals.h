/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that every command takes, before its name or after it, and how argp is run. */
#ifndef VFPOOL_VERBS_GLOBALS_H
#define VFPOOL_VERBS_GLOBALS_H

#include <argp.h>

#include "verbs/verb.h"

/* argp's input for it is the session. */
extern const struct argp globals_argp;

/* The session that global options behind a command's name go to; before any verb runs. */
void globals_bind(struct session *session);

/*
 * Runs argp with its words caught: they become ERR_USAGE. It neither prints nor exits. A parser
 * that has seen enough returns ECANCELED, which is no failure.
 */
int globals_run_argp(const struct argp *argp, unsigned flags, int argc, char **argv, void *input,
		     struct err **err);

/* Closes what session_need() opened. */
void session_close(struct session *session);

#endif
