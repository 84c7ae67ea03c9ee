#!/usr/bin/env bats
# attach: a guest gets a free VF, whichever way guest and VF are named, in the views that are asked for.
load helper

@test "a running guest gets a free VF: in its XML, on its own console and on the PF" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1
		mac=$(answer '.attached[0].mac')
		is "the VF" "$(answer '.attached[0] | "\(.domain) \(.vf) \(.name) \(.live) \(.config) \(.done)"')" \
			"testguest1 0000:01:10.0 eth1/0 true false attached"
		line=$(hear "testguest1: NIC .* appeared: MAC $mac")
		[[ $line == *"driver igbvf, PCI $(answer '.attached[0]["guest-address"]')"* ]] || fail "$line"
		is "the MAC on the VF" "$(vf eth1 0 .address)" "$mac"
		sound
		answer '.attached[0]["guest-address"], .attached[0].mac' >first
	END
}

@test "after detach and attach it has the same MAC and the same PCI address" {
	in_host <<-'END'
		expect 0 vfpool detach testguest1 eth1
		all_free
		listen
		expect 0 vfpool --json attach testguest1 eth1
		answer '.attached[0]["guest-address"], .attached[0].mac' | diff first -
		nic_appears "$(answer '.attached[0].mac')"
		expect 0 vfpool detach testguest1 eth1
		all_free
	END
}

@test "--form hostdev: vfpool sets MAC and VLAN itself, and the guest sees that MAC" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1/2 --form hostdev --mac 02:00:5e:10:00:01 --vlan 42
		nic_appears 02:00:5e:10:00:01
		is "the device" "$(definitions | things | grep ' live ' | grep -o 'hostdev -$')" "hostdev -"
		is "the MAC on the VF" "$(vf eth1 2 .address)" 02:00:5e:10:00:01
		is "the VLAN on the VF" "$(vlan_of eth1 2)" 42
		sound
		expect 0 vfpool detach testguest1 eth1/2
		all_free
	END
}

@test "--count 3: three VFs in one call, with three MACs and three places in the guest" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1 --count 3 --vlan 7
		is "how many" "$(answer '[.attached[].vf] | unique | length')" 3
		is "MACs" "$(answer '[.attached[].mac] | unique | length')" 3
		is "places" "$(answer '[.attached[]["guest-address"]] | unique | length')" 3
		for i in 0 1 2; do
			nic_appears "$(answer ".attached[$i].mac")"
			is "VLAN of VF $i" "$(vlan_of eth1 $i)" 7
		done
		sound
		expect 0 vfpool detach testguest1 --all
		all_free
	END
}

@test "--persistent: the running guest and its next boot have the same VF at the same place" {
	in_host <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1 --persistent
		is "views" "$(answer '.attached[0] | "\(.live) \(.config)"')" "true true"
		definitions | things | sed -n 's/^have [a-z]* //p' | sort -u >had
		is "devices" "$(wc -l <had)" 1
		sound
		nic_appears "$(answer '.attached[0].mac')"
		expect 0 vfpool detach testguest1 --persistent
		all_free
	END
}

@test "a guest that is off: the definition names the VF, and its next start gets it with its MAC" {
	in_host <<-'END'
		define web1
		expect 0 vfpool --json attach web1 eth2 --vlan 9
		is "views" "$(answer '.attached[0] | "\(.live) \(.config)"')" "false true"
		mac=$(answer '.attached[0].mac')
		is "the lease" "$(leases)" "0000:02:10.0 $(answer '.attached[0].assignment') web1 held"
		sound
		virsh -q start --paused web1
		is "the MAC on the VF" "$(vf eth2 0 .address)" "$mac"
		is "the VLAN on the VF" "$(vlan_of eth2 0)" 9
		sound
		virsh -q destroy web1
		sound
		expect 0 vfpool detach web1
		forget web1
		all_free
	END
}

