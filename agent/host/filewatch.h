/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waits until a file changes, or one that belongs to it: FILE, FILE-wal. */
#ifndef VFPOOL_HOST_FILEWATCH_H
#define VFPOOL_HOST_FILEWATCH_H

#include <stdbool.h>

#include "core/err.h"

/* From now on changes are remembered. The file need not be there, its directory must. */
int filewatch_open(const char *path, int *fd, struct err **err);

/*
 * Waits for a change, however long that takes; several that came since are one. *replaced: another
 * file has that name now, or none.
 */
int filewatch_wait(int fd, const char *path, bool *replaced, struct err **err);

#endif
