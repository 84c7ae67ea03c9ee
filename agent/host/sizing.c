// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The number of a PF's VFs, and what they are bound to.
 *
 * A write to sriov_numvfs can wait in the kernel for as long as somebody has a VF open, and one to
 * a driver's unbind as well. So each write is made by a child that can be left behind.
 */
#include "host/sizing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "host/child.h"
#include "host/facts.h"
#include "host/file.h"
#include "host/lock.h"
#include "host/persist.h"
#include "host/real.h"
#include "host/uevent.h"

#define VFIO "vfio-pci"
#define MODPROBE_MS 10000
#define SMALL_WRITE_MS 10000 /* of what does not depend on how many VFs there are */

/* Prefixes of files in LOCK_DIR, with the PF's address behind. */
#define NOTE "resizing-"
#define PREBOUND "prebound-"

/* errno values that the kernel should keep to itself, and some drivers do not. */
#define KERNEL_ENOTSUPP 524

static char *pci_path(const struct real_host *h, struct pciaddr addr, const char *file)
{
	return mem_printf("%s/bus/pci/devices/%s/%s", h->root, pciaddr_str(addr), file);
}

/* 0 or an errno. */
static int write_file(const char *path, const char *text, int keep, msec deadline,
		      struct child_result *result)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	*result = (struct child_result){.end = CHILD_REFUSED};
	if (fd < 0)
		return result->error = errno;
	*result = child_write(fd, text, keep, deadline);
	switch (result->end) {
	case CHILD_DONE:
		return 0;
	case CHILD_REFUSED:
		return result->error;
	case CHILD_STOPPED:
	case CHILD_HANGS:
		break;
	}
	return ETIMEDOUT;
}

/* What the kernel has to say */

static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		(void)lseek(fd, 0, SEEK_END);
	return fd;
}

/* Its own words about this device since log_open(): drivers say there why they refuse. */
static void log_quote(int fd, struct pciaddr device, struct err **err)
{
	char record[8192];
	ssize_t size;

	/* EPIPE: the oldest records were overwritten meanwhile; what follows is there. */
	while ((size = read(fd, record, sizeof(record) - 1)) > 0 || (size < 0 && errno == EPIPE)) {
		char *text;

		if (size < 0)
			continue;
		record[size] = '\0';
		text = strchr(record, ';');
		if (!text || !strstr(text, pciaddr_str(device)))
			continue;
		text[strcspn(text, "\n")] = '\0';
		err_detail(err, "the kernel says: %s", text + 1);
	}
}

static int refused_by_driver(const struct pf *pf, unsigned count, int error, struct err **err)
{
	const char *driver = pf->driver ? pf->driver : "none";

	err_errno(err, error, "the driver of %s (%s) refuses %u VFs", pf_str(pf), driver, count);
	return err_next(err,
			"`journalctl -k -g %s` may say why; a setting of the card's firmware or of "
			"the driver can be against it",
			pciaddr_str(pf->addr));
}

