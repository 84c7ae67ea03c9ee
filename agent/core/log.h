/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words and progress for the person at the terminal, on stderr; -q turns them off. */
#ifndef VFPOOL_CORE_LOG_H
#define VFPOOL_CORE_LOG_H

#include <stdbool.h>

void log_quiet(bool quiet);
bool log_is_quiet(void);

/* One line of progress: "vfpool: bringing eth1 up". */
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As log_say, but shown with -q too: something the user must know though the command goes on. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
