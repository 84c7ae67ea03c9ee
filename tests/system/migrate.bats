#!/usr/bin/env bats
# A guest with VFs moves between two hosts, each with its agent and its hook; and whatever breaks, it has its
# VFs where it runs.
load helper

unit=vfpool-agent.service
b=qemu+ssh://vfhost-b/system
a=qemu+ssh://vfhost-a/system
wholly='--live --persistent --undefinesource'

# Both hosts with hook and agent, as they are installed.
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
	until_true 300 told
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

# What these tests' scripts share.
common='
	idle() { [[ $(systemctl show -P StatusText vfpool-agent) == "Following libvirt; guests: 0 to look at, "* ]]; }
	none_leased() { [[ -z $(leases) ]]; }
	freed() { until_true 300 none_leased; until_true 300 idle; all_free; }
	# What has to be the same on both hosts: view, assignment, guest address, form, MAC.
	same() { definitions | things | awk "/^have/ && \$3 == \"testguest1\" { print \$2, \$4, \$6, \$7, \$8 }" | sort; }
	has() { [[ $(same | grep -c "^live") == "$1" ]]; }
	all_back() { until_true 300 has "$1"; until_true 300 idle; sound; }
	asleep() { sleep infinity & }
	# moving: libvirt has begun to send its memory.
	moving() { virsh -q domjobinfo testguest1 2>/dev/null | grep -q "Memory processed"; }
	# A move slow enough to be met in its midst.
	slow="--bandwidth 1"
	host_there() { vfpool --json hosts $1 2>/dev/null | jq -e "$2" >/dev/null; }
'

@test "hosts tell each other what is free, and when nobody is there any more" {
	on_b <<-END
		$common
		define web1 "\$(root_ports 2)"
		virsh -q start web1
		expect 0 vfpool attach web1 eth1 --count 2
	END
	in_host <<-END
		$common
		free_there() { host_there $b '.hosts[] | select(.pool == "eth1") | .agent == "up" and .hook == "works" and .free == 5'; }
		until_true 120 free_there
		expect 0 vfpool --json hosts $b qemu:///system
		is "hosts" "\$(answer '[.hosts[].host] | join(",")')" vfhost-b,vfhost-b,vfhost-a,vfhost-a
		is "free VFs" "\$(answer '.hosts[] | select(.host == "vfhost-b" and .pool == "eth1") | .freevfs')" 2-6
		expect 5 vfpool hosts qemu+ssh://vfhost-c/system qemu:///system
		said "vfhost-c"
		grep -q vfhost-a out
	END
	on_b <<-END
		forget web1
		pool blue "<pf dev='eth2'/><limit total='3'/>"
	END
	in_host <<-END
		$common
		free_there() { host_there $b '(.hosts[] | select(.pool == "blue") | .free == 3) and (.hosts[] | select(.pool == "eth1") | .free == 7)'; }
		until_true 120 free_there
	END
	on_b <<-END
		rm -rf /etc/vfpool
		kill -KILL \$(systemctl show -P MainPID vfpool-agent)
		back() { [[ \$(systemctl show -P NRestarts vfpool-agent) -ge 1 ]] && [[ \$(virsh -q net-list) == *vfpool* ]]; }
		until_true 120 back
		systemctl stop vfpool-agent
	END
	in_host <<-END
		$common
		host_there $b '[.hosts[] | select(.agent == "down")] | length >= 2' || fail "\$(vfpool hosts $b)"
		expect 0 vfpool attach testguest1 eth1
		refused 1 "the vfpool agent there is down" "nothing was changed" -- vfpool migrate testguest1 $b $wholly
	END
	on_b <<<'systemctl start vfpool-agent'
	in_host <<-END
		$common
		up_there() { host_there $b '.hosts[0].agent == "up"'; }
		until_true 120 up_there
		expect 0 vfpool detach testguest1
		freed
	END
}

