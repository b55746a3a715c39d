# SPDX-License-Identifier: GPL-2.0-or-later
"""What the front doors say of the cluster's own policy: whose it is, the plan
that Pacemaker has, reservations, who is refused. The master's answers are
scripted; real ones are tried in the cluster tests."""

import json
import os
import signal
import subprocess
import threading
import unittest

from cib import Asked, fault_domain, gate, ticket, vm
from daemon import Daemon, host
from simulated import SimulatedCase, machine
from test_admitted import SizedCase
from test_why import Known

SENTENCE = "if h1 fails, web1 (32 MHz, 900 MB) has no place"
HELP = "add a host of at least 32 MHz and 900 MB"
REFUSED = {"state": "waiting", "reason": "waits-for-admission",
           "text": SENTENCE}
GREEN = {"policy": "percentage", "guarantee": "plan", "host_failures": 1,
         "state": "green", "why": "", "help": "", "refused": [],
         "marked": [], "errors": []}
PLAN = {"written": True, "why": "", "homeless": [], "age_ms": 10}


def planned(**targets):
    """Preferences as the master writes them; "h2:0": chosen by Pacemaker."""
    rows = ""
    for name, target in targets.items():
        node, _, score = target.partition(":")
        rows += (f'<rsc_location id="vmha-plan-{name}" rsc="{name}" '
                 f'node="{node}" score="{score or 90}"/>')
    return rows


