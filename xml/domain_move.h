/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts devices in a domain's XML onto other VFs, for a guest that arrives from another host. */
#ifndef VFPOOL_XML_DOMAIN_MOVE_H
#define VFPOOL_XML_DOMAIN_MOVE_H

#include <stddef.h>

#include "core/err.h"
#include "core/pciaddr.h"
#include "model/assignment.h"

struct vf_move {
	char id[ASSIGNMENT_ID_SIZE]; /* the assignment whose device it is */
	struct pciaddr to;
};

struct vf_moves {
	struct vf_move *items;
	size_t n;
};

void vf_moves_add(struct vf_moves *moves, const char *id, struct pciaddr to);
void vf_moves_clear(struct vf_moves *moves);

/*
 * The same XML with these devices, known by our alias, on their new VFs; nothing else is different.
 * A device that is not there: ERR_FAILED, and *out is untouched. The caller frees it.
 */
int domain_xml_move(const char *xml, const struct vf_moves *moves, char **out, struct err **err);

#endif
