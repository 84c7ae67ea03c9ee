// SPDX-License-Identifier: LGPL-2.1-or-later
#include "check/check.h"

#include <stdlib.h>

#include "check/devices.h"
#include "check/rules.h"
#include "core/cleanup.h"
#include "core/mem.h"

static const char *const check_names[] = {
#define CHECK_NAME(id, name) [CHECK_##id] = name,
	CHECKS(CHECK_NAME)
#undef CHECK_NAME
};
_Static_assert(ARRAY_SIZE(check_names) == CHECK_COUNT, "every check has a name");

const char *check_name(enum check check)
{
	return check_names[check];
}

const char *verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
		break;
	case VERDICT_WARN:
		return "warn";
	case VERDICT_FAIL:
		return "fail";
	}
	return "pass";
}

void report(struct judging *j, enum check check, enum verdict verdict, char *mend,
	    const char *found, ...)
{
	struct result *result = mem_append(&j->results->items, &j->results->n, sizeof(*result));
	va_list ap;

	result->check = check;
	result->verdict = verdict;
	result->device = j->device;
	result->mend = mend;
	va_start(ap, found);
	result->found = mem_vprintf(found, ap);
	va_end(ap);
}

static void judge_rights(struct judging *j)
{
	const struct facts *facts = j->facts;

	if (facts->privileged || facts->made ||
	    (facts->keepers.nm_read && facts->libvirt.hooks_read))
		return;
	report(j, CHECK_RIGHTS, VERDICT_WARN, mem_strdup("run it with sudo"),
	       "not run by root: %s%s%s could not be read",
	       facts->keepers.nm_read ? "" : "NetworkManager's connections",
	       facts->keepers.nm_read || facts->libvirt.hooks_read ? "" : " and ",
	       facts->libvirt.hooks_read ? "" : "libvirt's hooks");
}

/* A NIC without SR-IOV is worth a word when it was asked for, or could have it. */
static bool is_of_interest(const struct facts *facts, const struct device_facts *device)
{
	return device->sriov || facts->named || known_device(device->vendor, device->device);
}

static void judge_devices(struct judging *j)
{
	const struct facts *facts = j->facts;
	size_t judged = 0;

	for (size_t i = 0; i < facts->ndevices; i++) {
		if (!is_of_interest(facts, &facts->devices[i]))
			continue;
		j->device = &facts->devices[i];
		judge_device(j);
		judged++;
	}
	j->device = NULL;
	if (!judged)
		report(j, CHECK_SRIOV, VERDICT_FAIL,
		       mem_strdup(
			       "put in a NIC with SR-IOV; if there is one, turn SR-IOV on in the "
			       "machine's firmware and in the card's own"),
		       "no device with SR-IOV");
}

void check_machine(const struct facts *facts, struct results *out)
{
	struct judging j = {.facts = facts, .results = out};

	judge_rights(&j);
	judge_kvm(&j);
	judge_iommu(&j);
	judge_vfio(&j);
	judge_libvirt(&j);
	judge_devices(&j);
}

size_t results_count(const struct results *results, enum verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < results->n; i++)
		n += results->items[i].verdict == verdict;
	return n;
}

void results_clear(struct results *results)
{
	for (size_t i = 0; i < results->n; i++) {
		free(results->items[i].found);
		free(results->items[i].mend);
	}
	free(results->items);
	*results = (struct results){0};
}
