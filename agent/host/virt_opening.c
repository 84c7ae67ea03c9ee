// SPDX-License-Identifier: LGPL-2.1-or-later
/* Connecting while the caller does other things. */
#include <pthread.h>
#include <signal.h>

#include "core/mem.h"
#include "host/virt.h"

struct virt_opening {
	const char *uri;
	bool threaded;
	pthread_t thread;
	struct virt *virt;
	struct err *err;
};

static void *open_it(void *arg)
{
	struct virt_opening *opening = arg;

	(void)virt_open(opening->uri, &opening->virt, &opening->err);
	return NULL;
}

struct virt_opening *virt_open_begin(const char *uri)
{
	struct virt_opening *opening = mem_zero(1, sizeof(*opening));
	sigset_t all, old;

	opening->uri = uri;
	/* Signals are for the thread that knows what to do. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	opening->threaded = pthread_create(&opening->thread, NULL, open_it, opening) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return opening;
}

int virt_open_end(struct virt_opening *opening, struct virt **out, struct err **err)
{
	int result = -1;

	if (opening->threaded)
		(void)pthread_join(opening->thread, NULL);
	else
		(void)open_it(opening);
	if (opening->virt) {
		*out = opening->virt;
		result = 0;
	} else if (err) {
		*err = opening->err;
	} else {
		err_free(&opening->err);
	}
	free(opening);
	return result;
}
