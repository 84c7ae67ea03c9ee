/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs/assigned.h"

#include "core/cleanup.h"

enum {
	COL_ASSIGNMENT,
	COL_DOMAIN,
	COL_VF,
	COL_NAME,
	COL_MAC,
	COL_VLAN,
	COL_GUEST,
	COL_LIVE,
	COL_CONFIG,
	COL_DONE,
	COL_STANDBY,
	COL_STANDBY_GUEST,
};

static const struct column columns[] = {
	[COL_ASSIGNMENT] = {.name = "ASSIGNMENT", .help = "the assignment's id"},
	[COL_DOMAIN] = {.name = "DOMAIN", .help = "the guest"},
	[COL_VF] = {.name = "VF", .help = "the VF's PCI address on the host"},
	[COL_NAME] = {.name = "NAME", .help = "the VF as PF/INDEX"},
	[COL_MAC] = {.name = "MAC", .help = "the guest's MAC"},
	[COL_VLAN] = {.name = "VLAN", .type = COLUMN_NUMBER, .help = "the VLAN", .right = true},
	[COL_GUEST] = {.name = "GUEST-ADDRESS", .help = "the PCI address in the guest"},
	[COL_LIVE] = {.name = "LIVE", .type = COLUMN_BOOLEAN, .help = "in the running guest"},
	[COL_CONFIG] = {.name = "CONFIG", .type = COLUMN_BOOLEAN, .help = "in the next boot"},
	[COL_DONE] = {.name = "DONE", .help = "what was done"},
	[COL_STANDBY] = {.name = "STANDBY",
			 .help = "the network of the standby NIC",
			 .hidden = true},
	[COL_STANDBY_GUEST] = {.name = "STANDBY-ADDRESS",
			       .help = "the standby's PCI address in the guest",
			       .hidden = true},
};

int assigned_new(const char *name, enum table_mode mode, struct table **out, struct err **err)
{
	return table_new(name, columns, ARRAY_SIZE(columns), -1, mode, NULL, out, err);
}

static const char *done(const struct subject *sub)
{
	if (sub->stays)
		return "stays";
	if (sub->assignment.parked)
		return "parked";
	if (sub->assignment.adopted_set && sub->did & 1u << STEP_CLAIM)
		return "adopted";
	if (sub->did & 1u << STEP_PLUG)
		return "attached";
	if (sub->want && sub->did & 1u << STEP_CLAIM)
		return "leased";
	if (sub->want)
		return sub->unplug ? "detached" : "confirmed";
	if (sub->unplug)
		return "detached";
	return "freed";
}

void assigned_add(struct table *table, const char *domain, const struct subject *sub)
{
	const struct assignment *a = &sub->assignment;
	bool live = (sub->have | sub->plug) & ~(sub->unplug & ~sub->plug) & VIEW_LIVE;
	bool config = (sub->have | sub->plug) & ~(sub->unplug & ~sub->plug) & VIEW_CONFIG;
	struct row *row = table_row(table, NULL);

	row_set(row, COL_ASSIGNMENT, "%s", a->id);
	row_set(row, COL_DOMAIN, "%s", domain);
	row_set(row, COL_VF, "%s", pciaddr_str(sub->vf));
	if (sub->pf)
		row_set(row, COL_NAME, "%s/%u", sub->pf, sub->index);
	if (!mac_is_zero(a->mac))
		row_set(row, COL_MAC, "%s", mac_str(a->mac));
	if (a->vlan)
		row_set(row, COL_VLAN, "%u", a->vlan);
	if (a->guest_set)
		row_set(row, COL_GUEST, "%s", pciaddr_str(a->guest));
	if (a->standby)
		row_set(row, COL_STANDBY, "%s", a->standby);
	if (a->standby_guest_set)
		row_set(row, COL_STANDBY_GUEST, "%s", pciaddr_str(a->standby_guest));
	row_set(row, COL_LIVE, "%s", live ? "true" : "false");
	row_set(row, COL_CONFIG, "%s", config ? "true" : "false");
	row_set(row, COL_DONE, "%s", done(sub));
}
