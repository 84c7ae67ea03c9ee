// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "unit/xml_samples.h"
#include "xml/document.h"
#include "xml/domain.h"

#define cleanup_view cleanup(domain_view_clear)

static void load(const char *name, struct domain_view *view)
{
	cleanup_free char *path = mem_printf("tests/data/domains/%s.xml", name);
	cleanup_free char *text = sample_read(path);
	cleanup_err struct err *err = NULL;

	if (!text)
		fail_msg("%s cannot be read", path);
	if (domain_xml_parse(text, view, &err) < 0)
		fail_msg("%s: %s", path, err->what);
	assert_true(view->present);
}

/* A domain with these devices. */
static int parse_devices(const char *devices, struct domain_view *view, struct err **err)
{
	cleanup_free char *xml =
		mem_printf("<domain>\n<devices>\n%s\n</devices>\n</domain>", devices);

	return domain_xml_parse(xml, view, err);
}

static void same_addr(struct pciaddr addr, const char *text)
{
	assert_string_equal(pciaddr_str(addr), text);
}

/* wanted: the slots with spaces between them. */
static void same_slots(const struct domain_view *view, const char *wanted)
{
	cleanup_free char *text = mem_strdup("");

	for (size_t i = 0; i < view->nfree_slots; i++) {
		char *longer =
			mem_printf("%s%s%s", text, i ? " " : "", pciaddr_str(view->free_slots[i]));

		free(text);
		text = longer;
	}
	assert_string_equal(text, wanted);
}

static void same_macs(const struct domain_view *view, const char *wanted)
{
	cleanup_free char *text = mem_strdup("");

	for (size_t i = 0; i < view->nmacs; i++) {
		char *longer = mem_printf("%s%s%s", text, i ? " " : "", mac_str(view->macs[i]));

		free(text);
		text = longer;
	}
	assert_string_equal(text, wanted);
}

static void q35_live(void **state)
{
	cleanup_view struct domain_view view = {0};
	const struct assignment *item;
	const struct device *device;

	(void)state;
	load("q35-live", &view);
	assert_null(view.metadata_error);
	assert_int_equal(view.assignments.n, 2);

	item = assignments_find(&view.assignments, "0a1b2c3d");
	assert_non_null(item);
	assert_string_equal(item->pool, "eth1");
	assert_int_equal(item->index, -1);
	assert_int_equal(item->form, FORM_INTERFACE);
	assert_string_equal(mac_str(item->mac), "02:5e:10:00:00:01");
	assert_int_equal(item->vlan, 10);
	assert_true(item->guest_set);
	same_addr(item->guest, "0000:07:00.0");
	assert_false(item->parked);

	item = assignments_find(&view.assignments, "11223344");
	assert_non_null(item);
	assert_string_equal(item->pool, "0000:5e:00.1");
	assert_int_equal(item->index, 3);
	assert_int_equal(item->form, FORM_HOSTDEV);
	assert_int_equal(item->vlan, 0);
	assert_false(item->guest_set);
	assert_true(item->parked);
	assert_int_equal(item->parking.reason, PARK_MIGRATION);
	assert_string_equal(item->parking.host, "vfhost-a");
	assert_int_equal(item->parking.until, 1795813200);

	assert_int_equal(view.ndevices, 2);
	device = domain_view_device(&view, "0a1b2c3d");
	assert_ptr_equal(device, &view.devices[0]);
	same_addr(device->host, "0000:5e:10.2");
	same_addr(device->guest, "0000:07:00.0");
	assert_int_equal(device->form, FORM_INTERFACE);
	assert_true(device->managed && device->guest_set && device->mac_set);
	assert_string_equal(mac_str(device->mac), "02:5e:10:00:00:01");
	assert_int_equal(device->vlan, 10);

	device = &view.devices[1];
	assert_string_equal(device->id, "");
	same_addr(device->host, "0000:3b:02.5");
	same_addr(device->guest, "0000:08:00.0");
	assert_int_equal(device->form, FORM_HOSTDEV);
	assert_true(device->managed);
	assert_false(device->mac_set);

	same_macs(&view, "52:54:00:6b:3c:58 02:5e:10:00:00:01");
	same_slots(&view, "0000:09:00.0");
}

