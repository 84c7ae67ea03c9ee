// SPDX-License-Identifier: LGPL-2.1-or-later
/* The store's file and directory, before SQLite sees them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/store_sqlite.h"

int store_refused(const char *path, const char *doing, int errnum, struct err **err)
{
	err_errno(err, errnum, "cannot %s the lease store %s", doing, path);
	err_now(err, "nothing was changed");
	if (errnum == EROFS)
		return err_next(err, "its file system is mounted read-only: mount it for writing "
				     "(`mount -o remount,rw`), or see why the kernel did that");
	if ((errnum == EACCES || errnum == EPERM) && geteuid() != 0)
		return err_next(err, "it belongs to root: run vfpool as root");
	if (errnum == ENOSPC || errnum == EDQUOT)
		return err_next(err, "make room on its file system and repeat");
	return -1;
}

/*
 * Finds the real directory, so that it may lie behind a symbolic link (an administrator's choice)
 * while the store itself may not. 1: there is none.
 */
int store_find_directory(const char *path, bool create, char **real, struct err **err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *name = !slash          ? mem_strdup(".")
				  : slash == path ? mem_strdup("/")
						  : mem_printf("%.*s", (int)(slash - path), path);
	cleanup_free char *dir = NULL;
	struct stat st;

	if (create && mkdir(name, 0700) == 0) {
		/* Whatever the umask is. */
		if (chmod(name, 0700) < 0)
			return store_refused(path, "create", errno, err);
	} else if (create && errno != EEXIST) {
		return store_refused(path, "create", errno, err);
	}
	dir = realpath(name, NULL);
	if (!dir && errno == ENOENT && !create)
		return 1;
	if (!dir)
		return store_refused(path, create ? "write" : "read", errno, err);
	if (create) {
		if (stat(dir, &st) < 0 || faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0)
			return store_refused(path, "write", errno, err);
		if (st.st_mode & 022) {
			err_set(err, ERR_FAILED,
				"the lease store's directory %s can be written by others than its "
				"owner",
				dir);
			return err_next(err,
					"see that nobody put anything there, then `chmod 0700 %s`",
					dir);
		}
	}
	*real = mem_printf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, slash ? slash + 1 : path);
	return 0;
}

/* An empty file, which SQLite takes for an empty database. There already: fine. */
int store_create_file(const char *path, struct err **err)
{
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? 0 : store_refused(path, "create", errno, err);
	if (fchmod(fd, 0600) < 0)
		return store_refused(path, "create", errno, err);
	return 0;
}

/* 1: there is no such file. Opens nothing: closing it would drop the locks this process has. */
int store_check_file(const char *path, bool for_writing, struct err **err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 1 : store_refused(path, "read", errno, err);
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_FAILED, "the lease store %s is %s, not a plain file", path,
			S_ISLNK(st.st_mode) ? "a symbolic link" : "something else");
		err_now(err, "nothing was changed");
		return err_next(err, "put the file itself there; its directory may be a link");
	}
	if (faccessat(AT_FDCWD, path, for_writing ? R_OK | W_OK : R_OK, AT_EACCESS) < 0)
		return store_refused(path, for_writing ? "write" : "read", errno, err);
	return 0;
}

/* Is there a log with something in it? Then the file alone is not the whole truth. */
bool store_has_log(const char *path)
{
	cleanup_free char *log = mem_printf("%s-wal", path);
	struct stat st;

	return stat(log, &st) == 0 && st.st_size > 0;
}

/* Reads the file into SQLite's memory; *st is how it was meanwhile. 0, or an errno. */
int store_slurp(const char *path, unsigned char **out, struct stat *st)
{
	cleanup_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	unsigned char *data;
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, st) < 0)
		return errno;
	data = sqlite3_malloc64((sqlite3_uint64)st->st_size + 1);
	if (!data)
		return ENOMEM;
	for (off_t at = 0; at < st->st_size; at += got) {
		got = read(fd, data + at, (size_t)(st->st_size - at));
		if (got <= 0) {
			sqlite3_free(data);
			return got < 0 ? errno : EAGAIN;
		}
	}
	*out = data;
	return 0;
}
