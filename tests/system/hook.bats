#!/usr/bin/env bats
# libvirt's hook, as libvirt runs it. The guests have nothing to boot: that is not what it is about.
load helper
# shellcheck disable=SC2034
guest=no

setup_file() {
	fresh_host
	in_host <<-'END'
		rm -rf /etc/libvirt/hooks/qemu.d
		systemctl restart "$(daemon)"
		daemon_back
	END
}

teardown_file() {
	in_host <<-'END'
		vfpool -q hook-remove >/dev/null
		rm -rf /etc/libvirt/hooks/qemu.d
		systemctl restart "$(daemon)"
	END
}

@test "it is put where libvirt finds it, and says what it needs" {
	in_host <<-'END'
		hook=/etc/libvirt/hooks/qemu.d/vfpool
		expect 0 vfpool --json hook-install
		is "what was done" "$(answer '.hook[0] | .done + " " + .kind + " " + .restart')" "installed copy $(daemon)"
		said "systemctl restart $(daemon)"
		cmp $hook /usr/local/bin/vfpool-hook
		systemctl restart "$(daemon)"
		daemon_back
		expect 0 vfpool --json hook-install
		is "what was done then" "$(answer '.hook[0].done')" unchanged
		[[ ! -s err ]]
		expect 0 vfpool --json check
		is "check's word" "$(answer '.checks[] | select(.check == "hook") | .result + " " + .message')" "pass $hook"
		expect 0 vfpool --json hook-remove
		is "what was done last" "$(answer '.hook[0].done')" removed
		echo '#!/bin/sh' >$hook
		expect 1 vfpool hook-install
		said "is not vfpool's hook"
		rm $hook
		expect 0 vfpool -q hook-install
	END
}

@test "a guest whose VF is gone is not started, and told why; it is when the VF is back" {
	in_host <<-'END'
		define web1
		vfpool -q attach web1 eth2 --config >/dev/null
		vf=$(leases | cut -d ' ' -f 1)
		echo 0 >/sys/class/net/eth2/device/sriov_numvfs
		expect 1 virsh start web1
		said "web1 cannot start: its definition names VF $vf" "vfpool reconcile web1"
		echo 7 >/sys/class/net/eth2/device/sriov_numvfs
		until_true 60 test -e "/sys/bus/pci/devices/$vf/driver"
		expect 0 virsh start --paused web1
		destroy web1
		# Its definition names it, so it stays the guest's.
		leases_are held
		expect 0 vfpool --json list eth2 --used
		vfpool -q detach web1 >/dev/null
		[[ -z $(leases) ]]
		forget web1
		# The VFs are others now.
		fresh
	END
}

@test "what a guest had for as long as it ran is free when it has ended" {
	in_host <<-'END'
		define web1 "$(root_ports 2)"
		virsh -q start --paused web1
		vfpool -q attach web1 eth2 --count 2 --live >/dev/null
		destroy web1
		[[ -z $(leases) ]]
		expect 0 vfpool --json events web1
		is "the last events" "$(answer '[.events[-2:][] | .was + " " + .now + " " + .cause] | unique | join(", ")')" \
			"held free hook: release end"
		forget web1
		all_free
	END
}
