// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/virt_loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <time.h>

#include "host/virt.h"
#include "host/virt_alone.h"
#include "host/virt_load.h"

/* The thread sleeps so long, unless it is needed sooner. */
#define LOOP_AFTER_S 3

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool needed;   /* the thread is not to sleep any longer */
	bool threaded; /* the thread runs it, for good */
	bool lent;     /* who waits for an event runs it */
} loop = {.lock = PTHREAD_MUTEX_INITIALIZER};

void virt_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(condition, &attr);
	(void)pthread_condattr_destroy(&attr);
}

void virt_loop_need(void)
{
	(void)pthread_mutex_lock(&loop.lock);
	loop.needed = true;
	(void)pthread_cond_broadcast(&loop.changed);
	(void)pthread_mutex_unlock(&loop.lock);
}

static void sleep_until_needed(void)
{
	struct timespec until;
	bool late = false;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOP_AFTER_S;
	(void)pthread_mutex_lock(&loop.lock);
	while (!loop.needed && !late)
		late = pthread_cond_timedwait(&loop.changed, &loop.lock, &until) != 0;
	while (loop.lent)
		(void)pthread_cond_wait(&loop.changed, &loop.lock);
	loop.threaded = true;
	(void)pthread_mutex_unlock(&loop.lock);
}

static void run_once(void)
{
	static const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};

	if (virEventRunDefaultImpl() < 0)
		(void)nanosleep(&pause, NULL);
}

static void *run_for_good(void *unused)
{
	(void)unused;
	sleep_until_needed();
	for (;;)
		run_once();
	return NULL;
}

static void keep_quiet(void *opaque, virErrorPtr error)
{
	(void)opaque;
	(void)error;
}

static int start_errno;
static bool alone;

void virt_follow_only(void)
{
	alone = true;
}

bool virt_loop_is_alone(void)
{
	return alone;
}

/* It is never stopped: it holds nothing that the end of the process would not free. */
static void start(void)
{
	sigset_t all, old;
	pthread_t thread;

	virt_condition_init(&loop.changed);
	virSetErrorFunc(NULL, keep_quiet);
	if (alone) {
		alone_register();
		return;
	}
	if (virEventRegisterDefaultImpl() < 0) {
		start_errno = ENOTSUP;
		return;
	}
	/* Signals are for the thread that knows what to do. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	start_errno = pthread_create(&thread, NULL, run_for_good, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (start_errno == 0)
		(void)pthread_detach(thread);
}

int virt_loop_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, start);
	return start_errno;
}

static bool borrow(void)
{
	bool can;

	(void)pthread_mutex_lock(&loop.lock);
	can = !loop.threaded && !loop.needed && !loop.lent;
	loop.lent |= can;
	(void)pthread_mutex_unlock(&loop.lock);
	return can;
}

static void give_back(void)
{
	(void)pthread_mutex_lock(&loop.lock);
	loop.lent = false;
	(void)pthread_cond_broadcast(&loop.changed);
	(void)pthread_mutex_unlock(&loop.lock);
}

static void on_late(int timer, void *opaque)
{
	(void)timer;
	*(bool *)opaque = true;
}

bool virt_loop_run(bool (*done)(void *arg), void *arg, msec deadline)
{
	msec left = deadline - clock_now();
	bool late = left <= 0;
	int timer = -1;

	if (!borrow())
		return false;
	if (!late)
		timer = virEventAddTimeout(left < INT_MAX ? (int)left : INT_MAX, on_late, &late,
					   NULL);
	while (!late && timer >= 0 && !done(arg))
		run_once();
	if (timer >= 0)
		(void)virEventRemoveTimeout(timer);
	give_back();
	return late || timer >= 0;
}
