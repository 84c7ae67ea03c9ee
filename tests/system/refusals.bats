#!/usr/bin/env bats
# What vfpool refuses: with which status, in which words, and that nothing changes by it. `refused` compares
# the store, all definitions and all VFs before and after.
load helper

guest=no

# eth2's VFs are in every kind of hands (in_host.bash); eth1's are free.
prepare() { in_host <<<'occupy'; }

teardown_file() { in_host <<<'vacate'; }

@test "a domain, PF or VF that is not there" {
	in_host <<-'END'
		refused 1 "there is no domain 'nobody'" "virsh list --all" -- vfpool attach nobody eth1
		refused 1 "there is no domain 'nobody'" -- vfpool detach nobody eth1
		refused 1 "there is no interface eth9" -- vfpool attach web1 eth9
		refused 1 "there is no PCI device 0000:99:00.0" -- vfpool attach web1 0000:99:00.0
		refused 3 "eth1 has no VF 9" "vfpool list eth1" -- vfpool attach web1 eth1/9
		refused 1 "web1 nothing that 'eth1' stands for" "vfpool list --used" -- vfpool detach web1 eth1
	END
}

@test "a NIC without SR-IOV, a device that is no NIC, a PF without VFs" {
	in_host <<-'END'
		refused 2 "mgmt0 has no SR-IOV" "vfpool list" -- vfpool attach web1 mgmt0
		refused 2 "br7 has no SR-IOV: it is a bridge" -- vfpool attach web1 br7
		refused 2 "has no SR-IOV" -- vfpool attach web1 0000:00:1f.0
		echo 0 >/sys/class/net/eth1/device/sriov_numvfs
		changed
		refused 3 "eth1 has no VFs now; it can have 7" "vfpool set-vfs eth1 7" -- vfpool attach web1 eth1
		echo 7 >/sys/class/net/eth1/device/sriov_numvfs
		fresh
	END
}

@test "a VF that the host or another guest uses: exit 3, and who it is" {
	in_host <<-'END'
		refused 3 "0000:02:10.0 eth2/0: in the running domain runs, not by vfpool" -- vfpool attach web1 eth2/0
		refused 3 "eth2/1: named by the definition of domain stays" -- vfpool attach web1 0000:02:10.2
		refused 3 "eth2/2: the host uses it: .* has the address 192.0.2.7" -- vfpool attach web1 eth2/2
		refused 3 "eth2/3: the host uses it: .* is a port of br7" -- vfpool attach web1 eth2/3
		refused 3 "eth2/4: its netdev is in another network namespace" -- vfpool attach web1 eth2/4
		refused 3 "eth2/5: held by web1 \(assignment [0-9a-f]{8}\)" -- vfpool attach web1 eth2/5
	END
}

@test "every VF busy: exit 3, and who has each" {
	in_host <<-'END'
		define last
		expect 0 vfpool attach last eth2/6
		refused 3 "none of the 7 VFs of eth2 is free" "running domain runs" "domain stays" "192.0.2.7" "port of br7" \
			"network namespace" "held by web1" "held by last" "vfpool detach" -- vfpool attach web1 eth2
		expect 0 vfpool detach last
		changed
		refused 3 "eth2" -- vfpool attach last eth2 --count 2
		forget last
	END
}

@test "a bond's port" {
	in_host <<-'END'
		ip link add bond7 type bond
		netdev=$(netdev_of 0000:01:10.0)
		ip link set "$netdev" down
		ip link set "$netdev" master bond7
		refused 3 "eth1/0: the host uses it: $netdev is a port of bond7" -- vfpool attach web1 eth1/0
		ip link del bond7
	END
}

@test "a guest without a free place for a device" {
	in_host <<-'END'
		# Its only root port was filled by occupy.
		refused 1 "no free pcie-root-port" "controller type='pci' model='pcie-root-port'" "virsh edit web1" -- \
			vfpool attach web1 eth1
		refused 1 "no free pcie-root-port" -- vfpool attach web1 eth1 --print-xml
	END
}

@test "a guest that is paused cannot let go: exit 4" {
	in_host <<-'END'
		refused 4 "web1 is paused" "virsh resume web1" -- vfpool detach web1 eth2/5
	END
}

