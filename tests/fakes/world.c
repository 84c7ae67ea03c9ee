/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fakes/world.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "host/sizing.h"
#include "model/facts.h"
#include "xml/domain.h"

#define WORLD_OF(edge, member) ((struct world *)((char *)(edge)-offsetof(struct world, member)))

static struct world *current; /* the clock has no argument */

static unsigned touched_by(const char *name)
{
	static const struct {
		const char *name;
		unsigned what;
	} changes[] = {
		{"claim", TOUCHED_STORE},        {"update", TOUCHED_STORE},
		{"drop", TOUCHED_STORE},         {"attach", TOUCHED_GUEST},
		{"set_metadata", TOUCHED_GUEST}, {"detach", TOUCHED_GUEST},
		{"undefine", TOUCHED_GUEST},     {"pf_up", TOUCHED_HOST},
		{"apply", TOUCHED_HOST},         {"send_home", TOUCHED_HOST},
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (!strcmp(name, changes[i].name))
			return changes[i].what;
	return 0;
}

/* Every call of an edge passes here first. */
static int call(struct world *w, const char *name, struct err **err)
{
	w->calls++;
	w->touched |= touched_by(name);
	if (w->meanwhile && w->calls == w->meanwhile_at) {
		w->meanwhile_in = name;
		w->meanwhile(w);
	}
	if (w->fail_at && (w->calls == w->fail_at || (w->dies && w->calls > w->fail_at))) {
		if (w->calls == w->fail_at)
			w->failed_in = name;
		return err_set(err, w->dies ? ERR_LOST : ERR_FAILED, "made to fail in %s", name);
	}
	return 0;
}

static struct vf *world_vf(struct world *w, struct pciaddr addr, size_t *place)
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

/* The host. */

static int host_resolve(struct host *host, const char *name, struct pciaddr *pf, int *index,
			struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct pciaddr addr;

	if (call(w, "resolve", err))
		return -1;
	for (size_t i = 0; i < w->inventory.npfs; i++) {
		struct pf *p = &w->inventory.pfs[i];

		if ((p->netdev && !strcmp(name, p->netdev)) ||
		    (pciaddr_parse(name, &addr) && pciaddr_equal(addr, p->addr))) {
			if (!p->nvfs)
				return err_set(err, ERR_USAGE, "%s has no VFs now", name);
			*pf = p->addr;
			*index = -1;
			return 0;
		}
		for (size_t j = 0; j < p->nvfs; j++)
			if (pciaddr_parse(name, &addr) && pciaddr_equal(addr, p->vfs[j].addr)) {
				*pf = p->addr;
				*index = (int)p->vfs[j].index;
				return 0;
			}
	}
	return err_set(err, ERR_ABSENT, "there is no device %s", name);
}

static struct vf vf_copy(const struct vf *from)
{
	struct vf copy = *from;

	copy.driver = mem_strdup(from->driver);
	copy.group_peer = mem_strdup(from->group_peer);
	copy.netdev = mem_strdup(from->netdev);
	copy.master = mem_strdup(from->master);
	copy.address = mem_strdup(from->address);
	copy.user = NULL;
	return copy;
}

/* As read_pf() knows it that was asked for this much. */
static struct vf vf_seen(const struct vf *from, unsigned what)
{
	struct vf seen = vf_copy(from);

	if (!(what & HOST_NETDEVS)) {
		free(steal(&seen.netdev));
		free(steal(&seen.master));
		free(steal(&seen.address));
		seen.netdev_elsewhere = false;
	}
	if (!(what & HOST_GROUPS))
		free(steal(&seen.group_peer));
	return seen;
}

static int host_read_vf(struct host *host, const struct pf *pf, struct vf *vf, unsigned what,
			struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	const struct pf *of = inventory_pf(&w->inventory, pf->addr);
	const struct vf *from = of ? pf_vf_by_index(of, vf->index) : NULL;
	struct vf seen;

	if (call(w, "read_vf", err))
		return -1;
	w->looks++;
	if (!from)
		return 0;
	assert(!vf->netdev && !vf->group_peer);
	seen = vf_seen(from, what);
	vf->netdev = seen.netdev;
	vf->master = seen.master;
	vf->address = seen.address;
	vf->netdev_elsewhere = seen.netdev_elsewhere;
	vf->group_peer = seen.group_peer;
	free(seen.driver);
	return 0;
}

static int host_read_pf(struct host *host, struct pciaddr addr, unsigned what, struct pf *out,
			struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	const struct pf *pf = inventory_pf(&w->inventory, addr);

	if (call(w, "read_pf", err))
		return -1;
	if (!pf)
		return err_set(err, ERR_ABSENT, "there is no PF %s", pciaddr_str(addr));
	*out = *pf;
	out->driver = mem_strdup(pf->driver);
	out->netdev = mem_strdup(pf->netdev);
	out->altnames = NULL;
	out->naltnames = 0;
	if (what & HOST_NO_VFS) {
		for (size_t i = 0; i < pf->naltnames; i++)
			*(char **)mem_append(&out->altnames, &out->naltnames, sizeof(char *)) =
				mem_strdup(pf->altnames[i]);
		out->vfs = NULL;
		out->nvfs = 0;
		return 0;
	}
	out->vendor = out->product = 0;
	out->vfs = mem_zero(pf->nvfs, sizeof(*out->vfs));
	for (size_t i = 0; i < pf->nvfs; i++)
		out->vfs[i] = vf_seen(&pf->vfs[i], what);
	return 0;
}

static int host_read_all(struct host *host, unsigned what, struct inventory *out, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct inventory all = {0};

	if (call(w, "read_all", err))
		return -1;
	for (size_t i = 0; i < w->inventory.npfs; i++) {
		struct pf pf;

		if (host_read_pf(host, w->inventory.pfs[i].addr, what, &pf, err)) {
			inventory_clear(&all);
			return -1;
		}
		*(struct pf *)mem_append(&all.pfs, &all.npfs, sizeof(pf)) = pf;
	}
	*out = all;
	return 0;
}

/* Two nodes of four CPUs. */
static int host_read_nodes(struct host *host, struct numa_nodes *out, struct err **err)
{
	if (call(WORLD_OF(host, host), "read_nodes", err))
		return -1;
	*out = (struct numa_nodes){0};
	for (int i = 0; i < 2; i++) {
		struct numa_node *node = mem_append(&out->items, &out->n, sizeof(*node));

		node->id = i;
		(void)idset_parse(i ? "4-7" : "0-3", &node->cpus);
	}
	return 0;
}

static int host_read_bridge(struct host *host, const char *name, struct bridge *out,
			    struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	if (call(w, "read_bridge", err))
		return -1;
	if (strcmp(name, "br0") != 0 && strcmp(name, "br7") != 0)
		return err_set(err, ERR_ABSENT, "there is no interface %s", name);
	*out = (struct bridge){.filters = w->filters, .vlan = name[2] == '7' ? 7 : 0};
	return 0;
}

static char *host_name(struct host *host)
{
	return mem_strdup(WORLD_OF(host, host)->name);
}

static int host_pf_up(struct host *host, const struct pf *pf, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	if (call(w, "pf_up", err))
		return -1;
	inventory_pf(&w->inventory, pf->addr)->up = true;
	return 0;
}

static int host_read_settings(struct host *host, const struct pf *pf, unsigned index,
			      struct vf_settings *out, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct vf *vf = pf_vf_by_index(inventory_pf(&w->inventory, pf->addr), index);

	if (call(w, "read_settings", err))
		return -1;
	if (!vf)
		return err_set(err, ERR_ABSENT, "there is no VF %u", index);
	*out = vf->settings;
	return 0;
}

static int host_apply(struct host *host, const struct pf *known, unsigned index,
		      const struct vf_settings *want, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct vf *vf = pf_vf_by_index(inventory_pf(&w->inventory, known->addr), index);

	if (call(w, "apply", err))
		return -1;
	if (want->known & SETTING_MAC)
		vf->settings.mac = want->mac;
	/* The second attribute is a request of its own, and can be the one that fails. */
	if (want->known & SETTING_VLAN) {
		if (call(w, "apply-vlan", err))
			return -1;
		if (w->only_8021q && want->vlan && want->vlan_proto != 0x8100)
			return err_set(err, ERR_UNSUPPORTED, "the driver cannot do that");
		vf->settings.vlan = want->vlan;
		vf->settings.qos = want->qos;
		vf->settings.vlan_proto = want->vlan_proto;
	}
	if (want->known & w->cannot)
		return err_set(err, ERR_UNSUPPORTED, "the driver cannot do that");
	if (want->known & SETTING_SPOOFCHK)
		vf->settings.spoofchk = want->spoofchk;
	if (want->known & SETTING_TRUST)
		vf->settings.trust = want->trust;
	if (want->known & SETTING_LINK_STATE)
		vf->settings.link_state = want->link_state;
	if (want->known & SETTING_RATE) {
		vf->settings.min_rate = want->min_rate;
		vf->settings.max_rate = want->max_rate;
	}
	return 0;
}

static int host_watch(struct host *host, struct err **err)
{
	return call(WORLD_OF(host, host), "host-watch", err);
}

static bool in_guest(const struct world *w, struct pciaddr vf);

static int host_wait_driver(struct host *host, struct pciaddr addr, const char *driver,
			    msec deadline, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	const struct vf *vf = world_vf(w, addr, NULL);

	if (call(w, "wait_driver", err))
		return -1;
	if (!vf)
		return err_set(err, ERR_ABSENT, "there is no VF %s", pciaddr_str(addr));
	if (driver ? vf->driver && !strcmp(vf->driver, driver) &&
			     (strcmp(driver, "vfio-pci") != 0 || (!w->user && !in_guest(w, addr)))
		   : !driver_is_vfio(vf->driver))
		return 0;
	w->clock = deadline;
	return err_set(err, ERR_TIMEOUT, "VF %s is bound to %s", pciaddr_str(addr),
		       vf->driver ? vf->driver : "nothing");
}

static struct pf *pf_of(struct world *w, struct pciaddr vf)
{
	for (size_t i = 0; i < w->inventory.npfs; i++)
		for (size_t j = 0; j < w->inventory.pfs[i].nvfs; j++)
			if (pciaddr_equal(w->inventory.pfs[i].vfs[j].addr, vf))
				return &w->inventory.pfs[i];
	return NULL;
}

static int host_wait_named(struct host *host, struct pciaddr addr, msec deadline, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	size_t place;

	(void)deadline;
	if (call(w, "wait_named", err))
		return -1;
	if (world_vf(w, addr, &place))
		w->unnamed[place] = false;
	return 0;
}

static const char *home_driver(const struct world *w, const struct pf *pf)
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

static bool in_guest(const struct world *w, struct pciaddr vf)
{
	for (size_t i = 0; i < w->ndomains; i++)
		for (size_t j = 0; j < w->domains[i].live.ndevices; j++)
			if (pciaddr_equal(w->domains[i].live.devices[j].host, vf))
				return true;
	return false;
}

static struct mac mac_number(unsigned n)
{
	return (struct mac){{0x02, 0xaa, 0, 0, 0, (uint8_t)n}};
}

/* What a VF starts with. */
static struct mac vf_mac(const struct pf *pf, unsigned index)
{
	return mac_number((pf->addr.bus - 1u) * WORLD_VFS + index);
}

static void free_vf(struct vf *vf)
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
		w->torn_away |= in_guest(w, pf->vfs[i].addr);
		free_vf(&pf->vfs[i]);
	}
	free(pf->vfs);
	pf->vfs = NULL;
	pf->nvfs = pf->num_vfs = 0;
}

