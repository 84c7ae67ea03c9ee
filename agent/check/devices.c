// SPDX-License-Identifier: LGPL-2.1-or-later
#include "check/devices.h"

#include <stddef.h>

#include "core/cleanup.h"

#define INTEL 0x8086
#define MELLANOX 0x15b3
#define BROADCOM 0x14e4
#define SOLARFLARE 0x1924
#define QLOGIC 0x1077

static const struct known_device devices[] = {
	{.vendor = INTEL, 0x10c9, "82576", "igb", "igbvf"},
	{.vendor = INTEL, 0x10e6, "82576 (fiber)", "igb", "igbvf"},
	{.vendor = INTEL, 0x10e7, "82576 (serdes)", "igb", "igbvf"},
	{.vendor = INTEL, 0x10e8, "82576 (four ports)", "igb", "igbvf"},
	{.vendor = INTEL, 0x10fb, "82599ES", "ixgbe", "ixgbevf"},
	{.vendor = INTEL, 0x154d, "82599ES (X520)", "ixgbe", "ixgbevf"},
	{.vendor = INTEL, 0x1583, "XL710", "i40e", "iavf"},
	{.vendor = INTEL, 0x1584, "XL710", "i40e", "iavf"},
	{.vendor = INTEL, 0x158a, "XXV710 (backplane)", "i40e", "iavf"},
	{.vendor = INTEL, 0x158b, "XXV710", "i40e", "iavf"},
	{.vendor = INTEL, 0x1591, "E810-C (backplane)", "ice", "iavf"},
	{.vendor = INTEL, 0x1592, "E810-C", "ice", "iavf"},
	{.vendor = INTEL, 0x1593, "E810-C", "ice", "iavf"},
	{.vendor = INTEL, 0x1599, "E810-XXV (backplane)", "ice", "iavf"},
	{.vendor = INTEL, 0x159a, "E810-XXV", "ice", "iavf"},
	{.vendor = INTEL, 0x159b, "E810-XXV", "ice", "iavf"},
	{.vendor = MELLANOX, 0x1017, "ConnectX-5", "mlx5_core", "mlx5_core", CARD_MSTCONFIG},
	{.vendor = MELLANOX, 0x1019, "ConnectX-5 Ex", "mlx5_core", "mlx5_core", CARD_MSTCONFIG},
	{.vendor = MELLANOX, 0x101d, "ConnectX-6 Dx", "mlx5_core", "mlx5_core", CARD_MSTCONFIG},
	{.vendor = MELLANOX, 0x1021, "ConnectX-7", "mlx5_core", "mlx5_core", CARD_MSTCONFIG},
	{.vendor = BROADCOM,
	 0x168e,
	 "BCM57810",
	 "bnx2x",
	 "bnx2x",
	 CARD_OWN_MENU,
	 .quirk = "its VFs are unreliable in guests with Windows",
	 .advice = "give its VFs to guests with other systems only",
	 .udev_fails = true},
	{.vendor = SOLARFLARE, 0x0a03, "SFC9220", "sfc", "sfc", CARD_SFBOOT},
	{.vendor = QLOGIC, 0x8070, "QL41000", "qede", "qede", CARD_OWN_MENU},
};

const struct known_device *known_device(uint16_t vendor, uint16_t device)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].vendor == vendor && devices[i].device == device)
			return &devices[i];
	return NULL;
}
