# shellcheck shell=bash
# A host with eight PFs of seven VFs each and an NVMe controller with 32 VFs, in a lab of its own beside the
# other files': `load big` after `load helper`. It takes minutes to start, so it is left running for the next
# file; `lab down` with this LAB_NAME ends it.
if [[ ${LAB_NAME:-} != big-* ]]; then
	tree=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export LAB_NAME=big-${LAB_NAME:-${LAB_SUITE:-trixie}-$(cksum <<<"$tree" | cut -c 1-4)}
fi
export LAB_PFS=8 LAB_VFS=7 LAB_NVME_VFS=32 LAB_MEM=4G

nvme=0000:09:00.0 # what the test files call the controller
export nvme
