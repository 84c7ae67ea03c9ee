#!/usr/bin/env bats
# Whatever breaks while a guest moves to another host: it runs on one of them, with all its VFs there, at the same
# addresses, and nothing is kept for it on the other.
load ../helper
load ../two_hosts

# The move goes on when a script has ended: start_move ARGUMENTS; move_ended STATUS WORDS...
common+='
	start_move() {
		systemctl reset-failed move 2>/dev/null || true
		systemd-run -q --unit=move --remain-after-exit -p StandardOutput=truncate:$here/out \
			-p StandardError=truncate:$here/err vfpool migrate "$@"
	}
	move_runs() { [[ $(systemctl show -P SubState move) == running ]]; }
	move_over() { ! move_runs; }
	move_ended() {
		until_true move_over
		cat out err
		is "its exit status" "$(systemctl show -P ExecMainStatus move)" "$1"
		systemctl stop move 2>/dev/null || true
		shift
		said "$@"
	}
	# with_two: a guest that has two VFs, as they are; back_here: it has them again.
	with_two() {
		expect 0 vfpool attach testguest1 eth1 --persistent
		expect 0 vfpool attach testguest1 eth1 --form hostdev --persistent --vlan 5
		same >had
	}
	back_here() { all_back 2; same | diff had -; }
	done_here() {
		back_here
		expect 0 vfpool detach testguest1 --all --persistent --timeout 240
		freed
	}
'
as_before="runs on here, with its VFs as before"

# nothing_there [GUEST...]: once these guests, which had VFs there, are gone.
nothing_there() {
	on_b <<-END
		$common
		gone
		forget $*
		freed
	END
}

@test "cancelled, by Ctrl-C or domjobabort" {
	in_host <<-END
		$common
		with_two
		for how in INT abort; do
			vfpool migrate testguest1 $b $wholly \$slow >out 2>err & job=\$!
			until_true moving
			if [[ \$how == INT ]]; then kill -INT \$job; else virsh -q domjobabort testguest1; fi
			got=0
			wait \$job || got=\$?
			is "its exit status" \$got 1
			said "$as_before"
			[[ \$how != INT ]] || said "cancelled"
			back_here
		done
		done_here
	END
	nothing_there
}

@test "libvirtd over there killed in its midst" {
	in_host <<-END
		$common
		with_two
		start_move testguest1 $b $wholly \$slow
		until_true moving
		ssh vfhost-b 'systemctl kill -s KILL libvirtd'
		move_ended 1 "$as_before"
		done_here
	END
	on_b <<<'daemon_back'
	nothing_there
}

@test "libvirtd here killed in its midst" {
	in_host <<-END
		$common
		with_two
		start_move testguest1 $b $wholly \$slow
		until_true moving
		systemctl kill -s KILL libvirtd
		until_true move_over
		cat err
		systemctl stop move || true
		daemon_back
		done_here
	END
	nothing_there
}

@test "vfpool killed with -9, but the daemons do it between them: it goes on, and the agent there gives it its VFs" {
	in_host <<-END
		$common
		with_two
		start_move testguest1 $b $wholly \$slow --p2p
		until_true moving
		systemctl kill -s KILL move
		until_true move_over
		systemctl stop move || true
		virsh -q migrate-setspeed testguest1 1000
		freed
		gone
	END
	to_b had
	on_b <<-END
		$common
		back_here
		expect 0 vfpool --json migrate testguest1 $a $wholly --unplug-timeout 240
		freed
	END
	in_host <<<"$common done_here"
}

@test "the network between the hosts cut in its midst; the data by way of vfpool's connections, or from daemon to daemon" {
	for how in '' --p2p; do
		in_host <<-END
			$common
			with_two
			start_move testguest1 $b $wholly \$slow $how
			until_true moving
		END
		"$lab" monitor vfhost-a 'set_link mgmt1 off'
		in_host <<-END || { "$lab" monitor vfhost-a 'set_link mgmt1 on'; false; }
			$common
			move_ended 1 "$as_before"
			# libvirt itself notices, but for the data on their own way, which only vfpool can end.
			[[ -n "$how" ]] || said "the connection to .* broke"
			done_here
		END
		"$lab" monitor vfhost-a 'set_link mgmt1 on'
		nothing_there
	done
}

