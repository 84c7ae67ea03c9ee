// SPDX-License-Identifier: LGPL-2.1-or-later
/* One PF: its card, its link, its VFs. */
#include <stdlib.h>
#include <string.h>

#include "check/devices.h"
#include "check/rules.h"
#include "check/words.h"
#include "core/cleanup.h"
#include "core/mem.h"

#define SUGGESTED_VFS 8
#define NAMED_MAX 4

/* Some other PF can serve, and this one was not asked for. */
static bool is_dispensable(const struct judging *j)
{
	const struct facts *facts = j->facts;

	if (facts->named)
		return false;
	for (size_t i = 0; i < facts->ndevices; i++)
		if (&facts->devices[i] != j->device && facts->devices[i].pf.nvfs)
			return true;
	return false;
}

static enum verdict unless_dispensable(const struct judging *j)
{
	return is_dispensable(j) ? VERDICT_WARN : VERDICT_FAIL;
}

/* SR-IOV */

static char *mend_in_card(const struct device_facts *device)
{
	const struct known_device *known = known_device(device->vendor, device->device);
	const char *addr = pciaddr_str(device->pf.addr);
	cleanup_free char *netdev = device->pf.netdev ? shell_word(device->pf.netdev) : NULL;

	switch (known ? known->setup : CARD_ALWAYS_ON) {
	case CARD_ALWAYS_ON:
		break;
	case CARD_MSTCONFIG:
		return mem_printf("mstconfig -d %s set SRIOV_EN=1 NUM_OF_VFS=%u, then switch the "
				  "machine off and on",
				  addr, SUGGESTED_VFS);
	case CARD_SFBOOT:
		return mem_printf("sfboot --adapter=%s switch-mode=sriov vf-count=%u, then switch "
				  "the machine off and on",
				  netdev ? netdev : addr, SUGGESTED_VFS);
	case CARD_OWN_MENU:
		return mem_strdup("turn SR-IOV on in the card's own menu while the machine boots, "
				  "and in the machine's firmware setup");
	}
	return mem_strdup("turn SR-IOV on in the machine's firmware setup");
}

static bool judge_sriov(struct judging *j)
{
	const struct device_facts *device = j->device;
	const struct known_device *known = known_device(device->vendor, device->device);

	if (device->sriov && device->pf.total_vfs) {
		report(j, CHECK_SRIOV, VERDICT_PASS, NULL, "up to %u VFs", device->pf.total_vfs);
		return true;
	}
	if (device->sriov)
		report(j, CHECK_SRIOV, unless_dispensable(j), mend_in_card(device),
		       "its driver allows no VF");
	else if (device->capable == ANSWER_YES)
		report(j, CHECK_SRIOV, unless_dispensable(j),
		       mem_strdup(
			       "turn SR-IOV on in the machine's firmware setup; if it is, boot a "
			       "kernel built with CONFIG_PCI_IOV"),
		       "the card has SR-IOV, but the kernel does not offer it");
	else if (known)
		report(j, CHECK_SRIOV, unless_dispensable(j), mend_in_card(device),
		       "SR-IOV is turned off in the card");
	else
		report(j, CHECK_SRIOV, VERDICT_FAIL,
		       mem_strdup("take another one: vfpool check shows them all"),
		       "this device has no SR-IOV");
	return false;
}

static void judge_known(struct judging *j)
{
	const struct device_facts *device = j->device;
	const struct known_device *known = known_device(device->vendor, device->device);

	if (!known)
		report(j, CHECK_DEVICE, VERDICT_WARN,
		       mem_strdup("try one of its VFs in a guest that may fail"),
		       "%04x:%04x is not among the devices that are known to work", device->vendor,
		       device->device);
	else if (known->quirk)
		report(j, CHECK_DEVICE, VERDICT_WARN, mem_strdup(known->advice), "%s: %s",
		       known->name, known->quirk);
	else
		report(j, CHECK_DEVICE, VERDICT_PASS, NULL, "%s (%04x:%04x)", known->name,
		       device->vendor, device->device);
}

