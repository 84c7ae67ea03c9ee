// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "host/uevent.h"

#define PORT "/devices/pci0000:00/0000:00:02.0/"
#define EVENT(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}

static const struct pciaddr vf = {.bus = 1, .device = 0x10};

static void of_pci_devices_and_their_drivers(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} devices[] =
		{
			EVENT("add@" PORT "0000:01:10.0\0ACTION=add\0SUBSYSTEM=pci\0"),
			EVENT("x\0SUBSYSTEM=pci\0PCI_ID=8086:10CA\0ACTION=remove\0"),
		},
	  drivers[] =
		  {
			  EVENT("x\0ACTION=bind\0SUBSYSTEM=pci\0DRIVER=igbvf\0"),
			  EVENT("x\0ACTION=unbind\0SUBSYSTEM=pci\0"),
		  },
	  no[] = {
		  EVENT(""),
		  EVENT("add@" PORT "0000:01:10.0"),
		  EVENT("x\0ACTION=add\0SUBSYSTEM=net\0"),
		  EVENT("x\0ACTION=change\0SUBSYSTEM=pci\0"),
		  EVENT("x\0ACTION=add\0SUBSYSTEM=pci"),
		  EVENT("x\0ACTION=add\0XSUBSYSTEM=pci\0"),
		  EVENT("x\0ACTION=add\0SUBSYSTEM=pci_express\0"),
		  EVENT("x\0SUBSYSTEM=pci\0"),
	  };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		assert_int_equal(uevent_pci_of(devices[i].text, devices[i].size), UEVENT_DEVICES);
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		assert_int_equal(uevent_pci_of(drivers[i].text, drivers[i].size), UEVENT_DRIVERS);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (uevent_pci_of(no[i].text, no[i].size))
			fail_msg("no[%zu] was taken for one", i);
}

static void of_the_device_or_on_it(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} yes[] =
		{
			EVENT("bind@" PORT
			      "0000:01:10.0\0ACTION=bind\0SUBSYSTEM=pci\0DRIVER=igbvf\0"),
			EVENT("unbind@" PORT "0000:01:10.0"),
			EVENT("add@" PORT "0000:01:10.0/net/eth7\0SUBSYSTEM=net\0"),
			EVENT("remove@" PORT "0000:01:10.0/net/eth7/queues/rx-0\0"),
			EVENT("add@/devices/pci10000:00/0000:01:10.0/nvme/nvme1"),
		},
	  no[] = {
		  EVENT(""),
		  EVENT("\0"),
		  EVENT("bind@"),
		  EVENT("bind"),
		  EVENT("libudev\0@" PORT "0000:01:10.0"),
		  EVENT("0000:01:10.0"),
		  EVENT("bind@" PORT "0000:01:10.2"),
		  EVENT("bind@" PORT "0000:01:00.0"),
		  EVENT("bind@" PORT "10000:01:10.0"),
		  EVENT("bind@" PORT "0000:01:10.0x"),
		  EVENT("bind@" PORT "0000:01:10.00/net"),
		  EVENT("bind@" PORT "0000:01:10."),
		  EVENT("change@/devices/virtual/net/br0\0DEVPATH=" PORT "0000:01:10.0"),
	  };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(uevent_concerns(yes[i].text, yes[i].size, vf));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(uevent_concerns(no[i].text, no[i].size, vf));
}

static void never_behind_the_end(void **state)
{
	static const char text[] = "bind@" PORT "0000:01:10.0";

	(void)state;
	for (size_t size = 0; size < sizeof(text); size++) {
		char *cut = mem_zero(1, size);

		memcpy(cut, text, size);
		assert_int_equal(uevent_concerns(cut, size, vf), size == sizeof(text) - 1);
		free(cut);
	}
}

/* Anybody can send to a socket; only the kernel is believed. */
static void not_from_the_kernel(void **state)
{
	static const char text[] = "bind@" PORT "0000:01:10.0";
	struct err *err = NULL;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	assert_int_equal(send(pair[1], text, sizeof(text), 0), sizeof(text));
	assert_int_equal(uevent_wait(pair[0], vf, 0, &err), 0);
	assert_int_equal(uevent_wait(pair[0], vf, clock_now() + 20, &err), 0);
	assert_null(err);
	(void)close(pair[0]);
	(void)close(pair[1]);
	assert_int_equal(uevent_wait(-1, vf, 0, &err), -1);
	err_free(&err);
}

static void the_socket(void **state)
{
	int fd;

	(void)state;
	if (uevent_open(&fd, NULL))
		skip();
	assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	assert_int_equal(uevent_wait(fd, vf, 0, NULL), 0);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_pci_devices_and_their_drivers),
		cmocka_unit_test(of_the_device_or_on_it),
		cmocka_unit_test(never_behind_the_end),
		cmocka_unit_test(not_from_the_kernel),
		cmocka_unit_test(the_socket),
	};

	return cmocka_run_group_tests_name("uevent", tests, NULL, NULL);
}
