/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The commands against made edges: each is failed, and killed, at every call of an edge that it
 * makes; then one reconcile must leave everything sound, and a second one find nothing to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static struct fake_view *live(struct world *w, const char *name)
{
	return &world_domain(w, name)->live;
}

static struct fake_view *config(struct world *w, const char *name)
{
	return &world_domain(w, name)->config;
}

static void test_attach_detach(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1", 0);
	assert_int_equal(view_ours(live(&w, "web1")), 1);
	assert_int_equal(view_ours(config(&w, "web1")), 0);
	assert_int_equal(w.leases.n, 1);
	assert_sound(&w);
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 1);
	assert_run(&w, "detach web1 eth1", 0);
	assert_int_equal(view_ours(live(&w, "web1")), 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void test_forms_and_views(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --form hostdev --vlan 10 --live --config", 0);
	assert_int_equal(view_ours(live(&w, "web1")), 1);
	assert_int_equal(view_ours(config(&w, "web1")), 1);
	assert_sound(&w);
	assert_run(&w, "detach web1 eth1 --live", 0);
	assert_int_equal(view_ours(live(&w, "web1")), 0);
	assert_int_equal(view_ours(config(&w, "web1")), 1);
	assert_int_equal(w.leases.n, 1);
	assert_run(&w, "detach web1 eth1 --live", 1);
	assert_run(&w, "detach web1 eth1 --config", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void test_shut_off(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	world_stop(&w, "web2");
	assert_run(&w, "attach web2 eth1 --live", 1);
	assert_int_equal(w.leases.n, 0);
	assert_run(&w, "attach web2 eth1/3", 0);
	assert_int_equal(view_ours(config(&w, "web2")), 1);
	assert_int_equal(w.leases.items[0].index, 3);
	assert_run(&w, "attach web1 eth1/3", 3);
	assert_run(&w, "attach web1 eth1/99", 3);
	assert_sound(&w);
	assert_run(&w, "detach web2", 0);
	assert_int_equal(w.leases.n, 0);
	world_clear(&w);
}

static void test_guest_gone(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --form hostdev", 0);
	assert_run(&w, "attach web2 eth1", 0);
	world_stop(&w, "web1");
	world_forget(&w, "web2");
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void test_lost_store(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1", 0);
	assert_run(&w, "attach web2 eth1 --count 2", 0);
	leases_clear(&w.leases);
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 3);
	assert_sound(&w);
	world_clear(&w);
}

/* What libvirt says is taken is passed over, and given up without a trace. */
static void test_taken(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 3);
	w.taken[w.ntaken++] = world_pf(&w)->vfs[0].addr;
	w.taken[w.ntaken++] = world_pf(&w)->vfs[1].addr;
	assert_run(&w, "attach web1 eth1 --form hostdev", 0);
	assert_int_equal(w.leases.n, 1);
	assert_int_equal(w.leases.items[0].index, 2);
	assert_run(&w, "detach web1 --all", 0);
	w.taken[w.ntaken++] = world_pf(&w)->vfs[2].addr;
	assert_run(&w, "attach web1 eth1", 3);
	w.ntaken = 0;
	assert_int_equal(w.leases.n, 0);
	assert_null(live(&w, "web1")->metadata);
	assert_sound(&w);
	world_clear(&w);
}

static void test_all_or_none(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 3);
	assert_run(&w, "attach web1 eth1", 0);
	assert_run(&w, "attach web2 eth1 --count 3", 3);
	assert_int_equal(view_ours(live(&w, "web2")), 0);
	assert_int_equal(w.leases.n, 1);
	/* Enough VFs, but not enough slots. */
	world_domain(&w, "web2")->ports = 1;
	assert_run(&w, "attach web2 eth1 --count 2", 1);
	assert_int_equal(w.leases.n, 1);
	assert_sound(&w);
	world_clear(&w);
}

static void test_guest_does_not_let_go(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --count 2", 0);
	world_domain(&w, "web1")->deaf = 1000;
	assert_run(&w, "detach web1 --all", 4);
	assert_int_equal(w.leases.n, 2);
	assert_int_equal(w.leases.items[0].state, LEASE_RELEASING);
	/* The VFs stay promised: nobody else gets them. */
	assert_run(&w, "attach web2 eth1/0", 3);
	world_domain(&w, "web1")->deaf = 0;
	assert_run(&w, "detach web1 --all", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* Nobody is asked for more than one of its VFs, and none is lost. */
static void test_qemu_does_not_answer(void **state)
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
	assert_run(&w, "detach web1 --all --timeout 5", 4);
	assert_int_equal(w.detaches - calls, 1);
	assert_int_equal(w.clock - began, 5000);
	assert_false(w.watching_closely);
	assert_int_equal(w.leases.n, 3);
	world_domain(&w, "web1")->silent = false;
	assert_run(&w, "detach web1 --all", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void test_guest_is_asked_again(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1", 0);
	world_domain(&w, "web1")->deaf = 2;
	world_domain(&w, "web1")->refuses = 1;
	assert_run(&w, "detach web1", 0);
	assert_sound(&w);
	assert_run(&w, "attach web1 eth1", 0);
	world_domain(&w, "web1")->lost_event = true;
	assert_run(&w, "detach web1", 0);
	assert_sound(&w);
	world_clear(&w);
}

/* Its refusal may have come before anybody was to be told. */
static void test_what_a_guest_is_asked_costs_little(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --count 3", 0);
	assert_false(w.watching);
	assert_run(&w, "detach web1 --all", 0);
	assert_true(w.watching);
	assert_false(w.watching_closely);
	assert_run(&w, "attach web1 eth1", 0);
	world_domain(&w, "web1")->refuses = 1;
	assert_run(&w, "detach web1 --timeout 3", 0);
	assert_true(w.watching_closely);
	assert_sound(&w);
	world_clear(&w);
}

static void test_paused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1", 0);
	world_domain(&w, "web1")->paused = true;
	assert_run(&w, "detach web1", 4);
	assert_sound(&w);
	world_domain(&w, "web1")->paused = false;
	assert_run(&w, "detach web1", 0);
	world_clear(&w);
}

static void test_refusals(void **state)
{
	struct world w;
	struct vf *vfs;

	(void)state;
	world_init(&w, 7);
	vfs = world_pf(&w)->vfs;
	assert_run(&w, "attach nobody eth1", 1);
	assert_run(&w, "attach web1 eth9", 1);
	assert_run(&w, "attach web1 eth1 --mac 01:00:5e:00:00:01", 2);
	assert_run(&w, "attach web1 eth1 --mac 00:00:00:00:00:00", 2);
	assert_run(&w, "attach web1 eth1 --vlan 4095", 2);
	assert_run(&w, "attach web1 eth1 --vlan -1", 2);
	assert_run(&w, "attach web1 eth1 --current --config", 2);
	assert_run(&w, "attach web1 eth1 --count 2 --mac 02:00:00:00:00:01", 2);
	assert_run(&w, "attach web1 eth1 --mac 02:aa:00:00:00:c8", 1); /* the PF's */
	assert_run(&w, "attach web1 eth1 --mac 02:aa:00:00:00:03", 1); /* another VF's */
	vfs[0].master = mem_strdup("br0");
	vfs[1].address = mem_strdup("192.0.2.1");
	vfs[2].netdev_elsewhere = true;
	vfs[3].iommu_group = -1;
	vfs[4].group_peer = mem_strdup("0000:01:00.0");
	free(vfs[5].driver);
	vfs[5].driver = mem_strdup("vfio-pci");
	assert_run(&w, "attach web1 eth1", 0);
	assert_int_equal(w.leases.items[0].index, 6);
	assert_run(&w, "attach web2 eth1", 3);
	assert_run(&w, "why web2 eth1", 3);
	assert_int_equal(w.leases.n, 1);
	world_clear(&w);
}

/* What there is to do about it is for who can do it: none of these is to be detached. */
static void test_what_would_help(void **state)
{
	static const char *const wanted[] = {"take away what stands in the way",
					     "vfpool check eth1", "vfpool detach"};
	struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct err *err = NULL;

		world_init(&w, 2);
		if (i == 2)
			assert_run(&w, "attach web1 eth1", 0);
		for (size_t j = i == 2; j < 2; j++) {
			if (i)
				world_pf(&w)->vfs[j].iommu_group = -1;
			else
				world_pf(&w)->vfs[j].master = mem_strdup("br0");
		}
		assert_int_equal(world_run(&w, "attach web2 eth1", &err), 3);
		assert_non_null(strstr(err->next, wanted[i]));
		err_free(&err);
		world_clear(&w);
	}
}

/* What the host does with a VF is asked of those that are about to be given, and of all to say no.
 */
static void test_looks_at_the_chosen(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1", 0);
	assert_int_equal(w.looks, 1);
	world_pf(&w)->vfs[1].master = mem_strdup("br0");
	world_pf(&w)->vfs[2].address = mem_strdup("192.0.2.1");
	w.looks = 0;
	assert_run(&w, "attach web1 eth1", 0);
	assert_int_equal(w.leases.items[1].index, 3);
	assert_int_equal(w.looks, 3);
	w.looks = 0;
	assert_run(&w, "attach web2 eth1/1", 3);
	assert_int_equal(w.looks, 7);
	assert_sound(&w);
	world_clear(&w);
}

/* What the guest's metadata cannot hold is refused before anything is touched. */
static void test_metadata_limits(void **state)
{
	struct world w;
	struct err *err = NULL;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1\xc3\xb6", 2);
	assert_run(&w, "attach web1 eth1/3 --count 64", 3);
	assert_run(&w, "attach web1 eth1", 0);
	assert_int_equal(world_run(&w, "attach web1 eth1 --count 64", &err), 1);
	assert_non_null(strstr(err->what, "more than 64"));
	assert_string_equal(err->now, "nothing was changed");
	err_free(&err);
	assert_int_equal(w.leases.n, 1);
	world_clear(&w);
}

/* What was asked for is still asked for when the domain is read anew. */
static void test_settings_are_remembered(void **state)
{
	struct world w;
	struct vf *vf;

	(void)state;
	world_init(&w, 7);
	vf = &world_pf(&w)->vfs[0];
	assert_run(&w, "attach web1 eth1 --form hostdev --vlan 7 --qos 3 --spoofchk off", 0);
	vf->settings.spoofchk = true;
	vf->settings.vlan = 9;
	assert_run(&w, "reconcile", 0);
	assert_false(vf->settings.spoofchk);
	assert_int_equal(vf->settings.vlan, 7);
	assert_non_null(strstr(live(&w, "web1")->metadata, "qos=\"3\""));
	world_clear(&w);
}

static void test_mac_is_stable(void **state)
{
	struct world w;
	struct mac first;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1", 0);
	first = world_pf(&w)->vfs[0].settings.mac;
	assert_run(&w, "attach web1 eth1", 0);
	assert_false(mac_equal(first, world_pf(&w)->vfs[1].settings.mac));
	assert_run(&w, "detach web1 --all", 0);
	assert_run(&w, "attach web1 eth1", 0);
	assert_true(mac_equal(first, world_pf(&w)->vfs[0].settings.mac));
	assert_run(&w, "attach web2 eth1 --mac 02:00:00:00:00:01", 0);
	assert_run(&w, "attach web1 eth1 --mac 02:00:00:00:00:01", 1);
	/* Also where nothing but the other guest's assignment says so: on another PF, a plain
	 * hostdev. */
	(void)world_add_pf(&w, 2);
	assert_run(&w, "attach web2 eth2 --form hostdev --mac 02:00:00:00:00:02", 0);
	assert_run(&w, "attach web1 eth1 --mac 02:00:00:00:00:02", 1);
	assert_sound(&w);
	world_clear(&w);
}

static void test_pf_is_brought_up(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	world_pf(&w)->up = false;
	assert_run(&w, "attach web1 eth1 --print-xml", 0);
	assert_false(world_pf(&w)->up);
	assert_int_equal(w.leases.n, 0);
	assert_run(&w, "attach web1 eth1", 0);
	assert_true(world_pf(&w)->up);
	world_clear(&w);
}

static void test_bad_metadata_is_kept(void **state)
{
	struct world w;
	char *bad;

	(void)state;
	world_init(&w, 7);
	bad = mem_strdup(
		"<assignments xmlns='urn:vfpool:domain:1'><assignment id='x'/></assignments>");
	live(&w, "web1")->metadata = bad;
	assert_run(&w, "attach web1 eth1", 1);
	assert_ptr_equal(live(&w, "web1")->metadata, bad);
	/* It hides no other guest. */
	assert_run(&w, "attach web2 eth1", 0);
	assert_run(&w, "reconcile", 1);
	assert_ptr_equal(live(&w, "web1")->metadata, bad);
	world_clear(&w);
}

/* What somebody else set on a guest's VF is put right, and what was there before is still restored.
 */
static void test_drift(void **state)
{
	struct world w;
	struct vf *vf;

	(void)state;
	world_init(&w, 7);
	vf = &world_pf(&w)->vfs[0];
	vf->settings.spoofchk = false; /* a driver that starts unsafe */
	assert_run(&w, "attach web1 eth1", 0);
	assert_true(vf->settings.spoofchk);
	vf->settings.vlan = 9;
	vf->settings.spoofchk = false;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(vf->settings.vlan, 0);
	assert_true(vf->settings.spoofchk);
	assert_sound(&w);
	assert_run(&w, "detach web1", 0);
	assert_false(vf->settings.spoofchk);
	world_clear(&w);
}

static void test_settings(void **state)
{
	struct world w;
	struct vf *vf;

	(void)state;
	world_init(&w, 7);
	vf = &world_pf(&w)->vfs[0];
	/* The made driver knows no trust, and no rates. */
	assert_run(&w, "attach web1 eth1 --trust on", 1);
	assert_run(&w, "attach web1 eth1 --max-rate 100", 1);
	assert_int_equal(w.leases.n, 0);
	assert_null(live(&w, "web1")->metadata);
	assert_run(&w, "attach web1 eth1 --qos 3 --vlan 5", 2);
	assert_run(&w, "attach web1 eth1 --qos 3 --form hostdev", 2);
	assert_run(&w, "attach web1 eth1 --spoofchk perhaps", 2);
	assert_run(&w, "attach web1 eth1 --spoofchk off --vlan 7 --persistent", 0);
	assert_false(vf->settings.spoofchk);
	assert_sound(&w);
	assert_run(&w, "set web1 eth1", 2);
	assert_run(&w, "set web1 eth1 --spoofchk default --vlan 8 --persistent", 0);
	assert_true(vf->settings.spoofchk);
	assert_int_equal(vf->settings.vlan, 8);
	assert_non_null(strstr(config(&w, "web1")->devices[0].xml, "tag id=\"8\""));
	assert_run(&w, "set web1 eth1 --trust on", 1);
	assert_run(&w, "reconcile", 0);
	assert_run(&w, "detach web1 --persistent", 0);
	assert_int_equal(vf->settings.vlan, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* A VF that is no NIC: a plain hostdev, and nothing that only a NIC has. */
static void test_no_nic(void **state)
{
	static const char *const only_nics[] = {
		"--mac 02:00:00:00:00:01", "--vlan 5",       "--spoofchk on",    "--trust off",
		"--link-state auto",       "--max-rate 100", "--form interface",
	};
	struct world w;
	struct err *err = NULL;

	(void)state;
	world_init(&w, 2);
	(void)world_add_nvme(&w, 4);
	for (size_t i = 0; i < ARRAY_SIZE(only_nics); i++) {
		cleanup_free char *command =
			mem_printf("attach web1 0000:02:00.0 %s", only_nics[i]);

		assert_int_equal(world_run(&w, command, &err), 2);
		assert_non_null(strstr(err->what, "it is no NIC, and only one has "));
		assert_string_equal(err->now, "nothing was changed");
		err_free(&err);
	}
	assert_int_equal(w.touched, 0);
	assert_run(&w, "attach web1 0000:02:00.0 --count 2 --persistent", 0);
	assert_run(&w, "attach web1 0000:02:00.0 --form hostdev", 0);
	assert_run(&w, "attach web1 eth1", 0);
	assert_int_equal(w.touched & TOUCHED_HOST, 0);
	assert_int_equal(w.leases.n, 4);
	assert_null(strstr(live(&w, "web1")->devices[0].xml, "mac"));
	assert_non_null(strstr(live(&w, "web1")->devices[0].xml, "<hostdev"));
	assert_sound(&w);
	assert_run(&w, "reconcile", 0);
	assert_sound(&w);
	assert_run(&w, "why web2 0000:02:00.0", 0);
	assert_run(&w, "list 0000:02:00.0", 0);
	assert_run(&w, "set web1 0000:02:10.0 --vlan 5", 2);
	world_stop(&w, "web1");
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 2);
	assert_sound(&w);
	assert_run(&w, "detach web1 --all", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* Whoever is owed a disk gets no NIC of the same name, and the other way round. */
static void test_other_kind(void **state)
{
	struct world w;
	struct pf *nvme;

	(void)state;
	world_init(&w, 2);
	nvme = world_add_nvme(&w, 2);
	world_stop(&w, "web1");
	world_stop(&w, "web2");
	assert_run(&w, "attach web1 0000:02:00.0", 0);
	assert_run(&w, "attach web2 eth1", 0);
	leases_clear(&w.leases);
	nvme->nic = true;
	world_pf(&w)->nic = false;
	assert_run(&w, "reconcile web1", 2);
	assert_run(&w, "reconcile web2", 2);
	assert_int_equal(w.leases.n, 0);
	nvme->nic = false;
	world_pf(&w)->nic = true;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 2);
	assert_sound(&w);
	world_clear(&w);
}

/* A guest's VF from somebody else: nothing of it changes but the definition's alias. */
static void test_adopt(void **state)
{
	struct world w;
	struct vf *vf, before;
	struct err *err = NULL;

	(void)state;
	for (int interface = 0; interface < 2; interface++) {
		world_init(&w, 7);
		vf = &world_pf(&w)->vfs[2];
		vf->settings.known |= SETTING_TRUST;
		vf->settings.vlan = interface ? 0 : 9;
		vf->settings.trust = true;
		world_give(&w, "web1", vf, interface, VIEW_LIVE | VIEW_CONFIG);
		assert_run(&w, "attach web2 eth1/2", 3);
		before = *vf;
		w.touched = 0;
		assert_run(&w, "adopt web1 0000:01:10.6", 1);
		assert_run(&w, "adopt web2", 1);
		assert_int_equal(w.touched, 0);
		assert_run(&w,
			   interface ? "adopt web1 02:bb:00:00:00:01" : "adopt web1 0000:01:10.4",
			   0);
		assert_int_equal(w.touched & TOUCHED_HOST, 0);
		assert_int_equal(vf_settings_diff(&before.settings, &vf->settings), 0);
		assert_string_equal(live(&w, "web1")->devices[0].alias, "hostdev0");
		assert_int_equal(view_ours(config(&w, "web1")), 1);
		assert_int_equal(w.leases.n, 1);
		assert_sound(&w);
		w.touched = 0;
		assert_run(&w, "reconcile", 0);
		assert_int_equal(w.touched, 0);
		assert_run(&w, "adopt web1", 1);
		/* It is like any other of vfpool's now, also when it is found anew. */
		vf->settings.spoofchk = false;
		assert_run(&w, "reconcile", 0);
		assert_true(vf->settings.spoofchk);
		assert_int_equal(world_run(&w, "attach web2 eth1/2", &err), 3);
		assert_non_null(strstr(err->details, "held by web1"));
		err_free(&err);
		leases_clear(&w.leases);
		assert_run(&w, "reconcile", 0);
		assert_int_equal(w.leases.n, 1);
		assert_sound(&w);
		assert_run(&w, "detach web1 --live", 0);
		assert_int_equal(live(&w, "web1")->ndevices, 0);
		assert_sound(&w);
		assert_run(&w, "detach web1 --config", 0);
		/* MAC and VLAN are off, and all else as it was when it was taken over. */
		assert_true(vf->settings.trust);
		assert_int_equal(w.leases.n, 0);
		assert_sound(&w);
		world_clear(&w);
	}
}

static void test_adopt_config(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	(void)world_add_nvme(&w, 2);
	world_stop(&w, "web1");
	world_give(&w, "web1", &world_pf(&w)->vfs[0], true, VIEW_CONFIG);
	world_give(&w, "web1", &world_pf(&w)->vfs[1], false, VIEW_CONFIG);
	world_give(&w, "web1", &w.inventory.pfs[1].vfs[0], false, VIEW_CONFIG);
	/* Somebody else runs with one of them. */
	world_give(&w, "web2", &world_pf(&w)->vfs[1], false, VIEW_LIVE);
	w.touched = 0;
	assert_run(&w, "adopt web1", 3);
	assert_int_equal(w.touched, 0);
	world_stop(&w, "web2");
	/* A plain hostdev's VF that nobody gave a MAC has one from now on. */
	world_pf(&w)->vfs[1].settings.mac = (struct mac){0};
	assert_run(&w, "adopt web1", 0);
	assert_false(mac_is_zero(world_pf(&w)->vfs[1].settings.mac));
	assert_int_equal(w.leases.n, 3);
	assert_int_equal(view_ours(config(&w, "web1")), 3);
	assert_null(strstr(config(&w, "web1")->metadata, "adopted"));
	assert_sound(&w);
	assert_run(&w, "detach web1 --all", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* Those with something that would be lost, and those that are somebody's, are left alone. */
static void test_adopt_refusals(void **state)
{
	static const struct {
		const char *from, *to, *words;
	} cases[] = {
		{"managed='yes'", "managed='no' ", "with managed='no'"},
		{"<driver name='vfio'/>", "<rom   bar   ='off'/>", "has <rom>"},
		{"<driver name='vfio'/>", "<driver name='xen' />", "has <driver>"},
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err *err = NULL;
		char *at;

		world_init(&w, 7);
		world_give(&w, "web1", &world_pf(&w)->vfs[0], false, VIEW_LIVE);
		at = strstr(live(&w, "web1")->devices[0].xml, cases[i].from);
		memcpy(at, cases[i].to, strlen(cases[i].to));
		w.touched = 0;
		assert_int_equal(world_run(&w, "adopt web1", &err), 1);
		assert_non_null(strstr(err->what, cases[i].words));
		assert_string_equal(err->now, "nothing was changed");
		err_free(&err);
		assert_int_equal(w.touched, 0);
		world_clear(&w);
	}
}

/* A VF that waits on vfio-pci stays there: libvirt does not bind it, and is free when nobody has
 * it. */
static void test_prebound(void **state)
{
	struct world w;
	struct pf *pf;
	struct vf_settings before;
	struct err *err = NULL;

	(void)state;
	world_init(&w, 7);
	pf = world_pf(&w);
	/* What the host's drivers have nobody has open. */
	assert_run(&w, "attach web1 eth1", 0);
	assert_run(&w, "why web1 eth1", 0);
	assert_run(&w, "detach web1", 0);
	assert_int_equal(w.walks, 0);
	assert_run(&w, "set-vfs eth1 3 --prebind", 0);
	pf = world_pf(&w);
	before = pf->vfs[0].settings;
	assert_run(&w, "attach web1 eth1 --persistent --vlan 7", 0);
	assert_run(&w, "attach web1 eth1 --form hostdev --max-rate 0", 1);
	assert_run(&w, "attach web1 eth1 --form hostdev", 0);
	assert_non_null(strstr(live(&w, "web1")->devices[0].xml, "managed=\"no\""));
	assert_non_null(strstr(live(&w, "web1")->devices[1].xml, "managed=\"no\""));
	assert_sound(&w);
	assert_run(&w, "reconcile", 0);
	/* Lost and found again: by the device it is seen that it waits there. */
	leases_clear(&w.leases);
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 2);
	assert_string_equal(w.leases.items[0].driver, "vfio-pci");
	leases_clear(&w.leases);
	assert_run(&w, "reconcile", 0);
	assert_run(&w, "detach web1 --all --persistent", 0);
	assert_int_equal(w.leases.n, 0);
	assert_string_equal(world_pf(&w)->vfs[0].driver, "vfio-pci");
	assert_int_equal(world_pf(&w)->vfs[0].settings.vlan, before.vlan);
	/* Somebody else has them all open: none is free, and no trace of that stays. */
	w.user = "testpmd (4711)";
	w.touched = w.walks = 0;
	assert_int_equal(world_run(&w, "attach web1 eth1", &err), 3);
	assert_non_null(strstr(err->details, "testpmd (4711) has it open"));
	err_free(&err);
	assert_int_equal(w.touched, 0);
	/* One for all of them; one that only looks sees the same. */
	assert_int_equal(w.walks, 1);
	assert_run(&w, "attach web1 eth1 --print-xml", 3);
	assert_run(&w, "why web1 eth1", 3);
	assert_int_equal(w.walks, 3);
	/* It is let go only when nobody has it open. */
	w.user = NULL;
	assert_run(&w, "attach web1 eth1", 0);
	w.user = "qemu-system-x86 (4711)";
	assert_run(&w, "detach web1", 1);
	assert_int_equal(w.leases.n, 1);
	w.user = NULL;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 0);
	world_clear(&w);
}

/* What the driver does not report is refused before anything at all is touched. */
static void test_refused_first(void **state)
{
	struct world w;
	struct err *err = NULL;

	(void)state;
	world_init(&w, 7);
	world_pf(&w)->up = false;
	assert_run(&w, "attach web1 eth1 --trust on", 1);
	assert_run(&w, "attach web1 eth1 --count 2 --form hostdev --link-state enable", 1);
	assert_int_equal(w.touched, 0);
	world_pf(&w)->up = true;
	/* What only the setting itself shows: then not before the guest is. */
	w.only_8021q = true;
	assert_int_equal(world_run(&w,
				   "attach web1 eth1 --form hostdev --vlan 5 --vlan-proto 802.1ad",
				   &err),
			 1);
	assert_string_equal(err->now, "what had been done was taken back");
	err_free(&err);
	assert_false(w.touched & TOUCHED_GUEST);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	assert_run(&w, "attach web1 eth1 --form hostdev --vlan 5", 0);
	w.touched = 0;
	assert_run(&w, "set web1 eth1 --trust on", 1);
	assert_int_equal(w.touched, 0);
	assert_run(&w, "set web1 eth1 --vlan-proto 802.1ad", 1);
	assert_false(w.touched & TOUCHED_GUEST);
	assert_sound(&w);
	world_clear(&w);
}

static void know_all_settings(struct world *w)
{
	for (size_t i = 0; i < world_pf(w)->nvfs; i++)
		world_pf(w)->vfs[i].settings.known |=
			SETTING_TRUST | SETTING_LINK_STATE | SETTING_RATE;
}

/* What the driver tells of, and refuses: that is seen before any definition says it. */
static void test_refused_in_every_view(void **state)
{
	static const char *const options[] = {"--link-state disable", "--trust on",
					      "--spoofchk off", "--min-rate 5 --max-rate 10"};
	static const char *const views[] = {"--live", "--config", "--persistent"};
	static const char *const forms[] = {"interface", "hostdev"};
	const size_t n = ARRAY_SIZE(options) * ARRAY_SIZE(views) * ARRAY_SIZE(forms) * 2;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const char *form = forms[i / 2 % ARRAY_SIZE(forms)];
		const char *view = views[i / 4 % ARRAY_SIZE(views)];
		const char *option = options[i / 12];
		bool off = i % 2;
		cleanup_free char *attach = mem_printf("attach web1 eth1 --form %s %s", form, view);
		cleanup_free char *with = mem_printf("%s %s", attach, option);
		cleanup_free char *set = mem_printf("set web1 eth1 %s %s", view, option);
		struct vf_settings before;
		struct world w;

		/* Nothing is there to be attached to. */
		if (off && !strcmp(view, "--live"))
			continue;
		world_init(&w, 3);
		know_all_settings(&w);
		w.cannot = SETTING_LINK_STATE | SETTING_TRUST | SETTING_SPOOFCHK | SETTING_RATE;
		before = world_pf(&w)->vfs[0].settings;
		if (off)
			world_stop(&w, "web1");
		assert_run(&w, with, 1);
		assert_false(w.touched & TOUCHED_GUEST);
		assert_int_equal(w.leases.n, 0);
		assert_int_equal(vf_settings_diff(&before, &world_pf(&w)->vfs[0].settings), 0);
		assert_sound(&w);

		assert_run(&w, attach, 0);
		before = world_pf(&w)->vfs[0].settings;
		/* Of a guest that runs the next boot alone cannot be tried. */
		if (off || strcmp(view, "--config") != 0) {
			w.touched = 0;
			assert_run(&w, set, 1);
			assert_false(w.touched & TOUCHED_GUEST);
			assert_int_equal(vf_settings_diff(&before, &world_pf(&w)->vfs[0].settings),
					 0);
			assert_run(&w, "reconcile", 0);
		}
		assert_sound(&w);
		world_clear(&w);
	}
}

/* A VF that a definition names has its settings before the guest starts, whoever starts it. */
static void test_set_before_the_start(void **state)
{
	struct world w;
	struct vf_settings before;
	struct vf *vf;

	(void)state;
	world_init(&w, 3);
	know_all_settings(&w);
	vf = &world_pf(&w)->vfs[0];
	vf->settings.spoofchk = false; /* a driver that starts unsafe */
	vf->settings.trust = true;
	vf->settings.max_rate = 7;
	before = vf->settings;
	world_stop(&w, "web1");
	assert_run(&w, "attach web1 eth1 --vlan 9 --link-state enable", 0);
	assert_true(vf->settings.spoofchk);
	assert_false(vf->settings.trust);
	assert_int_equal(vf->settings.link_state, 1);
	/* What libvirt sets when it starts is libvirt's. */
	assert_true(mac_equal(vf->settings.mac, before.mac));
	assert_int_equal(vf->settings.vlan, 0);
	assert_sound(&w);
	w.touched = 0;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.touched, 0);
	/* As when the host has made it anew. */
	vf->settings.trust = true;
	assert_run(&w, "set web1 eth1 --max-rate 30 --spoofchk off", 0);
	assert_false(vf->settings.trust);
	assert_false(vf->settings.spoofchk);
	assert_int_equal(vf->settings.max_rate, 30);
	/* What is not named stays: each rate for itself. */
	assert_run(&w, "set web1 eth1 --min-rate 5", 0);
	assert_int_equal(vf->settings.min_rate, 5);
	assert_int_equal(vf->settings.max_rate, 30);
	assert_run(&w, "set web1 eth1 --min-rate 31", 2);
	assert_run(&w, "set web1 eth1 --max-rate 40", 0);
	assert_int_equal(vf->settings.min_rate, 5);
	assert_int_equal(vf->settings.max_rate, 40);
	vf->settings.link_state = 0;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(vf->settings.link_state, 1);
	assert_sound(&w);

	world_start(&w, "web1");
	assert_int_equal(vf->settings.vlan, 9);
	w.touched = 0;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.touched, 0);
	world_stop(&w, "web1");
	assert_run(&w, "detach web1", 0);
	assert_int_equal(vf_settings_diff(&before, &vf->settings), 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* A NIC whose netdev is not here: its VFs' settings cannot be had, nor put back. */
static void test_pf_without_netdev(void **state)
{
	struct world w;
	char *netdev;

	(void)state;
	world_init(&w, 7);
	assert_run(&w, "attach web1 eth1 --form hostdev", 0);
	netdev = steal(&world_pf(&w)->netdev);
	w.touched = 0;
	assert_run(&w, "attach web1 0000:01:00.0", 1);
	assert_int_equal(w.touched, 0);
	assert_run(&w, "detach web1", 1);
	assert_int_equal(w.leases.n, 1);
	world_pf(&w)->netdev = netdev;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* Every setting is saved before the first change, and put back, also where libvirt has none of it.
 */
static void test_every_setting(void **state)
{
	struct world w;
	struct vf_settings before;
	struct vf *vf;

	(void)state;
	world_init(&w, 7);
	vf = &world_pf(&w)->vfs[0];
	vf->settings.known |= SETTING_TRUST | SETTING_LINK_STATE | SETTING_RATE;
	vf->settings.trust = true;
	vf->settings.link_state = 2;
	vf->settings.min_rate = 10;
	vf->settings.max_rate = 20;
	before = vf->settings;
	w.taken[w.ntaken++] = vf->addr;
	assert_run(&w, "attach web1 eth1/0 --form hostdev --spoofchk off --vlan 7 --max-rate 100",
		   3);
	assert_int_equal(vf_settings_diff(&before, &vf->settings), 0);
	assert_run(&w, "attach web1 eth1/0 --spoofchk off --link-state enable --max-rate 100", 3);
	assert_int_equal(vf_settings_diff(&before, &vf->settings), 0);
	w.ntaken = 0;
	for (int i = 0; i < 2; i++) {
		assert_run(
			&w,
			i ? "attach web1 eth1/0 --spoofchk off --link-state enable --max-rate 100"
			  : "attach web1 eth1/0 --form hostdev --spoofchk off --link-state enable "
			    "--max-rate 100 --vlan 7",
			0);
		assert_false(vf->settings.spoofchk);
		assert_false(vf->settings.trust);
		assert_int_equal(vf->settings.link_state, 1);
		assert_int_equal(vf->settings.max_rate, 100);
		assert_sound(&w);
		assert_run(&w, "detach web1", 0);
		assert_int_equal(vf_settings_diff(&before, &vf->settings), 0);
	}
	assert_sound(&w);
	world_clear(&w);
}

/* Leased while its driver still looked at it, which then refuses it. */
static void test_refused_by_driver(void **state)
{
	struct world w;
	struct vf *vf;

	(void)state;
	world_init(&w, 7);
	vf = &world_add_nvme(&w, 2)->vfs[0];
	vf->driver = mem_strdup("nvme");
	assert_run(&w, "attach web1 0000:02:00.0/0", 0);
	assert_string_equal(vf->driver, "vfio-pci");
	assert_run(&w, "detach web1", 0);
	assert_null(vf->driver);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* A libvirtd that is killed while it attaches leaves the VF on vfio-pci, and nobody puts it back.
 */
static void test_stranded(void **state)
{
	struct world w;
	struct vf *vf;

	(void)state;
	world_init(&w, 7);
	vf = &world_pf(&w)->vfs[0];
	assert_run(&w, "attach web1 eth1", 0);
	world_stop(&w, "web1");
	free(vf->driver);
	vf->driver = mem_strdup("vfio-pci");
	w.user = "somebody (4711)";
	assert_run(&w, "reconcile", 1);
	assert_string_equal(vf->driver, "vfio-pci");
	w.user = NULL;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/*
 * A VF that had no MAC gets none back, and its driver, bound anew, takes one: that one is left, as
 * it is the netdev's (and udev may be about to put its own in its place).
 */
static void test_no_mac(void **state)
{
	static const char *const forms[] = {"attach web1 eth1 --form hostdev", "attach web1 eth1"};
	struct world w;
	struct vf *vf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		world_init(&w, 7);
		vf = &world_pf(&w)->vfs[0];
		vf->settings.mac = (struct mac){0};
		assert_run(&w, forms[i], 0);
		assert_false(mac_is_zero(vf->settings.mac));
		world_stop(&w, "web1");
		assert_run(&w, "reconcile", 0);
		assert_int_equal(w.leases.n, 0);
		assert_true(mac_equal(vf->settings.mac, WORLD_CHOSEN_MAC));
		assert_true(mac_equal(w.probed[0], WORLD_CHOSEN_MAC));
		assert_run(&w, "reconcile", 0);
		world_clear(&w);
	}
}

/* A VF that vanished is replaced; the guest keeps MAC and address. */
static void test_vf_vanishes(void **state)
{
	struct world w;
	struct pf *pf;

	(void)state;
	world_init(&w, 7);
	world_stop(&w, "web1");
	pf = world_pf(&w);
	assert_run(&w, "attach web1 eth1/6", 0);
	assert_run(&w, "attach web2 eth1", 0);
	free(pf->vfs[6].driver);
	pf->nvfs = 6;
	assert_run(&w, "reconcile", 3); /* the one VF asked for is not there */
	assert_int_equal(w.leases.n, 2);
	assert_run(&w, "detach web1", 0);
	assert_int_equal(w.leases.n, 1);
	assert_sound(&w);
	pf->vfs[6].driver = mem_strdup("igbvf");
	pf->nvfs = 7;
	world_clear(&w);
}

/* A command, and what comes before it, to be broken at every call. */
struct scenario {
	const char *name;
	const char *before[4];
	const char *command;
	bool pf_down, taken, web1_off, nvme;
	unsigned given; /* VIRT_*: web1 has VF 3 from somebody else there */
	bool interface;
	unsigned vfs;  /* 0: 7 */
	bool last;     /* of the VFs, the last one is attached before */
	bool vanishes; /* then that one does */
	bool returns;  /* and was missed, and has come back */
};

static const struct scenario scenarios[] = {
	{.name = "attach", .command = "attach web1 eth1"},
	{.name = "attach hostdev", .command = "attach web1 eth1 --form hostdev --vlan 7"},
	{.name = "attach to a down PF", .command = "attach web1 eth1", .pf_down = true},
	{.name = "attach both", .command = "attach web1 eth1 --live --config"},
	{.name = "attach off", .command = "attach web1 eth1 --form hostdev", .web1_off = true},
	{.name = "attach an interface off",
	 .command = "attach web1 eth1 --spoofchk off --vlan 5",
	 .web1_off = true},
	{.name = "set off",
	 .before = {"attach web1 eth1 --vlan 5"},
	 .command = "set web1 eth1 --spoofchk off --vlan 6",
	 .web1_off = true},
	{.name = "detach off",
	 .before = {"attach web1 eth1 --spoofchk off"},
	 .command = "detach web1",
	 .web1_off = true},
	{.name = "attach three", .command = "attach web1 eth1 --count 3"},
	{.name = "attach, one taken", .command = "attach web1 eth1 --form hostdev", .taken = true},
	{.name = "attach a second one",
	 .before = {"attach web1 eth1", "attach web2 eth1"},
	 .command = "attach web1 eth1 --persistent"},
	{.name = "detach", .before = {"attach web1 eth1"}, .command = "detach web1"},
	{.name = "detach hostdev",
	 .before = {"attach web1 eth1 --form hostdev --vlan 7"},
	 .command = "detach web1"},
	{.name = "detach all of both",
	 .before = {"attach web1 eth1 --count 2 --persistent", "attach web1 eth1"},
	 .command = "detach web1 --all --persistent"},
	{.name = "detach live only",
	 .before = {"attach web1 eth1 --form hostdev --persistent"},
	 .command = "detach web1 --live"},
	{.name = "attach what is no NIC",
	 .command = "attach web1 0000:02:00.0 --count 2 --persistent",
	 .nvme = true},
	{.name = "detach what is no NIC",
	 .before = {"attach web1 0000:02:00.0 --persistent"},
	 .command = "detach web1 --persistent",
	 .nvme = true},
	{.name = "adopt", .command = "adopt web1", .given = VIEW_LIVE | VIEW_CONFIG},
	{.name = "adopt an interface",
	 .command = "adopt web1",
	 .given = VIEW_LIVE | VIEW_CONFIG,
	 .interface = true},
	{.name = "adopt a running guest's", .command = "adopt web1", .given = VIEW_LIVE},
	{.name = "adopt a definition's",
	 .command = "adopt web1",
	 .given = VIEW_CONFIG,
	 .interface = true,
	 .web1_off = true},
	{.name = "detach what was adopted",
	 .before = {"adopt web1"},
	 .command = "detach web1 --all --persistent",
	 .given = VIEW_LIVE | VIEW_CONFIG},
	{.name = "set",
	 .before = {"attach web1 eth1 --persistent"},
	 .command = "set web1 eth1 --spoofchk off --vlan 9 --persistent"},
	{.name = "reconcile", .before = {"attach web1 eth1 --persistent"}, .command = "reconcile"},
	{.name = "lost, another one is there",
	 .before = {"attach web1 eth1 --persistent"},
	 .vfs = 3,
	 .last = true,
	 .vanishes = true,
	 .command = "reconcile"},
	{.name = "lost hostdev, another one is there",
	 .before = {"attach web1 eth1 --form hostdev --vlan 7"},
	 .vfs = 3,
	 .last = true,
	 .vanishes = true,
	 .command = "reconcile"},
	{.name = "lost while off",
	 .before = {"attach web1 eth1 --form hostdev"},
	 .web1_off = true,
	 .vfs = 2,
	 .last = true,
	 .vanishes = true,
	 .command = "reconcile"},
	{.name = "lost and found",
	 .before = {"attach web2 eth1", "attach web1 eth1 --persistent"},
	 .vfs = 2,
	 .vanishes = true,
	 .returns = true,
	 .command = "reconcile"},
	{.name = "lost hostdev, found",
	 .before = {"attach web2 eth1", "attach web1 eth1 --form hostdev --vlan 7"},
	 .vfs = 2,
	 .vanishes = true,
	 .returns = true,
	 .command = "reconcile"},
	{.name = "lost and found while off",
	 .before = {"attach web2 eth1", "attach web1 eth1 --form hostdev"},
	 .web1_off = true,
	 .vfs = 2,
	 .vanishes = true,
	 .returns = true,
	 .command = "reconcile"},
};

static void set_scene(struct world *w, const void *scenario)
{
	const struct scenario *s = scenario;

	world_init(w, s->vfs ? s->vfs : 7);
	if (s->nvme)
		(void)world_add_nvme(w, 4);
	if (s->web1_off)
		world_stop(w, "web1");
	if (s->given)
		world_give(w, "web1", &world_pf(w)->vfs[3], s->interface, s->given);
	for (size_t i = 0; s->last && i + 1 < s->vfs; i++)
		w->taken[w->ntaken++] = world_pf(w)->vfs[i].addr;
	for (size_t i = 0; i < ARRAY_SIZE(s->before) && s->before[i]; i++)
		assert_run(w, s->before[i], 0);
	if (s->last)
		w->ntaken = 0;
	if (s->vanishes)
		world_vanish(w);
	if (s->returns) {
		assert_run(w, "reconcile", 3);
		assert_int_equal(w->leases.items[w->leases.n - 1].state, LEASE_LOST);
		world_return(w);
	}
	world_pf(w)->up = !s->pf_down;
	if (s->taken)
		w->taken[w->ntaken++] = world_pf(w)->vfs[0].addr;
}

/* After any fault one reconcile mends all, and the next one finds nothing to mend. */
static void assert_mended(struct world *w, const void *scenario, const struct broken *broken)
{
	struct err *err = NULL;
	const char *is;
	size_t leases;

	(void)scenario;
	w->ntaken = 0;
	if (world_run(w, "reconcile", &err))
		fail_msg("%s, %s: reconcile fails: %s", broken->name, broken->where, err->what);
	is = world_broken(w);
	if (is)
		fail_msg("%s, %s: %s", broken->name, broken->where, is);
	leases = w->leases.n;
	w->touched = 0;
	assert_run(w, "reconcile", 0);
	assert_int_equal(w->leases.n, leases);
	/* Nothing is written that is right already: a second converge calls no changing edge. */
	assert_int_equal(w->touched, 0);
	for (size_t i = 0; i < w->leases.n; i++)
		assert_int_equal(w->leases.items[i].state, LEASE_HELD);
}

/* From each of the scenarios. */
static void break_all(const struct breaking *breaking, enum break_how how)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		const struct scenario *s = &scenarios[i];

		assert_true(break_everywhere(breaking, how, s->name, s->command, s) > 4);
	}
}

static const struct breaking mended = {set_scene, assert_mended};

/* A guest keeps what is its own: the MAC, and the address that it knows the device by. */
static void test_lost_from_a_guest(void **state)
{
	struct world w;
	struct domain_view view;
	struct device was;

	(void)state;
	world_init(&w, 3);
	w.taken[w.ntaken++] = world_pf(&w)->vfs[0].addr;
	w.taken[w.ntaken++] = world_pf(&w)->vfs[1].addr;
	assert_run(&w, "attach web1 eth1 --persistent", 0);
	w.ntaken = 0;
	assert_run(&w, "attach web2 eth1 --count 2", 0);
	view = world_view(&w, "web1", VIEW_LIVE);
	was = view.devices[0];
	domain_view_clear(&view);
	world_vanish(&w);

	/* None is free: the guest is left as it is, and the lease says why. */
	w.touched = 0;
	assert_run(&w, "reconcile", 3);
	assert_false(w.touched & TOUCHED_GUEST);
	assert_int_equal(w.leases.n, 3);
	assert_int_equal(w.leases.items[2].state, LEASE_LOST);
	assert_non_null(strstr(w.leases.items[2].reason, "vanished"));
	assert_int_equal(w.leases.items[2].saved.known, 0);
	/* That is known, and not written again. */
	w.touched = 0;
	assert_run(&w, "reconcile web1", 3);
	assert_int_equal(w.touched, 0);

	assert_run(&w, "detach web2 0000:01:10.2", 0);
	assert_run(&w, "reconcile", 0);
	assert_sound(&w);
	view = world_view(&w, "web1", VIEW_LIVE);
	assert_int_equal(view.ndevices, 1);
	assert_string_equal(view.devices[0].id, was.id);
	assert_true(mac_equal(view.devices[0].mac, was.mac));
	assert_true(pciaddr_equal(view.devices[0].guest, was.guest));
	assert_true(pciaddr_equal(view.devices[0].host, world_pf(&w)->vfs[1].addr));
	domain_view_clear(&view);
	world_clear(&w);
}

/* A guest that does not let go of what is dead is asked again later, for the same new VF. */
static void test_lost_and_kept(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 3);
	w.taken[w.ntaken++] = world_pf(&w)->vfs[0].addr;
	w.taken[w.ntaken++] = world_pf(&w)->vfs[1].addr;
	assert_run(&w, "attach web1 eth1", 0);
	w.ntaken = 0;
	world_vanish(&w);
	world_domain(&w, "web1")->paused = true;
	assert_run(&w, "reconcile", 4);
	assert_int_equal(w.leases.items[0].state, LEASE_LOST);
	world_domain(&w, "web1")->paused = false;
	world_domain(&w, "web1")->deaf = 1000;
	assert_run(&w, "reconcile", 4);
	assert_int_equal(w.leases.n, 1);
	assert_int_equal(w.leases.items[0].state, LEASE_CLAIMED);
	assert_int_equal(w.leases.items[0].index, 0);
	world_domain(&w, "web1")->deaf = 0;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(w.leases.items[0].index, 0);
	assert_sound(&w);
	world_clear(&w);
}

static void test_failed_everywhere(void **state)
{
	(void)state;
	break_all(&mended, BREAK_FAILS);
}

static void test_killed_everywhere(void **state)
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
	const char *is = world_broken(w);

	(void)scenario;
	if (broken->whole)
		assert_int_equal(broken->status, 0);
	else if (broken->status && (w->leases.n || live(w, "web1")->metadata || is))
		fail_msg("%s: %s is left", broken->where,
			 w->leases.n ? "a lease"
			 : is        ? is
				     : "metadata");
}

/* An attach that fails on its own leaves nothing behind: it takes back what it had done. */
static void test_attach_takes_back(void **state)
{
	static const struct breaking breaking = {set_plain, assert_taken_back};

	(void)state;
	assert_true(break_everywhere(&breaking, BREAK_FAILS, "attach",
				     "attach web1 eth1 --form hostdev --count 2", NULL) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_detach),
		cmocka_unit_test(test_forms_and_views),
		cmocka_unit_test(test_shut_off),
		cmocka_unit_test(test_guest_gone),
		cmocka_unit_test(test_lost_store),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_all_or_none),
		cmocka_unit_test(test_guest_does_not_let_go),
		cmocka_unit_test(test_qemu_does_not_answer),
		cmocka_unit_test(test_guest_is_asked_again),
		cmocka_unit_test(test_what_a_guest_is_asked_costs_little),
		cmocka_unit_test(test_paused),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_what_would_help),
		cmocka_unit_test(test_looks_at_the_chosen),
		cmocka_unit_test(test_metadata_limits),
		cmocka_unit_test(test_settings_are_remembered),
		cmocka_unit_test(test_mac_is_stable),
		cmocka_unit_test(test_pf_is_brought_up),
		cmocka_unit_test(test_bad_metadata_is_kept),
		cmocka_unit_test(test_no_nic),
		cmocka_unit_test(test_other_kind),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_adopt_config),
		cmocka_unit_test(test_adopt_refusals),
		cmocka_unit_test(test_prebound),
		cmocka_unit_test(test_refused_first),
		cmocka_unit_test(test_refused_in_every_view),
		cmocka_unit_test(test_set_before_the_start),
		cmocka_unit_test(test_pf_without_netdev),
		cmocka_unit_test(test_every_setting),
		cmocka_unit_test(test_stranded),
		cmocka_unit_test(test_refused_by_driver),
		cmocka_unit_test(test_no_mac),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_vf_vanishes),
		cmocka_unit_test(test_lost_from_a_guest),
		cmocka_unit_test(test_lost_and_kept),
		cmocka_unit_test(test_failed_everywhere),
		cmocka_unit_test(test_killed_everywhere),
		cmocka_unit_test(test_attach_takes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
