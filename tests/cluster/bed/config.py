# SPDX-License-Identifier: GPL-2.0-or-later
"""The files a host is given: names, corosync, libvirt, the first CIB.

The CIB is laid down before the first start rather than changed afterwards:
the cluster has fencing from its first moment, as a real one would have, and
up saves a round of elections.
"""
import os
import uuid
from xml.sax.saxutils import quoteattr

from . import net

AUTHKEY_BYTES = 256
# Pacemaker waits this long for other nodes' votes at start (its default is
# 20 s, meant for machines that boot minutes apart).
DC_DEADTIME_S = 2

PROPERTIES = {
    "stonith-enabled": "true",
    "stonith-action": "off",
    "no-quorum-policy": "freeze",
    "concurrent-fencing": "true",
    "dc-deadtime": f"{DC_DEADTIME_S}s",
}

QEMU_CONF = """\
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
seccomp_sandbox = 0
max_core = 0
migration_address = "0.0.0.0"
migration_host = "{address}"
"""

LIBVIRTD_CONF = """\
listen_tls = 0
listen_tcp = 1
listen_addr = "{address}"
auth_tcp = "none"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "{uuid}"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
"""


def corosync(names, cluster, token_ms):
    lines = ["totem {", "\tversion: 2", f"\tcluster_name: {cluster}",
             "\ttransport: knet", "\tcrypto_cipher: aes256",
             "\tcrypto_hash: sha256", f"\ttoken: {token_ms}", "}"]
    lines += ["nodelist {"]
    for number, name in enumerate(names, 1):
        lines += ["\tnode {", f"\t\tname: {name}", f"\t\tnodeid: {number}",
                  f"\t\tring0_addr: {net.address('link0', number)}",
                  f"\t\tring1_addr: {net.address('link1', number)}", "\t}"]
    lines += ["}", "quorum {", "\tprovider: corosync_votequorum"]
    if len(names) == 2:
        lines += ["\ttwo_node: 1"]
    # host.py gives it its priority.
    lines += ["}", "system {", "\tsched_rr: no"]
    lines += ["}", "logging {", "\tto_logfile: yes",
              "\tlogfile: /var/log/corosync/corosync.log",
              "\tto_syslog: yes", "\ttimestamp: hires", "}"]
    return "\n".join(lines) + "\n"


# The fence resources of a bed, by their ids, in the order of their levels.
FENCES = {"bed": {"fencing": "fence_bed"}, "vmha": {"fence": "fence_vmha"},
          "both": {"fence": "fence_vmha", "fencing": "fence_bed"}}


def fence_resources(choice, heartbeat):
    """The product's own where it can work, unless chosen otherwise."""
    return FENCES[choice or ("vmha" if heartbeat else "bed")]


def fence_xml(ident, agent, names):
    return f"""\
<primitive id="{ident}" class="stonith" type="{agent}">\
<instance_attributes id="{ident}-params">\
<nvpair id="{ident}-check" name="pcmk_host_check" value="static-list"/>\
<nvpair id="{ident}-list" name="pcmk_host_list" value="{' '.join(names)}"/>\
</instance_attributes></primitive>"""


def topology_xml(names, fences):
    """A level per device, for each host; none where there is one device."""
    if len(fences) < 2:
        return ""
    levels = "".join(
        f'<fencing-level id="level-{name}-{index}" target="{name}" '
        f'index="{index}" devices="{ident}"/>'
        for name in names for index, ident in enumerate(fences, 1))
    return f"<fencing-topology>{levels}</fencing-topology>"


def cib(names, fences):
    devices = "".join(fence_xml(ident, agent, names)
                      for ident, agent in fences.items())
    props = "".join(f'<nvpair id="opt-{k}" name="{k}" value={quoteattr(v)}/>'
                    for k, v in PROPERTIES.items())
    return f"""\
<cib crm_feature_set="3.0.0" validate-with="pacemaker-3.0" epoch="1" \
num_updates="0" admin_epoch="0"><configuration><crm_config>\
<cluster_property_set id="cib-bootstrap-options">{props}\
</cluster_property_set></crm_config><nodes/><resources>\
{devices}</resources><constraints/>{topology_xml(names, fences)}\
</configuration><status/></cib>
"""


def hosts(names):
    lines = ["127.0.0.1 localhost"]
    for number, name in enumerate(names, 1):
        lines += [f"{net.address('link0', number)} {name}",
                  f"{net.address('link1', number)} {name}-link1",
                  f"{net.address('storage', number)} {name}-storage"]
    lines += [f"{net.address('link0', net.BED_NUMBER)} bed",
              f"{net.address('storage', net.BED_NUMBER)} bed-storage"]
    return "\n".join(lines) + "\n"


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        os.fchmod(f.fileno(), mode)
        f.write(text if isinstance(text, bytes) else text.encode())


def write_all(host_dirs, cluster, token_ms, fences):
    """host_dirs: {name: directory}, in the order of their numbers; fences:
    {resource: agent}."""
    names = list(host_dirs)
    authkey = os.urandom(AUTHKEY_BYTES)
    for number, (name, path) in enumerate(host_dirs.items(), 1):
        own = {"address": net.address("link0", number), "uuid": uuid.uuid4()}
        conf = os.path.join(path, "conf")
        write(f"{conf}/hosts", hosts(names))
        write(f"{conf}/hostname", name + "\n")
        write(f"{conf}/machine-id", uuid.uuid4().hex + "\n")
        write(f"{conf}/cib.xml", cib(names, fences))
        write(f"{conf}/corosync/corosync.conf",
              corosync(names, cluster, token_ms))
        write(f"{conf}/corosync/authkey", authkey, 0o400)
        write(f"{conf}/libvirt/qemu.conf", QEMU_CONF.format(**own))
        write(f"{conf}/libvirt/libvirtd.conf", LIBVIRTD_CONF.format(**own))
