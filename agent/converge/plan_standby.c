/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The standby of an assignment: a virtio NIC with the VF's MAC that QEMU and the guest pair with
 * the VF, so that the guest's one interface goes on while the VF is out. So it goes in before the
 * VF, stays in while the assignment is parked, and comes out after the VF.
 */
#include <string.h>

#include "converge/planner.h"

static unsigned wanted(const struct assignments *list, const char *id, unsigned view)
{
	const struct assignment *a = assignments_find(list, id);

	return a && a->standby ? view : 0;
}

void planner_standby_learn(const struct situation *s, struct subject *sub)
{
	const char *id = sub->assignment.id;
	const struct domain *d = s->domain;
	const struct standby *live = domain_view_standby(&d->live, id);
	const struct standby *config = domain_view_standby(&d->config, id);
	const struct standby *known = live ? live : config;
	unsigned want =
		wanted(&s->wants->live, id, VIEW_LIVE) | wanted(&s->wants->config, id, VIEW_CONFIG);
	unsigned have = (live ? VIEW_LIVE : 0) | (config ? VIEW_CONFIG : 0);

	sub->standby_unplug = have & ~want;
	/* One that somebody took out is missed when the VF is to be back. */
	sub->standby_plug = want & sub->want & ~have;
	if (sub->assignment.standby && !sub->assignment.standby_guest_set && known &&
	    known->guest_set) {
		sub->assignment.standby_guest_set = true;
		sub->assignment.standby_guest = known->guest;
	}
}

static int check_vlan(const struct network *network, struct subject *sub)
{
	const struct assignment *a = &sub->assignment;

	if (!a->vlan || network->vlan == a->vlan)
		return 0;
	if (network->no_vlan) {
		err_set(&sub->err, ERR_FAILED,
			"on network %s the standby would not be in VLAN %u as the VF: %s",
			network->name, a->vlan, network->no_vlan);
		return err_next(&sub->err, "%s", network->no_vlan_next);
	}
	if (a->settings.vlan_proto && a->settings.vlan_proto != 0x8100) {
		err_set(&sub->err, ERR_UNSUPPORTED,
			"libvirt tags the frames of a standby by 802.1Q only, and the VF's VLAN is "
			"one of 802.1ad");
		return err_next(&sub->err, "attach it without a standby");
	}
	sub->standby_tagged = true;
	return 0;
}

void planner_standby(struct planner *p, struct subject *sub)
{
	const char *name = sub->assignment.standby;
	const struct network *network =
		name && p->s->networks ? networks_find(p->s->networks, name) : NULL;

	if (!sub->standby_plug || !network)
		return;
	if (!network->defined) {
		err_set(&sub->err, ERR_ABSENT, "there is no network %s for the standby", name);
		err_next(&sub->err, "`virsh net-list --all` shows the networks of this host");
	} else if (network->kind == NETWORK_HOSTDEV) {
		err_set(&sub->err, ERR_FAILED,
			"network %s hands out VFs: a guest gets no virtio NIC on it", name);
		err_next(&sub->err, "name a network that is a bridge, or macvtap");
	} else if (sub->standby_plug & VIEW_LIVE && !network->active) {
		err_set(&sub->err, ERR_FAILED, "network %s is not active", name);
		err_next(&sub->err, "`virsh net-start %s`", name);
	} else {
		check_vlan(network, sub);
	}
}
