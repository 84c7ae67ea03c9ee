// SPDX-License-Identifier: LGPL-2.1-or-later
/* The files that keep a number of VFs, on machines with all kinds of udev, systemd and
 * NetworkManager. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/machine.h"
#include "fakes/tree.h"
#include "host/file.h"
#include "host/persist.h"

#define RULES "etc/udev/rules.d/70-vfpool-0000:01:00.0.rules"
#define LINK "etc/systemd/network/10-vfpool-0000:01:00.0.link"
#define DROP_IN "vfpool-0000:01:00.0.conf"
#define WAIT "etc/systemd/system/%s.service.d/" DROP_IN

static char root[64], programs[96];
static char *path_before;

/* A program that the machine has; the text is a shell's. */
static void program(const char *name, const char *text)
{
	cleanup_free char *path = mem_printf("%s/%s", programs, name);

	machine_line(root, "file bin/%s #!/bin/sh", name);
	machine_line(root, "more bin/%s %s", name, text);
	assert_int_equal(chmod(path, 0755), 0);
}

/* udev applies this .link file to eth1; NULL: none. */
static void applies(const char *file)
{
	cleanup_free char *text =
		mem_printf("case $1 in --version) echo 252 ;; *) test \"$3\" = "
			   "--path=/sys/class/net/eth1 || exit 1; echo ID_NET_DRIVER=igb; echo "
			   "%s%s ;; esac",
			   file ? "ID_NET_LINK_FILE=" : "X=", file ? file : "");

	program("udevadm", text);
}

