/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VF's settings as its PF keeps them: what `ip link show` prints behind "vf N". */
#ifndef VFPOOL_MODEL_SETTINGS_H
#define VFPOOL_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/mac.h"

/* Which of them are known (read) or wanted (to apply). A driver reports only what it supports. */
enum {
	SETTING_MAC = 1 << 0,
	SETTING_VLAN = 1 << 1, /* with its QoS and protocol */
	SETTING_SPOOFCHK = 1 << 2,
	SETTING_TRUST = 1 << 3,
	SETTING_LINK_STATE = 1 << 4,
	SETTING_RATE = 1 << 5, /* minimum and maximum */
};

#define VF_RATE_MAX 9999999 /* Mbit/s */

struct vf_settings {
	unsigned known;      /* SETTING_* */
	struct mac mac;      /* all zero: the driver or the guest chooses */
	uint16_t vlan;       /* 0: none; to 4094 */
	uint8_t qos;         /* 0-7 */
	uint16_t vlan_proto; /* host order: 0x8100 (802.1Q) or 0x88a8 (802.1ad) */
	bool spoofchk;
	bool trust;
	uint8_t link_state; /* IFLA_VF_LINK_STATE_AUTO 0, _ENABLE 1, _DISABLE 2 */
	uint32_t min_rate;  /* Mbit/s, 0: none */
	uint32_t max_rate;
};

/* The first of these settings in the words of ip-link: "trust". */
const char *vf_settings_word(unsigned settings);

/* Which of the settings known to both differ: SETTING_* bits. */
unsigned vf_settings_diff(const struct vf_settings *a, const struct vf_settings *b);

#endif
