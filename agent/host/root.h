/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine's files below the directory that is its root: /, or a copy of another machine's. Reads
 * only. Symbolic links are followed, but never out of the root; what is no regular file has no
 * text, and nothing here blocks on a FIFO or a device.
 */
#ifndef VFPOOL_HOST_ROOT_H
#define VFPOOL_HOST_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "core/err.h"
#include "model/facts.h"

/* A descriptor of the root. Paths below have no slash at their beginning. */
int root_open(const char *path, int *root, struct err **err);

/* The beginning of a file, at most size characters; NULL: none to read. The caller frees it. */
char *root_text(int root, const char *path, size_t size);

/* The same without the newline at the end: of a file that is one value. */
char *root_value(int root, const char *path);

/* The beginning of a file that is no text; returns how much there was, 0 for nothing. */
size_t root_bytes(int root, const char *path, void *buffer, size_t size);

/* Does the file contain this? However large it is. */
bool root_contains(int root, const char *path, const char *what);

bool root_exists(int root, const char *path);

/* Of what a link points to. false, with errno: there is none. */
bool root_stat(int root, const char *path, struct stat *out);

/* The target of a symbolic link; NULL: it is none. The caller frees it. */
char *root_link(int root, const char *path);

/*
 * The names in a directory, sorted, without those that begin with a dot. false, with errno: it
 * cannot be listed; then there are none.
 */
bool root_list(int root, const char *path, struct names *out);

/* Files below several directories, of which a name in an earlier one hides those in later ones. */
struct root_search {
	const char *const *dirs;
	size_t ndirs;
	const char *suffix;
	const char *with; /* only files with this in them; NULL: all */
};

/* Adds them, by name, with their beginnings. */
void root_search(int root, const struct root_search *search, struct text_files *out);

void root_keep(struct text_files *files, const char *path, char *text); /* the text is taken over */

#endif