static void make_vfs(struct world *w, struct pf *pf, unsigned count)
{
	for (unsigned i = (unsigned)pf->nvfs; i < count; i++) {
		struct vf *vf = mem_append(&pf->vfs, &pf->nvfs, sizeof(*vf));

		vf->addr = (struct pciaddr){.bus = pf->addr.bus,
					    .device = (uint8_t)(0x10 + i / 4),
					    .function = (uint8_t)(i % 4 * 2)};
		vf->index = i;
		if (w->home == VF_HOME_HOST && i >= w->late)
			bind_vf(w, vf, home_driver(w, pf_of(w, vf->addr)));
		vf->iommu_group = 100 * pf->addr.bus + 20 + (int)i;
		if (!pf->nic)
			continue;
		vf->settings = (struct vf_settings){
			.known = SETTING_MAC | SETTING_VLAN | SETTING_SPOOFCHK,
			.mac = vf_mac(pf, i),
			.vlan_proto = 0x8100,
			.spoofchk = true,
		};
		probe_vf(w, vf);
	}
	pf->num_vfs = count;
}

static int host_find_pf(struct host *host, const char *name, struct pciaddr *pf, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	if (call(w, "find_pf", err))
		return -1;
	for (size_t i = 0; i < w->inventory.npfs; i++) {
		if (strcmp(name, pf_str(&w->inventory.pfs[i])) != 0)
			continue;
		*pf = w->inventory.pfs[i].addr;
		return 0;
	}
	return err_set(err, ERR_ABSENT, "there is no interface %s", name);
}

static int host_set_num_vfs(struct host *host, const struct pf *known, unsigned count, int keep,
			    msec deadline, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct pf *pf = inventory_pf(&w->inventory, known->addr);

	(void)keep;
	if (call(w, count ? "make-vfs" : "remove-vfs", err))
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
		make_vfs(w, pf, w->enables && w->enables < count ? w->enables : count);
	return 0;
}

static int host_read_home(struct host *host, struct pciaddr pf, enum vf_home *out, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	(void)pf;
	if (call(w, "read_home", err))
		return -1;
	*out = w->home;
	return 0;
}

static int host_set_home(struct host *host, struct pciaddr pf, enum vf_home home, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	(void)pf;
	if (call(w, "set_home", err))
		return -1;
	w->home = home;
	return 0;
}

static int host_send_home(struct host *host, struct pciaddr addr, enum vf_home home, msec deadline,
			  struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct vf *vf = world_vf(w, addr, NULL);

	(void)deadline;
	if (call(w, "send_home", err))
		return -1;
	if (!vf)
		return err_set(err, ERR_ABSENT, "there is no VF %s", pciaddr_str(addr));
	/* Off its driver and on it again is how it gets another look at its VF. */
	if (in_guest(w, addr) || (home != w->home && home != VF_HOME_NONE))
		w->torn_away = true;
	if (vf->index >= w->unbindable)
		bind_vf(w, vf, home == VF_HOME_NONE ? NULL : home_driver(w, pf_of(w, addr)));
	return 0;
}

