/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parking, unparking, saving and restoring against made edges: broken at every call of an edge that
 * they make; then one reconcile must leave everything sound, parked or not, and one after the
 * deadline must have given all back.
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

static void assert_fails(struct world *w, const char *command, int status, const char *now)
{
	struct err *err = NULL;
	int got = world_run(w, command, &err);

	if (got != status || !err)
		fail_msg("%s: exit %d, not %d: %s", command, got, status,
			 err ? err->what : "no error");
	if (!err->now || !strstr(err->now, now))
		fail_msg("'%s' does not say '%s'", err->now ? err->now : err->what, now);
	err_free(&err);
}

static struct fake_view *live(struct world *w, const char *name)
{
	return &world_domain(w, name)->live;
}

static struct fake_view *config(struct world *w, const char *name)
{
	return &world_domain(w, name)->config;
}

static void assert_devices(struct world *w, size_t in_live, size_t in_config)
{
	assert_int_equal(view_ours(live(w, "web1")), in_live);
	assert_int_equal(view_ours(config(w, "web1")), in_config);
	assert_sound(w);
}

static void assert_leases(struct world *w, size_t n, enum lease_state state)
{
	assert_int_equal(w->leases.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(w->leases.items[i].state, state);
}

static void parks_and_unparks(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --persistent --vlan 5", 0);
	assert_run(&w, "attach web1 eth1/4 --form hostdev --vlan 7 --live", 0);
	assert_run(&w, "attach web2 eth1", 0);
	assert_run(&w, "park web1 --deadline 60", 0);
	assert_devices(&w, 0, 0);
	assert_non_null(strstr(live(&w, "web1")->metadata,
			       "<parked reason=\"migration\" host=\"vfhost-a\" "
			       "until=\"2026-11-27T21:01:00Z\"/>"));
	assert_int_equal(w.leases.n, 3);
	assert_int_equal(w.leases.items[0].state, LEASE_RESERVED);
	assert_int_equal(w.leases.items[0].expires, w.wall + 60);
	/* They are kept for it, and for nobody else. */
	assert_run(&w, "attach web2 eth1/4", 3);
	assert_run(&w, "reconcile", 0);
	assert_devices(&w, 0, 0);
	/* Once more: the deadline is a new one. */
	w.wall += 30;
	assert_run(&w, "park web1 --deadline 60", 0);
	assert_int_equal(w.leases.items[0].expires, w.wall + 60);
	assert_run(&w, "unpark web1", 0);
	assert_devices(&w, 2, 1);
	assert_leases(&w, 3, LEASE_HELD);
	assert_int_equal(world_pf(&w)->vfs[4].settings.vlan, 7);
	assert_null(strstr(live(&w, "web1")->metadata, "parked"));
	assert_run(&w, "unpark web1", 0);
	assert_devices(&w, 2, 1);
	assert_run(&w, "detach web1 --all --persistent", 0);
	assert_sound(&w);
	world_clear(&w);
}

/* Any hook may call it for any guest. */
static void parks_nothing(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "park web1", 0);
	assert_null(live(&w, "web1")->metadata);
	assert_run(&w, "unpark web1", 0);
	assert_run(&w, "park nobody", 1);
	assert_run(&w, "unpark nobody", 1);
	assert_run(&w, "park web1 --reason resize", 2);
	assert_run(&w, "park web1 --deadline 0", 2);
	assert_run(&w, "park", 2);
	assert_run(&w, "unpark", 2);
	assert_run(&w, "save web1", 2);
	assert_run(&w, "save web1 f --running --paused", 2);
	assert_run(&w, "managedsave", 2);
	assert_run(&w, "snapshot-create", 2);
	assert_run(&w, "snapshot-revert web1", 2);
	assert_run(&w, "snapshot-revert web1 s --current", 2);
	assert_run(&w, "snapshot-revert web1 s --running --paused", 2);
	assert_run(&w, "managedsave web1 f", 2);
	assert_run(&w, "restore", 2);
	assert_run(&w, "restore a b", 2);
	world_clear(&w);
}

