# SPDX-License-Identifier: GPL-2.0-or-later
"""The front doors of admission control on a cluster's CIB: the live one (the
real cibadmin's), a file, standard input; show and plan show."""

import json
import os
import unittest

from cib import CibCase, fault_domain, gate
from simulated import prefer

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../docs/ADMISSION.md")
NODE = ('<node id="{i}" uname="h{i}"><utilization id="u{i}"><nvpair '
        'id="c{i}" name="cpu_mhz" value="{cpu}"/><nvpair id="m{i}" '
        'name="memory_mb" value="{memory}"/></utilization></node>')
STATE = ('<node_state id="{i}" uname="h{i}" in_ccm="true" crmd="online" '
         'join="member" expected="member"><lrm id="{i}"><lrm_resources>'
         "{runs}</lrm_resources></lrm></node_state>")
RUNS = ('<lrm_resource id="{vm}" type="VirtualMachine" class="ocf" '
        'provider="vmha"><lrm_rsc_op id="{vm}_last_0" operation_key='
        '"{vm}_start_0" operation="start" call-id="7" rc-code="0" '
        'op-status="0" interval="0" transition-key="1:1:0:x" '
        'transition-magic="0:0;1:1:0:x"/></lrm_resource>')
# As memory_mb; a VM's overhead (54 MB without its XML) comes on top.
PLACES = {"db1": (1, 8000), "db2": (2, 8000), "web1": (1, 2000),
          "web2": (2, 2000), "batch": (3, 6000)}
COMMANDS = (("admission", "check"), ("admission", "explain"),
            ("admission", "show"), ("plan", "show"),
            ("what-if", "host-failure", "h1"), ("what-if", "add-vm", "x"),
            ("what-if", "remove-host", "h1"))


def machine(name, memory, config):
    """Its primitive."""
    return (f'<primitive id="{name}" class="ocf" provider="vmha" '
            f'type="VirtualMachine"><instance_attributes id="{name}-i"><nvpair '
            f'id="{name}-c" name="config" value="{config}"/>'
            f'</instance_attributes><utilization id="{name}-u"><nvpair '
            f'id="{name}-uc" name="cpu_mhz" value="1000"/><nvpair '
            f'id="{name}-um" name="memory_mb" value="{memory}"/>'
            '</utilization></primitive>')


class SizedCase(CibCase):
    """Three hosts of 24000 MHz and 20000 MB."""

    def cluster(self, extra="", constraints=""):
        """Writes its CIB."""
        config = self.path("vm.xml")
        with open(config, "w", encoding="utf-8") as f:
            f.write("<domain type='kvm'><name>x</name><memory unit='MiB'>1024"
                    "</memory><vcpu>1</vcpu></domain>")
        self.cib("".join(machine(n, m, config) for n, (_, m) in PLACES.items())
                 + extra, constraints,
                 states="".join(STATE.format(i=i, runs="".join(
                     RUNS.format(vm=n) for n, (h, _) in PLACES.items()
                     if h == i)) for i in (1, 2, 3)))
        with open(self.cib_path, encoding="utf-8") as f:
            text = f.read()
        for i in (1, 2, 3):
            text = text.replace(f'<node id="{i}" uname="h{i}"/>', NODE.format(
                i=i, cpu=24000, memory=20000))
        with open(self.cib_path, "w", encoding="utf-8") as f:
            f.write(text)

    def told(self, *words, code=0):
        """Its JSON."""
        return json.loads(self.vmha(*words, "--json", code=code).stdout)


