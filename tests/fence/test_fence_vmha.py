# SPDX-License-Identifier: GPL-2.0-or-later
"""fence_vmha's manners: metadata that ClusterLabs' schema accepts, input as
FenceAgentAPI.md wants it, exit codes, and never a success in doubt.

The daemon's place is taken by a socket that answers what a test says: what a
daemon of another version, or a broken one, might answer. What a real one says
about real hosts is tried in the cluster tests.
"""
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest

FENCE = os.environ["FENCE_VMHA"]
RNG = "/usr/share/cluster/relaxng/metadata.rng"
RUN_S = 20
PACKET = 192 * 1024

FACTS = {
    "v": 1, "ok": True, "about": 3, "sequence": 100,
    "list_generation": 7, "is_self": False,
    "can_write": True, "can_read": True, "is_quorate": True,
    "is_known": True, "is_member": False, "member_since_stop": False,
    "is_back": False,
    "says_sealed": False, "is_list_read": False,
    "is_unconfirmed": False,
    "is_standing_down": False, "is_braked": False, "ring_due_ms": 0,
    "ring": "yes", "host": "h2", "evidence": "hb1 beat 412 is 7.0 s old",
    "storage": {"proof": "silent", "incarnation": 3, "since_ms": 1,
                "due_ms": 0, "until_ms": 9, "silent": 2, "needed": 2},
    "timing": {"beat_ms": 200, "watchdog_ms": 1000, "tolerance_ms": 100,
               "drift_ppm": 1000},
}


def run(*args, stdin=None):
    done = subprocess.run([FENCE, *args], input=stdin, text=True,
                          capture_output=True, timeout=RUN_S, check=False)
    return done.returncode, done.stdout, done.stderr


def facts(**changes):
    answer = json.loads(json.dumps(FACTS))
    answer["storage"].update(changes.pop("storage", {}))
    answer.update(changes)
    return answer


