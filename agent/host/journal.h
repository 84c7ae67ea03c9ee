/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd's two protocols that a service speaks: telling the service manager how it is, and the
 * journal what happened, with fields. Both are a datagram to a socket and documented to be spoken
 * without libsystemd, which would bring a dozen libraries into a program that is started for every
 * command. Nothing here blocks or fails: who is not listening is not told.
 */
#ifndef VFPOOL_HOST_JOURNAL_H
#define VFPOOL_HOST_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* syslog's. */
enum journal_priority {
	JOURNAL_ERR = 3,
	JOURNAL_WARNING = 4,
	JOURNAL_NOTICE = 5,
	JOURNAL_INFO = 6,
};

/* One line; fields that are NULL or empty are left out. */
struct journal_line {
	enum journal_priority priority;
	const char *text;
	const char *domain, *vf, *assignment; /* DOMAIN=, VF=, ASSIGNMENT= */
};

/*
 * To the journal when the standard error goes there anyway (as systemd arranges it), else to the
 * standard error, as text.
 */
void journal_write(const struct journal_line *line);

/*
 * To the service manager that started us, if one did: "READY=1\nSTATUS=…", see sd_notify(3). The
 * address is taken out of the environment at the first call, so that no child speaks for us.
 */
void journal_notify(const char *state);

/*
 * The datagram of a line, in the journal's native protocol. The caller frees it. For journal.c
 * itself and its test.
 */
char *journal_format(const struct journal_line *line, size_t *size);

#endif
