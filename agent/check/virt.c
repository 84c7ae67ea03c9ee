// SPDX-License-Identifier: LGPL-2.1-or-later
/* libvirt, its daemon's limits, and its hooks. */
#include <stdlib.h>
#include <string.h>

#include "check/rules.h"
#include "check/words.h"
#include "core/cleanup.h"
#include "core/mem.h"

#define VERSION(major, minor) ((major)*1000000UL + (minor)*1000UL)

static const struct {
	unsigned long before; /* it is mended in this version */
	const char *name;
	const char *what;
} races[] = {
	{VERSION(9, 5), "9.5", "a VF that a guest has let go of can stay in its definition"},
};

static char *version_text(unsigned long version)
{
	return mem_printf("%lu.%lu.%lu", version / 1000000, version / 1000 % 1000, version % 1000);
}

static void judge_version(struct judging *j)
{
	const struct libvirt_facts *libvirt = &j->facts->libvirt;
	cleanup_free char *version = version_text(libvirt->version);
	cleanup_free char *hypervisor = version_text(libvirt->hypervisor);

	for (size_t i = 0; i < ARRAY_SIZE(races); i++) {
		if (libvirt->version >= races[i].before)
			continue;
		report(j, CHECK_LIBVIRT, VERDICT_WARN,
		       mem_printf(
			       "upgrade libvirt to %s or later; until then, when `virsh dumpxml` "
			       "still shows such a VF, stop and start the guest",
			       races[i].name),
		       "libvirt %s: %s (mended in %s)", version, races[i].what, races[i].name);
		return;
	}
	report(j, CHECK_LIBVIRT, VERDICT_PASS, NULL, "libvirt %s, %s %s", version, libvirt->driver,
	       hypervisor);
}

static void judge_connection(struct judging *j)
{
	const struct libvirt_facts *libvirt = &j->facts->libvirt;

	if (!libvirt->asked)
		return;
	if (libvirt->err)
		report(j, CHECK_LIBVIRT, VERDICT_FAIL,
		       mem_strdup(libvirt->err->next
					  ? libvirt->err->next
					  : "look for the reason: systemctl status libvirtd "
					    "virtqemud"),
		       "%s", libvirt->err->what);
	else if (strcmp(libvirt->driver, "QEMU") != 0)
		report(j, CHECK_LIBVIRT, VERDICT_WARN,
		       mem_strdup("connect to QEMU's driver: vfpool -c qemu:///system check"),
		       "%s is libvirt's driver for %s, which takes no VFs", libvirt->uri,
		       libvirt->driver);
	else if (strstr(libvirt->uri, "/session"))
		report(j, CHECK_LIBVIRT, VERDICT_WARN,
		       mem_strdup("connect to the system's libvirt: sudo vfpool -c qemu:///system "
				  "check"),
		       "%s is a user's own libvirt, which cannot give VFs to guests", libvirt->uri);
	else
		judge_version(j);
}

/* Memory */

/* The hard limit as /proc/PID/limits has it. false: not found. */
static bool memlock_limit(const char *limits, bool *unlimited, unsigned long long *bytes)
{
	static const char key[] = "Max locked memory";
	const char *rest = limits ? strstr(limits, key) : NULL, *hard;
	size_t length;

	if (!rest)
		return false;
	rest += sizeof(key) - 1;
	(void)next_word(&rest, &length);
	hard = next_word(&rest, &length);
	if (!hard)
		return false;
	*unlimited = strncmp(hard, "unlimited", 9) == 0;
	*bytes = strtoull(hard, NULL, 10);
	return true;
}

/* Whoever has CAP_SYS_RESOURCE raises limits for a guest as it needs. */
static bool can_raise_limits(const char *status)
{
	enum { CAP_SYS_RESOURCE_BIT = 24 };
	const char *caps = status ? strstr(status, "\nCapEff:") : NULL;

	return caps && strtoull(caps + strlen("\nCapEff:"), NULL, 16) >> CAP_SYS_RESOURCE_BIT & 1;
}

static void judge_memlock(struct judging *j)
{
	const struct daemon *daemon = &j->facts->libvirt.daemon;
	unsigned long long bytes;
	bool unlimited;

	if (!daemon->name || !memlock_limit(daemon->limits, &unlimited, &bytes))
		return;
	if (unlimited)
		report(j, CHECK_MEMLOCK, VERDICT_PASS, NULL, "%s may lock any amount of memory",
		       daemon->name);
	else if (can_raise_limits(daemon->status))
		report(j, CHECK_MEMLOCK, VERDICT_PASS, NULL,
		       "%s raises the limit for each guest as it needs", daemon->name);
	else
		report(j, CHECK_MEMLOCK, VERDICT_WARN,
		       mem_printf("mkdir -p /etc/systemd/system/%s.service.d && printf "
				  "'[Service]\\nLimitMEMLOCK=infinity\\n' > "
				  "/etc/systemd/system/%s.service.d/memlock.conf && systemctl "
				  "daemon-reload && systemctl restart %s",
				  daemon->name, daemon->name, daemon->name),
		       "%s can lock %llu MiB and not raise that: a guest with more memory gets no "
		       "VF",
		       daemon->name, bytes >> 20);
}

