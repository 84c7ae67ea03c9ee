/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host, a libvirt and a store that exist in memory only, behind the real edges' tables, so that
 * every failure path runs in milliseconds. Domains are kept as XML and read by the real parsers.
 *
 * Time is made: it passes only while something waits for an event that does not come.
 */
#ifndef VFPOOL_TESTS_FAKES_WORLD_H
#define VFPOOL_TESTS_FAKES_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "host/edges.h"
#include "model/inventory.h"
#include "model/lease.h"
#include "verbs/verb.h"

#define WORLD_DOMAINS 4
#define WORLD_DEVICES 8
#define WORLD_PFS 3  /* at most */
#define WORLD_VFS 64 /* of a PF, at most */

/* What a VF's driver takes when the VF has no MAC. */
#define WORLD_CHOSEN_MAC ((struct mac){{0x02, 0xcc, 0, 0, 0, 1}})

/* A device element of a domain's view. */
struct fake_device {
	char *xml;
	char *alias;
	struct pciaddr host;
};

struct fake_view {
	bool present;
	char *metadata; /* our element, or NULL */
	struct fake_device devices[WORLD_DEVICES];
	size_t ndevices;
};

struct fake_domain {
	char uuid[UUID_STRLEN];
	const char *name;
	bool paused;
	bool moving;           /* it has not arrived yet */
	const char *placement; /* XML: <vcpu>, <cputune>, <numatune>; NULL: none */
	unsigned ports;        /* pcie-root-ports */
	unsigned deaf;         /* so many unplug requests are ignored */
	bool silent;           /* its QEMU does not even take them */
	unsigned refuses;      /* so many unplug requests are answered with "removal failed" */
	bool lost_event;       /* it lets go, but the event does not come */
	bool keeps_standby;    /* it never lets go of a standby NIC */
	bool holds;            /* it never lets go of this VF */
	struct pciaddr held;
	struct fake_view live, config;
};

struct world {
	struct host host;
	struct virt virt;
	struct store store;
	struct edges edges;
	struct session session;
	const char *uri; /* libvirt's; NULL: qemu:///system */

	struct inventory inventory;
	struct fake_domain domains[WORLD_DOMAINS];
	size_t ndomains;
	struct leases leases;
	struct stuck_guests stuck;
	struct vf_settings *libvirt_saved; /* MAC and VLAN that libvirt puts back, by place */
	bool *unnamed;                     /* VFs whose netdev udev has not named yet, by place */
	struct mac *probed; /* the MAC that the host's driver found when it was bound, by place */

	/* The number of VFs, and what they are bound to. */
	enum vf_home home;
	struct resize_notes notes;
	int refused_count;        /* this number is refused, with refused_error; -1: none */
	int refused_error;        /* an errno */
	unsigned enables;         /* the kernel makes no more than these; 0: as many as asked for */
	bool hangs;               /* it never finishes removing VFs */
	bool no_vf_driver;        /* no driver of the host takes VFs */
	unsigned late;            /* so many VFs are bound only by hand */
	unsigned unbindable;      /* and so many not even so */
	const char *user;         /* has each idle VF on vfio-pci open */
	unsigned walks;           /* so often were the host's processes walked through */
	bool torn_away;           /* VFs were removed while a guest had one */
	const char *locked;       /* another process has the lock of the domain with this UUID */
	unsigned locked_at;       /* the call by which a domain's lock was taken last */
	bool at_work;             /* another process has the PF's number locked, */
	bool shared;              /* or others share it, who use its VFs */
	struct persist persisted; /* .pf is NULL: nothing */
	int persist_error;        /* ERR_*: keeping it fails so */

	/* A guest's state, as libvirt has saved it. */
	struct {
		struct fake_domain *domain; /* NULL: there is none */
		struct fake_view live;
		bool managed; /* for its next start */
	} saved;

	/* A snapshot of a guest, of the name "s". */
	struct {
		struct fake_domain *domain; /* NULL: there is none */
		struct fake_view live, config;
	} snapshot;

