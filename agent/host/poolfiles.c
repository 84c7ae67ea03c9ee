// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/poolfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/file.h"
#include "model/pool.h"

#define SUFFIX ".xml"

/* NULL: nobody but root and the one who runs this can have written it. */
static const char *distrust(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs neither to root nor to the user who runs this (`chown root` it)";
	if (st->st_mode & S_IWOTH)
		return "can be written by everybody (`chmod o-w` it)";
	if (st->st_mode & S_IWGRP && st->st_gid != 0)
		return "can be written by its group (`chmod g-w` it)";
	return NULL;
}

static char *read_text(int fd)
{
	cleanup_free char *text = mem_zero(FILE_MAX + 1, 1);
	size_t have = 0;

	while (have <= FILE_MAX) {
		ssize_t got = read(fd, text + have, FILE_MAX + 1 - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return NULL;
		if (!got)
			break;
		have += (size_t)got;
	}
	if (have > FILE_MAX) {
		errno = EFBIG;
		return NULL;
	}
	text[have] = '\0';
	return steal(&text);
}

static void read_one(int dir, const char *entry, struct pool_file *file)
{
	cleanup_close int fd =
		openat(dir, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const char *why = NULL;
	struct stat st;

	if (fd < 0 && errno == ELOOP)
		why = "is a symbolic link (put the file itself there)";
	else if (fd < 0 || fstat(fd, &st))
		file->error = mem_printf("%s cannot be read: %s", file->path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		why = "is no file";
	else
		why = distrust(&st);
	if (why)
		file->error = mem_printf("%s %s", file->path, why);
	if (file->error)
		return;
	file->text = read_text(fd);
	if (!file->text)
		file->error = mem_printf("%s cannot be read: %s", file->path, strerror(errno));
}

/* Editors leave other files beside it: fast.xml~, .fast.xml.swp. */
static char *name_of(const char *entry)
{
	size_t length = strlen(entry), suffix = strlen(SUFFIX);
	cleanup_free char *name = NULL;

	if (length <= suffix || strcmp(entry + length - suffix, SUFFIX) != 0)
		return NULL;
	name = mem_printf("%.*s", (int)(length - suffix), entry);
	return pool_name_valid(name) ? steal(&name) : NULL;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct pool_file *)a)->name, ((const struct pool_file *)b)->name);
}

static void read_entries(DIR *listing, const char *dir, struct pool_files *out)
{
	for (const struct dirent *entry; (entry = readdir(listing));) {
		char *name = name_of(entry->d_name);
		struct pool_file *file;

		if (!name)
			continue;
		file = mem_append(&out->items, &out->n, sizeof(*file));
		file->name = name;
		file->path = mem_printf("%s/%s", dir, entry->d_name);
		read_one(dirfd(listing), entry->d_name, file);
	}
	if (out->n)
		qsort(out->items, out->n, sizeof(*out->items), compare_files);
}

int poolfiles_read(const char *dir, struct pool_files *out, struct err **err)
{
	struct pool_files files = {0};
	const char *why;
	struct stat st;
	DIR *listing;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*out = files;
	if (fd < 0 && errno == ENOENT)
		return 0;
	listing = fd >= 0 ? fdopendir(fd) : NULL;
	if (!listing || fstat(fd, &st)) {
		err_errno(err, errno, "reading the pools in %s", dir);
		if (listing)
			(void)closedir(listing);
		else if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	why = distrust(&st);
	if (why) {
		(void)closedir(listing);
		err_set(err, ERR_FAILED, "the directory of the pools, %s, %s", dir, why);
		return err_next(err, "chown root %s; chmod 0755 %s", dir, dir);
	}
	read_entries(listing, dir, &files);
	(void)closedir(listing);
	*out = files;
	return 0;
}

void poolfiles_clear(struct pool_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->items[i].name);
		free(files->items[i].path);
		free(files->items[i].text);
		free(files->items[i].error);
	}
	free(files->items);
	*files = (struct pool_files){0};
}

/* Whatever the umask is, others may read what is in it. */
static int make_dir(const char *dir, struct err **err)
{
	if (mkdir(dir, 0755))
		return errno == EEXIST ? 0 : err_errno(err, errno, "making the directory %s", dir);
	return chmod(dir, 0755) ? err_errno(err, errno, "making the directory %s", dir) : 0;
}

static int make_dirs(const char *dir, struct err **err)
{
	const char *slash = strrchr(dir, '/');
	cleanup_free char *parent =
		slash && slash > dir ? mem_printf("%.*s", (int)(slash - dir), dir) : NULL;

	return parent && make_dir(parent, err) ? -1 : make_dir(dir, err);
}

int poolfiles_write(const char *dir, const char *name, const char *text, struct err **err)
{
	cleanup_free char *file = mem_printf("%s" SUFFIX, name);

	return make_dirs(dir, err) || file_replace(dir, file, text, err) ? -1 : 0;
}

int poolfiles_remove(const char *dir, const char *name, bool *was, struct err **err)
{
	cleanup_free char *file = mem_printf("%s" SUFFIX, name);

	return file_remove(dir, file, was, err);
}
