/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * adopt: takes over VFs that a guest was given by hand. What the guest has is described as an
 * assignment, so that nothing of it changes; the running guest's device is left as it is, and the
 * definition's is written anew with our alias.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "converge/converge.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "verbs/assigned.h"
#include "verbs/number.h"
#include "verbs/select.h"
#include "verbs/verb.h"
#include "xml/metadata.h"

#define NAMED_MAX 64

enum { KEY_TIMEOUT = 0x200 };

static const struct argp_option options[] = {
	{"timeout", KEY_TIMEOUT, "SECONDS", 0,
	 "Wait so long for another vfpool at the same guest (default 30)", 0},
	{0},
};

/* A device that the user named. */
struct named {
	const char *text;
	bool found;
};

struct request {
	const char *domain;
	struct named named[NAMED_MAX]; /* none: all */
	size_t nnamed;
	unsigned timeout;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_TIMEOUT:
		return seconds_option(state, "timeout", arg, &request->timeout);
	case ARGP_KEY_ARG:
		if (!state->arg_num)
			request->domain = arg;
		else if (request->nnamed < NAMED_MAX)
			request->named[request->nnamed++].text = arg;
		else
			return ARGP_ERR_UNKNOWN;
		return 0;
	case ARGP_KEY_END:
		if (request->domain)
			return 0;
		argp_error(state, "it takes a domain");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What is to be taken over, as it is found. */
struct adoption {
	struct converge *c;
	struct request *request;
	struct wants wants;
	struct scope scope;
};

/* A foreign device of one view, and the VF that it is. */
struct candidate_device {
	const struct device *device;
	unsigned view;
	struct pf pf;
	const struct vf *vf;
};

static bool is_named(struct adoption *a, const struct candidate_device *d)
{
	struct host *host = a->c->edges->host;
	bool is = !a->request->nnamed;

	for (size_t i = 0; i < a->request->nnamed; i++) {
		struct named *named = &a->request->named[i];
		struct pciaddr pf;
		struct mac mac;
		int index;
		bool this;

		if (mac_parse(named->text, &mac))
			this = d->device->mac_set ? mac_equal(d->device->mac, mac)
						  : d->vf->settings.known & SETTING_MAC &&
							    mac_equal(d->vf->settings.mac, mac);
		else
			this = !host->ops->resolve(host, named->text, &pf, &index, NULL) &&
			       pciaddr_equal(pf, d->pf.addr) && index == (int)d->vf->index;
		named->found |= this;
		is |= this;
	}
	return is;
}

/* A libvirt network gave it: then the definition has an interface of that MAC, but no VF for it. */
static bool is_of_network(const struct domain *domain, const struct device *device)
{
	const struct domain_view *config = &domain->config;
	bool defined = false;

	if (device->form != FORM_INTERFACE || !config->present)
		return false;
	for (size_t i = 0; i < config->nmacs; i++)
		defined |= mac_equal(config->macs[i], device->mac);
	for (size_t i = 0; i < config->ndevices; i++)
		if (config->devices[i].mac_set && mac_equal(config->devices[i].mac, device->mac))
			return false;
	return defined;
}

static int check(const struct adoption *a, const struct candidate_device *d, struct err **err)
{
	const struct device *device = d->device;
	const struct lease *lease = leases_by_vf(&a->c->leases, device->host);
	const char *vf = pciaddr_str(device->host);

	if (!device->managed) {
		err_set(err, ERR_UNSUPPORTED,
			"VF %s is in %s with managed='no': who binds it to vfio-pci is not known",
			vf, a->c->domain.name);
		return err_next(err, "`vfpool attach` it anew when it can be taken out");
	}
	if (device->extra) {
		err_set(err, ERR_UNSUPPORTED,
			"the device of VF %s in %s has <%s>, which would be lost when it is "
			"plugged "
			"anew",
			vf, a->c->domain.name, device->extra);
		return err_next(err, "do without that, or leave the device as it is");
	}
	if (is_of_network(&a->c->domain, device))
		return err_set(err, ERR_UNSUPPORTED,
			       "VF %s is from a libvirt network, which will take it back", vf);
	if (lease && !assignments_find(&a->wants.live, lease->assignment) &&
	    !assignments_find(&a->wants.config, lease->assignment)) {
		err_set(err, ERR_FAILED, "VF %s is on its way out of %s (assignment %s)", vf,
			a->c->domain.name, lease->assignment);
		return err_next(err, "`vfpool reconcile %s` finishes that", a->c->domain.name);
	}
	if (d->pf.nic && !(d->vf->settings.known & SETTING_MAC)) {
		err_set(err, ERR_UNSUPPORTED, "the settings of VF %s cannot be read", vf);
		return err_next(err, "see that its PF %s has a netdev in this namespace",
				pf_str(&d->pf));
	}
	if (d->pf.nic && d->view == VIEW_LIVE && device->form == FORM_HOSTDEV &&
	    mac_is_zero(d->vf->settings.mac)) {
		err_set(err, ERR_FAILED, "the MAC of VF %s is not known to the host", vf);
		return err_next(err,
				"set the one that the guest has: `ip link set %s vf %u mac MAC`",
				pf_str(&d->pf), d->vf->index);
	}
	return 0;
}

/* The pool that has the VF, else its PF. */
static int pool_of(struct edges *edges, const struct candidate_device *d, char **out,
		   struct err **err)
{
	cleanup_free const struct pool **pools = NULL;
	struct pf names = {0};
	size_t n = 0;

