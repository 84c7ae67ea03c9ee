// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/memo.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/file.h"
#include "host/lock.h"

#define FILE_NAME "guests"
/* The kernel's clock for files goes in steps of up to 10 ms. */
#define SURE_NS 100000000L

const struct memo memo_here = {
	.dir = LOCK_DIR,
	.watched = {"/etc/libvirt/qemu", "/run/libvirt/qemu"},
	.run = "/run",
	.daemons = {"virtqemud.pid", "libvirtd.pid"},
};

static bool has_daemon(const struct memo *memo)
{
	for (size_t i = 0; i < ARRAY_SIZE(memo->daemons); i++)
		if (lock_is_taken_in(memo->run, memo->daemons[i]))
			return true;
	return false;
}

bool memo_mark(const struct memo *memo, struct memo_mark *out)
{
	if (!has_daemon(memo))
		return false;
	(void)clock_gettime(CLOCK_REALTIME, &out->taken);
	for (size_t i = 0; i < ARRAY_SIZE(memo->watched); i++) {
		struct stat st;

		if (stat(memo->watched[i], &st))
			return false;
		out->of[i].dev = st.st_dev;
		out->of[i].ino = st.st_ino;
		out->of[i].changed = st.st_mtim;
	}
	return true;
}

/* The first line of the file. */
static char *line_of(const struct memo_mark *mark)
{
	char *line = mem_strdup("2");

	for (size_t i = 0; i < ARRAY_SIZE(mark->of); i++) {
		char *longer =
			mem_printf("%s %ju:%ju:%jd.%09ld", line, (uintmax_t)mark->of[i].dev,
				   (uintmax_t)mark->of[i].ino, (intmax_t)mark->of[i].changed.tv_sec,
				   mark->of[i].changed.tv_nsec);

		free(line);
		line = longer;
	}
	return line;
}

char *memo_read(const struct memo *memo, const struct memo_mark *mark)
{
	cleanup_free char *path = mem_printf("%s/" FILE_NAME, memo->dir), *line = line_of(mark);
	cleanup_free char *text = NULL;
	size_t size = strlen(line);

	if (file_read(path, &text, NULL) || strncmp(text, line, size) != 0 || text[size] != '\n')
		return NULL;
	return mem_strdup(text + size + 1);
}

/* What happens after the mark was taken must have another time than it says. */
static bool is_sure(const struct memo_mark *mark)
{
	for (size_t i = 0; i < ARRAY_SIZE(mark->of); i++) {
		const struct timespec *then = &mark->of[i].changed, *taken = &mark->taken;
		intmax_t seconds = (intmax_t)taken->tv_sec - then->tv_sec;

		if (seconds < 0)
			return false;
		if (seconds < 2 && seconds * 1000000000L + taken->tv_nsec - then->tv_nsec < SURE_NS)
			return false;
	}
	return true;
}

void memo_write(const struct memo *memo, const struct memo_mark *mark, const char *text)
{
	cleanup_free char *line = line_of(mark), *whole = mem_printf("%s\n%s", line, text);
	/* Others may be at it, too. */
	cleanup_free char *name = mem_printf("." FILE_NAME ".%d", (int)getpid());
	cleanup_close int dir = -1, fd = -1;
	size_t size = strlen(whole);

	if (size > FILE_MAX || !is_sure(mark) || lock_open_dir(memo->dir, &dir, NULL))
		return;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, whole, size) != (ssize_t)size || renameat(dir, name, dir, FILE_NAME))
		(void)unlinkat(dir, name, 0);
}
