# shellcheck shell=bash
# What the tests' scripts use inside a host. The script comes on standard input.
set -Eeuo pipefail
shopt -s inherit_errexit
umask 022

here=/run/vfpool-test # for files that outlive a script
mkdir -p $here
cd $here

store=/var/lib/vfpool/leases.db
console=/var/log/libvirt/qemu/testguest1-console.log

fail() {
	local i
	echo "failed: $*" >&2
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		[[ ${BASH_SOURCE[i]} == /dev/stdin ]] && echo "  in line ${BASH_LINENO[i - 1]} of the test's script" >&2
	done
	exit 1
}
trap 'fail "$BASH_COMMAND"' ERR

# Nothing that a script started outlives it: sshd gave it a session of its own. What else it has to undo is in at_end.
at_end() { :; }
end_all() {
	local pid
	for pid in $(pgrep -s 0); do
		[[ $pid == "$$" || $pid == "$PPID" ]] || kill -KILL "$pid" 2>/dev/null || true
	done
	[[ -z ${held:-} ]] || kill -CONT "$held" || true
	at_end
}
trap end_all EXIT

# expect STATUS CMD...: its words are then in the files out and err.
expect() {
	local want=$1 got=0
	shift
	"$@" >out 2>err || got=$?
	[[ $got == "$want" ]] && return
	printf '%s\n' "--- stdout" "$(<out)" "--- stderr" "$(<err)" >&2
	fail "exit $got, not $want: $*"
}

# said WORDS...: standard error of the last command had each of these (extended regular expressions).
said() {
	local words
	for words; do
		grep -Eq -- "$words" err || { cat err >&2; fail "it did not say: $words"; }
	done
}

# answer FILTER: of the last command's JSON.
answer() { jq -er "$1" out; }

