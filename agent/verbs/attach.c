/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attach: adds assignments to what the guest should have, and converges. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "converge/converge.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "verbs/affect.h"
#include "verbs/asked.h"
#include "verbs/assigned.h"
#include "verbs/number.h"
#include "verbs/verb.h"
#include "xml/device.h"
#include "xml/metadata.h"

#define COUNT_MAX 64

enum {
	KEY_MAC = AFFECT_KEY_END,
	KEY_FORM,
	KEY_STANDBY,
	KEY_OPTIONAL,
	KEY_COUNT,
	KEY_PRINT_XML,
	KEY_TIMEOUT
};

static const struct argp_option options[] = {
	{"mac", KEY_MAC, "MAC", 0, "The guest's MAC (default: one made from guest and pool)", 0},
	ASKED_OPTIONS,
	{"form", KEY_FORM, "FORM", 0,
	 "interface (default for a NIC: libvirt sets MAC and VLAN) or hostdev (vfpool sets them)",
	 0},
	{"standby", KEY_STANDBY, "NETWORK", 0,
	 "A virtio NIC on this network takes over while the VF is out of the guest", 0},
	{"optional", KEY_OPTIONAL, NULL, 0,
	 "The guest may move to a host, or be restored on one, that has no VF for it", 0},
	{"count", KEY_COUNT, "N", 0, "Attach N VFs, all or none", 0},
	AFFECT_OPTIONS,
	{"print-xml", KEY_PRINT_XML, NULL, 0, "Print the device XML and change nothing", 0},
	{"timeout", KEY_TIMEOUT, "SECONDS", 0,
	 "Wait so long for another vfpool at the same guest (default 30)", 0},
	{0},
};

struct request {
	const char *domain, *pool; /* pool as the user wrote it: eth1, 0000:01:00.0, eth1/3 */
	bool mac_set;
	struct mac mac;
	struct asked asked;
	unsigned count, timeout;
	bool form_set;
	enum form form;
	const char *standby; /* a network; "": none, whatever the pool says; NULL: as the pool says
			      */
	struct affect affect;
	bool optional;
	bool print_xml;
};