static void i440fx_config(void **state)
{
	cleanup_view struct domain_view view = {0};

	(void)state;
	load("i440fx-config", &view);
	assert_int_equal(view.assignments.n, 0);
	assert_int_equal(view.ndevices, 1);
	assert_string_equal(view.devices[0].id, "");
	assert_false(view.devices[0].managed);
	same_addr(view.devices[0].host, "0000:04:10.1");
	same_macs(&view, "52:54:00:ab:cd:01 52:54:00:ab:cd:02");
	/* Of bus 0: 9 to 31. Of the bridge: 1 to 31, but not 2. */
	assert_int_equal(view.nfree_slots, 23 + 30);
	same_addr(view.free_slots[0], "0000:00:09.0");
	same_addr(view.free_slots[22], "0000:00:1f.0");
	same_addr(view.free_slots[23], "0000:01:01.0");
	same_addr(view.free_slots[24], "0000:01:03.0");
	same_addr(view.free_slots[52], "0000:01:1f.0");
}

static void q35_topology(void **state)
{
	cleanup_view struct domain_view view = {0};

	(void)state;
	load("q35-topology", &view);
	assert_int_equal(view.ndevices, 0);
	/*
	 * Ports: 1 is hotplug='off', 2 and 3 carry a switch and a bridge, 6 a NIC; 7, below the
	 * switch, and 9, below the expander, are free. 4 and 11 are conventional; 10 takes no
	 * hot-plug.
	 */
	assert_int_equal(view.nfree_slots, 2 + 30 + 31);
	same_addr(view.free_slots[0], "0000:07:00.0");
	same_addr(view.free_slots[1], "0000:09:00.0");
	same_addr(view.free_slots[2], "0000:04:01.0");
	same_addr(view.free_slots[3], "0000:04:03.0");
	same_addr(view.free_slots[32], "0000:0b:01.0");
	same_addr(view.free_slots[62], "0000:0b:1f.0");
}

static void all_kinds_of_hostdevs(void **state)
{
	cleanup_view struct domain_view view = {0};

	(void)state;
	load("hostdevs-live", &view);
	assert_int_equal(view.ndevices, 3);
	/* From a network's pool: libvirt shows it as if it had been asked for by hand. */
	assert_string_equal(view.devices[0].id, "");
	same_addr(view.devices[0].host, "0000:3b:02.0");
	/* An alias that looks like ours and is not. */
	assert_string_equal(view.devices[1].id, "");
	same_addr(view.devices[1].host, "10001:00:01.7");
	assert_int_equal(view.devices[1].vlan, 4000);
	assert_string_equal(view.devices[2].id, "deadbeef");
	same_addr(view.devices[2].host, "0000:af:1f.7");
	assert_int_equal(view.devices[2].form, FORM_HOSTDEV);
	/* An alias of ours on what is no host device names nothing. */
	assert_null(domain_view_device(&view, "00000001"));
	same_macs(&view, "52:54:00:f0:00:01 52:54:00:f0:00:02 52:54:00:f0:00:03");
	same_slots(&view, "");
}

static void other_machines(void **state)
{
	cleanup_view struct domain_view power = {0}, mainframe = {0}, container = {0}, empty = {0};

	(void)state;
	load("pseries-config", &power);
	assert_int_equal(power.nfree_slots, 29 + 30);
	same_addr(power.free_slots[0], "0000:00:03.0");
	same_addr(power.free_slots[29], "0000:01:02.0");

	load("s390x-config", &mainframe);
	assert_int_equal(mainframe.ndevices, 1);
	same_addr(mainframe.devices[0].host, "0001:00:00.0");

	load("lxc-live", &container);
	assert_int_equal(container.ndevices, 0);
	assert_int_equal(container.nmacs, 1);
	assert_int_equal(container.nfree_slots, 0);

	load("minimal", &empty);
	assert_int_equal(empty.nmacs + empty.ndevices + empty.nfree_slots, 0);
}

