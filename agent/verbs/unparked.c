/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs/unparked.h"

#include "converge/park.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "verbs/assigned.h"

int unparked_nothing(enum table_mode mode, const char *name, struct err **err)
{
	cleanup_table struct table *table = NULL;

	if (assigned_new(name, mode, &table, err))
		return -1;
	return mode == TABLE_JSON ? table_print(table, err) : 0;
}

int unparked(struct converge *c, enum table_mode mode, const char *name, struct err **err)
{
	cleanup_table struct table *table = NULL;
	cleanup_err struct err *unprinted = NULL;
	struct plan plan = {0};
	size_t done = 0;
	int result;

	if (assigned_new(name, mode, &table, err))
		return -1;
	result = unpark_domain(c, &plan, err);
	for (size_t i = 0; i < plan.nsubjects; i++)
		if (plan.subjects[i].did && !plan.subjects[i].failed) {
			assigned_add(table, c->dom.name, &plan.subjects[i]);
			done++;
		}
	if (result && done && (*err)->code != ERR_LOST)
		err_recode(err, ERR_PARTIAL);
	if (!result && !done)
		log_say("nothing of %s is parked", c->dom.name);
	if ((done || mode == TABLE_JSON) && table_print(table, result ? &unprinted : err))
		result = -1;
	plan_clear(&plan);
	return result;
}

static int not_given_back(const struct converge *c, const struct err *why, struct err **err)
{
	if (why->code == ERR_LOST) {
		err_now(err, "whether %s still runs is not known", c->dom.name);
		return err_next(err, "`vfpool unpark %s` when libvirt is back, if it runs",
				c->dom.name);
	}
	err_now(err, "%s has not got all its VFs back: %s", c->dom.name, why->what);
	return err_next(err,
			"the agent goes on with that, as far as it runs; else mend it, then "
			"`vfpool unpark %s`",
			c->dom.name);
}

int unparked_in_vain(struct converge *c, struct err **err)
{
	cleanup_err struct err *why = NULL;
	struct plan plan = {0};

	if (converge_again(c, CONVERGE_TIMEOUT_S, &why) || unpark_domain(c, &plan, &why))
		not_given_back(c, why, err);
	else if (c->domain.live.present)
		err_now(err, "%s runs on here, with its VFs as before", c->dom.name);
	else
		err_now(err, "%s does not run", c->dom.name);
	plan_clear(&plan);
	return -1;
}
