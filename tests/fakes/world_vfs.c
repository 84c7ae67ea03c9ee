/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fakes/world_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "host/sizing.h"

struct vf *world_vf(struct world *w, struct pciaddr addr, size_t *place)
{
	size_t n = 0;

	for (size_t i = 0; i < w->inventory.npfs; i++)
		for (size_t j = 0; j < w->inventory.pfs[i].nvfs; j++, n++)
			if (pciaddr_equal(w->inventory.pfs[i].vfs[j].addr, addr)) {
				if (place)
					*place = n;
				return &w->inventory.pfs[i].vfs[j];
			}
	return NULL;
}

struct pf *world_pf_of(struct world *w, struct pciaddr vf)
{
	for (size_t i = 0; i < w->inventory.npfs; i++)
		for (size_t j = 0; j < w->inventory.pfs[i].nvfs; j++)
			if (pciaddr_equal(w->inventory.pfs[i].vfs[j].addr, vf))
				return &w->inventory.pfs[i];
	return NULL;
}

int world_host_wait_driver(struct host *host, struct pciaddr addr, const char *driver,
			   msec deadline, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	const struct vf *vf = world_vf(w, addr, NULL);

	if (world_call(w, "wait_driver", err))
		return -1;
	if (!vf)
		return err_set(err, ERR_ABSENT, "there is no VF %s", pciaddr_str(addr));
	if (driver ? vf->driver && !strcmp(vf->driver, driver) &&
			     (strcmp(driver, "vfio-pci") != 0 ||
			      (!w->user && !world_in_guest(w, addr)))
		   : !driver_is_vfio(vf->driver))
		return 0;
	w->clock = deadline;
	return err_set(err, ERR_TIMEOUT, "VF %s is bound to %s", pciaddr_str(addr),
		       vf->driver ? vf->driver : "nothing");
}

int world_host_wait_named(struct host *host, struct pciaddr addr, msec deadline, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	size_t place;

	(void)deadline;
	if (world_call(w, "wait_named", err))
		return -1;
	if (world_vf(w, addr, &place))
		w->unnamed[place] = false;
	return 0;
}

const char *world_home_driver(const struct world *w, const struct pf *pf)
{
	switch (w->home) {
	case VF_HOME_HOST:
		return w->no_vf_driver || !pf->nic ? NULL : "igbvf";
	case VF_HOME_VFIO:
		return "vfio-pci";
	case VF_HOME_NONE:
		break;
	}
	return NULL;
}

/*
 * A VF's netdev has the MAC that was set when its driver was bound, whatever is set later. A driver
 * that finds none takes one of its own, and tells the PF.
 */
static void probe_vf(struct world *w, struct vf *vf)
{
	size_t place;

	if (world_vf(w, vf->addr, &place) != vf)
		return;
	if (vf->driver && !strcmp(vf->driver, "igbvf") && mac_is_zero(vf->settings.mac))
		vf->settings.mac = WORLD_CHOSEN_MAC;
	w->probed[place] = vf->settings.mac;
	w->unnamed[place] = vf->driver && !strcmp(vf->driver, "igbvf");
}

static void bind_vf(struct world *w, struct vf *vf, const char *driver)
{
	free(vf->driver);
	vf->driver = mem_strdup(driver);
	vf->prebound = w->home == VF_HOME_VFIO && driver && !strcmp(driver, "vfio-pci");
	probe_vf(w, vf);
}

bool world_in_guest(const struct world *w, struct pciaddr vf)
{
	for (size_t i = 0; i < w->ndomains; i++)
		for (size_t j = 0; j < w->domains[i].live.ndevices; j++)
			if (pciaddr_equal(w->domains[i].live.devices[j].host, vf))
				return true;
	return false;
}

struct mac world_mac_number(unsigned n)
{
	return (struct mac){{0x02, 0xaa, 0, 0, 0, (uint8_t)n}};
}

struct mac world_vf_mac(const struct pf *pf, unsigned index)
{
	return world_mac_number((pf->addr.bus - 1u) * WORLD_VFS + index);
}

void world_free_vf(struct vf *vf)
{
	free(vf->driver);
	free(vf->group_peer);
	free(vf->netdev);
	free(vf->master);
	free(vf->address);
}

static void remove_vfs(struct world *w, struct pf *pf)
{
	for (size_t i = 0; i < pf->nvfs; i++) {
		w->torn_away |= world_in_guest(w, pf->vfs[i].addr);
		world_free_vf(&pf->vfs[i]);
	}
	free(pf->vfs);
	pf->vfs = NULL;
	pf->nvfs = pf->num_vfs = 0;
}

void world_make_vfs(struct world *w, struct pf *pf, unsigned count)
{
	for (unsigned i = (unsigned)pf->nvfs; i < count; i++) {
		struct vf *vf = mem_append(&pf->vfs, &pf->nvfs, sizeof(*vf));

		vf->addr = (struct pciaddr){.bus = pf->addr.bus,
					    .device = (uint8_t)(0x10 + i / 4),
					    .function = (uint8_t)(i % 4 * 2)};
		vf->index = i;
		if (w->home == VF_HOME_HOST && i >= w->late)
			bind_vf(w, vf, world_home_driver(w, world_pf_of(w, vf->addr)));
		vf->iommu_group = 100 * pf->addr.bus + 20 + (int)i;
		if (!pf->nic)
			continue;
		vf->settings = (struct vf_settings){
			.known = SETTING_MAC | SETTING_VLAN | SETTING_SPOOFCHK,
			.mac = world_vf_mac(pf, i),
			.vlan_proto = 0x8100,
			.spoofchk = true,
		};
		probe_vf(w, vf);
	}
	pf->num_vfs = count;
}