/* What the tests stand on has to be what libvirt would write. */
static void samples_are_valid(void **state)
{
	static const char *const names[] = {"q35-live",      "i440fx-config",  "q35-topology",
					    "hostdevs-live", "pseries-config", "s390x-config",
					    "lxc-live",      "minimal"};
	xmlRelaxNGPtr schema;

	(void)state;
	if (access(LIBVIRT_DOMAIN_SCHEMA, R_OK) != 0)
		skip();
	schema_quiet();
	schema = schema_load(xmlRelaxNGNewParserCtxt(LIBVIRT_DOMAIN_SCHEMA));
	assert_non_null(schema);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = mem_printf("tests/data/domains/%s.xml", names[i]);
		cleanup_free char *text = sample_read(path);
		xmlDocPtr doc;

		assert_int_equal(document_parse(text, path, &doc, NULL), 0);
		if (!schema_accepts_doc(schema, doc))
			fail_msg("%s is not valid", path);
		xmlFreeDoc(doc);
	}
	xmlRelaxNGFree(schema);
}

/* It fails, says this, and touches nothing. */
static void refuses(const char *xml, const char *words)
{
	struct domain_view view, before;
	cleanup_err struct err *err = NULL;

	memset(&before, 0xa5, sizeof(before));
	view = before;
	assert_int_equal(domain_xml_parse(xml, &view, &err), -1);
	assert_memory_equal(&view, &before, sizeof(view));
	assert_int_equal(err->code, ERR_FAILED);
	if (!strstr(err->what, words))
		fail_msg("it says \"%s\", not \"%s\"", err->what, words);
	/* No error wanted is fine, too. */
	assert_int_equal(domain_xml_parse(xml, &view, NULL), -1);
	assert_memory_equal(&view, &before, sizeof(view));
}

static void assert_set(const struct idset *set, const char *wanted)
{
	struct idset want;

	if (!wanted) {
		assert_null(set);
		return;
	}
	assert_non_null(set);
	assert_true(idset_parse(wanted, &want));
	assert_memory_equal(set, &want, sizeof(want));
}

static void placement(void **state)
{
#define PIN(vcpu, cpus) "<vcpupin vcpu='" vcpu "' cpuset='" cpus "'/>"
	static const struct {
		const char *xml, *cpus, *nodes;
	} placed[] = {
		{"", NULL, NULL},
		{"<vcpu placement='static'>2</vcpu>", NULL, NULL},
		{"<vcpu cpuset='0-3,^1'>2</vcpu>", "0,2-3", NULL},
		{"<vcpu cpuset='nonsense'>2</vcpu>", NULL, NULL},
		{"<vcpu cpuset=''>2</vcpu>", NULL, NULL},
		{"<vcpu cpuset='0-99999'>2</vcpu>", NULL, NULL},
		{"<vcpu>2</vcpu><cputune>" PIN("0", "4") PIN("1", "6-7") "</cputune>", "4,6-7",
		 NULL},
		{"<vcpu>2</vcpu><cputune>" PIN("0", "4") "</cputune>", NULL, NULL},
		{"<vcpu>2</vcpu><cputune>" PIN("0", "4") PIN("0", "5") "</cputune>", NULL, NULL},
		{"<vcpu>2</vcpu><cputune>" PIN("0", "4") PIN("7", "5") "</cputune>", NULL, NULL},
		{"<vcpu>2</vcpu><cputune>" PIN("0", "4") PIN("x", "5") "</cputune>", NULL, NULL},
		{"<vcpu cpuset='1'>2</vcpu><cputune>" PIN("0", "4") "</cputune>", "1,4", NULL},
		{"<cputune>" PIN("0", "4") "</cputune>", NULL, NULL},
		{"<vcpu>x</vcpu><cputune>" PIN("0", "4") "</cputune>", NULL, NULL},
		{"<cputune>" PIN("0", "4") "</cputune><vcpu>1</vcpu>", "4", NULL},
		{"<numatune><memory mode='strict' nodeset='1'/></numatune>", NULL, "1"},
		{"<numatune><memory mode='strict' placement='auto'/></numatune>", NULL, NULL},
		{"<numatune><memory nodeset='0'/><memnode cellid='0' nodeset='2-3'/></numatune>",
		 NULL, "0,2-3"},
	};
#undef PIN

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(placed); i++) {
		cleanup_free char *xml = mem_printf("<domain>%s</domain>", placed[i].xml);
		cleanup_view struct domain_view view = {0};

		assert_int_equal(domain_xml_parse(xml, &view, NULL), 0);
		assert_set(view.cpus, placed[i].cpus);
		assert_set(view.nodes, placed[i].nodes);
	}
}

