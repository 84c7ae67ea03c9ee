/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fakes/world_inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"

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

int world_call(struct world *w, const char *name, struct err **err)
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

static msec world_now(void)
{
	return current->clock;
}

static int64_t world_wall(void)
{
	return current->wall;
}

static int take(const char *name, bool alone, msec deadline, int *fd, struct err **err)
{
	bool domains = !strncmp(name, "domain-", 7), number = !strncmp(name, "resize-", 7);

	if (world_call(current, "lock", err))
		return -1;
	if ((number && (current->at_work || (current->shared && alone))) ||
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

static int world_lock(const char *name, msec deadline, int *fd, struct err **err)
{
	return take(name, true, deadline, fd, err);
}

static int world_share(const char *name, msec deadline, int *fd, struct err **err)
{
	return take(name, false, deadline, fd, err);
}

static int world_connect(const char *uri, struct virt **out, struct err **err)
{
	if (world_call(current, "connect", err))
		return -1;
	if (!current->other)
		return err_set(err, ERR_FAILED, "cannot connect to libvirt at %s", uri);
	*out = &current->other->virt;
	return 0;
}

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
		pf->mac = world_mac_number(199 + number);
		pf->up = pf->carrier = true;
	}
	pf->numa_node = -1;
	pf->total_vfs = nvfs;
	world_make_vfs(w, pf, nvfs);
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

struct world *world_current(void)
{
	return current;
}

void world_init(struct world *w, unsigned nvfs)
{
	memset(w, 0, sizeof(*w));
	current = w;
	w->host.ops = &world_host_ops;
	w->virt.ops = &world_virt_ops;
	w->store.ops = &world_store_ops;
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
		world_view_clear(&w->domains[i].live);
		world_view_clear(&w->domains[i].config);
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
	world_view_clear(&w->saved.live);
	world_view_clear(&w->snapshot.live);
	world_view_clear(&w->snapshot.config);
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

	world_free_vf(&pf->vfs[--pf->nvfs]);
	pf->num_vfs--;
}

void world_return(struct world *w)
{
	struct pf *pf = &w->inventory.pfs[w->inventory.npfs - 1];

	world_make_vfs(w, pf, (unsigned)pf->nvfs + 1);
}

void world_stop(struct world *w, const char *name)
{
	struct fake_domain *d = world_domain(w, name);

	for (size_t i = 0; i < d->live.ndevices; i++)
		world_give_back(w, d->live.devices[i].host, d->live.devices[i].xml);
	world_view_clear(&d->live);
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
		struct device device = world_device_parse(from->xml);
		struct vf *vf = world_vf(w, from->host, NULL);

		if (vf)
			world_plug(w, vf, &device);
		d->live.devices[d->live.ndevices++] = (struct fake_device){
			.xml = mem_strdup(from->xml),
			.alias = mem_strdup(from->alias),
			.host = from->host,
		};
	}
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
	for (unsigned which = VIEW_LIVE; which <= VIEW_CONFIG; which <<= 1) {
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
			a->function, which == VIEW_LIVE ? "<alias name='hostdev0'/>" : "", slot,
			interface ? "interface" : "hostdev");
		device = world_device_parse(xml);
		if (which == VIEW_LIVE)
			world_plug(w, vf, &device);
		world_view_add(world_view_of(d, which), xml, &device);
		free(device.alias);
	}
}

void world_forget(struct world *w, const char *name)
{
	world_stop(w, name);
	world_view_clear(&world_domain(w, name)->config);
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
