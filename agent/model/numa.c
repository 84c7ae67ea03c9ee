// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/numa.h"

#include <stdlib.h>

#include "core/mem.h"

void numa_nodes_clear(struct numa_nodes *nodes)
{
	free(nodes->items);
	*nodes = (struct numa_nodes){0};
}

void numa_of_guest(const struct numa_nodes *nodes, const struct domain_view *view, int **out,
		   size_t *n)
{
	bool by_cpus = false, by_both = false;

	*out = NULL;
	*n = 0;
	for (size_t i = 0; i < nodes->n; i++) {
		const struct numa_node *node = &nodes->items[i];
		bool cpus = view->cpus && idset_meets(view->cpus, &node->cpus);
		bool memory = view->nodes && idset_has(view->nodes, (unsigned)node->id);

		by_cpus |= cpus;
		by_both |= cpus && memory;
	}
	for (size_t i = 0; i < nodes->n; i++) {
		const struct numa_node *node = &nodes->items[i];
		bool cpus = view->cpus && idset_meets(view->cpus, &node->cpus);
		bool memory = view->nodes && idset_has(view->nodes, (unsigned)node->id);

		if (by_both ? cpus && memory : by_cpus ? cpus : memory)
			*(int *)mem_append(out, n, sizeof(**out)) = node->id;
	}
	/* On all of them is anywhere. */
	if (*n == nodes->n) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
}
