#!/usr/bin/env bats
# VFs out before a guest moves or is saved, kept for it meanwhile, and in again afterwards.
load helper

@test "park takes all VFs out and keeps them; unpark puts the same ones back" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1 --persistent --vlan 5
		mac=$(answer '.attached[0].mac')
		nic_appears "$mac"
		expect 0 vfpool attach testguest1 eth1 --form hostdev --live
		expect 1 virsh save testguest1 saved
		definitions | things | grep ^have >had
		expect 0 vfpool --json park testguest1
		is "parked" "$(answer '[.parked[] | .done] | join(",")')" parked,parked
		definitions | things >now
		is "devices" "$(grep -c ^have now || true)" 0
		is "owed" "$(grep -c 'parked$' now)" 3
		is "leases" "$(leases | cut -d ' ' -f 4 | paste -sd,)" reserved,reserved
		sound
		refused 3 "reserved for testguest1" -- vfpool attach testguest1 eth1/0
		expect 3 vfpool why testguest1 eth1/0
		grep -q "reserved for testguest1" out
		is "owed" "$(virsh metadata testguest1 urn:vfpool:domain:1 |
			grep -c "<parked reason=.migration. host=.$HOSTNAME. until=.20")" 2
		expect 0 vfpool reconcile
		said "nothing to mend"
		# Again is no failure, and neither is a guest that has none.
		expect 0 vfpool park testguest1 --deadline 600
		define web1 "$(root_ports 1)"
		expect 0 vfpool park web1
		expect 0 vfpool unpark web1
		listen
		expect 0 vfpool --json unpark testguest1
		is "back" "$(answer '[.unparked[] | .done] | join(",")')" attached,attached
		nic_appears "$mac"
		definitions | things | grep ^have | diff had -
		sound
		expect 0 vfpool unpark testguest1
		said "nothing of testguest1 is parked"
		expect 0 vfpool detach testguest1 --all --persistent
		forget web1
		all_free
	END
}

@test "a guest that does not let go keeps all; a paused one is not asked" {
	in_host <<-'END'
		# Its BIOS finds nothing to boot, and hears of no unplug.
		define web1 "$(root_ports 2)"
		virsh -q start web1
		expect 0 vfpool attach web1 eth1 --count 2 --persistent
		expect 4 vfpool park web1 --timeout 6
		said "has not let go of VF" "web1 has its VFs as before"
		[[ ! -s out ]]
		sound
		is "leases" "$(leases | cut -d ' ' -f 4 | paste -sd,)" held,held
		definitions | things >now
		is "owed" "$(grep -c 'parked$' now || true)" 0
		virsh -q suspend web1
		refused 4 "is paused" "nothing was changed" -- vfpool park web1
		changed
		refused 4 "is paused" "nothing was changed" -- vfpool save web1 $here/saved
		forget web1
		mended
		all_free
	END
}

@test "at the deadline the guest gets its VFs back" {
	in_host <<-'END'
		back() { expect 0 vfpool reconcile; [[ $(leases | grep -c 'held$') == 1 ]]; }
		expect 0 vfpool attach testguest1 eth1 --persistent
		expect 0 vfpool park testguest1 --deadline 3600
		expect 0 vfpool reconcile
		said "nothing to mend"
		expect 0 vfpool park testguest1 --deadline 1
		until_true back
		mended
		expect 0 vfpool detach testguest1 --all --persistent
		all_free
	END
}

