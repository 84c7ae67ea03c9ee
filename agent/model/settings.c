// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/settings.h"

const char *vf_settings_word(unsigned settings)
{
	if (settings & SETTING_MAC)
		return "a MAC";
	if (settings & SETTING_VLAN)
		return "a VLAN";
	if (settings & SETTING_SPOOFCHK)
		return "spoofchk";
	if (settings & SETTING_TRUST)
		return "trust";
	if (settings & SETTING_LINK_STATE)
		return "a link state";
	return "rates";
}

unsigned vf_settings_diff(const struct vf_settings *a, const struct vf_settings *b)
{
	unsigned diff = 0;

	if (!mac_equal(a->mac, b->mac))
		diff |= SETTING_MAC;
	/* With no VLAN, QoS and protocol mean nothing, and drivers report what they like. */
	if (a->vlan != b->vlan || a->qos != b->qos ||
	    ((a->vlan || a->qos) && a->vlan_proto != b->vlan_proto))
		diff |= SETTING_VLAN;
	if (a->spoofchk != b->spoofchk)
		diff |= SETTING_SPOOFCHK;
	if (a->trust != b->trust)
		diff |= SETTING_TRUST;
	if (a->link_state != b->link_state)
		diff |= SETTING_LINK_STATE;
	if (a->min_rate != b->min_rate || a->max_rate != b->max_rate)
		diff |= SETTING_RATE;
	return diff & a->known & b->known;
}
