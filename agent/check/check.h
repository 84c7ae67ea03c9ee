/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is a machine ready to hand out VFs? From facts to results; nothing here reads or writes
 * anything. A check about which the facts say nothing has no result.
 */
#ifndef VFPOOL_CHECK_CHECK_H
#define VFPOOL_CHECK_CHECK_H

#include <stddef.h>

#include "model/facts.h"

enum verdict {
	VERDICT_PASS,
	VERDICT_WARN, /* VFs can be handed out all the same */
	VERDICT_FAIL,
};

/* X(id, name), in the order in which they are shown: of the host, then of each device. */
#define CHECKS(X)                                     \
	X(RIGHTS, "rights")                           \
	X(KVM, "kvm")                                 \
	X(IOMMU_FIRMWARE, "iommu-firmware")           \
	X(IOMMU_KERNEL, "iommu-kernel")               \
	X(KERNEL_ARGUMENTS, "kernel-arguments")       \
	X(INTERRUPT_REMAPPING, "interrupt-remapping") \
	X(VFIO_PCI, "vfio-pci")                       \
	X(LIBVIRT, "libvirt")                         \
	X(MEMLOCK, "memlock")                         \
	X(HOOK, "hook")                               \
	X(HOOK_CONFINEMENT, "hook-confinement")       \
	X(SRIOV, "sr-iov")                            \
	X(DEVICE, "device")                           \
	X(DRIVER, "driver")                           \
	X(LINK, "link")                               \
	X(VFS, "vfs")                                 \
	X(VF_FUNCTIONS, "vf-functions")               \
	X(VF_DRIVERS, "vf-drivers")                   \
	X(VF_NETDEVS, "vf-netdevs")                   \
	X(IOMMU_GROUPS, "iommu-groups")               \
	X(NUMA, "numa")                               \
	X(VF_SETTINGS, "vf-settings")                 \
	X(PERSISTENCE, "persistence")

#define CHECK_ID(id, name) CHECK_##id,
enum check { CHECKS(CHECK_ID) CHECK_COUNT };
#undef CHECK_ID

struct result {
	enum check check;
	enum verdict verdict;
	const struct device_facts *device; /* of the facts; NULL: the host */
	char *found;                       /* "no carrier" */
	char *mend;                        /* what to do; NULL for what passes */
};

struct results {
	struct result *items;
	size_t n;
};

const char *check_name(enum check check);       /* "iommu-kernel" */
const char *verdict_name(enum verdict verdict); /* "pass" */

/* The facts must outlive the results. */
void check_machine(const struct facts *facts, struct results *out);
size_t results_count(const struct results *results, enum verdict verdict);
void results_clear(struct results *results);

#endif
