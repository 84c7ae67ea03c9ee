#!/usr/bin/env bats
# The agent, as its unit runs it: people do things to guests, VFs and daemons with tools that know nothing of
# vfpool, or kill what is at work; afterwards each VF is free and as it was, or with the guest that should have it.
load helper

unit=vfpool-agent.service

install_unit() {
	in_host <<-END
		cp /srv/vfpool/build/lab-${LAB_SUITE:-trixie}/dist/$unit /etc/systemd/system/
		systemctl daemon-reload
		systemctl reset-failed vfpool-agent || true
		systemctl restart vfpool-agent
	END
}

# The host is made anew without the agent, which would put back what is taken away.
fresh_agent() {
	host systemctl stop vfpool-agent || true
	fresh_host
	install_unit
}

setup_file() { fresh_agent; }
teardown_file() {
	host bash -c "systemctl stop vfpool-agent; rm -f /etc/systemd/system/$unit; systemctl daemon-reload"
}

teardown() {
	[[ -n ${BATS_TEST_COMPLETED:-} || -n ${BATS_TEST_SKIPPED:-} ]] && return
	in_host <<'END' || true
show_state
journalctl -q --no-pager -n 40 -u vfpool-agent
END
	fresh_agent || true
}

# What these tests' scripts share.
agent='
	# The agent has nothing to do: it has seen all that happened before, for what happens is told in its order.
	idle() { [[ $(systemctl show -P StatusText vfpool-agent) == "Following libvirt; guests: 0 to look at, "* ]]; }
	following() { [[ $(systemctl show -P StatusText vfpool-agent) == "Following libvirt; "* ]]; }
	none_leased() { [[ -z $(leases) ]]; }
	leased_as() { [[ $(leases | cut -d " " -f 4 | sort | paste -sd" ") == "$1" ]]; }
	vf_of() { leases | awk -v name=$1 "\$3 == name { print \$1 }" | paste -sd" "; }
	has_vf() { definitions | things | grep -q "^have live $1 .* $2 "; }
	began=$(date +%s.%N)
	journal() { journalctl -q --no-pager -o cat --since @$began -u vfpool-agent "$@"; }
	freed() { until_true 300 none_leased; until_true 300 idle; all_free; }
	cpu_of() { echo /sys/fs/cgroup/machine.slice/machine-qemu*$1.scope/libvirt/vcpu0/cgroup.freeze; }
	# metadata VIEW DOMAIN [CONTENT]: written by hand, or removed.
	metadata() {
		if [[ -n ${3:-} ]]; then
			virsh -q metadata $2 urn:vfpool:domain:1 $1 --key vfpool --set "<assignments>$3</assignments>"
		else
			virsh -q metadata $2 urn:vfpool:domain:1 $1 --remove
		fi
	} >/dev/null
	until_true 300 following
'

@test "the unit: nothing is listened at, little is exposed, and it can be ended at once in the midst of work" {
	in_host <<-END
		$agent
		exposed=\$(systemd-analyze security --no-pager vfpool-agent | sed -nE 's/.*exposure level[^:]*: ([0-9.]+) .*/\1/p')
		awk -v it="\$exposed" 'BEGIN { exit !(it != "" && it <= 3.0) }' || fail "its exposure is '\$exposed'"
		! ss -lntuxp | grep vfpool || fail "it listens"
		cpu=\$(cpu_of testguest1)
		listen
		expect 0 vfpool --json attach testguest1 eth1 --form hostdev
		nic_appears "\$(answer '.attached[0].mac')"
		until_true 300 idle
		echo 1 >"\$cpu"
		metadata --live testguest1
		working() { pgrep -f -- '-- guest ' >/dev/null; }
		until_true 300 working
		systemctl stop vfpool-agent
		# systemd kills what takes longer than TimeoutStopSec=, and says so.
		is "how it ended" "\$(systemctl show -P Result vfpool-agent)" success
		! working || fail "a worker is left"
		is "the lease" "\$(leases | wc -l)" 1
		echo 0 >"\$cpu"
		systemctl start vfpool-agent
		freed
	END
}

@test "a guest is gone, whichever way: its VFs are free, and as they were" {
	in_host <<-END
		$agent
		gone() {
			case \$1 in
			killed) kill -9 "\$(</run/libvirt/qemu/web1.pid)" ;;
			destroyed) destroy web1 ;;
			transient) virsh -q undefine web1; kill -9 "\$(</run/libvirt/qemu/web1.pid)" ;;
			undefined) virsh -q undefine web1 ;;
			esac
		}
		for how in killed destroyed transient undefined; do
			define web1 "\$(root_ports 2)"
			if [[ \$how == undefined ]]; then
				expect 0 vfpool attach web1 eth2 --form hostdev --vlan 8
			else
				virsh -q start --paused web1
				expect 0 vfpool attach web1 eth1 --vlan 7
				expect 0 vfpool attach web1 eth2 --form hostdev --vlan 8 --spoofchk off
			fi
			gone \$how
			freed
			forget web1
		done
		journal DOMAIN=web1 VF=0000:02:10.0 | grep -q "web1: VF eth2/0 is free again"
	END
}

@test "what the next boot has is there again when the guest is started, and stays its own" {
	in_host <<-END
		$agent
		define web1 "\$(root_ports 2)"
		expect 0 vfpool attach web1 eth2 --form hostdev --vlan 5
		is_off() { [[ \$(virsh -q domstate web1) == "shut off" ]]; }
		for i in 1 2; do
			virsh -q start --paused web1
			until_true 300 idle
			is "the VLAN" "\$(vlan_of eth2 0)" 5
			sound
			kill -9 "\$(</run/libvirt/qemu/web1.pid)"
			until_true 60 is_off
			is "the lease" "\$(leases | cut -d' ' -f 1,3,4)" "0000:02:10.0 web1 held"
		done
		virsh -q undefine web1
		freed
	END
}

