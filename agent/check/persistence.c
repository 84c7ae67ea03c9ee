// SPDX-License-Identifier: LGPL-2.1-or-later
/* Will the VFs be there after a reboot, and what becomes of them before? */
#include <stdlib.h>
#include <string.h>

#include "check/devices.h"
#include "check/keepers.h"
#include "check/rules.h"
#include "check/words.h"
#include "core/cleanup.h"
#include "core/mem.h"

static const char *keeper_words(enum keeper_kind kind)
{
	switch (kind) {
	case KEEPER_NM:
		return "NetworkManager's connection ";
	case KEEPER_NM_CONF:
	case KEEPER_LINK:
	case KEEPER_RULE:
		break;
	}
	return "";
}

/* With some drivers nothing that udev does at boot comes at the right time. */
static bool udev_fails(const struct device_facts *device)
{
	const struct known_device *known = known_device(device->vendor, device->device);

	return known && known->udev_fails;
}

static char *mend_by_service(const struct pf *pf)
{
	return mem_printf("make them in a service that runs before libvirt's: ExecStart=/bin/sh -c "
			  "'echo %u > /sys/bus/pci/devices/%s/sriov_numvfs'",
			  pf->num_vfs, pciaddr_str(pf->addr));
}

static void judge_none(struct judging *j)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free char *name = shell_word(pf_str(pf));

	if (pf->num_vfs)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       udev_fails(j->device)
			       ? mend_by_service(pf)
			       : mem_printf("vfpool set-vfs %s %u --persist", name, pf->num_vfs),
		       "no udev rule, .link file or NetworkManager connection makes its VFs again "
		       "after a reboot");
}

static void judge_nm(struct judging *j, const struct keeper *keeper)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free char *id = shell_word(keeper->id ? keeper->id : keeper->path);
	cleanup_free char *name = shell_word(pf_str(pf));

	if (keeper->count != (long)pf->num_vfs)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       mem_printf("nmcli connection modify %s sriov.total-vfs %u", id, pf->num_vfs),
		       "NetworkManager's connection %s makes it %ld VFs when it comes up: the %u "
		       "that are there, also in guests, vanish",
		       id, keeper->count, pf->num_vfs);
	else if (!keeper->preserves)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       mem_printf("nmcli connection modify %s sriov.preserve-on-down yes (from "
				  "NetworkManager 1.54 on), else: nmcli connection modify %s "
				  "remove sriov && vfpool set-vfs %s %u --persist",
				  id, id, name, pf->num_vfs),
		       "NetworkManager's connection %s takes all VFs away, also from guests, when "
		       "it goes down",
		       id);
	else
		report(j, CHECK_PERSISTENCE, VERDICT_PASS, NULL,
		       "NetworkManager's connection %s makes %ld", id, keeper->count);
}

static void judge_nm_conf(struct judging *j, const struct keeper *keeper)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free char *path = shell_word(keeper->path);

	if (keeper->count != (long)pf->num_vfs)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       mem_printf("sed -i 's/^sriov-num-vfs=.*/sriov-num-vfs=%u/' %s", pf->num_vfs,
				  path),
		       "%s makes it %ld VFs when NetworkManager starts: the %u that are there, "
		       "also in guests, vanish",
		       keeper->path, keeper->count, pf->num_vfs);
	else
		report(j, CHECK_PERSISTENCE, VERDICT_PASS, NULL, "%s makes %ld%s", keeper->path,
		       keeper->count, keeper->certain ? "" : ", if it means this PF");
}

