// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verbs/minder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"

#define SHOW_MS 500
#define TIMEOUT_MS 1000
#define LOOK_MS 5000 /* whether the host there is still to be reached */

int minder_start(struct minder *minder, struct err **err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, &minder->before))
		return err_errno(err, errno, "taking signals");
	minder->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (minder->signals >= 0)
		return 0;
	err_errno(err, errno, "taking signals");
	(void)sigprocmask(SIG_SETMASK, &minder->before, NULL);
	return -1;
}

void minder_stop(struct minder *minder)
{
	if (minder->shown && minder->terminal)
		(void)fputc('\n', stderr);
	(void)close(minder->signals);
	(void)sigprocmask(SIG_SETMASK, &minder->before, NULL);
}

bool minder_is_cancelled(struct minder *minder)
{
	struct signalfd_siginfo info;

	while (read(minder->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (!minder->cancelled)
			log_say("cancelling");
		minder->cancelled = true;
	}
	return minder->cancelled;
}

static void show(struct minder *minder, const struct virt_progress *p)
{
	unsigned long long total = p->memory_total + p->disk_total;
	unsigned long long left = p->memory_left + p->disk_left;
	cleanup_free char *end =
		p->left ? mem_printf(", about %llu s to go", p->left / 1000) : mem_strdup("");

	if (!p->known || !total)
		return;
	(void)fprintf(stderr, "%svfpool: moved %llu %%, %llu MiB left, %llu MiB/s%s%s",
		      minder->terminal ? "\r" : "", 100 - left * 100 / total, left >> 20,
		      p->memory_rate >> 20, end, minder->terminal ? "\033[K" : "\n");
	minder->shown = true;
}

static enum virt_move_word look(void *arg, const struct virt_progress *progress)
{
	struct minder *minder = arg;

	if (minder->shows)
		show(minder, progress);
	if (progress->there_lost && !minder->alone) {
		log_say("the connection to the other host broke: cancelling");
		minder->alone = true;
	}
	if (minder_is_cancelled(minder) || minder->alone)
		return VIRT_MOVE_STOP;
	if (minder->timeout && !minder->hurried &&
	    minder->now() - minder->started >= (msec)minder->timeout * 1000) {
		minder->hurried = true;
		return minder->hurry;
	}
	return VIRT_MOVE_GO_ON;
}

struct virt_mover minder_mover(struct minder *minder)
{
	minder->started = minder->now();
	minder->terminal = isatty(STDERR_FILENO);
	return (struct virt_mover){
		.look = look,
		.arg = minder,
		.wake = minder->signals,
		.every_ms = minder->shows     ? SHOW_MS
			    : minder->timeout ? TIMEOUT_MS
					      : LOOK_MS,
	};
}
