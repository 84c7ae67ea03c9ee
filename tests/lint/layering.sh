#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Arrows point down only, and each outside library has one place.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/tap.bash

include='^[[:space:]]*#[[:space:]]*include[[:space:]]+'

# NAME PREFIXES FILES...: of our own headers the files include only those that start so.
includes_only()
{
	local name=$1 prefixes=$2
	shift 2
	found_nothing "$name" "$(grep -HnE "$include\"" "$@" |
		grep -vE "include[[:space:]]+\"($prefixes)")"
}

includes_only "core stands on nothing" 'core/' agent/core/*.[ch]
includes_only "model stands on core" 'model/|core/' agent/model/*.[ch]
includes_only "policies stand on model" 'policies/|model/|core/' policies/*.[ch]
includes_only "planning knows no edge" 'converge/(plan[a-z_]*|place|wants)\.h|policies/|model/|core/' agent/converge/{plan,plan_*,planner,place,wants}.[ch]
includes_only "xml stands on model" 'xml/|schemas/|model/|core/' xml/*.[ch]
includes_only "host stands on model" 'host/|model/|core/' agent/host/*.[ch]
includes_only "checking knows no edge" 'check/|model/|core/' agent/check/*.[ch]
includes_only "the daemon knows no verb" 'daemon/|converge/|host/|model/|core/' agent/daemon/*.[ch]
includes_only "the daemon's loop leaves all work to others" 'daemon/(daemon|tasks|workers|line|queue)|host/(appear|child|journal|lock|uevent)|model/|core/' \
	agent/daemon/{daemon,tasks,workers,line,queue}.[ch]
includes_only "converge knows no verb" 'converge/|xml/|policies/|host/|model/|core/' \
	agent/converge/*.[ch]

includes_only "the hook knows no verb" 'hook/|converge/|xml/|policies/|host/|model/|core/' \
	agent/hook/*.[ch] agent/hook.c

# NAME HEADERS PLACES: only files at these places include such headers.
only_in()
{
	found_nothing "$1" "$(grep -rnE "${include}[<\"]($2)" agent xml policies --include='*.[ch]' |
		grep -vE "^($3):")"
}

only_in "libvirt is in one place" 'libvirt/' 'agent/host/virt[^/]*\.[ch]'
only_in "libxml2 is in xml/" 'libxml/' 'xml/[^:]*'
only_in "netlink is in one place" 'netlink/|linux/(rt)?netlink|linux/if_link' \
	'agent/host/((net)?link\.[ch]|uevent\.c)'
only_in "SQLite is in one place" 'sqlite3' 'agent/host/store[^/]*\.[ch]'
only_in "libsmartcols is in one place" 'libsmartcols' 'agent/core/table\.c'
only_in "argp is for verbs" 'argp' 'agent/(verbs/[^:]*|main\.c)'

found_nothing "checking reads nothing" "$(grep -HnE "$include<(unistd|fcntl|dirent|stdio|sys/.*)\.h>" \
	agent/check/*.[ch])"

# What comes in through other headers counts, too.
found_nothing "choosing, planning and checking see no edge and no outside library" "$(
	for source in policies/*.c agent/converge/{plan,plan_*,place,wants}.c agent/check/*.c; do
		"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -I. -Iagent -M "$source" 2>&1 |
			grep -oE '[^ ]*(libvirt|libxml|sqlite|netlink|agent/host/|error:)[^ ]*' |
			sed "s|^|$source: |"
	done
)"

found_nothing "only main exits" "$(grep -rnE '(^|[^_[:alnum:]])(_?exit|errx?)[[:space:]]*\(' \
	agent xml policies --include='*.c' | grep -vE '^agent/(main|hook)\.c:')"
# libvirt waits for the hook: it must not be able to ask back.
hook=${BUILD:-build}/vfpool-hook
if [ -x "$hook" ]; then
	found_nothing "the hook links and loads no libvirt" "$(
		readelf -d "$hook" 2>&1 | grep -E 'NEEDED.*libvirt|rror'
		grep -a -o -m 1 'libvirt\.so' "$hook"
	)"
else
	skip "the hook links and loads no libvirt" "$hook is not built"
fi
tap_end
