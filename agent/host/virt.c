// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The edge to libvirt.
 *
 * Calls are made by the caller's thread. What libvirt's event loop tells goes into a queue, and
 * next_event() takes it out, whoever runs the loop (host/virt_loop.h).
 *
 * libvirt's words are translated by the daemon, in its own locale. So errors are told apart by
 * code and origin first, and by words only where they are QEMU's, or for advice.
 */
#include "host/virt.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/virt_alone.h"
#include "host/virt_connection.h"
#include "host/virt_loop.h"
#include "model/assignment.h"

_Static_assert(UUID_STRLEN == VIR_UUID_STRING_BUFLEN, "a UUID's length");

/* A daemon that answers nothing for this long is gone, as the daemons judge their clients. */
#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_COUNT 5

/* What the event loop and a connection share; it stays until libvirt has dropped its callbacks.
 */
struct inbox {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned refs;
	bool follows; /* all that changes a domain is told */
	bool lost;    /* the connection is closed, and not by us */
	struct virt_event *events;
	size_t nevents;
};

/* Never NULL, so that what failed without a word can be treated alike. */
virErrorPtr virt_last_error(void)
{
	virErrorPtr error = virSaveLastError();

	return error ? error : mem_zero(1, sizeof(*error));
}

/* The inbox */

static struct inbox *inbox_new(void)
{
	struct inbox *inbox = mem_zero(1, sizeof(*inbox));

	(void)pthread_mutex_init(&inbox->lock, NULL);
	virt_condition_init(&inbox->changed);
	inbox->refs = 1;
	return inbox;
}

static struct inbox *inbox_ref(struct inbox *inbox)
{
	(void)pthread_mutex_lock(&inbox->lock);
	inbox->refs++;
	(void)pthread_mutex_unlock(&inbox->lock);
	return inbox;
}

/* Also what libvirt calls when it has dropped a callback. */
static void inbox_unref(void *opaque)
{
	struct inbox *inbox = opaque;
	unsigned left;

	(void)pthread_mutex_lock(&inbox->lock);
	left = --inbox->refs;
	(void)pthread_mutex_unlock(&inbox->lock);
	if (left)
		return;
	for (size_t i = 0; i < inbox->nevents; i++)
		virt_event_clear(&inbox->events[i]);
	free(inbox->events);
	(void)pthread_cond_destroy(&inbox->changed);
	(void)pthread_mutex_destroy(&inbox->lock);
	free(inbox);
}

static void inbox_put(struct inbox *inbox, virDomainPtr dom, enum virt_event_kind kind,
		      const char *alias, const char *what)
{
	struct virt_event *event;

	(void)pthread_mutex_lock(&inbox->lock);
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
		/* Nothing can be done for it before it has arrived. */
		return NULL;
	case VIR_DOMAIN_EVENT_STARTED_RESTORED:
		return "restored";
	default:
		return "started";
	}
}

/* What of a domain's life makes a difference to its VFs; NULL: that does not. */
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
		inbox_put(inbox, dom, VIRT_DOMAIN_CHANGED, NULL, what);
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
	inbox_put(opaque, dom, VIRT_DOMAIN_CHANGED, NULL, "job completed");
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
	inbox_put(opaque, dom, VIRT_DOMAIN_CHANGED, NULL, "rebooted");
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

/* Errors */

bool virt_is_lost(struct connection *c)
{
	bool lost;

	(void)pthread_mutex_lock(&c->inbox->lock);
	lost = c->inbox->lost;
	(void)pthread_mutex_unlock(&c->inbox->lock);
	return lost || virConnectIsAlive(c->conn) == 0;
}

static int set_lost(struct err **err)
{
	err_set(err, ERR_LOST, "the connection to libvirt broke");
	return err_next(err,
			"when libvirt is back (`systemctl status libvirtd virtqemud`), repeat; "
			"`vfpool reconcile` finishes what was begun");
}