@test "an unplug that ends long after it was given up is cleaned up then" {
	in_host <<-END
		$agent
		cpu=\$(cpu_of testguest1)
		listen
		expect 0 vfpool --json attach testguest1 eth1 --form hostdev --vlan 4
		nic_appears "\$(answer '.attached[0].mac')"
		echo 1 >"\$cpu"
		expect 4 vfpool detach testguest1 eth1 --timeout 2
		is "the lease" "\$(leases | cut -d' ' -f 1,3,4)" "0000:01:10.0 testguest1 releasing"
		echo 0 >"\$cpu"
		freed
	END
}

@test "parked VFs are put back at the deadline" {
	in_host <<-END
		$agent
		listen
		expect 0 vfpool --json attach testguest1 eth1
		mac=\$(answer '.attached[0].mac')
		nic_appears "\$mac"
		expect 0 vfpool park testguest1 --deadline 3
		held() { leased_as held; }
		listen
		until_true 300 held
		nic_appears "\$mac"
		until_true 300 idle
		sound
		expect 0 vfpool detach testguest1 eth1
		freed
	END
}

@test "metadata edited by hand: what is right is done, what is not is reported and changes nothing" {
	in_host <<-END
		$agent
		define web1 "\$(root_ports 3)"
		virsh -q start --paused web1
		metadata --live web1 "<assignment id='0a1b2c3d' pool='eth2' form='hostdev'><mac address='02:00:5e:10:00:01'/></assignment>"
		until_true 300 leased_as held
		until_true 300 idle
		sound
		is "the MAC" "\$(vf eth2 0 .address)" 02:00:5e:10:00:01

		# Of these, one can be done, and each of the others says why not.
		define web2 "\$(root_ports 3)"
		virsh -q start --paused web2
		metadata --live web2 "<assignment id='00000001' pool='eth2' form='hostdev'><mac address='02:00:5e:10:00:01'/></assignment>
			<assignment id='00000002' pool='nowhere' form='hostdev'><mac address='02:00:5e:10:00:02'/></assignment>
			<assignment id='00000003' pool='eth2' form='hostdev'><mac address='02:00:5e:10:00:03'/></assignment>"
		two() { leased_as "held held"; }
		until_true 300 two
		is "whose" "\$(leases | awk '/web2/ { print \$2 }')" 00000003
		reported() { journal DOMAIN=web2 | grep -q "\$1"; }
		until_true 300 reported "MAC 02:00:5e:10:00:01 is on VF eth2/0"
		until_true 300 reported "nowhere"

		# One that cannot be read stops all about that guest, and nothing is taken from it.
		metadata --live web2 "<assignment id='00000003' pool='eth2' surprise='yes'/>"
		until_true 300 reported "metadata of web2 is not valid"
		has_vf web2 0000:02:10.2
		is "leases" "\$(leases | wc -l)" 2
		forget web1 web2
		freed
	END
}

@test "live, persistent and lease disagree: mended toward the assignment" {
	in_host <<-END
		$agent
		define web1 "\$(root_ports 2)"
		virsh -q start --paused web1
		expect 0 vfpool attach web1 eth2 --persistent --form hostdev --vlan 2
		until_true 300 idle
		id=\$(leases | cut -d' ' -f 2)
		virsh -q detach-device-alias web1 ua-vfpool-\$id --config
		config_back() { definitions | things | grep -q "^have config web1 \$id"; }
		# Nobody tells of a definition that a device was taken from but by defining it.
		virsh -q define <(virsh dumpxml --inactive web1)
		until_true 300 config_back
		sqlite3 \$store 'DELETE FROM leases'
		ip link set eth2 vf 0 vlan 99
		systemctl reload vfpool-agent
		until_true 300 leased_as held
		until_true 300 idle
		is "the VLAN" "\$(vlan_of eth2 0)" 2
		sound
		destroy web1
		expect 0 vfpool detach web1 --all
		forget web1
		# With the lease what was saved was lost: the VLAN is the assignment's still.
		until_true 300 none_leased
		ip link set eth2 vf 0 vlan 0 mac 00:00:00:00:00:00
		fresh
		freed
	END
}

# What is not told while libvirt is away is seen when it is back. The daemon is stopped with its sockets; killed, it
# comes back by itself.
away() {
	in_host <<-END
		$agent
		d=\$(daemon)
		sockets=\$(systemctl list-units --plain --no-legend "\$d*.socket" | awk '{ print \$1 }' | xargs)
		define web1 "\$(root_ports 2)"
		for how in stopped killed; do
			virsh -q start --paused web1
			expect 0 vfpool attach web1 eth2 --vlan 6
			until_true 300 idle
			qemu=\$(</run/libvirt/qemu/web1.pid)
			if [[ \$how == stopped ]]; then
				systemctl stop \$sockets "\$d.service"
				waits() { ! following; }
				until_true 300 waits
				kill -9 "\$qemu"
				systemctl start \$sockets
			else
				kill -9 "\$(systemctl show -P MainPID "\$d.service")" "\$qemu"
			fi
			until_true 300 none_leased
			until_true 300 following
			freed
		done
		forget web1
	END
}

@test "libvirt is stopped, and killed, while a guest ends: all is seen when it is back" { away; }
