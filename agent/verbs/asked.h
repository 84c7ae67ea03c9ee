/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VF's settings on the command line, with the names and values of ip-link. */
#ifndef VFPOOL_VERBS_ASKED_H
#define VFPOOL_VERBS_ASKED_H

#include <argp.h>
#include <stdbool.h>

#include "core/err.h"
#include "model/assignment.h"

/* What the user asked for. */
struct asked {
	unsigned set;   /* SETTING_*: given a value */
	unsigned unset; /* SETTING_*: given "default" */
	unsigned vlan;
	bool qos_set, proto_set, min_set, max_set;
	struct vf_settings values;
};

enum {
	ASKED_KEY_VLAN = 0x300,
	ASKED_KEY_QOS,
	ASKED_KEY_PROTO,
	ASKED_KEY_SPOOFCHK,
	ASKED_KEY_TRUST,
	ASKED_KEY_LINK_STATE,
	ASKED_KEY_MIN_RATE,
	ASKED_KEY_MAX_RATE,
};

/* Entries of a verb's argp_option array. */
#define ASKED_OPTIONS                                                                               \
	{"vlan", ASKED_KEY_VLAN, "ID", 0, "Tag the VF's traffic with this VLAN, 1-4094; 0: none",   \
	 0},                                                                                        \
		{"qos", ASKED_KEY_QOS, "0-7", 0, "Priority of the VLAN's tag (form hostdev)", 0},   \
		{"vlan-proto",                                                                      \
		 ASKED_KEY_PROTO,                                                                   \
		 "PROTO",                                                                           \
		 0,                                                                                 \
		 "802.1Q (default) or 802.1ad (form hostdev)",                                      \
		 0},                                                                                \
		{"spoofchk",                                                                        \
		 ASKED_KEY_SPOOFCHK,                                                                \
		 "on|off",                                                                          \
		 0,                                                                                 \
		 "Drop frames with a foreign MAC (default on)",                                     \
		 0},                                                                                \
		{"trust",                                                                           \
		 ASKED_KEY_TRUST,                                                                   \
		 "on|off",                                                                          \
		 0,                                                                                 \
		 "Let the guest change its MAC and receive all (default off)",                      \
		 0},                                                                                \
		{"link-state",                                                                      \
		 ASKED_KEY_LINK_STATE,                                                              \
		 "STATE",                                                                           \
		 0,                                                                                 \
		 "auto, enable or disable: the link that the guest sees",                           \
		 0},                                                                                \
		{"min-rate", ASKED_KEY_MIN_RATE, "MBIT", 0, "Guaranteed rate, Mbit/s; 0: none", 0}, \
	{                                                                                           \
		"max-rate", ASKED_KEY_MAX_RATE, "MBIT", 0, "Highest rate, Mbit/s; 0: none", 0       \
	}

/* ARGP_ERR_UNKNOWN when the key is none of these. */
error_t asked_option(struct asked *asked, int key, char *arg, struct argp_state *state);

/*
 * Writes what was asked for into an assignment; what was not asked for stays. ERR_USAGE: a
 * combination that cannot be: QoS or protocol without a VLAN, or for a form where libvirt sets the
 * VLAN, which knows neither; a lowest rate above the highest one.
 */
int asked_apply(const struct asked *asked, struct assignment *assignment, struct err **err);

#endif
