/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the hook answers, against made edges; and what converge makes of what it left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "fakes/world.h"
#include "hook/hook.h"
#include "xml/domain.h"

#define UUID "aaaaaaaa-0000-4000-8000-000000000001"
#define PARKED "<v:parked reason='migration' host='vfhost-b' until='2026-11-27T22:00:00Z'/>"

struct test {
	struct world w;
	bool opened, broken;
	char dir[32];
	char *changed; /* the XML that the hook gave out last; NULL: none */
};

static int setup(void **state)
{
	struct test *t = mem_zero(1, sizeof(*t));

	world_init(&t->w, 3);
	strcpy(t->dir, "/tmp/vfpool-hook-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	*state = t;
	return 0;
}

static void remove_config(const struct test *t, const char *name)
{
	cleanup_free char *path = mem_printf("%s/%s.xml", t->dir, name);

	(void)unlink(path);
}

static int teardown(void **state)
{
	struct test *t = *state;

	remove_config(t, "web1");
	remove_config(t, "mover");
	assert_int_equal(rmdir(t->dir), 0);
	world_clear(&t->w);
	free(t->changed);
	free(t);
	return 0;
}

static int open_edges(void *arg, unsigned what, struct edges **edges, struct err **err)
{
	struct test *t = arg;

	assert_true(what & (HOOK_STORE | HOOK_STORE_WRITE));
	t->opened = true;
	if (t->broken)
		return err_set(err, ERR_FAILED, "the lease store is damaged");
	*edges = &t->w.edges;
	return 0;
}

static int ask(struct test *t, const char *name, const char *op, const char *sub_op,
	       const char *xml, struct err **err)
{
	const struct hook_call call = {
		.name = name,
		.op = op,
		.sub_op = sub_op,
		.configs = t->dir,
		.changed = &t->changed,
		.open = open_edges,
		.arg = t,
	};

	cleanup_free char *before = steal(&t->changed); /* xml may be it */

	t->opened = false;
	return hook_answer(&call, xml, err);
}

static void assert_passes(struct test *t, const char *name, const char *op, const char *sub_op,
			  const char *xml)
{
	struct err *err = NULL;

	if (ask(t, name, op, sub_op, xml, &err))
		fail_msg("%s %s: %s", op, sub_op, err->what);
	assert_null(err);
}

/* Refused, with these words in what, and these in what to do next. */
static void assert_refused(struct test *t, const char *name, const char *op, const char *xml,
			   const char *what, const char *next)
{
	cleanup_err struct err *err = NULL;

	assert_int_equal(ask(t, name, op, "begin", xml, &err), -1);
	if (!strstr(err->what, what))
		fail_msg("not '%s': %s", what, err->what);
	if (next && (!err->next || !strstr(err->next, next)))
		fail_msg("not '%s': %s", next, err->next);
}

/* A guest with room for that many VFs; inside its metadata and its devices. */
static char *guest(const char *uuid, const char *metadata, const char *devices)
{
	return mem_printf("<domain type='kvm'><name>x</name><uuid>%s</uuid><metadata>"
			  "<v:assignments xmlns:v='" METADATA_URI "'>%s</v:assignments>"
			  "</metadata><devices><controller type='pci' index='0' model='pcie-root'/>"
			  "<controller type='pci' index='1' model='pcie-root-port'/>"
			  "<controller type='pci' index='2' model='pcie-root-port'/>"
			  "<controller type='pci' index='3' model='pcie-root-port'/>"
			  "<controller type='pci' index='4' model='pcie-root-port'/>"
			  "%s</devices></domain>",
			  uuid, metadata, devices);
}

static char *assignment(char digit, const char *pool, bool optional)
{
	return mem_printf("<v:assignment id='%08d' pool='%s' form='interface'%s>"
			  "<v:mac address='02:00:00:00:00:0%c'/>" PARKED "</v:assignment>",
			  digit - '0', pool, optional ? " required='no'" : "", digit);
}

/* It is on its way here, with an assignment of eth1 for each letter; of an O an optional one. */
static char *mover(const char *which)
{
	char *metadata = mem_strdup(""), *xml;
	static const char ids[] = "123456789";

	for (size_t i = 0; which[i]; i++) {
		bool optional = which[i] == 'O';
		cleanup_free char *one = assignment(ids[i], "eth1", optional);
		char *more = mem_printf("%s%s", metadata, one);

		free(metadata);
		metadata = more;
	}
	xml = guest(UUID, metadata, "");
	free(metadata);
	return xml;
}

static size_t reserved(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->leases.n; i++)
		n += w->leases.items[i].state == LEASE_RESERVED;
	return n;
}

