// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
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
#include "host/sizing.h"

/* A world whose PF has so many VFs, and can have seven. */
static void make_world(struct world *w, unsigned nvfs)
{
	world_init(w, nvfs);
	world_pf(w)->total_vfs = 7;
}

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

/* Fails with this status, and says so; what else is said is for the caller to free. */
static struct err *fail_run(struct world *w, const char *command, int status, const char *what)
{
	struct err *err = NULL;

	int got = world_run(w, command, &err);

	if (got != status || !err)
		fail_msg("%s: exit %d, not %d: %s", command, got, status,
			 err ? err->what : "no error");
	if (!strstr(err->what, what))
		fail_msg("'%s' does not say '%s'", err->what, what);
	return err;
}

static void assert_untouched(struct world *w, const char *command, int status, const char *what,
			     const char *detail)
{
	unsigned before = world_pf(w)->num_vfs;
	struct err *err = fail_run(w, command, status, what);

	if (detail && (!err->details || !strstr(err->details, detail)))
		fail_msg("'%s' does not name '%s'", err->details, detail);
	assert_non_null(err->now);
	assert_non_null(strstr(err->now, "nothing was changed"));
	assert_non_null(err->next);
	assert_int_equal(world_pf(w)->num_vfs, before);
	err_free(&err);
}

static void assert_refused(struct world *w, const char *command, int status, const char *what,
			   const char *detail)
{
	assert_untouched(w, command, status, what, detail);
	assert_sound(w);
}

static struct fake_view *live(struct world *w, const char *name)
{
	return &world_domain(w, name)->live;
}

static struct fake_view *config(struct world *w, const char *name)
{
	return &world_domain(w, name)->config;
}

/* A device that vfpool has nothing to do with. */
static void add_foreign(struct world *w, struct fake_view *view, unsigned index)
{
	struct fake_device *d = &view->devices[view->ndevices++];

	*d = (struct fake_device){.host = world_pf(w)->vfs[index].addr};
	d->xml = mem_printf("<hostdev mode='subsystem' type='pci' managed='yes'><source><address "
			    "domain='0x0000' bus='0x01' slot='0x%02x' function='0x%x'/></source>"
			    "</hostdev>",
			    d->host.device, d->host.function);
}

static void makes_vfs_on_a_new_host(void **state)
{
	struct world w;
	struct virt *virt;

	(void)state;
	make_world(&w, 0);
	world_pf(&w)->up = false;
	/* Nobody has any, so nobody is asked. */
	virt = w.session.edges.virt;
	w.session.edges.virt = NULL;
	assert_run(&w, "set-vfs eth1 7", 0);
	assert_int_equal(world_pf(&w)->nvfs, 7);
	assert_true(world_pf(&w)->up);
	assert_run(&w, "set-vfs eth1 7", 0);
	w.session.edges.virt = virt;
	assert_sound(&w);
	assert_run(&w, "attach web1 eth1", 0);
	assert_run(&w, "detach web1", 0);
	assert_run(&w, "set-vfs eth1 0", 0);
	assert_int_equal(world_pf(&w)->nvfs, 0);
	assert_run(&w, "set-vfs eth1 3", 0);
	assert_run(&w, "set-vfs eth1 5", 0);
	assert_int_equal(world_pf(&w)->nvfs, 5);
	assert_sound(&w);
	world_clear(&w);
}

static void options_are_held_against_each_other(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, 4);
	assert_run(&w, "set-vfs", 2);
	assert_run(&w, "set-vfs eth1", 2);
	assert_run(&w, "set-vfs eth1 -1", 2);
	assert_run(&w, "set-vfs eth1 x", 2);
	assert_run(&w, "set-vfs eth1 65536", 2);
	assert_run(&w, "set-vfs eth1 7 7", 2);
	assert_run(&w, "set-vfs eth1 7 --show", 2);
	assert_run(&w, "set-vfs eth1 7 --persist=cron", 2);
	assert_run(&w, "set-vfs eth1 7 --persist --no-persist", 2);
	assert_run(&w, "set-vfs eth1 7 --persist=link --prebind", 2);
	assert_run(&w, "set-vfs eth1 7 --no-host-driver --prebind", 2);
	assert_run(&w, "set-vfs eth9 7", 1);
	assert_int_equal(world_pf(&w)->num_vfs, 4);
	assert_run(&w, "set-vfs eth1 --show", 0);
	assert_refused(&w, "set-vfs eth1 8", 2, "7 VFs at most", NULL);
	world_pf(&w)->total_vfs = 0;
	assert_refused(&w, "set-vfs eth1 8", 2, "0 VFs at most", NULL);
	world_clear(&w);
}

