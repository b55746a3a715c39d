# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo's second act: a host that is cut off, and lives.

Its virtual machines run on and nobody may start them a second time; when the
network is back, so is everything else. What is done and waited for is what
the cluster tests do (cases/cutoff.py); this page only tells it.
"""
import concurrent.futures
import re

from cases import cutoff, isolation
from cases.lab import CheckFailed, Lab

FOLLOW_DEADLINE_S = 120
# What the daemons log (docs/LOGS.md, docs/LOGS-FDMD.md) -> how it is told.
PATTERNS = (
    (r"this host is sealed, it takes no VM: .*\[sealed\]",
     "sealed: what runs here runs on, no VM is started here any more"),
    (r"\] (\S+) may not be started: .*\((\S+)\) \[held\]",
     "master: {0} is held for {1}, nobody else may start it"),
    (r"this host is isolated: .* heard for (\d+) s; .*"
     r"\(isolation_response=none\) \[isolated\]",
     "isolated: no host and no isolation address heard for {0} s; "
     "response none"),
    (r"\] (\S+) is told that its VM list is settled",
     "master: the VM list of {0} is settled, it may open its seal"),
    (r"\] (\S+) may be started: (.*) \[granted\]",
     "master: ticket of {0} is granted again, {1}"),
    (r"this host is not sealed any more", "unsealed: takes VMs again"),
)
# The agent's own sentence; crm_resource shortens the copy in its first line.
REFUSAL = re.compile(r"ocf-exit-reason:(.* is held in the name of .*)")


class CutLab(Lab):
    """Its timelines know these lines too."""

    def begin(self):
        self.look_for(*PATTERNS)


def meanwhile(story, lab, told, work, *args):
    """Tells what happens while the tests' own helper waits for its end; told:
    what was told before."""
    pool = concurrent.futures.ThreadPoolExecutor(1)
    try:
        done = pool.submit(work, *args)
        story.follow(lab, done.done, FOLLOW_DEADLINE_S, told)
        return done.result()
    finally:
        # Who interrupts need not wait: without its bed the helper ends too.
        pool.shutdown(wait=False)


def longest_silence_s(vm, since):
    """Between two writes, by the sampling thread of the witness."""
    at = [s.mono for s in vm.watch.timeline() if s.mono >= since]
    return max((b - a for a, b in zip(at, at[1:])), default=0.0)


def vmha(story, lab, host, *words):
    """A command as an administrator would give it; its exit code only says
    that not all is well."""
    story.plain(f"{host}# vmha {' '.join(words)}", "dim")
    said = lab.bed.run(host, "vmha", *words, check=False).stdout
    story.plain("\n".join(r.rstrip() for r in said.splitlines()
                          if r.strip()))


def get_back(story, lab, host):
    story.title(f"{host} gets its power back, and a manager comes")
    lab.bed.poweron(host)
    lab.cluster.wait_online()
    story.line(f"{host} is a member again")
    policy = " ".join(f"{k}={v}" for k, v in cutoff.POLICY.items()
                      if not k.startswith(("partition", "isolation_shut")))
    story.plain("crm configure primitive fdm ocf:vmha:FaultDomain \\\n"
                f"    params {policy} \\\n"
                "    meta requires=quorum op monitor role=Promoted ...\n"
                "crm configure clone fault-domain fdm \\\n"
                "    meta promotable=true interleave=true\n"
                f"vmha vm add {' '.join(vm.name for vm in lab.vms)}", "dim")
    cutoff.manage(lab)
    by = lab.cluster.any_host()
    lab.bed.run(by, "vmha", "vm", "add", *(vm.name for vm in lab.vms))
    for vm in lab.vms:
        cutoff.wait_ticket(lab, vm, by, "true")
    story.line(f"master is {cutoff.master(lab)}; each VM has its ticket, "
               "without which it starts nowhere")


def until_held(lab, victim, by, vms):
    cutoff.wait_sealed(lab, victim)
    cutoff.wait_held(lab, by, victim, *vms)
    isolation.wait_isolated(lab, victim, by)


def force(story, lab, vm, host):
    """By somebody who takes the cut-off host for dead."""
    story.title(f"Somebody forces a start of {vm.name} on {host}")
    story.plain(f"{host}# crm_resource --force-start --resource {vm.name}",
                "dim")
    done = lab.bed.run(host, "crm_resource", "--force-start", "--resource",
                       vm.name, check=False)
    why = REFUSAL.search(done.stdout + done.stderr)
    if done.returncode == 0 or not why:
        raise CheckFailed(f"a forced start of {vm.name} on {host}: "
                          f"{done.stdout} {done.stderr}")
    story.line("refused:", "bold", "green")
    for row in re.split(r" (?=\S+ is held in)|(?<=[.;]) (?=[Ii]t )", why[1]):
        story.plain(row, "green")


def went_on(story, lab, vms, boots, victim):
    """The guests' own word: same boot, no gap, still there. A guest of a host
    that was not cut tells what this machine does to any of them."""
    silence = {vm: f"{longest_silence_s(vm, lab.line.t0) * 1000:.0f} ms"
               for vm in lab.vms}
    other = next((vm for vm in lab.vms if vm not in vms), None)
    beside = f" ({other.name}, not cut off: {silence[other]})" if other else ""
    for vm in vms:
        vm.wait_write()
        if vm.boot() != boots[vm.name]:
            raise CheckFailed(f"{vm.name} was restarted")
        lab.expect(vm.hosts() == [victim], f"{vm.name} is on {vm.hosts()}")
        story.line(f"{vm.name} runs on, on {victim}: same boot, longest "
                   f"silence since the cut {silence[vm]}{beside}", "green")


def cut(story, lab, vm, ordinals):
    """The act. ordinals: which boot each VM is in, {name: number}."""
    victim = lab.where(vm)
    others = lab.others(victim)
    vms = [v for v in lab.vms if lab.where(v) == victim]
    boots = {v.name: v.boot() for v in vms}
    story.title(f"{victim} runs {vm.name}: its network is cut, it lives on")
    cutoff.cut(lab, victim)
    told = set()
    meanwhile(story, lab, told, until_held, lab, victim, others[0], vms)
    went_on(story, lab, vms, boots, victim)
    force(story, lab, vm, others[0])
    story.title("What an administrator sees meanwhile")
    vmha(story, lab, others[0], "status")
    vmha(story, lab, others[0], "why", vm.name)
    story.title(f"The network of {victim} is back")
    cutoff.mend(lab, victim)
    meanwhile(story, lab, told, cutoff.back, lab, *lab.vms)
    cutoff.quiet(lab, "cut off and back")
    went_on(story, lab, vms, boots, victim)
    for v in lab.vms:
        v.check(ordinals[v.name])
    story.line("nothing was reset, nothing restarted, no machine ran twice",
               "bold", "green")