int sizing_refused(const struct pf *pf, unsigned count, int error, struct err **err)
{
	const char *name = pf_str(pf), *driver = pf->driver ? pf->driver : "none";

	switch (error) {
	case ENOENT:
		if (!pf->driver) {
			err_set(err, ERR_FAILED, "no driver is bound to %s", name);
			return err_next(err,
					"bind its driver: echo %s > /sys/bus/pci/drivers_probe",
					pciaddr_str(pf->addr));
		}
		/* fall through */
	case ENOSYS:
	case EOPNOTSUPP:
	case KERNEL_ENOTSUPP:
		err_set(err, ERR_UNSUPPORTED, "the driver of %s (%s) makes no VFs", name, driver);
		return err_next(
			err,
			"`vfpool check %s` says whether SR-IOV is to be turned on in the card's "
			"own firmware; else the driver is an older or a simpler one",
			name);
	case ENODEV:
	case ENXIO:
		err_set(err, ERR_ABSENT, "%s has vanished from the PCI bus", name);
		return err_next(
			err, "`journalctl -k` says why; echo 1 > /sys/bus/pci/rescan may find it "
			     "again");
	case ERANGE:
		err_set(err, ERR_FAILED, "%s cannot have %u VFs, but %u at most", name, count,
			pf->total_vfs);
		return err_next(err,
				"ask for %u or fewer, or raise the limit in the card's firmware",
				pf->total_vfs);
	case EBUSY:
		if (count) {
			err_set(err, ERR_FAILED, "%s has got VFs from somebody else just now",
				name);
			return err_next(err,
					"see `vfpool set-vfs %s --show`, and repeat the command",
					name);
		}
		err_set(err, ERR_FAILED, "the driver of %s (%s) says that its VFs are in use", name,
			driver);
		return err_next(err, "see `vfpool list %s` for who has them", name);
	case EAGAIN:
		err_set(err, ERR_FAILED, "the driver of %s (%s) is busy, as after a reset", name,
			driver);
		return err_next(err, "wait a moment, and repeat the command");
	case ENOSPC:
	case ENOMEM:
		err_set(err, ERR_FAILED,
			"there is no room for %u VFs of %s: PCI addresses, memory or "
			"queues",
			count, name);
		return err_next(
			err, "ask for fewer; or switch on SR-IOV and \"above 4G decoding\" in the "
			     "firmware's setup; or boot with the kernel argument pci=realloc");
	case EROFS:
		err_set(err, ERR_FAILED, "sysfs is read-only here");
		return err_next(err, "run it on the host itself, not in a container");
	case EACCES:
		err_set(err, ERR_FAILED, "it is not allowed to write sysfs");
		return err_next(err, "run it as root, on the host itself");
	case ETIMEDOUT:
		err_set(err, ERR_FAILED,
			"the kernel was not ready in time with the VFs of %s, and "
			"was interrupted",
			name);
		return err_next(err, "`journalctl -k -g %s` may say why; give a longer --timeout",
				pciaddr_str(pf->addr));
	default:
		return refused_by_driver(pf, count, error, err);
	}
}

int host_set_num_vfs(struct host *host, const struct pf *pf, unsigned count, int keep,
		     msec deadline, struct err **err)
{
	struct real_host *h = real(host);
	cleanup_free char *path = pci_path(h, pf->addr, "sriov_numvfs");
	cleanup_free char *text = mem_printf("%u", count);
	cleanup_close int log = -1;
	struct child_result result;
	int error;

	if (refuse_made_tree(h, "a change", err))
		return -1;
	log = log_open();
	error = write_file(path, text, keep, deadline, &result);
	if (!error)
		return 0;
	if (result.end == CHILD_HANGS) {
		if (keep >= 0)
			lock_hand_to(keep, result.pid);
		err_set(err, ERR_TIMEOUT,
			"the kernel has not finished %s the VFs of %s: process %d waits in it",
			count ? "making" : "removing", pf_str(pf), (int)result.pid);
		err_next(err,
			 "somebody may still have a VF open: `fuser -v /dev/vfio/*` shows whom");
	} else {
		/* The file goes with the device. */
		if (error == ENOENT && !sysfs_present(h->sysfs, pf->addr))
			error = ENODEV;
		sizing_refused(pf, count, error, err);
	}
	log_quote(log, pf->addr, err);
	return -1;
}

/* Homes */

static char *prebound_path(struct pciaddr pf)
{
	return mem_printf(LOCK_DIR "/" PREBOUND "%s", pciaddr_str(pf));
}

bool sizing_prebound(struct pciaddr pf)
{
	cleanup_free char *path = prebound_path(pf);

	return !access(path, F_OK) || persist_prebinds("", pf);
}

int host_read_home(struct host *host, struct pciaddr pf, enum vf_home *out, struct err **err)
{
	struct real_host *h = real(host);
	cleanup_free char *path = pci_path(h, pf, "sriov_drivers_autoprobe");
	cleanup_free char *text = NULL;
	cleanup_err struct err *why = NULL;

	if (h->netlink && sizing_prebound(pf)) {
		*out = VF_HOME_VFIO;
		return 0;
	}
	/* Kernels before 4.12 always bind them. */
	if (file_read(path, &text, &why) && why->code != ERR_ABSENT)
		return err_pass(err, steal(&why));
	*out = text && text[0] == '0' ? VF_HOME_NONE : VF_HOME_HOST;
	return 0;
}

