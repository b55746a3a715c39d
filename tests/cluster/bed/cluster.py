# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster in a bed, as a test asks about it.

State comes from crm_mon's XML, the interface that Pacemaker promises to keep.
A wait that fails shows what the cluster looked like at the end.
"""
import xml.etree.ElementTree as ET

from . import proc
from .proc import BedError

POLL_S = 0.2
CRM_DEADLINE_S = 60
MON_DEADLINE_S = 30


def flag(element, name):
    return element.get(name) == "true"


class State:
    """One crm_mon picture."""

    def __init__(self, text):
        self.text = text
        try:
            self.root = ET.fromstring(text)
        except ET.ParseError as e:
            raise BedError(f"crm_mon gave no XML: {text[:200]!r}") from e
        dc = self.root.find("summary/current_dc")
        self.dc = dc.get("name") if dc is not None else None
        self.quorate = dc is not None and flag(dc, "with_quorum")
        self.nodes = {n.get("name"): self._node(n)
                      for n in self.root.findall("nodes/node")}
        self.resources = {}
        for element in self.root.iterfind("resources//resource"):
            self._add(element)
        self.failures = [dict(f.attrib)
                         for f in self.root.iterfind("failures/failure")]

    @staticmethod
    def _node(n):
        """online, offline, unclean, pending, standby or maintenance."""
        if flag(n, "unclean"):
            return "unclean"
        if not flag(n, "online"):
            return "offline"
        for word in ("pending", "standby", "maintenance"):
            if flag(n, word):
                return word
        return "online"

    def _add(self, element):
        """Clone instances share a name: one entry, all nodes."""
        nodes = [n.get("name") for n in element.findall("node")]
        role = element.get("role")
        res = self.resources.setdefault(element.get("id").split(":")[0], {
            "agent": element.get("resource_agent"), "node": None, "nodes": [],
            "role": role, "promoted": [], "active": False, "blocked": False,
            "failed": False, "managed": True})
        res["nodes"] += nodes
        res["node"] = res["nodes"][0] if res["nodes"] else None
        if role == "Promoted":
            res["promoted"] += nodes
            res["role"] = role
        elif res["role"] == "Stopped":
            res["role"] = role
        res["active"] |= flag(element, "active")
        res["blocked"] |= flag(element, "blocked")
        res["failed"] |= flag(element, "failed")
        res["managed"] &= flag(element, "managed")

    def node_of(self, name):
        """Where a resource is started; None when it is not."""
        res = self.resources.get(name)
        if not res or not res["active"] or len(res["nodes"]) != 1:
            return None
        return res["node"] if res["role"] in ("Started", "Promoted") else None

    def all_online(self):
        return bool(self.nodes) and self.quorate and \
            set(self.nodes.values()) == {"online"}


class Cluster:
    def __init__(self, bed):
        self.bed = bed

    def crm(self, host, line, stdin=None, check=True):
        """crm shell, non-interactive: crm("h1", "configure show")."""
        return self.bed.run(host, "sh", "-c", f"crm -F {line}", stdin=stdin,
                            check=check, deadline_s=CRM_DEADLINE_S).stdout

    def configure(self, host, text):
        """Loads crm configure lines as one CIB change."""
        self.bed.run(host, "crm", "-F", "configure", "load", "update", "-",
                     stdin=text, deadline_s=CRM_DEADLINE_S)

    def any_host(self):
        for h in self.bed.status():
            if h["state"] == "on" and h["daemons"]["pacemaker"] == "runs":
                return h["host"]
        raise BedError("no host runs Pacemaker")

    def state(self, host=None):
        """How a host (or any that can answer) sees the cluster."""
        host = host or self.any_host()
        done = self.bed.run(host, "crm_mon", "-1", "-r", "--output-as=xml",
                            deadline_s=MON_DEADLINE_S)
        return State(done.stdout)

    def wait(self, predicate, deadline_s, what, host=None):
        """Polls until predicate(State) is true; returns that State."""
        last = [None]

        def look():
            try:
                last[0] = self.state(host)
            except BedError as e:
                last[0] = e
                return None
            return last[0] if predicate(last[0]) else None
        try:
            return proc.wait_for(look, deadline_s, what, POLL_S)
        except BedError as e:
            seen = getattr(last[0], "text", last[0])
            raise BedError(f"{e}; last seen:\n{seen}") from None

    def wait_online(self, deadline_s=60, host=None):
        """And the cluster at rest: a host that dies while it is probed keeps
        Pacemaker waiting for the probe, instead of fencing it."""
        self.wait(State.all_online, deadline_s, "all hosts online", host)
        self.settle(deadline_s, host)
        return self.state(host)

    def settle(self, deadline_s=60, host=None):
        """Waits until no action is pending or wanted."""
        self.bed.run(host or self.any_host(), "crm_resource", "--wait",
                     f"--timeout={deadline_s:.0f}s",
                     deadline_s=deadline_s + MON_DEADLINE_S)

    def wait_started(self, name, deadline_s=60, on=None, not_on=None,
                     host=None):
        """Waits until a resource is started; returns the node."""
        def good(state):
            node = state.node_of(name)
            return node and node != not_on and (on is None or node == on)
        where = f" on {on}" if on else f" not on {not_on}" if not_on else ""
        state = self.wait(good, deadline_s, f"{name} started{where}", host)
        return state.node_of(name)

    def ticket(self, name, host=None):
        """"granted", "revoked" or None when there is no such ticket."""
        root = self.state(host).root
        for t in root.iterfind("tickets/ticket"):
            if t.get("id") == name:
                return t.get("status")
        return None
