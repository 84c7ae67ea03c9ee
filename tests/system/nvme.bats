#!/usr/bin/env bats
# VFs that are no NICs: those of the NVMe controller of the big lab. The guests here have nothing to boot: one that
# runs lets go of a device at once, as nothing in it has powered the slot on.
load helper
load big

guest=no

# runs: web1, paused, with slots that QEMU empties without a guest's word.
prepare() {
	in_host <<-'END'
		cat >runs.xml <<-XML
			$(domain web1 "$(root_ports 4)" | sed "s|<domain type='kvm'>|<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>|; s|</domain>||")
			<qemu:commandline><qemu:arg value='-global'/>
			<qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'/></qemu:commandline></domain>
		XML
	END
}

@test "in a running guest and its definition they are plain hostdevs, without MAC; they come free again" {
	in_host <<-END
		virsh -q define runs.xml
		virsh -q start --paused web1
		expect 0 vfpool --json attach web1 $nvme --count 2 --persistent
		answer '.attached[].vf' >vfs.attached
		is "how many" "\$(wc -l <vfs.attached)" 2
		is "MACs" "\$(jq -c '[.attached[].mac] | unique' out)" "[null]"
		is "devices" "\$(definitions | things | awk '\$1 == "have" { print \$2, \$7, \$8 }' | sort | uniq -c | xargs)" \
			"2 config hostdev - 2 live hostdev -"
		# managed: of each of the two in both definitions.
		is "managed" "\$(definitions | grep -c "<hostdev mode='subsystem' type='pci' managed='yes'>")" 4
		for vf in \$(<vfs.attached); do
			is "driver of \$vf" "\$(driver_of \$vf)" vfio-pci
		done
		is "leases" "\$(leases | awk '{ print \$1, \$3, \$4 }' | sort)" "\$(sed 's/\$/ web1 held/' vfs.attached | sort)"
		expect 0 vfpool --json list $nvme
		is "held" "\$(jq -c '[.. | objects | select(.state? == "held") | .address] | sort' out)" \
			"\$(jq -Rnc '[inputs] | sort' vfs.attached)"
		expect 0 vfpool reconcile
		said "nothing to mend"
		# Out of the running guest, and out of both.
		virsh -q resume web1
		expect 0 vfpool detach web1 \$(head -n 1 vfs.attached) --live
		is "live" "\$(definitions | things | awk '\$1 == "have" && \$2 == "live" { print \$5 }')" "\$(tail -n 1 vfs.attached)"
		expect 0 vfpool detach web1 --all --persistent
		is "leases" "\$(leases)" ""
		for vf in \$(<vfs.attached); do
			[[ ! -e /sys/bus/pci/devices/\$vf/driver ]] || is "driver of \$vf" "\$(driver_of \$vf)" nvme
		done
		all_free
		forget web1
	END
}

@test "what only a NIC has is refused for them, and nothing changes; why says it too" {
	in_host <<-END
		define web1
		while read -r option; do
			refused 2 "it is no NIC, and only one has" -- vfpool attach web1 $nvme \$option
		done <<-OPTIONS
			--vlan 5
			--mac 02:00:5e:10:00:01
			--trust on
			--max-rate 10
			--form interface
		OPTIONS
		expect 0 vfpool attach web1 $nvme/3
		changed
		refused 2 "is no NIC: it has no such settings" -- vfpool set web1 $nvme/3 --vlan 5
		refused 3 "" -- vfpool attach web1 $nvme/3
		expect 0 vfpool --json why web1 $nvme
		is "chosen" "\$(jq -c '[.. | objects | select(.chosen? == true) | .name]' out)" '["$nvme/0"]'
		expect 0 vfpool detach web1
		all_free
		forget web1
	END
}

@test "a pool of the controller's VFs; one with a NIC's settings cannot be" {
	in_host <<-END
		define web1
		pool_xml disks "<pf driver='nvme'/><vlan><tag id='5'/></vlan>" >tagged.xml
		refused 1 "no NICs" -- vfpool pool-define tagged.xml
		pool disks "<pf driver='nvme'/><exclude index='0'/><reserve index='1'/><policy name='pack'/><limit guest='2'/>"
		expect 0 vfpool --json pool-list
		is "VFs" "\$(answer '.pools[0].vfs')" $((LAB_NVME_VFS - 1))
		expect 0 vfpool --json attach web1 disks --count 2
		is "taken" "\$(jq -c '[.attached[].name]' out)" '["$nvme/2","$nvme/3"]'
		changed
		refused 3 "" -- vfpool attach web1 disks
		no_pools
	END
}

# The number of a controller's VFs, and back: its driver refuses them all, as they are offline, and nobody waits.
@test "set-vfs of the controller" {
	in_host <<-END
		expect 0 vfpool set-vfs $nvme 4
		is "VFs" "\$(</sys/bus/pci/devices/$nvme/sriov_numvfs)" 4
		! grep -i "driver" err || fail "it missed a driver"
		expect 0 vfpool set-vfs $nvme $LAB_NVME_VFS
		is "VFs" "\$(</sys/bus/pci/devices/$nvme/sriov_numvfs)" $LAB_NVME_VFS
		! grep -i "driver" err || fail "it missed a driver"
	END
}
