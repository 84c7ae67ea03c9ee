// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verbs/migrate_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "host/file.h"
#include "verbs/number.h"

enum {
	KEY_FLAG = 0x200, /* and the number of the bit */
	KEY_VALUE = 0x300,
	KEY_MIGRATE_URI = KEY_VALUE,
	KEY_GRAPHICS_URI,
	KEY_LISTEN_ADDRESS,
	KEY_NAME,
	KEY_XML,
	KEY_PERSISTENT_XML,
	KEY_DISKS,
	KEY_BANDWIDTH,
	KEY_CONNECTIONS,
	KEY_TIMEOUT,
	KEY_TIMEOUT_SUSPEND,
	KEY_TIMEOUT_POSTCOPY,
	KEY_UNPLUG_TIMEOUT,
	KEY_WAIT,
	KEY_ALL,
	KEY_DRY_RUN,
	KEY_VERBOSE,
};

#define FLAG(flag) (KEY_FLAG + __builtin_ctz(flag))

const struct argp_option migrate_options[] = {
	{"all", KEY_ALL, NULL, 0, "Take VFs out that QEMU can move with the guest, too", 1},
	{"dry-run", KEY_DRY_RUN, NULL, 0, "Check, print the plan for both hosts, change nothing",
	 1},
	{"unplug-timeout", KEY_UNPLUG_TIMEOUT, "SECONDS", 0,
	 "Give the guest so long to let go of its VFs (default 30)", 1},
	{"wait", KEY_WAIT, "SECONDS", 0, "Wait so long until it has others over there (default 60)",
	 1},
	{NULL, 0, NULL, 0, "As for virsh migrate:", 2},
	{"live", FLAG(VIRT_MOVE_LIVE), NULL, 0, "The guest runs meanwhile", 2},
	{"p2p", FLAG(VIRT_MOVE_P2P), NULL, 0, "The daemons do it between them", 2},
	{"tunnelled", FLAG(VIRT_MOVE_TUNNELLED), NULL, 0, "The data too go between the daemons", 2},
	{"persistent", FLAG(VIRT_MOVE_PERSISTENT), NULL, 0, "Define it there", 2},
	{"undefinesource", FLAG(VIRT_MOVE_UNDEFINE), NULL, 0, "Undefine it here", 2},
	{"suspend", FLAG(VIRT_MOVE_SUSPEND), NULL, 0, "Leave it paused there", 2},
	{"copy-storage-all", FLAG(VIRT_MOVE_STORAGE_ALL), NULL, 0, "Copy its disks", 2},
	{"copy-storage-inc", FLAG(VIRT_MOVE_STORAGE_INC), NULL, 0,
	 "Copy its disks but for their backing files", 2},
	{"migrate-disks", KEY_DISKS, "TARGETS", 0, "Copy these disks only: vda,vdb", 2},
	{"unsafe", FLAG(VIRT_MOVE_UNSAFE), NULL, 0, "Even if libvirt holds it for unsafe", 2},
	{"compressed", FLAG(VIRT_MOVE_COMPRESSED), NULL, 0, "Compress its memory", 2},
	{"auto-converge", FLAG(VIRT_MOVE_AUTO_CONVERGE), NULL, 0,
	 "Slow it down if it changes its memory too fast", 2},
	{"abort-on-error", FLAG(VIRT_MOVE_ABORT_ON_ERROR), NULL, 0, "Stop on soft errors, too", 2},
	{"postcopy", FLAG(VIRT_MOVE_POSTCOPY), NULL, 0, "It may be switched to post-copy", 2},
	{"parallel", FLAG(VIRT_MOVE_PARALLEL), NULL, 0, "Over several connections", 2},
	{"parallel-connections", KEY_CONNECTIONS, "N", 0, "Over so many", 2},
	{"tls", FLAG(VIRT_MOVE_TLS), NULL, 0, "The data are encrypted", 2},
	{"bandwidth", KEY_BANDWIDTH, "MIB", 0, "At most so many MiB/s", 2},
	{"migrateuri", KEY_MIGRATE_URI, "URI", 0, "Where the data go", 2},
	{"graphicsuri", KEY_GRAPHICS_URI, "URI", 0, "Where viewers of its screen go", 2},
	{"listen-address", KEY_LISTEN_ADDRESS, "ADDRESS", 0, "Where the host there listens", 2},
	{"dname", KEY_NAME, "NAME", 0, "Its name from then on", 2},
	{"xml", KEY_XML, "FILE", 0, "Its definition for there", 2},
	{"persistent-xml", KEY_PERSISTENT_XML, "FILE", 0, "Its persistent one", 2},
	{"timeout", KEY_TIMEOUT, "SECONDS", 0, "Pause it after so long, so that it gets done", 2},
	{"timeout-suspend", KEY_TIMEOUT_SUSPEND, NULL, 0, "That is what the timeout does", 2},
	{"timeout-postcopy", KEY_TIMEOUT_POSTCOPY, NULL, 0, "It switches to post-copy instead", 2},
	{"verbose", KEY_VERBOSE, NULL, 0, "Show how far it is, not on a terminal only", 2},
	{0},
};

