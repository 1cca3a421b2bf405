"""The TypeScript client (web/protect) against the element and the keyfront as they are shipped, and against readers and writers that we did not
write: what it protects, PyPI's joserfc and cryptography open, and the command line, and the other way round."""

import hashlib
import http.server
import json
import os
import pathlib
import secrets
import subprocess
import threading
import unittest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import ECKey, OKPKey, RSAKey
from protect_application import Application
from protect_house import LOG, PROGRAMS, House, b64, unb64

HERE = pathlib.Path(__file__).parent
GENERATE = {
    "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "EdDSA": ["ED25519"],
    "PS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}


class Python(Application):
    """The Python caller's own ways of asking, with keys that the other callers read too."""

    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.keys, cls.pem, cls.kid = {}, {}, {}
        cls.at = cls.house.at / "files"
        cls.at.mkdir()
        for alg, options in GENERATE.items():
            cls.pem[alg] = subprocess.run(["openssl", "genpkey", "-algorithm", *options], capture_output=True, check=True).stdout
            kind = ECKey if alg == "ES256" else OKPKey if alg == "EdDSA" else RSAKey
            cls.keys[alg] = kind.import_key(cls.pem[alg])
            cls.kid[alg] = alg.lower()
        # The command line knows its key by its fingerprint.
        raw = unb64(cls.keys["EdDSA"].as_dict(private=False)["x"])
        cls.kid["EdDSA"] = hashlib.sha256(b"sceau/ed25519\0" + raw).hexdigest()
        cls.application = cls.house.register(*[(cls.kid[alg], alg, key) for alg, key in cls.keys.items()])
        cls.sessions = {"ECDH-ES": OKPKey.generate_key("X25519"), "RSA-OAEP-256": RSAKey.generate_key(2048)}
        settings = {"keyfront": cls.house.url, "audience": LOG, "application": cls.application, "key": "application.key"}
        (cls.at / "application.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
        (cls.at / "application.key").write_bytes(cls.pem["EdDSA"])
        (cls.at / "application.key").chmod(0o600)

    def node(self, act, user, alg="ES256", settings=None, **takes):
        """What the Node application says."""
        known = {"keyfront": self.house.url, "audience": LOG, "application": self.application} | (settings or {})
        asked = {"settings": known, "alg": alg, "kid": self.kid[alg], "pem": self.pem[alg].decode(), "user": user} | takes
        ran = subprocess.run(["node", HERE / "protect_node.mjs", act], input=json.dumps(asked), capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return json.loads(ran.stdout)

    def sceau(self, command, user, *arguments):
        options = ["--application", self.at / "application.toml", "--user", user]
        ran = subprocess.run([PROGRAMS / "sceau", command, *options, *arguments], capture_output=True, text=True, timeout=60)
        return ran.returncode, ran.stderr


class Node(Python):
    def test_what_node_protects_python_opens_with_each_algorithm_and_curve(self):
        for alg in self.keys:
            for curve in ("P-256", "X25519"):
                with self.subTest(alg=alg, curve=curve):
                    said = self.node("protectField", "alice", alg, {"session": curve}, text="Metformine 500 mg", about={"name": "Ordonnance"})
                    field = said["field"]
                    answer = self.granted("alice", self.opening({"datum": field["datum"], "wrapped_key": field["wrappedKey"]}))
                    key, iv = self.data_key(answer)
                    self.assertEqual(iv, unb64(field["iv"]), "the first text of a datum takes the vector that came with its key")
                    opened = AESGCM(key).decrypt(iv, unb64(field["ciphertext"]), field["datum"].encode())
                    self.assertEqual(opened, b"Metformine 500 mg")

    def test_what_python_protects_node_opens(self):
        created = self.granted("alice", {"create": {"session": self.session()}})
        key, iv = self.data_key(created)
        sealed = AESGCM(key).encrypt(iv, "Élodie".encode(), created["datum"].encode())
        field = {"datum": created["datum"], "wrappedKey": created["wrapped_key"], "ciphertext": b64(sealed)}
        for curve in ("P-256", "X25519"):
            self.assertEqual(self.node("openField", "alice", settings={"session": curve}, field=field), {"text": "Élodie"})
        refused = {"code": "user_not_authorised", "fault": "caller", "passing": False}
        self.assertEqual(self.node("openField", "bob", field=field), refused)
        wrong = sealed[:-1] + bytes([sealed[-1] ^ 1])
        said = self.node("openField", "alice", field=field | {"ciphertext": b64(wrong)})
        self.assertEqual(said, {"code": "field_refused", "fault": "data", "passing": False})

    def test_many_fields_are_protected_and_opened_by_one_call_each(self):
        texts = [f"Metformine {mg} mg" for mg in range(40)]
        shared = {"grants": [{"to": {"user": "bob"}}]}
        asked = [{"text": text, "about": shared if n % 2 else {}} for n, text in enumerate(texts)]
        for curve in ("P-256", "X25519"):
            fields = self.node("protectMany", "alice", settings={"session": curve}, fields=asked)["fields"]
            self.assertEqual(len({field["datum"] for field in fields}), len(texts))
            answer = self.granted("alice", self.opening({"datum": fields[7]["datum"], "wrapped_key": fields[7]["wrappedKey"]}))
            key, _ = self.data_key(answer)
            opened = AESGCM(key).decrypt(unb64(fields[7]["iv"]), unb64(fields[7]["ciphertext"]), fields[7]["datum"].encode())
            self.assertEqual(opened, texts[7].encode())
            wrong = [*fields[:3], fields[3] | {"ciphertext": fields[5]["ciphertext"]}, *fields[4:]]
            said = self.node("openMany", "alice", settings={"session": curve}, fields=wrong)["texts"]
            self.assertEqual(said, [*texts[:3], {"code": "field_refused"}, *texts[4:]])
            said = self.node("openMany", "bob", settings={"session": curve}, fields=fields)["texts"]
            self.assertEqual(said, [text if n % 2 else {"code": "user_not_authorised"} for n, text in enumerate(texts)])

    def test_no_two_texts_of_a_datum_have_one_vector(self):
        fields = self.node("protectFields", "alice", texts=["one", "two", "three"])["fields"]
        fields.append(self.node("rewriteField", "alice", field=fields[0], text="four")["field"])
        self.assertEqual(len({field["iv"] for field in fields}), 4)
        answer = self.granted("alice", self.opening({"datum": fields[0]["datum"], "wrapped_key": fields[0]["wrappedKey"]}))
        key, _ = self.data_key(answer)
        for field, text in zip(fields, [b"one", b"two", b"three", b"four"]):
            self.assertEqual(AESGCM(key).decrypt(unb64(field["iv"]), unb64(field["ciphertext"]), field["datum"].encode()), text)
            with self.assertRaises(InvalidTag):
                AESGCM(key).decrypt(unb64(field["iv"]), unb64(field["ciphertext"]), b"another datum")

    def test_a_session_elsewhere_opens_what_a_server_carries(self):
        field = self.node("protectFieldElsewhere", "alice", text="drawn in a browser")["field"]
        self.assertEqual(self.node("openField", "alice", field=field), {"text": "drawn in a browser"})

    def test_files_pass_between_node_and_the_command_line(self):
        for size in (0, 1_048_520, 3_000_000):
            with self.subTest(size=size):
                folder = self.at / str(size)
                folder.mkdir()
                payslip, content = folder / "bulletin de paie.pdf", secrets.token_bytes(size)
                payslip.write_bytes(content)
                sealed, opened = folder / "sealed.sceau", folder / "opened"
                code, error = self.sceau("protect", "alice", "-o", sealed, payslip)
                self.assertEqual(code, 0, error)
                said = self.node("openFile", "alice", **{"from": str(sealed), "to": str(opened)})
                self.assertEqual((said["name"], opened.read_bytes()), ("bulletin de paie.pdf", content))

                theirs = folder / "theirs.sceau"
                said = self.node("protectFile", "alice", **{"from": str(payslip), "to": str(theirs), "name": "fiche.pdf"})
                self.assertEqual(theirs.stat().st_size - sealed.stat().st_size, 0, "envelopes are of one length")
                code, error = self.sceau("unprotect", "alice", "-o", folder, theirs)
                self.assertEqual((code, (folder / "fiche.pdf").read_bytes()), (0, content), error)
                self.assertEqual(self.sceau("unprotect", "bob", "-o", folder / "bob", theirs)[0], 4)
                self.assertEqual(self.sceau("grant", "alice", "--to-user", "bob", theirs)[0], 0)
                again = self.node("openFile", "bob", **{"from": str(theirs), "to": str(opened)})
                self.assertEqual((again["datum"], again["type"]), (said["datum"], "application/pdf"))

    def test_an_altered_or_cut_file_is_told(self):
        plain, sealed, altered, out = (self.at / name for name in ("plain", "sealed", "altered", "out"))
        plain.write_bytes(secrets.token_bytes(2_500_000))
        self.node("protectFile", "alice", **{"from": str(plain), "to": str(sealed), "name": "a"})
        octets = sealed.read_bytes()
        flipped = octets[:-1] + bytes([octets[-1] ^ 1])
        cases = [(flipped, "segment_refused"), (octets[:2_000_000], "segment_refused"), (octets[:60], "header_truncated"), (b"%PDF-1.7", "header_not_an_envelope")]
        for bad, code in cases:
            altered.write_bytes(bad)
            said = self.node("openFile", "alice", **{"from": str(altered), "to": str(out)})
            self.assertEqual(said, {"code": code, "fault": "data", "passing": False})

    def test_each_operation_is_carried(self):
        field = self.node("protectField", "alice", text="x", about={"name": "Dossier", "tags": ["a"]})["field"]
        to = {"group": "payroll"}
        rules = {"networks": ["127.0.0.0/8"], "reads": 3}
        acts = [
            ["grant", {"to": to}], ["setGrantActive", to, False], ["setGrantActive", to, True], ["setRules", rules],
            ["describe"], ["deactivate"], ["activate"], ["revoke", to], ["accesses"],
            ["setValidity", {"expires": "2030-01-02T03:04:05.000Z"}],
        ]
        said = self.node("operations", "alice", datum=field["datum"], list=acts)["said"]
        self.assertEqual(said[0]["document"]["grants"][0]["to"], to)
        self.assertEqual([one["document"]["grants"][0]["status"] for one in said[1:3]], ["inactive", "active"])
        self.assertEqual((said[4]["rules"], said[4]["owner"], said[4]["name"]), (rules, "alice", "Dossier"))
        self.assertEqual([one["document"]["status"] for one in said[5:7]], ["inactive", "active"])
        self.assertEqual(said[7]["document"]["grants"], [])
        self.assertEqual((said[9]["document"]["expires"], said[9]["document"]["validUntil"]), ("2030-01-02T03:04:05.000Z", None))
        actions = [one["action"].removeprefix("datum.") for one in reversed(said[8]["list"])]
        self.assertEqual(actions[:3], ["create", "grant", "grant.deactivate"])
        self.assertEqual(actions[-1], "revoke")
        for index in range(3):
            self.assertIn("text", self.node("openField", "alice", field=field), index)
        self.assertEqual(self.node("openField", "alice", field=field)["code"], "reads_spent")

    def test_a_second_person_agrees(self):
        about = {"rules": {"second_person": {"within_minutes": 5}}, "grants": [{"to": {"user": "bob"}}]}
        field = self.node("protectField", "alice", text="x", about=about)["field"]
        self.assertEqual(self.node("openField", "alice", field=field)["code"], "second_person_needed")
        agree = [["agree", "alice"]]
        self.assertEqual(self.node("operations", "alice", datum=field["datum"], list=agree)["code"], "same_person")
        self.node("operations", "bob", datum=field["datum"], list=agree)
        self.assertEqual(self.node("openField", "alice", field=field), {"text": "x"})
        self.assertEqual(self.node("openField", "alice", field=field)["code"], "second_person_needed")

    def test_with_the_logs_key_what_the_log_does_not_prove_is_refused(self):
        known = {"logKey": self.house.log_key}
        field = self.node("protectField", "alice", settings=known, text="x")["field"]
        self.assertEqual(self.node("openField", "alice", settings=known, field=field), {"text": "x"})
        acts = [["grant", {"to": {"user": "Élodie \u00a0 \U0001f33b"}}], ["describe"], ["accesses"], ["erase"], ["describe"], ["erasure"]]
        said = self.node("operations", "alice", settings=known, datum=field["datum"], list=acts)["said"]
        self.assertEqual((said[3]["document"]["status"], said[4]["status"]), ("erased", "erased"))
        self.assertEqual(self.node("openField", "alice", field=field), {"code": "datum_erased", "fault": "caller", "passing": False})
        certificate = self.at / "certificate.json"
        certificate.write_text(said[5]["text"])
        self.assertEqual((said[5]["datum"], said[5]["destroyed"]), (field["datum"], None))
        options = ["--log-key", self.house.log_key]
        self.assertEqual(subprocess.run([PROGRAMS / "sceau", "trace", "verify", certificate, *options], capture_output=True).returncode, 0)

        field = self.node("protectField", "alice", text="x")["field"]
        last = {}

        def older(answer):
            """What was answered to the call before."""
            before = dict(last) or answer
            last.update(answer)
            return before

        alterations = {
            "document": lambda answer: answer | {"document": answer["document"] | {"name": "another"}},
            "index": lambda answer: answer | {"index": answer["index"] - 1},
            "proof": lambda answer: {name: part for name, part in answer.items() if name != "proof"},
            "accesses": lambda answer: answer | {"accesses": {"list": [], "next": None}},
            "older": older,
        }
        for name, alter in alterations.items():
            between = {"keyfront": self.between(alter)}
            for _ in range(2 if name == "older" else 1):
                said = self.node("operations", "alice", settings=known | between, datum=field["datum"], list=[["describe"]])
            self.assertEqual(said, {"code": "answer_unproven", "fault": "answer", "passing": False}, name)
        same = {"keyfront": self.between(lambda answer: answer)}
        self.assertIn("said", self.node("operations", "alice", settings=known | same, datum=field["datum"], list=[["describe"]]))

    def between(self, alter):
        """Who stands before the keyfront, and alters its answers."""
        house = self.house

        class Between(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = house.post(self.path, body, self.headers["content-type"])
                said = json.dumps(alter(answer) if status == 200 else answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(lambda: (server.shutdown(), server.server_close()))
        return f"http://127.0.0.1:{server.server_address[1]}"

    def test_the_guides_example_does_what_it_says(self):
        """As an outsider has it: the packed package, the example of the guide beside it, compiled strictly for Node."""
        web, project = HERE.parent.parent / "web", self.at / "project"
        package = project / "node_modules/@sceau/protect"
        package.mkdir(parents=True)
        packed = subprocess.run(["npm", "pack", "--silent", "--pack-destination", project], cwd=web / "protect", capture_output=True, text=True, check=True)
        subprocess.run(["tar", "-xzf", project / packed.stdout.strip(), "-C", package, "--strip-components=1"], check=True)
        (project / "node_modules/@types").symlink_to(web / "node_modules/@types")
        (project / "package.json").write_text('{"type": "module"}')
        guide = (HERE.parent.parent / "docs/protect-in-ten-minutes.md").read_text()
        (project / "field.ts").write_text(guide.split("```ts\n")[1].split("```")[0])
        options = ["--strict", "--module", "nodenext", "--target", "es2023", "--lib", "es2023,dom,dom.asynciterable", "--types", "node"]
        compiled = subprocess.run([web / "node_modules/.bin/tsc", *options, "field.ts"], cwd=project, capture_output=True, text=True)
        self.assertEqual(compiled.returncode, 0, compiled.stdout)

        (project / "application.key").write_bytes(self.pem["ES256"])
        application = self.house.register(("2026-a", "ES256", self.keys["ES256"]))
        environment = os.environ | {"KEYFRONT": self.house.url, "AUDIENCE": LOG, "APPLICATION": application}
        ran = subprocess.run(["node", "field.js"], cwd=project, env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(
            ran.stdout.splitlines(),
            [
                "user_not_authorised caller",
                "Metformine 500 mg",
                "datum.open bob@example.org null",
                "datum.grant alice@example.org null",
                "datum.open bob@example.org user_not_authorised",
                "datum.create alice@example.org null",
            ],
        )


del Python

if __name__ == "__main__":
    unittest.main()
