/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The property that holds for every policy, and every chain of them, on any inventory: the choice
 * is eligible, no eligible one is better, and the same question has the same answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "policies/policy.h"
#include "xml/pool.h"

/* Made numbers that are the same in each run. */
static unsigned seed = 1;

static unsigned any(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static void make_inventory(struct inventory *inventory, unsigned pfs, unsigned vfs)
{
	for (unsigned i = 0; i < pfs; i++) {
		struct pf *pf = mem_append(&inventory->pfs, &inventory->npfs, sizeof(*pf));

		pf->addr = (struct pciaddr){.bus = (uint8_t)(i + 1)};
		pf->numa_node = (int)any(4) - 1;
		pf->carrier = any(2);
		for (unsigned j = 0; j < vfs; j++) {
			struct vf *vf;

			/* Indexes can have gaps. */
			if (any(8) == 0)
				continue;
			vf = mem_append(&pf->vfs, &pf->nvfs, sizeof(*vf));
			vf->addr = (struct pciaddr){.domain = i + 1,
						    .bus = (uint8_t)(j / 256),
						    .device = (uint8_t)(j % 256 / 8),
						    .function = (uint8_t)(j % 8)};
			vf->index = j;
			vf->iommu_group = any(6) ? (int)(i * 1000 + j) : -1;
			vf->master = any(6) ? NULL : mem_strdup("br0");
			vf->netdev = mem_strdup("v");
		}
	}
}

static void make_leases(struct leases *leases, const struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->npfs; i++)
		for (size_t j = 0; j < inventory->pfs[i].nvfs; j++) {
			struct lease *lease;

			if (any(3))
				continue;
			lease = mem_append(&leases->items, &leases->n, sizeof(*lease));
			lease->vf = inventory->pfs[i].vfs[j].addr;
			lease->domain_name = mem_strdup("web1");
			strcpy(lease->assignment, "00000000");
		}
}

static char names[][16] = {"first-fit", "spread", "pack", "numa", "anti-affinity", "link-up"};

/* Nothing that is eligible comes before the choice in any link of the chain. */
static void assert_best(char *const *chain, size_t n, const struct choice *choice,
			const struct candidate *best)
{
	for (size_t i = 0; i < choice->all->n; i++) {
		const struct candidate *c = &choice->all->items[i];
		int order = 0;

		if (c->refusal != REFUSAL_NONE)
			continue;
		assert_non_null(best);
		for (size_t j = 0; j < n && !order; j++) {
			const struct policy *policy = policy_by_name(chain[j]);

			order = policy->compare(choice, c, best);
			/* The other way round it must say the opposite. */
			assert_true((order < 0) == (policy->compare(choice, best, c) > 0));
		}
		assert_true(order >= 0);
	}
	if (best)
		assert_int_equal(best->refusal, REFUSAL_NONE);
}

/* What each policy wants, in numbers made here from the inventory: the smaller is the better one.
 */
struct counted {
	const struct candidates *all;
	const struct choice *choice;
	const struct judge *judge;
	const struct leases *leases;
};

static double wish(const struct counted *of, const char *policy, const struct pf *pf)
{
	size_t used = 0, mine = 0, can = 0, mates = 0;
	bool here = false;

	for (size_t i = 0; i < of->all->n; i++) {
		const struct candidate *c = &of->all->items[i];
		struct judge any = *of->judge;
		char *reason;

		if (c->pf != pf)
			continue;
		any.index = -1;
		mine += pool_holds(of->judge->pool, c->vf);
		/* A lease is the only use of a VF that these inventories know beside a bridge. */
		used += leases_by_vf(of->leases, c->vf->addr) || c->vf->master;
		can += candidate_judge(&any, pf, c->vf, &reason) == REFUSAL_NONE;
		free(reason);
	}
	for (size_t i = 0; i < of->choice->nmates; i++)
		mates += pciaddr_equal(of->choice->mates[i], pf->addr);
	for (size_t i = 0; i < of->choice->nnodes; i++)
		here |= of->choice->nodes[i] == pf->numa_node;
	if (!strcmp(policy, "spread"))
		return mine ? -(double)can / (double)mine : 0;
	if (!strcmp(policy, "pack"))
		return -(double)used;
	if (!strcmp(policy, "anti-affinity"))
		return (double)mates;
	if (!strcmp(policy, "link-up"))
		return pf->carrier ? 0 : 1;
	if (!strcmp(policy, "numa"))
		return !of->choice->nnodes || here ? 0 : pf->numa_node < 0 ? 1 : 2;
	assert_string_equal(policy, "first-fit");
	return 0;
}

