#!/bin/bash
# For tests with the agent, as its unit runs it. After helper.

unit=vfpool-agent.service

install_unit() {
	in_host <<-END
		cp /srv/vfpool/build/lab-${LAB_SUITE:-trixie}/dist/$unit /etc/systemd/system/
		systemctl daemon-reload
		systemctl reset-failed vfpool-agent || true
		systemctl restart vfpool-agent
	END
}

# The host is made anew without the agent, which would put back what is taken away.
fresh_agent() {
	host systemctl stop vfpool-agent || true
	fresh_host
	install_unit
}

remove_unit() {
	host bash -c "systemctl stop vfpool-agent; rm -f /etc/systemd/system/$unit; systemctl daemon-reload"
}

# What these tests' scripts share.
agent='
	# The agent has nothing to do: it has seen all that happened before, for what happens is told in its order.
	idle() { [[ $(systemctl show -P StatusText vfpool-agent) == "Following libvirt; guests: 0 to look at, "* ]]; }
	following() { [[ $(systemctl show -P StatusText vfpool-agent) == "Following libvirt; "* ]]; }
	none_leased() { [[ -z $(leases) ]]; }
	leased_as() { [[ $(leases | cut -d " " -f 4 | sort | paste -sd" ") == "$1" ]]; }
	vf_of() { leases | awk -v name=$1 "\$3 == name { print \$1 }" | paste -sd" "; }
	has_vf() { definitions | things | grep -q "^have live $1 .* $2 "; }
	began=$(date +%s.%N)
	journal() { journalctl -q --no-pager -o cat --since @$began -u vfpool-agent "$@"; }
	freed() { until_true none_leased; until_true idle; all_free; }
	# metadata VIEW DOMAIN [CONTENT]: written by hand, or removed.
	metadata() {
		if [[ -n ${3:-} ]]; then
			virsh -q metadata $2 urn:vfpool:domain:1 $1 --key vfpool --set "<assignments>$3</assignments>"
		else
			virsh -q metadata $2 urn:vfpool:domain:1 $1 --remove
		fi
	} >/dev/null
	until_true following
'

# What is not told while libvirt is away is seen when it is back. The daemon is stopped with its sockets; killed, it
# comes back by itself.
away() {
	in_host <<-END
		$agent
		d=\$(daemon)
		sockets=\$(systemctl list-units --plain --no-legend "\$d*.socket" | awk '{ print \$1 }' | xargs)
		define web1 "\$(root_ports 2)"
		for how in stopped killed; do
			virsh -q start --paused web1
			expect 0 vfpool attach web1 eth2 --vlan 6
			until_true idle
			qemu=\$(</run/libvirt/qemu/web1.pid)
			if [[ \$how == stopped ]]; then
				systemctl stop \$sockets "\$d.service"
				waits() { ! following; }
				until_true waits
				kill -9 "\$qemu"
				systemctl start \$sockets
			else
				kill -9 "\$(systemctl show -P MainPID "\$d.service")" "\$qemu"
			fi
			until_true none_leased
			until_true following
			freed
		done
		forget web1
	END
}
