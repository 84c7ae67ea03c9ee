/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that pools are defined in: DIR/NAME.xml. They say who gets which VF, so only files and
 * a directory are read that nobody can have written but root or the user who runs this.
 */
#ifndef VFPOOL_HOST_POOLFILES_H
#define VFPOOL_HOST_POOLFILES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

#define POOLS_DIR "/etc/vfpool/pools"

struct pool_file {
	char *name; /* NAME */
	char *path;
	char *text;  /* NULL: it was not read */
	char *error; /* then why, in words that name it; else NULL */
};

struct pool_files {
	struct pool_file *items; /* by name */
	size_t n;
};

/*
 * Reads all of them. A file that cannot be read or is not to be trusted is among them with its
 * .error. No directory: no files; then it costs one system call. A directory that others can write
 * to is an error of the whole. Other names than NAME.xml are passed over.
 */
int poolfiles_read(const char *dir, struct pool_files *out, struct err **err);
void poolfiles_clear(struct pool_files *files);

/* Whoever writes or removes holds a lock. The directory is made when it is missing. */
int poolfiles_write(const char *dir, const char *name, const char *text, struct err **err);
int poolfiles_remove(const char *dir, const char *name, bool *was, struct err **err);

#endif