static void guests_are_parked_and_get_theirs_back(void **state)
{
	struct world w;
	cleanup_free char *one = NULL, *two = NULL;

	(void)state;
	make_world(&w, 4);
	assert_run(&w, "attach web1 eth1 --count 2 --persistent", 0);
	assert_run(&w, "attach web2 eth1 --form hostdev --vlan 7", 0);
	one = mem_strdup(live(&w, "web1")->metadata);
	two = mem_strdup(live(&w, "web2")->metadata);
	assert_refused(&w, "set-vfs eth1 7", 1, "are in running guests",
		       "eth1/2 (0000:01:10.4): in web2");
	assert_run(&w, "set-vfs eth1 7 --park", 0);
	assert_int_equal(world_pf(&w)->nvfs, 7);
	assert_int_equal(view_ours(live(&w, "web1")), 2);
	assert_int_equal(view_ours(live(&w, "web2")), 1);
	assert_string_equal(live(&w, "web1")->metadata, one);
	assert_string_equal(live(&w, "web2")->metadata, two);
	assert_sound(&w);
	/* Each has the VF that it had. */
	assert_int_equal(leases_by_vf(&w.leases, world_pf(&w)->vfs[2].addr)->state, LEASE_HELD);
	assert_string_equal(leases_by_vf(&w.leases, world_pf(&w)->vfs[2].addr)->domain_name,
			    "web2");
	assert_run(&w, "reconcile", 0);
	assert_run(&w, "detach web1 --all --persistent", 0);
	assert_run(&w, "detach web2", 0);
	assert_int_equal(w.leases.n, 0);
	assert_sound(&w);
	world_clear(&w);
}

/* A VF that is not there any more gives way to another; MAC and guest address stay. */
static void vfs_that_vanish_are_replaced(void **state)
{
	struct world w;
	cleanup_free char *before = NULL;

	(void)state;
	make_world(&w, 4);
	assert_run(&w, "attach web2 eth1", 0);
	assert_run(&w, "attach web2 eth1", 0);
	assert_run(&w, "attach web1 eth1 --persistent", 0);
	assert_run(&w, "detach web2 0000:01:10.2", 0);
	before = mem_strdup(live(&w, "web1")->metadata);
	assert_run(&w, "set-vfs eth1 2 --park", 0);
	assert_string_equal(live(&w, "web1")->metadata, before);
	assert_string_equal(config(&w, "web1")->metadata, before);
	assert_true(pciaddr_equal(live(&w, "web1")->devices[0].host, world_pf(&w)->vfs[1].addr));
	assert_true(pciaddr_equal(config(&w, "web1")->devices[0].host, world_pf(&w)->vfs[1].addr));
	assert_sound(&w);
	assert_refused(&w, "set-vfs eth1 1 --park", 1, "1 VFs of eth1 are not enough for the 2",
		       NULL);
	assert_refused(&w, "set-vfs eth1 0 --park --force", 1, "not enough", NULL);
	world_clear(&w);
}

static void the_one_vf_wanted_must_stay(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, 4);
	assert_run(&w, "attach web1 eth1/3", 0);
	assert_refused(&w, "set-vfs eth1 3 --park --force", 1, "would not be there any more",
		       "web1 wants this one and no other");
	/* Who may have any must not be given that one first. */
	assert_run(&w, "attach web2 eth1 --count 2", 0);
	assert_run(&w, "set-vfs eth1 7 --park", 0);
	assert_true(pciaddr_equal(live(&w, "web1")->devices[0].host, world_pf(&w)->vfs[3].addr));
	assert_sound(&w);
	world_clear(&w);
}

