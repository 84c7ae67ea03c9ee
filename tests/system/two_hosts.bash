# shellcheck shell=bash
# For files with two hosts: vfhost-b beside vfhost-a, each with its agent and its hook, as they are installed. The guest
# begins on vfhost-a.

unit=vfpool-agent.service
b=qemu+ssh://vfhost-b/system
a=qemu+ssh://vfhost-a/system
wholly='--live --persistent --undefinesource'

# shellcheck disable=SC2016 # the host's shell reads it
install='
	cp /srv/vfpool/build/lab-'${LAB_SUITE:-trixie}'/dist/'$unit' /etc/systemd/system/
	systemctl daemon-reload
	rm -rf /etc/libvirt/hooks/qemu.d
	vfpool -q hook-install >/dev/null
	systemctl restart "$(daemon)"
	daemon_back
	systemctl reset-failed vfpool-agent || true
	systemctl restart vfpool-agent
	told() { [[ $(vfpool hosts qemu:///system 2>/dev/null) == *" up "*works* ]]; }
	until_true told
'

fresh_both() {
	"$lab" up vfhost-a vfhost-b
	host systemctl stop vfpool-agent || true
	"$lab" run vfhost-b systemctl stop vfpool-agent || true
	"$lab" reset vfhost-b
	on_b <<<"fresh; $install"
	# One that has been away has a console that does not tell of its boot.
	host virsh -q destroy testguest1 || true
	fresh_host
	in_host <<<"$install"
}

setup_file() { fresh_both; }

teardown() {
	[[ -n ${BATS_TEST_COMPLETED:-} || -n ${BATS_TEST_SKIPPED:-} ]] && return
	for each in in_host on_b; do
		$each <<-'END' || true
			show_state
			journalctl -q --no-pager -n 40 -u vfpool-agent
		END
	done
	fresh_both || true
}

teardown_file() {
	"$lab" down vfhost-b
	host bash -c "virsh -q destroy testguest1; systemctl stop vfpool-agent; rm -f /etc/systemd/system/$unit; systemctl daemon-reload
		rm -rf /etc/libvirt/hooks/qemu.d; systemctl restart libvirtd"
}

# to_b FILE: what a script wrote here is there for one over there, too.
to_b() { host cat "/run/vfpool-test/$1" | "$lab" run vfhost-b tee "/run/vfpool-test/$1" >/dev/null; }

# What these tests' scripts share.
# shellcheck disable=SC2016
common='
	idle() { [[ $(systemctl show -P StatusText vfpool-agent) == "Following libvirt; guests: 0 to look at, "* ]]; }
	none_leased() { [[ -z $(leases) ]]; }
	freed() { until_true none_leased; until_true idle; all_free; }
	# What has to be the same on both hosts: view, assignment, guest address, form, MAC.
	same() { definitions | things | awk "/^have/ && \$3 == \"testguest1\" { print \$2, \$4, \$6, \$7, \$8 }" | sort; }
	has() { [[ $(same | grep -c "^live") == "$1" ]]; }
	all_back() { until_true has "$1"; until_true idle; sound; }
	gone() { ! virsh -q domstate testguest1 2>/dev/null || fail "it is here, too"; }
	# moving: libvirt has begun to send its memory.
	moving() { virsh -q domjobinfo testguest1 2>/dev/null | grep -q "Memory processed"; }
	# A move slow enough to be met in its midst.
	slow="--bandwidth 1"
	# host_there URI FILTER: the agent there tells so.
	host_there() { vfpool --json hosts $1 2>/dev/null | jq -e "$2" >/dev/null; }
'
