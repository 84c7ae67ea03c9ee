/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is to know of the networks that standbys are to go to. */
#ifndef VFPOOL_CONVERGE_NETWORKS_H
#define VFPOOL_CONVERGE_NETWORKS_H

#include "core/err.h"
#include "host/edges.h"
#include "model/network.h"

/* Adds a network by its name, unless it is there. One that libvirt does not know is added, too. */
int networks_gather(struct edges *edges, const char *name, struct networks *out, struct err **err);

#endif
