/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is owed while the VFs of a PF are made anew: written before the first guest loses a VF, gone
 * when all have theirs again. It outlives a process that is killed, and not a reboot: neither do
 * the guests that ran, nor the VFs.
 */
#ifndef VFPOOL_MODEL_RESIZE_NOTE_H
#define VFPOOL_MODEL_RESIZE_NOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "model/assignment.h"
#include "model/inventory.h"
#include "model/lease.h"

/* An assignment that was parked for it. */
struct owed {
	char domain_uuid[UUID_STRLEN];
	char assignment[ASSIGNMENT_ID_SIZE];
	struct pciaddr vf; /* the one that it had */
};

struct resize_note {
	struct pciaddr pf;
	unsigned before;   /* VFs that the PF had */
	enum vf_home home; /* and what they were bound to */
	struct owed *owed;
	size_t n;
};

struct resize_notes {
	struct resize_note *items;
	size_t n;
};

void resize_note_clear(struct resize_note *note);
void resize_notes_clear(struct resize_notes *notes);

void resize_note_add(struct resize_note *note, const char *domain_uuid, const char *assignment,
		     struct pciaddr vf); /* the assignment is there already: nothing */
const struct owed *resize_note_find(const struct resize_note *note, const char *assignment);
bool resize_note_has_domain(const struct resize_note *note, const char *uuid);

/* As text, to be kept in a file. The caller frees it. */
char *resize_note_format(const struct resize_note *note);
int resize_note_parse(const char *text, struct resize_note *out, struct err **err);

#endif
