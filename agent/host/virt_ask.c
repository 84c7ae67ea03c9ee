// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/virt_ask.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/virt_connection.h"
#include "host/virt_loop.h"

/* Of the thread and of who waits for it; the last of the two frees it. */
struct question {
	virt_ask_call *call;
	virDomainPtr dom;
	char *text;
	unsigned flags;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool answered, left;
	int result;
	virErrorPtr error;
};

static void question_free(struct question *q)
{
	(void)virDomainFree(q->dom);
	free(q->text);
	virFreeError(q->error);
	(void)pthread_cond_destroy(&q->changed);
	(void)pthread_mutex_destroy(&q->lock);
	free(q);
}

static void put(struct question *q)
{
	q->result = q->call(q->dom, q->text, q->flags);
	if (q->result < 0)
		q->error = virt_last_error();
}

static void *put_alone(void *arg)
{
	struct question *q = arg;
	bool left;

	put(q);
	(void)pthread_mutex_lock(&q->lock);
	q->answered = true;
	left = q->left;
	(void)pthread_cond_signal(&q->changed);
	(void)pthread_mutex_unlock(&q->lock);
	if (left)
		question_free(q);
	return NULL;
}

static bool start(struct question *q)
{
	sigset_t all, old;
	pthread_t thread;
	int errnum;

	/* Signals are for the thread that knows what to do. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	errnum = pthread_create(&thread, NULL, put_alone, q);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!errnum)
		(void)pthread_detach(thread);
	return !errnum;
}

/* false: the question is the thread's from here on. */
static bool wait_for_answer(struct question *q, msec deadline)
{
	struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};
	bool answered, late = false;

	(void)pthread_mutex_lock(&q->lock);
	while (!q->answered && !late)
		late = pthread_cond_timedwait(&q->changed, &q->lock, &until) != 0;
	answered = q->answered;
	q->left = !answered;
	(void)pthread_mutex_unlock(&q->lock);
	return answered;
}

enum virt_answer virt_ask(virt_ask_call *call, virDomainPtr dom, const char *text, unsigned flags,
			  msec deadline, virErrorPtr *error)
{
	struct question *q = mem_zero(1, sizeof(*q));
	enum virt_answer answer;

	*q = (struct question){.call = call, .dom = dom, .text = mem_strdup(text), .flags = flags};
	(void)virDomainRef(dom);
	(void)pthread_mutex_init(&q->lock, NULL);
	virt_condition_init(&q->changed);
	if (!start(q))
		put(q);
	else if (!wait_for_answer(q, deadline))
		return VIRT_SILENT;
	answer = q->result < 0 ? VIRT_REFUSED : VIRT_DONE;
	*error = steal(&q->error);
	question_free(q);
	return answer;
}