static struct lease *lease_add(struct world *w, unsigned index, const char *id, const char *uuid,
			       enum lease_state state)
{
	const struct pf *pf = world_pf(w);
	struct lease lease = {
		.vf = pf->vfs[index].addr,
		.pf = pf->addr,
		.index = index,
		.domain_name = mem_strdup("mover"),
		.state = state,
		.driver = mem_strdup("igbvf"),
		.saved = pf->vfs[index].settings,
	};

	memcpy(lease.assignment, id, sizeof(lease.assignment));
	memcpy(lease.domain_uuid, uuid, sizeof(lease.domain_uuid));
	leases_add(&w->leases, lease);
	return leases_by_assignment(&w->leases, id);
}

static void test_passes_what_is_not_its_affair(void **state)
{
	static const char *const ops[][2] = {
		{"reconnect", "begin"}, {"start", "begin"},   {"started", "begin"},
		{"stopped", "end"},     {"attach", "begin"},  {"migrate", "end"},
		{"release", "begin"},   {"prepare", "later"}, {"", ""},
	};
	static const char *const answered[][2] = {{"migrate", "begin"},
						  {"restore", "begin"},
						  {"prepare", "begin"},
						  {"release", "end"}};
	static const char *const others[] = {"", "<domain/>", "no XML",
					     "<domain><metadata/></domain>"};
	struct test *t = *state;
	cleanup_free char *ours = mover("ab"), *none = mover("");

	t->broken = true;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		assert_passes(t, "mover", ops[i][0], ops[i][1], ours);
		assert_passes(t, "mover", ops[i][0], ops[i][1], "vfpool urn:vfpool:domain:1");
		assert_false(t->opened);
	}
	for (size_t i = 0; i < ARRAY_SIZE(answered); i++)
		for (size_t j = 0; j < ARRAY_SIZE(others); j++) {
			assert_passes(t, "mover", answered[i][0], answered[i][1], others[j]);
			assert_false(t->opened);
		}
	assert_passes(t, "mover", "migrate", "begin", none);
	assert_passes(t, "mover", "prepare", "begin", ours);
	assert_false(t->opened);
	/* And where it is, it says why. */
	assert_refused(t, "mover", "migrate", ours, "mover cannot come here: the lease store",
		       NULL);
	assert_refused(t, "mover", "restore", ours, "mover cannot be restored: the lease store",
		       NULL);
	assert_refused(t, "mover", "migrate", "urn:vfpool:domain:1 <", "not", NULL);
}

static void test_reserves(void **state)
{
	struct test *t = *state;
	cleanup_free char *two = mover("ab");

	assert_passes(t, "mover", "migrate", "begin", two);
	assert_int_equal(t->w.leases.n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct lease *lease = &t->w.leases.items[i];

		assert_int_equal(lease->state, LEASE_RESERVED);
		assert_string_equal(lease->domain_uuid, UUID);
		assert_string_equal(lease->domain_name, "mover");
		assert_int_equal(lease->expires, t->w.wall + HOOK_RESERVE_S);
		assert_int_equal(lease->saved.known, 0);
		/* Nobody has taken it off that yet. */
		assert_null(lease->driver);
	}
	/* Once more: the same, for longer. */
	t->w.wall += 100;
	assert_passes(t, "mover", "migrate", "begin", two);
	assert_int_equal(reserved(&t->w), 2);
	assert_int_equal(t->w.leases.items[1].expires, t->w.wall + HOOK_RESERVE_S);
}