static void others_are_never_touched(void **state)
{
	struct world w;
	struct vf *vf;

	(void)state;
	make_world(&w, 4);
	add_foreign(&w, live(&w, "web1"), 3);
	assert_refused(&w, "set-vfs eth1 7 --park --force", 1, "not by vfpool",
		       "eth1/3 (0000:01:10.6): in the running domain web1, not by vfpool");
	w.domains[0].live.ndevices = 0;
	free(w.domains[0].live.devices[0].xml);

	vf = &world_pf(&w)->vfs[1];
	vf->netdev = mem_strdup("eth1v1");
	vf->address = mem_strdup("192.0.2.1");
	assert_refused(&w, "set-vfs eth1 7 --park --force", 1, "not by vfpool", "192.0.2.1");
	free(steal(&vf->address));
	vf->master = mem_strdup("br0");
	assert_refused(&w, "set-vfs eth1 7 --park --force", 1, "not by vfpool", "br0");
	free(steal(&vf->master));

	/* Another program's, though it is not at work. */
	free(vf->driver);
	vf->driver = mem_strdup("vfio-pci");
	assert_untouched(&w, "set-vfs eth1 7 --park", 1, "some other program", "bound to vfio-pci");
	w.user = "testpmd (77)";
	assert_untouched(&w, "set-vfs eth1 7 --park --force", 1, "not by vfpool",
			 "testpmd (77) has it open");
	w.user = NULL;
	assert_run(&w, "set-vfs eth1 7 --force", 0);
	assert_sound(&w);
	world_clear(&w);
}

static void definitions_are_listed(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, 4);
	world_stop(&w, "web1");
	world_stop(&w, "web2");
	assert_run(&w, "attach web1 eth1/3", 0);
	add_foreign(&w, config(&w, "web2"), 2);
	/* They come back where they were. */
	assert_run(&w, "set-vfs eth1 7", 0);
	assert_sound(&w);
	assert_run(&w, "set-vfs eth1 4", 0);
	assert_refused(&w, "set-vfs eth1 3", 1, "would not be there",
		       "eth1/3 (0000:01:10.6): named by the definition of web1 (assignment ");
	assert_refused(&w, "set-vfs eth1 2", 1, "would not be there",
		       "eth1/2 (0000:01:10.4): named by the definition of web2, not by vfpool");
	/* One that wants just this VF stays without, and is said to. */
	assert_run(&w, "set-vfs eth1 3 --force", 5);
	assert_int_equal(world_pf(&w)->nvfs, 3);
	assert_run(&w, "detach web1", 0);
	assert_run(&w, "reconcile", 0);
	world_clear(&w);
}

/* libvirt sets nothing for a plain hostdev, not even when its guest starts. */
static void a_definition_finds_its_settings(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, 4);
	world_stop(&w, "web1");
	assert_run(&w, "attach web1 eth1 --form hostdev --vlan 9", 0);
	assert_sound(&w);
	assert_int_equal(world_pf(&w)->vfs[0].settings.vlan, 9);
	assert_run(&w, "set-vfs eth1 7", 0);
	assert_int_equal(world_pf(&w)->vfs[0].settings.vlan, 9);
	assert_sound(&w);
	/* Also when they were made anew by others. */
	world_pf(&w)->vfs[0].settings.vlan = 0;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(world_pf(&w)->vfs[0].settings.vlan, 9);
	assert_run(&w, "detach web1", 0);
	assert_sound(&w);
	world_clear(&w);
}

static void guests_that_do_not_let_go(void **state)
{
	struct world w;
	struct err *err;

	(void)state;
	make_world(&w, 4);
	assert_run(&w, "attach web1 eth1", 0);
	assert_run(&w, "attach web2 eth1 --count 2", 0);
	world_domain(&w, "web2")->deaf = 1000;
	err = fail_run(&w, "set-vfs eth1 7 --park", 4, "web2 has not let go");
	assert_non_null(strstr(err->now, "4 VFs as before"));
	err_free(&err);
	assert_int_equal(world_pf(&w)->nvfs, 4);
	assert_int_equal(view_ours(live(&w, "web1")), 1);
	assert_sound(&w);
	world_domain(&w, "web2")->deaf = 0;
	world_domain(&w, "web2")->paused = true;
	err = fail_run(&w, "set-vfs eth1 7 --park", 4, "paused");
	err_free(&err);
	assert_sound(&w);
	world_domain(&w, "web2")->paused = false;
	assert_run(&w, "set-vfs eth1 7 --park", 0);
	assert_sound(&w);
	world_clear(&w);
}

