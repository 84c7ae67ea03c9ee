#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# .clang-format owns the layout of C files.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/tap.bash

if have clang-format; then
	found_nothing "layout of C files (mend it with: make format)" "$(
		find agent xml policies tests -name '*.[ch]' -print0 |
			xargs -0 clang-format --dry-run -Werror 2>&1 | grep 'error:' |
			cut -d: -f1 | sort | uniq -c)"
else
	skip "layout of C files" "clang-format is not there"
fi
tap_end
