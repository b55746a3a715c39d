#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the test guest and of its witness, with real QEMUs.

Half of them show that the witness stays silent where nothing is wrong; the
other half break things on purpose and want to be told: a proof that cannot
fail proves nothing.
"""

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
CLUSTER = os.path.dirname(HERE)
sys.path[:0] = [HERE, CLUSTER, os.path.dirname(CLUSTER)]

import domain  # noqa: E402
import witness  # noqa: E402
from in_time import InTimeCase  # noqa: E402
from qemu_guest import Guest, GuestError  # noqa: E402

NANO_ELF = os.environ.get("NANO_ELF", "build/tests/guest/nano.elf")
UP_LIMIT_S = 2.0
CPU_SAMPLE_S = 3.0
SPIN_END_S = 5.0
CPU_LIMIT = 0.05  # aim is 0.01 on a quiet machine; a busy one shows more
CHANNEL_S = 3.0
CHANNEL_LINES = 10
COUNTS_ENOUGH = 12  # at 10 Hz: more than one history record


class GuestCase(InTimeCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="nano-test-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.disk = os.path.join(self.dir, "disk.img")
        witness.create(self.disk)
        self.guests = 0

    def boot(self, options="", disk="", **kwargs):
        self.guests += 1
        guest = Guest(NANO_ELF, self.disk if disk == "" else disk, options,
                      workdir=self.dir, name=f"g{self.guests}", **kwargs)
        self.addCleanup(guest.close)
        return guest

    def wrong(self):
        return witness.verify(witness.load(self.disk))

    def assert_proven(self):
        self.assertEqual(self.wrong(), [])

    def assert_wrong(self, text):
        wrong = self.wrong()
        self.assertTrue(any(text in sentence for sentence in wrong),
                        f"no {text!r} in {wrong}")


class Alone(GuestCase):
    def test_up_soon_and_counter_moves(self):
        guest = self.boot("tick_hz=10")
        boot, ordinal, up_s = guest.wait_up()
        self.assert_in_time(up_s, UP_LIMIT_S)
        self.assertEqual(ordinal, 1)
        guest.wait_count(COUNTS_ENOUGH)
        owner = witness.load(self.disk).owner
        self.assertEqual(owner.boot, boot)
        self.assertGreaterEqual(owner.counter, COUNTS_ENOUGH - 1)
        self.assert_proven()
        print(f"up after {up_s:.2f} s", file=sys.stderr)

    def test_status(self):
        guest = self.boot()
        boot, _, _ = guest.wait_up()
        found = guest.ask(b"s", r"status boot=(\w+) ordinal=1 count=\d+ .*"
                                r"violations=0 disk_errors=0 .*disk=ok\n")
        self.assertEqual(int(found[1], 16), boot)

    def test_idle_costs_little(self):
        guest = self.boot()
        guest.wait_up()
        before = guest.cpu_s()
        time.sleep(CPU_SAMPLE_S)
        share = (guest.cpu_s() - before) / CPU_SAMPLE_S
        self.assert_in_time(share, CPU_LIMIT)
        print(f"host CPU {share * 100:.1f} %", file=sys.stderr)

    def test_spin_burns_cpu_and_still_answers(self):
        guest = self.boot("spin=1")
        guest.wait_up()
        # More than one that idles could burn until the end.
        enough_s = guest.cpu_s() + 2 * CPU_LIMIT * SPIN_END_S
        end = time.monotonic() + SPIN_END_S
        while guest.cpu_s() < enough_s:
            self.assertLess(time.monotonic(), end, "it burns no CPU")
            time.sleep(0.1)
        guest.ping()

    def test_unknown_options_are_said(self):
        guest = self.boot("colour=red tick_hz=99 power=never tick_hz=20")
        guest.wait_up()
        for option in ("colour=red", "tick_hz=99", "power=never"):
            self.assertIn(f"nano: ignored option {option}\n", guest.text)
        guest.wait_count(2)
        self.assertEqual(witness.load(self.disk).owner.tick_hz, 20)

    def test_no_disk(self):
        guest = self.boot(disk=None)
        guest.wait_up()
        guest.wait_text("disk=none")
        guest.ping()

    def test_eight_mib(self):
        guest = self.boot("dirty=65536", memory_mib=8)
        guest.wait_up()
        guest.wait_count(COUNTS_ENOUGH)

    def test_foreign_disk_is_never_written(self):
        with open(self.disk, "r+b") as f:
            f.write(b"somebody's data")
        with open(self.disk, "rb") as f:
            before = f.read()
        guest = self.boot()
        guest.wait_up()
        guest.wait_text("disk=foreign")
        time.sleep(0.3)
        with open(self.disk, "rb") as f:
            self.assertEqual(f.read(), before)
        with self.assertRaises(witness.WitnessError):
            witness.load(self.disk)

    def test_q35(self):
        guest = self.boot(disk=None, machine="q35")
        guest.wait_up()
        guest.wait_text("power=ich9")
        guest.qmp("system_powerdown")
        self.assertEqual(guest.wait_end(), 0)


class Channels(GuestCase):
    """The guest agent and the application's heartbeat."""

    def boot_with(self, options):
        """The guest, and its two channels as sockets."""
        extra = ["-device", "virtio-serial-pci"]
        for number, name in enumerate(("org.qemu.guest_agent.0",
                                       "org.vmha.heartbeat.0"), 1):
            extra += ["-chardev", f"socket,id=c{number},server=on,wait=off,"
                      f"path={self.dir}/c{number}", "-device",
                      f"virtserialport,chardev=c{number},nr={number},"
                      f"name={name}"]
        guest = self.boot(options, extra=extra)
        guest.wait_up()
        sockets = []
        for number in (1, 2):
            one = socket.socket(socket.AF_UNIX)
            self.addCleanup(one.close)
            one.settimeout(CHANNEL_S)
            one.connect(f"{self.dir}/c{number}")
            sockets.append(one)
        return guest, *sockets

    def test_answers(self):
        guest, agent, heartbeat = self.boot_with("agent=1 heartbeat=1")
        guest.wait_text("nano: agent open")
        for ask, answer in (
                (b'\xff{"execute":"guest-sync","arguments":{"id":12345678901'
                 b'2}}\n', b'{"return": 123456789012}\n'),
                (b'{"execute":"guest-ping"}\n', b'{"return": {}}\n')):
            agent.sendall(ask)
            self.assertEqual(agent.recv(100), answer)
        agent.sendall(b'{"execute":"guest-info"}\n')
        self.assertIn(b"CommandNotFound", agent.recv(100))
        # More than there are buffers: each is used again.
        lines = b""
        while lines.count(b"ok\n") < CHANNEL_LINES:
            lines += heartbeat.recv(100)
        self.assertEqual(lines.replace(b"ok\n", b""), b"")
        self.assert_proven()

    def test_silent(self):
        """A hung agent is open and says nothing; without the options the
        guest does not even look for its channels."""
        for options in ("agent=1 agent_dumb=1", ""):
            guest, agent, heartbeat = self.boot_with(options)
            if options:
                guest.wait_text("nano: agent open")
            agent.sendall(b'{"execute":"guest-ping"}\n')
            for one in (agent, heartbeat):
                with self.assertRaises(TimeoutError):
                    one.recv(100)
            guest.close()


