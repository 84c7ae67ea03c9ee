// SPDX-License-Identifier: LGPL-2.1-or-later
/* What vfpool changes on a host: a PF is set up, and the settings of its VFs. */
#include "host/real.h"

#include <errno.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "core/mem.h"
#include "host/lock.h"

#define APPLY_LOCK_MS 30000 /* others hold it for one VF's settings at a time */

/* got is what link_of() says. */
static int need_link(int got, const struct pf *pf, struct err **err)
{
	if (got)
		return got < 0 ? -1 : 0;
	err_set(err, ERR_UNSUPPORTED, "PF %s has no netdev in this network namespace",
		pciaddr_str(pf->addr));
	return err_next(err, "the settings of its VFs can be reached through its netdev only");
}

static int pf_link(struct real_host *h, const struct pf *pf, struct link *out, struct err **err)
{
	return need_link(link_of(h, pf->addr, out, err), pf, err);
}

int host_pf_up(struct host *host, const struct pf *pf, struct err **err)
{
	struct real_host *h = real(host);
	struct link link;
	const char *words;
	int error;

	if (refuse_made_tree(h, "a change", err) || pf_link(h, pf, &link, err))
		return -1;
	if (link.up)
		return 0;
	error = netlink_set_up(h->netlink, link.index, &words);
	if (!error)
		return 0;
	err_errno(err, error, "setting %s up", link.name);
	if (words)
		err_detail(err, "the kernel says: %s", words);
	return error == EPERM ? err_next(err, "run it as root") : -1;
}

static int read_one(struct real_host *h, const struct link *link, unsigned index,
		    struct vf_settings *out, struct err **err)
{
	cleanup_free struct vf_settings *settings = mem_zero(index + 1, sizeof(*settings));

	if (netlink_vf_settings(h->netlink, link->index, settings, index + 1, err))
		return err_wrap(err, "%s", link->name);
	*out = settings[index];
	return 0;
}

int host_read_settings(struct host *host, const struct pf *pf, unsigned index,
		       struct vf_settings *out, struct err **err)
{
	struct real_host *h = real(host);
	cleanup_free struct vf_settings *settings = mem_zero(index + 1, sizeof(*settings));
	struct link link;

	if (h->netlink &&
	    need_link(link_and_vfs_of(h, pf, &link, settings, index + 1, err), pf, err))
		return -1;
	*out = settings[index];
	return 0;
}

static const struct setting {
	unsigned bit;
	const char *name;
} settings[] = {
	{SETTING_TRUST, "trust"},
	{SETTING_SPOOFCHK, "spoof checking"},
	{SETTING_LINK_STATE, "the link state"},
	{SETTING_RATE, "the rates"},
	{SETTING_VLAN, "the VLAN"},
	{SETTING_MAC, "the MAC"},
};

/* One VF whose settings are being changed. */
struct change {
	struct real_host *h;
	const struct pf *pf;
	struct link link;
	unsigned index;
};

static int refused(const struct change *c, const struct setting *setting,
		   const struct vf_settings *want, int error, const char *words, struct err **err)
{
	const char *driver = c->pf->driver ? c->pf->driver : "?";

	if (error == EOPNOTSUPP || error == EPROTONOSUPPORT)
		err_set(err, ERR_UNSUPPORTED,
			"setting %s of VF %u of %s: its driver %s cannot do that", setting->name,
			c->index, c->link.name, driver);
	else
		err_errno(err, error, "setting %s of VF %u of %s (driver %s)", setting->name,
			  c->index, c->link.name, driver);
	if (words)
		err_detail(err, "the kernel says: %s", words);
	if (error == EPERM)
		return err_next(err, "run it as root");
	if (error == EINVAL && setting->bit == SETTING_RATE)
		return err_next(err, "a rate must fit the link, which must have carrier%s",
				want->min_rate ? "; many drivers know no minimum" : "");
	return -1;
}

/*
 * No MAC, so that the driver or the guest chooses. Some drivers refuse that. Then the VF gets an
 * address of its own: the last guest's must not stay, since it would draw that guest's traffic to
 * wherever this VF goes next.
 */
