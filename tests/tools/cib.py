# SPDX-License-Identifier: GPL-2.0-or-later
"""A CIB in a file, for the real cibadmin (CIB_file=...)."""

import subprocess
import threading
import xml.etree.ElementTree as tree

from case import Case

CIB = """\
<cib validate-with="pacemaker-3.7" epoch="1" num_updates="0" admin_epoch="0"
     have-quorum="%(quorum)d" dc-uuid="1">
  <configuration>
    <crm_config>
      <cluster_property_set id="o">
%(properties)s      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="1" uname="h1"/><node id="2" uname="h2"/>
      <node id="3" uname="h3"/>
    </nodes>
    <resources>%(resources)s</resources>
    <constraints>%(constraints)s</constraints>
  </configuration>
  <status>%(states)s<tickets>%(tickets)s</tickets></status>
</cib>
"""


def vm(name, meta=""):
    """A VM's primitive."""
    return (f'<primitive id="{name}" class="ocf" provider="vmha" '
            f'type="VirtualMachine">{meta}</primitive>')


def meta_of(name, **values):
    """Meta attributes."""
    rows = "".join(f'<nvpair id="{name}-{k}" name="{k.replace("_", "-")}" '
                   f'value="{v}"/>' for k, v in values.items())
    return f'<meta_attributes id="{name}-meta">{rows}</meta_attributes>'


def gate(name, policy="freeze"):
    """As vmha vm add makes it."""
    return (f'<rsc_ticket id="vmha-gate-{name}" rsc="{name}" '
            f'ticket="vmha-{name}" loss-policy="{policy}"/>')


def ticket(name, granted="true", **more):
    """Its ticket."""
    rest = "".join(f' vmha-{k}="{v}"' for k, v in more.items())
    return f'<ticket_state id="vmha-{name}" granted="{granted}"{rest}/>'


def fault_domain(**params):
    """FaultDomain with these parameters: the cluster's policy."""
    rows = "".join(f'<nvpair id="fd-{k}" name="{k}" value="{v}"/>'
                   for k, v in params.items())
    return ('<clone id="fd-clone"><primitive id="fd" class="ocf" '
            'provider="vmha" type="FaultDomain"><instance_attributes '
            f'id="fd-i">{rows}</instance_attributes></primitive></clone>')


class CibCase(Case):
    """A folder with a CIB."""

    def setUp(self):
        super().setUp()
        self.cib_path = self.path("cib.xml")

    def cib(self, resources="", constraints="", tickets="", states="",
            quorum=1, **properties):
        """Writes it."""
        rows = "".join(
            f'<nvpair id="p{i}" name="{k.replace("_", "-")}" value="{v}"/>\n'
            for i, (k, v) in enumerate(properties.items()))
        with open(self.cib_path, "w", encoding="utf-8") as f:
            f.write(CIB % {"resources": resources, "constraints": constraints,
                           "tickets": tickets, "states": states,
                           "quorum": quorum, "properties": rows})

    def read(self):
        """Its tree, by cibadmin."""
        done = subprocess.run(["cibadmin", "--query"], capture_output=True,
                              text=True, check=True, env=self.env())
        return tree.fromstring(done.stdout)

    def env(self):
        """Environment with it."""
        return {"CIB_file": self.cib_path, "PATH": "/usr/sbin:/usr/bin",
                "LC_ALL": "C.UTF-8"}

    def vmha(self, *words, code=0):
        """A command against it; no daemon unless a socket is named."""
        sockets = []
        if words[0] in ("status", "why", "recover") or words[:2] in (
                ("host", "confirm-dead"), ("vm", "list"), ("vm", "show")):
            sockets = ["--socket", self.path("heartbeatd.sock"),
                       "--manager-socket", self.path("fdmd.sock")]
        done = self.run_vmha(*words, *sockets, env=self.env())
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def gates(self):
        """{resource: loss-policy} and {ticket: attributes}."""
        root = self.read()
        return ({g.get("rsc"): g.get("loss-policy")
                 for g in root.iter("rsc_ticket")},
                {t.get("id"): dict(t.attrib)
                 for t in root.iter("ticket_state")})


class Asked:
    """Answers vmha-ask in a CIB file as a master would."""

    def __init__(self, case, answer, nonce):
        self.case = case
        self.answer = answer
        self.nonce = nonce
        self.questions = []
        self.end = threading.Event()
        self.seen = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.end.wait(0.05):
            try:
                at = self.case.read().find(".//nvpair[@name='vmha-ask']")
            except (subprocess.CalledProcessError, tree.ParseError):
                continue  # it is just being written
            if at is None or at.get("value") in self.questions:
                continue
            self.questions.append(at.get("value"))
            nonce = self.nonce or at.get("value").split()[0]
            subprocess.run(
                ["crm_attribute", "--node", "h2", "--name", "vmha-answer",
                 "--lifetime", "reboot", "--update", f"{nonce} {self.answer}"],
                env=self.case.env(), check=True, capture_output=True)
            self.seen.set()

    def stop(self):
        """No question is answered any more."""
        self.end.set()
        self.thread.join()