@test "killed with -9 at any moment of park and unpark: reconcile puts it right" {
	in_host <<-'END'
		kills=0
		killed() {
			local point=$1 got=0
			shift
			strace -f -qq -o /dev/null -e trace=${point%:*} \
				-e inject=${point%:*}:signal=SIGKILL:when=${point#*:} "$@" >out 2>err || got=$?
			[[ $got == 137 || $got == 0 ]] || { cat err; fail "at $point: exit $got"; }
			echo "$point: exit $got, then: $(leases | paste -sd,)"
			[[ $got == 0 ]] || kills=$((kills + 1))
		}
		expect 0 vfpool attach testguest1 eth1 --persistent
		expect 0 vfpool attach testguest1 eth2 --form hostdev --vlan 9
		for point in fdatasync:1 write:{14,20} fdatasync:{3,5}; do
			killed $point vfpool park testguest1 --deadline 900
			mended
			expect 0 vfpool unpark testguest1
			sound
		done
		for point in fdatasync:2 sendmsg:10 fdatasync:4; do
			expect 0 vfpool park testguest1 --deadline 900
			killed $point vfpool unpark testguest1
			mended
			expect 0 vfpool unpark testguest1
			sound
		done
		((kills >= 5)) || fail "only $kills were killed"
		expect 0 vfpool detach testguest1 --all --persistent
		all_free
	END
}

@test "save, restore and managedsave; a save that fails, and one that is killed" {
	in_host <<-'END'
		reserved() { leases | grep -q 'reserved$'; }
		saving() { ! virsh -q domjobinfo testguest1 2>/dev/null | grep -q None; }
		off() { [[ $(virsh -q domstate testguest1) == "shut off" ]]; }
		listen
		expect 0 vfpool --json attach testguest1 eth1 --persistent
		mac=$(answer '.attached[0].mac')
		nic_appears "$mac"
		expect 0 vfpool --json attach testguest1 eth1 --live --form hostdev
		other=$(answer '.attached[0].mac')
		# A guest that is busy with what was plugged hears of no unplug.
		both_appear() { nic_appears "$mac"; nic_appears "$other"; }
		nic_appears "$other"
		definitions | things | grep ^have | sort >had
		listen
		expect 1 vfpool save testguest1 /nowhere/saved
		said "runs on here, with its VFs as before"
		definitions | things | grep ^have | sort | diff had -
		sound
		both_appear
		expect 0 vfpool save testguest1 $here/saved
		off
		is "leases" "$(leases | cut -d ' ' -f 4 | paste -sd,)" held
		expect 1 vfpool restore $here/nothing
		said "nothing was changed"
		expect 0 vfpool --json restore $here/saved
		is "back" "$(answer '[.restored[] | .done] | join(",")')" attached,attached
		definitions | things | grep ^have | sort | diff had -
		sound
		heard=0 # its console begins anew with its QEMU
		both_appear
		expect 0 vfpool managedsave testguest1
		virsh -q start testguest1
		expect 0 vfpool reconcile
		definitions | things | grep ^have | sort | diff had -
		sound
		heard=0 # its console begins anew with its QEMU
		both_appear
		# libvirt ends by itself what it was asked to.
		vfpool save testguest1 $here/saved >out 2>err & job=$!
		until_true reserved
		until_true saving
		kill -9 $job
		wait $job || true
		until_true off
		expect 0 vfpool restore $here/saved
		definitions | things | grep ^have | sort | diff had -
		mended
		rm -f $here/saved
		expect 0 vfpool detach testguest1 --all --persistent
		all_free
	END
}

@test "a snapshot of a running guest, and back to it; one of a guest with a foreign VF fails" {
	in_host <<-'END'
		disk=/var/lib/libvirt/images/snapshots.qcow2
		qemu-img create -q -f qcow2 $disk 300M
		virsh -q attach-disk testguest1 $disk vda --driver qemu --subdriver qcow2 --targetbus virtio --live
		listen
		expect 0 vfpool --json attach testguest1 eth1 --vlan 5
		mac=$(answer '.attached[0].mac')
		nic_appears "$mac"
		listen
		expect 0 vfpool snapshot-create testguest1 - <<<"<domainsnapshot><name>s1</name></domainsnapshot>"
		said "snapshot s1 of testguest1 created"
		nic_appears "$mac"
		sound
		is "the VLAN" "$(vlan_of eth1 0)" 5
		refused 1 "nothing was changed" -- vfpool snapshot-revert testguest1 s2
		# What it got later is gone afterwards, and free.
		expect 0 vfpool attach testguest1 eth2 --form hostdev
		listen
		expect 0 vfpool snapshot-revert testguest1 s1
		nic_appears "$mac"
		sound
		is "leases" "$(leases | cut -d' ' -f 1,3,4)" "0000:01:10.0 testguest1 held"
		virsh -q attach-device testguest1 <(hostdev 0000:02:10.0) --live
		expect 1 vfpool snapshot-create testguest1
		said "testguest1 runs on here, with its VFs as before"
		is "the leases still" "$(leases | cut -d' ' -f 1,3,4)" "0000:01:10.0 testguest1 held"
		virsh -q destroy testguest1
		home 0000:02:10.0
		mended
		all_free
		virsh -q snapshot-delete testguest1 s1 --metadata
		rm $disk
	END
}