static int clear_mac(const struct change *c, const struct setting *setting,
		     const struct vf_settings *want, struct err **err)
{
	struct netlink *nl = c->h->netlink;
	struct vf_settings own = *want;
	cleanup_free char *text = NULL;
	const char *words;
	int error = netlink_set_vf(nl, c->link.index, c->index, SETTING_MAC, want, &words);

	if (error != EINVAL && error != EADDRNOTAVAIL)
		return error ? refused(c, setting, want, error, words, err) : 0;
	text = mem_printf("VF %u of %s", c->index, pciaddr_str(c->pf->addr));
	own.mac = mac_derive(text);
	error = netlink_set_vf(nl, c->link.index, c->index, SETTING_MAC, &own, &words);
	if (error)
		return refused(c, setting, want, error, words, err);
	log_warn("%s (driver %s) does not take back the MAC of VF %u: it now has %s", c->link.name,
		 c->pf->driver ? c->pf->driver : "?", c->index, mac_str(own.mac));
	return 0;
}

static int set_one(const struct change *c, const struct setting *setting,
		   const struct vf_settings *want, struct err **err)
{
	const char *words;
	int error;

	if (setting->bit == SETTING_MAC && mac_is_zero(want->mac))
		return clear_mac(c, setting, want, err);
	error = netlink_set_vf(c->h->netlink, c->link.index, c->index, setting->bit, want, &words);
	return error ? refused(c, setting, want, error, words, err) : 0;
}

static char *describe(const struct vf_settings *s, unsigned bit)
{
	static const char *const states[] = {"auto", "enable", "disable"};

	switch (bit) {
	case SETTING_MAC:
		return mem_strdup(mac_str(s->mac));
	case SETTING_VLAN:
		return mem_printf("%u, QoS %u, protocol %#x", s->vlan, s->qos, s->vlan_proto);
	case SETTING_SPOOFCHK:
		return mem_strdup(s->spoofchk ? "on" : "off");
	case SETTING_TRUST:
		return mem_strdup(s->trust ? "on" : "off");
	case SETTING_LINK_STATE:
		return mem_strdup(s->link_state < ARRAY_SIZE(states) ? states[s->link_state] : "?");
	default:
		return mem_printf("%u to %u Mbit/s", s->min_rate, s->max_rate);
	}
}

/*
 * What cannot be read is not compared. With no MAC wanted any will do but the one that was there.
 */
static int compare(const struct change *c, const struct vf_settings *before,
		   const struct vf_settings *want, struct err **err)
{
	struct vf_settings after;
	unsigned off;

	if (read_one(c->h, &c->link, c->index, &after, err))
		return -1;
	off = vf_settings_diff(want, &after);
	if (off & SETTING_MAC && mac_is_zero(want->mac) && !mac_equal(before->mac, after.mac))
		off &= ~SETTING_MAC;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		cleanup_free char *is = NULL, *wanted = NULL;

		if (!(off & settings[i].bit))
			continue;
		is = describe(&after, settings[i].bit);
		wanted = describe(want, settings[i].bit);
		return err_set(err, ERR_FAILED,
			       "setting %s of VF %u of %s (driver %s): it reads %s, not %s",
			       settings[i].name, c->index, c->link.name,
			       c->pf->driver ? c->pf->driver : "?", is, wanted);
	}
	return 0;
}

int host_apply(struct host *host, const struct pf *pf, unsigned index,
	       const struct vf_settings *want, struct err **err)
{
	struct real_host *h = real(host);
	struct change c = {.h = h, .pf = pf, .index = index};
	cleanup_free char *name = mem_printf("pf-%s", pciaddr_str(pf->addr));
	struct vf_settings before = {0};
	cleanup_close int lock = -1;

	if (refuse_made_tree(h, "a change", err) || pf_link(h, pf, &c.link, err) ||
	    lock_take(name, clock_now() + APPLY_LOCK_MS, &lock, err))
		return -1;
	if (want->known & SETTING_MAC && mac_is_zero(want->mac) &&
	    read_one(h, &c.link, index, &before, err))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (want->known & settings[i].bit && set_one(&c, &settings[i], want, err))
			return -1;
	return compare(&c, &before, want, err);
}
