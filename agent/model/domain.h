/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is: a libvirt domain as far as VFs are concerned. Plain data, read from its XML. */
#ifndef VFPOOL_MODEL_DOMAIN_H
#define VFPOOL_MODEL_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/idset.h"
#include "core/mac.h"
#include "core/pciaddr.h"
#include "model/assignment.h"
#include "model/lease.h"

/* A host PCI device in a domain: <hostdev type='pci'> or <interface type='hostdev'>. */
struct device {
	char id[ASSIGNMENT_ID_SIZE]; /* the assignment's, from the alias; "": foreign, not ours */
	struct pciaddr host;         /* the device on the host: the VF */
	enum form form;
	bool managed;
	bool guest_set;
	struct pciaddr guest;
	bool mac_set; /* FORM_INTERFACE only */
	struct mac mac;
	uint16_t vlan; /* FORM_INTERFACE only; 0: none */
	char *alias;   /* one that is not ours; NULL: none, or ours */
	bool adopted;  /* ours in spite of that: its assignment was taken over with it */
	char *extra;   /* the name of an element in it that vfpool could not write anew; or NULL */
};

/* The virtio NIC that takes over while an assignment's VF is out. */
struct standby {
	char id[ASSIGNMENT_ID_SIZE]; /* the assignment's, from the alias */
	bool guest_set;
	struct pciaddr guest;
};

/*
 * Which definition a call reads or changes: libvirt's VIR_DOMAIN_AFFECT_* bits, never "current".
 */
enum { VIEW_LIVE = 1 << 0, VIEW_CONFIG = 1 << 1 };

/* One of a domain's two definitions: the running one, or the one it will start with. */
struct domain_view {
	bool present;
	char uuid[UUID_STRLEN];         /* as its XML says; "": it does not */
	struct assignments assignments; /* of our metadata element; the valid ones */
	char *metadata_error; /* what is wrong with our element: then no assignment is listed; else
				 NULL */
	struct device *devices;
	size_t ndevices;
	struct standby *standbys;
	size_t nstandbys;
	struct mac *macs; /* of every interface, ours too */
	size_t nmacs;
	struct pciaddr
		*free_slots; /* guest PCI addresses where a device can be hot-plugged, best first */
	size_t nfree_slots;
	size_t nfree_ports;  /* so many of them, the first ones, are PCI Express */
	struct idset *cpus;  /* of the host, that its vCPUs may run on; NULL: any */
	struct idset *nodes; /* NUMA nodes of the host that its memory may be on; NULL: any */
};

struct domain {
	char uuid[UUID_STRLEN];
	char *name;
	bool paused;
	bool moving;               /* to or from another host, and not to be changed meanwhile */
	struct domain_view live;   /* .present only when running (or paused) */
	struct domain_view config; /* .present only when persistent */
};

/*
 * Can it be on another VF where its guest arrives? libvirt binds such a device, and sets MAC and
 * VLAN of an interface there.
 */
bool device_can_follow(const struct device *device);

/*
 * Devices that an assignment of the list was taken over with become that assignment's, unless it
 * has one with our alias.
 */
void domain_view_adopt(struct domain_view *view, const struct assignments *list);

/*
 * So do those that are on their way out, by the lease: by then the assignment is not in the
 * metadata any more.
 */
void domain_view_adopt_leaving(struct domain_view *view, const struct leases *leases);

void domain_view_clear(struct domain_view *view);
void domain_clear(struct domain *domain);
struct device *domain_view_device(const struct domain_view *view,
				  const char *id); /* ours, or NULL */
struct standby *domain_view_standby(const struct domain_view *view, const char *id); /* or NULL */

/* Has it an interface of this MAC, or is it owed one, in either definition? */
bool domain_has_mac(const struct domain *domain, struct mac mac);

#endif