class Policy(SizedCase):
    """Out of the CIB's FaultDomain."""

    def judged(self, *words, code=0, **params):
        """judged_policy and the policy's figures."""
        self.cluster(fault_domain(**params))
        told = self.told("admission", "check", *words, code=code)
        return told["judged_policy"], told["policy"], told

    def test_cluster(self):
        judged, figures, _ = self.judged(host_failures=1, cpu_percent=7,
                                         memory_percent=9)
        self.assertEqual(judged, {
            "type": "percentage", "guarantee": "plan", "host_failures": 1,
            "failover_hosts": [], "set_by": "cluster", "enforced": True})
        self.assertEqual((figures["configured_cpu_percent"],
                          figures["configured_memory_percent"]), (7, 9))
        self.assertIn("The policy is the cluster's, and its master enforces",
                      self.vmha("admission", "show").stdout)
        judged, figures, _ = self.judged(
            admission_policy="slot", admission_guarantee="arithmetic",
            host_failures=1, slot_cpu_mhz=500, slot_memory_mb=2000)
        self.assertEqual((judged["type"], judged["guarantee"]),
                         ("slot", "arithmetic"))
        self.assertEqual((figures["slot_cpu_mhz"], figures["slot_memory_mb"]),
                         (500, 2000))
        judged, _, told = self.judged(
            admission_policy="dedicated", failover_hosts="h3,h9")
        self.assertEqual(judged["failover_hosts"], ["h3"])
        self.assertTrue(any("names h9" in w for w in told["warnings"]))

    def test_disabled(self):
        judged, _, told = self.judged(admission_policy="disabled")
        self.assertEqual((judged["set_by"], judged["enforced"],
                          told["verdict"]), ("cluster", False, "satisfied"))
        self.assertIn("nothing is refused",
                      self.vmha("admission", "show").stdout)

    def test_options(self):
        """They change the cluster's, and nobody enforces that."""
        judged, figures, _ = self.judged(
            "--guarantee=arithmetic", host_failures=1, cpu_percent=7)
        self.assertEqual((judged["set_by"], judged["enforced"],
                          judged["guarantee"]), ("options", False,
                                                 "arithmetic"))
        self.assertEqual(figures["configured_cpu_percent"], 7)
        self.assertIn("changed by the options; the cluster itself enforces",
                      self.vmha("admission", "check",
                                "--guarantee=arithmetic").stdout)

    def test_bad_value(self):
        """Its default holds, and that is told."""
        judged, _, told = self.judged(host_failures="many")
        self.assertEqual(judged["host_failures"], 1)
        self.assertTrue(any("host_failures" in w and "default" in w
                            for w in told["warnings"]), told["warnings"])

    def test_template_wins_not(self):
        """The resource's own value before its template's."""
        self.cluster('<template id="t" class="ocf" provider="vmha" '
                     'type="FaultDomain"><instance_attributes id="ti">'
                     '<nvpair id="t1" name="host_failures" value="2"/><nvpair '
                     'id="t2" name="admission_guarantee" value="arithmetic"/>'
                     '</instance_attributes></template><primitive id="fd" '
                     'template="t"><instance_attributes id="fi"><nvpair '
                     'id="f1" name="host_failures" value="1"/>'
                     "</instance_attributes></primitive>")
        judged = self.told("admission", "check")["judged_policy"]
        self.assertEqual((judged["host_failures"], judged["guarantee"]),
                         (1, "arithmetic"))

    def test_refused_is_off(self):
        """It is to run, and counts for nothing until it is admitted."""
        new = ('<primitive id="new" class="ocf" provider="vmha" '
               'type="VirtualMachine"><utilization id="nu"><nvpair id="num" '
               'name="memory_mb" value="30000"/></utilization></primitive>')
        self.cluster(fault_domain() + new, gate("new"))
        self.told("admission", "check", code=1)
        self.put_ticket(ticket("new", "false", **REFUSED))
        told = self.told("admission", "check")
        self.assertTrue(any(f"new is refused, and counts as off: {SENTENCE}"
                            == w for w in told["warnings"]), told["warnings"])

    def put_ticket(self, row):
        """It stands in the CIB."""
        with open(self.cib_path, encoding="utf-8") as f:
            text = f.read()
        with open(self.cib_path, "w", encoding="utf-8") as f:
            f.write(text.replace("<tickets>", f"<tickets>{row}"))

    def test_written_plan(self):
        """What Pacemaker has is what is shown, where it holds."""
        all_ = {"db1": "h3", "web1": "h2", "db2": "h3", "web2": "h1",
                "batch": "h2"}
        self.cluster(fault_domain(), planned(**all_))
        told = self.told("plan", "show")
        self.assertEqual({m["vm"]: m["to"] for p in told["plans"]
                          for m in p["moves"]}, all_)
        self.assertTrue(all(p["written"] for p in told["plans"]))
        self.assertTrue(told["enforced"])
        self.assertIn("Pacemaker has this plan",
                      self.vmha("plan", "show").stdout)
        # One is chosen by Pacemaker, or does not fit there: then it is told.
        for wrong in ({"db1": "h3:0"}, {"db1": "h9"}, {"db1": "h1"}):
            self.cluster(fault_domain(), planned(**{**all_, **wrong}))
            told = self.told("plan", "show", "h1", "h2")
            self.assertEqual([p["written"] for p in told["plans"]],
                             [False, True], wrong)
            self.assertIn("does not have this of: ",
                          self.vmha("plan", "show", "h1").stdout)
        self.cluster(fault_domain(), planned(**{**all_, "batch": "h2"}))
        self.assertNotIn("does not have", self.vmha("plan", "show").stdout)

    def test_names(self):
        """Of VMs and hosts, not places in a file that nobody has."""
        self.cluster(fault_domain())
        for words, needle in (
                (("add-vm", "web1"), "there is a VM web1 already"),
                (("add-vm", "x", "hosts_allowed=h9"),
                 'VM x, hosts_allowed: there is no host "h9"'),
                (("add-vm", "x", "memory_mb=99999999999"),
                 "VM x, memory_mb: "),
                (("remove-host", "h1", "--failover-hosts=h9"),
                 '--failover-hosts: there is no host "h9"')):
            error = self.told("what-if", *words, code=2)["error"]
            self.assertIn(needle, error)
            self.assertNotIn("[", error)

    def test_no_odd_numbers(self):
        """Of a refusal where nothing has a place."""
        self.cluster(fault_domain())
        text = self.vmha("what-if", "remove-host", "h1", "h2", code=1).stdout
        self.assertNotIn("-3", text)
        self.assertIn("6200 too many", text)
        self.assertNotIn("HOST ", text)


