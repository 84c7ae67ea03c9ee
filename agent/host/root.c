// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"

#define VALUE_SIZE 4096
#define CHUNK 65536
#define TRIES 100
/* root_search() takes no more files than these, and no more of each. */
#define SEARCH_FILES 1024
#define SEARCH_SIZE (64 << 10)

int root_open(const char *path, int *root, struct err **err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "opening %s", path);
	*root = fd;
	return 0;
}

/* flags without O_CLOEXEC. */
static int open_below(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	/* The kernel gives up whenever a directory is renamed anywhere at the same time. */
	for (int i = 0; i < TRIES; i++) {
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	/* A kernel older than 5.6, or a sandbox: then no link is followed at the end. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(root, path, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd;
}

static int open_text(int root, const char *path)
{
	int fd = open_below(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* read(2) until the buffer is full or the file ends; -1: it cannot be read. */
static ssize_t read_full(int fd, char *buffer, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t got = read(fd, buffer + have, size - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

char *root_text(int root, const char *path, size_t size)
{
	cleanup_close int fd = open_text(root, path);
	cleanup_free char *text = NULL;
	size_t used = 0;

	if (fd < 0)
		return NULL;
	for (;;) {
		size_t step = size - used < CHUNK ? size - used : CHUNK;
		ssize_t got;

		text = mem_grow(text, used + step + 1, 1);
		got = read_full(fd, text + used, step);
		if (got < 0)
			return NULL;
		used += (size_t)got;
		if ((size_t)got < step || used == size)
			break;
	}
	text[used] = '\0';
	/* A NUL would hide what is behind it. */
	for (size_t i = 0; i < used; i++)
		if (!text[i])
			text[i] = '?';
	return steal(&text);
}

char *root_value(int root, const char *path)
{
	char *text = root_text(root, path, VALUE_SIZE);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

size_t root_bytes(int root, const char *path, void *buffer, size_t size)
{
	cleanup_close int fd = open_text(root, path);
	ssize_t got = fd < 0 ? 0 : read_full(fd, buffer, size);

	return got > 0 ? (size_t)got : 0;
}

bool root_contains(int root, const char *path, const char *what)
{
	cleanup_close int fd = open_text(root, path);
	cleanup_free char *buffer = NULL;
	size_t length = strlen(what), kept = 0;

	if (fd < 0)
		return false;
	buffer = mem_zero(1, length + CHUNK);
	for (;;) {
		ssize_t got = read_full(fd, buffer + kept, CHUNK);
		size_t have;

		if (got <= 0)
			return false;
		have = kept + (size_t)got;
		if (memmem(buffer, have, what, length))
			return true;
		/* It may lie across two chunks. */
		kept = have < length - 1 ? have : length - 1;
		memmove(buffer, buffer + have - kept, kept);
	}
}

bool root_exists(int root, const char *path)
{
	struct stat st;

	return root_stat(root, path, &st);
}

bool root_stat(int root, const char *path, struct stat *out)
{
	cleanup_close int fd = open_below(root, path, O_PATH);

	return fd >= 0 && fstat(fd, out) == 0;
}

char *root_link(int root, const char *path)
{
	cleanup_close int fd = open_below(root, path, O_PATH | O_NOFOLLOW);
	char target[PATH_MAX];
	ssize_t size;

	if (fd < 0)
		return NULL;
	size = readlinkat(fd, "", target, sizeof(target) - 1);
	if (size <= 0)
		return NULL;
	target[size] = '\0';
	return mem_strdup(target);
}

bool root_list(int root, const char *path, struct names *out)
{
	struct names names = {0};
	struct dirent *entry;
	int fd = open_below(root, path, O_RDONLY | O_DIRECTORY);
	DIR *dir;

	*out = names;
	if (fd < 0)
		return false;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return false;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			names_add(&names, entry->d_name);
	(void)closedir(dir);
	names_sort(&names);
	*out = names;
	return true;
}

/* Several directories */

void root_keep(struct text_files *files, const char *path, char *text)
{
	*(struct text_file *)mem_append(&files->items, &files->n, sizeof(struct text_file)) =
		(struct text_file){mem_printf("/%s", path), text};
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t length = strlen(text), end = strlen(suffix);

	return length >= end && strcmp(text + length - end, suffix) == 0;
}

struct found_file {
	char *name;
	const char *dir;
};

static int compare_found(const void *a, const void *b)
{
	return strcmp(((const struct found_file *)a)->name, ((const struct found_file *)b)->name);
}

static void find_files(int root, const struct root_search *search, struct found_file **found,
		       size_t *n)
{
	for (size_t i = 0; i < search->ndirs; i++) {
		cleanup_names struct names names;
		size_t before = *n;

		(void)root_list(root, search->dirs[i], &names);
		for (size_t j = 0; j < names.n && *n < SEARCH_FILES; j++) {
			struct found_file key = {.name = names.items[j]};
			struct found_file *new;

			if (!has_suffix(key.name, search->suffix) ||
			    (before && bsearch(&key, *found, before, sizeof(key), compare_found)))
				continue;
			new = mem_append(found, n, sizeof(*new));
			new->name = mem_strdup(key.name);
			new->dir = search->dirs[i];
		}
		if (*n)
			qsort(*found, *n, sizeof(**found), compare_found);
	}
}

void root_search(int root, const struct root_search *search, struct text_files *out)
{
	struct found_file *found = NULL;
	size_t n = 0;

	find_files(root, search, &found, &n);
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *path = mem_printf("%s/%s", found[i].dir, found[i].name);
		char *text = root_text(root, path, SEARCH_SIZE);

		free(found[i].name);
		if (text && (!search->with || strstr(text, search->with)))
			root_keep(out, path, text);
		else
			free(text);
	}
	free(found);
}
