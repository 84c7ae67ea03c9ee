# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attach and detach in random order, many guests on a big host, against a model of what must come of it.

It runs in the lab's host as root (many.bats starts it). Every step is first done in the model, which knows
the pools, their policies and limits, and says the exit status and which VF it has to be; then by vfpool;
then everything is read back from where vfpool is not asked: libvirt's definitions, the leases' file, sysfs
and the kernel's settings of each VF. What is read must be sound in itself, and must be what the model says.

Some guests run, but for as long as they need not they are paused: their firmware would find nothing to boot,
and take the host's time. Nothing has powered their slots on, so QEMU takes a device out without a guest's word;
but for one that was there when the guest started, whose slot has power, and which no guest here would let go.
The others are defined only.
"""

import argparse
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

NVME = "0000:09:00.0"
# Where libvirt keeps the definitions: to ask it for each of them takes too long here.
KEPT = {"live": "/run/libvirt/qemu/{}.xml", "config": "/etc/libvirt/qemu/{}.xml"}
STORE = "/var/lib/vfpool/leases.db"
METADATA = "{urn:vfpool:domain:1}"
HOME = {True: "igbvf", False: None}  # a free VF's driver: of a NIC, of the NVMe controller
SLOTS = 8  # root ports of a running guest
MOST = 5  # VFs of a guest: fewer than it has slots, so that one is always free in both definitions


class Broken(Exception):
    pass


def check(condition, *words):
    if not condition:
        raise Broken(" ".join(str(w) for w in words))


def run(*args, stdin=None):
    return subprocess.run(args, input=stdin, capture_output=True, text=True)


def output(*args):
    done = run(*args)
    check(done.returncode == 0, "exit", done.returncode, "of", args, done.stderr)
    return done.stdout


# --- The host, as it is


class Vf:
    def __init__(self, pf, index, address):
        self.pf, self.index, self.address = pf, index, address
        self.name = f"{pf.name}/{index}"
        self.baseline = None

    def driver(self):
        try:
            return os.path.basename(os.readlink(f"/sys/bus/pci/devices/{self.address}/driver"))
        except FileNotFoundError:
            return None

    def has_netdev(self):
        try:
            return len(os.listdir(f"/sys/bus/pci/devices/{self.address}/net")) == 1
        except FileNotFoundError:
            return False


class Pf:
    def __init__(self, name, device, nic):
        self.name, self.nic = name, nic
        self.address = os.path.basename(os.path.realpath(device))
        links = [e for e in os.listdir(device) if re.fullmatch(r"virtfn\d+", e)]
        self.vfs = sorted(
            (Vf(self, int(e[6:]), os.path.basename(os.readlink(f"{device}/{e}"))) for e in links),
            key=lambda vf: vf.index,
        )


def settings_now():
    """(PF, index) -> the kernel's settings of that VF, all of them."""
    found = {}
    for link in json.loads(output("ip", "-j", "link", "show")):
        for vf in link.get("vfinfo_list", []):
            found[link["ifname"], vf["vf"]] = vf
    return found


def leases_now():
    if not os.path.exists(STORE):
        return {}
    with sqlite3.connect(f"file:{STORE}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT vf, assignment, domain_name, state FROM leases").fetchall()
    return {vf: (assignment, guest, state) for vf, assignment, guest, state in rows}


def address_of(element):
    part = lambda name: int(element.get(name), 16)
    return f"{part('domain'):04x}:{part('bus'):02x}:{part('slot'):02x}.{part('function'):x}"


def definition(path):
    """Wanted: id -> pool; there: id -> (VF, form, MAC, VLAN); the guest addresses of what is there."""
    domain = ET.parse(path).getroot()
    domain = domain if domain.tag == "domain" else domain.find("domain")
    wanted = {a.get("id"): a.get("pool") for a in domain.iter(METADATA + "assignment")}
    there, slots = {}, []
    for device in domain.find("devices"):
        alias = device.find("alias")
        if device.tag not in ("interface", "hostdev") or device.find("source/address") is None:
            continue
        name = alias.get("name") if alias is not None else ""
        check(name.startswith("ua-vfpool-"), "a device that nobody asked for:", ET.tostring(device))
        check(name[10:] not in there, "two devices of one assignment", name)
        mac, vlan = device.find("mac"), device.find("vlan/tag")
        there[name[10:]] = (
            address_of(device.find("source/address")),
            device.tag,
            mac.get("address") if mac is not None else None,
            int(vlan.get("id")) if vlan is not None else 0,
        )
        slots.append(address_of(device.find("address")))
    check(len(slots) == len(set(slots)), "two devices in one slot", slots)
    return wanted, there


