// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verbs/pool_change.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "converge/pools.h"
#include "core/cleanup.h"
#include "xml/pool.h"

#define LOCK_MS 10000 /* others hold it for no longer than it takes to write a file */

int pool_change_open(struct session *session, struct pool_change *change, struct err **err)
{
	struct edges *edges = &session->edges;

	*change = (struct pool_change){.session = session, .lock = -1};
	if (session_need(session, NEED_ROOT | NEED_HOST, err) < 0 ||
	    edges->lock("pools", edges->now() + LOCK_MS, &change->lock, err) < 0)
		return -1;
	if (pools_read(session->pools, &change->pools, err) == 0)
		return 0;
	pool_change_close(change);
	return -1;
}

void pool_change_close(struct pool_change *change)
{
	pools_clear(&change->pools);
	if (change->lock >= 0)
		(void)close(change->lock);
	change->lock = -1;
}

static int check_name(const struct pool *pool, const char *name, struct err **err)
{
	if (!name || !strcmp(pool->name, name))
		return 0;
	err_set(err, ERR_FAILED, "its name cannot be changed, to %s", pool->name);
	return err_next(err, "`vfpool pool-define` makes another pool");
}

int pool_change_admit(struct pool_change *change, const char *text, const char *what,
		      const char *name, struct pool *out, struct err **err)
{
	struct pool pool = {0};

	/* The reader has the better words. */
	if (pool_xml_parse(text, what, &pool, err) < 0)
		return -1;
	if (pool_xml_validate(text, what, err) < 0 || check_name(&pool, name, err) < 0 ||
	    pools_admit(change->session->edges.host, &change->pools, &pool, err) < 0) {
		pool_clear(&pool);
		return -1;
	}
	*out = pool;
	return 0;
}

int pool_change_write(struct pool_change *change, const struct pool *pool, struct err **err)
{
	cleanup_free char *text = pool_xml_format(pool);

	session_forget_pools(change->session);
	return poolfiles_write(change->session->pools, pool->name, text, err);
}

int pool_not_defined(const char *name, struct err **err)
{
	err_set(err, ERR_ABSENT, "there is no defined pool '%s'", name);
	return err_next(err, "`vfpool pool-list` shows those that there are");
}

int pool_file_find(struct session *session, const char *name, struct pool_file *out,
		   struct err **err)
{
	struct pool_files files;
	bool found = false;

	if (poolfiles_read(session->pools, &files, err) < 0)
		return -1;
	for (size_t i = 0; i < files.n && !found; i++) {
		if (strcmp(files.items[i].name, name) != 0)
			continue;
		*out = files.items[i];
		files.items[i] = (struct pool_file){0};
		found = true;
	}
	poolfiles_clear(&files);
	return found ? 0 : pool_not_defined(name, err);
}

void pool_file_clear(struct pool_file *file)
{
	free(file->name);
	free(file->path);
	free(file->text);
	free(file->error);
	*file = (struct pool_file){0};
}