/* Who has kept a domain's job for so long? The API's name stays what it is in any language. */
static const char *job_of(const char *message)
{
	static const struct {
		const char *api;
		const char *job;
	} jobs[] = {
		{"Migrate", "a migration"},
		{"Backup", "a backup"},
		{"Snapshot", "a snapshot"},
		{"ManagedSave", "a save"},
		{"DomainSave", "a save"},
		{"DomainRestore", "a restore"},
		{"CoreDump", "a dump"},
		{"BlockCommit", "a block job"},
		{"AttachDevice", "another attach"},
		{"DetachDevice", "another detach"},
		{"AgentSetResponse", "agent's call"},
		{"DomainCreate", "the start"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		if (strstr(message, jobs[i].api))
			return jobs[i].job;
	return "another job";
}

static bool is_not_allowed(const virError *error)
{
	return error->code == VIR_ERR_ACCESS_DENIED || error->code == VIR_ERR_AUTH_FAILED ||
	       error->code == VIR_ERR_AUTH_CANCELLED || error->code == VIR_ERR_AUTH_UNAVAILABLE ||
	       error->code == VIR_ERR_OPERATION_DENIED ||
	       (error->code == VIR_ERR_SYSTEM_ERROR &&
		(error->int1 == EACCES || error->int1 == EPERM));
}

static enum err_code code_of(const virError *error)
{
	switch ((virErrorNumber)error->code) {
	case VIR_ERR_NO_DOMAIN:
		return ERR_ABSENT;
	case VIR_ERR_OPERATION_TIMEOUT:
		return ERR_TIMEOUT;
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_ARGUMENT_UNSUPPORTED:
	case VIR_ERR_CONFIG_UNSUPPORTED:
		return ERR_UNSUPPORTED;
	default:
		return ERR_FAILED;
	}
}

int virt_failed(struct connection *c, const virError *error, const char *name, struct err **err)
{
	const char *words = error->message ? error->message : "libvirt did not say why";

	if (virt_is_lost(c)) {
		set_lost(err);
		return err_detail(err, "%s", words);
	}
	err_set(err, code_of(error), "%s", words);
	if (error->code == VIR_ERR_OPERATION_TIMEOUT && *name)
		return err_next(
			err,
			"%s of %s is under way: let it end (`virsh domjobinfo %s` shows how "
			"far it is), then repeat",
			job_of(words), name, name);
	if (is_not_allowed(error))
		return err_next(err, "run vfpool as root");
	return -1;
}

/*
 * As virt_failed(), for what was to change a domain: one that has stopped or lost its definition in
 * the meantime is an answer of its own.
 */
static int failed_change(struct connection *c, virDomainPtr dom, const virError *error,
			 unsigned views, struct err **err)
{
	const char *name = virDomainGetName(dom);

	if (error->code == VIR_ERR_OPERATION_INVALID && !virt_is_lost(c)) {
		if (views & VIRT_LIVE && virDomainIsActive(dom) == 0)
			return err_set(err, ERR_ABSENT, "%s is not running", name);
		if (views & VIRT_CONFIG && virDomainIsPersistent(dom) == 0)
			return err_set(err, ERR_ABSENT, "%s has no persistent definition", name);
	}
	return virt_failed(c, error, name, err);
}

/* The connection itself */

static int connection_about(struct virt *virt, struct virt_about *out, struct err **err)
{
	struct connection *c = (struct connection *)virt;
	struct virt_about about = {0};
	const char *driver;
	char *uri;

	virResetLastError();
	driver = virConnectGetType(c->conn);
	uri = virConnectGetURI(c->conn);
	if (!driver || !uri || virConnectGetLibVersion(c->conn, &about.version) < 0 ||
	    virConnectGetVersion(c->conn, &about.hypervisor) < 0) {
		cleanup_virt_error virErrorPtr error = virt_last_error();

		free(uri);
		virt_failed(c, error, "", err);
		return err_wrap(err, "asking libvirt for its version");
	}
	about.driver = mem_strdup(driver);
	about.uri = uri;
	*out = about;
	return 0;
}

/* Domains */

static unsigned affect(unsigned views)
{
	return (views & VIRT_LIVE ? VIR_DOMAIN_AFFECT_LIVE : 0) |
	       (views & VIRT_CONFIG ? VIR_DOMAIN_AFFECT_CONFIG : 0);
}

static struct virt_dom make_dom(virDomainPtr handle)
{
	struct virt_dom dom = {.handle = handle, .id = (int)virDomainGetID(handle)};

	(void)virDomainGetUUIDString(handle, dom.uuid);
	dom.name = mem_strdup(virDomainGetName(handle));
	return dom;
}

static virDomainPtr look_up(virConnectPtr conn, const char *name, int how)
{
	char *end;
	long id;

	switch (how) {
	case 0:
		errno = 0;
		id = strtol(name, &end, 10);
		if (errno || end == name || *end || id < 0 || id > INT_MAX)
			return NULL;
		return virDomainLookupByID(conn, (int)id);
	case 1:
		if (strlen(name) != UUID_STRLEN - 1)
			return NULL;
		return virDomainLookupByUUIDString(conn, name);
	default:
		return virDomainLookupByName(conn, name);
	}
}

static int connection_find(struct virt *virt, const char *name, struct virt_dom *out,
			   struct err **err)
{
	struct connection *c = (struct connection *)virt;

	for (int how = 0; how < 3; how++) {
		virDomainPtr handle;
		cleanup_virt_error virErrorPtr error = NULL;

		virResetLastError();
		handle = look_up(c->conn, name, how);
		if (handle) {
			*out = make_dom(handle);
			return 0;
		}
		error = virt_last_error();
		/* Not of that kind, or a text that merely looks like a UUID: try the next. */
		if (error->code != VIR_ERR_OK && error->code != VIR_ERR_NO_DOMAIN &&
		    error->code != VIR_ERR_INVALID_ARG)
			return virt_failed(c, error, "", err);
	}
	err_set(err, ERR_ABSENT, "there is no domain '%s'", name);
	return err_next(err, "`virsh list --all` shows them all");
}

static int connection_list(struct virt *virt, struct virt_dom **out, size_t *n, struct err **err)
{
	cleanup_free virDomainPtr *handles = NULL;
	int found = virConnectListAllDomains(conn_of(virt), &handles, 0);
	struct virt_dom *doms;

	if (found < 0) {
		cleanup_virt_error virErrorPtr error = virt_last_error();

		virt_failed((struct connection *)virt, error, "", err);
		return err_wrap(err, "listing the domains");
	}
	doms = mem_zero((size_t)found + 1, sizeof(*doms));
	for (int i = 0; i < found; i++)
		doms[i] = make_dom(handles[i]);
	*out = doms;
	*n = (size_t)found;
	return 0;
}

static int connection_state(struct virt *virt, const struct virt_dom *dom, struct virt_state *out,
			    struct err **err)
{
	int state, kept = 1;

	/* What is shut off and still known is persistent. */
	if (virDomainGetState(dom->handle, &state, NULL, 0) < 0 ||
	    (state != VIR_DOMAIN_SHUTOFF && (kept = virDomainIsPersistent(dom->handle)) < 0)) {
		cleanup_virt_error virErrorPtr error = virt_last_error();

		virt_failed((struct connection *)virt, error, dom->name, err);
		return err_wrap(err, "reading the state of %s", dom->name);
	}
	*out = (struct virt_state){
		.running = state != VIR_DOMAIN_SHUTOFF,
		.persistent = kept,
		/* A guest asleep answers no more than one that is stopped. */
		.paused = state == VIR_DOMAIN_PAUSED || state == VIR_DOMAIN_PMSUSPENDED,
	};
	return 0;
}

/* Only a running domain's XML has an id; libvirt gives the other one when it has stopped. */
static bool is_live_xml(const char *xml)
{
	const char *start = strstr(xml, "<domain ");
	const char *end = start ? strchr(start, '>') : NULL;
	const char *id = start ? strstr(start, " id='") : NULL;

	return id && id < end;
}

static int connection_xml(struct virt *virt, const struct virt_dom *dom, unsigned view, char **out,
			  struct err **err)
{
	struct connection *c = (struct connection *)virt;
	char *xml =
		virDomainGetXMLDesc(dom->handle, view == VIRT_CONFIG ? VIR_DOMAIN_XML_INACTIVE : 0);

	if (!xml) {
		cleanup_virt_error virErrorPtr error = virt_last_error();

		virt_failed(c, error, dom->name, err);
		return err_wrap(err, "reading the definition of %s", dom->name);
	}
	if (view == VIRT_LIVE && !is_live_xml(xml)) {
		free(xml);
		return err_set(err, ERR_ABSENT, "%s is not running", dom->name);
	}
	*out = xml;
	return 0;
}

/*
 * Does libvirt say that somebody else has the VF?
 *
 * Its own list of assigned devices: of all that can go wrong with a managed PCI device, only that
 * comes from this origin with this code ("PCI device 0000:01:10.0 is in use by driver QEMU, domain
 * web1"), about the VF itself or about another one of its IOMMU group. The same list meets its own
 * two checks in "already in use" and "active device", and the persistent definition has one more.
 * A program beside libvirt that has the device or its group open is known to QEMU.
 */
static bool is_taken(const virError *error)
{
	static const char *const words[] = {
		"is already in use",
		"active device",
		"already in the domain configuration",
	};
	const char *message = error->message ? error->message : "";

	if (error->domain == VIR_FROM_NONE && error->code == VIR_ERR_OPERATION_INVALID)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(message, words[i]))
			return true;
	return strstr(message, "vfio ") &&
	       (strstr(message, "Device or resource busy") || strstr(message, "is not viable"));
}

static void advise_attach(const virError *error, const char *name, struct err **err)
{
	const char *message = error->message ? error->message : "";
	const char *pf = strstr(message, "PF '");

	if (strstr(message, "No more available PCI slots"))
		(void)err_next(err,
			       "give %s another port for a device: `virsh edit %s`, add "
			       "<controller type='pci' model='pcie-root-port'/> among its devices, "
			       "shut it down and start it again",
			       name, name);
	else if (strstr(message, "PF is not online") && pf)
		(void)err_next(err, "bring the PF up (`ip link set %.*s up`) and repeat",
			       (int)strcspn(pf + 4, "'"), pf + 4);
	else if (strstr(message, "Duplicate device ID"))
		(void)err_next(err,
			       "QEMU has the device, and libvirt, which ended while it attached "
			       "it, has lost sight of it: shut %s down and start it again",
			       name);
	else if (strstr(message, "VFIO PCI") && error->code == VIR_ERR_CONFIG_UNSUPPORTED)
		(void)err_next(err, "turn the IOMMU on, in the firmware and for the kernel "
				    "(intel_iommu=on or amd_iommu=on, and iommu=pt)");
}

static int connection_attach(struct virt *virt, const struct virt_dom *dom, const char *xml,
			     unsigned views, struct err **err)
{
	cleanup_virt_error virErrorPtr error = NULL;

	if (virDomainAttachDeviceFlags(dom->handle, xml, affect(views)) == 0)
		return 0;
	error = virt_last_error();
	failed_change((struct connection *)virt, dom->handle, error, views, err);
	if (err && (*err)->code == ERR_FAILED && is_taken(error))
		(void)err_recode(err, ERR_TAKEN);
	advise_attach(error, dom->name, err);
	return err_wrap(err, "attaching a device to %s", dom->name);
}

/* "no device found with alias ua-vfpool-0a1b2c3d", which has no code of its own. */
static bool is_no_such_alias(const virError *error, const char *alias)
{
	return error->code == VIR_ERR_DEVICE_MISSING ||
	       (error->code == VIR_ERR_INTERNAL_ERROR && error->domain == VIR_FROM_DOMAIN &&
		error->message && strstr(error->message, alias));
}

static int connection_detach(struct virt *virt, const struct virt_dom *dom, const char *alias,
			     unsigned view, struct err **err)
{
	struct connection *c = (struct connection *)virt;
	cleanup_virt_error virErrorPtr error = NULL;
	const char *message;

	if (virDomainDetachDeviceAlias(dom->handle, alias, affect(view)) == 0)
		return 0;
	error = virt_last_error();
	message = error->message ? error->message : "";
	if (strstr(message, "is already in the process of unplug"))
		return 0;
	if (is_no_such_alias(error, alias)) {
		err_set(err, ERR_ABSENT, "%s has no device %s", dom->name, alias);
		return -1;
	}
	failed_change(c, dom->handle, error, view, err);
	if (err && (*err)->code == ERR_FAILED && strstr(message, "guest is busy"))
		(void)err_recode(err, ERR_GUEST);
	return err_wrap(err, "detaching device %s from %s", alias, dom->name);
}

static int connection_undefine(struct virt *virt, const struct virt_dom *dom, const char *xml,
			       struct err **err)
{
	struct connection *c = (struct connection *)virt;
	cleanup_virt_error virErrorPtr error = NULL;

	if (virDomainDetachDeviceFlags(dom->handle, xml, VIR_DOMAIN_AFFECT_CONFIG) == 0)
		return 0;
	error = virt_last_error();
	if (error->code == VIR_ERR_DEVICE_MISSING)
		return err_set(err, ERR_ABSENT, "%s has no such device: %s", dom->name,
			       error->message ? error->message : "");
	failed_change(c, dom->handle, error, VIRT_CONFIG, err);
	return err_wrap(err, "taking a device out of the definition of %s", dom->name);
}

static int connection_set_metadata(struct virt *virt, const struct virt_dom *dom, const char *xml,
				   unsigned views, struct err **err)
{
	cleanup_virt_error virErrorPtr error = NULL;

	if (virDomainSetMetadata(dom->handle, VIR_DOMAIN_METADATA_ELEMENT, xml,
				 xml ? METADATA_PREFIX : NULL, METADATA_URI, affect(views)) == 0)
		return 0;
	error = virt_last_error();
	failed_change((struct connection *)virt, dom->handle, error, views, err);
	return err_wrap(err, "writing the metadata of %s", dom->name);
}

/* States in files */

static unsigned save_flags(unsigned flags)
{
	return (flags & VIRT_BYPASS_CACHE ? VIR_DOMAIN_SAVE_BYPASS_CACHE : 0) |
	       (flags & VIRT_RUNNING ? VIR_DOMAIN_SAVE_RUNNING : 0) |
	       (flags & VIRT_PAUSED ? VIR_DOMAIN_SAVE_PAUSED : 0);
}

static int connection_save(struct virt *virt, const struct virt_dom *dom, const char *path,
			   unsigned flags, struct err **err)
{
	cleanup_virt_error virErrorPtr error = NULL;

	if ((path ? virDomainSaveFlags(dom->handle, path, NULL, save_flags(flags))
		  : virDomainManagedSave(dom->handle, save_flags(flags))) == 0)
		return 0;
	error = virt_last_error();
	failed_change((struct connection *)virt, dom->handle, error, VIRT_LIVE, err);
	return err_wrap(err, "saving the state of %s", dom->name);
}

static int connection_saved_xml(struct virt *virt, const char *path, char **out, struct err **err)
{
	char *xml = virDomainSaveImageGetXMLDesc(conn_of(virt), path, 0);

	if (!xml) {
		cleanup_virt_error virErrorPtr error = virt_last_error();

		virt_failed((struct connection *)virt, error, "", err);
		return err_wrap(err, "reading the saved state in %s", path);
	}
	*out = xml;
	return 0;
}

static int connection_restore(struct virt *virt, const char *path, unsigned flags, struct err **err)
{
	cleanup_virt_error virErrorPtr error = NULL;

	if (virDomainRestoreFlags(conn_of(virt), path, NULL, save_flags(flags)) == 0)
		return 0;
	error = virt_last_error();
	virt_failed((struct connection *)virt, error, "", err);
	return err_wrap(err, "restoring the state in %s", path);
}

static void connection_dom_release(struct virt *virt, struct virt_dom *dom)
{
	(void)virt;
	(void)virDomainFree(dom->handle);
}

/* Events */

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

static int connection_watch(struct virt *virt, struct err **err)
{
	return listen_to((struct connection *)virt, WATCHED, err);
}

static int connection_watch_closely(struct virt *virt, struct err **err)
{
	struct connection *c = (struct connection *)virt;

	listen_to_close(c);
	return listen_to(c, WATCHED_CLOSELY, err);
}

static int connection_follow(struct virt *virt, int stop, struct err **err)
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
			return set_lost(err);
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

static int connection_next_event(struct virt *virt, msec deadline, struct virt_event *out,
				 struct err **err)
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
		*out = inbox->events[0];
		inbox->nevents--;
		memmove(inbox->events, inbox->events + 1, inbox->nevents * sizeof(*out));
		got = 1;
	}
	(void)pthread_mutex_unlock(&inbox->lock);
	if (!got && lost)
		return set_lost(err);
	return got;
}

