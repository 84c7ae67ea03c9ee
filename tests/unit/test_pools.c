// SPDX-License-Identifier: LGPL-2.1-or-later
/* Defined pools, on a made world of two PFs, with their files in a directory of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "converge/pools.h"
#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/tree.h"
#include "fakes/world.h"
#include "host/poolfiles.h"

static struct world world;
static char *dir;

static int setup(void **state)
{
	(void)state;
	world_init(&world, 7);
	(void)world_add_pf(&world, 7);
	dir = tree_dir();
	world.session.pools = dir;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_clear(&world);
	tree_remove(dir);
	free(dir);
	return 0;
}

/* A file as an administrator leaves it there. */
static void put(const char *name, const char *text)
{
	tree_file(dir, name, text);
	session_forget_pools(&world.session);
}

#define POOL(name, inside) "<pool><name>" name "</name>" inside "</pool>"

static void run(const char *command, int status)
{
	struct err *err = NULL;
	int got = world_run(&world, command, &err);

	if (got != status)
		fail_msg("%s: exit %d, not %d: %s", command, got, status,
			 err ? err->what : "no error");
	err_free(&err);
}

/* It fails, and this is in its words or details. */
static void refused(const char *command, int status, const char *words)
{
	cleanup_err struct err *err = NULL;
	int got = world_run(&world, command, &err);

	if (got != status ||
	    !(strstr(err->what, words) || (err->details && strstr(err->details, words))))
		fail_msg("%s: exit %d: %s\n%s", command, got, err ? err->what : "no error",
			 err && err->details ? err->details : "");
}

static char output[65536];

