// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What libvirt's event loop tells goes into an inbox, and next_event() takes it out, whoever runs
 * the loop (host/virt_loop.h).
 */
#include <pthread.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/virt_alone.h"
#include "host/virt_connection.h"
#include "host/virt_loop.h"
#include "model/assignment.h"

/* What the event loop and a connection share; it stays until libvirt has dropped its callbacks.
 */
struct inbox {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned refs;
	bool follows; /* all that changes a domain is told */
	bool lost;    /* the connection is closed, and not by us */
	struct virt_event *events;
	size_t first, nevents; /* those before the first one have been taken */
};

/* Who does not take what has come will not take more; then all is looked at anew. */
#define EVENTS_MAX 100000

struct inbox *inbox_new(void)
{
	struct inbox *inbox = mem_zero(1, sizeof(*inbox));

	(void)pthread_mutex_init(&inbox->lock, NULL);
	virt_condition_init(&inbox->changed);
	inbox->refs = 1;
	return inbox;
}

static void inbox_empty(struct inbox *inbox)
{
	for (size_t i = inbox->first; i < inbox->nevents; i++)
		virt_event_clear(&inbox->events[i]);
	free(inbox->events);
	inbox->events = NULL;
	inbox->first = inbox->nevents = 0;
}

static struct inbox *inbox_ref(struct inbox *inbox)
{
	(void)pthread_mutex_lock(&inbox->lock);
	inbox->refs++;
	(void)pthread_mutex_unlock(&inbox->lock);
	return inbox;
}

/* Also what libvirt calls when it has dropped a callback. */
void inbox_unref(void *opaque)
{
	struct inbox *inbox = opaque;
	unsigned left;

	(void)pthread_mutex_lock(&inbox->lock);
	left = --inbox->refs;
	(void)pthread_mutex_unlock(&inbox->lock);
	if (left)
		return;
	inbox_empty(inbox);
	(void)pthread_cond_destroy(&inbox->changed);
	(void)pthread_mutex_destroy(&inbox->lock);
	free(inbox);
}

static void inbox_put(struct inbox *inbox, virDomainPtr dom, enum virt_event_kind kind,
		      const char *alias, const char *what)
{
	struct virt_event *event;

	(void)pthread_mutex_lock(&inbox->lock);
	inbox->lost |= inbox->nevents >= EVENTS_MAX;
	if (inbox->lost) {
		(void)pthread_mutex_unlock(&inbox->lock);
		return;
	}
	event = mem_append(&inbox->events, &inbox->nevents, sizeof(*event));
	event->kind = kind;
	event->name = mem_strdup(virDomainGetName(dom));
	event->alias = mem_strdup(alias);
	event->what = what;
	(void)virDomainGetUUIDString(dom, event->uuid);
	(void)pthread_cond_signal(&inbox->changed);
	(void)pthread_mutex_unlock(&inbox->lock);
}

static void on_removed(virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque)
{
	(void)conn;
	inbox_put(opaque, dom, VIRT_DEVICE_REMOVED, alias, "device removed");
}

static void on_removal_failed(virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque)
{
	(void)conn;
	inbox_put(opaque, dom, VIRT_DEVICE_REMOVAL_FAILED, alias, "device removal refused");
}

static const char *stopped_word(int detail)
{
	switch ((virDomainEventStoppedDetailType)detail) {
	case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
		return "crashed";
	case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
		return "destroyed";
	case VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
		return "moved away";
	case VIR_DOMAIN_EVENT_STOPPED_SAVED:
		return "saved";
	default:
		return "stopped";
	}
}

static const char *started_word(int detail)
{
	switch ((virDomainEventStartedDetailType)detail) {
	case VIR_DOMAIN_EVENT_STARTED_MIGRATED:
		/* Nothing can be done for it yet; but who is to do it is ready then, if it comes
		 * soon. */
		return "arriving";
	case VIR_DOMAIN_EVENT_STARTED_RESTORED:
		return "restored";
	default:
		return "started";
	}
}

/* As these three: what defines it is what it was. */
static bool is_passing(int event, int detail)
{
	return event == VIR_DOMAIN_EVENT_SUSPENDED ||
	       (event == VIR_DOMAIN_EVENT_RESUMED && detail != VIR_DOMAIN_EVENT_RESUMED_MIGRATED);
}