/* Opening and closing */

static void connection_close(struct virt *virt)
{
	struct connection *c = (struct connection *)virt;

	if (!c)
		return;
	/* Each is a round trip; a process that ends has no time for them, and needs none. */
	for (size_t i = 0; i < ARRAY_SIZE(c->callbacks) && !virt_loop_is_alone(); i++)
		if (c->callbacks[i] >= 0)
			(void)virConnectDomainEventDeregisterAny(c->conn, c->callbacks[i]);
	if (c->listening)
		(void)virConnectUnregisterCloseCallback(c->conn, on_close);
	(void)virConnectClose(c->conn);
	inbox_unref(c->inbox);
	free(c);
}

static const struct virt_ops connection_ops = {
	.about = connection_about,
	.find = connection_find,
	.list = connection_list,
	.state = connection_state,
	.xml = connection_xml,
	.attach = connection_attach,
	.detach = connection_detach,
	.undefine = connection_undefine,
	.set_metadata = connection_set_metadata,
	.network = virt_network,
	.save = connection_save,
	.saved_xml = connection_saved_xml,
	.restore = connection_restore,
	.snapshot_find = virt_snapshot_find,
	.snapshot_make = virt_snapshot_make,
	.snapshot_revert = virt_snapshot_revert,
	.watch = connection_watch,
	.watch_closely = connection_watch_closely,
	.follow = connection_follow,
	.job = virt_job,
	.move = virt_move,
	.published = virt_published,
	.publish = virt_publish,
	.withdraw = virt_withdraw,
	.next_event = connection_next_event,
	.dom_release = connection_dom_release,
	.close = connection_close,
};

