# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU started without libvirt, for states that libvirt passes too quickly.

Its command line carries what the agent goes by: name, UUID and the agent's own
monitor socket. QMP commands of the test go over a socket of their own.
"""
import json
import signal
import socket
import subprocess

from bed import proc
from bedhost import NANO, SHORT_S

QEMU = "qemu-system-x86_64"
SOCKET_PATH_MAX = 107


class RawQemu:
    """One process for a VM; nonce tells two of one VM apart."""

    def __init__(self, vm, *options, nonce="00000001", ours=True):
        self.vm = vm
        self.host = vm.host
        self.qmp = f"/run/raw-{vm.name}-{nonce}.sock"
        argv = [QEMU, "-name", f"guest={vm.name},debug-threads=on",
                "-uuid", vm.uuid, "-machine", "pc", "-m", "16", "-nodefaults",
                "-display", "none", "-kernel", NANO,
                "-qmp", f"unix:{self.qmp},server=on,wait=off"]
        if ours:
            self.host.run("mkdir", "-p", "/run/vmha/qmp")
            path = f"/run/vmha/qmp/{vm.name}.{nonce}.sock"
            argv += ["-chardev",
                     f"socket,id=vmha-qmp,path={path},server=on,wait=off",
                     "-mon", "chardev=vmha-qmp,mode=control"]
        self.child = subprocess.Popen(
            self.host.argv(*argv, *options), env=proc.host_env(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        proc.wait_for(self.listens, SHORT_S, "QEMU's socket")

    def listens(self):
        """There before it takes anybody."""
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.host.path(self.qmp)) == 0

    def tell(self, command, **arguments):
        """One QMP command; its answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(SHORT_S)
            s.connect(self.host.path(self.qmp))
            lines = s.makefile("rw", encoding="utf-8")
            json.loads(lines.readline())
            for name, args in (("qmp_capabilities", {}),
                               (command, arguments)):
                lines.write(json.dumps({"execute": name, "arguments": args})
                            + "\n")
                lines.flush()
                answer = json.loads(lines.readline())
                while "event" in answer:
                    answer = json.loads(lines.readline())
            if "error" in answer:
                raise AssertionError(f"{command}: {answer}")
            return answer["return"]

    def status(self):
        return self.tell("query-status")["status"]

    def wait_status(self, word):
        proc.wait_for(lambda: self.status() == word, SHORT_S,
                      f"QEMU is {word}")

    def end(self):
        """It is the child of a child, and takes its time after that one."""
        self.child.kill()
        self.child.wait(SHORT_S)
        self.vm.signal(signal.SIGKILL)
        self.vm.wait_gone()
