#!/usr/bin/env bats
# Pools on a host with two PFs of seven VFs each: defined, found by every name of a PF, and in effect on what a guest
# gets. Most of it is shown on a guest that is off: a VF goes in and out of its definition in no time.
load helper

teardown_file() { in_host <<<'rm -rf /etc/vfpool; forget web1'; }

@test "without a definition nothing is different" {
	in_host <<-'END'
		define web1
		expect 0 vfpool pool-list -n
		[[ ! -s out ]] || fail "there are pools: $(<out)"
		refused 1 "eth1" -- vfpool pool-dumpxml eth1
		expect 0 vfpool attach web1 eth1
		is "leased" "$(leased_names)" eth1/0
		no_pools
	END
}

@test "a pool is defined, shown, listed and undefined" {
	in_host <<-'END'
		pool fast '<pf dev="eth1"/><exclude index="0-1"/>'
		is "modes" "$(stat -c '%a %U' /etc/vfpool/pools /etc/vfpool/pools/fast.xml | paste -sd' ')" "755 root 644 root"
		expect 0 vfpool pool-dumpxml fast
		grep -qF '<exclude index="0-1"/>' out
		is "its line" "$(vfpool pool-list -n -o NAME,STATE,PFS,VFS,FREE | xargs)" "fast usable eth1 5 5"
		sed 's/0-1/0/' out | vfpool -q pool-define -
		is "VFs" "$(vfpool pool-list -n -o VFS | xargs)" 6
		expect 0 vfpool pool-undefine fast
		is "the list" "$(vfpool pool-list -n)" ""
		no_pools
	END
}

@test "what is wrong is told by line, and nothing is kept of it" {
	in_host <<-'END'
		printf '<pool>\n<name>fast</name>\n<pf device="eth1"/></pool>\n' >wrong.xml
		refused 1 'line 3: <pf>: has an unknown attribute "device"; it can have: dev, driver' -- \
			vfpool pool-define wrong.xml
		pool fast '<pf dev="eth1"/>'
		changed
		pool_xml slow '<pf driver="igb"/>' >slow.xml
		refused 1 "pools fast and slow would both have PF eth1 \(0000:01:00.0\)" -- vfpool pool-define slow.xml
		is "kept" "$(ls /etc/vfpool/pools)" fast.xml
		no_pools
	END
}

@test "a PF by each of its names, and by what it is" {
	in_host <<-'END'
		define web1
		ip link property add dev eth2 altname uplink
		read -r vendor </sys/class/net/eth2/device/vendor
		read -r product </sys/class/net/eth2/device/device
		for pf in '<pf dev="eth2"/>' '<pf dev="uplink"/>' '<pf dev="up*"/>' '<pf dev="?th[2]"/>' \
			"<pf dev='eth2' driver='igb' vendor='$vendor' product='$product'/>" \
			"<pf><address domain='0x0000' bus='0x02' slot='0x00' function='0x0'/></pf>"; do
			pool some "$pf"
			is "the PFs of $pf" "$(vfpool pool-list -n -o PFS | xargs)" eth2
		done
		ip link property del dev eth2 altname uplink
		pool some "<pf vendor='$vendor'/>"
		is "its PFs" "$(vfpool pool-list -n -o PFS | xargs)" eth1,eth2
		pool some "<pf dev='eth9'/>"
		is "its state" "$(vfpool pool-list -n -o STATE | xargs)" no-pf
		changed
		refused 1 "pool some has no PF on this host" -- vfpool attach web1 some
		no_pools
	END
}

@test "a pool's defaults are on the VF, options come first, and all is put back" {
	in_host <<-'END'
		spoofchk() { vf eth1 0 '.spoofchk | tostring'; }
		qos() { vf eth1 0 '.vlan_list[0].qos // 0'; }
		form() { definitions | things | awk '/^have live/ { print $7 }'; }
		pool fast '<pf dev="eth1"/><device form="hostdev"/><vlan><tag id="10" qos="3"/></vlan><settings spoofchk="off"/>'
		listen
		expect 0 vfpool --json attach testguest1 fast
		is "on the VF" "$(form) $(spoofchk) $(vlan_of eth1 0) $(qos)" "hostdev false 10 3"
		nic_appears "$(answer '.attached[0].mac')"
		expect 0 vfpool reconcile
		said "nothing to mend"
		expect 0 vfpool detach testguest1 fast
		all_free
		listen
		expect 0 vfpool --json attach testguest1 fast --form interface --vlan 20 --spoofchk on
		is "on the VF" "$(form) $(spoofchk) $(vlan_of eth1 0) $(qos)" "interface true 20 0"
		nic_appears "$(answer '.attached[0].mac')"
		expect 0 vfpool detach testguest1 fast
		no_pools
	END
}

@test "excluded VFs go to nobody, reserved ones by name" {
	in_host <<-'END'
		define web1
		pool fast '<pf dev="eth1"/><exclude index="0"/><exclude index="3-6"/><reserve index="1"/>'
		expect 0 vfpool attach web1 fast
		is "leased" "$(leased_names)" eth1/2
		refused 3 "eth1/0: pool fast excludes it" "eth1/1: pool fast reserves it" -- vfpool attach web1 eth1
		refused 3 "excludes it" -- vfpool attach web1 0000:01:10.0
		expect 3 vfpool why web1 fast
		grep -q "pool fast excludes it" out
		expect 0 vfpool attach web1 eth1/1
		is "leased" "$(leased_names)" "eth1/1 eth1/2"
		no_pools
	END
}

