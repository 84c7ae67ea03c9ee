/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of the agent: what its loop (daemon.c) has workers do, and what comes of it. None of these
 * blocks.
 */
#ifndef VFPOOL_DAEMON_TASKS_H
#define VFPOOL_DAEMON_TASKS_H

#include "daemon/daemon.h"
#include "daemon/workers.h"
#include "host/uevent.h"

/* Can wait while guests are worked on, which wait for their VFs; but not for long. */
struct chore {
	msec at; /* QUEUE_NEVER: it is not to be done */
	msec by;
};

struct agent {
	const struct daemon_options *options;
	struct queue queue;
	struct workers workers;
	int signals, uevents, appear, pools;
	int locks; /* -1: it cannot be watched that they are let go */
	bool connected, ready;
	msec ready_by;
	msec reconnect; /* when a connection is to be tried; QUEUE_NEVER: there is one, or a try */
	unsigned refused;     /* connections in a row */
	struct chore look;    /* the host is to be looked at */
	bool look_again;      /* something has happened while it is */
	struct chore publish; /* others are to be told what is free */
	bool publish_again;   /* something has happened while they are */
	bool published;       /* they may have been told something, */
	bool withdrawn;       /* and that was taken back */
	bool untold;          /* that failed, and the journal knows */
	bool ends;            /* it was told to, */
	bool reloads;         /* or to look at all guests */
	char *status;         /* as systemd knows it */
	char *last_failure;   /* to connect; it is not said twice */
};

/* Tells systemd, once, that the agent is at work. */
void tasks_ready(struct agent *a);

/* When that is due, as things are now. */
msec tasks_due(const struct agent *a, const struct chore *chore);

/* Starts what is due. */
void tasks_connect(struct agent *a, msec now);
void tasks_publish(struct agent *a, msec now);
void tasks_look(struct agent *a, msec now);
void tasks_start_guests(struct agent *a, msec now);

/* Something has happened: where libvirt's daemons have their sockets, to a pool's file, to PCI
 * devices, to the locks. */
void tasks_appeared(struct agent *a, msec now);
void tasks_pools_changed(struct agent *a, msec now);
void tasks_devices_changed(struct agent *a, enum uevent_pci what, msec now);
void tasks_locks_freed(struct agent *a);

/* Hears from then on of those that are let go. */
void tasks_watch_locks(struct agent *a);

/* Takes in what a worker has said by now; its process has ended. */
void tasks_hear(struct agent *a, struct worker *worker);
void tasks_worker_ended(struct agent *a, struct worker *worker, msec now);

#endif
