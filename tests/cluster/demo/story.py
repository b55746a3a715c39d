# SPDX-License-Identifier: GPL-2.0-or-later
"""How the demo talks: plain lines with the seconds since its start, in
colour when a terminal reads them."""
import os
import re
import shutil
import sys
import time

BAR_WIDTH = 34
TEXT_WIDTH_MAX = 100
POLL_S = 0.1
# Log lines of several hosts arrive a moment after they happened.
SETTLE_S = 0.35

COLORS = {"bold": "1", "dim": "2", "red": "31", "green": "32",
          "yellow": "33", "blue": "34", "cyan": "36"}
# What the timeline says -> how it is said to somebody who has never seen it.
WORDS = (
    (r"knet: to host (\d+) link (\d+) down", None),
    (r"corosync: a processor failed",
     "corosync: no sign of life from a host, the token is lost"),
    (r"membership: (\S+) lost", "corosync: {0} is no member any more"),
    (r"fencing requested: off (\S+)",
     "Pacemaker: {0} must be fenced before anything of it is restarted"),
    (r"heartbeat: (\S+) has been silent on the heartbeat datastores",
     "heartbeat: {0} has been silent so long that its watchdog has fired"),
    (r"heartbeat: (\S+) counts as dead", "fence_vmha: {0} is dead"),
    (r"heartbeat: (\S+) is cut off and lives on, to be asked once more",
     "fence_vmha: {0} lives, what it runs is held now; ask once more"),
    (r"heartbeat: (\S+) is cut off and lives on",
     "fence_vmha: success, {0} is sealed and held, nothing is reset"),
    (r"fencing result: off (\S+) OK", "Pacemaker: {0} is fenced"),
    (r"fencing result: off (\S+)",
     "Pacemaker: {0} is not fenced, it asks once more"),
    (r"op begin: start (\S+) on (\S+)",
     "Pacemaker: {1} is told to start {0}"),
    (r"op end: start (\S+) on (\S+): ok",
     "agent: {0} runs on {1}, proven by its QEMU"),
    (r"guest's first write, boot (\d+)", "guest: first disk write of boot {0}"),
    (r"op begin: migrate_to (\S+) on (\S+)",
     "agent: {0} leaves {1}, its memory is sent"),
    (r"op end: migrate_from (\S+) on (\S+): ok", "agent: {0} is on {1}"),
)
QUIET = re.compile(r"fencing on|controller:|op (begin|end): stop|membership: "
                   r"\S+ member|op end: migrate_to|op begin: migrate_from|"
                   r"heartbeat: (?!\S+ (has been silent|counts as dead|"
                   r"is cut off))")
# Notes of the tests' helpers: the daemons' own lines have said it.
NOTES = re.compile(r"sealed: |held for |\S+ is isolated|all is as before")
GOOD = ("guest:", "agent:", "sealed:", "unsealed:", "isolated:", "master:")
# The sentence by which the fence agent accounts for its success.
EVIDENCE = re.compile(r"heartbeat: (\S+) counts as dead: (.*)")


class Story:
    def __init__(self):
        self.start = time.monotonic()
        self.is_colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.width = min(shutil.get_terminal_size().columns, TEXT_WIDTH_MAX)

    def paint(self, text, *names):
        if not self.is_colour:
            return text
        codes = ";".join(COLORS[n] for n in names)
        return f"\033[{codes}m{text}\033[0m"

    def line(self, text="", *names):
        at = f"{time.monotonic() - self.start:5.1f} s"
        print(f"{self.paint(at, 'dim')}  {self.paint(text, *names)}",
              flush=True)

    def title(self, text):
        print()
        print(self.paint(f"== {text} ".ljust(self.width, "="), "bold", "cyan"),
              flush=True)

    def plain(self, text, *names):
        for row in text.splitlines():
            print(f"         {self.paint(row, *names)}", flush=True)

    def event(self, at, host, text):
        """An event of the cluster, by its own clock."""
        for pattern, words in WORDS:
            found = re.search(pattern, text)
            if found and words is None:
                return
            if found:
                text = words.format(*found.groups())
                break
        good = text.startswith(GOOD)
        print(f"  {self.paint(f'+{at:6.2f} s', 'yellow')}  {host:5} "
              f"{self.paint(text, 'green') if good else text}", flush=True)

    def follow(self, lab, until, deadline_s, told=None):
        """Prints events as they come until until() is true. told: the events
        that need not be told again; those that are come to it."""
        told = set() if told is None else told
        end = time.monotonic() + deadline_s
        is_done = False
        while True:
            is_done = is_done or until()
            now = time.monotonic() - lab.line.t0
            for event in lab.events():
                if event not in told and event[0] >= 0 and \
                        (event[0] < now - SETTLE_S or is_done):
                    told.add(event)
                    if not QUIET.search(event[2]) and not (
                            event[1] == "test" and NOTES.match(event[2])):
                        self.event(*event)
            if is_done or time.monotonic() > end:
                return is_done
            time.sleep(POLL_S)

    def evidence(self, lab, victim):
        """The daemon's own line, of the host where the fence agent ran."""
        for _, host, text in lab.events():
            found = EVIDENCE.match(text)
            if found and found[1] == victim:
                self.plain(f"log of {host}:", "dim")
                for part in re.split(r"(?<=[;,]) (?=datastore|storage)",
                                     text.partition(": ")[2]):
                    self.plain(part, "green")

    def bars(self, rows):
        """[(label, who, seconds)] as one bar after the other."""
        whole = sum(max(s, 0) for _, _, s in rows) or 1.0
        label_width = max(len(label) for label, _, _ in rows)
        done = 0.0
        for label, who, seconds in rows:
            left = round(done / whole * BAR_WIDTH)
            done += max(seconds, 0)
            right = max(round(done / whole * BAR_WIDTH), left + 1)
            bar = (" " * left + "#" * (right - left))[:BAR_WIDTH + 1]
            print(f"  {label:{label_width}}  {seconds:6.2f} s  "
                  f"{self.paint(f'{bar:{BAR_WIDTH + 1}}', 'yellow')} "
                  f"{self.paint(who, 'dim')}")
        print(f"  {'in all':{label_width}}  "
              f"{self.paint(f'{whole:6.2f} s', 'bold')}", flush=True)
