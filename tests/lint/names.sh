#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Nothing is left to be done, and nothing speaks of the machine it was written on.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/tap.bash

files=(agent xml policies tests docs Makefile README.md)
exclude=(--exclude-dir=seeds --exclude=names.sh -I)

found_nothing "nothing is left to be done" \
	"$(grep -rnwE 'TODO|FIXME|XXX|HACK' "${exclude[@]}" "${files[@]}")"
found_nothing "no home and no working directory" \
	"$(grep -rnE '(^|[^[:alnum:]_.}/])/(home|work|workspace|mnt/data)/' "${exclude[@]}" "${files[@]}")"
found_nothing "every C file says its licence" \
	"$(grep -rL 'SPDX-License-Identifier: LGPL-2.1-or-later' agent xml policies tests \
		--include='*.[ch]')"
tap_end
