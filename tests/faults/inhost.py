# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the fault tests, run inside a host: inhost.py WHAT ARGUMENT...

Each says what it saw in one line; an OSError is said by its name.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import struct
import sys
import time

BLOCK = 4096
# linux/watchdog.h
GETSUPPORT, GETSTATUS, GETBOOTSTATUS = 0x80285700, 0x80045701, 0x80045702
SETOPTIONS, KEEPALIVE, SETTIMEOUT = 0x80045704, 0x80045705, 0xC0045706
GETTIMEOUT, SETPRETIMEOUT = 0x80045707, 0xC0045708
GETPRETIMEOUT, GETTIMELEFT = 0x80045709, 0x8004570A
DISABLECARD, ENABLECARD = 1, 2
DEVICE = "/dev/watchdog"
F_OFD_SETLK = 37


def buffer(byte, size):
    """Aligned, as O_DIRECT wants it."""
    memory = mmap.mmap(-1, size)
    memory.write(byte.encode() * size)
    return memory


def write(path, byte="x", size=str(BLOCK), flags="0"):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_DIRECT | int(flags))
    start = time.monotonic()
    done = os.pwritev(fd, [buffer(byte, int(size))], 0)
    print("wrote", done, f"{time.monotonic() - start:.3f}")


def sync(path):
    os.fsync(os.open(path, os.O_RDWR))
    print("synced")


def read(path, size=str(BLOCK)):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    memory = mmap.mmap(-1, int(size))
    done = os.preadv(fd, [memory], 0)
    print("read", done, chr(memory[0]) if done else "-")


class Aio:
    """Linux AIO by its system calls (linux/aio_abi.h, x86_64 numbers)."""
    SETUP, GETEVENTS, SUBMIT = 206, 208, 209
    PREAD, PWRITE = 0, 1

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_DIRECT | os.O_DSYNC)
        self.call = ctypes.CDLL(None, use_errno=True).syscall
        self.context = ctypes.c_ulong(0)
        self.call(self.SETUP, 16, ctypes.byref(self.context))
        self.kept = []

    def submit(self, tag, opcode, block):
        memory = buffer("A", BLOCK)
        where = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        request = ctypes.create_string_buffer(struct.pack(
            "QIIHhIQQqQII", tag, 0, 0, opcode, 0, self.fd, where, BLOCK,
            block * BLOCK, 0, 0, 0), 64)
        self.kept += [memory, request]
        pointer = ctypes.pointer(ctypes.c_void_p(ctypes.addressof(request)))
        assert self.call(self.SUBMIT, self.context, 1, pointer) == 1

    def events(self, count):
        """{tag: result} of exactly so many."""
        found = ctypes.create_string_buffer(32 * count)
        done = self.call(self.GETEVENTS, self.context, count, count, found,
                         None)
        assert done == count
        return {tag: result for tag, _, result, _ in
                struct.iter_unpack("QQqq", found.raw)}


def aio(path):
    """The first write hangs; what is submitted afterwards must not."""
    io = Aio(path)
    io.submit(1, io.PWRITE, 0)
    io.submit(2, io.PWRITE, 1)
    io.submit(3, io.PREAD, 2)
    print(*sorted(io.events(2).items()), flush=True)
    sys.stdin.readline()
    print(*sorted(io.events(1).items()), flush=True)


def names(path):
    """Everything that is no read or write."""
    os.mkdir(f"{path}/d")
    fd = os.open(f"{path}/d/a", os.O_RDWR | os.O_CREAT | os.O_DSYNC)
    os.posix_fallocate(fd, 0, 3 * BLOCK)
    os.ftruncate(fd, 2 * BLOCK)
    os.fdatasync(fd)
    os.rename(f"{path}/d/a", f"{path}/d/b")
    os.pwrite(fd, b"after", 0)
    os.symlink("b", f"{path}/d/s")
    os.link(f"{path}/d/b", f"{path}/d/l")
    os.chmod(f"{path}/d/b", 0o640)
    os.chown(f"{path}/d/b", 1, 2)
    os.utime(f"{path}/d/b", (1, 2))
    found = os.stat(f"{path}/d/b")
    assert (found.st_size, found.st_mode & 0o777, found.st_uid, found.st_gid,
            found.st_mtime, found.st_nlink) == (2 * BLOCK, 0o640, 1, 2, 2, 2)
    assert sorted(os.listdir(f"{path}/d")) == ["b", "l", "s"]
    assert os.readlink(f"{path}/d/s") == "b"
    assert os.statvfs(path).f_blocks > 0
    os.truncate(f"{path}/d/b", 5)
    with open(f"{path}/d/s", encoding="ascii") as f:
        assert f.read() == "after"
    for name in "bls":
        os.unlink(f"{path}/d/{name}")
    os.pwrite(fd, b"gone", 0)
    assert os.pread(fd, 4, 0) == b"gone"
    os.close(fd)
    os.rmdir(f"{path}/d")
    print("good")


