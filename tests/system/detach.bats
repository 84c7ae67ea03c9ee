#!/usr/bin/env bats
# detach: the VF is out of the guest, back on the host's driver, its settings as they were, and forgotten;
# and a guest that does not let go keeps it, truly.
load helper

@test "settings, driver and netdev of the VF are afterwards what they were before" {
	in_host <<-'END'
		ip link set eth1 vf 0 mac 02:00:5e:00:00:10 vlan 77 qos 3 spoofchk off
		ip link set eth1 vf 0 trust on
		# Bound anew, so that its netdev has that MAC, too.
		echo 0000:01:10.0 >/sys/bus/pci/drivers/igbvf/unbind
		echo 0000:01:10.0 >/sys/bus/pci/drivers_probe
		fresh
		for form in interface hostdev; do
			listen
			expect 0 vfpool --json attach testguest1 eth1/0 --form $form --vlan 5
			mac=$(answer '.attached[0].mac')
			nic_appears "$mac"
			is "MAC and VLAN meanwhile" "$(vf eth1 0 .address) $(vlan_of eth1 0)" "$mac 5"
			sound
			expect 0 vfpool --json detach testguest1 eth1
			is "the answer" "$(answer '.detached[0] | "\(.vf) \(.mac) \(.live) \(.done)"')" "0000:01:10.0 $mac false detached"
			hear "testguest1: NIC .* disappeared" >/dev/null
			all_free
		done
		ip link set eth1 vf 0 vlan 0 spoofchk on
		ip link set eth1 vf 0 trust off
		fresh
	END
}

@test "three VFs of one guest in one call; without a name it asks which" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1 --count 3
		for mac in $(jq -r '.attached[].mac' out); do nic_appears "$mac"; done
		ids=($(jq -r '.attached[].assignment' out))
		refused 2 "which one" "${ids[0]}" "${ids[1]}" "${ids[2]}" "--all" -- vfpool detach testguest1
		expect 0 vfpool --json detach testguest1 eth1
		is "how many" "$(answer '.detached | length')" 3
		all_free
	END
}

@test "one of several: by VF, PF/INDEX, MAC, assignment and pool; the rest with --all" {
	in_host <<-'END'
		define web1
		expect 0 vfpool --json attach web1 eth2 --count 6
		cp out six
		took() { is "detached" "$(answer '[.detached[].vf] | join(" ")')" "$1"; }
		expect 0 vfpool --json attach web1 eth1
		expect 0 vfpool --json detach web1 0000:02:10.2
		took 0000:02:10.2
		expect 0 vfpool --json detach web1 eth2/3
		took 0000:02:10.6
		expect 0 vfpool --json detach web1 "$(jq -r '.attached[] | select(.name == "eth2/0").mac' six)"
		took 0000:02:10.0
		expect 0 vfpool --json detach web1 "$(jq -r '.attached[] | select(.name == "eth2/5").assignment' six)"
		took 0000:02:11.2
		expect 0 vfpool --json detach web1 eth1
		took 0000:01:10.0
		sound
		expect 0 vfpool --json detach web1 --all
		took "0000:02:10.4 0000:02:11.0"
		expect 0 vfpool --json detach web1 --all
		is "detached" "$(answer '.detached | length')" 0
		forget web1
		all_free
	END
}

@test "--config and --live take it out of one view; the lease lasts as long as the other has it" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1/1 --live --config
		nic_appears "$(answer '.attached[0].mac')"
		expect 0 vfpool detach testguest1 eth1 --live
		is "views" "$(definitions | things | awk '/^have/ { print $2 }')" config
		sound
		refused 1 "only in its definition" "--config" -- vfpool detach testguest1 eth1 --live
		expect 0 vfpool detach testguest1 eth1 --config
		all_free
	END
}