static char *moving_device(const char *managed, const char *bus)
{
	return mem_printf(
		"<interface type='hostdev' managed='%s'><mac address='02:00:00:00:00:01'/><source>"
		"<address type='pci' domain='0x0000' bus='0x%s' slot='0x10' function='0x0'/>"
		"</source><alias name='ua-vfpool-00000001'/><address type='pci' domain='0x0000' "
		"bus='0x02' slot='0x00' function='0x0'/></interface><sound note='&lt;'/>",
		managed, bus);
}

/* What comes with its state in it goes onto the VF that is reserved for it here. */
static void test_moves_devices(void **state)
{
	struct test *t = *state;
	cleanup_free char *metadata = mem_printf(
		"<v:assignment id='00000001' pool='eth1' form='interface'><v:mac "
		"address='02:00:00:00:00:01'/><v:address type='pci' domain='0x0000' bus='0x02' "
		"slot='0x00' function='0x0'/></v:assignment>");
	cleanup_free char *elsewhere = moving_device("yes", "07"), *there = NULL, *same = NULL;
	cleanup_free char *unmanaged = NULL;
	cleanup(domain_view_clear) struct domain_view view = {0};

	there = guest(UUID, metadata, elsewhere);
	assert_passes(t, "mover", "migrate", "begin", there);
	assert_int_equal(reserved(&t->w), 1);
	assert_non_null(t->changed);
	assert_int_equal(domain_xml_parse(t->changed, &view, NULL), 0);
	assert_int_equal(view.ndevices, 1);
	assert_true(pciaddr_equal(view.devices[0].host, t->w.leases.items[0].vf));
	assert_true(pciaddr_equal(view.devices[0].guest, (struct pciaddr){.bus = 2}));
	assert_int_equal(view.assignments.n, 1);
	assert_non_null(strstr(t->changed, "<sound note=\"&lt;\"/>"));
	/* So it may start. */
	assert_passes(t, "mover", "prepare", "begin", t->changed);
	/* The VF of that address happens to be the one that it gets. */
	free(elsewhere);
	elsewhere = moving_device("yes", "01");
	same = guest(UUID, metadata, elsewhere);
	assert_passes(t, "mover", "migrate", "begin", same);
	assert_null(t->changed);
	/* What libvirt does not bind itself stays on the address that it has. */
	free(elsewhere);
	elsewhere = moving_device("no", "07");
	unmanaged = guest(UUID, metadata, elsewhere);
	leases_clear(&t->w.leases);
	assert_refused(t, "mover", "migrate", unmanaged, "which is not here", "park --all");
	assert_null(t->changed);
	assert_int_equal(t->w.leases.n, 0);
	/* What says that it comes with another VF than it has here: the one that it has stays. */
	free(elsewhere);
	elsewhere = moving_device("no", "01");
	free(unmanaged);
	unmanaged = guest(UUID, metadata, elsewhere);
	(void)lease_add(&t->w, 2, "00000001", UUID, LEASE_HELD);
	assert_refused(t, "mover", "migrate", unmanaged, "of this host already (held)", NULL);
	assert_int_equal(t->w.leases.n, 1);
	assert_int_equal(t->w.leases.items[0].state, LEASE_HELD);
	leases_clear(&t->w.leases);
	/* There is none here. */
	for (unsigned i = 0; i < 3; i++) {
		char id[ASSIGNMENT_ID_SIZE];

		(void)snprintf(id, sizeof(id), "aaaaaaa%u", i);
		(void)lease_add(&t->w, i, id, "bbbbbbbb-0000-4000-8000-000000000001", LEASE_HELD);
	}
	assert_refused(t, "mover", "migrate", there, "none of the 3 VFs of eth1 is free", NULL);
	assert_null(t->changed);
}