/* No eligible one is better by what the policies say that they want; then the place decides. */
static void assert_wished(char *const *chain, size_t n, const struct counted *of,
			  const struct candidate *best)
{
	for (size_t i = 0; i < of->all->n; i++) {
		const struct candidate *c = &of->all->items[i];
		double order = 0;

		if (c->refusal != REFUSAL_NONE || c == best)
			continue;
		for (size_t j = 0; j < n && order == 0; j++)
			order = wish(of, chain[j], c->pf) - wish(of, chain[j], best->pf);
		if (order == 0)
			order = pciaddr_compare(c->pf->addr, best->pf->addr);
		if (order == 0)
			order = c->vf->index > best->vf->index ? 1 : -1;
		assert_true(order > 0);
	}
}

static struct pool_vfs any_vfs(void)
{
	unsigned first = any(8);

	return (struct pool_vfs){.first = first, .last = first + any(3)};
}

/* Eligible by the rules as they are told, not as candidates.c has them. */
static bool may_be_had(const struct judge *judge, const struct pf *pf, const struct vf *vf)
{
	const struct pool *pool = judge->pool;
	bool here = !judge->nnodes || pf->numa_node < 0;

	for (size_t i = 0; i < judge->nnodes; i++)
		here |= judge->nodes[i] == pf->numa_node;
	return (judge->index < 0 || vf->index == (unsigned)judge->index) &&
	       !leases_by_vf(judge->leases, vf->addr) && !vf->master && vf->iommu_group >= 0 &&
	       !pool_vfs_has(pool->excluded, pool->nexcluded, vf) &&
	       (judge->index >= 0 || !pool_vfs_has(pool->reserved, pool->nreserved, vf)) &&
	       (!pool->per_guest || judge->of_guest < pool->per_guest) &&
	       (!pool->total || judge->of_pool < pool->total) && (!pool->numa_strict || here);
}

/* One inventory, pool, guest and chain that nobody has thought of. */
static void one_round(char *const *chain, size_t n)
{
	struct inventory inventory = {0};
	struct leases leases = {0};
	struct candidates all = {0};
	struct pciaddr mates[3];
	int nodes[2] = {(int)any(3), (int)any(3)};
	struct pool_vfs excluded = any_vfs(), reserved = any_vfs();
	struct pool pool = {.name = (char *)"fast",
			    .excluded = &excluded,
			    .nexcluded = any(2),
			    .reserved = &reserved,
			    .nreserved = any(2),
			    .per_guest = any(4),
			    .total = any(4) ? 0 : 1 + any(9),
			    .numa_strict = any(4) == 0};
	struct judge judge = {.leases = &leases,
			      .index = any(10) ? -1 : (int)any(5),
			      .pool = &pool,
			      .nodes = nodes,
			      .nnodes = any(3),
			      .of_guest = any(4),
			      .of_pool = any(9)};
	struct choice choice = {.all = &all,
				.mates = mates,
				.nmates = any(4),
				.nodes = nodes,
				.nnodes = judge.nnodes};
	struct counted of = {&all, &choice, &judge, &leases};
	const struct candidate *best;

	make_inventory(&inventory, 1 + any(6), any(12));
	make_leases(&leases, &inventory);
	for (size_t i = 0; i < ARRAY_SIZE(mates); i++)
		mates[i] = (struct pciaddr){.bus = (uint8_t)(1 + any(6))};
	for (size_t i = 0; i < inventory.npfs; i++)
		candidates_add(&all, &judge, &inventory.pfs[i]);
	best = policy_choose(chain, n, &choice);
	assert_best(chain, n, &choice, best);
	assert_ptr_equal(best, policy_choose(chain, n, &choice));
	if (best)
		assert_wished(chain, n, &of, best);
	for (size_t i = 0; i < all.n; i++) {
		const struct candidate *c = &all.items[i];

		assert_true((c->refusal == REFUSAL_NONE) == may_be_had(&judge, c->pf, c->vf));
		/* Every refusal has its reason. */
		assert_true((c->refusal == REFUSAL_NONE) == !c->reason);
	}
	candidates_clear(&all);
	leases_clear(&leases);
	inventory_clear(&inventory);
}

