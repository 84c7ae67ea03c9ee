/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what should be and what is to the steps that make the one the other. Pure: no I/O, no
 * libvirt, no XML, no store. execute.c carries the steps out.
 *
 * Every step is safe to be the last one before the process is killed: the next plan, made from
 * what is then found, finishes or undoes the work. So each effect has its record before it.
 */
#ifndef VFPOOL_CONVERGE_PLAN_H
#define VFPOOL_CONVERGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "converge/place.h"
#include "converge/wants.h"
#include "core/err.h"
#include "model/domain.h"
#include "model/inventory.h"
#include "model/lease.h"
#include "model/network.h"
#include "policies/candidates.h"
#include "policies/policy.h"

/* All that a plan is made from. Borrowed; the plan keeps no pointer into it. */
struct situation {
	const struct domain *domain; /* without a view: the domain is gone */
	const struct wants *wants;
	const struct scope *scope;
	const struct leases *leases; /* of this domain, and of every PF in the inventory */
	const struct inventory
		*inventory; /* the PFs that leases, devices and pools of the scope need */
	const struct place *places;
	size_t nplaces;
	const struct foreigns *foreigns; /* needed only where a VF is to be chosen */
	const struct pciaddr *busy;      /* VFs that were found taken in this run */
	size_t nbusy;
	const struct pciaddr
		*gone; /* VFs that devices of ours name, and the host has not any more */
	size_t ngone;
	const struct networks *networks; /* those that standbys go to; the others nobody asked for
					  */
	const int *nodes; /* NUMA nodes where the guest runs; none: anywhere, or nobody asked */
	size_t nnodes;
	int64_t now;      /* seconds since 1970: reservations expire */
	const char *here; /* this host's name: what was parked here keeps its VF */
};

enum step_kind {
	STEP_LOSE, /* store: lost, for the VF has vanished and nothing can be done about it now */
	/* A lease whose VF will not do any more gives way to another. */
	STEP_GIVE_UP, /* its own settings are taken back, where still ours; the lease is dropped */
	STEP_CLAIM,   /* store: the VF is promised; nothing has been touched */
	/* What the driver refuses is refused here. */
	STEP_PF_UP,  /* the PF is administratively up */
	STEP_SAVE,   /* the VF's settings are in the store: plugging */
	STEP_SET,    /* settings that libvirt will not set, or that have drifted */
	STEP_RECORD, /* the guest's metadata says what should be */
	/* Out. */
	STEP_UNPLUG_CONFIG,  /* out of the persistent definition */
	STEP_UNPLUG,         /* the running guest is asked */
	STEP_RELEASE,        /* store: releasing */
	STEP_AWAIT,          /* the guest has let go: waits for all that were asked, together */
	STEP_UNPLUG_STANDBY, /* the standby NIC: out of the definition; the running guest is asked
			      */
	STEP_SETTLE,         /* the VF is back on the host's driver */
	STEP_RESTORE,        /* its settings are as they were before us, and read back */
	STEP_RESERVE, /* store: reserved; the VF is idle, and kept for a guest that is parked */
	STEP_DROP,    /* store: the lease is forgotten, the VF is free */
	STEP_AWAIT_STANDBY, /* as STEP_AWAIT, for the standby NICs */
	/* In. */
	STEP_PLUG_STANDBY, /* its standby NIC, before the VF that it is to stand for */
	STEP_PLUG,         /* attached through libvirt */
	STEP_CONFIRM,      /* in the guest's XML, settings read back; store: held */
	STEP_LEARN, /* what has come of it is recorded: the address libvirt chose, an alias of ours
		     */
};

const char *step_name(enum step_kind kind);

/* One assignment of the scope, with all that its steps need. */
struct subject {
	struct assignment assignment; /* as wanted, or as it was; only the id where nothing tells */
	unsigned want;                /* VIEW_* where it should be */
	unsigned have;                /* VIEW_* where its device is */
	/* The VF that it has or gets: by its device, else its lease; to show when all is done, too.
	 */
	struct pciaddr vf;
	unsigned index;
	unsigned unplug; /* VIEW_* where it has to come out */
	unsigned plug;   /* VIEW_* where it has to go in; both: it names another VF */
	/* Of its standby NIC: where it has to come out, and where it has to go in. */
	unsigned standby_unplug, standby_plug;
	bool standby_tagged; /* its network has to be told the VLAN */
	bool prebound;       /* its VF waits on vfio-pci for guests: libvirt is not to rebind it */
	bool drifted;        /* its VF's settings are not as they should be any more */
	char *pf;     /* the name of the PF of its VF: "eth1"; NULL where there is none to tell */
	int64_t kept; /* its VF is kept until then, seconds since 1970, for it is parked; 0: it is
			 not */
	bool leased;
	struct lease lease; /* the one it has */
	bool claims;
	struct lease fresh; /* the one to claim */
	bool loses;         /* its VF has vanished, which its lease does not say yet */
	struct err *err;    /* why it cannot be planned, later why its steps stopped */
	bool stays;         /* park_domain() has left it in the running guest */
	bool failed;        /* at the end: it is not as wanted */
	/* While the steps are carried out. */
	bool taken;         /* somebody else has the VF: another is to be chosen */
	bool out;           /* the running guest has let go */
	bool standby_out;   /* of its standby, too */
	struct err *silent; /* its QEMU has not taken the request to unplug it */
	unsigned did;       /* 1 << STEP_*: what was done for it */
};

#define STEP_ALL ((size_t)-1)

struct step {
	enum step_kind kind;
	size_t subject; /* index; STEP_ALL for a step that is about the whole domain */
	unsigned views; /* STEP_RECORD: which ones are written */
};

struct plan {
	struct subject *subjects;
	size_t nsubjects;
	struct step *steps;
	size_t nsteps;
	struct wants
		record; /* what STEP_RECORD writes: the wants, with the guest addresses chosen */
};

/*
 * Makes the plan. A subject that cannot be planned has its reason in .err and no steps; that
 * does not stop the others: the caller decides. No steps at all: all is as it should be.
 */
void plan_make(const struct situation *situation, struct plan *plan);
void plan_clear(struct plan *plan);

/*
 * The guest's QEMU has not taken a request while the plan was executed: there is no use in asking
 * it for anything else. NULL: it has.
 */
const struct err *plan_silence(const struct plan *plan);

#endif