# --- The model


class Pool:
    """A pool as it was defined; rules=False: a PF that is named itself."""

    def __init__(self, name, pfs, policies=(), excluded=(), reserved=(), guest=0, total=0, form="interface",
                 vlan=0, spoofchk=True, rules=True):
        self.name, self.pfs, self.policies, self.rules = name, pfs, policies, rules
        self.excluded, self.reserved, self.guest, self.total = set(excluded), set(reserved), guest, total
        self.form, self.vlan, self.spoofchk = form, vlan, spoofchk

    def holds(self, vf):
        return vf.pf in self.pfs and vf.index not in self.excluded

    def xml(self):
        lines = [f"<pool><name>{self.name}</name>"]
        lines += [f"<pf dev='{pf.name}'/>" if pf.nic else "<pf driver='nvme'/>" for pf in self.pfs]
        lines += [f"<exclude index='{i}'/>" for i in sorted(self.excluded)]
        lines += [f"<reserve index='{i}'/>" for i in sorted(self.reserved)]
        lines += [f"<policy name='{p}'/>" for p in self.policies]
        limits = (f" guest='{self.guest}'" if self.guest else "") + (f" total='{self.total}'" if self.total else "")
        lines += [f"<limit{limits}/>"] if limits else []
        lines += [f"<device form='{self.form}'/>"] if self.form != "interface" else []
        lines += [f"<vlan><tag id='{self.vlan}'/></vlan>"] if self.vlan else []
        lines += ["<settings spoofchk='off'/>"] if not self.spoofchk else []
        return "\n".join(lines + ["</pool>"])


class Assignment:
    def __init__(self, guest, vf, form, vlan, spoofchk, live, config):
        self.guest, self.vf, self.form, self.vlan, self.spoofchk = guest, vf, form, vlan, spoofchk
        self.live, self.config = live, config
        self.cold = False  # it was there when the guest started
        self.plugged_vlan = vlan  # what the running guest's definition shows: libvirt cannot change that
        self.trust = False
        self.id = self.mac = None  # vfpool chooses these


class Guest:
    def __init__(self, name, runs):
        self.name, self.runs = name, runs


class Model:
    def __init__(self, pools, pfs):
        self.pools = pools
        self.bare = [Pool(pf.name, [pf], rules=False) for pf in pfs]
        self.pfs = pfs
        self.held = []

    def holder(self, vf):
        return next((a for a in self.held if a.vf is vf), None)

    def of(self, guest):
        return [a for a in self.held if a.guest is guest]

    def defined(self, pf):
        return next((p for p in self.pools if pf in p.pfs), None)

    def eligible(self, pool, guest, index, taken):
        """The free VFs of a pool, or of the PF that is named, for one more of this guest."""
        if pool.rules:
            held = [(a.guest, a.vf) for a in self.held] + [(guest, vf) for vf in taken]
            of_pool = [g for g, vf in held if pool.holds(vf)]
            if pool.guest and of_pool.count(guest) >= pool.guest or pool.total and len(of_pool) >= pool.total:
                return []
        found = []
        for pf in pool.pfs:
            rules = pool if pool.rules else self.defined(pf)
            for vf in pf.vfs:
                if self.holder(vf) or vf in taken or (index is not None and vf.index != index):
                    continue
                if rules and (not rules.holds(vf) or (index is None and vf.index in rules.reserved)):
                    continue
                found.append(vf)
        return found

    def choose(self, pool, guest, index, taken):
        free = self.eligible(pool, guest, index, taken)
        if not free:
            return None
        mates = [a.vf.pf for a in self.of(guest)] + [vf.pf for vf in taken]

        def rank(vf):
            pf = vf.pf
            of_pf = [v for v in pf.vfs if not pool.rules or pool.holds(v)]
            n_free = sum(v.pf is pf for v in self.eligible(pool, guest, None, taken))
            used = sum(v in taken or self.holder(v) is not None for v in pf.vfs)
            keys = {
                "spread": -n_free / len(of_pf),
                "pack": -used,
                "anti-affinity": mates.count(pf),
                "first-fit": 0,
                "link-up": 0,  # all have carrier, or none
            }
            return [keys[p] for p in pool.policies] + [pf.address, vf.index]

        return min(free, key=rank)

    def attach(self, guest, pool, index, count, live, config, form, vlan, spoofchk):
        """What vfpool has to do: the new assignments; None: there are not enough VFs."""
        taken = []
        for _ in range(count):
            vf = self.choose(pool, guest, index, taken)
            if vf is None:
                return None
            taken.append(vf)
        nic = taken[0].pf.nic
        form = form or (pool.form if pool.rules and nic else "interface" if nic else "hostdev")
        vlan = vlan if vlan is not None else (pool.vlan if pool.rules else 0)
        if spoofchk is None:
            spoofchk = pool.spoofchk if pool.rules else True
        return [Assignment(guest, vf, form, vlan, spoofchk, live, config) for vf in taken]