class Power(GuestCase):
    def test_button_is_a_clean_end(self):
        guest = self.boot()
        guest.wait_up()
        guest.wait_count(3)
        guest.qmp("system_powerdown")
        self.assertEqual(guest.wait_end(), 0)
        self.assertTrue(witness.load(self.disk).owner.flags &
                        witness.FLAG_CLEAN)
        self.assert_proven()

    def test_button_ignored(self):
        guest = self.boot("power=ignore")
        guest.wait_up()
        guest.qmp("system_powerdown")
        guest.wait_text("nano: power button")
        time.sleep(1)
        guest.ping()

    def test_button_slow(self):
        guest = self.boot("power=slow:2")
        guest.wait_up()
        guest.qmp("system_powerdown")
        pressed = time.monotonic()
        guest.wait_end()
        self.assertGreater(time.monotonic() - pressed, 1.8)

    def test_power_off_by_itself(self):
        guest = self.boot("poweroff=1")
        guest.wait_up()
        self.assertEqual(guest.wait_end(), 0)
        self.assertIn("nano: power off", guest.text)

    def test_stuck(self):
        guest = self.boot("stuck=1")
        guest.wait_up()
        guest.wait_text("nano: stuck")
        with self.assertRaises(GuestError):
            guest.ping()
        self.assertIsNone(guest.process.poll())

    def test_reset_raises_ordinal(self):
        guest = self.boot("reset=2")
        first, _, _ = guest.wait_up()
        found = guest.wait_text(r"boot=(\w+) ordinal=2")
        self.assertNotEqual(int(found[1], 16), first)
        guest.wait_text("disk=ok", after=guest.text.index("nano: reset"))
        self.assert_proven()
        second = witness.load(self.disk).boots[2]
        self.assertEqual(second.pred_boot, first)
        self.assertGreater(second.pred_counter, COUNTS_ENOUGH)
        self.assertFalse(second.pred_flags & witness.FLAG_CLEAN)

    def test_panic_is_an_event(self):
        guest = self.boot("panic=1", panic=True)
        guest.wait_up()
        guest.wait_event("GUEST_PANICKED")

    def test_panic_without_device(self):
        guest = self.boot("panic=1")
        guest.wait_up()
        guest.wait_text("no panic device")
        guest.ping()


