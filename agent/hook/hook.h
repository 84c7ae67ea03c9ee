/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libvirt's hook for QEMU guests answers. libvirt waits for it in the middle of its work, so
 * it never asks libvirt back, and is done within a second: it reads the guest's XML, the leases and
 * sysfs, and writes leases; drivers and settings of VFs are left to the agent and to the commands.
 *
 * - migrate begin, restore begin: VFs for what the guest should have are reserved, or it is
 * refused. Devices that move with the guest get the VFs that are reserved for them in its XML.
 * - prepare begin: the VFs that the guest's definition names are there and its own, or it is
 * refused.
 * - release end: what the guest does not need any more is let go.
 *
 * Everything else passes, and so does each guest that vfpool has nothing to do with, before
 * anything is opened.
 */
#ifndef VFPOOL_HOOK_HOOK_H
#define VFPOOL_HOOK_HOOK_H

#include <stdbool.h>

#include "core/clock.h"
#include "core/err.h"
#include "host/edges.h"
#include "xml/domain_move.h"

/* By these words the program is known for what it is, wherever it lies. */
#define HOOK_MARK "vfpool-hook: the hook that libvirt runs for QEMU guests"

/* A guest that does not come within this time after it was announced has lost its VFs. */
#define HOOK_RESERVE_S 600

/* What is longer is no domain's XML (xml/document.h). */
#define HOOK_XML_MAX (8u << 20)

enum {
	HOOK_HOST = 1 << 0,
	HOOK_POOLS = 1 << 1,
	HOOK_STORE = 1 << 2,
	HOOK_STORE_WRITE = 1 << 3,
};

struct hook_call {
	const char *name, *op, *sub_op; /* as libvirt says them: "web1", "prepare", "begin" */
	const char *configs; /* where libvirt keeps persistent definitions, as NAME.xml */
	msec deadline;       /* for the locks of other vfpool processes */
	/* The guest's new XML goes there, for the caller to free; untouched where it stays. */
	char **changed;
	struct vf_moves *moves; /* of hook_answer()'s own */
	/* Opens what of HOOK_* is needed and not open yet. */
	int (*open)(void *arg, unsigned what, struct edges **edges, struct err **err);
	void *arg;
};

/* Does the answer depend on the guest? Else its XML need not even be read. */
bool hook_asks(const struct hook_call *call);

/* Does a failure stop the guest? */
bool hook_can_refuse(const struct hook_call *call);

/* 0: the guest may go on. -1: it may not, and why; where hook_can_refuse() says no, it still goes
 * on. */
int hook_answer(const struct hook_call *call, const char *xml, struct err **err);

/* The parts, one file each; they may take what the view holds. */
int hook_arrive(const struct hook_call *call, struct domain_view *view, struct err **err);
int hook_prepare(const struct hook_call *call, struct domain_view *view, struct err **err);
int hook_release(const struct hook_call *call, struct domain_view *view, struct err **err);

#endif
