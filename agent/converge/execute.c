/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/executing.h"

#include <stdlib.h>
#include <string.h>

#include "converge/await.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "xml/metadata.h"

const struct pf *run_pf(const struct run *run, const struct lease *lease)
{
	return inventory_pf(run->x->inventory, lease->pf);
}

const struct pf *run_settings_pf(const struct run *run, const struct lease *lease)
{
	const struct pf *pf = run_pf(run, lease);

	return pf && pf->netdev ? pf : NULL;
}

int run_store_state(const struct run *run, struct lease *lease, enum lease_state state,
		    struct err **err)
{
	struct store *store = run->x->edges->store;

	lease->state = state;
	/* It has come further, so whatever kept it is over. */
	lease->expires = 0;
	free(steal(&lease->reason));
	return store->ops->update(store, lease, err);
}

int run_apply(const struct run *run, const struct lease *lease, const struct vf_settings *now,
	      const struct vf_settings *want, struct err **err)
{
	struct host *host = run->x->edges->host;
	struct vf_settings todo = *want;

	todo.known = vf_settings_diff(now, want);
	return todo.known ? host->ops->apply(host, run_settings_pf(run, lease), lease->index, &todo,
					     err)
			  : 0;
}

struct vf_settings run_settings_of(const struct subject *sub, const struct vf_settings *can)
{
	struct vf_settings want = assignment_settings(&sub->assignment, can);

	/* libvirt saves and sets these itself, unless the guest has the VF already. */
	if (sub->assignment.form == FORM_INTERFACE && !(sub->have & ~sub->unplug & VIEW_LIVE))
		want.known &= ~(unsigned)(SETTING_MAC | SETTING_VLAN);
	return want;
}

static int do_record(struct run *run, unsigned views, struct err **err)
{
	const struct execution *x = run->x;
	struct virt *virt = x->edges->virt;
	cleanup_free char *live = metadata_xml_format(&x->plan->record.live);
	cleanup_free char *config = metadata_xml_format(&x->plan->record.config);

	/* One round trip where both say the same. */
	if (views == (VIEW_LIVE | VIEW_CONFIG) &&
	    (live == config || (live && config && !strcmp(live, config))))
		return virt->ops->set_metadata(virt, x->dom, live, views, err);
	if (views & VIEW_CONFIG && virt->ops->set_metadata(virt, x->dom, config, VIEW_CONFIG, err))
		return -1;
	if (views & VIEW_LIVE && virt->ops->set_metadata(virt, x->dom, live, VIEW_LIVE, err))
		return -1;
	return 0;
}

static unsigned learn_into(struct assignments *list, const struct subject *sub, unsigned view)
{
	struct assignment *item = assignments_find(list, sub->assignment.id);
	const struct assignment *a = &sub->assignment;
	bool has_our_alias =
		item && item->adopted_set && sub->plug & view && sub->did & 1u << STEP_CONFIRM;
	bool has_address = item && !item->guest_set && a->guest_set;
	bool has_standby = item && !item->standby_guest_set && a->standby_guest_set;

	if (has_our_alias)
		item->adopted_set = false;
	if (has_address) {
		item->guest_set = true;
		item->guest = a->guest;
	}
	if (has_standby) {
		item->standby_guest_set = true;
		item->standby_guest = a->standby_guest;
	}
	return has_our_alias || has_address || has_standby ? view : 0;
}

static int do_learn(struct run *run, struct err **err)
{
	struct plan *plan = run->x->plan;
	unsigned views = 0;

	for (size_t i = 0; i < plan->nsubjects; i++) {
		views |= learn_into(&plan->record.live, &plan->subjects[i], VIEW_LIVE);
		views |= learn_into(&plan->record.config, &plan->subjects[i], VIEW_CONFIG);
	}
	if (!run->x->domain->live.present)
		views &= ~VIEW_LIVE;
	return views ? do_record(run, views, err) : 0;
}

static int do_step_of_all(struct run *run, const struct step *step, struct err **err)
{
	switch (step->kind) {
	case STEP_RECORD:
		run->recorded = true;
		return do_record(run, step->views, err);
	case STEP_AWAIT:
		return await_all(run->x, PART_VF, err);
	case STEP_AWAIT_STANDBY:
		return await_all(run->x, PART_STANDBY, err);
	case STEP_LEARN:
		return do_learn(run, err);
	default: /* the others are about one subject */
		return err_set(err, ERR_FAILED, "step %s has no subject", step_name(step->kind));
	}
}

static int (*const subject_steps[])(struct run *, struct subject *, struct err **) = {
	[STEP_GIVE_UP] = out_give_up,
	[STEP_CLAIM] = in_claim,
	[STEP_RELEASE] = out_release,
	[STEP_UNPLUG_CONFIG] = out_unplug_config,
	[STEP_UNPLUG] = out_unplug,
	[STEP_SETTLE] = out_settle,
	[STEP_RESTORE] = out_restore,
	[STEP_RESERVE] = out_reserve,
	[STEP_DROP] = out_drop,
	[STEP_PF_UP] = in_pf_up,
	[STEP_SAVE] = in_save,
	[STEP_SET] = in_set,
	[STEP_PLUG] = in_plug,
	[STEP_CONFIRM] = in_confirm,
	[STEP_UNPLUG_STANDBY] = out_unplug_standby,
	[STEP_PLUG_STANDBY] = in_plug_standby,
};

/* 0: go on; 1: the rest is not to be tried; -1: error. */
static int do_step(struct run *run, const struct step *step, struct err **err)
{
	struct subject *sub;
	struct err *why = NULL;

	if (step->subject == STEP_ALL)
		return do_step_of_all(run, step, err);
	sub = &run->x->plan->subjects[step->subject];
	/* That has an error already, which counts more than that it cannot be written down. */
	if (step->kind == STEP_LOSE) {
		if (!out_lose(run, sub, NULL))
			sub->did |= 1u << step->kind;
		return 0;
	}
	if (sub->err || sub->taken)
		return 0;
	if (!subject_steps[step->kind](run, sub, &why)) {
		sub->did |= 1u << step->kind;
		return 0;
	}
	if (why->code == ERR_LOST)
		return err_pass(err, why);
	if (why->code == ERR_TAKEN) {
		log_say("%s: looking for another", why->what);
		sub->taken = true;
		err_free(&why);
	} else {
		sub->err = why;
	}
	return step->kind == STEP_CLAIM || step->kind == STEP_GIVE_UP ||
	       (!run->recorded && (run->x->whole || step->kind == STEP_RELEASE));
}

static bool has_step(const struct plan *plan, enum step_kind kind)
{
	for (size_t i = 0; i < plan->nsteps; i++)
		if (plan->steps[i].kind == kind)
			return true;
	return false;
}

int execute(struct execution *execution, struct err **err)
{
	struct run run = {
		.x = execution,
		.recorded = !has_step(execution->plan, STEP_RECORD),
	};
	int result = 0;

	for (size_t i = 0; i < execution->plan->nsteps && !result; i++)
		result = do_step(&run, &execution->plan->steps[i], err);
	domain_view_clear(&run.live);
	domain_view_clear(&run.config);
	free(run.up);
	return result < 0 ? -1 : 0;
}