/* What of a domain's life makes a difference to its VFs, or will; NULL: that does not. */
static const char *lifecycle_word(int event, int detail)
{
	switch ((virDomainEventType)event) {
	case VIR_DOMAIN_EVENT_DEFINED:
		return "defined";
	case VIR_DOMAIN_EVENT_UNDEFINED:
		return "undefined";
	case VIR_DOMAIN_EVENT_STARTED:
		return started_word(detail);
	case VIR_DOMAIN_EVENT_RESUMED:
		return detail == VIR_DOMAIN_EVENT_RESUMED_MIGRATED ? "arrived" : "resumed";
	case VIR_DOMAIN_EVENT_SUSPENDED:
		/* Also what one that is to be paused there does in place of resuming. */
		return detail == VIR_DOMAIN_EVENT_SUSPENDED_PAUSED ? "paused" : NULL;
	case VIR_DOMAIN_EVENT_STOPPED:
		return stopped_word(detail);
	default:
		return NULL;
	}
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
	struct inbox *inbox = opaque;
	const char *what = lifecycle_word(event, detail);

	(void)conn;
	if (event == VIR_DOMAIN_EVENT_STOPPED)
		inbox_put(inbox, dom, VIRT_DOMAIN_STOPPED, NULL, what);
	else if (what && inbox->follows)
		inbox_put(inbox, dom,
			  is_passing(event, detail) ? VIRT_DOMAIN_PASSING : VIRT_DOMAIN_CHANGED,
			  NULL, what);
	return 0;
}

static void on_added(virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque)
{
	(void)conn;
	inbox_put(opaque, dom, VIRT_DOMAIN_CHANGED, alias, "device added");
}

/* Of elements only ours counts. */
static void on_metadata(virConnectPtr conn, virDomainPtr dom, int type, const char *uri,
			void *opaque)
{
	(void)conn;
	if (type == VIR_DOMAIN_METADATA_ELEMENT && uri && !strcmp(uri, METADATA_URI))
		inbox_put(opaque, dom, VIRT_DOMAIN_CHANGED, NULL, "metadata changed");
}

static void on_job(virConnectPtr conn, virDomainPtr dom, virTypedParameterPtr params, int n,
		   void *opaque)
{
	(void)conn;
	(void)params;
	(void)n;
	inbox_put(opaque, dom, VIRT_DOMAIN_PASSING, NULL, "job completed");
}

/* Each pass over its memory is told; the first one is enough to know. */
static void on_iteration(virConnectPtr conn, virDomainPtr dom, int iteration, void *opaque)
{
	(void)conn;
	if (iteration <= 1)
		inbox_put(opaque, dom, VIRT_DOMAIN_MOVING, NULL, "moving");
}

static void on_reboot(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
	(void)conn;
	inbox_put(opaque, dom, VIRT_DOMAIN_PASSING, NULL, "rebooted");
}

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
	struct inbox *inbox = opaque;

	(void)conn;
	(void)reason;
	(void)pthread_mutex_lock(&inbox->lock);
	inbox->lost = true;
	(void)pthread_cond_signal(&inbox->changed);
	(void)pthread_mutex_unlock(&inbox->lock);
}

bool inbox_is_lost(struct inbox *inbox)
{
	bool lost;

	(void)pthread_mutex_lock(&inbox->lock);
	lost = inbox->lost;
	(void)pthread_mutex_unlock(&inbox->lock);
	return lost;
}

/* Listening */

/* As libvirt's own macro, by way of the type that compilers let stand for any function. */
#define EVENT_CALL(function) ((virConnectDomainEventGenericCallback)(void (*)(void))(function))

/* For who waits for a guest to let go the first is enough, for a while. */
#define WATCHED 1
#define WATCHED_CLOSELY 3
static const struct {
	int id;
	virConnectDomainEventGenericCallback call;
} told[] = {
	{VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, EVENT_CALL(on_removed)},
	{VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, EVENT_CALL(on_removal_failed)},
	{VIR_DOMAIN_EVENT_ID_LIFECYCLE, EVENT_CALL(on_lifecycle)},
	{VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, EVENT_CALL(on_added)},
	{VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, EVENT_CALL(on_metadata)},
	{VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, EVENT_CALL(on_job)},
	{VIR_DOMAIN_EVENT_ID_REBOOT, EVENT_CALL(on_reboot)},
	{VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, EVENT_CALL(on_iteration)},
};
_Static_assert(ARRAY_SIZE(told) == ARRAY_SIZE(((struct connection *)0)->callbacks),
	       "as many as are kept");

