// SPDX-License-Identifier: LGPL-2.1-or-later
/* set-vfs: makes a PF's VFs, or others in their place, and keeps their number across reboots. */
#include <stdlib.h>
#include <string.h>

#include "check/devices.h"
#include "check/keepers.h"
#include "converge/resize.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "verbs/number.h"
#include "verbs/verb.h"

#define TIMEOUT_DEFAULT 30
#define COUNT_MAX 65535

enum {
	KEY_PERSIST = 0x200,
	KEY_NO_PERSIST,
	KEY_NO_HOST_DRIVER,
	KEY_PREBIND,
	KEY_PARK,
	KEY_FORCE,
	KEY_TIMEOUT,
	KEY_SHOW,
};

static const struct argp_option options[] = {
	{"persist", KEY_PERSIST, "KIND", OPTION_ARG_OPTIONAL,
	 "Keep the number across reboots, by a udev rule (udev) or a systemd.link file (link)", 0},
	{"no-persist", KEY_NO_PERSIST, NULL, 0, "Do not keep it any more", 0},
	{"no-host-driver", KEY_NO_HOST_DRIVER, NULL, 0, "Let no driver of the host have the VFs",
	 0},
	{"prebind", KEY_PREBIND, NULL, 0,
	 "Keep the VFs on vfio-pci, for guests to have them sooner", 0},
	{"park", KEY_PARK, NULL, 0, "Take VFs out of running guests, and put them back", 0},
	{"force", KEY_FORCE, NULL, 0, "Definitions may name VFs that are not there any more", 0},
	{"timeout", KEY_TIMEOUT, "SECONDS", 0,
	 "Give all guests together so long to let go, and the kernel as long and more (default 30)",
	 0},
	{"show", KEY_SHOW, NULL, 0, "Only show how many VFs there are, can be, and are kept", 0},
	{0},
};

struct request {
	const char *pf;
	bool counted; /* a number was given */
	unsigned count, timeout;
	bool persist, no_persist;
	enum persist_kind kind;
	enum vf_home home;
	bool park, force, show;
};

enum column_id {
	COL_NAME,
	COL_ADDRESS,
	COL_VFS,
	COL_TOTAL,
	COL_HOME,
	COL_PERSISTENT,
	COL_BY,
	COL_FILE,
	COL_ASSIGNMENT,
	COL_MAC,
	COL_GUEST,
	COL_STATE,
};

static const struct column columns[] = {
	[COL_NAME] = {.name = "NAME"},
	[COL_ADDRESS] = {.name = "ADDRESS"},
	[COL_VFS] = {.name = "VFS", .type = COLUMN_NUMBER, .right = true},
	[COL_TOTAL] = {.name = "TOTAL", .type = COLUMN_NUMBER, .right = true},
	[COL_HOME] = {.name = "HOME"},
	[COL_PERSISTENT] = {.name = "PERSISTENT", .type = COLUMN_NUMBER, .right = true},
	[COL_BY] = {.name = "BY"},
	[COL_FILE] = {.name = "FILE"},
	[COL_ASSIGNMENT] = {.name = "ASSIGNMENT", .hidden = true},
	[COL_MAC] = {.name = "MAC", .hidden = true},
	[COL_GUEST] = {.name = "GUEST-ADDRESS", .hidden = true},
	[COL_STATE] = {.name = "STATE", .hidden = true},
};

#define COLUMNS_WITH_GUESTS "NAME,ADDRESS,VFS,TOTAL,HOME,PERSISTENT,BY,MAC,GUEST-ADDRESS,STATE"

static error_t parse_count(struct request *request, struct argp_state *state, const char *arg)
{
	request->counted = true;
	return number_option(state, "number of VFs", arg, 0, COUNT_MAX, &request->count);
}

