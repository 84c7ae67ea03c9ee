// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hook/hook.h"

#include <string.h>

#include "core/cleanup.h"
#include "xml/domain.h"

static const struct answer {
	const char *op, *sub_op;
	bool can_refuse;
	int (*run)(const struct hook_call *call, struct domain_view *view, struct err **err);
} answers[] = {
	{"migrate", "begin", true, hook_arrive},
	{"restore", "begin", true, hook_arrive},
	{"prepare", "begin", true, hook_prepare},
	{"release", "end", false, hook_release},
};

static const struct answer *find(const struct hook_call *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (!strcmp(call->op, answers[i].op) && !strcmp(call->sub_op, answers[i].sub_op))
			return &answers[i];
	return NULL;
}

bool hook_asks(const struct hook_call *call)
{
	return find(call) != NULL;
}

bool hook_can_refuse(const struct hook_call *call)
{
	const struct answer *answer = find(call);

	return answer && answer->can_refuse;
}

/*
 * Is there anything of ours in the XML? libvirt writes it anew from what it has understood, so
 * names of ours are in it as they are, or not at all.
 */
static bool hook_concerns(const char *xml)
{
	return strstr(xml, METADATA_URI) || strstr(xml, ASSIGNMENT_ALIAS_PREFIX);
}

int hook_answer(const struct hook_call *call, const char *xml, struct err **err)
{
	cleanup(domain_view_clear) struct domain_view view = {0};
	cleanup(vf_moves_clear) struct vf_moves moves = {0};
	const struct answer *answer = find(call);
	struct hook_call own = *call;

	if (!answer || !hook_concerns(xml))
		return 0;
	own.moves = &moves;
	if (domain_xml_parse(xml, &view, err) || answer->run(&own, &view, err))
		return -1;
	return moves.n ? domain_xml_move(xml, &moves, call->changed, err) : 0;
}
