# SPDX-License-Identifier: GPL-2.0-or-later
"""A bed with the product in it, as a test works with it.

Between tests clean() brings it back to hosts that are all up and a cluster
that has nothing but its fencing; what cannot be cleaned is reported, and the
runner then makes a new bed.
"""
import concurrent.futures
import json
import shutil
import time

from bed import Bed, Cluster, Timeline, config, heartbeat, wait_for

from .vm import Vm

CLEAN_DEADLINE_S = 60
ONLINE_DEADLINE_S = 60
START_DEADLINE_S = 60
SETTLE_DEADLINE_S = 60
OPEN_DEADLINE_S = 60
DAEMONS = ("corosync", "libvirtd", "pacemaker")
HEARTBEATD = "heartbeatd"
SHARES = ("ds1", "config")
STICKINESS = "rsc_defaults rsc-options: resource-stickiness=100\n"
# Tests order more resets in an hour than a cluster should.
FENCE_LIMIT = 64
FENCE_LIMIT_SET = (f"echo fence_limit={FENCE_LIMIT} >>{heartbeat.CONF_PATH} && "
                   "kill -HUP $(cat /run/vmha/heartbeatd.pid)")
# What these tests care about beyond the timeline's own patterns.
PATTERNS = [
    (r"Result of (?:probe|monitor) operation for (\S+) on (\S+): "
     r"(?!ok|not running)(.*)", "monitor: {0} on {1}: {2}"),
    (r"Initiating (?:shutdown|stop) .*Node (\S+)", "shutdown of {0}"),
    # The lines of vmha-heartbeatd by their ids (docs/LOGS.md).
    (r"vmha-heartbeatd\[\d+\]: \[\w+\] (.*) \[(?:failed|serving|stopped|"
     r"stop-\w+(?:-\w+)?|conflict|pet-failed|no-evidence|evidence|stood-still|"
     r"host-\w+(?:-\w+)?|ring-lost|members|ordered|order|order-\w+|braked|"
     r"fenced|not-fenced|cut-off|placed|refused)\]", "heartbeat: {0}"),
]
REPEAT_S = 3.0


class CheckFailed(Exception):
    """The product did not do what the test says it must."""


