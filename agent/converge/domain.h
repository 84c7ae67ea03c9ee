/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a domain from libvirt. */
#ifndef VFPOOL_CONVERGE_DOMAIN_H
#define VFPOOL_CONVERGE_DOMAIN_H

#include "core/err.h"
#include "host/virt.h"
#include "model/domain.h"

/*
 * Both of the domain's views, as far as it has them; at most four round trips. On failure *out is
 * untouched; else the caller clears it with domain_clear().
 */
int domain_read(struct virt *virt, const struct virt_dom *dom, struct domain *out,
		struct err **err);

#endif