static const char *answer(const char *command)
{
	cleanup_free char *path = mem_printf("%s/../answer-%d", dir, getpid());
	int saved = dup(STDOUT_FILENO);
	FILE *file = fopen(path, "w+e");
	char *argv[16] = {0}, *rest, *words = mem_strdup(command);
	struct err *err = NULL;
	size_t size;
	int argc = 0;

	(void)fflush(stdout);
	(void)dup2(fileno(file), STDOUT_FILENO);
	rest = words;
	while (argc < 15 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	if (!strcmp(argv[0], "pool-list"))
		(void)verb_pool_list.run(&verb_pool_list, &world.session, argc, argv, &err);
	else if (!strcmp(argv[0], "pool-dumpxml"))
		(void)verb_pool_dumpxml.run(&verb_pool_dumpxml, &world.session, argc, argv, &err);
	else if (!strcmp(argv[0], "list"))
		(void)verb_list.run(&verb_list, &world.session, argc, argv, &err);
	else
		(void)verb_why.run(&verb_why, &world.session, argc, argv, &err);
	(void)fflush(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	rewind(file);
	size = fread(output, 1, sizeof(output) - 1, file);
	output[size] = '\0';
	(void)fclose(file);
	(void)unlink(path);
	err_free(&err);
	free(words);
	world.session.about = NULL;
	return output;
}

/* Which VFs the leases have, as "1/0 2/3", by bus and index. */
static const char *leased(void)
{
	static char text[256];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < world.leases.n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u/%u", i ? " " : "",
					 world.leases.items[i].pf.bus, world.leases.items[i].index);
	return text;
}

static void a_pool_spans_pfs(void **state)
{
	(void)state;
	put("fast.xml", POOL("fast", "<pf dev='eth*'/><policy name='spread'/>"));
	run("attach web1 fast --count 2", 0);
	assert_string_equal(leased(), "1/0 2/0");
	run("attach web2 fast", 0);
	assert_string_equal(leased(), "1/0 1/1 2/0");
	assert_null(world_broken(&world));
	run("reconcile", 0);
	run("detach web1 fast", 0);
	assert_string_equal(leased(), "1/1");
	run("detach web2 eth1", 0);
	assert_int_equal(world.leases.n, 0);
	assert_null(world_broken(&world));
}

static void by_every_name(void **state)
{
	static const char *const pfs[] = {"<pf dev='eth2'/>",
					  "<pf dev='uplink'/>",
					  "<pf dev='up*'/>",
					  "<pf driver='other'/>",
					  "<pf vendor='0x15b3'/>",
					  "<pf vendor='0x15b3' product='0x1018'/>",
					  "<pf><address bus='0x2' slot='0x0' function='0x0'/></pf>",
					  "<pf dev='eth*' driver='other'/>"};
	struct pf *pf = &world.inventory.pfs[1];

	(void)state;
	*(char **)mem_append(&pf->altnames, &pf->naltnames, sizeof(char *)) = mem_strdup("uplink");
	free(pf->driver);
	pf->driver = mem_strdup("other");
	pf->vendor = 0x15b3;
	pf->product = 0x1018;
	for (size_t i = 0; i < ARRAY_SIZE(pfs); i++) {
		cleanup_free char *xml = mem_printf(POOL("fast", "%s"), pfs[i]);

		put("fast.xml", xml);
		run("attach web1 fast", 0);
		assert_string_equal(leased(), "2/0");
		run("detach web1", 0);
	}
	put("fast.xml", POOL("fast", "<pf dev='eth9'/>"));
	refused("attach web1 fast", 1, "pool fast has no PF on this host");
}

static void defaults_and_their_order(void **state)
{
	const struct vf *vf = &world_pf(&world)->vfs[0];

	(void)state;
	put("fast.xml", POOL("fast", "<pf dev='eth1'/><device form='hostdev'/>"
				     "<vlan><tag id='10' qos='3'/></vlan>"
				     "<settings spoofchk='off'/>"));
	run("attach web1 fast", 0);
	assert_int_equal(vf->settings.vlan, 10);
	assert_int_equal(vf->settings.qos, 3);
	assert_false(vf->settings.spoofchk);
	assert_non_null(strstr(world_domain(&world, "web1")->live.devices[0].xml, "<hostdev"));
	assert_non_null(strstr(world_domain(&world, "web1")->live.metadata, "pool=\"fast\""));
	run("reconcile", 0);
	assert_null(world_broken(&world));
	run("detach web1", 0);
	run("attach web1 fast --vlan 20 --spoofchk on", 0);
	assert_int_equal(vf->settings.vlan, 20);
	assert_int_equal(vf->settings.qos, 0);
	assert_true(vf->settings.spoofchk);
	run("detach web1", 0);
	refused("attach web1 fast --form interface", 2, "libvirt sets the VLAN");
	run("attach web1 fast --form interface --vlan 0", 0);
	assert_int_equal(vf->settings.vlan, 0);
	assert_non_null(strstr(world_domain(&world, "web1")->live.devices[0].xml, "<interface"));
	run("detach web1", 0);
	/* The PF named itself has none of them. */
	run("attach web1 eth1", 0);
	assert_int_equal(vf->settings.vlan, 0);
}

static void excluded_and_reserved(void **state)
{
	(void)state;
	put("fast.xml", POOL("fast", "<pf dev='eth1'/><exclude index='0-1'/><exclude>"
				     "<address bus='0x1' slot='0x10' function='0x4'/></exclude>"
				     "<reserve index='3'/>"));
	run("attach web1 fast", 0);
	assert_string_equal(leased(), "1/4");
	/* Who names the PF gets no more than that. */
	run("attach web1 eth1", 0);
	assert_string_equal(leased(), "1/4 1/5");
	refused("attach web1 0000:01:10.0", 3, "pool fast excludes it");
	refused("attach web1 eth1/2", 3, "pool fast excludes it");
	refused("attach web1 fast/1", 3, "pool fast excludes it");
	run("attach web1 fast/3", 0);
	assert_string_equal(leased(), "1/3 1/4 1/5");
	run("detach web1 --all", 0);
	run("attach web1 0000:01:10.6", 0);
	assert_string_equal(leased(), "1/3");
	run("attach web2 fast --count 3", 0);
	refused("attach web2 eth1", 3, "excludes it");
	/* Another PF is not concerned. */
	run("attach web2 eth2", 0);
}

static void limits(void **state)
{
	(void)state;
	put("fast.xml", POOL("fast", "<pf dev='eth1'/><limit guest='2' total='3'/>"));
	refused("attach web1 fast --count 3", 3, "the guest has its 2 of pool fast");
	assert_int_equal(world.leases.n, 0);
	run("attach web1 fast --count 2", 0);
	refused("attach web1 fast", 3, "the guest has its 2 of pool fast");
	run("attach web2 fast", 0);
	refused("attach web2 fast", 3, "the 3 of pool fast are handed out");
	refused("why web2 fast", 3, "the 3 of pool fast are handed out");
	/* A PF that is not in it does not count. */
	run("attach web2 eth2", 0);
	run("detach web1 --all", 0);
	run("attach web2 fast", 0);
	assert_null(world_broken(&world));
}

/* A VF that is to be replaced does not count against the guest that has it. */
static void a_limit_leaves_room_for_another_vf(void **state)
{
	(void)state;
	put("fast.xml", POOL("fast", "<pf dev='eth1'/><limit guest='1'/>"));
	world.taken[world.ntaken++] = world_pf(&world)->vfs[0].addr;
	run("attach web1 fast", 0);
	assert_string_equal(leased(), "1/1");
}

static void numa_placement(void **state)
{
	struct fake_domain *web1 = world_domain(&world, "web1");

	(void)state;
	world.inventory.pfs[0].numa_node = 0;
	world.inventory.pfs[1].numa_node = 1;
	put("fast.xml", POOL("fast", "<pf dev='eth*'/><policy name='numa' mode='strict'/>"));
	web1->placement = "<vcpu cpuset='4-5'>2</vcpu>";
	run("attach web1 fast", 0);
	assert_string_equal(leased(), "2/0");
	run("detach web1", 0);
	web1->placement = "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='4'/>"
			  "<vcpupin vcpu='1' cpuset='6'/></cputune>";
	run("attach web1 fast", 0);
	assert_string_equal(leased(), "2/0");
	refused("attach web1 fast/9", 3, "no VF 9");
	run("detach web1", 0);
	/* One vCPU that may run anywhere: then so may the guest. */
	web1->placement = "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='4'/></cputune>";
	run("attach web1 fast", 0);
	assert_string_equal(leased(), "1/0");
	run("detach web1", 0);
	web1->placement = "<vcpu>2</vcpu><numatune><memory mode='strict' nodeset='1'/></numatune>";
	run("attach web1 fast --count 2", 0);
	assert_string_equal(leased(), "2/0 2/1");
	run("detach web1 --all", 0);
	assert_non_null(
		strstr(answer("why web1 fast"), "it is on NUMA node 0, and the guest is not"));
	/* Strict has no other; preferred has. */
	web1->ports = 8;
	refused("attach web1 fast --count 8", 3, "it is on NUMA node 0");
	put("fast.xml", POOL("fast", "<pf dev='eth*'/><policy name='numa'/>"));
	run("attach web1 fast --count 8", 0);
	assert_string_equal(leased(), "1/0 2/0 2/1 2/2 2/3 2/4 2/5 2/6");
}

static void one_guests_vfs_on_different_pfs(void **state)
{
	(void)state;
	put("bond.xml", POOL("bond", "<pf dev='eth*'/><policy name='anti-affinity'/>"));
	run("attach web1 bond --count 2", 0);
	assert_string_equal(leased(), "1/0 2/0");
	run("attach web2 eth1", 0);
	/* It goes where the guest has none yet. */
	assert_non_null(strstr(answer("why web2 bond"),
			       "0000:02:10.2  free          attach would take it"));
}

static void a_wrong_file_hides_no_other(void **state)
{
	(void)state;
	put("fast.xml", POOL("fast", "<pf dev='eth1'/>"));
	put("slow.xml", "<pool>\n<name>slow</name>\n<pf dev='eth2'/><speed/></pool>");
	put("named.xml", POOL("other", "<pf dev='eth9'/>"));
	put("notes.txt", "not a pool");
	put(".fast.xml.swp", "nor this");
	put("fast.xml~", "nor this");
	run("attach web1 fast", 0);
	refused("attach web1 slow", 1, "slow.xml: line 3: <speed>: does not belong here");
	refused("list slow", 1, "slow.xml: line 3");
	refused("why web1 slow", 1, "slow.xml: line 3");
	refused("pool-dumpxml slow", 1, "slow.xml: line 3");
	refused("attach web1 named", 1, "the pool in it is called other");
	refused("attach web1 other", 1, "there is no device other");
	assert_string_equal(answer("pool-list -n -o NAME,STATE,PFS,VFS,FREE,POLICY"),
			    "fast   usable  eth1  7  6  first-fit\n"
			    "named  wrong   -     -  -  -\n"
			    "slow   wrong   -     -  -  -\n");
	/* It can be taken from a guest though its pool cannot be read any more. */
	put("fast.xml", "<pool");
	run("reconcile", 0);
	run("detach web1 fast", 0);
	assert_int_equal(world.leases.n, 0);
}

static void files_that_others_can_write(void **state)
{
	cleanup_free char *path = mem_printf("%s/fast.xml", dir);
	cleanup_free char *other = mem_printf("%s/real.xml", dir);
	cleanup_free char *large = mem_zero(70000, 1);

	(void)state;
	put("fast.xml", POOL("fast", "<pf dev='eth1'/>"));
	run("attach web1 fast", 0);
	assert_int_equal(chmod(path, 0666), 0);
	session_forget_pools(&world.session);
	refused("attach web1 fast", 1, "can be written by everybody");
	assert_int_equal(unlink(path), 0);
	put("real.xml", POOL("real", "<pf dev='eth2'/>"));
	tree_link(dir, "fast.xml", "real.xml");
	session_forget_pools(&world.session);
	refused("attach web1 fast", 1, "is a symbolic link");
	run("attach web1 real", 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	session_forget_pools(&world.session);
	refused("attach web1 fast", 1, "is no file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	session_forget_pools(&world.session);
	refused("attach web1 fast", 1, "is no file");
	assert_int_equal(unlink(path), 0);
	memset(large, ' ', 69999);
	put("fast.xml", large);
	refused("attach web1 fast", 1, "File too large");
	if (geteuid() == 0) {
		put("fast.xml", POOL("fast", "<pf dev='eth1'/>"));
		assert_int_equal(chown(path, 12345, 0), 0);
		refused("attach web1 fast", 1, "belongs neither to root");
	}
	assert_int_equal(unlink(path), 0);
	/* The directory itself: then nothing is sure. */
	assert_int_equal(chmod(dir, 0777), 0);
	session_forget_pools(&world.session);
	refused("attach web1 eth1", 1, "can be written by everybody");
	assert_int_equal(chmod(dir, 0700), 0);
	run("attach web1 eth1", 0);
	assert_int_equal(unlink(other), 0);
}

static void no_directory_costs_nothing(void **state)
{
	unsigned calls;

	(void)state;
	world.session.pools = NULL;
	world.calls = 0;
	run("attach web1 eth1", 0);
	calls = world.calls;
	run("detach web1", 0);
	world.session.pools = "/nonexistent/pools";
	world.calls = 0;
	run("attach web1 eth1", 0);
	assert_int_equal(world.calls, calls);
	assert_string_equal(answer("pool-list"), "");
}

static void two_pools_hold_no_vf_together(void **state)
{
	(void)state;
	put("a.xml", POOL("a", "<pf dev='eth1'/><exclude index='4-6'/>"));
	put("b.xml", POOL("b", "<pf dev='eth1'/><exclude index='0-3'/>"));
	run("attach web1 a", 0);
	run("attach web1 b", 0);
	assert_string_equal(leased(), "1/0 1/4");
	/* What one leaves to the other can be had by the PF's name, too. */
	run("attach web1 eth1", 0);
	assert_string_equal(leased(), "1/0 1/1 1/4");
	run("detach web1 b", 0);
	assert_string_equal(leased(), "1/0 1/1");
	put("b.xml", POOL("b", "<pf dev='eth1'/><exclude index='0-2'/>"));
	refused("attach web1 a", 1, "pool a cannot be used: it and pool b both have VF eth1/3");
	refused("attach web1 b", 1, "pool b cannot be used: it and pool a both have VF eth1/3");
	/* Others are not concerned. */
	put("c.xml", POOL("c", "<pf dev='eth2'/>"));
	run("attach web1 c", 0);
	put("b.xml", POOL("b", "<pf driver='igb'/>"));
	refused("attach web1 b", 1, "both have");
	refused("attach web1 c", 1, "it and pool b both have PF eth2 (0000:02:00.0)");
}

static void define(const char *xml, int status, const char *words)
{
	cleanup_free char *path = mem_printf("%s/../define-%d.xml", dir, getpid());
	cleanup_free char *command = mem_printf("pool-define %s", path);
	FILE *file = fopen(path, "we");

	(void)fputs(xml, file);
	(void)fclose(file);
	if (words)
		refused(command, status, words);
	else
		run(command, status);
	(void)unlink(path);
}

static void definitions_are_checked(void **state)
{
	struct stat st;
	cleanup_free char *path = mem_printf("%s/fast.xml", dir);

	(void)state;
	define(POOL("fast", "<pf dev='eth1'/>"), 0, NULL);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_string_equal(answer("pool-dumpxml fast"), "<pool>\n"
							 "  <name>fast</name>\n"
							 "  <pf dev=\"eth1\"/>\n"
							 "</pool>\n");
	define("<pool>\n<name>slow</name></pool>", 1, "line 1: <pool>: has no <pf>");
	define(POOL("slow", "<pf driver='igb'/>"), 1,
	       "pools fast and slow would both have PF eth1 (0000:01:00.0)");
	define(POOL("slow", "<pf driver='igb'/><exclude index='1-6'/>"), 1,
	       "pools fast and slow would both have VF eth1/0");
	define(POOL("eth1", "<pf dev='eth2'/>"), 1, "would hide the PF of that name");
	define(POOL("eth2", "<pf dev='eth2'/>"), 0, NULL);
	define(POOL("fast", "<pf dev='eth1'/><exclude index='0'/>"), 0, NULL);
	assert_non_null(strstr(answer("pool-dumpxml fast"), "exclude index=\"0\""));
	run("attach web1 fast", 0);
	assert_string_equal(leased(), "1/1");
	refused("pool-define /nonexistent.xml", 1, "there is no /nonexistent.xml");
	refused("pool-dumpxml eth9", 1, "there is no defined pool 'eth9'");
	run("pool-define", 2);
	run("pool-define a b", 2);
	run("pool-dumpxml", 2);
	run("pool-undefine", 2);
	run("pool-edit", 2);
	run("pool-list fast", 2);
}

/* Failed at any call, a definition is not there. */
/* What only a NIC can have picks the NICs; where there are none, it is refused. */
static void pools_of_what_is_no_nic(void **state)
{
	(void)state;
	(void)world_add_nvme(&world, 4);
	define(POOL("disks", "<pf driver='nvme'/><vlan><tag id='5'/></vlan>"), 1,
	       "pool disks sets a VLAN, and its PFs are no NICs (0000:03:00.0)");
	define(POOL("disks", "<pf driver='nvme'/><device form='interface'/>"), 1,
	       "sets form interface");
	define(POOL("disks", "<pf driver='nvme'/>"), 0, NULL);
	run("attach web1 disks --count 2", 0);
	/* Whatever else is against them. */
	refused("attach web1 disks --vlan 5", 2, "it is no NIC, and only one has a VLAN");
	refused("attach web2 disks/0 --vlan 5", 2, "it is no NIC, and only one has a VLAN");
	refused("attach web2 disks/0", 3, "the VF is not free");
	run("pool-undefine disks --force", 0);
	run("detach web1 --all", 0);
	/* Written by hand, for PFs of both kinds. */
	put("both.xml", POOL("both", "<pf dev='eth1'/><pf driver='nvme'/>"
				     "<policy name='spread'/><settings spoofchk='off'/>"));
	run("attach web1 both --count 3", 0);
	for (size_t i = 0; i < world.leases.n; i++)
		assert_int_equal(world.leases.items[i].pf.bus, 1);
	refused("attach web1 both/9", 3, "both has no VF 9");
	put("both.xml", POOL("both", "<pf driver='nvme'/><rate max='10'/>"));
	refused("attach web2 both", 2, "it is no NIC, and pool both sets rates");
	assert_null(world_broken(&world));
}

static void defining_is_all_or_nothing(void **state)
{
	cleanup_free char *path = mem_printf("%s/fast.xml", dir);
	cleanup_free char *source = mem_printf("%s/source", dir);
	cleanup_free char *command = mem_printf("pool-define %s", source);
	unsigned n = 0;

	(void)state;
	tree_file(dir, "source", POOL("fast", "<pf dev='eth1'/>"));
	do {
		assert_int_equal(access(path, F_OK), -1);
		world.calls = 0;
		world.fail_at = ++n;
		(void)world_run(&world, command, NULL);
	} while (world.calls >= n);
	assert_int_equal(access(path, F_OK), 0);
	assert_true(n > 2);
}

static void from_the_standard_input(void **state)
{
	int fds[2], saved = dup(STDIN_FILENO);
	const char *xml = POOL("fast", "<pf dev='eth1'/>");

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], xml, strlen(xml)), (ssize_t)strlen(xml));
	(void)close(fds[1]);
	(void)dup2(fds[0], STDIN_FILENO);
	(void)close(fds[0]);
	run("pool-define -", 0);
	(void)dup2(saved, STDIN_FILENO);
	(void)close(saved);
	clearerr(stdin);
	run("attach web1 fast", 0);
}