class Reservation(SizedCase):
    """vmha vm set-reservation."""

    def began(self, tickets="", **params):
        """db1 has its gate; it was admitted with what it has."""
        self.cluster(fault_domain(**params), gate("db1"))
        with open(self.cib_path, encoding="utf-8") as f:
            text = f.read()
        text = text.replace("<tickets>", "<tickets>" + (tickets or ticket(
            "db1", cpu="1000", memory="8000")))
        with open(self.cib_path, "w", encoding="utf-8") as f:
            f.write(text)

    def reserve(self, *words, code=0):
        """The finished command for db1."""
        return self.vmha("vm", "set-reservation", "db1", *words, code=code)

    def utilization(self):
        """Of db1."""
        at = self.read().find(".//primitive[@id='db1']/utilization")
        return {p.get("name"): p.get("value") for p in at}

    def master(self, cpu, memory):
        """Admits that as soon as it is written; a tool that was just writing
        has lost that, and it is written again."""
        end = threading.Event()

        def act():
            while not end.wait(0.1):
                try:
                    now = self.utilization()
                except subprocess.CalledProcessError:
                    now = {}  # it is just being written
                with open(self.cib_path, encoding="utf-8") as f:
                    text = f.read()
                if now == {"cpu_mhz": str(cpu), "memory_mb": str(memory)} \
                        and 'vmha-memory="8000"' in text:
                    new = self.path("new.xml")
                    with open(new, "w", encoding="utf-8") as f:
                        f.write(text.replace(
                            'vmha-cpu="1000" vmha-memory="8000"',
                            f'vmha-cpu="{cpu}" vmha-memory="{memory}"'))
                    os.rename(new, self.cib_path)
        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(end.set)

    def test_raise(self):
        self.began()
        self.master(1500, 9000)
        done = self.reserve("memory_mb=9000", "cpu_mhz=1500")
        self.assertIn("db1 reserves 1500 MHz and 9000 MB, admitted by the "
                      "master", done.stdout)
        self.assertEqual(len(self.read().findall(
            ".//primitive[@id='db1']/utilization")), 1)

    def test_lower(self):
        """Never refused, and 0 is a number."""
        self.began()
        self.master(1000, 0)
        told = json.loads(self.reserve("memory_mb=0", "--json").stdout)
        self.assertEqual((told["memory_mb"], told["admitted"]), (0, True))

    def test_refused(self):
        """By the same judgement as the master's; nothing is written."""
        self.began()
        before = self.utilization()
        done = self.reserve("memory_mb=70000", code=1)
        self.assertIn("admission control refuses it: memory: ", done.stderr)
        self.assertIn("Nothing was written; --force", done.stderr)
        self.reserve("memory_mb=70000", "--dry-run", code=1)
        self.assertEqual(self.utilization(), before)
        done = self.reserve("memory_mb=9000", "--dry-run")
        self.assertEqual(done.stdout,
                         "crm resource utilization db1 set memory_mb 9000\n")
        self.assertEqual(self.utilization(), before)

    def test_forced(self):
        """Written, and the master has not taken it."""
        self.began()
        done = self.reserve("memory_mb=70000", "--force", "--wait=1", code=4)
        self.assertIn("has not admitted it within 1 s", done.stderr)
        self.assertEqual(self.utilization()["memory_mb"], "70000")

    def test_master_refuses(self):
        """It saw more than the command: written, marked, and told."""
        self.began()
        manager = Daemon(self.path("fdmd.sock"), {"status": {"vms": [
            {"resource": "db1", "admission": {
                "state": "raise-refused", "text": SENTENCE, "help": HELP,
                "cpu_mhz": 1000, "memory_mb": 8000}}]}})
        self.addCleanup(manager.__exit__)
        socket = f"--manager-socket={self.path('fdmd.sock')}"
        done = self.reserve("memory_mb=9000", socket, code=1)
        self.assertIn(f"it is written, and the master refuses it: {SENTENCE}",
                      done.stderr)
        self.assertEqual(self.utilization()["memory_mb"], "9000")
        done = self.reserve("memory_mb=9500", socket, "--force")
        self.assertIn("the master refuses it", done.stderr)

    def asks(self, answer, nonce=None):
        """A master that answers what is asked with that; the questions."""
        manager = Daemon(self.path("fdmd.sock"), {"status": {
            "host": "h2", "master": "h1", "vms": []}})
        self.addCleanup(manager.__exit__)
        return Asked(self, answer, nonce)

    def door(self, answer, *words, code=0, nonce=None):
        """The command, and what it has asked."""
        asked = self.asks(answer, nonce)
        done = self.reserve(
            *words, f"--manager-socket={self.path('fdmd.sock')}", code=code)
        asked.stop()
        # Whatever has become of it, it is not left behind.
        self.assertIsNone(self.read().find(".//nvpair[@name='vmha-ask']"))
        return done, asked.questions

    def test_asked(self):
        """The master says yes: it is written."""
        self.began()
        self.master(1000, 9000)
        done, questions = self.door("yes", "memory_mb=9000")
        self.assertIn("admitted by the master", done.stdout)
        self.assertEqual([q.split()[1:] for q in questions],
                         [["raise", "db1", "1000", "9000"]])
        self.assertRegex(questions[0], "^[0-9a-f]{16} ")

    def test_asked_no(self):
        """It says no, though this host's CIB would allow it."""
        self.began()
        before = self.utilization()
        done, _ = self.door(f"no {SENTENCE}. What would help: {HELP}",
                            "memory_mb=9000", code=1)
        self.assertIn(f"the master refuses it: {SENTENCE}. What would help: "
                      f"{HELP}. Nothing was written", done.stderr)
        self.assertEqual(self.utilization(), before)

    def test_asked_not_answered(self):
        """An answer to another question is none; who did not answer."""
        self.began()
        before = self.utilization()
        done, questions = self.door("yes", "memory_mb=9000", code=4,
                                    nonce="0123456789abcdef")
        self.assertIn("the master h1 did not answer within 10 s", done.stderr)
        self.assertIn("--force goes on without asking", done.stderr)
        self.assertEqual((self.utilization(), len(questions)), (before, 1))

    def test_interrupted(self):
        """The question is taken back first, and nothing is written."""
        self.began()
        before = self.utilization()
        asked = self.asks("yes", "0123456789abcdef")
        with subprocess.Popen(
                [os.environ["VMHA"], "vm", "set-reservation", "db1",
                 "memory_mb=9000", "--manager-socket",
                 self.path("fdmd.sock")], env=self.env(),
                stderr=subprocess.PIPE, text=True) as command:
            self.assertTrue(asked.seen.wait(10))
            command.terminate()
            command.communicate(timeout=10)
        asked.stop()
        self.assertEqual(command.returncode, -signal.SIGTERM)
        self.assertIsNone(self.read().find(".//nvpair[@name='vmha-ask']"))
        self.assertEqual(self.utilization(), before)

    def test_not_asked(self):
        """To lower, by force, and in a dry run."""
        self.began()
        self.master(1000, 7000)
        done, questions = self.door("no never", "memory_mb=7000")
        self.assertIn("admitted by the master", done.stdout)
        self.assertEqual(questions, [])
        for words, code in ((("--dry-run",), 0), (("--force", "--wait=1"), 4)):
            self.began()
            os.unlink(self.path("fdmd.sock"))
            _, questions = self.door("no never", "memory_mb=9000", *words,
                                     code=code)
            self.assertEqual(questions, [])

    def test_nobody_judges(self):
        """Written at once."""
        for params, needle in (({"admission_policy": "disabled"},
                                "Nobody judges it"),):
            self.began(**params)
            self.assertIn(needle, self.reserve("memory_mb=70000").stdout)
        self.cluster(fault_domain())
        self.assertIn("It has no gate", self.reserve("memory_mb=9000").stdout)
        self.assertEqual(self.utilization()["memory_mb"], "9000")

    def test_bad(self):
        self.began()
        for word, needle in (("memory_mb=-1", "memory_mb=-1: give a whole"),
                             ("cpu_mhz=2147483648", "from 0 to 2147483647"),
                             ("cpu_mhz=", "cpu_mhz=: give"),
                             ("ram=1", "ram=1: after the VM come"),
                             ("cpu_mhz", "cpu_mhz: after the VM come")):
            self.assertIn(needle, self.reserve(word, code=64).stderr)
        self.assertIn("given twice", self.reserve(
            "cpu_mhz=1", "cpu_mhz=2", code=64).stderr)
        self.reserve(code=64)
        self.assertIn("no resource db9", self.vmha(
            "vm", "set-reservation", "db9", "cpu_mhz=1", code=1).stderr)
        self.assertIn("no ocf:vmha:VirtualMachine", self.vmha(
            "vm", "set-reservation", "fd", "cpu_mhz=1", code=1).stderr)