class Daemon:
    """Answers each operation with what `answers` has for it: a dictionary, or
    a function of the request."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self.folder = tempfile.TemporaryDirectory()
        self.path = f"{self.folder.name}/s"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                request = json.loads(client.recv(PACKET))
                self.asked.append(request)
                answer = self.answers.get(request["op"], {"v": 1, "ok": True})
                if callable(answer):
                    answer = answer(request)
                client.send(json.dumps(answer).encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.folder.cleanup()

    def ops(self):
        return [r["op"] for r in self.asked]


class Manners(unittest.TestCase):
    def test_metadata_is_valid(self):
        code, out, _ = run("-o", "metadata")
        self.assertEqual(code, 0)
        done = subprocess.run(["xmllint", "--noout", "--relaxng", RNG, "-"],
                              input=out, text=True, capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for action in ("on", "off", "reboot", "status", "monitor", "list",
                       "list-status", "metadata", "manpage", "validate-all"):
            self.assertIn(f'<action name="{action}"', out)
        for name in ("action", "plug", "delay", "power_timeout"):
            self.assertIn(f'<parameter name="{name}"', out)

    def test_every_parameter_is_understood(self):
        _, out, _ = run("-o", "metadata")
        words = [w.split('"')[0].split("=")[0] for w in out.split("--")[1:]]
        for word in words:
            if word in ("help", "version", "verbose", "quiet", "action"):
                continue
            value = {"socket": "/x", "manager-socket": "/x",
                     "live": "reset", "after-hold": "wait"}.get(word, "1")
            code, _, err = run("-o", "validate-all", f"--{word}", value)
            self.assertEqual(code, 0, f"{word}: {err}")

    def test_stdin(self):
        code, out, _ = run(stdin="# comment\n\naction=off\nsome_day=x\n"
                                 "no equals sign\n action = metadata \n")
        self.assertEqual(code, 0, "the last action wins, rest ignored")
        self.assertIn("<resource-agent", out)

    def test_bad_values(self):
        for text, words in (("power_timeout=soon", ("power_timeout", "soon")),
                            ("action=explode", ("explode",)),
                            ("verbose=perhaps", ("verbose", "perhaps")),
                            ("plug=" + "x" * 200, ("plug",))):
            code, out, err = run(stdin=f"action=status\n{text}\n")
            self.assertEqual(code, 1, text)
            self.assertEqual(out, "")
            for word in words:
                self.assertIn(word, err)
        code, _, err = run("--no-such-option")
        self.assertEqual(code, 1)

    def test_man_page_renders(self):
        _, page, _ = run("-o", "manpage")
        done = subprocess.run(["man", "--warnings", "-l", "-"], input=page,
                              text=True, capture_output=True, check=False,
                              env=dict(os.environ, MANPAGER="cat"))
        self.assertEqual(done.stderr, "")
        self.assertIn("EXIT STATUS", done.stdout)

    def test_no_daemon_is_failure(self):
        for action in ("off", "reboot", "status", "monitor", "list"):
            code, _, err = run("-o", action, "-n", "h2", "--socket",
                               "/nonexistent/s")
            self.assertEqual(code, 1, action)
            self.assertIn("/nonexistent/s", err)

    def test_host_must_be_named(self):
        code, _, err = run("-o", "off", "--socket", "/nonexistent/s")
        self.assertEqual(code, 1)
        self.assertIn("plug", err)


class Verdicts(unittest.TestCase):
    def fence(self, answer, *args, action="reboot"):
        with Daemon({"fence-facts": answer,
                     "order": {"v": 1, "ok": True, "nonce": 7}}) as daemon:
            result = run("-o", action, "-n", "h2", "--socket", daemon.path,
                         *args)
            return (*result, daemon)

    def test_proven(self):
        code, _, _, daemon = self.fence(facts())
        self.assertEqual(code, 0)
        told = [r for r in daemon.asked if r["op"] == "fenced"]
        self.assertEqual(told[0]["why"], "silent")
        self.assertTrue(told[0]["success"])
        self.assertNotIn("order", daemon.ops())

    def test_doubt_is_failure(self):
        for change in ({"is_quorate": False}, {"can_read": False},
                       {"is_known": False}, {"is_self": True},
                       {"is_standing_down": True}, {"ring": "member"},
                       {"ring": "unconfirmed"}, {"ring_due_ms": 10},
                       {"storage": {"proof": "unknown"}},
                       {"storage": {"proof": "unguarded"}}):
            code, _, err, _ = self.fence(facts(**change),
                                         "--power-timeout", "1")
            self.assertEqual(code, 1, change)
            self.assertIn("h2", err)

    def test_answers_that_make_no_sense(self):
        for answer in ({"v": 1, "ok": True}, facts(ring="perhaps"),
                       facts(storage={"proof": "gone"}),
                       {"v": 1, "ok": False, "errno": 5, "error": "broken"}):
            code, _, err, _ = self.fence(answer)
            self.assertEqual(code, 1, answer)
            self.assertTrue(err.startswith("ERROR: "), err)

    def test_a_live_host_is_ordered_once(self):
        """A member whose stop failed beats on, is ordered, and then dead."""
        began = time.monotonic()

        def answer(_):
            if time.monotonic() - began < 0.5:
                return facts(is_member=True,
                             storage={"proof": "alive", "until_ms": 0})
            return facts()
        code, _, _, daemon = self.fence(answer, action="off")
        self.assertEqual(code, 0)
        self.assertEqual(daemon.ops().count("order"), 1)
        order = next(r for r in daemon.asked if r["op"] == "order")
        self.assertEqual((order["host"], order["kind"]), ("h2", "off"))

    def test_the_same_incarnation_is_asked_about(self):
        seen = []

        def answer(request):
            seen.append(request.get("about"))
            return facts(ring="unconfirmed" if len(seen) < 3 else "yes")
        code, _, _, _ = self.fence(answer)
        self.assertEqual(code, 0)
        self.assertEqual(seen[1:], [3] * (len(seen) - 1))

    def test_status(self):
        for answer, code in ((facts(), 2), (facts(is_member=True), 0),
                             (facts(storage={"proof": "alive"}), 0),
                             (facts(ring="unconfirmed"), 1),
                             (facts(storage={"proof": "unknown"}), 1)):
            with Daemon({"fence-facts": answer}) as daemon:
                self.assertEqual(run("-o", "status", "-n", "h2", "--socket",
                                     daemon.path)[0], code, answer)


SEALED = {"says_sealed": True, "is_list_read": True,
          "storage": {"proof": "alive", "since_ms": 0, "until_ms": 0}}


class Holds(unittest.TestCase):
    """A host that is cut off and alive: h1 is sealed, its list is read."""

    def fence(self, may, hold, *args, answer=None, fenced=None):
        def beats(_):
            # The newest beat was read just now.
            now_ms = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)
            told = answer() if callable(answer) else answer
            told = json.loads(json.dumps(told or facts(**SEALED)))
            told["storage"]["since_ms"] = now_ms - 50
            told["sequence"] += now_ms % 1000000
            return told
        with Daemon({"fence-facts": beats,
                     "fenced": fenced or {"v": 1, "ok": True}, "order":
                     {"v": 1, "ok": True, "nonce": 7}}) as daemon, \
                Daemon({"may-hold": may, "hold": hold}) as manager:
            result = run("-o", "reboot", "-n", "h2", "--socket", daemon.path,
                         "--manager-socket", manager.path,
                         "--power-timeout", "4", *args)
        return (*result, daemon, manager)

    def kinds(self, daemon):
        return [r["kind"] for r in daemon.asked if r["op"] == "order"]

    def test_held(self):
        code, _, err, daemon, manager = self.fence(
            {"v": 1, "ok": True},
            {"v": 1, "ok": True, "placed": 0, "standing": 3})
        self.assertEqual(code, 0, err)
        self.assertEqual(manager.ops(), ["may-hold", "hold"])
        asked = manager.asked[1]
        self.assertEqual((asked["host"], asked["incarnation"],
                          asked["generation"]), ("h2", 3, 7))
        told = [r for r in daemon.asked if r["op"] == "fenced"][0]
        self.assertTrue(told["success"])
        self.assertFalse(told["ordered"])
        self.assertIn("its 3 VMs are held in its name, nothing was reset",
                      told["evidence"])
        self.assertIn("h2 is cut off and sealed: its 3 VMs are held", err)
        self.assertEqual(self.kinds(daemon), [])

    def test_the_members_confirm_first(self):
        """Corosync forms a ring with h2 in it: no success. Nobody answers: it
        is said in the end."""
        told = []

        def fenced(request):
            told.append(request)
            return {"v": 1, "ok": False, "errno": 11, "error": "not yet"}
        held = {"v": 1, "ok": True, "placed": 0, "standing": 3}
        code, _, err, _, _ = self.fence(
            {"v": 1, "ok": True}, held, fenced=fenced,
            answer=lambda: facts(**SEALED, is_member=bool(told)))
        self.assertEqual(code, 1, err)
        self.assertEqual([(r["success"], r["last"]) for r in told][0],
                         (True, False))
        self.assertFalse(told[-1]["success"])
        told.clear()
        code, _, err, _, _ = self.fence({"v": 1, "ok": True}, held,
                                        fenced=fenced)
        self.assertEqual(code, 0, err)
        self.assertEqual({r["last"] for r in told[:-1]}, {False})
        self.assertTrue(told[-1]["last"])

    def test_placed_fails_once_or_waits(self):
        placed = {"v": 1, "ok": True, "placed": 2, "standing": 1}
        code, _, err, daemon, _ = self.fence({"v": 1, "ok": True}, placed)
        self.assertEqual(code, 1)
        self.assertIn("its 3 VMs are held", err)
        self.assertEqual(self.kinds(daemon), [])
        began = time.monotonic()
        code, _, err, _, _ = self.fence({"v": 1, "ok": True}, placed,
                                        "--after-hold", "wait")
        self.assertEqual(code, 0, err)
        self.assertGreaterEqual(time.monotonic() - began, 1.0)

    def test_placed_stays_placed_on_a_new_list(self):
        """A VM is released while the holds settle: what was placed is no
        older for that."""
        began = []

        def hold(_):
            began.append(time.monotonic())
            return {"v": 1, "ok": True, "placed": 2, "standing": 0} \
                if len(began) == 1 else \
                {"v": 1, "ok": True, "placed": 0, "standing": 1}

        def beats():
            return facts(**SEALED, list_generation=7 if not began else 8)
        code, _, err, _, manager = self.fence(
            {"v": 1, "ok": True}, hold, "--after-hold", "wait", answer=beats)
        self.assertEqual(code, 0, err)
        self.assertEqual([r["generation"] for r in manager.asked
                          if r["op"] == "hold"], [7, 8])
        self.assertGreaterEqual(time.monotonic() - began[0], 1.0)

    def test_a_late_hold_counts_as_placed(self):
        """It may have been put: that the next question finds nothing missing
        does not make the transition that asks younger."""
        def hold(_):
            hold.asked += 1
            hold.at = time.monotonic()
            return {"v": 1, "ok": True, "placed": 0, "standing": 1} \
                if hold.asked > 1 else {
                    "v": 1, "ok": False, "errno": 110, "error": "too late"}
        hold.asked = 0
        code, _, err, daemon, _ = self.fence({"v": 1, "ok": True}, hold)
        self.assertEqual((code, hold.asked), (1, 2), err)
        self.assertEqual(self.kinds(daemon), [])
        hold.asked = 0
        code, _, err, _, _ = self.fence({"v": 1, "ok": True}, hold,
                                        "--after-hold", "wait")
        self.assertEqual(code, 0, err)
        self.assertGreaterEqual(time.monotonic() - hold.at, 0.9)

    def test_an_open_migration_is_waited_for(self):
        """"Not yet" is no reason to reset a host, and no success."""
        def hold(_):
            hold.asked += 1
            return {"v": 1, "ok": True, "placed": 0, "standing": 1} \
                if hold.asked > hold.refusals else {
                    "v": 1, "ok": False, "errno": 11,
                    "error": "a migration of web1 to h2 is not settled"}
        hold.asked, hold.refusals = 0, 2
        code, _, err, daemon, _ = self.fence({"v": 1, "ok": True}, hold)
        self.assertEqual((code, hold.asked), (0, 3), err)
        hold.refusals = 1000
        code, _, err, daemon, _ = self.fence({"v": 1, "ok": True}, hold)
        self.assertEqual(code, 1)
        self.assertIn("a migration of web1 to h2 is not settled", err)
        self.assertEqual(self.kinds(daemon), [])

    def test_not_sealed_is_ordered_to_seal(self):
        code, _, _, daemon, manager = self.fence(
            {"v": 1, "ok": True},
            {"v": 1, "ok": True, "placed": 0, "standing": 1},
            answer=facts(**dict(SEALED, says_sealed=False)))
        self.assertEqual(code, 1)
        self.assertEqual(self.kinds(daemon), ["seal"])
        self.assertNotIn("hold", manager.ops())

    def test_forbidden_is_reset(self):
        code, _, err, daemon, manager = self.fence(
            {"v": 1, "ok": False, "errno": 1,
             "error": "dlm runs on h2 and no ticket gates it"},
            {"v": 1, "ok": True, "placed": 0, "standing": 1})
        self.assertEqual(code, 1)
        self.assertIn("dlm runs on h2", err)
        self.assertEqual(self.kinds(daemon), ["reset"])
        self.assertEqual(manager.ops(), ["may-hold"])

    def test_live_reset_asks_nobody(self):
        code, _, _, daemon, manager = self.fence(
            {"v": 1, "ok": True},
            {"v": 1, "ok": True, "placed": 0, "standing": 1},
            "--live", "reset")
        self.assertEqual(code, 1)
        self.assertEqual(self.kinds(daemon), ["reset"])
        self.assertNotIn("hold", manager.ops())

    def test_a_master_may_come(self):
        """No master yet: asked again, and held when there is one."""
        def may(_):
            may.asked += 1
            return {"v": 1, "ok": True} if may.asked > 2 else {
                "v": 1, "ok": False, "errno": 107, "error": "no master"}
        may.asked = 0
        code, _, err, daemon, _ = self.fence(
            may, {"v": 1, "ok": True, "placed": 0, "standing": 1})
        self.assertEqual(code, 0, err)
        self.assertEqual(self.kinds(daemon), [])

    def test_no_manager_is_reset(self):
        for answer in ({"v": 1, "ok": False, "errno": 107,
                        "error": "no master"}, {"v": 1, "ok": True}):
            code, _, err, daemon, _ = self.fence(
                {"v": 1, "ok": False, "errno": 107, "error": "no master"}
                if not answer["ok"] else answer, answer)
            self.assertEqual(code, 1)
            self.assertEqual(self.kinds(daemon), ["reset"], err)


if __name__ == "__main__":
    unittest.main()
