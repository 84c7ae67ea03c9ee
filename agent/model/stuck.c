// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/stuck.h"

#include <stdlib.h>

void stuck_guests_clear(struct stuck_guests *guests)
{
	for (size_t i = 0; i < guests->n; i++) {
		free(guests->items[i].name);
		free(guests->items[i].reason);
	}
	free(guests->items);
	*guests = (struct stuck_guests){0};
}
