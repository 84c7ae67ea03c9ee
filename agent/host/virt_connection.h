/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of the real connection to libvirt: what its parts (virt*.c) share. */
#ifndef VFPOOL_HOST_VIRT_CONNECTION_H
#define VFPOOL_HOST_VIRT_CONNECTION_H

#include <stdbool.h>

#include "core/cleanup.h"
#include "host/virt.h"
#include "host/virt_load.h"

struct inbox;

struct connection {
	struct virt virt;
	virConnectPtr conn;
	struct inbox *inbox;
	bool listening; /* to its close */
	int stop;       /* what follow() got; -1: nothing */
	int callbacks[8];
};

static inline virConnectPtr conn_of(struct virt *virt)
{
	return ((struct connection *)virt)->conn;
}

static inline void cleanup_virt_error_pointer(virErrorPtr *error)
{
	virFreeError(*error);
}
#define cleanup_virt_error cleanup(cleanup_virt_error_pointer)

/* What this thread's last call failed with; never NULL. */
virErrorPtr virt_last_error(void);

/* It broke, by itself. */
bool virt_is_lost(struct connection *c);

/* Makes an error of libvirt's, with its own words; name is the domain's, "" for none. Returns -1.
 */
int virt_failed(struct connection *c, const virError *error, const char *name, struct err **err);

/* The parts, as struct virt_ops has them. */
int virt_network(struct virt *virt, const char *name, char **xml, bool *active,
		 unsigned long *version, struct err **err);
int virt_snapshot_find(struct virt *virt, const struct virt_dom *dom, const char *name,
		       struct err **err);
int virt_snapshot_make(struct virt *virt, const struct virt_dom *dom, const char *xml,
		       unsigned flags, char **name, struct err **err);
int virt_snapshot_revert(struct virt *virt, const struct virt_dom *dom, const char *name,
			 unsigned flags, struct err **err);
int virt_job(struct virt *virt, const struct virt_dom *dom, struct virt_progress *out,
	     struct err **err);
int virt_move(struct virt *virt, const struct virt_dom *dom, struct virt *there,
	      const struct virt_move *move, const struct virt_mover *mover, struct err **err);
int virt_published(struct virt *virt, char **xml, bool *active, struct err **err);
int virt_publish(struct virt *virt, const char *xml, struct err **err);
int virt_withdraw(struct virt *virt, struct err **err);

#endif