static error_t check(struct argp_state *state, struct migrate_request *r)
{
	unsigned flags = r->move.flags;

	if (!r->domain || !r->uri)
		argp_error(state, "it takes a domain and the URI of a host");
	else if ((flags & VIRT_MOVE_TUNNELLED) && !(flags & VIRT_MOVE_P2P))
		argp_error(state, "--tunnelled needs --p2p");
	else if ((flags & VIRT_MOVE_STORAGE_ALL) && (flags & VIRT_MOVE_STORAGE_INC))
		argp_error(state, "--copy-storage-all and --copy-storage-inc cannot go together");
	else if (r->to_postcopy && r->suspends)
		argp_error(state, "--timeout-suspend and --timeout-postcopy cannot go together");
	else if ((r->to_postcopy || r->suspends) && !r->timeout)
		argp_error(state, "--timeout-%s needs --timeout",
			   r->to_postcopy ? "postcopy" : "suspend");
	else if (r->to_postcopy && !(flags & VIRT_MOVE_POSTCOPY))
		argp_error(state, "--timeout-postcopy needs --postcopy");
	else if (r->move.connections && !(flags & VIRT_MOVE_PARALLEL))
		argp_error(state, "--parallel-connections needs --parallel");
	else if (r->timeout && !(flags & VIRT_MOVE_LIVE))
		argp_error(state, "--timeout needs --live");
	else
		return 0;
	return EINVAL;
}

static void add_disks(struct virt_move *move, char *text)
{
	char *rest = text, *name;

	while ((name = strsep(&rest, ",")))
		if (*name)
			*(char **)mem_append(&move->disks, &move->ndisks, sizeof(name)) =
				mem_strdup(name);
}

static error_t parse_value(int key, char *arg, struct argp_state *state, struct migrate_request *r)
{
	switch (key) {
	case KEY_MIGRATE_URI:
		r->move.migrate_uri = arg;
		return 0;
	case KEY_GRAPHICS_URI:
		r->move.graphics_uri = arg;
		return 0;
	case KEY_LISTEN_ADDRESS:
		r->move.listen_address = arg;
		return 0;
	case KEY_NAME:
		r->move.name = arg;
		return 0;
	case KEY_XML:
		r->xml = arg;
		return 0;
	case KEY_PERSISTENT_XML:
		r->persistent_xml = arg;
		return 0;
	case KEY_DISKS:
		add_disks(&r->move, arg);
		return 0;
	case KEY_BANDWIDTH:
		return number_option(state, "bandwidth", arg, 1, 1u << 20, &r->move.bandwidth);
	case KEY_CONNECTIONS:
		return number_option(state, "parallel-connections", arg, 1, 255,
				     &r->move.connections);
	case KEY_TIMEOUT:
		return seconds_option(state, "timeout", arg, &r->timeout);
	case KEY_TIMEOUT_SUSPEND:
		r->suspends = true;
		return 0;
	case KEY_TIMEOUT_POSTCOPY:
		r->to_postcopy = true;
		return 0;
	case KEY_UNPLUG_TIMEOUT:
		return seconds_option(state, "unplug-timeout", arg, &r->unplug);
	case KEY_WAIT:
		return seconds_option(state, "wait", arg, &r->wait);
	case KEY_ALL:
		r->all = true;
		return 0;
	case KEY_DRY_RUN:
		r->dry_run = true;
		return 0;
	case KEY_VERBOSE:
		r->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

error_t migrate_parse(int key, char *arg, struct argp_state *state)
{
	struct migrate_request *r = state->input;

	if (key >= KEY_FLAG && key < KEY_VALUE) {
		r->move.flags |= 1u << (key - KEY_FLAG);
		return 0;
	}
	if (key == ARGP_KEY_ARG) {
		if (state->arg_num > 1)
			return ARGP_ERR_UNKNOWN;
		*(state->arg_num ? &r->uri : &r->domain) = arg;
		return 0;
	}
	if (key == ARGP_KEY_END)
		return check(state, r);
	return parse_value(key, arg, state, r);
}

int migrate_read_files(struct migrate_request *request, struct err **err)
{
	struct virt_move *move = &request->move;

	return (request->xml && file_read(request->xml, &move->xml, err)) ||
			       (request->persistent_xml &&
				file_read(request->persistent_xml, &move->persistent_xml, err))
		       ? -1
		       : 0;
}

void migrate_request_clear(struct migrate_request *request)
{
	struct virt_move *move = &request->move;

	for (size_t i = 0; i < move->ndisks; i++)
		free(move->disks[i]);
	free(move->disks);
	free(move->xml);
	free(move->persistent_xml);
}