static void judge_driver(struct judging *j)
{
	const struct device_facts *device = j->device;
	const struct known_device *known = known_device(device->vendor, device->device);
	const char *driver = device->pf.driver, *addr = pciaddr_str(device->pf.addr);

	if (!driver)
		report(j, CHECK_DRIVER, unless_dispensable(j),
		       known ? mem_printf("modprobe %s", known->driver)
			     : mem_printf("modprobe \"$(cat /sys/bus/pci/devices/%s/modalias)\"",
					  addr),
		       "no driver is bound to it");
	else if (driver_is_userspace(driver))
		report(j, CHECK_DRIVER, unless_dispensable(j),
		       mem_printf("virsh nodedev-reattach pci_%04x_%02x_%02x_%x",
				  device->pf.addr.domain, device->pf.addr.bus,
				  device->pf.addr.device, device->pf.addr.function),
		       "%s has the PF itself: it is given away whole", driver);
	else if (known && strcmp(driver, known->driver) != 0)
		report(j, CHECK_DRIVER, VERDICT_WARN,
		       mem_printf("echo %s > /sys/bus/pci/devices/%s/driver/unbind && modprobe %s "
				  "&& echo %s > /sys/bus/pci/drivers/%s/bind",
				  addr, addr, known->driver, addr, known->driver),
		       "%s is not the driver that is known to work, %s", driver, known->driver);
	else
		report(j, CHECK_DRIVER, VERDICT_PASS, NULL, "%s%s%s%s%s", driver,
		       device->driver_version ? " " : "",
		       device->driver_version ? device->driver_version : "",
		       device->firmware ? ", firmware " : "",
		       device->firmware ? device->firmware : "");
}

static void judge_link(struct judging *j)
{
	const struct device_facts *device = j->device;
	const struct pf *pf = &device->pf;
	cleanup_free char *netdev = pf->netdev ? shell_word(pf->netdev) : NULL;

	if (!netdev) {
		if (device->nic && pf->driver && !driver_is_userspace(pf->driver))
			report(j, CHECK_LINK, VERDICT_WARN,
			       mem_strdup("bring its interface back: ip -n NAMESPACE link set dev "
					  "INTERFACE netns 1; ip netns list shows the namespaces"),
			       "it has no interface in this network namespace");
	} else if (device->up == ANSWER_NO) {
		report(j, CHECK_LINK, VERDICT_WARN, mem_printf("ip link set dev %s up", netdev),
		       "down: libvirt takes no VF of it until attach brings it up");
	} else if (device->carrier == ANSWER_NO) {
		report(j, CHECK_LINK, VERDICT_WARN,
		       mem_printf(
			       "plug the cable in, or turn the port of the switch on; then look: "
			       "ethtool %s",
			       netdev),
		       "up, but no carrier");
	} else if (device->up == ANSWER_YES) {
		report(j, CHECK_LINK, VERDICT_PASS, NULL, "up%s",
		       device->carrier == ANSWER_YES ? ", with carrier" : "");
	}
}

/* VFs */

/* "vfpool set-vfs eth1 7": the PF by its name, else by its address. */
static char *mend_count(const struct device_facts *device, unsigned n, const char *options)
{
	cleanup_free char *name = shell_word(pf_str(&device->pf));

	return mem_printf("vfpool set-vfs %s %u%s", name, n, options);
}

static void judge_count(struct judging *j)
{
	const struct device_facts *device = j->device;
	const struct pf *pf = &device->pf;
	unsigned n = pf->total_vfs < SUGGESTED_VFS ? pf->total_vfs : SUGGESTED_VFS;
	cleanup_free char *now = pf->num_vfs ? mem_printf("%u", pf->num_vfs) : mem_strdup("none");

	if (device->writable == ANSWER_NO)
		report(j, CHECK_VFS, pf->num_vfs ? VERDICT_WARN : unless_dispensable(j),
		       mem_strdup("mount -o remount,rw /sys; in a container, do it on the host"),
		       "%s of at most %u, and their number cannot be changed: sysfs is read-only",
		       now, pf->total_vfs);
	else if (!pf->num_vfs)
		report(j, CHECK_VFS, unless_dispensable(j), mend_count(device, n, " --persist"),
		       "none of at most %u", pf->total_vfs);
	else
		report(j, CHECK_VFS, VERDICT_PASS, NULL, "%s of at most %u", now, pf->total_vfs);
}