static error_t parse_end(const struct request *request, struct argp_state *state)
{
	if (!request->pf)
		argp_error(state, "it takes a PF and a number of VFs");
	else if (request->show &&
		 (request->counted || request->persist || request->no_persist || request->park ||
		  request->force || request->home != VF_HOME_HOST))
		argp_error(state, "--show shows, and changes nothing");
	else if (request->persist && request->no_persist)
		argp_error(state, "--persist and --no-persist exclude each other");
	else if (!request->counted && !request->show && !request->no_persist)
		argp_error(state, "it takes a number of VFs, too");
	else if (request->persist && request->kind == PERSIST_LINK && request->home != VF_HOME_HOST)
		argp_error(state, "a .link file cannot keep drivers from VFs: use --persist=udev");
	else
		return 0;
	return EINVAL;
}

static error_t parse_home(struct request *request, struct argp_state *state, enum vf_home home)
{
	if (request->home != VF_HOME_HOST && request->home != home) {
		argp_error(state, "--no-host-driver and --prebind exclude each other");
		return EINVAL;
	}
	request->home = home;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_PERSIST:
		request->persist = true;
		if (!arg || persist_kind_parse(arg, &request->kind))
			return 0;
		argp_error(state, "'%s' is no way to keep a number: udev or link", arg);
		return EINVAL;
	case KEY_NO_PERSIST:
		request->no_persist = true;
		return 0;
	case KEY_NO_HOST_DRIVER:
		return parse_home(request, state, VF_HOME_NONE);
	case KEY_PREBIND:
		return parse_home(request, state, VF_HOME_VFIO);
	case KEY_PARK:
		request->park = true;
		return 0;
	case KEY_FORCE:
		request->force = true;
		return 0;
	case KEY_TIMEOUT:
		return seconds_option(state, "timeout", arg, &request->timeout);
	case KEY_SHOW:
		request->show = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			request->pf = arg;
		else if (state->arg_num == 1)
			return parse_count(request, state, arg);
		else
			return ARGP_ERR_UNKNOWN;
		return 0;
	case ARGP_KEY_END:
		return parse_end(request, state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The answer: the PF, and below it what guests have of it. */
struct reply {
	struct table *table;
	struct row *pf;
	bool guests; /* something was given back to one, or tried to be */
};

static const char *state_of(const struct subject *sub)
{
	if (sub->failed)
		return "missing";
	if (sub->want & VIEW_LIVE)
		return "back";
	return sub->want ? "defined" : "gone";
}

static void add_guest(void *arg, const char *domain, const struct plan *plan)
{
	struct reply *reply = arg;

	reply->guests |= plan->nsubjects > 0;
	for (size_t i = 0; i < plan->nsubjects; i++) {
		const struct subject *sub = &plan->subjects[i];
		const struct assignment *a = &sub->assignment;
		struct row *row = table_row(reply->table, reply->pf);

		row_set(row, COL_NAME, "%s", domain);
		if (!sub->failed && sub->want)
			row_set(row, COL_ADDRESS, "%s", pciaddr_str(sub->vf));
		row_set(row, COL_ASSIGNMENT, "%s", a->id);
		if (!mac_is_zero(a->mac))
			row_set(row, COL_MAC, "%s", mac_str(a->mac));
		if (a->guest_set)
			row_set(row, COL_GUEST, "%s", pciaddr_str(a->guest));
		row_set(row, COL_STATE, "%s", state_of(sub));
	}
}

/* A PF with its PCI ids, by which rules and known devices are told apart. */
static int read_device(struct host *host, struct pciaddr addr, struct device_facts *out,
		       struct err **err)
{
	struct inventory all = {0};
	const struct pf *pf;

	*out = (struct device_facts){0};
	if (host->ops->read_pf(host, addr, 0, &out->pf, err) ||
	    host->ops->read_all(host, HOST_NO_VFS, &all, err)) {
		pf_clear(&out->pf);
		return -1;
	}
	pf = inventory_pf(&all, addr);
	if (pf) {
		out->vendor = pf->vendor;
		out->device = pf->product;
	}
	inventory_clear(&all);
	return 0;
}

static void warn_of_keeper(const struct pf *pf, const struct keeper *keeper)
{
	if (!keeper->certain || keeper->count < 0 || keeper->count == (long)pf->num_vfs)
		return;
	if (keeper->patient)
		log_warn("%s makes %ld VFs of %s after a reboot, not %u", keeper->path,
			 keeper->count, pf_str(pf), pf->num_vfs);
	else
		log_warn(
			"%s makes %ld VFs of %s, not %u: after a reboot, and whenever its "
			"interface "
			"appears anew; VFs that guests have then vanish. Give --persist, or change "
			"the file",
			keeper->path, keeper->count, pf_str(pf), pf->num_vfs);
}

static int fill(struct session *session, struct pciaddr addr, bool warns, struct reply *reply,
		struct err **err)
{
	struct host *host = session->edges.host;
	struct device_facts device;
	struct keeper_facts facts = {0};
	struct keepers keepers = {0};
	const struct keeper *keeper;
	enum vf_home home;
	struct row *row = reply->pf;
	int result = 0;

	if (read_device(host, addr, &device, err))
		return -1;
	if (host->ops->read_home(host, addr, &home, err) ||
	    host->ops->read_keepers(host, &facts, err)) {
		result = -1;
	} else {
		keepers_find(&facts, &device, &keepers);
		keeper = keepers_first(&keepers);
		row_set(row, COL_NAME, "%s", pf_str(&device.pf));
		row_set(row, COL_ADDRESS, "%s", pciaddr_str(addr));
		row_set(row, COL_VFS, "%u", device.pf.num_vfs);
		row_set(row, COL_TOTAL, "%u", device.pf.total_vfs);
		row_set(row, COL_HOME, "%s", vf_home_name(home));
		if (keeper && keeper->count >= 0)
			row_set(row, COL_PERSISTENT, "%ld", keeper->count);
		if (keeper) {
			row_set(row, COL_BY, "%s", keeper_kind_name(keeper->kind));
			row_set(row, COL_FILE, "%s", keeper->path);
		}
		for (size_t i = 0; warns && i < keepers.n; i++)
			warn_of_keeper(&device.pf, &keepers.items[i]);
	}
	keepers_clear(&keepers);
	keeper_facts_clear(&facts);
	device_facts_clear(&device);
	return result;
}

static int forget(struct host *host, struct pciaddr addr, struct err **err)
{
	bool was;

	if (host->ops->forget(host, addr, &was, err))
		return err_wrap(err, "taking back that the number is kept");
	log_say(was ? "the number of VFs is not kept any more" : "the number of VFs was not kept");
	return 0;
}

/* With some drivers nothing that udev does at boot comes at the right time. */
static int refuse_driver(const struct device_facts *device, struct err **err)
{
	const struct known_device *known = known_device(device->vendor, device->device);

	if (!known || !known->udev_fails)
		return 0;
	err_set(err, ERR_UNSUPPORTED, "with %s (driver %s) VFs do not come back by udev",
		known->name, known->driver);
	return err_next(err,
			"let a service that runs before libvirt's write their number to "
			"/sys/bus/pci/devices/%s/sriov_numvfs",
			pciaddr_str(device->pf.addr));
}

static int keep(struct host *host, struct pciaddr addr, const struct request *request,
		struct err **err)
{
	struct persist persist = {
		.count = request->count, .home = request->home, .kind = request->kind};
	struct device_facts device;
	cleanup_free char *path = NULL;
	int result;

	/* Without anything that makes some, there are none after a reboot. */
	if (!request->count)
		return forget(host, addr, err);
	if (read_device(host, addr, &device, err))
		return -1;
	persist.pf = &device.pf;
	result = refuse_driver(&device, err) || host->ops->persist(host, &persist, &path, err);
	if (result)
		err_wrap(err, "keeping the number of VFs across reboots");
	else
		log_say("%s makes them again after a reboot", path);
	device_facts_clear(&device);
	return result ? -1 : 0;
}

static int resize(struct session *session, const struct request *request, struct pciaddr addr,
		  struct reply *reply, struct err **err)
{
	const struct resize_request resize = {
		.pf = addr,
		.count = request->count,
		.home = request->home,
		.park = request->park,
		.force = request->force,
		.seconds = request->timeout,
	};
	const struct resize_listener listener = {.heard = add_guest, .arg = reply};
	bool needs;

	if (resize_needs_guests(&session->edges, &resize, &needs, err))
		return err_now(err, "nothing was changed");
	if (needs && session_need(session, NEED_VIRT, err)) {
		err_now(err, "nothing was changed");
		return err_wrap(err, "finding out who has VFs of %s", request->pf);
	}
	return resize_run(&session->edges, &resize, &listener, err);
}

/* What comes after the VFs were made: they stay, whatever becomes of that. */
static int then(struct session *session, const struct request *request, struct pciaddr addr,
		struct err **err)
{
	struct host *host = session->edges.host;
	int result = 0;

	if (request->persist)
		result = keep(host, addr, request, err);
	else if (request->no_persist)
		result = forget(host, addr, err);
	if (!result || !request->counted)
		return result;
	err_now(err, "the VFs are there, but not after a reboot");
	return err_recode(err, ERR_PARTIAL);
}

static int set_vfs(struct session *session, const struct request *request, struct pciaddr addr,
		   struct reply *reply, struct err **err)
{
	cleanup_err struct err *later = NULL;
	int result = 0;

	if (request->counted)
		result = resize(session, request, addr, reply, err);
	if (result && (*err)->code != ERR_PARTIAL) {
		/* What became of whose guests is told also where all is as it was. */
		if (reply->guests) {
			(void)fill(session, addr, false, reply, NULL);
			(void)table_print(reply->table, NULL);
		}
		return -1;
	}
	if (then(session, request, addr, result ? &later : err))
		result = -1;
	if (later)
		err_detail(err, "%s", later->what);
	if (fill(session, addr, request->counted, reply, result ? NULL : err) ||
	    table_print(reply->table, result ? NULL : err))
		return -1;
	return result;
}

static int run(const struct verb *verb, struct session *session, int argc, char **argv,
	       struct err **err)
{
	struct request request = {.timeout = TIMEOUT_DEFAULT};
	cleanup_table struct table *table = NULL;
	struct reply reply;
	struct pciaddr addr;
	int result = verb_parse(verb, parse, argc, argv, &request, err);

	if (result)
		return result < 0 ? -1 : 0;
	if (session_need(session,
			 request.show ? NEED_HOST : NEED_HOST | NEED_STORE_WRITE | NEED_POOLS,
			 err) ||
	    session->edges.host->ops->find_pf(session->edges.host, request.pf, &addr, err) ||
	    table_new("pfs", columns, ARRAY_SIZE(columns), COL_NAME, session->mode,
		      request.park && session->mode == TABLE_TEXT ? COLUMNS_WITH_GUESTS : NULL,
		      &table, err))
		return -1;
	reply = (struct reply){.table = table, .pf = table_row(table, NULL)};
	/* It may vanish; what is told of its guests is told below it all the same. */
	row_set(reply.pf, COL_NAME, "%s", request.pf);
	row_set(reply.pf, COL_ADDRESS, "%s", pciaddr_str(addr));
	if (!request.show)
		result = set_vfs(session, &request, addr, &reply, err);
	else
		result = fill(session, addr, false, &reply, err) || table_print(table, err);
	if (!result)
		return 0;
	return request.show ? -1 : err_wrap(err, "setting the VFs of %s", request.pf);
}

const struct verb verb_set_vfs = {
	.name = "set-vfs",
	.args = "PF [N]",
	.help = "Make a PF's VFs, and keep their number",
	.options = options,
	.run = run,
};