static int host_wait_home(struct host *host, struct pciaddr addr, enum vf_home home, msec deadline,
			  struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	const struct vf *vf = world_vf(w, addr, NULL);

	if (call(w, "wait_home", err))
		return -1;
	if (!vf)
		return err_set(err, ERR_ABSENT, "there is no VF %s", pciaddr_str(addr));
	switch (home) {
	case VF_HOME_HOST:
		if (pf_of(w, addr)->nic ? vf->driver && !strcmp(vf->driver, "igbvf")
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

static void host_find_users(struct host *host, struct vf *const *vfs, size_t n)
{
	struct world *w = WORLD_OF(host, host);

	w->walks += n > 0;
	for (size_t i = 0; i < n; i++) {
		free(vfs[i]->user);
		vfs[i]->user =
			mem_strdup(in_guest(w, vfs[i]->addr) ? "qemu-system-x86 (1)" : w->user);
	}
}

static int host_persist(struct host *host, const struct persist *persist, char **path,
			struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	if (call(w, "persist", err))
		return -1;
	if (w->persist_error) {
		err_set(err, (enum err_code)w->persist_error, "it cannot be kept");
		return err_next(err, "do it so");
	}
	w->persisted = *persist;
	w->persisted.pf = world_pf(w);
	*path = mem_strdup("70-vfpool.rules");
	return 0;
}

static int host_forget(struct host *host, struct pciaddr pf, bool *was, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	(void)pf;
	if (call(w, "forget", err))
		return -1;
	*was = w->persisted.pf;
	w->persisted = (struct persist){0};
	return 0;
}

static int host_read_keepers(struct host *host, struct keeper_facts *out, struct err **err)
{
	if (call(WORLD_OF(host, host), "read_keepers", err))
		return -1;
	*out = (struct keeper_facts){.read = true};
	return 0;
}

static int host_drop_note(struct host *host, struct pciaddr pf, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	(void)pf;
	if (call(w, "drop_note", err))
		return -1;
	resize_notes_clear(&w->notes);
	return 0;
}

/* As text, so that what is read is what a file can hold. */
static void copy_note(const struct resize_note *from, struct resize_notes *to)
{
	cleanup_free char *text = resize_note_format(from);
	struct resize_note note;

	if (!resize_note_parse(text, &note, NULL))
		*(struct resize_note *)mem_append(&to->items, &to->n, sizeof(note)) = note;
}

static int host_write_note(struct host *host, const struct resize_note *note, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	if (call(w, "write_note", err))
		return -1;
	resize_notes_clear(&w->notes);
	copy_note(note, &w->notes);
	return 0;
}

static int host_read_notes(struct host *host, struct resize_notes *out, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	if (call(w, "read_notes", err))
		return -1;
	*out = (struct resize_notes){0};
	for (size_t i = 0; i < w->notes.n; i++)
		copy_note(&w->notes.items[i], out);
	return 0;
}

static void edge_close(void *edge)
{
	(void)edge;
}

static void host_close(struct host *host)
{
	edge_close(host);
}

static const struct host_ops host_ops = {
	.resolve = host_resolve,
	.read_pf = host_read_pf,
	.read_vf = host_read_vf,
	.read_all = host_read_all,
	.name = host_name,
	.read_bridge = host_read_bridge,
	.read_nodes = host_read_nodes,
	.pf_up = host_pf_up,
	.read_settings = host_read_settings,
	.apply = host_apply,
	.watch = host_watch,
	.wait_driver = host_wait_driver,
	.wait_named = host_wait_named,
	.find_pf = host_find_pf,
	.set_num_vfs = host_set_num_vfs,
	.read_home = host_read_home,
	.set_home = host_set_home,
	.send_home = host_send_home,
	.wait_home = host_wait_home,
	.find_users = host_find_users,
	.persist = host_persist,
	.forget = host_forget,
	.read_keepers = host_read_keepers,
	.write_note = host_write_note,
	.read_notes = host_read_notes,
	.drop_note = host_drop_note,
	.close = host_close,
};

/* libvirt. */

static int virt_find(struct virt *virt, const char *name, struct virt_dom *out, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "find", err))
		return -1;
	for (size_t i = 0; i < w->ndomains; i++) {
		struct fake_domain *d = &w->domains[i];

		if (!d->live.present && !d->config.present)
			continue;
		if (strcmp(name, d->name) != 0 && strcmp(name, d->uuid) != 0)
			continue;
		*out = (struct virt_dom){
			.handle = d,
			.name = mem_strdup(d->name),
			.id = d->live.present ? (int)i + 1 : -1,
		};
		memcpy(out->uuid, d->uuid, sizeof(out->uuid));
		return 0;
	}
	return err_set(err, ERR_ABSENT, "there is no domain %s", name);
}

static int virt_list(struct virt *virt, struct virt_dom **out, size_t *n, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct virt_dom *doms = NULL;
	size_t count = 0;

	if (call(w, "list", err))
		return -1;
	for (size_t i = 0; i < w->ndomains; i++) {
		struct fake_domain *d = &w->domains[i];
		struct virt_dom *dom;

		if (!d->live.present && !d->config.present)
			continue;
		dom = mem_append(&doms, &count, sizeof(*dom));
		dom->handle = d;
		dom->name = mem_strdup(d->name);
		dom->id = d->live.present ? (int)i + 1 : -1;
		memcpy(dom->uuid, d->uuid, sizeof(dom->uuid));
	}
	*out = doms;
	*n = count;
	return 0;
}

static int virt_state(struct virt *virt, const struct virt_dom *dom, struct virt_state *out,
		      struct err **err)
{
	const struct fake_domain *d = dom->handle;

	if (call(WORLD_OF(virt, virt), "state", err))
		return -1;
	if (!d->live.present && !d->config.present)
		return err_set(err, ERR_ABSENT, "there is no domain %s any more", d->name);
	*out = (struct virt_state){
		.running = d->live.present,
		.persistent = d->config.present,
		.paused = d->paused,
		.moving = d->moving,
	};
	return 0;
}

static struct fake_view *view_of(struct fake_domain *d, unsigned which)
{
	return which == VIRT_LIVE ? &d->live : &d->config;
}

static char *view_xml(const struct fake_domain *d, const struct fake_view *view)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "<domain type='kvm'><name>%s</name><uuid>%s</uuid>", d->name, d->uuid);
	if (view->metadata)
		fprintf(out, "<metadata>%s</metadata>", view->metadata);
	if (d->placement)
		fputs(d->placement, out);
	fputs("<devices><controller type='pci' index='0' model='pcie-root'/>", out);
	for (unsigned i = 1; i <= d->ports; i++)
		fprintf(out,
			"<controller type='pci' index='%u' model='pcie-root-port'><address "
			"type='pci' "
			"domain='0x0000' bus='0x00' slot='0x%02x' function='0x0'/></controller>",
			i, i);
	for (size_t i = 0; i < view->ndevices; i++)
		fputs(view->devices[i].xml, out);
	fputs("</devices></domain>", out);
	(void)fclose(out);
	return text;
}

static int virt_xml(struct virt *virt, const struct virt_dom *dom, unsigned which, char **out,
		    struct err **err)
{
	struct fake_view *view = view_of(dom->handle, which);

	if (call(WORLD_OF(virt, virt), "xml", err))
		return -1;
	if (!view->present)
		return err_set(err, ERR_ABSENT, "no such definition");
	*out = view_xml(dom->handle, view);
	return 0;
}

