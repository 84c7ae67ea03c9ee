# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every check looks for what should not be there: found_nothing NAME "$(what was found)".

tap_count=0
tap_failed=0

found_nothing()
{
	tap_count=$((tap_count + 1))
	if [ -z "$2" ]; then
		echo "ok $tap_count - $1"
	else
		echo "not ok $tap_count - $1"
		echo "$2" | sed 's/^/# /'
		tap_failed=1
	fi
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_end()
{
	echo "1..$tap_count"
	exit $tap_failed
}

have()
{
	command -v "$1" >/dev/null
}
