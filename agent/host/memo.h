/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What somebody has asked libvirt about its guests, kept as text for who asks next, for as long as
 * nothing has happened to any guest since: to load libvirt's library takes longer than all else of
 * a `vfpool list`, and an attach asks of one guest but needs to know what all others have.
 *
 * libvirt writes a guest's definition or its state down at each change, before the call that made
 * it returns, as a new file that takes the place of the old one (virFileRewrite() in its
 * src/util/virfile.c, virDomainObjSave() in src/conf/domain_conf.c). So its two directories have
 * another time then. No file in them is read. A daemon that does not run sees nothing happen: that
 * it does, its file with its process number tells, which it has locked (src/util/virpidfile.c).
 */
#ifndef VFPOOL_HOST_MEMO_H
#define VFPOOL_HOST_MEMO_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

/* The one libvirt that these directories are of. */
#define MEMO_URI "qemu:///system"

struct memo {
	const char *dir; /* where the text is */
	const char *watched[2];
	const char *run; /* where a daemon has its file */
	const char *daemons[2];
};

/* /run/vfpool, and where libvirt's QEMU driver keeps definitions and states. */
extern const struct memo memo_here;

/* When something happened last. */
struct memo_mark {
	struct {
		dev_t dev;
		ino_t ino;
		struct timespec changed;
	} of[2];
	struct timespec taken; /* when this was asked */
};

/* To be taken before libvirt is asked. false: there are no such directories, or no daemon. */
bool memo_mark(const struct memo *memo, struct memo_mark *out);

/* What is kept and has this very mark; the caller frees it. NULL: nothing is. */
char *memo_read(const struct memo *memo, const struct memo_mark *mark);

/*
 * Keeps it, for root alone. Not if something has happened only just now: a second change could have
 * the same time. That it cannot be written is no failure.
 */
void memo_write(const struct memo *memo, const struct memo_mark *mark, const char *text);

#endif
