# SPDX-License-Identifier: GPL-2.0-or-later
"""A live migration as the real daemons see it (SAFETY 9, 13): `outgoing` on
the source is answered only when `incoming` stands on the target; no third host
gets past either; without the target's word the source's entry is what it was;
and `incoming` leaves only when nobody can send the VM any more.

No Pacemaker: nothing migrates. The tests build on one another, in the order
of their names. Needs root.
"""
import concurrent.futures
import time

from bed import wait_for
from three_hosts import NEWS_S, READY_S, ThreeHosts, vm

BUDGET_MS = 12000
EPERM, EBUSY, EINVAL, ETIMEDOUT, EHOSTUNREACH, ESTALE = 1, 16, 22, 110, 113, 116


class TestIncoming(ThreeHosts):
    name = "incoming-test"
    may_die = ("h1",)

    # -- words ---------------------------------------------------------------

    def say(self, at, number, state, **args):
        self.good(at, "announce", state=state, **vm(number),
                  **{"budget_ms": BUDGET_MS, **args})

    def run_on(self, at, number):
        self.say(at, number, "starting")
        self.say(at, number, "running")

    def no_move(self, code, words, at, number, target, budget_ms=BUDGET_MS):
        """Refused, and the VM is what it was."""
        self.bad(code, words, at, "announce", state="outgoing", target=target,
                 **vm(number), budget_ms=budget_ms)
        self.assertEqual(self.listed(at)[f"vm{number}"], "running")

    def withdraw(self, at, **who):
        """As the agent asks: once more where the other host's newest list was
        read too late, and it is told to look again."""
        answer = self.ask(at, "withdraw", budget_ms=BUDGET_MS, **who)
        if answer.get("errno") == ESTALE:
            answer = self.ask(at, "withdraw", budget_ms=BUDGET_MS, **who)
        self.assertTrue(answer["ok"], answer)
        return answer

    def end(self, at, number):
        return self.withdraw(at, **vm(number))

    # -- tests ---------------------------------------------------------------

    def test_1_both_lists(self):
        """Both entries stand before the source's agent is told to go on."""
        self.run_on("h1", 1)
        self.say("h1", 1, "outgoing", target="h2")
        self.assertEqual(self.listed("h1"), {"vm1": "outgoing"})
        self.assertEqual(self.listed("h2"), {"vm1": "incoming"})
        wait_for(lambda: self.listed("h2", "h3") == {"vm1": "incoming"},
                 NEWS_S, "h3 reads it")
        self.bad(EBUSY, "is listed as", "h3", "announce", state="starting",
                 **vm(1), budget_ms=3000)
        self.bad(EINVAL, "no other host", "h1", "announce", state="outgoing",
                 target="h1", **vm(1))
        # Asked again by the same agent: nothing new, the same answer.
        self.say("h1", 1, "outgoing", target="h2")

    def test_2_stays_while_it_may_come(self):
        """An agent on the target finds no process: that proves nothing as
        long as the source lists the VM as outgoing."""
        began = time.monotonic()
        self.assertTrue(self.end("h2", 1).get("kept"))
        self.assertGreater(time.monotonic() - began, 1)
        self.assertEqual(self.listed("h2"), {"vm1": "incoming"})
        # The job ends meanwhile: the proof is too old, and is asked for again.
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waits = pool.submit(self.ask, "h2", "withdraw", **vm(1),
                                budget_ms=30000)
            time.sleep(2)
            self.say("h1", 1, "running")
            answer = waits.result()
        self.assertEqual(answer.get("errno"), ESTALE, answer)
        self.assertEqual(self.listed("h2"), {"vm1": "incoming"})
        self.assertNotIn("kept", self.end("h2", 1))
        self.assertEqual(self.listed("h2"), {})

    def test_3_by_resource(self):
        """Another UUID, or none: the target's agent knows the resource."""
        for who in ({"uuid": vm(77)["uuid"]}, {"uuid": ""}, {}):
            self.say("h1", 1, "outgoing", target="h2")
            self.assertEqual(self.listed("h2"), {"vm1": "incoming"})
            self.say("h1", 1, "running")
            self.withdraw("h2", resource="vm1", **who)
            self.assertEqual(self.listed("h2"), {})
        self.bad(EINVAL, "UUID is not known", "h1", "withdraw",
                 resource="vm1")
        self.good("h2", "withdraw", resource="vm99")

    def test_4_arrives(self):
        """The guest has arrived: running there, then the source's stop."""
        self.say("h1", 1, "outgoing", target="h2")
        self.say("h2", 1, "running")
        self.assertEqual(self.listed("h1"), {"vm1": "outgoing"})
        self.end("h1", 1)
        self.assertEqual(self.listed("h1"), {})
        self.say("h2", 1, "outgoing", target="h1")
        self.say("h1", 1, "running")
        self.end("h2", 1)

    def test_4b_one_very_entry(self):
        """Who is not the agent names the entry that he has proven: not one
        that has changed since, whatever its state was then."""
        def since(number):
            return next(v["since"] for v in
                        self.good("h3", "vms", host="h3")["vms"]
                        if v["resource"] == f"vm{number}")

        def stale(number, then):
            before = self.listed("h3")
            self.bad(ESTALE, "has changed", "h3", "withdraw", since=then,
                     **vm(number), budget_ms=BUDGET_MS)
            self.assertEqual(self.listed("h3"), before)
        self.run_on("h3", 8)
        then = since(8)
        self.run_on("h3", 9)  # another VM's entry changes nothing
        self.assertEqual(since(8), then)
        stale(8, then - 1)
        stale(8, then + 1)
        self.say("h3", 8, "starting")
        stale(8, since(8))
        self.say("h3", 8, "running")
        stale(8, then)
        self.good("h3", "withdraw", since=since(8), **vm(8),
                  budget_ms=BUDGET_MS)
        self.assertEqual(self.listed("h3"), {"vm9": "running"})
        self.bad(ESTALE, "has changed", "h3", "withdraw", since=then,
                 **vm(8), budget_ms=BUDGET_MS)
        # Another UUID of that resource has its own process.
        self.good("h3", "announce", state="running", uuid=vm(88)["uuid"],
                  resource="vm9", budget_ms=BUDGET_MS)
        self.good("h3", "withdraw", since=since(9), **vm(9),
                  budget_ms=BUDGET_MS)
        self.assertEqual([(v["uuid"], v["resource"]) for v in self.good(
            "h3", "vms", host="h3")["vms"]], [(vm(88)["uuid"], "vm9")])
        self.end("h3", 9)
        self.assertEqual(self.listed("h3"), {})

    def test_5_sealed_target(self):
        """A target that may take no VM says so, and nothing migrates."""
        self.bed.stop("h2", "corosync")
        wait_for(lambda: self.own("h2")["sealed"], NEWS_S, "h2 is sealed")
        wait_for(lambda: not self.member("h2"), NEWS_S, "h2 is no member")
        self.no_move(EHOSTUNREACH, "not in one corosync membership", "h1", 1,
                     "h2")
        self.assertEqual(self.listed("h2"), {})
        term = self.good("h3", "master", on=True, lease_ms=60000)["term"]
        self.assertGreater(term, 0)
        self.bed.start("h2", "corosync")
        wait_for(lambda: self.member("h2") and self.own("h2")["quorate"],
                 READY_S, "h2 is back, sealed until the master opens it")
        self.no_move(11, "h2 does not take vm1: this host is sealed", "h1", 1,
                     "h2", budget_ms=8000)
        self.assertEqual(self.listed("h2"), {})
        self.good("h3", "master", on=False)
        self.wait_open("h2")

    def test_6_no_answer(self):
        """A daemon that does not answer (stopped here, an older version that
        drops the message): refused within the agent's time."""
        self.bed.stop("h2", "heartbeatd")
        self.no_move(ETIMEDOUT, "has not said within", "h1", 1, "h2",
                     budget_ms=5000)
        self.bed.start("h2", "heartbeatd")
        self.wait_open("h2")
        self.say("h1", 1, "outgoing", target="h2")
        self.say("h1", 1, "running")
        self.end("h2", 1)

    def test_7_source_without_corosync(self):
        """The local corosync is not there: nobody can be asked."""
        self.bed.stop("h1", "corosync")
        self.no_move(EHOSTUNREACH, "not in one corosync membership", "h1", 1,
                     "h2")
        self.bed.start("h1", "corosync")
        self.wait_open("h1")

    def test_8_source_dies(self):
        """Handed over, and the source dies before migrate_from: the target's
        entry is all that binds the guest there, and it does."""
        self.say("h1", 1, "outgoing", target="h2")
        self.bed.poweroff("h1")
        wait_for(lambda: self.about("h1")["state"] == "dead", READY_S,
                 "h1 is proven dead")
        self.bad(EBUSY, "vm1 is listed as incoming on h2", "h3", "announce",
                 state="starting", **vm(1), budget_ms=4000)
        self.say("h2", 1, "running")
        self.bad(EBUSY, "vm1 is listed as running on h2", "h3", "announce",
                 state="starting", **vm(1), budget_ms=4000)
        self.end("h2", 1)
        self.run_on("h3", 1)

    def about(self, host, by="h3"):
        return next(h for h in self.ask(by, "status")["hosts"]
                    if h["name"] == host)

    def member(self, host):
        return self.about(host)["member"] and self.about(host, "h1")["member"]
