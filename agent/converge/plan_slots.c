/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where in the guest devices go. They are chosen here, so that one write of the metadata says all
 * of it. Where only the definition is concerned and has no free port, libvirt adds one, and the
 * address is learnt after.
 */
#include <string.h>

#include "converge/planner.h"

/* A guest address that is to be used, or was used of old. */
struct slot {
	const char *what; /* goes there: "VF" */
	unsigned plug;    /* VIEW_* where it is to go in */
	unsigned want;    /* VIEW_* where it will be in the end */
	bool express;     /* it takes a PCI Express port */
	bool *set;        /* the address is known */
	struct pciaddr *at;
};

static bool slot_free(const struct planner *p, const struct domain_view *view, struct pciaddr at)
{
	return planner_listed(view->free_slots, view->nfree_slots, at) &&
	       !planner_listed(p->slots, p->nslots, at);
}

/* What is parked comes back to where it was. */
static bool is_promised(const struct assignments *list, const char *id, struct pciaddr at)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct assignment *a = &list->items[i];

		if (strcmp(a->id, id) != 0 &&
		    ((a->guest_set && pciaddr_equal(a->guest, at)) ||
		     (a->standby_guest_set && pciaddr_equal(a->standby_guest, at))))
			return true;
	}
	return false;
}

static int none_free(const struct planner *p, struct subject *sub, const struct slot *slot)
{
	const char *name = p->s->domain->name;

	if (sub->assignment.standby)
		err_set(&sub->err, ERR_FAILED,
			"%s has no free %s for the %s: a VF with a standby takes two", name,
			slot->express ? "PCI Express port" : "PCI slot", slot->what);
	else
		err_set(&sub->err, ERR_FAILED,
			"%s has no free PCI slot where a device can be hot-plugged (no free "
			"pcie-root-port)",
			name);
	return err_next(
		&sub->err,
		"add <controller type='pci' model='pcie-root-port'/> with `virsh edit %s`, then "
		"shut the guest down and start it",
		name);
}

static int choose(struct planner *p, struct subject *sub, const struct slot *slot)
{
	const struct domain_view *live = &p->s->domain->live, *config = &p->s->domain->config;
	const struct domain_view *first = slot->want & VIEW_LIVE ? live : config;
	size_t n = slot->express ? first->nfree_ports : first->nfree_slots;

	for (size_t i = 0; i < n; i++) {
		struct pciaddr at = first->free_slots[i];

		if (is_promised(&p->s->wants->live, sub->assignment.id, at) ||
		    is_promised(&p->s->wants->config, sub->assignment.id, at))
			continue;
		if (!slot_free(p, first, at) ||
		    (slot->want & VIEW_CONFIG && !slot_free(p, config, at)))
			continue;
		*slot->set = true;
		*slot->at = at;
		planner_list(&p->slots, &p->nslots, at);
		return 0;
	}
	return slot->want & VIEW_LIVE ? none_free(p, sub, slot) : 0;
}

/* Its own of old has to be free where the device is to go, or freed by it. */
static int check(struct planner *p, struct subject *sub, const struct slot *slot)
{
	const struct device *live = planner_device(p->s, VIEW_LIVE, sub->assignment.id);
	bool frees = live && live->guest_set && pciaddr_equal(live->guest, *slot->at);

	if (slot->plug & VIEW_LIVE && !frees && !slot_free(p, &p->s->domain->live, *slot->at)) {
		err_set(&sub->err, ERR_FAILED,
			"the guest address %s of assignment %s is not free in %s",
			pciaddr_str(*slot->at), sub->assignment.id, p->s->domain->name);
		return err_next(&sub->err, "free it, or `vfpool detach %s %s` and attach anew",
				p->s->domain->name, sub->assignment.id);
	}
	planner_list(&p->slots, &p->nslots, *slot->at);
	return 0;
}

static int place(struct planner *p, struct subject *sub, const struct slot *slot)
{
	if (!slot->plug)
		return 0;
	return *slot->set ? check(p, sub, slot) : choose(p, sub, slot);
}

void planner_slots(struct planner *p, struct subject *sub)
{
	struct assignment *a = &sub->assignment;
	const struct slot vf = {
		.what = "VF",
		.plug = sub->plug,
		.want = sub->want,
		/* QEMU pairs a standby with no other. */
		.express = a->standby,
		.set = &a->guest_set,
		.at = &a->guest,
	};
	const struct slot standby = {
		.what = "standby",
		.plug = sub->standby_plug,
		.want = sub->standby_plug,
		.set = &a->standby_guest_set,
		.at = &a->standby_guest,
	};

	if (!place(p, sub, &vf))
		(void)place(p, sub, &standby);
}
