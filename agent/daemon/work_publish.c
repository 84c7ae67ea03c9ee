// SPDX-License-Identifier: LGPL-2.1-or-later
#include "converge/report.h"
#include "core/cleanup.h"
#include "daemon/work.h"
#include "host/facts.h"

int work_publish(struct edges *edges, struct err **err)
{
	cleanup(libvirt_facts_clear) struct libvirt_facts libvirt = {0};
	cleanup(host_report_clear) struct host_report report = {0};
	bool told;

	if (facts_read_hooks(NULL, &libvirt, err) ||
	    report_make(edges, report_hook_of(&libvirt), &report, err) ||
	    report_publish(edges->virt, &report, &told, err))
		return err_wrap(err, "telling other hosts what is free here");
	return 0;
}

int work_withdraw(struct edges *edges, struct err **err)
{
	struct err *why = NULL;

	if (!edges->virt->ops->withdraw(edges->virt, &why) || why->code == ERR_ABSENT) {
		err_free(&why);
		return 0;
	}
	err_pass(err, why);
	return err_wrap(err, "telling other hosts that the agent has ended");
}
