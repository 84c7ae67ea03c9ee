/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors are values: made where something fails, given context on the way up, printed once, by
 * main(). Every error can say four things: what was being done, what failed, how things stand
 * now, and what to do next.
 *
 * A function that can fail takes `struct err **err` last and returns 0, or -1 with *err set and
 * its output arguments untouched. err may be NULL where the caller does not want to know. *err
 * must be NULL on entry; whoever ends up with it frees it with err_free().
 */
#ifndef VFPOOL_CORE_ERR_H
#define VFPOOL_CORE_ERR_H

#include <stdarg.h>
#include <stdio.h>

enum err_code {
	ERR_FAILED = 1,  /* exit 1 */
	ERR_USAGE = 2,   /* exit 2: the request itself is wrong; nothing was changed */
	ERR_NO_VF = 3,   /* exit 3: no VF available */
	ERR_GUEST = 4,   /* exit 4: the guest did not let go in time */
	ERR_PARTIAL = 5, /* exit 5: done in part */
	/* Told apart on the way up; they exit 1 when they get to the top. */
	ERR_ABSENT,      /* the thing named does not exist */
	ERR_TAKEN,       /* the VF belongs to somebody else: another one may do */
	ERR_TIMEOUT,     /* a deadline passed */
	ERR_LOST,        /* the connection to libvirt broke */
	ERR_UNSUPPORTED, /* this kernel, driver or libvirt cannot */
};

struct err {
	enum err_code code;
	char *what;    /* "attaching a VF of eth1 to web1: no VF is free" */
	char *details; /* further lines, each ended by a newline; NULL for none */
	char *now;     /* how things stand; NULL while nobody said */
	char *next;    /* what to do next; NULL while nobody said */
};

/* Each of these returns -1, so that `return err_set(err, …)` reads as it should. */
int err_set(struct err **err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the text of errnum at the end. */
int err_errno(struct err **err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Hands on an error that somebody has looked at first; takes it, also where nobody wants to know.
 */
int err_pass(struct err **err, struct err *why);

/* Puts what was being done before what failed: "fmt: old text". */
int err_wrap(struct err **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Adds a line of detail, without its newline. */
int err_detail(struct err **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* How things stand now; the outermost caller knows best, so the last one said holds. */
int err_now(struct err **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What to do next; the innermost knows best, so the first one said holds. */
int err_next(struct err **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Another code for what callers have to tell apart. */
int err_recode(struct err **err, enum err_code code);

/* The exit status that stands for this code. */
int err_exit_status(enum err_code code);

/* Prints it all, each line indented below the first; out is usually stderr. */
void err_print(const struct err *err, FILE *out);

/* Frees and forgets: *err is NULL after. For cleanup(err_free), too. */
void err_free(struct err **err);

#define cleanup_err cleanup(err_free)

#endif
