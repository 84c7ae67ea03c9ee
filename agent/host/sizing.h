/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and removing VFs: what hosts, real and made ones, have in common. */
#ifndef VFPOOL_HOST_SIZING_H
#define VFPOOL_HOST_SIZING_H

#include "host/host.h"

/*
 * What an errno means that the kernel gave for a count, in words that one can act on; -1. error
 * ETIMEDOUT: it was interrupted at the deadline.
 */
int sizing_refused(const struct pf *pf, unsigned count, int error, struct err **err);

/* Have the VFs of this PF been bound to vfio-pci by us, to wait there? */
bool sizing_prebound(struct pciaddr pf);

#endif
