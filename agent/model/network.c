// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/network.h"

#include <stdlib.h>
#include <string.h>

void network_clear(struct network *network)
{
	free(network->name);
	free(network->bridge);
	free(network->no_vlan);
	free(network->no_vlan_next);
	*network = (struct network){0};
}

void networks_clear(struct networks *networks)
{
	for (size_t i = 0; i < networks->n; i++)
		network_clear(&networks->items[i]);
	free(networks->items);
	*networks = (struct networks){0};
}

const struct network *networks_find(const struct networks *networks, const char *name)
{
	for (size_t i = 0; i < networks->n; i++)
		if (!strcmp(networks->items[i].name, name))
			return &networks->items[i];
	return NULL;
}
