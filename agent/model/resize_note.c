/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/resize_note.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

#define VERSION "vfpool-resize 1"

void resize_note_clear(struct resize_note *note)
{
	free(note->owed);
	*note = (struct resize_note){0};
}

void resize_notes_clear(struct resize_notes *notes)
{
	for (size_t i = 0; i < notes->n; i++)
		resize_note_clear(&notes->items[i]);
	free(notes->items);
	*notes = (struct resize_notes){0};
}

const struct owed *resize_note_find(const struct resize_note *note, const char *assignment)
{
	for (size_t i = 0; i < note->n; i++)
		if (!strcmp(note->owed[i].assignment, assignment))
			return &note->owed[i];
	return NULL;
}

bool resize_note_has_domain(const struct resize_note *note, const char *uuid)
{
	for (size_t i = 0; i < note->n; i++)
		if (!strcmp(note->owed[i].domain_uuid, uuid))
			return true;
	return false;
}

void resize_note_add(struct resize_note *note, const char *domain_uuid, const char *assignment,
		     struct pciaddr vf)
{
	struct owed *owed;

	if (resize_note_find(note, assignment))
		return;
	owed = mem_append(&note->owed, &note->n, sizeof(*owed));
	memcpy(owed->domain_uuid, domain_uuid, sizeof(owed->domain_uuid));
	memcpy(owed->assignment, assignment, sizeof(owed->assignment));
	owed->vf = vf;
}

char *resize_note_format(const struct resize_note *note)
{
	char *text = mem_printf(VERSION "\npf %s\nbefore %u %s\n", pciaddr_str(note->pf),
				note->before, vf_home_name(note->home));

	for (size_t i = 0; i < note->n; i++) {
		const struct owed *owed = &note->owed[i];
		char *more = mem_printf("%sowed %s %s %s\n", text, owed->domain_uuid,
					owed->assignment, pciaddr_str(owed->vf));

		free(text);
		text = more;
	}
	return text;
}

static bool parse_before(const char *words, struct resize_note *note)
{
	char home[8];
	int end = 0;

	return sscanf(words, "%5u %7s%n", &note->before, home, &end) == 2 && !words[end] &&
	       vf_home_parse(home, &note->home);
}

static bool parse_owed(const char *words, struct resize_note *note)
{
	char uuid[UUID_STRLEN], id[ASSIGNMENT_ID_SIZE], address[PCIADDR_STRLEN];
	struct pciaddr vf;
	int end = 0;

	static_assert(UUID_STRLEN == 37 && ASSIGNMENT_ID_SIZE == 9 && PCIADDR_STRLEN == 17,
		      "the sizes below");
	if (sscanf(words, "%36s %8s %16s%n", uuid, id, address, &end) != 3 || words[end] ||
	    strlen(uuid) != UUID_STRLEN - 1 || !assignment_id_valid(id) ||
	    !pciaddr_parse(address, &vf))
		return false;
	resize_note_add(note, uuid, id, vf);
	return true;
}

static bool parse_line(const char *line, unsigned number, struct resize_note *note)
{
	switch (number) {
	case 0:
		return !strcmp(line, VERSION);
	case 1:
		return !strncmp(line, "pf ", 3) && pciaddr_parse(line + 3, &note->pf);
	case 2:
		return !strncmp(line, "before ", 7) && parse_before(line + 7, note);
	default:
		return !strncmp(line, "owed ", 5) && parse_owed(line + 5, note);
	}
}

int resize_note_parse(const char *text, struct resize_note *out, struct err **err)
{
	cleanup_free char *copy = mem_strdup(text);
	char *rest = copy;
	struct resize_note note = {0};
	unsigned number = 0;

	for (char *line; (line = strsep(&rest, "\n")) && (*line || rest); number++)
		if (!parse_line(line, number, &note)) {
			resize_note_clear(&note);
			return err_set(err, ERR_FAILED, "line %u of it is not valid", number + 1);
		}
	if (number < 3) {
		resize_note_clear(&note);
		return err_set(err, ERR_FAILED, "it is not complete");
	}
	*out = note;
	return 0;
}
