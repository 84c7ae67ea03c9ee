// SPDX-License-Identifier: LGPL-2.1-or-later
/* Events without a thread for them: as far as libvirt's built-in test driver goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "core/cleanup.h"
#include "host/virt.h"

static struct virt *virt;
static int stop[2];

static int open_all(void **state)
{
	struct err *err = NULL;

	(void)state;
	assert_int_equal(pipe(stop), 0);
	virt_follow_only();
	if (virt_open("test:///default", &virt, &err) || virt->ops->follow(virt, stop[0], &err)) {
		err_print(err, stderr);
		return -1;
	}
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	virt->ops->close(virt);
	(void)close(stop[0]);
	(void)close(stop[1]);
	return 0;
}

static int next(msec deadline, struct virt_event *out)
{
	struct err *err = NULL;
	int got = virt->ops->next_event(virt, deadline, out, &err);

	if (got < 0)
		err_print(err, stderr);
	assert_true(got >= 0);
	return got;
}

static void what_happens_is_told_in_its_order(void **state)
{
	static const char *const words[] = {"stopped", "undefined", "defined", "started"};
	static const char xml[] = "<domain type='test'><name>test</name><memory>8192</memory>"
				  "<os><type>hvm</type></os></domain>";
	struct virt_dom dom = {0};
	virDomainPtr made;

	(void)state;
	assert_int_equal(virt->ops->find(virt, "test", &dom, NULL), 0);
	assert_int_equal(virDomainDestroy(dom.handle), 0);
	assert_int_equal(virDomainUndefine(dom.handle), 0);
	made = virDomainDefineXML(virDomainGetConnect(dom.handle), xml);
	assert_non_null(made);
	assert_int_equal(virDomainCreate(made), 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct virt_event event = {0};

		assert_int_equal(next(clock_now() + 10000, &event), 1);
		assert_string_equal(event.name, "test");
		/* The test driver tells of a stop as QEMU's of an end by force. */
		assert_string_equal(event.what, i ? words[i] : "destroyed");
		virt_event_clear(&event);
	}
	virDomainFree(made);
	virt_dom_clear(virt, &dom);
}

static void the_deadline_ends_it(void **state)
{
	struct virt_event event = {0};
	msec deadline = clock_now() + 20;

	(void)state;
	assert_int_equal(next(deadline, &event), 0);
	assert_true(clock_now() >= deadline);
}

static void it_can_be_told_to_stop(void **state)
{
	struct virt_event event = {0};

	(void)state;
	assert_int_equal(write(stop[1], "", 1), 1);
	assert_int_equal(next(clock_now() + 10000, &event), 0);
	assert_int_equal(read(stop[0], &(char){0}, 1), 1);
}

/* What libvirt's client for a remote host asks of the loop. */

struct seen {
	unsigned calls, freed, ticks;
	int events;
	int id; /* removes itself */
};

static void on_fd(int id, int fd, int events, void *opaque)
{
	struct seen *seen = opaque;

	assert_int_equal(id, seen->id);
	(void)!read(fd, &(char){0}, 1);
	seen->calls++;
	seen->events = events;
	assert_int_equal(virEventRemoveHandle(id), 0);
}

static void on_time(int id, void *opaque)
{
	struct seen *seen = opaque;

	if (++seen->ticks == 2)
		assert_int_equal(virEventRemoveTimeout(id), 0);
}

static void on_free(void *opaque)
{
	((struct seen *)opaque)->freed++;
}

static void other_connections_are_watched_for_libvirt(void **state)
{
	struct virt_event event = {0};
	struct seen seen = {0}, timer = {0};
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	seen.id = virEventAddHandle(ends[0], 0, on_fd, &seen, on_free);
	assert_true(seen.id > 0);
	assert_true(virEventAddTimeout(1, on_time, &timer, on_free) > 0);
	assert_int_equal(write(ends[1], "", 1), 1);
	assert_int_equal(next(clock_now() + 10, &event), 0);
	assert_int_equal(seen.calls, 0);
	virEventUpdateHandle(seen.id, VIR_EVENT_HANDLE_READABLE);
	assert_int_equal(next(clock_now() + 100, &event), 0);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.events, VIR_EVENT_HANDLE_READABLE);
	assert_int_equal(seen.freed, 1);
	assert_int_equal(timer.ticks, 2);
	assert_int_equal(timer.freed, 1);
	assert_int_equal(virEventRemoveHandle(seen.id), -1);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void a_local_daemon_is_not(void **state)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct virt_event event = {0};
	struct seen seen = {0};
	int peer;

	(void)state;
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "/tmp/vfpool-alone-%d", getpid());
	assert_int_equal(bind(server, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(unlink(name.sun_path), 0);
	assert_int_equal(virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, on_fd, &seen, NULL), -1);
	/* It is looked at all the same, and a call made, which no test driver reads anything by. */
	peer = accept(server, NULL, NULL);
	assert_int_equal(next(clock_now() + 10, &event), 0);
	assert_int_equal(write(peer, "", 1), 1);
	assert_int_equal(next(clock_now() + 10, &event), 0);
	assert_int_equal(seen.calls, 0);
	(void)close(peer);
	(void)close(fd);
	(void)close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_happens_is_told_in_its_order),
		cmocka_unit_test(the_deadline_ends_it),
		cmocka_unit_test(it_can_be_told_to_stop),
		cmocka_unit_test(other_connections_are_watched_for_libvirt),
		cmocka_unit_test(a_local_daemon_is_not),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_all, close_all);
}
