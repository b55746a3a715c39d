#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The libvirt module against a real libvirtd and QEMU.

What it must prove: a created guest is paused and runs by its own QMP socket;
no call passes its deadline while libvirtd hangs; a create request that
libvirtd carries out after its caller gave up can be revoked by a directory in
the socket's place, and never runs a guest otherwise. Needs root.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TESTS = os.path.abspath(f"{os.path.dirname(__file__)}/..")
sys.path.insert(0, TESTS)
from host import Host, connect, wait_until  # noqa: E402
from in_time import InTimeCase  # noqa: E402

DRIVER = os.environ.get("HV_DRIVER", "")
MODULE = os.environ.get("HV_MODULE", "")

ENOUGH_MS = 30000   # for an operation that is to succeed
DEADLINE_MS = 1000  # for one that is to time out
SLACK_MS = 250      # of a loaded machine
INSTANT_MS = 50     # what "at once" may take
ABORT_WAIT_MS = 3000  # HA_HV_ABORT_WAIT_MS
QUIET_S = 4.0       # after a thaw: by then libvirtd has worked off its queue
REOPEN = 50         # handles one after another
BALLAST_MIB = 64    # of guest memory that is not zero: slow to migrate

RUNNING, PAUSED, SHUTOFF = 1, 2, 4  # enum ha_hv_state
UUID = "6f1c1d2e-0b0a-4c5d-8e9f-%012d"

DOMAIN = """<domain type='qemu'{ns}>
  <name>{name}</name>
  {uuid}
  <memory unit='MiB'>{mib}</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    {devices}
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
  {tail}
</domain>
"""
BALLAST = """<qemu:commandline>
    <qemu:arg value='-device'/>
    <qemu:arg value='loader,file={file},addr=0x4000000,force-raw=on'/>
  </qemu:commandline>"""
GUESTS_LINK = ("/etc/systemd/system/multi-user.target.wants/"
               "libvirt-guests.service")
QEMU_NS = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"


class Driver:
    """One call of the driver, in a host; `gate` stops it between connect and
    operation."""

    def __init__(self, host, op, deadline_ms, gate=False, **kw):
        argv = [f"{key}={value}" for key, value in kw.items()]
        if gate:
            argv.append("gate=1")
        self.process = host.popen(DRIVER, MODULE, op, str(deadline_ms), *argv,
                                  stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        self.seen = {}
        self.findings = []
        if gate:
            self.read(until="ready")

    def read(self, until=None):
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line == until:
                return
            key, _, value = line.partition("=")
            if key.startswith("finding"):
                self.findings.append((int(key[7:]), value))
            self.seen[key] = value

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        self.read()
        self.process.stdout.close()
        code = self.process.wait(timeout=60)
        if code:
            raise AssertionError(f"driver ended with {code}: {self.seen}")
        return self.seen


class Base(InTimeCase):
    counter = 0

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="vmha-hv-")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.host = cls.new_host("hv1", "10.77.0.1")

    @classmethod
    def new_host(cls, name, address):
        host = Host(name, address)
        cls.addClassCleanup(host.close)
        host.libvirtd()
        return host

    def setUp(self):
        Base.counter += 1
        self.name = f"guest{Base.counter}"
        self.uuid = UUID % Base.counter
        self.qmp = f"/run/vmha/{self.name}.qmp"

    def tearDown(self):
        self.host.run("virsh", "destroy", self.name, check=False)

    def xml(self, uuid=True, mib=16, devices="", tail="", ns=""):
        path = os.path.join(self.dir, f"{self.name}.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(DOMAIN.format(
                name=self.name, mib=mib, devices=devices, tail=tail, ns=ns,
                uuid=f"<uuid>{self.uuid}</uuid>" if uuid else ""))
        return path

    def call(self, op, deadline_ms=ENOUGH_MS, host=None, **kw):
        return Driver(host or self.host, op, deadline_ms, **kw).end()

    def start(self, xml=None, **kw):
        return self.call("start", xml=xml or self.xml(),
                         **{"qmp": self.qmp, "resource": "r1", **kw})

    def lookup(self, host=None):
        return self.call("lookup", host=host, name=self.name)

    def ok(self, seen):
        self.assertEqual(seen.get("op_rc"), "0", seen)
        return seen