/* "lan" and "lan7" are on bridges of the host's, "open" on one of Open vSwitch. */
static int virt_network(struct virt *virt, const char *name, char **xml, bool *active,
			unsigned long *version, struct err **err)
{
	static const struct {
		const char *name, *xml;
	} networks[] = {
		{"lan", "<network><forward mode='bridge'/><bridge name='br0'/></network>"},
		{"lan7", "<network><forward mode='bridge'/><bridge name='br7'/></network>"},
		{"open", "<network><forward mode='bridge'/><bridge name='ovs0'/>"
			 "<virtualport type='openvswitch'/></network>"},
		{"nat", "<network><forward mode='nat'/><bridge name='virbr0'/></network>"},
		{"macvtap", "<network><forward mode='bridge'><interface dev='eth1'/></forward>"
			    "</network>"},
		{"vfs", "<network><forward mode='hostdev'><pf dev='eth1'/></forward></network>"},
		{"asleep", "<network><bridge name='virbr1'/></network>"},
	};
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "network", err))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(networks); i++)
		if (!strcmp(networks[i].name, name) && !(w->lacks && !strcmp(w->lacks, name))) {
			*xml = mem_strdup(networks[i].xml);
			*active = strcmp(name, "asleep") != 0 &&
				  !(w->stopped && !strcmp(w->stopped, name));
			*version = w->libvirt_version;
			return 0;
		}
	return err_set(err, ERR_ABSENT, "there is no network '%s'", name);
}

/* A device element as the real parser sees it. */
static struct device device_parse(const char *xml)
{
	cleanup_free char *domain = mem_printf("<domain><devices>%s</devices></domain>", xml);
	struct domain_view view = {0};
	struct device device = {0};

	if (!domain_xml_parse(domain, &view, NULL) && view.ndevices) {
		device = view.devices[0];
		view.devices[0].alias = view.devices[0].extra = NULL;
	}
	domain_view_clear(&view);
	return device;
}

static void view_add(struct fake_view *view, const char *xml, const struct device *device)
{
	struct fake_device *d = &view->devices[view->ndevices++];

	d->xml = mem_strdup(xml);
	d->alias = device->id[0] ? mem_printf(ASSIGNMENT_ALIAS_PREFIX "%s", device->id)
				 : mem_strdup(device->alias);
	d->host = device->host;
}

/* The id of the standby NIC that a device element is; false: it is none. */
static bool standby_parse(const char *xml, char id[ASSIGNMENT_ID_SIZE])
{
	cleanup_free char *domain = mem_printf("<domain><devices>%s</devices></domain>", xml);
	struct domain_view view = {0};
	bool is_one = !domain_xml_parse(domain, &view, NULL) && view.nstandbys;

	if (is_one)
		memcpy(id, view.standbys[0].id, ASSIGNMENT_ID_SIZE);
	domain_view_clear(&view);
	return is_one;
}

static bool is_standby(const struct fake_device *device)
{
	char id[ASSIGNMENT_ID_SIZE];

	return standby_parse(device->xml, id);
}

/* Where nobody has said it, libvirt adds a port to the definition. */
static char *placed(const char *xml)
{
	static const char end[] = "</interface>";
	const char *at = strstr(xml, "<address") ? NULL : strstr(xml, end);

	return at ? mem_printf("%.*s<address type='pci' domain='0x0000' bus='0x30' slot='0x00' "
			       "function='0x0'/>%s",
			       (int)(at - xml), xml, end)
		  : mem_strdup(xml);
}

static int attach_standby(struct fake_domain *d, const char *xml, const char *id, unsigned views)
{
	for (unsigned which = VIRT_LIVE; which <= VIRT_CONFIG; which <<= 1) {
		struct fake_view *view = which == VIRT_LIVE ? &d->live : &d->config;

		if (views & which)
			view->devices[view->ndevices++] = (struct fake_device){
				.xml = placed(xml),
				.alias = mem_printf(
					ASSIGNMENT_ALIAS_PREFIX "%s" ASSIGNMENT_STANDBY_SUFFIX, id),
			};
	}
	return 0;
}

static bool in_use(const struct world *w, struct pciaddr vf)
{
	for (size_t i = 0; i < w->ntaken; i++)
		if (pciaddr_equal(w->taken[i], vf))
			return true;
	return in_guest(w, vf);
}

static void plug(struct world *w, struct vf *vf, const struct device *device)
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

static int view_find(const struct fake_view *view, const char *alias);

static bool has_standby(const struct fake_domain *d, const struct device *device, unsigned views)
{
	cleanup_free char *alias =
		mem_printf(ASSIGNMENT_ALIAS_PREFIX "%s" ASSIGNMENT_STANDBY_SUFFIX, device->id);

	return !((views & VIRT_LIVE && view_find(&d->live, alias) < 0) ||
		 (views & VIRT_CONFIG && view_find(&d->config, alias) < 0));
}

static int virt_attach(struct virt *virt, const struct virt_dom *dom, const char *xml,
		       unsigned views, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;
	struct device device = device_parse(xml);
	size_t place;
	struct vf *vf = world_vf(w, device.host, &place);
	char id[ASSIGNMENT_ID_SIZE];

	if (call(w, "attach", err))
		return -1;
	if (standby_parse(xml, id))
		return attach_standby(d, xml, id, views);
	/* QEMU would take it, and the guest never see it. */
	if (strstr(xml, "<teaming") && !has_standby(d, &device, views))
		return err_set(err, ERR_FAILED, "there is no standby for it");
	if (views & VIRT_LIVE) {
		if (in_use(w, device.host))
			return err_set(err, ERR_TAKEN, "VF %s is in use", pciaddr_str(device.host));
		if (device.mac_set && !pf_of(w, device.host)->up)
			return err_set(err, ERR_FAILED, "the PF is not online");
		if (device.mac_set && w->unnamed[place])
			return err_set(err, ERR_FAILED, "Cannot get interface MAC on 'eth0'");
		if (!device.managed && (!vf->driver || strcmp(vf->driver, "vfio-pci") != 0))
			return err_set(err, ERR_FAILED, "the VF is not on vfio-pci");
		plug(w, vf, &device);
		view_add(&d->live, xml, &device);
	}
	/* As libvirt does. */
	for (size_t i = 0; views & VIRT_CONFIG && i < d->config.ndevices; i++)
		if (pciaddr_equal(d->config.devices[i].host, device.host))
			return err_set(err, ERR_FAILED, "the device is in the definition already");
	if (views & VIRT_CONFIG)
		view_add(&d->config, xml, &device);
	return 0;
}

static int view_find(const struct fake_view *view, const char *alias)
{
	for (size_t i = 0; i < view->ndevices; i++)
		if (view->devices[i].alias && !strcmp(view->devices[i].alias, alias))
			return (int)i;
	return -1;
}

static void view_remove(struct fake_view *view, int i)
{
	free(view->devices[i].xml);
	free(view->devices[i].alias);
	view->ndevices--;
	memmove(&view->devices[i], &view->devices[i + 1],
		(view->ndevices - (size_t)i) * sizeof(view->devices[0]));
}

static void give_back(struct world *w, struct pciaddr host, const char *xml)
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
		bind_vf(w, vf, w->home == VF_HOME_HOST ? home_driver(w, pf_of(w, vf->addr)) : NULL);
}

