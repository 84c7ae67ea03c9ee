#!/usr/bin/env bats
# What is set on a VF: every attribute that the card's driver knows, by attach, by a pool and on a live VF; read
# back from the kernel, put back on release.
load helper

@test "attach: each attribute alone, then all at once; release puts all of them back" {
	in_host <<-'END'
		listen
		was=$(settings eth1 0)
		while read -r options; do
			expect 0 vfpool --json attach testguest1 eth1 --form hostdev --mac 02:00:5e:10:00:0a $options
			declare -A want=([vlan]=0 [qos]=0 [spoofchk]=true [trust]=false [max]=0)
			set -- $options
			while (($#)); do
				case $1 in
				--vlan) want[vlan]=$2 ;;
				--qos) want[qos]=$2 ;;
				--spoofchk) want[spoofchk]=$([[ $2 == on ]] && echo true || echo false) ;;
				--trust) want[trust]=$([[ $2 == on ]] && echo true || echo false) ;;
				--max-rate) want[max]=$2 ;;
				esac
				shift 2
			done
			is "settings with '$options'" "$(settings eth1 0)" \
				"02:00:5e:10:00:0a ${want[vlan]} ${want[qos]} ${want[spoofchk]} ${want[trust]} ${want[max]}"
			nic_appears 02:00:5e:10:00:0a
			listen
			expect 0 vfpool reconcile testguest1
			said "nothing to mend"
			expect 0 vfpool detach testguest1
			is "settings afterwards" "$(settings eth1 0)" "$was"
			all_free
		done <<-EOF

			--vlan 15
			--vlan 4094 --qos 7
			--spoofchk off
			--trust on
			--max-rate 120
			--vlan 15 --qos 3 --spoofchk off --trust on --max-rate 1000
		EOF
	END
}

@test "a pool's defaults; an option comes before them, and the pool's later change touches nobody" {
	in_host <<-'END'
		was=$(settings eth1 0)
		define_pool set '<device form="hostdev"/><vlan><tag id="30" qos="2"/></vlan><settings spoofchk="off" trust="on"/><rate max="200"/>'
		expect 0 vfpool --json attach testguest1 set --mac 02:00:5e:10:00:0b
		is "the pool's" "$(settings eth1 0)" "02:00:5e:10:00:0b 30 2 false true 200"
		define_pool set '<device form="hostdev"/><vlan><tag id="31"/></vlan>'
		expect 0 vfpool reconcile
		said "nothing to mend"
		is "still" "$(settings eth1 0)" "02:00:5e:10:00:0b 30 2 false true 200"
		expect 0 vfpool detach testguest1
		is "settings afterwards" "$(settings eth1 0)" "$was"
		define_pool set '<device form="hostdev"/><vlan><tag id="30" qos="2"/></vlan><settings spoofchk="off" trust="on"/><rate max="200"/>'
		expect 0 vfpool --json attach testguest1 set --mac 02:00:5e:10:00:0b --vlan 0 --spoofchk on --trust off --max-rate 0
		is "the options'" "$(settings eth1 0)" "02:00:5e:10:00:0b 0 0 true false 0"
		expect 0 vfpool detach testguest1
		expect 0 vfpool pool-undefine set
		all_free
	END
}

@test "set: each attribute of a live VF, back to the default, and put back on release" {
	in_host <<-'END'
		listen
		was=$(settings eth1 0)
		expect 0 vfpool --json attach testguest1 eth1 --form hostdev --mac 02:00:5e:10:00:0c
		nic_appears 02:00:5e:10:00:0c
		while read -r vlan qos spoofchk trust max options; do
			expect 0 vfpool set testguest1 eth1 $options
			is "after set $options" "$(settings eth1 0)" "02:00:5e:10:00:0c $vlan $qos $spoofchk $trust $max"
			sound
		done <<-EOF
			15 0 true false 0 --vlan 15
			15 6 true false 0 --qos 6
			15 6 false false 0 --spoofchk off
			15 6 false true 0 --trust on
			15 6 false true 300 --max-rate 300
			16 2 true true 40 --vlan 16 --qos 2 --spoofchk on --max-rate 40
			0 0 true false 0 --vlan 0 --spoofchk default --trust default --max-rate 0
			9 0 false true 0 --vlan 9 --spoofchk off --trust on
		EOF
		expect 0 vfpool reconcile
		said "nothing to mend"
		expect 0 vfpool detach testguest1
		is "settings afterwards" "$(settings eth1 0)" "$was"
		all_free
	END
}
