/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VF's settings in XML, the same in a pool as in a domain's metadata:
 *
 *   <vlan><tag id='10' qos='3' protocol='802.1ad'/></vlan>
 *   <settings spoofchk='on' trust='off' linkState='auto'/>
 *   <rate min='100' max='1000'/>
 *
 * with the names and values of ip-link, rates in Mbit/s. What is not said is not asked for.
 */
#ifndef VFPOOL_XML_SETTINGS_H
#define VFPOOL_XML_SETTINGS_H

#include <libxml/tree.h>

#include "core/err.h"
#include "model/settings.h"
#include "xml/write.h"

/* Each reads its element into *out and the bits of out->known; the VLAN has no bit, but .vlan. */
int settings_read_vlan(const xmlNode *element, const char *ns, struct vf_settings *out,
		       struct err **err);
int settings_read_flags(const xmlNode *element, struct vf_settings *out, struct err **err);
int settings_read_rate(const xmlNode *element, struct vf_settings *out, struct err **err);

/* Those of the three elements that say something. */
void settings_write(struct write *write, const struct vf_settings *settings);

#endif
