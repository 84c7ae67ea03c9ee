/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What should be: one guest's claim on one VF of a pool. It lives in the domain's own <metadata>,
 * so it goes where the guest goes.
 */
#ifndef VFPOOL_MODEL_ASSIGNMENT_H
#define VFPOOL_MODEL_ASSIGNMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/mac.h"
#include "core/pciaddr.h"
#include "model/settings.h"

#define ASSIGNMENT_ID_SIZE 9 /* eight small hex digits and the zero */

/* The alias of a device of ours is this and the assignment's id; libvirt wants "ua-" before it. */
#define ASSIGNMENT_ALIAS_PREFIX "ua-vfpool-"

/* Our element in a domain's <metadata>. */
#define METADATA_URI "urn:vfpool:domain:1"
#define METADATA_PREFIX "vfpool"

enum form {
	FORM_INTERFACE, /* <interface type='hostdev'>: libvirt sets MAC and VLAN */
	FORM_HOSTDEV,   /* <hostdev managed='yes'>: we set them */
};

struct assignment {
	char id[ASSIGNMENT_ID_SIZE];
	char *pool; /* a PF's netdev name, else its PCI address */
	int index;  /* the one VF of the pool that was asked for; -1: any */
	enum form form;
	struct mac mac;
	uint16_t vlan; /* 0: none */
	/*
	 * What else was asked for: .known says which of SPOOFCHK, TRUST, LINK_STATE and RATE; and
	 * the VLAN's .qos and .vlan_proto (0: 802.1Q). MAC and VLAN themselves are above.
	 */
	struct vf_settings settings;
	bool guest_set;
	struct pciaddr guest; /* the guest's own PCI address; kept for the assignment's life */
	bool parked;          /* out of the guest for now, and owed to it */
};

struct assignments {
	struct assignment *items;
	size_t n;
};

const char *form_name(enum form form);             /* "interface" */
bool form_parse(const char *text, enum form *out); /* false: no such form */

bool assignment_id_valid(const char *id);

/* A new id from the kernel's random numbers. */
void assignment_id_make(char id[ASSIGNMENT_ID_SIZE]);

void assignment_clear(struct assignment *assignment);
struct assignment assignment_copy(const struct assignment *from);

/*
 * All that its VF should have: MAC, VLAN and what was asked for; and, where the driver can (.known
 * of can says so), spoof checking on and trust off: drivers differ in what they start with.
 */
struct vf_settings assignment_settings(const struct assignment *assignment,
				       const struct vf_settings *can);

bool assignment_equal(const struct assignment *a, const struct assignment *b);

void assignments_clear(struct assignments *list);
struct assignments assignments_copy(const struct assignments *from);
bool assignments_equal(const struct assignments *a, const struct assignments *b); /* order counts */
struct assignment *assignments_find(const struct assignments *list, const char *id);
void assignments_add(struct assignments *list, struct assignment item); /* takes what item holds */
void assignments_remove(struct assignments *list, const char *id);      /* no such id: nothing */

#endif
