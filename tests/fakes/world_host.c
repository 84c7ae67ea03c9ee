/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fakes/world_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "model/facts.h"

static int host_resolve(struct host *host, const char *name, struct pciaddr *pf, int *index,
			struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct pciaddr addr;

	if (world_call(w, "resolve", err))
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

	if (world_call(w, "read_vf", err))
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

	if (world_call(w, "read_pf", err))
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

	if (world_call(w, "read_all", err))
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
	if (world_call(WORLD_OF(host, host), "read_nodes", err))
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

	if (world_call(w, "read_bridge", err))
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

	if (world_call(w, "pf_up", err))
		return -1;
	inventory_pf(&w->inventory, pf->addr)->up = true;
	return 0;
}

static int host_read_settings(struct host *host, const struct pf *pf, unsigned index,
			      struct vf_settings *out, struct err **err)
{
	struct world *w = WORLD_OF(host, host);
	struct vf *vf = pf_vf_by_index(inventory_pf(&w->inventory, pf->addr), index);

	if (world_call(w, "read_settings", err))
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

	if (world_call(w, "apply", err))
		return -1;
	if (want->known & SETTING_MAC)
		vf->settings.mac = want->mac;
	/* The second attribute is a request of its own, and can be the one that fails. */
	if (want->known & SETTING_VLAN) {
		if (world_call(w, "apply-vlan", err))
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
	return world_call(WORLD_OF(host, host), "host-watch", err);
}

static int host_find_pf(struct host *host, const char *name, struct pciaddr *pf, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	if (world_call(w, "find_pf", err))
		return -1;
	for (size_t i = 0; i < w->inventory.npfs; i++) {
		if (strcmp(name, pf_str(&w->inventory.pfs[i])) != 0)
			continue;
		*pf = w->inventory.pfs[i].addr;
		return 0;
	}
	return err_set(err, ERR_ABSENT, "there is no interface %s", name);
}

static void host_find_users(struct host *host, struct vf *const *vfs, size_t n)
{
	struct world *w = WORLD_OF(host, host);

	w->walks += n > 0;
	for (size_t i = 0; i < n; i++) {
		free(vfs[i]->user);
		vfs[i]->user = mem_strdup(world_in_guest(w, vfs[i]->addr) ? "qemu-system-x86 (1)"
									  : w->user);
	}
}

static int host_persist(struct host *host, const struct persist *persist, char **path,
			struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	if (world_call(w, "persist", err))
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
	if (world_call(w, "forget", err))
		return -1;
	*was = w->persisted.pf;
	w->persisted = (struct persist){0};
	return 0;
}

static int host_read_keepers(struct host *host, struct keeper_facts *out, struct err **err)
{
	if (world_call(WORLD_OF(host, host), "read_keepers", err))
		return -1;
	*out = (struct keeper_facts){.read = true};
	return 0;
}

static int host_drop_note(struct host *host, struct pciaddr pf, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	(void)pf;
	if (world_call(w, "drop_note", err))
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

	if (world_call(w, "write_note", err))
		return -1;
	resize_notes_clear(&w->notes);
	copy_note(note, &w->notes);
	return 0;
}

static int host_read_notes(struct host *host, struct resize_notes *out, struct err **err)
{
	struct world *w = WORLD_OF(host, host);

	if (world_call(w, "read_notes", err))
		return -1;
	*out = (struct resize_notes){0};
	for (size_t i = 0; i < w->notes.n; i++)
		copy_note(&w->notes.items[i], out);
	return 0;
}

static void host_close(struct host *host)
{
	(void)host;
}

const struct host_ops world_host_ops = {
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
	.wait_driver = world_host_wait_driver,
	.wait_named = world_host_wait_named,
	.find_pf = host_find_pf,
	.set_num_vfs = world_host_set_num_vfs,
	.read_home = world_host_read_home,
	.set_home = world_host_set_home,
	.send_home = world_host_send_home,
	.wait_home = world_host_wait_home,
	.find_users = host_find_users,
	.persist = host_persist,
	.forget = host_forget,
	.read_keepers = host_read_keepers,
	.write_note = host_write_note,
	.read_notes = host_read_notes,
	.drop_note = host_drop_note,
	.close = host_close,
};
