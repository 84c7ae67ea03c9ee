/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is eligible, and why not. Pure: knows no libvirt, no store, no kernel. Choosing among the
 * eligible ones is the policies' work (first_fit.c).
 */
#ifndef VFPOOL_POLICIES_CANDIDATES_H
#define VFPOOL_POLICIES_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "model/domain.h"
#include "model/inventory.h"
#include "model/lease.h"
#include "model/pool.h"

enum refusal {
	REFUSAL_NONE,         /* free */
	REFUSAL_LEASED,       /* vfpool has promised it */
	REFUSAL_DOMAIN,       /* a foreign hostdev of a running domain */
	REFUSAL_OPEN,         /* some process has it open by VFIO */
	REFUSAL_DEFINED,      /* a foreign hostdev of a defined domain */
	REFUSAL_HOST_ADDRESS, /* its netdev carries an IP address */
	REFUSAL_HOST_MASTER,  /* its netdev is in a bridge, bond or team */
	REFUSAL_HOST_NETNS, /* a network driver holds it, and its netdev is not in this namespace */
	REFUSAL_HOST_DRIVER, /* vfio-pci or another userspace driver holds it, and we did not do
				that */
	REFUSAL_NO_IOMMU,
	REFUSAL_GROUP,        /* shares its IOMMU group */
	REFUSAL_KIND,         /* no NIC's, where only that would do; or the other way round */
	REFUSAL_BUSY,         /* libvirt said, in this very run, that it is in use */
	REFUSAL_OTHER_INDEX,  /* another VF was asked for by name */
	REFUSAL_EXCLUDED,     /* the pool never hands it out */
	REFUSAL_RESERVED,     /* the pool hands it out only to who asks for it by name */
	REFUSAL_LIMIT,        /* the pool has given this guest, or all guests, enough */
	REFUSAL_NOT_PREBOUND, /* not on vfio-pci, where the pool keeps its VFs */
	REFUSAL_NODE,         /* on another NUMA node than the guest, and the pool is strict */
};

/* A host PCI device in some domain that vfpool did not put there. */
struct foreign {
	struct pciaddr host;
	char *domain;
	bool running; /* false: only its persistent definition names it */
};

/* A MAC that an interface of some domain has. */
struct foreign_mac {
	struct mac mac;
	char *domain;
};

struct foreigns {
	struct foreign *items; /* by VF address, and of one VF who runs comes first */
	size_t n;
	struct foreign_mac *macs;
	size_t nmacs;
	bool incomplete; /* some domain could not be read */
};

void foreigns_clear(struct foreigns *foreigns);
void foreigns_add(struct foreigns *foreigns, struct pciaddr host, const char *domain, bool running);
void foreigns_add_mac(struct foreigns *foreigns, struct mac mac, const char *domain);
/* Those who name this VF; NULL, and no n, when none does. foreigns may be NULL. */
const struct foreign *foreigns_of(const struct foreigns *foreigns, struct pciaddr host, size_t *n);

/* What a VF is judged by. Pointers are borrowed. */
struct judge {
	const struct leases *leases;
	const struct foreigns *foreigns;
	const struct pciaddr *busy; /* VFs that were found taken in this run */
	size_t nbusy;
	int index;                      /* the only VF wanted; -1: any */
	const struct pool *pool;        /* NULL: a PF that is a pool by itself */
	const struct pool *const *also; /* then: the defined pools that have that PF */
	size_t nalso;
	const char *nic_word; /* why only a NIC's will do: "a VLAN"; NULL: nothing asks for one */
	bool no_nic;          /* a NIC's will not do: the guest is owed something else */
	const int *nodes;     /* the guest's NUMA nodes; none: it may run anywhere */
	size_t nnodes;
	size_t of_guest; /* how many of the pool's VFs this guest has already */
	size_t of_pool;  /* how many all guests have */
};

struct candidate {
	const struct pf *pf;
	const struct vf *vf;
	size_t place; /* of its PF among the candidates' PFs */
	bool counted; /* among its PF's free ones */
	enum refusal refusal;
	char *reason; /* a sentence part: "held by web1 (assignment 0a1b2c3d)"; NULL when free */
};

/* A PF among the candidates, counted as they are added, whichever VF is asked for by name. */
struct candidate_pf {
	const struct pf *pf;
	size_t free, total; /* what its pool excludes does not count */
	size_t used;        /* somebody has it, or is promised it, whoever that is */
};

struct candidates {
	struct candidate *items;
	size_t n;
	struct candidate_pf *pfs;
	size_t npfs;
};

/*
 * Why no VF of this PF will do, whatever else is against one: it is a NIC where only something else
 * will do, or the other way round. NULL: nothing. The caller frees it.
 */
char *candidate_other_kind(const struct judge *judge, const struct pf *pf);

/* The verdict on one VF; *reason is the caller's, NULL when free. */
enum refusal candidate_judge(const struct judge *judge, const struct pf *pf, const struct vf *vf,
			     char **reason);

/* Adds the verdicts on all VFs of a PF, by index. pf must outlive them. */
void candidates_add(struct candidates *candidates, const struct judge *judge, const struct pf *pf);

/* Refuses one that was free: it has just been promised. */
void candidate_refuse(struct candidates *candidates, struct candidate *candidate,
		      enum refusal refusal, char *reason);
void candidates_clear(struct candidates *candidates);

const char *refusal_name(enum refusal refusal); /* a short word for --json: "leased" */

/* Is it against a VF that somebody has it, and not that nobody may have it? */
bool refusal_is_use(enum refusal refusal);

#endif