class Refused(Known):
    """Who is kept down, and how the cluster stands."""

    def began(self, tickets=ticket("web1", "false", **REFUSED), **status):
        """web1 is refused; the manager tells `status`."""
        self.cib(vm("web1"), gate("web1"), tickets)
        self.daemon([host("h1", 0), host("h2", 1, flags=["master"], term=4)],
                    lists={"h1": {}}, on_disk={})
        self.manager(status={"state": "master", "is_master": True, "term": 4,
                             "vms": [], "hosts": [], **status})

    def test_why(self):
        self.began(admission={**GREEN, "refused": [
            {"resource": "web1", "text": SENTENCE, "help": HELP}]})
        rules, told = self.why()
        self.assertEqual(rules, ["admission"])
        self.assertEqual(told["admission"], {
            "state": "refused", "text": SENTENCE, "help": HELP})
        self.assertEqual(told["reasons"][0]["todo"], HELP)
        text = self.vmha("why", "web1", code=1).stdout
        self.assertEqual(text.splitlines()[0], f"web1 is refused: {SENTENCE}")

    def test_list(self):
        self.began()
        row, = self.told("vm", "list")["vms"]
        self.assertEqual((row["state"], row["host"], row["protection"]),
                         ("refused", None, "unprotected"))
        self.assertIn(SENTENCE, row["why"])

    def test_status(self):
        """It names who is refused, with an older manager, too."""
        self.began()
        text = self.vmha("status", code=1).stdout
        self.assertIn(f"! web1 is refused: {SENTENCE}: vmha why web1", text)
        self.assertNotIn("admission: ", text)
        self.assertNotIn("All is well", text)

    def marked(self, **status):
        """problems and text; web1 runs."""
        self.began(ticket("web1"), **status)
        told = self.told("status", code=1)
        text = self.vmha("status", code=1).stdout
        for name in ("heartbeatd.sock", "fdmd.sock"):
            os.unlink(self.path(name))
        return told, text

    def test_green(self):
        self.began(ticket("web1"), admission=GREEN, plan=PLAN)
        text = self.vmha("status").stdout
        self.assertIn("\nadmission: green, percentage, 1 host failure, "
                      "guarantee plan\n", text)
        self.assertIn("All is well", text)
        self.assertEqual(self.told("status")["admission"]["state"], "green")

    def test_slow(self):
        """What would only be slower is told, and is no problem."""
        self.began(ticket("web1"), plan=PLAN, admission={
            **GREEN, "warnings": ["the CPU in use", "the memory in use"]})
        text = self.vmha("status").stdout
        self.assertIn("guarantee plan\n           ! the CPU in use\n"
                      "           ! the memory in use\n", text)
        self.assertIn("All is well", text)

    def test_problems(self):
        """Each keeps all from being well."""
        for status, needle in (
                ({"admission": {**GREEN, "state": "red", "why": SENTENCE,
                                "help": HELP}},
                 f"admission control: {SENTENCE}; what would help: {HELP}"),
                ({"admission": {**GREEN, "state": "unknown",
                                "why": "no look yet"}}, "not known: no look"),
                ({"admission": {**GREEN, "errors": ["cpu_percent: bad"]}},
                 "cpu_percent: bad"),
                ({"admission": {**GREEN, "marked": [
                    {"resource": "web1", "text": SENTENCE}]}},
                 f"web1 runs, and is not admitted as it is: {SENTENCE}"),
                ({"vms": [{"resource": "web1", "admission": {
                    "state": "raise-refused", "text": SENTENCE, "help": "",
                    "cpu_mhz": 1, "memory_mb": 1}}]}, SENTENCE),
                ({"plan": {**PLAN, "homeless": [
                    {"resource": "web1", "host": "h1", "text": "too big"}]}},
                 "web1 would have no place if h1 died: too big")):
            told, text = self.marked(**status)
            self.assertTrue(any(needle in p for p in told["problems"]),
                            told["problems"])
            self.assertIn(needle, text)

    def test_red(self):
        _, text = self.marked(admission={**GREEN, "state": "red",
                                         "why": SENTENCE})
        self.assertIn("admission: red, percentage, 1 host failure, guarantee "
                      f"plan: {SENTENCE}\n", text)

    def test_from_attribute(self):
        """A manager that is not master: the master's node says it."""
        self.began(ticket("web1"), state="standby", is_master=False,
                   admission={**GREEN, "state": "unknown",
                              "why": "the master judges"})
        text = self.vmha("status").stdout
        self.assertIn("All is well", text)
        self.assertNotIn("admission: ", text)
        with open(self.cib_path, encoding="utf-8") as f:
            text = f.read()
        with open(self.cib_path, "w", encoding="utf-8") as f:
            f.write(text.replace("<status>", (
                '<status><node_state id="2" uname="h2" crmd="online">'
                '<transient_attributes id="2"><instance_attributes id="s2">'
                '<nvpair id="s2a" name="vmha-admission" value="red: {}"/>'
                "</instance_attributes></transient_attributes>"
                "</node_state>").format(SENTENCE)))
        text = self.vmha("status", code=1).stdout
        self.assertIn("\nadmission: red, percentage, 1 host failure, "
                      f"guarantee plan: {SENTENCE}\n", text)

    def test_maintenance(self):
        """A host that serves nobody."""
        self.began(ticket("web1"))
        with open(self.cib_path, encoding="utf-8") as f:
            text = f.read()
        with open(self.cib_path, "w", encoding="utf-8") as f:
            f.write(text.replace('<node id="3" uname="h3"/>', (
                '<node id="3" uname="h3"><instance_attributes id="n3"><nvpair '
                'id="n3s" name="standby" value="on"/></instance_attributes>'
                "</node>")))
        self.assertIn("! h3 is in maintenance",
                      self.vmha("status", code=1).stdout)

    def test_marked_why(self):
        """It runs; a line says that it is marked."""
        self.began(ticket("web1"), admission={**GREEN, "marked": [
            {"resource": "web1", "text": SENTENCE}]})
        self.assertRegex(self.vmha("why", "web1", code=1).stdout,
                         "admission +if h1 fails, web1")


