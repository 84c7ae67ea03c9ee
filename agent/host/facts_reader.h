/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What those who read facts (facts*.c) share. */
#ifndef VFPOOL_HOST_FACTS_READER_H
#define VFPOOL_HOST_FACTS_READER_H

#include "core/cleanup.h"
#include "host/facts.h"
#include "host/root.h"
#include "host/sysfs.h"

#define CONFIG_SIZE (64 << 10) /* of a file that people write */

struct reader {
	const struct facts_source *source;
	bool live; /* this very machine, its kernel included */
	int root;  /* -1: sysfs only */
	int sys;
	struct sysfs *sysfs;
	struct facts *facts;
};

/* facts_system.c */
void facts_read_cpu(const struct reader *r, struct cpu_facts *out);
void facts_read_iommu(const struct reader *r, struct iommu_facts *out);
void facts_read_kernel(const struct reader *r, struct kernel_facts *out);
void facts_read_boot(const struct reader *r, const char *release, struct boot_facts *out);

/* facts_libvirt.c: its daemon and hooks */
void facts_read_libvirt(const struct reader *r, struct libvirt_facts *out);

/* facts_keepers.c */
void facts_read_keepers_at(int root, struct keeper_facts *out);

/* facts_devices.c */
int facts_read_devices(const struct reader *r, struct err **err);
void facts_read_groups(const struct reader *r);

#endif
