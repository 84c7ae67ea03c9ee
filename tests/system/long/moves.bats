#!/usr/bin/env bats
# Moves in all their kinds, and many of them: out to vfhost-b and back, and all is as it was.
load ../helper
load ../two_hosts

# out_and_back VFS URI-THERE URI-BACK OPTION...: what the guest has stays the same, and nothing is left behind.
out_and_back() {
	local vfs=$1 there=$2 back=$3
	shift 3
	local once="
		$common
		move() {
			expect 0 vfpool --json migrate testguest1 \$1 $wholly --unplug-timeout 240 --wait 240 $*
			is moved \"\$(answer '[.moved[] | select(.done == \"moved\")] | length')\" $vfs
			gone
			freed
		}
	"
	in_host <<<"$once same >had; has $vfs; move $there"
	to_b had
	on_b <<<"$once all_back $vfs; same | diff had -; move $back"
	in_host <<<"$once all_back $vfs; same | diff had -"
}

three_vfs='
	expect 0 vfpool attach testguest1 eth1 --persistent --vlan 5
	expect 0 vfpool attach testguest1 eth1 --form hostdev --persistent --trust on
	expect 0 vfpool attach testguest1 eth2
'
no_vfs="$common"'
	expect 0 vfpool detach testguest1 --all --persistent --timeout 240
	freed
'

@test "hosts tell each other what is free, and when nobody is there any more" {
	on_b <<-END
		$common
		define web1 "\$(root_ports 2)"
		virsh -q start web1
		expect 0 vfpool attach web1 eth1 --count 2
	END
	in_host <<-END
		$common
		free_there() { host_there $b '.hosts[] | select(.pool == "eth1") | .agent == "up" and .hook == "works" and .free == 5'; }
		until_true free_there
		expect 0 vfpool --json hosts $b qemu:///system
		is "hosts" "\$(answer '[.hosts[].host] | join(",")')" vfhost-b,vfhost-b,vfhost-a,vfhost-a
		is "free VFs" "\$(answer '.hosts[] | select(.host == "vfhost-b" and .pool == "eth1") | .freevfs')" 2-6
		expect 5 vfpool hosts qemu+ssh://vfhost-c/system qemu:///system
		said "vfhost-c"
		grep -q vfhost-a out
	END
	on_b <<-END
		forget web1
		pool blue "<pf dev='eth2'/><limit total='3'/>"
	END
	in_host <<-END
		$common
		free_there() { host_there $b '(.hosts[] | select(.pool == "blue") | .free == 3) and (.hosts[] | select(.pool == "eth1") | .free == 7)'; }
		until_true free_there
	END
	on_b <<-END
		rm -rf /etc/vfpool
		kill -KILL \$(systemctl show -P MainPID vfpool-agent)
		back() { [[ \$(systemctl show -P NRestarts vfpool-agent) -ge 1 ]] && [[ \$(virsh -q net-list) == *vfpool* ]]; }
		until_true back
		systemctl stop vfpool-agent
	END
	in_host <<-END
		$common
		host_there $b '[.hosts[] | select(.agent == "down")] | length >= 2' || fail "\$(vfpool hosts $b)"
	END
	on_b <<<'systemctl start vfpool-agent'
	in_host <<-END
		$common
		up_there() { host_there $b '.hosts[0].agent == "up"'; }
		until_true up_there
	END
}

@test "a host without the hook is refused" {
	in_host <<<'expect 0 vfpool attach testguest1 eth1'
	on_b <<-END
		rm -f /etc/libvirt/hooks/qemu.d/vfpool
		systemctl reload vfpool-agent
	END
	in_host <<-END
		$common
		no_hook() { host_there $b '.hosts[0] | .hook == "none"'; }
		until_true no_hook
		refused 1 "vfhost-b has no vfpool hook" "hook-install" -- vfpool migrate testguest1 $b --live
		expect 0 vfpool detach testguest1
		freed
	END
	on_b <<<"$common $install"
}

@test "from daemon to daemon, tunnelled, over several connections, compressed, paused, with a disk" {
	in_host <<<"$three_vfs"
	for how in --p2p '--p2p --tunnelled' '--parallel --parallel-connections 2' '--compressed --auto-converge'; do
		out_and_back 3 $b $a $how
	done
	# A disk that only one of them has.
	in_host <<-'END'
		head -c 8M /dev/urandom >/var/lib/libvirt/images/disk.raw
		sha256sum /var/lib/libvirt/images/disk.raw >sum
		virsh -q attach-disk testguest1 /var/lib/libvirt/images/disk.raw vdb --targetbus virtio --live --persistent
	END
	to_b sum
	on_b <<<'rm -f /var/lib/libvirt/images/disk.raw; truncate -s 8M /var/lib/libvirt/images/disk.raw'
	out_and_back 3 $b $a --copy-storage-all
	on_b <<<'sha256sum -c sum; rm -f /var/lib/libvirt/images/disk.raw'
	in_host <<-END
		virsh -q detach-disk testguest1 vdb --live --persistent
		rm -f /var/lib/libvirt/images/disk.raw
		$no_vfs
	END
}

