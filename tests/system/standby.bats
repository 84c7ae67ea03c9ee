#!/usr/bin/env bats
# A standby NIC: the guest's interface goes on while its VF is out. eth1 is a port of a bridge with an address of the
# host's, and a network is on that bridge: so the host answers on both ways, by the card's own switch and by the tap.
load helper

prepare() {
	in_host <<-'END'
		ip link add brlan type bridge
		ip link set brlan address "$(cat /sys/class/net/eth1/address)" up
		ip link set eth1 master brlan
		ip addr add 192.0.2.1/24 dev brlan
		# Frames of guests are bridged, not routed.
		virsh -q net-define <(echo "<network><name>lan</name><forward mode='bridge'/><bridge name='brlan'/></network>")
		virsh -q net-start lan
		virsh -q net-define <(echo "<network><name>idle</name><bridge name='virbr7'/></network>")
		fresh
	END
}

teardown_file() {
	in_host <<-'END'
		virsh -q net-destroy lan
		virsh -q net-undefine lan
		virsh -q net-undefine idle
		ip link set eth1 nomaster
		ip link del brlan
	END
}

@test "a guest's interface outlasts its VF: attach, park, unpark, detach, with pings all the way" {
	in_host <<-'END'
		mac=02:00:5e:10:00:77
		standby_devices() { virsh -q dumpxml testguest1 | grep -c "alias name='ua-vfpool-.*-standby'" || true; }
		# lowers N: the guest's one interface is of so many; its kernel tells of a NIC before it has joined.
		lowers() { until_true ask_guest "set -- /sys/class/net/eth0/lower_*; [ \$# = $1 ]"; }
		# goes WAY: the host answers, and by the tap or not.
		goes() {
			local before after way=vf
			before=$(<"/sys/class/net/$tap/statistics/rx_bytes")
			ask_guest "ping -c 3 -s 1000 -w 60 192.0.2.1" || return 1
			after=$(<"/sys/class/net/$tap/statistics/rx_bytes")
			((after - before <= 3000)) || way=tap
			[[ $way == "$1" ]]
		}
		# What is on its way when that changes may be lost, and a VF that has just come has its link a little later,
		# which on a busy machine is many pings.
		pings() { until_true goes "$1"; }
		listen
		expect 0 vfpool --json attach testguest1 eth1 --standby lan --mac $mac --persistent
		is "the network" "$(answer '.attached[0].standby')" lan
		answer '.attached[0]["standby-address"], .attached[0]["guest-address"], .attached[0].vf' >places
		is "places in the guest" "$(sort -u places | wc -l)" 3
		hear "testguest1: NIC .* appeared: MAC $mac, driver igbvf" >/dev/null
		hear "testguest1: NIC eth0 appeared: MAC $mac, driver virtio_net" >/dev/null
		# One interface of two.
		lowers 2
		in_guest 'ip addr add 192.0.2.50/24 dev eth0 && ip link set eth0 up'
		tap=$(virsh -q domiflist testguest1 | awk '$3 == "lan" { print $1 }')
		pings vf
		expect 0 vfpool reconcile testguest1
		said "nothing to mend"
		expect 3 vfpool why testguest1 eth1/0
		grep -Eq 'standby .*moves-along' out

		listen
		expect 0 vfpool park testguest1
		hear "testguest1: NIC .* disappeared: PCI $(sed -n 2p places)" >/dev/null
		is "standbys" "$(standby_devices)" 1
		lowers 1
		pings tap
		sound

		listen
		expect 0 vfpool --json unpark testguest1
		is "the VF's place" "$(answer '.unparked[0]["guest-address"]')" "$(sed -n 2p places)"
		hear "testguest1: NIC .* appeared: MAC $mac, driver igbvf, PCI $(sed -n 2p places)" >/dev/null
		lowers 2
		pings vf
		sound

		listen
		expect 0 vfpool detach testguest1 --persistent
		hear "testguest1: NIC .* disappeared: PCI $(sed -n 1p places)" >/dev/null
		is "standbys" "$(standby_devices)" 0
		is "interfaces" "$(virsh -q domiflist testguest1; virsh -q domiflist --inactive testguest1)" ""
		all_free
	END
}

@test "its network and VLAN are looked at first; a VLAN is the standby's, too, by libvirt's tag or by the bridge" {
	in_host <<-'END'
		define web1 "$(root_ports 4)"
		refused 1 "no network nowhere" net-list -- vfpool attach testguest1 eth1 --standby nowhere
		refused 1 "idle is not active" "net-start idle" -- vfpool attach testguest1 eth1 --standby idle
		refused 1 "own bridge" -- vfpool attach web1 eth1 --standby idle --vlan 5
		tag() { virsh -q dumpxml web1 | awk '/type=.network/ { on = 1 } on && /<tag/ { print } /<\/interface>/ { on = 0 }'; }
		if [[ $(virsh --version=short 2>/dev/null || virsh --version) == 9.* ]]; then
			refused 1 "before 11.0" -- vfpool attach web1 eth1 --standby lan --vlan 5
		else
			refused 1 "does not filter" vlan_filtering -- vfpool attach web1 eth1 --standby lan --vlan 5
			ip link set brlan type bridge vlan_filtering 1
			expect 0 vfpool attach web1 eth1 --standby lan --vlan 5
			grep -q "id='5'" <(tag)
			expect 0 vfpool detach web1
			ip link set brlan type bridge vlan_filtering 0
			all_free
		fi
		# A bridge that is in that VLAN itself.
		ip link add link eth2 name eth2.5 type vlan id 5
		ip link set eth2.5 master brlan
		expect 0 vfpool attach web1 eth1 --standby lan --vlan 5
		is "the standby's tag" "$(tag)" ""
		ip link del eth2.5
		expect 0 vfpool detach web1
		forget web1
		all_free
	END
}
