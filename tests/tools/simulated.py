# SPDX-License-Identifier: GPL-2.0-or-later
"""Pacemaker's own scheduler (crm_simulate) in a cluster's place: it reads the
CIB file, decides, and writes the history that its actions would leave. What
real ones do is tried in the cluster tests."""

import os
import subprocess
import threading
import xml.etree.ElementTree as tree

from cib import CibCase, meta_of

FEATURES = 'crm_feature_set="3.16.1"'  # Pacemaker 2.1.5; newer ones read it
STATE = ('<node_state id="{0}" uname="h{0}" in_ccm="{1}" crmd="{2}" '
         'join="{3}" expected="member"><lrm id="{0}"><lrm_resources/></lrm>'
         "</node_state>")
POLL_S = 0.1
PROGRAM_S = 20


def states(*offline):
    """All hosts' states, without a history."""
    return "".join(STATE.format(i, *(("false", "offline", "down")
                                     if f"h{i}" in offline else
                                     ("true", "online", "member")))
                   for i in (1, 2, 3))


def machine(name, agent="vmha", kind="VirtualMachine", inner="", **meta):
    """A VM with live migration, unless meta says no."""
    meta = {"allow_migrate": "true", **meta}
    return (f'<primitive id="{name}" class="ocf" provider="{agent}" '
            f'type="{kind}">{inner}{meta_of(name, **meta)}</primitive>')


def prefer(name, host, score="50"):
    """A location constraint."""
    return (f'<rsc_location id="{name}-on-{host}" rsc="{name}" '
            f'node="{host}" score="{score}"/>')


class SimulatedCase(CibCase):
    """A CIB whose cluster acts."""

    def cib(self, resources="", constraints="", tickets="", states_xml=None,
            **more):
        """Writes it; all hosts are online."""
        super().cib(resources, constraints, tickets,
                    states=states() if states_xml is None else states_xml,
                    **{"stonith_enabled": "false", **more})
        self.put(self.text().replace("<cib ", f"<cib {FEATURES} ", 1))

    def text(self):
        """The file as it is."""
        with open(self.cib_path, encoding="utf-8") as f:
            return f.read()

    def put_tree(self, root, before):
        """This tree in the place of that text, if it is still there."""
        if self.text() == before:
            self.put(tree.tostring(root, encoding="unicode"))

    def put(self, text):
        """The file as it is to be."""
        new = f"{self.cib_path}.new"
        with open(new, "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(new, self.cib_path)

    def act(self, *words):
        """One transition; words: injections (--op-fail=...)."""
        out = f"{self.cib_path}.{threading.get_ident()}"
        before = self.text()
        done = subprocess.run(
            ["crm_simulate", "--simulate", "--xml-file", self.cib_path,
             "--save-output", out, *words], capture_output=True, text=True,
            timeout=PROGRAM_S, check=False, env={"PATH": "/usr/sbin:/usr/bin"})
        self.assertTrue(os.path.exists(out), done.stdout + done.stderr)
        # Whoever has written meanwhile is not to lose that.
        if self.text() == before:
            os.rename(out, self.cib_path)
        else:
            os.unlink(out)
        return done.stdout

    def live(self, *words, act=None):
        """Acts until the test ends. A file that a tool is just writing is
        looked at again."""
        end = threading.Event()

        def loop():
            while not end.wait(POLL_S):
                try:
                    (act or self.act)(*words)
                except (AssertionError, tree.ParseError):
                    continue
        thread = threading.Thread(target=loop, daemon=True)
        thread.start()

        def stop():
            end.set()
            thread.join()
        self.addCleanup(stop)
