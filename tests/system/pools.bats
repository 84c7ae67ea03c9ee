#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Pools on an emulated host with two PFs of seven VFs each: defined, found by every name of a PF, and
# in effect on what a guest gets.

lab="$BATS_TEST_DIRNAME/../lab/lab"

setup_file() {
	"$lab" up vfhost-a
	"$lab" build -s
	"$lab" reset vfhost-a
	"$lab" guest testguest1
}

on() { "$lab" run vfhost-a "$@"; }

setup() { on rm -rf /etc/vfpool; }

teardown() {
	on vfpool -q detach testguest1 --all >/dev/null || true
	on rm -rf /etc/vfpool
}

# define NAME INSIDE: a pool from the standard input.
define() { on vfpool -q pool-define - <<<"<pool><name>$1</name>$2</pool>"; }

# leased: the VFs that vfpool has given away, in a line.
leased() { on vfpool list --used --no-guests -n -o NAME 2>/dev/null | xargs; }

# vf PF INDEX FIELD: of what the kernel says of a VF.
vf() {
	on ip -json link show "$1" |
		python3 -c 'import json, sys
vf = json.load(sys.stdin)[0]["vfinfo_list"][int(sys.argv[1])]
print(json.dumps(vf[sys.argv[2]]))' "$2" "$3"
}

@test "without a definition nothing is different" {
	[ "$(on vfpool pool-list -n)" = "" ]
	run on vfpool pool-dumpxml eth1
	[ "$status" -eq 1 ]
	on vfpool -q attach testguest1 eth1
	[ "$(leased)" = eth1/0 ]
}

@test "a pool is defined, shown, listed and undefined" {
	define fast '<pf dev="eth1"/><exclude index="0-1"/>'
	[ "$(on stat -c '%a %U' /etc/vfpool/pools /etc/vfpool/pools/fast.xml | xargs)" = \
		"755 root 644 root" ]
	[[ $(on vfpool pool-dumpxml fast) == *'<exclude index="0-1"/>'* ]]
	[ "$(on vfpool pool-list -n -o NAME,STATE,PFS,VFS,FREE | xargs)" = "fast usable eth1 5 5" ]
	on sh -c 'vfpool pool-dumpxml fast | sed "s/0-1/0/" | vfpool -q pool-define -'
	[ "$(on vfpool pool-list -n -o VFS)" = 6 ]
	on vfpool -q pool-undefine fast
	[ "$(on vfpool pool-list -n)" = "" ]
}

@test "what is wrong is told by line, and nothing is kept of it" {
	run on vfpool pool-define - <<<$'<pool>\n<name>fast</name>\n<pf device="eth1"/></pool>'
	[ "$status" -eq 1 ]
	[[ $output == *'line 3: <pf>: has an unknown attribute "device"; it can have: dev, driver'* ]]
	define fast '<pf dev="eth1"/>'
	run define slow '<pf driver="igb"/>'
	[ "$status" -eq 1 ]
	[[ $output == *"pools fast and slow would both have PF eth1 (0000:01:00.0)"* ]]
	[ "$(on ls /etc/vfpool/pools)" = fast.xml ]
}

@test "a PF by each of its names, and by what it is" {
	on ip link property add dev eth2 altname uplink
	ids=$(on sh -c 'cd /sys/class/net/eth2/device && cat vendor device' | xargs)
	address=$(on sh -c 'basename "$(readlink /sys/class/net/eth2/device)"')
	for pf in '<pf dev="eth2"/>' '<pf dev="uplink"/>' '<pf dev="up*"/>' '<pf dev="?th[2]"/>' \
		"<pf dev='eth2' driver='igb' vendor='${ids% *}' product='${ids#* }'/>" \
		"<pf><address domain='0x${address%%:*}' bus='0x${address:5:2}' slot='0x${address:8:2}' function='0x${address:11:1}'/></pf>"; do
		define some "$pf"
		[ "$(on vfpool pool-list -n -o PFS)" = eth2 ]
	done
	on ip link property del dev eth2 altname uplink
	define some "<pf vendor='${ids% *}'/>"
	[ "$(on vfpool pool-list -n -o PFS)" = eth1,eth2 ]
	define some "<pf dev='eth9'/>"
	[ "$(on vfpool pool-list -n -o STATE)" = no-pf ]
	run on vfpool attach testguest1 some
	[ "$status" -eq 1 ]
	[[ $output == *"pool some has no PF on this host"* ]]
}

