# SPDX-License-Identifier: GPL-2.0-or-later
"""Pending placement rests on what Pacemaker's own scheduler does: a VM that is
granted is started as soon as a host has room, whatever has changed, and not
where a failure of it is kept. So nothing but such failures has to be cleared."""

import re
import subprocess
import unittest

from cib import CibCase, gate, meta_of, ticket

OP = ('<lrm_rsc_op id="{id}" operation_key="{vm}_{operation}_0" '
      'operation="{operation}" crm-debug-origin="x" crm_feature_set="3.16.2" '
      'transition-key="1:1:0:11111111-1111-4111-8111-111111111111" '
      'transition-magic="0:{rc};1:1:0:11111111-1111-4111-8111-111111111111" '
      'call-id="{call}" rc-code="{rc}" op-status="0" interval="0" '
      'last-rc-change="{call}" on_node="h{host}"/>')


def use(owner, memory_mb):
    """Utilization."""
    return (f'<utilization id="u-{owner}"><nvpair id="m-{owner}" '
            f'name="memory_mb" value="{memory_mb}"/></utilization>')


def dummy(name, memory_mb, role="Started"):
    """Stands for a VM: the scheduler asks for no more."""
    return (f'<primitive id="{name}" class="ocf" provider="pacemaker" '
            f'type="Dummy">{meta_of(name, target_role=role)}'
            f'{use(name, memory_mb)}</primitive>')


def op(name, host, operation, call, rc=0, last=None):
    """One entry of the history."""
    return OP.format(id=last or f"{name}_last_0", vm=name, host=host,
                     operation=operation, call=call, rc=rc)


def state(host, **vms):
    """A host that is online, and what it did with the VMs."""
    rows = "".join(f'<lrm_resource id="{name}" class="ocf" '
                   f'provider="pacemaker" type="Dummy">{ops}</lrm_resource>'
                   for name, ops in vms.items())
    return (f'<node_state id="{host}" uname="h{host}" in_ccm="true" '
            f'crmd="online" join="member" expected="member"><lrm '
            f'id="{host}"><lrm_resources>{rows}</lrm_resources></lrm>'
            '%s</node_state>')


def failed(name, host):
    """Its fail count, as a start leaves it."""
    return (f'<transient_attributes id="{host}"><instance_attributes '
            f'id="s{host}"><nvpair id="f{host}" '
            f'name="fail-count-{name}#start_0" value="INFINITY"/>'
            '</instance_attributes></transient_attributes>')


class Room(CibCase):
    """web1 needs 2048 MiB and is granted; web2 runs on h1."""

    def starts(self, room_mb, states, granted="true", second="Started"):
        """Where Pacemaker starts web1; None: nowhere."""
        self.cib(dummy("web1", 2048) + dummy("web2", 1024, second),
                 gate("web1"), ticket("web1", granted), "".join(states),
                 stonith_enabled="false", placement_strategy="balanced")
        with open(self.cib_path, encoding="utf-8") as f:
            text = f.read().replace("<cib ", '<cib crm_feature_set="3.16.2" ')
        for i, memory_mb in enumerate(room_mb, 1):
            text = text.replace(f'uname="h{i}"/>', f'uname="h{i}">'
                                f'{use(f"h{i}", memory_mb)}</node>')
        with open(self.cib_path, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run(
            ["crm_simulate", "-R", "-x", self.cib_path], capture_output=True,
            text=True, check=False, env=self.env())
        self.assertIn("web2", done.stdout, done.stderr)
        found = re.search(r"Start +web1 +\( +(\S+) +\)", done.stdout)
        return found and found.group(1)

    def test_each_change_of_capacity(self):
        """Full; then more memory, a VM that stops, a host that comes."""
        ran = op("web2", 1, "start", 5)
        down = op("web1", 1, "stop", 9)
        full = state(1, web1=down, web2=ran) % ""
        self.assertIsNone(self.starts([2048, 0, 0], [full]))
        self.assertEqual(self.starts([3072, 0, 0], [full]), "h1")
        down_too = state(1, web1=down, web2=op("web2", 1, "stop", 7)) % ""
        self.assertEqual(self.starts([2048, 0, 0], [down_too],
                                     second="Stopped"), "h1")
        self.assertEqual(self.starts([2048, 0, 2048], [full, state(3) % ""]),
                         "h3")
        self.assertIsNone(self.starts([3072, 0, 0], [full], granted="false"))

    def test_failures_bar(self):
        """With room, and a failure: not before it is cleared."""
        down = op("web1", 1, "stop", 9)
        failure = op("web1", 1, "start", 8, 1, "web1_last_failure_0")
        barred = state(1, web1=failure + down) % failed("web1", 1)
        self.assertIsNone(self.starts([8192, 0, 0], [barred]))
        self.assertEqual(self.starts([8192, 0, 0],
                                     [state(1, web1=down) % ""]), "h1")


if __name__ == "__main__":
    unittest.main()