/* Each policy alone, each before each other one, and longer chains as they come. */
static void test_no_better_one(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		one_round(NULL, 0);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
				char *chain[] = {names[i], names[j], names[any(ARRAY_SIZE(names))],
						 names[any(ARRAY_SIZE(names))]};

				one_round(chain, i == j ? 1 : 2 + any(3));
			}
	}
}

static bool policy_in_a_file(const char *name)
{
	cleanup_free char *text = mem_printf("<pool><name>fast</name><pf dev='eth1'/>"
					     "<policy name='%s'/></pool>",
					     name);
	struct pool pool = {0};
	struct err *err = NULL;
	bool read = !pool_xml_parse(text, "fast.xml", &pool, &err) &&
		    !pool_xml_validate(text, "fast.xml", &err);

	err_free(&err);
	pool_clear(&pool);
	return read;
}

/* A name in the list here, and in the schema, for each policy there is, so that a new one is not
 * forgotten. */
static void test_all_are_tested(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct policy *const *p = policies_all(); *p; p++, n++) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			known |= !strcmp(names[i], (*p)->name);
		assert_true(known);
		assert_true(policy_in_a_file((*p)->name));
	}
	assert_int_equal(n, ARRAY_SIZE(names));
}

/* Three PFs with 4 VFs each, all free but as many as given. */
static const char *chosen(const char *policy, const unsigned used[3], struct choice *choice)
{
	static char place[PCIADDR_STRLEN];
	struct inventory inventory = {0};
	struct leases leases = {0};
	struct candidates all = {0};
	struct judge judge = {.leases = &leases, .index = -1};
	char *chain[] = {mem_strdup(policy)};
	const struct candidate *best;

	for (unsigned i = 0; i < 3; i++) {
		struct pf *pf = mem_append(&inventory.pfs, &inventory.npfs, sizeof(*pf));

		pf->addr = (struct pciaddr){.bus = (uint8_t)(i + 1)};
		pf->numa_node = (int)i;
		pf->carrier = i == 2;
		for (unsigned j = 0; j < 4; j++) {
			struct vf *vf = mem_append(&pf->vfs, &pf->nvfs, sizeof(*vf));

			vf->addr = (struct pciaddr){
				.bus = (uint8_t)(i + 1), .device = 1, .function = (uint8_t)j};
			vf->index = j;
			if (j < used[i]) {
				struct lease *lease =
					mem_append(&leases.items, &leases.n, sizeof(*lease));

				lease->vf = vf->addr;
				lease->domain_name = mem_strdup("web1");
			}
		}
	}
	for (size_t i = 0; i < 3; i++)
		candidates_add(&all, &judge, &inventory.pfs[i]);
	choice->all = &all;
	best = policy_choose(chain, 1, choice);
	pciaddr_format(best->vf->addr, place);
	free(chain[0]);
	candidates_clear(&all);
	leases_clear(&leases);
	inventory_clear(&inventory);
	return place;
}

