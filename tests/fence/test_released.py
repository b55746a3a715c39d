# SPDX-License-Identifier: GPL-2.0-or-later
"""`released` through the ring as the real daemons see it (SAFETY 26): a host
that can't write its VM list gets a VM off it by the master's record, or not at
all; the record frees this VM and no other, and ends with the storage's return.

No Pacemaker: nothing runs. The tests build on one another, in the order of
their names. Needs root.
"""
from bed import wait_for
from three_hosts import NEWS_S, ThreeHosts, vm

BUDGET_MS = 8000
SHORT_MS = 4000
LEASE_MS = 600000
EIO, EBUSY, ETIMEDOUT = 5, 16, 110


class TestReleased(ThreeHosts):
    name = "released-test"

    # -- words ---------------------------------------------------------------

    def run_on(self, at, number):
        for state in ("starting", "running"):
            self.good(at, "announce", state=state, **vm(number),
                      budget_ms=BUDGET_MS)

    def refused(self, code, words, at, number):
        self.bad(code, words, at, "announce", state="starting", **vm(number),
                 budget_ms=SHORT_MS)

    def end(self, at, number):
        self.good(at, "withdraw", **vm(number), budget_ms=BUDGET_MS)

    def no_end(self, words, at, number):
        self.bad(ETIMEDOUT, words, at, "withdraw", **vm(number),
                 budget_ms=SHORT_MS)

    def records(self, by):
        return {(h["resource"], h["owner"], h["by"])
                for h in self.good(by, "holds")["holds"]
                if h["kind"] == "released"}

    def lose(self, host):
        self.bed.fault(host, "all", "all", "hang")
        wait_for(lambda: self.own(host)["ring"] == "leased", NEWS_S,
                 f"{host} lives by the ring")

    def mend(self, host):
        self.bed.heal(host)
        wait_for(lambda: self.own(host)["ring"] == "storage" and
                 self.own(host)["can_write"], NEWS_S, f"{host} writes again")

    def master(self, host, is_on=True):
        return self.good(host, "master", on=is_on,
                         **({"lease_ms": LEASE_MS} if is_on else {}))

    # -- tests ---------------------------------------------------------------

    def test_1_no_master(self):
        """Nobody to write it down: the stop fails, and the entry binds."""
        for number in (1, 2, 3):
            self.run_on("h1", number)
        wait_for(lambda: len(self.listed("h1", "h2")) == 3, NEWS_S,
                 "h2 reads the list of h1")
        self.lose("h1")
        self.no_end("could not be written", "h1", 1)
        self.assertEqual(self.records("h2"), set())
        self.assertEqual(self.listed("h1", "h2")["vm1"], "running")
        self.refused(EBUSY, "is listed as running on h1", "h2", 1)

    def test_2_written_down(self):
        """The master writes it down: asked again, and for the first time."""
        self.master("h3")
        self.end("h1", 1)
        self.end("h1", 2)
        self.assertEqual(self.records("h3"), {("vm1", "h1", "h3"),
                                              ("vm2", "h1", "h3")})
        wait_for(lambda: len(self.records("h2")) == 2, NEWS_S, "h2 reads it")
        self.assertEqual(self.listed("h1", "h2"),
                         {"vm1": "released", "vm2": "released",
                          "vm3": "running"})
        # Where it can't be written nothing is begun.
        self.refused(EIO, "can't write enough", "h1", 1)
        self.run_on("h2", 1)
        self.refused(EBUSY, "is listed as running on h1", "h2", 3)

    def test_3_another_master(self):
        """What the master before has written stands."""
        self.master("h3", False)
        self.master("h2")
        self.end("h1", 2)
        self.assertEqual(self.records("h2"), {("vm1", "h1", "h3"),
                                              ("vm2", "h1", "h3")})
        self.run_on("h3", 2)

    def test_4_full_list(self):
        """No room: the sentence says so, and the stop fails."""
        room = self.ask("h2", "status")["cluster"]["vms"]
        about = next(h for h in self.ask("h2", "status")["hosts"]
                     if h["name"] == "h3")
        self.good("h2", "hold", host="h3", incarnation=about["incarnation"],
                  generation=1, term=1,
                  vms=[{"resource": f"x{n}"} for n in range(room)])
        self.no_end("has room for", "h1", 3)
        self.refused(EBUSY, "is listed as running on h1", "h2", 3)

    def test_5_storage_is_back(self):
        """The list speaks for itself again, and takes the VM again."""
        self.mend("h1")
        wait_for(lambda: self.listed("h1", "h2") == {} and
                 self.records("h2") == set(), NEWS_S,
                 "h1's list is read, and the records are gone")
        self.refused(EBUSY, "is listed as running on h2", "h1", 1)
        self.end("h2", 1)
        self.run_on("h1", 1)
        wait_for(lambda: self.listed("h1", "h3") == {"vm1": "running"}, NEWS_S,
                 "h3 reads the list of h1")
        self.refused(EBUSY, "is listed as running on h1", "h3", 1)
