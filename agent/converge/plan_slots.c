/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in the guest a device goes. */
#include "converge/planner.h"

static bool slot_free(const struct planner *p, const struct domain_view *view, struct pciaddr slot)
{
	return planner_listed(view->free_slots, view->nfree_slots, slot) &&
	       !planner_listed(p->slots, p->nslots, slot);
}

static int no_slot(const struct planner *p, struct subject *sub)
{
	err_set(&sub->err, ERR_FAILED,
		"%s has no free PCI slot where a device can be hot-plugged (no free "
		"pcie-root-port)",
		p->s->domain->name);
	return err_next(
		&sub->err,
		"add <controller type='pci' model='pcie-root-port'/> with `virsh edit %s`, then "
		"shut the guest down and start it",
		p->s->domain->name);
}

/*
 * The guest address, chosen here so that one write of the metadata says all of it. Where only the
 * definition is concerned and has no free port, libvirt adds one, and the address is learnt after.
 */
static int choose(struct planner *p, struct subject *sub)
{
	const struct domain_view *live = &p->s->domain->live, *config = &p->s->domain->config;
	const struct domain_view *first = sub->want & VIEW_LIVE ? live : config;

	for (size_t i = 0; i < first->nfree_slots; i++) {
		struct pciaddr slot = first->free_slots[i];

		if (!slot_free(p, first, slot) ||
		    (sub->want & VIEW_CONFIG && !slot_free(p, config, slot)))
			continue;
		sub->assignment.guest_set = true;
		sub->assignment.guest = slot;
		planner_list(&p->slots, &p->nslots, slot);
		return 0;
	}
	return sub->want & VIEW_LIVE ? no_slot(p, sub) : 0;
}

/* Its own slot of old has to be free where the device is to go, or freed by it. */
static int check(struct planner *p, struct subject *sub)
{
	const struct device *live = planner_device(p->s, VIEW_LIVE, sub->assignment.id);
	struct pciaddr slot = sub->assignment.guest;
	bool frees = live && live->guest_set && pciaddr_equal(live->guest, slot);

	if (sub->plug & VIEW_LIVE && !frees && !slot_free(p, &p->s->domain->live, slot)) {
		err_set(&sub->err, ERR_FAILED,
			"the guest address %s of assignment %s is not free in %s",
			pciaddr_str(slot), sub->assignment.id, p->s->domain->name);
		return err_next(&sub->err, "free it, or `vfpool detach %s %s` and attach anew",
				p->s->domain->name, sub->assignment.id);
	}
	planner_list(&p->slots, &p->nslots, slot);
	return 0;
}

void planner_slot(struct planner *p, struct subject *sub)
{
	if (sub->assignment.guest_set)
		check(p, sub);
	else
		choose(p, sub);
}
