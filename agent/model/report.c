/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/report.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

static const char *const hook_names[] = {
	[REPORT_HOOK_NONE] = "none",
	[REPORT_HOOK_UNSEEN] = "unseen",
	[REPORT_HOOK_WORKS] = "works",
};

const char *report_hook_name(enum report_hook hook)
{
	return hook_names[hook];
}

bool report_hook_parse(const char *text, enum report_hook *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(hook_names); i++)
		if (!strcmp(text, hook_names[i])) {
			*out = (enum report_hook)i;
			return true;
		}
	return false;
}

enum report_hook report_hook_of(const struct libvirt_facts *libvirt)
{
	const struct hook *own = libvirt_own_hook(libvirt);

	if (!own || !own->executable)
		return REPORT_HOOK_NONE;
	return libvirt_runs_hooks(libvirt) ? REPORT_HOOK_WORKS : REPORT_HOOK_UNSEEN;
}

const struct pool_report *report_pool(const struct host_report *report, const char *name)
{
	for (size_t i = 0; i < report->n; i++)
		if (!strcmp(report->pools[i].name, name))
			return &report->pools[i];
	return NULL;
}

void pool_report_clear(struct pool_report *pool)
{
	free(pool->name);
	free(pool->free_vfs);
	*pool = (struct pool_report){0};
}

void host_report_clear(struct host_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		pool_report_clear(&report->pools[i]);
	free(report->pools);
	free(report->host);
	free(report->version);
	*report = (struct host_report){0};
}
