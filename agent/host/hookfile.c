// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hookfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define SUBDIR "qemu.d"
#define NAME "vfpool"
#define PROGRAM_MAX (64 << 20)
/* Not in qemu.d: there it would be run. */
#define TEMPORARY ".vfpool.new"

const char *hookfile_done_name(enum hookfile_done done)
{
	static const char *const names[] = {
		[HOOKFILE_INSTALLED] = "installed", [HOOKFILE_UPDATED] = "updated",
		[HOOKFILE_UNCHANGED] = "unchanged", [HOOKFILE_REMOVED] = "removed",
		[HOOKFILE_ABSENT] = "absent",
	};
	_Static_assert(ARRAY_SIZE(names) == HOOKFILE_ABSENT + 1, "a name for each");

	return names[done];
}

bool hookfile_may_link(const char *program)
{
	static const char *const places[] = {"/usr/bin/", "/usr/sbin/"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!strncmp(program, places[i], strlen(places[i])))
			return true;
	return false;
}

struct dirs {
	int hooks, qemu;
};

static void dirs_close(struct dirs *dirs)
{
	cleanup_close_fd(&dirs->hooks);
	cleanup_close_fd(&dirs->qemu);
}

/* What is run as root must be in root's hands alone. */
static int check_hands(int fd, const char *path, struct err **err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(err, errno, "opening the directory %s", path);
	if (st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	err_set(err, ERR_FAILED, "%s can be written by others than its owner, or is another user's",
		path);
	err_now(err, "nothing was changed");
	return err_next(err,
			"see that nobody put anything there, then `chown root: %s && chmod "
			"go-w %s`",
			path, path);
}

/* 1: there is none, and none was to be made. */
static int open_dirs(const char *hooks, bool make, struct dirs *out, struct err **err)
{
	cleanup_free char *qemu = mem_printf("%s/" SUBDIR, hooks);
	cleanup(dirs_close) struct dirs dirs = {open(hooks, DIR_FLAGS), -1};

	if (dirs.hooks < 0 && errno == ENOENT) {
		if (!make)
			return 1;
		err_set(err, ERR_FAILED, "there is no %s: libvirt is not installed here", hooks);
		err_now(err, "nothing was changed");
		return err_next(err, "install libvirt's daemon (libvirt-daemon-system, or "
				     "libvirt-daemon-driver-qemu) first");
	}
	if (dirs.hooks < 0)
		return err_errno(err, errno, "opening the directory %s", hooks);
	if (make && !mkdirat(dirs.hooks, SUBDIR, 0755))
		(void)fchmodat(dirs.hooks, SUBDIR, 0755, 0);
	dirs.qemu = openat(dirs.hooks, SUBDIR, DIR_FLAGS);
	if (dirs.qemu < 0 && errno == ENOENT && !make)
		return 1;
	if (dirs.qemu < 0)
		return err_errno(err, errno, "opening the directory %s", qemu);
	if (check_hands(dirs.hooks, hooks, err) || check_hands(dirs.qemu, qemu, err))
		return -1;
	*out = dirs;
	dirs = (struct dirs){-1, -1};
	return 0;
}

/* A whole program; NULL, with errno. */
static char *read_program(int dir, const char *name, int flags, size_t *size)
{
	cleanup_close int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
	cleanup_free char *data = NULL;
	struct stat st;
	size_t have = 0;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_size > PROGRAM_MAX) {
		errno = EFBIG;
		return NULL;
	}
	*size = (size_t)st.st_size;
	data = mem_zero(*size + 1, 1);
	while (have < *size) {
		ssize_t got = read(fd, data + have, *size - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got ? errno : EAGAIN;
			return NULL;
		}
		have += (size_t)got;
	}
	return steal(&data);
}

/* What is there now. */
struct present {
	bool any, ours;
	char *target; /* of a link */
	char *data;
	size_t size;
};

static void present_clear(struct present *present)
{
	free(present->target);
	free(present->data);
}

