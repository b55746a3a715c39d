# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha status, why, recover and host confirm-dead: what is said of clusters
in trouble, by a CIB file and scripted daemons; and that nothing is made up
where somebody does not answer."""

import json
import os
import unittest

from cib import CibCase, gate, meta_of, ticket, vm
from daemon import Daemon, heartbeat, host, lock

HOLD = {"uuid": "", "resource": "web1", "kind": "owner", "owner": "h1",
        "owner_incarnation": 3, "owner_generation": 7, "term": 4, "by": "h2"}
CUT_OFF = [host("h1", 0, "isolated", flags=["sealed", "isolated"]),
           host("h2", 1, flags=["master", "quorate"], term=4), host("h3", 2)]


class Known(CibCase):
    """With a scripted daemon."""

    def daemon(self, hosts, **more):
        """A heartbeat daemon on this host."""
        daemon = heartbeat(self.path("heartbeatd.sock"), hosts, **more)
        self.addCleanup(daemon.__exit__)
        return daemon

    def manager(self, **answers):
        """A fault domain manager on this host."""
        daemon = Daemon(self.path("fdmd.sock"), answers)
        self.addCleanup(daemon.__exit__)
        return daemon

    def held(self, **more):
        """web1 is held in the name of h1, which lives, cut off."""
        self.cib(vm("web1"), gate("web1"),
                 ticket("web1", "false", reason="held", owner="h1", term=4))
        return self.daemon(CUT_OFF, lists={"h1": {"web1": "running"}},
                           holds=[HOLD], **more)

    def told(self, *words, code=0):
        """Its JSON."""
        return json.loads(self.vmha(*words, "--json", code=code).stdout)

    def why(self, code=1):
        """Rules and the whole answer for web1."""
        told = self.told("why", "web1", code=code)
        return [r["rule"] for r in told["reasons"]], told


class Why(Known):
    """One VM."""

    def test_runs(self):
        self.cib(vm("web1"), gate("web1"), ticket("web1"))
        self.daemon([host("h1", 0), host("h2", 1)],
                    lists={"h1": {"web1": "running"}, "h2": {}})
        rules, told = self.why(code=0)
        self.assertEqual((rules, told["hosts"], told["runs"]),
                         ([], ["h1"], True))
        self.assertIn("web1 runs on h1.",
                      self.vmha("why", "web1").stdout)

    def test_held(self):
        self.held()
        rules, told = self.why(code=0)
        self.assertEqual(rules, ["hold", "ticket"])
        self.assertEqual(told["holds"][0]["owner"], "h1")
        self.assertEqual(told["ticket"]["state"], "held")
        text = self.vmha("why", "web1").stdout
        for needle in ("isolated, sealed", "in the name of h1",
                       "Missing: a proof that h1 is dead",
                       "vmha host confirm-dead h1"):
            self.assertIn(needle, " ".join(text.split()))

    def test_released(self):
        """Its owner has said that it ended there."""
        self.cib(vm("web1"), gate("web1"), ticket("web1"))
        self.daemon(CUT_OFF, lists={"h1": {"web1": "released"}})
        rules, told = self.why()
        self.assertEqual((rules, told["hosts"]), ([], []))

    def test_over(self):
        """A hold binds no more: its owner died, came back anew, or the
        master has lifted it."""
        for hosts, holds in (
                ([host("h1", 0, "dead"), *CUT_OFF[1:]], [HOLD]),
                ([host("h1", 0, incarnation=4), *CUT_OFF[1:]], [HOLD]),
                (CUT_OFF, [HOLD, {**HOLD, "kind": "lifted"}])):
            self.cib(vm("web1"), gate("web1"), ticket("web1"))
            with heartbeat(self.path("heartbeatd.sock"), hosts, holds=holds):
                self.assertEqual(self.why()[0], [])
            os.unlink(self.path("heartbeatd.sock"))
        # A lift of an older list ends no newer hold.
        self.daemon(CUT_OFF, holds=[HOLD, {**HOLD, "kind": "lifted",
                                           "owner_generation": 6}])
        self.assertEqual(self.why()[0], ["hold"])

    def test_listed_out_of_reach(self):
        """Not held yet, and bound all the same."""
        self.cib(vm("web1"), gate("web1"), ticket("web1"))
        self.daemon(CUT_OFF, lists={"h1": {"web1": "starting"}})
        self.assertEqual(self.why()[0], ["list"])

    def test_may_run(self):
        """It is listed where nothing beats and nothing is proven."""
        self.cib(vm("web1"), gate("web1"), ticket("web1"))
        self.daemon([host("h1", 0, "standing-down", member=False),
                     host("h2", 1)], lists={"h1": {"web1": "running"}})
        told = self.why()[1]
        self.assertEqual((told["runs"], told["hosts"], told["maybe"]),
                         (None, [], ["h1"]))
        self.assertIn("web1 may run on h1",
                      self.vmha("why", "web1", code=1).stdout)

    def test_unread(self):
        self.cib(vm("web1"), gate("web1"), ticket("web1"))
        self.daemon(CUT_OFF, lists={"h1": None})
        self.assertEqual(self.why()[0], ["unread"])

    def test_sealed_here(self):
        self.cib(vm("web1"), gate("web1"), ticket("web1"))
        self.daemon([host("h2", 1)], own={"sealed": True,
                                          "seal_text": "no quorum"})
        rules, told = self.why()
        self.assertEqual(rules, ["seal"])
        self.assertIn("no quorum", told["reasons"][0]["text"])

    def test_a_start_that_waits(self):
        """Under way, and the master has not confirmed its ticket."""
        state = ('<node_state id="2" uname="h2"><lrm id="2"><lrm_resources>'
                 '<lrm_resource id="web1"><lrm_rsc_op id="web1_last_0" '
                 'operation="start" call-id="-1" rc-code="193" '
                 'op-status="-1"/></lrm_resource></lrm_resources></lrm>'
                 '</node_state>')
        self.daemon([host("h1", 0, flags=["master"], term=276),
                     host("h2", 1)])
        for term, waits in ((275, True), (276, False)):
            self.cib(vm("web1"), gate("web1"), ticket("web1", term=term),
                     states=state)
            rules, told = self.why()
            self.assertEqual(rules, ["start"])
            text = told["reasons"][0]["text"]
            self.assertIn("its start on h2 is under way", text)
            self.assertEqual("of term 275, the master h1 of term 276 has not "
                             "confirmed it" in text, waits, text)

    def test_pacemaker(self):
        self.daemon([host("h2", 1)])
        ban = ('<rsc_location id="cli-ban-x" rsc="web1" node="h1" '
               'score="-INFINITY"/>')
        state = ('<node_state id="2" uname="h2"><lrm id="2"><lrm_resources>'
                 '<lrm_resource id="web1"><lrm_rsc_op '
                 'id="web1_last_failure_0" operation="start" call-id="9" '
                 'rc-code="1" exit-reason="disk vda is missing"/>'
                 '</lrm_resource></lrm_resources></lrm>'
                 '<transient_attributes id="2"><instance_attributes id="ia">'
                 '<nvpair id="n" name="fail-count-web1#start_0" '
                 'value="INFINITY"/></instance_attributes>'
                 '</transient_attributes></node_state>')
        self.cib(vm("web1", meta_of("web1", target_role="Stopped",
                                    is_managed="false")),
                 constraints=ban, states=state, quorum=0,
                 maintenance_mode="true")
        rules, told = self.why()
        text = json.dumps(told["reasons"])
        self.assertEqual(rules, ["quorum"] + ["pacemaker"] * 5)
        for needle in ("maintenance", "target-role=Stopped", "not managed",
                       "bans it from h1", "disk vda is missing",
                       "crm resource clear web1"):
            self.assertIn(needle, text)

    def test_guest_off(self):
        """Said as long as it is stopped, and no longer."""
        off = "powered off by its guest on h1"
        for role, note, is_off in (("Stopped", "h1 1795304383", True),
                                   ("Stopped", "h1", True),
                                   ("Stopped", "", False),
                                   ("Started", "h1 1795304383", False)):
            self.cib(vm("web1", meta_of("web1", target_role=role,
                                        vmha_guest_off=note)))
            listed = " ".join(self.vmha("vm", "list").stdout.split())
            why = " ".join(self.vmha("why", "web1", code=1).stdout.split())
            for said in (listed, why):
                self.assertEqual(off in said, is_off, said)
            self.assertEqual("stopped by an administrator" in listed,
                             role == "Stopped" and not is_off, listed)
            self.assertEqual("vmha vm start web1" in why, is_off, why)

    def test_nobody_answers(self):
        """Unknown is unknown: no word on where it runs."""
        self.cib(vm("web1"), gate("web1"), ticket("web1"))
        _, told = self.why()
        self.assertIsNone(told["runs"])
        self.assertEqual(len(told["unknown"]), 2)
        self.assertIn("may run or not",
                      self.vmha("why", "web1", code=1).stdout)
        self.cib_path = self.path("none.xml")
        self.assertEqual(self.vmha("why", "web1", code=3).stdout, "")

    def test_manager_tells(self):
        self.held()
        self.manager(status={"state": "standby", "term": 4},
                     vm={"sentence": "held, h1 has not said released",
                         "missing": ["h1 must be proven dead"]})
        text = self.vmha("why", "web1").stdout
        self.assertIn("held, h1 has not said released", text)
        self.assertIn("h1 must be proven dead", text)

    def test_not_ready(self):
        """It runs, and what is missing for those that wait for it."""
        lack = "can't become ready: its domain has no channel x"
        self.held()
        self.manager(status={"state": "standby", "term": 4},
                     vm={"ready": False, "not_ready": lack})
        self.assertIn(f"no, for what waits for it: it {lack}",
                      self.vmha("why", "web1").stdout)

    def test_no_such_vm(self):
        self.cib(vm("web1"))
        self.daemon([host("h2", 1)])
        self.assertIn("is called web9",
                      self.vmha("why", "web9", code=1).stderr)


def found_on(number, value, name="vmha-found"):
    """A host whose manager tells that."""
    return (f'<node_state id="{number}" uname="h{number}">'
            f'<transient_attributes id="{number}"><instance_attributes '
            f'id="f{number}"><nvpair id="f{number}-v" name="{name}" '
            f'value="{value}"/></instance_attributes></transient_attributes>'
            '</node_state>')


class Found(Known):
    """What the managers saw."""

    def seen(self, *values):
        """The CIB with these findings, of h1 on."""
        self.cib(vm("web1"), gate("web1"), ticket("web1"), states="".join(
            found_on(i, v) for i, v in enumerate(values, 1)))
        self.daemon([host("h1", 0), host("h2", 1, flags=["master"])],
                    lists={"h2": {"web1": "running"}})

    def test_a_dead_hosts_list(self):
        """What runs elsewhere is shown there alone, the rest is down."""
        self.cib(vm("web1"), gate("web1"), ticket("web1"), vm("web2"))
        self.daemon([host("h1", 0, "dead"),
                     host("h2", 1, flags=["master"])],
                    lists={"h1": {"web1": "running", "web2": "running"},
                           "h2": {"web1": "running"}})
        rows = [line.split() for line in
                self.vmha("status", code=1).stdout.splitlines()
                if line.startswith("web")]
        self.assertEqual(sorted(row[:3] for row in rows),
                         [["web1", "running", "h2"],
                          ["web2", "down", "h1"]])

    def test_what_hosts_lack(self):
        self.cib(vm("web1"), gate("web1"), ticket("web1"), states="".join(
            found_on(i, value, "vmha-lacks") for i, value in enumerate(
                ("0/12", "2/12 web1: bridge br1 is missing; ...", "mad"), 1)))
        self.daemon([host("h1", 0), host("h2", 1, flags=["master"])],
                    lists={"h2": {"web1": "running"}})
        problems = [p for p in self.told("status", code=1)["problems"]
                    if "lacks" in p]
        self.assertEqual(len(problems), 1, problems)
        for word in ("h2 lacks", "2 of 12", "bridge br1 is missing",
                     "vmha host check on h2"):
            self.assertIn(word, problems[0])

    def test_each_kind(self):
        for value, kind, *needles in (
                ("hand-started web1 12 - dom1", "hand-started",
                 "does not have it there", "virsh destroy dom1 on h1",
                 "--resource web1 --node h1"),
                ("hand-started web1 12 - -", "hand-started",
                 "virsh destroy DOMAIN"),
                ("hand-started web1 12 agent dom1", "hand-started",
                 "started by its agent", "--resource web1 --node h1"),
                ("duplicate web1 12 h2 dom1", "duplicate", "runs twice",
                 "end the copy on h1: virsh destroy dom1"),
                ("twin web1 12 h2 dom1", "twin", "list of h2",
                 "end the copy on h2: virsh destroy dom1"),
                ("orphan web1 12 - dom1", "orphan", "no such resource")):
            self.seen(value)
            told = self.told("status", code=1)
            self.assertEqual([(f["kind"], f["host"], f["vm"], f["pid"])
                              for f in told["found"]],
                             [(kind, "h1", "web1", 12)])
            self.assertTrue(any("vmha why web1" in p
                                for p in told["problems"]))
            text = " ".join(self.vmha("status", code=1).stdout.split())
            self.assertIn("Configuration issues", text)
            for needle in needles:
                self.assertIn(needle, text)
            if " agent " in value:
                self.assertNotIn("virsh destroy", text)
            rules, _ = self.why(code=0)
            self.assertEqual(rules, ["found"])
            row = self.told("vm", "list")["vms"][0]
            self.assertEqual(row["protection"], "unprotected")
            self.assertIn(f"{kind} on h1", row["why"])
            self.doCleanups()
            self.setUp()

    def test_all_hosts(self):
        self.seen("duplicate web1 12 h2 web1;orphan old 13 - old",
                  "twin web1 7 h1 web1;more - 4 - -")
        self.assertEqual(
            [(f["host"], f["kind"], f["vm"])
             for f in self.told("status", code=1)["found"]],
            [("h1", "duplicate", "web1"), ("h1", "orphan", "old"),
             ("h2", "twin", "web1"), ("h2", "more", "-")])
        self.assertIn("4 more VMs", self.vmha("status", code=1).stdout)
        # A resource that is gone is still told of.
        self.assertIn("no such resource",
                      self.vmha("why", "old", code=1).stdout)

    def test_none(self):
        for value in ("", "rubbish", "hand-started web1", ";;; ;",
                      "unheard web1 1 - -"):
            self.seen(value)
            self.assertEqual(self.told("status")["found"], [])
            self.assertNotIn("issues", self.vmha("status").stdout)
            self.assertEqual(self.told("vm", "list")["found"], [])
            self.doCleanups()
            self.setUp()


class Status(Known):
    """All of it."""

    def test_held(self):
        self.held()
        told = self.told("status", code=1)
        self.assertEqual((told["master"], told["term"]), ("h2", 4))
        row = told["tickets"][0]
        self.assertEqual((row["ticket"], row["owner"]), ("held", "h1"))
        self.assertEqual([b["what"] for b in row["binds"]], ["hold"])
        self.assertTrue(any("vmha why web1" in p for p in told["problems"]))
        text = self.vmha("status", code=1).stdout
        self.assertRegex(text, "web1 +running +h1 \\(isolated\\) +held")
        self.assertIn("Master h2, term 4", text)
        self.assertIn("isolated, sealed", text)
        self.assertIn("live, master", text)

    def test_powered_off(self):
        """No problem, unless its target-role wants it to run."""
        for reason, code, needle in (("powered-off", 0, "off +unprotected"),
                                     ("was-off", 1, "lost its power")):
            role = "Stopped" if reason == "powered-off" else "Started"
            self.cib(vm("web1", meta_of("web1", target_role=role)),
                     gate("web1"),
                     ticket("web1", "false", state="off", reason=reason))
            with heartbeat(self.path("heartbeatd.sock"),
                           [host("h1", 0), host("h2", 1)]):
                text = self.vmha("status", code=code).stdout
                rules, told = self.why()
            os.unlink(self.path("heartbeatd.sock"))
            self.assertRegex(text, needle)
            self.assertIn("power", rules)
            self.assertIn("vmha vm start web1",
                          [r["todo"] for r in told["reasons"]])

    def test_well(self):
        self.cib(vm("web1") + vm("web2"), gate("web1"), ticket("web1"))
        self.daemon([host("h1", 0), host("h2", 1)],
                    lists={"h1": {"web1": "running"}})
        text = self.vmha("status", code=1).stdout
        self.assertRegex(text, "web1 +running +h1 +granted")
        self.assertRegex(text, "web2 +- +- +no gate")
        self.assertIn("! web2 has no gate", text)
        self.assertNotIn("All is well", text)
        self.assertNotIn("admission", text)
        self.cib(vm("web1"), gate("web1"), ticket("web1"))
        text = self.vmha("status").stdout
        self.assertIn("All is well", text)
        self.assertIn("Master none; no fault domain manager answers", text)

    def election(self, **election):
        """What the status says of it."""
        self.held()
        daemon = self.manager(status={"state": "standby", "term": 4,
                                      "election": election})
        text = self.vmha("status", code=1).stdout
        daemon.__exit__()
        return text

    def test_election(self):
        text = self.election(**{"as": "promoted", "host": "h2",
                                "promotable": True, "stands": True, "why": "",
                                "score": 3002, "stores": 3})
        self.assertIn("Master h2 (promoted), term 4; manager", text)
        self.assertIn("stands for master: score 3002, 3 heartbeat", text)

    def test_election_not_standing(self):
        text = self.election(**{"as": "interim", "host": "h2",
                                "promotable": True, "stands": False,
                                "why": "it is isolated", "score": 0,
                                "stores": 0})
        self.assertIn("Master h2 (interim), term 4", text)
        self.assertIn("does not stand for master: it is isolated", text)

    def test_election_of_another(self):
        """The beats are newer than what the manager has seen."""
        text = self.election(**{"as": "interim", "host": "h3",
                                "promotable": False, "why": "", "score": 0})
        self.assertIn("Master h2, term 4", text)
        self.assertNotIn("for master", text)

    def test_no_cib(self):
        self.daemon([host("h2", 1)], lists={"h2": {"web1": "running"}})
        self.cib_path = self.path("none.xml")
        text = self.vmha("status").stdout
        self.assertRegex(text, "web1 +running +h2 +\\?")
        self.assertIn("Tickets are not known", text)

    def test_disarmed_is_one_word(self):
        self.cib()
        self.daemon([host("h1", 0, "standing-down",
                          beat_state="standing-down"), host("h2", 1)])
        text = self.vmha("status", code=1).stdout
        self.assertRegex(text, "h1 +disarmed")
        self.assertNotIn("standing", text)

    def test_waits_is_not_absent(self):
        self.cib()
        self.assertIn("does not run here",
                      self.vmha("status", code=3).stderr)
        with lock(self.path("heartbeatd.pid")):
            err = self.vmha("status", code=3).stderr
        self.assertIn("waits for its heartbeat datastores", err)
        self.assertIn(str(os.getpid()), err)


class Recover(Known):
    """Tickets on an administrator's word."""

    def granted(self):
        """Of web1's ticket."""
        return self.gates()[1]["vmha-web1"]

    def test_shows_and_changes_nothing(self):
        self.held()
        text = self.vmha("recover", code=1).stdout
        self.assertIn("h1: it may run there", text)
        self.assertIn("vmha host confirm-dead", text)
        self.assertEqual(self.granted()["granted"], "false")

    def test_a_master_decides(self):
        self.held()
        self.assertIn("h2 is master",
                      self.vmha("recover", "--yes", code=1).stderr)
        self.assertEqual(self.granted()["granted"], "false")
        self.vmha("recover", "--yes", "--force")
        self.assertEqual(self.granted()["granted"], "true")

    def test_grants_without_master(self):
        self.cib(vm("web1") + vm("web2"), gate("web1") + gate("web2"),
                 ticket("web1", "false", term=4, owner="h1")
                 + ticket("web2", "false"))
        self.daemon([host("h2", 1, term=6)])
        self.assertIn("nothing: no list and no hold",
                      self.vmha("recover", "web1", code=1).stdout)
        self.vmha("recover", "web1", "--yes")
        now = self.granted()
        self.assertEqual((now["granted"], now["vmha-term"],
                          now["vmha-owner"]), ("true", "6", ""))
        self.assertEqual(self.gates()[1]["vmha-web2"]["granted"], "false")

    def test_no_quorum(self):
        self.cib(vm("web1"), gate("web1"), ticket("web1", "false"), quorum=0)
        self.daemon([host("h2", 1)])
        self.assertIn("no quorum", self.vmha("recover", "--yes", "--force",
                                             code=1).stderr)
        self.assertEqual(self.granted()["granted"], "false")

    def test_doubt_about_a_master(self):
        self.cib(vm("web1"), gate("web1"), ticket("web1", "false"))
        self.assertIn("whether a master lives",
                      self.vmha("recover", "--yes", code=3).stderr)
        self.assertEqual(self.granted()["granted"], "false")

    def test_powered_off(self):
        """A master's business; without one it is granted, but not what was
        kept off after a power loss, unless it is named."""
        self.cib(vm("web1"), gate("web1"),
                 ticket("web1", "false", state="off", reason="powered-off"))
        with heartbeat(self.path("heartbeatd.sock"),
                       [host("h2", 1, flags=["master"])]):
            self.assertIn("nothing to recover", self.vmha("recover").stdout)
        os.unlink(self.path("heartbeatd.sock"))
        self.daemon([host("h2", 1)])
        self.vmha("recover", "--yes")
        self.assertEqual(self.granted()["granted"], "true")
        self.cib(vm("web1"), gate("web1"),
                 ticket("web1", "false", state="off", reason="was-off"))
        self.assertIn("nothing to recover", self.vmha("recover").stdout)
        self.vmha("recover", "web1", "--yes")
        self.assertEqual(self.granted()["granted"], "true")

    def test_nothing_to_do(self):
        self.cib(vm("web1"), gate("web1"), ticket("web1"))
        self.daemon([host("h2", 1)])
        self.assertIn("nothing to recover", self.vmha("recover").stdout)
        for name, needle in (("web1", "has its ticket"),
                             ("web9", "is no resource")):
            self.assertIn(needle,
                          self.vmha("recover", name, code=1).stderr)


