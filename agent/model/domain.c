// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/domain.h"

#include <stdlib.h>
#include <string.h>

void domain_view_clear(struct domain_view *view)
{
	assignments_clear(&view->assignments);
	free(view->metadata_error);
	for (size_t i = 0; i < view->ndevices; i++) {
		free(view->devices[i].alias);
		free(view->devices[i].extra);
	}
	free(view->devices);
	free(view->standbys);
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

static bool view_has_mac(const struct domain_view *view, struct mac mac)
{
	for (size_t i = 0; i < view->nmacs; i++)
		if (mac_equal(view->macs[i], mac))
			return true;
	for (size_t i = 0; i < view->assignments.n; i++)
		if (mac_equal(view->assignments.items[i].mac, mac))
			return true;
	return false;
}

bool domain_has_mac(const struct domain *domain, struct mac mac)
{
	return view_has_mac(&domain->live, mac) || view_has_mac(&domain->config, mac);
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

struct standby *domain_view_standby(const struct domain_view *view, const char *id)
{
	for (size_t i = 0; i < view->nstandbys; i++)
		if (strcmp(view->standbys[i].id, id) == 0)
			return &view->standbys[i];
	return NULL;
}

bool device_can_follow(const struct device *device)
{
	return device->id[0] && !device->adopted && device->managed &&
	       device->form == FORM_INTERFACE;
}

static bool is_taken_with(const struct assignment *a, const struct device *device)
{
	return !device->id[0] && device->form == a->form &&
	       pciaddr_equal(device->host, a->adopted) &&
	       (device->form == FORM_HOSTDEV ||
		(device->mac_set && mac_equal(device->mac, a->mac)));
}

static void adopt(struct device *device, const char *id)
{
	memcpy(device->id, id, sizeof(device->id));
	device->adopted = true;
}

void domain_view_adopt_leaving(struct domain_view *view, const struct leases *leases)
{
	for (size_t i = 0; i < leases->n; i++) {
		const struct lease *lease = &leases->items[i];

		if (lease->state != LEASE_RELEASING || domain_view_device(view, lease->assignment))
			continue;
		for (size_t j = 0; j < view->ndevices; j++)
			if (!view->devices[j].id[0] &&
			    pciaddr_equal(view->devices[j].host, lease->vf))
				adopt(&view->devices[j], lease->assignment);
	}
}

void domain_view_adopt(struct domain_view *view, const struct assignments *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct assignment *a = &list->items[i];

		if (!a->adopted_set || domain_view_device(view, a->id))
			continue;
		for (size_t j = 0; j < view->ndevices; j++) {
			struct device *device = &view->devices[j];

			if (!is_taken_with(a, device))
				continue;
			adopt(device, a->id);
			break;
		}
	}
}
