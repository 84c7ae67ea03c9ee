// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfpool hook-install, hook-remove: the hook where libvirt finds it, and what else it needs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "hook/hook.h"
#include "host/facts.h"
#include "host/hookfile.h"
#include "verbs/verb.h"

enum { COL_HOOK, COL_DONE, COL_KIND, COL_PROGRAM, COL_RESTART, COL_COUNT };

static const struct column columns[] = {
	[COL_HOOK] = {.name = "HOOK"},
	[COL_DONE] = {.name = "DONE"}, /* installed, updated, unchanged, removed or absent */
	[COL_KIND] = {.name = "KIND"}, /* link or copy */
	[COL_PROGRAM] = {.name = "PROGRAM"},
	[COL_RESTART] = {.name = "RESTART"}, /* the daemon, before the hook is run */
};

enum { KEY_DIR = 0x2000, KEY_COPY };

#define DIR_OPTION                                                                 \
	{                                                                          \
		"hooks", KEY_DIR, "DIR", 0,                                        \
			"libvirt's directory of hooks (default: " HOOKS_DIR ")", 0 \
	}

static const struct argp_option install_options[] = {
	DIR_OPTION,
	{"copy", KEY_COPY, NULL, 0, "Put a copy there, even where a link to the program would do",
	 0},
	{0},
};

static const struct argp_option remove_options[] = {DIR_OPTION, {0}};

struct request {
	const char *hooks;
	bool copy;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_DIR:
		request->hooks = arg;
		return 0;
	case KEY_COPY:
		request->copy = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* vfpool-hook, beside this program. */
static char *find_program(struct err **err)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (length < 0) {
		(void)err_errno(err, errno, "finding this program");
		return NULL;
	}
	self[length] = '\0';
	slash = strrchr(self, '/');
	return mem_printf("%.*s/vfpool-hook", (int)(slash - self), self);
}

static void tell_needs(const struct libvirt_facts *libvirt, bool restart)
{
	const char *unconfined = libvirt->hooks_unconfined;

	if (restart)
		log_say("%s looks for hooks only when it starts: `systemctl restart %s` (guests go "
			"on running)",
			libvirt->daemon.name, libvirt->daemon.name);
	if (libvirt->selinux_enforcing && unconfined && *unconfined != '1')
		log_say("SELinux keeps libvirt's hooks from doing anything: `setsebool -P "
			"virt_hooks_unconfined on`");
	if (libvirt->apparmor)
		log_say("AppArmor lets libvirt's daemon run it where it is: nothing is needed");
}

static int print(struct session *session, const struct request *request, const char *done,
		 const char *kind, const char *program, const char *restart, struct err **err)
{
	cleanup_table struct table *table = NULL;
	struct row *row;

	if (table_new("hook", columns, COL_COUNT, -1, session->mode, NULL, &table, err))
		return -1;
	row = table_row(table, NULL);
	row_set(row, COL_HOOK, "%s/qemu.d/vfpool", request->hooks);
	row_set(row, COL_DONE, "%s", done);
	if (kind)
		row_set(row, COL_KIND, "%s", kind);
	if (program)
		row_set(row, COL_PROGRAM, "%s", program);
	if (restart)
		row_set(row, COL_RESTART, "%s", restart);
	return table_print(table, err);
}

static int install(struct session *session, const struct request *request, struct err **err)
{
	cleanup(libvirt_facts_clear) struct libvirt_facts libvirt = {0};
	cleanup_free char *program = find_program(err);
	enum hookfile_done done;
	bool link, restart;

	if (!program)
		return -1;
	link = !request->copy && hookfile_may_link(program);
	if (facts_read_hooks(NULL, &libvirt, err) ||
	    hookfile_install(request->hooks, program, HOOK_MARK, link, &done, err))
		return -1;
	/* Another directory's hooks are another daemon's. */
	restart = libvirt.daemon.name && !libvirt_runs_hooks(&libvirt) &&
		  !strcmp(request->hooks, HOOKS_DIR);
	tell_needs(&libvirt, restart);
	return print(session, request, hookfile_done_name(done), link ? "link" : "copy", program,
		     restart ? libvirt.daemon.name : NULL, err);
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.hooks = HOOKS_DIR};
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);
	enum hookfile_done done;

	if (parsed)
		return parsed < 0 ? -1 : 0;
	if (session_need(session, NEED_ROOT, err))
		return -1;
	if (verb == &verb_hook_install)
		return install(session, &request, err);
	if (hookfile_remove(request.hooks, HOOK_MARK, &done, err))
		return -1;
	return print(session, &request, hookfile_done_name(done), NULL, NULL, NULL, err);
}

const struct verb verb_hook_install = {
	.name = "hook-install",
	.args = "",
	.help = "Put the hook where libvirt runs it",
	.options = install_options,
	.run = run,
};

const struct verb verb_hook_remove = {
	.name = "hook-remove",
	.args = "",
	.help = "Take the hook away from there",
	.options = remove_options,
	.run = run,
};
