/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests that the agent has given up, and somebody has put right since. */
#ifndef VFPOOL_CONVERGE_STUCK_H
#define VFPOOL_CONVERGE_STUCK_H

#include "converge/converge.h"

/*
 * Under the guest's lock, when work on it has succeeded: one that is noted as stuck, and is found
 * to be as it should be, is not any more. Reads the guest anew. What fails is left to the next one.
 */
void stuck_settle(struct converge *c);

#endif
