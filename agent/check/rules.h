/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rules share among each other. */
#ifndef VFPOOL_CHECK_RULES_H
#define VFPOOL_CHECK_RULES_H

#include "check/check.h"

struct judging {
	const struct facts *facts;
	const struct device_facts *device; /* NULL: the host is judged */
	struct results *results;
};

/* mend is taken over; NULL for what passes. */
void report(struct judging *j, enum check check, enum verdict verdict, char *mend,
	    const char *found, ...) __attribute__((format(printf, 5, 6)));

/* iommu.c */
void judge_kvm(struct judging *j);
void judge_iommu(struct judging *j); /* firmware, kernel, arguments, interrupts */
void judge_vfio(struct judging *j);

bool cpu_is_x86(const struct facts *facts);

/* arguments.c */
void judge_arguments(struct judging *j);

/* How to change the arguments if they are why there is no IOMMU; NULL: they are not. */
char *arguments_mend(const struct facts *facts);

bool argument_given(const struct facts *facts, const char *word);
char *mend_removing(const struct facts *facts, const char *word);

/* virt.c */
void judge_libvirt(struct judging *j); /* memory limits and hooks, too */

/* device.c */
void judge_device(struct judging *j);

/* keepers.c */
void judge_persistence(struct judging *j);

#endif