@test "post-copy: it has its VFs there when all of its memory is" {
	in_host <<-END
		$three_vfs
		$common
		same >had
		virsh -c $b event --event lifecycle --loop >events & events=\$!
		expect 0 vfpool --json migrate testguest1 $b $wholly --postcopy --timeout 5 --timeout-postcopy \$slow --wait 240
		is "moved" "\$(answer '[.moved[].done] | join(",")')" moved,moved,moved
		grep 'Resumed Post-copy' events
		kill \$events
		gone
		freed
	END
	to_b had
	on_b <<-END
		$common
		all_back 3
		same | diff had -
		expect 0 vfpool migrate testguest1 $a $wholly --unplug-timeout 240
		freed
	END
	in_host <<<"$common all_back 3; same | diff had -; $no_vfs"
}

@test "a guest that is off, moved by plain virsh: its definition there names VFs of that host" {
	on_b <<-'END'
		define other
		expect 0 vfpool attach other eth1
		is "its VF" "$(leases | cut -d ' ' -f 1)" 0000:01:10.0
	END
	in_host <<-END
		$common
		define web1
		expect 0 vfpool attach web1 eth1 --count 2 --vlan 7
		definitions | things | awk '/^have/ { print \$2, \$4, \$6, \$7, \$8 }' | sort >had
		is "VFs" "\$(wc -l <had)" 2
		virsh -q migrate --offline --persistent --undefinesource web1 $b
		# libvirt tells nobody here that it has gone.
		expect 0 vfpool reconcile
		freed
	END
	to_b had
	on_b <<-END
		$common
		held_three() { [[ \$(leases | grep -c held) == 3 ]]; }
		until_true held_three
		until_true idle
		sound
		definitions | things | awk '/^have/ && \$3 == "web1" { print \$2, \$4, \$6, \$7, \$8 }' | sort | diff had -
		is "its VFs" "\$(leases | awk '\$3 == "web1" { print \$1 }' | sort | paste -sd,)" 0000:01:10.2,0000:01:10.4
		virsh -q start --paused web1
		is "the VLAN" "\$(vlan_of eth1 1)" 7
		forget web1 other
		freed
	END
}

# Both hosts listen on TCP, without any encryption, and with TLS by a certificate authority of the test's own.
listens='
	cd /etc/pki/libvirt-test
	cp ca.pem /etc/pki/CA/cacert.pem
	mkdir -p /etc/pki/libvirt/private
	for what in server client; do
		cp host.pem /etc/pki/libvirt/${what}cert.pem
		cp host.key /etc/pki/libvirt/private/${what}key.pem
	done
	sed -i "/^auth_tcp/d" /etc/libvirt/libvirtd.conf
	echo "auth_tcp = \"none\"" >>/etc/libvirt/libvirtd.conf
	systemctl stop libvirtd
	systemctl start libvirtd-tcp.socket libvirtd-tls.socket
	systemctl start libvirtd
	daemon_back
'
silent='
	sed -i "/^auth_tcp/d" /etc/libvirt/libvirtd.conf
	systemctl stop libvirtd libvirtd-tcp.socket libvirtd-tls.socket
	systemctl start libvirtd
	daemon_back
	rm -rf /etc/pki/CA /etc/pki/libvirt /etc/pki/libvirt-test
'

# The authority and the hosts' keys are made here: the hosts have no program for that.
certificates() {
	local dir=$BATS_TEST_TMPDIR host file
	local new=(openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
	"${new[@]}" -x509 -days 30 -subj /CN=test -keyout "$dir/ca.key" -out "$dir/ca.pem"
	for host in vfhost-a vfhost-b; do
		"${new[@]}" -subj "/CN=$host" -keyout "$dir/host.key" -out "$dir/host.csr"
		openssl x509 -req -in "$dir/host.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 30 \
			-extfile <(echo "subjectAltName=DNS:$host") -out "$dir/host.pem"
		"$lab" run "$host" mkdir -p /etc/pki/libvirt-test /etc/pki/CA
		for file in ca.pem host.pem host.key; do
			"$lab" run "$host" tee "/etc/pki/libvirt-test/$file" <"$dir/$file" >/dev/null
		done
	done
}

@test "by qemu+tcp and qemu+tls" {
	certificates
	in_host <<<"$listens"
	on_b <<<"$listens"
	in_host <<<"$three_vfs"
	out_and_back 3 qemu+tcp://vfhost-b/system qemu+tcp://vfhost-a/system
	out_and_back 3 qemu+tls://vfhost-b/system qemu+tls://vfhost-a/system
	in_host <<<"$no_vfs $silent"
	on_b <<<"$silent"
}

@test "ten times out and back with one VF, and ten with three" {
	for vfs in 1 3; do
		if ((vfs == 1)); then in_host <<<"expect 0 vfpool attach testguest1 eth1 --persistent"; else in_host <<<"$three_vfs"; fi
		for round in {1..10}; do
			echo "round $round with $vfs"
			out_and_back $vfs $b $a
		done
		in_host <<<"$no_vfs"
	done
}