class Admitted(SizedCase):
    """The answers."""

    def test_sources(self):
        """Live, file, standard input: one cluster, one answer."""
        self.cluster()
        live = self.told("admission", "check")
        self.assertEqual(live["verdict"], "satisfied", live)
        self.assertEqual(live["plan"]["failure_sets"], 3)
        self.assertEqual(live["judged_policy"], {
            "type": "percentage", "guarantee": "plan", "host_failures": 1,
            "failover_hosts": [], "set_by": "default", "enforced": False})
        other = self.path("other.xml")
        os.rename(self.cib_path, other)
        self.assertEqual(self.told("admission", "check", "--cib", other), live)
        with open(other, encoding="utf-8") as f:
            done = self.run_vmha("admission", "check", "--json", "--cib=-",
                                 stdin=f)
        self.assertEqual(json.loads(done.stdout), live)
        # What "admission inventory" writes is judged the same.
        done = self.run_vmha("admission", "inventory", "--json", "--cib", other)
        path = self.path("inventory.json")
        with open(path, "w", encoding="utf-8") as f:
            f.write(done.stdout)
        with open(path, encoding="utf-8") as f:
            done = self.run_vmha("admission", "check", "--json",
                                 "--inventory=-", stdin=f)
        del live["judged_policy"]
        self.assertEqual(json.loads(done.stdout), live)

    def test_use(self):
        """What hosts have measured: the warning of performance_degradation,
        of a host that tells it; the inventory hands it on."""
        for cpu, words in ((30001, "60001 MHz, less the 20 %"), (30000, "")):
            self.cluster(fault_domain(performance_degradation=20))
            with open(self.cib_path, encoding="utf-8") as f:
                text = f.read()
            for i, use in ((1, f"{cpu} 50000"), (2, "30000 0")):
                text = text.replace(
                    f'<lrm id="{i}">', f'<transient_attributes id="{i}">'
                    f'<instance_attributes id="t{i}"><nvpair id="t{i}-use" '
                    f'name="vmha-use" value="{use}"/></instance_attributes>'
                    f'</transient_attributes><lrm id="{i}">')
            with open(self.cib_path, "w", encoding="utf-8") as f:
                f.write(text)
            told = self.told("admission", "check")
            self.assertEqual(told["verdict"], "satisfied")
            text = self.vmha("admission", "show").stdout
            self.assertEqual("in use now" in json.dumps(told), words != "")
            self.assertEqual("in use now" in text, words != "")
            self.assertIn(words, text)
            hosts = self.told("admission", "inventory")["hosts"]
            self.assertEqual([h.get("cpu_used_mhz") for h in hosts],
                             [cpu, 30000, None])
            self.assertEqual([h.get("memory_used_mb") for h in hosts],
                             [50000, 0, None])
            self.assertIn("USED MHz", self.vmha("admission",
                                                "inventory").stdout)

    def test_not_read(self):
        """No cluster is no answer: exit 2 and one object, for each."""
        with open(self.path("no.xml"), "w", encoding="utf-8") as f:
            f.write("<domain/>")
        for words in COMMANDS:
            for more in (("--cib", self.path("no.xml")),
                         ("--cib", self.path("none")), ()):
                done = self.run_vmha(*words, *more, "--output=json",
                                     env={**self.env(), "CIB_file":
                                          self.path("none")})
                self.assertEqual((done.returncode, list(
                    json.loads(done.stdout))), (2, ["error"]), words)

    def test_policy(self):
        """Each option changes what is judged, and the output says so."""
        self.cluster()
        for words, wanted, code in (
                (["--policy=slot"], {"type": "slot"}, 1),
                (["--policy=disabled"], {"type": "disabled"}, 0),
                (["--guarantee=arithmetic"], {"guarantee": "arithmetic"}, 0),
                (["--host-failures=0"], {"host_failures": 0}, 0),
                (["--host-failures=2"], {"host_failures": 2}, 1),
                (["--failover-hosts=h3"],
                 {"type": "dedicated", "failover_hosts": ["h3"]}, 0)):
            told = self.told("admission", "check", *words, code=code)
            self.assertEqual(
                {k: told["judged_policy"][k] for k in wanted}, wanted)
            self.assertEqual(told["judged_policy"]["set_by"], "options")
        text = self.vmha("admission", "check", "--host-failures=2",
                         code=1).stdout
        self.assertIn("Policy percentage, 2 host failures", text)
        self.assertIn("that of the options; nobody enforces one without "
                      "ocf:vmha:FaultDomain", text)
        self.assertIn('no host "h9"', self.told(
            "admission", "check", "--failover-hosts=h9", code=2)["error"])

    def test_command_line(self):
        """An option without effect is refused."""
        self.cluster()
        for words in (["--policy=percent"], ["--guarantee=yes"],
                      ["--host-failures=32"], ["--output=xml"],
                      ["--policy=slot", "--failover-hosts=h1"],
                      ["--policy=disabled", "--host-failures=1"],
                      ["--inventory=x", "--cib=y"],
                      ["--inventory=x", "--policy=slot"]):
            done = self.vmha("admission", "check", *words, code=64)
            self.assertEqual(done.stdout, "")
        self.vmha("plan", "show", "--host-failures=2", code=64)

    def test_what_if(self):
        """The three on the live cluster."""
        self.cluster()
        told = self.told("what-if", "host-failure", "h3")
        self.assertEqual([m["vm"] for m in told["moves"]], ["batch"])
        self.assertIn("judged_policy", told["after"])
        told = self.told("what-if", "add-vm", "new", "memory_mb=1000")
        self.assertEqual(told["verdict"], "admit")
        told = self.told("what-if", "add-vm", "new", "memory_mb=15000", code=1)
        self.assertEqual(told["verdict"], "refuse")
        told = self.told("what-if", "remove-host", "h3", code=1)
        self.assertEqual(told["verdict"], "refuse")
        self.assertIn('no host "h9" in the cluster', self.told(
            "what-if", "remove-host", "h9", code=2)["error"])

    def test_warnings(self):
        """What the reader of the CIB warns of is below, and in the JSON."""
        self.cluster(extra='<primitive id="new" class="ocf" provider="vmha" '
                     'type="VirtualMachine"><utilization id="nu"><nvpair '
                     'id="num" name="memory_mb" value="900"/></utilization>'
                     "</primitive>")
        for words in (("admission", "check"), ("admission", "show"),
                      ("plan", "show")):
            warned = self.told(*words)["warnings"]
            self.assertTrue(any("new: it has no parameter config" in w
                                for w in warned), warned)
            self.assertTrue(any("new is to run, and runs nowhere" in w
                                for w in warned), warned)
            self.assertIn("! new is to run", self.vmha(*words).stdout)
        self.assertTrue(self.told("what-if", "host-failure", "h1")
                        ["after"]["warnings"])
        # The sums count it: 5 * 56 MB of overhead, and 900 + 54 more.
        self.assertGreater(self.told("admission", "show")["memory_mb"]
                           ["reserved"], 26000 + 900)
        told = self.told("what-if", "add-vm", "x", "memory_mb=1")
        self.assertTrue(told["warnings"])

    def test_show(self):
        """Its parts add up; its bars have their length."""
        self.cluster()
        told = self.told("admission", "show")
        for key, all_ in (("cpu_mhz", 72000), ("memory_mb", 60000)):
            room = told[key]
            self.assertEqual(room["capacity"], all_)
            self.assertEqual(room["reserved"] + room["kept_for_failures"]
                             + room["free"], all_)
            self.assertEqual(room["kept_for_failures"], all_ * 34 // 100)
        self.assertEqual(told["failure_sets_proven"], 3)
        self.assertEqual([(h["name"], h["vms"]) for h in told["hosts"]],
                         [("h1", ["db1", "web1"]), ("h2", ["db2", "web2"]),
                          ("h3", ["batch"])])
        self.assertEqual(sum(h["reserved_memory_mb"] for h in told["hosts"]),
                         told["memory_mb"]["reserved"])
        self.assertNotIn("plan", told)
        text = self.vmha("admission", "show").stdout
        self.assertIn("a place for every VM in each of 3 failure sets", text)
        self.assertRegex(text, r"\nCPU      █{3}▒{13}░{24}  72000 MHz\n")
        self.assertRegex(text, r"\nh1 .* 2  db1 web1\n")
        told = self.told("admission", "show", "--failover-hosts=h3")
        self.assertEqual(told["memory_mb"]["kept_for_failures"], 20000 - 6040)
        self.assertEqual(told["judged_policy"]["type"], "dedicated")
        told = self.told("admission", "show", "--policy=slot", code=1)
        self.assertEqual(told["slots"], {"capacity": 6, "reserved": 5,
                                         "kept_for_failures": 2, "free": 0})
        self.assertEqual(told["failure_sets_proven"], 0)
        text = self.vmha("admission", "show", "--host-failures=2",
                         code=1).stdout
        self.assertIn("violated: ", text)
        self.assertIn("too many", text)

    def check_plan(self, plan, size):
        """Moves and figures of one host, against the cluster's own."""
        failed, = plan["failed"]
        gone = {n for n, (h, _) in PLACES.items() if f"h{h}" == failed}
        self.assertEqual({m["vm"] for m in plan["moves"]}, gone)
        use = {f"h{i}": 0 for i in (1, 2, 3)}
        for name, (host, memory) in PLACES.items():
            use[f"h{host}"] += memory + size
        for host in plan["hosts"]:
            self.assertEqual(host["before"]["memory_mb"], use[host["name"]])
        for move in plan["moves"]:
            self.assertNotEqual(move["to"], failed)
            use[move["to"]] += PLACES[move["vm"]][1] + size
        self.assertEqual({m["to"] for m in plan["moves"]},
                         {h["name"] for h in plan["hosts"]})
        for host in plan["hosts"]:
            self.assertEqual(host["after"]["memory_mb"], use[host["name"]])
            self.assertLessEqual(use[host["name"]], host["memory_mb"])

    def test_plan(self):
        """Each host in turn, or those that are named; it adds up."""
        self.cluster()
        size = (self.told("admission", "show")["memory_mb"]["reserved"]
                - sum(m for _, m in PLACES.values())) // len(PLACES)
        told = self.told("plan", "show")
        self.assertEqual([p["failed"] for p in told["plans"]],
                         [["h1"], ["h2"], ["h3"]])
        for plan in told["plans"]:
            self.check_plan(plan, size)
        # The same as the certificate has.
        sets = self.told("admission", "check")["plan"]["certificate"]
        self.assertEqual([(p["failed"], p["moves"]) for p in told["plans"]],
                         [(s["failed"], s["moves"]) for s in sets])
        self.assertEqual((told["verdict"], told["enforced"]),
                         ("satisfied", False))
        told = self.told("plan", "show", "h3", "h1")
        self.assertEqual([p["failed"] for p in told["plans"]],
                         [["h1"], ["h3"]])
        text = self.vmha("plan", "show", "h3").stdout
        self.assertTrue(text.startswith("If h3 dies: its 1 VM has a place"))
        self.assertIn("Pacemaker does not know this plan", text)
        self.assertNotIn("h1 dies", text)
        told = self.told("plan", "show", "--failover-hosts=h3")
        self.assertEqual([p["failed"] for p in told["plans"]],
                         [["h1"], ["h2"]])
        self.assertIn("no host", self.told("plan", "show", "h9",
                                           code=2)["error"])

    def test_plan_no(self):
        """Where one host can't fail, the others still have their plan."""
        self.cluster(constraints=prefer("db1", "h2", "-INFINITY")
                     + prefer("db1", "h3", "-INFINITY"))
        told = self.told("plan", "show", code=1)
        self.assertEqual([(p["failed"], p["verdict"], len(p["moves"]))
                          for p in told["plans"]],
                         [(["h1"], "violated", 0), (["h2"], "satisfied", 2),
                          (["h3"], "satisfied", 1)])
        self.assertIn("if h1 fails, db1 ", told["plans"][0]["reason"])
        self.assertEqual(told["plans"][0]["without_place"], ["db1"])
        self.assertEqual([m["vm"] for m in told["plans"][0]["others"]],
                         ["web1"])
        self.assertEqual((told["verdict"], told["conservative"]),
                         ("violated", False))
        self.told("plan", "show", "h2", "h3")
        text = self.vmha("plan", "show", code=1).stdout
        self.assertIn("No: if h1 fails, db1 ", text)
        self.assertIn("Without a place: db1; the others have one:", text)
        self.assertIn("If h2 dies: its 2 VMs have a place", text)

    def late(self, memory):
        """The cluster with a VM that is off."""
        self.cluster(fault_domain(admission_guarantee="arithmetic") + machine(
            "late", memory, self.path("vm.xml")).replace(
                "</primitive>", '<meta_attributes id="lm"><nvpair id="lr" '
                'name="target-role" value="Stopped"/></meta_attributes>'
                "</primitive>"), gate("late"))

    def test_power_on(self):
        """What-if and a dry run of a VM that is off say what the master
        would, with QEMU's overhead: of 60000 MB 66 % may be used, by
        26200 MB and this one."""
        for memory, verdict, code in ((13360, "admit", 0),
                                      (13361, "refuse", 1),
                                      (21000, "refuse", 1)):
            self.late(memory)
            told = self.told("what-if", "add-vm", "late", code=code)
            self.assertEqual((told["verdict"], told["vm"]), (verdict, {
                "name": "late", "cpu_mhz": 1000, "memory_mb": memory,
                "overhead_mb": 40}))
            told = self.told("vm", "start", "late", "--dry-run", code=code)
            self.assertEqual(told["admission"]["verdict"], verdict, told)
            done = self.vmha("vm", "start", "late", "--dry-run", code=code)
            self.assertIn("crm resource start late", done.stdout)
            self.assertEqual("admission control would refuse it"
                             in done.stderr, code == 1)
            self.assertEqual("no host is that large (those that late may use"
                             in done.stderr, memory == 21000)
        self.assertIn("late was counted with 1000 MHz, 21000 MB "
                      "and 40 MB for QEMU",
                      self.vmha("what-if", "add-vm", "late", code=1).stdout)
        told = self.told("what-if", "add-vm", "late", "memory_mb=1", code=2)
        self.assertIn("its own size counts", told["error"])

    def test_power_on_of_no_number(self):
        """Pacemaker's scheduler would crash on it."""
        self.late("abc")
        told = self.told("what-if", "add-vm", "late", code=1)
        self.assertEqual(told["verdict"], "refuse")
        self.assertIn('late: its utilization memory_mb="abc"', told["reason"])
        done = self.vmha("vm", "start", "late", "--dry-run", code=1)
        self.assertIn("crm resource utilization late set memory_mb NUMBER",
                      done.stderr)

    def test_added_has_overhead(self):
        """As a VM whose domain XML is not read; overhead_mb is its own."""
        self.cluster()
        for words, overhead in ((("memory_mb=1024",), 56),
                                (("memory_mb=1024", "overhead_mb=7"), 7)):
            told = self.told("what-if", "add-vm", "new", *words)
            self.assertEqual(told["vm"]["overhead_mb"], overhead)

    def test_plan_of_nothing(self):
        """No online host, or one too full already: never a yes."""
        path = self.path("inventory.json")
        for hosts, vms, words, needle in (
                ([], [], (), "no online host"),
                ([("a", 100), ("b", 100)], [("v", "a", 150)], ("b",),
                 "If b dies: a would hold more than it has")):
            with open(path, "w", encoding="utf-8") as f:
                json.dump({"hosts": [{"name": n, "cpu_mhz": 100,
                                      "memory_mb": m} for n, m in hosts],
                           "vms": [{"name": n, "host": h, "memory_mb": m}
                                   for n, h, m in vms],
                           "policy": {"host_failures": 2}}, f)
            words = ("plan", "show", *words, "--inventory", path)
            told = self.told(*words, code=1)
            self.assertEqual(told["verdict"], "violated")
            text = self.vmha(*words, code=1).stdout
            self.assertIn(needle, text)
            self.assertIn("the policy is for 2 at once", text)

    def test_page(self):
        """docs/ADMISSION.md shows what the commands print."""
        with open(PAGE, encoding="utf-8") as f:
            page = f.read()
        self.cluster(fault_domain(), prefer("db1", "h2", "90").replace(
            "db1-on-h2", "vmha-plan-db1") + prefer("web1", "h3", "90").replace(
                "web1-on-h3", "vmha-plan-web1"))
        for words in (("admission", "show"), ("plan", "show", "h1")):
            for line in self.vmha(*words).stdout.splitlines():
                self.assertIn(line + "\n", page)


if __name__ == "__main__":
    unittest.main()
