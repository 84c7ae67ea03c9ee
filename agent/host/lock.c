// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An open file description lock: it ends with its descriptor, whichever way the process ends, and
 * no other descriptor of the process can drop it. The kernel can wait for one, but not until a
 * deadline; so a thread waits, and is cancelled when the time is up.
 *
 * The file keeps the holder's process number, for others' words, and whether it has done what it
 * took the lock for, for who would look after what it has left. It is never removed: a
 * waiter holds it open, and would then wait at a file that nobody finds any more.
 */
#include "host/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"

int lock_open_dir(const char *path, int *out, struct err **err)
{
	cleanup_close int fd = -1;
	bool made = !mkdir(path, 0755);
	struct stat st;

	if (!made && errno != EEXIST) {
		err_errno(err, errno, "making the directory %s for locks", path);
		return err_next(err, "run it as root");
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return err_errno(err, errno, "opening the directory %s of locks", path);
	/* The umask may have taken rights from it. */
	if (made)
		(void)fchmod(fd, 0755);
	else if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)) {
		err_set(err, ERR_FAILED, "the directory %s of locks is not ours alone", path);
		return err_next(err,
				"run it as root, or mend it: `chown root: %s; chmod 0755 %s` (do "
				"not remove it: what an interrupted set-vfs owes is noted there)",
				path, path);
	}
	*out = fd;
	fd = -1;
	return 0;
}

static struct flock whole_file(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

struct wait {
	int fd;
	short type;
};

/* The thread's: 0 or an errno. fcntl() is where it can be cancelled. */
static void *wait_for_lock(void *data)
{
	const struct wait *wait = data;
	struct flock lock = whole_file(wait->type);

	while (fcntl(wait->fd, F_OFD_SETLKW, &lock))
		if (errno != EINTR)
			return (void *)(intptr_t)errno;
	return NULL;
}

static struct timespec at(msec deadline)
{
	return (struct timespec){
		.tv_sec = (time_t)(deadline / 1000),
		.tv_nsec = (long)(deadline % 1000) * 1000000,
	};
}

/* 0, an errno, or ETIMEDOUT. */
static int lock_until(int fd, short type, msec deadline)
{
	struct wait wait = {.fd = fd, .type = type};
	struct timespec until = at(deadline);
	sigset_t all, before;
	void *result = NULL;
	pthread_t thread;
	int error;

	/* Signals are for the caller's thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, wait_for_lock, &wait);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return error;
	error = pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &until);
	if (error == ETIMEDOUT) {
		(void)pthread_cancel(thread);
		(void)pthread_join(thread, &result);
		/* It can have got the lock in the last moment; else that is what the time was for.
		 */
		if (result == PTHREAD_CANCELED)
			return ETIMEDOUT;
		error = 0;
	}
	return error ? error : (int)(intptr_t)result;
}

#define DONE " done"

/* Whoever has it; 0: not known. */
static pid_t holder_of(int file, bool *done)
{
	char text[32] = "", *end = text;
	ssize_t size = pread(file, text, sizeof(text) - 1, 0);
	long pid = size > 0 ? strtol(text, &end, 10) : 0;

	*done = !strncmp(end, DONE, strlen(DONE));
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

static int timed_out(int file, const char *name, struct err **err)
{
	bool done;
	pid_t pid = holder_of(file, &done);

	if (pid > 0)
		err_set(err, ERR_TIMEOUT, "the lock %s is held by process %d", name, (int)pid);
	else
		err_set(err, ERR_TIMEOUT, "the lock %s is held by another process", name);
	return err_next(err, "let that process finish, then repeat the command");
}

/* A full file system costs others the words only. */
static void write_holder(int file, pid_t pid, const char *done)
{
	char text[32];
	int size = snprintf(text, sizeof(text), "%d%s\n", (int)pid, done);

	if (!ftruncate(file, 0) && pwrite(file, text, (size_t)size, 0) != size)
		(void)ftruncate(file, 0);
}

static int take_in(const char *dir, const char *name, short type, msec deadline, int *fd,
		   struct err **err)
{
	cleanup_close int directory = -1, file = -1;
	struct flock lock = whole_file(type);
	int error = 0;

	if (!*name || strchr(name, '/') || name[0] == '.')
		return err_set(err, ERR_FAILED, "'%s' cannot be a lock's name", name);
	if (lock_open_dir(dir, &directory, err))
		return -1;
	file = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0)
		return err_errno(err, errno, "opening the lock %s/%s", dir, name);
	if (fcntl(file, F_OFD_SETLK, &lock))
		error = errno == EAGAIN || errno == EACCES ? lock_until(file, type, deadline)
							   : errno;
	if (error == ETIMEDOUT)
		return timed_out(file, name, err);
	if (error)
		return err_errno(err, error, "taking the lock %s", name);
	if (type == F_WRLCK)
		write_holder(file, getpid(), "");
	else
		(void)!ftruncate(file, 0); /* they are many, and come and go */
	*fd = file;
	file = -1;
	return 0;
}

