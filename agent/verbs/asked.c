/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs/asked.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "core/cleanup.h"
#include "verbs/number.h"

#define VLAN_MAX 4094
#define QOS_MAX 7

struct word {
	const char *text;
	unsigned value;
};

static const struct word on_off[] = {{"on", 1}, {"off", 0}, {NULL, 0}};
static const struct word link_states[] = {{"auto", 0}, {"enable", 1}, {"disable", 2}, {NULL, 0}};
static const struct word protocols[] = {{"802.1Q", 0x8100}, {"802.1ad", 0x88a8}, {NULL, 0}};

/* One of the words, or "default", which takes the setting back: 1. */
static int word_option(struct argp_state *state, const char *what, const char *arg,
		       const struct word *words, unsigned *value)
{
	if (!strcmp(arg, "default"))
		return 1;
	for (const struct word *w = words; w->text; w++)
		if (!strcasecmp(arg, w->text)) {
			*value = w->value;
			return 0;
		}
	argp_error(state, "'%s' is no %s: %s, %s%s%s or default", arg, what, words[0].text,
		   words[1].text, words[2].text ? ", " : "", words[2].text ? words[2].text : "");
	return -1;
}

static error_t note(struct asked *asked, int rc, unsigned setting)
{
	if (rc < 0)
		return EINVAL;
	if (rc)
		asked->unset |= setting;
	else
		asked->set |= setting;
	return 0;
}

error_t asked_option(struct asked *asked, int key, char *arg, struct argp_state *state)
{
	unsigned value = 0;
	int rc;

	switch (key) {
	case ASKED_KEY_VLAN:
		rc = number_option(state, "VLAN", arg, 0, VLAN_MAX, &asked->vlan);
		return note(asked, rc ? -1 : 0, SETTING_VLAN);
	case ASKED_KEY_QOS:
		rc = number_option(state, "qos", arg, 0, QOS_MAX, &value);
		asked->qos_set = true;
		asked->values.qos = (uint8_t)value;
		return rc;
	case ASKED_KEY_PROTO:
		rc = word_option(state, "VLAN protocol", arg, protocols, &value);
		asked->proto_set = true;
		asked->values.vlan_proto = (uint16_t)value;
		return rc < 0 ? EINVAL : 0;
	case ASKED_KEY_SPOOFCHK:
		rc = word_option(state, "value of spoofchk", arg, on_off, &value);
		asked->values.spoofchk = value;
		return note(asked, rc, SETTING_SPOOFCHK);
	case ASKED_KEY_TRUST:
		rc = word_option(state, "value of trust", arg, on_off, &value);
		asked->values.trust = value;
		return note(asked, rc, SETTING_TRUST);
	case ASKED_KEY_LINK_STATE:
		rc = word_option(state, "link state", arg, link_states, &value);
		asked->values.link_state = (uint8_t)value;
		return note(asked, rc, SETTING_LINK_STATE);
	case ASKED_KEY_MIN_RATE:
		rc = number_option(state, "min-rate", arg, 0, VF_RATE_MAX, &asked->values.min_rate);
		asked->min_set = true;
		return note(asked, rc ? -1 : 0, SETTING_RATE);
	case ASKED_KEY_MAX_RATE:
		rc = number_option(state, "max-rate", arg, 0, VF_RATE_MAX, &asked->values.max_rate);
		asked->max_set = true;
		return note(asked, rc ? -1 : 0, SETTING_RATE);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int asked_apply(const struct asked *asked, struct assignment *a, struct err **err)
{
	struct vf_settings *to = &a->settings;
	const struct vf_settings *from = &asked->values;

	if (asked->set & SETTING_VLAN)
		a->vlan = (uint16_t)asked->vlan;
	if (asked->qos_set)
		to->qos = from->qos;
	if (asked->proto_set)
		to->vlan_proto = from->vlan_proto;
	/* Without a VLAN they mean nothing, and are forgotten with it. */
	if (asked->set & SETTING_VLAN && !a->vlan && !asked->qos_set && !asked->proto_set) {
		to->qos = 0;
		to->vlan_proto = 0;
	}
	if ((to->qos || to->vlan_proto) && !a->vlan)
		return err_set(err, ERR_USAGE, "--qos and --vlan-proto belong to a --vlan");
	if ((to->qos || to->vlan_proto) && a->form == FORM_INTERFACE) {
		err_set(err, ERR_USAGE,
			"in form interface libvirt sets the VLAN, and knows no QoS or protocol");
		return err_next(err, "attach it with --form hostdev");
	}
	to->known = (to->known | asked->set) & ~asked->unset &
		    (SETTING_SPOOFCHK | SETTING_TRUST | SETTING_LINK_STATE | SETTING_RATE);
	if (asked->set & SETTING_SPOOFCHK)
		to->spoofchk = from->spoofchk;
	if (asked->set & SETTING_TRUST)
		to->trust = from->trust;
	if (asked->set & SETTING_LINK_STATE)
		to->link_state = from->link_state;
	if (asked->min_set)
		to->min_rate = from->min_rate;
	if (asked->max_set)
		to->max_rate = from->max_rate;
	if (to->max_rate && to->min_rate > to->max_rate)
		return err_set(err, ERR_USAGE, "min-rate %u is above max-rate %u", to->min_rate,
			       to->max_rate);
	return 0;
}
