/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of the real connection to libvirt: what its parts (virt*.c) share. */
#ifndef VFPOOL_HOST_VIRT_CONNECTION_H
#define VFPOOL_HOST_VIRT_CONNECTION_H

#include <stdbool.h>

#include "core/cleanup.h"
#include "host/virt.h"
#include "host/virt_load.h"

/*
 * What the event loop and a connection share; it stays until libvirt has dropped its callbacks
 * (virt_event.c).
 */
struct inbox;

struct inbox *inbox_new(void);
void inbox_unref(void *opaque);

/* The connection is closed, and not by us. */
bool inbox_is_lost(struct inbox *inbox);

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

/* What this thread's last call failed with; never NULL, so that what failed without a word can be
 * treated alike. virt_error.c has these. */
virErrorPtr virt_last_error(void);

/* It broke, by itself. */
bool virt_is_lost(struct connection *c);

/* Makes an error of libvirt's, with its own words; name is the domain's, "" for none. Returns -1.
 */
int virt_failed(struct connection *c, const virError *error, const char *name, struct err **err);

/*
 * As virt_failed(), for what was to change a domain: one that has stopped or lost its definition in
 * the meantime is an answer of its own.
 */
int virt_failed_change(struct connection *c, virDomainPtr dom, const virError *error,
		       unsigned views, struct err **err);

/* The connection broke. Returns -1. */
int virt_lost(struct err **err);

/* There was none. Returns -1. */
int virt_cannot_connect(const char *uri, const virError *error, struct err **err);

/* Nothing more goes into its inbox. */
void virt_stop_listening(struct connection *c);

/* The parts, as struct virt_ops has them. */
int virt_watch(struct virt *virt, struct err **err);
int virt_watch_closely(struct virt *virt, struct err **err);
int virt_follow(struct virt *virt, int stop, struct err **err);
int virt_next_event(struct virt *virt, msec deadline, struct virt_event *out, struct err **err);
bool virt_rest(struct virt *virt);
int virt_save(struct virt *virt, const struct virt_dom *dom, const char *path, unsigned flags,
	      struct err **err);
int virt_saved_xml(struct virt *virt, const char *path, char **out, struct err **err);
int virt_restore(struct virt *virt, const char *path, unsigned flags, struct err **err);
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
