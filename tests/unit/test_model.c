// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "model/assignment.h"
#include "model/domain.h"
#include "model/inventory.h"
#include "model/lease.h"
#include "model/settings.h"

static void names_are_read_back(void **state)
{
	enum lease_state lease = LEASE_HELD;
	enum form form = FORM_INTERFACE;

	(void)state;
	for (int i = LEASE_CLAIMED; i <= LEASE_RELEASING; i++) {
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
	a.guest_set = true;
	DIFFERS(b.guest.device = 1);
#undef DIFFERS
	assignment_clear(&a);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(ids_are_eight_small_hex_digits),
		cmocka_unit_test(assignments_are_a_list),
		cmocka_unit_test(equality_sees_each_field),
		cmocka_unit_test(settings_differ_where_both_are_known),
		cmocka_unit_test(vfs_are_found_across_gaps),
		cmocka_unit_test(a_foreign_device_is_nobodys),
		cmocka_unit_test(copies_own_what_they_hold),
		cmocka_unit_test(leases_are_found_in_whatever_order_they_came),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
