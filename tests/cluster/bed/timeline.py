# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened when, over all hosts, on one clock.

Hosts of a bed share a kernel, so the monotonic stamps that each host's PID 1
puts on syslog lines compare exactly with each other and with the test's own
marks. Pacemaker's daemons and the agents log there; patterns turn their lines
into short events.
"""
import os
import re
import time

OPS = "start|stop|promote|demote|migrate_to|migrate_from|reload|reload-agent"
# (pattern, event): what Pacemaker 2.1 and corosync 3.1 say at notice level.
PATTERNS = [
    (r"pacemaker-controld.*Node (\S+) state is now (lost|member)",
     "membership: {0} {1}"),
    (r"Requesting fencing \((\S+)\) (?:of|targeting) (?:node )?(\S+)",
     "fencing requested: {0} {1}"),
    (r"pacemaker-controld.*Peer (\S+) was (?:not )?terminated \((\S+)\).*: "
     r"(\S+)", "fencing result: {1} {0} {2}"),
    (rf"Requesting local execution of ({OPS}) operation for (\S+) on (\S+)",
     "op begin: {0} {1} on {2}"),
    (rf"Result of ({OPS}) operation for (\S+) on (\S+): (.*)",
     "op end: {0} {1} on {2}: {3}"),
    (r"link: host: (\d+) link: (\d+) is (down|up)",
     "knet: to host {0} link {1} {2}"),
    (r"A processor failed", "corosync: a processor failed"),
    (r"State transition \S+ -> (S_ELECTION|S_INTEGRATION|S_NOT_DC)",
     "controller: {0}"),
]
LINE = re.compile(r"(\d+\.\d+) (\S+) (\S+) (\w+) (.*)")
# Stamps are taken when a line is read, a moment after it was sent.
SETTLE_S = 0.2


class Timeline:
    def __init__(self, bed, patterns=(), everything=False):
        """patterns: more (regexp, format) pairs, tried before the common
        ones. everything: keep also the lines that match none."""
        self.bed = bed
        self.t0 = time.monotonic()
        self.marks = []
        self.everything = everything
        self.patterns = [(re.compile(p), e)
                         for p, e in [*patterns, *PATTERNS]]

    def mark(self, text, is_zero=False):
        """An event of the test's own; is_zero makes it the origin."""
        now = time.monotonic()
        if is_zero:
            self.t0 = now
        self.marks.append((now, "test", text))
        return now

    def _lines(self):
        root = f"{self.bed.dir}/hosts"
        for host in sorted(os.listdir(root)):
            path = f"{root}/{host}/log/messages"
            if not os.path.exists(path):
                continue
            with open(path, encoding="utf-8", errors="replace") as f:
                for line in f:
                    found = LINE.match(line)
                    if found:
                        yield float(found[1]), host, found[5]

    def _event(self, text):
        for pattern, event in self.patterns:
            found = pattern.search(text)
            if found:
                return event.format(*found.groups())
        return text if self.everything else None

    def events(self):
        """[(seconds since the origin, host or "test", text)] in order."""
        time.sleep(SETTLE_S)
        found = list(self.marks)
        for at, host, text in self._lines():
            event = self._event(text) if at >= self.t0 else None
            if event:
                found.append((at, host, event))
        return [(at - self.t0, host, text)
                for at, host, text in sorted(found)]

    def first(self, pattern, host=None, after=None):
        """Seconds of the first event that matches; None when there is none."""
        for at, where, text in self.events():
            if (after is None or at >= after) and \
                    (host is None or where == host) and \
                    re.search(pattern, text):
                return at
        return None

    def table(self, title=""):
        rows = [f"--- {title}"] if title else []
        last = None
        for at, host, text in self.events():
            step = "" if last is None else f"+{at - last:.3f}"
            rows.append(f"{at:9.3f} {step:>8}  {host:5} {text}")
            last = at
        return "\n".join(rows)
