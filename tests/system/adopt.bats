#!/usr/bin/env bats
# adopt: VFs that a guest was given by hand are taken over, as if attach had given them, and the guest notices nothing.
load helper

@test "a booted guest's interface and hostdev, live and defined: nothing of them changes, and detach gives them back" {
	in_host <<-'END'
		interface=02:00:5e:20:00:01 plain=02:00:5e:20:00:02
		listen
		virsh -q attach-interface testguest1 hostdev 0000:01:10.0 --managed --mac $interface --live --config
		nic_appears $interface
		ip link set eth1 vf 1 mac $plain
		ip link set eth1 vf 1 vlan 12
		virsh -q attach-device testguest1 <(hostdev 0000:01:10.2) --live --config
		nic_appears $plain
		overhear eth1
		sends $interface 41
		heard 41 "$interface > .*ethertype ARP"
		devices() { virsh -q dumpxml testguest1 | sed -n '/<devices>/,$p'; }
		devices >devices.before
		vfs >vfs.before
		before=$(wc -l <$console)

		expect 0 vfpool --json adopt testguest1
		said "VF 0000:01:10.2"
		is "taken over" "$(answer '[.adopted[] | "\(.name) \(.mac) \(.live) \(.config) \(.done)"] | sort | join(", ")')" \
			"eth1/0 $interface true true adopted, eth1/1 $plain true true adopted"
		devices | diff devices.before - || fail "the running guest's devices have changed"
		vfs | diff vfs.before - || fail "the VFs have changed"
		sends $interface 42
		sends $plain 43 '' eth1
		heard 42 "$interface > .*ethertype ARP"
		heard 43 "$plain > .*vlan 12,"
		overhear_no_more
		! tail -n +$((before + 1)) $console | grep -a 'NIC .*appeared' || fail "the guest has noticed"

		is "wants" "$(definitions | things | grep -c '^want')" 4
		is "leases" "$(leases | grep -c ' testguest1 held$')" 2
		sound
		expect 0 vfpool reconcile
		said "nothing to mend"
		expect 0 vfpool list eth1 --used -n -o NAME,HOLDER,MAC,VLAN
		is "the list" "$(xargs <out)" "eth1/0 testguest1 $interface - eth1/1 testguest1 $plain 12"
		refused 1 "no VF that somebody else gave it" -- vfpool adopt testguest1

		expect 0 vfpool set testguest1 $plain --spoofchk off
		is "after set" "$(settings eth1 1)" "$plain 12 0 false false 0"
		listen
		expect 0 vfpool detach testguest1 --all --persistent
		for nic in eth0 eth1; do hear "testguest1: NIC $nic disappeared" >/dev/null; done
		all_free
	END
}

@test "one of two, by its MAC; parked and unparked it has its MAC and its place again, and the other is left alone" {
	in_host <<-'END'
		ours=02:00:5e:20:00:10 foreign=02:00:5e:20:00:11
		listen
		virsh -q attach-interface testguest1 hostdev 0000:01:10.0 --managed --mac $ours --live
		virsh -q attach-interface testguest1 hostdev 0000:01:10.2 --managed --mac $foreign --live
		nic_appears $foreign
		expect 0 vfpool --json adopt testguest1 $ours
		is "taken over" "$(answer '[.adopted[].mac] | join(" ")')" $ours
		definitions | things | sort >had
		sound
		expect 0 vfpool park testguest1
		is "devices meanwhile" "$(definitions | things | awk '/^have/ { print $4, $8 }')" "- $foreign"
		listen
		expect 0 vfpool unpark testguest1
		nic_appears $ours
		definitions | things | sort | diff had - || fail "not as before"
		# Plugged anew it is one of ours like any other.
		! virsh -q dumpxml testguest1 | grep adopted || fail "it still has the alias that it had"
		sound
		expect 0 vfpool detach testguest1
		is "devices" "$(definitions | things | awk '/^have/ { print $4, $8 }')" "- $foreign"
		virsh -q detach-interface testguest1 hostdev --mac $foreign --live
		until_true eval '[[ -z $(definitions | things) ]]'
		home 0000:01:10.2
		all_free
	END
}

@test "a guest's next boot has what was taken over" {
	in_host <<-'END'
		define web1 "$(root_ports 2)$(hostdev 0000:02:10.0)"
		expect 0 vfpool --json adopt web1
		mac=$(answer '.adopted[0] | select(.config and (.live | not)).mac')
		is "the lease" "$(leases | cut -d ' ' -f 1,3-)" "0000:02:10.0 web1 held"
		sound
		virsh -q start --paused web1
		expect 0 vfpool reconcile
		is "the MAC on the VF" "$(vf eth2 0 .address)" "$mac"
		sound
		destroy web1
		home 0000:02:10.0
		expect 0 vfpool reconcile
		sound
		expect 0 vfpool detach web1
		forget web1
		all_free
	END
}

@test "what cannot be taken over is refused, and nothing is different" {
	in_host <<-'END'
		define web1 "$(root_ports 3)"
		virsh -q start --paused web1
		refused 1 "no VF that somebody else gave it" -- vfpool adopt web1
		refused 1 "no VF eth2/3 that somebody else gave it" -- vfpool adopt web1 eth2/3
		refused 1 "nobody" -- vfpool adopt nobody
		refused 2 "it takes a domain" -- vfpool adopt

		# Its MAC is the guest's own choice: nobody could give it that again.
		virsh -q attach-device web1 <(hostdev 0000:02:10.0) --live
		ip link set eth2 vf 0 mac 00:00:00:00:00:00
		changed
		refused 1 "MAC of VF 0000:02:10.0 is not known" "ip link set eth2 vf 0 mac" -- vfpool adopt web1

		# All or none.
		virsh -q attach-interface web1 hostdev 0000:02:10.2 --managed --mac 02:00:5e:20:00:20 --live
		changed
		refused 1 "MAC of VF 0000:02:10.0 is not known" -- vfpool adopt web1

		virsh -q nodedev-detach pci_0000_02_10_4
		virsh -q attach-device web1 <(hostdev 0000:02:10.4 | sed 's/yes/no/') --live
		changed
		refused 1 "0000:02:10.4 .* managed='no'" -- vfpool adopt web1 eth2/2
		forget web1
		virsh -q nodedev-reattach pci_0000_02_10_4
		home 0000:02:10.0 0000:02:10.2 0000:02:10.4

		define web1 "$(hostdev 0000:02:10.0 | sed "s,</hostdev>,<rom bar='off'/>&,")"
		changed
		refused 1 "has <rom>" "leave the device as it is" -- vfpool adopt web1
		forget web1

		# What a network gave, it takes back.
		virsh -q net-create <(echo "<network><name>vfs</name><forward mode='hostdev' managed='yes'><pf dev='eth2'/></forward></network>")
		define web1 "<interface type='network'><source network='vfs'/></interface>"
		virsh -q start --paused web1
		changed
		refused 1 "from a libvirt network" -- vfpool adopt web1
		forget web1
		home 0000:02:10.0
		virsh -q net-destroy vfs
		all_free
	END
}