/* The definition of a guest that is off would be taken along as well. */
static void parks_a_definition(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	world_stop(&w, "web1");
	assert_run(&w, "attach web1 eth1", 0);
	assert_run(&w, "park web1", 0);
	assert_devices(&w, 0, 0);
	assert_leases(&w, 1, LEASE_RESERVED);
	assert_run(&w, "unpark web1", 0);
	assert_devices(&w, 0, 1);
	assert_leases(&w, 1, LEASE_HELD);
	world_clear(&w);
}

/* What stays on this host keeps its definition, and the VF's settings as the next start needs them.
 */
static void a_snapshot_leaves_the_definition(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --persistent --form hostdev", 0);
	assert_run(&w, "park web1 --reason snapshot", 0);
	assert_devices(&w, 0, 1);
	assert_leases(&w, 1, LEASE_HELD);
	assert_run(&w, "unpark web1", 0);
	assert_devices(&w, 1, 1);
	world_clear(&w);
}

static void all_or_nothing(void **state)
{
	struct fake_domain *web1;
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --count 3 --persistent", 0);
	web1 = world_domain(&w, "web1");
	web1->holds = true;
	web1->held = world_pf(&w)->vfs[1].addr;
	assert_fails(&w, "park web1 --timeout 12", 4, "has its VFs as before");
	assert_devices(&w, 3, 3);
	assert_leases(&w, 3, LEASE_HELD);
	assert_null(strstr(live(&w, "web1")->metadata, "parked"));
	assert_null(strstr(config(&w, "web1")->metadata, "parked"));
	web1->holds = false;
	web1->paused = true;
	assert_fails(&w, "park web1", 4, "nothing was changed");
	assert_devices(&w, 3, 3);
	web1->paused = false;
	assert_run(&w, "park web1", 0);
	assert_devices(&w, 0, 0);
	world_clear(&w);
}

