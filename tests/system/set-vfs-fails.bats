#!/usr/bin/env bats
# set-vfs when the kernel, the driver, the card or somebody else is in the way: each time it says what and what to do,
# and the old number and all guests' VFs come back, at once or by reconcile.
load helper

# What the scripts use here. has FILE: what the guests have by vfpool: assignment, guest address, MAC. pf_back PF
# ADDRESS: waits for one that has been away; its name was given to it when the host was booted.
preamble=$(cat <<'END'
numvfs=/sys/class/net/eth1/device/sriov_numvfs
has() { definitions | things | awk '/^have live/ { print $4, $6, $8 }' | sort >$1; }
has_netdev() { [[ -n $(netdev_of "$1" 2>/dev/null) ]]; }
has_vfio_open() { [[ -n $(find "/proc/$1/fd" -lname '*vfio/[0-9]*') ]]; }
ended() { ! kill -0 "$1" 2>/dev/null; }
pf_back() {
	local name
	until_true has_netdev "$2"
	udevadm settle --timeout=60
	name=$(netdev_of "$2")
	[[ $name == "$1" ]] && return
	ip link set "$name" down
	ip link set "$name" name "$1"
	ip link set "$1" up
}
END
)
script() { in_host < <(echo "$preamble"; cat); }

teardown() {
	[[ -n ${BATS_TEST_COMPLETED:-} ]] && return
	script <<-'END' || true
		show_state || true
		[[ ! -e qemu.pid ]] || kill "$(<qemu.pid)" || true
		echo 1 >/sys/bus/pci/rescan
		pf_back eth1 0000:01:00.0
		pf_back eth2 0000:02:00.0
	END
	fresh_host || true
}

@test "somebody else makes VFs in between: the old number comes back, and the guest's VFs" {
	script <<-'END'
		expect 0 vfpool set-vfs eth1 4
		fresh
		listen
		expect 0 vfpool --json attach testguest1 eth1 --count 2
		nic_appears "$(answer '.attached[1].mac')"
		has before
		# Each write to the number is followed by a pause, in which it can be seen to be 0.
		(
			until read -r n <$numvfs && [[ $n == 0 ]]; do read -rt 0.1 <><(:) || true; done
			echo 2 >$numvfs
		) &
		listen
		expect 1 strace -qq -f -o /dev/null -P $(readlink -f $numvfs) -e inject=write:delay_exit=2000000 \
			vfpool --json set-vfs eth1 7 --park --timeout 120
		wait
		said "making 7 VFs: eth1 has got VFs from somebody else just now" "4 VFs as before, and every guest its own" "--show"
		is "VFs" "$(<$numvfs)" 4
		has after
		diff before after || fail "the guest has not what it had"
		is "guests told of" "$(answer '[.pfs[] | .. | .state? // empty] | join(" ")')" "back back"
		nic_appears "$(head -n 1 before | cut -d ' ' -f 3)"
		expect 0 vfpool reconcile
		said "nothing to mend"
		expect 0 vfpool detach testguest1 --all
		expect 0 vfpool set-vfs eth1 7
		fresh
		all_free
	END
}

@test "the PF vanishes in the middle; when it is there again, reconcile gives the guest its VF" {
	script <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1
		nic_appears "$(answer '.attached[0].mac')"
		has before
		(
			until read -r n <$numvfs && [[ $n == 0 ]]; do read -rt 0.1 <><(:) || true; done
			echo 1 >/sys/bus/pci/devices/0000:01:00.0/remove
		) &
		expect 1 strace -qq -f -o /dev/null -P $(readlink -f $numvfs) -e inject=write:delay_exit=5000000 \
			vfpool set-vfs eth1 4 --park --timeout 120
		wait
		said "eth1 has vanished from the PCI bus" "cannot be brought back to its 7 VFs" "rescan" "reconcile"
		# It is said again for as long as it is away.
		expect 1 vfpool reconcile
		said "0000:01:00.0"
		echo 1 >/sys/bus/pci/rescan
		pf_back eth1 0000:01:00.0
		is "VFs" "$(<$numvfs)" 0
		listen
		expect 0 vfpool reconcile
		is "VFs" "$(<$numvfs)" 7
		has after
		diff before after || fail "the guest has not what it had"
		nic_appears "$(cut -d ' ' -f 3 before)"
		expect 0 vfpool detach testguest1
		fresh
		all_free
	END
}

