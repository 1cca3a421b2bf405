"""An application that we did not write calls for the protection of its data: it signs calls, opens answers and encrypts with PyPI's joserfc and
cryptography, against the element and the keyfront as they are shipped."""

import base64
import hashlib
import hmac
import http.server
import json
import secrets
import sqlite3
import subprocess
import threading
import time
import unittest
import urllib.request

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from protect_house import answered, b64, erasure, House, LOG, PROGRAMS, prove, unb64


class Protection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.keys = {
            "ES256": ECKey.generate_key("P-256"),
            "EdDSA": OKPKey.generate_key("Ed25519"),
            "RS256": RSAKey.generate_key(2048),
            "PS256": RSAKey.generate_key(3072),
        }
        cls.application = cls.house.register(*[(alg.lower(), alg, key) for alg, key in cls.keys.items()])
        cls.sessions = {"ECDH-ES": OKPKey.generate_key("X25519"), "RSA-OAEP-256": RSAKey.generate_key(2048)}

    @classmethod
    def tearDownClass(cls):
        cls.house.end()
        cls.house.folder.cleanup()

    def session(self, alg="ECDH-ES"):
        members = ("kty", "crv", "x", "y", "n", "e")
        public = self.sessions[alg].as_dict(private=False)
        return {"alg": alg, "jwk": {name: value for name, value in public.items() if name in members}}

    def claims(self, user, op):
        now = int(time.time())
        return {"iss": self.application, "aud": LOG, "iat": now, "exp": now + 120, "jti": secrets.token_hex(16), "sub": user, "op": op}

    def sign(self, claims, alg="ES256"):
        header = {"alg": alg, "kid": alg.lower(), "typ": "sceau-protect-call"}
        return jwt.encode(header, claims, self.keys[alg], algorithms=[alg])

    def bring(self, call):
        return self.house.post("/v1/protect/calls", call.encode(), "application/jose")

    def ask(self, user, op, alg="ES256"):
        claims = self.claims(user, op)
        status, answer = self.bring(self.sign(claims, alg))
        return status, answer | {"asked": claims["jti"]}

    def granted(self, user, op, alg="ES256"):
        status, answer = self.ask(user, op, alg)
        self.assertEqual(status, 200, answer)
        return answer

    def refused(self, answer, code):
        self.assertEqual(answer[1].get("code"), code, answer)

    def data_key(self, answer, alg="ECDH-ES"):
        message = jwe.decrypt_compact(answer["data_key"], self.sessions[alg], algorithms=[alg, "A256GCM"])
        self.assertEqual(message.protected["typ"], "sceau-data-key")
        key = json.loads(message.plaintext)
        self.assertEqual((key["kid"], key["call"]), (answer["datum"], answer["asked"]))
        return OctKey.import_key({"kty": "oct", "k": key["k"]}).raw_value, unb64(key["iv"])

    def opening(self, created, alg="ECDH-ES"):
        return {"open": {"datum": created["datum"], "wrapped_key": created["wrapped_key"], "session": self.session(alg)}}

    def test_a_field_is_encrypted_and_read_again_with_each_algorithm(self):
        for alg in self.keys:
            for session in self.sessions:
                with self.subTest(alg=alg, session=session):
                    op = {"create": {"name": "Ordonnance", "session": self.session(session)}}
                    created = self.granted("alice@example.org", op, alg)
                    key, iv = self.data_key(created, session)
                    sealed = AESGCM(key).encrypt(iv, b"Metformine 500 mg", created["datum"].encode())
                    opened = self.granted("alice@example.org", self.opening(created, session), alg)
                    key, iv = self.data_key(opened, session)
                    self.assertEqual(AESGCM(key).decrypt(iv, sealed, created["datum"].encode()), b"Metformine 500 mg")

    def test_who_is_not_authorised_gets_nothing(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        self.refused(self.ask("bob", self.opening(created)), "user_not_authorised")
        grant = {"grant": {"datum": created["datum"], "grant": {"to": {"user": "bob"}}}}
        changed = self.granted("alice", grant)
        self.assertEqual(changed["document"]["grants"][0]["to"], {"user": "bob"})
        self.assertEqual(self.data_key(self.granted("bob", self.opening(created))), self.data_key(created))
        self.granted("alice", {"revoke": {"datum": created["datum"], "to": {"user": "bob"}}})
        self.refused(self.ask("bob", self.opening(created)), "user_not_authorised")
        self.granted("alice", {"deactivate": {"datum": created["datum"]}})
        self.refused(self.ask("alice", self.opening(created)), "datum_inactive")
        described = self.granted("alice", {"describe": {"datum": created["datum"]}})
        self.assertEqual((described["document"]["status"], described["document"]["owner"]), ("inactive", "alice"))
        accesses = self.granted("alice", {"accesses": {"datum": created["datum"], "most": 3}})["accesses"]
        said = [(one["action"], one["user"], one["refused"]) for one in accesses["list"]]
        self.assertEqual(
            said,
            [
                ("datum.describe", "alice", None),
                ("datum.open", "alice", "datum_inactive"),
                ("datum.deactivate", "alice", None),
            ],
        )
        self.assertEqual(accesses["next"], accesses["list"][2]["index"])
        self.refused(
            self.ask("bob", {"accesses": {"datum": created["datum"]}}), "user_not_authorised"
        )

    def command(self, *arguments):
        ran = subprocess.run([PROGRAMS / "sceau", *arguments], capture_output=True, text=True, timeout=60)
        return ran.returncode, ran.stdout, ran.stderr

    def test_the_command_line_protects_a_file_for_whom_its_owner_says(self):
        folder = self.house.at / "files"
        folder.mkdir()
        key = folder / "application.key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True)
        key.chmod(0o600)
        public = OKPKey.import_key(key.read_bytes())
        raw = unb64(public.as_dict(private=False)["x"])
        application = self.house.register((hashlib.sha256(b"sceau/ed25519\0" + raw).hexdigest(), "EdDSA", public))
        said = {"keyfront": self.house.url, "audience": LOG, "application": application, "key": "application.key"}
        as_file = folder / "application.toml"
        as_file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items()))
        by = lambda user: ["--application", as_file, "--user", user]

        payslip, content = folder / "bulletin de paie.pdf", secrets.token_bytes(3_000_000)
        payslip.write_bytes(content)
        sealed = folder / "bulletin de paie.pdf.sceau"
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

        # What is granted is what a file is truly under: one whose header leads to another datum is not granted.
        code, _, said = self.command("grant", *by("alice"), "--to-user", "dora", sealed)
        self.assertEqual(code, 0)
        self.assertIn(f"bulletin de paie.pdf (datum {told['datum']})", said)
        holiday = folder / "congés.pdf"
        holiday.write_bytes(b"another")
        self.assertEqual(self.command("protect", *by("alice"), holiday)[0], 0)
        other, ours = (folder / "congés.pdf.sceau").read_bytes(), sealed.read_bytes()
        at, length = ours.index(unb64(told["datum"])), 32 + 2
        length += int.from_bytes(ours[at + 32 : at + 34], "big")
        glued = folder / "collé.sceau"
        glued.write_bytes(other[:at] + ours[at : at + length] + other[at + length :])
        code, _, said = self.command("grant", *by("alice"), "--to-user", "mallory", glued)
        self.assertEqual(code, 3, said)

        # One octet of the file changed, or of the wrapped key: nothing comes out.
        payslip.unlink()
        for at, code in [(-1, 3), (sealed.read_bytes().index(unb64(told["datum"])) + 34 + 20, 3)]:
            octets = bytearray(sealed.read_bytes())
            octets[at] ^= 1
            altered = folder / "altered.sceau"
            altered.write_bytes(octets)
            self.assertEqual(self.command("unprotect", *by("alice"), altered)[0], code)
            self.assertFalse(payslip.exists())
        key.chmod(0o644)
        code, _, error = self.command("unprotect", *by("alice"), sealed)
        self.assertEqual(code, 2, error)
        self.assertIn("application.key", error)

    def test_every_answer_is_proven_by_the_log_and_an_altered_one_is_not(self):
        def asked(op):
            call = self.sign(self.claims("alice", op) | {"prove": True})
            status, answer = self.bring(call)
            self.assertEqual(status, 200, answer)
            return call, answer

        log_key = self.house.log_key
        created = asked({"create": {"name": "Müller “π”", "tags": ["a\u2028/\\\""], "session": self.session()}})
        datum = created[1]["datum"]
        opened = asked(self.opening(created[1]))
        of = lambda name: asked({name: {"datum": datum}})
        answers = [created, opened, of("describe"), of("accesses"), of("deactivate"), of("erase"), of("erasure")]
        for call, answer in answers:
            record = prove(call, answer, self.application, log_key)
            self.assertNotIn("alice", json.dumps(record))
        erasure(answers[-1][1]["erasure"], log_key)
        self.assertEqual(answers[2][1]["document"]["name"], "Müller “π”")
        for at, name, other in [
            (1, "data_key", created[1]["data_key"]), (1, "proof", created[1]["proof"]), (1, "index", created[1]["index"]),
            (0, "wrapped_key", "AAAA"), (2, "document", answers[2][1]["document"] | {"owner": "mallory"}),
            (3, "accesses", {"list": [], "next": None}),
        ]:
            call, answer = answers[at]
            with self.subTest(altered=name), self.assertRaises(AssertionError):
                prove(call, answer | {name: other}, self.application, log_key)
        with self.assertRaises(AssertionError):
            prove(created[0], opened[1], self.application, log_key)

    def test_what_is_erased_is_certified(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        survivor = self.granted("alice", {"create": {"session": self.session()}})
        of = {"datum": created["datum"]}
        self.assertEqual(self.granted("alice", {"erase": of})["document"]["status"], "erased")
        self.refused(self.ask("alice", self.opening(created)), "datum_erased")
        before = self.granted("alice", {"erasure": of})["erasure"]
        self.assertIsNone(before["destroyed"])
        self.assertEqual(before["not_covered"], ["keys_handed_out", "keystore_copies"])
        self.assertEqual(len(erasure(before, self.house.log_key)), 1)
        self.house.end()
        self.house.begin()
        after = self.granted("alice", {"erasure": of})["erasure"]
        self.assertEqual(len(erasure(after, self.house.log_key)), 2)
        self.assertFalse((self.house.at / f"state/keys/keys/protect-epoch-{after['epoch']}-1.key").exists())
        # Its row in the database has the salt of the epoch before.
        self.assertEqual(self.data_key(self.granted("alice", self.opening(survivor))), self.data_key(survivor))
        self.refused(self.ask("alice", self.opening(created)), "datum_erased")

    def test_the_command_line_believes_the_log_and_erases(self):
        folder = self.house.at / "proven"
        folder.mkdir()
        key = folder / "application.key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True)
        key.chmod(0o600)
        public = OKPKey.import_key(key.read_bytes())
        raw = unb64(public.as_dict(private=False)["x"])
        application = self.house.register((hashlib.sha256(b"sceau/ed25519\0" + raw).hexdigest(), "EdDSA", public))

        def by(url, log_key=self.house.log_key):
            said = {"keyfront": url, "audience": LOG, "application": application, "key": "application.key", "log_key": log_key}
            as_file = folder / f"{len(list(folder.iterdir()))}.toml"
            as_file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items()))
            return ["--application", as_file, "--user", "alice"]

        payslip = folder / "payslip.pdf"
        payslip.write_bytes(b"a payslip")
        sealed = folder / "payslip.pdf.sceau"
        code, _, error = self.command("protect", *by(self.house.url), payslip)
        self.assertEqual(code, 0, error)
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
                code, out, error = self.command("accesses", *by(url), sealed)
                self.assertEqual(code != 0, words is not None, error)
                self.assertIn(words or "", error)
            liar.shutdown()
        stranger = "judge.test/log+" + self.house.log_key.split("+", 2)[1] + "+" + base64.b64encode(b"\x01" + bytes(32)).decode()
        self.assertNotEqual(self.command("accesses", *by(self.house.url, stranger), sealed)[0], 0)

        rules = lambda *more: self.command("rules", *by(self.house.url), *more, sealed)
        self.assertEqual(rules()[:2], (0, "No rules\n"))
        hours = ["--hours", "08:00-07:59", "--day", "monday", "--day", "tuesday", "--offset", "-05:00"]
        code, _, error = rules("--network", "127.0.0.0/8", "--reads", "3", *hours)
        self.assertEqual(code, 0, error)
        asked = {"networks": ["127.0.0.0/8"], "reads": 3, "hours": {"days": ["monday", "tuesday"], "from": "08:00", "until": "07:59", "offset": "-05:00"}}
        self.assertEqual(json.loads(rules("--json")[1])["rules"], asked)
        self.assertIn("Given out from 08:00 until 07:59 (UTC-05:00), monday, tuesday\nOpened 3 times at most", rules()[1])
        datum = json.loads(rules("--json")[1])["datum"]
        self.assertEqual(self.command("rules", *by(self.house.url), "--none", "--datum", datum)[0], 0)
        self.assertEqual(rules()[:2], (0, "No rules\n"))
        for wrong in [["--network", "10.0.0.0/33"], ["--hours", "8-18"], ["--hours", "08:00-18:00", "--day", "lundi"], ["--day", "monday"], ["--none", "--reads", "1"]]:
            self.assertEqual(rules(*wrong)[0], 2, wrong)

        certificate, log_key = folder / "payslip.erasure", folder / "log.vkey"
        log_key.write_text(self.house.log_key)
        code, _, error = self.command("erase", *by(self.house.url), sealed, "--certificate", certificate)
        self.assertEqual(code, 0, error)
        self.assertIn("is to be destroyed by", error)
        self.assertNotEqual(self.command("unprotect", *by(self.house.url), "--force", sealed)[0], 0)
        self.house.end()
        self.house.begin()
        erase = ["erase", *by(self.house.url), sealed, "--certificate", certificate]
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

    def work(self, path, call, body, *options):
        """curl, which sends while it reads, and says whether the answer ended as answers do."""
        url = f"{self.house.url}/v1/protect/{path}"
        asked = ["curl", "--silent", "--max-time", "60", "-X", "POST", "-H", f"Sceau-Call: {call}", "-T", "-", "-w", "%{stderr}%{http_code}"]
        ran = subprocess.run([*asked, *options, url], input=body, capture_output=True)
        return ran.returncode, ran.stderr.decode()[-3:], ran.stdout

    def test_the_service_encrypts_and_decrypts_bodies(self):
        with urllib.request.urlopen(f"{self.house.url}/v1/protect/keyfront", timeout=30) as answer:
            said = json.load(answer)
        self.assertEqual(said["audience"], LOG)
        content = secrets.token_bytes(5_000_000)
        bound = {"body": b64(hashlib.sha256(content).digest())}
        create = self.sign(self.claims("alice", {"create": {"session": said["session"]}}) | bound)
        code, status, sealed = self.work("encrypt", create, content, "--http2-prior-knowledge")
        self.assertEqual((code, status, sealed[:5]), (0, "200", b"sceau"))
        # The one stanza of the header (docs/envelope.md): fixed (56), length (4), count (2), suite (2), datum (32), length (2), wrapped key.
        datum, length = b64(sealed[64:96]), int.from_bytes(sealed[96:98], "big")
        op = lambda: {"open": {"datum": datum, "wrapped_key": b64(sealed[98 : 98 + length]), "session": said["session"]}}
        for version in ["--http1.1", "--http2-prior-knowledge"]:
            with self.subTest(version=version):
                opened = self.work("decrypt", self.sign(self.claims("alice", op())), sealed, version)
                self.assertEqual(opened, (0, "200", content))
                altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
                code, _, came = self.work("decrypt", self.sign(self.claims("alice", op())), altered, version)
                self.assertNotEqual(code, 0)
                self.assertTrue(len(came) < len(content) and content.startswith(came))
                code, status, _ = self.work("decrypt", self.sign(self.claims("bob", op())), sealed, version)
                self.assertEqual((code, status), (0, "403"))

    def test_what_is_forged_replayed_or_unreadable_is_refused(self):
        claims = self.claims("alice", {"create": {"session": self.session()}})
        part = lambda value: b64(json.dumps(value).encode())
        none = f"{part({'alg': 'none', 'kid': 'es256', 'typ': 'sceau-protect-call'})}.{part(claims)}."
        self.refused(self.bring(none), "proof_invalid")
        public = self.keys["RS256"].as_pem(private=False)
        header = {"alg": "HS256", "kid": "rs256", "typ": "sceau-protect-call"}
        body = f"{part(header)}.{part(claims)}"
        shared = f"{body}.{b64(hmac.new(public, body.encode(), 'sha256').digest())}"
        self.refused(self.bring(shared), "proof_invalid")
        call = self.sign(claims)
        self.assertEqual(self.bring(call)[0], 200)
        self.refused(self.bring(call), "call_replayed")
        self.refused(self.bring("a" * 100_000), "too_large")
        self.refused(self.bring(""), "proof_invalid")
        self.refused(self.bring(self.sign(claims | {"aud": "elsewhere", "jti": secrets.token_hex(16)})), "call_elsewhere")
        old = {"iat": claims["iat"] - 1000, "exp": claims["iat"] - 900, "jti": secrets.token_hex(16)}
        self.refused(self.bring(self.sign(claims | old)), "call_expired")

    def test_what_the_database_lost_or_rolled_back_is_brought_back(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        datum = created["datum"]
        self.granted("alice", {"grant": {"datum": datum, "grant": {"to": {"user": "bob"}}}})
        database = lambda: sqlite3.connect(self.house.at / "data/records.db", timeout=30)
        with database() as rows:
            with_bob = rows.execute("SELECT payload FROM protect_datum WHERE id = ?", (datum,)).fetchone()
        self.granted("alice", {"revoke": {"datum": datum, "to": {"user": "bob"}}})
        with database() as rows:
            rows.execute("UPDATE protect_datum SET payload = ? WHERE id = ?", (*with_bob, datum))
        self.refused(self.ask("bob", self.opening(created)), "user_not_authorised")
        with database() as rows:
            rows.execute("DELETE FROM protect_datum WHERE id = ?", (datum,))
        self.assertEqual(self.data_key(self.granted("alice", self.opening(created))), self.data_key(created))
        with database() as rows:
            self.assertEqual(rows.execute("SELECT owner, version FROM protect_datum WHERE id = ?", (datum,)).fetchone(), ("alice", 3))

    def test_a_killed_element_gives_the_same_key_and_knows_its_calls(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        call = self.sign(self.claims("alice", self.opening(created)))
        self.assertEqual(self.bring(call)[0], 200)
        self.house.end()
        self.house.begin()
        self.refused(self.bring(call), "call_replayed")
        self.assertEqual(self.data_key(self.granted("alice", self.opening(created))), self.data_key(created))


if __name__ == "__main__":
    unittest.main()