static void not_xml(void **state)
{
	(void)state;
	refuses("", "the domain's XML: ");
	refuses("   ", "the domain's XML: ");
	refuses("error: failed to get domain", "line 1: ");
	refuses("<domain>\n<devices>\n</domain>", "line 3: Opening and ending tag mismatch");
	refuses("<domain>", "the domain's XML: line 1: ");
	refuses("<domain/><domain/>", "line 1: ");
	refuses("<domain>\xff</domain>", "line 1: ");
	refuses("<domain>&nothing;</domain>", "'nothing' not defined");
	refuses("<domain a='1' a='2'/>", "line 1: ");
	refuses("<network><name>x</name></network>", "it is no <domain>");
	refuses("<domain xmlns='urn:other'/>", "it is no <domain>");
	refuses("<x:domain xmlns:x='urn:other'/>", "it is no <domain>");
}

static void doctypes(void **state)
{
	const char *words = "a document type declaration is not allowed";

	(void)state;
	refuses("<!DOCTYPE domain><domain/>", words);
	refuses("<!DOCTYPE domain []><domain/>", words);
	refuses("<?xml version='1.0'?>\n\n<!DOCTYPE domain [<!ENTITY a 'b'>]><domain>&a;</domain>",
		"line 3: a document type declaration is not allowed");
	refuses("<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>", words);
	refuses("<!DOCTYPE domain PUBLIC 'x' 'http://192.0.2.1/x.dtd'><domain/>", words);
	refuses("<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain a='&x;'/>", words);
	refuses("<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
		"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;'>]>"
		"<domain>&d;</domain>",
		words);
	refuses("<!DOCTYPE d [<!ENTITY % p SYSTEM 'http://192.0.2.1/p'> %p;]><domain/>", words);
	/* Even what breaks off in it. */
	refuses("<!DOCTYPE d [<!ENTITY", words);
}

static void sizes(void **state)
{
	const size_t most = DOCUMENT_MAX;
	cleanup_free char *text = mem_zero(most + 2, 1);
	const char *head = "<domain>", *tail = "</domain>";
	cleanup_view struct domain_view view = {0};
	cleanup_free char *deep = mem_zero(3, 100001);

	(void)state;
	memset(text, ' ', most);
	memcpy(text, head, strlen(head));
	memcpy(text + most - strlen(tail), tail, strlen(tail));
	assert_int_equal(domain_xml_parse(text, &view, NULL), 0);
	text[most] = ' ';
	refuses(text, "the domain's XML is longer than 8 MiB");

	for (size_t i = 0; i < 100000; i++)
		memcpy(deep + 3 * i, "<a>", 3);
	refuses(deep, "the domain's XML: line 1: ");
}

