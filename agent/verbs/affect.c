/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs/affect.h"

#include "converge/plan.h"

bool affect_option(struct affect *affect, int key)
{
	switch (key) {
	case AFFECT_KEY_LIVE:
		return affect->live = true;
	case AFFECT_KEY_CONFIG:
		return affect->config = true;
	case AFFECT_KEY_CURRENT:
		return affect->current = true;
	case AFFECT_KEY_PERSISTENT:
		return affect->persistent = true;
	default:
		return false;
	}
}

int affect_views(const struct affect *affect, const struct domain *domain, unsigned *views,
		 struct err **err)
{
	bool running = domain->live.present;
	unsigned wanted = 0;

	if (affect->current && (affect->live || affect->config || affect->persistent))
		return err_set(err, ERR_USAGE,
			       "--current cannot be used with --live, --config or --persistent");
	if (affect->live)
		wanted |= VIEW_LIVE;
	if (affect->config)
		wanted |= VIEW_CONFIG;
	if (affect->persistent)
		wanted |= VIEW_CONFIG | (running ? VIEW_LIVE : 0);
	if (!wanted)
		wanted = running ? VIEW_LIVE : VIEW_CONFIG;
	if (wanted & VIEW_LIVE && !running)
		return err_set(err, ERR_FAILED, "%s is not running", domain->name);
	if (wanted & VIEW_CONFIG && !domain->config.present)
		return err_set(err, ERR_FAILED,
			       "%s is transient: it has no definition for a next boot",
			       domain->name);
	*views = wanted;
	return 0;
}