static void undefine_spares_who_has_vfs(void **state)
{
	(void)state;
	define(POOL("fast", "<pf dev='eth1'/>"), 0, NULL);
	refused("pool-undefine slow", 1, "there is no defined pool 'slow'");
	run("attach web1 fast --persistent", 0);
	refused("pool-undefine fast", 1, "pool fast is in use");
	refused("pool-undefine fast", 1, "web1: assignment ");
	/* A guest that is gone, with its lease still there. */
	world_forget(&world, "web1");
	refused("pool-undefine fast", 1, "web1: a lease on VF 0000:01:10.0");
	run("reconcile", 0);
	run("pool-undefine fast", 0);
	refused("attach web2 fast", 1, "there is no device fast");
	define(POOL("fast", "<pf dev='eth1'/>"), 0, NULL);
	run("attach web2 fast", 0);
	run("pool-undefine fast --force", 0);
	refused("pool-dumpxml fast", 1, "there is no defined pool");
	/* The guest keeps its VF, and gives it back. */
	run("reconcile", 0);
	run("detach web2 fast", 0);
	assert_int_equal(world.leases.n, 0);
	assert_null(world_broken(&world));
	/* What cannot be read can be undefined. */
	put("slow.xml", "<pool");
	run("pool-undefine slow", 0);
}

