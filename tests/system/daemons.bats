#!/usr/bin/env bats
# The same with the modular daemons: clients then talk to virtqemud, not to libvirtd.
load helper
load agent

prepare() { "$lab" daemons vfhost-a modular; }

teardown_file() {
	remove_unit
	"$lab" daemons vfhost-a monolithic
}

@test "attach and detach, with the guest's own word for it" {
	in_host <<-'END'
		[[ ! -S /run/libvirt/libvirt-sock && -S /run/libvirt/virtqemud-sock ]]
		listen
		expect 0 vfpool --json attach testguest1 eth1 --vlan 6
		nic_appears "$(answer '.attached[0].mac')"
		is "the VLAN" "$(vlan_of eth1 0)" 6
		sound
		expect 0 vfpool detach testguest1 eth1
		all_free
	END
}

@test "list shows who holds what" {
	in_host <<-'END'
		define stays "$(hostdev 0000:02:10.2)"
		expect 0 vfpool list eth2/1 -n -o state,holder
		is "the line" "$(xargs <out)" "defined stays"
		forget stays
	END
}

@test "the daemon restarted in the middle of attach: reconcile finishes it" {
	in_host <<-'END'
		define web1 "$(root_ports 1)"
		virsh -q start --paused web1
		hold web1
		vfpool attach web1 eth2 >out 2>err & job=$!
		until_true leases_are plugging
		until_true is_busy web1
		systemctl restart --no-block virtqemud
		let_go web1
		wait $job || said "libvirt"
		daemon_back
		mended
		is "the lease" "$(leases | cut -d ' ' -f 3,4)" "web1 held"
		forget web1
		mended
		all_free
	END
}

@test "none of them running: what to start" {
	in_host <<-'END'
		systemctl stop virtqemud.socket virtqemud.service
		expect 1 vfpool attach testguest1 eth1
		systemctl start virtqemud.socket
		said "cannot connect to libvirt" "systemctl start virtqemud.socket"
		expect 0 vfpool list --used
	END
}

@test "the agent: the daemon is stopped, and killed, while a guest ends; all is seen when it is back" {
	install_unit
	away
}
