/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps the number of a PF's VFs across reboots: a udev rule, or a setting for systemd's .link
 * files. Either names the PF by its PCI address, so that neither another name of its interface nor
 * another card with the same driver leads it astray.
 *
 * A udev rule is what is chosen unless a .link file of the PF's own sets the number already. The
 * rule does nothing when there are VFs; the .link file, whenever the interface appears to udev
 * anew, removes all VFs that are there if their number is another one. And only the first .link
 * file that fits a NIC is applied, so a new one would take away what another one does for it: its
 * name, say. For a PF that has one of its own a drop-in is written; for a PF that one for all NICs
 * applies to, a copy of that with the number added.
 *
 * Either way the VFs come when udev has got so far, and nothing makes libvirt's daemons wait for
 * that, which start guests. So they get a drop-in that does.
 */
#ifndef VFPOOL_HOST_PERSIST_H
#define VFPOOL_HOST_PERSIST_H

#include <stdbool.h>

#include "core/err.h"
#include "model/inventory.h"

enum persist_kind {
	PERSIST_CHOOSE, /* what fits this host */
	PERSIST_UDEV,
	PERSIST_LINK, /* from systemd 251 on; for VFs that the host's own driver gets */
};

bool persist_kind_parse(const char *text, enum persist_kind *out); /* "udev" and "link" */

struct persist {
	const struct pf *pf;
	unsigned count;
	enum vf_home home;
	enum persist_kind kind;
};

/* The pure part. The caller frees the texts. */
char *persist_rules(const struct persist *persist);
char *persist_drop_in(const struct persist *persist);
char *persist_wait(const struct persist *persist, const char *udevadm);
char *persist_link(const struct persist *persist, const char *applied); /* a copy of that one */
bool persist_link_is_own(const char *text); /* can this .link file fit one NIC only? */
bool persist_link_counts(const char *text); /* does it set a number of VFs? */

/*
 * Writes it, and removes what was written earlier in the other way; root is what
 * comes before /etc: nothing, but in tests. *path is where it is now; the caller frees it.
 *
 * ERR_UNSUPPORTED with what to do next: NetworkManager has a connection up on the PF (kind
 * PERSIST_CHOOSE only); there is no udev; systemd is too old for PERSIST_LINK.
 */
int persist_write(const char *root, const struct persist *persist, char **path, struct err **err);

/* Removes what was written for this PF; *was says whether there was anything. */
int persist_forget(const char *root, struct pciaddr pf, bool *was, struct err **err);

/* Does a rule of ours bind the VFs of this PF to vfio-pci? */
bool persist_prebinds(const char *root, struct pciaddr pf);

#endif
