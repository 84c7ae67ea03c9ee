/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives a guest back what was parked, and prints what it got: for unpark, restore and the like.
 */
#ifndef VFPOOL_VERBS_UNPARKED_H
#define VFPOOL_VERBS_UNPARKED_H

#include "converge/converge.h"
#include "core/err.h"
#include "core/table.h"

/* name is the answer's key in JSON. */
int unparked(struct converge *c, enum table_mode mode, const char *name, struct err **err);

/*
 * What it was parked for has failed, as *err says: the guest gets its VFs back, and .now says so,
 * or that it has not. Returns -1.
 */
int unparked_in_vain(struct converge *c, struct err **err);

/* The answer where there was nothing to give back. */
int unparked_nothing(enum table_mode mode, const char *name, struct err **err);

#endif
