// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "model/assignment.h"
#include "model/domain.h"
#include "model/inventory.h"
#include "model/lease.h"
#include "model/numa.h"
#include "model/pool.h"
#include "model/settings.h"

static void names_are_read_back(void **state)
{
	enum lease_state lease = LEASE_HELD;
	enum form form = FORM_INTERFACE;

	(void)state;
	for (int i = LEASE_RESERVED; i <= LEASE_LOST; i++) {
		assert_true(lease_state_parse(lease_state_name((enum lease_state)i), &lease));
		assert_int_equal(lease, i);
	}
	for (int i = FORM_INTERFACE; i <= FORM_HOSTDEV; i++) {
		assert_true(form_parse(form_name((enum form)i), &form));
		assert_int_equal(form, i);
	}
	assert_false(form_parse("macvtap", &form));
	assert_false(form_parse(NULL, &form));
	assert_false(lease_state_parse("Held", &lease));
}

static void ids_are_eight_small_hex_digits(void **state)
{
	char a[ASSIGNMENT_ID_SIZE], b[ASSIGNMENT_ID_SIZE];

	(void)state;
	assert_true(assignment_id_valid("0a1b2c3d"));
	assert_false(assignment_id_valid("0A1b2c3d"));
	assert_false(assignment_id_valid("0a1b2c3"));
	assert_false(assignment_id_valid("0a1b2c3d4"));
	assert_false(assignment_id_valid(NULL));
	assignment_id_make(a);
	assignment_id_make(b);
	assert_true(assignment_id_valid(a) && assignment_id_valid(b));
	assert_string_not_equal(a, b);
}

static struct assignment sample(const char *id)
{
	struct assignment a = {.pool = mem_strdup("eth1"), .index = -1, .vlan = 100};

	(void)strcpy(a.id, id);
	return a;
}

static void assignments_are_a_list(void **state)
{
	struct assignments list = {0}, copy;

	(void)state;
	for (int i = 0; i < 9; i++) {
		char id[ASSIGNMENT_ID_SIZE] = "0000000x";

		id[7] = (char)('0' + i);
		assignments_add(&list, sample(id));
	}
	copy = assignments_copy(&list);
	assert_true(assignments_equal(&list, &copy));
	assert_ptr_not_equal(list.items[0].pool, copy.items[0].pool);

	assignments_remove(&list, "00000004");
	assignments_remove(&list, "no such id");
	assert_int_equal(list.n, 8);
	assert_null(assignments_find(&list, "00000004"));
	assert_string_equal(list.items[4].id, "00000005");
	assert_non_null(assignments_find(&list, "00000008"));
	assert_false(assignments_equal(&list, &copy));
	assignments_clear(&list);
	assert_int_equal(list.n, 0);
	assignments_clear(&copy);
}

static void equality_sees_each_field(void **state)
{
	struct assignment a = sample("0a1b2c3d");

	(void)state;
#define DIFFERS(change)                                    \
	do {                                               \
		struct assignment b = assignment_copy(&a); \
		assert_true(assignment_equal(&a, &b));     \
		change;                                    \
		assert_false(assignment_equal(&a, &b));    \
		assignment_clear(&b);                      \
	} while (0)
	DIFFERS(b.id[0] = '1');
	DIFFERS(b.pool[3] = '2');
	DIFFERS(b.index = 3);
	DIFFERS(b.form = FORM_HOSTDEV);
	DIFFERS(b.mac.byte[5] = 1);
	DIFFERS(b.vlan = 0);
	DIFFERS(b.guest_set = true);
	DIFFERS(b.parked = true);
	a.parked = true;
	DIFFERS(b.parking.reason = PARK_SAVE);
	DIFFERS(b.parking.until = 1);
	DIFFERS(parking_set_host(&b.parking, "elsewhere"));
	a.guest_set = true;
	DIFFERS(b.guest.device = 1);
#undef DIFFERS
	assignment_clear(&a);
}