int lock_take_in(const char *dir, const char *name, msec deadline, int *fd, struct err **err)
{
	return take_in(dir, name, F_WRLCK, deadline, fd, err);
}

int lock_share_in(const char *dir, const char *name, msec deadline, int *fd, struct err **err)
{
	return take_in(dir, name, F_RDLCK, deadline, fd, err);
}

int lock_share(const char *name, msec deadline, int *fd, struct err **err)
{
	return lock_share_in(LOCK_DIR, name, deadline, fd, err);
}

void lock_hand_to(int fd, pid_t pid)
{
	write_holder(fd, pid, "");
}

void lock_done(int fd)
{
	write_holder(fd, getpid(), DONE);
	(void)close(fd);
}

int lock_take(const char *name, msec deadline, int *fd, struct err **err)
{
	return lock_take_in(LOCK_DIR, name, deadline, fd, err);
}

static int open_to_look(const char *dir, const char *name)
{
	cleanup_close int directory = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return directory < 0
		       ? -1
		       : openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

pid_t lock_holder_in(const char *dir, const char *name, bool *done)
{
	cleanup_close int file = open_to_look(dir, name);

	*done = false;
	return file < 0 ? 0 : holder_of(file, done);
}

pid_t lock_holder(const char *name, bool *done)
{
	return lock_holder_in(LOCK_DIR, name, done);
}

bool lock_is_taken_in(const char *dir, const char *name)
{
	cleanup_close int file = open_to_look(dir, name);
	struct flock lock = whole_file(F_RDLCK);
	bool done;

	return file >= 0 && !fcntl(file, F_OFD_GETLK, &lock) && lock.l_type == F_WRLCK &&
	       holder_of(file, &done) != getpid();
}

bool lock_is_taken(const char *name)
{
	return lock_is_taken_in(LOCK_DIR, name);
}

/*
 * Who holds a lock has its file open for writing, so the last close of that tells. A look at it is
 * for reading, and tells nobody.
 */
int lock_watch_in(const char *dir, int *fd, struct err **err)
{
	cleanup_close int directory = -1, notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (lock_open_dir(dir, &directory, err))
		return -1;
	if (notify < 0 || inotify_add_watch(notify, dir, IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
		return err_errno(err, errno, "watching the locks in %s", dir);
	*fd = notify;
	notify = -1;
	return 0;
}

int lock_watch(int *fd, struct err **err)
{
	return lock_watch_in(LOCK_DIR, fd, err);
}

bool lock_watched(int fd, void (*freed)(void *arg, const char *name), void *arg)
{
	_Alignas(struct inotify_event) char text[4096];
	bool goes_on = true;
	ssize_t size;

	while ((size = read(fd, text, sizeof(text))) > 0)
		for (ssize_t at = 0; at < size;) {
			const struct inotify_event *event = (const void *)&text[at];

			at += (ssize_t)(sizeof(*event) + event->len);
			goes_on &= !(event->mask & IN_IGNORED);
			freed(arg, event->mask & IN_CLOSE_WRITE ? event->name : NULL);
		}
	return goes_on;
}
