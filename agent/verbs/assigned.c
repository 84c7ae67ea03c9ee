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
	[COL_ASSIGNMENT] = {.name = "ASSIGNMENT"},
	[COL_DOMAIN] = {.name = "DOMAIN"},
	[COL_VF] = {.name = "VF"},
	[COL_NAME] = {.name = "NAME"},
	[COL_MAC] = {.name = "MAC"},
	[COL_VLAN] = {.name = "VLAN", .type = COLUMN_NUMBER, .right = true},
	[COL_GUEST] = {.name = "GUEST-ADDRESS"},
	[COL_LIVE] = {.name = "LIVE", .type = COLUMN_BOOLEAN},
	[COL_CONFIG] = {.name = "CONFIG", .type = COLUMN_BOOLEAN},
	[COL_DONE] = {.name = "DONE"},
	[COL_STANDBY] = {.name = "STANDBY", .hidden = true},
	[COL_STANDBY_GUEST] = {.name = "STANDBY-ADDRESS", .hidden = true},
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