	/* The network by which the host tells of itself; NULL: there is none. */
	char *network;
	bool network_active;
	unsigned published;  /* so often has it been defined */
	struct world *other; /* the host behind every URI; NULL: it cannot be reached */
	/* What becomes of a move from here. */
	bool job;           /* there is one under way already; */
	unsigned job_ends;  /* it ends when it has been asked after so often; 0: never */
	bool job_moves;     /* and then the guest has gone */
	bool move_stopped;  /* somebody stops it in its midst */
	int move_signal;    /* this signal comes meanwhile; 0: none */
	bool move_alone;    /* the connection to the host there breaks meanwhile */
	unsigned move_lies; /* it is done, and it is said that it failed; 2: and nobody can see */
	bool agent;     /* one is here, and at work on who arrives, once somebody waits for it */
	unsigned moved; /* so many have been moved from here */

	struct virt_event events[32];
	size_t nevents;
	bool watching, watching_closely;
	unsigned detaches; /* so often was one asked for */
	msec clock;
	int64_t wall;     /* seconds since 1970 */
	const char *name; /* of the host */

	/* The fault: the nth call of an edge (from 1; 0: none) fails, or is the last one ever made.
	 */
	unsigned calls, fail_at;
	bool dies; /* killed there: no call has any effect from then on */
	/* Something that happens right before the nth call. */
	void (*meanwhile)(struct world *w);
	unsigned meanwhile_at;
	const char *meanwhile_in; /* that call's name, when it has happened */

	unsigned looks;          /* so many VFs were read one by one */
	const char *failed_in;   /* the name of the call that failed */
	struct pciaddr taken[8]; /* VFs that libvirt says are in use */
	size_t ntaken;
	bool given;       /* a plain hostdev: nobody knows what MAC its VF had before */
	unsigned touched; /* TOUCHED_*: what has been changed, or was tried to be */
	const char
		*variant; /* a driver of VFIO's for these VFs, that libvirt prefers; NULL: none */
	const char *lacks, *stopped; /* of the networks that others have: this is not there, or not
					active; NULL: all are */
	unsigned long libvirt_version; /* as libvirt counts: 11.3.0 is 11003000 */
	bool filters;                  /* bridges keep VLANs apart; br7 is over one of VLAN 7 */
	bool only_8021q; /* the driver knows no other VLAN protocol, and says so when it is set */
	unsigned
		cannot; /* SETTING_*: the driver tells them all the same, and refuses to set them */
};

enum { TOUCHED_STORE = 1 << 0, TOUCHED_GUEST = 1 << 1, TOUCHED_HOST = 1 << 2 };

/*
 * One PF eth1 (0000:01:00.0) with nvfs VFs on driver igbvf, and domains web1 and web2: running and
 * persistent, four free ports each.
 */
void world_init(struct world *world, unsigned nvfs);
void world_clear(struct world *world);

/* With two of them: the one where things are done from now on. The last one made is it at first. */
void world_enter(struct world *world);

struct pf *world_pf(struct world *world);

/* Another PF: eth2, 0000:02:00.0. PFs that were got before have moved. */
struct pf *world_add_pf(struct world *world, unsigned nvfs);
/* Another PF that is no NIC: 0000:02:00.0, driver nvme, whose VFs no driver of the host takes. */
struct pf *world_add_nvme(struct world *world, unsigned nvfs);
struct fake_domain *world_domain(struct world *world, const char *name);

/* Shuts a domain down: its VFs go back to the host. */
void world_stop(struct world *world, const char *name);

/* Starts it: with the state that was saved for it, if there is one, else as it is defined. */
void world_start(struct world *world, const char *name);

/* The last VF of the last PF vanishes, from under a guest, too; and a new one comes in its place.
 */
void world_vanish(struct world *world);
void world_return(struct world *world);

/* Somebody else gives a domain a VF, in these VIRT_* views: as an interface, or as a plain hostdev.
 */
void world_give(struct world *world, const char *name, const struct vf *vf, bool interface,
		unsigned views);

/* The domain is undefined and gone. */
void world_forget(struct world *world, const char *name);

/* Runs a command line, "attach web1 eth1": its exit status; its output is thrown away. */
int world_run(struct world *world, const char *command, struct err **err);

/*
 * The invariants: no VF in two running guests; each of our devices with its assignment and its held
 * lease, and the MAC on the VF; each VF without a lease on its driver with the settings it had at
 * first. NULL when they hold, else what does not (static).
 */
const char *world_broken(struct world *world);

/* A view as the program reads it; for domain_view_clear(). */
struct domain_view world_view(struct world *world, const char *name, unsigned view);

/* How many devices of ours the view has. */
size_t view_ours(const struct fake_view *view);

#endif
