/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this host has promised: a VF to an assignment, how far that has come, and the VF's
 * settings as they were before us.
 */
#ifndef VFPOOL_MODEL_LEASE_H
#define VFPOOL_MODEL_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/pciaddr.h"
#include "model/assignment.h"
#include "model/settings.h"

/* What may be done to the VF and the guest in each state. */
enum lease_state {
	LEASE_RESERVED, /* for a guest on its way here, or one whose VFs were parked here;
			   untouched, or put back; may be dropped once expired */
	LEASE_CLAIMED,  /* promised; neither VF nor guest has been touched: may simply be dropped */
	LEASE_PLUGGING, /* settings saved; the VF's settings and the guest may have been changed */
	LEASE_HELD,     /* the device is in the guest's XML and the settings have been read back */
	LEASE_RELEASING, /* on its way out: taken from the guest, then restored, then dropped */
	LEASE_LOST,      /* the VF vanished under the guest; there is nothing to put back */
};

#define UUID_STRLEN 37

struct lease {
	struct pciaddr vf;
	struct pciaddr pf;
	unsigned index;
	char assignment[ASSIGNMENT_ID_SIZE];
	char domain_uuid[UUID_STRLEN];
	char *domain_name;
	enum lease_state state;
	struct vf_settings saved; /* .known is 0 until they have been saved */
	char *driver;  /* the VF's driver before us; NULL: none, or not noted yet, as of one that is
			  reserved for a guest on its way here */
	int64_t since; /* seconds since 1970, of the claim */
	int64_t expires; /* LEASE_RESERVED: seconds since 1970; 0: never */
	char *reason; /* why it is lost, or, in another state, why it is stuck; NULL: it is not */
};

struct leases {
	struct lease *items; /* by VF address, which leases_by_vf() needs */
	size_t n;
};

const char *lease_state_name(enum lease_state state); /* "held" */
const char *lease_word(const struct lease *lease);    /* as shown: the same, or "stuck" */
bool lease_state_parse(const char *text, enum lease_state *out);

bool lease_is_prebound(const struct lease *lease); /* was its VF on vfio-pci before us? */

void lease_clear(struct lease *lease);
struct lease lease_copy(const struct lease *from);
void leases_clear(struct leases *leases);
void leases_add(struct leases *leases, struct lease lease); /* takes what it holds */
struct lease *leases_by_vf(const struct leases *leases, struct pciaddr vf);
struct lease *leases_by_assignment(const struct leases *leases, const char *id);

#endif
