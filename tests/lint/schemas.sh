#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Our grammars are grammars, and what we hand to libvirt is what its own grammar allows.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/tap.bash

if ! have xmllint; then
	skip "schemas" "xmllint is not there"
	tap_end
fi
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
echo '<nothing/>' >"$scratch/nothing.xml"

# An empty document is refused by each; only a schema that is none says so in other words.
for schema in xml/schemas/*.rng; do
	found_nothing "$schema is RELAX NG" "$(xmllint --nonet --noout --relaxng "$schema" \
		"$scratch/nothing.xml" 2>&1 | grep -E 'failed to (compile|load|parse)|parser error')"
done

# The pools that people read of, in the manual and as samples.
awk -v dir="$scratch" '/<pool>$/ { n++; on = 1 } on { print > (dir "/manual" n ".pool") }
	/<\/pool>$/ { on = 0 }' docs/vfpool-pool.5.rst
for pool in "$scratch"/*.pool dist/pools/*.xml; do
	found_nothing "${pool##*/} is a pool" "$(xmllint --nonet --noout --relaxng \
		xml/schemas/pool.rng "$pool" 2>&1 | grep -v 'validates$')"
done

domain=/usr/share/libvirt/schemas/domain.rng
if [ ! -r $domain ]; then
	skip "device XML is valid to libvirt" "libvirt's schemas are not there"
	tap_end
fi

# The least a domain needs around a device.
cat >"$scratch/writer.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "xml/device.h"

/* FORM [unmanaged|standby] */
int main(int argc, char **argv)
{
	struct assignment a = {.id = "0a1b2c3d", .index = -1, .pool = "eth1",
			       .mac = {{2, 0, 0x5e, 0x10, 0, 1}}};
	const char *kind = argc > 2 ? argv[2] : "";

	a.form = strcmp(argv[1], "hostdev") ? FORM_INTERFACE : FORM_HOSTDEV;
	a.vlan = 100;
	a.guest_set = true;
	a.guest = (struct pciaddr){.bus = 5};
	if (!strcmp(kind, "standby"))
		a.standby = "lan";
	printf("<domain type='kvm'><name>g</name><memory>1</memory>"
	       "<os><type>hvm</type></os><devices>\n%s%s</devices></domain>\n",
	       device_xml_format(&a, (struct pciaddr){.bus = 1, .device = 0x10},
				 strcmp(kind, "unmanaged") != 0),
	       a.standby ? device_xml_standby(&a, true) : "");
	return 0;
}
END
read -ra libxml < <(pkg-config --libs libxml-2.0)
if ! "${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -I. -Iagent -o "$scratch/writer" "$scratch/writer.c" \
	"${BUILD:-build}/libvfpool.a" "${libxml[@]}" 2>"$scratch/errors"; then
	found_nothing "the device writer builds" "$(cat "$scratch/errors")"
	tap_end
fi
for what in interface "interface unmanaged" "interface standby" hostdev "hostdev unmanaged"; do
	# shellcheck disable=SC2086 # words
	"$scratch/writer" $what >"$scratch/domain.xml"
	found_nothing "device XML ($what) is valid to libvirt" "$(
		xmllint --nonet --noout --relaxng $domain "$scratch/domain.xml" 2>&1 |
			grep -v 'validates$')"
done
tap_end