class Lab:
    def __init__(self, name, hosts, stage, guest, accel, keep=False,
                 progress=None, **bed):
        """keep: the bed outlives the process that made it. bed: arguments of
        class Bed (heartbeat=3)."""
        self.kind = tuple(sorted((k, v) for k, v in bed.items()
                                 if k != "folder"))
        self.bed = Bed(name, hosts=hosts, stage=stage, progress=progress,
                       owner=0 if keep else None, **bed)
        self.fences = config.fence_resources(self.bed.fence,
                                             self.bed.heartbeat)
        self.daemons = DAEMONS + (HEARTBEATD,) * bool(self.bed.heartbeat)
        self.cluster = Cluster(self.bed)
        self.guest = guest
        self.accel = accel
        self.vms = []
        self.line = None

    def up(self):
        self.bed.up()
        shutil.copy(self.guest, f"{self.bed.shared('ds1')}/nano.elf")
        self.cluster.configure("h1", STICKINESS)
        if self.bed.heartbeat:
            for host in self.hosts:
                self.bed.run(host, "sh", "-c", FENCE_LIMIT_SET)
            self._wait_open()
        self.begin()

    def _wait_open(self):
        """Hosts begin sealed; without a master they open after ten beats, and
        a start waits so long, if its timeout lets it."""
        def is_open(host):
            done = self.bed.run(host, "vmha", "status", "--json", check=False)
            return done.stdout and \
                not json.loads(done.stdout)["self"]["sealed"]
        for host in self.hosts:
            wait_for(lambda h=host: is_open(h), OPEN_DEADLINE_S,
                     f"the end of the seal of {host}")

    def down(self):
        for vm in self.vms:
            vm.watch.stop()
        return self.bed.down()

    @property
    def hosts(self):
        return self.bed.hosts

    # -- what a test says --------------------------------------------------

    def begin(self):
        """A new story: its clock starts now."""
        self.line = Timeline(self.bed, PATTERNS)

    def mark(self, text, is_zero=False):
        return self.line.mark(text, is_zero)

    def look_for(self, *patterns):
        """More (regexp, format) pairs for this test's timeline."""
        self.line = Timeline(self.bed, [*patterns, *PATTERNS])

    def note(self, text):
        self.line.mark(text)

    def expect(self, condition, sentence):
        if not condition:
            raise CheckFailed(sentence)

    def events(self):
        """[(seconds, host, text)]: each once although several hosts log it,
        with what the guests' disks say."""
        for vm in self.vms:
            self._mark_boots(vm)
        seen, kept = {}, []
        for at, host, text in self.line.events():
            before = seen.get(text)
            if before and before[1] != host and at - before[0] < REPEAT_S:
                continue
            seen[text] = (at, host)
            kept.append((at, host, text))
        return kept

    def table(self):
        rows, last = [], None
        for at, host, text in self.events():
            step = "" if last is None else f"+{at - last:.3f}"
            rows.append(f"  {at:8.3f} {step:>8}  {host:5} {text}")
            last = at
        return "\n".join(rows)

    def _mark_boots(self, vm):
        """The guest's own events, from its disk."""
        for boot in vm.watch.report()["boots"]:
            event = (boot["first_mono"], vm.name,
                     f"guest's first write, boot {boot['ordinal']}")
            if boot["first_mono"] >= self.line.t0 and \
                    event not in self.line.marks:
                self.line.marks.append(event)

    # -- machines ----------------------------------------------------------

    def vm(self, name, **kwargs):
        made = Vm(self, name, **kwargs)
        self.vms.append(made)
        return made

    def protect(self, *vms, on=None, wait=True, meta=""):
        """Configures them with crm; returns when their guests have written."""
        self.cluster.configure(self.cluster.any_host(), "".join(
            vm.primitive(on, meta) for vm in vms))
        if not wait:
            return
        for vm in vms:
            self.cluster.wait_started(vm.name, START_DEADLINE_S, on=on)
            vm.wait_boot(1)
        self.mark(f"{', '.join(vm.name for vm in vms)}: up")

    def settle(self):
        """Until Pacemaker has nothing left to do."""
        self.bed.run(self.cluster.any_host(), "crm_resource", "--wait",
                     f"--timeout={SETTLE_DEADLINE_S}",
                     deadline_s=SETTLE_DEADLINE_S + 5)

    def where(self, vm, **kwargs):
        return self.cluster.wait_started(vm.name, **kwargs)

    def others(self, *hosts):
        return [h for h in self.hosts if h not in hosts]

    # -- and back ----------------------------------------------------------

    def _repair(self, host):
        """One host: power, cables, shares, daemons."""
        name = host["host"]
        # A daemon that was killed is not to be started again in that boot.
        if host["state"] == "on" and HEARTBEATD in self.daemons and \
                host["daemons"][HEARTBEATD] != "runs":
            self.bed.poweroff(name)
            host["state"] = "off"
        if host["state"] == "off":
            self.bed.restore(name)
            for share in SHARES:
                self.bed.share(name, share)
            self.bed.poweron(name)
            return
        if host["state"] == "paused":
            self.bed.resume(name)
        if host["cut"]:
            self.bed.restore(name)
        for share in host["away"]:
            self.bed.share(name, share)
        for daemon in self.daemons:
            if host["daemons"][daemon] == "frozen":
                self.bed.thaw(name, daemon)
            elif host["daemons"][daemon] == "-":
                self.bed.start(name, daemon)

    def _fences_xml(self):
        return "<resources>" + "".join(
            config.fence_xml(name, agent, self.hosts)
            for name, agent in self.fences.items()) + "</resources>"

    def _erase(self):
        """Takes all resources out of the CIB; Pacemaker stops them."""
        first = self.cluster.any_host()
        for scope, text in (("constraints", "<constraints/>"),
                            ("resources", self._fences_xml())):
            self.bed.run(first, "cibadmin", "--replace", "--scope", scope,
                         "--xml-text", text)
        self.bed.run(first, "cibadmin", "--delete-all", "--force", "--xpath",
                     "/cib/status/tickets/ticket_state", check=False)
        # What a test wrote by hand would stay for ever: vmha leaves it alone.
        self.bed.run(first, "cibadmin", "--delete-all", "--force", "--xpath",
                     "/cib/configuration/nodes/node/utilization/nvpair",
                     check=False)
        for host, state in self.cluster.state(first).nodes.items():
            if state == "standby":
                self.cluster.crm(first, f"node online {host}")

    def _is_empty(self, state):
        return state.all_online() and \
            set(state.resources) == set(self.fences) and \
            all(state.node_of(name) for name in self.fences)

    def mend(self):
        """No fault any more: all hosts up, heard, and with their storage."""
        self.bed.fence_device("ok")
        if self.bed.heartbeat:
            self.bed.heal()
        status = self.bed.status()
        if any(host["deaf"] for host in status):
            self.bed.join()
        with concurrent.futures.ThreadPoolExecutor(len(status)) as pool:
            list(pool.map(self._repair, status))

    def clean(self):
        """Puts the bed right; says so when a QEMU outlives its resource."""
        self.mend()
        # A host that has not joined yet would change its own old CIB.
        self.cluster.wait_online(ONLINE_DEADLINE_S)
        self._erase()
        state = self.cluster.wait(self._is_empty, CLEAN_DEADLINE_S,
                                  "an empty cluster with all hosts online")
        if state.failures:
            self.bed.run(self.cluster.any_host(), "crm_resource", "--cleanup")
        for vm in self.vms:
            vm.wait_gone()
            vm.remove()
        self.vms = []

    def hold(self, seconds, vm, hosts, what):
        """For that long, its QEMUs must be on exactly these hosts."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = vm.hosts()
            self.expect(found == sorted(hosts),
                        f"{what}: {vm.name} has QEMUs on {found}, "
                        f"expected {sorted(hosts)}")
            time.sleep(0.1)
        self.note(f"{what}: watched for {seconds} s, nothing came up")