static void each_pool_is_listed(void **state)
{
	(void)state;
	put("bond.xml", POOL("bond", "<pf dev='eth2'/><exclude index='6'/><policy name='numa'/>"
				     "<policy name='spread'/><limit guest='2' total='4'/>"));
	put("fast.xml", POOL("fast", "<pf dev='eth1'/><reserve index='6'/>"));
	put("gone.xml", POOL("gone", "<pf dev='eth9'/>"));
	run("attach web1 fast", 0);
	run("attach web1 eth1/4", 0);
	assert_string_equal(answer("pool-list"), "NAME  STATE   PFS   VFS  FREE  POLICY\n"
						 "bond  usable  eth2    6     4  numa,spread\n"
						 "fast  usable  eth1    7     4  first-fit\n"
						 "gone  no-pf   -       0     0  first-fit\n");
	assert_string_equal(answer("pool-list -n -o NAME,LEASED,LIMIT,GUESTLIMIT"),
			    "bond  0  4  2\n"
			    "fast  2  -  -\n"
			    "gone  0  -  -\n");
	assert_string_equal(answer("list fast -n -o NAME,STATE,POOL"), "eth1    up        fast\n"
								       "eth1/0  held      fast\n"
								       "eth1/1  free      fast\n"
								       "eth1/2  free      fast\n"
								       "eth1/3  free      fast\n"
								       "eth1/4  held      fast\n"
								       "eth1/5  free      fast\n"
								       "eth1/6  withheld  fast\n");
	/* What a pool leaves out is not free to anybody. */
	assert_non_null(strstr(answer("list -n -o NAME,STATE,POOL,REFUSAL"),
			       "eth2/5  free      bond  -\n"
			       "eth2/6  withheld  -     excluded\n"));
	assert_non_null(strstr(answer("why web1 bond"), "pool bond excludes it"));
	assert_string_equal(answer("list bond/2 -n -o NAME"), "eth2/2\n");
}

