# SPDX-License-Identifier: GPL-2.0-or-later
"""One test guest under a QEMU of our own, without libvirt.

Used by the guest's own test; cluster tests go through libvirt instead. Every
wait has a deadline and ends in an exception that shows what the serial line
said. close() ends exactly the process that was started here.
"""

import json
import os
import re
import socket
import subprocess
import threading
import time

UP_DEADLINE_S = 10.0  # generous: the machine may be busy; tests assert less
END_DEADLINE_S = 5.0
POLL_S = 0.01
EMULATOR = "qemu-system-x86_64"


class GuestError(Exception):
    """The guest did not do in time what was asked of it."""


class Guest:
    def __init__(self, kernel, disk, options="", *, workdir, name,
                 locking=True, incoming=None, machine="pc", panic=False,
                 memory_mib=16, fault=None, extra=()):
        """fault: blkdebug's inject-error settings, reported to the guest."""
        self.text = ""
        self.qmp_path = os.path.join(workdir, name + ".qmp")
        command = [
            EMULATOR, "-machine", f"{machine},accel=tcg", "-m",
            str(memory_mib), "-nodefaults", "-no-user-config", "-display",
            "none", "-serial", "stdio", "-kernel", kernel, "-append", options,
            "-action", "panic=pause",
            "-qmp", f"unix:{self.qmp_path},server=on,wait=off", *extra]
        if disk:
            lock = "auto" if locking else "off"
            command += ["-blockdev",
                        f"driver=file,node-name=file,filename={disk},"
                        f"cache.direct=on,locking={lock}"]
            if fault:
                command += ["-blockdev",
                            f"driver=blkdebug,node-name=fault,image=file,"
                            f"inject-error.0.event=none,"
                            f"{fault}"]
            node = "fault" if fault else "file"
            command += ["-device", f"ide-hd,drive={node},werror=report,"
                                   f"rerror=report"]
        if panic:
            command += ["-device", "pvpanic"]
        if incoming:
            command += ["-incoming", incoming]
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, bufsize=0)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._qmp = None
        self.events = []

    def _read(self):
        while chunk := self.process.stdout.read(4096):
            self.text += chunk.decode("ascii", "replace")

    def wait_text(self, pattern, deadline_s=UP_DEADLINE_S, after=0):
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            found = re.search(pattern, self.text[after:])
            if found:
                return found
            time.sleep(POLL_S)
        raise GuestError(f"no {pattern!r} within {deadline_s} s in:\n"
                         f"{self.text[after:]}")

    def wait_up(self):
        """(boot id as a number, ordinal, seconds from start to up)"""
        found = self.wait_text(r"nano: up boot=([0-9a-f]{16}) "
                               r"ordinal=(\d+) options=.*\n")
        return (int(found[1], 16), int(found[2]),
                time.monotonic() - self.started)

    def ask(self, letter, pattern, deadline_s=2.0):
        after = len(self.text)
        self.process.stdin.write(letter)
        return self.wait_text(pattern, deadline_s, after)

    def ping(self):
        """(boot id, count)"""
        found = self.ask(b"p", r"pong boot=([0-9a-f]{16}) count=(\d+)\n")
        return int(found[1], 16), int(found[2])

    def wait_count(self, count):
        end = time.monotonic() + UP_DEADLINE_S
        while time.monotonic() < end:
            if self.ping()[1] >= count:
                return
            time.sleep(POLL_S)
        raise GuestError(f"count {count} not reached:\n{self.text}")

    def _qmp_line(self, deadline_s):
        self._qmp[0].settimeout(deadline_s)
        line = self._qmp[1].readline()
        if not line:
            raise GuestError("QMP closed")
        return json.loads(line)

    def _qmp_connect(self, deadline_s):
        end = time.monotonic() + deadline_s
        while True:
            conn = socket.socket(socket.AF_UNIX)
            conn.settimeout(deadline_s)
            try:
                conn.connect(self.qmp_path)
                return conn
            except OSError as e:  # QEMU has not made the socket yet
                conn.close()
                if time.monotonic() > end:
                    raise GuestError(f"{self.qmp_path}: {e}") from e
            time.sleep(POLL_S)

    def qmp(self, command, deadline_s=5.0, **arguments):
        if self._qmp is None:
            conn = self._qmp_connect(deadline_s)
            self._qmp = (conn, conn.makefile("r"))
            self._qmp_line(deadline_s)
            self.qmp("qmp_capabilities")
        request = {"execute": command, "arguments": arguments}
        self._qmp[0].sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = self._qmp_line(deadline_s)
            if "event" in answer:
                self.events.append(answer["event"])
            elif "error" in answer:
                raise GuestError(f"{command}: {answer['error']['desc']}")
            else:
                return answer["return"]

    def wait_event(self, event, deadline_s=5.0):
        end = time.monotonic() + deadline_s
        while event not in self.events:
            if time.monotonic() > end:
                raise GuestError(f"no event {event}, only {self.events}")
            self.qmp("query-status")
            time.sleep(POLL_S)

    def migrate(self, uri, deadline_s=10.0):
        """Sends the guest's state; this copy stays paused behind."""
        self.qmp("migrate", uri=uri)
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            status = self.qmp("query-migrate")["status"]
            if status == "completed":
                return
            if status == "failed":
                break
            time.sleep(POLL_S)
        raise GuestError(f"migration to {uri}: {status}")

    def wait_status(self, status, deadline_s=5.0):
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if self.qmp("query-status")["status"] == status:
                return
            time.sleep(POLL_S)
        raise GuestError(f"machine is not {status}")

    def wait_end(self, deadline_s=END_DEADLINE_S):
        code = self.process.wait(deadline_s)
        self._reader.join(END_DEADLINE_S)
        return code

    def cpu_s(self):
        """CPU time of QEMU so far, guest included."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        self.process.kill()
        self.wait_end()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        if self._qmp:
            self._qmp[1].close()
            self._qmp[0].close()
