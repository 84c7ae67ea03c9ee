#!/usr/bin/env bats
# Several at once, and an end in the middle: no VF is promised twice, none is lost, and one reconcile puts
# everything right, so that a second one finds nothing to do.
load helper

@test "two attaches at once for the last VF: exactly one wins" {
	in_host <<-'END'
		define filler
		expect 0 vfpool attach filler eth2 --count 6
		for name in web1 web2; do
			define $name "$(root_ports 1)"
			virsh -q start --paused $name
		done
		vfpool attach web1 eth2 2>err1 >out1 & first=$!
		vfpool attach web2 eth2 2>err2 >out2 & second=$!
		status1=0 status2=0
		wait $first || status1=$?
		wait $second || status2=$?
		is "exit statuses" "$(printf '%s\n' $status1 $status2 | sort -n | paste -sd' ')" "0 3" || cat err1 err2
		is "leases" "$(leases | wc -l)" 7
		grep -q "held by filler\|plugging by web\|held by web\|claimed by web" err1 err2
		sound
		forget web1 web2
		expect 0 vfpool detach filler --all
		mended
		forget filler
		all_free
	END
}

@test "ten at once for seven VFs: exactly seven win" {
	in_host <<-'END'
		for i in {1..10}; do
			domain many$i >many$i.xml
		done
		virsh -q "$(printf 'define many%s.xml;' {1..10})" >/dev/null
		jobs=()
		for i in {1..10}; do
			vfpool attach many$i eth2 --config >out$i 2>err$i & jobs+=($!)
		done
		statuses=
		for job in "${jobs[@]}"; do
			status=0
			wait $job || status=$?
			statuses+="$status "
		done
		is "exit statuses" "$(tr ' ' '\n' <<<"$statuses" | sort -n | xargs)" "0 0 0 0 0 0 0 3 3 3"
		is "VFs" "$(definitions | things | awk '/^have/ { print $5 }' | sort -u | wc -l)" 7
		sound
		expect 0 vfpool reconcile
		said "nothing to mend"
		for i in {1..10}; do virsh -q undefine many$i; done
		mended
		all_free
	END
}

@test "three at once for one guest wait for each other" {
	in_host <<-'END'
		define web1 "$(root_ports 3)"
		virsh -q start --paused web1
		for i in 1 2 3; do
			vfpool attach web1 eth2 >out$i 2>err$i &
		done
		for i in 1 2 3; do wait -n || { cat err?; fail "one failed"; }; done
		sound
		is "leases" "$(leases | wc -l)" 3
		forget web1
		mended
		all_free
	END
}

@test "a VF that somebody else takes meanwhile is passed over for the next" {
	in_host <<-'END'
		define web1 "$(root_ports 1)"
		define other "$(root_ports 1)"
		virsh -q start --paused web1
		virsh -q start --paused other
		# It stops at its Nth write of the store, for the first N by which its claim is in the store. Nothing but the
		# store has been touched by then.
		for ((n = 1; ; n++)); do
			: >calls # of the one before
			strace -f -qq -o calls -e trace=fdatasync -e inject=fdatasync:signal=SIGSTOP:when=$n \
				vfpool --json attach web1 eth2 --form hostdev >answer 2>words & job=$!
			until_true grep -q "stopped by SIGSTOP" calls
			held=$(pgrep -P $job)
			leases_are claimed && break
			is "leases before the claim" "$(leases)" ""
			kill -KILL "$held"
			wait $job || true
			vfpool -q reconcile
		done
		is "the lease" "$(leases | cut -d ' ' -f 1,4)" "0000:02:10.0 claimed"
		virsh -q attach-device other <(hostdev 0000:02:10.0) --live
		kill -CONT "$held"
		held=
		wait $job || { cat words; fail "it did not take the next"; }
		is "the VF" "$(jq -r '.attached[0].name' answer)" eth2/1
		sound
		forget other web1
		mended
		all_free
	END
}

# dies_at CALL N CMD...: runs it; true when kill -9 met it at its Nth such call to the kernel, false when it was done
# before it came to that. So a loop over N needs to know no numbers.
dies_at='
	dies_at() {
		local call=$1 n=$2 got=0
		shift 2
		strace -f -qq -o /dev/null -e trace=$call -e inject=$call:signal=SIGKILL:when=$n "$@" >out 2>err || got=$?
		[[ $got == 137 || $got == 0 ]] || { cat err >&2; fail "at $call $n: exit $got"; }
		echo "at $call $n: exit $got, then: $(leases | paste -sd,)"
		[[ $got == 137 ]]
	}'

@test "attach killed with -9 at each write of the store, and between settings: reconcile puts it right" {
	in_host <<-END
		$dies_at
		define web1 "\$(root_ports 14)"
		virsh -q start --paused web1
		vfpool -q reconcile
		mended_with_room() {
			mended
			((\$(leases | wc -l) < 5)) && return
			virsh -q destroy web1
			mended
			virsh -q start --paused web1
		}
		what=(eth1 "eth2 --form hostdev --vlan 7")
		for ((n = 1; ; n++)); do
			dies_at fdatasync \$n vfpool attach web1 \${what[n % 2]} || break
			mended_with_room
		done
		# It claims and plugs; that it holds is not waited for.
		((n > 2)) || fail "it was killed \$((n - 1)) times"
		for ((n = 2; ; n += 3)); do
			dies_at pwrite64 \$n vfpool attach web1 \${what[n % 2]} || break
			mended_with_room
		done
		((n > 2)) || fail "it was not killed at all"
		for ((n = 4; ; n += 7)); do
			dies_at sendmsg \$n vfpool attach web1 \${what[1]} || break
			mended_with_room
		done
		((n > 4)) || fail "it was not killed at all"
		sound
		forget web1
		mended
		all_free
	END
}