static void malformed_devices(void **state)
{
	static const struct {
		const char *devices, *words;
	} bad[] = {
		{"<hostdev type='pci'/>",
		 "line 3: <hostdev>: does not say which host device it is"},
		{"<hostdev type='pci'><source/></hostdev>", "<hostdev>: does not say"},
		{"<interface type='hostdev'/>",
		 "<interface>: does not say which host device it is"},
		{"<hostdev type='pci'>\n<source>\n<address bus='0x100'/></source></hostdev>",
		 "line 5: <address>: bus is \"0x100\", not a number up to 255"},
		{"<hostdev type='pci'><source><address slot='32'/></source></hostdev>",
		 "slot is \"32\""},
		{"<hostdev type='pci'><source><address function='8'/></source></hostdev>",
		 "function is \"8\""},
		{"<hostdev type='pci'><source><address domain='0x100000000'/></source></hostdev>",
		 "domain is"},
		{"<hostdev type='pci'><source><address bus='-1'/></source></hostdev>",
		 "bus is \"-1\""},
		{"<hostdev type='pci'><source><address bus=''/></source></hostdev>", "bus is \"\""},
		{"<hostdev type='pci'><source><address bus=' 1'/></source></hostdev>",
		 "bus is \" 1\""},
		{"<hostdev type='pci'><source><address bus='0x'/></source></hostdev>",
		 "bus is \"0x\""},
		{"<hostdev type='pci'><source><address bus='1x'/></source></hostdev>",
		 "bus is \"1x\""},
		{"<hostdev type='pci'><source><address "
		 "bus='99999999999999999999'/></source></hostdev>",
		 "bus is"},
		{"<hostdev type='pci'><source><address bus='&#x9b;31m&#10;'/></source></hostdev>",
		 "bus is \"??31m?\""},
		{"<disk><address type='pci' slot='a'/></disk>", "<address>: slot is \"a\""},
		{"<interface type='user'><mac address='52:54:00'/></interface>",
		 "<mac>: \"52:54:00\" is no MAC address"},
		{"<interface type='user'><mac/></interface>", "<mac>: has no address"},
		{"<interface type='hostdev'><source><address type='pci'/></source>"
		 "<vlan><tag id='4096'/></vlan></interface>",
		 "<tag>: id is \"4096\", not a number up to 4095"},
		{"<controller type='pci' model='pci-root' index='one'/>", "index is \"one\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_free char *xml = mem_printf(
			"<domain>\n<devices>\n%s\n</devices>\n</domain>", bad[i].devices);

		refuses(xml, bad[i].words);
	}
}

/* Odd, and none of our business: no reason to lose the rest. */
static void odd_devices(void **state)
{
	static const char *const odd[] = {
		"<hostdev/>",
		"<hostdev type='usb'><source><address bus='999' device='4'/></source></hostdev>",
		"<hostdev type='mdev'/>",
		"<interface/>",
		"<interface type='hostdev'><source><address type='usb' "
		"bus='999'/></source></interface>",
		"<address type='pci'/>",
		"<disk><address type='drive' bus='xyz'/></disk>",
		"<disk><address/></disk>",
		"<controller/>",
		"<controller type='pci'/>",
		"<controller type='pci' model='pcie-root-port'/>",
		"<controller type='pci' model='pcie-root-port' index='256'/>",
		"<controller type='pci' model='pcie-root-port' index='4294967295'/>",
		"<controller type='pci' model='pcie-root-port-of-2040' index='1'/>",
		"<controller type='pci' model='pcie-root-port' index='1'><target "
		"hotplug='off'/></controller>",
		"<o:hostdev xmlns:o='urn:other' type='pci'/>",
		"<unbound:hostdev type='pci'/>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		cleanup_view struct domain_view view = {0};
		cleanup_err struct err *err = NULL;

		if (parse_devices(odd[i], &view, &err) < 0)
			fail_msg("%s: %s", odd[i], err->what);
		assert_int_equal(view.ndevices + view.nmacs + view.nfree_slots, 0);
	}
}

