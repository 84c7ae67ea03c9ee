#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shell: shellcheck on everything whose first line names a shell.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/tap.bash

if ! have shellcheck; then
	skip "shell scripts" "shellcheck is not there"
	tap_end
fi
mapfile -t scripts < <(find tests .ci dist -type f -not -path '*/seeds/*' 2>/dev/null | sort |
	while read -r file; do
		head -n 1 "$file" | grep -aqE '^#!.*(/| )(ba|da|a)?sh( |$)' && echo "$file"
	done)
for script in "${scripts[@]}"; do
	# SC1091: what is sourced is checked by itself. SC2034: it may use what looks unused here.
	# SC2187: ash is near enough to dash.
	found_nothing "$script" "$(shellcheck -S warning -e SC1091,SC2034,SC2187 -f gcc "$script" 2>&1)"
done
tap_end