class Start(Base):
    def test_paused_then_cont_then_running(self):
        seen = self.ok(self.start())
        self.assertEqual(seen["uuid"], self.uuid)
        seen = self.ok(self.lookup())
        self.assertEqual((int(seen["state"]), seen["resource"]),
                         (PAUSED, "r1"), seen)
        self.assertEqual(seen["persistent"], "0")
        print("    reason while paused:", seen["reason"], file=sys.stderr)
        status, _, after = self.host.qmp(self.qmp, "query-status", "cont",
                                         "query-status")
        self.assertEqual(status["return"]["running"], False)
        self.assertEqual(after["return"]["status"], "running")
        # libvirt learns it from QEMU's RESUME event.
        wait_until("libvirt shows running", 5, lambda: int(
            self.lookup()["state"]) == RUNNING)

    def test_resume_by_libvirt(self):
        self.ok(self.start())
        self.ok(self.call("resume", uuid=self.uuid))
        self.assertEqual(int(self.lookup()["state"]), RUNNING)

    def test_only_libvirts_resume_brings_macvtap_up(self):
        self.host.run("ip", "link", "add", "below", "type", "veth", "peer",
                      "name", "peer")
        self.addCleanup(self.host.run, "ip", "link", "del", "below")
        self.host.run("ip", "link", "set", "below", "up")
        self.ok(self.start(xml=self.xml(
            devices="<interface type='direct'><source dev='below' "
                    "mode='bridge'/><model type='e1000'/></interface>")))
        is_up = lambda: "UP" in self.host.run(
            "ip", "-br", "link", "show", "type", "macvtap").split()[3]
        self.assertFalse(is_up())
        self.ok(self.call("resume", uuid=self.uuid))
        self.assertTrue(is_up())

    def test_definition_is_untouched_and_saved_memory_ignored(self):
        path = self.xml()
        self.host.run("virsh", "define", path)
        self.host.run("virsh", "start", self.name)
        self.host.run("virsh", "managedsave", self.name)
        stored = self.host.path(f"/etc/libvirt/qemu/{self.name}.xml")
        with open(stored, "rb") as f:
            before = f.read()
        self.ok(self.start())
        seen = self.ok(self.lookup())
        self.assertEqual((seen["persistent"], seen["managed_save"],
                          seen["resource"]), ("1", "1", "r1"))
        self.host.qmp(self.qmp, "cont", "quit")
        wait_until("shut off", 5, lambda: int(
            self.lookup()["state"]) == SHUTOFF)
        with open(stored, "rb") as f:
            self.assertEqual(f.read(), before)
        self.assertGreater(int(self.ok(self.call(
            "xml", name=self.name))["xml_bytes"]), 100)
        self.host.run("virsh", "undefine", "--managed-save", self.name)

    def test_uuid_absent_takes_the_definitions(self):
        path = self.xml(uuid=False)
        self.host.run("virsh", "define", path)
        uuid = self.host.run("virsh", "domuuid", self.name).strip()
        self.assertEqual(self.ok(self.start(xml=path))["uuid"], uuid)
        self.host.run("virsh", "destroy", self.name)
        self.host.run("virsh", "undefine", self.name)
        other = self.ok(self.start(xml=path))["uuid"]
        self.assertNotEqual(other, uuid)

    def test_exists(self):
        self.ok(self.start())
        seen = self.start(qmp=self.qmp + "2")
        self.assertEqual(seen["op_rc"], "EEXIST", seen)
        print("    EEXIST:", seen["op_text"], file=sys.stderr)
        # The same uuid under another name.
        with open(self.xml(), encoding="utf-8") as f:
            text = f.read().replace(self.name, "another")
        path = os.path.join(self.dir, "another.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        seen = self.start(xml=path, qmp=self.qmp + "2")
        self.assertEqual(seen["op_rc"], "EEXIST", seen)

    def test_comma_in_the_path_and_saved_live_xml(self):
        qmp = "/run/vmha/a,b,,c.qmp"
        self.ok(self.start(qmp=qmp))
        self.host.qmp(qmp, "query-status")
        live = self.host.run("virsh", "dumpxml", self.name)
        self.assertIn("vmha:resource", live)
        self.host.run("virsh", "destroy", self.name)
        path = os.path.join(self.dir, "live.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(live)
        # Additions of the earlier start are replaced, not doubled.
        self.ok(self.start(xml=path, resource="r2 & <more>"))
        self.assertEqual(self.lookup()["resource"], "r2 & <more>")
        self.host.qmp(self.qmp, "query-status")

    def test_refusals(self):
        self.assertEqual(self.lookup()["op_rc"], "ENOENT")
        path = os.path.join(self.dir, "bad.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write("<!DOCTYPE domain [<!ENTITY a SYSTEM '/etc/passwd'>]>"
                    "<domain><name>&a;</name></domain>")
        seen = self.start(xml=path)
        self.assertEqual(seen["op_rc"], "EINVAL", seen)
        self.assertIn("DOCTYPE", seen["op_text"])
        seen = self.start(qmp="/run/" + "x" * 120)
        self.assertEqual(seen["op_rc"], "ENAMETOOLONG", seen)
        seen = self.start(xml=self.xml(devices="<disk type='file'><source "
                                       "file='/nowhere.img'/><target "
                                       "dev='hda'/></disk>"))
        self.assertNotIn(seen["op_rc"], ("0", "EEXIST"), seen)
        self.assertIn("/nowhere.img", seen["op_text"])


class Hang(Base):
    """libvirtd under SIGSTOP."""

    def setUp(self):
        super().setUp()
        self.ok(self.start())

    def tearDown(self):
        self.host.signal_libvirtd(signal.SIGCONT)
        super().tearDown()

    def frozen(self, op, **kw):
        driver = Driver(self.host, op, DEADLINE_MS, gate=True, twice=1, **kw)
        self.host.signal_libvirtd(signal.SIGSTOP)
        driver.go()
        seen = driver.end()
        self.assertEqual(seen["op_rc"], "ETIMEDOUT", (op, seen))
        self.assertEqual(seen["again_rc"], "ETIMEDOUT", (op, seen))
        self.assert_in_time(int(seen["again_ms"]), INSTANT_MS, op)
        self.assert_in_time(int(seen["close_ms"]), INSTANT_MS, op)
        return int(seen["op_ms"])

    def check(self, op, limit_ms=DEADLINE_MS, **kw):
        took = self.frozen(op, **kw)
        print(f"    {op}: {took} ms", file=sys.stderr)
        self.assertGreaterEqual(took, limit_ms)
        self.assert_in_time(took, limit_ms + SLACK_MS)

    def test_lookup(self):
        self.check("lookup", uuid=self.uuid)

    def test_xml(self):
        self.check("xml", uuid=self.uuid)

    def test_shutdown(self):
        self.check("shutdown", uuid=self.uuid)

    def test_resume(self):
        self.check("resume", uuid=self.uuid)
        self.host.signal_libvirtd(signal.SIGCONT)

    def test_check(self):
        self.check("check", xml=self.xml())

    def test_migrate(self):
        self.check("migrate", DEADLINE_MS + ABORT_WAIT_MS, uuid=self.uuid,
                   dest="qemu+tcp://10.77.0.9/system")

    def test_open(self):
        self.host.signal_libvirtd(signal.SIGSTOP)
        seen = self.call("open", DEADLINE_MS)
        self.assertEqual(seen["open_rc"], "ETIMEDOUT", seen)
        self.assert_in_time(int(seen["open_ms"]), DEADLINE_MS + SLACK_MS)

    def test_workers_are_used_again(self):
        seen = self.call("open", reopen=REOPEN)
        self.assertEqual(seen["reopen_rc"], "0")
        self.assertLess(int(seen["threads"]), REOPEN // 5, seen)

    def test_gone(self):
        seen = self.call("open", uri="qemu:///system?socket=/nowhere")
        self.assertEqual(seen["open_rc"], "ENOTCONN", seen)
        print("    ENOTCONN:", seen["open_text"], file=sys.stderr)


class LateCreate(Base):
    """The safety property behind a start that timed out."""

    def late(self, revoke):
        driver = Driver(self.host, "start", DEADLINE_MS, gate=True,
                        xml=self.xml(), qmp=self.qmp, resource="r1")
        self.host.signal_libvirtd(signal.SIGSTOP)
        driver.go()
        seen = driver.end()
        self.assertEqual(seen["op_rc"], "ETIMEDOUT", seen)
        if revoke:
            os.mkdir(self.host.path(self.qmp))
        self.host.signal_libvirtd(signal.SIGCONT)
        lives_s = []
        statuses = set()
        began = time.monotonic()
        while time.monotonic() < began + QUIET_S:
            if self.host.qemu_pids(self.name):
                lives_s.append(round(time.monotonic() - began, 2))
                try:
                    statuses.add(self.host.qmp(
                        self.qmp, "query-status")[0]["return"]["status"])
                except OSError:
                    pass
            time.sleep(0.01)
        log = self.host.run(
            "sh", "-c", f"tail -n 5 /var/log/libvirt/qemu/{self.name}.log",
            check=False)
        print(f"    revoked={revoke}: QEMU process seen "
              f"{lives_s[:1]}..{lives_s[-1:]} s after the thaw, status "
              f"{statuses}", file=sys.stderr)
        return statuses, log

    def test_revoked(self):
        statuses, log = self.late(revoke=True)
        self.assertEqual(self.host.qemu_pids(self.name), [])
        self.assertEqual(statuses, set())
        self.assertEqual(self.lookup()["op_rc"], "ENOENT")
        # It was really asked for, and really failed at the socket.
        self.assertIn(self.qmp, log)
        print("    " + log.strip().splitlines()[-2], file=sys.stderr)
        print("    " + log.strip().splitlines()[-1], file=sys.stderr)

    def test_not_revoked_stays_paused(self):
        statuses, _ = self.late(revoke=False)
        self.assertEqual(len(self.host.qemu_pids(self.name)), 1)
        self.assertLessEqual(statuses, {"prelaunch", "paused"})
        self.assertEqual(int(self.ok(self.lookup())["state"]), PAUSED)


class Migrate(Base):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.new_host("hv2", "10.77.0.2")
        connect(cls.host, cls.other)
        cls.ballast = os.path.join(cls.dir, "ballast")
        with open(cls.ballast, "wb") as f:
            f.write(os.urandom(BALLAST_MIB << 20))

    def tearDown(self):
        self.other.run("virsh", "destroy", self.name, check=False)
        super().tearDown()

    def running(self, slow=False):
        kw = {}
        if slow:
            kw = {"mib": 160, "ns": QEMU_NS,
                  "tail": BALLAST.format(file=self.ballast)}
        self.ok(self.start(xml=self.xml(**kw)))
        self.host.qmp(self.qmp, "cont")

    def migrate(self, deadline_ms=ENOUGH_MS, **kw):
        return self.call("migrate", deadline_ms, uuid=self.uuid,
                         dest="qemu+tcp://10.77.0.2/system", **kw)

    def here(self, host):
        return int(self.lookup(host).get("state", "0"))

    def test_success(self):
        self.running()
        seen = self.ok(self.migrate(downtime=100))
        print("    migrated in", seen["op_ms"], "ms", file=sys.stderr)
        self.assertEqual(self.here(self.host), 0)
        self.assertEqual(self.here(self.other), RUNNING)
        self.assertEqual(self.lookup(self.other)["resource"], "r1")
        # Our socket is there too.
        self.assertEqual(self.other.qmp(self.qmp, "query-status")[0]
                         ["return"]["status"], "running")
        self.assertEqual(self.host.qemu_pids(self.name), [])

    def canceled(self, **kw):
        self.running(slow=True)
        seen = self.migrate(bandwidth=1, **kw)
        if seen["op_rc"] == "ETIMEDOUT":
            # libvirt has not ended it in time, and the answer says so.
            self.assert_in_time(int(seen["op_ms"]), 2000 + ABORT_WAIT_MS, seen)
        self.assertEqual(seen["op_rc"], "ECANCELED", seen)
        print("    canceled after", seen["op_ms"], "ms:", seen["op_text"],
              file=sys.stderr)
        self.assertEqual(self.here(self.host), RUNNING)
        self.assertEqual(self.here(self.other), 0)
        self.assertEqual(self.other.qemu_pids(self.name), [])
        self.assertEqual(self.host.qmp(self.qmp, "query-status")[0]
                         ["return"]["status"], "running")
        return int(seen["op_ms"])

    def test_abort_at_deadline(self):
        took = self.canceled(deadline_ms=2000)
        self.assertGreaterEqual(took, 2000)
        self.assert_in_time(took, 2000 + ABORT_WAIT_MS)

    def test_abort_at_soft_deadline(self):
        self.assert_in_time(
            self.canceled(deadline_ms=20000, soft_ms=2000), 6000)

    def test_soft_postcopy(self):
        self.running(slow=True)
        seen = self.ok(self.migrate(bandwidth=1, soft="postcopy",
                                    soft_ms=1500))
        print("    post-copy, whole:", seen["op_ms"], "ms", file=sys.stderr)
        self.assertEqual(self.here(self.other), RUNNING)

    def test_soft_suspend(self):
        self.running(slow=True)
        seen = self.ok(self.migrate(bandwidth=16, soft="suspend",
                                    soft_ms=1000))
        print("    suspended, whole:", seen["op_ms"], "ms", file=sys.stderr)
        wait_until("runs there", 5, lambda: self.here(self.other) == RUNNING)

    def test_destination_frozen(self):
        self.running()
        self.other.signal_libvirtd(signal.SIGSTOP)
        try:
            seen = self.migrate(deadline_ms=2000)
        finally:
            self.other.signal_libvirtd(signal.SIGCONT)
        self.assertIn(seen["op_rc"], ("ETIMEDOUT", "ECANCELED"), seen)
        self.assert_in_time(int(seen["op_ms"]),
                            2000 + ABORT_WAIT_MS + 2 * SLACK_MS, seen)
        print("    destination frozen:", seen["op_rc"], seen["op_ms"],
              seen["op_text"], file=sys.stderr)

    def test_unreachable(self):
        self.running()
        seen = self.call("migrate", uuid=self.uuid,
                         dest="qemu+tcp://10.77.0.2:1/system")
        self.assertNotIn(seen["op_rc"], ("0", "ECANCELED", "ETIMEDOUT"), seen)
        self.assertIn("10.77.0.2", seen["op_text"])
        self.assertEqual(self.here(self.host), RUNNING)


class Check(Base):
    def findings(self, path):
        driver = Driver(self.host, "check", ENOUGH_MS, xml=path)
        self.ok(driver.end())
        return driver.findings

    def test_clean(self):
        path = self.xml()
        with open(path, encoding="utf-8") as f:
            text = f.read().replace("machine='pc'", "machine='pc-i440fx-7.2'")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        self.assertEqual(self.findings(path), [])

    def test_everything_wrong(self):
        raw = os.path.join(self.dir, "top.qcow2")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-u", "-b",
                        "gone.qcow2", "-F", "qcow2", raw, "1M"], check=True)
        path = self.xml(uuid=False, devices=f"""
            <disk type='file' device='cdrom'>
              <source file='/nowhere.iso'/><target dev='hdc'/></disk>
            <disk type='file'><driver name='qemu' type='qcow2'/>
              <source file='{raw}'/><target dev='vda'/></disk>
            <disk type='network'><source protocol='rbd' name='pool/x'>
              <host name='mon'/></source>
              <auth username='u'><secret type='ceph'
                uuid='00000000-1111-2222-3333-444444444444'/></auth>
              <target dev='vdb'/></disk>
            <interface type='network'><source network='lab'/></interface>
            <interface type='bridge'><source bridge='brx'/></interface>
            <hostdev mode='subsystem' type='pci'><source>
              <address domain='0' bus='0xff' slot='0x1f' function='7'/>
              </source></hostdev>
            <tpm model='tpm-tis'><backend type='emulator'/></tpm>
            <filesystem type='mount'><source dir='/nodir'/>
              <target dir='x'/></filesystem>""",
            tail="""<cpu mode='host-passthrough'/>""")
        self.host.run("ln", "-s", "x", GUESTS_LINK)
        self.addCleanup(self.host.run, "rm", "-f", GUESTS_LINK)
        found = self.findings(path)
        for level, sentence in found:
            print(f"    {level} {sentence}", file=sys.stderr)
        text = "\n".join(sentence for _, sentence in found)
        for word in ("no <uuid>", "/nowhere.iso", "gone.qcow2", "rbd:pool/x",
                     "secret 00000000-1111", "network lab", "brx",
                     "0000:ff:1f.7", "passed-through", "TPM", "/nodir",
                     "host-passthrough", "ON_BOOT", "ON_SHUTDOWN"):
            self.assertIn(word, text)

    def test_machine_and_autostart(self):
        path = self.xml()
        self.host.run("virsh", "define", path)
        # Autostart links are made in a directory of the private /etc.
        self.host.run("virsh", "autostart", self.name)
        with open(path, encoding="utf-8") as f:
            bad = f.read().replace("machine='pc'", "machine='pc-none-1'")
        with open(path, "w", encoding="utf-8") as f:
            f.write(bad)
        text = "\n".join(s for _, s in self.findings(path))
        self.assertIn("pc-none-1", text)
        self.assertIn("autostart", text)
        self.host.run("virsh", "undefine", self.name)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("check-hypervisor: needs root for namespaces; run it with "
                 "sudo")
    unittest.main(verbosity=2)
