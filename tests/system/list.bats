#!/usr/bin/env bats
# list and why: who has each VF, whoever it is, to people and to programs.
load helper

guest=no

# One host with a VF in every kind of hands; the tests look at it, and but for the last one they change nothing.
prepare() { in_host <<<'occupy'; }

teardown_file() { in_host <<<'vacate'; }

@test "list: each VF of eth2 with its state and its holder" {
	in_host <<-'END'
		expect 0 vfpool list eth2 -n -o name,address,state,holder
		diff - <(awk '{ $1 = $1; print }' out) <<-LIST
			eth2 0000:02:00.0 up -
			eth2/0 0000:02:10.0 guest runs
			eth2/1 0000:02:10.2 defined stays
			eth2/2 0000:02:10.4 host 192.0.2.7
			eth2/3 0000:02:10.6 host br7
			eth2/4 0000:02:11.0 host host-netns
			eth2/5 0000:02:11.2 held web1
			eth2/6 0000:02:11.4 free -
		LIST
	END
}

@test "list: the guest's VF with MAC, VLAN, assignment and driver" {
	in_host <<-'END'
		expect 0 vfpool list eth2/5 -n -o mac,vlan,assignment,driver,netdev,group
		read -r mac vlan assignment driver netdev group <out
		is "MAC and VLAN" "$mac $vlan" "02:00:5e:10:00:05 15"
		is "assignment" "$assignment" "$(leases | cut -d ' ' -f 2)"
		is "driver" "$driver $netdev" "vfio-pci -"
		is "group" "$group" "$(basename "$(readlink /sys/bus/pci/devices/0000:02:11.2/iommu_group)")"
	END
}

@test "--free and --used part the VFs" {
	in_host <<-'END'
		expect 0 vfpool list --free -n -o name
		is "free" "$(tr -d ' ' <out | paste -sd' ')" "eth1/0 eth1/1 eth1/2 eth1/3 eth1/4 eth1/5 eth1/6 eth2/6"
		expect 0 vfpool list --used -n -o name
		is "used" "$(tr -d ' ' <out | paste -sd' ')" "eth2/0 eth2/1 eth2/2 eth2/3 eth2/4 eth2/5"
		expect 2 vfpool list --free --used
		expect 2 vfpool list -o nonsense
		said "nonsense"
	END
}

@test "--json: valid, VFs below their PF, numbers as numbers" {
	in_host <<-'END'
		expect 0 vfpool --json list eth2
		jq -e '[.. | objects | select(.type == "vf")] | length == 7' out
		jq -e '[.. | objects | select(.name == "eth2/5")][0] |
			.vlan == 15 and .index == 5 and .pf == "0000:02:00.0" and .state == "held"
			and .refusal == "leased" and (.since | type) == "number" and .uuid != null' out
		jq -e '[.. | objects | select(.name == "eth2/6")][0] | .holder == null and .refusal == null' out
		jq -e '[.. | objects | select(.type == "pf")][0] | .free == 1 and .vfs == 7 and .total == 7' out
	END
}

@test "a tree on a terminal, plain columns in a pipe" {
	in_host <<-'END'
		script -qec "LANG=C.UTF-8 LC_ALL=C.UTF-8 vfpool list eth2" /dev/null >terminal </dev/null
		grep -q 'eth2/6' terminal
		grep -q '[├|]' terminal
		expect 0 vfpool list eth2
		! grep -q '[├└|`]' out
		is "lines" "$(wc -l <out)" 9
	END
}

@test "why: for each VF free or the reason against it, and what stops the guest from moving" {
	in_host <<-'END'
		expect 0 vfpool --json why web1 eth2
		verdict() { jq -r ".. | objects | select(.name == \"$1\") | .verdict" out; }
		is "verdicts" "$(for i in 0 1 2 3 4 5 6; do verdict eth2/$i; done | paste -sd' ')" \
			"running-domain defined-domain host-address host-master host-netns leased free"
		jq -e '[.. | objects | select(.name == "eth2/6")][0].chosen' out
		jq -e '[.. | objects | select(.name == "eth2/3")][0].reason | contains("br7")' out
		jq -e '[.. | objects | select(.verdict == "stops-a-move")][0].address == "0000:02:11.2"' out
		expect 3 vfpool why web1 eth2/0
		grep -q "in the running domain runs, not by vfpool" out
		expect 1 vfpool why nobody eth2
	END
}

@test "without root: all but the leases, and it says so" {
	in_host <<-'END'
		expect 0 runuser -u nobody -- vfpool list eth2 --no-guests -n -o name,state
		said "without vfpool's leases"
		grep -q 'eth2/2 *host' out
	END
}

@test "libvirt not running: list --no-guests is complete, list says what is missing, attach refuses" {
	in_host <<-'END'
		systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
		at_end() {
			systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
			daemon_back
		}
		expect 0 vfpool list eth2 --no-guests -n -o name,state,holder
		grep -q 'eth2/5 *held *web1' out
		expect 5 vfpool list eth2 -n -o name,state,holder
		said "cannot connect to libvirt" "systemctl start"
		grep -q 'eth2/5 *held *web1' out
		expect 1 vfpool attach web1 eth2
		said "cannot connect to libvirt" "systemctl start"
		is "leases" "$(leases | wc -l)" 1
	END
}

@test "libvirt is asked when something has happened to a guest, and then the list shows it" {
	in_host <<-'END'
		# list, and whether it asked libvirt for that.
		asks() {
			strace -qq -e trace=openat -o trace vfpool list eth2 -n -o name,state,holder >out
			grep -q 'libvirt\.so' trace
		}
		is_kept() { ! asks; }
		shown() { awk -v vf=$1 '$1 == vf { print $2, $3 }' out; }
		shows() { is "list of $1" "$(shown $1)" "$2"; }
		cat >hand.xml <<-XML
			<hostdev mode='subsystem' type='pci' managed='yes'><source>
			<address domain='0x0000' bus='0x02' slot='0x11' function='0x4'/></source></hostdev>
		XML
		# changed VF STATE COMMAND...: at once, and as libvirt says.
		changed() {
			until_true is_kept
			"${@:3}"
			asks || fail "libvirt was not asked after: ${*:3}"
			shows "$1" "$2"
			until_true is_kept
			shows "$1" "$2"
		}
		until_true is_kept
		is "its mode" "$(stat -c %a /run/vfpool/guests)" 600
		changed eth2/6 "defined stays" virsh -q attach-device stays --config hand.xml
		changed eth2/6 "free -" virsh -q detach-device stays --config hand.xml
		changed eth2/1 "free -" virsh -q undefine stays
		changed eth2/0 "defined runs" virsh -q destroy runs
		changed eth2/0 "guest runs" virsh -q start --paused runs
		# libvirt has to notice that by itself.
		kill -9 "$(</run/libvirt/qemu/runs.pid)"
		has_ended() { asks && [[ $(shown eth2/0) == "defined runs" ]]; }
		until_true has_ended
		until_true is_kept
		shows eth2/0 "defined runs"
		# Another libvirt.
		expect 0 vfpool -c test:///default list eth2 -n -o name,state,holder
		shows eth2/0 "free -"
		! asks || fail "what another libvirt says was kept"
		shows eth2/0 "defined runs"
	END
}
