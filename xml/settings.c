// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xml/settings.h"

#include <string.h>

#include "core/cleanup.h"
#include "xml/node.h"
#include "xml/strict.h"

enum { VLAN_MAX = 4094, QOS_MAX = 7 };

struct word {
	const char *text;
	unsigned value;
};

static const struct word on_off[] = {{"on", 1}, {"off", 0}, {NULL, 0}};
static const struct word link_states[] = {{"auto", 0}, {"enable", 1}, {"disable", 2}, {NULL, 0}};
static const struct word protocols[] = {{"802.1Q", 0x8100}, {"802.1ad", 0x88a8}, {NULL, 0}};

/* 1: the attribute is there and is one of the words; 0: it is not there. */
static int read_word(const xmlNode *element, const char *name, const struct word *words,
		     const char *wanted, unsigned *out, struct err **err)
{
	const char *text = node_attr(element, name);

	if (!text)
		return 0;
	for (const struct word *w = words; w->text; w++)
		if (!strcmp(w->text, text)) {
			*out = w->value;
			return 1;
		}
	return strict_bad(element, name, text, wanted, err);
}

static const char *word_of(const struct word *words, unsigned value)
{
	for (const struct word *w = words; w->text; w++)
		if (w->value == value)
			return w->text;
	return words[0].text;
}

static int read_tag(const xmlNode *tag, struct vf_settings *out, struct err **err)
{
	const char *id, *qos = node_attr(tag, "qos");
	unsigned vlan, priority = 0, protocol = 0;

	if (strict_leaf(tag, (const char *const[]){"id", "qos", "protocol", NULL}, err) < 0 ||
	    strict_attr(tag, "id", &id, err) < 0)
		return -1;
	if (!strict_decimal(id, 1, VLAN_MAX, &vlan))
		return strict_bad(tag, "id", id, "a VLAN from 1 to 4094", err);
	if (qos && !strict_decimal(qos, 0, QOS_MAX, &priority))
		return strict_bad(tag, "qos", qos, "a priority from 0 to 7", err);
	if (read_word(tag, "protocol", protocols, "802.1Q or 802.1ad", &protocol, err) < 0)
		return -1;
	out->vlan = (uint16_t)vlan;
	out->qos = (uint8_t)priority;
	out->vlan_proto = (uint16_t)protocol;
	return 0;
}

int settings_read_vlan(const xmlNode *element, const char *ns, struct vf_settings *out,
		       struct err **err)
{
	xmlNode *next, *tag;

	if (strict_attributes(element, (const char *const[]){NULL}, err) < 0 ||
	    strict_next(element->children, &next, err) < 0 ||
	    strict_take(&next, ns, "tag", &tag, err) < 0 || strict_end(next, err) < 0)
		return -1;
	if (!tag)
		return node_error(element, err, "has no <tag>");
	return read_tag(tag, out, err);
}

int settings_read_flags(const xmlNode *element, struct vf_settings *out, struct err **err)
{
	unsigned spoofchk = 0, trust = 0, link_state = 0;
	int got;

	if (strict_leaf(element, (const char *const[]){"spoofchk", "trust", "linkState", NULL},
			err) < 0)
		return -1;
	got = read_word(element, "spoofchk", on_off, "on or off", &spoofchk, err);
	if (got < 0)
		return -1;
	out->known |= got ? SETTING_SPOOFCHK : 0;
	out->spoofchk = spoofchk;
	got = read_word(element, "trust", on_off, "on or off", &trust, err);
	if (got < 0)
		return -1;
	out->known |= got ? SETTING_TRUST : 0;
	out->trust = trust;
	got = read_word(element, "linkState", link_states, "auto, enable or disable", &link_state,
			err);
	if (got < 0)
		return -1;
	out->known |= got ? SETTING_LINK_STATE : 0;
	out->link_state = (uint8_t)link_state;
	return 0;
}

int settings_read_rate(const xmlNode *element, struct vf_settings *out, struct err **err)
{
	const char *low = node_attr(element, "min"), *high = node_attr(element, "max");
	unsigned min = 0, max = 0;

	if (strict_leaf(element, (const char *const[]){"min", "max", NULL}, err) < 0)
		return -1;
	if (!low && !high)
		return node_error(element, err, "has neither min nor max");
	if (low && !strict_decimal(low, 0, VF_RATE_MAX, &min))
		return strict_bad(element, "min", low, "a rate in Mbit/s", err);
	if (high && !strict_decimal(high, 0, VF_RATE_MAX, &max))
		return strict_bad(element, "max", high, "a rate in Mbit/s", err);
	if (max && min > max)
		return node_error(element, err, "min %u is above max %u", min, max);
	out->min_rate = min;
	out->max_rate = max;
	out->known |= SETTING_RATE;
	return 0;
}

static void write_vlan_of(struct write *write, const struct vf_settings *s)
{
	write_open(write, "vlan");
	write_open(write, "tag");
	write_attr_number(write, "id", s->vlan);
	if (s->qos)
		write_attr_number(write, "qos", s->qos);
	if (s->vlan_proto)
		write_attr(write, "protocol", word_of(protocols, s->vlan_proto));
	write_close(write);
	write_close(write);
}

static void write_flags(struct write *write, const struct vf_settings *s)
{
	write_open(write, "settings");
	if (s->known & SETTING_SPOOFCHK)
		write_attr(write, "spoofchk", word_of(on_off, s->spoofchk));
	if (s->known & SETTING_TRUST)
		write_attr(write, "trust", word_of(on_off, s->trust));
	if (s->known & SETTING_LINK_STATE)
		write_attr(write, "linkState", word_of(link_states, s->link_state));
	write_close(write);
}

static void write_rate(struct write *write, const struct vf_settings *s)
{
	write_open(write, "rate");
	if (s->min_rate)
		write_attr_number(write, "min", s->min_rate);
	if (s->max_rate || !s->min_rate)
		write_attr_number(write, "max", s->max_rate);
	write_close(write);
}

void settings_write(struct write *write, const struct vf_settings *settings)
{
	if (settings->vlan)
		write_vlan_of(write, settings);
	if (settings->known & (SETTING_SPOOFCHK | SETTING_TRUST | SETTING_LINK_STATE))
		write_flags(write, settings);
	if (settings->known & SETTING_RATE)
		write_rate(write, settings);
}
