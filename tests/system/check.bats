#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# vfpool check on an emulated host: what is really wrong is found, what the line says mends it, and
# virt-host-validate is of the same opinion.

lab="$BATS_TEST_DIRNAME/../lab/lab"

setup_file() {
	"$lab" up vfhost-a
	"$lab" build
	"$lab" reset vfhost-a
}

on() { "$lab" run vfhost-a "$@"; }

# look [ARG...]: one run of check, which verdict() and mend() then read from.
look() { lines=$(on vfpool -q check -n -o NAME,CHECK,RESULT,MEND "$@" 2>/dev/null) || true; }

# verdict NAME CHECK: one word.
verdict() { awk -v name="$1" -v check="$2" '$1 == name && $2 == check { print $3 }' <<<"$lines"; }

# mend NAME CHECK: what the line advises.
mend() {
	awk -v name="$1" -v check="$2" '
		$1 == name && $2 == check { sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, ""); print }' <<<"$lines"
}

@test "a host that hands out VFs is ready" {
	run on vfpool check
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"the host is ready"* ]]
	look
	for check in kvm iommu-kernel kernel-arguments interrupt-remapping vfio-pci memlock; do
		[ "$(verdict host $check)" = pass ]
	done
	for check in sr-iov device driver link vfs vf-functions vf-drivers vf-netdevs iommu-groups; do
		[ "$(verdict eth1 $check)" = pass ]
		[ "$(verdict eth2 $check)" = pass ]
	done
}

@test "one PF, by each of its names" {
	on ip link property add dev eth1 altname storage-net
	for name in eth1 storage-net 0000:01:00.0 01:00.0; do
		look "$name"
		[ "$(verdict eth1 vfs)" = pass ]
		[ -z "$(verdict eth2 vfs)" ]
	done
	on ip link property del dev eth1 altname storage-net
	run on vfpool check 0000:01:10.0
	[ "$status" -eq 2 ]
	[[ $output == *"is a VF"*"0000:01:00.0"* ]]
	run on vfpool check eth9
	[ "$status" -eq 1 ]
	[[ $output == *eth9* ]]
}

@test "virt-host-validate is of the same opinion" {
	local theirs
	theirs=$(on virt-host-validate qemu || true)
	look
	echo "$theirs"
	# agree PATTERN CHECK: either of them may have nothing to say.
	agree() {
		local line ours
		line=$(grep -F "$1" <<<"$theirs") || return 0
		ours=$(verdict host "$2")
		echo "$line; check: $ours"
		case $line in
		*': PASS'*) [ "$ours" = pass ] ;;
		*) [ "$ours" != pass ] ;;
		esac
	}
	agree "for hardware virtualization" kvm
	agree "if device '/dev/kvm' exists" kvm
	agree "if device '/dev/kvm' is accessible" kvm
	agree "for device assignment IOMMU support" iommu-firmware
	agree "if IOMMU is enabled by kernel" iommu-kernel
}

