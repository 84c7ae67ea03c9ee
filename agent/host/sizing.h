/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of the real host: making and removing VFs, and what they are bound to. */
#ifndef VFPOOL_HOST_SIZING_H
#define VFPOOL_HOST_SIZING_H

#include "host/host.h"

/*
 * What an errno means that the kernel gave for a count, in words that one can act on; -1. error
 * ETIMEDOUT: it was interrupted at the deadline.
 */
int sizing_refused(const struct pf *pf, unsigned count, int error, struct err **err);

/* Have the VFs of this PF been bound to vfio-pci by us, to wait there? */
bool sizing_prebound(struct pciaddr pf);

int host_set_num_vfs(struct host *host, const struct pf *pf, unsigned count, int keep,
		     msec deadline, struct err **err);
int host_read_home(struct host *host, struct pciaddr pf, enum vf_home *out, struct err **err);
int host_set_home(struct host *host, struct pciaddr pf, enum vf_home home, struct err **err);
int host_send_home(struct host *host, struct pciaddr vf, enum vf_home home, msec deadline,
		   struct err **err);
int host_wait_home(struct host *host, struct pciaddr vf, enum vf_home home, msec deadline,
		   struct err **err);
char *host_user_of(struct host *host, const struct vf *vf);
int host_persist(struct host *host, const struct persist *persist, char **path, struct err **err);
int host_forget(struct host *host, struct pciaddr pf, bool *was, struct err **err);
int host_write_note(struct host *host, const struct resize_note *note, struct err **err);
int host_read_notes(struct host *host, struct resize_notes *out, struct err **err);
int host_drop_note(struct host *host, struct pciaddr pf, struct err **err);

#endif
