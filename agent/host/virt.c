// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The edge to libvirt: the connection, and what is asked of domains and their devices. Calls are
 * made by the caller's thread.
 */
#include "host/virt.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/virt_ask.h"
#include "host/virt_connection.h"
#include "host/virt_loop.h"
#include "model/assignment.h"

_Static_assert(UUID_STRLEN == VIR_UUID_STRING_BUFLEN, "a UUID's length");

/* A daemon that answers nothing for this long is gone, as the daemons judge their clients. */
#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_COUNT 5

/* The connection itself */

/* libvirt's own copy, which it made when it connected. */
static char *connection_uri(struct virt *virt)
{
	return virConnectGetURI(((struct connection *)virt)->conn);
}

static int connection_about(struct virt *virt, struct virt_about *out, struct err **err)
{
	struct connection *c = (struct connection *)virt;
	struct virt_about about = {0};
	const char *driver;
	char *uri;

	virResetLastError();
	driver = virConnectGetType(c->conn);
	uri = connection_uri(virt);
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
	return (views & VIEW_LIVE ? VIR_DOMAIN_AFFECT_LIVE : 0) |
	       (views & VIEW_CONFIG ? VIR_DOMAIN_AFFECT_CONFIG : 0);
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

static bool is_moving(int state, int reason)
{
	switch (state) {
	case VIR_DOMAIN_PAUSED:
		return reason == VIR_DOMAIN_PAUSED_MIGRATION ||
		       reason == VIR_DOMAIN_PAUSED_POSTCOPY;
	case VIR_DOMAIN_RUNNING:
		return reason == VIR_DOMAIN_RUNNING_POSTCOPY;
	default:
		return false;
	}
}

static int connection_state(struct virt *virt, const struct virt_dom *dom, struct virt_state *out,
			    struct err **err)
{
	int state, reason, kept = 1;

	/* What is shut off and still known is persistent. */
	if (virDomainGetState(dom->handle, &state, &reason, 0) < 0 ||
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
		.moving = is_moving(state, reason),
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
		virDomainGetXMLDesc(dom->handle, view == VIEW_CONFIG ? VIR_DOMAIN_XML_INACTIVE : 0);

	if (!xml) {
		cleanup_virt_error virErrorPtr error = virt_last_error();

		virt_failed(c, error, dom->name, err);
		return err_wrap(err, "reading the definition of %s", dom->name);
	}
	if (view == VIEW_LIVE && !is_live_xml(xml)) {
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

/* Whoever does not wait for QEMU needs no deadline. */
static enum virt_answer ask(virt_ask_call *call, const struct virt_dom *dom, const char *text,
			    unsigned views, msec deadline, virErrorPtr *error)
{
	if (views & VIEW_LIVE)
		return virt_ask(call, dom->handle, text, affect(views), deadline, error);
	if (call(dom->handle, text, affect(views)) == 0)
		return VIRT_DONE;
	*error = virt_last_error();
	return VIRT_REFUSED;
}

static int silent(const struct virt_dom *dom, struct err **err)
{
	err_set(err, ERR_TIMEOUT, "the QEMU of %s does not answer", dom->name);
	return err_next(err,
			"see since when, and why (`virsh domcontrol %s`, its storage, the host's "
			"log); when it answers again, `vfpool reconcile %s` sees to what is left",
			dom->name, dom->name);
}

static int connection_attach(struct virt *virt, const struct virt_dom *dom, const char *xml,
			     unsigned views, struct err **err)
{
	cleanup_virt_error virErrorPtr error = NULL;

	switch (ask(virDomainAttachDeviceFlags, dom, xml, views,
		    clock_now() + (msec)VIRT_PLUG_S * 1000, &error)) {
	case VIRT_DONE:
		return 0;
	case VIRT_SILENT:
		silent(dom, err);
		return err_wrap(err, "attaching a device to %s", dom->name);
	case VIRT_REFUSED:
		break;
	}
	virt_failed_change((struct connection *)virt, dom->handle, error, views, err);
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
			     unsigned view, msec deadline, struct err **err)
{
	struct connection *c = (struct connection *)virt;
	cleanup_virt_error virErrorPtr error = NULL;
	msec least = clock_now() + VIRT_ASK_MS;
	const char *message;

	switch (ask(virDomainDetachDeviceAlias, dom, alias, view,
		    deadline > least ? deadline : least, &error)) {
	case VIRT_DONE:
		return 0;
	case VIRT_SILENT:
		return silent(dom, err);
	case VIRT_REFUSED:
		break;
	}
	message = error->message ? error->message : "";
	if (strstr(message, "is already in the process of unplug"))
		return 0;
	if (is_no_such_alias(error, alias)) {
		err_set(err, ERR_ABSENT, "%s has no device %s", dom->name, alias);
		return -1;
	}
	virt_failed_change(c, dom->handle, error, view, err);
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
	virt_failed_change(c, dom->handle, error, VIEW_CONFIG, err);
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
	virt_failed_change((struct connection *)virt, dom->handle, error, views, err);
	return err_wrap(err, "writing the metadata of %s", dom->name);
}

static void connection_dom_release(struct virt *virt, struct virt_dom *dom)
{
	(void)virt;
	(void)virDomainFree(dom->handle);
}

/* Opening and closing */

static void connection_close(struct virt *virt)
{
	struct connection *c = (struct connection *)virt;

	if (!c)
		return;
	virt_stop_listening(c);
	(void)virConnectClose(c->conn);
	inbox_unref(c->inbox);
	free(c);
}

static const struct virt_ops connection_ops = {
	.uri = connection_uri,
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
	.save = virt_save,
	.saved_xml = virt_saved_xml,
	.restore = virt_restore,
	.snapshot_find = virt_snapshot_find,
	.snapshot_make = virt_snapshot_make,
	.snapshot_revert = virt_snapshot_revert,
	.watch = virt_watch,
	.watch_closely = virt_watch_closely,
	.follow = virt_follow,
	.job = virt_job,
	.move = virt_move,
	.published = virt_published,
	.publish = virt_publish,
	.withdraw = virt_withdraw,
	.next_event = virt_next_event,
	.rest = virt_rest,
	.dom_release = connection_dom_release,
	.close = connection_close,
};

int virt_open(const char *uri, struct virt **out, struct err **err)
{
	struct connection *c;
	virConnectPtr conn;
	int errnum;

	if (virt_load(err) < 0)
		return -1;
	errnum = virt_loop_start();
	if (errnum)
		return err_errno(err, errnum, "cannot start libvirt's event loop");
	conn = virConnectOpenAuth(uri, virConnectAuthPtrDefault, 0);
	if (!conn) {
		cleanup_virt_error virErrorPtr error = virt_last_error();

		return virt_cannot_connect(uri, error, err);
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
