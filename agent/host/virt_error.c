// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libvirt's words are translated by the daemon, in its own locale. So errors are told apart by
 * code and origin first, and by words only where they are QEMU's, or for advice.
 */
#include <errno.h>
#include <string.h>

#include "core/mem.h"
#include "host/virt_connection.h"

virErrorPtr virt_last_error(void)
{
	virErrorPtr error = virSaveLastError();

	return error ? error : mem_zero(1, sizeof(*error));
}

bool virt_is_lost(struct connection *c)
{
	return inbox_is_lost(c->inbox) || virConnectIsAlive(c->conn) == 0;
}

int virt_lost(struct err **err)
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
		virt_lost(err);
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

int virt_failed_change(struct connection *c, virDomainPtr dom, const virError *error,
		       unsigned views, struct err **err)
{
	const char *name = virDomainGetName(dom);

	if (error->code == VIR_ERR_OPERATION_INVALID && !virt_is_lost(c)) {
		if (views & VIEW_LIVE && virDomainIsActive(dom) == 0)
			return err_set(err, ERR_ABSENT, "%s is not running", name);
		if (views & VIEW_CONFIG && virDomainIsPersistent(dom) == 0)
			return err_set(err, ERR_ABSENT, "%s has no persistent definition", name);
	}
	return virt_failed(c, error, name, err);
}

int virt_cannot_connect(const char *uri, const virError *error, struct err **err)
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