# --- One run


class Run:
    def __init__(self, seed, guests, running):
        self.random = random.Random(seed)
        self.pfs = [Pf(f"eth{i}", f"/sys/class/net/eth{i}/device", True) for i in range(1, 9)]
        nvme = Pf(NVME, f"/sys/bus/pci/devices/{NVME}", False)
        self.pfs.append(nvme)
        self.vfs = [vf for pf in self.pfs for vf in pf.vfs]
        eth = {pf.name: pf for pf in self.pfs}
        self.model = Model(
            [
                Pool("fast", [eth["eth1"], eth["eth2"]], ["spread"], excluded=[6], reserved=[5], guest=3, total=9),
                Pool("bond", [eth["eth3"], eth["eth4"]], ["anti-affinity", "pack"], vlan=30),
                Pool("dense", [eth["eth5"], eth["eth6"]], ["pack"], reserved=[0], guest=2, form="hostdev",
                     spoofchk=False),
                Pool("wide", [eth["eth7"]], ["link-up", "anti-affinity", "spread", "first-fit"], total=6),
                Pool("disks", [nvme], ["pack"], excluded=[0], reserved=[31], guest=3, total=22),
            ],
            self.pfs,
        )
        self.guests = [Guest(f"many{i}", i < running) for i in range(guests)]
        self.log, self.tally = [], {}
        self.progress = open("many.log", "w")

    # The world before and after

    def domain_xml(self, guest):
        ports = "<controller type='pci' model='pcie-root-port'/>" * (SLOTS if guest.runs else 0)
        return f"""<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
            <name>{guest.name}</name><memory unit='MiB'>32</memory>
            <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
            <on_poweroff>destroy</on_poweroff>
            <devices><controller type='usb' model='none'/><controller type='pci' index='0' model='pcie-root'/>
                {ports}<memballoon model='none'/></devices>
            <qemu:commandline><qemu:arg value='-global'/>
                <qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'/></qemu:commandline>
            </domain>"""

    def set_up(self):
        commands = []
        for guest in self.guests:
            with open(f"{guest.name}.xml", "w") as file:
                file.write(self.domain_xml(guest))
            commands.append(f"define {guest.name}.xml")
            if guest.runs:
                commands.append(f"start --paused {guest.name}")
        output("virsh", "-q", ";".join(commands))
        for pool in self.model.pools:
            done = run("vfpool", "-q", "pool-define", "-", stdin=pool.xml())
            check(done.returncode == 0, "pool", pool.name, done.stderr)
        now = settings_now()
        for vf in self.vfs:
            vf.baseline = now.get((vf.pf.name, vf.index))
            check(vf.driver() == HOME[vf.pf.nic], vf.name, "is on", vf.driver())

    def tear_down(self):
        commands = [f"destroy {g.name}" for g in self.guests if g.runs] + [f"undefine {g.name}" for g in self.guests]
        run("virsh", "-q", ";".join(commands))

    # Invariants

    def look(self):
        """Everything as it is, from everywhere but vfpool; sound in itself."""
        names = [(g, view) for g in self.guests for view in (("live", "config") if g.runs else ("config",))]
        seen, vf_of, holders = {}, {}, {}
        for guest, view in names:
            wanted, there = definition(KEPT[view].format(guest.name))
            check(set(wanted) == set(there), guest.name, view, "wants", sorted(wanted), "has", sorted(there))
            for id, device in there.items():
                seen[guest.name, view, id] = device
                check(vf_of.setdefault(id, device[0]) == device[0], id, "is two VFs:", vf_of[id], device[0])
                check(holders.setdefault(device[0], id) == id, device[0], "has two holders:", holders[device[0]], id)
        leases = leases_now()
        check({vf: lease[0] for vf, lease in leases.items()} == holders, "leases", leases, "but devices", holders)
        for vf, (id, guest, state) in leases.items():
            check(state == "held", "the lease of", vf, "is", state)
            check(any(key[0] == guest and key[2] == id for key in seen), "lease of", vf, "is for", guest)
        return seen

    def verify(self):
        seen, now = self.look(), settings_now()
        expected = {}
        for a in self.model.held:
            shown = a.form == "interface"
            for view, there, vlan in (("live", a.live, a.plugged_vlan), ("config", a.config, a.vlan)):
                if there:
                    expected[a.guest.name, view, a.id] = (
                        a.vf.address, a.form, a.mac if shown else None, vlan if shown else 0)
        check(seen == expected, "as it is:", sorted(set(seen.items()) - set(expected.items())), "as it should be:",
              sorted(set(expected.items()) - set(seen.items())))
        for vf in self.vfs:
            a, is_now = self.model.holder(vf), now.get((vf.pf.name, vf.index))
            if a and a.live:
                check(vf.driver() == "vfio-pci", vf.name, "is in", a.guest.name, "and on", vf.driver())
                if vf.pf.nic:
                    has = is_now["address"], is_now["vlan_list"][0].get("vlan", 0), is_now["spoofchk"], is_now["trust"]
                    check(has == (a.mac, a.vlan, a.spoofchk, a.trust), vf.name, "of", a.guest.name, "has", has, "not",
                          vars(a))
                continue
            check(vf.driver() == HOME[vf.pf.nic], vf.name, "is in no running guest, and on", vf.driver())
            check(vf.has_netdev() == vf.pf.nic, vf.name, "has no netdev")
            # MAC and VLAN are libvirt's until the guest starts; the rest waits for it on the VF.
            if a and vf.pf.nic:
                has = is_now["spoofchk"], is_now["trust"]
                check(has == (a.spoofchk, a.trust), vf.name, "waits for", a.guest.name, "with", has, "not", vars(a))
            if not a:
                check(is_now == vf.baseline, vf.name, "is free, and has", is_now, "not", vf.baseline)

    def verify_list(self):
        done = run("vfpool", "--json", "list")
        check(done.returncode == 0, "list:", done.stderr)
        rows = {r["address"]: r for pf in json.loads(done.stdout)["pfs"] for r in [pf, *pf.get("children", [])]}
        for vf in self.vfs:
            a, row = self.model.holder(vf), rows[vf.address]
            rules = self.model.defined(vf.pf)
            withheld = rules and (not rules.holds(vf) or vf.index in rules.reserved)
            check((row["state"], row["holder"], row["assignment"]) ==
                  (("held", a.guest.name, a.id) if a else ("withheld" if withheld else "free", None, None)),
                  "list says", row, "of", vf.name)
        pools = {r["name"]: r for r in json.loads(output("vfpool", "--json", "pool-list"))["pools"]}
        for pool in self.model.pools:
            row = pools[pool.name]
            held = [vf for pf in pool.pfs for vf in pf.vfs if pool.holds(vf)]
            leased = sum(self.model.holder(vf) is not None for vf in held)
            free = len(self.model.eligible(pool, None, None, []))
            free = min(free, pool.total - leased) if pool.total else free
            check((row["vfs"], row["leased"], row["free"]) == (len(held), leased, free), "pool-list says", row,
                  "not", len(held), leased, free)

    # Steps

    def vfpool(self, *args, status=0):
        began = time.monotonic()
        done = run("vfpool", "--json", *args)
        self.note(f"vfpool {' '.join(args)}  -> {done.returncode}", began)
        check(done.returncode == status, "exit", done.returncode, "not", status, ":", done.stderr, done.stdout)
        check(status == 0 or not done.stdout, "it failed, and printed", done.stdout)
        return json.loads(done.stdout) if done.stdout else None, done.stderr

    def note(self, words, began=None):
        """For whoever looks on, and for the last words of a run that fails."""
        self.log.append(words if began is None else f"{words}  ({time.monotonic() - began:.1f} s)")
        print(self.log[-1], file=self.progress, flush=True)

    def count(self, what):
        self.tally[what] = self.tally.get(what, 0) + 1

    def views(self, guest):
        """Options, and which definitions they mean."""
        if not guest.runs:
            return self.random.choice([([], False, True), (["--config"], False, True), (["--persistent"], False, True)])
        return self.random.choice([([], True, False), (["--live"], True, False), (["--config"], False, True),
                                   (["--persistent"], True, True), (["--live", "--config"], True, True)])

    def step_attach(self):
        model, dice = self.model, self.random
        guest = dice.choice([g for g in self.guests if len(model.of(g)) < MOST])
        pool = dice.choice(model.pools * 2 + model.bare)
        index = dice.choice(pool.pfs[0].vfs).index if dice.random() < 0.2 else None
        count = 1 if index is not None else min(dice.choice([1, 1, 1, 2, 2, 3]), MOST - len(model.of(guest)))
        options, live, config = self.views(guest)
        form = dice.choice([None, None, "interface", "hostdev"])
        vlan = dice.choice([None, None, 0, dice.randrange(1, 4095)])
        spoofchk = dice.choice([None, None, None, True, False])
        status = 0
        if not pool.pfs[0].nic:
            # What only a NIC has is refused, else there is nothing to choose.
            status = 2 if vlan or spoofchk is not None or form == "interface" else 0
            vlan = vlan or None
        new = [] if status else model.attach(guest, pool, index, count, live, config, form, vlan, spoofchk)
        target = pool.name if index is None else f"{pool.name}/{index}"
        if not pool.rules and index is not None and dice.random() < 0.5:
            target = next(vf.address for vf in pool.pfs[0].vfs if vf.index == index)
        if not status and dice.random() < 0.3:
            first = model.choose(pool, guest, index, [])
            answer = run("vfpool", "--json", "why", guest.name, target)
            chosen = [vf["address"] for pf in json.loads(answer.stdout)["why"][1:] for vf in pf.get("children", [])
                      if vf["chosen"]]
            check((answer.returncode, chosen) == ((0, [first.address]) if first else (3, [])), "why", guest.name,
                  target, "says", answer.returncode, chosen, "not", first and first.address)
        args = ["attach", guest.name, target, *options]
        args += ["--count", str(count)] if count > 1 else []
        args += ["--form", form] if form else []
        args += ["--vlan", str(vlan)] if vlan is not None else []
        args += ["--spoofchk", "on" if spoofchk else "off"] if spoofchk is not None else []
        if new is None:
            status = 3
        answer, words = self.vfpool(*args, status=status)
        if status:
            check("nothing was changed" in words, "it did not say how things stand:", words)
            return self.count("full" if status == 3 else "no NIC")
        rows = answer["attached"]
        check([r["vf"] for r in rows] == [a.vf.address for a in new], "it took", [r["name"] for r in rows], "not",
              [a.vf.name for a in new])
        for a, row in zip(new, rows):
            a.id, a.mac = row["assignment"], row["mac"]
        model.held += new
        macs = [a.mac for a in model.held if a.vf.pf.nic]
        check(all(macs) and len(set(macs)) == len(macs), "a MAC is missing, or there twice:", macs)
        self.count("attached")

    def step_detach(self):
        model, dice = self.model, self.random
        if not model.held:
            return self.step_attach()
        a = dice.choice(model.held)
        guest = a.guest
        name, gone = dice.choice([
            (a.id, [a]), (a.mac or a.id, [a]), (a.vf.address, [a]), (a.vf.name, [a]), ("--all", model.of(guest)),
            (a.vf.pf.name, [b for b in model.of(guest) if b.vf.pf is a.vf.pf]),
        ])
        # What is only in one of its definitions is not in the other to be taken out of.
        can = [v for v in ((True, True), (True, False), (False, True)) if (guest.runs or v[1]) and
               all((b.live and v[0] or b.config and v[1]) and not (b.cold and v[0]) for b in gone)]
        if not can:
            return self.step_attach()
        views = dice.choice(can)
        options = {(True, True): ["--persistent"], (True, False): ["--live"], (False, True): ["--config"]}[views]
        if not guest.runs or views == (True, False):
            options = dice.choice([options, []])
        if guest.runs:
            output("virsh", "-q", f"resume {guest.name}")
        answer, _ = self.vfpool("detach", guest.name, name, *options)
        if guest.runs:
            output("virsh", "-q", f"suspend {guest.name}")
        check(sorted(r["assignment"] for r in answer["detached"]) == sorted(b.id for b in gone), "it detached", answer)
        for b in gone:
            b.live, b.config = b.live and not views[0], b.config and not views[1]
            if not b.live and not b.config:
                model.held.remove(b)
        self.count("detached")

    def step_set(self):
        nics = [a for a in self.model.held if a.vf.pf.nic]
        if not nics:
            return self.step_attach()
        a = self.random.choice(nics)
        dice = self.random
        a.vlan, a.spoofchk, a.trust = dice.randrange(0, 4095), dice.random() < 0.7, dice.random() < 0.3
        options = {(True, True): "--persistent", (True, False): "--live", (False, True): "--config"}[a.live, a.config]
        self.vfpool("set", a.guest.name, a.id, options, "--vlan", str(a.vlan),
                    "--spoofchk", "on" if a.spoofchk else "off", "--trust", "on" if a.trust else "off")
        self.count("set")

    def step_refused(self):
        """What cannot be is refused with its status, and nothing is different."""
        dice = self.random
        off = dice.choice([g for g in self.guests if not g.runs])
        cases = [(["attach", off.name, "eth8", "--live"], 1), (["attach", "nobody", "eth8"], 1),
                 (["attach", off.name, "eth99"], 1), (["detach", off.name, "00:00:5e:00:53:01"], 1)]
        if self.model.held:
            a = dice.choice(self.model.held)
            other = dice.choice([g for g in self.guests if g is not a.guest and not g.runs])
            cases += [(["attach", other.name, a.vf.name], 3)] * 2
            if a.mac and self.model.choose(self.model.bare[7], other, None, []):
                cases += [(["attach", other.name, "eth8", "--mac", a.mac], 1)] * 2
        args, status = dice.choice(cases)
        self.vfpool(*args, status=status)
        self.count("refused")

    def step_reconcile(self):
        answer, words = self.vfpool("reconcile")
        check(not answer or not answer["mended"], "there was something to mend:", answer, words)
        self.count("reconciled")

    def step_power(self):
        """A guest is switched off and on: what it has for its next boot it has then, and nothing else."""
        guest = self.random.choice([g for g in self.guests if g.runs])
        self.note(f"destroy and start {guest.name}")
        output("virsh", "-q", f"destroy {guest.name}")
        self.vfpool("reconcile", guest.name)
        output("virsh", "-q", f"start --paused {guest.name}")
        self.vfpool("reconcile", guest.name)
        for a in self.model.of(guest):
            a.live, a.cold, a.plugged_vlan = a.config, a.config, a.vlan
            if not a.config:
                self.model.held.remove(a)
        self.count("switched off and on")

    def go(self, steps):
        dice = self.random
        for n in range(steps):
            # It fills up, is emptied by half, and fills up again.
            fill = 0.75 if n % 40 < 26 else 0.3
            kind = dice.choices(
                [self.step_attach if dice.random() < fill else self.step_detach, self.step_set, self.step_refused,
                 self.step_reconcile, self.step_power], [80, 8, 7, 3, 2])[0]
            kind()
            began = time.monotonic()
            self.verify()
            self.note(f"step {n}: sound", began)
            if n % 10 == 9:
                self.verify_list()
        while self.model.held:
            guest = self.model.held[0].guest
            cold = any(a.cold for a in self.model.of(guest))
            if guest.runs:
                output("virsh", "-q", f"{'destroy' if cold else 'resume'} {guest.name}")
            self.vfpool("detach", guest.name, "--all", *([] if cold else ["--persistent"]))
            if cold:
                output("virsh", "-q", f"start --paused {guest.name}")
            self.model.held = [a for a in self.model.held if a.guest is not guest]
        self.verify()
        self.verify_list()
        check(not leases_now(), "there are leases")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--steps", type=int, default=40)
    options.add_argument("--guests", type=int, default=40)
    options.add_argument("--running", type=int, default=4)
    chosen = options.parse_args()
    world = Run(chosen.seed, chosen.guests, chosen.running)
    try:
        began = time.monotonic()
        world.set_up()
        world.note("set up", began)
        world.verify()
        world.go(chosen.steps)
    except Broken as broken:
        print("\n".join(world.log[-12:]), f"\nseed {chosen.seed}, after {len(world.log)} lines of many.log: {broken}", file=sys.stderr)
        return 1
    world.tear_down()
    print(f"seed {chosen.seed}: " + ", ".join(f"{n} {what}" for what, n in sorted(world.tally.items())))
    return 0


sys.exit(main())
