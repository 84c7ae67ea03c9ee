/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of the real host: what its parts (host.c, resolve.c, reading.c, changing.c) share. */
#ifndef VFPOOL_HOST_REAL_H
#define VFPOOL_HOST_REAL_H

#include "host/host.h"
#include "host/netlink.h"
#include "host/sysfs.h"

struct real_host {
	struct host host;
	struct sysfs *sysfs;
	struct netlink *netlink; /* NULL: a made tree, which is read only */
	const char *root;
	int uevents; /* -1: not watching */
};

static inline struct real_host *real(struct host *host)
{
	return (struct real_host *)host;
}

/* ERR_UNSUPPORTED on a made tree, else 0. */
int refuse_made_tree(const struct real_host *h, const char *what, struct err **err);

/*
 * The netdev of a PCI device, asked for by name: it costs the same on every host. 1: found; 0: it
 * has none here; -1: error.
 */
int link_of(struct real_host *h, struct pciaddr addr, struct link *out, struct err **err);

/* The same of a PF, with the settings of its VFs 0 to n-1: one request for both, where that can be.
 */
int link_and_vfs_of(struct real_host *h, const struct pf *pf, struct link *out,
		    struct vf_settings *vfs, size_t n, struct err **err);

int host_resolve(struct host *host, const char *name, struct pciaddr *pf, int *index,
		 struct err **err);
int host_find_pf(struct host *host, const char *name, struct pciaddr *pf, struct err **err);
int host_read_vf(struct host *host, const struct pf *pf, struct vf *vf, unsigned what,
		 struct err **err);
int host_read_pf(struct host *host, struct pciaddr addr, unsigned what, struct pf *out,
		 struct err **err);
int host_read_all(struct host *host, unsigned what, struct inventory *out, struct err **err);
int host_read_nodes(struct host *host, struct numa_nodes *out, struct err **err);
int host_read_bridge(struct host *host, const char *name, struct bridge *out, struct err **err);
int host_pf_up(struct host *host, const struct pf *pf, struct err **err);
int host_read_settings(struct host *host, const struct pf *pf, unsigned index,
		       struct vf_settings *out, struct err **err);
int host_apply(struct host *host, const struct pf *pf, unsigned index,
	       const struct vf_settings *want, struct err **err);

int host_set_num_vfs(struct host *host, const struct pf *pf, unsigned count, int keep,
		     msec deadline, struct err **err);
int host_read_home(struct host *host, struct pciaddr pf, enum vf_home *out, struct err **err);
int host_set_home(struct host *host, struct pciaddr pf, enum vf_home home, struct err **err);
int host_send_home(struct host *host, struct pciaddr vf, enum vf_home home, msec deadline,
		   struct err **err);
int host_wait_home(struct host *host, struct pciaddr vf, enum vf_home home, msec deadline,
		   struct err **err);
int host_persist(struct host *host, const struct persist *persist, char **path, struct err **err);
int host_forget(struct host *host, struct pciaddr pf, bool *was, struct err **err);
int host_read_keepers(struct host *host, struct keeper_facts *out, struct err **err);
int host_write_note(struct host *host, const struct resize_note *note, struct err **err);
int host_read_notes(struct host *host, struct resize_notes *out, struct err **err);
int host_drop_note(struct host *host, struct pciaddr pf, struct err **err);

#endif
