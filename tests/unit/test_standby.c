/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Standby NICs, against made edges: where they go, on which networks they may be, how they outlast
 * the VF that they stand for; and all of it broken at every call of an edge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/broken.h"
#include "fakes/world.h"
#include "xml/network.h"

static void assert_sound(struct world *w)
{
	const char *broken = world_broken(w);

	if (broken)
		fail_msg("%s", broken);
}

static void assert_run(struct world *w, const char *command, int status)
{
	struct err *err = NULL;
	int got = world_run(w, command, &err);

	if (got != status)
		fail_msg("%s: exit %d, not %d: %s", command, got, status,
			 err ? err->what : "no error");
	err_free(&err);
}

/* Refused before anything is touched. */
static void assert_refused(struct world *w, const char *command, int status, const char *words)
{
	struct err *err = NULL;
	int got;

	w->touched = 0;
	got = world_run(w, command, &err);
	if (got != status || !err)
		fail_msg("%s: exit %d, not %d: %s", command, got, status,
			 err ? err->what : "no error");
	if (!strstr(err->what, words))
		fail_msg("%s: '%s' does not say '%s'", command, err->what, words);
	assert_int_equal(w->touched, 0);
	err_free(&err);
}

/* How many VFs and standbys of ours web1 has in a view. */
static void assert_view(struct world *w, unsigned which, size_t devices, size_t standbys)
{
	struct domain_view view = world_view(w, "web1", which);

	assert_int_equal(view.ndevices, devices);
	assert_int_equal(view.nstandbys, standbys);
	domain_view_clear(&view);
}

static void assert_both(struct world *w, size_t devices, size_t standbys)
{
	assert_view(w, VIEW_LIVE, devices, standbys);
	assert_view(w, VIEW_CONFIG, devices, standbys);
	assert_sound(w);
}

static const char *live_xml(struct world *w, const char *with)
{
	const struct fake_view *view = &world_domain(w, "web1")->live;

	for (size_t i = 0; i < view->ndevices; i++)
		if (strstr(view->devices[i].xml, with))
			return view->devices[i].xml;
	fail_msg("no device has %s", with);
	return NULL;
}

