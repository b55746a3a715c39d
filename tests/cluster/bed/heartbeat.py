# SPDX-License-Identifier: GPL-2.0-or-later
"""The product's storage heartbeat in a bed: files on the datastores, the
configuration of each host, all made as an administrator would make them."""
CONF_PATH = "/etc/vmha/vmha.conf"
CREATE_DEADLINE_S = 60
CONF = """\
[heartbeat]
datastores={datastores}
watchdog=/dev/watchdog
"""


def names(count):
    return [f"hb{i}" for i in range(1, count + 1)]


def files(count):
    return [f"/srv/{name}/vmha.hb" for name in names(count)]


def conf(count):
    return CONF.format(datastores=";".join(files(count)))


def prepare(hosts, count, profile, vms=None):
    """Before the first start of the daemons, all hosts being on. vms: room
    for so many on each host, other than the default."""
    room = ["--vms", str(vms)] if vms else []
    hosts[0].run("vmha", "heartbeat", "create", "--profile", profile, *room,
                 "--hosts", ",".join(h.name for h in hosts), *files(count),
                 deadline_s=CREATE_DEADLINE_S)
    for host in hosts:
        host.write_file(CONF_PATH, conf(count))
