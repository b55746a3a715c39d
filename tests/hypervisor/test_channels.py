#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the libvirt module says of a guest's agent and of its heartbeat's
channel: with a real libvirtd, and a guest that has them, or not, or whose
agent hangs. Needs root."""
import os
import socket
import sys
import time
import unittest

TESTS = os.path.abspath(f"{os.path.dirname(__file__)}/..")
sys.path[:0] = [os.path.dirname(__file__), TESTS, f"{TESTS}/cluster/guest"]
import domain  # noqa: E402
import test_hypervisor as hv  # noqa: E402
from host import wait_until  # noqa: E402

NANO_ELF = os.environ.get("NANO_ELF", "")
PING_MS = 7000  # HA_HV_PING_MS
AGENT = "org.qemu.guest_agent.0"
HEARTBEAT = "org.vmha.heartbeat.0"


class Channels(hv.Base):
    """Guest agent and heartbeat of a guest that has them, or not."""

    def boot(self, options, *channels):
        path = os.path.join(self.dir, f"{self.name}.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(domain.render(self.name, NANO_ELF, uuid=self.uuid,
                                  options=options, channels=channels))
        self.assertEqual(self.start(path)["op_rc"], "0")
        self.assertEqual(self.call("resume", uuid=self.uuid)["op_rc"], "0")

    def ping(self):
        return self.call("ping", uuid=self.uuid)

    def test_answers(self):
        self.boot("agent=3 heartbeat=1", AGENT, HEARTBEAT)
        seen = self.ping()
        self.assertEqual(seen["op_rc"], "EHOSTDOWN", seen)
        wait_until("the agent answers", 20,
                   lambda: self.ping()["op_rc"] == "0")
        seen = self.call("channel", uuid=self.uuid, channel=HEARTBEAT)
        self.assertEqual(seen["op_rc"], "0", seen)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            # The whole way is too long for a socket's name.
            folder = os.open(self.host.path(os.path.dirname(seen["path"])),
                             os.O_RDONLY | os.O_DIRECTORY)
            self.addCleanup(os.close, folder)
            s.connect(f"/proc/self/fd/{folder}/"
                      f"{os.path.basename(seen['path'])}")
            self.assertIn(b"ok\n", s.recv(100))

    def test_hangs(self):
        """libvirt's own patience ends, well before the deadline."""
        self.boot("agent=1 agent_dumb=1", AGENT)
        time.sleep(3)
        for _ in range(2):
            seen = self.ping()
            self.assertEqual(seen["op_rc"], "EHOSTDOWN", seen)
            self.assertGreaterEqual(int(seen["op_ms"]), 1000)
            self.assert_in_time(int(seen["op_ms"]), PING_MS + hv.SLACK_MS, seen)

    def test_none(self):
        self.boot("agent=1")
        self.assertEqual(self.ping()["op_rc"], "ENODEV")
        for name in (AGENT, HEARTBEAT):
            seen = self.call("channel", uuid=self.uuid, channel=name)
            self.assertEqual(seen["op_rc"], "ENODEV", seen)
            self.assertIn(name, seen["op_text"])

    def test_not_running(self):
        for op in ("ping", "channel"):
            seen = self.call(op, uuid=self.uuid, channel=HEARTBEAT)
            self.assertEqual(seen["op_rc"], "ENOENT", seen)


if __name__ == "__main__":
    unittest.main(verbosity=2)
