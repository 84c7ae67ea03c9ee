/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/await.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/domain.h"

/* So long most guests need at most for each VF. */
#define AT_ONCE_MS 2000
/* A guest may ignore an unplug while it boots: it is asked again this often. */
#define ASK_AGAIN_MS 5000
/* After a refusal sooner, since then it is awake. */
#define REFUSED_AGAIN_MS 1500

/* The alias of the subject's device in the running guest; it may not be ours. */
static char *alias_of(const struct execution *x, const struct subject *sub, enum part part)
{
	const struct device *device = domain_view_device(&x->domain->live, sub->assignment.id);

	if (part == PART_STANDBY)
		return mem_printf(ASSIGNMENT_ALIAS_PREFIX "%s" ASSIGNMENT_STANDBY_SUFFIX,
				  sub->assignment.id);
	return device && device->adopted && device->alias
		       ? mem_strdup(device->alias)
		       : mem_printf(ASSIGNMENT_ALIAS_PREFIX "%s", sub->assignment.id);
}

static void set_out(struct subject *sub, enum part part, bool out)
{
	if (part == PART_VF)
		sub->out = out;
	else
		sub->standby_out = out;
}

/* 0, unless the connection broke: whoever awaits it knows what to do. */
static int ask(const struct execution *x, struct subject *sub, enum part part, struct err **err)
{
	struct virt *virt = x->edges->virt;
	cleanup_free char *alias = alias_of(x, sub, part);
	struct err *why = NULL;

	if (virt->ops->detach(virt, x->dom, alias, VIEW_LIVE, x->deadline, &why)) {
		if (why->code == ERR_LOST)
			return err_pass(err, why);
		set_out(sub, part, why->code == ERR_ABSENT);
		if (why->code == ERR_TIMEOUT && !sub->silent)
			sub->silent = steal(&why);
	}
	err_free(&why);
	return 0;
}

/*
 * A refusal to even pass the request on can be a matter of the moment (the guest's own last
 * request is still under way): STEP_AWAIT asks again.
 */
int await_ask(const struct execution *x, struct subject *sub, enum part part, struct err **err)
{
	struct virt *virt = x->edges->virt;
	struct host *host = x->edges->host;

	if (virt->ops->watch(virt, err) || host->ops->watch(host, err))
		return -1;
	return plan_silence(x->plan) ? 0 : ask(x, sub, part, err);
}

static bool awaited(const struct subject *sub, enum part part)
{
	unsigned views = part == PART_VF ? sub->unplug : sub->standby_unplug;
	bool is_out = part == PART_VF ? sub->out : sub->standby_out;

	return views & VIEW_LIVE && !is_out && !sub->err;
}

static struct subject *first_awaited(const struct plan *plan, enum part part)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		if (awaited(&plan->subjects[i], part))
			return &plan->subjects[i];
	return NULL;
}

static void all_out(struct plan *plan)
{
	for (size_t i = 0; i < plan->nsubjects; i++)
		plan->subjects[i].out = plan->subjects[i].standby_out = true;
}

/*
 * The one that was found at the start: one that was taken over has lost the metadata by which it
 * would be known.
 */
static bool has_device(const struct execution *x, const struct domain_view *view,
		       const struct subject *sub, enum part part)
{
	const struct device *was = domain_view_device(&x->domain->live, sub->assignment.id);

	if (part == PART_STANDBY)
		return domain_view_standby(view, sub->assignment.id);
	if (!was || !was->adopted || !was->alias)
		return domain_view_device(view, sub->assignment.id);
	for (size_t i = 0; i < view->ndevices; i++)
		if (view->devices[i].alias && !strcmp(view->devices[i].alias, was->alias))
			return true;
	return false;
}

