/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A PCI address, on the host or in a guest: domain:bus:device.function, 0000:01:10.0. */
#ifndef VFPOOL_CORE_PCIADDR_H
#define VFPOOL_CORE_PCIADDR_H

#include <stdbool.h>
#include <stdint.h>

struct pciaddr {
	uint32_t domain; /* up to 32 bits: Intel VMD makes domains from 0x10000 on */
	uint8_t bus;
	uint8_t device;   /* 0-31; libvirt calls it slot */
	uint8_t function; /* 0-7 */
};

#define PCIADDR_STRLEN 17 /* "10000:01:10.0" and its zero, with room for 8 digits of domain */

/* The whole of text must be an address; the domain may be left out (01:10.0), as in lspci. */
bool pciaddr_parse(const char *text, struct pciaddr *out);

/* Writes it as sysfs does (domain of at least four digits) and returns buf. */
const char *pciaddr_format(struct pciaddr addr, char buf[PCIADDR_STRLEN]);

/* For one use in an argument list: lives until the end of the enclosing block. */
#define pciaddr_str(addr) pciaddr_format((addr), (char[PCIADDR_STRLEN]){0})

/* <0, 0, >0, as memcmp; the order of the bus. */
int pciaddr_compare(struct pciaddr a, struct pciaddr b);

static inline bool pciaddr_equal(struct pciaddr a, struct pciaddr b)
{
	return pciaddr_compare(a, b) == 0;
}

#endif
