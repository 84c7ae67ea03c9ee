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
/* That of its standby NIC has this after it. */
#define ASSIGNMENT_STANDBY_SUFFIX "-standby"
#define ASSIGNMENT_ALIAS_SIZE                                        \
	(sizeof(ASSIGNMENT_ALIAS_PREFIX ASSIGNMENT_STANDBY_SUFFIX) + \
	 ASSIGNMENT_ID_SIZE) /* the longer of the two, and the zero */

/* Our element in a domain's <metadata>. */
#define METADATA_URI "urn:vfpool:domain:1"
#define METADATA_PREFIX "vfpool"

enum form {
	FORM_INTERFACE, /* <interface type='hostdev'>: libvirt sets MAC and VLAN */
	FORM_HOSTDEV,   /* <hostdev managed='yes'>: we set them */
};

enum park_reason {
	PARK_MIGRATION, /* the guest is to move to another host */
	PARK_SAVE,      /* its state goes to a file */
	PARK_SNAPSHOT,
	PARK_RESIZE, /* the VFs are being made anew; given back by resize.c alone */
};

#define PARK_HOST_SIZE 65 /* a host's name, as Linux knows them, and the zero */

/* Why an assignment is out of its guest, where that was done, and for how long. */
struct parking {
	enum park_reason reason;
	char host[PARK_HOST_SIZE]; /* 1 to 64 visible ASCII characters */
	/*
	 * Seconds since 1970; then the guest gets it back. 0: whoever parked it has the guest's
	 * lock for as long as it lasts, so that it is over for everybody else who gets the lock.
	 */
	int64_t until;
};

struct assignment {
	char id[ASSIGNMENT_ID_SIZE];
	char *pool;    /* a PF's netdev name, else its PCI address */
	int index;     /* the one VF of the pool that was asked for; -1: any */
	bool form_set; /* else the plan chooses: an interface for a NIC */
	enum form form;
	struct mac mac; /* all zero: none, it is owed a VF that is no NIC; or the plan makes one */
	uint16_t vlan;  /* 0: none */
	/*
	 * What else was asked for: .known says which of SPOOFCHK, TRUST, LINK_STATE and RATE; and
	 * the VLAN's .qos and .vlan_proto (0: 802.1Q). MAC and VLAN themselves are above.
	 */
	struct vf_settings settings;
	/*
	 * The libvirt network of the virtio NIC that takes over in the guest while the VF is out,
	 * with the VF's MAC; it stays in until the assignment goes. NULL: none.
	 */
	char *standby;
	bool standby_guest_set;
	struct pciaddr standby_guest; /* that NIC's PCI address in the guest; kept as .guest */
	/*
	 * Taken over from somebody else: the device on this VF of the host that has no alias of
	 * ours is its, until it is plugged anew. A running device's alias cannot be changed.
	 */
	bool adopted_set;
	struct pciaddr adopted;
	bool guest_set;
	struct pciaddr guest;   /* the guest's own PCI address; kept for the assignment's life */
	bool optional;          /* the guest may arrive at a host that has no VF for it */
	bool parked;            /* out of the guest for now, and owed to it */
	struct parking parking; /* where it is parked */
};

struct assignments {
	struct assignment *items;
	size_t n;
};

const char *form_name(enum form form);             /* "interface" */
bool form_parse(const char *text, enum form *out); /* false: no such form */

const char *park_reason_name(enum park_reason reason);           /* "migration" */
bool park_reason_parse(const char *text, enum park_reason *out); /* false: no such reason */

/* From now on it is out of the guest. */
void assignment_park(struct assignment *assignment, const struct parking *parking);

/* A host's name as it can be remembered: what is no visible ASCII becomes '?'. */
void parking_set_host(struct parking *parking, const char *name);

/*
 * Is the guest to have it again? here is this host's name: a guest that has arrived from another
 * one gets it at once, else at the deadline. One for a resize is only over on another host.
 */
bool parking_is_over(const struct parking *parking, const char *here, int64_t now);

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

/*
 * The first thing in it that only a NIC can have: "a VLAN"; NULL: nothing. The form counts where it
 * is set.
 */
const char *assignment_nic_word(const struct assignment *assignment);

bool assignment_equal(const struct assignment *a, const struct assignment *b);

void assignments_clear(struct assignments *list);
struct assignments assignments_copy(const struct assignments *from);
bool assignments_equal(const struct assignments *a, const struct assignments *b); /* order counts */
struct assignment *assignments_find(const struct assignments *list, const char *id);
void assignments_add(struct assignments *list, struct assignment item); /* takes what item holds */
void assignments_remove(struct assignments *list, const char *id);      /* no such id: nothing */

#endif
