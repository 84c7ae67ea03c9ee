// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* NULL, with errno: it cannot be read, or is too long. The caller frees it. */
static char *read_all(int fd, size_t max)
{
	size_t have = 0, room = max < FILE_MAX ? max : FILE_MAX;
	cleanup_free char *text = mem_grow(NULL, room + 1, 1);

	for (;;) {
		ssize_t got = read(fd, text + have, room + 1 - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return NULL;
		if (!got)
			break;
		have += (size_t)got;
		if (have <= room)
			continue;
		if (room == max) {
			errno = EFBIG;
			return NULL;
		}
		room = room < max / 2 ? room * 2 : max;
		text = mem_grow(steal(&text), room + 1, 1);
	}
	text[have] = '\0';
	return steal(&text);
}

int file_read(const char *path, char **out, struct err **err)
{
	return file_read_within(path, FILE_MAX, out, err);
}

int file_read_within(const char *path, size_t max, char **out, struct err **err)
{
	/* Not to be kept waiting by a FIFO that somebody put there. */
	cleanup_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	cleanup_free char *text = NULL;
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, ERR_ABSENT, "there is no %s", path);
	if (fd < 0 || fstat(fd, &st))
		return err_errno(err, errno, "reading %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_FAILED, "%s is no file", path);
	text = read_all(fd, max);
	if (!text)
		return err_errno(err, errno, "reading %s", path);
	*out = steal(&text);
	return 0;
}

int file_list(const char *dir, const char *prefix, struct names *out, struct err **err)
{
	DIR *listing = opendir(dir);
	struct names names = {0};

	if (!listing && errno != ENOENT && errno != ENOTDIR)
		return err_errno(err, errno, "listing %s", dir);
	for (const struct dirent *entry; listing && (entry = readdir(listing));)
		if (!strncmp(entry->d_name, prefix, strlen(prefix)))
			names_add(&names, entry->d_name);
	if (listing)
		(void)closedir(listing);
	names_sort(&names);
	*out = names;
	return 0;
}

static int open_dir(const char *path, struct err **err)
{
	int fd;

	if (mkdir(path, 0755) && errno != EEXIST)
		return err_errno(err, errno, "making the directory %s", path);
	fd = open(path, DIR_FLAGS);
	return fd < 0 ? err_errno(err, errno, "opening the directory %s", path) : fd;
}

static int write_all(int fd, const char *text)
{
	for (size_t left = strlen(text); left;) {
		ssize_t put = write(fd, text, left);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		text += put;
		left -= (size_t)put;
	}
	return 0;
}

/* One that was left by a process that was killed goes first: whoever writes holds a lock. */
static int make_temporary(int dir, const char *name, const char *text)
{
	cleanup_close int fd = -1;

	if (unlinkat(dir, name, 0) && errno != ENOENT)
		return -1;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	/* The umask may have taken rights from it. */
	return fd < 0 || fchmod(fd, 0644) || write_all(fd, text) || fsync(fd) ? -1 : 0;
}

int file_replace(const char *dir, const char *name, const char *text, struct err **err)
{
	cleanup_free char *temporary = mem_printf(".%s.new", name);
	cleanup_close int fd = open_dir(dir, err);
	int error;

	if (fd < 0)
		return -1;
	if (!make_temporary(fd, temporary, text) && !renameat(fd, temporary, fd, name) &&
	    !fsync(fd))
		return 0;
	error = errno;
	(void)unlinkat(fd, temporary, 0);
	return err_errno(err, error, "writing %s/%s", dir, name);
}

int file_remove(const char *dir, const char *name, bool *was, struct err **err)
{
	cleanup_close int fd = open(dir, DIR_FLAGS);

	*was = false;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_errno(err, errno, "opening the directory %s", dir);
	if (unlinkat(fd, name, 0)) {
		if (errno == ENOENT)
			return 0;
		return err_errno(err, errno, "removing %s/%s", dir, name);
	}
	*was = true;
	return fsync(fd) ? err_errno(err, errno, "removing %s/%s", dir, name) : 0;
}
