#!/usr/bin/env bats
# check: what is really wrong with the host is found, what its line says mends it, and virt-host-validate is of
# the same opinion.
load helper

guest=no

@test "a host that hands out VFs is ready" {
	in_host <<-'END'
		expect 0 vfpool check
		said "the host is ready"
		look
		for check in kvm iommu-kernel kernel-arguments interrupt-remapping vfio-pci memlock; do
			verdict host $check pass
		done
		for pf in eth1 eth2; do
			for check in sr-iov device driver link vfs vf-functions vf-drivers vf-netdevs iommu-groups; do
				verdict $pf $check pass
			done
		done
	END
}

@test "one PF, by each of its names; what is no PF" {
	in_host <<-'END'
		ip link property add dev eth1 altname storage-net
		for name in eth1 storage-net 0000:01:00.0 01:00.0; do
			look "$name"
			verdict eth1 vfs pass
			verdict eth2 vfs ''
		done
		ip link property del dev eth1 altname storage-net
		expect 2 vfpool check 0000:01:10.0
		said "is a VF" "0000:01:00.0"
		expect 1 vfpool check eth9
		said eth9
	END
}

@test "virt-host-validate is of the same opinion" {
	in_host <<-'END'
		virt-host-validate qemu >theirs 2>&1 || true
		look
		# agree WORDS CHECK: it may have nothing to say, by that name.
		agreed=0
		agree() {
			local line
			line=$(grep -F "$1" theirs) || return 0
			agreed=$((agreed + 1))
			case $line in
			*': PASS'*) verdict host "$2" pass ;;
			*) [[ $(result_of host "$2") != pass ]] || fail "check passes $2, and $line" ;;
			esac
		}
		agree "for hardware virtualization" kvm
		agree "if device '/dev/kvm' exists" kvm
		agree "if device '/dev/kvm' is accessible" kvm
		agree "for device assignment IOMMU support" iommu-firmware
		agree "if IOMMU is enabled by kernel" iommu-kernel
		((agreed >= 4)) || { cat theirs; fail "only $agreed lines were known"; }
	END
}

@test "in JSON every check has its keys" {
	in_host <<-'END'
		expect 0 vfpool -q check --json
		jq -e '[.checks[] | (.result | IN("pass", "warn", "fail")) and (.check | length > 0) and
			(.message | length > 0) and ((.result == "pass") == (.mend == null)) and
			((.name == "host") == (.address == null))] | length > 20 and all' out
	END
}

@test "a PF that is down, and the line that brings it up" {
	in_host <<-'END'
		carrier() { [[ $(<"/sys/class/net/$1/carrier") == 1 ]]; }
		ip link set dev eth2 down
		look
		verdict eth2 link warn
		is "the mend" "$(mend eth2 link)" "ip link set dev eth2 up"
		bash -c "$(mend eth2 link)"
		until_true carrier eth2
		look
		verdict eth2 link pass
	END
}

@test "a PF without VFs is missed where it is asked for, or no other has any" {
	in_host <<-'END'
		echo 0 >/sys/class/net/eth2/device/sriov_numvfs
		look
		verdict eth2 vfs warn
		expect 1 vfpool check eth2
		grep -q "fail .*vfpool set-vfs eth2 7 --persist" out || fail "no mend: $(<out)"
		echo 0 >/sys/class/net/eth1/device/sriov_numvfs
		expect 1 vfpool check
		for pf in eth1 eth2; do echo 7 >/sys/class/net/$pf/device/sriov_numvfs; done
		fresh
	END
}

