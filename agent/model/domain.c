// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/domain.h"

#include <stdlib.h>
#include <string.h>

void domain_view_clear(struct domain_view *view)
{
	assignments_clear(&view->assignments);
	free(view->metadata_error);
	free(view->devices);
	free(view->macs);
	free(view->free_slots);
	free(view->cpus);
	free(view->nodes);
	memset(view, 0, sizeof(*view));
}

void domain_clear(struct domain *domain)
{
	free(domain->name);
	domain_view_clear(&domain->live);
	domain_view_clear(&domain->config);
	memset(domain, 0, sizeof(*domain));
}

struct device *domain_view_device(const struct domain_view *view, const char *id)
{
	/* A foreign device has no id, and an empty id names none. */
	if (!*id)
		return NULL;
	for (size_t i = 0; i < view->ndevices; i++)
		if (strcmp(view->devices[i].id, id) == 0)
			return &view->devices[i];
	return NULL;
}
