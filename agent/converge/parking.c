// SPDX-License-Identifier: LGPL-2.1-or-later
#include "converge/parking.h"

#include "core/cleanup.h"

struct parking parking_here(struct edges *edges, enum park_reason reason, unsigned seconds)
{
	cleanup_free char *name = edges->host->ops->name(edges->host);
	struct parking parking = {.reason = reason};

	parking_set_host(&parking, name);
	if (seconds)
		parking.until = edges->wall() + seconds;
	return parking;
}
