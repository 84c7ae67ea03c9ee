#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The samples for migration call what they should, in the right order, and give VFs back whatever fails.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/tap.bash

samples=$PWD/dist/migration
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# These stand for the real ones: they write down how they are called, and fail when they are told to.
mkdir -p "$scratch/bin" "$scratch/ocf/resource.d/heartbeat"
cat >"$scratch/bin/stub" <<'END'
#!/bin/sh
name=${0##*/}
echo "$name $*" >>"$CALLS"
case " $FAILS " in *" $name "*) exit 7 ;; esac
case " $FAILS " in *" $name-$1 "*) exit 7 ;; esac
[ "$name" != virsh ] || [ -z "${KILLS:-}" ] || kill -TERM "$PPID"
exit 0
END
chmod +x "$scratch/bin/stub"
for name in vfpool virsh ssh; do ln -s stub "$scratch/bin/$name"; done
ln -s ../../../bin/stub "$scratch/ocf/resource.d/heartbeat/VirtualDomain"
printf '%s\n' '<domain>' '  <name>web 1</name>' '  <description><name>no</name></description>' '</domain>' >"$scratch/web1.xml"

# calls NAME STATUS WANTED FAILS SAMPLE ARGUMENT...: it ends so, and called these.
calls()
{
	local name=$1 status=$2 wanted=$3 fails=$4 sample=$5 got=0
	shift 5
	: >"$scratch/calls"
	CALLS=$scratch/calls FAILS=$fails PATH=$scratch/bin:$PATH OCF_ROOT=$scratch/ocf \
		OCF_RESKEY_config=$scratch/web1.xml "$samples/$sample" "$@" >"$scratch/out" 2>&1 || got=$?
	found_nothing "$name" "$(
		[ "$got" = "$status" ] || { echo "exit $got, not $status"; cat "$scratch/out"; }
		diff <(printf '%s' "${wanted:+$wanted$'\n'}") "$scratch/calls"
	)"
}

move="virsh migrate --live --persistent -- it's qemu+ssh://b/system"
calls "virsh-migrate moves" 0 "vfpool park it's
$move
ssh b vfpool unpark 'it'\\''s'
vfpool unpark it's" "" virsh-migrate "it's" b --persistent
calls "virsh-migrate gives back what could not be moved" 1 "vfpool park it's
$move
vfpool unpark it's" virsh virsh-migrate "it's" b --persistent
calls "virsh-migrate moves nothing that is not parked" 7 "vfpool park web1" vfpool-park virsh-migrate web1 b
calls "virsh-migrate says that VFs are missing over there" 7 "vfpool park web1
virsh migrate --live -- web1 qemu+ssh://b/system
ssh b vfpool unpark 'web1'
vfpool unpark web1" ssh virsh-migrate web1 b
export KILLS=yes
calls "virsh-migrate gives back when it is stopped" 1 "vfpool park web1
virsh migrate --live -- web1 qemu+ssh://b/system
vfpool unpark web1" "" virsh-migrate web1 b
unset KILLS
calls "virsh-migrate wants a guest and a host" 2 "" "" virsh-migrate web1

calls "pacemaker's agent parks before it moves" 0 "vfpool -q park web 1
VirtualDomain migrate_to
vfpool -q unpark web 1" "" pacemaker migrate_to
calls "pacemaker's agent gives back what could not be moved" 7 "vfpool -q park web 1
VirtualDomain migrate_to
vfpool -q unpark web 1" VirtualDomain pacemaker migrate_to
calls "pacemaker's agent moves nothing that is not parked" 1 "vfpool -q park web 1" vfpool pacemaker migrate_to
calls "pacemaker's agent gives back where it arrives" 0 "VirtualDomain migrate_from
vfpool -q unpark web 1" vfpool pacemaker migrate_from
calls "pacemaker's agent does all else as it is" 7 "VirtualDomain stop" VirtualDomain pacemaker stop

calls "opennebula parks" 0 "ssh a sudo -n vfpool park -q one-7" "" opennebula premigrate a b /dir 7 0
calls "opennebula moves nothing that is not parked" 7 "ssh a sudo -n vfpool park -q one-7" ssh \
	opennebula premigrate a b /dir 7 0
calls "opennebula gives back where it arrives" 0 "ssh b sudo -n vfpool unpark -q one-7
ssh a sudo -n vfpool unpark -q one-7" "" opennebula postmigrate a b /dir 7 0
calls "opennebula gives back what could not be moved" 0 "ssh a sudo -n vfpool unpark -q one-7" "" \
	opennebula failmigrate a b /dir 7 0
calls "opennebula takes numbers only" 2 "" "" opennebula premigrate a b /dir '7;reboot' 0
calls "opennebula knows its steps" 2 "" "" opennebula start a b /dir 7 0
tap_end