# is WHAT GOT WANTED
is() { [[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"; }

# What is waited for comes, or does not come at all: emulated hosts on a busy machine take their time.
patience=300

# until_true CMD...: for what no event tells of. A process substitution sets $!, so the pipe is made before any job.
exec {nothing}<> <(:)
until_true() {
	local deadline=$((SECONDS + patience))
	until "$@"; do
		((SECONDS < deadline)) || fail "not within the time: $*"
		read -rt 0.2 -u $nothing || true
	done
}

# --- Domains

# domain NAME [DEVICES]: one that needs no disk and has nothing to boot.
domain() {
	cat <<-XML
		<domain type='kvm'>
		  <name>$1</name>
		  <memory unit='MiB'>32</memory>
		  <os><type arch='x86_64' machine='q35'>hvm</type></os>
		  <features><acpi/></features>
		  <on_poweroff>destroy</on_poweroff>
		  <devices>
		    <controller type='usb' model='none'/>
		    <controller type='pci' index='0' model='pcie-root'/>
		    <memballoon model='none'/>
		    ${2:-}
		  </devices>
		</domain>
	XML
}

root_ports() { for ((port = 1; port <= $1; port++)); do echo "<controller type='pci' model='pcie-root-port'/>"; done; }

# hostdev VF: as somebody else than vfpool writes it.
hostdev() {
	local bus=${1:5:2} slot=${1:8:2} function=${1:11:1}
	echo "<hostdev mode='subsystem' type='pci' managed='yes'><source>
		<address domain='0x0000' bus='0x$bus' slot='0x$slot' function='0x$function'/></source></hostdev>"
}

define() { virsh -q define <(domain "$@"); }
destroy() { virsh -q destroy "$1"; }

# home VF...: libvirt has put them back on the host's driver, which can be later than the guest's end.
home() {
	local vf
	for vf; do until_true test -e "/sys/bus/pci/devices/$vf/net"; done
}

# forget NAME...: whether running or not.
forget() {
	local name
	for name; do
		virsh -q destroy "$name" >/dev/null 2>&1 || true
		virsh -q undefine "$name" >/dev/null 2>&1 || true
	done
}

# All definitions, of two kinds where a domain has two.
definitions() {
	local name which='' commands=''
	while read -r name; do
		# virsh ends this one's line, or not.
		if [[ $name == =* ]]; then
			which=--inactive
			name=${name#=}
		fi
		[[ -z $name ]] || commands+="dumpxml $which $name;"
	done < <(virsh -q 'list --name; echo =; list --all --persistent --name')
	[[ -z $commands ]] || virsh -q "$commands"
}

# What is in these definitions, a line each:
#   want VIEW DOMAIN ASSIGNMENT POOL [parked]
#   have VIEW DOMAIN ASSIGNMENT VF GUEST-ADDRESS FORM MAC       (ASSIGNMENT is - for a foreign device)
# A device that was taken over is known by its VF, until it is plugged anew.
things() {
	awk -F "'" '
		function address(   i, a) {
			for (i = 1; i < NF; i += 2) a[substr($i, match($i, /[a-z]+=$/))] = substr($(i + 1), 3)
			return sprintf("%s:%s:%s.%s", a["domain="], a["bus="], a["slot="], a["function="])
		}
		{ gsub(/"/, "\047") }
		/^<domain / { view = / id=/ ? "live" : "config"; split("", adopted) }
		/^  <name>/ { gsub(/ *<[^>]*>/, ""); name = $0 }
		/<vfpool:assignment / { want = "want " view " " name " " $2 " " $4 }
		/<vfpool:assignment .* adopted=/ { for (i = 1; i < NF; i += 2) if ($i == " adopted=") adopted[$(i + 1)] = $2 }
		/<vfpool:parked / { want = want " parked" }
		/<\/vfpool:assignment>/ { print want }
		/^    <(interface|hostdev) / { form = /<interface/ ? "interface" : "hostdev"; id = "-"; host = guest = mac = "-"; source = 0 }
		/^    <interface / && !/type=.hostdev/ { form = "" }
		form && /^      <source/ { source = 1 }
		form && /^      <\/source/ { source = 0 }
		form && /<address .*slot=/ { if (source) host = address(); else guest = address() }
		form && /<mac / { mac = $2 }
		form && /<alias name=.ua-vfpool-/ { id = substr($2, 11) }
		form && /^    <\/(interface|hostdev)>/ && host in adopted { id = adopted[host] }
		form && /^    <\/(interface|hostdev)>/ { print "have", view, name, id, host, guest, form, mac; form = "" }
	'
}

# The daemon that QEMU's domains are with, and until it knows them all again after a restart.
daemon() { if systemctl -q is-active virtqemud.socket; then echo virtqemud; else echo libvirtd; fi; }
daemon_back() {
	local name
	for name in $(virsh -q list --name); do
		virsh -q qemu-monitor-command "$name" --hmp info version >/dev/null
	done
}

# hold NAME: its QEMU stands still, and so does whoever asks it something, until let_go. is_busy: somebody does.
held=
hold() { held=$(<"/run/libvirt/qemu/$1.pid") && kill -STOP "$held"; }
let_go() { kill -CONT "$held" && held=; }
is_busy() { [[ $(virsh -q domcontrol "$1") != ok* ]]; }

# freeze NAME: its only processor stands still, until thaw, so it lets go of nothing; QEMU itself goes on. What the domain
# is called by is "running". Stopped with QEMU's lock in its hands it would hold up QEMU, too.
freeze() {
	frozen=$(echo /sys/fs/cgroup/machine.slice/machine-qemu*"$1".scope/libvirt/vcpu0/cgroup.freeze)
	echo 1 >"$frozen"
	until timeout 5 virsh -q qemu-monitor-command "$1" --hmp info version >/dev/null; do
		thaw
		read -rt 0.2 -u $nothing || true
		echo 1 >"$frozen"
	done
}
thaw() { echo 0 >"$frozen"; }

# killed JOB: with -9, and it was still at work.
killed() {
	local got=0
	kill -KILL "$1"
	wait "$1" || got=$?
	is "its exit status" $got 137
}

# --- Host and store

# in_store SELECT: who writes, and the last one to close it, lock it for a moment; no store, nothing in it.
in_store() { [[ ! -e $store ]] || sqlite3 -readonly -cmd '.timeout 10000' -separator ' ' $store "$1"; }
leases() { in_store 'SELECT vf, assignment, domain_name, state FROM leases'; }

# leases_are STATE: there is one in it.
leases_are() { [[ $(leases) == *" $1"* ]]; }

# vf PF INDEX FILTER: of the VF as `ip -j link` shows it.
vf() { ip -j link show "$1" | jq -er ".[0].vfinfo_list[] | select(.vf == $2) | $3"; }
vlan_of() { vf "$1" "$2" '.vlan_list[0].vlan // 0'; }

# settings PF INDEX: all that igb knows, in a line: MAC, VLAN, QoS, spoofchk, trust, the highest rate.
settings() {
	vf "$1" "$2" '"\(.address) \(.vlan_list[0] | "\(.vlan // 0) \(.qos // 0)") \(.spoofchk) \(.trust) \(.rate.max_tx)"'
}

# define_pool NAME ELEMENTS: of eth1.
define_pool() { vfpool -q pool-define - <<<"<pool><name>$1</name><pf dev='eth1'/>$2</pool>"; }

vf_address() { basename "$(readlink "/sys/class/net/$1/device/virtfn$2")"; }
driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
group_of() { basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")"; }
netdev_of() { ls "/sys/bus/pci/devices/$1/net"; }

# Of the VFs on the host's driver, those with another MAC than the PF has for them, because igbvf did not hear from the PF's
# driver in time when it was bound, and so made one up: on a busy machine it may, and says so.
deaf_vfs() {
	awk '$2 == "igbvf" && !/"address":"own"/ { print $1 }' "$1" | while read -r vf; do
		dmesg | awk -v vf="igbvf $vf:" '
			!index($0, vf) { next }
			/PF still in reset state/ { deaf = 1 }
			/: Address: / { was = deaf; deaf = 0 }
			END { exit !was }' && echo "$vf"
	done
}

# A line for each VF: address, driver, netdev, settings, the netdev's MAC.
vfs() {
	local vf again
	vfs_as_they_are >vfs.seen
	again=$(deaf_vfs vfs.seen || true)
	for vf in $again; do
		echo "$vf" >/sys/bus/pci/drivers/igbvf/unbind
		echo "$vf" >/sys/bus/pci/drivers_probe
	done
	[[ -z $again ]] || vfs_as_they_are >vfs.seen
	cat vfs.seen
}

# Without a process for each: those are slow here.
vfs_as_they_are() {
	local pf index path vf rest address
	local -A driver netdev settings mac
	udevadm settle --timeout=120
	for path in /sys/bus/pci/drivers/*/0000:0[12]:1*; do
		path=${path#/sys/bus/pci/drivers/}
		driver[${path#*/}]=${path%/*}
	done
	for path in /sys/bus/pci/devices/0000:0[12]:1*/net/*; do
		rest=${path#/sys/bus/pci/devices/}
		vf=${rest%%/*}
		# There are none at all, or this one moves between namespaces.
		[[ -e $path/address ]] || continue
		read -r address <"$path/address"
		netdev[$vf]=${rest##*/} mac[$vf]=$address
	done
	while read -r pf index rest; do
		settings[$pf/$index]=$rest
	done < <(ip -j link show | jq -r '.[] | .ifname as $pf | .vfinfo_list[]? | "\($pf) \(.vf) \(del(.vf) | tojson)"')
	while read -r pf index vf; do
		rest=${settings[$pf/$index]:--}
		# No MAC of the host's: whether its driver has told the PF of its own is a matter of when it was bound.
		for address in 00:00:00:00:00:00 "${mac[$vf]:-none}"; do
			rest=${rest/"\"address\":\"$address\""/\"address\":\"own\"}
		done
		echo "$vf ${driver[$vf]:--} ${netdev[$vf]:--} $rest ${mac[$vf]:--}"
	done <map
}

# All that vfpool may change.
state() {
	in_store 'SELECT * FROM leases'
	definitions
	vfs
	grep -rs '' /etc/vfpool || true
	ip -j link show | jq -c '.[] | [.ifname, .master, (.flags - ["LOWER_UP", "NO-CARRIER"])]' | sort
}

# What `sound` compares with: at the beginning of each file, and when a test changes settings itself.
fresh() {
	local pf path
	for pf in eth1 eth2; do
		for path in "/sys/class/net/$pf/device"/virtfn*; do
			echo "$pf ${path##*virtfn} $(basename "$(readlink "$path")")"
		done
	done >map
	vfs >baseline
}

show_state() {
	leases
	definitions | things
	diff baseline <(vfs) || true
	journalctl -q --no-pager -n 8 -u libvirtd -u virtqemud
	dmesg | grep 'igbvf .*: ' | tail -n 8 || true
}

# refused STATUS WORDS... -- CMD...: it ends so, says each of these, prints no data and changes nothing. A script
# that itself changes something between two of them says so with `changed`.
refused() {
	local status=$1 words=()
	shift
	while [[ $1 != -- ]]; do words+=("$1"); shift; done
	shift
	[[ -n ${state_known:-} ]] || state >before
	state_known=yes
	expect "$status" "$@"
	said "${words[@]}"
	[[ ! -s out ]] || fail "it printed data: $(<out)"
	state >after
	diff before after >&2 || fail "it changed something: $*"
}

changed() { state_known=; }

# sound: wants, devices, leases and VFs fit together.
sound() {
	definitions | things >things.now
	leases >leases.now
	vfs >vfs.now
	awk -v OFS=' ' '
		function broken(text) { print "not sound: " text; bad = 1 }
		FILENAME == "things.now" && $6 == "parked" { parked[$2 " " $3 " " $4]; owed[$3 " " $4]; next }
		FILENAME == "things.now" && $1 == "want" { want[$2 " " $3 " " $4]; next }
		FILENAME == "things.now" && $4 == "-" { if ($2 == "live") foreign[$5]; next }
		FILENAME == "things.now" {
			have[$2 " " $3 " " $4] = $5
			where[$3 " " $4 " " $5]
			if ($2 == "live" && $5 in live) broken("VF " $5 " is in two guests")
			if ($2 == "live") live[$5]
			next
		}
		# What is kept for a guest that is parked is as idle as what is free.
		FILENAME == "leases.now" && $4 == "reserved" {
			if (!(($3 " " $2) in owed)) broken("reserved, for nobody: " $0)
			next
		}
		FILENAME == "leases.now" {
			leased[$1]; lease[$3 " " $2 " " $1]
			if ($4 != "held") broken("lease of " $1 " is " $4)
			next
		}
		FILENAME == "baseline" { was[$1] = $0; next }
		FILENAME == "vfs.now" { is[$1] = $0; driver[$1] = $2 }
		END {
			for (w in want) if (!(w in have)) broken("wanted, not there: " w)
			for (h in have) if (!(h in want)) broken("there, not wanted: " h)
			for (h in have) if (h in parked) broken("there, though parked: " h)
			for (l in lease) if (!(l in where)) broken("leased, in no definition: " l)
			for (d in where) if (!(d in lease)) broken("in a definition, not leased: " d)
			for (v in live) if (driver[v] != "vfio-pci") broken("in a guest, on " driver[v] ": " v)
			# Settings are kept for as long as a definition names the VF: its next start needs them. And libvirt may be
			# giving it back to its driver still.
			for (v in was) {
				if (v in leased && driver[v] == "vfio-pci") continue
				if (v in leased) sub(/{.*/, "", was[v]) sub(/{.*/, "", is[v])
				if (!(v in live) && !(v in foreign) && is[v] != was[v])
					broken("a VF that no guest has is not as it was:\n  " was[v] "\n  " is[v])
			}
			exit bad
		}' things.now leases.now baseline vfs.now >&2 || fail "it is not sound"
}

# free: all sound, and nothing of vfpool left.
all_free() {
	sound
	[[ ! -s leases.now ]] || fail "there are leases: $(<leases.now)"
	[[ -z $(awk '$1 == "want" || $4 != "-"' things.now) ]] || fail "there are assignments: $(<things.now)"
}

# mended: a reconcile puts everything right, and another one finds nothing to do.
mended() {
	expect 0 vfpool reconcile
	cp out mended
	sound
	expect 0 vfpool reconcile
	said "nothing to mend"
	[[ ! -s out ]] || fail "a second reconcile mended: $(<out)"
}

# A VF of eth2 in every kind of hands; eth2/6 is free.
occupy() {
	vacate
	define runs "$(hostdev 0000:02:10.0)"
	virsh -q start --paused runs
	define stays "<interface type='hostdev' managed='yes'><source>
		<address type='pci' domain='0x0000' bus='0x02' slot='0x10' function='0x2'/></source></interface>"
	ip addr add 192.0.2.7/24 dev "$(netdev_of 0000:02:10.4)"
	# No VLAN of its own: the older igbvf takes none while it is down.
	ip link add br7 type bridge vlan_default_pvid 0
	ip link set "$(netdev_of 0000:02:10.6)" master br7
	ip netns add ns7
	netdev_of 0000:02:11.0 >netdev7
	ip link set "$(<netdev7)" netns ns7
	define web1 "$(root_ports 1)"
	virsh -q start --paused web1
	expect 0 vfpool attach web1 eth2/5 --mac 02:00:5e:10:00:05 --vlan 15
}

# And back, whatever is left of it.
vacate() {
	virsh -q destroy web1 || true
	vfpool -q reconcile || true
	[[ ! -e netdev7 ]] || ip netns exec ns7 ip link set "$(<netdev7)" netns 1 || true
	ip netns del ns7 || true
	ip link del br7 || true
	ip addr flush to 192.0.2.7 || true
	forget web1 stays runs
} 2>/dev/null

# --- Pools

pool_xml() { echo "<pool><name>$1</name>$2</pool>"; }
pool() { vfpool -q pool-define - < <(pool_xml "$@"); }

# The VFs that vfpool has given away, in a line.
leased_names() { vfpool list --used --no-guests -n -o NAME 2>/dev/null | xargs; }

# The end of a test with pools.
no_pools() {
	! virsh -q domstate web1 >/dev/null 2>&1 || { vfpool -q detach web1 --all >/dev/null && forget web1; }
	rm -rf /etc/vfpool
	all_free
}

# --- What check says

# look [PF]: one run of it, which the others read from.
look() { vfpool -q check -n -o NAME,CHECK,RESULT,MEND "$@" >looked 2>/dev/null || true; }

result_of() { awk -v name="$1" -v check="$2" '$1 == name && $2 == check { print $3 }' looked; }
mend() { awk -v name="$1" -v check="$2" '$1 == name && $2 == check { sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, ""); print }' looked; }

# verdict NAME CHECK RESULT: '' where there is to be no such line.
verdict() { is "$1 $2" "$(result_of "$1" "$2")" "$3"; }

# --- The booted guest

# What its console says from here on.
listen() { heard=$(wc -l <$console); }

# hear WORDS: the line of the console with these words.
hear() {
	timeout $patience grep -a -m 1 -o -- "$1.*" <(exec tail -n +"$((heard + 1))" -f $console) ||
		{ tail -n +"$((heard + 1))" $console >&2; fail "the guest's console did not say within $patience s: $1"; }
}

nic_appears() { hear "testguest1: NIC .* appeared: MAC $1" >/dev/null; }

# ask_guest COMMANDS: in testguest1's shell, on its console; whether they end with 0. in_guest: they have to.
ask_guest() {
	local tty reader
	exec {tty}<>"$(virsh -q ttyconsole testguest1)"
	# What nobody reads here would hold the guest up.
	cat <&$tty >/dev/null & reader=$!
	listen
	echo "{ $1; }; echo ended:\$?:" >&$tty
	hear 'ended:[0-9][0-9]*:' >guest.out
	kill $reader
	exec {tty}>&-
	[[ $(<guest.out) == ended:0:* ]]
}
in_guest() { ask_guest "$1" || fail "in the guest: $1: $(<guest.out)"; }

# overhear IF: what comes in there goes to the file frames, until overhear_no_more.
overhear() {
	: >frames.err # of the one before
	tcpdump -i "$1" -Q in -e -n -l -U >frames 2>frames.err & overhears=$!
	until_true grep -q 'listening on' frames.err
}
overhear_no_more() { kill $overhears; }

# sends MAC N [VLAN [NIC]]: the guest sends its Nth frame, a broadcast from this MAC, tagged or not.
sends() {
	local mac=${1//:/} tag=''
	[[ -z ${3:-} ]] || tag=8100$(printf %04x "$3")
	# An ARP request; who asks is called 192.0.2.N.
	in_guest "frame ${4:-eth0} ffffffffffff$mac${tag}08060001080006040001${mac}c00002$(printf %02x "$2")000000000000c0000201"
}

# heard N WORDS: the Nth frame was overheard, and tcpdump's line about it has these words.
heard() {
	local line
	until_true grep -q "tell 192.0.2.$1," frames
	line=$(grep "tell 192.0.2.$1," frames)
	[[ $line =~ $2 ]] || fail "frame $1 came in as: $line"
}

# --- The script

# shellcheck disable=SC1091
. /dev/stdin
