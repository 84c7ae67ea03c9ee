/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files, read and replaced whole. */
#ifndef VFPOOL_HOST_FILE_H
#define VFPOOL_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/names.h"

#define FILE_MAX 65536 /* larger ones are not ours, and not read */

/*
 * The text of a regular file; the caller frees it. ERR_ABSENT: there is none. A symbolic link is
 * followed: this is for files of other programs, too.
 */
int file_read(const char *path, char **out, struct err **err);

/* The same for one that may be larger, up to max bytes. */
int file_read_within(const char *path, size_t max, char **out, struct err **err);

/* The names in a directory that start with a prefix, sorted; no directory: none. */
int file_list(const char *dir, const char *prefix, struct names *out, struct err **err);

/*
 * Puts a file in the place of the one called name, if there is one: whoever reads sees the old or
 * the new one whole, after a power cut too. Its mode is 0644. The directory is made when it is
 * missing; neither it nor the file may be a symbolic link.
 */
int file_replace(const char *dir, const char *name, const char *text, struct err **err);

/* Removes a file; *was says whether there was one. */
int file_remove(const char *dir, const char *name, bool *was, struct err **err);

#endif