@test "a pool's defaults are on the VF, options come first, and all is put back" {
	before=$(on ip link show eth1 | grep -A1 'vf 0')
	define fast '<pf dev="eth1"/><device form="hostdev"/><vlan><tag id="10" qos="3"/></vlan>
		<settings spoofchk="off"/>'
	on vfpool -q attach testguest1 fast
	[ "$(vf eth1 0 spoofchk)" = false ]
	[[ $(on ip link show eth1 | grep 'vf 0') == *"vlan 10, qos 3"* ]]
	[[ $(on virsh dumpxml testguest1) == *"<hostdev mode='subsystem' type='pci' managed='yes'>"* ]]
	on vfpool -q reconcile
	on vfpool -q detach testguest1 fast
	[ "$(on ip link show eth1 | grep -A1 'vf 0')" = "$before" ]
	on vfpool -q attach testguest1 fast --form interface --vlan 20 --spoofchk on
	[ "$(vf eth1 0 spoofchk)" = true ]
	[[ $(on ip link show eth1 | grep 'vf 0') == *"vlan 20"* ]]
	[[ $(on virsh dumpxml testguest1) == *"<interface type='hostdev' managed='yes'>"* ]]
}

@test "excluded VFs go to nobody, reserved ones by name" {
	define fast '<pf dev="eth1"/><exclude index="0"/><exclude index="3-6"/><reserve index="1"/>'
	on vfpool -q attach testguest1 fast
	[ "$(leased)" = eth1/2 ]
	run on vfpool attach testguest1 eth1
	[ "$status" -eq 3 ]
	[[ $output == *"eth1/0: pool fast excludes it"* ]]
	[[ $output == *"eth1/1: pool fast reserves it"* ]]
	run on vfpool attach testguest1 0000:01:10.0
	[ "$status" -eq 3 ]
	run on vfpool why testguest1 fast
	[ "$status" -eq 3 ]
	[[ $output == *"pool fast excludes it"* ]]
	on vfpool -q attach testguest1 eth1/1
	[ "$(leased)" = "eth1/1 eth1/2" ]
}

@test "policies: VFs of one guest on different PFs; and the limits" {
	define bond '<pf dev="eth*"/><policy name="anti-affinity"/><limit guest="3"/>'
	on vfpool -q attach testguest1 bond --count 2
	[ "$(leased)" = "eth1/0 eth2/0" ]
	on vfpool -q attach testguest1 bond
	[ "$(leased)" = "eth1/0 eth1/1 eth2/0" ]
	run on vfpool attach testguest1 bond
	[ "$status" -eq 3 ]
	[[ $output == *"the guest has its 3 of pool bond"* ]]
	on vfpool -q detach testguest1 bond
	[ "$(leased)" = "" ]
}

@test "a wrong file hides no other pool" {
	define fast '<pf dev="eth1"/>'
	on sh -c 'cd /etc/vfpool/pools && echo "<pool>
<name>slow</name><speed/></pool>" >slow.xml && cp fast.xml open.xml && chmod 666 open.xml'
	run on vfpool attach testguest1 slow
	[ "$status" -eq 1 ]
	[[ $output == *"/etc/vfpool/pools/slow.xml: line 2: <speed>: does not belong here; a pool has: name, pf"* ]]
	run on vfpool attach testguest1 fast
	[ "$status" -eq 0 ]
	[[ $output == *"pool slow cannot be used"* ]]
	[[ $output == *"open.xml can be written by everybody"* ]]
	[ "$(leased)" = eth1/0 ]
}

@test "pool-edit" {
	define fast '<pf dev="eth1"/>'
	run on env EDITOR=true vfpool pool-edit fast
	[ "$status" -eq 0 ]
	[[ $output == *"pool fast is not changed"* ]]
	run on env "EDITOR=sed -i s/eth1/eth2/" vfpool pool-edit fast
	[ "$status" -eq 0 ]
	[[ $(on vfpool pool-dumpxml fast) == *'<pf dev="eth2"/>'* ]]
	run on env "EDITOR=sed -i s/eth2//" vfpool pool-edit fast
	[ "$status" -eq 1 ]
	[[ $output == *'line 3: <pf>: dev is ""'* ]]
	[[ $(on vfpool pool-dumpxml fast) == *'<pf dev="eth2"/>'* ]]
	# At a terminal it asks.
	run on script -qec 'EDITOR="sed -i s/eth2//" vfpool pool-edit fast' /dev/null <<<$'what\nn'
	[[ $output == *"Edit it again? [y,n]"*"what was edited is thrown away"* ]]
	[ "$(on sh -c 'ls -d /tmp/vfpool-* 2>/dev/null | wc -l')" = 0 ]
}

@test "a pool that guests have VFs of is not undefined" {
	define fast '<pf dev="eth1"/>'
	on vfpool -q attach testguest1 fast
	run on vfpool pool-undefine fast
	[ "$status" -eq 1 ]
	[[ $output == *"pool fast is in use"*"testguest1: assignment "* ]]
	on vfpool -q pool-undefine --force fast
	[ "$(leased)" = eth1/0 ]
	on vfpool -q reconcile
	on vfpool -q detach testguest1
	[ "$(leased)" = "" ]
}