class Start(SimulatedCase):
    """vmha vm start of one that the master refuses."""

    def test_refused(self):
        self.cib(machine("web1", target_role="Stopped"), gate("web1"),
                 ticket("web1", "false", state="off", reason="powered-off"))

        def master():
            text = self.text()
            if 'value="Started"' in text:
                self.put(text.replace(
                    ticket("web1", "false", state="off",
                           reason="powered-off"),
                    ticket("web1", "false", **REFUSED)).replace(
                        'vmha-state="off" vmha-reason="powered-off"',
                        'vmha-state="waiting" vmha-reason='
                        f'"waits-for-admission" vmha-text="{SENTENCE}"'))
        self.live(act=master)
        done = self.vmha("vm", "start", "web1", code=1)
        for needle in ("admission control refuses it: " + SENTENCE,
                       "It starts by itself once there is room"):
            self.assertIn(needle, done.stderr)
        manager = Daemon(self.path("fdmd.sock"), {"status": {
            "admission": {**GREEN, "refused": [
                {"resource": "web1", "text": SENTENCE, "help": HELP}]}}})
        self.addCleanup(manager.__exit__)
        done = self.vmha("vm", "start", "web1", "--json", "--manager-socket",
                         self.path("fdmd.sock"), code=1)
        self.assertIn(f"What would help: {HELP}", done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual((told["outcome"], told["why"]),
                         ("refused", SENTENCE))

    def test_removed_running(self):
        """A warning that nothing protects it any more."""
        self.cib(machine("web1") + machine("db1", target_role="Stopped"),
                 gate("web1") + gate("db1"), ticket("web1") + ticket("db1"))
        self.act()
        text = self.vmha("vm", "remove", "web1", "db1").stdout
        self.assertEqual(text.count("nothing protects it any more"), 1)
        self.assertRegex(text, "web1 .*nothing protects it any more")


if __name__ == "__main__":
    unittest.main()
