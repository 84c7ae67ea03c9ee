/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The edge to libvirt, behind a table. XML comes and goes as text: xml/ reads and writes it.
 * virt_open() gives the real one; libvirt.h is included in virt*.c only.
 *
 * Every call is one round trip unless it says otherwise, and blocks as long as libvirt takes: at
 * most 30 s for another job on the same domain, and for what QEMU has to do as long as that takes,
 * unless a deadline is named. ERR_LOST: the connection broke; the request may or may not have been
 * carried out.
 */
#ifndef VFPOOL_HOST_VIRT_H
#define VFPOOL_HOST_VIRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/err.h"
#include "model/domain.h"
#include "model/lease.h"

/* QEMU may have to pin all of the guest's memory first, which takes a minute for a terabyte. */
#define VIRT_PLUG_S 600
/* Without a fault it needs some milliseconds to take a request to unplug. */
#define VIRT_ASK_MS 1000

/* A handle on one domain: who it is. Free with virt_dom_clear(). */
struct virt_dom {
	void *handle;
	char uuid[UUID_STRLEN];
	char *name;
	int id; /* -1: shut off when it was looked up */
};

/* How a state is saved or restored. */
enum {
	VIRT_BYPASS_CACHE = 1 << 0, /* not through the host's page cache */
	VIRT_RUNNING = 1 << 1,      /* the guest runs when restored; as it was with neither */
	VIRT_PAUSED = 1 << 2,       /* it is paused */
};

/* How a snapshot is made, or reverted to: virsh's options of the same names. */
enum {
	VIRT_SNAPSHOT_LIVE = 1 << 3,
	VIRT_SNAPSHOT_REUSE = 1 << 5,
	VIRT_SNAPSHOT_ATOMIC = 1 << 6,
	VIRT_SNAPSHOT_NO_METADATA = 1 << 7,
	VIRT_SNAPSHOT_FORCE = 1 << 8, /* revert; VIRT_RUNNING and VIRT_PAUSED, too */
};

/* How a guest is moved to another host: virsh's options of the same names. */
enum {
	VIRT_MOVE_LIVE = 1 << 0,
	VIRT_MOVE_P2P = 1 << 1,
	VIRT_MOVE_TUNNELLED = 1 << 2,
	VIRT_MOVE_PERSISTENT = 1 << 3,
	VIRT_MOVE_UNDEFINE = 1 << 4,
	VIRT_MOVE_SUSPEND = 1 << 5,
	VIRT_MOVE_STORAGE_ALL = 1 << 6,
	VIRT_MOVE_STORAGE_INC = 1 << 7,
	VIRT_MOVE_UNSAFE = 1 << 8,
	VIRT_MOVE_COMPRESSED = 1 << 9,
	VIRT_MOVE_AUTO_CONVERGE = 1 << 10,
	VIRT_MOVE_ABORT_ON_ERROR = 1 << 11,
	VIRT_MOVE_POSTCOPY = 1 << 12,
	VIRT_MOVE_PARALLEL = 1 << 13,
	VIRT_MOVE_TLS = 1 << 14,
};

/* What is NULL or 0 is libvirt's choice. */
struct virt_move {
	unsigned flags;  /* VIRT_MOVE_* */
	const char *uri; /* of the libvirt there */
	const char *migrate_uri, *graphics_uri, *listen_address;
	const char *name; /* the guest's, from then on */
	char *xml, *persistent_xml;
	char **disks; /* those whose contents are copied */
	size_t ndisks;
	unsigned bandwidth; /* MiB/s */
	unsigned connections;
};

/* How far a job is. */
struct virt_progress {
	bool known;              /* there is one, and it has said something */
	bool leaves;             /* it sends the guest to another host */
	unsigned long long left; /* ms, as libvirt expects it; 0: it does not */
	unsigned long long memory_left, memory_total, memory_rate; /* bytes, and a second */
	unsigned long long disk_left, disk_total;
	/*
	 * The move goes by our connection to the host there, and that is broken. libvirt here does
	 * not know, and can wait for that host for as long as TCP does.
	 */
	bool there_lost;
};

enum virt_move_word { VIRT_MOVE_GO_ON, VIRT_MOVE_STOP, VIRT_MOVE_PAUSE, VIRT_MOVE_TO_POSTCOPY };

/* Who looks after a move while it lasts. */
struct virt_mover {
	/* Called each time that wake is readable, and every so many ms (0: not by itself). */
	enum virt_move_word (*look)(void *arg, const struct virt_progress *progress);
	void *arg;
	int wake; /* -1: none */
	unsigned every_ms;
};

