// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One attach on a made world, for callgrind to count its instructions: attach VFS
 *
 * The VF comes from eth1, which has 7; the host has VFS of them in all. Kernel, libvirt and store
 * are fakes, so what is counted is vfpool's own. Count what is below measured() only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/world.h"

#define OWN 7
#define EACH 128

/* One more PF, as the world's own is. */
static void add_pf(struct world *world, unsigned nvfs)
{
	struct inventory *inventory = &world->inventory;
	unsigned number = (unsigned)inventory->npfs + 1;
	struct pf *pf = mem_append(&inventory->pfs, &inventory->npfs, sizeof(*pf));

	pf->addr = (struct pciaddr){.bus = (uint8_t)number};
	pf->driver = mem_strdup("igb");
	pf->netdev = mem_printf("eth%u", number);
	pf->up = pf->carrier = true;
	pf->numa_node = -1;
	pf->total_vfs = pf->num_vfs = nvfs;
	for (unsigned i = 0; i < nvfs; i++) {
		struct vf *vf = mem_append(&pf->vfs, &pf->nvfs, sizeof(*vf));

		vf->addr = pf->addr;
		vf->addr.device = (uint8_t)((8 + i) / 8);
		vf->addr.function = (uint8_t)(i % 8);
		vf->index = i;
		vf->driver = mem_strdup("igbvf");
		vf->iommu_group = (int)(number * 1000 + i);
		vf->settings = pf_vf_by_index(world_pf(world), 0)->settings;
	}
}

int measured(struct world *world, struct err **err);

__attribute__((noinline)) int measured(struct world *world, struct err **err)
{
	return world_run(world, "attach web1 eth1", err);
}

int main(int argc, char **argv)
{
	unsigned long vfs = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	cleanup_err struct err *err = NULL;
	struct world world;
	int status;

	if (vfs < OWN) {
		(void)fprintf(stderr, "usage: attach VFS, at least %d\n", OWN);
		return 2;
	}
	world_init(&world, OWN);
	for (vfs -= OWN; vfs; vfs -= vfs < EACH ? vfs : EACH)
		add_pf(&world, vfs < EACH ? (unsigned)vfs : EACH);
	status = measured(&world, &err);
	if (status)
		err_print(err, stderr);
	else if (view_ours(&world_domain(&world, "web1")->live) != 1)
		status = 1;
	world_clear(&world);
	return status;
}
