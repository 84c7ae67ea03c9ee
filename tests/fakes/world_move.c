/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fakes/world_inside.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static bool has_vf(const struct fake_view *view)
{
	for (size_t i = 0; i < view->ndevices; i++)
		if (!world_is_standby(&view->devices[i]))
			return true;
	return false;
}

int world_virt_save(struct virt *virt, const struct virt_dom *dom, const char *path, unsigned flags,
		    struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;

	(void)flags;
	if (world_call(w, "save", err))
		return -1;
	if (!d->live.present)
		return err_set(err, ERR_ABSENT, "it is not running");
	if (has_vf(&d->live))
		return err_set(err, ERR_FAILED, "VFIO migration is not supported");
	world_view_clear(&w->saved.live);
	w->saved.domain = d;
	w->saved.live = d->live;
	w->saved.managed = !path;
	d->live = (struct fake_view){0};
	return 0;
}

int world_virt_saved_xml(struct virt *virt, const char *path, char **out, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	if (world_call(w, "saved_xml", err))
		return -1;
	if (!w->saved.domain || w->saved.managed)
		return err_set(err, ERR_FAILED, "there is no %s", path);
	*out = world_view_xml(w->saved.domain, &w->saved.live);
	return 0;
}

int world_virt_restore(struct virt *virt, const char *path, unsigned flags, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = w->saved.domain;

	(void)flags;
	if (world_call(w, "restore", err))
		return -1;
	if (!d || w->saved.managed || d->live.present)
		return err_set(err, ERR_FAILED, "%s cannot be restored", path);
	d->live = world_view_copy(&w->saved.live);
	return 0;
}

int world_virt_snapshot_find(struct virt *virt, const struct virt_dom *dom, const char *name,
			     struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (world_call(w, "snapshot_find", err))
		return -1;
	if (w->snapshot.domain != dom->handle || (name && strcmp(name, "s") != 0))
		return err_set(err, ERR_FAILED, "there is no such snapshot");
	return 0;
}

int world_virt_snapshot_make(struct virt *virt, const struct virt_dom *dom, const char *xml,
			     unsigned flags, char **name, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;

	(void)flags;
	if (world_call(w, "snapshot_make", err))
		return -1;
	if (has_vf(&d->live) || strncmp(xml, "<domainsnapshot", 15) != 0)
		return err_set(err, ERR_FAILED, "VFIO migration is not supported");
	world_view_clear(&w->snapshot.live);
	world_view_clear(&w->snapshot.config);
	w->snapshot.domain = d;
	w->snapshot.live = world_view_copy(&d->live);
	w->snapshot.config = world_view_copy(&d->config);
	*name = mem_strdup("s");
	return 0;
}

int world_virt_snapshot_revert(struct virt *virt, const struct virt_dom *dom, const char *name,
			       unsigned flags, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);
	struct fake_domain *d = dom->handle;

	(void)flags;
	(void)name;
	if (world_call(w, "snapshot_revert", err))
		return -1;
	if (has_vf(&d->live))
		return err_set(err, ERR_FAILED, "the devices are others");
	world_view_clear(&d->live);
	world_view_clear(&d->config);
	d->live = world_view_copy(&w->snapshot.live);
	d->config = world_view_copy(&w->snapshot.config);
	return 0;
}

int world_virt_published(struct virt *virt, char **xml, bool *active, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (world_call(w, "published", err))
		return -1;
	if (!w->network)
		return err_set(err, ERR_ABSENT, "there is no network vfpool");
	*xml = mem_strdup(w->network);
	*active = w->network_active;
	return 0;
}

int world_virt_publish(struct virt *virt, const char *xml, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (world_call(w, "publish", err))
		return -1;
	free(w->network);
	w->network = mem_strdup(xml);
	w->network_active = true;
	w->published++;
	return 0;
}

int world_virt_withdraw(struct virt *virt, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (world_call(w, "withdraw", err))
		return -1;
	if (!w->network)
		return err_set(err, ERR_ABSENT, "there is no network vfpool");
	w->network_active = false;
	return 0;
}

int world_virt_job(struct virt *virt, const struct virt_dom *dom, struct virt_progress *out,
		   struct err **err)
{
	struct world *w = WORLD_OF(virt, virt);

	if (world_call(w, "job", err))
		return -1;
	if (w->job_ends && !--w->job_ends) {
		struct fake_domain *d = dom->handle;

		w->job = false;
		if (w->job_moves) {
			world_stop(w, d->name);
			world_view_clear(&d->config);
		}
	}
	if (!((struct fake_domain *)dom->handle)->live.present)
		return err_set(err, ERR_FAILED, "domain is not running");
	*out = (struct virt_progress){.known = w->job, .leaves = w->job};
	return 0;
}

/* As libvirt does: what is persistent there is what it was here, VFs and all. */
static void arrive(struct world *there, const struct fake_domain *from, unsigned flags)
{
	struct fake_domain *to = world_domain(there, from->name);

	world_view_clear(&to->live);
	to->live = world_view_copy(&from->live);
	to->ports = from->ports;
	if (!(flags & VIRT_MOVE_PERSISTENT))
		return;
	world_view_clear(&to->config);
	/* Of one that is transient here, the running definition is all there is. */
	to->config = (struct fake_view){.present = true,
					.metadata = mem_strdup(from->config.present
								       ? from->config.metadata
								       : from->live.metadata)};
	for (size_t i = 0; i < from->config.ndevices; i++) {
		const struct fake_device *device = &from->config.devices[i];

		to->config.devices[to->config.ndevices++] =
			(struct fake_device){.xml = mem_strdup(device->xml),
					     .alias = mem_strdup(device->alias),
					     .host = device->host};
	}
}

/* Between two looks of who moves it. */
static bool is_stopped(const struct world *w, const struct virt_mover *mover)
{
	struct virt_progress half = {
		.known = true, .memory_total = 64 << 20, .memory_left = 32 << 20};

	(void)mover->look(mover->arg, &half);
	if (w->move_signal)
		(void)raise(w->move_signal);
	half.there_lost = w->move_alone;
	return mover->look(mover->arg, &half) == VIRT_MOVE_STOP;
}

int world_virt_move(struct virt *virt, const struct virt_dom *dom, struct virt *there,
		    const struct virt_move *move, const struct virt_mover *mover, struct err **err)
{
	struct world *w = WORLD_OF(virt, virt), *other = WORLD_OF(there, virt);
	struct fake_domain *d = dom->handle;

	if (world_call(w, "move", err))
		return -1;
	for (size_t i = 0; i < d->live.ndevices; i++)
		if (!world_is_standby(&d->live.devices[i]))
			return err_set(err, ERR_FAILED, "VFIO migration is not supported");
	if (world_call(other, "arrive", err))
		return -1;
	if (w->move_stopped || is_stopped(w, mover))
		return err_set(err, ERR_FAILED, "operation aborted: canceled by client");
	arrive(other, d, move->flags);
	w->moved++;
	world_stop(w, d->name);
	if (move->flags & VIRT_MOVE_UNDEFINE)
		world_view_clear(&d->config);
	if (w->move_lies)
		return err_set(err, ERR_FAILED, "the connection to the host there broke");
	return 0;
}
