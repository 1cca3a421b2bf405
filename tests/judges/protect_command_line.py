"""`sceau protect`, `unprotect` and their like for an application's user, against the element and the keyfront as they are shipped, and against a keyfront that lies."""

import base64
import hashlib
import http.server
import json
import secrets
import subprocess
import threading
import time
import unittest

from joserfc.jwk import OKPKey
from protect_application import Application
from protect_house import erasure, LOG, PROGRAMS, unb64


class Desk:
    """A folder with an application's key file, registered, and the files that `sceau` is told of it with."""

    def __init__(self, house, name):
        self.house, self.folder = house, house.at / name
        self.folder.mkdir()
        self.key = self.folder / "application.key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", self.key], check=True)
        self.key.chmod(0o600)
        public = OKPKey.import_key(self.key.read_bytes())
        raw = unb64(public.as_dict(private=False)["x"])
        self.application = house.register((hashlib.sha256(b"sceau/ed25519\0" + raw).hexdigest(), "EdDSA", public))

    def by(self, user="alice", **other):
        said = {"keyfront": self.house.url, "audience": LOG, "application": self.application, "key": "application.key", "log_key": self.house.log_key}
        as_file = self.folder / f"{len(list(self.folder.iterdir()))}.toml"
        as_file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in (said | other).items() if value is not None))
        return ["--application", as_file, "--user", user]


