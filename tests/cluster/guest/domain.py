#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt domain XML for the test guest.

render() takes what differs between tests; everything else is chosen so that
the guest starts in a fraction of a second, and so that a disk fault stops the
guest (error_policy) instead of reaching it, as a production host sets it.
<name> stands on a line of its own because the VirtualDomain agent greps it.
"""

import argparse
import sys
import uuid as uuid_module
from xml.sax.saxutils import escape, quoteattr

MEMORY_MIB_DEFAULT = 16


def _disk(path, bus, cache, error_policy, shareable):
    kind, attribute = ("block", "dev") if path.startswith("/dev/") \
        else ("file", "file")
    share = "\n      <shareable/>" if shareable else ""
    return f"""
    <disk type='{kind}' device='disk'>
      <driver name='qemu' type='raw' cache={quoteattr(cache)} \
error_policy={quoteattr(error_policy)} rerror_policy={quoteattr(
    'stop' if error_policy == 'enospace' else error_policy)}/>
      <source {attribute}={quoteattr(path)}/>
      <target dev='hda' bus={quoteattr(bus)}/>{share}
    </disk>"""


def _serial(file_path, socket_path):
    if socket_path:
        source = f"<source mode='bind' path={quoteattr(socket_path)}/>"
        kind = "unix"
    elif file_path:
        source = f"<source path={quoteattr(file_path)} append='on'/>"
        kind = "file"
    else:
        return ""
    return f"""
    <serial type='{kind}'>
      {source}
      <target type='isa-serial' port='0'/>
    </serial>"""


def _network(bridge, mac):
    if not bridge:
        return ""
    address = f"\n      <mac address={quoteattr(mac)}/>" if mac else ""
    return f"""
    <interface type='bridge'>{address}
      <source bridge={quoteattr(bridge)}/>
      <model type='e1000'/>
    </interface>"""


def _channels(names):
    return "".join(f"""
    <channel type='unix'>
      <source mode='bind'/>
      <target type='virtio' name={quoteattr(name)}/>
    </channel>""" for name in names)


def render(name, kernel, disk=None, *, domain_type="qemu", uuid=None,
           options="", memory_mib=MEMORY_MIB_DEFAULT, machine="pc",
           cache="none", bus="ide", error_policy="stop", shareable=False,
           serial_file=None, serial_socket=None, panic=True, bridge=None,
           mac=None, emulator=None, on_poweroff="destroy",
           on_reboot="restart", on_crash="preserve", metadata="",
           channels=()):
    """Domain XML as a string. `metadata` is put in as it is; uuid None means
    a random one; disk None means no disk and so no witness. `channels`: names
    of virtio channels."""
    uuid = uuid or str(uuid_module.uuid4())
    disk_xml = _disk(disk, bus, cache, error_policy, shareable) if disk else ""
    emulator_xml = f"\n    <emulator>{escape(emulator)}</emulator>" \
        if emulator else ""
    panic_xml = "\n    <panic model='isa'/>" if panic else ""
    metadata_xml = f"\n  <metadata>{metadata}</metadata>" if metadata else ""
    return f"""<domain type={quoteattr(domain_type)}>
  <name>{escape(name)}</name>
  <uuid>{escape(uuid)}</uuid>{metadata_xml}
  <memory unit='MiB'>{memory_mib}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine={quoteattr(machine)}>hvm</type>
    <kernel>{escape(kernel)}</kernel>
    <cmdline>{escape(options)}</cmdline>
  </os>
  <features>
    <acpi/>
  </features>
  <clock offset='utc'/>
  <on_poweroff>{escape(on_poweroff)}</on_poweroff>
  <on_reboot>{escape(on_reboot)}</on_reboot>
  <on_crash>{escape(on_crash)}</on_crash>
  <devices>{emulator_xml}{disk_xml}
    <controller type='usb' model='none'/>{_network(bridge, mac)}\
{_serial(serial_file, serial_socket)}{_channels(channels)}
    <memballoon model='none'/>{panic_xml}
  </devices>
</domain>
"""


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("kernel")
    parser.add_argument("disk", nargs="?")
    for option in ("domain-type", "uuid", "options", "machine", "cache",
                   "bus", "error-policy", "serial-file", "serial-socket",
                   "bridge", "mac", "emulator", "on-poweroff", "on-reboot",
                   "on-crash", "metadata"):
        parser.add_argument(f"--{option}", default=argparse.SUPPRESS)
    parser.add_argument("--memory-mib", type=int, default=argparse.SUPPRESS)
    parser.add_argument("--shareable", action="store_true")
    parser.add_argument("--no-panic", dest="panic", action="store_false")
    print(render(**vars(parser.parse_args(argv))), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
