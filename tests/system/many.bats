#!/usr/bin/env bats
# Forty guests, 56 NICs' VFs and 32 of an NVMe controller: attach and detach in random order, held against a
# model after each step (many.py). A step is one command of vfpool, and all read back; the default 40 of them fill
# the host by a third or so, empty it by half and begin again, and four of the forty guests run. Starting the four
# takes as long as all the steps. It is the same walk each time, one that has found something; MANY_SEED takes
# another one, `MANY_SEED=$RANDOM`, and MANY_STEPS makes it longer.
load helper
load big

guest=no

@test "many guests, in random order, against a model" {
	seed=${MANY_SEED:-24202}
	run host sh -c "cd /run/vfpool-test && exec python3 /srv/vfpool/tests/system/many.py --seed $seed --steps ${MANY_STEPS:-40}"
	echo "# $output" >&3
	[[ $status == 0 ]]
	# What the run must have had in it to say anything.
	[[ $output == *" attached"* && $output == *" detached"* ]]
}

# The random walk's own guests and pools.
teardown_file() {
	host rm -rf /etc/vfpool
}