@test "a removal that hangs is left behind at the deadline, and finished later" {
	script <<-'END'
		listen
		expect 0 vfpool --json attach testguest1 eth1/0
		nic_appears "$(answer '.attached[0].mac')"
		has before
		# One that another program may be about to use, and will when it is too late to be seen.
		echo vfio-pci >/sys/bus/pci/devices/0000:01:11.4/driver_override
		echo 0000:01:11.4 >/sys/bus/pci/drivers/igbvf/unbind
		echo 0000:01:11.4 >/sys/bus/pci/drivers_probe
		is "driver" "$(driver_of 0000:01:11.4)" vfio-pci
		qemu-system-x86_64 -S -nodefaults -display none -M q35 -m 64 -device pcie-root-port,id=rp1 \
			-monitor unix:qemu.sock,server=on,wait=off -pidfile qemu.pid -daemonize
		: >err # of the one before
		vfpool set-vfs eth1 4 --park --force --timeout 60 >out 2>err &
		vfpool=$!
		until_true grep -q "taking 1 VF of eth1 out of testguest1" err
		kill -STOP $vfpool
		echo "device_add vfio-pci,host=0000:01:11.4,bus=rp1" | socat -t 3 - UNIX-CONNECT:qemu.sock >monitor
		until_true has_vfio_open "$(<qemu.pid)"
		kill -CONT $vfpool
		got=0
		wait $vfpool || got=$?
		is "exit status" $got 1
		said "the kernel has not finished removing the VFs of eth1: process [0-9]+ waits in it" "fuser" "reconcile" \
			"1 VFs of eth1 are out of their guests"
		# Nobody gives a VF away, and nobody waits for long.
		expect 0 vfpool reconcile
		said "are being made anew" "held by process [0-9]+"
		is "leases" "$(leases | wc -l)" 0
		expect 3 vfpool attach testguest1 eth1 --timeout 1
		said "eth1 has no VFs now"
		vfpool list >listed &
		lister=$!
		until_true ended $lister
		wait $lister
		grep -q "^eth1 " listed
		kill "$(<qemu.pid)"
		until_true grep -qx 0 $numvfs
		listen
		expect 0 vfpool reconcile
		is "VFs" "$(<$numvfs)" 7
		has after
		diff before after || fail "the guest has not what it had"
		nic_appears "$(cut -d ' ' -f 3 before)"
		expect 0 vfpool detach testguest1
		fresh
		all_free
	END
}

@test "what each refusal of the kernel means" {
	script <<-'END'
		echo 0 >/sys/class/net/eth2/device/sriov_numvfs
		file=$(readlink -f /sys/class/net/eth2/device/sriov_numvfs)
		while IFS='|' read -r error what next; do
			expect 1 strace -qq -f -o /dev/null -P "$file" -e inject=write:error="$error" vfpool set-vfs eth2 5
			said "$what" "$next" "eth2 has its 0 VFs as before"
			is "VFs" "$(<"$file")" 0
		done <<-'ERRORS'
			ENOSPC|no room for 5 VFs of eth2|pci=realloc
			ERANGE|cannot have 5 VFs, but 7 at most|ask for 7 or fewer
			EBUSY|has got VFs from somebody else|--show
			EAGAIN|is busy, as after a reset|repeat the command
			EROFS|sysfs is read-only|not in a container
			EOPNOTSUPP|the driver of eth2 \(igb\) makes no VFs|firmware
			EIO|the driver of eth2 \(igb\) refuses 5 VFs: Input/output error|journalctl -k -g 0000:02:00.0
		ERRORS
		expect 0 vfpool set-vfs eth2 7
		fresh
	END
}

@test "a driver that really refuses, and says why" {
	script <<-'END'
		echo 0 >/sys/class/net/eth2/device/sriov_numvfs
		# Without MSI-X igb makes no VFs.
		pf=/sys/bus/pci/devices/0000:02:00.0
		echo 0000:02:00.0 >/sys/bus/pci/drivers/igb/unbind
		echo 0 >$pf/msi_bus
		echo 0000:02:00.0 >/sys/bus/pci/drivers/igb/bind
		pf_back eth2 0000:02:00.0
		expect 1 vfpool set-vfs eth2 3
		said "the driver of eth2 \(igb\) refuses 3 VFs" "journalctl -k -g 0000:02:00.0" "0 VFs as before"
		echo 0000:02:00.0 >/sys/bus/pci/drivers/igb/unbind
		# And without a driver nobody does.
		expect 1 vfpool set-vfs 0000:02:00.0 3
		said "no driver is bound to 0000:02:00.0" "drivers_probe"
		echo 1 >$pf/msi_bus
		echo 0000:02:00.0 >/sys/bus/pci/drivers/igb/bind
		pf_back eth2 0000:02:00.0
		expect 0 vfpool set-vfs eth2 7
		fresh
	END
}

@test "a VF whose driver does not come is bound by hand" {
	script <<-'END'
		echo 0 >/sys/class/net/eth2/device/sriov_numvfs
		# It is taken from its driver once, as soon as it has one.
		(until echo 0000:02:10.6 >/sys/bus/pci/drivers/igbvf/unbind; do :; done) 2>/dev/null &
		expect 0 vfpool set-vfs eth2 7
		wait
		is "driver" "$(driver_of 0000:02:10.6)" igbvf
		[[ -n $(netdev_of 0000:02:10.6) ]] || fail "it has no netdev"
		fresh
	END
}
