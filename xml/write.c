// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xml/write.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"

static void must(int rc)
{
	if (rc < 0)
		abort();
}

struct write write_start(bool indent)
{
	struct write write = {.buffer = xmlBufferCreate()};

	write.writer = xmlNewTextWriterMemory(write.buffer, 0);
	if (!write.buffer || !write.writer)
		abort();
	if (indent) {
		must(xmlTextWriterSetIndent(write.writer, 1));
		must(xmlTextWriterSetIndentString(write.writer, BAD_CAST "  "));
	}
	return write;
}

char *write_finish(struct write *write)
{
	char *text;

	must(xmlTextWriterEndDocument(write->writer));
	xmlFreeTextWriter(write->writer);
	text = mem_strdup((const char *)xmlBufferContent(write->buffer));
	xmlBufferFree(write->buffer);
	return text;
}

void write_open(struct write *write, const char *name)
{
	must(xmlTextWriterStartElement(write->writer, BAD_CAST name));
}

void write_close(struct write *write)
{
	must(xmlTextWriterEndElement(write->writer));
}

void write_attr(struct write *write, const char *name, const char *value)
{
	must(xmlTextWriterWriteAttribute(write->writer, BAD_CAST name, BAD_CAST value));
}

static void write_attr_hex(struct write *write, const char *name, int digits, uint32_t value)
{
	char text[sizeof("0x00000000")];

	(void)snprintf(text, sizeof(text), "0x%0*x", digits, value);
	write_attr(write, name, text);
}

void write_attr_number(struct write *write, const char *name, unsigned value)
{
	char text[sizeof("4294967295")];

	(void)snprintf(text, sizeof(text), "%u", value);
	write_attr(write, name, text);
}

void write_leaf(struct write *write, const char *name, const char *attr, const char *value)
{
	write_open(write, name);
	write_attr(write, attr, value);
	write_close(write);
}

void write_text(struct write *write, const char *name, const char *text)
{
	must(xmlTextWriterWriteElement(write->writer, BAD_CAST name, BAD_CAST text));
}

void write_vlan(struct write *write, unsigned vlan)
{
	write_open(write, "vlan");
	write_open(write, "tag");
	write_attr_number(write, "id", vlan);
	write_close(write);
	write_close(write);
}

void write_pciaddr(struct write *write, bool typed, struct pciaddr addr)
{
	write_open(write, "address");
	if (typed)
		write_attr(write, "type", "pci");
	write_attr_hex(write, "domain", 4, addr.domain);
	write_attr_hex(write, "bus", 2, addr.bus);
	write_attr_hex(write, "slot", 2, addr.device);
	write_attr_hex(write, "function", 1, addr.function);
	write_close(write);
}