static void judge_udev(struct judging *j, const struct keeper *keeper)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free char *path = shell_word(keeper->path), *name = shell_word(pf_str(pf));
	cleanup_free char *service = mend_by_service(pf);

	if (udev_fails(j->device))
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       mem_printf("take %s away, and %s", path, service),
		       "%s does not work: with this driver VFs do not come back by udev",
		       keeper->path);
	else if (keeper->count < 0)
		report(j, CHECK_PERSISTENCE, VERDICT_PASS, NULL, "%s sets their number",
		       keeper->path);
	else if (keeper->count != (long)pf->num_vfs && keeper->patient)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       mem_printf("vfpool set-vfs %s %u --persist", name, pf->num_vfs),
		       "%s makes it %ld VFs after a reboot, not %u", keeper->path, keeper->count,
		       pf->num_vfs);
	else if (keeper->count != (long)pf->num_vfs)
		report(j, CHECK_PERSISTENCE, VERDICT_WARN,
		       /* Its own file is written anew. */
		       strstr(keeper->path, "vfpool-")
			       ? mem_printf("vfpool set-vfs %s %u --persist", name, pf->num_vfs)
			       : mem_printf("vfpool set-vfs %s %u --persist, and take %s away",
					    name, pf->num_vfs, path),
		       "%s makes it %ld VFs at the next boot, or whenever udev handles its "
		       "interface anew: the %u that are there, also in guests, vanish",
		       keeper->path, keeper->count, pf->num_vfs);
	else
		report(j, CHECK_PERSISTENCE, VERDICT_PASS, NULL, "%s makes %ld%s", keeper->path,
		       keeper->count, keeper->certain ? "" : ", if it means this PF");
}

/* Two that are certain, and of two minds. */
static bool judge_quarrel(struct judging *j, const struct keepers *keepers)
{
	const struct keeper *first = NULL;

	for (size_t i = 0; i < keepers->n; i++) {
		const struct keeper *keeper = &keepers->items[i];

		if (!keeper->certain || keeper->count < 0)
			continue;
		if (!first) {
			first = keeper;
		} else if (keeper->count != first->count) {
			report(j, CHECK_PERSISTENCE, VERDICT_WARN,
			       mem_strdup("leave the number to one of them, and take it out of the "
					  "other"),
			       "%s%s makes %ld VFs, and %s%s makes %ld", keeper_words(first->kind),
			       first->path, first->count, keeper_words(keeper->kind), keeper->path,
			       keeper->count);
			return true;
		}
	}
	return false;
}

/* One who sets VFs of guests to something else whenever the PF's interface is handled anew. */
static void judge_settings(struct judging *j, const struct keepers *keepers)
{
	const struct setter *setter = keepers->nsetters ? &keepers->setters[0] : NULL;
	cleanup_free char *path = setter ? shell_word(setter->path) : NULL;
	cleanup_free char *id = setter && setter->id ? shell_word(setter->id) : NULL;
	const char *unsure;

	if (!setter) {
		report(j, CHECK_VF_SETTINGS, VERDICT_PASS, NULL,
		       "NetworkManager, networkd and udev set nothing on its VFs");
		return;
	}
	unsure = setter->certain ? "" : ", if it means this PF";
	switch (setter->kind) {
	case SETTER_NM:
		report(j, CHECK_VF_SETTINGS, VERDICT_WARN,
		       mem_printf("nmcli connection modify %s sriov.vfs ''", id ? id : path),
		       "NetworkManager's connection %s sets VFs whenever it comes up, also those "
		       "in guests: what a guest should have is lost%s",
		       id ? id : path, unsure);
		break;
	case SETTER_LINK:
	case SETTER_NETWORKD:
		report(j, CHECK_VF_SETTINGS, VERDICT_WARN,
		       mem_printf("take the [SR-IOV] sections out of %s; `man vfpool-pool` says "
				  "how guests' VFs get their settings",
				  path),
		       "%s sets VFs whenever %s, also those in guests: what a guest should have is "
		       "lost%s",
		       setter->path,
		       setter->kind == SETTER_LINK ? "udev handles the interface anew"
						   : "networkd configures the interface",
		       unsure);
		break;
	}
}

void judge_persistence(struct judging *j)
{
	const struct keeper_facts *facts = &j->facts->keepers;
	cleanup(keepers_clear) struct keepers keepers = {0};
	const struct keeper *keeper;

	if (!facts->read)
		return;
	keepers_find(facts, j->device, &keepers);
	judge_settings(j, &keepers);
	keeper = keepers_first(&keepers);
	if (!keeper) {
		judge_none(j);
		return;
	}
	if (judge_quarrel(j, &keepers))
		return;
	switch (keeper->kind) {
	case KEEPER_NM:
		judge_nm(j, keeper);
		break;
	case KEEPER_NM_CONF:
		judge_nm_conf(j, keeper);
		break;
	case KEEPER_LINK:
	case KEEPER_RULE:
		judge_udev(j, keeper);
		break;
	}
}