enum virt_event_kind {
	VIRT_DEVICE_REMOVED,
	VIRT_DEVICE_REMOVAL_FAILED, /* the guest refused; it can be asked again */
	VIRT_DOMAIN_STOPPED,        /* the domain is gone, and its devices with it */
	/* Told to who follows only: */
	VIRT_DOMAIN_CHANGED, /* what defines it, or who runs it, is another now */
	VIRT_DOMAIN_PASSING, /* it is not, but it may be able to do now what it was not: it was
				paused, is awake again, has started anew */
	VIRT_DOMAIN_MOVING,  /* its memory is being sent to another host */
};

struct virt_event {
	enum virt_event_kind kind;
	char uuid[UUID_STRLEN];
	char *name;       /* of the domain */
	char *alias;      /* of the device; NULL for what is about the domain */
	const char *what; /* in words: "started", "device removed" */
};

/* Who answers. Free with virt_about_clear(). */
struct virt_about {
	char *uri;
	char *driver;             /* "QEMU" */
	unsigned long version;    /* of libvirt there: 9005000 is 9.5.0 */
	unsigned long hypervisor; /* likewise */
};

struct virt;

struct virt_state {
	bool running, persistent, paused;
	/* It stands still while it is moved, from here or to here, or is here with a part of its
	 * memory (post-copy): until it has arrived libvirt lets nobody change it. */
	bool moving;
};

struct virt_ops {
	/* Of who answers; the caller frees it. No round trip. NULL: it is not known. */
	char *(*uri)(struct virt *virt);

	/* Up to three round trips. */
	int (*about)(struct virt *virt, struct virt_about *out, struct err **err);

	/* A domain by id, UUID or name, tried in virsh's order. ERR_ABSENT: there is none. */
	int (*find)(struct virt *virt, const char *name, struct virt_dom *out, struct err **err);

	/* All domains, running and defined: one round trip. The caller clears each and frees the
	 * array. */
	int (*list)(struct virt *virt, struct virt_dom **out, size_t *n, struct err **err);

	/*
	 * How it is now, which find() may have seen otherwise. Two round trips; for a domain that
	 * is shut off one. ERR_ABSENT: it is not known any more.
	 */
	int (*state)(struct virt *virt, const struct virt_dom *dom, struct virt_state *out,
		     struct err **err);

	/*
	 * The definition as XML: view is VIEW_LIVE or VIEW_CONFIG (the one it will start with).
	 * Passwords are left out. ERR_ABSENT: the domain has no such definition (any more). Of a
	 * running domain that is not persistent (ask state()) VIEW_CONFIG is what it was started
	 * with.
	 */
	int (*xml)(struct virt *virt, const struct virt_dom *dom, unsigned view, char **out,
		   struct err **err);

	/*
	 * Attaches a device. ERR_TAKEN: libvirt says that somebody else has this VF: try another.
	 * ERR_TIMEOUT: the guest's QEMU has not answered within VIRT_PLUG_S. Anything else that
	 * fails leaves the guest without the device, but for this one and ERR_LOST.
	 */
	int (*attach)(struct virt *virt, const struct virt_dom *dom, const char *xml,
		      unsigned views, struct err **err);

	/*
	 * Asks for the device with this alias to be taken out of one view. VIEW_LIVE only asks the
	 * guest: the answer comes as an event. VIEW_CONFIG is done on return. ERR_ABSENT: it is not
	 * there (any more). An unplug already under way is not an error. ERR_TIMEOUT: the guest's
	 * QEMU has not even taken the request by the deadline, for which it has VIRT_ASK_MS at
	 * least; it may do so later.
	 */
	int (*detach)(struct virt *virt, const struct virt_dom *dom, const char *alias,
		      unsigned view, msec deadline, struct err **err);

	/*
	 * Takes a device out of the persistent definition that has no alias to name it by: the one
	 * that this XML describes. ERR_ABSENT: it is not there (any more).
	 */
	int (*undefine)(struct virt *virt, const struct virt_dom *dom, const char *xml,
			struct err **err);

	/* Writes our metadata element; xml NULL removes it. */
	int (*set_metadata)(struct virt *virt, const struct virt_dom *dom, const char *xml,
			    unsigned views, struct err **err);

	/*
	 * The definition of a network, and whether it is active; and libvirt's version there, as
	 * virt_about's. Four round trips. ERR_ABSENT: there is none of this name.
	 */
	int (*network)(struct virt *virt, const char *name, char **xml, bool *active,
		       unsigned long *version, struct err **err);

	/*
	 * Saves the guest's state to a file, and stops it; path NULL: libvirt keeps it, and uses it
	 * at the next start. flags: VIRT_BYPASS_CACHE and so on. Blocks until all is written. On
	 * failure the guest runs on, but for ERR_LOST.
	 */
	int (*save)(struct virt *virt, const struct virt_dom *dom, const char *path, unsigned flags,
		    struct err **err);

	/* The definition within a file that save() wrote. */
	int (*saved_xml)(struct virt *virt, const char *path, char **out, struct err **err);