static void parking_ends(void **state)
{
	struct parking p = {.reason = PARK_MIGRATION, .until = 1000};
	enum park_reason reason;

	(void)state;
	parking_set_host(&p, "a");
	assert_false(parking_is_over(&p, "a", 999));
	assert_true(parking_is_over(&p, "a", 1000));
	assert_true(parking_is_over(&p, "b", 0));
	p.until = 0;
	assert_true(parking_is_over(&p, "a", 0));
	p.reason = PARK_RESIZE;
	assert_false(parking_is_over(&p, "a", INT64_MAX));
	assert_true(parking_is_over(&p, "ab", 0));
	parking_set_host(&p, "gr\xc3\xbc n\n");
	assert_string_equal(p.host, "gr???n?");
	parking_set_host(&p, "");
	assert_string_equal(p.host, "?");
	parking_set_host(&p, "0123456789012345678901234567890123456789012345678901234567890123456");
	assert_int_equal(strlen(p.host), PARK_HOST_SIZE - 1);
	for (int i = PARK_MIGRATION; i <= PARK_RESIZE; i++) {
		assert_true(park_reason_parse(park_reason_name((enum park_reason)i), &reason));
		assert_int_equal(reason, i);
	}
	assert_false(park_reason_parse("", &reason));
	assert_false(park_reason_parse(NULL, &reason));
}

static void settings_differ_where_both_are_known(void **state)
{
	struct vf_settings a = {.known = ~0u, .vlan_proto = 0x8100}, b = a;

	(void)state;
	assert_int_equal(vf_settings_diff(&a, &b), 0);
	b.vlan_proto = 0; /* means nothing without a VLAN */
	assert_int_equal(vf_settings_diff(&a, &b), 0);
	a.vlan = b.vlan = 5;
	assert_int_equal(vf_settings_diff(&a, &b), SETTING_VLAN);
	b = a;
	b.mac.byte[0] = 2;
	b.trust = true;
	b.spoofchk = true;
	b.link_state = 1;
	b.max_rate = 10;
	assert_int_equal(vf_settings_diff(&a, &b), SETTING_MAC | SETTING_TRUST | SETTING_SPOOFCHK |
							   SETTING_LINK_STATE | SETTING_RATE);
	a.known = SETTING_TRUST | SETTING_VLAN;
	assert_int_equal(vf_settings_diff(&a, &b), SETTING_TRUST);
}

static void vfs_are_found_across_gaps(void **state)
{
	struct vf vfs[] = {{.index = 0}, {.index = 2}, {.index = 5}};
	struct pf pf = {.vfs = vfs, .nvfs = 3};

	(void)state;
	assert_ptr_equal(pf_vf_by_index(&pf, 0), &vfs[0]);
	assert_ptr_equal(pf_vf_by_index(&pf, 2), &vfs[1]);
	assert_ptr_equal(pf_vf_by_index(&pf, 5), &vfs[2]);
	assert_null(pf_vf_by_index(&pf, 1));
	assert_null(pf_vf_by_index(&pf, 6));
}

static void a_foreign_device_is_nobodys(void **state)
{
	struct device devices[] = {{.id = ""}, {.id = "0a1b2c3d"}};
	struct domain_view view = {.devices = devices, .ndevices = 2};

	(void)state;
	assert_null(domain_view_device(&view, ""));
	assert_ptr_equal(domain_view_device(&view, "0a1b2c3d"), &devices[1]);
	assert_null(domain_view_device(&view, "ffffffff"));
}

static void copies_own_what_they_hold(void **state)
{
	struct lease lease = {.domain_name = mem_strdup("web1"), .driver = NULL}, copy;

	(void)state;
	copy = lease_copy(&lease);
	lease_clear(&lease);
	assert_string_equal(copy.domain_name, "web1");
	assert_null(copy.driver);
	lease_clear(&copy);
}

static void leases_are_found_in_whatever_order_they_came(void **state)
{
	static const uint8_t order[] = {4, 9, 1, 7, 2, 8};
	struct pciaddr addr = {.bus = 1};
	struct leases leases = {0};

	(void)state;
	assert_null(leases_by_vf(&leases, addr));
	for (size_t i = 0; i < sizeof(order); i++) {
		addr.device = order[i];
		leases_add(&leases, (struct lease){.vf = addr, .index = order[i]});
	}
	for (size_t i = 0; i < sizeof(order); i++) {
		addr.device = order[i];
		assert_int_equal(leases_by_vf(&leases, addr)->index, order[i]);
		assert_true(!i || leases.items[i - 1].index < leases.items[i].index);
	}
	addr.device = 5;
	assert_null(leases_by_vf(&leases, addr));
	leases_clear(&leases);
}