class ConfirmDead(Known):
    """An administrator's word that a host is off."""

    def test_refused_while_it_lives(self):
        self.cib()
        daemon = self.daemon([*CUT_OFF, host("h4", 3, "late", member=False)])
        for name, needle in (("h1", "still beats"), ("h2", "is this host"),
                             ("h3", "is a member"), ("h4", "still beats"),
                             ("h9", "has no slot")):
            done = self.vmha("host", "confirm-dead", name, "--yes", code=1)
            self.assertIn(needle, done.stderr)
        self.assertNotIn("confirm-dead", daemon.ops())

    def test_asks_to_be_sure(self):
        self.cib()
        daemon = self.daemon([host("h1", 0, "unguarded", member=False),
                              host("h2", 1)],
                             lists={"h1": {"web1": "running"}},
                             **{"confirm-dead": {}})
        done = self.vmha("host", "confirm-dead", "h1", code=1)
        self.assertIn("web1 may run there", done.stdout)
        self.assertIn("--yes", done.stderr)
        self.assertNotIn("confirm-dead", daemon.ops())
        self.vmha("host", "confirm-dead", "h1", "--yes")
        self.vmha("host", "confirm-dead", "h1", "--yes", "--force")
        self.assertEqual([(r["host"], r["force"]) for r in daemon.asked
                          if r["op"] == "confirm-dead"],
                         [("h1", False), ("h1", True)])

    def test_proven_needs_no_word(self):
        self.cib()
        daemon = self.daemon([host("h1", 0, "dead"), host("h2", 1)])
        self.assertIn("proven dead already", self.vmha(
            "host", "confirm-dead", "h1", "--yes").stdout)
        self.assertNotIn("confirm-dead", daemon.ops())

    def test_refusal_of_the_daemon(self):
        self.cib()
        self.daemon([host("h1", 0, "unknown", member=False)], **{
            "confirm-dead": {"ok": False, "errno": 16,
                             "error": "h1 beats again"}})
        self.assertIn("h1 beats again", self.vmha(
            "host", "confirm-dead", "h1", "--yes", code=1).stderr)


if __name__ == "__main__":
    unittest.main()