static void test_refuses_for_want_of_vfs(void **state)
{
	struct test *t = *state;
	cleanup_free char *four = mover("abcd"), *three = mover("abc");
	cleanup_free char *bad = guest(UUID, "<v:assignment/>", "");
	cleanup_free char *other = NULL, *one = assignment('1', "office", false);

	assert_refused(t, "mover", "migrate", four,
		       "mover cannot come here: it needs a VF of pool eth1 (assignment 00000004): "
		       "none of the 3 VFs of eth1 is free",
		       "vfpool detach");
	assert_int_equal(t->w.leases.n, 0);
	assert_passes(t, "mover", "restore", "begin", three);
	assert_int_equal(reserved(&t->w), 3);
	other = guest("bbbbbbbb-0000-4000-8000-000000000001", one, "");
	assert_refused(t, "other", "restore", other,
		       "other cannot be restored: it needs a VF of pool office", "vfpool");
	assert_int_equal(reserved(&t->w), 3);
	assert_refused(t, "mover", "migrate", bad, "metadata is not valid",
		       "virsh metadata mover --uri urn:vfpool:domain:1 --key vfpool --edit --live");
}

static void test_optional(void **state)
{
	struct test *t = *state;
	cleanup_free char *some = mover("OaObO"), *none = mover("OOOOO");

	assert_passes(t, "mover", "migrate", "begin", some);
	assert_int_equal(reserved(&t->w), 3);
	assert_non_null(leases_by_assignment(&t->w.leases, "00000002"));
	assert_passes(t, "mover", "migrate", "begin", none);
	assert_int_equal(reserved(&t->w), 3);
}

/* Each call of an edge fails once: what is refused leaves nothing behind. */
static void test_reserving_fails_anywhere(void **state)
{
	struct test *t = *state;
	cleanup_free char *two = mover("ab");

	for (unsigned at = 1;; at++) {
		struct err *err = NULL;
		int result;

		leases_clear(&t->w.leases);
		t->w.calls = 0;
		t->w.fail_at = at;
		result = ask(t, "mover", "migrate", "begin", two, &err);
		err_free(&err);
		if (t->w.calls < at) {
			assert_int_equal(result, 0);
			assert_true(at > 4);
			break;
		}
		assert_int_equal(t->w.leases.n, result ? 0 : 2);
	}
	t->w.fail_at = 0;
}

static const struct store_ops *real_ops;
static struct world *rival_in;

/* Between the choice and the claim somebody else gets the VF. */
static int rival_claims(struct store *store, const struct lease *lease, struct err **err)
{
	struct world *w = rival_in;

	if (w) {
		rival_in = NULL;
		(void)lease_add(w, lease->index, "ffffffff", "bbbbbbbb-0000-4000-8000-000000000001",
				LEASE_CLAIMED);
	}
	return real_ops->claim(store, lease, err);
}

static void test_somebody_else_is_faster(void **state)
{
	struct test *t = *state;
	struct store_ops ops = *t->w.store.ops;
	cleanup_free char *two = mover("ab"), *three = mover("abc");

	real_ops = t->w.store.ops;
	ops.claim = rival_claims;
	t->w.store.ops = &ops;
	rival_in = &t->w;
	assert_passes(t, "mover", "migrate", "begin", two);
	assert_int_equal(t->w.leases.n, 3);
	assert_int_equal(reserved(&t->w), 2);
	leases_clear(&t->w.leases);
	rival_in = &t->w;
	assert_refused(t, "mover", "migrate", three, "none of the 3 VFs of eth1 is free", NULL);
	assert_int_equal(t->w.leases.n, 1);
	t->w.store.ops = real_ops;
}

