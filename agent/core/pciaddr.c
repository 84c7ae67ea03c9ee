// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/pciaddr.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>

/* Reads 1 to max hex digits, at most limit, and the character after them; else NULL. */
static const char *field(const char *p, int max, uint32_t limit, char after, uint32_t *value)
{
	uint32_t v = 0;
	int n = 0;

	for (; isxdigit((unsigned char)*p); p++, n++) {
		int c = tolower((unsigned char)*p);

		if (n == max)
			return NULL;
		v = v << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (n == 0 || v > limit || *p != after)
		return NULL;
	*value = v;
	return after ? p + 1 : p;
}

bool pciaddr_parse(const char *text, struct pciaddr *out)
{
	uint32_t domain = 0, bus, device, function;
	const char *p = text, *rest;

	if (!p)
		return false;
	rest = field(p, 8, UINT32_MAX, ':', &domain);
	if (!rest)
		return false;
	p = rest;
	rest = field(p, 2, 0xff, ':', &bus);
	if (rest) {
		p = rest;
	} else {
		/* No second colon: what was read is the bus. */
		if (!field(text, 2, 0xff, ':', &bus))
			return false;
		domain = 0;
	}
	p = field(p, 2, 31, '.', &device);
	if (!p || !field(p, 1, 7, '\0', &function))
		return false;
	*out = (struct pciaddr){.domain = domain,
				.bus = (uint8_t)bus,
				.device = (uint8_t)device,
				.function = (uint8_t)function};
	return true;
}

const char *pciaddr_format(struct pciaddr addr, char buf[PCIADDR_STRLEN])
{
	(void)snprintf(buf, PCIADDR_STRLEN, "%04x:%02x:%02x.%x", addr.domain, addr.bus,
		       addr.device & 0x1fu, addr.function & 7u);
	return buf;
}

int pciaddr_compare(struct pciaddr a, struct pciaddr b)
{
	if (a.domain != b.domain)
		return a.domain < b.domain ? -1 : 1;
	if (a.bus != b.bus)
		return a.bus < b.bus ? -1 : 1;
	if (a.device != b.device)
		return a.device < b.device ? -1 : 1;
	return (int)a.function - (int)b.function;
}
