/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a host tells others of itself: whether a guest could come, and what it would find. */
#ifndef VFPOOL_MODEL_REPORT_H
#define VFPOOL_MODEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/idset.h"
#include "model/facts.h"

/*
 * libvirt keeps it, as the metadata of a network of this name. The network is started while the
 * agent lives, and has nothing on the host behind it: so it is down after a reboot whatever became
 * of the agent, and its definition can be changed at one stroke.
 */
#define REPORT_NETWORK "vfpool"
#define REPORT_UUID "a2f1c7d4-7666-4706-b06f-6c5f686f7374"
#define REPORT_URI "urn:vfpool:host:1"

#define REPORT_POOLS_MAX 256
#define REPORT_VFS_MAX 65536

enum report_hook {
	REPORT_HOOK_NONE,
	REPORT_HOOK_UNSEEN, /* libvirt may not run it: it is newer than the daemon */
	REPORT_HOOK_WORKS,
};

struct pool_report {
	char *name;
	bool defined; /* else it is a PF that is a pool by itself */
	bool nic;     /* its VFs are */
	int numa;     /* the node of all its PFs; -1: not known, or several */
	unsigned total, free;
	struct idset *free_vfs; /* of a PF: the free ones by index; NULL: not told */
};

struct host_report {
	char *host;    /* its name */
	char *version; /* of vfpool there */
	enum report_hook hook;
	struct pool_report *pools;
	size_t n;
};

const char *report_hook_name(enum report_hook hook); /* "works" */
bool report_hook_parse(const char *text, enum report_hook *out);

/* By what is known of libvirt's hooks on this host. */
enum report_hook report_hook_of(const struct libvirt_facts *libvirt);

const struct pool_report *report_pool(const struct host_report *report, const char *name);

void pool_report_clear(struct pool_report *pool);
void host_report_clear(struct host_report *report);

#endif