@test "a VF without a driver, and the lines that bring it back" {
	in_host <<-'END'
		echo 0000:01:10.2 >/sys/bus/pci/drivers/igbvf/unbind
		look eth1
		verdict eth1 vf-drivers warn
		[[ $(mend eth1 vf-drivers) == "echo 0000:01:10.2 > /sys/bus/pci/drivers_probe,"* ]] || fail "$(mend eth1 vf-drivers)"
		echo 0000:01:10.2 >/sys/bus/pci/drivers_probe
		look eth1
		verdict eth1 vf-drivers pass
		rmmod igbvf
		look eth1
		is "the mend" "$(mend eth1 vf-drivers)" "modprobe igbvf"
		modprobe igbvf
		look eth1
		verdict eth1 vf-drivers pass
		verdict eth1 vf-netdevs pass
		fresh
	END
}

@test "a VF's interface in another network namespace" {
	in_host <<-'END'
		back() { [[ -n $(netdev_of 0000:01:10.4) ]]; }
		ip netns add elsewhere
		ip link set dev "$(netdev_of 0000:01:10.4)" netns elsewhere
		look eth1
		verdict eth1 vf-netdevs warn
		ip netns delete elsewhere
		# The kernel takes it out of there some time after.
		until_true back
		look eth1
		verdict eth1 vf-netdevs pass
		all_free
	END
}

@test "who keeps the number of VFs" {
	in_host <<-'END'
		rule='ACTION=="add", SUBSYSTEM=="net", KERNELS=="0000:01:00.0", ATTR{device/sriov_numvfs}='
		link=/etc/systemd/network/05-test.link rules=/etc/udev/rules.d/90-test.rules
		at_end() { rm -f $link $rules; }
		look
		verdict eth1 persistence warn
		echo "$rule\"7\"" >$rules
		look
		verdict eth1 persistence pass
		verdict eth2 persistence warn
		echo "$rule\"3\"" >$rules
		look
		verdict eth1 persistence warn
		rm $rules
		mkdir -p "${link%/*}"
		printf '[Match]\nPath=pci-0000:01:00.0\n[Link]\nSR-IOVVirtualFunctions=7\n' >$link
		look
		verdict eth1 persistence pass
		# udev agrees on what it fits.
		udevadm test-builtin net_setup_link /sys/class/net/eth1 >words 2>&1 || true
		grep -q "05-test.link" words || { cat words; fail "udev does not take it for eth1's"; }
	END
}

@test "vfpool's hook: missing, not seen by libvirt yet, seen; and one that cannot be run" {
	in_host <<-'END'
		other=/etc/libvirt/hooks/qemu.d/90-test
		at_end() { rm -f $other; vfpool -q hook-remove || true; }
		look eth1
		verdict host hook warn
		is "the mend" "$(mend host hook)" "vfpool hook-install"
		expect 0 vfpool hook-install
		look eth1
		verdict host hook warn
		[[ $(mend host hook) == "systemctl restart "* ]] || fail "$(mend host hook)"
		systemctl restart libvirtd
		daemon_back
		virsh -q version >/dev/null
		look eth1
		verdict host hook pass
		printf '#!/bin/sh\ncat >/dev/null\n' >$other
		look eth1
		verdict host hook warn
		[[ $(mend host hook) == "chmod +x $other"* ]] || fail "$(mend host hook)"
	END
}

@test "without libvirt the rest is checked all the same" {
	in_host <<-'END'
		at_end() { systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket; }
		systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
		expect 1 vfpool check
		said "1 of [0-9]+ checks failed"
		grep -q "pass .*eth1 .*iommu-groups" out
	END
}

@test "without root the rest is checked all the same" {
	in_host <<-'END'
		runuser -u nobody -- vfpool check eth1 >out 2>err || true
		grep -q "pass .*eth1 .*7 of at most 7" out || fail "$(<out)"
		grep -q "pass .*eth1 .*iommu-groups" out || fail "$(<out)"
	END
}

@test "nothing is changed by checking" {
	in_host <<-'END'
		files() {
			readlink /sys/bus/pci/devices/*/driver
			find /etc /var/lib -xdev -newer mark -type f
			lsmod | awk '{ print $1 }' | sort
		}
		touch mark
		{ state; files; } >before
		expect 0 vfpool check
		{ state; files; } >after
		diff before after || fail "it changed something"
	END
}
