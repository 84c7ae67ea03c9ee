#!/usr/bin/env bats
# VFs that wait on vfio-pci between guests: none is bound anew when a guest gets it and gives it back, and all the same
# it is reset, and its settings are put back.
load helper

prepare() {
	in_host <<-'END'
		expect 0 vfpool set-vfs eth2 2 --prebind
		fresh
	END
}
teardown_file() { "$lab" reset vfhost-a; }

@test "set-vfs --prebind: the VFs are on vfio-pci, and free" {
	in_host <<-'END'
		expect 0 vfpool list eth2 --free -n -o NAME,DRIVER,NETDEV
		is "free" "$(xargs <out)" "eth2/0 vfio-pci - eth2/1 vfio-pci -"
		expect 0 vfpool --json set-vfs eth2 --show
		is "VFs" "$(answer '.pfs[0].vfs')" 2
	END
}

@test "a booted guest gets one and gives it back, then another guest gets it: never bound anew, reset each time" {
	in_host <<-'END'
		vf=0000:02:10.0
		# By the kernel itself: what binds, and what resets.
		cd /sys/kernel/tracing 2>/dev/null && [[ -e trace ]] || { mount -t tracefs nodev /sys/kernel/tracing && cd /sys/kernel/tracing; }
		at_end() { echo nop >/sys/kernel/tracing/current_tracer; }
		printf '%s\n' pcie_flr pci_device_probe pci_device_remove >set_ftrace_filter
		echo function >current_tracer
		cd $here
		trace=/sys/kernel/tracing/trace
		traced() { grep -Ec "[ :]($1)( |\$)" $trace || true; }
		echo 0000:01:11.4 >/sys/bus/pci/drivers/igbvf/unbind
		echo 0000:01:11.4 >/sys/bus/pci/drivers/igbvf/bind
		is "bindings that are seen" "$(traced 'pci_device_probe|pci_device_remove')" 2
		: >$trace
		was=$(settings eth2 0)
		for form in interface hostdev; do
			listen
			expect 0 vfpool --json attach testguest1 eth2 --form $form --mac 02:00:5e:30:00:01 --vlan 5 --spoofchk off --max-rate 100
			is "the VF" "$(answer '.attached[0].vf')" $vf
			! virsh -q dumpxml testguest1 | grep "managed='yes'" || fail "it is managed"
			nic_appears 02:00:5e:30:00:01
			is "meanwhile" "$(settings eth2 0)" "02:00:5e:30:00:01 5 0 false false 100"
			sound
			expect 0 vfpool reconcile
			said "nothing to mend"
			resets=$(traced pcie_flr)
			expect 0 vfpool detach testguest1
			(($(traced pcie_flr) > resets)) || fail "it was not reset"
			is "settings afterwards" "$(settings eth2 0)" "$was"
			is "driver" "$(driver_of $vf)" vfio-pci
			[[ -z $(find /proc/[0-9]*/fd -lname "/dev/vfio/$(group_of $vf)" 2>/dev/null) ]] || fail "somebody has it open"
			all_free
		done
		define web1 "$(root_ports 1)"
		virsh -q start --paused web1
		expect 0 vfpool attach web1 eth2/0 --mac 02:00:5e:30:00:02
		is "of the other guest" "$(settings eth2 0)" "02:00:5e:30:00:02 0 0 true false 0"
		sound
		refused 3 "eth2/0|0000:02:10.0" -- vfpool attach testguest1 eth2/0
		destroy web1
		expect 0 vfpool reconcile
		is "settings afterwards" "$(settings eth2 0)" "$was"
		all_free
		forget web1
		is "bindings" "$(traced 'pci_device_probe|pci_device_remove')" 0
	END
}

@test "a guest's next boot finds it on vfio-pci, and leaves it there" {
	in_host <<-'END'
		was=$(settings eth2 0)
		define web1
		expect 0 vfpool --json attach web1 eth2 --form hostdev --vlan 9
		mac=$(answer '.attached[0].mac')
		is "how" "$(virsh -q dumpxml web1 | grep -c "<hostdev .*managed='no'")" 1
		for boot in first second; do
			virsh -q start --paused web1
			expect 0 vfpool reconcile
			is "at the $boot boot" "$(settings eth2 0)" "$mac 9 0 true false 0"
			sound
			destroy web1
			expect 0 vfpool reconcile
			sound
		done
		expect 0 vfpool detach web1
		is "settings afterwards" "$(settings eth2 0)" "$was"
		forget web1
		all_free
	END
}

@test "a pool with managed='no' hands out those that wait on vfio-pci, and no others" {
	in_host <<-'END'
		define web1 "$(root_ports 3)"
		virsh -q start --paused web1
		pool quick "<pf dev='eth1'/><pf dev='eth2'/><device managed='no'/>"
		expect 0 vfpool --json attach web1 quick --count 2
		is "the VFs" "$(answer '[.attached[].name] | sort | join(" ")')" "eth2/0 eth2/1"
		sound
		refused 3 "igbvf.*vfio-pci" -- vfpool attach web1 quick
		forget web1
		expect 0 vfpool reconcile
		no_pools
	END
}

@test "one that some other program has open is not given away" {
	in_host <<-'END'
		define web1 "$(root_ports 1)"
		virsh -q start --paused web1
		qemu-system-x86_64 -M q35 -nodefaults -display none -S -m 32 -device vfio-pci,host=0000:02:10.0 & other=$!
		until_true grep -q 1 /sys/bus/pci/devices/0000:02:10.0/enable
		refused 3 "0000:02:10.0 eth2/0: qemu-system-x86 \($other\) has it open" -- vfpool attach web1 eth2/0
		refused 3 "0000:02:10.0 eth2/0: qemu-system-x86 \($other\) has it open" -- vfpool attach web1 eth2/0 --print-xml
		expect 0 vfpool list eth2 --used -n -o NAME,STATE,REFUSAL,HOLDER
		is "what list shows" "$(xargs <out)" "eth2/0 host open qemu-system-x86 ($other)"
		expect 0 vfpool --json why web1 eth2
		is "what why says" "$(answer '[.. | objects | select(.name == "eth2/0")][0] | .verdict + ": " + .reason')" "open: qemu-system-x86 ($other) has it open"
		expect 0 vfpool --json attach web1 eth2
		is "the VF" "$(answer '.attached[0].name')" eth2/1
		sound
		kill $other
		wait $other || true
		forget web1
		expect 0 vfpool reconcile
		all_free
	END
}
