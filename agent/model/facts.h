/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine is like, as far as handing VFs to guests hangs on it. Plain data, mostly text as
 * it was read: what it means is judged in check/. A text that is NULL was not there, or could not
 * be read.
 */
#ifndef VFPOOL_MODEL_FACTS_H
#define VFPOOL_MODEL_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/names.h"
#include "model/inventory.h"

/* Where "no" and "nobody could tell" are not the same. */
enum answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES };

struct text_file {
	char *path; /* as the machine itself calls it */
	char *text;
};

struct text_files {
	struct text_file *items;
	size_t n;
};

enum module_state {
	MODULE_UNKNOWN,   /* there are no lists of modules */
	MODULE_ABSENT,    /* the running kernel has none */
	MODULE_AVAILABLE, /* it can be loaded */
	MODULE_BUILT_IN,
	MODULE_LOADED,
};

/* Programs that tell how this machine's kernel arguments are changed. */
enum {
	PROGRAM_GRUBBY = 1 << 0,
	PROGRAM_UPDATE_GRUB = 1 << 1,
	PROGRAM_GRUB2_MKCONFIG = 1 << 2,
	PROGRAM_GRUB_MKCONFIG = 1 << 3,
	PROGRAM_KERNEL_INSTALL = 1 << 4,
	PROGRAM_PROXMOX_BOOT = 1 << 5,
	PROGRAM_RPM_OSTREE = 1 << 6, /* and the system is one of its */
};

struct cpu_facts {
	char *cpuinfo;       /* of the first processors */
	enum answer kvm;     /* /dev/kvm is there */
	bool kvm_accessible; /* for whoever runs this */
};

struct iommu_facts {
	bool dmar, ivrs, iort;            /* ACPI tables of that name */
	bool groups_dir;                  /* the kernel knows of IOMMU groups at all */
	bool groups;                      /* and has some */
	char *interrupts;                 /* the beginning of /proc/interrupts */
	char *unsafe;                     /* vfio_iommu_type1's allow_unsafe_interrupts */
	struct text_files unsafe_options; /* of modprobe, that name it */
};

struct kernel_facts {
	char *release;
	char *arguments;
	enum answer intel_default_on; /* by the kernel's configuration */
	enum answer passthrough_default;
	enum module_state vfio_pci;
	bool modules; /* the running kernel's modules are there */
};

struct boot_facts {
	unsigned programs;    /* PROGRAM_* */
	char *loader;         /* as it named itself to EFI: "systemd-boot 252" */
	char *grub_default;   /* /etc/default/grub */
	char *kernel_cmdline; /* /etc/kernel/cmdline */
	char *os_release;
	bool initrd; /* /boot/initrd.img-RELEASE */
};

/* A hook of libvirt's for QEMU guests. */
struct hook {
	char *path;
	char *target; /* of a symbolic link; else NULL */
	bool executable;
	int64_t changed; /* milliseconds since 1970 */
};

/* The process that runs the guests. */
struct daemon {
	char *name; /* "libvirtd"; NULL: none is running */
	char *limits;
	char *status;
	char *label;     /* of AppArmor or SELinux */
	int64_t started; /* milliseconds since 1970; 0: not known */
};

struct libvirt_facts {
	bool asked;
	struct err *err; /* why it did not answer */
	char *uri;
	char *driver;             /* "QEMU" */
	unsigned long version;    /* 9005000 is 9.5.0 */
	unsigned long hypervisor; /* likewise */
	struct daemon daemon;
	bool hooks_read;
	struct hook *hooks;
	size_t nhooks;
	bool apparmor; /* the kernel has it switched on */
	bool selinux_enforcing;
	char *hooks_unconfined; /* the SELinux boolean virt_hooks_unconfined: "0 0" */
};

/* Where hook-install puts vfpool's. */
#define LIBVIRT_OWN_HOOK "/etc/libvirt/hooks/qemu.d/vfpool"

/*
 * libvirt's daemon looks for hooks when it starts. Has it found one then (or is not known to have
 * started), it runs all that are there when the time comes; else none.
 */
bool libvirt_runs_hooks(const struct libvirt_facts *libvirt);

/* vfpool's own one, executable or not; NULL: it is not there. */
const struct hook *libvirt_own_hook(const struct libvirt_facts *libvirt);

/* Who may keep a PF's number of VFs. */
struct keeper_facts {
	bool read;                  /* there is an /etc to read */
	bool nm_read;               /* its connections, which only root may read */
	struct text_files nm;       /* NetworkManager's connections that speak of SR-IOV */
	struct text_files nm_conf;  /* its own settings, likewise; the last one counts */
	struct text_files links;    /* systemd's .link files, in the order in which they count */
	struct text_files networks; /* and its .network files */
	struct text_files drop_ins; /* of both, likewise: "X.link.d/Y.conf" */
	struct text_files rules;    /* udev's rules that speak of sriov_numvfs */
};

struct group_member {
	struct pciaddr addr;
	bool bridge;
};

struct iommu_group {
	int number;
	char *type;                   /* "identity", "DMA", "DMA-FQ" */
	struct group_member *members; /* by address */
	size_t n;
};

/* A PF, or a device that is none (yet). */
struct device_facts {
	struct pf pf;        /* only address, driver and netdev where it is none */
	bool sriov;          /* the kernel offers it */
	enum answer capable; /* SR-IOV in its PCI configuration */
	uint16_t vendor, device;
	bool nic;
	int group; /* -1: none */
	enum answer up, carrier;
	enum answer writable;  /* the number of VFs can be written */
	enum answer autoprobe; /* the kernel binds new VFs to drivers */
	char *driver_version;
	char *firmware;
};

struct facts {
	bool made;       /* read from a tree: libvirt was not asked */
	bool privileged; /* read with root's rights */
	bool named;      /* one device was asked for */
	struct cpu_facts cpu;
	struct iommu_facts iommu;
	struct kernel_facts kernel;
	struct boot_facts boot;
	struct libvirt_facts libvirt;
	struct keeper_facts keepers;
	struct names pci_drivers; /* that are loaded */
	unsigned numa_nodes;
	struct device_facts *devices;
	size_t ndevices;
	struct iommu_group *groups; /* those of the devices and of their VFs, by number */
	size_t ngroups;
};

void keeper_facts_clear(struct keeper_facts *facts);
void libvirt_facts_clear(struct libvirt_facts *libvirt);
void facts_clear(struct facts *facts);
void device_facts_clear(struct device_facts *device);

const struct iommu_group *facts_group(const struct facts *facts, int number); /* NULL: not read */

#endif
