// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Moving a guest. libvirt's call blocks until all is over, so a thread makes it; the caller's own
 * looks after it meanwhile, and asks libvirt for what is to be done on the same connection, which
 * libvirt allows.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/virt_connection.h"

/* What was asked for before libvirt had begun is asked for again after that time. */
#define AGAIN_MS 200

static unsigned long long number(virTypedParameterPtr params, int n, const char *name)
{
	unsigned long long value = 0;

	(void)virTypedParamsGetULLong(params, n, name, &value);
	return value;
}

/* Of which kind it is libvirt tells since 3.3. */
static bool leaves(virTypedParameterPtr params, int n)
{
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

	(void)virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation);
	return operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
}

static struct virt_progress progress_of(int type, virTypedParameterPtr params, int n)
{
	if (type == VIR_DOMAIN_JOB_NONE)
		return (struct virt_progress){0};
	return (struct virt_progress){
		.known = true,
		.leaves = leaves(params, n),
		.left = number(params, n, VIR_DOMAIN_JOB_TIME_REMAINING),
		.memory_left = number(params, n, VIR_DOMAIN_JOB_MEMORY_REMAINING),
		.memory_total = number(params, n, VIR_DOMAIN_JOB_MEMORY_TOTAL),
		.memory_rate = number(params, n, VIR_DOMAIN_JOB_MEMORY_BPS),
		.disk_left = number(params, n, VIR_DOMAIN_JOB_DISK_REMAINING),
		.disk_total = number(params, n, VIR_DOMAIN_JOB_DISK_TOTAL),
	};
}

int virt_job(struct virt *virt, const struct virt_dom *dom, struct virt_progress *out,
	     struct err **err)
{
	virTypedParameterPtr params = NULL;
	int n = 0, type = VIR_DOMAIN_JOB_NONE;

	if (virDomainGetJobStats(dom->handle, &type, &params, &n, 0) < 0) {
		cleanup_virt_error virErrorPtr error = virt_last_error();

		/* A driver without jobs has none. Of one that arrives libvirt tells at its source.
		 */
		if (error->code == VIR_ERR_NO_SUPPORT ||
		    (error->code == VIR_ERR_OPERATION_INVALID &&
		     virDomainIsActive(dom->handle) > 0)) {
			*out = (struct virt_progress){.known = error->code != VIR_ERR_NO_SUPPORT};
			return 0;
		}
		virt_failed((struct connection *)virt, error, dom->name, err);
		return err_wrap(err, "reading the job of %s", dom->name);
	}
	*out = progress_of(type, params, n);
	virTypedParamsFree(params, n);
	return 0;
}

/* What libvirt calls it */

struct params {
	virTypedParameterPtr items;
	int n, max;
	bool failed;
};

static void add_text(struct params *params, const char *name, const char *text)
{
	if (text &&
	    virTypedParamsAddString(&params->items, &params->n, &params->max, name, text) < 0)
		params->failed = true;
}

static void params_clear(struct params *params)
{
	virTypedParamsFree(params->items, params->n);
}

static int make_params(const struct virt_move *move, struct params *params, struct err **err)
{
	add_text(params, VIR_MIGRATE_PARAM_URI, move->migrate_uri);
	add_text(params, VIR_MIGRATE_PARAM_GRAPHICS_URI, move->graphics_uri);
	add_text(params, VIR_MIGRATE_PARAM_LISTEN_ADDRESS, move->listen_address);
	add_text(params, VIR_MIGRATE_PARAM_DEST_NAME, move->name);
	add_text(params, VIR_MIGRATE_PARAM_DEST_XML, move->xml);
	add_text(params, VIR_MIGRATE_PARAM_PERSIST_XML, move->persistent_xml);
	for (size_t i = 0; i < move->ndisks; i++)
		add_text(params, VIR_MIGRATE_PARAM_MIGRATE_DISKS, move->disks[i]);
	if (move->bandwidth &&
	    virTypedParamsAddULLong(&params->items, &params->n, &params->max,
				    VIR_MIGRATE_PARAM_BANDWIDTH, move->bandwidth) < 0)
		params->failed = true;
	if (move->connections && virTypedParamsAddInt(&params->items, &params->n, &params->max,
						      VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS,
						      (int)move->connections) < 0)
		params->failed = true;
	if (!params->failed)
		return 0;
	{
		cleanup_virt_error virErrorPtr error = virt_last_error();

		return err_set(err, ERR_USAGE, "%s",
			       error->message ? error->message : "libvirt takes no such option");
	}
}