@test "in JSON every check has its keys" {
	run on sh -c "vfpool -q check --json |
		jq -e '[.checks[] | (.result | IN(\"pass\", \"warn\", \"fail\")) and (.check | length > 0) and
			(.message | length > 0) and ((.result == \"pass\") == (.mend == null)) and
			((.name == \"host\") == (.address == null))] | length > 20 and all'"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a PF that is down, and the line that brings it up" {
	on ip link set dev eth2 down
	look
	[ "$(verdict eth2 link)" = warn ]
	[ "$(mend eth2 link)" = "ip link set dev eth2 up" ]
	on sh -c "$(mend eth2 link)"
	look
	[ "$(verdict eth2 link)" = pass ]
}

@test "a PF without VFs is missed where it is asked for, or no other has any" {
	on sh -c 'echo 0 > /sys/class/net/eth2/device/sriov_numvfs'
	look
	[ "$(verdict eth2 vfs)" = warn ]
	run on vfpool check eth2
	[ "$status" -eq 1 ]
	[[ $output == *"fail"*"vfpool set-vfs eth2 7 --persist"* ]]
	on sh -c 'echo 0 > /sys/class/net/eth1/device/sriov_numvfs'
	run on vfpool check
	[ "$status" -eq 1 ]
	on sh -c 'for pf in eth1 eth2; do echo 7 > /sys/class/net/$pf/device/sriov_numvfs; done'
}

@test "a VF without a driver, and the line that binds it" {
	on sh -c 'echo 0000:01:10.2 > /sys/bus/pci/drivers/igbvf/unbind'
	look eth1
	[ "$(verdict eth1 vf-drivers)" = warn ]
	[[ $(mend eth1 vf-drivers) == "echo 0000:01:10.2 > /sys/bus/pci/drivers_probe,"* ]]
	on sh -c 'echo 0000:01:10.2 > /sys/bus/pci/drivers_probe'
	look eth1
	[ "$(verdict eth1 vf-drivers)" = pass ]
	on rmmod igbvf
	look eth1
	[ "$(mend eth1 vf-drivers)" = "modprobe igbvf" ]
	on modprobe igbvf
	look eth1
	[ "$(verdict eth1 vf-drivers)" = pass ]
	[ "$(verdict eth1 vf-netdevs)" = pass ]
}

@test "a VF's interface in another network namespace" {
	on ip netns add elsewhere
	on sh -c 'ip link set dev "$(ls /sys/bus/pci/devices/0000:01:10.4/net)" netns elsewhere'
	look eth1
	[ "$(verdict eth1 vf-netdevs)" = warn ]
	on ip netns delete elsewhere
	# Its interface comes back some time after.
	on timeout 30 sh -c 'until ls /sys/bus/pci/devices/0000:01:10.4/net | grep -q .; do :; done'
	look eth1
	[ "$(verdict eth1 vf-netdevs)" = pass ]
}

@test "who keeps the number of VFs" {
	local rule='ACTION=="add", SUBSYSTEM=="net", KERNELS=="0000:01:00.0", ATTR{device/sriov_numvfs}='
	look
	[ "$(verdict eth1 persistence)" = warn ]
	on sh -c "echo '$rule\"7\"' > /etc/udev/rules.d/90-test.rules"
	look
	[ "$(verdict eth1 persistence)" = pass ]
	[ "$(verdict eth2 persistence)" = warn ]
	on sh -c "echo '$rule\"3\"' > /etc/udev/rules.d/90-test.rules"
	look
	[ "$(verdict eth1 persistence)" = warn ]
	on rm /etc/udev/rules.d/90-test.rules
	on sh -c 'mkdir -p /etc/systemd/network && printf "[Match]\nPath=pci-0000:01:00.0\n[Link]\nSR-IOVVirtualFunctions=7\n" \
		> /etc/systemd/network/05-test.link'
	look
	[ "$(verdict eth1 persistence)" = pass ]
	# udev agrees on what it fits.
	run on udevadm test-builtin net_setup_link /sys/class/net/eth1
	on rm /etc/systemd/network/05-test.link
	echo "$output"
	[[ $output == *"05-test.link"* ]]
}

@test "a hook that libvirt has not seen yet" {
	look eth1
	[ "$(verdict host hook)" = pass ]
	on sh -c 'mkdir -p /etc/libvirt/hooks/qemu.d && printf "#!/bin/sh\ncat >/dev/null\n" > /etc/libvirt/hooks/qemu.d/90-test'
	look eth1
	[ "$(verdict host hook)" = warn ]
	on chmod +x /etc/libvirt/hooks/qemu.d/90-test
	look eth1
	[ "$(verdict host hook)" = warn ]
	[[ $(mend host hook) == "systemctl restart "* ]]
	on systemctl restart libvirtd
	on virsh -q version
	look eth1
	[ "$(verdict host hook)" = pass ]
	on rm /etc/libvirt/hooks/qemu.d/90-test
}

@test "without libvirt the rest is checked all the same" {
	on systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
	run on vfpool check
	on systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"1 of "*" checks failed"* ]]
	[[ $output == *"pass"*"eth1"*"iommu-groups"* ]]
}

@test "without root the rest is checked all the same" {
	run on runuser -u nobody -- vfpool check eth1
	echo "$output"
	[[ $output == *"pass"*"eth1"*"7 of at most 7"* ]]
	[[ $output == *"pass"*"eth1"*"iommu-groups"* ]]
}

@test "read only: nothing is changed by checking" {
	local before after
	state='ip -d link; cat /sys/class/net/eth[12]/device/sriov_numvfs; readlink /sys/bus/pci/devices/*/driver; find /etc /var/lib -xdev -newer /root/mark -type f; lsmod | sort'
	on touch /root/mark
	before=$(on sh -c "$state" | grep -v 'mark$')
	on vfpool check
	after=$(on sh -c "$state" | grep -v 'mark$')
	diff <(sed 's/RX.*//' <<<"$before") <(sed 's/RX.*//' <<<"$after")
}
