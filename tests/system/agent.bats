#!/usr/bin/env bats
# The agent, as its unit runs it: people do things to guests, VFs and daemons with tools that know nothing of
# vfpool, or kill what is at work; afterwards each VF is free and as it was, or with the guest that should have it.
load helper
load agent

setup_file() { fresh_agent; }
teardown_file() { remove_unit; }

teardown() {
	[[ -n ${BATS_TEST_COMPLETED:-} || -n ${BATS_TEST_SKIPPED:-} ]] && return
	in_host <<'END' || true
show_state
journalctl -q --no-pager -n 40 -u vfpool-agent
END
	fresh_agent || true
}

@test "the unit: nothing is listened at, little is exposed, and it can be ended at once in the midst of work" {
	in_host <<-END
		$agent
		exposed=\$(systemd-analyze security --no-pager vfpool-agent | sed -nE 's/.*exposure level[^:]*: ([0-9.]+) .*/\1/p')
		awk -v it="\$exposed" 'BEGIN { exit !(it != "" && it <= 3.0) }' || fail "its exposure is '\$exposed'"
		! ss -lntuxp | grep vfpool || fail "it listens"
		# Idle, it does nothing: longer than libvirt's daemon leaves a client alone that it can ask for a sign of life.
		until_true idle
		main=\$(systemctl show -P MainPID vfpool-agent)
		all() { echo \$main; pgrep -P \$main; }
		switches() { for pid in \$(all); do grep -H ctxt_switches /proc/\$pid/task/*/status; done; }
		quiet() { switches >before; read -rt 8 -u \$nothing || true; switches | diff before - >&2; }
		# Those that have had something to do wait for more, for a while.
		alone() { [[ \$(all | wc -l) == 2 ]]; }
		until_true alone
		until_true quiet
		alone
		private=\$(for pid in \$(all); do cat /proc/\$pid/smaps_rollup; done | awk '/^Private/ { n += \$2 } END { print n }')
		((private > 0 && private < 12288)) || fail "it has \$private kB to itself"
		listen
		expect 0 vfpool --json attach testguest1 eth1 --form hostdev
		nic_appears "\$(answer '.attached[0].mac')"
		until_true idle
		freeze testguest1
		metadata --live testguest1
		working() { [[ \$(leases) == *releasing* ]]; }
		until_true working
		systemctl stop vfpool-agent
		# systemd kills what takes longer than TimeoutStopSec=, and says so.
		is "how it ended" "\$(systemctl show -P Result vfpool-agent)" success
		! pgrep -x vfpool || fail "a worker is left"
		is "the lease" "\$(leases | wc -l)" 1
		thaw
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
			until_true idle
			is "the VLAN" "\$(vlan_of eth2 0)" 5
			sound
			kill -9 "\$(</run/libvirt/qemu/web1.pid)"
			until_true is_off
			is "the lease" "\$(leases | cut -d' ' -f 1,3,4)" "0000:02:10.0 web1 held"
		done
		virsh -q undefine web1
		freed
	END
}

@test "an unplug that ends long after it was given up is cleaned up then" {
	in_host <<-END
		$agent
		listen
		expect 0 vfpool --json attach testguest1 eth1 --form hostdev --vlan 4
		nic_appears "\$(answer '.attached[0].mac')"
		freeze testguest1
		expect 4 vfpool detach testguest1 eth1 --timeout 2
		is "the lease" "\$(leases | cut -d' ' -f 1,3,4)" "0000:01:10.0 testguest1 releasing"
		thaw
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
		until_true held
		nic_appears "\$mac"
		until_true idle
		sound
		expect 0 vfpool detach testguest1 eth1
		freed
	END
}

@test "a VF vanishes: another one takes its place, or it is lost, and found again; the host's driver comes and goes" {
	in_host <<-END
		$agent
		pool both "<pf dev='eth1'/><pf dev='eth2'/>"
		listen
		expect 0 vfpool --json attach testguest1 both
		mac=\$(answer '.attached[0].mac')
		is "the VF" "\$(answer '.attached[0].name')" eth1/0
		nic_appears "\$mac"
		guest=\$(definitions | things | awk '/^have live testguest1/ { print \$6 }')
		listen
		timeout 120 sh -c 'echo 0 >/sys/class/net/eth1/device/sriov_numvfs'
		replaced() { has_vf testguest1 0000:02:10.0; }
		until_true replaced
		nic_appears "\$mac"
		is "the guest address" "\$(definitions | things | awk '/^have live testguest1/ { print \$6 }')" "\$guest"

		# What is to be released waits for the host's driver, which has few VFs now.
		define web1 "\$(root_ports 1)"
		virsh -q start --paused web1
		expect 0 vfpool attach web1 eth2 --form hostdev --vlan 3
		modprobe -r igbvf
		destroy web1
		until_true leased_as "held releasing"
		modprobe igbvf
		until_true leased_as held
		until_true idle
		is "the VLAN" "\$(vlan_of eth2 1)" 0
		forget web1

		listen
		timeout 120 sh -c 'echo 0 >/sys/class/net/eth2/device/sriov_numvfs'
		until_true leased_as lost
		in_store 'SELECT reason FROM leases' | grep -q "the VF has vanished"
		# It was of that PF, so it is there again when that has VFs again; the other PF would do as well.
		echo 7 >/sys/class/net/eth2/device/sriov_numvfs
		until_true leased_as held
		nic_appears "\$mac"
		echo 7 >/sys/class/net/eth1/device/sriov_numvfs
		until_true idle
		fresh
		sound
		expect 0 vfpool detach testguest1 --all
		expect 0 vfpool pool-undefine both
		# What the VFs had by themselves went with them.
		home 0000:02:10.0
		fresh
		freed
	END
}

@test "metadata edited by hand: what is right is done, what is not is reported and changes nothing" {
	in_host <<-END
		$agent
		define web1 "\$(root_ports 3)"
		virsh -q start --paused web1
		metadata --live web1 "<assignment id='0a1b2c3d' pool='eth2' form='hostdev'><mac address='02:00:5e:10:00:01'/></assignment>"
		until_true leased_as held
		until_true idle
		sound
		is "the MAC" "\$(vf eth2 0 .address)" 02:00:5e:10:00:01

		# Of these, one can be done, and each of the others says why not.
		define web2 "\$(root_ports 3)"
		virsh -q start --paused web2
		metadata --live web2 "<assignment id='00000001' pool='eth2' form='hostdev'><mac address='02:00:5e:10:00:01'/></assignment>
			<assignment id='00000002' pool='nowhere' form='hostdev'><mac address='02:00:5e:10:00:02'/></assignment>
			<assignment id='00000003' pool='eth2' form='hostdev'><mac address='02:00:5e:10:00:03'/></assignment>"
		two() { leased_as "held held"; }
		until_true two
		is "whose" "\$(leases | awk '/web2/ { print \$2 }')" 00000003
		reported() { journal DOMAIN=web2 | grep -q "\$1"; }
		until_true reported "MAC 02:00:5e:10:00:01 is on VF eth2/0"
		until_true reported "nowhere"

		# One that cannot be read stops all about that guest, and nothing is taken from it.
		metadata --live web2 "<assignment id='00000003' pool='eth2' surprise='yes'/>"
		until_true reported "metadata of web2 is not valid"
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
		until_true idle
		id=\$(leases | cut -d' ' -f 2)
		virsh -q detach-device-alias web1 ua-vfpool-\$id --config
		config_back() { definitions | things | grep -q "^have config web1 \$id"; }
		# Nobody tells of a definition that a device was taken from but by defining it.
		virsh -q define <(virsh dumpxml --inactive web1)
		until_true config_back
		sqlite3 \$store 'DELETE FROM leases'
		ip link set eth2 vf 0 vlan 99
		systemctl reload vfpool-agent
		until_true leased_as held
		until_true idle
		is "the VLAN" "\$(vlan_of eth2 0)" 2
		sound
		destroy web1
		expect 0 vfpool detach web1 --all
		forget web1
		# With the lease what was saved was lost: the VLAN is the assignment's still.
		until_true none_leased
		ip link set eth2 vf 0 vlan 0 mac 00:00:00:00:00:00
		fresh
		freed
	END
}

@test "libvirt is stopped, and killed, while a guest ends: all is seen when it is back" { away; }

@test "the agent and its workers are killed with -9 in each phase: the next ones put it right" {
	in_host <<-END
		$agent
		define web1 "\$(root_ports 4)"
		virsh -q start --paused web1
		systemctl stop vfpool-agent
		wanted=
		want() { wanted+="<assignment id='0000000\$1' pool='eth2' form='\$2'><mac address='02:00:5e:10:00:0\$1'/></assignment>"; }
		held_are() { [[ \$(leases | grep -c held) == "\$1" ]]; }

		# Its worker, at what it first writes to the store: the claim, and what it saves before it touches the VF. Each
		# one finds what the one before it has left.
		want 1 hostdev
		metadata --live web1 "\$wanted"
		for state in claimed plugging; do
			strace -f -qq -o trace -e trace=fdatasync -e inject=fdatasync:signal=SIGKILL:when=1 \
				vfpool agent -- guest "\$(virsh -q domuuid web1)" web1 killed >lines || true
			grep -q 'killed by SIGKILL' trace || fail "it ended by itself: \$(<lines)"
			leases_are \$state
		done
		systemctl start vfpool-agent
		until_true held_are 1
		until_true idle
		sound

		# In the midst of plugging. systemd starts the next one.
		hold web1
		want 2 interface
		metadata --live web1 "\$wanted"
		until_true leases_are plugging
		until_true is_busy web1
		systemctl kill -s KILL --kill-whom=all vfpool-agent
		let_go
		until_true held_are 2
		until_true idle
		sound
		destroy web1
		freed
		forget web1

		# In the midst of an unplug.
		listen
		expect 0 vfpool --json attach testguest1 eth1 --form hostdev
		nic_appears "\$(answer '.attached[0].mac')"
		until_true idle
		freeze testguest1
		metadata --live testguest1
		until_true leases_are releasing
		systemctl kill -s KILL --kill-whom=main vfpool-agent
		thaw
		until_true following
		freed
	END
}