/* Hooks */

static const struct hook *first_without_x(const struct libvirt_facts *libvirt)
{
	for (size_t i = 0; i < libvirt->nhooks; i++)
		if (!libvirt->hooks[i].executable)
			return &libvirt->hooks[i];
	return NULL;
}

static void judge_hook(struct judging *j)
{
	const struct libvirt_facts *libvirt = &j->facts->libvirt;
	const struct hook *hook = first_without_x(libvirt);
	cleanup_free char *word = NULL;

	if (!libvirt->hooks_read)
		return;
	if (hook) {
		word = shell_word(hook->path);
		report(j, CHECK_HOOK, VERDICT_WARN,
		       mem_printf("chmod +x %s%s%s", word,
				  libvirt->daemon.name ? " && systemctl restart " : "",
				  libvirt->daemon.name ? libvirt->daemon.name : ""),
		       "%s cannot be executed: libvirt passes it over", hook->path);
		return;
	}
	hook = libvirt->hooks;
	if (libvirt->nhooks && !libvirt_runs_hooks(libvirt))
		report(j, CHECK_HOOK, VERDICT_WARN,
		       mem_printf("systemctl restart %s (guests go on running)",
				  libvirt->daemon.name),
		       "%s was changed after %s had started: if it is new, it is not run",
		       hook->path, libvirt->daemon.name);
	else if (!libvirt_own_hook(libvirt))
		report(j, CHECK_HOOK, VERDICT_WARN, mem_strdup("vfpool hook-install"),
		       "vfpool's is not installed: nobody looks for VFs before a guest starts "
		       "here, "
		       "or arrives");
	else
		report(j, CHECK_HOOK, VERDICT_PASS, NULL, "%s%s", LIBVIRT_OWN_HOOK,
		       libvirt->nhooks > 1 ? " and others" : "");
}

/* Where AppArmor's profiles for libvirt's daemons allow programs to be run from. */
static bool is_allowed_place(const char *path)
{
	static const char *const places[] = {"/etc/libvirt/hooks/", "/usr/bin/", "/usr/sbin/",
					     "/bin/", "/sbin/"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return true;
	return false;
}

/* A link into a place that is not allowed. A relative one stays among the hooks. */
static const struct hook *first_confined(const struct libvirt_facts *libvirt)
{
	for (size_t i = 0; i < libvirt->nhooks; i++) {
		const struct hook *hook = &libvirt->hooks[i];

		if (hook->target && *hook->target == '/' && !is_allowed_place(hook->target))
			return hook;
	}
	return NULL;
}

static void judge_apparmor(struct judging *j)
{
	const struct libvirt_facts *libvirt = &j->facts->libvirt;
	const char *daemon = libvirt->daemon.name;
	const struct hook *hook = first_confined(libvirt);
	cleanup_free char *rule = NULL;

	if (!hook) {
		report(j, CHECK_HOOK_CONFINEMENT, VERDICT_PASS, NULL,
		       "AppArmor confines %s, and lets its hooks run", daemon);
		return;
	}
	rule = mem_printf("  %s rmix,", hook->target);
	report(j, CHECK_HOOK_CONFINEMENT, VERDICT_WARN,
	       mem_printf("echo '%s' >> /etc/apparmor.d/local/usr.sbin.%s && apparmor_parser -r "
			  "/etc/apparmor.d/usr.sbin.%s",
			  rule, daemon, daemon),
	       "AppArmor does not let %s run %s", daemon, hook->target);
}

static void judge_confinement(struct judging *j)
{
	const struct libvirt_facts *libvirt = &j->facts->libvirt;
	const char *label = libvirt->daemon.label;

	if (!libvirt->hooks_read)
		return;
	if (libvirt->selinux_enforcing && libvirt->hooks_unconfined) {
		bool open = *libvirt->hooks_unconfined == '1';

		if (libvirt->nhooks && !open)
			report(j, CHECK_HOOK_CONFINEMENT, VERDICT_WARN,
			       mem_strdup("setsebool -P virt_hooks_unconfined on"),
			       "SELinux confines libvirt's hooks: virt_hooks_unconfined is off");
		else
			report(j, CHECK_HOOK_CONFINEMENT, VERDICT_PASS, NULL,
			       open ? "SELinux leaves libvirt's hooks alone"
				    : "SELinux has no hook to confine");
	} else if (libvirt->apparmor && label && strstr(label, "(enforce)")) {
		judge_apparmor(j);
	} else {
		report(j, CHECK_HOOK_CONFINEMENT, VERDICT_PASS, NULL,
		       "neither AppArmor nor SELinux confines libvirt's hooks");
	}
}

void judge_libvirt(struct judging *j)
{
	judge_connection(j);
	judge_memlock(j);
	judge_hook(j);
	judge_confinement(j);
}
