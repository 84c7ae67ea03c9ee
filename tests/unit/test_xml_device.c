// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "unit/xml_samples.h"
#include "xml/device.h"
#include "xml/document.h"
#include "xml/domain.h"

static const struct pciaddr vf = {.bus = 0x01, .device = 0x10, .function = 0};

static struct assignment sample(enum form form)
{
	return (struct assignment){.id = "0a1b2c3d",
				   .index = -1,
				   .form = form,
				   .mac = {{0x02, 0x5e, 0x10, 0, 0, 0x01}},
				   .vlan = 10,
				   .guest_set = true,
				   .guest = {.bus = 5}};
}

static void interface(void **state)
{
	struct assignment item = sample(FORM_INTERFACE);
	cleanup_free char *xml = device_xml_format(&item, vf, true);

	(void)state;
	assert_string_equal(xml,
			    "<interface type=\"hostdev\" managed=\"yes\">\n"
			    "  <mac address=\"02:5e:10:00:00:01\"/>\n"
			    "  <source>\n"
			    "    <address type=\"pci\" domain=\"0x0000\" bus=\"0x01\" slot=\"0x10\""
			    " function=\"0x0\"/>\n"
			    "  </source>\n"
			    "  <vlan>\n"
			    "    <tag id=\"10\"/>\n"
			    "  </vlan>\n"
			    "  <alias name=\"ua-vfpool-0a1b2c3d\"/>\n"
			    "  <address type=\"pci\" domain=\"0x0000\" bus=\"0x05\" slot=\"0x00\""
			    " function=\"0x0\"/>\n"
			    "</interface>\n");
}

static void hostdev(void **state)
{
	struct assignment item = sample(FORM_HOSTDEV);
	cleanup_free char *xml = NULL;

	(void)state;
	item.guest_set = false;
	xml = device_xml_format(&item, (struct pciaddr){.domain = 0x10001, .device = 31}, true);
	assert_string_equal(xml, "<hostdev mode=\"subsystem\" type=\"pci\" managed=\"yes\">\n"
				 "  <source>\n"
				 "    <address domain=\"0x10001\" bus=\"0x00\" slot=\"0x1f\""
				 " function=\"0x0\"/>\n"
				 "  </source>\n"
				 "  <alias name=\"ua-vfpool-0a1b2c3d\"/>\n"
				 "</hostdev>\n");
}

static void standby(void **state)
{
	struct assignment item = sample(FORM_INTERFACE);
	cleanup_free char *untagged = NULL, *tagged = NULL, *primary = NULL;

	(void)state;
	item.standby = (char *)(uintptr_t) "lan & more";
	untagged = device_xml_standby(&item, false);
	assert_string_equal(untagged, "<interface type=\"network\">\n"
				      "  <mac address=\"02:5e:10:00:00:01\"/>\n"
				      "  <source network=\"lan &amp; more\"/>\n"
				      "  <model type=\"virtio\"/>\n"
				      "  <teaming type=\"persistent\"/>\n"
				      "  <alias name=\"ua-vfpool-0a1b2c3d-standby\"/>\n"
				      "</interface>\n");
	item.standby_guest_set = true;
	item.standby_guest = (struct pciaddr){.bus = 6};
	tagged = device_xml_standby(&item, true);
	assert_non_null(strstr(tagged, "  <vlan>\n    <tag id=\"10\"/>\n  </vlan>\n"));
	assert_non_null(strstr(tagged, "<address type=\"pci\" domain=\"0x0000\" bus=\"0x06\" "));
	primary = device_xml_format(&item, vf, true);
	assert_non_null(strstr(primary, "  <teaming type=\"transient\" "
					"persistent=\"ua-vfpool-0a1b2c3d-standby\"/>\n"));
}

/* Each of the 32 shapes that a device can have. */
static struct assignment shape(unsigned bits)
{
	struct assignment item = sample(bits & 1 ? FORM_HOSTDEV : FORM_INTERFACE);

	if (bits & 2)
		item.vlan = 0;
	if (bits & 4)
		item.guest_set = false;
	if (bits & 8)
		item.guest.domain = 0xffffffff;
	if (bits & 16) {
		item.standby = (char *)(uintptr_t) "default";
		item.standby_guest_set = item.guest_set;
		item.standby_guest = (struct pciaddr){.bus = 6};
	}
	return item;
}

static char *in_domain(const char *device)
{
	return mem_printf("<domain type='kvm'><name>guest</name><memory>1024</memory>"
			  "<os><type>hvm</type></os><devices>%s</devices></domain>",
			  device);
}

static void libvirt_takes_it(void **state)
{
	xmlRelaxNGPtr schema;

	(void)state;
	if (access(LIBVIRT_DOMAIN_SCHEMA, R_OK) != 0)
		skip();
	schema_quiet();
	schema = schema_load(xmlRelaxNGNewParserCtxt(LIBVIRT_DOMAIN_SCHEMA));
	assert_non_null(schema);
	for (unsigned bits = 0; bits < 32; bits++) {
		struct assignment item = shape(bits);
		cleanup_free char *primary = device_xml_format(&item, vf, true);
		cleanup_free char *other =
			item.standby ? device_xml_standby(&item, item.vlan) : mem_strdup("");
		cleanup_free char *device = mem_printf("%s%s", other, primary);
		cleanup_free char *domain = in_domain(device);
		xmlDocPtr doc;

		assert_int_equal(document_parse(domain, "domain", &doc, NULL), 0);
		if (!schema_accepts_doc(schema, doc))
			fail_msg("%s", device);
		xmlFreeDoc(doc);
	}
	xmlRelaxNGFree(schema);
}

static void reads_back(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 32; bits++) {
		cleanup(domain_view_clear) struct domain_view view = {0};
		struct assignment item = shape(bits);
		cleanup_free char *device = device_xml_format(&item, vf, true);
		cleanup_free char *domain = in_domain(device);
		const struct device *is;

		assert_int_equal(domain_xml_parse(domain, &view, NULL), 0);
		assert_int_equal(view.ndevices, 1);
		is = domain_view_device(&view, item.id);
		assert_non_null(is);
		assert_int_equal(is->form, item.form);
		assert_true(is->managed);
		assert_true(pciaddr_equal(is->host, vf));
		assert_int_equal(is->guest_set, item.guest_set);
		if (item.guest_set)
			assert_true(pciaddr_equal(is->guest, item.guest));
		assert_int_equal(is->mac_set, item.form == FORM_INTERFACE);
		if (is->mac_set)
			assert_true(mac_equal(is->mac, item.mac));
		assert_int_equal(is->vlan, item.form == FORM_INTERFACE ? item.vlan : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interface),  cmocka_unit_test(hostdev),
		cmocka_unit_test(standby),    cmocka_unit_test(libvirt_takes_it),
		cmocka_unit_test(reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
