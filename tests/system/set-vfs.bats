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
		is "VFs" "$(answer '."set-vfs"[0].vfs')" 7
		is "kept" "$(answer '."set-vfs"[0].persistent')" 7
		is "netdevs" "$(ls -d /sys/bus/pci/devices/0000:01:1*/net/* | wc -l)" 7
		expect 0 vfpool check eth1
		listen
		expect 0 vfpool --json attach testguest1 eth1
		nic_appears "$(answer '.attached[0].mac')"
		expect 0 vfpool detach testguest1 eth1
		expect 0 vfpool set-vfs eth1 --no-persist
		expect 0 vfpool --json set-vfs eth1 --show
		is "kept" "$(jq -r '."set-vfs"[0].persistent' out)" null
		fresh
	END
}

@test "what cannot be is refused, and changes nothing" {
	in_host <<-'END'
		refused 2 "" -- vfpool set-vfs eth1
		refused 2 "number of VFs '-1'" -- vfpool set-vfs eth1 -1
		refused 1 "at most 7|7 VFs" -- vfpool set-vfs eth1 8
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
		expect 0 vfpool set-vfs eth1 7 --park
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
		expect 0 vfpool detach web1
		forget web1
		expect 0 vfpool set-vfs eth1 3
		expect 0 vfpool set-vfs eth1 7
		fresh
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
reboots_with() {
	in_host <<-END
		expect 0 vfpool set-vfs eth1 5 --persist=$1
		sync
	END
	"$lab" reboot vfhost-a
	in_host <<-'END'
		made=$(dmesg | sed -nE 's/^\[ *([0-9]+)\.([0-9]+)\] igb 0000:01:00.0: 5 VFs allocated.*/\1\2/p' | head -n 1)
		[[ -n $made ]] || { dmesg | grep igb >&2; fail "the VFs were not made"; }
		started=$(systemctl show libvirtd.service -p ExecMainStartTimestampMonotonic --value)
		((made < started)) || fail "made at $made us, libvirtd started at $started us"
		expect 0 vfpool set-vfs eth1 --no-persist
		fresh
	END
}

@test "after a reboot udev's rule makes the VFs before libvirtd starts" { reboots_with udev; }

@test "after a reboot systemd.link makes the VFs before libvirtd starts" { reboots_with link; }