static int set_autoprobe(struct real_host *h, struct pciaddr pf, bool on, struct err **err)
{
	cleanup_free char *path = pci_path(h, pf, "sriov_drivers_autoprobe");
	struct child_result result;
	int error = write_file(path, on ? "1" : "0", -1, clock_now() + SMALL_WRITE_MS, &result);

	if (!error || (error == ENOENT && on))
		return 0;
	if (error == ENOENT)
		return err_set(err, ERR_UNSUPPORTED,
			       "this kernel cannot keep drivers from new VFs (%s is not there)",
			       path);
	return err_errno(err, error, "writing %s", path);
}

static int need_vfio(struct real_host *h, struct err **err)
{
	cleanup_free char *path = mem_printf("%s/bus/pci/drivers/" VFIO, h->root), *words = NULL;

	if (!access(path, F_OK))
		return 0;
	if (!child_run((const char *const[]){"modprobe", VFIO, NULL}, clock_now() + MODPROBE_MS,
		       &words, err) &&
	    !access(path, F_OK))
		return 0;
	if (err && !*err)
		err_set(err, ERR_UNSUPPORTED, "this kernel has no " VFIO);
	err_wrap(err, "loading the driver " VFIO);
	return err_next(err, "`modprobe " VFIO "` says more");
}

int host_set_home(struct host *host, struct pciaddr pf, enum vf_home home, struct err **err)
{
	struct real_host *h = real(host);
	cleanup_free char *name = mem_printf(PREBOUND "%s", pciaddr_str(pf));
	bool was;

	if (refuse_made_tree(h, "a change", err))
		return -1;
	if (home != VF_HOME_VFIO)
		return set_autoprobe(h, pf, home == VF_HOME_HOST, err) ||
				       file_remove(LOCK_DIR, name, &was, err)
			       ? -1
			       : 0;
	/* With a driver_override the kernel binds in spite of that; so no other driver comes first.
	 */
	return need_vfio(h, err) || file_replace(LOCK_DIR, name, "", err) ||
			       set_autoprobe(h, pf, false, err)
		       ? -1
		       : 0;
}

/* One of the three writes that move a device between drivers. */
static int bind_write(struct pciaddr vf, const char *path, const char *text, msec deadline,
		      struct err **err)
{
	struct child_result result;
	int error = write_file(path, text, -1, deadline, &result);

	if (!error)
		return 0;
	err_errno(err, error, "writing %s for VF %s", path, pciaddr_str(vf));
	if (result.end == CHILD_HANGS)
		err_detail(err, "process %d waits in the kernel for it", (int)result.pid);
	return -1;
}

static int unbind(struct real_host *h, struct pciaddr vf, msec deadline, struct err **err)
{
	cleanup_free char *path = pci_path(h, vf, "driver/unbind");
	cleanup_err struct err *why = NULL;

	/* Somebody else can have unbound it just now. */
	if (!bind_write(vf, path, pciaddr_str(vf), deadline, &why) || access(path, F_OK))
		return 0;
	return err_pass(err, steal(&why));
}

static bool is_home(const char *bound, enum vf_home home)
{
	switch (home) {
	case VF_HOME_HOST:
		return bound && !driver_is_userspace(bound);
	case VF_HOME_NONE:
		return !bound;
	case VF_HOME_VFIO:
		return bound && !strcmp(bound, VFIO);
	}
	return false;
}

/* What is still missing, in words; NULL: nothing. */
static char *missing(struct real_host *h, struct pciaddr vf, enum vf_home home)
{
	cleanup_free char *bound = sysfs_driver(h->sysfs, vf);
	cleanup_names struct names names = {0};

	/* Some drivers refuse VFs that are not set up yet, and nothing tells when they have. */
	if (home == VF_HOME_HOST && !bound && !sysfs_is_network(h->sysfs, vf))
		return NULL;
	if (!is_home(bound, home))
		return bound ? mem_printf("it is bound to %s", bound)
			     : mem_strdup("no driver is bound to it");
	if (home != VF_HOME_HOST || !sysfs_is_network(h->sysfs, vf))
		return NULL;
	/* The driver's link is there before its probe has run; the netdev shows that it has. */
	names = sysfs_netdevs(h->sysfs, vf);
	return names.n ? NULL : mem_printf("it is bound to %s but has no netdev", bound);
}

