// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/mac.h"

#include <stdio.h>
#include <string.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mac_parse(const char *text, struct mac *out)
{
	struct mac mac;

	if (!text || strlen(text) != MAC_STRLEN - 1)
		return false;
	for (unsigned i = 0; i < 6; i++) {
		int high = hex(text[3 * i]), low = hex(text[3 * i + 1]);

		if (high < 0 || low < 0 || text[3 * i + 2] != (i < 5 ? ':' : '\0'))
			return false;
		mac.byte[i] = (uint8_t)(high << 4 | low);
	}
	*out = mac;
	return true;
}

const char *mac_format(struct mac mac, char buf[MAC_STRLEN])
{
	(void)snprintf(buf, MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac.byte[0], mac.byte[1],
		       mac.byte[2], mac.byte[3], mac.byte[4], mac.byte[5]);
	return buf;
}

bool mac_equal(struct mac a, struct mac b)
{
	return memcmp(a.byte, b.byte, sizeof(a.byte)) == 0;
}

bool mac_is_zero(struct mac mac)
{
	return mac_equal(mac, (struct mac){0});
}

bool mac_is_multicast(struct mac mac)
{
	return mac.byte[0] & 1;
}

/*
 * FNV-1a with the finalizer of MurmurHash3, as FNV alone spreads the last characters badly over the
 * high bits. Never to be changed: guests keep their addresses by it.
 */
static uint64_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text; text++) {
		h ^= (unsigned char)*text;
		h *= 0x100000001b3u;
	}
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	h ^= h >> 33;
	return h;
}

struct mac mac_derive(const char *text)
{
	uint64_t h = hash(text);
	struct mac mac;

	for (unsigned i = 0; i < 6; i++)
		mac.byte[i] = (uint8_t)(h >> (56 - 8 * i));
	mac.byte[0] = (uint8_t)((mac.byte[0] & 0xfcu) | 0x02u);
	/* libvirt keeps 0xfe for the host's side of tap devices and refuses it for a guest's. */
	if (mac.byte[0] == 0xfe)
		mac.byte[0] = 0x02;
	return mac;
}
