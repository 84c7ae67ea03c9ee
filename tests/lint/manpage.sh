#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual page and --help tell of the same commands, options and columns.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/tap.bash

vfpool=${BUILD:-build}/vfpool
page=docs/vfpool.8.rst

[ -x "$vfpool" ] || { skip "manual page" "$vfpool is not built"; tap_end; }

verbs=$("$vfpool" --help | sed -nE 's/^  ([a-z][a-z-]*) +[^ -].*/\1/p')

# The section of the page below a heading that is underlined with dashes.
section()
{
	awk -v name="$1" '
		underlined { underlined = 0; if ($0 ~ /^(-+|=+)$/) { on = (last == name) } }
		on && !/^(-+|=+)$/ { if (held != "") print held; held = $0 }
		{ last = $0; underlined = 1 }' "$page"
}

global_section()
{
	sed -n '/^OPTIONS$/,/^COMMANDS$/p' "$page"
}

long_options()
{
	grep -oE '(^|[ ,])--[a-z][a-z-]*' | grep -oE -- '--[a-z-]+' | sort -u
}

# The options are what stands before the words of help, in the first columns.
helped_options()
{
	"$vfpool" "$@" --help | sed -nE 's/^  (-.,|   ) (--[a-z-]+).*/\2/p' | sort -u
}

paged_options()
{
	grep -E '^(-.([ =][A-Z]+)?, )?--[a-z]' | long_options
}

# NAME LEFT RIGHT: what is in one of the two alone.
same()
{
	found_nothing "$1" "$(diff <(echo "$2") <(echo "$3") |
		sed -nE 's/^</only in --help:/p; s/^>/only in the page:/p')"
}

found_nothing "each command says what it does" "$("$vfpool" --help | grep -F '(null)')"

globals=$(helped_options)
same "options of every command" "$globals" "$(global_section | paged_options)"
same "commands" "$(echo "$verbs" | sort)" \
	"$(sed -n '/^COMMANDS$/,/^EXIT STATUS$/p' "$page" | grep -B1 -E '^-+$' | grep -E '^[a-z]' | sort)"
for verb in $verbs; do
	[ "$verb" = help ] && continue
	own=$(helped_options "$verb" | grep -vxF -e "$globals")
	same "options of $verb" "$own" "$(section "$verb" | paged_options)"
done

columns()
{
	grep -oE '^( {2})?[A-Z]{2,}( |$)' | tr -d ' ' | sort -u
}
same "columns of list" "$("$vfpool" list --help | columns)" "$(section list | columns)"
same "columns of check" "$("$vfpool" check --help | columns)" "$(section check | columns)"
same "columns of events" "$("$vfpool" events --help | columns)" "$(section events | columns)"
same "columns of hosts" "$("$vfpool" hosts --help | columns)" "$(section hosts | columns)"
# The keys that a sentence of the page has, up to its end.
paged_keys()
{
	tr '\n' ' ' <"$page" | grep -oE "$1[^.]*" | sed "s/.*$1//" | grep -oE '[a-z]+(-[a-z]+)*' | sort -u
}
same "keys of an assignment" "$(sed -nE 's/.*\.name = "([A-Z-]+)".*/\L\1/p' agent/verbs/assigned.c | sort -u)" \
	"$(paged_keys 'tell of one assignment each:')"
same "keys of a move" "$(sed -nE 's/^\tX\([A-Z]+, "([A-Z-]+)",.*/\L\1/p' agent/verbs/migrate.c | sort -u)" \
	"$(paged_keys 'Those of \*moved\* and \*plan\* have')"
same "checks" "$(sed -nE 's/^\tX\([A-Z_]+, +"([a-z-]+)"\).*/\1/p' agent/check/check.h | sort)" \
	"$(section check | sed -nE 's/^\*([a-z-]+)\*$/\1/p' | sort)"

# The families of known devices with their drivers; "E810-C (backplane)" is an E810.
known_devices()
{
	{ tr -d '\n\t' <agent/check/devices.c; echo; } | grep -oE '\.vendor = [A-Z]+, *0x[0-9a-f]+, *"[^"]*", *"[^"]*", *"[^"]*"' |
		sed -E 's/^[^"]*"([^"]*)", *"([^"]*)", *"([^"]*)".*/\1|\2|\3/; s/ \([^)]*\)//; s/ Ex\|/|/; s/^E810-[A-Z]+/E810/' | sort -u
}
paged_devices()
{
	sed '/^DEVICES$/,/^EXIT STATUS$/!d' "$page" | sed -nE 's/^([A-Z0-9].*) \((.*), (.*)\)$/\1|\2|\3/p' |
		awk -F'|' '{ n = split($1, name, ", "); for (i = 1; i <= n; i++) print name[i] "|" $2 "|" $3 }' | sort -u
}
same "devices" "$(known_devices)" "$(paged_devices)"

statuses=$(sed -n '/^EXIT STATUS$/,/^JSON$/p' "$page" | grep -E '^[0-9]+$' | sort -u)
same "exit statuses" "$(printf '0\n1\n'; sed -nE 's/^.*ERR_[A-Z_]+ = ([0-9]+),.*/\1/p' agent/core/err.h |
	grep -vx 1)" "$statuses"
# The operations in the hook's page are those that it answers.
same "operations of the hook" \
	"$(sed -nE 's/^\t\{"([a-z]+)", "([a-z]+)", (true|false), .*/\1 \2/p' agent/hook/hook.c | sort)" \
	"$(sed -n '/^OPERATIONS$/,/^EXIT STATUS$/p' docs/vfpool-hook.8.rst | grep -E '^[a-z]+ (begin|end)$' | sort)"
tap_end