static bool slot_taken(const struct fake_domain *d, unsigned slot)
{
	cleanup_free char *address =
		mem_printf("bus='0x%02x' slot='0x00' function='0x0'/></", slot);
	const struct fake_view *views[] = {&d->live, &d->config};

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < views[i]->ndevices; j++)
			if (strstr(views[i]->devices[j].xml, address))
				return true;
	return false;
}

static void queue_event(struct world *w, enum virt_event_kind kind, const struct fake_domain *d,
			const char *alias)
{
	struct virt_event *event = &w->events[w->nevents++];

	*event = (struct virt_event){.kind = kind, .alias = mem_strdup(alias)};
	memcpy(event->uuid, d->uuid, sizeof(event->uuid));
}

static bool has_its_vf(const struct fake_view *view, const char *standby)
{
	cleanup_free char *alias = mem_printf(
		"%.*s", (int)(strlen(standby) - strlen(ASSIGNMENT_STANDBY_SUFFIX)), standby);

	return view_find(view, alias) >= 0;
}

static int virt_detach(struct virt *virt, const struct virt_dom *dom, const char *alias,
		       unsigned which, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;
	struct fake_view *view = view_of(d, which);
	int i = view_find(view, alias);

	if (call(w, "detach", err))
		return -1;
	if (i < 0)
		return err_set(err, ERR_ABSENT, "no device %s", alias);
	if (which == VIRT_LIVE) {
		if (!w->watching)
			return err_set(err, ERR_FAILED, "nobody listens for the answer");
		if (d->deaf) {
			d->deaf--;
			return 0;
		}
		if (is_standby(&view->devices[i]) && d->keeps_standby)
			return 0;
		if (is_standby(&view->devices[i]) && has_its_vf(view, alias))
			return err_set(err, ERR_FAILED, "its VF is to go first");
		if (d->holds && pciaddr_equal(view->devices[i].host, d->held))
			return 0;
		if (d->refuses) {
			d->refuses--;
			if (w->watching_closely)
				queue_event(w, VIRT_DEVICE_REMOVAL_FAILED, d, alias);
			return 0;
		}
		give_back(w, view->devices[i].host, view->devices[i].xml);
		if (!d->lost_event)
			queue_event(w, VIRT_DEVICE_REMOVED, d, alias);
	}
	view_remove(view, i);
	return 0;
}

static int virt_undefine(struct virt *virt, const struct virt_dom *dom, const char *xml,
			 struct err **err)
{
	struct fake_domain *d = dom->handle;
	struct device device = device_parse(xml);

	if (call(WORLD_OF(virt, virt), "undefine", err))
		return -1;
	for (size_t i = 0; i < d->config.ndevices; i++)
		if (pciaddr_equal(d->config.devices[i].host, device.host)) {
			view_remove(&d->config, (int)i);
			return 0;
		}
	return err_set(err, ERR_ABSENT, "no such device");
}

/* As libvirt does: what it is given has no namespace, what it keeps has. */
static char *with_namespace(const char *xml)
{
	const char *root = "<assignments";

	if (!xml)
		return NULL;
	return mem_printf("%s xmlns='" METADATA_URI "'%s", root, xml + strlen(root));
}

static int virt_set_metadata(struct virt *virt, const struct virt_dom *dom, const char *xml,
			     unsigned views, struct err **err)
{
	struct fake_domain *d = dom->handle;

	if (call(WORLD_OF(virt, virt), "set_metadata", err))
		return -1;
	for (unsigned which = VIRT_LIVE; which <= VIRT_CONFIG; which <<= 1)
		if (views & which) {
			free(view_of(d, which)->metadata);
			view_of(d, which)->metadata = with_namespace(xml);
		}
	return 0;
}

static void view_clear(struct fake_view *view)
{
	while (view->ndevices)
		view_remove(view, 0);
	free(view->metadata);
	*view = (struct fake_view){0};
}

static struct fake_view view_copy(const struct fake_view *from)
{
	struct fake_view copy = *from;

	copy.metadata = mem_strdup(from->metadata);
	for (size_t i = 0; i < copy.ndevices; i++) {
		copy.devices[i].xml = mem_strdup(from->devices[i].xml);
		copy.devices[i].alias = mem_strdup(from->devices[i].alias);
	}
	return copy;
}

static bool has_vf(const struct fake_view *view)
{
	for (size_t i = 0; i < view->ndevices; i++)
		if (!is_standby(&view->devices[i]))
			return true;
	return false;
}

static int virt_save(struct virt *virt, const struct virt_dom *dom, const char *path,
		     unsigned flags, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;

	(void)flags;
	if (call(w, "save", err))
		return -1;
	if (!d->live.present)
		return err_set(err, ERR_ABSENT, "it is not running");
	if (has_vf(&d->live))
		return err_set(err, ERR_FAILED, "VFIO migration is not supported");
	view_clear(&w->saved.live);
	w->saved.domain = d;
	w->saved.live = d->live;
	w->saved.managed = !path;
	d->live = (struct fake_view){0};
	return 0;
}

static int virt_saved_xml(struct virt *virt, const char *path, char **out, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	if (call(w, "saved_xml", err))
		return -1;
	if (!w->saved.domain || w->saved.managed)
		return err_set(err, ERR_FAILED, "there is no %s", path);
	*out = view_xml(w->saved.domain, &w->saved.live);
	return 0;
}

static int virt_restore(struct virt *virt, const char *path, unsigned flags, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = w->saved.domain;

	(void)flags;
	if (call(w, "restore", err))
		return -1;
	if (!d || w->saved.managed || d->live.present)
		return err_set(err, ERR_FAILED, "%s cannot be restored", path);
	d->live = view_copy(&w->saved.live);
	return 0;
}

static int virt_snapshot_find(struct virt *virt, const struct virt_dom *dom, const char *name,
			      struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "snapshot_find", err))
		return -1;
	if (w->snapshot.domain != dom->handle || (name && strcmp(name, "s") != 0))
		return err_set(err, ERR_FAILED, "there is no such snapshot");
	return 0;
}

static int virt_snapshot_make(struct virt *virt, const struct virt_dom *dom, const char *xml,
			      unsigned flags, char **name, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;

	(void)flags;
	if (call(w, "snapshot_make", err))
		return -1;
	if (has_vf(&d->live) || strncmp(xml, "<domainsnapshot", 15) != 0)
		return err_set(err, ERR_FAILED, "VFIO migration is not supported");
	view_clear(&w->snapshot.live);
	view_clear(&w->snapshot.config);
	w->snapshot.domain = d;
	w->snapshot.live = view_copy(&d->live);
	w->snapshot.config = view_copy(&d->config);
	*name = mem_strdup("s");
	return 0;
}

static int virt_snapshot_revert(struct virt *virt, const struct virt_dom *dom, const char *name,
				unsigned flags, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;

	(void)flags;
	(void)name;
	if (call(w, "snapshot_revert", err))
		return -1;
	if (has_vf(&d->live))
		return err_set(err, ERR_FAILED, "the devices are others");
	view_clear(&d->live);
	view_clear(&d->config);
	d->live = view_copy(&w->snapshot.live);
	d->config = view_copy(&w->snapshot.config);
	return 0;
}

static int virt_published(struct virt *virt, char **xml, bool *active, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "published", err))
		return -1;
	if (!w->network)
		return err_set(err, ERR_ABSENT, "there is no network vfpool");
	*xml = mem_strdup(w->network);
	*active = w->network_active;
	return 0;
}