@test "guest by UUID and by id; pool by altname and PCI address; VF by PCI address and PF/INDEX" {
	in_host <<-'END'
		define web1 "$(root_ports 5)"
		virsh -q start --paused web1
		ip link property add dev eth2 altname sriov-uplink-two
		uuid=$(virsh domuuid web1)
		id=$(virsh domid web1)
		expect 0 vfpool --json attach "${uuid%%[[:space:]]*}" sriov-uplink-two
		is "by altname" "$(answer '.attached[0] | "\(.domain) \(.name)"')" "web1 eth2/0"
		expect 0 vfpool --json attach "${id%%[[:space:]]*}" 0000:01:00.0
		is "by the PF's address" "$(answer '.attached[0] | "\(.domain) \(.name)"')" "web1 eth1/0"
		expect 0 vfpool --json attach web1 0000:02:10.6
		is "by the VF's address" "$(answer '.attached[0].name')" eth2/3
		expect 0 vfpool --json attach web1 eth2/6
		is "by PF/INDEX" "$(answer '.attached[0].name')" eth2/6
		ip link property del dev eth2 altname sriov-uplink-two
		sound
		virsh -q destroy web1
		mended
		forget web1
		all_free
	END
}

@test "--live, --config and --current mean what they mean in virsh" {
	in_host <<-'END'
		views() { definitions | things | awk '$1 == "have" { print $2 }' | sort | paste -sd' '; }
		define web1 "$(root_ports 3)"
		virsh -q start --paused web1
		expect 0 vfpool attach web1 eth2 --config
		is "with --config" "$(views)" config
		expect 0 vfpool attach web1 eth2 --live
		is "with --live as well" "$(views)" "config live"
		expect 0 vfpool attach web1 eth2 --current
		is "with --current, running" "$(views)" "config live live"
		sound
		virsh -q destroy web1
		mended
		is "after its end" "$(views)" config
		expect 0 vfpool attach web1 eth2 --current
		is "with --current, off" "$(views)" "config config"
		expect 0 vfpool attach web1 eth2 --persistent
		is "with --persistent, off" "$(views)" "config config config"
		sound
		expect 0 vfpool detach web1 --all
		forget web1
		all_free
	END
}

@test "--print-xml: what libvirt would be given, valid by its own schema, and nothing changes" {
	in_host <<-'END'
		define web1
		state >before
		for form in interface hostdev; do
			expect 0 vfpool attach web1 eth2/4 --print-xml --form $form --mac 02:00:5e:10:00:02 --vlan 12
			grep -q "<$form " out
			grep -q "<alias name=.ua-vfpool-" out
			grep -q "bus=.0x02. slot=.0x11. function=.0x0." out
			domain web1 "$(<out)" >domain.xml
			xmllint --noout --relaxng /usr/share/libvirt/schemas/domain.rng domain.xml
		done
		expect 0 vfpool attach web1 eth1 --print-xml --count 3
		is "how many" "$(grep -c '<interface ' out)" 3
		state >after
		diff before after
		forget web1
	END
}

@test "what --print-xml prints, virsh takes" {
	in_host <<-'END'
		define web1
		vfpool attach web1 eth2 --print-xml >device.xml
		virsh -q attach-device web1 device.xml --config
		definitions | things | grep '^have config web1 .* 0000:02:10.0 '
		forget web1
		all_free
	END
}

@test "a PF that is down is brought up, and vfpool says so" {
	in_host <<-'END'
		define web1 "$(root_ports 1)"
		virsh -q start --paused web1
		ip link set eth2 down
		expect 0 vfpool attach web1 eth2
		said "bringing eth2 up"
		ip -j link show eth2 | jq -e '.[0].flags | index("UP")' >/dev/null
		sound
		virsh -q destroy web1
		mended
		forget web1
		all_free
	END
}

@test "a domain with a name of any kind" {
	in_host <<-'END'
		define "x y'z;\$(id)&amp;%s"
		name="x y'z;\$(id)&%s"
		expect 0 vfpool --json attach "$name" eth2
		is "the domain" "$(answer '.attached[0].domain')" "$name"
		expect 0 vfpool detach "$name" eth2
		virsh -q undefine "$name"
		all_free
	END
}
