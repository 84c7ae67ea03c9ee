/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fakes/world_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "xml/domain.h"

struct fake_view *world_view_of(struct fake_domain *d, unsigned which)
{
	return which == VIEW_LIVE ? &d->live : &d->config;
}

char *world_view_xml(const struct fake_domain *d, const struct fake_view *view)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "<domain type='kvm'><name>%s</name><uuid>%s</uuid>", d->name, d->uuid);
	if (view->metadata)
		fprintf(out, "<metadata>%s</metadata>", view->metadata);
	if (d->placement)
		fputs(d->placement, out);
	fputs("<devices><controller type='pci' index='0' model='pcie-root'/>", out);
	for (unsigned i = 1; i <= d->ports; i++)
		fprintf(out,
			"<controller type='pci' index='%u' model='pcie-root-port'><address "
			"type='pci' "
			"domain='0x0000' bus='0x00' slot='0x%02x' function='0x0'/></controller>",
			i, i);
	for (size_t i = 0; i < view->ndevices; i++)
		fputs(view->devices[i].xml, out);
	fputs("</devices></domain>", out);
	(void)fclose(out);
	return text;
}

struct device world_device_parse(const char *xml)
{
	cleanup_free char *domain = mem_printf("<domain><devices>%s</devices></domain>", xml);
	struct domain_view view = {0};
	struct device device = {0};

	if (!domain_xml_parse(domain, &view, NULL) && view.ndevices) {
		device = view.devices[0];
		view.devices[0].alias = view.devices[0].extra = NULL;
	}
	domain_view_clear(&view);
	return device;
}

void world_view_add(struct fake_view *view, const char *xml, const struct device *device)
{
	struct fake_device *d = &view->devices[view->ndevices++];

	d->xml = mem_strdup(xml);
	d->alias = device->id[0] ? mem_printf(ASSIGNMENT_ALIAS_PREFIX "%s", device->id)
				 : mem_strdup(device->alias);
	d->host = device->host;
}

bool world_standby_parse(const char *xml, char id[ASSIGNMENT_ID_SIZE])
{
	cleanup_free char *domain = mem_printf("<domain><devices>%s</devices></domain>", xml);
	struct domain_view view = {0};
	bool is_one = !domain_xml_parse(domain, &view, NULL) && view.nstandbys;

	if (is_one)
		memcpy(id, view.standbys[0].id, ASSIGNMENT_ID_SIZE);
	domain_view_clear(&view);
	return is_one;
}

bool world_is_standby(const struct fake_device *device)
{
	char id[ASSIGNMENT_ID_SIZE];

	return world_standby_parse(device->xml, id);
}

int world_view_find(const struct fake_view *view, const char *alias)
{
	for (size_t i = 0; i < view->ndevices; i++)
		if (view->devices[i].alias && !strcmp(view->devices[i].alias, alias))
			return (int)i;
	return -1;
}

void world_view_remove(struct fake_view *view, int i)
{
	free(view->devices[i].xml);
	free(view->devices[i].alias);
	view->ndevices--;
	memmove(&view->devices[i], &view->devices[i + 1],
		(view->ndevices - (size_t)i) * sizeof(view->devices[0]));
}

void world_view_clear(struct fake_view *view)
{
	while (view->ndevices)
		world_view_remove(view, 0);
	free(view->metadata);
	*view = (struct fake_view){0};
}

struct fake_view world_view_copy(const struct fake_view *from)
{
	struct fake_view copy = *from;

	copy.metadata = mem_strdup(from->metadata);
	for (size_t i = 0; i < copy.ndevices; i++) {
		copy.devices[i].xml = mem_strdup(from->devices[i].xml);
		copy.devices[i].alias = mem_strdup(from->devices[i].alias);
	}
	return copy;
}

struct domain_view world_view(struct world *w, const char *name, unsigned which)
{
	const struct fake_domain *d = world_domain(w, name);
	cleanup_free char *xml = world_view_xml(d, which == VIEW_LIVE ? &d->live : &d->config);
	struct domain_view view = {0};

	(void)domain_xml_parse(xml, &view, NULL);
	return view;
}

size_t view_ours(const struct fake_view *view)
{
	size_t n = 0;

	for (size_t i = 0; i < view->ndevices; i++)
		n += view->devices[i].alias && !world_is_standby(&view->devices[i]) &&
		     !strncmp(view->devices[i].alias, ASSIGNMENT_ALIAS_PREFIX,
			      strlen(ASSIGNMENT_ALIAS_PREFIX));
	return n;
}