class Gaps(GuestCase):
    def test_kill_and_restart_continues(self):
        guest = self.boot()
        boot, _, _ = guest.wait_up()
        guest.wait_count(COUNTS_ENOUGH)
        guest.kill()
        left = witness.load(self.disk).owner
        again = self.boot()
        _, ordinal, _ = again.wait_up()
        self.assertEqual(ordinal, 2)
        again.wait_count(3)
        image = witness.load(self.disk)
        self.assertEqual(image.boots[2].pred_boot, boot)
        self.assertEqual(image.boots[2].pred_counter, left.counter)
        self.assertEqual(image.owner.total,
                         left.counter + image.owner.counter)
        self.assertIn("ordinal 1 crashed", "\n".join(witness.notes(image)))
        self.assert_proven()

    def test_more_boots_than_the_table_holds(self):
        """The ring wraps; owner and boot table must still fit together."""
        guest = self.boot()
        guest.wait_up()
        boots = witness.BOOT_SLOTS + 3
        for n in range(2, boots + 1):
            guest.qmp("system_reset")
            guest.wait_text(rf"ordinal={n} ")
        guest.wait_count(2)
        self.assertEqual(witness.load(self.disk).owner.ordinal, boots)
        self.assert_proven()

    def test_pause_is_a_gap_and_no_violation(self):
        guest = self.boot()
        with witness.Watch(self.disk) as watch:
            boot, _, _ = guest.wait_up()
            guest.wait_count(COUNTS_ENOUGH)
            guest.qmp("stop")
            time.sleep(3)
            self.assertTrue(watch.gaps()[-1].is_open)
            guest.qmp("cont")
            guest.wait_count(2 * COUNTS_ENOUGH)
        gaps = [g for g in watch.gaps(2.5) if not g.is_open]
        self.assertEqual(len(gaps), 1)
        self.assertAlmostEqual(gaps[0].seconds, 3.0, delta=0.5)
        self.assertEqual(gaps[0].boot_before, boot)
        self.assertEqual(watch.overlaps, [])
        self.assertEqual(watch.first_write(1).boot, boot)
        self.assertGreater(watch.last_write(boot).counter, COUNTS_ENOUGH)
        image = witness.load(self.disk)
        self.assertGreaterEqual(image.owner.gap_s, 2)
        self.assertIn("gap of", "\n".join(witness.notes(image)))
        self.assert_proven()

    def test_live_migration(self):
        source = self.boot("dirty=4096")
        boot, _, _ = source.wait_up()
        source.wait_count(COUNTS_ENOUGH)
        path = f"unix:{self.dir}/migration"
        target = self.boot("dirty=4096", incoming=path)
        target.wait_status("inmigrate")
        source.migrate(path)
        source.kill()
        target.wait_status("running")
        self.assertEqual(target.ping()[0], boot)
        target.wait_count(3 * COUNTS_ENOUGH)
        self.assert_proven()


class DiskErrors(GuestCase):
    """An error is not a violation, and never leads to a blind write."""

    def faulty(self, iotype):
        guest = self.boot(fault="inject-error.0.errno=5,"
                          f"inject-error.0.iotype={iotype},"
                          f"inject-error.0.sector={witness.LBA_OWNER},"
                          "inject-error.0.once=on")
        guest.wait_up()
        return guest

    def test_failed_first_write(self):
        guest = self.faulty("write")
        guest.wait_text("nano: disk error write lba=8 errors=1")
        guest.wait_count(COUNTS_ENOUGH)
        guest.kill()
        self.assertEqual(witness.load(self.disk).owner.disk_errors, 1)
        again = self.boot()
        self.assertEqual(again.wait_up()[1], 2)
        again.wait_count(2)
        self.assert_proven()

    def test_failed_takeover_read_writes_nothing(self):
        guest = self.faulty("read")
        guest.wait_text("disk=unreadable")
        time.sleep(0.3)
        image = witness.load(self.disk)
        self.assertIsNone(image.owner)
        self.assertEqual(image.boots, {})


