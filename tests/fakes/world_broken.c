/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fakes/world_inside.h"

#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/domain.h"

static const char *broken_standby(const struct domain_view *view, const struct assignment *a,
				  bool parked)
{
	const struct standby *standby = domain_view_standby(view, a->id);

	if (!a->standby)
		return standby ? "a standby is there that nobody asked for" : NULL;
	if (!standby)
		return parked ? NULL : "an assignment has no standby";
	if (!a->standby_guest_set || !standby->guest_set ||
	    !pciaddr_equal(a->standby_guest, standby->guest))
		return "a standby's guest address is not what is recorded";
	return NULL;
}

static const char *broken_view(struct world *w, const struct fake_domain *d, unsigned which)
{
	const struct fake_view *fake = which == VIEW_LIVE ? &d->live : &d->config;
	cleanup_free char *xml = world_view_xml(d, fake);
	struct domain_view view = {0};
	const char *broken = NULL;

	if (!fake->present)
		return NULL;
	if (domain_xml_parse(xml, &view, NULL) || view.metadata_error)
		broken = "the domain's XML or metadata is not valid";
	for (size_t i = 0; !broken && i < view.ndevices; i++) {
		const struct device *device = &view.devices[i];
		const struct assignment *a = assignments_find(&view.assignments, device->id);
		const struct lease *lease = leases_by_assignment(&w->leases, device->id);

		if (!device->id[0])
			continue;
		if (!a)
			broken = "a device of ours has no assignment";
		else if (!lease || !pciaddr_equal(lease->vf, device->host))
			broken = "a device of ours has no lease on its VF";
		else if (lease->state != LEASE_HELD)
			broken = "the lease of a device is not held";
		else if (!a->guest_set || !pciaddr_equal(a->guest, device->guest))
			broken = "an assignment's guest address is not its device's";
		else if (!world_vf(w, device->host, NULL))
			broken = "a device of ours has a VF that is not there";
		else if (!world_pf_of(w, device->host)->nic)
			broken = mac_is_zero(a->mac) ? NULL : "a VF that is no NIC has a MAC";
		else if ((which == VIEW_LIVE || device->form == FORM_HOSTDEV) &&
			 !mac_equal(world_vf(w, device->host, NULL)->settings.mac, a->mac))
			broken = "a VF in a guest has not its assignment's MAC";
		else if (which == VIEW_LIVE &&
			 world_vf(w, device->host, NULL)->settings.vlan != a->vlan)
			broken = "a VF in a guest has not its assignment's VLAN";
	}
	for (size_t i = 0; !broken && i < view.assignments.n; i++) {
		const struct assignment *a = &view.assignments.items[i];
		bool parked = a->parked && !parking_is_over(&a->parking, w->name, w->wall);

		if (parked != !domain_view_device(&view, a->id))
			broken = parked ? "a device is there that is parked"
					: "an assignment has no device";
		if (!broken)
			broken = broken_standby(&view, a, parked);
	}
	for (size_t i = 0; !broken && i < view.nstandbys; i++)
		if (!assignments_find(&view.assignments, view.standbys[i].id))
			broken = "a standby has no assignment";
	domain_view_clear(&view);
	return broken;
}

static const char *broken_pf(struct world *w, const struct pf *pf)
{
	for (size_t i = 0; i < pf->nvfs; i++) {
		const struct vf *vf = &pf->vfs[i];
		struct mac mac;
		size_t place = 0;

		const struct lease *lease = leases_by_vf(&w->leases, vf->addr);

		if (lease && lease->state == LEASE_RESERVED && world_in_use(w, vf->addr))
			return "a VF that is kept for a guest is in one";
		/* What is kept is as idle as what is free. */
		if ((lease && lease->state != LEASE_RESERVED) || world_in_use(w, vf->addr))
			continue;
		if (world_home_driver(w, pf)
			    ? !vf->driver || strcmp(vf->driver, world_home_driver(w, pf)) != 0
			    : vf->driver != NULL)
			return "a free VF is not on its driver";
		if (!pf->nic)
			continue;
		mac = world_vf_mac(pf, vf->index);
		if (w->given && mac_equal(vf->settings.mac, WORLD_CHOSEN_MAC))
			mac = WORLD_CHOSEN_MAC;
		if (!mac_equal(vf->settings.mac, mac) || vf->settings.vlan)
			return "a free VF has not the settings it had";
		(void)world_vf(w, vf->addr, &place);
		if (vf->driver && !strcmp(vf->driver, "igbvf") &&
		    !mac_equal(w->probed[place], vf->settings.mac))
			return "the netdev of a free VF has a guest's MAC";
	}
	return NULL;
}

const char *world_broken(struct world *w)
{
	if (w->torn_away)
		return "VFs were taken away while a guest had one";
	if (w->notes.n)
		return "something is owed still";
	for (size_t i = 0; i < w->ndomains; i++) {
		const char *broken = broken_view(w, &w->domains[i], VIEW_LIVE);

		if (!broken)
			broken = broken_view(w, &w->domains[i], VIEW_CONFIG);
		if (broken)
			return broken;
	}
	for (size_t i = 0; i < w->inventory.npfs; i++) {
		const char *broken = broken_pf(w, &w->inventory.pfs[i]);

		if (broken)
			return broken;
	}
	for (size_t i = 0; i < w->leases.n; i++) {
		const struct lease *lease = &w->leases.items[i];
		bool held = lease->state == LEASE_RESERVED && lease->expires > w->wall;

		for (size_t j = 0; j < w->ndomains; j++) {
			const struct fake_domain *d = &w->domains[j];
			cleanup_free char *alias = mem_printf(ASSIGNMENT_ALIAS_PREFIX "%s",
							      w->leases.items[i].assignment);

			held |= world_view_find(&d->live, alias) >= 0 ||
				world_view_find(&d->config, alias) >= 0;
			for (size_t k = 0; k < d->live.ndevices; k++)
				held |= pciaddr_equal(d->live.devices[k].host,
						      w->leases.items[i].vf);
		}
		if (!held)
			return "a lease stands for nothing";
	}
	return NULL;
}