/* A program in the editor's place. */
static void edit_with(const char *script)
{
	cleanup_free char *path = mem_printf("%s/editor", dir);

	tree_file(dir, "editor", script);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(setenv("EDITOR", path, 1), 0);
	assert_int_equal(unsetenv("VISUAL"), 0);
}

static void edit(void **state)
{
	(void)state;
	define(POOL("fast", "<pf dev='eth1'/>"), 0, NULL);
	edit_with("#!/bin/sh\nexit 0\n");
	run("pool-edit fast", 0);
	edit_with("#!/bin/sh\nsed -i 's/eth1/eth2/' \"$1\"\n");
	run("pool-edit fast", 0);
	assert_non_null(strstr(answer("pool-dumpxml fast"), "eth2"));
	edit_with("#!/bin/sh\nsed -i 's/eth2/eth 2/' \"$1\"\n");
	refused("pool-edit fast", 1, "dev is \"eth 2\"");
	assert_non_null(strstr(answer("pool-dumpxml fast"), "eth2"));
	edit_with("#!/bin/sh\nsed -i 's/fast/slow/' \"$1\"\n");
	refused("pool-edit fast", 1, "its name cannot be changed, to slow");
	edit_with("#!/bin/sh\nexit 3\n");
	refused("pool-edit fast", 1, "failed");
	assert_int_equal(setenv("EDITOR", "/nonexistent/editor -x", 1), 0);
	refused("pool-edit fast", 1, "starting the editor /nonexistent/editor");
	refused("pool-edit slow", 1, "there is no defined pool 'slow'");
	/* What was wrong can be mended so. */
	put("slow.xml", "<pool><name>slow</name><pf dev='eth1'/><speed/></pool>");
	edit_with("#!/bin/sh\nsed -i 's,<speed/>,,' \"$1\"\n");
	run("pool-edit slow", 0);
	run("attach web1 slow", 0);
	/* Somebody else was faster. */
	edit_with(
		"#!/bin/sh\nsed -i 's/eth2/eth1/' \"$1\"\necho '<pool/>' >\"${0%/*}/fast.xml\"\n");
	refused("pool-edit fast", 1, "somebody else has changed it meanwhile");
	assert_int_equal(unsetenv("EDITOR"), 0);
}