class DoubleRun(GuestCase):
    def test_two_boots_at_once(self):
        first = self.boot(locking=False)
        first.wait_up()
        first.wait_count(3)
        watch = witness.Watch(self.disk).start()
        second = self.boot(locking=False)
        _, ordinal, _ = second.wait_up()
        self.assertEqual(ordinal, 2)
        first.wait_text("nano: VIOLATION kind=1")
        second.wait_text("nano: VIOLATION kind=1")
        end = time.monotonic() + UP_LIMIT_S
        while not watch.overlaps and time.monotonic() < end:
            time.sleep(witness.SAMPLE_INTERVAL_S)
        watch.stop()
        self.assertTrue(watch.overlaps)
        first.kill()
        second.kill()
        self.assert_wrong("another boot wrote")
        # sticky: a later, lonely boot does not wash it away
        third = self.boot()
        third.wait_up()
        third.wait_count(COUNTS_ENOUGH)
        third.kill()
        self.assert_wrong("another boot wrote")
        self.assertGreater(witness.load(self.disk).owner.violations, 0)
        self.assertEqual(witness.main(["verify", self.disk]), 1)

    def test_same_boot_twice(self):
        source = self.boot(locking=False)
        boot, _, _ = source.wait_up()
        source.wait_count(3)
        state = f"{self.dir}/state"
        source.migrate(f"exec:cat > {state}")
        copy = self.boot(locking=False, incoming=f"exec:cat {state}")
        copy.wait_status("running")
        source.qmp("cont")
        source.wait_text("nano: VIOLATION kind=2")
        copy.wait_text("nano: VIOLATION kind=2")
        self.assertEqual(copy.ping()[0], boot)
        source.kill()
        copy.kill()
        self.assert_wrong("another copy of the same boot")

    def test_copies_of_a_boot_never_write_the_same_bytes(self):
        """Or two copies in lockstep would take each other for themselves."""
        source = self.boot()
        source.wait_up()
        source.wait_count(3)
        state = f"{self.dir}/state"
        source.migrate(f"exec:cat > {state}")
        source.kill()
        nonces = []
        for copy in "ab":
            disk = shutil.copy(self.disk, f"{self.dir}/{copy}.img")
            guest = self.boot(disk=disk, incoming=f"exec:cat {state}")
            guest.wait_status("running")
            guest.wait_count(2 * COUNTS_ENOUGH)
            guest.kill()
            nonces.append({r.counter: r.nonce
                           for r in witness.load(disk).history
                           if r.counter > COUNTS_ENOUGH})
        common = nonces[0].keys() & nonces[1].keys()
        self.assertTrue(common)
        for counter in common:
            self.assertNotEqual(nonces[0][counter], nonces[1][counter])

    def test_old_memory_over_newer_disk(self):
        """A stale saved state, restored after the guest had gone on."""
        source = self.boot(locking=False)
        source.wait_up()
        source.wait_count(3)
        state = f"{self.dir}/state"
        source.migrate(f"exec:cat > {state}")
        source.qmp("cont")
        source.wait_count(COUNTS_ENOUGH)
        source.kill()
        self.assert_proven()
        copy = self.boot(locking=False, incoming=f"exec:cat {state}")
        copy.wait_text("nano: VIOLATION kind=2")
        copy.kill()
        self.assert_wrong("another copy of the same boot")

    def test_late_write_of_a_dead_predecessor(self):
        """An old owner sector lands after the successor has ended."""
        first = self.boot()
        first.wait_up()
        first.wait_count(3)
        first.kill()
        at = witness.LBA_OWNER * witness.SECTOR_BYTES
        old = witness.read_bytes(self.disk, at, witness.SECTOR_BYTES)
        second = self.boot()
        second.wait_up()
        second.kill()
        self.assert_proven()
        with open(self.disk, "r+b") as f:
            f.seek(at)
            f.write(old)
        self.assert_wrong("an old copy wrote last")
        third = self.boot()
        _, ordinal, _ = third.wait_up()
        self.assertEqual(ordinal, 3)
        self.assertIn("VIOLATION kind=4", third.text)
        third.kill()
        self.assert_wrong("did not fit the boot table")