def watch(path, byte):
    """An open file shows what another host writes, without a reopening."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    print("open", flush=True)
    sys.stdin.readline()
    memory = mmap.mmap(-1, BLOCK)
    os.preadv(fd, [memory], 0)
    print("same" if memory[0] == ord(byte) else "stale")


def lock(path, seconds="0"):
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
    fcntl.fcntl(fd, F_OFD_SETLK, whole)
    print("locked", flush=True)
    if os.fork() == 0:  # its close must not unlock
        os.close(fd)
        os._exit(0)
    os.wait()
    time.sleep(float(seconds))


def number(fd, request, value=0):
    data = bytearray(struct.pack("i", value))
    fcntl.ioctl(fd, request, data)
    return struct.unpack("i", data)[0]


def refused(fd, request, value):
    try:
        number(fd, request, value)
    except OSError as e:
        return e.errno == errno.EINVAL
    return False


def dog_api():
    fd = os.open(DEVICE, os.O_WRONLY)
    info = bytearray(40)
    fcntl.ioctl(fd, GETSUPPORT, info)
    options, _, identity = struct.unpack("II32s", info)
    assert identity.rstrip(b"\0") == b"vmha test watchdog", identity
    assert options & 0x8380 == 0x8380, options
    assert number(fd, GETSTATUS) == 0
    assert number(fd, GETTIMEOUT) == 60
    assert number(fd, SETTIMEOUT, 30) == 30
    assert number(fd, GETTIMEOUT) == 30
    assert refused(fd, SETTIMEOUT, 0) and refused(fd, SETPRETIMEOUT, 30)
    assert number(fd, SETPRETIMEOUT, 5) == 5
    assert number(fd, GETPRETIMEOUT) == 5
    assert number(fd, GETTIMELEFT) in (29, 30)
    fcntl.ioctl(fd, KEEPALIVE, 0)
    number(fd, SETTIMEOUT, 1)
    number(fd, SETOPTIONS, DISABLECARD)
    time.sleep(1.3)
    number(fd, SETOPTIONS, ENABLECARD)
    assert refused(fd, SETOPTIONS, 0)
    print("card reset" if number(fd, GETBOOTSTATUS) else "clean start")
    os.write(fd, b"V")


def dog_magic():
    """Closes are seen before the next open."""
    for _ in range(200):
        fd = os.open(DEVICE, os.O_WRONLY)
        os.write(fd, b"V")
        os.close(fd)
    print("closed")


def dog_pretimeout():
    fd = os.open(DEVICE, os.O_WRONLY)
    number(fd, SETTIMEOUT, 3)
    number(fd, SETPRETIMEOUT, 2)
    time.sleep(1.3)
    os.write(fd, b"V")


def dog_open(timeout_s, seconds, pets_per_s):
    fd = os.open(DEVICE, os.O_WRONLY)
    number(fd, SETTIMEOUT, int(timeout_s))
    print("armed", flush=True)
    rate = float(pets_per_s)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        time.sleep(1 / rate if rate else float(seconds))
        if rate:
            fcntl.ioctl(fd, KEEPALIVE, 0)
    os.close(fd)
    print("closed without magic", flush=True)


def busy(seconds):
    """CPU seconds that this process got."""
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        pass
    print(time.process_time())


def stat(path):
    os.stat(path)
    print("seen")


try:
    globals()[sys.argv[1]](*sys.argv[2:])
except OSError as error:
    print(errno.errorcode[error.errno])