static void must_run(struct world *w, const char *command)
{
	struct err *err = NULL;

	if (world_run(w, command, &err))
		fail_msg("%s: %s", command, err ? err->what : "no error");
}

/* The guest is here, and gets what was kept for it. */
static void test_reservation_becomes_the_lease(void **state)
{
	struct test *t = *state;
	struct fake_domain *web1 = world_domain(&t->w, "web1");
	struct lease *lease = lease_add(&t->w, 2, "00000001", web1->uuid, LEASE_RESERVED);
	static const char metadata[] =
		"<v:assignments xmlns:v='" METADATA_URI "'><v:assignment id='00000001' pool='eth1' "
		"form='interface'><v:mac address='02:00:00:00:00:01'/>%s</v:assignment>"
		"</v:assignments>";

	lease->expires = t->w.wall - 1;
	lease->saved.known = 0;
	free(lease->driver);
	lease->driver = NULL;
	/* It is paused while it arrives, its VFs parked: it may take as long as it likes. */
	web1->live.metadata = mem_printf(
		metadata,
		"<v:parked reason='migration' host='vfhost-a' until='2030-01-01T00:00:00Z'/>");
	must_run(&t->w, "reconcile");
	assert_int_equal(reserved(&t->w), 1);
	free(web1->live.metadata);
	web1->live.metadata = mem_printf(metadata, "");
	must_run(&t->w, "reconcile");
	assert_int_equal(t->w.leases.n, 1);
	assert_int_equal(t->w.leases.items[0].state, LEASE_HELD);
	assert_int_equal(t->w.leases.items[0].index, 2);
	assert_int_equal(t->w.leases.items[0].expires, 0);
	assert_string_equal(t->w.leases.items[0].driver, "igbvf");
	assert_null(world_broken(&t->w));
	must_run(&t->w, "detach web1 eth1");
	assert_int_equal(t->w.leases.n, 0);
	assert_null(world_broken(&t->w));
}

/* A VF that is reserved is nobody else's, and is free again when it expires. */
static void test_reservation_expires(void **state)
{
	struct test *t = *state;
	cleanup_free char *three = mover("abc");

	assert_passes(t, "mover", "migrate", "begin", three);
	assert_int_equal(world_run(&t->w, "attach web1 eth1", NULL), 3);
	t->w.wall += HOOK_RESERVE_S - 1;
	must_run(&t->w, "reconcile");
	assert_int_equal(reserved(&t->w), 3);
	t->w.wall += 1;
	must_run(&t->w, "reconcile");
	assert_int_equal(t->w.leases.n, 0);
	must_run(&t->w, "attach web1 eth1");
	assert_null(world_broken(&t->w));
}

/* A device of ours on one of the world's VFs. */
static char *device(const struct world *w, unsigned index, const char *id)
{
	struct pciaddr vf = w->inventory.pfs[0].vfs[index].addr;

	return mem_printf(
		"<interface type='hostdev' managed='yes'><mac address='02:00:00:00:00:01'/>"
		"<source><address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' "
		"function='0x%x'/></source><alias name='" ASSIGNMENT_ALIAS_PREFIX
		"%s'/></interface>",
		vf.domain, vf.bus, vf.device, vf.function, id);
}

