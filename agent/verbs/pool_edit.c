// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pool-edit: as `virsh edit`. The editor gets a copy in a directory of its own, which nobody else
 * can enter. What is not valid is asked about; the definition is replaced only when all is well,
 * and nobody else has changed it meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "host/file.h"
#include "verbs/pool_change.h"

#define EDITOR "vi"
#define WORDS_MAX 16

static const struct argp_option options[] = {{0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **name = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*name)
			return ARGP_ERR_UNKNOWN;
		*name = arg;
		return 0;
	case ARGP_KEY_END:
		if (*name)
			return 0;
		argp_error(state, "it takes a pool");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The copy that is edited. */
struct copy {
	char *dir, *path;
};

static int copy_make(const struct pool_file *file, struct copy *copy, struct err **err)
{
	const char *top = getenv("TMPDIR");
	cleanup_free char *name = mem_printf("%s.xml", file->name);

	copy->dir = mem_printf("%s/vfpool-XXXXXX", top && *top ? top : "/tmp");
	if (!mkdtemp(copy->dir)) {
		err_errno(err, errno, "making a directory for the editor");
		free(steal(&copy->dir));
		return -1;
	}
	copy->path = mem_printf("%s/%s", copy->dir, name);
	return file_replace(copy->dir, name, file->text, err);
}

/* With what editors leave beside it. */
static void copy_drop(struct copy *copy)
{
	cleanup_free char *backup = copy->path ? mem_printf("%s~", copy->path) : NULL;

	if (copy->path)
		(void)unlink(copy->path);
	if (backup)
		(void)unlink(backup);
	if (copy->dir)
		(void)rmdir(copy->dir);
	free(copy->path);
	free(copy->dir);
}

static const char *chosen_editor(void)
{
	const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");

	if (visual && *visual)
		return visual;
	return editor && *editor ? editor : EDITOR;
}

static int spawn(char **argv, pid_t *pid)
{
	posix_spawnattr_t attr;
	sigset_t defaults;
	int error;

	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigdefault(&attr, &defaults);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	error = posix_spawnp(pid, argv[0], NULL, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	return error;
}

static int edit(const char *path, struct err **err)
{
	cleanup_free char *words = mem_strdup(chosen_editor());
	char *argv[WORDS_MAX + 2] = {0}, *rest = words;
	int n = 0, error, status;
	pid_t pid;

	/* It may have options: "vim -u NONE". There is no shell to make more of it. */
	for (char *word; n < WORDS_MAX && (word = strsep(&rest, " \t"));)
		if (*word)
			argv[n++] = word;
	if (!n)
		argv[n++] = (char[]){EDITOR};
	argv[n] = mem_strdup(path);
	error = spawn(argv, &pid);
	free(argv[n]);
	if (error) {
		err_errno(err, error, "starting the editor %s", argv[0]);
		return err_next(err, "name another one in VISUAL or EDITOR");
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "waiting for the editor");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, ERR_FAILED, "the editor %s failed", argv[0]);
}

/*
 * Is what was wrong to be edited once more? 0: yes. Whoever is not at a terminal cannot be asked,
 * and gets the error as it is.
 */
static int ask_again(struct err **err)
{
	char line[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return -1;
	err_print(*err, stderr);
	err_free(err);
	for (;;) {
		(void)fputs("Edit it again? [y,n] ", stderr);
		if (!fgets(line, sizeof(line), stdin) || !strcmp(line, "n\n"))
			return err_set(err, ERR_FAILED, "what was edited is thrown away");
		if (!strcmp(line, "y\n"))
			return 0;
	}
}

static int replace(struct session *session, const struct pool_file *file, const char *text,
		   struct err **err)
{
	cleanup(pool_file_clear) struct pool_file now = {0};
	cleanup(pool_clear) struct pool pool = {0};
	struct pool_change change;
	int rc;

	if (pool_change_open(session, &change, err) < 0)
		return -1;
	rc = pool_file_find(session, file->name, &now, err);
	if (rc == 0 && (!now.text || strcmp(now.text, file->text) != 0))
		rc = err_set(err, ERR_FAILED, "somebody else has changed it meanwhile");
	if (rc == 0)
		rc = pool_change_admit(&change, text, "what was edited", file->name, &pool, err);
	if (rc == 0)
		rc = pool_change_write(&change, &pool, err);
	pool_change_close(&change);
	return rc;
}

static int edit_copy(struct session *session, const struct pool_file *file, const struct copy *copy,
		     struct err **err)
{
	for (;;) {
		cleanup_free char *text = NULL;

		if (edit(copy->path, err) < 0 || file_read(copy->path, &text, err) < 0)
			return -1;
		if (!strcmp(text, file->text)) {
			log_say("pool %s is not changed", file->name);
			return 0;
		}
		if (replace(session, file, text, err) == 0) {
			log_say("pool %s changed", file->name);
			return 0;
		}
		(void)err_now(err, "the pool is as it was");
		if (ask_again(err) < 0)
			return -1;
	}
}

static int edit_pool(struct session *session, const char *name, struct err **err)
{
	cleanup(pool_file_clear) struct pool_file file = {0};
	cleanup(copy_drop) struct copy copy = {0};

	/* Before somebody has edited for nothing. */
	if (session_need(session, NEED_ROOT, err) < 0 ||
	    pool_file_find(session, name, &file, err) < 0)
		return -1;
	if (!file.text)
		return err_set(err, ERR_FAILED, "%s", file.error);
	return copy_make(&file, &copy, err) < 0 ? -1 : edit_copy(session, &file, &copy, err);
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	const char *name = NULL;
	int rc = verb_parse(verb, parse, argc, argv, &name, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	return edit_pool(session, name, err) < 0 ? err_wrap(err, "editing pool %s", name) : 0;
}

const struct verb verb_pool_edit = {
	.name = "pool-edit",
	.args = "POOL",
	.help = "Change a pool's definition in an editor",
	.options = options,
	.run = run,
};
