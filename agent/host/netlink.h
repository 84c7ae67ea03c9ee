/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket of rtnetlink: asks for links, addresses and VF settings (host/link.h), and sets. libnl
 * is included in netlink.c and link.c only.
 */
#ifndef VFPOOL_HOST_NETLINK_H
#define VFPOOL_HOST_NETLINK_H

#include <stddef.h>

#include "core/err.h"
#include "host/link.h"
#include "model/settings.h"

struct netlink;

int netlink_open(struct netlink **out, struct err **err);
void netlink_close(struct netlink *nl);

/* By name or altname. ERR_ABSENT: there is none in this network namespace. */
int netlink_link(struct netlink *nl, const char *name, struct link *out, struct err **err);

/*
 * The same with the settings of the VFs 0 to n-1 of a PF's link, in one request; .known is 0 where
 * the kernel does not tell. For at most NETLINK_VFS_AT_ONCE VFs of the PF: with many more kernels
 * write a message that cannot be told from a broken one.
 */
#define NETLINK_VFS_AT_ONCE 127
int netlink_link_and_vfs(struct netlink *nl, const char *name, struct link *out,
			 struct vf_settings *vfs, size_t n, struct err **err);

/* The alternative names of a link; none where the kernel knows no such thing. */
int netlink_altnames(struct netlink *nl, int link, struct names *out, struct err **err);

/* All links of this network namespace. */
int netlink_links(struct netlink *nl, struct links *out, struct err **err);

/* The addresses of one link; 0: of all. */
int netlink_addresses(struct netlink *nl, int link, struct link_addresses *out, struct err **err);

/*
 * The settings of the VFs 0 to n-1 of a PF's link; .known is 0 where the kernel does not tell: it
 * cannot put more than 220 VFs (newer ones 334) into one message.
 */
int netlink_vf_settings(struct netlink *nl, int link, struct vf_settings *out, size_t n,
			struct err **err);

/*
 * Sets one setting (a SETTING_* bit) of a VF from want. Returns 0 or the kernel's errno; *words
 * is then what the kernel said beside it, NULL for nothing, good until the next request.
 */
int netlink_set_vf(struct netlink *nl, int link, unsigned index, unsigned setting,
		   const struct vf_settings *want, const char **words);

/* Sets a link administratively up; returns as netlink_set_vf(). */
int netlink_set_up(struct netlink *nl, int link, const char **words);

#endif