int host_send_home(struct host *host, struct pciaddr vf, enum vf_home home, msec deadline,
		   struct err **err)
{
	struct real_host *h = real(host);
	cleanup_free char *override = pci_path(h, vf, "driver_override");
	cleanup_free char *probe = mem_printf("%s/bus/pci/drivers_probe", h->root);
	cleanup_free char *bound = sysfs_driver(h->sysfs, vf);

	if (refuse_made_tree(h, "a change", err))
		return -1;
	/* An empty line takes it away. */
	if (bind_write(vf, override, home == VF_HOME_VFIO ? VFIO : "\n", deadline, err))
		return -1;
	if (is_home(bound, home))
		return 0;
	if (bound && unbind(h, vf, deadline, err))
		return -1;
	return home == VF_HOME_NONE ? 0 : bind_write(vf, probe, pciaddr_str(vf), deadline, err);
}

int host_wait_home(struct host *host, struct pciaddr vf, enum vf_home home, msec deadline,
		   struct err **err)
{
	struct real_host *h = real(host);

	if (host->ops->watch(host, err))
		return -1;
	for (;;) {
		cleanup_free char *what = NULL;
		int got;

		if (!sysfs_present(h->sysfs, vf))
			return err_set(err, ERR_ABSENT, "VF %s is gone", pciaddr_str(vf));
		what = missing(h, vf, home);
		if (!what)
			return 0;
		got = uevent_wait(h->uevents, vf, deadline, err);
		if (got < 0)
			return -1;
		if (!got)
			return err_set(err, ERR_TIMEOUT, "VF %s: %s", pciaddr_str(vf), what);
	}
}

/* Across reboots */

int host_persist(struct host *host, const struct persist *persist, char **path, struct err **err)
{
	return refuse_made_tree(real(host), "a change", err)
		       ? -1
		       : persist_write("", persist, path, err);
}

int host_forget(struct host *host, struct pciaddr pf, bool *was, struct err **err)
{
	return refuse_made_tree(real(host), "a change", err) ? -1
							     : persist_forget("", pf, was, err);
}

int host_read_keepers(struct host *host, struct keeper_facts *out, struct err **err)
{
	*out = (struct keeper_facts){0};
	return real(host)->netlink ? facts_read_keepers(NULL, out, err) : 0;
}

/* Notes */

/* One that cannot be read must not stop what is owed by the others. */
static void add_note(struct resize_notes *notes, const char *name)
{
	cleanup_free char *path = mem_printf(LOCK_DIR "/%s", name), *text = NULL;
	cleanup_err struct err *why = NULL;
	struct resize_note note;

	if (!file_read(path, &text, &why) && !resize_note_parse(text, &note, &why))
		*(struct resize_note *)mem_append(&notes->items, &notes->n, sizeof(note)) = note;
	else if (why->code != ERR_ABSENT)
		log_warn("%s is passed over: %s; remove it, and see that no guest's metadata says "
			 "that something is parked for a resize",
			 path, why->what);
}

int host_write_note(struct host *host, const struct resize_note *note, struct err **err)
{
	cleanup_free char *name = mem_printf(NOTE "%s", pciaddr_str(note->pf));
	cleanup_free char *text = resize_note_format(note);

	(void)host;
	return file_replace(LOCK_DIR, name, text, err);
}

int host_read_notes(struct host *host, struct resize_notes *out, struct err **err)
{
	struct names names = {0};

	*out = (struct resize_notes){0};
	/* Another machine's tree has nothing to do with what this one owes. */
	if (!real(host)->netlink)
		return 0;
	if (file_list(LOCK_DIR, NOTE, &names, err))
		return -1;
	for (size_t i = 0; i < names.n; i++)
		add_note(out, names.items[i]);
	names_clear(&names);
	return 0;
}

int host_drop_note(struct host *host, struct pciaddr pf, struct err **err)
{
	cleanup_free char *name = mem_printf(NOTE "%s", pciaddr_str(pf));
	bool was;

	(void)host;
	return file_remove(LOCK_DIR, name, &was, err);
}
