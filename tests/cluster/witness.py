#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk witness of the test guest, read from the host side.

The guest writes who it is and how far it got to its disk ten times a second
and records there when it finds that somebody else wrote. This module reads
that: `show` prints it, `verify` says in sentences what is wrong (doubt counts
as wrong), `watch` samples a live image and times it. Format and the limits
of the proof: guest/WITNESS.md; the other side: guest/witness.h.

Nothing here writes to an image except `create`.
"""

import argparse
import collections
import json
import mmap
import os
import struct
import sys
import threading
import time
import zlib

SECTOR_BYTES = 512
VERSION = 1
LBA_SUPERBLOCK = 0
LBA_OWNER = 8
LBA_BOOTS, BOOT_SLOTS = 16, 64
LBA_VIOLATIONS, VIOLATION_SLOTS = 80, 64
LBA_HISTORY, HISTORY_SLOTS = 256, 512
WITNESS_SECTORS = LBA_HISTORY + HISTORY_SLOTS
IMAGE_BYTES_DEFAULT = 1024 * 1024
PAGE_BYTES = 4096

FLAG_CLEAN, FLAG_VIOLATED, FLAG_REPAIRED = 1, 2, 4
KINDS = {1: "another boot wrote", 2: "another copy of the same boot wrote",
         3: "the owner sector was unreadable",
         4: "the owner sector did not fit the boot table"}

RECORD = struct.Struct("<8sQQQQIIQIIQQQIIQIIQII")
SUPERBLOCK = struct.Struct("<8sIIQQ476xI")
VIOLATION = struct.Struct("<8sQIIQQII16x128s128s188xI")

SAMPLE_INTERVAL_S = 0.020
TIMELINE_SAMPLES_MAX = 200_000
GAP_MIN_S = 0.5
TORN_RETRY_S = 1.0
RTC_GAP_NOTE_S = 2  # the guest's clock has whole seconds: 1 means nothing
STOP_DEADLINE_S = 2.0

Record = collections.namedtuple("Record", (
    "magic boot counter total nonce ordinal flags rtc_s gap_s tick_hz "
    "pred_boot pred_counter pred_total pred_flags history_seq pred_rtc_s "
    "violations disk_errors start_rtc_s reserved crc"))
Violation = collections.namedtuple(
    "Violation", "boot ordinal kind rtc_s counter seq expected found")
Gap = collections.namedtuple(
    "Gap", "seconds start_mono end_mono start_wall boot_before boot_after "
    "is_open")
Sample = collections.namedtuple("Sample", "mono wall ordinal boot counter")


class WitnessError(Exception):
    """The image cannot be read as a witness at all."""


def hex_id(boot):
    return f"{boot:016x}"


def record_parse(data, magic):
    """A Record, or None when magic or checksum do not fit."""
    rec = Record._make(RECORD.unpack(data[:RECORD.size]))
    if rec.magic != magic or rec.crc != zlib.crc32(data[:RECORD.size - 4]):
        return None
    return rec


def violation_parse(data):
    fields = VIOLATION.unpack(data)
    if fields[0] != b"NANO-VIO" or fields[-1] != zlib.crc32(data[:-4]):
        return None
    return Violation(*fields[1:7],
                     expected=record_parse(fields[8], b"NANO-OWN"),
                     found=record_parse(fields[9], b"NANO-OWN"))


class Image:
    """One reading of the whole witness."""

    def __init__(self, data):
        if len(data) < WITNESS_SECTORS * SECTOR_BYTES:
            raise WitnessError(
                f"image has {len(data)} bytes, a witness needs "
                f"{WITNESS_SECTORS * SECTOR_BYTES}")
        self.data = data
        self.damaged = []  # names of sectors that are neither blank nor valid
        self.is_blank = not any(data[:WITNESS_SECTORS * SECTOR_BYTES])
        self._superblock()
        self.owner = self._record("owner", LBA_OWNER, b"NANO-OWN")
        self.boots = {}
        for i in range(BOOT_SLOTS):
            rec = self._record(f"boot table slot {i}", LBA_BOOTS + i,
                               b"NANO-BOO")
            if rec:
                self.boots[rec.ordinal] = rec
        self.history = []
        for i in range(HISTORY_SLOTS):
            rec = self._record(f"history slot {i}", LBA_HISTORY + i,
                               b"NANO-HIS")
            if rec:
                self.history.append(rec)
        self.history.sort(key=lambda r: r.history_seq)
        self.violations = []
        for i in range(VIOLATION_SLOTS):
            sector = self._sector(LBA_VIOLATIONS + i)
            if any(sector):
                found = violation_parse(sector)
                if found:
                    self.violations.append(found)
                else:
                    self.damaged.append(f"violation slot {i}")

    def _sector(self, lba):
        return self.data[lba * SECTOR_BYTES:(lba + 1) * SECTOR_BYTES]

    def _superblock(self):
        sector = self._sector(LBA_SUPERBLOCK)
        magic, version, _, self.format_rtc_s, self.format_boot, crc = \
            SUPERBLOCK.unpack(sector)
        if self.is_blank:
            return
        if magic != b"VMHANANO" or crc != zlib.crc32(sector[:-4]):
            raise WitnessError("sector 0 holds no witness superblock")
        if version != VERSION:
            raise WitnessError(
                f"witness version {version}, this reader knows {VERSION}")

    def _record(self, name, lba, magic):
        sector = self._sector(lba)
        if not any(sector):
            return None
        rec = record_parse(sector, magic)
        if rec is None:
            self.damaged.append(name)
        return rec


def read_bytes(path, offset, length):
    """Past the page cache where the file system allows it, for another host
    may have written."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    except OSError:
        fd = os.open(path, os.O_RDONLY)
    try:
        first = offset // PAGE_BYTES * PAGE_BYTES
        size = -(-(offset + length - first) // PAGE_BYTES) * PAGE_BYTES
        with mmap.mmap(-1, size) as buf:
            try:
                got = os.preadv(fd, [buf], first)
            except OSError:
                with open(path, "rb") as plain:
                    plain.seek(first)
                    got = plain.readinto(buf)
            return buf[:got][offset - first:offset - first + length]
    finally:
        os.close(fd)


def load(path):
    """An Image; half-written sectors and an owner that changes during the
    reading get TORN_RETRY_S to settle, or a live handover would look wrong."""
    deadline = time.monotonic() + TORN_RETRY_S
    owner_at = (LBA_OWNER * SECTOR_BYTES, SECTOR_BYTES)
    while True:
        before = read_bytes(path, *owner_at)
        image = Image(read_bytes(path, 0, WITNESS_SECTORS * SECTOR_BYTES))
        settled = before == read_bytes(path, *owner_at)
        if (settled and not image.damaged) or time.monotonic() > deadline:
            return image
        time.sleep(SAMPLE_INTERVAL_S)


def create(path, size=IMAGE_BYTES_DEFAULT):
    if size < WITNESS_SECTORS * SECTOR_BYTES or size % PAGE_BYTES:
        raise WitnessError(
            f"size {size}: must be a multiple of {PAGE_BYTES} and at least "
            f"{WITNESS_SECTORS * SECTOR_BYTES} bytes")
    with open(path, "xb") as f:
        f.truncate(size)


def _check_violations(image):
    for v in image.violations:
        other = "nothing readable"
        if v.found:
            other = (f"boot {hex_id(v.found.boot)} ordinal {v.found.ordinal} "
                     f"count {v.found.counter}")
        yield (f"double run: boot {hex_id(v.boot)} ordinal {v.ordinal} at "
               f"count {v.counter} noticed that "
               f"{KINDS.get(v.kind, f'kind {v.kind}')}: found {other}")
    owner = image.owner
    if owner and owner.violations and not image.violations:
        yield (f"the owner counts {owner.violations} violations but the "
               f"violation area is empty")


def _check_owner(image):
    owner = image.owner
    newest = max(image.boots, default=0)
    if owner is None:
        yield "no valid owner record"
        return
    # one ahead: the boot is just between its owner write and its entry
    if owner.ordinal not in (newest, newest + 1):
        yield (f"owner has ordinal {owner.ordinal} but the boot table goes "
               f"up to {newest}: an old copy wrote last")
    entry = image.boots.get(owner.ordinal)
    if entry and entry.boot != owner.boot:
        yield (f"ordinal {owner.ordinal} was taken by boot "
               f"{hex_id(entry.boot)} but boot {hex_id(owner.boot)} wrote "
               f"last")
    if owner.total != owner.pred_total + owner.counter:
        yield (f"boot {hex_id(owner.boot)}: total {owner.total} is not "
               f"{owner.pred_total} + {owner.counter}: data was lost or "
               f"written twice")


def _chain(image):
    """Boot records by ordinal, with the owner where its entry is missing."""
    chain = dict(image.boots)
    if image.owner:
        chain.setdefault(image.owner.ordinal, image.owner)
    return chain


def _check_chain(image):
    chain = _chain(image)
    newest = max(chain, default=0)
    oldest = max(1, newest - BOOT_SLOTS + 1)
    seen = {}
    for n in range(oldest, newest + 1):
        rec = chain.get(n)
        if rec is None:
            yield f"ordinal {n} is missing from the boot table"
            continue
        if rec.boot in seen:
            yield (f"boot {hex_id(rec.boot)} has ordinals {seen[rec.boot]} "
                   f"and {n}")
        seen[rec.boot] = n
        pred = chain.get(n - 1)
        if n == 1 and (rec.pred_boot or rec.pred_total):
            yield "the first boot names a predecessor"
        if pred is None:
            continue
        if rec.pred_boot != pred.boot:
            yield (f"ordinal {n} took over from boot {hex_id(rec.pred_boot)}"
                   f" but ordinal {n - 1} was {hex_id(pred.boot)}")
        if rec.pred_total != pred.pred_total + rec.pred_counter:
            yield (f"ordinal {n} began at total {rec.pred_total}, not at "
                   f"{pred.pred_total} + {rec.pred_counter}: it did not see "
                   f"all that ordinal {n - 1} had written")


def _check_history(image):
    chain = _chain(image)
    for rec in image.history:
        entry, heir = chain.get(rec.ordinal), chain.get(rec.ordinal + 1)
        if entry and entry.boot != rec.boot:
            yield (f"ordinal {rec.ordinal} was used by boot "
                   f"{hex_id(rec.boot)} and by boot {hex_id(entry.boot)}")
        elif heir and heir.pred_boot == rec.boot and \
                rec.counter > heir.pred_counter:
            yield (f"boot {hex_id(rec.boot)} wrote count {rec.counter} after "
                   f"ordinal {heir.ordinal} had taken over at count "
                   f"{heir.pred_counter}")
    for older, newer in zip(image.history, image.history[1:]):
        if newer.ordinal < older.ordinal:
            yield (f"boot {hex_id(newer.boot)} ordinal {newer.ordinal} wrote "
                   f"after ordinal {older.ordinal} had begun")


def verify(image, expect_ordinal=None, expect_total=None):
    """Sentences about what is wrong; an empty list means proven.

    expect_ordinal and expect_total are lower bounds that the caller knows
    from elsewhere (a serial line): the disk alone cannot tell that it was
    put back to an older state as a whole."""
    if image.is_blank:
        return ["no boot has ever written here: nothing is proven"]
    wrong = [f"damaged: {name}" for name in image.damaged]
    for check in (_check_violations, _check_owner, _check_chain,
                  _check_history):
        wrong += check(image)
    owner = image.owner
    if owner and expect_ordinal and owner.ordinal < expect_ordinal:
        wrong.append(f"ordinal is {owner.ordinal}, expected at least "
                     f"{expect_ordinal}: the disk lost boots")
    if owner and expect_total and owner.total < expect_total:
        wrong.append(f"total is {owner.total}, expected at least "
                     f"{expect_total}: the disk lost writes")
    return wrong


def notes(image):
    """What is worth reading but not wrong: gaps, downtimes, crashes."""
    said = []
    chain = _chain(image)
    last = {}
    for rec in image.history + ([image.owner] if image.owner else []):
        last[rec.ordinal] = rec
    for n in sorted(chain):
        rec, latest = chain[n], last.get(n, chain[n])
        if latest.gap_s >= RTC_GAP_NOTE_S:
            said.append(f"ordinal {n} boot {hex_id(rec.boot)}: gap of "
                        f"{latest.gap_s} s (+-1)")
        if n > 1:
            end = "clean" if rec.pred_flags & FLAG_CLEAN else "crashed"
            said.append(
                f"ordinal {n - 1} {end} at count {rec.pred_counter}; ordinal "
                f"{n} took over {rec.start_rtc_s - rec.pred_rtc_s} s (+-1) "
                f"later")
        if latest.disk_errors:
            said.append(f"ordinal {n}: {latest.disk_errors} disk errors")
    return said


def _plain(rec):
    if rec is None:
        return None
    d = rec._asdict()
    for key in ("magic", "reserved", "crc"):
        d.pop(key, None)
    for key in ("boot", "pred_boot"):
        if key in d:
            d[key] = hex_id(d[key])
    for key in ("expected", "found"):
        if key in d:
            d[key] = _plain(d[key])
    return d


def summary(image):
    return {
        "blank": image.is_blank,
        "damaged": image.damaged,
        "owner": _plain(image.owner),
        "boots": [_plain(image.boots[n]) for n in sorted(image.boots)],
        "violations": [_plain(v) for v in image.violations],
        "history_records": len(image.history),
        "notes": notes(image),
    }


class Watch:
    """Samples the owner sector of a live image from a thread.

    A change between two samples is timed with the later one, so each time is
    late by at most one interval plus the reader's own scheduling delay."""

    def __init__(self, path, interval_s=SAMPLE_INTERVAL_S):
        self.path = path
        self.interval_s = interval_s
        self.read_errors = 0
        self.torn = 0
        self.overlaps = []  # sentences: a boot wrote after its successor
        self._samples = collections.deque(maxlen=TIMELINE_SAMPLES_MAX)
        self._first = {}
        self._last = {}
        self._gaps = []
        self._previous = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = None

    def start(self):
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """False when a read hangs: the thread is then left behind."""
        self._stop.set()
        if self._thread:
            self._thread.join(STOP_DEADLINE_S)
            return not self._thread.is_alive()
        return True

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _run(self):
        while not self._stop.wait(self.interval_s):
            self.sample()

    def sample(self):
        try:
            data = read_bytes(self.path, LBA_OWNER * SECTOR_BYTES,
                              SECTOR_BYTES)
        except OSError:
            self.read_errors += 1
            return
        if len(data) < SECTOR_BYTES or not any(data):
            return
        rec = record_parse(data, b"NANO-OWN")
        if rec is None:
            self.torn += 1
            return
        with self._lock:
            self._note(rec, time.monotonic(), time.time())

    def _note(self, rec, mono, wall):
        before = self._previous
        if before and (before.boot, before.counter, before.nonce) == \
                (rec.boot, rec.counter, rec.nonce):
            return
        now = Sample(mono, wall, rec.ordinal, rec.boot, rec.counter)
        if before:
            last = self._samples[-1]
            if mono - last.mono >= GAP_MIN_S:
                self._gaps.append(Gap(mono - last.mono, last.mono, mono,
                                      last.wall, last.boot, rec.boot, False))
            if rec.boot != before.boot and rec.boot in self._first:
                self.overlaps.append(
                    f"boot {hex_id(rec.boot)} ordinal {rec.ordinal} wrote "
                    f"again after boot {hex_id(before.boot)} had begun")
            elif rec.boot == before.boot and rec.counter <= before.counter:
                self.overlaps.append(
                    f"boot {hex_id(rec.boot)} went from count "
                    f"{before.counter} to {rec.counter}")
        self._first.setdefault(rec.boot, now)
        self._last[rec.boot] = now
        self._samples.append(now)
        self._previous = rec

    def gaps(self, min_s=GAP_MIN_S):
        """Gaps of at least min_s (not below GAP_MIN_S), the one still open
        included."""
        with self._lock:
            found = [g for g in self._gaps if g.seconds >= min_s]
            if self._samples:
                last, now = self._samples[-1], time.monotonic()
                if now - last.mono >= max(min_s, GAP_MIN_S):
                    found.append(Gap(now - last.mono, last.mono, now,
                                     last.wall, last.boot, last.boot, True))
            return found

    def first_write(self, ordinal):
        """First Sample of the boot with this ordinal, or None."""
        with self._lock:
            return min((s for s in self._first.values()
                        if s.ordinal == ordinal), default=None)

    def last_write(self, boot):
        """Last Sample of this boot id so far, or None."""
        with self._lock:
            return self._last.get(boot)

    def timeline(self):
        with self._lock:
            return list(self._samples)

    def report(self):
        gaps = self.gaps()
        with self._lock:
            firsts = sorted(self._first.values())
            lasts = dict(self._last)
        return {
            "boots": [{
                "ordinal": s.ordinal, "boot": hex_id(s.boot),
                "first_mono": s.mono, "first_wall": s.wall,
                "last_mono": lasts[s.boot].mono,
                "last_wall": lasts[s.boot].wall,
                "count": lasts[s.boot].counter,
                "largest_gap_s": max(
                    (g.seconds for g in gaps
                     if s.boot == g.boot_before == g.boot_after), default=0),
            } for s in firsts],
            "gaps": [dict(g._asdict(), boot_before=hex_id(g.boot_before),
                          boot_after=hex_id(g.boot_after)) for g in gaps],
            "overlaps": self.overlaps,
            "read_errors": self.read_errors,
            "torn": self.torn,
        }


def _command_show(args):
    data = summary(load(args.path))
    if args.json:
        print(json.dumps(data, indent=2))
        return 0
    owner = data["owner"]
    if owner is None:
        print("blank" if data["blank"] else "no valid owner record")
        return 0
    for key, value in owner.items():
        print(f"{key}: {value}")
    print(f"boots in table: {len(data['boots'])}, history records: "
          f"{data['history_records']}, violations: "
          f"{len(data['violations'])}")
    print("\n".join(data["notes"]))
    return 0


def _command_verify(args):
    image = load(args.path)
    wrong = verify(image, args.expect_ordinal, args.expect_total)
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    for sentence in notes(image):
        print(f"note: {sentence}")
    if not wrong:
        print(f"ok: {image.owner.ordinal} boots, {image.owner.total} writes, "
              f"never two at once")
    return 1 if wrong else 0


def _command_watch(args):
    with Watch(args.path) as watch:
        time.sleep(args.seconds)
    print(json.dumps(watch.report(), indent=2))
    return 1 if watch.overlaps else 0


def _command_create(args):
    create(args.path, args.size)
    return 0


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in (("create", _command_create),
                           ("show", _command_show),
                           ("verify", _command_verify),
                           ("watch", _command_watch)):
        sub = commands.add_parser(name)
        sub.add_argument("path")
        sub.set_defaults(function=function)
        if name == "create":
            sub.add_argument("--size", type=int, default=IMAGE_BYTES_DEFAULT)
        elif name == "show":
            sub.add_argument("--json", action="store_true")
        elif name == "verify":
            sub.add_argument("--expect-ordinal", type=int)
            sub.add_argument("--expect-total", type=int)
        else:
            sub.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args(argv)
    try:
        return args.function(args)
    except (WitnessError, OSError) as e:
        print(f"{args.path}: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
