/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* restore: as virsh's, and the guest gets back what was parked. */
#include <errno.h>
#include <string.h>

#include "converge/converge.h"
#include "core/cleanup.h"
#include "verbs/save_options.h"
#include "verbs/unparked.h"
#include "verbs/verb.h"
#include "xml/domain.h"

static const struct argp_option options[] = {
	SAVE_OPTIONS,
	{0},
};

struct request {
	const char *file;
	unsigned flags;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	if (save_option(&request->flags, key))
		return 0;
	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num)
			return ARGP_ERR_UNKNOWN;
		request->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (request->file)
			return save_check(state, request->flags);
		argp_error(state, "it takes a file");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Who is in the file? The guest has no handle before it is restored, and its name may be another's.
 */
static int find_uuid(struct virt *virt, const char *file, char uuid[UUID_STRLEN], struct err **err)
{
	struct domain_view view = {0};
	cleanup_free char *xml = NULL;

	if (virt->ops->saved_xml(virt, file, &xml, err) || domain_xml_parse(xml, &view, err))
		return -1;
	memcpy(uuid, view.uuid, sizeof(view.uuid));
	domain_view_clear(&view);
	return *uuid ? 0 : err_set(err, ERR_FAILED, "the guest in it has no UUID");
}

static int restore(struct session *session, const struct request *request, struct err **err)
{
	struct virt *virt = session->edges.virt;
	char uuid[UUID_STRLEN];
	struct converge c;
	int result;

	if (find_uuid(virt, request->file, uuid, err) ||
	    virt->ops->restore(virt, request->file, request->flags, err))
		return err_now(err, "nothing was changed");
	if (converge_open(&c, &session->edges, uuid, CONVERGE_TIMEOUT_S, err))
		return err_now(err, "the guest runs, but has not got its VFs back");
	result = unparked(&c, session->mode, "restored", err);
	if (result) {
		err_now(err, "%s runs, but has not got all its VFs back", c.dom.name);
		err_next(err, "`vfpool unpark %s` gives them back", c.dom.name);
	}
	converge_close(&c);
	return result;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {0};
	int parsed = verb_parse(verb, parse, argc, argv, &request, err);

	if (parsed)
		return parsed < 0 ? -1 : 0;
	if (session_need(session, NEED_HOST | NEED_POOLS | NEED_VIRT | NEED_STORE_WRITE, err) ||
	    restore(session, &request, err))
		return err_wrap(err, "restoring from %s", request.file);
	return 0;
}

const struct verb verb_restore = {
	.name = "restore",
	.args = "FILE",
	.help = "Restore a saved guest, and give it its VFs back",
	.options = options,
	.run = run,
};
