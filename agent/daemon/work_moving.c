// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libvirt tells nothing on the host that a guest did not get away from when its move fails. So
 * while one whose VFs are parked is being moved, it is asked now and then whether that goes on.
 */
#include <string.h>

#include "converge/domain.h"
#include "core/cleanup.h"
#include "daemon/work.h"

#define LOOK_MS 1000

/* Only what is parked is waited for. */
static bool is_parked(const struct domain *domain)
{
	for (size_t i = 0; i < domain->live.assignments.n; i++)
		if (domain->live.assignments.items[i].parked)
			return true;
	return false;
}

/* Is it here when no job is on it any more? */
static int wait_for_end(struct edges *edges, const struct virt_dom *dom, bool *here,
			struct err **err)
{
	struct virt *virt = edges->virt;

	for (;;) {
		struct virt_progress job;
		struct virt_event event = {0};
		struct err *why = NULL;
		int got;

		*here = false;
		if (virt->ops->job(virt, dom, &job, &why)) {
			if (why->code != ERR_LOST) {
				/* It has gone. */
				err_free(&why);
				return 0;
			}
			return err_pass(err, why);
		}
		*here = true;
		if (!job.known)
			return 0;
		got = virt->ops->next_event(virt, edges->now() + LOOK_MS, &event, err);
		virt_event_clear(&event);
		if (got < 0)
			return -1;
	}
}

void work_moving(struct edges *edges, const struct work_guest *guest, int out)
{
	cleanup(domain_clear) struct domain domain = {0};
	struct work_guest failed = *guest;
	struct virt *virt = edges->virt;
	cleanup_err struct err *why = NULL;
	struct virt_dom dom = {0};
	bool here = false;

	if (!virt->ops->find(virt, guest->uuid, &dom, &why) &&
	    !domain_read(virt, &dom, &domain, &why) && is_parked(&domain))
		(void)wait_for_end(edges, &dom, &here, &why);
	virt_dom_clear(virt, &dom);
	if (why && why->code != ERR_ABSENT)
		work_say_failure(out, why);
	if (!here || why)
		return;
	failed.cause = "move failed";
	failed.move_failed = true;
	work_guest(edges, &failed, out);
}