@test "MACs: not one, multicast, zero, on the PF, on another VF, in another guest, in this one" {
	in_host <<-'END'
		refused 2 "not a MAC" -- vfpool attach stays eth1 --mac 02:00:5e:10:00
		refused 2 "multicast" -- vfpool attach stays eth1 --mac 03:00:5e:10:00:01
		refused 2 "zero" -- vfpool attach stays eth1 --mac 00:00:00:00:00:00
		refused 2 "cannot go to 2" -- vfpool attach stays eth1 --mac 02:00:5e:10:00:01 --count 2
		refused 1 "is that of the PF eth1" -- vfpool attach stays eth1 --mac "$(</sys/class/net/eth1/address)"
		mac=$(vf eth1 5 .address)
		ip link set eth1 vf 5 mac 02:00:5e:10:00:99
		changed
		refused 1 "is on VF eth1/5" -- vfpool attach stays eth1 --mac 02:00:5e:10:00:99
		ip link set eth1 vf 5 mac $mac
		changed
		refused 1 "02:00:5e:10:00:05 is on an interface of domain web1" -- \
			vfpool attach stays eth1 --mac 02:00:5e:10:00:05
		refused 1 "web1 has an interface with MAC 02:00:5e:10:00:05" -- \
			vfpool attach web1 eth1 --mac 02:00:5e:10:00:05 --config
	END
}

@test "options that cannot be: VLAN, form, count, timeout, --current with others, words too many or too few" {
	in_host <<-'END'
		refused 2 "VLAN" -- vfpool attach stays eth1 --vlan 4095
		for vlan in 4096 -1 0x10 ten ''; do
			expect 2 vfpool attach stays eth1 "--vlan=$vlan"
			said "VLAN"
		done
		expect 2 vfpool attach stays eth1 --form macvtap
		said "interface or hostdev"
		expect 2 vfpool attach stays eth1 --count 0
		expect 2 vfpool attach stays eth1 --timeout soon
		expect 2 vfpool attach stays
		expect 2 vfpool attach stays eth1 eth2
		expect 2 vfpool attach stays eth1 --no-such-option
		expect 2 vfpool detach web1 eth2 --all
		expect 2 vfpool no-such-command
		said "no command called"
		for view in live config persistent; do
			expect 2 vfpool attach stays eth1 --current --$view
			said "--current cannot be used with"
		done
		refused 2 "--current cannot be used with" -- vfpool detach web1 eth2 --current --live
	END
}

@test "--live for a guest that is off, --config for a transient one" {
	in_host <<-'END'
		refused 1 "stays is not running" -- vfpool attach stays eth1 --live
		virsh -q create --paused <(domain passing)
		changed
		refused 1 "passing is transient" -- vfpool attach passing eth1 --config
		refused 1 "passing is transient" -- vfpool attach passing eth1 --persistent
		virsh -q destroy passing
	END
}

@test "libvirt not reachable, an unknown URI" {
	in_host <<-'END'
		refused 1 "cannot connect to libvirt" "systemctl start" -- \
			vfpool -c 'qemu+unix:///system?socket=/run/nowhere' attach stays eth1
		refused 1 "cannot connect to libvirt" -- vfpool -c nonsense:///system attach stays eth1
		refused 1 "cannot connect to libvirt" -- vfpool -c nonsense:///system reconcile
	END
}

@test "not root" {
	in_host <<-'END'
		for command in "attach stays eth1" "detach web1 eth2" reconcile; do
			refused 1 "needs root" "nothing was changed" "sudo" -- runuser -u nobody -- vfpool $command
		done
	END
}

@test "a store that is read-only, damaged, or of a newer vfpool" {
	in_host <<-'END'
		mkdir -p stores
		sqlite3 $store ".backup stores/leases.db"
		mount --bind stores stores
		mount -o remount,bind,ro stores
		refused 1 "cannot .* the lease store .*stores/leases.db" "read-only" "remount" -- \
			vfpool --store $PWD/stores/leases.db attach stays eth1
		umount stores

		head -c 8192 /dev/urandom >damaged.db
		sum=$(sha256sum damaged.db)
		refused 1 "lease store .*damaged.db is damaged" "move it away" "vfpool reconcile" -- \
			vfpool --store $PWD/damaged.db attach stays eth1
		is "the damaged store" "$(sha256sum damaged.db)" "$sum"

		cp stores/leases.db newer.db
		sqlite3 newer.db "PRAGMA user_version = 99; UPDATE program SET needs = '9.1';" >/dev/null
		sum=$(sha256sum newer.db)
		refused 1 "newer" "9.1" -- vfpool --store $PWD/newer.db attach stays eth1
		is "the newer store" "$(sha256sum newer.db)" "$sum"
	END
}

@test "metadata in the definition that vfpool did not write" {
	in_host <<-'END'
		define strange
		virsh -q metadata strange --uri urn:vfpool:domain:1 --key vfpool --set "<assignments><assignment id='x'/></assignments>" --config
		refused 1 "the vfpool metadata of strange is not valid" "virsh metadata strange .*--edit --config" -- vfpool attach strange eth1
		refused 1 "the vfpool metadata of strange is not valid" -- vfpool reconcile strange
		forget strange
	END
}