static void files_of_a_directory_that_is_made(void **state)
{
	cleanup_free char *sub = mem_printf("%s/etc/pools", dir);
	cleanup_free char *parent = mem_printf("%s/etc", dir);
	struct pool_files files;
	struct stat st;
	mode_t mask = umask(077);
	bool was;

	(void)state;
	assert_int_equal(poolfiles_read(sub, &files, NULL), 0);
	assert_int_equal(files.n, 0);
	assert_int_equal(poolfiles_write(sub, "b", "text of b", NULL), 0);
	assert_int_equal(poolfiles_write(sub, "a", "text of a", NULL), 0);
	assert_int_equal(poolfiles_write(sub, "b", "another text", NULL), 0);
	(void)umask(mask);
	assert_int_equal(stat(parent, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(poolfiles_read(sub, &files, NULL), 0);
	assert_int_equal(files.n, 2);
	assert_string_equal(files.items[0].name, "a");
	assert_string_equal(files.items[0].text, "text of a");
	assert_string_equal(files.items[1].text, "another text");
	assert_null(files.items[1].error);
	poolfiles_clear(&files);
	assert_int_equal(poolfiles_remove(sub, "a", &was, NULL), 0);
	assert_true(was);
	assert_int_equal(poolfiles_remove(sub, "a", &was, NULL), 0);
	assert_false(was);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_pool_spans_pfs),
		TEST(by_every_name),
		TEST(defaults_and_their_order),
		TEST(excluded_and_reserved),
		TEST(limits),
		TEST(a_limit_leaves_room_for_another_vf),
		TEST(numa_placement),
		TEST(one_guests_vfs_on_different_pfs),
		TEST(a_wrong_file_hides_no_other),
		TEST(files_that_others_can_write),
		TEST(no_directory_costs_nothing),
		TEST(two_pools_hold_no_vf_together),
		TEST(definitions_are_checked),
		TEST(pools_of_what_is_no_nic),
		TEST(defining_is_all_or_nothing),
		TEST(from_the_standard_input),
		TEST(undefine_spares_who_has_vfs),
		TEST(each_pool_is_listed),
		TEST(edit),
		TEST(files_of_a_directory_that_is_made),
	};

	return cmocka_run_group_tests_name("pools", tests, NULL, NULL);
}
