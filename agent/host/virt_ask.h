/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls of libvirt's that wait for as long as QEMU does. */
#ifndef VFPOOL_HOST_VIRT_ASK_H
#define VFPOOL_HOST_VIRT_ASK_H

#include "core/clock.h"
#include "host/virt_load.h"

/* Of virDomainDetachDeviceAlias's kind: text is an alias or XML. */
typedef int virt_ask_call(virDomainPtr dom, const char *text, unsigned flags);

enum virt_answer {
	VIRT_DONE,
	VIRT_REFUSED, /* *error says why; the caller frees it, and it is never NULL */
	VIRT_SILENT,  /* no answer by the deadline: it may still be done, at any time */
};

/*
 * libvirt waits without end for a QEMU that stands still (its storage does not answer, a debugger
 * has it), and nothing ends such a call from outside. So a thread makes it, and is left to itself
 * when the deadline has passed; the connection can be used meanwhile and after that, but for what
 * needs the domain's job, which libvirt refuses after 30 s
 * (VIR_JOB_WAIT_TIME in its src/conf/virdomainjob.c). What the call uses stays until it has
 * returned.
 */
enum virt_answer virt_ask(virt_ask_call *call, virDomainPtr dom, const char *text, unsigned flags,
			  msec deadline, virErrorPtr *error);

#endif