/* Two nodes of four CPUs; where does a guest run that is placed so? */
static void assert_nodes(const char *cpus, const char *memory, const char *wanted)
{
	struct numa_node items[] = {{.id = 0}, {.id = 2}, {.id = 3}};
	const struct numa_nodes nodes = {.items = items, .n = 3};
	struct idset cpuset, nodeset;
	struct domain_view view = {.cpus = cpus ? &cpuset : NULL,
				   .nodes = memory ? &nodeset : NULL};
	char text[32] = "";
	int *found;
	size_t n;

	assert_true(idset_parse("0-3", &items[0].cpus) && idset_parse("4-7", &items[1].cpus));
	assert_true(idset_parse("", &items[2].cpus));
	assert_true((!cpus || idset_parse(cpus, &cpuset)) &&
		    (!memory || idset_parse(memory, &nodeset)));
	numa_of_guest(&nodes, &view, &found, &n);
	for (size_t i = 0; i < n; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d ", found[i]);
	assert_string_equal(text, wanted);
	free(found);
}

static void where_a_guest_runs(void **state)
{
	(void)state;
	assert_nodes(NULL, NULL, "");
	assert_nodes("5", NULL, "2 ");
	assert_nodes("3-4", NULL, "0 2 ");
	assert_nodes(NULL, "3", "3 ");
	assert_nodes(NULL, "0,3", "0 3 ");
	assert_nodes(NULL, "0,2-3", "");
	/* Both: where they meet, else where the vCPUs are. */
	assert_nodes("0-7", "2", "2 ");
	assert_nodes("0-1", "2", "0 ");
	/* CPUs and nodes that this host has not. */
	assert_nodes("100", NULL, "");
	assert_nodes("100", "2", "2 ");
	assert_nodes(NULL, "9", "");
}

static void what_two_pools_share(void **state)
{
	struct pool_vfs low = {.first = 0, .last = 3}, high = {.first = 4, .last = 6};
	struct pool_vfs third = {.address_set = true, .address = {.bus = 3}};
	struct vf vfs[] = {{.index = 2, .addr = {.bus = 2}}, {.index = 3, .addr = {.bus = 3}}};
	struct pf pf = {.total_vfs = 7};
	struct pool a = {.excluded = &low}, b = {.excluded = &high};
	int index;

	(void)state;
	assert_true(pools_share(&a, &b, &pf, &index));
	assert_int_equal(index, -1);
	a.nexcluded = b.nexcluded = 1;
	assert_false(pools_share(&a, &b, &pf, &index));
	/* VFs count that there are not yet. */
	low.last = 2;
	assert_true(pools_share(&a, &b, &pf, &index));
	assert_int_equal(index, 3);
	/* Who speaks of addresses is held to those that there are. */
	high = third;
	assert_false(pools_share(&a, &b, &pf, &index));
	pf.vfs = vfs;
	pf.nvfs = 2;
	assert_false(pools_share(&a, &b, &pf, &index));
	low.last = 1;
	assert_true(pools_share(&a, &b, &pf, &index));
	assert_int_equal(index, 2);
}

static void names_of_pools(void **state)
{
	static const char *const bad[] = {"",
					  ".",
					  "..",
					  ".a",
					  "-a",
					  "a/b",
					  "a b",
					  "a:b",
					  "gr\xc3\xb6\xc3\x9f",
					  "0000:01:00.0",
					  "02:00:00:00:00:01"};
	char longest[POOL_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(pool_name_valid(bad[i]));
	assert_true(pool_name_valid("a"));
	assert_true(pool_name_valid("0a_.-Z"));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(pool_name_valid(longest));
	longest[sizeof(longest) - 2] = '\0';
	assert_true(pool_name_valid(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_a_guest_runs),
		cmocka_unit_test(what_two_pools_share),
		cmocka_unit_test(names_of_pools),
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(ids_are_eight_small_hex_digits),
		cmocka_unit_test(assignments_are_a_list),
		cmocka_unit_test(equality_sees_each_field),
		cmocka_unit_test(parking_ends),
		cmocka_unit_test(settings_differ_where_both_are_known),
		cmocka_unit_test(vfs_are_found_across_gaps),
		cmocka_unit_test(a_foreign_device_is_nobodys),
		cmocka_unit_test(copies_own_what_they_hold),
		cmocka_unit_test(leases_are_found_in_whatever_order_they_came),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
