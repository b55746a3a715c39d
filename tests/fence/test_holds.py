# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds, as the real daemons keep them (SAFETY 12, 17, 19, 24): placed on one
host, they bind on all; only the master lifts them; they outlive the daemon and
the host that placed them; those of the dead that can't be read are lost; and
what an administrator's word does and doesn't.

The tests build on one another, in the order of their names. Needs root.
"""
import os
import struct

from bed import wait_for
from three_hosts import NEWS_S, READY_S, ThreeHosts, uuid, vm

SWEEP_S = 20  # own records of no use are dropped
EPERM, EBUSY, ESTALE = 1, 16, 116
BLOCK = 4096
KIND_HOLD_LIST = 5  # libha/codec/area_block.h
AT_KIND, AT_PLACE, AT_GENERATION = 8, 32, 56


class TestHolds(ThreeHosts):
    name = "holds-test"
    may_die = ("h1", "h3")

    # -- words ---------------------------------------------------------------

    def counts(self, host, op, owner, numbers, generation, term=1):
        answer = self.good(host, op, host=owner, generation=generation,
                           incarnation=self.incarnation(owner), term=term,
                           vms=[vm(n) for n in numbers])
        return answer["placed"], answer["standing"]

    def about(self, owner, asker="h2"):
        return next(h for h in self.ask(asker, "status")["hosts"]
                    if h["name"] == owner)

    def incarnation(self, owner):
        return self.about(owner)["incarnation"]

    def start(self, at, number, state="starting"):
        self.good(at, "announce", state=state, **vm(number), budget_ms=8000)

    def refused(self, words, at, number):
        self.bad(EBUSY, words, at, "announce", state="starting", **vm(number),
                 budget_ms=4000)

    def holds(self, host="h2"):
        """(resource, kind, owner, by) of all, and are these all?"""
        answer = self.good(host, "holds")
        return {(h["resource"], h["kind"], h["owner"], h["by"])
                for h in answer["holds"]}, answer["complete"]

    def wait_holds(self, wanted, host="h2", deadline_s=SWEEP_S):
        wait_for(lambda: self.holds(host) == (set(wanted), True), deadline_s,
                 f"{host} knows these holds: {wanted}")

    # -- tests ---------------------------------------------------------------

    def test_1_binds_until_lifted(self):
        """By uuid, by resource where no uuid is known; not the owner."""
        self.assertEqual(self.holds(), (set(), True))
        self.assertEqual(self.counts("h1", "hold", "h3", [1], 5), (1, 0))
        self.assertEqual(self.counts("h1", "hold", "h3", [1], 5), (0, 1))
        self.assertEqual(self.counts("h1", "hold", "h3", [1], 4), (0, 1))
        self.good("h1", "hold", host="h3", incarnation=1, generation=5,
                  term=1, vms=[{"resource": "vm2"}])
        self.wait_holds({("vm1", "owner", "h3", "h1"),
                         ("vm2", "owner", "h3", "h1")})
        # What stands elsewhere, on w, need not be placed again.
        wait_for(lambda: self.counts("h2", "hold", "h3", [1], 5) == (0, 1),
                 NEWS_S, "h1's hold stands to h2")
        for number in (1, 2):
            self.refused(f"vm{number} is held in the name of h3", "h2", number)
        self.start("h2", 3)
        self.start("h3", 1)
        self.good("h3", "withdraw", **vm(1))
        self.bad(EPERM, "only the master lifts holds", "h2", "lift",
                 host="h3", incarnation=1, generation=5, term=7, vms=[vm(1)])
        term = self.good("h2", "master", on=True, lease_ms=60000)["term"]
        self.bad(EPERM, "only the master lifts holds", "h1", "lift",
                 host="h3", incarnation=1, generation=5, term=term,
                 vms=[vm(1)])
        # An old lift ends no newer hold.
        self.counts("h2", "lift", "h3", [1], 4, term)
        self.refused("is held in the name of h3", "h2", 1)
        self.counts("h2", "lift", "h3", [1], 5, term)
        self.start("h2", 1)
        self.good("h2", "withdraw", **vm(1))
        # Nobody needs the hold and its end any more.
        self.wait_holds({("vm2", "owner", "h3", "h1")})
        self.counts("h2", "lift", "h3", [2], 5, term)
        self.wait_holds(set())
        self.good("h2", "master", on=False)

    def test_1a_cut_off_again(self):
        """h3 comes back, its holds are lifted, and before it has unsealed it
        is cut off again: that is another seal, and can be held."""
        self.start("h3", 8)
        term = self.good("h2", "master", on=True, lease_ms=120000)["term"]
        self.bed.stop("h3", "corosync")
        first = self.sealed_list(0)
        self.assertEqual(self.counts("h1", "hold", "h3", [8], first), (1, 0))
        self.bed.start("h3", "corosync")
        wait_for(lambda: self.ask("h3", "status")["self"]["quorate"], READY_S,
                 "h3 is back")
        self.counts("h2", "lift", "h3", [8], first, term)
        self.assertTrue(self.ask("h3", "status")["self"]["sealed"])
        self.bed.stop("h3", "corosync")
        second = self.sealed_list(first)
        self.assertEqual(self.counts("h1", "hold", "h3", [8], second), (1, 0))
        self.bed.start("h3", "corosync")
        wait_for(lambda: self.ask("h3", "status")["self"]["quorate"], READY_S,
                 "h3 is back again")
        self.counts("h2", "lift", "h3", [8], second, term)
        self.good("h2", "master", on=False)
        self.wait_open("h3")
        self.good("h3", "withdraw", **vm(8))
        self.wait_holds(set())

    def test_2_restart_and_reboot_keep_them(self):
        """Neither the daemon's end nor the host's death ends its holds."""
        self.assertEqual(self.counts("h1", "hold", "h3", [4, 5], 6), (2, 0))
        mine = {(f"vm{n}", "owner", "h3", "h1") for n in (4, 5)}
        self.bed.stop("h1", "heartbeatd")
        self.wait_holds(mine)
        self.refused("is held in the name of h3", "h2", 4)
        self.bed.start("h1", "heartbeatd")
        wait_for(lambda: self.incarnation("h1") == 2, NEWS_S,
                 "h1 is back, as another incarnation")
        self.wait_holds(mine)
        self.wait_holds(mine, host="h1")
        self.bed.poweroff("h1")
        self.wait_holds(mine)
        wait_for(lambda: self.about("h1")["state"] == "dead", NEWS_S,
                 "h1 is proven dead")
        self.refused("is held in the name of h3", "h2", 4)

    def test_3_unreadable_holds_of_the_dead(self):
        """The dead h1's holds are damaged: on one datastore nobody notices, on
        all they are lost, and keep nobody waiting: h3's own list binds."""
        mine = {(f"vm{n}", "owner", "h3", "h1") for n in (4, 5)}
        self.damage("hb1")
        self.restart("h2")
        self.wait_holds(mine)
        self.damage("hb2")
        self.damage("hb3")
        self.restart("h2")
        self.wait_holds(set())
        self.assertEqual(self.good("h2", "holds")["unread"], [])
        self.start("h2", 6)
        self.bed.run("h2", "vmha", "heartbeat", "remove-host", "h1", "--force")

    def test_4_confirm_dead(self):
        """h3 stops its daemon with a VM, then dies: unknown for ever, until an
        administrator says so; and only for that incarnation."""
        self.bad(EBUSY, "is a member of the cluster", "h2", "confirm-dead",
                 host="h3")
        self.bad(22, "is this host", "h2", "confirm-dead", host="h2")
        self.start("h3", 7)
        self.start("h3", 7, "running")
        self.bed.stop("h3", "heartbeatd")
        self.bed.poweroff("h3")
        wait_for(lambda: not self.about("h3")["member"], NEWS_S, "h3 left")
        wait_for(lambda: self.confirmed("h3"), NEWS_S, "the word is taken")
        wait_for(lambda: self.about("h3")["proof"] == "confirmed", NEWS_S,
                 "h3 counts as dead")
        self.assertEqual(self.holds()[0],
                         {("", "confirmed-dead", "h3", "h2")})
        self.restart("h2", is_open=False)
        wait_for(lambda: self.about("h3")["proof"] == "confirmed", NEWS_S,
                 "h3 counts as dead after a restart")
        # It comes back: the word was about another incarnation.
        self.bed.poweron("h3")
        for daemon in ("corosync", "heartbeatd"):
            self.bed.start("h3", daemon)
        wait_for(lambda: self.about("h3")["proof"] == "alive", NEWS_S,
                 "h3 lives")
        self.wait_open("h2")
        self.wait_holds(set())

    def test_5_by_resource_too(self):
        """A domain may have another UUID on each host; its resource is one.
        Neither an entry nor a hold is passed by that."""
        other = {"uuid": uuid(90), "resource": "vm9"}
        self.start("h3", 9)
        self.bad(EBUSY, "vm9 is being started on h3", "h2", "announce",
                 state="starting", **other, budget_ms=4000)
        self.start("h3", 9, "running")
        self.bad(EBUSY, "vm9 is listed as running on h3", "h2", "announce",
                 state="starting", **other, budget_ms=4000)
        self.good("h3", "withdraw", **vm(9))
        self.counts("h2", "hold", "h3", [9], 50)
        self.bad(EBUSY, "vm9 is held in the name of h3", "h2", "announce",
                 state="starting", **other, budget_ms=4000)

    def test_6_owner_without_slot(self):
        """h3 has gone with a VM on its list, so that nothing proves its
        death, and a person takes its slot back: its holds end, also those of a
        daemon that has never heard of it."""
        self.start("h3", 7)
        self.counts("h2", "hold", "h3", [10], 60)
        self.bed.stop("h3", "heartbeatd")
        self.bed.poweroff("h3")
        self.assertIn(("vm10", "owner", "h3", "h2"), self.holds()[0])
        wait_for(self.remove_h3, NEWS_S, "h3 has no slot any more")
        self.restart("h2", is_open=False)
        self.wait_holds(set())

    # -- deeds ---------------------------------------------------------------

    def confirmed(self, host):
        """Refused as long as its last beat is younger than T; and without
        quorum, unless forced."""
        self.bad(1, "this host has no quorum", "h2", "confirm-dead", host=host)
        answer = self.ask("h2", "confirm-dead", host=host, force=True)
        if not answer["ok"]:
            self.assertEqual(answer["errno"], EBUSY, answer)
        return answer["ok"]

    def sealed_list(self, last):
        """The generation of h3's list, away and sealed, after `last`."""
        def is_cut():
            host = self.about("h3")
            return not host["member"] and host["sealed"] and \
                host["list_generation"] > last
        wait_for(is_cut, NEWS_S, f"h3 is cut off, its list later than {last}")
        return self.about("h3")["list_generation"]

    def remove_h3(self):
        """Refused as long as it was seen to beat just now."""
        return self.bed.run("h2", "vmha", "heartbeat", "remove-host", "h3",
                            "--force", check=False).returncode == 0

    def restart(self, host, is_open=True):
        """What was read before is forgotten; VMs that it lists are withdrawn
        first, so that it begins anew."""
        for number in (3, 6):
            self.ask(host, "withdraw", **vm(number))
        self.bed.stop(host, "heartbeatd")
        self.bed.start(host, "heartbeatd")
        if is_open:
            self.wait_open(host)

    def damage(self, store):
        """All hold lists of h1, slot 0."""
        path = next(os.path.join(self.bed.shared(store), name)
                    for name in os.listdir(self.bed.shared(store)))
        done = 0
        with open(path, "r+b") as area:
            magic = area.read(8)
            for at in range(0, os.path.getsize(path), BLOCK):
                area.seek(at)
                block = bytearray(area.read(BLOCK))
                kind, = struct.unpack_from("<H", block, AT_KIND)
                slot, = struct.unpack_from("<I", block, AT_PLACE)
                if block[:8] == magic and kind == KIND_HOLD_LIST and \
                        slot == 0:
                    block[AT_GENERATION] ^= 1
                    area.seek(at)
                    area.write(block)
                    done += 1
        self.assertGreater(done, 0, path)