static int listen_to(struct connection *c, size_t n, struct err **err)
{
	for (size_t i = 0; i < n; i++) {
		if (c->callbacks[i] >= 0)
			continue;
		c->callbacks[i] = virConnectDomainEventRegisterAny(
			c->conn, NULL, told[i].id, told[i].call, inbox_ref(c->inbox), inbox_unref);
		if (c->callbacks[i] < 0) {
			cleanup_virt_error virErrorPtr error = virt_last_error();

			inbox_unref(c->inbox);
			virt_failed(c, error, "", err);
			return err_wrap(err, "registering for libvirt's events");
		}
	}
	return 0;
}

/*
 * A call that is under way sees the end of the connection by itself; only who waits for an event
 * has to be woken. Its unregistering waits until it has returned: it needs no share in the inbox.
 */
static void listen_to_close(struct connection *c)
{
	if (!c->listening)
		c->listening = !virConnectRegisterCloseCallback(c->conn, on_close, c->inbox, NULL);
}

int virt_watch(struct virt *virt, struct err **err)
{
	return listen_to((struct connection *)virt, WATCHED, err);
}

int virt_watch_closely(struct virt *virt, struct err **err)
{
	struct connection *c = (struct connection *)virt;

	listen_to_close(c);
	return listen_to(c, WATCHED_CLOSELY, err);
}

int virt_follow(struct virt *virt, int stop, struct err **err)
{
	struct connection *c = (struct connection *)virt;

	c->stop = stop;
	virt_loop_need();
	c->inbox->follows = true;
	listen_to_close(c);
	return listen_to(c, ARRAY_SIZE(told), err);
}

/* In place of the event thread. */
static int let_events_in(struct connection *c, msec deadline, struct err **err)
{
	bool calls = true;
	int got = 1;

	while (got > 0 && !c->inbox->nevents && !c->inbox->lost) {
		unsigned long version;

		got = alone_turn(c->stop, deadline, &calls, err);
		/* Any call will do. */
		if (got >= 0 && calls && virConnectGetLibVersion(c->conn, &version) < 0 &&
		    virt_is_lost(c))
			return virt_lost(err);
	}
	return got;
}

static bool has_news(void *arg)
{
	struct inbox *inbox = arg;
	bool has;

	(void)pthread_mutex_lock(&inbox->lock);
	has = inbox->nevents || inbox->lost;
	(void)pthread_mutex_unlock(&inbox->lock);
	return has;
}

int virt_next_event(struct virt *virt, msec deadline, struct virt_event *out, struct err **err)
{
	struct connection *c = (struct connection *)virt;
	struct inbox *inbox = c->inbox;
	struct timespec until = {deadline / 1000, deadline % 1000 * 1000000};
	bool lost, late = virt_loop_is_alone();
	int got = 0;

	if (late && let_events_in(c, deadline, err) < 0)
		return -1;
	/* What has come is taken out below; what has not come by then, comes too late. */
	if (!late && !has_news(inbox))
		late = virt_loop_run(has_news, inbox, deadline);
	(void)pthread_mutex_lock(&inbox->lock);
	while (!inbox->nevents && !inbox->lost && !late)
		late = pthread_cond_timedwait(&inbox->changed, &inbox->lock, &until) != 0;
	lost = inbox->lost;
	if (inbox->nevents) {
		*out = inbox->events[inbox->first++];
		if (inbox->first == inbox->nevents)
			inbox_empty(inbox);
		got = 1;
	}
	(void)pthread_mutex_unlock(&inbox->lock);
	if (!got && lost)
		return virt_lost(err);
	return got;
}

static void deregister(struct connection *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->callbacks); i++) {
		if (c->callbacks[i] >= 0)
			(void)virConnectDomainEventDeregisterAny(c->conn, c->callbacks[i]);
		c->callbacks[i] = -1;
	}
	if (c->listening)
		(void)virConnectUnregisterCloseCallback(c->conn, on_close);
	c->listening = false;
}

bool virt_rest(struct virt *virt)
{
	struct connection *c = (struct connection *)virt;
	struct inbox *inbox = c->inbox;

	deregister(c);
	(void)pthread_mutex_lock(&inbox->lock);
	inbox_empty(inbox);
	(void)pthread_mutex_unlock(&inbox->lock);
	return virConnectIsAlive(c->conn) == 1;
}

void virt_stop_listening(struct connection *c)
{
	/* Each is a round trip; a process that ends has no time for them, and needs none. */
	if (!virt_loop_is_alone())
		deregister(c);
	else if (c->listening)
		(void)virConnectUnregisterCloseCallback(c->conn, on_close);
}