static int virt_publish(struct virt *virt, const char *xml, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "publish", err))
		return -1;
	free(w->network);
	w->network = mem_strdup(xml);
	w->network_active = true;
	w->published++;
	return 0;
}

static int virt_withdraw(struct virt *virt, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "withdraw", err))
		return -1;
	if (!w->network)
		return err_set(err, ERR_ABSENT, "there is no network vfpool");
	w->network_active = false;
	return 0;
}

static int virt_watch(struct virt *virt, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "virt-watch", err))
		return -1;
	w->watching = true;
	return 0;
}

static int virt_watch_closely(struct virt *virt, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "virt-watch-closely", err))
		return -1;
	w->watching = w->watching_closely = true;
	return 0;
}

static bool virt_rest(struct virt *virt)
{
	struct world *w = WORLD_OF(virt, virt);

	w->watching = w->watching_closely = false;
	while (w->nevents)
		virt_event_clear(&w->events[--w->nevents]);
	return !w->dies;
}

static int virt_follow(struct virt *virt, int stop, struct err **err)
{
	(void)stop;
	return virt_watch_closely(virt, err);
}

static void view_clear(struct fake_view *view);

static int virt_job(struct virt *virt, const struct virt_dom *dom, struct virt_progress *out,
		    struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "job", err))
		return -1;
	if (w->job_ends && !--w->job_ends) {
		struct fake_domain *d = dom->handle;

		w->job = false;
		if (w->job_moves) {
			world_stop(w, d->name);
			view_clear(&d->config);
		}
	}
	if (!((struct fake_domain *)dom->handle)->live.present)
		return err_set(err, ERR_FAILED, "domain is not running");
	*out = (struct virt_progress){.known = w->job};
	return 0;
}

/* As libvirt does: what is persistent there is what it was here, VFs and all. */
static void arrive(struct world *there, const struct fake_domain *from, unsigned flags)
{
	struct fake_domain *to = world_domain(there, from->name);

	view_clear(&to->live);
	to->live = view_copy(&from->live);
	to->ports = from->ports;
	if (!(flags & VIRT_MOVE_PERSISTENT))
		return;
	view_clear(&to->config);
	/* Of one that is transient here, the running definition is all there is. */
	to->config = (struct fake_view){.present = true,
					.metadata = mem_strdup(from->config.present
								       ? from->config.metadata
								       : from->live.metadata)};
	for (size_t i = 0; i < from->config.ndevices; i++) {
		const struct fake_device *device = &from->config.devices[i];

		to->config.devices[to->config.ndevices++] =
			(struct fake_device){.xml = mem_strdup(device->xml),
					     .alias = mem_strdup(device->alias),
					     .host = device->host};
	}
}

/* Between two looks of who moves it. */
static bool is_stopped(const struct world *w, const struct virt_mover *mover)
{
	struct virt_progress half = {
		.known = true, .memory_total = 64 << 20, .memory_left = 32 << 20};

	(void)mover->look(mover->arg, &half);
	if (w->move_signal)
		(void)raise(w->move_signal);
	half.there_lost = w->move_alone;
	return mover->look(mover->arg, &half) == VIRT_MOVE_STOP;
}

static int virt_move(struct virt *virt, const struct virt_dom *dom, struct virt *there,
		     const struct virt_move *move, const struct virt_mover *mover, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt), *other = WORLD_OF(there, virt);
	struct fake_domain *d = dom->handle;

	if (call(w, "move", err))
		return -1;
	for (size_t i = 0; i < d->live.ndevices; i++)
		if (!is_standby(&d->live.devices[i]))
			return err_set(err, ERR_FAILED, "VFIO migration is not supported");
	if (call(other, "arrive", err))
		return -1;
	if (w->move_stopped || is_stopped(w, mover))
		return err_set(err, ERR_FAILED, "operation aborted: canceled by client");
	arrive(other, d, move->flags);
	w->moved++;
	world_stop(w, d->name);
	if (move->flags & VIRT_MOVE_UNDEFINE)
		view_clear(&d->config);
	if (w->move_lies)
		return err_set(err, ERR_FAILED, "the connection to the host there broke");
	return 0;
}

/* The agent there does what it does. */
static void be_agent(struct world *w)
{
	struct world *was = current;

	current = w;
	(void)world_run(w, "reconcile", NULL);
	current = was;
	queue_event(w, VIRT_DOMAIN_CHANGED, &w->domains[0], NULL);
}

static int virt_next_event(struct virt *virt, msec deadline, struct virt_event *out,
			   struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (call(w, "next_event", err))
		return -1;
	if (w->agent && w != current && !w->nevents)
		be_agent(w);
	w->agent = false;
	if (w->nevents) {
		*out = w->events[0];
		memmove(w->events, w->events + 1, --w->nevents * sizeof(w->events[0]));
		return 1;
	}
	if (w->clock < deadline)
		w->clock = deadline;
	return 0;
}

static void virt_dom_release(struct virt *virt, struct virt_dom *dom)
{
	(void)virt;
	(void)dom;
}

static void virt_close(struct virt *virt)
{
	edge_close(virt);
}

static const struct virt_ops virt_ops = {
	.find = virt_find,
	.list = virt_list,
	.state = virt_state,
	.xml = virt_xml,
	.attach = virt_attach,
	.detach = virt_detach,
	.undefine = virt_undefine,
	.set_metadata = virt_set_metadata,
	.network = virt_network,
	.save = virt_save,
	.saved_xml = virt_saved_xml,
	.restore = virt_restore,
	.snapshot_find = virt_snapshot_find,
	.snapshot_make = virt_snapshot_make,
	.snapshot_revert = virt_snapshot_revert,
	.watch = virt_watch,
	.watch_closely = virt_watch_closely,
	.follow = virt_follow,
	.job = virt_job,
	.move = virt_move,
	.published = virt_published,
	.publish = virt_publish,
	.withdraw = virt_withdraw,
	.next_event = virt_next_event,
	.rest = virt_rest,
	.dom_release = virt_dom_release,
	.close = virt_close,
};

/* The store. */

static int store_claim(struct store *store, const struct lease *lease, struct err **err)
{
	struct world *w = WORLD_OF(store, store);

	if (call(w, "claim", err))
		return -1;
	if (leases_by_vf(&w->leases, lease->vf) ||
	    leases_by_assignment(&w->leases, lease->assignment))
		return err_set(err, ERR_TAKEN, "VF %s is leased", pciaddr_str(lease->vf));
	leases_add(&w->leases, lease_copy(lease));
	return 0;
}

static struct lease *store_find(struct world *w, const struct lease *lease)
{
	struct lease *found = leases_by_vf(&w->leases, lease->vf);

	return found && !strcmp(found->assignment, lease->assignment) ? found : NULL;
}

static int store_update(struct store *store, const struct lease *lease, struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct lease *found = store_find(w, lease);

	if (call(w, "update", err))
		return -1;
	if (!found)
		return err_set(err, ERR_ABSENT, "no such lease");
	lease_clear(found);
	*found = lease_copy(lease);
	return 0;
}

static int store_drop(struct store *store, const struct lease *lease, struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct lease *found = store_find(w, lease);
	size_t i;

	if (call(w, "drop", err))
		return -1;
	if (!found)
		return err_set(err, ERR_ABSENT, "no such lease");
	i = (size_t)(found - w->leases.items);
	lease_clear(found);
	w->leases.n--;
	memmove(found, found + 1, (w->leases.n - i) * sizeof(*found));
	return 0;
}