	*out = NULL;
	if (edges->host->ops->read_pf(edges->host, d->pf.addr, HOST_NO_VFS, &names, err))
		return -1;
	if (edges->pools)
		pools_of_pf(edges->pools, &names, &pools, &n);
	pf_clear(&names);
	for (size_t i = 0; i < n && !*out; i++)
		if (!pools[i]->error && pool_holds(pools[i], d->vf))
			*out = mem_strdup(pools[i]->name);
	if (!*out)
		*out = mem_strdup(d->pf.netdev && metadata_pool_valid(d->pf.netdev)
					  ? d->pf.netdev
					  : pciaddr_str(d->pf.addr));
	return 0;
}

/* All as it is: taking over changes nothing. */
static void describe(const struct domain *domain, const struct candidate_device *d,
		     struct assignment *a)
{
	const struct vf_settings *is = &d->vf->settings;
	cleanup_free char *text = NULL;

	a->index = -1;
	a->form_set = true;
	a->form = d->device->form;
	a->adopted_set = true;
	a->adopted = d->device->host;
	a->guest_set = d->device->guest_set;
	a->guest = d->device->guest;
	if (!d->pf.nic)
		return;
	a->mac = a->form == FORM_INTERFACE ? d->device->mac : is->mac;
	/* Of a guest that is off: each boot would have had another one. */
	if (mac_is_zero(a->mac)) {
		text = mem_printf("%s %s", domain->uuid, pciaddr_str(d->device->host));
		a->mac = mac_derive(text);
	}
	a->vlan = a->form == FORM_INTERFACE ? d->device->vlan : is->vlan;
	a->settings = *is;
	a->settings.vlan = 0;
	if (a->form == FORM_INTERFACE || !a->vlan)
		a->settings.qos = 0;
	if (a->form == FORM_INTERFACE || !a->vlan || is->vlan_proto == 0x8100)
		a->settings.vlan_proto = 0;
	a->settings.known &= SETTING_SPOOFCHK | SETTING_TRUST | SETTING_LINK_STATE | SETTING_RATE;
	/* What is so by default needs not be asked for. */
	if (is->spoofchk)
		a->settings.known &= ~(unsigned)SETTING_SPOOFCHK;
	if (!is->trust)
		a->settings.known &= ~(unsigned)SETTING_TRUST;
	if (!is->link_state)
		a->settings.known &= ~(unsigned)SETTING_LINK_STATE;
	if (!is->min_rate && !is->max_rate)
		a->settings.known &= ~(unsigned)SETTING_RATE;
}

/* The same VF, or NIC, in the other view is one assignment. */
static const struct assignment *twin(const struct adoption *a, const struct assignment *item)
{
	const struct lease *lease = leases_by_vf(&a->c->leases, item->adopted);
	const struct assignment *found = NULL;

	if (lease) {
		found = assignments_find(&a->wants.live, lease->assignment);
		return found ? found : assignments_find(&a->wants.config, lease->assignment);
	}
	for (size_t i = 0; i < a->wants.live.n && !found; i++) {
		const struct assignment *other = &a->wants.live.items[i];

		if (other->adopted_set && scope_has(&a->scope, other->id) &&
		    (pciaddr_equal(other->adopted, item->adopted) ||
		     (item->form == FORM_INTERFACE && mac_equal(other->mac, item->mac))))
			found = other;
	}
	return found;
}

static int add(struct adoption *a, const struct candidate_device *d, struct err **err)
{
	struct assignments *list = d->view == VIEW_LIVE ? &a->wants.live : &a->wants.config;
	struct assignment item = {0};
	const struct assignment *other;
	int result = 0;

	if (check(a, d, err))
		return -1;
	describe(&a->c->domain, d, &item);
	other = twin(a, &item);
	if (other) {
		memcpy(item.id, other->id, sizeof(item.id));
		item.pool = mem_strdup(other->pool);
	} else {
		assignment_id_make(item.id);
		result = pool_of(a->c->edges, d, &item.pool, err);
	}
	for (size_t i = 0; i < list->n && !result; i++)
		if (!mac_is_zero(item.mac) && mac_equal(list->items[i].mac, item.mac))
			result = err_set(err, ERR_FAILED, "%s has two VFs with MAC %s",
					 a->c->domain.name, mac_str(item.mac));
	if (!result && list->n >= METADATA_ASSIGNMENTS_MAX)
		result = err_set(err, ERR_FAILED, "%s would have more than %d VFs of vfpool",
				 a->c->domain.name, METADATA_ASSIGNMENTS_MAX);
	if (result) {
		assignment_clear(&item);
		return -1;
	}
	scope_add(&a->scope, item.id);
	assignments_add(list, item);
	return 0;
}

/* What is no VF, or not of this host, is none of vfpool's business. */
static int consider(struct adoption *a, const struct device *device, unsigned view,
		    struct err **err)
{
	struct host *host = a->c->edges->host;
	struct candidate_device d = {.device = device, .view = view};
	struct pciaddr pf;
	int index, result = 0;

