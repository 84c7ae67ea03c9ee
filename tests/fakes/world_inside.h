/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of a world: what its parts share. world.c has the world itself, its clock and its locks,
 * and what other people do there; world_host.c the host's edge, world_vfs.c its VFs: how many there
 * are, what they are bound to and who has them; world_virt.c libvirt's edge, world_view.c the
 * definitions of domains, world_move.c their states that are saved, or move to another host, and
 * the network that tells of this one; world_store.c the store's edge; world_broken.c the
 * invariants.
 */
#ifndef VFPOOL_TESTS_FAKES_WORLD_INSIDE_H
#define VFPOOL_TESTS_FAKES_WORLD_INSIDE_H

#include "fakes/world.h"
#include "model/domain.h"

#define WORLD_OF(edge, member) ((struct world *)((char *)(edge)-offsetof(struct world, member)))

extern const struct host_ops world_host_ops;
extern const struct virt_ops world_virt_ops;
extern const struct store_ops world_store_ops;

/* Every call of an edge passes here first. */
int world_call(struct world *w, const char *name, struct err **err);

/* The one where things are done now: see world_enter(). */
struct world *world_current(void);

/* VFs. */

/* NULL: it is not there. place (can be NULL): which of all VFs it is. */
struct vf *world_vf(struct world *w, struct pciaddr addr, size_t *place);
struct pf *world_pf_of(struct world *w, struct pciaddr vf);

/* What an idle VF of the PF is bound to; NULL: nothing. */
const char *world_home_driver(const struct world *w, const struct pf *pf);

struct mac world_mac_number(unsigned n);

/* What a VF starts with. */
struct mac world_vf_mac(const struct pf *pf, unsigned index);

/* Adds VFs until the PF has so many. */
void world_make_vfs(struct world *w, struct pf *pf, unsigned count);
void world_free_vf(struct vf *vf);

bool world_in_guest(const struct world *w, struct pciaddr vf);

/* The same, or libvirt says so. */
bool world_in_use(const struct world *w, struct pciaddr vf);

/* What libvirt does with a VF that it gives to a guest as this device, and takes back from it. */
void world_plug(struct world *w, struct vf *vf, const struct device *device);
void world_give_back(struct world *w, struct pciaddr host, const char *xml);

/* The host's calls that concern them. */

int world_host_wait_driver(struct host *host, struct pciaddr addr, const char *driver,
			   msec deadline, struct err **err);
int world_host_wait_named(struct host *host, struct pciaddr addr, msec deadline, struct err **err);
int world_host_set_num_vfs(struct host *host, const struct pf *known, unsigned count, int keep,
			   msec deadline, struct err **err);
int world_host_read_home(struct host *host, struct pciaddr pf, enum vf_home *out, struct err **err);
int world_host_set_home(struct host *host, struct pciaddr pf, enum vf_home home, struct err **err);
int world_host_send_home(struct host *host, struct pciaddr addr, enum vf_home home, msec deadline,
			 struct err **err);
int world_host_wait_home(struct host *host, struct pciaddr addr, enum vf_home home, msec deadline,
			 struct err **err);

/* Views of domains: which is VIEW_LIVE or VIEW_CONFIG. */

struct fake_view *world_view_of(struct fake_domain *d, unsigned which);
char *world_view_xml(const struct fake_domain *d, const struct fake_view *view);
struct fake_view world_view_copy(const struct fake_view *from);
void world_view_clear(struct fake_view *view);

void world_view_add(struct fake_view *view, const char *xml, const struct device *device);
int world_view_find(const struct fake_view *view, const char *alias); /* -1: it has none */
void world_view_remove(struct fake_view *view, int i);

/* A device element as the real parser sees it. */
struct device world_device_parse(const char *xml);

/* The id of the standby NIC that a device element is; false: it is none. */
bool world_standby_parse(const char *xml, char id[ASSIGNMENT_ID_SIZE]);
bool world_is_standby(const struct fake_device *device);

/* libvirt's calls about a domain's state, its move, and the network that tells of the host. */

int world_virt_save(struct virt *virt, const struct virt_dom *dom, const char *path, unsigned flags,
		    struct err **err);
int world_virt_saved_xml(struct virt *virt, const char *path, char **out, struct err **err);
int world_virt_restore(struct virt *virt, const char *path, unsigned flags, struct err **err);
int world_virt_snapshot_find(struct virt *virt, const struct virt_dom *dom, const char *name,
			     struct err **err);
int world_virt_snapshot_make(struct virt *virt, const struct virt_dom *dom, const char *xml,
			     unsigned flags, char **name, struct err **err);
int world_virt_snapshot_revert(struct virt *virt, const struct virt_dom *dom, const char *name,
			       unsigned flags, struct err **err);
int world_virt_published(struct virt *virt, char **xml, bool *active, struct err **err);
int world_virt_publish(struct virt *virt, const char *xml, struct err **err);
int world_virt_withdraw(struct virt *virt, struct err **err);
int world_virt_job(struct virt *virt, const struct virt_dom *dom, struct virt_progress *out,
		   struct err **err);
int world_virt_move(struct virt *virt, const struct virt_dom *dom, struct virt *there,
		    const struct virt_move *move, const struct virt_mover *mover, struct err **err);

#endif
