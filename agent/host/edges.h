/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that a converge may touch outside itself. Not owned: whoever opened them closes them. */
#ifndef VFPOOL_HOST_EDGES_H
#define VFPOOL_HOST_EDGES_H

#include "core/clock.h"
#include "host/host.h"
#include "host/memo.h"
#include "host/store.h"
#include "host/virt.h"
#include "model/pool.h"

struct edges {
	struct host *host;
	struct virt *virt; /* NULL where a command does without libvirt */
	struct store *store;
	const struct pools *pools; /* the defined pools; NULL: none */
	msec (*now)(void);         /* clock_now, but in tests */
	int64_t (*wall)(void);     /* clock_wall, likewise */
	int (*lock)(const char *name, msec deadline, int *fd, struct err **err);  /* lock_take */
	int (*connect)(const char *uri, struct virt **out, struct err **err);     /* virt_open */
	int (*share)(const char *name, msec deadline, int *fd, struct err **err); /* lock_share */
	const struct memo *memo; /* memo_here; NULL: nothing is noted for who asks next */
};

#endif
