/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fakes/world_inside.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

static int virt_find(struct virt *virt, const char *name, struct virt_dom *out, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (world_call(w, "find", err))
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

	if (world_call(w, "list", err))
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

	if (world_call(WORLD_OF(virt, virt), "state", err))
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

static int virt_xml(struct virt *virt, const struct virt_dom *dom, unsigned which, char **out,
		    struct err **err)
{
	struct fake_view *view = world_view_of(dom->handle, which);

	if (world_call(WORLD_OF(virt, virt), "xml", err))
		return -1;
	if (!view->present)
		return err_set(err, ERR_ABSENT, "no such definition");
	*out = world_view_xml(dom->handle, view);
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

	if (world_call(w, "network", err))
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
	for (unsigned which = VIEW_LIVE; which <= VIEW_CONFIG; which <<= 1) {
		struct fake_view *view = which == VIEW_LIVE ? &d->live : &d->config;

		if (views & which)
			view->devices[view->ndevices++] = (struct fake_device){
				.xml = placed(xml),
				.alias = mem_printf(
					ASSIGNMENT_ALIAS_PREFIX "%s" ASSIGNMENT_STANDBY_SUFFIX, id),
			};
	}
	return 0;
}

static bool has_standby(const struct fake_domain *d, const struct device *device, unsigned views)
{
	cleanup_free char *alias =
		mem_printf(ASSIGNMENT_ALIAS_PREFIX "%s" ASSIGNMENT_STANDBY_SUFFIX, device->id);

	return !((views & VIEW_LIVE && world_view_find(&d->live, alias) < 0) ||
		 (views & VIEW_CONFIG && world_view_find(&d->config, alias) < 0));
}

static int virt_attach(struct virt *virt, const struct virt_dom *dom, const char *xml,
		       unsigned views, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;
	struct device device = world_device_parse(xml);
	size_t place;
	struct vf *vf = world_vf(w, device.host, &place);
	char id[ASSIGNMENT_ID_SIZE];

	if (world_call(w, "attach", err))
		return -1;
	if (world_standby_parse(xml, id))
		return attach_standby(d, xml, id, views);
	/* QEMU would take it, and the guest never see it. */
	if (strstr(xml, "<teaming") && !has_standby(d, &device, views))
		return err_set(err, ERR_FAILED, "there is no standby for it");
	if (views & VIEW_LIVE) {
		if (world_in_use(w, device.host))
			return err_set(err, ERR_TAKEN, "VF %s is in use", pciaddr_str(device.host));
		if (device.mac_set && !world_pf_of(w, device.host)->up)
			return err_set(err, ERR_FAILED, "the PF is not online");
		if (device.mac_set && w->unnamed[place])
			return err_set(err, ERR_FAILED, "Cannot get interface MAC on 'eth0'");
		if (!device.managed && (!vf->driver || strcmp(vf->driver, "vfio-pci") != 0))
			return err_set(err, ERR_FAILED, "the VF is not on vfio-pci");
		world_plug(w, vf, &device);
		world_view_add(&d->live, xml, &device);
	}
	/* As libvirt does. */
	for (size_t i = 0; views & VIEW_CONFIG && i < d->config.ndevices; i++)
		if (pciaddr_equal(d->config.devices[i].host, device.host))
			return err_set(err, ERR_FAILED, "the device is in the definition already");
	if (views & VIEW_CONFIG)
		world_view_add(&d->config, xml, &device);
	return 0;
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

	return world_view_find(view, alias) >= 0;
}

static int virt_detach(struct virt *virt, const struct virt_dom *dom, const char *alias,
		       unsigned which, msec deadline, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;
	struct fake_view *view = world_view_of(d, which);
	int i = world_view_find(view, alias);

	w->detaches++;
	if (which == VIEW_LIVE && d->silent) {
		w->clock = deadline > w->clock ? deadline : w->clock;
		(void)err_set(err, ERR_TIMEOUT, "the QEMU of %s does not answer", dom->name);
		return err_next(err, "see why");
	}

	if (world_call(w, "detach", err))
		return -1;
	if (i < 0)
		return err_set(err, ERR_ABSENT, "no device %s", alias);
	if (which == VIEW_LIVE) {
		if (!w->watching)
			return err_set(err, ERR_FAILED, "nobody listens for the answer");
		if (d->deaf) {
			d->deaf--;
			return 0;
		}
		if (world_is_standby(&view->devices[i]) && d->keeps_standby)
			return 0;
		if (world_is_standby(&view->devices[i]) && has_its_vf(view, alias))
			return err_set(err, ERR_FAILED, "its VF is to go first");
		if (d->holds && pciaddr_equal(view->devices[i].host, d->held))
			return 0;
		if (d->refuses) {
			d->refuses--;
			if (w->watching_closely)
				queue_event(w, VIRT_DEVICE_REMOVAL_FAILED, d, alias);
			return 0;
		}
		world_give_back(w, view->devices[i].host, view->devices[i].xml);
		if (!d->lost_event)
			queue_event(w, VIRT_DEVICE_REMOVED, d, alias);
	}
	world_view_remove(view, i);
	return 0;
}

static int virt_undefine(struct virt *virt, const struct virt_dom *dom, const char *xml,
			 struct err **err)
{
	struct fake_domain *d = dom->handle;
	struct device device = world_device_parse(xml);

	if (world_call(WORLD_OF(virt, virt), "undefine", err))
		return -1;
	for (size_t i = 0; i < d->config.ndevices; i++)
		if (pciaddr_equal(d->config.devices[i].host, device.host)) {
			world_view_remove(&d->config, (int)i);
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

	if (world_call(WORLD_OF(virt, virt), "set_metadata", err))
		return -1;
	for (unsigned which = VIEW_LIVE; which <= VIEW_CONFIG; which <<= 1)
		if (views & which) {
			free(world_view_of(d, which)->metadata);
			world_view_of(d, which)->metadata = with_namespace(xml);
		}
	return 0;
}

static int virt_watch(struct virt *virt, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (world_call(w, "virt-watch", err))
		return -1;
	w->watching = true;
	return 0;
}

static int virt_watch_closely(struct virt *virt, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (world_call(w, "virt-watch-closely", err))
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

/* The agent there does what it does. */
static void be_agent(struct world *w)
{
	struct world *was = world_current();

	world_enter(w);
	(void)world_run(w, "reconcile", NULL);
	world_enter(was);
	queue_event(w, VIRT_DOMAIN_CHANGED, &w->domains[0], NULL);
}

static int virt_next_event(struct virt *virt, msec deadline, struct virt_event *out,
			   struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (world_call(w, "next_event", err))
		return -1;
	if (w->agent && w != world_current() && !w->nevents)
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
	(void)virt;
}

static char *virt_uri(struct virt *virt)
{
	struct world *w = WORLD_OF(virt, virt);

	return mem_strdup(w->uri ? w->uri : "qemu:///system");
}

const struct virt_ops world_virt_ops = {
	.uri = virt_uri,
	.find = virt_find,
	.list = virt_list,
	.state = virt_state,
	.xml = virt_xml,
	.attach = virt_attach,
	.detach = virt_detach,
	.undefine = virt_undefine,
	.set_metadata = virt_set_metadata,
	.network = virt_network,
	.save = world_virt_save,
	.saved_xml = world_virt_saved_xml,
	.restore = world_virt_restore,
	.snapshot_find = world_virt_snapshot_find,
	.snapshot_make = world_virt_snapshot_make,
	.snapshot_revert = world_virt_snapshot_revert,
	.watch = virt_watch,
	.watch_closely = virt_watch_closely,
	.follow = virt_follow,
	.job = world_virt_job,
	.move = world_virt_move,
	.published = world_virt_published,
	.publish = world_virt_publish,
	.withdraw = world_virt_withdraw,
	.next_event = virt_next_event,
	.rest = virt_rest,
	.dom_release = virt_dom_release,
	.close = virt_close,
};