static void comes_and_goes(void **state)
{
	struct domain_view view;
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --standby lan --persistent --mac 02:00:00:00:00:77", 0);
	assert_both(&w, 1, 1);
	/* Before its VF, which names it; both with the one MAC. */
	assert_non_null(strstr(world_domain(&w, "web1")->live.devices[0].xml,
			       "<teaming type=\"persistent\"/>"));
	assert_non_null(strstr(live_xml(&w, "type=\"persistent\""), "02:00:00:00:00:77"));
	assert_non_null(strstr(live_xml(&w, "type=\"transient\""), "02:00:00:00:00:77"));
	assert_null(strstr(live_xml(&w, "type=\"persistent\""), "<vlan>"));
	view = world_view(&w, "web1", VIEW_LIVE);
	assert_string_equal(view.assignments.items[0].standby, "lan");
	assert_false(pciaddr_equal(view.standbys[0].guest, view.devices[0].guest));
	domain_view_clear(&view);
	assert_run(&w, "attach web1 eth1", 0);
	assert_view(&w, VIEW_LIVE, 2, 1);
	assert_run(&w, "detach web1 02:00:00:00:00:77 --persistent", 0);
	assert_view(&w, VIEW_LIVE, 1, 0);
	assert_view(&w, VIEW_CONFIG, 0, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void as_a_plain_hostdev(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --standby lan --form hostdev --persistent", 0);
	assert_both(&w, 1, 1);
	assert_non_null(strstr(live_xml(&w, "<hostdev"), "<teaming type=\"transient\""));
	assert_run(&w, "detach web1 --persistent", 0);
	assert_both(&w, 0, 0);
	world_clear(&w);
}

static void outlasts_a_parking(void **state)
{
	struct domain_view view;
	struct pciaddr guest;
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --standby lan --persistent", 0);
	view = world_view(&w, "web1", VIEW_LIVE);
	guest = view.standbys[0].guest;
	domain_view_clear(&view);
	assert_run(&w, "park web1", 0);
	assert_both(&w, 0, 1);
	/* Another one takes no slot of it. */
	assert_run(&w, "attach web1 eth1/3 --live", 0);
	assert_run(&w, "unpark web1", 0);
	assert_view(&w, VIEW_LIVE, 2, 1);
	assert_run(&w, "detach web1 0000:01:10.6 --live", 0);
	assert_both(&w, 1, 1);
	view = world_view(&w, "web1", VIEW_LIVE);
	assert_true(pciaddr_equal(view.standbys[0].guest, guest));
	domain_view_clear(&view);
	assert_run(&w, "save web1 /f", 0);
	assert_run(&w, "restore /f", 0);
	assert_both(&w, 1, 1);
	assert_run(&w, "park web1", 0);
	assert_run(&w, "detach web1 --persistent", 0);
	assert_both(&w, 0, 0);
	assert_int_equal(w.leases.n, 0);
	world_clear(&w);
}

/* Where it arrives it is there already, and the VF comes to it. */
static void moves_along(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --standby lan --persistent", 0);
	assert_run(&w, "park web1", 0);
	w.name = "vfhost-b";
	leases_clear(&w.leases);
	assert_run(&w, "reconcile", 0);
	assert_both(&w, 1, 1);
	world_clear(&w);
}

static void remove_standby(struct fake_view *view)
{
	for (size_t i = 0; i < view->ndevices; i++) {
		if (!strstr(view->devices[i].xml, "type=\"persistent\""))
			continue;
		free(view->devices[i].xml);
		free(view->devices[i].alias);
		view->ndevices--;
		memmove(&view->devices[i], &view->devices[i + 1],
			(view->ndevices - i) * sizeof(view->devices[0]));
		return;
	}
}

static void is_put_back(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --standby lan --persistent", 0);
	remove_standby(&world_domain(&w, "web1")->live);
	assert_view(&w, VIEW_LIVE, 1, 0);
	assert_run(&w, "reconcile", 0);
	assert_both(&w, 1, 1);
	/* Parked, it is not asked for; then it comes before its VF. */
	assert_run(&w, "park web1", 0);
	remove_standby(&world_domain(&w, "web1")->live);
	assert_run(&w, "reconcile", 0);
	assert_view(&w, VIEW_LIVE, 0, 0);
	assert_run(&w, "unpark web1", 0);
	assert_both(&w, 1, 1);
	/* Off and on again. */
	world_stop(&w, "web1");
	world_start(&w, "web1");
	assert_run(&w, "reconcile", 0);
	assert_both(&w, 1, 1);
	world_clear(&w);
}

static void only_defined(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	world_stop(&w, "web1");
	assert_run(&w, "attach web1 eth1 --standby lan", 0);
	assert_view(&w, VIEW_CONFIG, 1, 1);
	assert_sound(&w);
	/* Its network need not be active before the guest is. */
	assert_run(&w, "attach web1 eth1 --standby asleep", 0);
	assert_view(&w, VIEW_CONFIG, 2, 2);
	assert_run(&w, "detach web1 --all", 0);
	assert_view(&w, VIEW_CONFIG, 0, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void refused_networks(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_refused(&w, "attach web1 eth1 --standby nowhere", 1, "there is no network nowhere");
	assert_refused(&w, "attach web1 eth1 --standby asleep", 1, "asleep is not active");
	assert_refused(&w, "attach web1 eth1 --standby vfs", 1, "vfs hands out VFs");
	/* A name that cannot be remembered. */
	assert_run(&w,
		   "attach web1 eth1 --standby "
		   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		   2);
	/* Where libvirt's own bridge is good enough. */
	assert_run(&w, "attach web1 eth1 --standby nat", 0);
	assert_run(&w, "attach web1 eth1 --standby macvtap", 0);
	assert_view(&w, VIEW_LIVE, 2, 2);
	assert_sound(&w);
	world_clear(&w);
}

/* Its frames are in the VF's VLAN, or it is refused. */
static void vlans(void **state)
{
	static const struct {
		const char *network;
		unsigned vlan;
		unsigned long version;
		bool filters;
		const char *refused; /* in these words; NULL: it goes */
		bool tagged;
	} cases[] = {
		{"nat", 5, 11003000, true, "libvirt's own bridge", false},
		{"macvtap", 5, 11003000, true, "macvtap", false},
		{"open", 5, 9000000, false, NULL, true},
		{"lan", 5, 9000000, true, "before 11.0", false},
		{"lan", 5, 10999999, true, "before 11.0", false},
		{"lan", 5, 11000000, false, "does not filter", false},
		{"lan", 5, 11000000, true, NULL, true},
		{"lan7", 5, 11000000, false, "does not filter", false},
		{"lan7", 7, 11000000, false, NULL, false},
		{"lan7", 7, 9000000, true, NULL, false},
		{"lan", 0, 9000000, false, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *command = mem_printf("attach web1 eth1 --standby %s --vlan %u",
							cases[i].network, cases[i].vlan);
		cleanup_free char *tag = mem_printf("<tag id=\"%u\"/>", cases[i].vlan);
		struct world w;

		world_init(&w, 7);
		w.libvirt_version = cases[i].version;
		w.filters = cases[i].filters;
		if (cases[i].refused) {
			assert_refused(&w, command, 1, cases[i].refused);
			world_clear(&w);
			continue;
		}
		assert_run(&w, command, 0);
		assert_int_equal(strstr(live_xml(&w, "type=\"persistent\""), tag) != NULL,
				 cases[i].tagged);
		assert_sound(&w);
		world_clear(&w);
	}
}

/* What it is in already cannot be changed. */
static void keeps_its_vlan(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	w.filters = true;
	assert_run(&w, "attach web1 eth1 --standby lan --vlan 5 --persistent", 0);
	assert_refused(&w, "set web1 eth1 --vlan 6 --persistent", 2, "would not follow");
	assert_refused(&w, "set web1 eth1 --vlan 0", 2, "would not follow");
	assert_run(&w, "set web1 eth1 --vlan 5 --spoofchk off --persistent", 0);
	assert_sound(&w);
	world_clear(&w);
}

/* Of two slots in a definition libvirt makes the one that is missing, and that is learnt. */
static void a_slot_is_learnt(void **state)
{
	struct domain_view view;
	struct world w;

	(void)state;
	world_init(&w, 7);
	world_stop(&w, "web1");
	world_domain(&w, "web1")->ports = 1;
	assert_run(&w, "attach web1 eth1 --standby lan", 0);
	view = world_view(&w, "web1", VIEW_CONFIG);
	assert_int_equal(view.nstandbys, 1);
	assert_true(view.standbys[0].guest_set);
	assert_true(view.assignments.items[0].standby_guest_set);
	domain_view_clear(&view);
	assert_sound(&w);
	world_clear(&w);
}

/* libvirt has no other protocol for a tag. */
static void vlan_of_802_1ad(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	w.filters = true;
	assert_refused(
		&w, "attach web1 eth1 --form hostdev --standby lan --vlan 5 --vlan-proto 802.1ad",
		1, "802.1Q only");
	assert_run(&w,
		   "attach web1 eth1 --form hostdev --standby lan7 --vlan 7 --vlan-proto 802.1ad",
		   0);
	world_clear(&w);
}

/* Two slots are needed, and of ports one: that is said before anything is touched. */
static void slots(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	world_domain(&w, "web1")->ports = 1;
	assert_refused(&w, "attach web1 eth1 --standby lan", 1, "takes two");
	assert_run(&w, "attach web1 eth1", 0);
	assert_refused(&w, "attach web1 eth1 --standby lan", 1, "no free PCI Express port");
	world_domain(&w, "web1")->ports = 3;
	assert_run(&w, "attach web1 eth1 --standby lan", 0);
	assert_refused(&w, "attach web1 eth1 --standby lan", 1, "no free PCI Express port");
	assert_view(&w, VIEW_LIVE, 2, 1);
	assert_sound(&w);
	world_clear(&w);
}

static void for_nics_only(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	(void)world_add_nvme(&w, 2);
	assert_refused(&w, "attach web1 0000:02:00.0 --standby lan", 2, "a standby");
	world_clear(&w);
}

/* The VF is free; what the guest keeps is asked for again by the next converge. */
static void is_kept_by_the_guest(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --standby lan", 0);
	world_domain(&w, "web1")->keeps_standby = true;
	assert_run(&w, "detach web1 --timeout 12", 4);
	assert_int_equal(w.leases.n, 0);
	assert_view(&w, VIEW_LIVE, 0, 1);
	assert_run(&w, "reconcile", 4);
	world_domain(&w, "web1")->keeps_standby = false;
	world_domain(&w, "web1")->lost_event = true;
	assert_run(&w, "reconcile", 0);
	assert_view(&w, VIEW_LIVE, 0, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void is_asked_for_after_its_vf(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --standby lan", 0);
	world_domain(&w, "web1")->deaf = 1000;
	assert_run(&w, "detach web1 --timeout 12", 4);
	assert_view(&w, VIEW_LIVE, 1, 1);
	world_domain(&w, "web1")->deaf = 0;
	world_domain(&w, "web1")->paused = true;
	assert_run(&w, "reconcile", 4);
	world_domain(&w, "web1")->paused = false;
	assert_run(&w, "reconcile", 0);
	assert_view(&w, VIEW_LIVE, 0, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void network_xml(void **state)
{
	static const struct {
		const char *xml;
		enum network_kind kind;
		const char *bridge;
	} cases[] = {
		{"<network><bridge name='virbr0'/></network>", NETWORK_OWN, "virbr0"},
		{"<network><forward/><bridge name='virbr0'/></network>", NETWORK_OWN, "virbr0"},
		{"<network><forward mode='nat'/></network>", NETWORK_OWN, NULL},
		{"<network><forward mode='open'/></network>", NETWORK_OWN, NULL},
		{"<network><forward mode='bridge'/><bridge name='b'/></network>", NETWORK_BRIDGE,
		 "b"},
		{"<network><virtualport type='openvswitch'/><bridge name='b'/>"
		 "<forward mode='bridge'/></network>",
		 NETWORK_OPENVSWITCH, "b"},
		{"<network><forward mode='bridge'><interface dev='e'/></forward></network>",
		 NETWORK_MACVTAP, NULL},
		{"<network><forward mode='vepa'/></network>", NETWORK_MACVTAP, NULL},
		{"<network><forward mode='private'/></network>", NETWORK_MACVTAP, NULL},
		{"<network><forward mode='passthrough'/></network>", NETWORK_PASSTHROUGH, NULL},
		{"<network><forward mode='hostdev'/></network>", NETWORK_HOSTDEV, NULL},
	};
	struct network network = {.kind = NETWORK_HOSTDEV};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(network_xml_parse(cases[i].xml, &network, NULL), 0);
		assert_int_equal(network.kind, cases[i].kind);
		if (cases[i].bridge)
			assert_string_equal(network.bridge, cases[i].bridge);
		else
			assert_null(network.bridge);
	}
	assert_int_equal(network_xml_parse("<domain/>", &network, NULL), -1);
	assert_int_equal(network_xml_parse("<network>", &network, NULL), -1);
	assert_int_equal(network.kind, NETWORK_HOSTDEV);
	network_clear(&network);
}

/* A command, and what comes before it, to be broken at every call. */
struct scenario {
	const char *name;
	const char *before[4];
	const char *command;
	bool starts;  /* web1 has been saved, and is started again before the reconcile */
	bool arrives; /* on another host, before the command */
};

static const struct scenario scenarios[] = {
	{.name = "attach", .command = "attach web1 eth1 --standby lan --persistent"},
	{.name = "attach two in a VLAN",
	 .before = {"attach web1 eth1"},
	 .command = "attach web1 eth1/3 --form hostdev --standby open --vlan 9"},
	{.name = "detach",
	 .before = {"attach web1 eth1 --standby lan --persistent",
		    "attach web1 eth1 --standby lan"},
	 .command = "detach web1 --all --persistent"},
	{.name = "park",
	 .before = {"attach web1 eth1 --standby lan --persistent"},
	 .command = "park web1"},
	{.name = "unpark",
	 .before = {"attach web1 eth1 --standby lan --persistent", "park web1"},
	 .command = "unpark web1"},
	{.name = "unpark elsewhere",
	 .before = {"attach web1 eth1 --standby lan --persistent", "park web1"},
	 .command = "unpark web1",
	 .arrives = true},
	{.name = "detach while parked",
	 .before = {"attach web1 eth1 --standby lan --persistent", "park web1"},
	 .command = "detach web1 --persistent"},
	{.name = "managedsave",
	 .before = {"attach web1 eth1 --standby lan --persistent"},
	 .command = "managedsave web1",
	 .starts = true},
};

static void set_scene(struct world *w, const void *scenario)
{
	const struct scenario *s = scenario;

	world_init(w, 7);
	for (size_t i = 0; i < ARRAY_SIZE(s->before) && s->before[i]; i++)
		assert_run(w, s->before[i], 0);
	if (s->arrives) {
		w->name = "vfhost-b";
		leases_clear(&w->leases);
	}
}

static void assert_mended(struct world *w, const void *scenario, const struct broken *broken)
{
	const struct scenario *s = scenario;
	struct err *err = NULL;

	/* Parked or not: after the deadline everything that runs has what it should have. */
	for (unsigned i = 0; i < 2; i++) {
		const char *is;

		if (world_run(w, "reconcile", &err))
			fail_msg("%s, %s: reconcile %u fails: %s", broken->name, broken->where, i,
				 err->what);
		is = world_broken(w);
		if (is)
			fail_msg("%s, %s, after reconcile %u: %s", broken->name, broken->where, i,
				 is);
		w->wall += 1000;
		if (s->starts && !world_domain(w, "web1")->live.present)
			world_start(w, "web1");
	}
	for (size_t i = 0; i < w->leases.n; i++)
		assert_int_equal(w->leases.items[i].state, LEASE_HELD);
}

/* From each of the scenarios. */
static void break_all(const struct breaking *breaking, enum break_how how)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		const struct scenario *s = &scenarios[i];

		assert_true(break_everywhere(breaking, how, s->name, s->command, s) > 9);
	}
}

static const struct breaking mended = {set_scene, assert_mended};

static void failed_everywhere(void **state)
{
	(void)state;
	break_all(&mended, BREAK_FAILS);
}

static void killed_everywhere(void **state)
{
	(void)state;
	break_all(&mended, BREAK_DIES);
}

static void set_plain(struct world *w, const void *scenario)
{
	(void)scenario;
	world_init(w, 7);
}

static void assert_taken_back(struct world *w, const void *scenario, const struct broken *broken)
{
	const struct fake_domain *d = world_domain(w, "web1");

	(void)scenario;
	if (broken->whole)
		assert_int_equal(broken->status, 0);
	else if (broken->status &&
		 (w->leases.n || world_broken(w) || d->live.ndevices || d->config.ndevices))
		fail_msg("%s: something is left", broken->where);
}

/* An attach that fails on its own leaves nothing behind. */
static void takes_back(void **state)
{
	static const struct breaking breaking = {set_plain, assert_taken_back};

	(void)state;
	assert_true(break_everywhere(&breaking, BREAK_FAILS, "attach",
				     "attach web1 eth1 --standby lan --persistent", NULL) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_and_goes),
		cmocka_unit_test(as_a_plain_hostdev),
		cmocka_unit_test(outlasts_a_parking),
		cmocka_unit_test(moves_along),
		cmocka_unit_test(is_put_back),
		cmocka_unit_test(only_defined),
		cmocka_unit_test(refused_networks),
		cmocka_unit_test(vlans),
		cmocka_unit_test(vlan_of_802_1ad),
		cmocka_unit_test(keeps_its_vlan),
		cmocka_unit_test(a_slot_is_learnt),
		cmocka_unit_test(slots),
		cmocka_unit_test(for_nics_only),
		cmocka_unit_test(is_kept_by_the_guest),
		cmocka_unit_test(is_asked_for_after_its_vf),
		cmocka_unit_test(network_xml),
		cmocka_unit_test(failed_everywhere),
		cmocka_unit_test(killed_everywhere),
		cmocka_unit_test(takes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
