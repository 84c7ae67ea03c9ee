/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converge/domain.h"

#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/domain.h"

static int read_view(struct virt *virt, const struct virt_dom *dom, unsigned which,
		     struct domain_view *view, struct err **err)
{
	cleanup_free char *xml = NULL;
	cleanup_err struct err *why = NULL;

	if (virt->ops->xml(virt, dom, which, &xml, &why)) {
		/* It stopped, or was undefined, just now: then it has no such view. */
		if (why->code == ERR_ABSENT)
			return 0;
		return err_pass(err, steal(&why));
	}
	if (domain_xml_parse(xml, view, err))
		return -1;
	view->present = true;
	return 0;
}

int domain_read(struct virt *virt, const struct virt_dom *dom, struct domain *out, struct err **err)
{
	struct domain d = {.name = mem_strdup(dom->name)};
	struct virt_state state;

	memcpy(d.uuid, dom->uuid, sizeof(d.uuid));
	if (virt->ops->state(virt, dom, &state, err) ||
	    (state.running && read_view(virt, dom, VIEW_LIVE, &d.live, err)) ||
	    (state.persistent && read_view(virt, dom, VIEW_CONFIG, &d.config, err))) {
		domain_clear(&d);
		return -1;
	}
	d.paused = state.paused;
	d.moving = state.moving;
	*out = d;
	return 0;
}