static void judge_functions(struct judging *j)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free unsigned *missing = mem_zero(pf->num_vfs, sizeof(*missing));
	cleanup_free char *ranges = NULL;
	size_t n = 0;

	for (unsigned i = 0; i < pf->num_vfs; i++)
		if (!pf_vf_by_index(pf, i))
			missing[n++] = i;
	if (!n) {
		report(j, CHECK_VF_FUNCTIONS, VERDICT_PASS, NULL, "all are there");
		return;
	}
	ranges = number_ranges(missing, n);
	report(j, CHECK_VF_FUNCTIONS, pf->nvfs ? VERDICT_WARN : unless_dispensable(j),
	       mem_printf("make them anew while no guest has one: echo 0 > "
			  "/sys/bus/pci/devices/%s/sriov_numvfs && echo %u > "
			  "/sys/bus/pci/devices/%s/sriov_numvfs",
			  pciaddr_str(pf->addr), pf->num_vfs, pciaddr_str(pf->addr)),
	       "%zu of %u are missing: %s", n, pf->num_vfs, ranges);
}

static bool is_loaded(const struct facts *facts, const char *driver)
{
	for (size_t i = 0; i < facts->pci_drivers.n; i++)
		if (strcmp(facts->pci_drivers.items[i], driver) == 0)
			return true;
	return false;
}

/* "igbvf on 5, vfio-pci on 2" */
static char *drivers_of(const struct pf *pf)
{
	char *list = NULL;

	for (size_t i = 0; i < pf->nvfs; i++) {
		const char *driver = pf->vfs[i].driver;
		size_t n = 0, before = 0;

		if (!driver)
			continue;
		for (size_t k = 0; k < pf->nvfs; k++) {
			if (!pf->vfs[k].driver || strcmp(pf->vfs[k].driver, driver) != 0)
				continue;
			n++;
			before += k < i;
		}
		if (!before)
			list_add(&list, "%s on %zu", driver, n);
	}
	return list;
}

static char *mend_unbound(const struct judging *j, const struct vf *first)
{
	const struct known_device *known = known_device(j->device->vendor, j->device->device);

	if (known && !is_loaded(j->facts, known->vf_driver))
		return mem_printf("modprobe %s", known->vf_driver);
	return mem_printf("echo %s > /sys/bus/pci/drivers_probe, and so for each; or keep the host "
			  "from them for good: vfpool set-vfs %s %u --no-host-driver --persist",
			  pciaddr_str(first->addr), pf_str(&j->device->pf), j->device->pf.num_vfs);
}

static void judge_drivers(struct judging *j)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free unsigned *unbound = mem_zero(pf->nvfs, sizeof(*unbound));
	cleanup_free char *drivers = drivers_of(pf), *ranges = NULL;
	const struct vf *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < pf->nvfs; i++) {
		if (pf->vfs[i].driver)
			continue;
		if (!first)
			first = &pf->vfs[i];
		unbound[n++] = pf->vfs[i].index;
	}
	ranges = number_ranges(unbound, n);
	if (!first)
		report(j, CHECK_VF_DRIVERS, VERDICT_PASS, NULL, "%s", drivers);
	else if (j->device->autoprobe == ANSWER_NO)
		report(j, CHECK_VF_DRIVERS, VERDICT_PASS, NULL,
		       "none on %s, as sriov_drivers_autoprobe is 0%s%s", ranges,
		       drivers ? "; " : "", drivers ? drivers : "");
	else
		report(j, CHECK_VF_DRIVERS, VERDICT_WARN, mend_unbound(j, first), "none on %s%s%s",
		       ranges, drivers ? "; " : "", drivers ? drivers : "");
}

static void judge_netdevs(struct judging *j)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free unsigned *missing = mem_zero(pf->nvfs, sizeof(*missing));
	cleanup_free char *ranges = NULL;
	const struct vf *first = NULL;
	size_t n = 0, driven = 0;

	if (!j->device->nic)
		return;
	for (size_t i = 0; i < pf->nvfs; i++) {
		const struct vf *vf = &pf->vfs[i];

		if (!vf->driver || driver_is_userspace(vf->driver))
			continue;
		driven++;
		if (vf->netdev)
			continue;
		if (!first)
			first = vf;
		missing[n++] = vf->index;
	}
	if (!driven) {
		report(j, CHECK_VF_NETDEVS, VERDICT_PASS, NULL, "the host drives none of them");
	} else if (!n) {
		report(j, CHECK_VF_NETDEVS, VERDICT_PASS, NULL, "on each that the host drives");
	} else {
		ranges = number_ranges(missing, n);
		report(j, CHECK_VF_NETDEVS, VERDICT_WARN,
		       mem_printf(
			       "if they are in no other network namespace (ip netns list), bind "
			       "each anew: echo %s > /sys/bus/pci/drivers/%s/unbind && echo %s > "
			       "/sys/bus/pci/drivers_probe",
			       pciaddr_str(first->addr), first->driver, pciaddr_str(first->addr)),
		       "none in this network namespace on %s", ranges);
	}
}

