/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices whose VFs are known to work with guests, and what is peculiar to each. */
#ifndef VFPOOL_CHECK_DEVICES_H
#define VFPOOL_CHECK_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

/* Where SR-IOV is turned on, beside the machine's firmware. */
enum card_setup {
	CARD_ALWAYS_ON,
	CARD_MSTCONFIG, /* Mellanox's program, for the card's flash memory */
	CARD_SFBOOT,    /* Solarflare's */
	CARD_OWN_MENU,  /* the card's own menu while the machine boots */
};

struct known_device {
	uint16_t vendor, device; /* of the PF */
	const char *name;
	const char *driver;
	const char *vf_driver;
	enum card_setup setup;
	const char *quirk;  /* what to be warned of; NULL: nothing */
	const char *advice; /* what to do about that */
	bool udev_fails;    /* its VFs are not kept by a udev rule or a .link file */
};

const struct known_device *known_device(uint16_t vendor, uint16_t device); /* NULL: it is not */

#endif
