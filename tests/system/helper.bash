# shellcheck shell=bash
# What all system tests share. They run against the lab's vfhost-a (tests/lab): real kernel, libvirt
# and QEMU, and a guest that has booted. Each call into the host costs time under emulation: a test
# makes few of them, each with a script (in_host) that does a whole step and checks it there.
bats_require_minimum_version 1.5.0

lab=$(dirname "${BASH_SOURCE[0]}")/../lab/lab

# host CMD...: in vfhost-a.
host() { "$lab" run vfhost-a "$@"; }

# in_host <<script: a bash script in vfhost-a that knows what is in in_host.bash and ends at
# the first command that fails, saying which.
in_host() { host bash /srv/vfpool/tests/system/in_host.bash; }

# on_b <<script: the same in vfhost-b, for files that start it.
on_b() { "$lab" run vfhost-b bash /srv/vfpool/tests/system/in_host.bash; }

# The host as every test file finds it, with its guest booted; guest=no for a file that needs none. A file that
# needs more of it says so in prepare.
guest=yes
prepare() { :; }
fresh_host() {
	"$lab" up vfhost-a
	"$lab" reset vfhost-a
	[[ $guest == no ]] || "$lab" guest testguest1
	in_host <<<'fresh'
	prepare
}

setup_file() { fresh_host; }

# A test leaves the host as it found it. After one that failed it is made so, so that those that follow start from a
# clean host, whatever that one left.
teardown() {
	[[ -n ${BATS_TEST_COMPLETED:-} || -n ${BATS_TEST_SKIPPED:-} ]] && return
	in_host <<<'show_state' || true
	fresh_host || true
}
