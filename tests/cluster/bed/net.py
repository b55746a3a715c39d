# SPDX-License-Identifier: GPL-2.0-or-later
"""The bed's wires: three bridges in the bed's own network namespace.

Two cluster links and a storage network, a veth pair per host and network. The
machine's network is not touched, and every bed may use the same addresses. A
cut takes the bed's end off its bridge: the carrier stays up, as with a failure
inside a switch, which is the case that clusters find hardest to notice.

A host may also be deaf to others: it drops what they send on the cluster
links, while everybody still reaches the gateway. Deaf both ways between two
groups is a partition, one way an asymmetric link.
"""
import threading

from . import proc

NETWORKS = ("link0", "link1", "storage")
CLUSTER_LINKS = ("link0", "link1")
PREFIX = "10.77"
# The bed's own end of each bridge: the hosts' gateway, which is an isolation
# address, and where a test may run a storage server.
BED_NUMBER = 254
GONE_DEADLINE_S = 15


def address(network, number):
    return f"{PREFIX}.{NETWORKS.index(network)}.{number}"


def networks(name):
    """Networks that a LINK argument means."""
    if name == "all":
        return NETWORKS
    if name not in NETWORKS:
        raise proc.BedError(f"no link {name!r}; there are "
                            f"{', '.join(NETWORKS)} and all")
    return (name,)


def batch(*lines):
    proc.command("ip", "-batch", "-", stdin="\n".join(lines) + "\n")


def deaf_rules(numbers):
    """nft: drops what hosts of these numbers send on the cluster links."""
    rules = "table inet bed\ndelete table inet bed\n"
    senders = ", ".join(address(link, number) for number in sorted(numbers)
                        for link in CLUSTER_LINKS)
    if senders:
        rules += ("table inet bed { chain input { type filter hook input "
                  f"priority 0; ip saddr {{ {senders} }} drop; }}; }}\n")
    return rules


class Net:
    def __init__(self):
        self.cuts = set()
        self.deaf = {}  # host: numbers of the hosts that it does not hear
        self.lock = threading.Lock()

    def start(self):
        """Builds the bridges; the caller is in the bed's network namespace."""
        lines = ["link set lo up"]
        for network in NETWORKS:
            lines += [f"link add {network} type bridge forward_delay 0 "
                      "stp_state 0 mcast_snooping 0",
                      f"addr add {address(network, BED_NUMBER)}/24 "
                      f"dev {network}",
                      f"link set {network} up"]
        batch(*lines)

    def plug(self, host, number, pid):
        """Gives the namespace of pid the host's interfaces."""
        self.unplug(host)
        outside, inside = [], []
        for network in NETWORKS:
            end = f"{host}-{network}"
            outside.append(f"link add {end} type veth peer name {network} "
                           f"netns {pid}")
            outside.append(f"link set {end} up")
            if (host, network) not in self.cuts:
                outside.append(f"link set {end} master {network}")
            inside.append(f"addr add {address(network, number)}/24 "
                          f"dev {network}")
            inside.append(f"link set {network} up")
        inside.append("route add default via "
                      f"{address(CLUSTER_LINKS[0], BED_NUMBER)}")
        batch(*outside)
        proc.command("nsenter", "-t", str(pid), "-n", "ip", "-batch", "-",
                     stdin="\n".join(inside) + "\n")
        if self.deaf.get(host):
            self._listen(host, pid)

    def plugged(self, host):
        """Ends of this host's cables that exist in the bed."""
        _, text = proc.command("ip", "-o", "link", "show", "type", "veth")
        ends = [line.split(": ")[1].split("@")[0]
                for line in text.splitlines() if ": " in line]
        return [end for end in ends
                if end.rpartition("-")[0] == host]

    def unplug(self, host):
        """A dead host's cables go with its namespace, a little later."""
        for end in self.plugged(host):
            proc.command("ip", "link", "del", end, check=False)
        proc.wait_for(lambda: not self.plugged(host), GONE_DEADLINE_S,
                      f"removal of the cables of {host}")

    def cut(self, host, link, is_on):
        for network in networks(link):
            with self.lock:
                if not is_on:
                    self.cuts.add((host, network))
                    self._master(host, network, "nomaster")
                else:
                    self.cuts.discard((host, network))
                    self._master(host, network, f"master {network}")

    def _master(self, host, network, what):
        """A host that is off, or dies just now, is plugged in at its boot as
        the cuts then say."""
        end = f"{host}-{network}"
        status, text = proc.command("ip", "link", "set", end, *what.split(),
                                    check=False)
        if status != 0 and end in self.plugged(host):
            raise proc.BedError(f"{end}: {what}: {text.strip()}")

    def set_deaf(self, host, pid, numbers):
        """pid: of the host's namespace, None while it is off."""
        with self.lock:
            self.deaf[host] = set(numbers)
            if pid:
                self._listen(host, pid)

    def _listen(self, host, pid):
        proc.command("nsenter", "-t", str(pid), "-n", "nft", "-f", "-",
                     stdin=deaf_rules(self.deaf.get(host, ())))

    def is_deaf(self, host):
        return bool(self.deaf.get(host))

    def cut_links(self, host):
        return [n for n in NETWORKS if (host, n) in self.cuts]