/* What each errno of the kernel is in words. */
static const struct {
	int error;
	const char *words, *next;
} refusals[] = {
	{ENOENT, "makes no VFs", "firmware"},
	{ENOSYS, "makes no VFs", "firmware"},
	{EOPNOTSUPP, "makes no VFs", "firmware"},
	{524, "makes no VFs", "firmware"},
	{ENODEV, "vanished", "rescan"},
	{ENXIO, "vanished", "rescan"},
	{ERANGE, "but 7 at most", "ask for 7 or fewer"},
	{EBUSY, "from somebody else", "--show"},
	{EAGAIN, "busy", "repeat"},
	{ENOSPC, "no room", "pci=realloc"},
	{ENOMEM, "no room", "pci=realloc"},
	{EROFS, "read-only", "not in a container"},
	{EACCES, "not allowed", "as root"},
	{ETIMEDOUT, "not ready in time", "--timeout"},
	{EPERM, "igb) refuses", "journalctl -k -g 0000:01:00.0"},
	{EINVAL, "igb) refuses", "journalctl -k -g 0000:01:00.0"},
	{EIO, "igb) refuses", "journalctl -k -g 0000:01:00.0"},
};

static void the_kernels_refusals_are_undone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct world w;
		struct err *err;

		make_world(&w, 4);
		assert_run(&w, "attach web1 eth1 --count 2", 0);
		assert_run(&w, "attach web2 eth1 --form hostdev --persistent", 0);
		w.refused_count = 7;
		w.refused_error = refusals[i].error;
		err = fail_run(&w, "set-vfs eth1 7 --park", 1, refusals[i].words);
		if (!err->next || !strstr(err->next, refusals[i].next))
			fail_msg("errno %d: '%s'", refusals[i].error, err->next);
		assert_non_null(strstr(err->now, "4 VFs as before, and every guest its own"));
		err_free(&err);
		assert_int_equal(world_pf(&w)->nvfs, 4);
		assert_int_equal(view_ours(live(&w, "web1")), 2);
		assert_sound(&w);

		/* Not even the old number: it stays owed, and is given when it can be. */
		w.refused_count = 4;
		w.refused_error = refusals[i].error;
		w.enables = 1;
		err = fail_run(&w, "set-vfs eth1 7 --park", 1, "enabled 1 VFs");
		assert_non_null(strstr(err->now, "cannot be brought back to its 4 VFs"));
		err_free(&err);
		assert_int_equal(world_pf(&w)->nvfs, 0);
		assert_int_not_equal(world_run(&w, "reconcile", NULL), 0);
		w.refused_count = -1;
		w.enables = 0;
		assert_run(&w, "reconcile", 0);
		assert_int_equal(world_pf(&w)->nvfs, 4);
		assert_int_equal(view_ours(live(&w, "web1")), 2);
		assert_sound(&w);
		world_clear(&w);
	}
}

static void no_driver_has_its_own_words(void **state)
{
	const struct pf pf = {.addr = {.bus = 1}};
	struct err *err = NULL;

	(void)state;
	assert_int_equal(sizing_refused(&pf, 4, ENOENT, &err), -1);
	assert_string_equal(err->what, "no driver is bound to 0000:01:00.0");
	err_free(&err);
	assert_int_equal(sizing_refused(&pf, 0, EBUSY, &err), -1);
	assert_non_null(strstr(err->what, "in use"));
	err_free(&err);
}