@test "VFs by their address; two pools on one PF, and which VF they must not share" {
	in_host <<-'END'
		define web1
		pool fast '<pf dev="eth1"/>
			<exclude><address type="pci" domain="0x0000" bus="0x01" slot="0x10" function="0x0"/></exclude>
			<reserve><address bus="0x01" slot="0x10" function="0x2"/></reserve>'
		pool slow '<pf dev="eth1"/><exclude index="1-6"/>'
		echo '<pool><name>third</name><pf dev="eth1"/><exclude index="0-2"/><exclude index="4-6"/></pool>' >third.xml
		refused 1 "pools fast and third would both have VF eth1/3" -- vfpool pool-define third.xml
		expect 0 vfpool attach web1 fast
		expect 0 vfpool attach web1 slow
		expect 0 vfpool attach web1 fast/1
		is "leased" "$(leased_names)" "eth1/0 eth1/1 eth1/2"
		# One that is written by hand is refused when it is used, and so is the other.
		cp third.xml /etc/vfpool/pools/third.xml
		changed
		for pool in fast third; do
			refused 1 "pool $pool cannot be used: it and pool .* both have VF eth1/3" -- vfpool attach web1 $pool
		done
		rm /etc/vfpool/pools/third.xml
		expect 0 vfpool detach web1 --all
		no_pools
	END
}

@test "a pool gives no more than its total, whoever asks" {
	in_host <<-'END'
		define web1
		pool few '<pf dev="eth2"/><limit total="1"/>'
		expect 0 vfpool attach web1 eth2
		refused 3 "the 1 of pool few are handed out" -- vfpool attach web1 few
		expect 3 vfpool why web1 few
		grep -q "eth2/1.*limit.*the 1 of pool few are handed out" out || fail "$(<out)"
		expect 0 vfpool detach web1
		no_pools
	END
}

@test "policies: VFs of one guest on different PFs; and the limits" {
	in_host <<-'END'
		define web1
		pool bond '<pf dev="eth*"/><policy name="anti-affinity"/><limit guest="3"/>'
		expect 0 vfpool attach web1 bond --count 2
		is "leased" "$(leased_names)" "eth1/0 eth2/0"
		expect 0 vfpool attach web1 bond
		is "leased" "$(leased_names)" "eth1/0 eth1/1 eth2/0"
		refused 3 "the guest has its 3 of pool bond" -- vfpool attach web1 bond
		expect 0 vfpool detach web1 bond
		is "leased" "$(leased_names)" ""
		no_pools
	END
}

@test "a wrong file hides no other pool" {
	in_host <<-'END'
		define web1
		pool fast '<pf dev="eth1"/>'
		cd /etc/vfpool/pools
		printf '<pool>\n<name>slow</name><speed/></pool>\n' >slow.xml
		cp fast.xml open.xml
		chmod 666 open.xml
		cd - >/dev/null
		refused 1 "/etc/vfpool/pools/slow.xml: line 2: <speed>: does not belong here; a pool has: name, pf" -- \
			vfpool attach web1 slow
		expect 0 vfpool attach web1 fast
		said "pool slow cannot be used" "open.xml can be written by everybody"
		is "leased" "$(leased_names)" eth1/0
		no_pools
	END
}

@test "pool-edit" {
	in_host <<-'END'
		pf_of() { vfpool pool-dumpxml "$1" | grep -o '<pf dev="[^"]*"/>'; }
		pool fast '<pf dev="eth1"/>'
		EDITOR=true expect 0 vfpool pool-edit fast
		said "pool fast is not changed"
		EDITOR="sed -i s/eth1/eth2/" expect 0 vfpool pool-edit fast
		is "its PF" "$(pf_of fast)" '<pf dev="eth2"/>'
		EDITOR="sed -i s/eth2//" expect 1 vfpool pool-edit fast
		said 'line 3: <pf>: dev is ""'
		is "its PF" "$(pf_of fast)" '<pf dev="eth2"/>'
		# At a terminal it asks.
		script -qec 'EDITOR="sed -i s/eth2//" vfpool pool-edit fast' /dev/null <<<$'what\nn' >terminal 2>&1 || true
		grep -qF "Edit it again? [y,n]" terminal || fail "it did not ask: $(<terminal)"
		grep -q "what was edited is thrown away" terminal || fail "it did not say so: $(<terminal)"
		is "left over" "$(find /tmp -maxdepth 1 -name 'vfpool-*')" ""
		no_pools
	END
}

@test "a pool that guests have VFs of is not undefined" {
	in_host <<-'END'
		define web1
		pool fast '<pf dev="eth1"/>'
		expect 0 vfpool attach web1 fast
		refused 1 "pool fast is in use" "web1: assignment " -- vfpool pool-undefine fast
		expect 0 vfpool pool-undefine --force fast
		is "leased" "$(leased_names)" eth1/0
		expect 0 vfpool reconcile
		expect 0 vfpool detach web1
		no_pools
	END
}