static int store_list(struct store *store, const char *uuid, const struct pciaddr *pf,
		      struct leases *out, struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct leases found = {0};

	if (call(w, "store-list", err))
		return -1;
	for (size_t i = 0; i < w->leases.n; i++) {
		const struct lease *lease = &w->leases.items[i];

		if ((!uuid || !strcmp(uuid, lease->domain_uuid)) &&
		    (!pf || pciaddr_equal(*pf, lease->pf)))
			*(struct lease *)mem_append(&found.items, &found.n, sizeof(*lease)) =
				lease_copy(lease);
	}
	*out = found;
	return 0;
}

static void store_because(struct store *store, const char *cause)
{
	(void)store;
	(void)cause;
}

static int store_history(struct store *store, int64_t after, const char *domain,
			 struct history *out, struct err **err)
{
	(void)after;
	(void)domain;
	if (call(WORLD_OF(store, store), "history", err))
		return -1;
	*out = (struct history){0};
	return 0;
}

static int store_stick(struct store *store, const char *uuid, const char *name, const char *reason,
		       struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct stuck_guests *all = &w->stuck;
	size_t i = 0;

	if (call(w, "stick", err))
		return -1;
	while (i < all->n && strcmp(all->items[i].uuid, uuid) != 0)
		i++;
	if (i < all->n) {
		free(all->items[i].name);
		free(all->items[i].reason);
		all->items[i] = all->items[--all->n];
	}
	if (reason) {
		struct stuck_guest *guest = mem_append(&all->items, &all->n, sizeof(*guest));

		*guest = (struct stuck_guest){
			.name = mem_strdup(name), .reason = mem_strdup(reason), .since = w->wall};
		memcpy(guest->uuid, uuid, sizeof(guest->uuid));
	}
	return 0;
}

static int store_stuck(struct store *store, struct stuck_guests *out, struct err **err)
{
	struct world *w = WORLD_OF(store, store);
	struct stuck_guests found = {0};

	if (call(w, "stuck", err))
		return -1;
	for (size_t i = 0; i < w->stuck.n; i++) {
		struct stuck_guest guest = w->stuck.items[i];

		guest.name = mem_strdup(guest.name);
		guest.reason = mem_strdup(guest.reason);
		*(struct stuck_guest *)mem_append(&found.items, &found.n, sizeof(guest)) = guest;
	}
	*out = found;
	return 0;
}

static int store_settle(struct store *store, struct err **err)
{
	return call(WORLD_OF(store, store), "settle", err) ? -1 : 0;
}

static void store_close(struct store *store)
{
	edge_close(store);
}

static const struct store_ops store_ops = {
	.claim = store_claim,
	.update = store_update,
	.drop = store_drop,
	.list = store_list,
	.because = store_because,
	.history = store_history,
	.stick = store_stick,
	.stuck = store_stuck,
	.settle = store_settle,
	.close = store_close,
};

static msec world_now(void)
{
	return current->clock;
}

static int64_t world_wall(void)
{
	return current->wall;
}

static int world_lock(const char *name, msec deadline, int *fd, struct err **err)
{
	bool domains = !strncmp(name, "domain-", 7);

	if (call(current, "lock", err))
		return -1;
	if ((current->at_work && !strncmp(name, "resize-", 7)) ||
	    (current->locked && domains && !strcmp(name + 7, current->locked))) {
		if (current->clock < deadline)
			current->clock = deadline;
		return err_set(err, ERR_TIMEOUT, "the lock %s is held by process 4711", name);
	}
	if (domains)
		current->locked_at = current->calls;
	*fd = -1;
	return 0;
}

static int world_share(const char *name, msec deadline, int *fd, struct err **err)
{
	return world_lock(name, deadline, fd, err);
}

static int world_connect(const char *uri, struct virt **out, struct err **err)
{
	if (call(current, "connect", err))
		return -1;
	if (!current->other)
		return err_set(err, ERR_FAILED, "cannot connect to libvirt at %s", uri);
	*out = &current->other->virt;
	return 0;
}

/* The world itself. */

static void add_domain(struct world *w, const char *name)
{
	struct fake_domain *d = &w->domains[w->ndomains++];

	d->name = name;
	(void)snprintf(d->uuid, sizeof(d->uuid), "00000000-0000-4000-8000-%012zu", w->ndomains);
	d->ports = 4;
	d->live.present = d->config.present = true;
}

static struct pf *add_pf(struct world *w, unsigned nvfs, bool nic)
{
	struct pf *pf = mem_append(&w->inventory.pfs, &w->inventory.npfs, sizeof(*pf));
	unsigned number = (unsigned)w->inventory.npfs;

	pf->addr = (struct pciaddr){.bus = (uint8_t)number};
	pf->driver = mem_strdup(nic ? "igb" : "nvme");
	pf->vendor = nic ? 0x8086 : 0x1b36;
	pf->product = nic ? 0x10c9 : 0x0010;
	pf->nic = nic;
	if (nic) {
		pf->netdev = mem_printf("eth%u", number);
		pf->mac = mac_number(199 + number);
		pf->up = pf->carrier = true;
	}
	pf->numa_node = -1;
	pf->total_vfs = nvfs;
	make_vfs(w, pf, nvfs);
	return pf;
}

struct pf *world_add_pf(struct world *w, unsigned nvfs)
{
	return add_pf(w, nvfs, true);
}

struct pf *world_add_nvme(struct world *w, unsigned nvfs)
{
	return add_pf(w, nvfs, false);
}

void world_enter(struct world *w)
{
	current = w;
}

void world_init(struct world *w, unsigned nvfs)
{
	memset(w, 0, sizeof(*w));
	current = w;
	w->host.ops = &host_ops;
	w->virt.ops = &virt_ops;
	w->store.ops = &store_ops;
	w->edges = (struct edges){
		.host = &w->host,
		.virt = &w->virt,
		.store = &w->store,
		.now = world_now,
		.wall = world_wall,
		.connect = world_connect,
		.lock = world_lock,
		.share = world_share,
	};
	w->session = (struct session){.edges = w->edges, .store_writable = true};
	w->clock = 1000;
	w->wall = 1795813200; /* 2026-11-27T21:00:00Z */
	w->name = "vfhost-a";
	w->libvirt_version = 11003000;
	w->libvirt_saved = mem_zero(WORLD_PFS * WORLD_VFS, sizeof(*w->libvirt_saved));
	w->unnamed = mem_zero(WORLD_PFS * WORLD_VFS, sizeof(*w->unnamed));
	w->probed = mem_zero(WORLD_PFS * WORLD_VFS, sizeof(*w->probed));
	(void)world_add_pf(w, nvfs);
	w->refused_count = -1;
	add_domain(w, "web1");
	add_domain(w, "web2");
	log_quiet(true);
}

void world_clear(struct world *w)
{
	for (size_t i = 0; i < w->ndomains; i++) {
		view_clear(&w->domains[i].live);
		view_clear(&w->domains[i].config);
	}
	for (size_t i = 0; i < w->nevents; i++)
		virt_event_clear(&w->events[i]);
	session_forget_pools(&w->session);
	inventory_clear(&w->inventory);
	leases_clear(&w->leases);
	stuck_guests_clear(&w->stuck);
	resize_notes_clear(&w->notes);
	free(w->libvirt_saved);
	free(w->unnamed);
	free(w->probed);
	view_clear(&w->saved.live);
	view_clear(&w->snapshot.live);
	view_clear(&w->snapshot.config);
	free(w->network);
}