static error_t parse_mac(struct request *request, const char *arg, struct argp_state *state)
{
	if (!mac_parse(arg, &request->mac))
		argp_error(state, "'%s' is not a MAC address", arg);
	else if (mac_is_multicast(request->mac))
		argp_error(state, "%s is a multicast address; a NIC's is not", arg);
	else if (mac_is_zero(request->mac))
		argp_error(state, "a MAC of all zeros is none");
	else
		request->mac_set = true;
	return request->mac_set ? 0 : EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	error_t rc;

	if (affect_option(&request->affect, key))
		return 0;
	rc = asked_option(&request->asked, key, arg, state);
	if (rc != ARGP_ERR_UNKNOWN)
		return rc;
	switch (key) {
	case KEY_MAC:
		return parse_mac(request, arg, state);
	case KEY_COUNT:
		return number_option(state, "count", arg, 1, COUNT_MAX, &request->count);
	case KEY_TIMEOUT:
		return seconds_option(state, "timeout", arg, &request->timeout);
	case KEY_FORM:
		request->form_set = form_parse(arg, &request->form);
		if (request->form_set)
			return 0;
		argp_error(state, "'%s' is no form: interface or hostdev", arg);
		return EINVAL;
	case KEY_STANDBY:
		request->standby = arg;
		if (!*arg || metadata_network_valid(arg))
			return 0;
		argp_error(state,
			   "a guest's metadata cannot hold this network's name: it takes 1 to 64 "
			   "visible ASCII characters");
		return EINVAL;
	case KEY_OPTIONAL:
		request->optional = true;
		return 0;
	case KEY_PRINT_XML:
		request->print_xml = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			request->domain = arg;
		else if (state->arg_num == 1)
			request->pool = arg;
		else
			return ARGP_ERR_UNKNOWN;
		return 0;
	case ARGP_KEY_END:
		if (!request->pool)
			argp_error(state, "it takes a domain and a pool or VF");
		else if (request->mac_set && request->count > 1)
			argp_error(state, "one --mac cannot go to %u VFs", request->count);
		else
			return 0;
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* PF/INDEX is a pool and the one VF of it that is wanted. */
static char *pool_of(const char *text, int *index)
{
	const char *slash = strrchr(text, '/');
	size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;

	*index = -1;
	if (!digits || digits > 5 || slash[1 + digits])
		return mem_strdup(text);
	*index = atoi(slash + 1);
	return mem_printf("%.*s", (int)(slash - text), text);
}

/* What the guest's metadata cannot hold is refused before anything is begun. */
static int check_metadata(const struct request *request, const struct domain *domain,
			  const struct wants *wants, unsigned views, struct err **err)
{
	size_t live = views & VIEW_LIVE ? wants->live.n : 0;
	size_t config = views & VIEW_CONFIG ? wants->config.n : 0;
	size_t has = live > config ? live : config;
	cleanup_free char *pool = NULL;
	int index;

	pool = pool_of(request->pool, &index);
	if (!metadata_pool_valid(pool)) {
		err_set(err, ERR_USAGE,
			"a guest's metadata cannot hold this name: it takes 1 to 64 visible ASCII "
			"characters");
		return err_next(err, "name the PF by its PCI address");
	}
	if (has + request->count <= METADATA_ASSIGNMENTS_MAX)
		return 0;
	err_set(err, ERR_FAILED,
		"%s has %zu VFs of vfpool; with %u more there would be more than %d", domain->name,
		has, request->count, METADATA_ASSIGNMENTS_MAX);
	return err_next(err, "`vfpool detach %s` some that are not needed", domain->name);
}

/* What the user did not say is as the pool has it. */
static void set_defaults(const struct request *request, const struct pools *pools,
			 struct assignment *a)
{
	const struct pool *pool = pools ? pools_find(pools, a->pool) : NULL;

	if (pool) {
		a->vlan = pool->vlan;
		a->settings = pool->settings;
	}
	/* The pool's QoS and protocol belong to the pool's VLAN, and go with it. */
	if (request->asked.set & SETTING_VLAN) {
		a->settings.qos = 0;
		a->settings.vlan_proto = 0;
	}
	a->form_set = request->form_set || (pool && pool->form_set);
	if (a->form_set)
		a->form = request->form_set ? request->form : pool->form;
	if (request->standby)
		a->standby = *request->standby ? mem_strdup(request->standby) : NULL;
	else if (pool)
		a->standby = mem_strdup(pool->standby);
}

static int want(const struct request *request, const struct pools *pools,
		const struct domain *domain, struct wants *wants, struct scope *scope,
		struct err **err)
{
	unsigned views;

	if (affect_views(&request->affect, domain, &views, err) ||
	    check_metadata(request, domain, wants, views, err))
		return -1;
	if (request->mac_set && domain_has_mac(domain, request->mac))
		return err_set(err, ERR_FAILED, "%s has an interface with MAC %s already",
			       domain->name, mac_str(request->mac));
	for (unsigned i = 0; i < request->count; i++) {
		int index;
		char *pool = pool_of(request->pool, &index);
		struct assignment a = {
			.pool = pool,
			.index = index,
			.optional = request->optional,
			.mac = request->mac,
		};

		set_defaults(request, pools, &a);
		if (asked_apply(&request->asked, &a, err)) {
			assignment_clear(&a);
			return -1;
		}
		assignment_id_make(a.id);
		scope_add(scope, a.id);
		if (views & VIEW_LIVE)
			assignments_add(&wants->live, assignment_copy(&a));
		if (views & VIEW_CONFIG)
			assignments_add(&wants->config, assignment_copy(&a));
		assignment_clear(&a);
	}
	return 0;
}

/* All or none: what has been done of a call that failed is taken back. */
static int undo(struct converge *c, const struct scope *scope, size_t done, struct err **err)
{
	struct wants before = {0};
	struct plan plan = {0};
	cleanup_err struct err *why = NULL;
	int result;

	if (!done)
		return err_now(err, "nothing was changed");
	result = converge_again(c, CONVERGE_TIMEOUT_S, &why);
	/* As it is by now: a definition may have come meanwhile. */
	if (!result) {
		before = wants_of(&c->domain);
		for (size_t i = 0; i < scope->n; i++) {
			assignments_remove(&before.live, scope->ids[i]);
			assignments_remove(&before.config, scope->ids[i]);
		}
		result = converge_run(c, &before, scope, CONVERGE_MEND, &plan, NULL, &why);
	}
	if (result) {
		err_now(err, "taking back what had been done failed too: %s", why->what);
		(*err)->next = (free((*err)->next), NULL);
		err_next(err, "`vfpool reconcile %s` finishes that", c->domain.name);
	} else {
		err_now(err, "what had been done was taken back");
	}
	plan_clear(&plan);
	wants_clear(&before);
	return -1;
}

static int print(const char *domain, const struct plan *plan, enum table_mode mode,
		 struct err **err)
{
	cleanup_table struct table *table = NULL;

	if (assigned_new("attached", mode, &table, err))
		return -1;
	for (size_t i = 0; i < plan->nsubjects; i++)
		assigned_add(table, domain, &plan->subjects[i]);
	return table_print(table, err);
}

static int print_xml(const struct plan *plan, struct err **err)
{
	cleanup_free char *all = mem_strdup("");

	for (size_t i = 0; i < plan->nsubjects; i++) {
		const struct subject *sub = &plan->subjects[i];
		cleanup_free char *standby =
			sub->standby_plug
				? device_xml_standby(&sub->assignment, sub->standby_tagged)
				: mem_strdup("");
		cleanup_free char *xml =
			device_xml_format(&sub->assignment, sub->vf, !sub->prebound);
		char *more = mem_printf("%s%s%s", all, standby, xml);

		free(all);
		all = more;
	}
	if (fputs(all, stdout) < 0 || fflush(stdout))
		return err_errno(err, errno, "writing the XML");
	return 0;
}

static int attach(struct converge *c, const struct request *request, enum table_mode mode,
		  struct err **err)
{
	struct wants wants = wants_of(&c->domain);
	struct scope scope = {0};
	struct plan plan = {0};
	size_t done = 0;
	int result = want(request, c->edges->pools, &c->domain, &wants, &scope, err);

	if (result)
		err_now(err, "nothing was changed");
	else if (converge_run(c, &wants, &scope,
			      request->print_xml ? CONVERGE_PLAN : CONVERGE_CHECK, &plan, &done,
			      err))
		result = undo(c, &scope, done, err);
	else if (request->print_xml)
		result = print_xml(&plan, err);
	else
		result = print(c->domain.name, &plan, mode, err);
	plan_clear(&plan);
	scope_clear(&scope);
	wants_clear(&wants);
	return result;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.count = 1, .timeout = CONVERGE_TIMEOUT_S};
	struct converge c;
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	session->about = request.pool;
	if (session_need(session,
			 NEED_HOST | NEED_POOLS | NEED_VIRT |
				 (request.print_xml ? NEED_STORE : NEED_STORE_WRITE),
			 err) ||
	    converge_open(&c, &session->edges, request.domain, request.timeout, err))
		return err_wrap(err, "attaching a VF of %s to %s", request.pool, request.domain);
	if (attach(&c, &request, session->mode, err)) {
		converge_close(&c);
		return err_wrap(err, "attaching a VF of %s to %s", request.pool, request.domain);
	}
	converge_close(&c);
	return 0;
}

const struct verb verb_attach = {
	.name = "attach",
	.args = "DOMAIN POOL|VF",
	.help = "Give a guest a free VF",
	.options = options,
	.run = run,
};