@test "all VFs over there taken between the check and the move: the hook refuses it" {
	in_host <<-END
		$common
		with_two
		# It has been checked when the guest is asked to let go, which that cannot hear yet.
		hold testguest1
		echo "\$held" >stopped
		held=
		start_move testguest1 $b $wholly
		until_true is_busy testguest1
	END
	on_b <<-END || { host bash -c 'kill -CONT $(</run/vfpool-test/stopped)'; false; }
		define web1 "\$(root_ports 7)"
		virsh -q start --paused web1
		expect 0 vfpool attach web1 eth1 --count 7
	END
	in_host <<-END
		$common
		kill -CONT \$(<stopped)
		move_ended 1 "$as_before" "held by web1"
		done_here
	END
	nothing_there web1
}

@test "a VF that was reserved over there taken by somebody else while it moves: it gets another one" {
	in_host <<-END
		$common
		with_two
		start_move testguest1 $b $wholly \$slow
		until_true moving
	END
	to_b had
	on_b <<-END
		is "leases" "\$(leases | cut -d ' ' -f 1,4 | sort | paste -sd,)" "0000:01:10.0 reserved,0000:01:10.2 reserved"
		define thief "\$(root_ports 1)"
		virsh -q start --paused thief
		virsh -q attach-device thief <(hostdev 0000:01:10.0) --live
	END
	in_host <<-END
		$common
		virsh -q migrate-setspeed testguest1 1000
		move_ended 0
		gone
		freed
	END
	on_b <<-END
		$common
		back_here
		forget thief
		home 0000:01:10.0
		expect 0 vfpool --json migrate testguest1 $a $wholly --unplug-timeout 240
		freed
	END
	in_host <<<"$common done_here"
}

@test "a guest that does not let go: it has them all as before, and does not move" {
	in_host <<-END
		$common
		# Its BIOS finds nothing to boot, and hears of no unplug.
		define web1 "\$(root_ports 2)"
		virsh -q start web1
		expect 0 vfpool attach web1 eth1 --count 2 --persistent
		expect 4 vfpool migrate web1 $b --live --unplug-timeout 6
		said "has not let go of VF" "web1 has its VFs as before"
		sound
		forget web1
		mended
		freed
	END
	nothing_there
}

@test "plain virsh migrate after park, aborted: at once; refused by the hook over there: at the deadline" {
	in_host <<-END
		$common
		with_two
		expect 0 vfpool park testguest1 --deadline 3600
		virsh -q migrate --live --bandwidth 1 testguest1 $b >out 2>err & job=\$!
		until_true moving
		virsh -q domjobabort testguest1
		wait \$job && fail "it was not aborted"
		back_here
	END
	on_b <<-END
		$common
		freed
		define web1 "\$(root_ports 7)"
		virsh -q start --paused web1
		expect 0 vfpool attach web1 eth1 --count 6
	END
	in_host <<-END
		$common
		expect 0 vfpool park testguest1 --deadline 40
		expect 1 virsh migrate --live testguest1 $b
		said "none of the 7 VFs of eth1 is free" "it goes on where it is"
		is "parked" "\$(definitions | things | grep -c 'parked$')" 4
		done_here
	END
	nothing_there web1
}
@test "vfpool killed with -9 at each write of its store, here and when the guest is there: the agents see to it" {
	in_host <<<"$common with_two"
	to_b had
	for ((n = 1; ; n++)); do
		in_host <<-END
			$common
			got=0
			strace -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:signal=SIGKILL:when=$n \
				vfpool migrate testguest1 $b $wholly --unplug-timeout 240 >out 2>err || got=\$?
			[[ \$got == 137 || \$got == 0 ]] || { cat err >&2; fail "at write $n: exit \$got"; }
			echo "at write $n: exit \$got, then: \$(leases | paste -sd,)" >&2
			echo \$got >fate
			here() { [[ \$(virsh -q list --name) == *testguest1* ]]; }
			# What libvirt was asked for it ends by itself.
			no_job() { ! here || [[ \$(virsh -q domjobinfo testguest1 2>/dev/null) == *None* ]]; }
			until_true no_job
			if here; then back_here; echo here >>fate; else freed; echo there >>fate; fi
		END
		read -r -d '' got where < <(host cat /run/vfpool-test/fate) || true
		echo "killed at write $n: exit $got, the guest is $where"
		if [[ $where == there ]]; then
			on_b <<-END
				$common
				back_here
				expect 0 vfpool migrate testguest1 $a $wholly --unplug-timeout 240
				freed
			END
			in_host <<<"$common back_here"
		else
			nothing_there
		fi
		[[ $got == 137 ]] || break
	done
	((n > 4))
	in_host <<<"$common done_here"
}