class CommandLine(Application):
    def command(self, *arguments):
        ran = subprocess.run([PROGRAMS / "sceau", *arguments], capture_output=True, text=True, timeout=60)
        return ran.returncode, ran.stdout, ran.stderr

    def protected(self, desk, content=b"a payslip", name="payslip.pdf"):
        """A file of alice's, and where it is once it is protected."""
        plain = desk.folder / name
        plain.write_bytes(content)
        code, _, error = self.command("protect", *desk.by(), plain)
        self.assertEqual(code, 0, error)
        return plain, desk.folder / f"{name}.sceau"

    def test_the_command_line_protects_a_file_for_whom_its_owner_says(self):
        desk = Desk(self.house, "files")
        # Without the log's key nothing is proven, and all else is the same.
        by = lambda user: desk.by(user, log_key=None)
        payslip, content = desk.folder / "bulletin de paie.pdf", secrets.token_bytes(3_000_000)
        payslip.write_bytes(content)
        sealed = desk.folder / "bulletin de paie.pdf.sceau"
        code, out, error = self.command("protect", *by("alice"), "--grant-group", "payroll", "--tag", "2026", "--json", payslip)
        self.assertEqual(code, 0, error)
        told = json.loads(out)
        self.assertEqual((told["size"], told["output"]), (3_000_000, str(sealed)))
        self.assertNotIn(content[:64], sealed.read_bytes())

        payslip.unlink()
        code, _, error = self.command("unprotect", *by("bob"), "--json", sealed)
        self.assertEqual((code, json.loads(error)["code"]), (4, "user_not_authorised"))
        self.assertFalse(payslip.exists())
        code, _, error = self.command("unprotect", *by("bob"), "--in-group", "payroll", sealed)
        self.assertEqual((code, payslip.read_bytes()), (0, content), error)
        for act, code in [("grant", 0), ("revoke", 4)]:
            self.assertEqual(self.command(act, *by("alice"), "--to-user", "carol", sealed)[0], 0)
            payslip.unlink()
            self.assertEqual(self.command("unprotect", *by("carol"), sealed)[0], code)
            payslip.touch()
        code, out, _ = self.command("accesses", *by("alice"), "--json", "--datum", told["datum"])
        accesses = [(one["action"], one["user"], one["refused"]) for one in json.loads(out)["accesses"]]
        self.assertEqual(
            accesses,
            [
                ("datum.open", "carol", "user_not_authorised"),
                ("datum.revoke", "alice", None),
                ("datum.open", "alice", None),
                ("datum.open", "carol", None),
                ("datum.grant", "alice", None),
                ("datum.open", "alice", None),
                ("datum.open", "bob", None),
                ("datum.open", "bob", "user_not_authorised"),
                ("datum.create", "alice", None),
            ],
        )
        code, out, _ = self.command("accesses", *by("alice"), sealed)
        self.assertIn("alice removed an authorisation from a datum (user carol), from 127.0.0.1", out)

    def test_what_is_granted_is_what_a_file_is_truly_under(self):
        desk = Desk(self.house, "glued")
        sealed = self.protected(desk)[1]
        code, out, said = self.command("grant", *desk.by(), "--to-user", "dora", sealed)
        self.assertEqual(code, 0)
        datum = json.loads(self.command("rules", *desk.by(), "--json", sealed)[1])["datum"]
        self.assertIn(f"payslip.pdf (datum {datum})", said)
        # One whose header leads to another datum is not granted.
        other, ours = self.protected(desk, b"another", "congés.pdf")[1].read_bytes(), sealed.read_bytes()
        at, length = ours.index(unb64(datum)), 32 + 2
        length += int.from_bytes(ours[at + 32 : at + 34], "big")
        glued = desk.folder / "collé.sceau"
        glued.write_bytes(other[:at] + ours[at : at + length] + other[at + length :])
        code, _, said = self.command("grant", *desk.by(), "--to-user", "mallory", glued)
        self.assertEqual(code, 3, said)

    def test_nothing_comes_out_of_what_was_changed(self):
        desk = Desk(self.house, "changed")
        payslip, sealed = self.protected(desk, secrets.token_bytes(300_000))
        datum = json.loads(self.command("rules", *desk.by(), "--json", sealed)[1])["datum"]
        payslip.unlink()
        # One octet of the file, or of the wrapped key.
        for at in [-1, sealed.read_bytes().index(unb64(datum)) + 34 + 20]:
            octets = bytearray(sealed.read_bytes())
            octets[at] ^= 1
            altered = desk.folder / "altered.sceau"
            altered.write_bytes(octets)
            self.assertEqual(self.command("unprotect", *desk.by(), altered)[0], 3)
            self.assertFalse(payslip.exists())
        desk.key.chmod(0o644)
        code, _, error = self.command("unprotect", *desk.by(), sealed)
        self.assertEqual(code, 2, error)
        self.assertIn("application.key", error)

    def test_the_command_line_believes_the_log(self):
        desk = Desk(self.house, "proven")
        sealed = self.protected(desk)[1]
        # A keyfront that leaves the proof out, or says less than the element did; and the key of another log.
        house, told = self.house, {}

        class Liar(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = house.post(self.path, body, self.headers["content-type"])
                told["change"](answer)
                body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar) as liar:
            threading.Thread(target=liar.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{liar.server_address[1]}"
            for change, words in [
                (lambda answer: None, None),
                (lambda answer: answer.pop("proof"), "without the log's proof"),
                (lambda answer: answer["accesses"]["list"].pop(0), "answered this call so"),
            ]:
                told["change"] = change
                code, out, error = self.command("accesses", *desk.by(keyfront=url), sealed)
                self.assertEqual(code != 0, words is not None, error)
                self.assertIn(words or "", error)
            liar.shutdown()
        stranger = "judge.test/log+" + self.house.log_key.split("+", 2)[1] + "+" + base64.b64encode(b"\x01" + bytes(32)).decode()
        self.assertNotEqual(self.command("accesses", *desk.by(log_key=stranger), sealed)[0], 0)

    def test_rules_are_set_and_told(self):
        desk = Desk(self.house, "ruled")
        sealed = self.protected(desk)[1]
        rules = lambda *more: self.command("rules", *desk.by(), *more, sealed)
        self.assertEqual(rules()[:2], (0, "No rules\n"))
        hours = ["--hours", "08:00-07:59", "--day", "monday", "--day", "tuesday", "--offset", "-05:00"]
        code, _, error = rules("--network", "127.0.0.0/8", "--reads", "3", *hours)
        self.assertEqual(code, 0, error)
        asked = {"networks": ["127.0.0.0/8"], "reads": 3, "hours": {"days": ["monday", "tuesday"], "from": "08:00", "until": "07:59", "offset": "-05:00"}}
        self.assertEqual(json.loads(rules("--json")[1])["rules"], asked)
        self.assertIn("Given out from 08:00 until 07:59 (UTC-05:00), monday, tuesday\nOpened 3 times at most", rules()[1])
        datum = json.loads(rules("--json")[1])["datum"]
        self.assertEqual(self.command("rules", *desk.by(), "--none", "--datum", datum)[0], 0)
        self.assertEqual(rules()[:2], (0, "No rules\n"))
        for wrong in [["--network", "10.0.0.0/33"], ["--hours", "8-18"], ["--hours", "08:00-18:00", "--day", "lundi"], ["--day", "monday"], ["--none", "--reads", "1"]]:
            self.assertEqual(rules(*wrong)[0], 2, wrong)

    def test_a_second_person_agrees_to_an_opening(self):
        desk = Desk(self.house, "agreed")
        sealed = self.protected(desk)[1]
        rules = lambda *more: self.command("rules", *desk.by(), *more, sealed)
        datum = json.loads(rules("--json")[1])["datum"]
        self.assertEqual(rules("--second-person", "30")[0], 0)
        self.assertIn("another user agreed, at most 30 minutes before", rules()[1])
        self.assertIn("second_person_needed", self.command("unprotect", *desk.by(), "--force", sealed)[2])
        self.assertEqual(self.command("agree", *desk.by(), "--to-user", "alice", sealed)[0] != 0, True)
        self.assertEqual(self.command("grant", *desk.by(), "--to-user", "bob", "--datum", datum)[0], 0)
        code, _, error = self.command("agree", *desk.by("bob"), "--to-user", "alice", sealed)
        self.assertEqual(code, 0, error)
        self.assertEqual(self.command("unprotect", *desk.by(), "--force", sealed)[0], 0)
        self.assertEqual(self.command("rules", *desk.by(), "--none", "--datum", datum)[0], 0)

    def test_keys_are_renewed(self):
        desk = Desk(self.house, "renewed")
        sealed = self.protected(desk)[1]
        renew = lambda days: self.command("renew", *desk.by(), "--days", days, "--json", sealed)
        code, out, error = renew("3650")
        self.assertEqual(code, 0, error)
        self.assertAlmostEqual(json.loads(out)["document"]["expires"] / 1000, time.time() + 3650 * 86400, delta=60)
        self.assertEqual([renew(days)[0] for days in ("0", "3651")], [2, 2])
        datum = json.loads(self.command("rules", *desk.by(), "--json", sealed)[1])["datum"]
        code, _, error = self.command("renew", *desk.by(), "--days", "30", "--datum", datum)
        self.assertEqual(code, 0, error)
        self.assertIn(f"the key of datum {datum} ends on 20", error)

    def test_an_erasure_is_certified(self):
        desk = Desk(self.house, "erased")
        sealed = self.protected(desk)[1]
        certificate, log_key = desk.folder / "payslip.erasure", desk.folder / "log.vkey"
        log_key.write_text(self.house.log_key)
        code, _, error = self.command("erase", *desk.by(), sealed, "--certificate", certificate)
        self.assertEqual(code, 0, error)
        self.assertIn("is to be destroyed by", error)
        self.assertNotEqual(self.command("unprotect", *desk.by(), "--force", sealed)[0], 0)
        self.house.end()
        self.house.begin()
        erase = ["erase", *desk.by(), sealed, "--certificate", certificate]
        self.assertEqual(self.command(*erase)[0], 2, "an older one is there")
        code, _, error = self.command(*erase, "--force")
        self.assertEqual(code, 0, error)
        self.assertIn("had been destroyed on", error)
        self.assertEqual(len(erasure(json.loads(certificate.read_text()), self.house.log_key)), 2)
        code, out, error = self.command("trace", "verify", certificate, "--log-key", f"@{log_key}")
        self.assertEqual(code, 0, error)
        self.assertIn("Verified: the log signed these records", out)
        certificate.write_text(certificate.read_text().replace('"epoch": ', '"epoch": 1'))
        self.assertEqual(self.command("trace", "verify", certificate, "--log-key", f"@{log_key}")[0], 5)


if __name__ == "__main__":
    unittest.main()