@test "a guest that is busy keeps its VF: exit 4, all is true, and a repeated detach works" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1
		nic_appears "$(answer '.attached[0].mac')"
		freeze testguest1
		expect 4 vfpool detach testguest1 eth1 --timeout 7
		said "testguest1 has not let go of VF 0000:01:10.0 within 7 s" "still in the guest" "repeat the command"
		definitions | things | grep -q '^have live testguest1 .* 0000:01:10.0 '
		is "its driver" "$(driver_of 0000:01:10.0)" vfio-pci
		is "its lease" "$(leases | cut -d ' ' -f 1,3)" "0000:01:10.0 testguest1"
		vfpool --json list >list
		is "in the list" "$(jq -r '[.. | objects | select(.address == "0000:01:10.0")][0] | .holder' list)" testguest1
		refused 3 "0000:01:10.0 .*testguest1" -- vfpool attach testguest1 eth1/0
		thaw
		expect 0 vfpool detach testguest1 eth1
		all_free
	END
}

@test "a QEMU that stands still: exit 4 in time, all is true, and what it then does is found" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1 --count 2
		for mac in $(jq -r '.attached[].mac' out); do nic_appears "$mac"; done
		hold testguest1
		expect 4 vfpool detach testguest1 eth1 --timeout 3
		said "has not let go of VF 0000:01:10.0 within 3 s" "the QEMU of testguest1 does not answer" "virsh domcontrol testguest1" "vfpool reconcile testguest1"
		is_busy testguest1
		is "its driver" "$(driver_of 0000:01:10.0)" vfio-pci
		is "leases" "$(leases | grep -c ' testguest1 releasing$')" 2
		let_go
		expect 0 vfpool detach testguest1 --all
		expect 0 vfpool --json attach testguest1 eth1
		mac=$(answer '.attached[0].mac')
		nic_appears "$mac"
		hold testguest1
		expect 4 vfpool park testguest1 --timeout 3
		said "the QEMU of testguest1 does not answer" "testguest1 counts as parked" "vfpool unpark testguest1"
		let_go
		expect 0 vfpool reconcile testguest1
		is "leases" "$(leases | cut -d ' ' -f 4)" reserved
		listen
		expect 0 vfpool unpark testguest1
		nic_appears "$mac"
		expect 0 vfpool detach testguest1 --all
		all_free
	END
}

@test "a paused guest cannot let go: exit 4 at once, nothing changes, and after resume it works" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1
		nic_appears "$(answer '.attached[0].mac')"
		virsh -q suspend testguest1
		refused 4 "testguest1 is paused" "virsh resume testguest1" -- vfpool detach testguest1 eth1
		virsh -q resume testguest1
		expect 0 vfpool detach testguest1 eth1
		all_free
	END
}

@test "a guest that has not booted: exit 4; when it ends in the middle, the VF is free" {
	in_host <<-'END'
		define web1 "$(root_ports 2)"
		virsh -q start web1
		expect 0 vfpool attach web1 eth2 --count 2
		expect 4 vfpool detach web1 eth2/0 --timeout 2
		said "web1 has not let go of VF 0000:02:10.0"
		releasing() { leases | grep -q "0000:02:10.2 .* releasing"; }
		vfpool --json detach web1 --all --timeout 120 >answer 2>words & job=$!
		until_true releasing
		virsh -q destroy web1
		wait $job || { cat words; fail "detach failed"; }
		is "how many" "$(jq '.detached | length' answer)" 2
		forget web1
		all_free
	END
}

@test "what a stopped guest had in its running state only is freed, by detach or by reconcile" {
	in_host <<-'END'
		define web1 "$(root_ports 2)"
		virsh -q start --paused web1
		expect 0 vfpool attach web1 eth2 --count 2
		virsh -q destroy web1
		expect 0 vfpool detach web1 eth2/0
		is "leases left" "$(leases | wc -l)" 1
		expect 0 vfpool --json reconcile
		is "mended" "$(answer '[.mended[].vf] | join(" ")')" 0000:02:10.2
		forget web1
		all_free
	END
}

@test "a guest that was undefined: reconcile frees what it had" {
	in_host <<-'END'
		define web1
		expect 0 vfpool attach web1 eth2 --form hostdev --vlan 3
		virsh -q undefine web1
		expect 0 vfpool --json reconcile
		is "mended" "$(answer '.mended[0] | "\(.domain) \(.vf) \(.done)"')" "web1 0000:02:10.0 freed"
		all_free
	END
}
