/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An Ethernet address. */
#ifndef VFPOOL_CORE_MAC_H
#define VFPOOL_CORE_MAC_H

#include <stdbool.h>
#include <stdint.h>

struct mac {
	uint8_t byte[6];
};

#define MAC_STRLEN 18

/* The whole of text must be an address, six pairs of digits with colons. */
bool mac_parse(const char *text, struct mac *out);

/* Writes 02:00:5e:10:00:01 in small letters and returns buf. */
const char *mac_format(struct mac mac, char buf[MAC_STRLEN]);
#define mac_str(mac) mac_format((mac), (char[MAC_STRLEN]){0})

bool mac_equal(struct mac a, struct mac b);
bool mac_is_zero(struct mac mac);
bool mac_is_multicast(struct mac mac);

/*
 * A locally administered unicast address that is the same for the same text, always and on every
 * host: 46 bits of a hash. The same guest asking for the same pool again gets the same address.
 */
struct mac mac_derive(const char *text);

#endif