static void test_each_policy(void **state)
{
	const unsigned used[3] = {2, 1, 3}, even[3] = {0, 0, 0};
	const struct pciaddr mates[] = {{.bus = 1}, {.bus = 2}, {.bus = 1}};
	const int nodes[] = {1};
	struct choice plain = {0};
	struct choice with = {.mates = mates, .nmates = 3, .nodes = nodes, .nnodes = 1};

	(void)state;
	assert_string_equal(chosen("first-fit", used, &plain), "0000:01:01.2");
	assert_string_equal(chosen("spread", used, &plain), "0000:02:01.1");
	assert_string_equal(chosen("pack", used, &plain), "0000:03:01.3");
	assert_string_equal(chosen("link-up", used, &plain), "0000:03:01.3");
	assert_string_equal(chosen("numa", even, &plain), "0000:01:01.0");
	assert_string_equal(chosen("numa", even, &with), "0000:02:01.0");
	assert_string_equal(chosen("anti-affinity", even, &with), "0000:03:01.0");
	assert_null(policy_by_name("best"));
}

/* VFs that a pool keeps back make a PF no fuller; those in use count also where the pool has them
 * not. */
static void test_pack_counts_use(void **state)
{
	struct pool_vfs kept[] = {{.first = 0, .last = 2}};
	struct pool pool = {.name = (char *)"fast", .reserved = kept, .nreserved = 1};
	struct vf left[4], right[4];
	struct pf pfs[] = {{.addr = {.bus = 1}, .vfs = left, .nvfs = 4},
			   {.addr = {.bus = 2}, .vfs = right, .nvfs = 4}};
	struct lease lease = {.vf = {.bus = 2, .device = 0}, .domain_name = (char *)"web1"};
	struct leases leases = {.items = &lease, .n = 1};
	struct judge judge = {.leases = &leases, .pool = &pool, .index = -1};
	char *chain[] = {(char *)"pack"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		left[i] = (struct vf){.addr = {.bus = 1, .device = (uint8_t)i}, .index = i};
		right[i] = (struct vf){.addr = {.bus = 2, .device = (uint8_t)i}, .index = i};
	}
	/* Both reserve the VFs 0 to 2, and one of the second PF's is leased. Any VF, then VF 2 by
	 * index. */
	for (int index = -1; index <= 2; index += 3) {
		struct candidates all = {0};
		const struct choice choice = {.all = &all};

		judge.index = index;
		for (size_t i = 0; i < 2; i++)
			candidates_add(&all, &judge, &pfs[i]);
		assert_int_equal(all.pfs[0].used, 0);
		assert_int_equal(all.pfs[0].free, 1);
		assert_int_equal(all.pfs[1].used, 1);
		assert_int_equal(policy_choose(chain, 1, &choice)->pf->addr.bus, 2);
		candidates_clear(&all);
	}
}

static void test_pool_rules(void **state)
{
	struct pool_vfs excluded[] = {{.first = 0, .last = 1}};
	struct pool_vfs reserved[] = {{.address_set = true, .address = {.bus = 1, .device = 2}}};
	struct pool pool = {.name = (char *)"fast",
			    .excluded = excluded,
			    .nexcluded = 1,
			    .reserved = reserved,
			    .nreserved = 1,
			    .per_guest = 2,
			    .total = 5,
			    .numa_strict = true};
	struct vf vf = {.index = 1, .iommu_group = 1};
	struct pf pf = {.numa_node = 0, .vfs = &vf, .nvfs = 1};
	static const char *const drivers[] = {"uio_pci_generic", "pciback", "vfio-pci"};
	const int nodes[] = {1};
	struct judge judge = {.index = -1, .pool = &pool};
	struct foreigns foreigns = {0};
	cleanup_free char *reason = NULL;

	(void)state;
	assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_EXCLUDED);
	free(steal(&reason));
	vf.index = 2;
	assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_NONE);
	vf.addr = reserved[0].address;
	assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_RESERVED);
	free(steal(&reason));
	judge.index = 2;
	assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_NONE);
	judge.nodes = nodes;
	judge.nnodes = 1;
	assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_NODE);
	free(steal(&reason));
	judge.of_pool = 5;
	assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_LIMIT);
	free(steal(&reason));
	judge.of_guest = 2;
	assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_LIMIT);
	free(steal(&reason));
	/* On such a driver it is somebody's, but in a prebound pool. */
	judge = (struct judge){.index = -1};
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		vf.driver = (char *)(uintptr_t)drivers[i];
		assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_HOST_DRIVER);
		free(steal(&reason));
	}
	pool = (struct pool){.name = (char *)"fast", .prebound = true};
	judge.pool = &pool;
	assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_NONE);
	/* And there, too, whoever has it open has it, whatever a definition says. */
	vf.user = (char *)"testpmd (4711)";
	foreigns_add(&foreigns, vf.addr, "web1", false);
	judge.foreigns = &foreigns;
	assert_int_equal(candidate_judge(&judge, &pf, &vf, &reason), REFUSAL_OPEN);
	assert_string_equal(reason, "testpmd (4711) has it open");
	assert_true(refusal_is_use(REFUSAL_OPEN));
	free(steal(&reason));
	foreigns_clear(&foreigns);
}

