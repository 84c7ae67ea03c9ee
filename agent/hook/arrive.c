// SPDX-License-Identifier: LGPL-2.1-or-later
/* A guest is about to come from another host, or from a file. */
#include <stdlib.h>
#include <string.h>

#include "converge/converge.h"
#include "converge/reserve.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "hook/hook.h"
#include "host/lock.h"

static bool comes_from_file(const struct hook_call *call)
{
	return !strcmp(call->op, "restore");
}

static int refuse(const struct hook_call *call, struct err **err)
{
	err_wrap(err, comes_from_file(call) ? "%s cannot be restored" : "%s cannot come here",
		 call->name);
	return err_now(err, comes_from_file(call) ? "its saved state is as it was"
						  : "it goes on where it is");
}

static int check(const struct hook_call *call, const struct domain_view *view, struct err **err)
{
	if (view->metadata_error) {
		err_set(err, ERR_FAILED, "its vfpool metadata is not valid: %s",
			view->metadata_error);
		return comes_from_file(call)
			       ? err_next(err,
					  "mend it in the saved state: `virsh save-image-edit "
					  "FILE`, or `virsh managedsave-edit %s`",
					  call->name)
			       : err_next(err,
					  "where it runs: `virsh metadata %s --uri " METADATA_URI
					  " --key " METADATA_PREFIX " --edit --live`",
					  call->name);
	}
	if (!view->uuid[0])
		return err_set(err, ERR_FAILED, "its XML has no UUID");
	return 0;
}

/*
 * What it should have when it is here: all, parked or not. What it cannot be without chooses first.
 */
static struct wants wants_here(const struct domain_view *view, struct scope *scope)
{
	struct wants wants = {.live = assignments_copy(&view->assignments)};

	for (size_t i = 0; i < wants.live.n; i++)
		wants.live.items[i].parked = false;
	for (int optional = 0; optional <= 1; optional++)
		for (size_t i = 0; i < wants.live.n; i++)
			if (wants.live.items[i].optional == optional)
				scope_add(scope, wants.live.items[i].id);
	return wants;
}

/*
 * The first one that the guest cannot be without. Its error may be the one that the run ended with,
 * which was moved out of it.
 */
static int judge(const struct hook_call *call, struct plan *plan, struct err *first,
		 struct err **err)
{
	for (size_t i = 0; i < plan->nsubjects; i++) {
		struct subject *sub = &plan->subjects[i];
		struct err *why = sub->err ? steal(&sub->err) : sub->failed ? steal(&first) : NULL;

		if (!why)
			continue;
		if (!sub->assignment.optional) {
			err_free(&first);
			err_pass(err, why);
			return err_wrap(err, "it needs a VF of pool %s (assignment %s)",
					sub->assignment.pool, sub->assignment.id);
		}
		log_warn("%s comes without a VF of pool %s (assignment %s, optional): %s",
			 call->name, sub->assignment.pool, sub->assignment.id, why->what);
		err_free(&why);
	}
	/* No plan came about. */
	*err = first;
	return first ? -1 : 0;
}

/* libvirt would take the VF of that address here, whosever that is. */
static int move_devices(const struct hook_call *call, const struct domain_view *view,
			const struct plan *plan, struct err **err)
{
	for (size_t i = 0; i < plan->nsubjects; i++) {
		const struct subject *sub = &plan->subjects[i];
		const struct device *device = domain_view_device(view, sub->assignment.id);

		if (!device || !sub->leased || pciaddr_equal(sub->lease.vf, device->host))
			continue;
		if (!device_can_follow(device)) {
			err_set(err, ERR_FAILED,
				"it comes with VF %s for assignment %s, which is not here",
				pciaddr_str(device->host), device->id);
			return err_next(err, "take it out before: `vfpool park --all`");
		}
		vf_moves_add(call->moves, device->id, sub->lease.vf);
	}
	return 0;
}

/*
 * Of a guest that never comes libvirt may tell nobody. That its lock has been let go makes the
 * agent look at the leases, and at this one again when it has expired.
 */
static void tell_agent(const struct edges *edges, const char *uuid)
{
	cleanup_free char *name = mem_printf(LOCK_OF_DOMAIN "%s", uuid);
	int fd = -1;

	/* Whoever has it lets it go, too. */
	if (!edges->lock(name, edges->now(), &fd, NULL) && fd >= 0)
		lock_done(fd);
}

static int reserve_all(const struct hook_call *call, struct edges *edges, struct domain_view *view,
		       const struct wants *wants, const struct scope *scope, struct err **err)
{
	struct domain domain = {.name = mem_strdup(call->name), .live = *view};
	struct err *first = NULL;
	struct plan plan = {0};
	struct converge c;
	int result;

	memcpy(domain.uuid, view->uuid, sizeof(domain.uuid));
	*view = (struct domain_view){0};
	if (converge_open_given(&c, edges, &domain, call->deadline, err))
		return -1;
	c.expires = edges->wall() + HOOK_RESERVE_S;
	(void)converge_run(&c, wants, scope, CONVERGE_RESERVE, &plan, NULL, &first);
	result = judge(call, &plan, first, err);
	if (!result && move_devices(call, &c.domain.live, &plan, err)) {
		unreserve(edges->store, &plan);
		result = -1;
	}
	tell_agent(edges, c.dom.uuid);
	plan_clear(&plan);
	converge_close(&c);
	return result;
}

int hook_arrive(const struct hook_call *call, struct domain_view *view, struct err **err)
{
	struct scope scope = {0};
	struct edges *edges;
	struct wants wants;
	int result;

	if (!view->assignments.n && !view->metadata_error)
		return 0;
	if (check(call, view, err) ||
	    call->open(call->arg, HOOK_HOST | HOOK_POOLS | HOOK_STORE_WRITE, &edges, err))
		return refuse(call, err);
	edges->store->ops->because(edges->store, comes_from_file(call) ? "hook: restore begin"
								       : "hook: migrate begin");
	wants = wants_here(view, &scope);
	result = reserve_all(call, edges, view, &wants, &scope, err);
	wants_clear(&wants);
	scope_clear(&scope);
	return result ? refuse(call, err) : 0;
}