static void removing_the_vfs_is_refused(void **state)
{
	struct world w;
	struct err *err;

	(void)state;
	make_world(&w, 4);
	assert_run(&w, "attach web1 eth1", 0);
	w.refused_count = 0;
	w.refused_error = EPERM;
	err = fail_run(&w, "set-vfs eth1 7 --park", 1, "removing the VFs: the driver");
	err_free(&err);
	assert_int_equal(world_pf(&w)->nvfs, 4);
	assert_sound(&w);
	world_clear(&w);
}

static void fewer_than_asked_for(void **state)
{
	struct world w;
	struct err *err;

	(void)state;
	make_world(&w, 4);
	assert_run(&w, "attach web1 eth1 --count 2", 0);
	w.enables = 5;
	err = fail_run(&w, "set-vfs eth1 7 --park", 5, "the kernel enabled 5 VFs of eth1, not 7");
	assert_string_equal(err->now, "eth1 has 5 VFs, and every guest its own");
	err_free(&err);
	assert_int_equal(view_ours(live(&w, "web1")), 2);
	assert_sound(&w);
	world_clear(&w);
}

/* What cannot be ended is left behind, and nobody gets a VF that is about to go. */
static void the_kernel_hangs(void **state)
{
	struct world w;
	struct err *err;

	(void)state;
	make_world(&w, 4);
	assert_run(&w, "attach web1 eth1", 0);
	w.hangs = true;
	err = fail_run(&w, "set-vfs eth1 7 --park", 1, "4711");
	assert_non_null(strstr(err->now, "1 VFs of eth1 are out of their guests"));
	assert_non_null(strstr(err->next, "reconcile"));
	err_free(&err);
	assert_int_equal(view_ours(live(&w, "web1")), 0);
	/* Its child has the lock, and then it has not. */
	w.at_work = true;
	assert_run(&w, "reconcile", 0);
	assert_int_equal(view_ours(live(&w, "web1")), 0);
	w.at_work = w.hangs = false;
	/* Others only use the PF's VFs: that is waited for, and nothing is taken for done. */
	w.shared = true;
	assert_run(&w, "reconcile web1", 1);
	w.shared = false;
	assert_run(&w, "reconcile web1", 0);
	assert_int_equal(view_ours(live(&w, "web1")), 1);
	assert_sound(&w);
	world_clear(&w);
}

static void stragglers_are_bound(void **state)
{
	struct world w;
	struct err *err;

	(void)state;
	make_world(&w, 0);
	w.late = 2;
	assert_run(&w, "set-vfs eth1 7", 0);
	assert_sound(&w);
	/* A host without a driver for VFs may mean it so. */
	w.late = 0;
	w.no_vf_driver = true;
	assert_run(&w, "set-vfs eth1 4", 0);
	assert_sound(&w);
	/* But where some have one, all should. */
	w.no_vf_driver = false;
	w.late = w.unbindable = 2;
	err = fail_run(&w, "set-vfs eth1 7", 5, "2 of the 7 VFs of eth1 are not ready");
	assert_non_null(strstr(err->details, "0000:01:10.2: it is bound to nothing"));
	assert_string_equal(err->now, "eth1 has 7 VFs");
	err_free(&err);
	world_clear(&w);
}

/* The driver of what is no NIC may refuse its VFs: nobody waits for it. */
static void no_nics(void **state)
{
	struct world w;
	msec before;

	(void)state;
	make_world(&w, 0);
	world_add_nvme(&w, 0)->total_vfs = 8;
	before = w.clock;
	assert_run(&w, "set-vfs 0000:02:00.0 8", 0);
	assert_int_equal(w.inventory.pfs[1].num_vfs, 8);
	assert_int_equal(w.clock, before);
	assert_sound(&w);
	world_clear(&w);
}

