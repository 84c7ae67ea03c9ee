#!/usr/bin/env bats
# Moves in all their kinds, and many of them: out to vfhost-b and back, and all is as it was.
load ../helper
load ../two_hosts

# out_and_back VFS URI-THERE URI-BACK OPTION...: what the guest has stays the same, and nothing is left behind.
out_and_back() {
	local vfs=$1 there=$2 back=$3
	shift 3
	local once="
		$common
		move() {
			expect 0 vfpool --json migrate testguest1 \$1 $wholly --unplug-timeout 240 --wait 240 $*
			is moved \"\$(answer '[.moved[] | select(.done == \"moved\")] | length')\" $vfs
			gone
			freed
		}
	"
	in_host <<<"$once same >had; has $vfs; move $there"
	to_b had
	on_b <<<"$once all_back $vfs; same | diff had -; move $back"
	in_host <<<"$once all_back $vfs; same | diff had -"
}

three_vfs='
	expect 0 vfpool attach testguest1 eth1 --persistent --vlan 5
	expect 0 vfpool attach testguest1 eth1 --form hostdev --persistent --trust on
	expect 0 vfpool attach testguest1 eth2
'
no_vfs="$common"'
	expect 0 vfpool detach testguest1 --all --persistent --timeout 240
	freed
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
		until_true free_there
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
		until_true free_there
	END
	on_b <<-END
		rm -rf /etc/vfpool
		kill -KILL \$(systemctl show -P MainPID vfpool-agent)
		back() { [[ \$(systemctl show -P NRestarts vfpool-agent) -ge 1 ]] && [[ \$(virsh -q net-list) == *vfpool* ]]; }
		until_true back
		systemctl stop vfpool-agent
	END
	in_host <<-END
		$common
		host_there $b '[.hosts[] | select(.agent == "down")] | length >= 2' || fail "\$(vfpool hosts $b)"
	END
	on_b <<<'systemctl start vfpool-agent'
	in_host <<-END
		$common
		up_there() { host_there $b '.hosts[0].agent == "up"'; }
		until_true up_there
	END
}

@test "a host without the hook is refused" {
	in_host <<<'expect 0 vfpool attach testguest1 eth1'
	on_b <<-END
		rm -f /etc/libvirt/hooks/qemu.d/vfpool
		systemctl reload vfpool-agent
	END
	in_host <<-END
		$common
		no_hook() { host_there $b '.hosts[0] | .hook == "none"'; }
		until_true no_hook
		refused 1 "vfhost-b has no vfpool hook" "hook-install" -- vfpool migrate testguest1 $b --live
		expect 0 vfpool detach testguest1
		freed
	END
	on_b <<<"$common $install"
}

