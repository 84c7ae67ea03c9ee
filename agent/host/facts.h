/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads what a machine is like: this one, or a copy of another one's files. Changes nothing. */
#ifndef VFPOOL_HOST_FACTS_H
#define VFPOOL_HOST_FACTS_H

#include "core/err.h"
#include "host/host.h"
#include "model/facts.h"

struct facts_source {
	const char *root;  /* the machine's files; NULL: those of this one, unless sysfs is given */
	const char *sysfs; /* NULL: /sys below root */
	struct host *host; /* of the same tree */
	const char *name;  /* the one PF to read: interface, altname or PCI address; NULL: all */
};

/*
 * What cannot be read is left out. Fails where there is no such tree or no such device, and when
 * what is named is a VF (ERR_USAGE). Asks nothing of libvirt: .libvirt has its daemon and hooks
 * only.
 */
int facts_read(const struct facts_source *source, struct facts *out, struct err **err);

/* Who may keep the number of VFs, alone. root as above, NULL: this machine's. */
int facts_read_keepers(const char *root, struct keeper_facts *out, struct err **err);

/* libvirt's daemon and hooks alone, likewise. */
int facts_read_hooks(const char *root, struct libvirt_facts *out, struct err **err);

#endif
