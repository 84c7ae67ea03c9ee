// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/assignment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/cleanup.h"
#include "core/mem.h"

static const char *const form_names[] = {
	[FORM_INTERFACE] = "interface",
	[FORM_HOSTDEV] = "hostdev",
};
_Static_assert(ARRAY_SIZE(form_names) == FORM_HOSTDEV + 1, "a form without a name");

const char *form_name(enum form form)
{
	return form_names[form];
}

bool form_parse(const char *text, enum form *out)
{
	for (size_t i = 0; text && i < ARRAY_SIZE(form_names); i++) {
		if (strcmp(text, form_names[i]) == 0) {
			*out = (enum form)i;
			return true;
		}
	}
	return false;
}

static const char *const park_reason_names[] = {
	[PARK_MIGRATION] = "migration",
	[PARK_SAVE] = "save",
	[PARK_SNAPSHOT] = "snapshot",
	[PARK_RESIZE] = "resize",
};
_Static_assert(ARRAY_SIZE(park_reason_names) == PARK_RESIZE + 1, "a reason without a name");

const char *park_reason_name(enum park_reason reason)
{
	return park_reason_names[reason];
}

bool park_reason_parse(const char *text, enum park_reason *out)
{
	for (size_t i = 0; text && i < ARRAY_SIZE(park_reason_names); i++) {
		if (strcmp(text, park_reason_names[i]) == 0) {
			*out = (enum park_reason)i;
			return true;
		}
	}
	return false;
}

void assignment_park(struct assignment *assignment, const struct parking *parking)
{
	assignment->parked = true;
	assignment->parking = *parking;
}

void parking_set_host(struct parking *parking, const char *name)
{
	size_t n = 0;

	memset(parking->host, 0, sizeof(parking->host));
	for (; n < PARK_HOST_SIZE - 1 && name[n] != '\0'; n++)
		parking->host[n] = name[n] > ' ' && name[n] <= '~' ? name[n] : '?';
	if (n == 0)
		parking->host[0] = '?';
}

bool parking_is_over(const struct parking *parking, const char *here, int64_t now)
{
	if (strcmp(parking->host, here) != 0)
		return true;
	return parking->reason != PARK_RESIZE && now >= parking->until;
}

static bool parking_equal(const struct parking *a, const struct parking *b)
{
	return a->reason == b->reason && strcmp(a->host, b->host) == 0 && a->until == b->until;
}

bool assignment_id_valid(const char *id)
{
	return id && strlen(id) == ASSIGNMENT_ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdef") == ASSIGNMENT_ID_SIZE - 1;
}

void assignment_id_make(char id[ASSIGNMENT_ID_SIZE])
{
	uint32_t random;

	/* So few bytes are given whole or not at all. */
	while (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		if (errno != EINTR)
			abort();
	(void)snprintf(id, ASSIGNMENT_ID_SIZE, "%08x", random);
}

void assignment_clear(struct assignment *assignment)
{
	free(assignment->pool);
	free(assignment->standby);
	memset(assignment, 0, sizeof(*assignment));
}

struct assignment assignment_copy(const struct assignment *from)
{
	struct assignment copy = *from;

	copy.pool = mem_strdup(from->pool);
	copy.standby = mem_strdup(from->standby);
	return copy;
}

struct vf_settings assignment_settings(const struct assignment *assignment,
				       const struct vf_settings *can)
{
	struct vf_settings all = assignment->settings;

	all.known &= SETTING_SPOOFCHK | SETTING_TRUST | SETTING_LINK_STATE | SETTING_RATE;
	if (!(all.known & SETTING_SPOOFCHK))
		all.spoofchk = true;
	if (!(all.known & SETTING_TRUST))
		all.trust = false;
	all.known |= can->known & (SETTING_SPOOFCHK | SETTING_TRUST);
	all.known |= SETTING_MAC | SETTING_VLAN;
	all.mac = assignment->mac;
	all.vlan = assignment->vlan;
	if (!all.vlan_proto)
		all.vlan_proto = 0x8100;
	return all;
}

const char *assignment_nic_word(const struct assignment *a)
{
	if (!mac_is_zero(a->mac))
		return "a MAC";
	if (a->vlan)
		return "a VLAN";
	if (a->settings.known)
		return vf_settings_word(a->settings.known);
	if (a->standby)
		return "a standby";
	return a->form_set && a->form == FORM_INTERFACE ? "form interface" : NULL;
}

/* Are the same things asked for, with the same values? */
static bool asks_equal(const struct assignment *a, const struct assignment *b)
{
	return a->settings.known == b->settings.known &&
	       !vf_settings_diff(&a->settings, &b->settings) &&
	       a->settings.qos == b->settings.qos &&
	       a->settings.vlan_proto == b->settings.vlan_proto;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool standby_equal(const struct assignment *a, const struct assignment *b)
{
	return text_equal(a->standby, b->standby) && a->standby_guest_set == b->standby_guest_set &&
	       (!a->standby_guest_set || pciaddr_equal(a->standby_guest, b->standby_guest));
}

bool assignment_equal(const struct assignment *a, const struct assignment *b)
{
	return strcmp(a->id, b->id) == 0 && text_equal(a->pool, b->pool) && a->index == b->index &&
	       a->form == b->form && mac_equal(a->mac, b->mac) && a->vlan == b->vlan &&
	       asks_equal(a, b) && standby_equal(a, b) && a->optional == b->optional &&
	       a->adopted_set == b->adopted_set &&
	       (!a->adopted_set || pciaddr_equal(a->adopted, b->adopted)) &&
	       a->guest_set == b->guest_set &&
	       (!a->guest_set || pciaddr_equal(a->guest, b->guest)) && a->parked == b->parked &&
	       (!a->parked || parking_equal(&a->parking, &b->parking));
}

void assignments_clear(struct assignments *list)
{
	for (size_t i = 0; i < list->n; i++)
		assignment_clear(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

struct assignments assignments_copy(const struct assignments *from)
{
	struct assignments copy = {0};

	for (size_t i = 0; i < from->n; i++)
		assignments_add(&copy, assignment_copy(&from->items[i]));
	return copy;
}

bool assignments_equal(const struct assignments *a, const struct assignments *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!assignment_equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

struct assignment *assignments_find(const struct assignments *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].id, id) == 0)
			return &list->items[i];
	return NULL;
}

void assignments_add(struct assignments *list, struct assignment item)
{
	struct assignment *place = mem_append(&list->items, &list->n, sizeof(*place));

	*place = item;
}

void assignments_remove(struct assignments *list, const char *id)
{
	struct assignment *item = assignments_find(list, id);
	size_t after;

	if (!item)
		return;
	assignment_clear(item);
	after = list->n - (size_t)(item - list->items) - 1;
	memmove(item, item + 1, after * sizeof(*item));
	list->n--;
}