static unsigned flags_of(unsigned flags)
{
	static const struct {
		unsigned ours, libvirts;
	} same[] = {
		{VIRT_MOVE_LIVE, VIR_MIGRATE_LIVE},
		{VIRT_MOVE_P2P, VIR_MIGRATE_PEER2PEER},
		{VIRT_MOVE_TUNNELLED, VIR_MIGRATE_TUNNELLED},
		{VIRT_MOVE_PERSISTENT, VIR_MIGRATE_PERSIST_DEST},
		{VIRT_MOVE_UNDEFINE, VIR_MIGRATE_UNDEFINE_SOURCE},
		{VIRT_MOVE_SUSPEND, VIR_MIGRATE_PAUSED},
		{VIRT_MOVE_STORAGE_ALL, VIR_MIGRATE_NON_SHARED_DISK},
		{VIRT_MOVE_STORAGE_INC, VIR_MIGRATE_NON_SHARED_INC},
		{VIRT_MOVE_UNSAFE, VIR_MIGRATE_UNSAFE},
		{VIRT_MOVE_COMPRESSED, VIR_MIGRATE_COMPRESSED},
		{VIRT_MOVE_AUTO_CONVERGE, VIR_MIGRATE_AUTO_CONVERGE},
		{VIRT_MOVE_ABORT_ON_ERROR, VIR_MIGRATE_ABORT_ON_ERROR},
		{VIRT_MOVE_POSTCOPY, VIR_MIGRATE_POSTCOPY},
		{VIRT_MOVE_PARALLEL, VIR_MIGRATE_PARALLEL},
		{VIRT_MOVE_TLS, VIR_MIGRATE_TLS},
	};
	unsigned all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (flags & same[i].ours)
			all |= same[i].libvirts;
	return all;
}

/* The thread */

struct moving {
	virDomainPtr dom;
	virConnectPtr there; /* NULL: the two daemons do it between them */
	const char *uri;
	struct params params;
	unsigned flags;
	int done; /* becomes readable */
	bool failed;
	virErrorPtr error; /* is the thread's own until then */
};

static void *do_move(void *data)
{
	static const uint64_t one = 1;
	struct moving *m = data;
	virDomainPtr moved = NULL;

	virResetLastError();
	if (m->there) {
		moved = virDomainMigrate3(m->dom, m->there, m->params.items, (unsigned)m->params.n,
					  m->flags);
		m->failed = !moved;
	} else {
		m->failed = virDomainMigrateToURI3(m->dom, m->uri, m->params.items,
						   (unsigned)m->params.n, m->flags) < 0;
	}
	if (m->failed)
		m->error = virt_last_error();
	if (moved)
		(void)virDomainFree(moved);
	(void)!write(m->done, &one, sizeof(one));
	return NULL;
}

/* false: libvirt would not, for the job has not begun, or is over. */
static bool carry_out(virDomainPtr dom, enum virt_move_word word)
{
	bool done = true;

	switch (word) {
	case VIRT_MOVE_GO_ON:
		break;
	case VIRT_MOVE_STOP:
		done = virDomainAbortJob(dom) == 0;
		break;
	case VIRT_MOVE_PAUSE:
		done = virDomainSuspend(dom) == 0;
		break;
	case VIRT_MOVE_TO_POSTCOPY:
		done = virDomainMigrateStartPostCopy(dom, 0) == 0;
		break;
	}
	virResetLastError();
	return done;
}

static void look_after(struct virt *virt, const struct virt_dom *dom, struct virt *there,
		       struct moving *m, const struct virt_mover *mover)
{
	enum virt_move_word undone = VIRT_MOVE_GO_ON;
	struct pollfd fds[] = {
		{.fd = m->done, .events = POLLIN},
		{.fd = mover->wake, .events = POLLIN},
	};

	for (;;) {
		int wait = undone != VIRT_MOVE_GO_ON
				   ? AGAIN_MS
				   : (mover->every_ms ? (int)mover->every_ms : -1);
		struct virt_progress progress = {0};
		enum virt_move_word word;

		if (poll(fds, ARRAY_SIZE(fds), wait) < 0 && errno != EINTR)
			fds[1].fd = -1;
		if (fds[0].revents)
			return;
		(void)virt_job(virt, dom, &progress, NULL);
		progress.there_lost = m->there && virt_is_lost((struct connection *)there);
		word = mover->look(mover->arg, &progress);
		if (word == VIRT_MOVE_GO_ON)
			word = undone;
		undone = carry_out(dom->handle, word) ? VIRT_MOVE_GO_ON : word;
	}
}

static int move_failed(struct virt *virt, const struct virt_dom *dom, virErrorPtr error,
		       struct err **err)
{
	struct connection *c = (struct connection *)virt;

	virt_failed(c, error, dom->name, err);
	if (error->code == VIR_ERR_MIGRATE_UNSAFE)
		(void)err_next(err,
			       "share its disks between the hosts and set cache='none', or use "
			       "--copy-storage-all; --unsafe if you know better");
	return -1;
}

int virt_move(struct virt *virt, const struct virt_dom *dom, struct virt *there,
	      const struct virt_move *move, const struct virt_mover *mover, struct err **err)
{
	cleanup(params_clear) struct params params = {0};
	cleanup_close int done = eventfd(0, EFD_CLOEXEC);
	bool daemons = move->flags & VIRT_MOVE_P2P;
	struct moving m = {
		.dom = dom->handle,
		.there = daemons ? NULL : conn_of(there),
		.uri = move->uri,
		.flags = flags_of(move->flags),
		.done = done,
	};
	pthread_t thread;
	int rc;

	if (done < 0)
		return err_errno(err, errno, "moving %s", dom->name);
	if (make_params(move, &params, err))
		return -1;
	m.params = params;
	rc = pthread_create(&thread, NULL, do_move, &m);
	if (rc)
		return err_errno(err, rc, "moving %s", dom->name);
	look_after(virt, dom, there, &m, mover);
	(void)pthread_join(thread, NULL);
	if (!m.failed)
		return 0;
	rc = move_failed(virt, dom, m.error, err);
	virFreeError(m.error);
	return rc;
}
