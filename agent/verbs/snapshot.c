/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot-create and snapshot-revert: as virsh's, with the VFs taken out before and given back
 * afterwards. They are about a guest's memory; what is on its disks alone no VF is in the way of.
 */
#include <errno.h>

#include "converge/park.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "verbs/number.h"
#include "verbs/unparked.h"
#include "verbs/verb.h"

enum {
	KEY_FLAG = 0x200, /* and the number of the bit */
	KEY_VALUE = 0x300,
	KEY_TIMEOUT = KEY_VALUE,
	KEY_CURRENT,
};

#define FLAG(flag) (KEY_FLAG + __builtin_ctz(flag))
#define TIMEOUT_OPTION                                                     \
	{                                                                  \
		"timeout", KEY_TIMEOUT, "SECONDS", 0,                      \
			"Give the guest so long to let go (default 30)", 0 \
	}

static const struct argp_option create_options[] = {
	{"live", FLAG(VIRT_SNAPSHOT_LIVE), NULL, 0,
	 "The guest runs meanwhile (FILE says where its memory goes)", 0},
	{"reuse-external", FLAG(VIRT_SNAPSHOT_REUSE), NULL, 0, "Use files that are there", 0},
	{"atomic", FLAG(VIRT_SNAPSHOT_ATOMIC), NULL, 0, "All of it or nothing", 0},
	{"no-metadata", FLAG(VIRT_SNAPSHOT_NO_METADATA), NULL, 0, "libvirt keeps no note of it", 0},
	TIMEOUT_OPTION,
	{0},
};

static const struct argp_option revert_options[] = {
	{"current", KEY_CURRENT, NULL, 0, "To the current snapshot", 0},
	{"running", FLAG(VIRT_RUNNING), NULL, 0, "The guest runs then", 0},
	{"paused", FLAG(VIRT_PAUSED), NULL, 0, "It is paused then", 0},
	{"force", FLAG(VIRT_SNAPSHOT_FORCE), NULL, 0, "Even if libvirt holds it for risky", 0},
	TIMEOUT_OPTION,
	{0},
};

struct request {
	const char *domain;
	const char *which; /* the file with the snapshot's XML, or the snapshot's name; or NULL */
	bool reverts, current;
	unsigned flags, timeout;
};

static error_t check(struct argp_state *state, const struct request *request)
{
	if (!request->domain)
		argp_error(state, "it takes a domain");
	else if (request->reverts && !request->which == !request->current)
		argp_error(state, "it takes the name of a snapshot, or --current");
	else if (request->flags & VIRT_RUNNING && request->flags & VIRT_PAUSED)
		argp_error(state, "--running and --paused cannot go together");
	else
		return 0;
	return EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	if (key >= KEY_FLAG && key < KEY_VALUE) {
		request->flags |= 1u << (key - KEY_FLAG);
		return 0;
	}
	switch (key) {
	case KEY_TIMEOUT:
		return seconds_option(state, "timeout", arg, &request->timeout);
	case KEY_CURRENT:
		request->current = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			return ARGP_ERR_UNKNOWN;
		*(state->arg_num ? &request->which : &request->domain) = arg;
		return 0;
	case ARGP_KEY_END:
		return check(state, request);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/*
 * The guest is as it should be but for its VFs. What it was reverted to may know nothing of those
 * that it had, nor run.
 */
static int give_back(struct converge *c, enum table_mode mode, struct err **err)
{
	size_t freed = 0;

	if (converge_again(c, CONVERGE_TIMEOUT_S, err) || park_forget(c, false, &freed, err))
		return err_now(err, "that is done, but %s has not got its VFs back", c->dom.name);
	if (!c->domain.live.present)
		return unparked_nothing(mode, "unparked", err);
	if (!unparked(c, mode, "unparked", err))
		return 0;
	err_now(err, "that is done, but %s has not got all its VFs back", c->dom.name);
	return err_next(err, "`vfpool unpark %s` gives them back", c->dom.name);
}

static int park(struct converge *c, struct err **err)
{
	const struct parking parking = parking_here(c->edges, PARK_SNAPSHOT, 0);
	struct plan plan = {0};
	int result = park_domain(c, &parking, &plan, err);

	plan_clear(&plan);
	return result;
}

static int create(struct converge *c, void *given, enum table_mode mode, struct err **err)
{
	const struct request *request = given;
	struct virt *virt = c->edges->virt;
	cleanup_free char *xml = NULL, *name = NULL;

	if (!c->domain.live.present) {
		err_set(err, ERR_FAILED, "it is not running");
		return err_next(err, "without memory no VF is in the way: `virsh snapshot-create`");
	}
	if (request->which && verb_read(request->which, &xml, err))
		return err_now(err, "nothing was changed");
	if (park(c, err))
		return -1;
	if (virt->ops->snapshot_make(virt, &c->dom, xml ? xml : "<domainsnapshot/>", request->flags,
				     &name, err))
		return unparked_in_vain(c, err);
	log_say("snapshot %s of %s created", name, c->dom.name);
	return give_back(c, mode, err);
}

static int revert(struct converge *c, void *given, enum table_mode mode, struct err **err)
{
	const struct request *request = given;
	struct virt *virt = c->edges->virt;

	/* Nothing is taken out for one that is not there. */
	if (virt->ops->snapshot_find(virt, &c->dom, request->which, err))
		return err_now(err, "nothing was changed");
	if (c->domain.live.present && park(c, err))
		return -1;
	if (virt->ops->snapshot_revert(virt, &c->dom, request->which, request->flags, err))
		return unparked_in_vain(c, err);
	return give_back(c, mode, err);
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.timeout = CONVERGE_TIMEOUT_S,
				  .reverts = verb == &verb_snapshot_revert};
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	return verb_on_guest(session, request.domain, request.timeout,
			     request.reverts ? revert : create, &request,
			     request.reverts ? "reverting" : "making a snapshot of", err);
}

const struct verb verb_snapshot_create = {
	.name = "snapshot-create",
	.args = "DOMAIN [FILE|-]",
	.help = "Make a snapshot of a running guest, its VFs parked",
	.options = create_options,
	.run = run,
};

const struct verb verb_snapshot_revert = {
	.name = "snapshot-revert",
	.args = "DOMAIN [SNAPSHOT]",
	.help = "Revert a guest to a snapshot, and give it its VFs back",
	.options = revert_options,
	.run = run,
};
