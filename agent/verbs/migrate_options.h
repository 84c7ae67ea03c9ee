/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of migrate: virsh's, with virsh's meanings, and a few of our own. */
#ifndef VFPOOL_VERBS_MIGRATE_OPTIONS_H
#define VFPOOL_VERBS_MIGRATE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "core/err.h"
#include "host/virt.h"

struct migrate_request {
	const char *domain, *uri;
	struct virt_move move;
	const char *xml, *persistent_xml; /* files */
	unsigned timeout;                 /* seconds; then the guest is paused, or: */
	bool to_postcopy, suspends;
	unsigned unplug, wait; /* seconds */
	bool all, dry_run, verbose;
};

extern const struct argp_option migrate_options[];
error_t migrate_parse(int key, char *arg, struct argp_state *state);

/* Reads the files that were named; move.xml and .persistent_xml are the request's. */
int migrate_read_files(struct migrate_request *request, struct err **err);
void migrate_request_clear(struct migrate_request *request);

#endif