static int setup(void **state)
{
	(void)state;
	(void)strcpy(root, "/tmp/vfpool-persist-XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(programs, sizeof(programs), "%s/bin", root);
	path_before = mem_strdup(getenv("PATH"));
	assert_int_equal(setenv("PATH", programs, 1), 0);
	machine_line(root, "dir etc/udev/rules.d");
	machine_line(root, "dir etc/systemd/system");
	machine_line(root, "link usr/bin/udevadm %s/udevadm", programs);
	applies(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(setenv("PATH", path_before, 1), 0);
	free(steal(&path_before));
	tree_remove(root);
	return 0;
}

static struct pf pf = {.addr = {.bus = 1}, .netdev = (char[]){"eth1"}, .driver = (char[]){"igb"}};

static struct persist seven(enum persist_kind kind)
{
	return (struct persist){.pf = &pf, .count = 7, .home = VF_HOME_HOST, .kind = kind};
}

static void assert_written(const struct persist *persist, const char *where)
{
	cleanup_free char *path = NULL, *wanted = mem_printf("%s/%s", root, where);
	struct err *err = NULL;
	struct stat st;

	if (persist_write(root, persist, &path, &err))
		fail_msg("%s", err->what);
	assert_string_equal(path, wanted);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
}

static void assert_refused(const struct persist *persist, const char *what, const char *next)
{
	cleanup_free char *path = NULL;
	cleanup_err struct err *err = NULL;

	assert_int_equal(persist_write(root, persist, &path, &err), -1);
	assert_int_equal(err->code, ERR_UNSUPPORTED);
	if (!strstr(err->what, what))
		fail_msg("'%s' does not say '%s'", err->what, what);
	if (!err->next || !strstr(err->next, next))
		fail_msg("'%s' does not say '%s'", err->next, next);
	assert_null(path);
}

/* NULL: it is not there. */
static char *text_of(const char *where)
{
	cleanup_free char *path = mem_printf("%s/%s", root, where);
	char *text = NULL;

	return file_read(path, &text, NULL) ? NULL : text;
}

static void assert_text(const char *where, const char *wanted)
{
	cleanup_free char *text = text_of(where);

	assert_non_null(text);
	/* The first line says who made it. */
	assert_ptr_equal(strstr(text, "# Made by `vfpool set-vfs --persist`"), text);
	assert_string_equal(strchr(text, '\n') + 1, wanted);
}

static void assert_there(const char *where)
{
	cleanup_free char *text = text_of(where);

	assert_non_null(text);
}

static void assert_gone(const char *where)
{
	cleanup_free char *path = mem_printf("%s/%s", root, where);
	struct stat st;

	if (!lstat(path, &st))
		fail_msg("%s is there", where);
}

/* Texts */

#define PF_RULE                                                                                \
	"ACTION==\"add|bind\", SUBSYSTEM==\"pci\", KERNEL==\"0000:01:00.0\", DRIVER==\"?*\", " \
	"ATTR{sriov_numvfs}==\"0\", "

static void a_rule_by_address(void **state)
{
	struct persist p = seven(PERSIST_UDEV);
	cleanup_free char *none = NULL, *vfio = NULL;

	(void)state;
	assert_written(&p, RULES);
	assert_text(RULES, PF_RULE "ATTR{sriov_numvfs}=\"7\"\n");
	/* No driver comes first, so that is said before there are any. */
	p.home = VF_HOME_NONE;
	none = persist_rules(&p);
	assert_non_null(strstr(none, PF_RULE "ATTR{sriov_drivers_autoprobe}=\"0\"\n" PF_RULE
					     "ATTR{sriov_numvfs}=\"7\"\n"));
	assert_null(strstr(none, "vfio"));
	assert_false(persist_prebinds(root, pf.addr));
	p.home = VF_HOME_VFIO;
	vfio = persist_rules(&p);
	assert_non_null(strstr(vfio, "ATTR{sriov_drivers_autoprobe}=\"0\""));
	assert_non_null(strstr(vfio, "ATTR{physfn/uevent}==\"*PCI_SLOT_NAME=0000:01:00.0*\", "
				     "ATTR{driver_override}=\"vfio-pci\""));
	assert_written(&p, RULES);
	assert_true(persist_prebinds(root, pf.addr));
}

static void link_files_for_one_nic(void **state)
{
	static const struct {
		const char *text;
		bool own;
	} files[] = {
		{"[Match]\nMACAddress=a0:36:9f:8f:3f:b8\n", true},
		{"[Match]\n PermanentMACAddress = a0:36:9f:8f:3f:b8\r\n", true},
		{"[match]\npath=pci-0000:01:00.0\n", true},
		{"[Match]\nPath=pci-0000:01:*\n", false},
		{"[Match]\nMACAddress=a0:36:9f:8f:3f:b8 a0:36:9f:8f:3f:b9\n", false},
		{"[Match]\nOriginalName=*\n", false},
		{"[Match]\nOriginalName=!eth1\n", false},
		{"[Match]\nOriginalName=\n", false},
		{"[Match]\nDriver=igb\n", false},
		{"[Link]\nMACAddress=a0:36:9f:8f:3f:b8\n", false},
		{"[Match]\n#Path=pci-0000:01:00.0\n", false},
		{"[Match]\nPathological=pci-0000:01:00.0\n", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (persist_link_is_own(files[i].text) != files[i].own)
			fail_msg("%s", files[i].text);
	assert_true(persist_link_counts("[Link]\nSR-IOVVirtualFunctions = 4\n"));
	assert_false(persist_link_counts("[Link]\n#SR-IOVVirtualFunctions=4\nName=x\n"));
}

/* Files */

static void a_link_file_of_its_own_gets_a_drop_in(void **state)
{
	static const char drop_in[] = "etc/systemd/network/10-eth1.link.d/" DROP_IN;
	struct persist p = seven(PERSIST_LINK);
	cleanup_free char *theirs = NULL;

	(void)state;
	machine_line(root, "file usr/lib/systemd/network/10-eth1.link [Match]");
	machine_line(root, "more usr/lib/systemd/network/10-eth1.link Path=pci-0000:01:00.0");
	applies("/usr/lib/systemd/network/10-eth1.link");
	assert_written(&p, drop_in);
	assert_text(drop_in, "[Link]\nSR-IOVVirtualFunctions=7\n");
	p.count = 3;
	assert_written(&p, drop_in);
	assert_text(drop_in, "[Link]\nSR-IOVVirtualFunctions=3\n");
	theirs = text_of("usr/lib/systemd/network/10-eth1.link");
	assert_string_equal(theirs, "[Match]\nPath=pci-0000:01:00.0\n");
	/* As it was chosen before. */
	p.kind = PERSIST_CHOOSE;
	assert_written(&p, drop_in);
}

static void one_for_all_nics_is_copied(void **state)
{
	struct persist p = seven(PERSIST_LINK);
	static const char link[] = "usr/lib/systemd/network/99-default.link";

	(void)state;
	machine_line(root, "file %s [Match]", link);
	machine_line(root, "more %s OriginalName=*", link);
	machine_line(root, "more %s # words", link);
	machine_line(root, "more %s [Link]", link);
	machine_line(root, "more %s NamePolicy=keep kernel", link);
	machine_line(root, "more %s SR-IOVVirtualFunctions=2", link);
	machine_line(root, "more %s [SR-IOV]", link);
	machine_line(root, "more %s VirtualFunction=0", link);
	applies("/usr/lib/systemd/network/99-default.link");
	assert_written(&p, LINK);
	assert_text(LINK, "[Match]\nPath=pci-0000:01:00.0\n\n[Link]\nNamePolicy=keep kernel\n\n"
			  "[SR-IOV]\nVirtualFunction=0\n\n[Link]\nSR-IOVVirtualFunctions=7\n");
	/* The copy is applied by now: the next one is made of it. */
	applies("/" LINK);
	p.count = 4;
	assert_written(&p, LINK);
	assert_text(LINK, "[Match]\nPath=pci-0000:01:00.0\n\n[Link]\nNamePolicy=keep kernel\n\n"
			  "[SR-IOV]\nVirtualFunction=0\n\n[Link]\nSR-IOVVirtualFunctions=4\n");
	/* What comes before it would win, and what has drop-ins would lose them. */
	machine_line(root, "file etc/systemd/network/05-all.link [Match]");
	applies("/etc/systemd/network/05-all.link");
	assert_refused(&p, "would come after it", "--persist=udev");
	applies("/usr/lib/systemd/network/99-default.link");
	machine_line(root, "dir run/systemd/network/99-default.link.d");
	assert_refused(&p, "would lack its drop-ins", "--persist=udev");
}

static void what_a_link_file_cannot_do(void **state)
{
	struct persist p = seven(PERSIST_LINK);
	struct pf storage = {.addr = {.bus = 9}};

	(void)state;
	program("udevadm", "echo 250");
	assert_refused(&p, "systemd 250 knows no", "--persist=udev");
	applies(NULL);
	p.home = VF_HOME_VFIO;
	assert_refused(&p, "cannot keep the host's driver", "--persist=udev");
	p = (struct persist){.pf = &storage, .count = 2, .kind = PERSIST_LINK};
	assert_refused(&p, "has no interface", "--persist=udev");
	p.kind = PERSIST_CHOOSE;
	assert_written(&p, "etc/udev/rules.d/70-vfpool-0000:09:00.0.rules");
	/* Nor is there anything that it could have been written for. */
	assert_gone("etc/systemd/network");
	tree_drop(root, "etc/udev");
	assert_refused(&p, "has no udev", "write 2 to /sys/bus/pci/devices/0000:09:00.0/");
}

/* What was written in the other way goes, and only one of them is ever there. */
static void from_one_kind_to_the_other(void **state)
{
	struct persist p = seven(PERSIST_UDEV);
	bool was;

	(void)state;
	assert_written(&p, RULES);
	p.kind = PERSIST_LINK;
	assert_written(&p, LINK);
	assert_gone(RULES);
	p.kind = PERSIST_UDEV;
	assert_written(&p, RULES);
	assert_gone(LINK);
	machine_line(root, "file etc/systemd/network/10-eth1.link [Match]");
	machine_line(root, "more etc/systemd/network/10-eth1.link Path=pci-0000:01:00.0");
	applies("/etc/systemd/network/10-eth1.link");
	p.kind = PERSIST_LINK;
	assert_written(&p, "etc/systemd/network/10-eth1.link.d/" DROP_IN);
	assert_gone(RULES);
	machine_line(root, "file etc/systemd/network/10-eth1.link.d/theirs.conf [Link]");
	machine_line(root, "file etc/udev/rules.d/70-theirs.rules #");
	assert_int_equal(persist_forget(root, pf.addr, &was, NULL), 0);
	assert_true(was);
	assert_gone("etc/systemd/network/10-eth1.link.d/" DROP_IN);
	assert_int_equal(persist_forget(root, pf.addr, &was, NULL), 0);
	assert_false(was);
	/* Others' files stay. */
	assert_there("etc/systemd/network/10-eth1.link.d/theirs.conf");
	assert_there("etc/udev/rules.d/70-theirs.rules");
}

static void libvirt_waits(void **state)
{
	static const char *const daemons[] = {"libvirtd", "virtqemud", "virtnetworkd"};
	struct persist p = seven(PERSIST_UDEV);
	bool was;

	(void)state;
	assert_written(&p, RULES);
	for (size_t i = 0; i < ARRAY_SIZE(daemons); i++) {
		cleanup_free char *file = mem_printf(WAIT, daemons[i]);

		assert_text(file, "[Service]\nExecStartPre=-/usr/bin/udevadm settle --timeout=60 "
				  "--exit-if-exists=/sys/bus/pci/devices/0000:01:00.0/virtfn6\n");
	}
	assert_int_equal(persist_forget(root, pf.addr, &was, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(daemons); i++) {
		cleanup_free char *dir = mem_printf("etc/systemd/system/%s.service.d", daemons[i]);

		assert_gone(dir);
	}
	/* Without systemd nothing need wait in its way. */
	tree_drop(root, "etc/systemd");
	assert_written(&p, RULES);
	assert_gone("etc/systemd");
}

/* A name that is there already is replaced, and what it leads to stays as it is. */
static void links_are_not_followed(void **state)
{
	struct persist p = seven(PERSIST_UDEV);
	cleanup_free char *victim = NULL, *path = NULL, *again = NULL;
	struct err *err = NULL;

	(void)state;
	machine_line(root, "file victim precious");
	machine_line(root, "link " RULES " %s/victim", root);
	machine_line(root, "link etc/udev/rules.d/.70-vfpool-0000:01:00.0.rules.new %s/victim",
		     root);
	assert_written(&p, RULES);
	victim = text_of("victim");
	assert_string_equal(victim, "precious\n");
	assert_gone("etc/udev/rules.d/.70-vfpool-0000:01:00.0.rules.new");
	/* A directory that leads elsewhere is nothing to write to. */
	tree_drop(root, "etc/udev/rules.d");
	machine_line(root, "link etc/udev/rules.d ../../elsewhere");
	machine_line(root, "dir elsewhere");
	assert_int_equal(persist_write(root, &p, &path, &err), -1);
	assert_null(path);
	err_free(&err);
	again = text_of("elsewhere/70-vfpool-0000:01:00.0.rules");
	assert_null(again);
}

/* NetworkManager */

static void networkmanager_has_the_last_word(void **state)
{
	struct persist p = seven(PERSIST_CHOOSE);
	cleanup_free char *path = NULL;
	struct err *err = NULL;

	(void)state;
	program("nmcli", "test \"$*\" = '-g GENERAL.NM-MANAGED,GENERAL.CON-UUID device show eth1' "
			 "&& printf 'yes\\n1234-5678\\n'");
	assert_refused(&p, "NetworkManager manages eth1 (connection 1234-5678)",
		       "nmcli connection modify 1234-5678 sriov.total-vfs 7 && nmcli connection "
		       "modify 1234-5678 sriov.preserve-on-down yes");
	assert_int_equal(persist_write(root, &p, &path, &err), -1);
	assert_non_null(strstr(err->details, "sriov.preserve-on-down"));
	assert_non_null(strstr(err->details, "1.54"));
	err_free(&err);
	p.home = VF_HOME_VFIO;
	assert_refused(&p, "NetworkManager", "total-vfs 7 sriov.autoprobe-drivers 0 &&");
	assert_gone(RULES);
	/* Who says what kind it shall be gets that. */
	p = seven(PERSIST_UDEV);
	assert_written(&p, RULES);
}

static void not_networkmanagers(void **state)
{
	static const char *const answers[] = {
		"printf 'no\\n1234-5678\\n'",
		"printf 'yes\\n\\n'",
		"printf 'yes\\n--\\n'",
		"echo 'Error: NetworkManager is not running.' >&2; exit 8",
		"exec /nonexistent",
	};
	struct persist p = seven(PERSIST_CHOOSE);
	struct pf hostile = {.addr = {.bus = 1}, .netdev = (char[]){"--help"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		program("nmcli", answers[i]);
		assert_written(&p, RULES);
	}
	/* An interface that is called like an option is not given to it. */
	program("nmcli", "printf 'yes\\n1234-5678\\n'");
	p.pf = &hostile;
	assert_written(&p, RULES);
}

/* One that sets the number already has to be the one that does. */
static void what_fits_this_host(void **state)
{
	struct persist p = seven(PERSIST_CHOOSE);

	(void)state;
	machine_line(root, "file etc/systemd/network/10-eth1.link [Match]");
	machine_line(root, "more etc/systemd/network/10-eth1.link Path=pci-0000:01:00.0");
	applies("/etc/systemd/network/10-eth1.link");
	assert_written(&p, RULES);
	machine_line(root, "more etc/systemd/network/10-eth1.link [Link]");
	machine_line(root, "more etc/systemd/network/10-eth1.link SR-IOVVirtualFunctions=2");
	assert_written(&p, "etc/systemd/network/10-eth1.link.d/" DROP_IN);
	assert_gone(RULES);
	/* It could not keep drivers from them. */
	p.home = VF_HOME_NONE;
	assert_written(&p, RULES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_rule_by_address),
		TEST(link_files_for_one_nic),
		TEST(a_link_file_of_its_own_gets_a_drop_in),
		TEST(one_for_all_nics_is_copied),
		TEST(what_a_link_file_cannot_do),
		TEST(from_one_kind_to_the_other),
		TEST(libvirt_waits),
		TEST(links_are_not_followed),
		TEST(networkmanager_has_the_last_word),
		TEST(not_networkmanagers),
		TEST(what_fits_this_host),
	};

	return cmocka_run_group_tests_name("persist", tests, NULL, NULL);
}
