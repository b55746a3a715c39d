# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks of the heartbeat area, written a second time from the description
of the format, so that codec and test can't be wrong together. Changes real
files: a beat that moves, a torn block, a newer version."""

import struct
import threading

BLOCK = 4096
PAYLOAD = 48
KIND_BEAT, KIND_LIST = 3, 4
UNCLAIMED, STARTING, ARMED, STOPPED, STANDING_DOWN = range(5)


def _table():
    rows = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        rows.append(n)
    return rows


_CRC = _table()


def crc32c(data):
    """Castagnoli, reflected (RFC 3720)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def seal(block):
    """The block with its check sum."""
    block = bytearray(block)
    block[40:44] = bytes(4)
    block[40:44] = struct.pack("<I", crc32c(block))
    return bytes(block)


class AreaFile:
    """One area's file, by its superblock."""

    def __init__(self, path):
        self.path = path
        head = self.read(0)
        self.cluster = head[16:32]
        self.slots, self.vms = struct.unpack_from("<II", head, PAYLOAD + 20)
        per_block = (BLOCK - PAYLOAD - 16) // 64
        self.beats = 2 + -(-self.slots // per_block)
        entries = (BLOCK - PAYLOAD - 32) // 96
        self.list_blocks = max(1, -(-self.vms // entries))
        self.lists = self.beats + self.slots

    def read(self, block):
        """Its bytes."""
        with open(self.path, "rb") as f:
            f.seek(block * BLOCK)
            return f.read(BLOCK)

    def write(self, block, data):
        """Through the page cache and out: the reader uses direct I/O."""
        with open(self.path, "r+b", buffering=0) as f:
            f.seek(block * BLOCK)
            f.write(data)

    def change(self, block, offset, data, is_sealed):
        """Bytes of a block; is_sealed: with a check sum that fits."""
        old = bytearray(self.read(block))
        old[offset:offset + len(data)] = data
        self.write(block, seal(old) if is_sealed else bytes(old))

    def _block(self, kind, place, copy, payload):
        head = struct.pack("<8sHBBI16sIHHII", b"VMHAarea", kind, 0, 1,
                           len(payload), self.cluster, place, copy, 0, 0, 0)
        data = head + payload
        return seal(data + bytes(BLOCK - len(data)))

    def beat(self, slot, host, state=ARMED, incarnation=1, sequence=1, flags=0,
             vms=0, generation=0, copy=0):
        """Writes a beat of the slot."""
        p = bytearray(1152)
        p[0:len(host)] = host.encode()
        p[64:80] = bytes(range(16))
        struct.pack_into("<QQIIII", p, 80, incarnation, sequence, state,
                         flags, 1 if state == ARMED else 0, copy)
        struct.pack_into("<QI", p, 112, generation, vms)
        struct.pack_into("<I", p, 204, 2000)
        self.write(self.beats + slot,
                   self._block(KIND_BEAT, slot, 0, bytes(p)))

    def vm_list(self, slot, copy, incarnation, generation, names):
        """Writes a list copy with these VMs as running."""
        p = bytearray(struct.pack("<QQII8x", incarnation, generation,
                                  len(names), 96))
        for i, name in enumerate(names):
            p += struct.pack("<16s64sQII", bytes([i + 1] * 16), name.encode(),
                             generation, 1, 0)
        self.write(self.lists + (2 * slot + copy) * self.list_blocks,
                   self._block(KIND_LIST, slot, copy, bytes(p)))


class Beating(threading.Thread):
    """A host that beats on an area, as `with Beating(area, 1, "h2"):`."""

    PERIOD_S = 0.2

    def __init__(self, area, slot, host, **more):
        super().__init__(daemon=True)
        self.area, self.slot, self.host, self.more = area, slot, host, more
        self.ended = threading.Event()

    def run(self):
        sequence = 1
        while not self.ended.is_set():
            self.area.beat(self.slot, self.host, sequence=sequence,
                           **self.more)
            sequence += 1
            self.ended.wait(self.PERIOD_S)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