	if (host->ops->resolve(host, pciaddr_str(device->host), &pf, &index, NULL) || index < 0)
		return 0;
	if (host->ops->read_pf(host, pf, HOST_SETTINGS, &d.pf, err))
		return -1;
	d.vf = pf_vf_by_index(&d.pf, (unsigned)index);
	if (d.vf && is_named(a, &d))
		result = add(a, &d, err);
	pf_clear(&d.pf);
	return result;
}

static int consider_view(struct adoption *a, const struct domain_view *view, unsigned which,
			 struct err **err)
{
	for (size_t i = 0; i < view->ndevices; i++)
		if (!view->devices[i].id[0] && consider(a, &view->devices[i], which, err))
			return -1;
	return 0;
}

/* The guest keeps the address that it has; the definition has to be able to say so. */
static int check_addresses(const struct adoption *a, struct err **err)
{
	const struct domain_view *config = &a->c->domain.config;

	for (size_t i = 0; i < a->wants.config.n; i++) {
		const struct assignment *defined = &a->wants.config.items[i];
		const struct assignment *live = assignments_find(&a->wants.live, defined->id);
		bool free = false;

		if (!scope_has(&a->scope, defined->id) || !live || !live->guest_set ||
		    (defined->guest_set && pciaddr_equal(live->guest, defined->guest)))
			continue;
		for (size_t j = 0; j < config->nfree_slots; j++)
			free |= pciaddr_equal(config->free_slots[j], live->guest);
		if (free)
			continue;
		err_set(err, ERR_FAILED,
			"%s has VF %s at %s, and its definition has something else there",
			a->c->domain.name, pciaddr_str(live->adopted), pciaddr_str(live->guest));
		return err_next(err, "take the VF out of the definition, and put it in with "
				     "`vfpool adopt` and `vfpool attach --config`");
	}
	return 0;
}

static int find(struct adoption *a, struct err **err)
{
	const struct domain *domain = &a->c->domain;

	if (consider_view(a, &domain->live, VIEW_LIVE, err) ||
	    consider_view(a, &domain->config, VIEW_CONFIG, err))
		return -1;
	for (size_t i = 0; i < a->request->nnamed; i++)
		if (!a->request->named[i].found)
			return err_set(err, ERR_ABSENT,
				       "%s has no VF %s that somebody else gave it", domain->name,
				       a->request->named[i].text);
	if (!a->scope.n)
		return err_set(err, ERR_ABSENT, "%s has no VF that somebody else gave it",
			       domain->name);
	return check_addresses(a, err);
}

/* A claim alone is let go; what the guest's metadata says already is for a converge to finish. */
static int fail(struct adoption *a, struct err **err)
{
	struct converge *c = a->c;
	struct wants before = {0};
	struct plan plan = {0};
	cleanup_err struct err *why = NULL;
	bool recorded = false;
	int result = converge_again(c, CONVERGE_TIMEOUT_S, &why);

	for (size_t i = 0; i < a->scope.n && !result; i++)
		recorded |= select_assignment(&c->domain, a->scope.ids[i]) != NULL;
	if (!result && !recorded) {
		before = wants_of(&c->domain);
		result = converge_run(c, &before, &a->scope, CONVERGE_MEND, &plan, NULL, &why);
	}
	plan_clear(&plan);
	wants_clear(&before);
	if (!result && !recorded)
		return err_now(err, "nothing was changed");
	err_now(err, "the taking over is begun, and the guest has its VFs");
	return err_next(err, "`vfpool reconcile %s` finishes it", c->dom.name);
}

static void say_what_is_lost(const struct adoption *a)
{
	for (size_t i = 0; i < a->wants.live.n; i++) {
		const struct assignment *item = &a->wants.live.items[i];

		if (scope_has(&a->scope, item->id) && item->form == FORM_HOSTDEV &&
		    !mac_is_zero(item->mac))
			log_say("what VF %s had before the guest got it is not known: when it is "
				"released its MAC and VLAN are taken off, and all else stays as it "
				"is now",
				pciaddr_str(item->adopted));
	}
}

static int adopt(struct converge *c, void *given, enum table_mode mode, struct err **err)
{
	struct adoption a = {.c = c, .request = given};
	cleanup_table struct table *table = NULL;
	struct plan plan = {0};
	int result = -1;

	a.wants = wants_of(&c->domain);
	if (find(&a, err)) {
		err_now(err, "nothing was changed");
	} else if (converge_run(c, &a.wants, &a.scope, CONVERGE_CHECK, &plan, NULL, err)) {
		fail(&a, err);
	} else if (!assigned_new("adopted", mode, &table, err)) {
		say_what_is_lost(&a);
		for (size_t i = 0; i < plan.nsubjects; i++)
			assigned_add(table, c->domain.name, &plan.subjects[i]);
		result = table_print(table, err);
	}
	plan_clear(&plan);
	scope_clear(&a.scope);
	wants_clear(&a.wants);
	return result;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.timeout = CONVERGE_TIMEOUT_S};
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	return verb_on_guest(session, request.domain, request.timeout, adopt, &request,
			     "taking over VFs of", err);
}

const struct verb verb_adopt = {
	.name = "adopt",
	.args = "DOMAIN [VF|MAC...]",
	.help = "Take over VFs that a guest was given by hand",
	.options = options,
	.run = run,
};
