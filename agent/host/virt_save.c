// SPDX-License-Identifier: LGPL-2.1-or-later
/* A guest's state in a file. */
#include "core/cleanup.h"
#include "host/virt_connection.h"

static unsigned save_flags(unsigned flags)
{
	return (flags & VIRT_BYPASS_CACHE ? VIR_DOMAIN_SAVE_BYPASS_CACHE : 0) |
	       (flags & VIRT_RUNNING ? VIR_DOMAIN_SAVE_RUNNING : 0) |
	       (flags & VIRT_PAUSED ? VIR_DOMAIN_SAVE_PAUSED : 0);
}

int virt_save(struct virt *virt, const struct virt_dom *dom, const char *path, unsigned flags,
	      struct err **err)
{
	cleanup_virt_error virErrorPtr error = NULL;

	if ((path ? virDomainSaveFlags(dom->handle, path, NULL, save_flags(flags))
		  : virDomainManagedSave(dom->handle, save_flags(flags))) == 0)
		return 0;
	error = virt_last_error();
	virt_failed_change((struct connection *)virt, dom->handle, error, VIEW_LIVE, err);
	return err_wrap(err, "saving the state of %s", dom->name);
}

int virt_saved_xml(struct virt *virt, const char *path, char **out, struct err **err)
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

int virt_restore(struct virt *virt, const char *path, unsigned flags, struct err **err)
{
	cleanup_virt_error virErrorPtr error = NULL;

	if (virDomainRestoreFlags(conn_of(virt), path, NULL, save_flags(flags)) == 0)
		return 0;
	error = virt_last_error();
	virt_failed((struct connection *)virt, error, "", err);
	return err_wrap(err, "restoring the state in %s", path);
}
