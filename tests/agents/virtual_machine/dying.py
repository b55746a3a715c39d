# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMUs in their exit, one after the other: dying.py EVERY_S LIVES_S COUNT.

Each is a process whose leader has exited while a thread lives on for LIVES_S:
no command line is left of it, only the name of an emulator. What libvirt's
tries of emulators look like, for longer.
"""
import ctypes
import os
import sys
import threading
import time

PR_SET_NAME = 15
SYS_EXIT = 60  # x86-64: this thread only
libc = ctypes.CDLL(None)


def live_on(seconds):
    time.sleep(seconds)
    os._exit(0)


def main():
    every_s, lives_s, count = (float(a) for a in sys.argv[1:])
    for _ in range(int(count)):
        if os.fork() == 0:
            threading.Thread(target=live_on, args=(lives_s,)).start()
            libc.prctl(PR_SET_NAME, b"qemu-dying", 0, 0, 0)
            libc.syscall(SYS_EXIT, 0)
        time.sleep(every_s)


main()