static void test_prepare(void **state)
{
	struct test *t = *state;
	cleanup_free char *on_1 = device(&t->w, 1, "00000001"),
			  *on_2 = device(&t->w, 2, "00000001");
	cleanup_free char *xml = guest(UUID, "", on_1), *moved = guest(UUID, "", on_2);
	static const char uuid_b[] = "bbbbbbbb-0000-4000-8000-000000000001";

	assert_refused(t, "mover", "prepare", xml,
		       "mover cannot start: its definition names VF 0000:01:10.2 for assignment "
		       "00000001, and that is not leased to it",
		       "vfpool reconcile mover");
	(void)lease_add(&t->w, 1, "00000001", UUID, LEASE_HELD);
	assert_passes(t, "mover", "prepare", "begin", xml);
	assert_true(t->opened);
	assert_refused(t, "mover", "prepare", moved, "which has VF 0000:01:10.2", "reconcile");
	leases_clear(&t->w.leases);
	(void)lease_add(&t->w, 1, "0000000f", uuid_b, LEASE_HELD);
	assert_refused(t, "mover", "prepare", xml,
		       "and that is held by mover (assignment 0000000f)", "reconcile");
	leases_clear(&t->w.leases);
	/* The same assignment, but a copy of the guest under another UUID. */
	(void)lease_add(&t->w, 1, "00000001", uuid_b, LEASE_HELD);
	assert_refused(t, "mover", "prepare", xml, "names VF 0000:01:10.2 for assignment 00000001",
		       "reconcile");
	leases_clear(&t->w.leases);
	/* The VF is gone. */
	(void)lease_add(&t->w, 2, "00000001", UUID, LEASE_HELD);
	world_pf(&t->w)->nvfs = 2;
	assert_refused(t, "mover", "prepare", moved, "and there is no device 0000:01:10.4",
		       "reconcile");
	world_pf(&t->w)->nvfs = 3;
	t->broken = true;
	assert_refused(t, "mover", "prepare", moved, "mover cannot start: the lease store", NULL);
}