static void numbers(void **state)
{
	cleanup_view struct domain_view view = {0};

	(void)state;
	assert_int_equal(
		parse_devices(
			"<hostdev type='pci'><source><address domain='65537' bus='0xFF' slot='31'"
			" function='0x7'/></source></hostdev>"
			"<hostdev type='pci'><source><address/></source></hostdev>",
			&view, NULL),
		0);
	assert_int_equal(view.ndevices, 2);
	same_addr(view.devices[0].host, "10001:ff:1f.7");
	same_addr(view.devices[1].host, "0000:00:00.0");
	assert_false(view.devices[0].managed || view.devices[0].guest_set);
}

static void aliases(void **state)
{
	static const struct {
		const char *alias, *id;
	} cases[] = {
		{"ua-vfpool-0a1b2c3d", "0a1b2c3d"},
		{"ua-vfpool-0A1B2C3D", ""},
		{"ua-vfpool-0a1b2c3", ""},
		{"ua-vfpool-0a1b2c3d4", ""},
		{"ua-vfpool-", ""},
		{"ua-vfpool-0a1b2c3d ", ""},
		{" ua-vfpool-0a1b2c3d", ""},
		{"vfpool-0a1b2c3d", ""},
		{"hostdev0", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *xml =
			mem_printf("<hostdev type='pci'><source><address/></source>"
				   "<alias name='%s'/></hostdev>",
				   cases[i].alias);
		cleanup_view struct domain_view view = {0};

		assert_int_equal(parse_devices(xml, &view, NULL), 0);
		assert_int_equal(view.ndevices, 1);
		assert_string_equal(view.devices[0].id, cases[i].id);
	}
}

/* A standby is known by its alias, and never for a VF. */
static void standbys(void **state)
{
	static const struct {
		const char *type, *alias;
		bool is;
	} cases[] = {
		{"network", "ua-vfpool-0a1b2c3d-standby", true},
		{"bridge", "ua-vfpool-0a1b2c3d-standby", true},
		{"hostdev", "ua-vfpool-0a1b2c3d-standby", false},
		{"network", "ua-vfpool-0a1b2c3d", false},
		{"network", "ua-vfpool-0a1b2c3-standby", false},
		{"network", "ua-vfpool-0A1B2C3D-standby", false},
		{"network", "ua-vfpool-0a1b2c3d-standby2", false},
		{"network", "ua-vfpool-", false},
		{"network", "net0", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *xml = mem_printf(
			"<interface type='%s'><mac address='02:00:00:00:00:01'/><source "
			"network='default'><address/></source><alias name='%s'/><address "
			"type='pci' domain='0x0000' bus='0x03' slot='0x00' "
			"function='0x0'/></interface>",
			cases[i].type, cases[i].alias);
		cleanup_view struct domain_view view = {0};

		assert_int_equal(parse_devices(xml, &view, NULL), 0);
		assert_int_equal(view.nmacs, 1);
		assert_int_equal(view.nstandbys, cases[i].is);
		if (!cases[i].is)
			continue;
		assert_int_equal(view.ndevices, 0);
		assert_ptr_equal(domain_view_standby(&view, "0a1b2c3d"), &view.standbys[0]);
		assert_true(view.standbys[0].guest_set);
		same_addr(view.standbys[0].guest, "0000:03:00.0");
	}
}

/* Where a device is to go yet does not take a slot; one in another segment takes none of ours. */
/* Somebody else's device, that the metadata says was taken over: by VF, form and MAC. */
static void taken_over(void **state)
{
	static const struct {
		const char *host, *mac;
		bool is;
	} cases[] = {
		{"0000:01:10.0", "02:00:00:00:00:01", true},
		{"0000:01:10.2", "02:00:00:00:00:01", false},
		{"0000:01:10.0", "02:00:00:00:00:02", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain_view view = {0};
		char xml[2048];

		(void)snprintf(
			xml, sizeof(xml),
			"<domain><metadata><v:assignments xmlns:v='urn:vfpool:domain:1'>"
			"<v:assignment id='0a1b2c3d' pool='eth1' form='interface' adopted='%s'>"
			"<v:mac address='%s'/></v:assignment></v:assignments></metadata><devices>"
			"<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' "
			"bus='0x01' slot='0x10' function='0x0'/></source><alias name='hostdev1'/>"
			"<boot order='1'/></hostdev>"
			"<interface type='hostdev' managed='yes'><mac address='02:00:00:00:00:01'/>"
			"<driver name='vfio'/><source><address type='pci' domain='0x0000' "
			"bus='0x01' slot='0x10' function='0x0'/></source><vlan><tag id='7'/></vlan>"
			"<alias name='hostdev0'/></interface></devices></domain>",
			cases[i].host, cases[i].mac);
		assert_int_equal(domain_xml_parse(xml, &view, NULL), 0);
		assert_int_equal(view.ndevices, 2);
		assert_string_equal(view.devices[0].id, "");
		assert_string_equal(view.devices[0].extra, "boot");
		assert_string_equal(view.devices[1].id, cases[i].is ? "0a1b2c3d" : "");
		assert_int_equal(view.devices[1].adopted, cases[i].is);
		assert_string_equal(view.devices[1].alias, "hostdev0");
		assert_null(view.devices[1].extra);
		domain_view_clear(&view);
	}
}

/* As no libvirt prints it, but another host may. */
static void a_vlan_without_a_tag(void **state)
{
	struct domain_view view = {0};

	(void)state;
	assert_int_equal(
		domain_xml_parse(
			"<domain><devices><interface type='hostdev'><source><address "
			"type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>"
			"</source><vlan/></interface></devices></domain>",
			&view, NULL),
		0);
	assert_int_equal(view.ndevices, 1);
	assert_null(view.devices[0].extra);
	domain_view_clear(&view);
}

static void slots_taken(void **state)
{
	cleanup_view struct domain_view view = {0};

	(void)state;
	assert_int_equal(
		parse_devices("<disk><address type='pci'/></disk>"
			      "<disk><address type='pci' domain='1' bus='3'/></disk>"
			      "<disk><address type='pci' bus='2' function='5'/></disk>"
			      "<hostdev type='pci'><source><address bus='1'/></source></hostdev>"
			      "<controller type='pci' model='pcie-root-port' index='3'/>"
			      "<controller type='pci' model='pcie-root-port' index='2'/>"
			      "<controller type='pci' model='pcie-root-port' index='1'/>"
			      "<controller type='pci' model='pcie-root-port' index='255'/>"
			      "<controller type='pci' model='pcie-root' index='0'/>",
			      &view, NULL),
		0);
	same_slots(&view, "0000:01:00.0 0000:03:00.0 0000:ff:00.0");
}

static void metadata(const char *metadata, const char *error, size_t n)
{
	cleanup_free char *xml = mem_printf(
		"<domain>\n%s\n<devices><interface><mac address='52:54:00:00:00:01'/></interface>"
		"</devices></domain>",
		metadata);
	cleanup_view struct domain_view view = {0};
	cleanup_err struct err *err = NULL;

	if (domain_xml_parse(xml, &view, &err) < 0)
		fail_msg("%s: %s", metadata, err->what);
	/* Whatever is wrong with it must not hide the rest. */
	assert_int_equal(view.nmacs, 1);
	assert_int_equal(view.assignments.n, n);
	if (!error)
		assert_null(view.metadata_error);
	else if (!view.metadata_error || strcmp(view.metadata_error, error) != 0)
		fail_msg("it says \"%s\", not \"%s\"",
			 view.metadata_error ? view.metadata_error : "nothing", error);
}

static void metadata_elements(void **state)
{
#define OURS "xmlns:v='urn:vfpool:domain:1'"
#define ONE                                                         \
	"<v:assignment id='0a1b2c3d' pool='eth1' form='interface'>" \
	"<v:mac address='02:00:00:00:00:01'/></v:assignment>"

	(void)state;
	metadata("", NULL, 0);
	metadata("<metadata/>", NULL, 0);
	metadata("<metadata>text <!-- and more --></metadata>", NULL, 0);
	metadata("<metadata><assignments><nonsense/></assignments></metadata>", NULL, 0);
	metadata("<metadata><o:assignments xmlns:o='urn:other'><o:x/></o:assignments></metadata>",
		 NULL, 0);
	metadata("<metadata><o:thing/></metadata>", NULL, 0);
	metadata("<metadata><v:assignments " OURS ">" ONE "</v:assignments></metadata>", NULL, 1);
	metadata("<metadata><o:x xmlns:o='urn:other'/><v:assignments " OURS ">" ONE
		 "</v:assignments><o:y xmlns:o='urn:other'/></metadata>",
		 NULL, 1);
	/* Only there, and only at the top of it. */
	metadata("<v:assignments " OURS ">" ONE "</v:assignments>", NULL, 0);
	metadata("<metadata><o:x xmlns:o='urn:other'><v:assignments " OURS ">" ONE
		 "</v:assignments></o:x></metadata>",
		 NULL, 0);
	metadata("<metadata><v:assignments " OURS ">" ONE "</v:assignments>\n<v:assignments " OURS
		 "/></metadata>",
		 "line 3: <assignments>: is there more than once", 0);
	metadata("<metadata><v:assignments " OURS ">" ONE "</v:assignments></metadata>\n"
		 "<metadata><v:assignments " OURS ">" ONE "</v:assignments></metadata>",
		 "line 3: <assignments>: is there more than once", 0);
	metadata("<metadata><v:leases " OURS "/></metadata>",
		 "line 2: <leases>: is not <assignments>", 0);
	metadata("<metadata><v:assignments " OURS ">" ONE "\n" ONE "</v:assignments></metadata>",
		 "line 3: <assignment>: there is another with id 0a1b2c3d", 0);
	metadata("<metadata><v:assignments " OURS ">" ONE "<v:x\n/></v:assignments></metadata>",
		 "line 3: <x>: does not belong here", 0);
}

/* A name is made of it: whatever is no UUID is none. */
static void uuids(void **state)
{
	static const char *const wrong[] = {
		"",
		"<uuid/>",
		"<uuid>11111111-2222-3333-4444-55555555555</uuid>",
		"<uuid>11111111-2222-3333-4444-5555555555555</uuid>",
		"<uuid>11111111-2222-3333-4444-55555555555g</uuid>",
		"<uuid>111111112-222-3333-4444-555555555555</uuid>",
		"<uuid>../../etc/passwd/../../../../tmp/a/b</uuid>",
		"<x><uuid>11111111-2222-3333-4444-555555555555</uuid></x>",
	};
	struct domain_view view = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		cleanup_free char *xml = mem_printf("<domain>%s</domain>", wrong[i]);

		assert_int_equal(domain_xml_parse(xml, &view, NULL), 0);
		assert_string_equal(view.uuid, "");
		domain_view_clear(&view);
	}
	assert_int_equal(domain_xml_parse("<domain><name>a</name><uuid>11111111-2222-3333-4444-"
					  "55555555555F</uuid></domain>",
					  &view, NULL),
			 0);
	assert_string_equal(view.uuid, "11111111-2222-3333-4444-55555555555F");
	domain_view_clear(&view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uuids),
		cmocka_unit_test(q35_live),
		cmocka_unit_test(i440fx_config),
		cmocka_unit_test(q35_topology),
		cmocka_unit_test(all_kinds_of_hostdevs),
		cmocka_unit_test(other_machines),
		cmocka_unit_test(samples_are_valid),
		cmocka_unit_test(placement),
		cmocka_unit_test(not_xml),
		cmocka_unit_test(doctypes),
		cmocka_unit_test(sizes),
		cmocka_unit_test(malformed_devices),
		cmocka_unit_test(odd_devices),
		cmocka_unit_test(numbers),
		cmocka_unit_test(aliases),
		cmocka_unit_test(standbys),
		cmocka_unit_test(taken_over),
		cmocka_unit_test(a_vlan_without_a_tag),
		cmocka_unit_test(slots_taken),
		cmocka_unit_test(metadata_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
