#!/usr/bin/env bats
# set-vfs: from a host without VFs to an attached guest, resizes with guests, and reboots.
load helper

teardown_file() { in_host <<<'echo 0 >/sys/class/net/eth1/device/sriov_numvfs; rm -f /etc/udev/rules.d/*vfpool*' || true; }

@test "from no VFs to an attached guest: check, set-vfs, attach" {
	in_host <<-'END'
		echo 0 >/sys/class/net/eth1/device/sriov_numvfs
		ip link set eth1 down
		expect 1 vfpool check eth1
		grep -q "vfpool set-vfs eth1 7" out || fail "check does not say what to do: $(<out)"
		expect 0 vfpool --json set-vfs eth1 7 --persist
		is "VFs" "$(answer '.pfs[0].vfs')" 7
		is "kept" "$(answer '.pfs[0].persistent')" 7
		is "netdevs" "$(ls -d /sys/bus/pci/devices/0000:01:1*/net/* | wc -l)" 7
		expect 0 vfpool check eth1
		listen
		expect 0 vfpool --json attach testguest1 eth1
		nic_appears "$(answer '.attached[0].mac')"
		expect 0 vfpool detach testguest1 eth1
		expect 0 vfpool set-vfs eth1 --no-persist
		expect 0 vfpool --json set-vfs eth1 --show
		is "kept" "$(jq -r '.pfs[0].persistent' out)" null
		fresh
	END
}

@test "what cannot be is refused, and changes nothing" {
	in_host <<-'END'
		refused 2 "" -- vfpool set-vfs eth1
		refused 2 "number of VFs 'some'" -- vfpool set-vfs eth1 some
		refused 2 "7 VFs at most" "ask for 7 or fewer" -- vfpool set-vfs eth1 8
		refused 2 "number of VFs '-1'" -- vfpool set-vfs eth1 -- -1
		refused 1 "eth9" -- vfpool set-vfs eth9 1
		refused 2 "no SR-IOV" -- vfpool set-vfs mgmt0 1
		refused 2 "exclude" -- vfpool set-vfs eth1 7 --persist --no-persist
	END
}

@test "from 4 to 7 with two VFs in a running guest: each with its MAC and its place" {
	in_host <<-'END'
		expect 0 vfpool set-vfs eth1 4
		is "VFs" "$(</sys/class/net/eth1/device/sriov_numvfs)" 4
		fresh
		listen
		expect 0 vfpool --json attach testguest1 eth1 --count 2
		nic_appears "$(answer '.attached[1].mac')"
		definitions | things | awk '/^have live/ { print $6, $8 }' | sort >had
		refused 1 "testguest1" "--park" -- vfpool set-vfs eth1 7
		listen
		expect 0 vfpool set-vfs eth1 7 --park --timeout 120
		is "VFs" "$(</sys/class/net/eth1/device/sriov_numvfs)" 7
		definitions | things | awk '/^have live/ { print $6, $8 }' | sort | diff had - || fail "not as before"
		nic_appears "$(head -n 1 had | cut -d ' ' -f 2)"
		expect 0 vfpool reconcile
		said "nothing to mend"
		expect 0 vfpool detach testguest1 --all
		fresh
		all_free
	END
}

@test "VFs that vfpool did not give are not taken, nor those that a definition names" {
	in_host <<-'END'
		define runs "$(hostdev 0000:01:10.0)"
		virsh -q start --paused runs
		refused 1 "runs" -- vfpool set-vfs eth1 3 --park
		forget runs
		changed
		define web1
		expect 0 vfpool attach web1 eth1/6
		changed
		refused 1 "web1" "--force" -- vfpool set-vfs eth1 3
		expect 5 vfpool set-vfs eth1 3 --force
		said "web1" "eth1 has 3 VFs"
		is "VFs" "$(</sys/class/net/eth1/device/sriov_numvfs)" 3
		expect 0 vfpool detach web1
		forget web1
		expect 0 vfpool set-vfs eth1 7
		fresh
		all_free
	END
}