/* IOMMU groups */

#define MEND_GROUPS                                                                                \
	"turn ACS on in the machine's firmware setup, or put the card in a slot with a root port " \
	"of its own"

/* Who is in the group beside this function; bridges go with what is behind them. */
static char *others_in(const struct iommu_group *group, struct pciaddr self)
{
	char *list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < group->n; i++) {
		if (group->members[i].bridge || pciaddr_equal(group->members[i].addr, self))
			continue;
		if (++n <= NAMED_MAX)
			list_add(&list, "%s", pciaddr_str(group->members[i].addr));
	}
	if (n > NAMED_MAX)
		list_add(&list, "%zu more", n - NAMED_MAX);
	return list;
}

static void judge_group_of_pf(struct judging *j)
{
	const struct iommu_group *group = facts_group(j->facts, j->device->group);
	cleanup_free char *others = group ? others_in(group, j->device->pf.addr) : NULL;

	if (!group)
		return;
	if (others)
		report(j, CHECK_IOMMU_GROUPS, VERDICT_WARN, mem_strdup(MEND_GROUPS),
		       "the PF shares group %d with %s, and its VFs may, too", group->number,
		       others);
	else
		report(j, CHECK_IOMMU_GROUPS, VERDICT_PASS, NULL, "the PF is alone in group %d",
		       group->number);
}

static void judge_groups(struct judging *j)
{
	const struct pf *pf = &j->device->pf;
	cleanup_free unsigned *shared = mem_zero(pf->nvfs, sizeof(*shared));
	cleanup_free unsigned *without = mem_zero(pf->nvfs, sizeof(*without));
	cleanup_free char *ranges = NULL, *first = NULL;
	size_t nshared = 0, nwithout = 0;
	int number = 0;

	if (!j->facts->iommu.groups)
		return;
	if (!pf->nvfs) {
		judge_group_of_pf(j);
		return;
	}
	for (size_t i = 0; i < pf->nvfs; i++) {
		const struct vf *vf = &pf->vfs[i];
		const struct iommu_group *group = facts_group(j->facts, vf->iommu_group);
		char *others = group ? others_in(group, vf->addr) : NULL;

		if (!group)
			without[nwithout++] = vf->index;
		if (others) {
			shared[nshared++] = vf->index;
			if (!first) {
				first = steal(&others);
				number = group->number;
			}
		}
		free(others);
	}
	if (nwithout) {
		ranges = number_ranges(without, nwithout);
		report(j, CHECK_IOMMU_GROUPS, nwithout == pf->nvfs ? VERDICT_FAIL : VERDICT_WARN,
		       mem_strdup("look for the reason: dmesg | grep -iE 'dmar|amd-vi|iommu'"),
		       "no IOMMU group for the VFs %s", ranges);
	} else if (nshared) {
		ranges = number_ranges(shared, nshared);
		report(j, CHECK_IOMMU_GROUPS, nshared == pf->nvfs ? VERDICT_FAIL : VERDICT_WARN,
		       mem_strdup(MEND_GROUPS),
		       "not isolated, so unusable: %s (group %d is shared with %s)", ranges, number,
		       first);
	} else {
		report(j, CHECK_IOMMU_GROUPS, VERDICT_PASS, NULL, "each VF is alone in its own");
	}
}

static void judge_numa(struct judging *j)
{
	int node = j->device->pf.numa_node;

	if (node >= 0)
		report(j, CHECK_NUMA, VERDICT_PASS, NULL, "node %d", node);
	else if (j->facts->numa_nodes > 1)
		report(j, CHECK_NUMA, VERDICT_WARN,
		       mem_strdup("update the machine's firmware; until then nothing can keep a "
				  "guest near its VF"),
		       "the firmware does not say which of %u nodes it is on",
		       j->facts->numa_nodes);
	else if (j->facts->numa_nodes == 1)
		report(j, CHECK_NUMA, VERDICT_PASS, NULL, "this host has one node only");
}

void judge_device(struct judging *j)
{
	const struct pf *pf = &j->device->pf;

	if (!judge_sriov(j))
		return;
	judge_known(j);
	judge_driver(j);
	judge_link(j);
	judge_count(j);
	if (pf->num_vfs)
		judge_functions(j);
	if (pf->nvfs) {
		judge_drivers(j);
		judge_netdevs(j);
	}
	judge_groups(j);
	judge_numa(j);
	judge_persistence(j);
}
