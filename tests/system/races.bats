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
		leased() { leases | grep -q 'claimed$'; }
		define web1 "$(root_ports 1)"
		define other "$(root_ports 1)"
		virsh -q start --paused web1
		virsh -q start --paused other
		vfpool -q reconcile # makes the store
		# It is held up in the middle: its claim is in the store, the guest has not been touched.
		strace -f -qq -o trace -e trace=fdatasync -e inject=fdatasync:delay_enter=15000000:when=3 \
			vfpool --json attach web1 eth2 --form hostdev >answer 2>words & job=$!
		until_true 60 leased
		is "the lease" "$(leases | cut -d ' ' -f 1,4)" "0000:02:10.0 claimed"
		virsh -q attach-device other <(hostdev 0000:02:10.0) --live
		wait $job || { cat words; fail "it did not take the next"; }
		is "the VF" "$(jq -r '.attached[0].name' answer)" eth2/1
		sound
		forget other web1
		mended
		all_free
	END
}

# killed CALL:N CMD...: kill -9 at its Nth call to the kernel of that name.
killed='
	kills=0
	killed() {
		local point=$1 got=0
		shift
		strace -f -qq -o /dev/null -e trace=${point%:*} \
			-e inject=${point%:*}:signal=SIGKILL:when=${point#*:} "$@" >out 2>err || got=$?
		[[ $got == 137 || $got == 0 ]] || { cat err; fail "at $point: exit $got"; }
		echo "$point: exit $got, then: $(leases | paste -sd,)"
		[[ $got == 0 ]] || kills=$((kills + 1))
	}'

@test "attach killed with -9 at any moment: reconcile puts it right" {
	in_host <<-END
		$killed
		define web1 "\$(root_ports 14)"
		virsh -q start --paused web1
		vfpool -q reconcile
		what=(eth1 "eth2 --form hostdev --vlan 7")
		i=0
		for point in fdatasync:{1,2,3,4} sendmsg:{8,14,20} write:{8,12,16,20,24}; do
			killed \$point vfpool attach web1 \${what[i++ % 2]}
			mended
		done
		((kills >= 8)) || fail "only \$kills were killed"
		((\$(leases | wc -l) >= 3)) || fail "few got far enough to be finished"
		forget web1
		mended
		all_free
	END
}

@test "detach from a definition killed with -9 at any moment: reconcile puts it right" {
	in_host <<-END
		$killed
		define web1
		expect 0 vfpool attach web1 eth1 --count 5 --form hostdev --vlan 9
		i=0
		for point in fdatasync:{1,2,3} sendmsg:12 write:{8,12,16,20}; do
			killed \$point vfpool detach web1 eth1/\$((i++ % 5))
			mended
			grep -q "eth1/\$(((i - 1) % 5)) " <(vfpool list eth1 --free -n -o name,state) ||
				continue
			expect 0 vfpool attach web1 eth1/\$(((i - 1) % 5)) --form hostdev
		done
		((kills >= 5)) || fail "only \$kills were killed"
		expect 0 vfpool detach web1 --all
		forget web1
		all_free
	END
}

@test "detach from a running guest killed with -9 at any moment: reconcile puts it right" {
	in_host <<-END
		$killed
		for point in fdatasync:1 write:{14,18,22} fdatasync:2 sendmsg:12; do
			if [[ -z \$(leases) ]]; then
				listen
				expect 0 vfpool --json attach testguest1 eth1 --form hostdev --vlan 8
				nic_appears "\$(answer '.attached[0].mac')"
			fi
			killed \$point vfpool detach testguest1 eth1
			mended
		done
		((kills >= 4)) || fail "only \$kills were killed"
		expect 0 vfpool detach testguest1 --all
		all_free
	END
}

@test "libvirt restarted, and killed, in the middle of attach" {
	in_host <<-'END'
		plugging() { leases | grep -q 'plugging$'; }
		define web1 "$(root_ports 4)"
		virsh -q start --paused web1
		for how in "systemctl restart $(daemon)" "systemctl kill -s KILL $(daemon)"; do
			vfpool attach web1 eth2 >out 2>err & job=$!
			until_true 60 plugging
			$how
			status=0
			wait $job || status=$?
			[[ $status == 0 ]] || said "libvirt"
			daemon_back
			mended
		done
		is "leases" "$(leases | wc -l)" 2
		forget web1
		mended
		all_free
	END
}

@test "libvirt restarted, and killed, in the middle of detach" {
	in_host <<-'END'
		releasing() { leases | grep -q 'releasing$'; }
		for how in "systemctl restart $(daemon)" "systemctl kill -s KILL $(daemon)"; do
			listen
			expect 0 vfpool --json attach testguest1 eth1
			nic_appears "$(answer '.attached[0].mac')"
			vfpool detach testguest1 eth1 >out 2>err & job=$!
			until_true 60 releasing
			$how
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
		# Settings from before are lost with it: libvirt's own way back is to the VF's own MAC.
		for vf in 0000:02:10.0 0000:02:10.2; do
			index=$(awk -v vf=$vf '$3 == vf { print $2 }' map)
			ip link set eth2 vf $index mac "$(<"/sys/class/net/$(netdev_of $vf)/address")"
		done
		fresh
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
		for index in 0 1; do ip link set eth2 vf $index mac 00:00:00:00:00:00; done
		fresh
	END
}