class Tampered(GuestCase):
    """verify() on a real three-boot image with one thing changed."""

    original = None

    def setUp(self):
        super().setUp()
        if Tampered.original is None:
            self.three_boots()
            with open(self.disk, "rb") as f:
                Tampered.original = f.read()
        with open(self.disk, "wb") as f:
            f.write(Tampered.original)
        self.assert_proven()

    def three_boots(self):
        guest = self.boot()
        for n in (1, 2, 3):
            guest.wait_text(rf"ordinal={n} ")
            guest.wait_text("disk=ok", after=guest.text.rindex("nano: up"))
            guest.wait_count(COUNTS_ENOUGH)
            if n < 3:
                guest.qmp("system_reset")
        guest.kill()

    def change(self, lba, magic, **fields):
        with open(self.disk, "r+b") as f:
            f.seek(lba * witness.SECTOR_BYTES)
            rec = witness.record_parse(f.read(witness.RECORD.size), magic)
            data = witness.RECORD.pack(*rec._replace(**fields))[:-4]
            f.seek(lba * witness.SECTOR_BYTES)
            f.write(data + struct.pack("<I", zlib.crc32(data)))

    def test_predecessor_counter_too_low(self):
        before = witness.load(self.disk).boots[2]
        self.change(witness.LBA_BOOTS + 2, b"NANO-BOO", pred_counter=2,
                    pred_total=before.pred_total - before.pred_counter + 2)
        self.assert_wrong("after ordinal 2 had taken over")
        self.assert_wrong("did not see all that ordinal 2")

    def test_wrong_predecessor(self):
        self.change(witness.LBA_BOOTS + 3, b"NANO-BOO", pred_boot=1)
        self.assert_wrong("took over from boot 0000000000000001")

    def test_ordinal_taken_twice(self):
        self.change(witness.LBA_OWNER, b"NANO-OWN", boot=7)
        self.assert_wrong("ordinal 3 was taken by boot")

    def test_old_boot_in_history(self):
        self.change(witness.LBA_HISTORY + 1, b"NANO-HIS", history_seq=10**6,
                    counter=1)
        self.assert_wrong("ordinal 1 wrote after ordinal 3 had begun")

    def test_lost_boot_entry(self):
        with open(self.disk, "r+b") as f:
            f.seek((witness.LBA_BOOTS + 2) * witness.SECTOR_BYTES)
            f.write(bytes(witness.SECTOR_BYTES))
        self.assert_wrong("ordinal 2 is missing")

    def test_torn_owner(self):
        with open(self.disk, "r+b") as f:
            f.seek(witness.LBA_OWNER * witness.SECTOR_BYTES + 16)
            f.write(b"\xff")
        self.assert_wrong("damaged: owner")

    def test_whole_disk_put_back(self):
        image = witness.load(self.disk)
        self.assertEqual(witness.verify(image, 3, image.owner.total), [])
        self.assertTrue(witness.verify(image, 4))
        self.assertTrue(witness.verify(image, 3, image.owner.total + 1))

    def test_entry_of_a_boot_that_died_early_is_repaired(self):
        with open(self.disk, "r+b") as f:
            f.seek((witness.LBA_BOOTS + 3) * witness.SECTOR_BYTES)
            f.write(bytes(witness.SECTOR_BYTES))
        self.assert_proven()
        guest = self.boot()
        self.assertEqual(guest.wait_up()[1], 4)
        self.assert_proven()
        entry = witness.load(self.disk).boots[3]
        self.assertTrue(entry.flags & witness.FLAG_REPAIRED)


class Blank(unittest.TestCase):
    def test_blank_disk_proves_nothing(self):
        blank = witness.Image(bytes(witness.IMAGE_BYTES_DEFAULT))
        self.assertEqual(len(witness.verify(blank)), 1)


class Domain(unittest.TestCase):
    CASES = ({}, {"channels": ("org.vmha.heartbeat.0",)},
             {"disk": "/x/d'.img", "serial_file": "/x/serial"},
             {"disk": "/dev/x", "serial_socket": "/x/s", "bridge": "br0",
              "mac": "52:54:00:00:00:01", "shareable": True,
              "options": "power=slow:3 tick_hz=10", "domain_type": "kvm",
              "panic": False, "error_policy": "enospace"})

    @unittest.skipUnless(shutil.which("virt-xml-validate"),
                         "needs virt-xml-validate")
    def test_schema(self):
        for case in self.CASES:
            with tempfile.NamedTemporaryFile("w", suffix=".xml") as f:
                f.write(domain.render("n<1>", "/x/nano.elf", **case))
                f.flush()
                done = subprocess.run(
                    ["virt-xml-validate", f.name, "domain"], check=False,
                    capture_output=True, text=True, timeout=20)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_name_has_its_own_line(self):
        self.assertIn("\n  <name>n1</name>\n", domain.render("n1", "/k"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