/* What was asked of it may still be done: it is not asked to take it back. */
static void not_undone_where_qemu_is_silent(void **state)
{
	struct world w;
	unsigned calls;
	msec began;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --count 3", 0);
	world_domain(&w, "web1")->silent = true;
	calls = w.detaches;
	began = w.clock;
	assert_fails(&w, "park web1 --timeout 5", 4,
		     "web1 counts as parked: its VFs come out when its QEMU goes on, and `vfpool "
		     "unpark web1` gives them back");
	assert_int_equal(w.detaches - calls, 1);
	assert_int_equal(w.clock - began, 5000);
	assert_int_equal(live(&w, "web1")->ndevices, 3);
	world_domain(&w, "web1")->silent = false;
	assert_run(&w, "reconcile web1", 0);
	assert_devices(&w, 0, 0);
	assert_leases(&w, 3, LEASE_RESERVED);
	assert_run(&w, "unpark web1", 0);
	assert_devices(&w, 3, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void comes_back_at_the_deadline(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --persistent", 0);
	assert_run(&w, "park web1 --deadline 100", 0);
	w.wall += 99;
	assert_run(&w, "reconcile", 0);
	assert_devices(&w, 0, 0);
	w.wall += 1;
	assert_run(&w, "reconcile", 0);
	assert_devices(&w, 1, 1);
	assert_leases(&w, 1, LEASE_HELD);
	world_clear(&w);
}

/* This world becomes another host, to which web1 has come with all that is known of it. */
static void arrive(struct world *w)
{
	w->name = "vfhost-b";
	leases_clear(&w->leases);
}

static void comes_back_where_it_arrives(void **state)
{
	struct pciaddr guest = {.bus = 2};
	struct world w;
	struct mac mac;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --persistent", 0);
	assert_run(&w, "attach web1 eth1 --persistent --form hostdev --vlan 9", 0);
	mac = world_pf(&w)->vfs[1].settings.mac;
	assert_run(&w, "park web1", 0);
	arrive(&w);
	assert_run(&w, "attach web2 eth1 --count 2", 0);
	assert_run(&w, "reconcile web1", 0);
	assert_devices(&w, 2, 2);
	assert_true(mac_equal(world_pf(&w)->vfs[3].settings.mac, mac));
	assert_int_equal(world_pf(&w)->vfs[3].settings.vlan, 9);
	assert_non_null(strstr(live(&w, "web1")->devices[1].xml, pciaddr_str(guest) + 5) ||
			strstr(live(&w, "web1")->devices[1].xml, "bus=\"0x02\""));
	/* And back, when there are not enough. */
	assert_run(&w, "park web1", 0);
	w.name = "vfhost-a";
	leases_clear(&w.leases);
	assert_run(&w, "attach web2 eth1 --count 4 --config", 0);
	assert_run(&w, "unpark web1", 5);
	assert_int_equal(view_ours(live(&w, "web1")), 1);
	assert_run(&w, "detach web2 --all --persistent", 0);
	assert_run(&w, "unpark web1", 0);
	assert_devices(&w, 2, 2);
	world_clear(&w);
}

/* Without the name of the pool there nothing is taken, and all stays owed. */
static void stays_owed_without_its_pool(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	(void)world_add_pf(&w, 2);
	assert_run(&w, "attach web1 eth2", 0);
	assert_run(&w, "park web1", 0);
	arrive(&w);
	free(w.inventory.pfs[1].netdev);
	w.inventory.pfs[1].netdev = mem_strdup("eth7");
	assert_run(&w, "unpark web1", 1);
	assert_int_equal(w.leases.n, 0);
	assert_non_null(strstr(live(&w, "web1")->metadata, "parked"));
	free(w.inventory.pfs[1].netdev);
	w.inventory.pfs[1].netdev = mem_strdup("eth2");
	assert_run(&w, "unpark web1", 0);
	assert_devices(&w, 1, 0);
	world_clear(&w);
}

/* The host that it has left keeps nothing for it. */
static void is_forgotten_where_it_was(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --count 2 --persistent", 0);
	assert_run(&w, "park web1", 0);
	world_forget(&w, "web1");
	/* It may come back until the deadline, should somebody have undefined it too early. */
	assert_run(&w, "reconcile", 0);
	assert_leases(&w, 2, LEASE_RESERVED);
	assert_run(&w, "unpark web1", 0);
	assert_int_equal(w.leases.n, 0);
	assert_run(&w, "unpark web1", 1);
	assert_run(&w, "attach web2 eth1 --count 2", 0);
	assert_run(&w, "park web2 --deadline 50", 0);
	world_forget(&w, "web2");
	w.wall += 50;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void can_be_detached(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --persistent", 0);
	assert_run(&w, "park web1", 0);
	assert_run(&w, "detach web1 --persistent", 0);
	assert_int_equal(w.leases.n, 0);
	assert_null(live(&w, "web1")->metadata);
	assert_sound(&w);
	world_clear(&w);
}

static void saves_and_restores(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --persistent", 0);
	assert_run(&w, "attach web1 eth1 --live", 0);
	assert_run(&w, "save web1 /f", 0);
	assert_false(live(&w, "web1")->present);
	/* The definition has its own; what only ran needs nothing while it does not. */
	assert_leases(&w, 1, LEASE_HELD);
	assert_run(&w, "save web1 /f", 1);
	assert_run(&w, "attach web2 eth1/1", 0);
	assert_run(&w, "restore /f", 0);
	assert_devices(&w, 2, 1);
	assert_fails(&w, "restore /f", 1, "nothing was changed");
	assert_run(&w, "managedsave web1", 0);
	assert_fails(&w, "restore /f", 1, "nothing was changed");
	world_start(&w, "web1");
	assert_run(&w, "reconcile", 0);
	assert_devices(&w, 2, 1);
	world_clear(&w);
}

static void makes_snapshots_and_reverts(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --persistent", 0);
	assert_fails(&w, "snapshot-revert web1 s", 1, "nothing was changed");
	assert_fails(&w, "snapshot-create web1 /nonexistent", 1, "nothing was changed");
	assert_devices(&w, 1, 1);
	assert_run(&w, "snapshot-create web1", 0);
	assert_devices(&w, 1, 1);
	assert_run(&w, "attach web1 eth1 --live", 0);
	assert_devices(&w, 2, 1);
	/* What came later is gone with it, and free. */
	assert_run(&w, "snapshot-revert web1 s", 0);
	assert_devices(&w, 1, 1);
	assert_leases(&w, 1, LEASE_HELD);
	world_stop(&w, "web1");
	assert_run(&w, "snapshot-create web1", 1);
	/* It runs again. */
	assert_run(&w, "snapshot-revert web1 --current", 0);
	assert_devices(&w, 1, 1);
	/* One of a guest that was off. */
	w.snapshot.live.present = false;
	assert_run(&w, "snapshot-revert web1 s", 0);
	assert_false(live(&w, "web1")->present);
	assert_leases(&w, 1, LEASE_HELD);
	assert_sound(&w);
	world_clear(&w);
}

static void a_save_that_fails_gives_back(void **state)
{
	struct fake_device *foreign;
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --count 2", 0);
	foreign = &live(&w, "web1")->devices[live(&w, "web1")->ndevices++];
	*foreign = (struct fake_device){.host = {.bus = 9}};
	foreign->xml = mem_strdup("<hostdev mode='subsystem' type='pci'><source><address "
				  "domain='0x0000' bus='0x09' slot='0x00' function='0x0'/>"
				  "</source></hostdev>");
	assert_fails(&w, "save web1 /f", 1, "runs on here, with its VFs as before");
	assert_fails(&w, "snapshot-create web1", 1, "runs on here, with its VFs as before");
	assert_devices(&w, 2, 0);
	assert_leases(&w, 2, LEASE_HELD);
	world_clear(&w);
}

/* VFs are made anew while some are kept: they are kept still, or not there any more. */
static void resizes_meanwhile(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 4);
	world_pf(&w)->total_vfs = 7;
	assert_run(&w, "attach web1 eth1/1 --form hostdev", 0);
	assert_run(&w, "attach web2 eth1", 0);
	assert_run(&w, "park web1", 0);
	assert_run(&w, "set-vfs eth1 7 --park", 0);
	assert_devices(&w, 0, 0);
	assert_int_equal(w.leases.n, 2);
	assert_run(&w, "unpark web1", 0);
	assert_devices(&w, 1, 0);
	assert_leases(&w, 2, LEASE_HELD);
	world_clear(&w);
}

/* A VF whose driver can move its state with the guest is left in, and not in the definition. */
static void leaves_in_what_can_move(void **state)
{
	static const struct {
		const char *driver, *attach, *park;
		bool stays;
	} cases[] = {
		{"mlx5_vfio_pci", "attach web1 eth1 --persistent", "park web1", true},
		{"hisi_acc_vfio_pci", "attach web1 eth1", "park web1", true},
		{"mlx5_vfio_pci", "attach web1 eth1 --persistent", "park web1 --all", false},
		{"mlx5_vfio_pci", "attach web1 eth1", "park web1 --reason save", false},
		{"mlx5_vfio_pci", "attach web1 eth1 --form hostdev", "park web1", false},
		{"mlx5_vfio_pci", "attach web1 eth1 --standby lan", "park web1", false},
		{"nvgrace_gpu_vfio_pci", "attach web1 eth1", "park web1", false},
		{NULL, "attach web1 eth1", "park web1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world w;

		world_init(&w, 7);
		w.variant = cases[i].driver;
		assert_run(&w, cases[i].attach, 0);
		assert_run(&w, cases[i].park, 0);
		assert_devices(&w, cases[i].stays, 0);
		assert_leases(&w, 1, cases[i].stays ? LEASE_HELD : LEASE_RESERVED);
		assert_int_equal(strstr(live(&w, "web1")->metadata, "<parked") == NULL,
				 cases[i].stays);
		assert_run(&w, "reconcile", 0);
		assert_devices(&w, cases[i].stays, 0);
		/* A move that never comes: the definition is whole again, too. */
		w.wall += 1000;
		assert_run(&w, "reconcile", 0);
		assert_devices(&w, 1, strstr(cases[i].attach, "persistent") != NULL);
		assert_leases(&w, 1, LEASE_HELD);
		assert_run(&w, "detach web1 --persistent", 0);
		assert_int_equal(w.leases.n, 0);
		assert_sound(&w);
		world_clear(&w);
	}
}

/* It has come with its guest, onto the VF that the hook had reserved: that is completed. */
static void moved_along(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	w.variant = "mlx5_vfio_pci";
	assert_run(&w, "attach web1 eth1 --persistent --vlan 9", 0);
	assert_run(&w, "park web1", 0);
	w.name = "vfhost-b";
	w.leases.items[0].state = LEASE_RESERVED;
	w.leases.items[0].expires = w.wall + 600;
	w.leases.items[0].saved = (struct vf_settings){0};
	/* libvirt has set MAC and VLAN, and nothing else. */
	world_pf(&w)->vfs[0].settings.spoofchk = false;
	assert_run(&w, "reconcile web1", 0);
	assert_devices(&w, 1, 1);
	assert_leases(&w, 1, LEASE_HELD);
	assert_true(world_pf(&w)->vfs[0].settings.spoofchk);
	assert_true(w.leases.items[0].saved.known);
	assert_run(&w, "reconcile web1", 0);
	assert_run(&w, "detach web1 --persistent", 0);
	assert_sound(&w);
	world_clear(&w);
}

/* A command, and what comes before it, to be broken at every call. */
struct scenario {
	const char *name;
	const char *before[4];
	const char *command;
	bool starts;         /* web1 has been saved, and is started again before the reconcile */
	bool arrives;        /* on another host, before the command */
	const char *variant; /* the driver of its VFs in the guest; NULL: vfio-pci */
};

static const struct scenario scenarios[] = {
	{.name = "park, and one stays",
	 .before = {"attach web1 eth1 --persistent",
		    "attach web1 eth1 --persistent --form hostdev"},
	 .command = "park web1",
	 .variant = "mlx5_vfio_pci"},
	{.name = "park",
	 .before = {"attach web1 eth1", "attach web2 eth1"},
	 .command = "park web1"},
	{.name = "park of both",
	 .before = {"attach web1 eth1 --count 2 --persistent",
		    "attach web1 eth1 --form hostdev --persistent --vlan 3"},
	 .command = "park web1"},
	{.name = "park for a snapshot",
	 .before = {"attach web1 eth1 --form hostdev --persistent"},
	 .command = "park web1 --reason snapshot"},
	{.name = "unpark",
	 .before = {"attach web1 eth1 --persistent", "attach web1 eth1 --form hostdev",
		    "park web1"},
	 .command = "unpark web1"},
	{.name = "unpark elsewhere",
	 .before = {"attach web1 eth1 --persistent", "attach web1 eth1 --form hostdev --count 2",
		    "park web1"},
	 .command = "unpark web1",
	 .arrives = true},
	{.name = "save",
	 .before = {"attach web1 eth1 --persistent", "attach web1 eth1"},
	 .command = "save web1 /f"},
	{.name = "restore",
	 .before = {"attach web1 eth1 --persistent", "attach web1 eth1", "save web1 /f"},
	 .command = "restore /f"},
	{.name = "snapshot",
	 .before = {"attach web1 eth1 --persistent", "attach web1 eth1 --form hostdev"},
	 .command = "snapshot-create web1"},
	{.name = "revert",
	 .before = {"attach web1 eth1 --persistent", "snapshot-create web1",
		    "attach web1 eth1 --form hostdev --vlan 3"},
	 .command = "snapshot-revert web1 s"},
	{.name = "managedsave",
	 .before = {"attach web1 eth1 --persistent", "attach web1 eth1 --form hostdev"},
	 .command = "managedsave web1",
	 .starts = true},
};

static void set_scene(struct world *w, const void *scenario)
{
	const struct scenario *s = scenario;

	world_init(w, 7);
	w->variant = s->variant;
	for (size_t i = 0; i < ARRAY_SIZE(s->before) && s->before[i]; i++)
		assert_run(w, s->before[i], 0);
	if (s->arrives)
		arrive(w);
}

static void assert_mended(struct world *w, const void *scenario, const struct broken *broken)
{
	const struct scenario *s = scenario;
	struct err *err = NULL;
	const char *is;

	if (world_run(w, "reconcile", &err))
		fail_msg("%s, %s: reconcile fails: %s", broken->name, broken->where, err->what);
	is = world_broken(w);
	if (is)
		fail_msg("%s, %s: %s", broken->name, broken->where, is);
	/* Parked or not: after the deadline everything that runs has what it should have. */
	w->wall += 1000;
	if (s->starts && !live(w, "web1")->present)
		world_start(w, "web1");
	if (world_run(w, "reconcile", &err))
		fail_msg("%s, %s: the second reconcile fails: %s", broken->name, broken->where,
			 err->what);
	is = world_broken(w);
	if (is)
		fail_msg("%s, %s, later: %s", broken->name, broken->where, is);
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

static void set_two(struct world *w, const void *scenario)
{
	(void)scenario;
	world_init(w, 7);
	assert_run(w, "attach web1 eth1 --count 2 --persistent", 0);
}

static void assert_taken_back(struct world *w, const void *scenario, const struct broken *broken)
{
	const char *is = world_broken(w);

	(void)scenario;
	if (broken->whole || !broken->status || !live(w, "web1")->present)
		return;
	if (is || view_ours(live(w, "web1")) != 2 || view_ours(config(w, "web1")) != 2)
		fail_msg("%s, %s: %s", broken->name, broken->where,
			 is ? is : "it has not all back");
}

/* A park or save that fails leaves the guest with all that it had, and says so. */
static void takes_back(void **state)
{
	static const char *const commands[] = {"park web1", "save web1 /f"};
	static const struct breaking breaking = {set_two, assert_taken_back};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		assert_true(break_everywhere(&breaking, BREAK_FAILS, commands[i], commands[i],
					     NULL) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parks_and_unparks),
		cmocka_unit_test(parks_nothing),
		cmocka_unit_test(parks_a_definition),
		cmocka_unit_test(a_snapshot_leaves_the_definition),
		cmocka_unit_test(all_or_nothing),
		cmocka_unit_test(not_undone_where_qemu_is_silent),
		cmocka_unit_test(comes_back_at_the_deadline),
		cmocka_unit_test(comes_back_where_it_arrives),
		cmocka_unit_test(stays_owed_without_its_pool),
		cmocka_unit_test(is_forgotten_where_it_was),
		cmocka_unit_test(can_be_detached),
		cmocka_unit_test(saves_and_restores),
		cmocka_unit_test(makes_snapshots_and_reverts),
		cmocka_unit_test(a_save_that_fails_gives_back),
		cmocka_unit_test(resizes_meanwhile),
		cmocka_unit_test(leaves_in_what_can_move),
		cmocka_unit_test(moved_along),
		cmocka_unit_test(failed_everywhere),
		cmocka_unit_test(killed_everywhere),
		cmocka_unit_test(takes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
