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

nothing_there() {
	on_b <<-END
		$common
		gone
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
			[[ -n "$how" ]] || said "the connection to $b broke"
			done_here
		END
		"$lab" monitor vfhost-a 'set_link mgmt1 on'
		nothing_there
	done
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
	on_b <<-END
		$common
		gone
		forget web1
		freed
	END
}
