// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/lease.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"

static const char *const state_names[] = {
	[LEASE_RESERVED] = "reserved",   [LEASE_CLAIMED] = "claimed",
	[LEASE_PLUGGING] = "plugging",   [LEASE_HELD] = "held",
	[LEASE_RELEASING] = "releasing", [LEASE_LOST] = "lost",
};
_Static_assert(ARRAY_SIZE(state_names) == LEASE_LOST + 1, "a lease state without a name");

const char *lease_state_name(enum lease_state state)
{
	return state_names[state];
}

const char *lease_word(const struct lease *lease)
{
	return lease->reason && lease->state != LEASE_LOST ? "stuck"
							   : lease_state_name(lease->state);
}

bool lease_state_parse(const char *text, enum lease_state *out)
{
	for (size_t i = 0; text && i < ARRAY_SIZE(state_names); i++) {
		if (strcmp(text, state_names[i]) == 0) {
			*out = (enum lease_state)i;
			return true;
		}
	}
	return false;
}

bool lease_is_prebound(const struct lease *lease)
{
	return lease->driver && !strcmp(lease->driver, "vfio-pci");
}

void lease_clear(struct lease *lease)
{
	free(lease->domain_name);
	free(lease->driver);
	free(lease->reason);
	memset(lease, 0, sizeof(*lease));
}

struct lease lease_copy(const struct lease *from)
{
	struct lease copy = *from;

	copy.domain_name = mem_strdup(from->domain_name);
	copy.driver = mem_strdup(from->driver);
	copy.reason = mem_strdup(from->reason);
	return copy;
}

void leases_clear(struct leases *leases)
{
	for (size_t i = 0; i < leases->n; i++)
		lease_clear(&leases->items[i]);
	free(leases->items);
	memset(leases, 0, sizeof(*leases));
}

void leases_add(struct leases *leases, struct lease lease)
{
	size_t at = leases->n;

	(void)mem_append(&leases->items, &leases->n, sizeof(lease));
	/* They come in order as a rule, and then nothing is moved. */
	while (at && pciaddr_compare(leases->items[at - 1].vf, lease.vf) > 0)
		at--;
	memmove(&leases->items[at + 1], &leases->items[at], (leases->n - 1 - at) * sizeof(lease));
	leases->items[at] = lease;
}

static int compare_vf(const void *vf, const void *lease)
{
	return pciaddr_compare(*(const struct pciaddr *)vf, ((const struct lease *)lease)->vf);
}

struct lease *leases_by_vf(const struct leases *leases, struct pciaddr vf)
{
	return leases->n
		       ? bsearch(&vf, leases->items, leases->n, sizeof(*leases->items), compare_vf)
		       : NULL;
}

struct lease *leases_by_assignment(const struct leases *leases, const char *id)
{
	for (size_t i = 0; i < leases->n; i++)
		if (strcmp(leases->items[i].assignment, id) == 0)
			return &leases->items[i];
	return NULL;
}