static void homes(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, 4);
	assert_run(&w, "attach web1 eth1 --persistent", 0);
	assert_refused(&w, "set-vfs eth1 4 --prebind", 1, "are in running guests", NULL);
	assert_run(&w, "set-vfs eth1 4 --prebind --park", 0);
	assert_string_equal(world_pf(&w)->vfs[3].driver, "vfio-pci");
	assert_sound(&w);
	/* They are as free as any. */
	assert_run(&w, "attach web2 eth1", 0);
	assert_sound(&w);
	assert_run(&w, "detach web2", 0);
	assert_string_equal(world_pf(&w)->vfs[1].driver, "vfio-pci");
	assert_run(&w, "set-vfs eth1 7 --no-host-driver --park", 0);
	assert_null(world_pf(&w)->vfs[3].driver);
	assert_sound(&w);
	assert_run(&w, "attach web2 eth1", 0);
	assert_run(&w, "set-vfs eth1 7 --park", 0);
	assert_string_equal(world_pf(&w)->vfs[3].driver, "igbvf");
	assert_sound(&w);
	assert_run(&w, "detach web2", 0);
	assert_run(&w, "detach web1 --persistent", 0);
	assert_sound(&w);
	world_clear(&w);
}

static void persistence(void **state)
{
	struct world w;
	struct err *err;

	(void)state;
	make_world(&w, 0);
	assert_run(&w, "set-vfs eth1 7 --persist", 0);
	assert_int_equal(w.persisted.count, 7);
	assert_int_equal(w.persisted.kind, PERSIST_CHOOSE);
	assert_run(&w, "set-vfs eth1 4 --persist=link", 0);
	assert_int_equal(w.persisted.kind, PERSIST_LINK);
	assert_run(&w, "set-vfs eth1 4 --persist=udev --prebind", 0);
	assert_int_equal(w.persisted.home, VF_HOME_VFIO);
	assert_run(&w, "set-vfs eth1 --no-persist", 0);
	assert_null(w.persisted.pf);
	assert_int_equal(world_pf(&w)->num_vfs, 4);
	assert_run(&w, "set-vfs eth1 7 --persist", 0);
	/* None is what there is without. */
	assert_run(&w, "set-vfs eth1 0 --persist", 0);
	assert_null(w.persisted.pf);
	w.persist_error = ERR_UNSUPPORTED;
	err = fail_run(&w, "set-vfs eth1 5 --persist", 5, "it cannot be kept");
	assert_string_equal(err->now, "the VFs are there, but not after a reboot");
	assert_string_equal(err->next, "do it so");
	err_free(&err);
	assert_int_equal(world_pf(&w)->num_vfs, 5);
	world_clear(&w);
}

/* An attach waits for whoever changes the number, and does nothing if that takes too long. */
static void nobody_attaches_meanwhile(void **state)
{
	struct world w;

	(void)state;
	make_world(&w, 4);
	w.at_work = true;
	assert_run(&w, "attach web1 eth1", 1);
	assert_int_equal(w.leases.n, 0);
	assert_run(&w, "set-vfs eth1 7", 1);
	assert_int_equal(world_pf(&w)->num_vfs, 4);
	/* Looking is allowed. */
	assert_run(&w, "attach web1 eth1 --print-xml", 0);
	assert_run(&w, "why web1 eth1", 0);
	world_clear(&w);
}

/* Broken at every call of an edge */

struct scenario {
	const char *name;
	const char *off; /* a guest that is off */
	const char *before[5];
	const char *command;
	unsigned nvfs;
};

static const struct scenario scenarios[] = {
	{"one guest", NULL, {"attach web1 eth1 --count 2"}, "set-vfs eth1 7 --park", 4},
	{"live and config",
	 NULL,
	 {"attach web1 eth1 --persistent", "attach web2 eth1 --form hostdev --vlan 7 --persistent"},
	 "set-vfs eth1 7 --park",
	 4},
	{"one that is off",
	 "web2",
	 {"attach web2 eth1 --form hostdev --vlan 7", "attach web1 eth1"},
	 "set-vfs eth1 7 --park",
	 4},
	{"one moves",
	 NULL,
	 {"attach web2 eth1", "attach web2 eth1", "attach web1 eth1 --persistent",
	  "detach web2 0000:01:10.2"},
	 "set-vfs eth1 2 --park",
	 4},
	{"one is particular",
	 NULL,
	 {"attach web1 eth1/1", "attach web2 eth1 --count 2"},
	 "set-vfs eth1 7 --park",
	 4},
	{"prebound",
	 NULL,
	 {"attach web1 eth1 --persistent", "attach web2 eth1 --form hostdev"},
	 "set-vfs eth1 4 --prebind --park",
	 4},
	{"prebound and more",
	 NULL,
	 {"attach web1 eth1 --persistent"},
	 "set-vfs eth1 6 --prebind --park",
	 4},
	{"nobody", NULL, {NULL}, "set-vfs eth1 7", 4},
};

