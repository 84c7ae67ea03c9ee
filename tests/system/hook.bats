#!/usr/bin/env bats
# libvirt's hook, as libvirt runs it. The guests have nothing to boot: that is not what it is about.
load helper
# shellcheck disable=SC2034
guest=no

prepare() {
	in_host <<-'END'
		rm -rf /etc/libvirt/hooks/qemu.d
		vfpool -q hook-install >/dev/null
		systemctl restart "$(daemon)"
		daemon_back
	END
}

teardown_file() {
	in_host <<-'END'
		vfpool -q hook-remove >/dev/null
		rm -rf /etc/libvirt/hooks/qemu.d
		systemctl restart "$(daemon)"
	END
}

@test "it is put where libvirt finds it, and says what it needs" {
	in_host <<-'END'
		hook=/etc/libvirt/hooks/qemu.d/vfpool
		rm -r /etc/libvirt/hooks/qemu.d
		expect 0 vfpool --json hook-install
		is "what was done" "$(answer '.hook[0] | .done + " " + .kind + " " + .restart')" "installed copy $(daemon)"
		said "systemctl restart $(daemon)"
		cmp $hook /usr/local/bin/vfpool-hook
		systemctl restart "$(daemon)"
		daemon_back
		expect 0 vfpool --json hook-install
		is "what was done then" "$(answer '.hook[0].done')" unchanged
		[[ ! -s err ]]
		expect 0 vfpool --json check
		is "check's word" "$(answer '.checks[] | select(.check == "hook") | .result + " " + .message')" "pass $hook"
		expect 0 vfpool --json hook-remove
		is "what was done last" "$(answer '.hook[0].done')" removed
		echo '#!/bin/sh' >$hook
		expect 1 vfpool hook-install
		said "is not vfpool's hook"
		rm $hook
		expect 0 vfpool -q hook-install
	END
}

@test "a guest whose VF is gone is not started, and told why; it is when the VF is back" {
	in_host <<-'END'
		define web1
		vfpool -q attach web1 eth2 --config >/dev/null
		vf=$(leases | cut -d ' ' -f 1)
		echo 0 >/sys/class/net/eth2/device/sriov_numvfs
		expect 1 virsh start web1
		said "web1 cannot start: its definition names VF $vf" "vfpool reconcile web1"
		echo 7 >/sys/class/net/eth2/device/sriov_numvfs
		until_true test -e "/sys/bus/pci/devices/$vf/driver"
		expect 0 virsh start --paused web1
		destroy web1
		# Its definition names it, so it stays the guest's.
		leases_are held
		expect 0 vfpool --json list eth2 --used
		vfpool -q detach web1 >/dev/null
		[[ -z $(leases) ]]
		forget web1
		# The VFs are others now.
		fresh
	END
}

@test "what a guest had for as long as it ran is free when it has ended" {
	in_host <<-'END'
		define web1 "$(root_ports 2)"
		virsh -q start --paused web1
		vfpool -q attach web1 eth2 --count 2 --live >/dev/null
		destroy web1
		[[ -z $(leases) ]]
		expect 0 vfpool --json events web1
		is "the last events" "$(answer '[.events[-2:][] | .was + " " + .now + " " + .cause] | unique | join(", ")')" \
			"held free hook: release end"
		forget web1
		all_free
	END
}

@test "a guest that is restored has its VF reserved, or is refused with the pool's name" {
	in_host <<-'END'
		define web1 "$(root_ports 1)"
		virsh -q start --paused web1
		virsh -q metadata web1 urn:vfpool:domain:1 --key vfpool --live --set "<assignments>
			<assignment id='0a1b2c3d' pool='eth2' form='interface'><mac address='02:00:5e:00:00:01'/>
			<parked reason='migration' host='vfhost-b'/></assignment></assignments>" >/dev/null
		virsh -q save web1 $here/web1.saved >/dev/null
		for ((i = 1; i <= 7; i++)); do
			define "other$i"
			vfpool -q attach "other$i" eth2 --config >/dev/null
		done
		expect 1 virsh restore $here/web1.saved
		said "web1 cannot be restored: it needs a VF of pool eth2 .assignment 0a1b2c3d.: none of the 7 VFs of eth2 is free"
		vfpool -q detach other3 >/dev/null
		vf=$(vf_address eth2 2)
		expect 0 virsh restore --paused $here/web1.saved
		leases_are reserved
		expect 0 vfpool --json list eth2/2
		is "its state and holder" "$(answer '.. | select(.type? == "vf") | .state + " " + .holder')" "reserved web1"
		vfpool -q reconcile web1 >/dev/null
		[[ $(leases) == *"$vf 0a1b2c3d web1 held"* ]]
		destroy web1
		[[ $(leases) != *web1* ]]
		forget web1 other{1..7}
		vfpool -q reconcile >/dev/null
		all_free
	END
}

@test "a store of rubbish stops nobody without assignments, and kills nobody" {
	in_host <<-'END'
		define web1 "$(root_ports 1)"
		define web2
		vfpool -q attach web1 eth2 --config >/dev/null
		virsh -q start --paused web1
		# The log may hold all that is in it, and then does.
		sqlite3 $store 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
		cp $store good.db
		for file in $store $store-wal; do head -c 65536 /dev/urandom >$file; done
		systemctl restart "$(daemon)"
		daemon_back
		is "web1 after the restart" "$(virsh -q domstate web1)" paused
		expect 0 virsh start --paused web2
		destroy web2
		destroy web1
		expect 1 virsh start web1
		said "web1 cannot start: the lease store $store is damaged"
		# The hook's own answers, and how it gives them.
		xml=$(virsh -q dumpxml web1)
		for op in 'reconnect begin' 'start begin' 'stopped end' 'release end' 'attach begin'; do
			# shellcheck disable=SC2086
			expect 0 vfpool-hook web1 $op - <<<"$xml"
			[[ ! -s out ]]
		done
		rm -f $store-wal $store-shm
		cp good.db $store
		expect 0 virsh start --paused web1
		destroy web1
		vfpool -q detach web1 >/dev/null
		forget web1 web2
		all_free
	END
}

@test "a store that another process keeps locked is not waited for" {
	in_host <<-'END'
		define web1 "$(root_ports 1)"
		virsh -q start --paused web1
		vfpool -q attach web1 eth2 --live >/dev/null
		define web2 "$(root_ports 1)"
		virsh -q metadata web2 urn:vfpool:domain:1 --key vfpool --config --set "<assignments>
			<assignment id='0a1b2c3d' pool='eth2' form='interface'><mac address='02:00:5e:00:00:01'/>
			<parked reason='migration' host='vfhost-b'/></assignment></assignments>" >/dev/null
		virsh -q dumpxml web1 >web1.xml
		virsh -q dumpxml web2 >web2.xml
		exec {lock}> >(sqlite3 -bail -cmd '.timeout 10000' $store >locked)
		writer=$!
		echo "BEGIN IMMEDIATE; SELECT 'locked';" >&$lock
		until_true test -s locked
		expect 1 vfpool-hook web2 migrate begin - <web2.xml
		said "another process has been writing to it for 0.4 s"
		expect 0 vfpool-hook web1 reconnect begin - <web1.xml
		expect 0 vfpool-hook web3 migrate begin - <<<"$(domain web3)"
		# Nothing keeps a guest from ending; whoever comes next frees its VF.
		destroy web1
		exec {lock}>&-
		wait $writer
		leases_are held
		forget web1 web2
		expect 0 vfpool reconcile
		all_free
	END
}