static void test_pool_pfs(void **state)
{
	char *altnames[] = {(char *)"uplink0"};
	struct pf pf = {.addr = {.bus = 1},
			.netdev = (char *)"ens1f0",
			.driver = (char *)"ixgbe",
			.vendor = 0x8086,
			.product = 0x10fb,
			.altnames = altnames,
			.naltnames = 1};
	struct pool_pf want = {0};
	struct pool pool = {.pfs = &want, .npfs = 1};

	(void)state;
	want.dev = (char *)"ens*f0";
	assert_true(pool_has_pf(&pool, &pf));
	want.dev = (char *)"ens*f1";
	assert_false(pool_has_pf(&pool, &pf));
	want.dev = (char *)"uplink0";
	assert_true(pool_has_pf(&pool, &pf));
	want = (struct pool_pf){.driver = (char *)"ixgbe", .vendor = 0x8086};
	assert_true(pool_has_pf(&pool, &pf));
	want.product = 0x1572;
	assert_false(pool_has_pf(&pool, &pf));
	want = (struct pool_pf){.address_set = true, .address = {.bus = 2}};
	assert_false(pool_has_pf(&pool, &pf));
	pool.npfs = 0;
	assert_false(pool_has_pf(&pool, &pf));
}

/* Whatever the order in which they were met. */
static void test_who_else_names_a_vf(void **state)
{
	const struct pciaddr vfs[] = {{0, 1, 0x10, 0}, {0, 1, 0x10, 2}, {0, 2, 0x10, 0}};
	const struct foreign *found;
	struct foreigns foreigns = {0};
	size_t n;

	(void)state;
	assert_null(foreigns_of(NULL, vfs[0], &n));
	assert_int_equal(n, 0);
	assert_null(foreigns_of(&foreigns, vfs[0], &n));
	assert_int_equal(n, 0);
	foreigns_add(&foreigns, vfs[2], "last", false);
	foreigns_add(&foreigns, vfs[0], "defined", false);
	foreigns_add(&foreigns, vfs[0], "running", true);
	foreigns_add(&foreigns, vfs[0], "also-defined", false);

	found = foreigns_of(&foreigns, vfs[0], &n);
	assert_int_equal(n, 3);
	assert_string_equal(found[0].domain, "running");
	assert_string_equal(found[1].domain, "defined");
	assert_string_equal(found[2].domain, "also-defined");
	assert_null(foreigns_of(&foreigns, vfs[1], &n));
	assert_int_equal(n, 0);
	found = foreigns_of(&foreigns, vfs[2], &n);
	assert_int_equal(n, 1);
	assert_string_equal(found->domain, "last");
	foreigns_clear(&foreigns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_better_one),       cmocka_unit_test(test_all_are_tested),
		cmocka_unit_test(test_each_policy),         cmocka_unit_test(test_pack_counts_use),
		cmocka_unit_test(test_pool_rules),          cmocka_unit_test(test_pool_pfs),
		cmocka_unit_test(test_who_else_names_a_vf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
