/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the agent's workers tell it: a line each, a word and its fields with tabs between them.
 *
 *	following                       libvirt's events are being followed, all guests were told
 *	guest   UUID NAME WHAT          something happened to this guest
 *	passing UUID NAME WHAT          something did that it can do as often as it likes
 *	moving  UUID NAME               libvirt sends it to another host
 *	other                           something happened to one that has nothing of ours
 *	begun                           the guest's lock is ours; from here on it is looked at
 *	say     PRIORITY VF ASSIGNMENT TEXT   for the journal
 *	mended                          something was done
 *	again   MILLISECONDS            it is to be looked at again after that time
 *	failed  TEXT                    it could not be done
 *	busy    TEXT                    another process is at it, and has been for a while
 *	lost    TEXT                    libvirt has gone away
 *	done                            that was the task: the next one may come
 *
 * And the other way, what they are to do: a task and its words (daemon/daemon.h).
 */
#ifndef VFPOOL_DAEMON_LINE_H
#define VFPOOL_DAEMON_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_SIZE 2048 /* what is longer is cut; less than a pipe takes at once */
#define LINE_FIELDS 5

struct line {
	const char *fields[LINE_FIELDS]; /* those that were not said are "" */
	size_t n;
};

/* Says one; NULL ends the fields. false: nobody reads it. */
bool line_say(int fd, const char *word, ...) __attribute__((sentinel));
bool line_say_all(int fd, const char *const *fields);

/* Collects what a descriptor gives until lines are whole. */
struct line_reader {
	char text[LINE_SIZE];
	size_t size;
	bool skips; /* the rest of a line that is too long */
};

enum line_read {
	LINE_NONE, /* no whole one yet */
	LINE_ONE,  /* one is in *out, until the next call */
	LINE_END,  /* there will be no more */
};

/* LINE_NONE is only for a descriptor that does not block. */
enum line_read line_read(struct line_reader *reader, int fd, struct line *out);

#endif