/* What each view should have, MACs and guest addresses included. */
static struct owned {
	char *live[2], *config[2];
} owned;

static void owned_learn(const struct world *w)
{
	for (size_t i = 0; i < 2; i++) {
		owned.live[i] = mem_strdup(w->domains[i].live.metadata);
		owned.config[i] = mem_strdup(w->domains[i].config.metadata);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static const char *lost(struct world *w)
{
	for (size_t i = 0; i < 2; i++)
		if (!same_text(owned.live[i], w->domains[i].live.metadata) ||
		    !same_text(owned.config[i], w->domains[i].config.metadata))
			return "a guest has not what it had";
	return world_pf(w)->nvfs ? NULL : "the PF is left without VFs";
}

static void owned_clear(void)
{
	for (size_t i = 0; i < 2; i++) {
		free(owned.live[i]);
		free(owned.config[i]);
	}
}

static void set_scene(struct world *w, const void *scenario)
{
	const struct scenario *s = scenario;

	make_world(w, s->nvfs);
	if (s->off)
		world_stop(w, s->off);
	for (size_t i = 0; i < ARRAY_SIZE(s->before) && s->before[i]; i++)
		assert_run(w, s->before[i], 0);
	owned_learn(w);
}

/* With this command all is well again, and each guest has what it had. */
static void assert_right_after(struct world *w, const char *command, const struct broken *broken)
{
	struct err *err = NULL;
	const char *is;

	if (world_run(w, command, &err))
		fail_msg("%s, %s: %s fails: %s", broken->name, broken->where, command, err->what);
	/* Nothing is left bound to what only the interrupted one wanted. */
	is = world_broken(w);
	if (!is)
		is = lost(w);
	if (is)
		fail_msg("%s, %s, then %s: %s", broken->name, broken->where, command, is);
	owned_clear();
}

static void assert_mended(struct world *w, const void *scenario, const struct broken *broken)
{
	(void)scenario;
	assert_right_after(w, "reconcile", broken);
	assert_run(w, "reconcile", 0);
	for (size_t i = 0; i < w->leases.n; i++)
		assert_int_equal(w->leases.items[i].state, LEASE_HELD);
}

static void assert_repeated(struct world *w, const void *scenario, const struct broken *broken)
{
	const struct scenario *s = scenario;

	assert_right_after(w, s->command, broken);
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

/* The same command once more does as well as a reconcile, and ends with what was asked for. */
static void killed_and_repeated(void **state)
{
	static const struct breaking repeated = {set_scene, assert_repeated};

	(void)state;
	break_all(&repeated, BREAK_DIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_vfs_on_a_new_host),
		cmocka_unit_test(options_are_held_against_each_other),
		cmocka_unit_test(guests_are_parked_and_get_theirs_back),
		cmocka_unit_test(vfs_that_vanish_are_replaced),
		cmocka_unit_test(the_one_vf_wanted_must_stay),
		cmocka_unit_test(others_are_never_touched),
		cmocka_unit_test(definitions_are_listed),
		cmocka_unit_test(a_definition_finds_its_settings),
		cmocka_unit_test(guests_that_do_not_let_go),
		cmocka_unit_test(the_kernels_refusals_are_undone),
		cmocka_unit_test(no_driver_has_its_own_words),
		cmocka_unit_test(removing_the_vfs_is_refused),
		cmocka_unit_test(fewer_than_asked_for),
		cmocka_unit_test(the_kernel_hangs),
		cmocka_unit_test(stragglers_are_bound),
		cmocka_unit_test(no_nics),
		cmocka_unit_test(homes),
		cmocka_unit_test(persistence),
		cmocka_unit_test(nobody_attaches_meanwhile),
		cmocka_unit_test(failed_everywhere),
		cmocka_unit_test(killed_everywhere),
		cmocka_unit_test(killed_and_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