static int look(const struct dirs *dirs, const char *mark, struct present *out, struct err **err)
{
	char target[4096];
	ssize_t length = readlinkat(dirs->qemu, NAME, target, sizeof(target) - 1);
	const char *last;

	*out = (struct present){0};
	if (length < 0 && errno == ENOENT)
		return 0;
	out->any = true;
	if (length >= 0) {
		target[length] = '\0';
		last = strrchr(target, '/');
		out->target = mem_strdup(target);
		out->ours = last && !strcmp(last, "/vfpool-hook");
		return 0;
	}
	if (errno != EINVAL)
		return err_errno(err, errno, "reading the hook that is there");
	out->data = read_program(dirs->qemu, NAME, O_NOFOLLOW, &out->size);
	out->ours = out->data && memmem(out->data, out->size, mark, strlen(mark));
	return 0;
}

static int not_ours(const char *hooks, struct err **err)
{
	err_set(err, ERR_FAILED, "%s/" SUBDIR "/" NAME " is there, and is not vfpool's hook",
		hooks);
	err_now(err, "it was left as it is");
	return err_next(err, "see whose it is; remove it, or give it another name");
}

static int write_copy(int dir, const char *data, size_t size)
{
	cleanup_close int fd =
		openat(dir, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);

	if (fd < 0)
		return -1;
	while (size) {
		ssize_t put = write(fd, data, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		data += put;
		size -= (size_t)put;
	}
	return fchmod(fd, 0755) || fsync(fd) ? -1 : 0;
}

static int put(const struct dirs *dirs, const char *program, const char *data, size_t size,
	       bool link)
{
	/* Left by one that was killed. */
	if (unlinkat(dirs->hooks, TEMPORARY, 0) && errno != ENOENT)
		return -1;
	if (link ? symlinkat(program, dirs->hooks, TEMPORARY) : write_copy(dirs->hooks, data, size))
		return -1;
	return renameat(dirs->hooks, TEMPORARY, dirs->qemu, NAME) || fsync(dirs->qemu) ? -1 : 0;
}

int hookfile_install(const char *hooks, const char *program, const char *mark, bool link,
		     enum hookfile_done *done, struct err **err)
{
	cleanup(dirs_close) struct dirs dirs = {-1, -1};
	cleanup(present_clear) struct present present = {0};
	cleanup_free char *data = NULL;
	size_t size = 0;
	int error;

	data = read_program(AT_FDCWD, program, 0, &size);
	if (!data) {
		err_errno(err, errno, "reading %s", program);
		return err_next(err, "it comes with vfpool: `make install` puts both in one place");
	}
	if (!memmem(data, size, mark, strlen(mark)))
		return err_set(err, ERR_FAILED, "%s is not vfpool's hook", program);
	if (open_dirs(hooks, true, &dirs, err) || look(&dirs, mark, &present, err))
		return -1;
	if (present.any && !present.ours)
		return not_ours(hooks, err);
	if (link ? present.target && !strcmp(present.target, program)
		 : present.data && present.size == size && !memcmp(present.data, data, size)) {
		*done = HOOKFILE_UNCHANGED;
		return 0;
	}
	if (put(&dirs, program, data, size, link)) {
		error = errno;
		(void)unlinkat(dirs.hooks, TEMPORARY, 0);
		return err_errno(err, error, "writing %s/" SUBDIR "/" NAME, hooks);
	}
	*done = present.any ? HOOKFILE_UPDATED : HOOKFILE_INSTALLED;
	return 0;
}

int hookfile_remove(const char *hooks, const char *mark, enum hookfile_done *done, struct err **err)
{
	cleanup(dirs_close) struct dirs dirs = {-1, -1};
	cleanup(present_clear) struct present present = {0};
	int rc = open_dirs(hooks, false, &dirs, err);

	if (rc < 0 || (!rc && look(&dirs, mark, &present, err)))
		return -1;
	if (present.any && !present.ours)
		return not_ours(hooks, err);
	if (present.any && (unlinkat(dirs.qemu, NAME, 0) || fsync(dirs.qemu)))
		return err_errno(err, errno, "removing %s/" SUBDIR "/" NAME, hooks);
	*done = present.any ? HOOKFILE_REMOVED : HOOKFILE_ABSENT;
	return 0;
}
