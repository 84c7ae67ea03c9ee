/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes XML into memory. libxml2's writer does the escaping, and does it for double quotes only:
 * so those it is. The only way for it to fail is to run out of memory.
 */
#ifndef VFPOOL_XML_WRITE_H
#define VFPOOL_XML_WRITE_H

#include <libxml/xmlwriter.h>
#include <stdbool.h>

#include "core/pciaddr.h"

struct write {
	xmlBufferPtr buffer;
	xmlTextWriterPtr writer;
};

/* indent: children by two spaces, and a newline at the end; else all in one line. */
struct write write_start(bool indent);

/* The text; the caller frees it. Ends what is open still. */
char *write_finish(struct write *write);

void write_open(struct write *write, const char *name);
void write_close(struct write *write);

/* Of the element that was opened last; value must be UTF-8. */
void write_attr(struct write *write, const char *name, const char *value);
void write_attr_number(struct write *write, const char *name, unsigned value);

/* <NAME ATTR="VALUE"/> */
void write_leaf(struct write *write, const char *name, const char *attr, const char *value);

/* <NAME>TEXT</NAME> */
void write_text(struct write *write, const char *name, const char *text);

/* <vlan><tag id="VLAN"/></vlan> */
void write_vlan(struct write *write, unsigned vlan);

/* <address> as libvirt writes it; typed: with type="pci". */
void write_pciaddr(struct write *write, bool typed, struct pciaddr addr);

#endif
