# SPDX-License-Identifier: GPL-2.0-or-later
"""What a heartbeat daemon is given and must not take: areas, names, devices and
configurations that would have it protect nothing, or the wrong host. It ends
with a sentence, has armed nothing, and the rest of the cluster goes on."""
import os
import struct

from bed import wait_for

from . import case
from .heartbeat import SEEN_DEADLINE_S, nobody_fenced, seen, status, wait_seen
from .heartbeat_storage import all_on, timing_s, wait_evidence

STORES = [f"/srv/hb{i}/vmha.hb" for i in (1, 2, 3)]
CONF_PATH = "/etc/vmha/vmha.conf"
# A start that is refused has waited for reads, and for a twin's beats.
REFUSED_DEADLINE_S = 20
REFUSED = (1, 78)  # EX_CONFIG: no restart helps (sysexits.h)
HOLD_DOG = "exec 3>/dev/watchdog; echo held; read x; printf V >&3"
BLOCK_BYTES = 4096
AT_MAJOR, AT_CRC = 11, 40
CRC32C_POLYNOMIAL = 0x82f63b78


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (CRC32C_POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xffffffff


def make_newer(path):
    """Both superblocks as a program of the next major version leaves them."""
    with open(path, "r+b") as f:
        for at in (0, BLOCK_BYTES):
            f.seek(at)
            block = bytearray(f.read(BLOCK_BYTES))
            old = block[AT_CRC:AT_CRC + 4]
            block[AT_CRC:AT_CRC + 4] = bytes(4)
            if struct.pack("<I", crc32c(block)) != old:
                raise ValueError(f"{path}: no superblock at {at}")
            block[AT_MAJOR] += 1
            block[AT_CRC:AT_CRC + 4] = struct.pack("<I", crc32c(block))
            f.seek(at)
            f.write(block)


def conf(stores, **more):
    lines = ["[heartbeat]", f"datastores={';'.join(stores)}"]
    lines += [f"{key}={value}" for key, value in more.items()]
    return "\n".join(lines) + "\n"


def refused(lab, host, what, text, *words):
    """A daemon with this configuration says why not, and ends."""
    lab.bed.write(host, "/tmp/bad.conf", text)
    done = lab.bed.run(host, "vmha-heartbeatd", "-f", "-c", "/tmp/bad.conf",
                       check=False, deadline_s=REFUSED_DEADLINE_S)
    last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
    lab.note(f"{what}: {last}")
    lab.expect(done.returncode in REFUSED and all(w in last for w in words),
               f"{what}: status {done.returncode}, without {words}: "
               f"{done.stderr}")
    left = lab.bed.run(host, "pidof", "vmha-heartbeatd", check=False)
    lab.expect(left.returncode != 0, f"{what}: a daemon runs")


def make_areas(lab, host, name, cluster, hosts):
    """Three areas beside the real ones; their paths."""
    paths = [s.replace("vmha.hb", name) for s in STORES]
    lab.bed.run(host, "vmha", "heartbeat", "create", "--profile", "fast",
                "--cluster", cluster, "--hosts", hosts, *paths)
    return paths


def refused_areas(lab, host):
    paths = make_areas(lab, host, "foreign.hb", "other", host)
    refused(lab, host, "one area of another cluster",
            conf(STORES[:2] + paths[2:]), paths[2], "cluster")
    lab.bed.run(host, "ln", "-s", STORES[0], "/tmp/again.hb")
    refused(lab, host, "one area under two names",
            conf(STORES[:2] + ["/tmp/again.hb"]), "same heartbeat area")
    for path in paths:
        make_newer(f"{lab.bed.shared(path.split('/')[2])}/"
                   f"{os.path.basename(path)}")
    refused(lab, host, "areas of a newer version", conf(paths),
            "newer vmha", "update")


def refused_names(lab, host):
    other = lab.others(host)[0]
    refused(lab, host, "a changed host name", conf(STORES, host="h9"), "h9",
            "add-host h9")
    refused(lab, host, "the slot of another host", conf(STORES, host=other),
            f"another host beats as {other}")
    (third,) = lab.others(host, other)
    lab.expect(seen(lab, other, third)["proof"] == "alive",
               f"{other} was disturbed")


def refused_dogs(lab, host):
    refused(lab, host, "no watchdog", conf(STORES, watchdog="/dev/nonesuch"),
            "/dev/nonesuch")
    holder = lab.bed.popen(host, "sh", "-c", HOLD_DOG, stdin=-1, stdout=-1,
                           text=True)
    try:
        lab.expect(holder.stdout.readline() == "held\n", "not held")
        refused(lab, host, "a watchdog that is held", conf(STORES),
                "held by sh", "Only one program")
    finally:
        holder.communicate("\n", timeout=SEEN_DEADLINE_S)


def bad_reload(lab, host):
    """SIGHUP with nonsense: refused with its sentence, protection goes on."""
    good = lab.bed.run(host, "cat", CONF_PATH).stdout
    pid = lab.bed.run(host, "cat", "/run/vmha/heartbeatd.pid").stdout.strip()
    for text, words in (
            (good + "fence_limit=5\n", "fence_limit"),
            (good + "fense_limit=5\n", "fense_limit"),
            (conf(STORES + STORES), "datastores")):
        lab.bed.write(host, CONF_PATH, text)
        count = len(reloads(lab, host))
        lab.bed.run(host, "kill", "-HUP", pid)
        said = wait_for(lambda n=count: reloads(lab, host)[n:],
                        SEEN_DEADLINE_S, f"a refusal of {words}")
        lab.note(f"SIGHUP on {host}: {said[0]}")
        lab.expect(words in said[0] and "stays in force" in said[0],
                   f"it says {said}")
    lab.bed.write(host, CONF_PATH, good)
    before = status(lab, host)["self"]["sequence"]
    lab.bed.run(host, "kill", "-HUP", pid)
    wait_for(lambda: status(lab, host)["self"]["sequence"] > before,
             SEEN_DEADLINE_S, f"beats of {host} after bad configurations")
    lab.expect(status(lab, host)["watchdog"]["armed"], "it is not armed")


def reloads(lab, host):
    with open(lab.bed.log_path(host, "heartbeatd"), encoding="utf-8") as f:
        return [line.strip() for line in f if "[reload-failed]" in line]


@case(heartbeat=3)
def heartbeat_input_refused(lab):
    """Foreign, doubled and newer areas, a wrong or taken name, a missing or
    held watchdog, a bad configuration at SIGHUP: each is refused with its
    sentence, and the VMs of the rest of the cluster run on."""
    vm = lab.vm("web1")
    host = lab.others(lab.cluster.state().dc)[-1]
    other = lab.others(host)[0]
    lab.protect(vm, on=other)
    lab.begin()
    bad_reload(lab, other)
    for daemon in ("pacemaker", "heartbeatd"):
        lab.bed.stop(host, daemon)
    wait_seen(lab, host, "the word of its stop", by=other, proof="stopped")
    refused_areas(lab, host)
    refused_names(lab, host)
    refused_dogs(lab, host)
    for by in lab.others(host):
        # The last start got as far as its first beats: its word of the end
        # is read within a beat.
        wait_seen(lab, host, "the word of its stop", by=by, proof="stopped")
        wait_evidence(lab, by, "storage")
    lab.hold(timing_s(lab, "silence_ms"), vm, [other], "after the refusals")
    all_on(lab, "bad input")
    vm.check(ordinal=1)
    for daemon in ("heartbeatd", "pacemaker"):
        lab.bed.start(host, daemon)
    lab.cluster.wait_online()
    wait_seen(lab, host, "beats", by=other, proof="alive")
    nobody_fenced(lab, "bad input")
    for store in ("hb1", "hb2", "hb3"):
        os.unlink(f"{lab.bed.shared(store)}/foreign.hb")
