/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this host tells others of itself, and what others tell. */
#ifndef VFPOOL_CONVERGE_REPORT_H
#define VFPOOL_CONVERGE_REPORT_H

#include "core/err.h"
#include "host/edges.h"
#include "model/report.h"

/* Reads all PFs, leases and guests of this host. The caller clears *out. */
int report_make(struct edges *edges, enum report_hook hook, struct host_report *out,
		struct err **err);

/* Tells it, by libvirt; what is told already is not told again. *told: it was not. */
int report_publish(struct virt *virt, const struct host_report *report, bool *told,
		   struct err **err);

/*
 * What the host behind this connection tells; *alive: its agent says so. ERR_ABSENT: nothing. What
 * it says is somebody else's text: no more of it is taken than fits its grammar.
 */
int report_fetch(struct virt *virt, struct host_report *out, bool *alive, struct err **err);

#endif
