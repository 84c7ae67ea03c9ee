// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/facts.h"

#include <stdlib.h>
#include <string.h>

static void text_files_clear(struct text_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->items[i].path);
		free(files->items[i].text);
	}
	free(files->items);
	*files = (struct text_files){0};
}

void device_facts_clear(struct device_facts *device)
{
	pf_clear(&device->pf);
	free(device->driver_version);
	free(device->firmware);
	*device = (struct device_facts){0};
}

void libvirt_facts_clear(struct libvirt_facts *libvirt)
{
	err_free(&libvirt->err);
	free(libvirt->uri);
	free(libvirt->driver);
	free(libvirt->daemon.name);
	free(libvirt->daemon.limits);
	free(libvirt->daemon.status);
	free(libvirt->daemon.label);
	for (size_t i = 0; i < libvirt->nhooks; i++) {
		free(libvirt->hooks[i].path);
		free(libvirt->hooks[i].target);
	}
	free(libvirt->hooks);
	free(libvirt->hooks_unconfined);
}

static void host_clear(struct facts *facts)
{
	free(facts->cpu.cpuinfo);
	free(facts->iommu.interrupts);
	free(facts->iommu.unsafe);
	text_files_clear(&facts->iommu.unsafe_options);
	free(facts->kernel.release);
	free(facts->kernel.arguments);
	free(facts->boot.loader);
	free(facts->boot.grub_default);
	free(facts->boot.kernel_cmdline);
	free(facts->boot.os_release);
	keeper_facts_clear(&facts->keepers);
	names_clear(&facts->pci_drivers);
}

void keeper_facts_clear(struct keeper_facts *facts)
{
	text_files_clear(&facts->nm);
	text_files_clear(&facts->nm_conf);
	text_files_clear(&facts->links);
	text_files_clear(&facts->networks);
	text_files_clear(&facts->drop_ins);
	text_files_clear(&facts->rules);
	*facts = (struct keeper_facts){0};
}

void facts_clear(struct facts *facts)
{
	host_clear(facts);
	libvirt_facts_clear(&facts->libvirt);
	for (size_t i = 0; i < facts->ndevices; i++)
		device_facts_clear(&facts->devices[i]);
	free(facts->devices);
	for (size_t i = 0; i < facts->ngroups; i++) {
		free(facts->groups[i].type);
		free(facts->groups[i].members);
	}
	free(facts->groups);
	*facts = (struct facts){0};
}

bool libvirt_runs_hooks(const struct libvirt_facts *libvirt)
{
	for (size_t i = 0; i < libvirt->nhooks; i++)
		if (libvirt->hooks[i].executable &&
		    (!libvirt->daemon.started ||
		     libvirt->hooks[i].changed <= libvirt->daemon.started))
			return true;
	return false;
}

const struct hook *libvirt_own_hook(const struct libvirt_facts *libvirt)
{
	for (size_t i = 0; i < libvirt->nhooks; i++)
		if (!strcmp(libvirt->hooks[i].path, LIBVIRT_OWN_HOOK))
			return &libvirt->hooks[i];
	return NULL;
}

const struct iommu_group *facts_group(const struct facts *facts, int number)
{
	size_t low = 0, high = facts->ngroups;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (facts->groups[middle].number == number)
			return &facts->groups[middle];
		if (facts->groups[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