@test "VFs kept on vfio-pci, and without any driver; and back" {
	in_host <<-'END'
		expect 0 vfpool set-vfs eth1 2 --prebind
		is "driver" "$(driver_of 0000:01:10.0)" vfio-pci
		expect 0 vfpool set-vfs eth1 2 --no-host-driver
		[[ ! -e /sys/bus/pci/devices/0000:01:10.0/driver ]] || fail "it has a driver"
		expect 0 vfpool set-vfs eth1 7
		is "driver" "$(driver_of 0000:01:11.4)" igbvf
		fresh
	END
}

# The lab makes VFs of its own at boot: that it was the rule is seen from the number, and that it was in time from the
# kernel's own log.
@test "after a reboot the VFs are there before libvirtd starts: by udev's rule, and by systemd.link" {
	in_host <<-'END'
		expect 0 vfpool --json set-vfs eth1 5 --persist=udev
		is "kept" "$(answer '.pfs[0] | "\(.persistent) \(.by) \(.file)"')" \
			"5 udev /etc/udev/rules.d/70-vfpool-0000:01:00.0.rules"
		expect 0 vfpool --json set-vfs eth2 4 --persist=link
		is "kept" "$(answer '.pfs[0] | "\(.persistent) \(.by)"')" "4 link"
		expect 0 vfpool check
		grep -E "pass +eth1 +persistence" out
		grep -E "pass +eth2 +persistence" out
		sync
	END
	"$lab" reboot vfhost-a
	in_host <<-'END'
		started=$(systemctl show libvirtd.service -p ExecMainStartTimestampMonotonic --value)
		for pf in "0000:01:00.0 5" "0000:02:00.0 4"; do
			made=$(dmesg | sed -nE "s/^\[ *([0-9]+)\.([0-9]+)\] igb ${pf% *}: ${pf#* } VFs allocated.*/\1\2/p" | head -n 1)
			[[ -n $made ]] || { dmesg | grep igb >&2; fail "the VFs of $pf were not made"; }
			((made < started)) || fail "$pf: made at $made us, libvirtd started at $started us"
		done
		for pf in eth1 eth2; do
			expect 0 vfpool set-vfs $pf --no-persist
			expect 0 vfpool --json set-vfs $pf --show
			is "kept" "$(jq -r '.pfs[0].persistent' out)" null
		done
		[[ -z $(find /etc -name '*vfpool*') ]] || fail "it left something: $(find /etc -name '*vfpool*')"
		fresh
	END
}

@test "after a reboot VFs are on vfio-pci, or on no driver, as before" {
	in_host <<-'END'
		expect 2 vfpool set-vfs eth1 7 --prebind --persist=link
		said "use --persist=udev"
		expect 0 vfpool set-vfs eth1 7 --prebind --persist
		expect 0 vfpool set-vfs eth2 7 --no-host-driver --persist
		sync
	END
	"$lab" reboot vfhost-a
	"$lab" guest
	in_host <<-'END'
		for vf in 0000:01:10.0 0000:01:11.4; do is "driver of $vf" "$(driver_of $vf)" vfio-pci; done
		for vf in 0000:02:10.0 0000:02:11.4; do
			[[ ! -e /sys/bus/pci/devices/$vf/driver ]] || fail "$vf has a driver"
		done
		expect 0 vfpool --json set-vfs eth1 --show
		is "home" "$(answer '.pfs[0].home')" vfio
		fresh
		# They are as free as any, and come back to where they were.
		listen
		expect 0 vfpool --json attach testguest1 eth1
		nic_appears "$(answer '.attached[0].mac')"
		expect 0 vfpool detach testguest1
		all_free
		for pf in eth1 eth2; do expect 0 vfpool set-vfs $pf 7 --no-persist; done
		is "driver" "$(driver_of 0000:01:10.0)" igbvf
		is "driver" "$(driver_of 0000:02:10.0)" igbvf
		fresh
	END
}
