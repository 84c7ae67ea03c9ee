/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who makes a PF's VFs again after a reboot.
 *
 * NetworkManager sets the number whenever the connection comes up, and takes all VFs away when it
 * goes down, if the connection has a section for SR-IOV at all. udev, by a .link file or by a
 * rule, sets it whenever the interface appears. Another number than the current one takes all VFs
 * away first, for each of them but a rule that wants none to be there.
 *
 * Some also say what VFs are set to (MAC, VLAN, trust), and set that anew whenever they handle the
 * PF's interface, whoever has the VF then.
 */
#ifndef VFPOOL_CHECK_KEEPERS_H
#define VFPOOL_CHECK_KEEPERS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/facts.h"

enum keeper_kind {
	KEEPER_NM,
	KEEPER_NM_CONF, /* NetworkManager's own settings, no connection */
	KEEPER_LINK,
	KEEPER_RULE,
};

struct keeper {
	enum keeper_kind kind;
	const char *path; /* borrowed from the facts */
	char *id;         /* of NetworkManager's connection */
	long count;       /* -1: not known */
	bool certain;     /* that it means this PF */
	bool preserves;   /* VFs, when the connection goes down */
	bool patient;     /* it leaves a PF alone that has VFs */
};

enum setter_kind { SETTER_NM, SETTER_LINK, SETTER_NETWORKD };

/* Sets VFs of the PF to something. */
struct setter {
	enum setter_kind kind;
	const char *path; /* borrowed from the facts */
	char *id;         /* of NetworkManager's connection */
	bool certain;
};

struct keepers {
	struct keeper *items;
	size_t n;
	struct setter *setters;
	size_t nsetters;
};

/* device: .pf with driver, interface, MAC and number, and the PCI ids. */
void keepers_find(const struct keeper_facts *facts, const struct device_facts *device,
		  struct keepers *out);
void keepers_clear(struct keepers *keepers);

/* The one to be named alone: who is certain comes before who may mean another PF. NULL: none. */
const struct keeper *keepers_first(const struct keepers *keepers);

const char *keeper_kind_name(enum keeper_kind kind); /* "networkmanager", "link", "udev" */

#endif