static int cannot_connect(const char *uri, const virError *error, struct err **err)
{
	const char *words = error->message ? error->message : "libvirt did not say why";

	if (uri)
		err_set(err, ERR_FAILED, "cannot connect to libvirt at %s: %s", uri, words);
	else
		err_set(err, ERR_FAILED, "cannot connect to libvirt: %s", words);
	if (is_not_allowed(error))
		return err_next(err, "run vfpool as root, or as a member of the group libvirt");
	if (error->code == VIR_ERR_SYSTEM_ERROR &&
	    (error->int1 == ENOENT || error->int1 == ECONNREFUSED)) {
		/* libvirt names the socket that it tried. */
		if (strstr(words, "virtqemud"))
			return err_next(err,
					"start its daemon: `systemctl start virtqemud.socket`");
		return err_next(err, "start its daemon: `systemctl start libvirtd.socket`, or "
				     "virtqemud.socket where it is split up");
	}
	return -1;
}

int virt_open(const char *uri, struct virt **out, struct err **err)
{
	struct connection *c;
	virConnectPtr conn;
	int errnum;

	if (libvirt_load(err) < 0)
		return -1;
	errnum = virt_loop_start();
	if (errnum)
		return err_errno(err, errnum, "cannot start libvirt's event loop");
	conn = virConnectOpenAuth(uri, virConnectAuthPtrDefault, 0);
	if (!conn) {
		cleanup_virt_error virErrorPtr error = virt_last_error();

		return cannot_connect(uri, error, err);
	}
	c = mem_zero(1, sizeof(*c));
	c->virt.ops = &connection_ops;
	c->conn = conn;
	c->inbox = inbox_new();
	c->stop = -1;
	for (size_t i = 0; i < ARRAY_SIZE(c->callbacks); i++)
		c->callbacks[i] = -1;
	/* Drivers inside this process, as test:///, have neither. */
	(void)virConnectSetKeepAlive(conn, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
	virResetLastError();
	*out = &c->virt;
	return 0;
}
