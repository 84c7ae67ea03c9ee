#!/usr/bin/env bats
# A guest with VFs moves between two hosts, each with its agent and its hook. What takes long is in long/.
load helper
load two_hosts

@test "out with three VFs, and back by plain virsh after park: MAC, settings and guest address are the same" {
	in_host <<-END
		$common
		expect 0 vfpool attach testguest1 eth1 --persistent --vlan 5
		expect 0 vfpool attach testguest1 eth1 --form hostdev --persistent --trust on
		expect 0 vfpool attach testguest1 eth2
		same >moved
		expect 0 vfpool --json migrate testguest1 $b $wholly --dry-run
		is "the plan" "\$(answer '[.plan[].done] | join(",")')" "to move,to move,to move"
		same | diff moved -
		expect 0 vfpool --json migrate testguest1 $b $wholly --verbose
		cat out err
		is "moved" "\$(answer '[.moved[].done] | join(",")')" moved,moved,moved
		said "MiB left"
		gone
		freed
	END
	to_b moved
	on_b <<-END
		$common
		all_back 3
		same | diff moved -
		is "trust" "\$(vf eth1 1 .trust)" true
		# Its drivers have just begun with them.
		expect 0 vfpool park testguest1 --timeout 240
		virsh -q migrate $wholly testguest1 $a
		gone
		freed
	END
	in_host <<-END
		$common
		all_back 3
		same | diff moved -
		expect 0 vfpool detach testguest1 --all --persistent --timeout 240
		freed
	END
}

@test "without pool, VFs or agent over there nothing is touched here" {
	on_b <<<'pool red "<pf dev=\"eth2\"/><limit total=\"1\"/>"'
	in_host <<-END
		$common
		pool blue "<pf dev='eth1'/>"
		pool red "<pf dev='eth2'/>"
		one_there() { host_there $b '.hosts[] | select(.pool == "red") | .free == 1'; }
		until_true one_there
		expect 0 vfpool attach testguest1 blue
		refused 1 "vfhost-b has no pool blue" "nothing was changed" -- vfpool migrate testguest1 $b --live
		changed
		expect 0 vfpool detach testguest1
		expect 0 vfpool attach testguest1 red --count 2
		refused 3 "needs 2 VFs of pool red, and vfhost-b has 1 free" "nothing was changed" -- vfpool migrate testguest1 $b --live
		refused 1 "cannot connect" "nothing was changed" -- vfpool migrate testguest1 qemu+ssh://vfhost-c/system --live
	END
	on_b <<<'systemctl stop vfpool-agent; rm -rf /etc/vfpool'
	in_host <<-END
		$common
		refused 1 "the vfpool agent there is down" "nothing was changed" -- vfpool migrate testguest1 $b $wholly
		changed
		expect 0 vfpool detach testguest1 --all
		no_pools
		freed
	END
	on_b <<<"$common systemctl start vfpool-agent; until_true idle"
}

@test "vfpool killed with -9 in its midst: the move ends, and the agent gives the guest its VFs here" {
	in_host <<-END
		$common
		expect 0 vfpool attach testguest1 eth1 --count 2 --persistent
		same >had
		vfpool migrate testguest1 $b $wholly \$slow >out 2>err & job=\$!
		until_true moving
		killed \$job
		all_back 2
		same | diff had -
		expect 0 vfpool detach testguest1 --all --persistent
		freed
	END
	on_b <<-END
		$common
		gone
		freed
	END
}