int world_host_set_num_vfs(struct host *host, const struct pf *known, unsigned count, int keep,
			   msec deadline, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct pf *pf = inventory_pf(&w->inventory, known->addr);

	(void)keep;
	if (world_call(w, count ? "make-vfs" : "remove-vfs", err))
		return -1;
	if (count && pf->num_vfs)
		return sizing_refused(known, count, EBUSY, err);
	if (count > pf->total_vfs)
		return sizing_refused(known, count, ERANGE, err);
	if ((int)count == w->refused_count)
		return sizing_refused(known, count, w->refused_error, err);
	if (!count && w->hangs) {
		w->clock = deadline;
		return err_set(err, ERR_TIMEOUT, "process 4711 waits in the kernel");
	}
	if (!count)
		remove_vfs(w, pf);
	else
		world_make_vfs(w, pf, w->enables && w->enables < count ? w->enables : count);
	return 0;
}

int world_host_read_home(struct host *host, struct pciaddr pf, enum vf_home *out, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	(void)pf;
	if (world_call(w, "read_home", err))
		return -1;
	*out = w->home;
	return 0;
}

int world_host_set_home(struct host *host, struct pciaddr pf, enum vf_home home, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	(void)pf;
	if (world_call(w, "set_home", err))
		return -1;
	w->home = home;
	return 0;
}

int world_host_send_home(struct host *host, struct pciaddr addr, enum vf_home home, msec deadline,
			 struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct vf *vf = world_vf(w, addr, NULL);

	(void)deadline;
	if (world_call(w, "send_home", err))
		return -1;
	if (!vf)
		return err_set(err, ERR_ABSENT, "there is no VF %s", pciaddr_str(addr));
	/* Off its driver and on it again is how it gets another look at its VF. */
	if (world_in_guest(w, addr) || (home != w->home && home != VF_HOME_NONE))
		w->torn_away = true;
	if (vf->index >= w->unbindable)
		bind_vf(w, vf,
			home == VF_HOME_NONE ? NULL : world_home_driver(w, world_pf_of(w, addr)));
	return 0;
}

int world_host_wait_home(struct host *host, struct pciaddr addr, enum vf_home home, msec deadline,
			 struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	const struct vf *vf = world_vf(w, addr, NULL);

	if (world_call(w, "wait_home", err))
		return -1;
	if (!vf)
		return err_set(err, ERR_ABSENT, "there is no VF %s", pciaddr_str(addr));
	switch (home) {
	case VF_HOME_HOST:
		if (world_pf_of(w, addr)->nic ? vf->driver && !strcmp(vf->driver, "igbvf")
					      : !vf->driver || strcmp(vf->driver, "vfio-pci") != 0)
			return 0;
		break;
	case VF_HOME_NONE:
		if (!vf->driver)
			return 0;
		break;
	case VF_HOME_VFIO:
		if (vf->driver && !strcmp(vf->driver, "vfio-pci"))
			return 0;
		break;
	}
	if (w->clock < deadline)
		w->clock = deadline;
	return err_set(err, ERR_TIMEOUT, "VF %s: it is bound to %s", pciaddr_str(addr),
		       vf->driver ? vf->driver : "nothing");
}

bool world_in_use(const struct world *w, struct pciaddr vf)
{
	for (size_t i = 0; i < w->ntaken; i++)
		if (pciaddr_equal(w->taken[i], vf))
			return true;
	return world_in_guest(w, vf);
}

void world_plug(struct world *w, struct vf *vf, const struct device *device)
{
	size_t place;

	(void)world_vf(w, vf->addr, &place);
	free(vf->driver);
	vf->driver = mem_strdup(device->managed && w->variant ? w->variant : "vfio-pci");
	if (!device->mac_set)
		return;
	w->libvirt_saved[place] = vf->settings;
	vf->settings.mac = device->mac;
	vf->settings.vlan = device->vlan;
}

void world_give_back(struct world *w, struct pciaddr host, const char *xml)
{
	bool interface = strstr(xml, "<interface");
	size_t place;
	struct vf *vf = world_vf(w, host, &place);

	if (!vf)
		return; /* its PF was torn away */
	if (interface) {
		vf->settings.mac = w->libvirt_saved[place].mac;
		vf->settings.vlan = w->libvirt_saved[place].vlan;
	}
	/* libvirt asks the kernel for a driver, which gives it none that are kept without. */
	if (strstr(xml, "managed=\"no\""))
		bind_vf(w, vf, "vfio-pci");
	else
		bind_vf(w, vf,
			w->home == VF_HOME_HOST ? world_home_driver(w, world_pf_of(w, vf->addr))
						: NULL);
}
