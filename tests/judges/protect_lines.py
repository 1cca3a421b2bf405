"""The trace as lines (docs/trace-lines.md): its form, field by field, read by a program that is not ours, and what the element says of lines that were altered."""

import base64
import datetime
import json
import secrets
import subprocess
import time
import unittest

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey
from protect_house import LOG, PROGRAMS, Element, Files, House, Token, unb64

FIELDS = ["Version", "Global-ID", "DCS-ID", "Id-Mi", "Date", "User", "IP", "Action", "Signature"]


class Lines(unittest.TestCase):
    KEYS = Files

    @classmethod
    def setUpClass(cls):
        cls.house = House(cls.KEYS)
        cls.key, session = ECKey.generate_key("P-256"), OKPKey.generate_key("X25519")
        cls.application = cls.house.register(("one", "ES256", cls.key))
        members = session.as_dict(private=False)
        cls.session = {"alg": "ECDH-ES", "jwk": {name: members[name] for name in ("kty", "crv", "x")}}

    @classmethod
    def tearDownClass(cls):
        cls.house.leave()

    def ask(self, user, op):
        now = int(time.time())
        claims = {"iss": self.application, "aud": LOG, "iat": now, "exp": now + 120, "jti": secrets.token_hex(16), "sub": user, "op": op}
        header = {"alg": "ES256", "kid": "one", "typ": "sceau-protect-call"}
        call = jwt.encode(header, claims, self.key, algorithms=["ES256"])
        return self.house.post("/v1/protect/calls", call.encode(), "application/jose")[1]

    def sceau(self, *arguments):
        ran = subprocess.run([PROGRAMS / "sceau", "trace", *arguments], capture_output=True, text=True, timeout=60)
        return ran.returncode, ran.stdout, ran.stderr

    def export(self, to, position, *more):
        where = ["--to", to, "--position", position, "--log-key", self.house.log_key, "--format", "dws"]
        return self.sceau("export", self.house.socket, *where, *more)

    def verify(self, lines):
        return self.sceau("verify", lines, "--element", self.house.socket)

    def test_lines_have_their_fields_and_no_altered_one_verifies(self):
        to, position = self.house.at / "trace.jsonl", self.house.at / "dws.json"
        names = ["denis@example.org", 'Hélène "π" \\ Ünï', "jerome@example.org"]
        created = self.ask(names[0], {"create": {"session": self.session}})
        opening = {"open": {"datum": created["datum"], "wrapped_key": created["wrapped_key"], "session": self.session}}
        indices = [created["index"]]
        for user in names[1:]:
            self.assertEqual(self.ask(user, opening)["code"], "user_not_authorised")
        self.assertEqual(self.ask(names[0], {"describe": {"datum": created["datum"]}})["datum"], created["datum"])
        indices.append(self.ask(names[0], opening)["index"])
        code, _, error = self.export(to, position)
        self.assertEqual((code, to.stat().st_mode & 0o777), (0, 0o600), error)
        lines = to.read_text().splitlines()
        self.assertEqual(len(lines), 4, "what was only described makes no line")
        said = [json.loads(line, object_pairs_hook=list) for line in lines]
        for line, fields in zip(lines, said):
            self.assertEqual([name for name, _ in fields], FIELDS)
            self.assertTrue(all(isinstance(text, str) for _, text in fields))
            self.assertEqual(line, json.dumps(dict(fields), ensure_ascii=False), "written as the service's own trace is")
            one = dict(fields)
            self.assertEqual((one["Version"], one["IP"]), ("1.0", "127.0.0.1"))
            self.assertEqual(base64.b64decode(one["Id-Mi"], validate=True), unb64(created["datum"]))
            self.assertEqual(len(base64.b64decode(one["Signature"], validate=True)), 32)
            self.assertRegex(one["Date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            moment = datetime.datetime.fromisoformat(one["Date"])
            self.assertLess(abs(moment.timestamp() - time.time()), 300)
            of_log = int(self.house.log_key.split("+")[1], 16)
            self.assertEqual(int(one["Global-ID"]), (of_log << 64) + int(one["DCS-ID"]))
        told = [(one["User"], one["Action"]) for one in map(dict, said)]
        denied = [(user, "ACCESS DENIED") for user in names[1:]]
        self.assertEqual(told, [(names[0], "ACCESS GRANTED"), *denied, (names[0], "ACCESS GRANTED")])
        self.assertEqual([int(dict(said[at])["DCS-ID"]) for at in (0, 3)], indices)

        self.assertEqual(self.verify(to)[0], 0)
        altered = self.house.at / "altered.jsonl"
        for name, other in [
            ("Action", "ACCESS GRANTED"), ("User", "mallory"), ("Date", "2017-03-02T17:05:09.465Z"), ("IP", "10.200.1.10"), ("DCS-ID", "1"),
            ("Global-ID", "2"), ("Id-Mi", base64.b64encode(bytes(32)).decode()), ("Version", "1.1"), ("Signature", base64.b64encode(bytes(32)).decode()),
        ]:
            with self.subTest(altered=name):
                altered.write_text("\n".join([lines[0], json.dumps(dict(said[1]) | {name: other}, ensure_ascii=False), *lines[2:]]) + "\n")
                code, _, error = self.verify(altered)
                self.assertEqual(code, 5, error)
                self.assertIn("line 2", error)
        # One field's end is no other's beginning.
        moved = dict(said[0]) | {"User": names[0] + "1", "IP": "27.0.0.1"}
        altered.write_text(json.dumps(moved, ensure_ascii=False) + "\n")
        self.assertEqual(self.verify(altered)[0], 5)
        altered.write_text(json.dumps(dict(reversed(said[0])), ensure_ascii=False) + "\n")
        self.assertEqual(self.verify(altered)[0], 5, "another order")

        # It goes on where it was, also of another element process, and nothing comes twice.
        self.house.end()
        self.house.begin()
        self.ask(names[2], opening)
        self.assertEqual(self.export(to, position)[0], 0)
        self.assertEqual(self.export(to, position)[0], 0)
        again = to.read_text().splitlines()
        self.assertEqual((again[:4], len(again)), (lines, 5))
        self.assertEqual(self.verify(to)[0], 0)

    def test_the_element_signs_nothing_of_others(self):
        element = Element(self.house.socket)
        for words in [{"trace_lines": {"from": 0, "lines": []}}, {"sign_trace_line": {}}]:
            self.assertNotIn("trace_lines", element.ask(words))
        element.close()
        key = "judge.test/log+" + self.house.log_key.split("+", 2)[1] + "+" + base64.b64encode(b"\x01" + bytes(32)).decode()
        to = self.house.at / "none.jsonl"
        where = ["--to", to, "--position", self.house.at / "none.json", "--format", "dws"]
        self.assertNotEqual(self.sceau("export", self.house.socket, *where, "--log-key", key)[0], 0)
        self.assertEqual(self.sceau("export", self.house.at, *where, "--log-key", self.house.log_key)[0], 2)
        where[1] = "https://siem.example.org"
        self.assertEqual(self.sceau("export", self.house.socket, *where, "--log-key", self.house.log_key)[0], 2)
        self.assertFalse(to.exists())


class LinesOfAToken(Lines):
    """The same where the key that authenticates lines is in an HSM."""

    KEYS = Token

    def test_the_key_of_lines_is_the_tokens(self):
        self.assertIn("element/protect-trace-lines/1", self.house.keys.objects())


if __name__ == "__main__":
    unittest.main()