struct pf *world_pf(struct world *w)
{
	return &w->inventory.pfs[0];
}

struct fake_domain *world_domain(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->ndomains; i++)
		if (!strcmp(w->domains[i].name, name))
			return &w->domains[i];
	return NULL;
}

void world_vanish(struct world *w)
{
	struct pf *pf = &w->inventory.pfs[w->inventory.npfs - 1];

	free_vf(&pf->vfs[--pf->nvfs]);
	pf->num_vfs--;
}

void world_return(struct world *w)
{
	struct pf *pf = &w->inventory.pfs[w->inventory.npfs - 1];

	make_vfs(w, pf, (unsigned)pf->nvfs + 1);
}

void world_stop(struct world *w, const char *name)
{
	struct fake_domain *d = world_domain(w, name);

	for (size_t i = 0; i < d->live.ndevices; i++)
		give_back(w, d->live.devices[i].host, d->live.devices[i].xml);
	view_clear(&d->live);
}

void world_start(struct world *w, const char *name)
{
	struct fake_domain *d = world_domain(w, name);
	bool saved = w->saved.managed && w->saved.domain == d;

	if (saved) {
		d->live = w->saved.live;
		w->saved.live = (struct fake_view){0};
		w->saved.domain = NULL;
		return;
	}
	d->live = (struct fake_view){
		.present = true,
		.metadata = mem_strdup(d->config.metadata),
	};
	for (size_t i = 0; i < d->config.ndevices; i++) {
		struct fake_device *from = &d->config.devices[i];
		struct device device = device_parse(from->xml);
		struct vf *vf = world_vf(w, from->host, NULL);

		if (vf)
			plug(w, vf, &device);
		d->live.devices[d->live.ndevices++] = (struct fake_device){
			.xml = mem_strdup(from->xml),
			.alias = mem_strdup(from->alias),
			.host = from->host,
		};
	}
}

void world_give(struct world *w, const char *name, const struct vf *known, bool interface,
		unsigned views)
{
	struct fake_domain *d = world_domain(w, name);
	struct vf *vf = world_vf(w, known->addr, NULL);
	const struct pciaddr *a = &vf->addr;
	unsigned slot = 1;

	w->given |= !interface;
	/* In the order of the ports, and never where a device is. */
	while (slot_taken(d, slot))
		slot++;
	for (unsigned which = VIRT_LIVE; which <= VIRT_CONFIG; which <<= 1) {
		cleanup_free char *xml = NULL;
		struct device device;

		if (!(views & which))
			continue;
		xml = mem_printf(
			"<%s %s managed='yes'>%s<driver name='vfio'/><source><address type='pci' "
			"domain='0x0000' bus='0x%02x' slot='0x%02x' function='0x%x'/></source>%s"
			"<address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' "
			"function='0x0'/></%s>",
			interface ? "interface" : "hostdev",
			interface ? "type='hostdev'" : "mode='subsystem' type='pci'",
			interface ? "<mac address='02:bb:00:00:00:01'/>" : "", a->bus, a->device,
			a->function, which == VIRT_LIVE ? "<alias name='hostdev0'/>" : "", slot,
			interface ? "interface" : "hostdev");
		device = device_parse(xml);
		if (which == VIRT_LIVE)
			plug(w, vf, &device);
		view_add(view_of(d, which), xml, &device);
		free(device.alias);
	}
}

void world_forget(struct world *w, const char *name)
{
	world_stop(w, name);
	view_clear(&world_domain(w, name)->config);
}

int world_run(struct world *w, const char *command, struct err **err)
{
	static const struct verb *const verbs[] = {
		&verb_adopt,
		&verb_attach,
		&verb_detach,
		&verb_set,
		&verb_list,
		&verb_why,
		&verb_reconcile,
		&verb_set_vfs,
		&verb_pool_define,
		&verb_pool_dumpxml,
		&verb_pool_edit,
		&verb_pool_list,
		&verb_pool_undefine,
		&verb_park,
		&verb_unpark,
		&verb_save,
		&verb_managedsave,
		&verb_restore,
		&verb_hosts,
		&verb_migrate,
		&verb_snapshot_create,
		&verb_snapshot_revert,
	};
	cleanup_free char *words = mem_strdup(command);
	char *argv[16] = {0}, *rest = words;
	int argc = 0, result = -1, out, null;
	struct err *why = NULL;

	while (argc < 15 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	(void)fflush(stdout);
	out = dup(STDOUT_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	(void)dup2(null, STDOUT_FILENO);
	(void)close(null);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[0], verbs[i]->name))
			result = verbs[i]->run(verbs[i], &w->session, argc, argv, &why);
	w->session.about = NULL;
	(void)fflush(stdout);
	(void)dup2(out, STDOUT_FILENO);
	(void)close(out);
	result = result ? (why ? err_exit_status(why->code) : 99) : 0;
	if (err)
		*err = why;
	else
		err_free(&why);
	return result;
}

struct domain_view world_view(struct world *w, const char *name, unsigned which)
{
	const struct fake_domain *d = world_domain(w, name);
	cleanup_free char *xml = view_xml(d, which == VIRT_LIVE ? &d->live : &d->config);
	struct domain_view view = {0};

	(void)domain_xml_parse(xml, &view, NULL);
	return view;
}

size_t view_ours(const struct fake_view *view)
{
	size_t n = 0;

	for (size_t i = 0; i < view->ndevices; i++)
		n += view->devices[i].alias && !is_standby(&view->devices[i]) &&
		     !strncmp(view->devices[i].alias, ASSIGNMENT_ALIAS_PREFIX,
			      strlen(ASSIGNMENT_ALIAS_PREFIX));
	return n;
}

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
	const struct fake_view *fake = which == VIRT_LIVE ? &d->live : &d->config;
	cleanup_free char *xml = view_xml(d, fake);
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
		else if (!pf_of(w, device->host)->nic)
			broken = mac_is_zero(a->mac) ? NULL : "a VF that is no NIC has a MAC";
		else if ((which == VIRT_LIVE || device->form == FORM_HOSTDEV) &&
			 !mac_equal(world_vf(w, device->host, NULL)->settings.mac, a->mac))
			broken = "a VF in a guest has not its assignment's MAC";
		else if (which == VIRT_LIVE &&
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

		if (lease && lease->state == LEASE_RESERVED && in_use(w, vf->addr))
			return "a VF that is kept for a guest is in one";
		/* What is kept is as idle as what is free. */
		if ((lease && lease->state != LEASE_RESERVED) || in_use(w, vf->addr))
			continue;
		if (home_driver(w, pf) ? !vf->driver || strcmp(vf->driver, home_driver(w, pf)) != 0
				       : vf->driver != NULL)
			return "a free VF is not on its driver";
		if (!pf->nic)
			continue;
		mac = vf_mac(pf, vf->index);
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
		const char *broken = broken_view(w, &w->domains[i], VIRT_LIVE);

		if (!broken)
			broken = broken_view(w, &w->domains[i], VIRT_CONFIG);
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

			held |= view_find(&d->live, alias) >= 0 ||
				view_find(&d->config, alias) >= 0;
			for (size_t k = 0; k < d->live.ndevices; k++)
				held |= pciaddr_equal(d->live.devices[k].host,
						      w->leases.items[i].vf);
		}
		if (!held)
			return "a lease stands for nothing";
	}
	return NULL;
}
