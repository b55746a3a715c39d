# SPDX-License-Identifier: GPL-2.0-or-later
"""A socket that answers as the heartbeat daemon or the fault domain manager
would, with what a test says: states of a cluster that no single machine has.
What real ones answer is tried in the cluster tests."""

import fcntl
import json
import os
import socket
import struct
import threading

PACKET = 192 * 1024
SELF = {"host": "h2", "slot": 1, "phase": "armed", "evidence": "storage",
        "corosync": True, "quorate": True, "member": True, "mlocked": True,
        "sealed": False, "seal_text": "", "standing_down": False}
STATUS = {
    "cluster": {"name": "lab", "uuid": "u", "stores": 1, "write_needed": 1,
                "read_needed": 1},
    "timing": {"profile": "fast", "beat_ms": 500, "watchdog_ms": 2000,
               "tolerance_ms": 500, "silence_ms": 3003},
    "watchdog": {"path": "/dev/watchdog", "armed": True, "timeout_ms": 2000},
    "stores": [{"path": "/srv/hb1", "open": True, "working": True}],
    "brake": {"limit": 2, "used": 0, "full": False}, "orders": [],
}


def host(name, slot, state="live", **more):
    """A host of the status."""
    return {"name": name, "slot": slot, "self": name == SELF["host"],
            "state": state, "gone": state in ("dead", "stopped", "never"),
            "member": state == "live", "flags": [], "incarnation": 3,
            "beat_state": "armed", "seen_age_ms": 100, "list_count": 1,
            "term": 0, "evidence": "storage", "watchdog_ms": 2000,
            "stores": [{"verdict": "ok", "sequence": 9, "age_ms": 100}],
            **more}


class Daemon:
    """Answers each operation with what `answers` has for it: a dictionary, or
    a function of the request."""

    def __init__(self, path, answers):
        self.answers = answers
        self.asked = []
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                request = json.loads(client.recv(PACKET))
                self.asked.append(request)
                answer = self.answers.get(request["op"])
                if callable(answer):
                    answer = answer(request)
                if answer is None:
                    answer = {"ok": False, "errno": 38, "error": "unknown op"}
                client.send(json.dumps({"v": 1, "ok": True,
                                        **answer}).encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def ops(self):
        """What was asked for."""
        return [r["op"] for r in self.asked]


def heartbeat(path, hosts, lists=None, holds=None, own=None, on_disk=None,
              **more):
    """A heartbeat daemon that knows these hosts, {host: {VM: state}}, holds,
    and {VM: state} on the protected list: without a word each VM of a list."""
    if on_disk is None:
        on_disk = {name: "protected" for known in (lists or {}).values()
                   for name in known or {}}
    def vms(request):
        known = (lists or {}).get(request["host"], {})
        if known is None:
            return {"ok": False, "errno": 61, "error": "no list was read"}
        return {"vms": [{"uuid": "u", "resource": name, "state": state}
                        for name, state in known.items()]}
    return Daemon(path, {
        "status": {**STATUS, "self": {**SELF, **(own or {})}, "hosts": hosts},
        "protected": {
            "complete": True, "why": "", "term": 3, "generation": 1,
            "flushed": True, "count": len(on_disk),
            "vms": [{"resource": name, "uuid": "", "state": state, "order": 2}
                    for name, state in on_disk.items()]},
        "vms": vms, "holds": {"holds": holds or [], "complete": True}, **more})


def lock(path):
    """Holds a pid file as a daemon that has not opened its socket yet; the
    file must be kept open. A lock of this process would not be seen by it,
    but by its children."""
    f = open(path, "w", encoding="utf-8")  # pylint: disable=R1732
    fcntl.fcntl(f, fcntl.F_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK,
                                              os.SEEK_SET, 0, 0, 0))
    return f
