/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NUMA: which nodes a host has, and on which of them a guest runs. */
#ifndef VFPOOL_MODEL_NUMA_H
#define VFPOOL_MODEL_NUMA_H

#include <stddef.h>

#include "core/idset.h"
#include "model/domain.h"

struct numa_node {
	int id;
	struct idset cpus;
};

struct numa_nodes {
	struct numa_node *items; /* by id */
	size_t n;
};

void numa_nodes_clear(struct numa_nodes *nodes);

/*
 * The ids of the nodes where the guest runs by its placement: those of its vCPUs that have its
 * memory, too; where these two do not meet, or only one is said, those that are said, vCPUs before
 * memory. None: it may run anywhere. The caller frees the array.
 */
void numa_of_guest(const struct numa_nodes *nodes, const struct domain_view *view, int **out,
		   size_t *n);

#endif