@test "out and back with three VFs: MAC, settings and guest address are the same, and nothing is left behind" {
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
		freed
		! virsh -q domstate testguest1 2>/dev/null || fail "it is here still"
	END
	host cat /run/vfpool-test/moved | "$lab" run vfhost-b tee /run/vfpool-test/moved >/dev/null
	on_b <<-END
		$common
		until_true 120 idle
		same | diff moved -
		sound
		is "trust" "\$(vf eth1 1 .trust)" true
		define web1 "\$(root_ports 1)"
		expect 0 vfpool --json migrate testguest1 $a $wholly --p2p
		is "moved" "\$(answer '[.moved[].done] | join(",")')" moved,moved,moved
		forget web1
		freed
	END
	in_host <<-END
		$common
		until_true 120 idle
		same | diff moved -
		sound
		# Its drivers have just begun with them.
		expect 0 vfpool detach testguest1 --all --persistent --timeout 240
		freed
	END
}

@test "without VFs, pool or hook over there nothing is touched here" {
	on_b <<-END
		$common
		define web1 "\$(root_ports 7)"
		virsh -q start web1
		expect 0 vfpool attach web1 eth1 --count 7
	END
	in_host <<-END
		$common
		pool blue "<pf dev='eth2'/>"
		expect 0 vfpool attach testguest1 eth1
		none_there() { host_there $b '.hosts[] | select(.pool == "eth1") | .free == 0'; }
		until_true 120 none_there
		refused 3 "needs 1 VF of pool eth1, and vfhost-b has 0 free of 7" "nothing was changed" -- vfpool migrate testguest1 $b --live
		changed
		expect 0 vfpool detach testguest1
		expect 0 vfpool attach testguest1 blue
		refused 1 "vfhost-b has no pool blue" "nothing was changed" -- vfpool migrate testguest1 $b --live
		refused 1 "cannot connect" "nothing was changed" -- vfpool migrate testguest1 qemu+ssh://vfhost-c/system --live
		changed
		expect 0 vfpool detach testguest1
		expect 0 vfpool attach testguest1 eth1
	END
	on_b <<-END
		forget web1
		rm -f /etc/libvirt/hooks/qemu.d/vfpool
		systemctl reload vfpool-agent
	END
	in_host <<-END
		$common
		no_hook() { host_there $b '.hosts[0] | .hook == "none"'; }
		until_true 120 no_hook
		refused 1 "vfhost-b has no vfpool hook" "hook-install" -- vfpool migrate testguest1 $b --live
		changed
		expect 0 vfpool detach testguest1
		no_pools
		freed
	END
	on_b <<<"$common $install"
}

# What meets the move in its midst, and how vfpool ends.
@test "cancelled, by Ctrl-C or domjobabort, it has all its VFs here, at the same addresses" {
	in_host <<-END
		$common
		expect 0 vfpool attach testguest1 eth1 --count 2 --persistent
		same >had
		for how in INT abort; do
			vfpool migrate testguest1 $b $wholly \$slow >out 2>err & job=\$!
			until_true 120 moving
			if [[ \$how == INT ]]; then kill -INT \$job; else virsh -q domjobabort testguest1; fi
			got=0
			wait \$job || got=\$?
			is "its exit status" \$got 1
			said "runs on here, with its VFs as before"
			[[ \$how != INT ]] || said "cancelled"
			same | diff had -
			until_true 120 idle
			sound
		done
		expect 0 vfpool detach testguest1 --all --persistent
		freed
	END
	on_b <<-END
		$common
		freed
	END
}

@test "vfpool killed with -9 in its midst: the move ends, and the agent gives the guest its VFs here" {
	in_host <<-END
		$common
		expect 0 vfpool attach testguest1 eth1 --count 2 --persistent
		same >had
		vfpool migrate testguest1 $b $wholly \$slow >out 2>err & job=\$!
		until_true 120 moving
		killed \$job
		all_back 2
		same | diff had -
		expect 0 vfpool detach testguest1 --all --persistent
		freed
	END
	on_b <<-END
		$common
		! virsh -q domstate testguest1 2>/dev/null || fail "it is over there, too"
	END
}
