// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/history.h"

#include <stdlib.h>

void history_clear(struct history *history)
{
	for (size_t i = 0; i < history->n; i++) {
		struct history_event *event = &history->items[i];

		free(event->domain_name);
		free(event->was);
		free(event->now);
		free(event->reason);
		free(event->cause);
	}
	free(history->items);
	*history = (struct history){0};
}
