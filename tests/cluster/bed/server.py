# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON lines over Unix sockets, and the table of verbs.

One request per connection; the answer is any number of {"progress": text} and
one {"ok": true, "result": ...} or {"ok": false, "error": text}.
"""
import json
import os
import signal
import socketserver
import sys
import threading
import time
import traceback

from . import faults
from .proc import BedError

SIGNALS = {"freeze": signal.SIGSTOP, "thaw": signal.SIGCONT,
           "kill": signal.SIGKILL}
FENCE_MODES = ("ok", "fail", "hang")


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            request = json.loads(self.rfile.readline())
            result = self.server.answer(request, self.progress)
            answer = {"ok": True, "result": result}
        except BedError as e:
            answer = {"ok": False, "error": str(e)}
        except Exception as e:  # a bug of the bed: the whole story
            traceback.print_exc()
            sys.stderr.flush()
            answer = {"ok": False, "error": f"{type(e).__name__}: {e}"}
        self.send(answer)

    def send(self, obj):
        try:
            self.wfile.write(json.dumps(obj).encode() + b"\n")
            self.wfile.flush()
        except OSError:
            pass  # the asker went away; the work is done all the same

    def progress(self, text):
        self.send({"progress": text, "at": time.monotonic()})


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def listen(folder, name, answer):
    """Serves folder/name in threads of its own.

    Bound under a temporary name: a socket that is there can be connected to.
    The way over the descriptor is for folders beyond the 107 bytes of sun_path.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    path = f"/proc/self/fd/{fd}/{name}"
    if os.path.exists(path):
        os.unlink(path)
    server = Server(path + ".new", Handler)
    server.answer = answer
    os.rename(path + ".new", path)
    os.close(fd)
    threading.Thread(target=server.serve_forever, args=(0.1,),
                     daemon=True).start()
    return server


def dispatch(sup, request, progress):
    """One verb of the control socket."""
    verb = request.pop("verb")
    name = request.get("host")
    if verb in TABLE:
        return TABLE[verb](sup, request, progress)
    target = sup.host(name)
    if verb in SIGNALS:
        return target.signal(request["daemon"], SIGNALS[verb])
    if verb not in HOST_TABLE:
        raise BedError(f"unknown verb {verb!r}")
    return HOST_TABLE[verb](target, request)


def _share(is_shared):
    def verb(target, request):
        pid = target.pid if target.is_on() else None
        target.shares.set_shared(request["share"], pid, is_shared)
    return verb


def _fence_device(sup, request, _):
    if request["mode"] not in FENCE_MODES:
        raise BedError(f"fence device modes: {', '.join(FENCE_MODES)}")
    sup.fence_mode = request["mode"]


def _down(sup, *_):
    text = sup.end()
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
    return text


def _cut(is_on):
    def verb(sup, request, _):
        sup.net.cut(sup.host(request["host"]).name, request["link"], is_on)
    return verb


def _deaf(sup, request, _):
    """{host: hosts that it does not hear}; a host that is not named keeps
    what it has."""
    for name, others in request["deaf"].items():
        host = sup.host(name)
        sup.net.set_deaf(name, host.pid if host.is_on() else None,
                         [sup.host(other).number for other in others])


def _fault(sup, request, _):
    rule = faults.rule_line(request["op"], request["action"],
                            request.get("glob", "*"), request.get("count"))
    store = request["store"]
    sup.fault(request["host"], None if store == "all" else store, rule)


def _starve(sup, request, _):
    percent = request["percent"]
    try:
        percent = None if percent == "off" else int(percent)
    except ValueError as e:
        raise BedError("starve: a percentage of one CPU, or off") from e
    sup.starve(request["host"], percent)


TABLE = {
    "up": lambda sup, r, progress: sup.up(progress, r["cluster"]),
    "down": _down,
    "status": lambda sup, *_: [h.status() for h in sup.hosts.values()],
    "poweron": lambda sup, r, _: sup.power_on(r["host"]),
    "cut": _cut(False),
    "restore": _cut(True),
    "deaf": _deaf,
    "fence-device": _fence_device,
    "fault": _fault,
    "heal": lambda sup, r, _: sup.heal(r["host"], r.get("store")),
    "faults": lambda sup, r, _: sup.faults(r.get("host") or "all"),
    "starve": _starve,
    "prepare-heartbeat": lambda sup, *_: sup.prepare_heartbeat(),
}
HOST_TABLE = {
    "pid": lambda h, _: h.live_pid(),
    "boot": lambda h, _: h.boot(),
    "poweroff": lambda h, _: h.power_off(),
    "pause": lambda h, _: h.pause(),
    "resume": lambda h, _: h.resume(),
    "shutdown": lambda h, _: h.shutdown(),
    "start": lambda h, r: h.start(r["daemon"]),
    "stop": lambda h, r: h.stop(r["daemon"]),
    "write": lambda h, r: h.write_file(r["path"], r["text"]),
    "log": lambda h, r: h.log_path(r.get("daemon")),
    "share": _share(True),
    "unshare": _share(False),
}
