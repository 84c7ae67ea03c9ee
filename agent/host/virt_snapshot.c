// SPDX-License-Identifier: LGPL-2.1-or-later
/* Snapshots of a guest, which libvirt keeps by name. */
#include "core/cleanup.h"
#include "core/mem.h"
#include "host/virt_connection.h"

static void cleanup_snapshot_pointer(virDomainSnapshotPtr *snapshot)
{
	if (*snapshot)
		(void)virDomainSnapshotFree(*snapshot);
}
#define cleanup_snapshot cleanup(cleanup_snapshot_pointer)

static int failed(struct virt *virt, const struct virt_dom *dom, struct err **err)
{
	cleanup_virt_error virErrorPtr error = virt_last_error();

	return virt_failed((struct connection *)virt, error, dom->name, err);
}

static virDomainSnapshotPtr look_up(const struct virt_dom *dom, const char *name)
{
	return name ? virDomainSnapshotLookupByName(dom->handle, name, 0)
		    : virDomainSnapshotCurrent(dom->handle, 0);
}

int virt_snapshot_find(struct virt *virt, const struct virt_dom *dom, const char *name,
		       struct err **err)
{
	cleanup_snapshot virDomainSnapshotPtr snapshot = look_up(dom, name);

	return snapshot ? 0 : failed(virt, dom, err);
}

int virt_snapshot_make(struct virt *virt, const struct virt_dom *dom, const char *xml,
		       unsigned flags, char **name, struct err **err)
{
	static const struct {
		unsigned ours, libvirts;
	} same[] = {
		{VIRT_SNAPSHOT_LIVE, VIR_DOMAIN_SNAPSHOT_CREATE_LIVE},
		{VIRT_SNAPSHOT_REUSE, VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT},
		{VIRT_SNAPSHOT_ATOMIC, VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC},
		{VIRT_SNAPSHOT_NO_METADATA, VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA},
	};
	cleanup_snapshot virDomainSnapshotPtr snapshot = NULL;
	unsigned all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (flags & same[i].ours)
			all |= same[i].libvirts;
	snapshot = virDomainSnapshotCreateXML(dom->handle, xml, all);
	if (!snapshot)
		return failed(virt, dom, err);
	*name = mem_strdup(virDomainSnapshotGetName(snapshot));
	return 0;
}

int virt_snapshot_revert(struct virt *virt, const struct virt_dom *dom, const char *name,
			 unsigned flags, struct err **err)
{
	cleanup_snapshot virDomainSnapshotPtr snapshot = look_up(dom, name);
	unsigned all = (flags & VIRT_RUNNING ? VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING : 0) |
		       (flags & VIRT_PAUSED ? VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED : 0) |
		       (flags & VIRT_SNAPSHOT_FORCE ? VIR_DOMAIN_SNAPSHOT_REVERT_FORCE : 0);

	return snapshot && virDomainRevertToSnapshot(snapshot, all) == 0 ? 0
									 : failed(virt, dom, err);
}
