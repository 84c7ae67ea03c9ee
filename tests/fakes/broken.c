// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fakes/broken.h"

#include "core/cleanup.h"
#include "core/mem.h"

unsigned break_everywhere(const struct breaking *breaking, enum break_how how, const char *name,
			  const char *command, const void *scenario)
{
	for (unsigned n = 1;; n++) {
		cleanup_free char *where = NULL;
		cleanup_err struct err *err = NULL;
		struct broken broken = {.name = name};
		struct world w;

		breaking->set(&w, scenario);
		w.calls = 0;
		w.fail_at = n;
		w.dies = how == BREAK_DIES;
		broken.status = world_run(&w, command, &err);
		broken.err = err;
		broken.whole = w.calls < n;
		where = broken.whole ? mem_strdup("never broken")
				     : mem_printf("%s at call %u (%s)",
						  how == BREAK_DIES ? "killed" : "failed", n,
						  w.failed_in);
		broken.where = where;
		w.fail_at = 0;
		breaking->check(&w, scenario, &broken);
		world_clear(&w);
		if (broken.whole)
			return n - 1;
	}
}