	/* Starts a guest from such a file, and blocks until it is there. */
	int (*restore)(struct virt *virt, const char *path, unsigned flags, struct err **err);

	/* Is there such a snapshot of the guest? name NULL: the current one. */
	int (*snapshot_find)(struct virt *virt, const struct virt_dom *dom, const char *name,
			     struct err **err);

	/*
	 * Makes one as its XML says; flags: VIRT_SNAPSHOT_*. Blocks until all is written. On
	 * failure the guest runs on, but for ERR_LOST. The caller frees the name.
	 */
	int (*snapshot_make)(struct virt *virt, const struct virt_dom *dom, const char *xml,
			     unsigned flags, char **name, struct err **err);

	/*
	 * Makes the guest what it was then: running, or not. Two round trips. Whether a failure
	 * leaves it running has to be asked.
	 */
	int (*snapshot_revert)(struct virt *virt, const struct virt_dom *dom, const char *name,
			       unsigned flags, struct err **err);

	/* Is there a job on the domain, and how far is it? */
	int (*job)(struct virt *virt, const struct virt_dom *dom, struct virt_progress *out,
		   struct err **err);

	/*
	 * Moves the running guest to the host behind another connection, and blocks until it runs
	 * there. On failure it runs on here, but for ERR_LOST, and when the connection to there
	 * breaks at the very end: who has to know looks where it is.
	 */
	int (*move)(struct virt *virt, const struct virt_dom *dom, struct virt *there,
		    const struct virt_move *move, const struct virt_mover *mover, struct err **err);

	/*
	 * The definition of the network by which a host tells of itself (model/report.h), and
	 * whether it is active: three round trips. ERR_ABSENT: there is no such network.
	 */
	int (*published)(struct virt *virt, char **xml, bool *active, struct err **err);

	/* Defines it anew, all at once for who reads it, and starts it if need be. */
	int (*publish)(struct virt *virt, const char *xml, struct err **err);

	/* Stops it; its definition stays. ERR_ABSENT: there is none. */
	int (*withdraw)(struct virt *virt, struct err **err);

	/*
	 * Registers for VIRT_DEVICE_REMOVED; must come before what causes it. Again: does nothing.
	 * It is one round trip, and one more when the connection is closed, as each event is.
	 */
	int (*watch)(struct virt *virt, struct err **err);

	/*
	 * For who has waited for that in vain: registers for all but VIRT_DOMAIN_CHANGED, and the
	 * end of the connection ends next_event() at once. What has been before is not told: look
	 * at the XML. Again: does nothing.
	 */
	int (*watch_closely)(struct virt *virt, struct err **err);

	/*
	 * The same with VIRT_DOMAIN_CHANGED. stop, for virt_follow_only(): when that descriptor can
	 * be read, next_event() returns 0 before its deadline; -1: it does not.
	 */
	int (*follow)(struct virt *virt, int stop, struct err **err);

	/*
	 * Waits for the next event of any domain. 1: one in *out, for virt_event_clear(); 0: the
	 * deadline passed; -1: error.
	 */
	int (*next_event)(struct virt *virt, msec deadline, struct virt_event *out,
			  struct err **err);

	/*
	 * No more events are wanted, for now, and those that have come are forgotten: one round
	 * trip for each that was registered for. false: the connection is broken.
	 */
	bool (*rest)(struct virt *virt);

	/* Lets go of a domain's handle; virt_dom_clear() calls it. */
	void (*dom_release)(struct virt *virt, struct virt_dom *dom);

	void (*close)(struct virt *virt);
};

struct virt {
	const struct virt_ops *ops;
};

static inline void virt_dom_clear(struct virt *virt, struct virt_dom *dom)
{
	if (dom->handle)
		virt->ops->dom_release(virt, dom);
	free(dom->name);
	*dom = (struct virt_dom){.id = -1};
}

static inline void virt_event_clear(struct virt_event *event)
{
	free(event->name);
	free(event->alias);
	*event = (struct virt_event){0};
}

static inline void virt_about_clear(struct virt_about *about)
{
	free(about->uri);
	free(about->driver);
	*about = (struct virt_about){0};
}

/*
 * Loads libvirt's library, without any use of it yet: a process forked after that has it.
 * virt_open() does so where it was not done. It is never unloaded. ERR_UNSUPPORTED: it is too old.
 */
int virt_load(struct err **err);

/*
 * Connects; uri NULL: as virsh does (LIBVIRT_DEFAULT_URI, the configuration, else what libvirt
 * finds). Not reachable: says which daemon to start.
 */
int virt_open(const char *uri, struct virt **out, struct err **err);

/*
 * What this process is for is to follow() events over one connection to this host, for as long as
 * that lasts, which may be forever: then nothing wakes it up but events. All calls have to come
 * from one thread. Before virt_open().
 */
void virt_follow_only(void);

#endif