static void write_config(struct test *t, const char *name, const char *text)
{
	cleanup_free char *path = mem_printf("%s/%s.xml", t->dir, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The same with so many bytes of a comment at its beginning. */
static void write_long_config(struct test *t, const char *name, const char *text, size_t size)
{
	cleanup_free char *comment = mem_zero(1, size + 1);
	cleanup_free char *all = NULL;

	memset(comment, 'x', size);
	all = mem_printf("<!--%s-->%s", comment, text);
	write_config(t, name, all);
}

static void test_release(void **state)
{
	struct test *t = *state;
	cleanup_free char *xml = mover("ab");
	cleanup_free char *first = assignment('1', "eth1", false);
	cleanup_free char *config = guest(UUID, first, "");
	struct err *err = NULL;
	struct lease *lease;

	/* Kept, although the guest is transient: a reservation was for a move that failed. */
	(void)lease_add(&t->w, 0, "00000001", UUID, LEASE_RESERVED);
	(void)lease_add(&t->w, 1, "00000002", UUID, LEASE_HELD);
	(void)lease_add(&t->w, 2, "00000009", "bbbbbbbb-0000-4000-8000-000000000001", LEASE_HELD);
	assert_passes(t, "mover", "release", "end", xml);
	assert_int_equal(t->w.leases.n, 1);
	assert_string_equal(t->w.leases.items[0].assignment, "00000009");

	/* What is not back, or not as it was, is left to who has more time. */
	leases_clear(&t->w.leases);
	(void)lease_add(&t->w, 0, "00000001", UUID, LEASE_HELD);
	lease = lease_add(&t->w, 1, "00000002", UUID, LEASE_PLUGGING);
	lease->saved.vlan = 7;
	free(world_pf(&t->w)->vfs[0].driver);
	world_pf(&t->w)->vfs[0].driver = mem_strdup("vfio-pci");
	assert_passes(t, "mover", "release", "end", xml);
	assert_int_equal(t->w.leases.n, 2);
	assert_int_equal(t->w.leases.items[0].state, LEASE_RELEASING);
	assert_int_equal(t->w.leases.items[1].state, LEASE_RELEASING);
	free(world_pf(&t->w)->vfs[0].driver);
	world_pf(&t->w)->vfs[0].driver = mem_strdup("igbvf");

	/* What its definition names, the guest keeps while it is shut off. */
	leases_clear(&t->w.leases);
	(void)lease_add(&t->w, 0, "00000001", UUID, LEASE_HELD);
	(void)lease_add(&t->w, 1, "00000002", UUID, LEASE_HELD);
	write_config(t, "mover", config);
	assert_passes(t, "mover", "release", "end", xml);
	assert_int_equal(t->w.leases.n, 1);
	assert_string_equal(t->w.leases.items[0].assignment, "00000001");
	assert_int_equal(t->w.leases.items[0].state, LEASE_HELD);

	/* However long: a hundred disks, and notes about them. */
	(void)lease_add(&t->w, 1, "00000002", UUID, LEASE_HELD);
	write_long_config(t, "mover", config, 3 << 20);
	assert_passes(t, "mover", "release", "end", xml);
	assert_int_equal(t->w.leases.n, 1);
	assert_string_equal(t->w.leases.items[0].assignment, "00000001");

	/* But no longer than libvirt's own are: then it is as unknown as what is not understood. */
	(void)lease_add(&t->w, 1, "00000002", UUID, LEASE_HELD);
	write_long_config(t, "mover", config, 9 << 20);
	assert_int_equal(ask(t, "mover", "release", "end", xml, &err), -1);
	assert_non_null(strstr(err->what, "mover.xml: File too large"));
	err_free(&err);
	assert_int_equal(t->w.leases.n, 2);
	leases_clear(&t->w.leases);
	(void)lease_add(&t->w, 0, "00000001", UUID, LEASE_HELD);

	/* A definition that is not understood may name anything. */
	(void)lease_add(&t->w, 1, "00000002", UUID, LEASE_RESERVED);
	(void)lease_add(&t->w, 2, "00000003", UUID, LEASE_HELD);
	write_config(t, "mover", "<domain>");
	assert_int_equal(ask(t, "mover", "release", "end", xml, &err), -1);
	err_free(&err);
	assert_int_equal(t->w.leases.n, 2);
	assert_int_equal(reserved(&t->w), 0);

	/* Somebody is at work on the guest. */
	remove_config(t, "mover");
	t->w.calls = 0;
	t->w.fail_at = 1;
	assert_passes(t, "mover", "release", "end", xml);
	assert_string_equal(t->w.failed_in, "lock");
	assert_int_equal(t->w.leases.n, 2);
	assert_int_equal(t->w.leases.items[1].state, LEASE_HELD);
	t->w.fail_at = 0;
}

/* A guest with VFs ends, with each call of an edge failing once; one reconcile mends the rest. */
static void test_release_fails_anywhere(void **state)
{
	struct test *t = *state;

	for (unsigned at = 1;; at++) {
		struct fake_domain *web1 = world_domain(&t->w, "web1");
		struct err *err = NULL;
		cleanup_free char *xml = NULL;

		must_run(&t->w, "attach web1 eth1 --count 2 --live");
		xml = guest(web1->uuid, web1->live.metadata, "");
		world_stop(&t->w, "web1");
		t->w.calls = 0;
		t->w.fail_at = at;
		(void)ask(t, "web1", "release", "end", xml, &err);
		err_free(&err);
		t->w.fail_at = 0;
		if (t->w.calls < at) {
			assert_int_equal(t->w.leases.n, 0);
			assert_true(at > 4);
			break;
		}
		must_run(&t->w, "reconcile");
		assert_int_equal(t->w.leases.n, 0);
		assert_null(world_broken(&t->w));
		web1->live.present = true;
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_passes_what_is_not_its_affair),
		TEST(test_reserves),
		TEST(test_moves_devices),
		TEST(test_refuses_for_want_of_vfs),
		TEST(test_optional),
		TEST(test_reserving_fails_anywhere),
		TEST(test_somebody_else_is_faster),
		TEST(test_reservation_becomes_the_lease),
		TEST(test_reservation_expires),
		TEST(test_prepare),
		TEST(test_release),
		TEST(test_release_fails_anywhere),
	};

	return cmocka_run_group_tests_name("hook", tests, NULL, NULL);
}
