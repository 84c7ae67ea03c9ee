#!/usr/bin/env bats
# check on machines of other kinds than the lab's usual one, each booted for it: what their firmware, their processor and
# their kernel's arguments are is found, and virt-host-validate finds the same.
bats_require_minimum_version 1.5.0

lab="$BATS_TEST_DIRNAME/../lab/lab"
export LAB_NAME=machine-${LAB_SUITE:-trixie}-$(cksum <<<"$BATS_TEST_DIRNAME" | cut -c 1-4) LAB_PFS=1 LAB_MEM=1G

on() { "$lab" run vfhost-a "$@"; }

teardown() { "$lab" down vfhost-a; }

# boots IOMMU [ARGUMENTS]: such a machine, and what both programs say of it.
boots() {
	LAB_IOMMU=$1 LAB_KERNEL_ARGS=${2:-} "$lab" up vfhost-a
	lines=$(on vfpool -q check -n -o NAME,CHECK,RESULT,MESSAGE,MEND 2>/dev/null) || true
	theirs=$(on virt-host-validate qemu) || true
	printf '%s\n' "$lines" "$theirs"
}

# finds NAME CHECK RESULT WORDS: a line with all of these.
finds() { grep -E -- "^$1 +$2 +$3 .*$4" <<<"$lines"; }

# agree WORDS CHECK: where virt-host-validate says something of this, it is of the same opinion. Its FAIL and WARN tell
# what is needed by whom, and not the same as ours.
agree() {
	local line ours
	line=$(grep -F -- "$1" <<<"$theirs") || return 0
	ours=$(awk -v check="$2" '$1 == "host" && $2 == check { print $3 }' <<<"$lines")
	case $line in
	*': PASS'*) [ "$ours" = pass ] ;;
	*) [ "$ours" = warn ] || [ "$ours" = fail ] ;;
	esac
}

agree_on_all() {
	agree "for hardware virtualization" kvm
	agree "if device '/dev/kvm' exists" kvm
	agree "if device '/dev/kvm' is accessible" kvm
	agree "for device assignment IOMMU support" iommu-firmware
	agree "if IOMMU is enabled by kernel" iommu-kernel
}

@test "AMD's IOMMU: ready without an argument for it" {
	boots amd
	finds host iommu-firmware pass "AMD-Vi, by the ACPI table IVRS"
	finds host iommu-kernel pass "the kernel uses it"
	finds host kernel-arguments pass ""
	finds eth1 iommu-groups pass "alone"
	# This time the other program has an opinion of the kernel, too.
	grep -F "if IOMMU is enabled by kernel" <<<"$theirs"
	agree_on_all
	run on vfpool check
	[ "$status" -eq 0 ]
}

@test "an argument that turns the IOMMU off, and the line that mends it" {
	boots amd amd_iommu=off
	finds host iommu-firmware pass "IVRS"
	finds host iommu-kernel fail "uses no IOMMU.* amd_iommu=off"
	finds host kernel-arguments fail "amd_iommu=off turns the IOMMU off"
	agree_on_all
	run on vfpool check
	[ "$status" -eq 1 ]
}

@test "no IOMMU at all" {
	boots none
	finds host iommu-firmware fail "no ACPI table IVRS: AMD-Vi is off, or not there .*virtual machine"
	finds host iommu-kernel fail "see iommu-firmware"
	agree_on_all
	# Neither a device nor a driver is missed that is there, and without an IOMMU nobody asks for groups.
	finds eth1 vfs pass "7 of at most 7"
	[ -z "$(finds eth1 iommu-groups .)" ]
}

@test "an IOMMU that does not remap interrupts, and VFs that share their IOMMU group" {
	LAB_PFS=2 LAB_NO_ACS=eth2 boots intel intremap=off
	finds eth1 iommu-groups pass "alone"
	finds eth2 iommu-groups fail "not isolated, so unusable: 0-6"
	finds host iommu-kernel pass "uses it"
	finds host interrupt-remapping fail "VFIO gives no VF to a guest.*intremap=off"
	agree_on_all
	run on vfpool why testguest1 eth2
	[[ $output == *"it shares IOMMU group"* ]]
	run on vfpool attach testguest1 eth2 --config
	echo "$output"
	[[ $status -eq 3 && $output == *"shares IOMMU group"*"vfpool check eth2"* ]]
	# That is what libvirt finds, too.
	run on virsh nodedev-detach pci_0000_01_10_0
	echo "$output"
	on sh -c 'echo 1 >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts'
	lines=$(on vfpool -q check -n -o NAME,CHECK,RESULT,MESSAGE,MEND 2>/dev/null) || true
	finds host interrupt-remapping warn "allowed to be by allow_unsafe_interrupts"
}