/* Events can be lost; the XML tells the truth. What is still there is asked again. */
static int look(const struct execution *x, enum part part, bool again, struct err **err)
{
	struct virt *virt = x->edges->virt;
	cleanup_free char *xml = NULL;
	struct domain_view view = {0};
	struct err *why = NULL;
	int result = 0;

	if (virt->ops->xml(virt, x->dom, VIEW_LIVE, &xml, &why)) {
		if (why->code == ERR_ABSENT) {
			err_free(&why);
			all_out(x->plan);
			return 0;
		}
		return err_pass(err, why);
	}
	if (domain_xml_parse(xml, &view, err))
		return -1;
	for (size_t i = 0; i < x->plan->nsubjects && !result; i++) {
		struct subject *sub = &x->plan->subjects[i];

		if (!awaited(sub, part))
			continue;
		if (!has_device(x, &view, sub, part))
			set_out(sub, part, true);
		else if (again && !plan_silence(x->plan))
			result = ask(x, sub, part, err);
	}
	domain_view_clear(&view);
	return result;
}

/* true: one has been let go. */
static bool note_event(const struct execution *x, enum part part, const struct virt_event *event,
		       msec *again)
{
	bool out = false;

	if (strcmp(event->uuid, x->domain->uuid) != 0)
		return false;
	if (event->kind == VIRT_DOMAIN_STOPPED) {
		all_out(x->plan);
		return true;
	}
	for (size_t i = 0; i < x->plan->nsubjects; i++) {
		struct subject *sub = &x->plan->subjects[i];
		cleanup_free char *alias = alias_of(x, sub, part);

		if (!awaited(sub, part) || !event->alias || strcmp(event->alias, alias) != 0)
			continue;
		if (event->kind == VIRT_DEVICE_REMOVED) {
			set_out(sub, part, true);
			out = true;
		} else if (event->kind == VIRT_DEVICE_REMOVAL_FAILED &&
			   *again > x->edges->now() + REFUSED_AGAIN_MS) {
			*again = x->edges->now() + REFUSED_AGAIN_MS;
		}
	}
	return out;
}

static void give_up(const struct execution *x, struct subject *sub, enum part part)
{
	const struct err *silent = plan_silence(x->plan);

	if (part == PART_VF) {
		err_set(&sub->err, ERR_GUEST, "%s has not let go of VF %s within %u s",
			x->domain->name, pciaddr_str(sub->vf), x->seconds);
		err_now(&sub->err, "the VF is still in the guest and stays promised to it");
	} else {
		err_set(&sub->err, ERR_GUEST,
			"%s has not let go of the standby of assignment %s within %u s",
			x->domain->name, sub->assignment.id, x->seconds);
		err_now(&sub->err, "the standby is still in the guest, the VF is not");
	}
	if (silent) {
		err_detail(&sub->err, "%s", silent->what);
		err_next(&sub->err, "%s", silent->next);
	}
	err_next(&sub->err, "see that the guest has booted and answers PCI hot-unplug, then "
			    "repeat the command");
}

/*
 * To be told of all that can happen costs as many round trips as the whole unplug. So at first only
 * removals are told; what else has come of it by the time that takes too long, the XML shows, and
 * a guest that has refused is asked again.
 */
int await_all(const struct execution *x, enum part part, struct err **err)
{
	struct virt *virt = x->edges->virt;
	msec again = x->edges->now() + AT_ONCE_MS;
	bool closely = false;

	while (first_awaited(x->plan, part)) {
		struct virt_event event = {0};
		msec now, until = again < x->deadline ? again : x->deadline;
		int got = virt->ops->next_event(virt, until, &event, err);

		if (got < 0)
			return -1;
		if (got > 0) {
			if (note_event(x, part, &event, &again) && !closely)
				again = x->edges->now() + AT_ONCE_MS;
			virt_event_clear(&event);
			continue;
		}
		/* libvirt waits for QEMU before it shows the XML, which would show no news. */
		if (plan_silence(x->plan) && x->edges->now() >= x->deadline)
			break;
		if (!closely && virt->ops->watch_closely(virt, err))
			return -1;
		closely = true;
		now = x->edges->now();
		if (look(x, part, now < x->deadline, err))
			return -1;
		if (now >= x->deadline)
			break;
		again = now + ASK_AGAIN_MS;
	}
	for (struct subject *sub; (sub = first_awaited(x->plan, part));)
		give_up(x, sub, part);
	return 0;
}
