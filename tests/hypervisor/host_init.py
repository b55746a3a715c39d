#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""PID 1 of a private host for the hypervisor test.

Mounts what a libvirtd of its own needs, says "ready" and then reaps: without
a reaper each of libvirt's capability probes stays a zombie for 40 s. Started
by host.py inside fresh namespaces; never run it elsewhere, it mounts.
"""
import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
PRIVATE = ("/run", "/etc/libvirt", "/var/lib/libvirt", "/var/log/libvirt",
           "/var/cache/libvirt", "/etc/systemd/system/multi-user.target.wants")

QEMU_CONF = """
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
seccomp_sandbox = 0
max_core = 0
migration_address = "0.0.0.0"
migration_host = "%s"
"""

LIBVIRTD_CONF = """
listen_tls = 0
listen_tcp = 1
listen_addr = "0.0.0.0"
auth_tcp = "none"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "%s"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def main():
    name, address, uuid = sys.argv[1:]
    if os.getpid() != 1:
        sys.exit("host_init.py: not PID 1 of a namespace")
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    subprocess.run(["hostname", name], check=True)
    for path in PRIVATE:
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "host", path], check=True)
    # A sysfs of this network namespace, without the machine's cgroups.
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.makedirs("/run/vmha")
    os.makedirs("/run/lock")
    write("/run/machine-id", uuid.replace("-", "") + "\n")
    subprocess.run(["mount", "--bind", "/run/machine-id",
                    "/etc/machine-id"], check=True)
    write("/etc/libvirt/qemu.conf", QEMU_CONF % address)
    write("/etc/libvirt/libvirtd.conf", LIBVIRTD_CONF % uuid)
    print("ready", flush=True)
    while True:
        signal.sigwait({signal.SIGCHLD})
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


try:
    main()
except (OSError, subprocess.SubprocessError) as e:
    # unshare's own stderr is noise when its child is killed.
    print(e, flush=True)
    sys.exit(1)
