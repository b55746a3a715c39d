# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha admission and what-if: the worked examples, bad input, and random
clusters against a judge of its own, which tries every placement."""

import itertools
import json
import os
import random
import unittest

from case import Case

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../data/admission")
PAGE = os.path.join(DATA, "../../../docs/ADMISSION.md")
INSTANCES = 400  # random clusters; VMHA_INSTANCES=100000 for a long look
SEED = 20


def demand(vm, policy):
    """CPU and memory of a VM that is on."""
    return (vm["cpu_mhz"] or policy.get("default_cpu_mhz", 32),
            (vm["memory_mb"] or policy.get("default_memory_mb", 0))
            + vm["overhead_mb"])


class Judge:
    """The contract of docs/ADMISSION.md, by trying everything."""

    def __init__(self, inventory):
        self.hosts = {h["name"]: h for h in inventory["hosts"]}
        self.vms = {v["name"]: dict(v) for v in inventory["vms"]}
        self.rules = [r for r in inventory["rules"] if r["mandatory"]]
        self.policy = inventory["policy"]
        dedicated = self.policy["type"] == "dedicated"
        self.spare = {h for h in self.hosts if dedicated
                      and h in self.policy["failover_hosts"]}
        self.state = {n: h["state"] for n, h in self.hosts.items()}

    def online(self):
        """Hosts that count."""
        return [h for h in self.hosts if self.state[h] == "online"]

    def running(self):
        """VMs that are on."""
        return [v for v in self.vms.values() if v["power"] == "on"]

    def arithmetic(self):
        """Whether the policy's sums hold."""
        k = self.policy["host_failures"]
        hosts = [self.hosts[h] for h in self.online()]
        if not hosts:
            return False
        needs = [demand(v, self.policy) for v in self.running()]
        if self.policy["type"] == "dedicated":
            return bool(self.spare) and all(
                self.state[h] == "online" for h in self.spare)
        if self.policy["type"] == "percentage":
            for i, key in enumerate(("cpu_mhz", "memory_mb")):
                sizes = sorted((h[key] for h in hosts), reverse=True)
                total = sum(sizes)
                left = (100 * (total - sum(n[i] for n in needs))) // total
                keep = self.policy.get(("cpu_percent", "memory_percent")[i])
                if keep is None:
                    keep = -(-100 * sum(sizes[:k]) // total)
                if left < keep:
                    return False
            return True
        slot = [max([n[i] for n in needs], default=(32, 0)[i])
                for i in (0, 1)]
        for i, key in enumerate(("max_slot_cpu_mhz", "max_slot_memory_mb")):
            slot[i] = min(slot[i], self.policy.get(key) or slot[i])
        free = sorted((min(h["cpu_mhz"] // slot[0],
                           h["memory_mb"] // slot[1] if slot[1] else 10 ** 12)
                       for h in hosts), reverse=True)
        used = sum(max(-(-n[0] // slot[0]),
                       -(-n[1] // slot[1]) if slot[1] else 0, 1)
                   for n in needs)
        return len(free) >= k and sum(free[k:]) >= used

    def fits(self, place, hosts):
        """Whether machines at these places keep within these hosts."""
        for host in hosts:
            there = [demand(self.vms[v], self.policy)
                     for v, h in place.items() if h == host]
            if (sum(n[0] for n in there) > self.hosts[host]["cpu_mhz"] or
                    sum(n[1] for n in there) > self.hosts[host]["memory_mb"]):
                return False
        for rule in self.rules:
            where = [place[v] for v in rule["vms"] if v in place]
            if rule["type"] == "separate" and len(set(where)) < len(where):
                return False
            if rule["type"] == "together" and len(set(where)) > 1:
                return False
        return True

    def placings(self, movers, place, hosts):
        """All ways to put them that fit."""
        for targets in itertools.product(hosts, repeat=len(movers)):
            after = {**place, **dict(zip(movers, targets))}
            if all(after[v] in (self.vms[v]["hosts_allowed"] or self.hosts)
                   for v in movers) and self.fits(after, hosts):
                yield after

    def place(self):
        """Where each VM is that is on an online host."""
        online = self.online()
        return {v["name"]: v["host"] for v in self.running()
                if v["host"] in online}

    def failure_sets(self):
        """Those that must be survived."""
        may = [h for h in self.online() if h not in self.spare]
        return list(itertools.combinations(
            may, min(self.policy["host_failures"], len(may))))

    def plan(self):
        """Whether every failure has a placement."""
        place = self.place()
        for failed in self.failure_sets():
            movers = [v for v, h in place.items() if h in failed]
            rest = {v: h for v, h in place.items() if h not in failed}
            hosts = [h for h in self.online() if h not in failed]
            if not any(True for _ in self.placings(movers, rest, hosts)):
                return False
        return True

    def holds(self):
        """Both."""
        return self.arithmetic() and (
            self.policy["guarantee"] == "arithmetic" or self.plan())

    def power_on(self, name):
        """On any host that the master may choose."""
        vm = self.vms[name]
        vm["power"] = "on"
        for host in self.online():
            if host not in self.spare and \
                    host in (vm["hosts_allowed"] or self.hosts):
                vm["host"] = host
                if self.holds() and (self.policy["guarantee"] == "arithmetic"
                                     or self.has_room(host)):
                    return True
        return False

    def has_room(self, host):
        """For what is there."""
        there = [demand(self.vms[v], self.policy)
                 for v, h in self.place().items() if h == host]
        return (sum(n[0] for n in there) <= self.hosts[host]["cpu_mhz"] and
                sum(n[1] for n in there) <= self.hosts[host]["memory_mb"])

    def remove(self, host):
        """With its VMs on whatever hosts, failover hosts aside."""
        movers = [v["name"] for v in self.running() if v["host"] == host]
        self.state[host] = "maintenance"
        if self.policy["guarantee"] == "arithmetic" or not movers:
            return self.holds()
        place = self.place()
        targets = [h for h in self.online() if h not in self.spare]
        # What stays breaks a together rule already: no place of a mover does.
        rules = self.rules
        kept = [r for r in rules if r["type"] == "separate" or len(
            {place[v] for v in r["vms"] if v in place}) < 2]
        self.rules = kept
        places = list(self.placings(movers, place, targets))
        self.rules = rules
        for after in places:
            for v in movers:
                self.vms[v]["host"] = after[v]
            if self.holds():
                return True
        return False

    def check_certificate(self, test, plan, place):
        """Every set, each with a placement that fits."""
        told = {tuple(sorted(s["failed"])): s["moves"]
                for s in plan["certificate"]}
        sets = [tuple(sorted(s)) for s in self.failure_sets()]
        test.assertEqual(sorted(told), sorted(sets))
        test.assertEqual(plan["failure_sets"], len(sets))
        for failed, moves in told.items():
            gone = {v for v, h in place.items() if h in failed}
            test.assertEqual({m["vm"] for m in moves}, gone)
            after = {**place, **{m["vm"]: m["to"] for m in moves}}
            for move in moves:
                test.assertIn(
                    move["to"],
                    self.vms[move["vm"]]["hosts_allowed"] or self.hosts)
            hosts = [h for h in self.online() if h not in failed]
            test.assertTrue(set(after.values()) <= set(hosts))
            test.assertTrue(self.fits(after, hosts))


def cluster(rng):
    """A small one near its limit."""
    hosts = [{"name": f"h{i}", "cpu_mhz": rng.choice((3000, 4000, 6000)),
              "memory_mb": rng.choice((4096, 6144, 8192)),
              "state": rng.choice(("online",) * 9 + ("offline",)),
              "failover_host": False} for i in range(rng.randint(2, 4))]
    names = [h["name"] for h in hosts]
    vms = [{"name": f"v{i}", "cpu_mhz": rng.choice((0, 500, 1000, 2000)),
            "memory_mb": rng.choice((0, 512, 1024, 2048)),
            "overhead_mb": rng.choice((0, 100)), "host": rng.choice(names),
            "power": "on", "priority": "medium",
            "hosts_allowed": rng.choice((None, None, None, names[:2]))}
           for i in range(rng.randint(1, 6))]
    rules = [{"type": rng.choice(("separate", "together")),
              "vms": [v["name"] for v in rng.sample(vms, 2)],
              "mandatory": rng.random() < 0.8}
             for _ in range(len(vms) > 1 and rng.random() < 0.4)]
    kind = rng.choice(("percentage", "percentage", "slot", "dedicated"))
    policy = {"type": kind, "guarantee": rng.choice(("plan", "plan",
                                                     "arithmetic")),
              "host_failures": rng.choice((1, 1, 1, 2)),
              "failover_hosts": []}
    if kind == "dedicated":
        policy["failover_hosts"] = [names[-1]]
        for vm in vms:
            vm["host"] = rng.choice(names[:-1])
    elif kind == "percentage" and rng.random() < 0.6:
        policy["cpu_percent"] = policy["memory_percent"] = rng.choice(
            (0, 10, 25))
    elif kind == "slot" and rng.random() < 0.6:
        policy["max_slot_cpu_mhz"] = policy["max_slot_memory_mb"] = 500
    return {"hosts": hosts, "vms": vms, "rules": rules, "policy": policy}


class Admission(Case):
    """The command."""

    def write(self, inventory):
        """The file."""
        path = self.path("inventory.json")
        with open(path, "w", encoding="utf-8") as f:
            f.write(inventory if isinstance(inventory, str)
                    else json.dumps(inventory))
        return f"--inventory={path}"

    def check(self, inventory, code, *words, output="--output=json"):
        """The answer of "admission check"."""
        words = words or ("admission", "check")
        done = self.run_vmha(*words, self.write(inventory), output)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def example(self, name):
        """A worked example."""
        with open(os.path.join(DATA, name + ".json"), encoding="utf-8") as f:
            return json.load(f)

    def test_percentage_example(self):
        """VMware's: 70 % and 71 % are left; 45 and 46 beyond 25 %."""
        told = self.check(self.example("percentage"), 0)
        self.assertEqual(told["verdict"], "satisfied")
        self.assertIs(told["conservative"], False)
        self.assertEqual(told["policy"], {
            "current_cpu_percent": 70, "current_memory_percent": 71,
            "configured_cpu_percent": 25, "configured_memory_percent": 25})
        self.assertEqual(told["plan"]["failure_sets"], 3)
        self.assertEqual(len(told["plan"]["certificate"]), 3)
        self.assertEqual(set(told), {"verdict", "conservative", "reason",
                                     "policy", "plan"})

    def test_slot_example(self):
        """VMware's: slots of 2 GHz and 2 GB; 4, 3, 3; one host, one VM."""
        told = self.check(self.example("slot"), 0)
        self.assertEqual(told["policy"], {
            "slot_cpu_mhz": 2000, "slot_memory_mb": 2048,
            "slots_per_host": {"h1": 4, "h2": 3, "h3": 3},
            "total_slots": 10, "used_slots": 5, "unreserved_slots": 1,
            "current_failover_capacity": 1, "vms_needing_several_slots": []})

    def test_overhead_example(self):
        """The second one, with overhead and a VM that reserves nothing."""
        told = self.check(self.example("overhead"), 0)
        self.assertEqual(told["policy"]["current_cpu_percent"], 70)
        self.assertEqual(told["policy"]["current_memory_percent"], 94)

    def test_dedicated_and_disabled(self):
        """Their keys, and no others."""
        inventory = self.example("slot")
        inventory["policy"] = {"type": "dedicated", "failover_hosts": ["h3"]}
        told = self.check(inventory, 0)
        self.assertEqual(told["policy"], {"failover_hosts": {"h3": "yellow"}})
        inventory["policy"] = {"type": "disabled"}
        told = self.check(inventory, 0)
        self.assertEqual((told["policy"], "plan" in told), ({}, False))
        inventory["policy"] = {"guarantee": "arithmetic"}
        self.assertNotIn("plan", self.check(inventory, 0))

    def test_refused(self):
        """The sentence names object, value and limit."""
        inventory = self.example("slot")
        inventory["vms"].append({"name": "vm9", "cpu_mhz": 2000,
                                 "memory_mb": 2049, "power": "off"})
        inventory["request"] = {"op": "power_on", "vm": "vm9", "host": None}
        told = self.check(inventory, 1)
        self.assertEqual(told["verdict"], "refuse")
        self.assertEqual(told["policy"]["slot_memory_mb"], 2049)
        self.assertIn("6 slots of 2000 MHz and 2049 MB", told["reason"])
        inventory["vms"][-1]["memory_mb"] = 2048
        told = self.check(inventory, 0)
        self.assertEqual((told["verdict"],
                          told["policy"]["unreserved_slots"]), ("admit", 0))

    def test_warning(self):
        """Told, and nothing is refused for it."""
        inventory = self.example("slot")
        inventory["policy"]["performance_degradation"] = 0
        inventory["vms"][0]["cpu_used_mhz"] = 15001
        told = self.check(inventory, 0)
        self.assertEqual(len(told["warnings"]), 1)
        self.assertIn("CPU in use", told["warnings"][0])
        inventory["vms"][0]["cpu_used_mhz"] = 15000
        self.assertNotIn("warnings", self.check(inventory, 0))
        # The host knows better, of its CPU alone.
        inventory["vms"][0]["cpu_used_mhz"] = 15001
        host = next(h for h in inventory["hosts"]
                    if h["name"] == inventory["vms"][0]["host"])
        host["cpu_used_mhz"] = 15000
        self.assertNotIn("warnings", self.check(inventory, 0))
        host["cpu_used_mhz"] = 15001
        self.assertEqual(len(self.check(inventory, 0)["warnings"]), 1)
        host["cpu_used_mhz"] = "15001"
        self.assertIn("hosts[0].cpu_used_mhz: a text",
                      self.check(inventory, 2)["error"])

    def test_bad_input(self):
        """One object with "error" and the place, exit 2, nothing else."""
        good = self.example("slot")
        for change, place in (
                (lambda d: d["vms"][3].update(host="h9"), "vms[3].host"),
                (lambda d: d["hosts"][0].update(cpu_mhz=-1),
                 "hosts[0].cpu_mhz"),
                (lambda d: d["hosts"][0].update(memory_mb=10 ** 11),
                 "hosts[0].memory_mb"),
                (lambda d: d["hosts"][1].update(name="h1"), "hosts[1].name"),
                (lambda d: d.update(colour="red"), "colour"),
                (lambda d: d["policy"].update(host_failures="1"),
                 "policy.host_failures"),
                (lambda d: d.update(request={"op": "raise", "vm": "vm8"}),
                 "request.vm"),
                (lambda d: d.update(rules=[{"type": "separate",
                                            "vms": ["vm1", "x"]}]),
                 "rules[0].vms[1]")):
            inventory = json.loads(json.dumps(good))
            change(inventory)
            told = self.check(inventory, 2)
            self.assertEqual(list(told), ["error"])
            self.assertTrue(told["error"].startswith(place + ": "), told)
        for text in ("", "{", "[]", "null", "{} {}", "\x00", "[" * 100000,
                     '{"hosts":[],"hosts":[],"vms":[]}'):
            self.assertEqual(list(self.check(text, 2)), ["error"])
        done = self.run_vmha("admission", "check", "--output=json",
                             "--inventory=/nowhere/file")
        self.assertEqual((done.returncode, list(json.loads(done.stdout))),
                         (2, ["error"]))
        for words in (("admission", "explain"), ("what-if", "add-vm", "x"),
                      ("what-if", "remove-host", "h1"),
                      ("what-if", "host-failure", "h1")):
            self.assertEqual(list(self.check("{", 2, *words)), ["error"])
        done = self.run_vmha("admission", "check", self.write("{"))
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertTrue(done.stderr.startswith("vmha: line 1"), done.stderr)

    def test_command_line(self):
        """Wrong options are the usual error."""
        for words in (("admission", "check", "--inventory=x", "--output=xml"),
                      ("what-if", "host-failure", "--inventory=x"),
                      ("admission",), ("what-if",)):
            done = self.run_vmha(*words)
            self.assertEqual((done.returncode, done.stdout), (64, ""), words)

    def test_page(self):
        """docs/ADMISSION.md: the sums say yes, the plan says no; each line
        shown there is what the command prints."""
        inventory = self.example("example")
        with open(PAGE, encoding="utf-8") as f:
            page = f.read()
        shown = []
        for words, code, lines in (
                (("admission", "check"), 1, 11),
                (("what-if", "host-failure", "h1"), 0, 8)):
            done = self.run_vmha(*words, self.write(inventory))
            self.assertEqual(done.returncode, code, done.stderr)
            shown += done.stdout.splitlines()[:lines]
        inventory["policy"]["guarantee"] = "arithmetic"
        done = self.run_vmha("admission", "check", self.write(inventory))
        self.assertEqual(done.returncode, 0, done.stderr)
        shown += done.stdout.splitlines()[:1]
        for name in ("percentage", "slot"):
            done = self.run_vmha("admission", "explain",
                                 self.write(self.example(name)))
            shown += done.stdout.split("\n\n")[3].splitlines()
        for line in shown:
            self.assertIn(line + "\n", page)

    def test_text(self):
        """For people: the verdict first, bars, hosts, the steps."""
        for word in ("check", "explain"):
            done = self.run_vmha("admission", word,
                                 self.write(self.example("percentage")))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.startswith("satisfied: 70 %"))
            self.assertIn("7000 of 24000 MHz reserved, 70 % left", done.stdout)
            self.assertIn("each of 3 failures, checked", done.stdout)
            self.assertEqual("IF THIS FAILS" in done.stdout,
                             word == "explain")
        inventory = self.example("percentage")
        inventory["policy"] = {"cpu_percent": 71}
        done = self.run_vmha("admission", "check", self.write(inventory))
        self.assertEqual(done.returncode, 1)
        self.assertIn("violated: CPU: 7000 of 24000 MHz", done.stdout)
        self.assertIn("What would help: free 40 MHz", done.stdout)

    def test_failure(self):
        """Who goes where, and what the policy says of the rest."""
        told = self.check(self.example("slot"), 0, "what-if", "host-failure",
                          "h1")
        self.assertEqual((told["verdict"], told["failed"]),
                         ("satisfied", ["h1"]))
        self.assertEqual({m["vm"] for m in told["moves"]}, {"vm1", "vm2"})
        self.assertTrue({m["to"] for m in told["moves"]} <= {"h2", "h3"})
        self.assertEqual(told["after"]["verdict"], "violated")
        inventory = self.example("slot")
        inventory["vms"][2]["hosts_allowed"] = ["h2"]
        told = self.check(inventory, 1, "what-if", "host-failure", "h2")
        self.assertIn("vm3", told["reason"])
        self.assertEqual(told["moves"], [])
        told = self.check(inventory, 2, "what-if", "host-failure", "h7")
        self.assertIn('no host "h7"', told["error"])
        done = self.run_vmha("what-if", "host-failure", "h1", "h2",
                             self.write(self.example("slot")))
        self.assertEqual(done.returncode, 1, done.stdout)

    def test_add(self):
        """One more VM, up to the last slot."""
        add = ("what-if", "add-vm", "web9", "cpu_mhz=2000", "memory_mb=2000")
        told = self.check(self.example("slot"), 0, *add, "overhead_mb=48")
        self.assertEqual(told["verdict"], "admit")
        self.check(self.example("slot"), 1, *add, "overhead_mb=49")
        self.check(self.example("slot"), 0, *add, "host=h2")
        for bad, needle in (("host=h9", "request.host"), ("cpu=1", "cpu=1"),
                            ("cpu_mhz=x", "cpu_mhz=x"), ("x", "x: after"),
                            ("hosts_allowed=h1,h9", "vms[5].hosts_allowed[1]"),
                            ("cpu_mhz=9999999999", "vms[5].cpu_mhz")):
            told = self.check(self.example("slot"), 2, *add, bad)
            self.assertIn(needle, told["error"])
        told = self.check(self.example("slot"), 2, "what-if", "add-vm", "vm1")
        self.assertIn("VM vm1 already", told["error"])

    def test_remove(self):
        """Maintenance."""
        inventory = self.example("percentage")
        told = self.check(inventory, 0, "what-if", "remove-host", "h3")
        self.assertEqual(told["verdict"], "admit")
        self.assertEqual([m["vm"] for m in told["moves"]], ["vm5"])
        self.check(inventory, 1, "what-if", "remove-host", "h1", "h3")

    def small(self, hosts, vms, policy, request, *rules):
        """A cluster in few words; a VM without a host is off."""
        return {"hosts": [{"name": n, "cpu_mhz": c, "memory_mb": c}
                          for n, c in hosts],
                "vms": [{"name": n, "cpu_mhz": c, "memory_mb": m, "host": h,
                         "power": "on" if h else "off"}
                        for n, c, m, h in vms],
                "rules": [{"type": t, "vms": v} for t, *v in rules],
                "policy": policy, "request": request}

    def test_remove_rearranged(self):
        """A yes that neither the planner's nor the roomy arrangement shows."""
        none = {"cpu_percent": 0, "memory_percent": 0}
        told = self.check(self.small(
            (("h0", 20), ("h1", 10), ("h2", 10), ("h3", 10)),
            (("v0", 5, 6, "h2"), ("v1", 2, 6, "h3"), ("v2", 6, 4, "h0")),
            none, {"op": "remove_host", "host": "h0"}), 0)
        self.assertEqual(told["plan"]["failure_sets"], 3)
        inventory = self.small(
            (("h0", 10), ("h1", 10), ("h2", 10), ("h3", 10)),
            (("v0", 1, 4, "h2"), ("v1", 1, 6, "h2"), ("v2", 2, 5, "h3")),
            {"type": "dedicated", "failover_hosts": ["h0"]},
            {"op": "remove_host", "host": "h3"})
        inventory["vms"][1]["hosts_allowed"] = ["h1", "h2", "h3"]
        told = self.check(inventory, 1)
        self.assertIs(told["conservative"], False)

    def test_start_breaks_rule(self):
        """All hosts that may fail do, and yet the start must keep rules."""
        inventory = self.small(
            (("h0", 8), ("h1", 8), ("h2", 8)),
            (("v0", 4, 3, "h1"), ("v1", 1, 1, None), ("v2", 1, 1, "h0")),
            {"type": "dedicated", "failover_hosts": ["h2"],
             "host_failures": 2}, {"op": "power_on", "vm": "v1"},
            ("together", "v1", "v2"))
        told = self.check(inventory, 0)
        self.assertEqual(told["verdict"], "admit")
        for host in ("h1", None):
            inventory["vms"][1]["hosts_allowed"] = ["h1", "h2"]
            inventory["request"]["host"] = host
            self.assertIn("rule", self.check(inventory, 1)["reason"])

    def test_rule_is_named(self):
        """A host that has room is not said to be full."""
        told = self.check(self.small(
            (("h1", 9), ("h2", 9), ("h3", 9)),
            (("a", 1, 1, "h1"), ("b", 1, 1, "h1")), {}, {},
            ("separate", "a", "b")), 1)
        self.assertIn("h1 would hold VMs that a mandatory rule keeps apart",
                      told["reason"])

    def judge(self, inventory, rng):
        """One random cluster; whether it was a yes."""
        op = rng.choice(("none", "none", "power_on", "raise", "remove_host"))
        request = {"op": op, "vm": None, "host": None, "cpu_mhz": None,
                   "memory_mb": None}
        judge = Judge(inventory)
        vm = rng.choice(list(judge.vms.values()))
        if op == "power_on":
            request["vm"] = vm["name"]
            for v in inventory["vms"]:
                if v["name"] == vm["name"]:
                    v.update(power="off", host=None)
            want = judge.power_on(vm["name"])
        elif op == "raise":
            request.update(vm=vm["name"], memory_mb=vm["memory_mb"] + 600)
            vm["memory_mb"] += 600
            want = judge.holds()
        elif op == "remove_host":
            request["host"] = rng.choice(list(judge.hosts))
            want = judge.remove(request["host"])
        else:
            want = judge.holds()
        inventory["request"] = request
        done = self.run_vmha("admission", "check", self.write(inventory),
                             "--output=json")
        what = json.dumps(inventory) + done.stdout + done.stderr
        self.assertIn(done.returncode, (0, 1, 3), what)
        self.assertTrue(done.stdout, what)
        told = json.loads(done.stdout)
        self.assertEqual(told["verdict"] in ("admit", "satisfied"),
                         done.returncode == 0, what)
        self.assertEqual(told["conservative"], done.returncode == 3, what)
        # Never a false yes; a no that is not proven says so.
        self.assertTrue(want or done.returncode != 0, what)
        self.assertTrue(not want or done.returncode != 1, what)
        if done.returncode == 0 and "plan" in told and op in ("none", "raise"):
            judge.check_certificate(self, told["plan"], judge.place())
        return done.returncode

    def test_random(self):
        """Against the judge; the certificates too."""
        rng = random.Random(SEED)
        seen = {0: 0, 1: 0, 3: 0}
        for _ in range(int(os.environ.get("VMHA_INSTANCES", INSTANCES))):
            seen[self.judge(cluster(rng), rng)] += 1
        # Both answers are many, caution is rare.
        self.assertGreater(min(seen[0], seen[1]), INSTANCES // 10, seen)
        self.assertLess(seen[3], sum(seen.values()) // 50 + 1, seen)


if __name__ == "__main__":
    unittest.main()