@test "attach killed with -9 while libvirt plugs: reconcile puts it right" {
	in_host <<-'END'
		define web1 "$(root_ports 3)"
		virsh -q start --paused web1
		for what in eth1 "eth2 --form hostdev --vlan 7"; do
			hold web1
			vfpool attach web1 $what >out 2>err & job=$!
			until_true leases_are plugging
			until_true is_busy web1
			killed $job
			let_go web1
			mended
		done
		forget web1
		mended
		all_free
	END
}

@test "detach from a definition killed with -9 at each write of the store: reconcile puts it right" {
	in_host <<-END
		$dies_at
		define web1
		expect 0 vfpool attach web1 eth1 --count 5 --form hostdev --vlan 9
		for ((n = 1; ; n += 2)); do
			dies_at pwrite64 \$n vfpool detach web1 eth1/\$((n % 5)) || break
			mended
			[[ \$(leases | wc -l) == 5 ]] || expect 0 vfpool attach web1 eth1/\$((n % 5)) --form hostdev
		done
		((n > 1)) || fail "it was not killed at all"
		expect 0 vfpool detach web1 --all
		forget web1
		all_free
	END
}

@test "detach from a running guest killed with -9, at writes of the store and while libvirt unplugs" {
	in_host <<-END
		$dies_at
		attached() {
			[[ -z \$(leases) ]] || return 0
			listen
			expect 0 vfpool --json attach testguest1 eth1 --form hostdev --vlan 8
			nic_appears "\$(answer '.attached[0].mac')"
		}
		for ((n = 2; ; n += 4)); do
			attached
			dies_at pwrite64 \$n vfpool detach testguest1 eth1 || break
			mended
		done
		((n > 2)) || fail "it was not killed at all"
		attached
		hold testguest1
		vfpool detach testguest1 eth1 >out 2>err & job=\$!
		until_true is_busy testguest1
		leases_are held
		killed \$job
		let_go testguest1
		mended
		expect 0 vfpool detach testguest1 --all
		all_free
	END
}

@test "libvirt restarted in the middle of attach" {
	in_host <<-'END'
		define web1 "$(root_ports 4)"
		virsh -q start --paused web1
		hold web1
		vfpool attach web1 eth2 >out 2>err & job=$!
		until_true leases_are plugging
		until_true is_busy web1
		systemctl restart --no-block "$(daemon)"
		let_go web1
		status=0
		wait $job || status=$?
		[[ $status == 0 ]] || said "libvirt"
		daemon_back
		mended
		forget web1
		mended
		all_free
	END
}

@test "libvirt killed in the middle of attach: what QEMU still did, libvirt does not know" {
	in_host <<-'END'
		define web1 "$(root_ports 4)"
		define other
		virsh -q start --paused web1
		hold web1
		vfpool attach web1 eth2 >out 2>err & job=$!
		until_true leases_are plugging
		until_true is_busy web1
		# It has asked QEMU, and ends before it hears the answer.
		systemctl kill -s STOP "$(daemon)"
		let_go web1
		until_true grep -q 1 /sys/bus/pci/devices/0000:02:10.0/enable
		systemctl kill -s KILL "$(daemon)"
		status=0
		wait $job || status=$?
		is "its exit status" $status 1
		said "libvirt"
		daemon_back
		# The VF is in web1 as long as that runs, and goes to nobody else.
		expect 1 vfpool reconcile
		said "has lost sight of it: shut web1 down and start it again"
		is "its driver" "$(driver_of 0000:02:10.0)" vfio-pci
		expect 3 vfpool attach other eth2/0
		said "by web1"
		virsh -q destroy web1
		mended
		forget web1 other
		all_free
	END
}

@test "libvirt restarted, and killed, in the middle of detach" {
	in_host <<-'END'
		for how in "restart --no-block" "kill -s KILL"; do
			listen
			expect 0 vfpool --json attach testguest1 eth1
			nic_appears "$(answer '.attached[0].mac')"
			hold testguest1
			vfpool detach testguest1 eth1 >out 2>err & job=$!
			until_true is_busy testguest1
			systemctl $how "$(daemon)"
			let_go testguest1
			status=0
			wait $job || status=$?
			[[ $status == 0 ]] || said "libvirt"
			daemon_back
			mended
			all_free
		done
	END
}

@test "the store is lost: reconcile makes the leases anew from the guests" {
	in_host <<-'END'
		define web1 "$(root_ports 2)"
		define web2
		virsh -q start --paused web1
		expect 0 vfpool attach web1 eth2 --persistent
		expect 0 vfpool attach web1 eth2 --live
		expect 0 vfpool attach web2 eth2
		leases | sort >had
		rm -rf /var/lib/vfpool
		mended
		leases | sort | diff had -
		expect 0 vfpool detach web2
		virsh -q destroy web1
		expect 0 vfpool detach web1 --all
		forget web1 web2
		mended
		all_free
	END
}
