/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hook where libvirt finds it: HOOKS/qemu.d/vfpool. libvirt runs every file there at any
 * moment, so it is put there whole, and a file of somebody else is never written over.
 */
#ifndef VFPOOL_HOST_HOOKFILE_H
#define VFPOOL_HOST_HOOKFILE_H

#include <stdbool.h>

#include "core/err.h"

#define HOOKS_DIR "/etc/libvirt/hooks"

enum hookfile_done {
	HOOKFILE_INSTALLED, /* there was none */
	HOOKFILE_UPDATED,   /* an older one of ours is replaced */
	HOOKFILE_UNCHANGED, /* just this one was there */
	HOOKFILE_REMOVED,
	HOOKFILE_ABSENT, /* there is none to remove */
};

const char *hookfile_done_name(enum hookfile_done done);

/*
 * May libvirt's daemon run a program at this place, wherever AppArmor confines it? Then a link to
 * it does, and an upgrade of the program is one of the hook; else a copy is needed.
 */
bool hookfile_may_link(const char *program);

/*
 * mark are words that every program of ours has in it. The directory qemu.d is made when it is
 * missing; hooks itself is libvirt's, and has to be there.
 */
int hookfile_install(const char *hooks, const char *program, const char *mark, bool link,
		     enum hookfile_done *done, struct err **err);
int hookfile_remove(const char *hooks, const char *mark, enum hookfile_done *done,
		    struct err **err);

#endif
