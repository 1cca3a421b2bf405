"""Contents of the profile cbc-rs256, read and written from docs/protect-by-tokens.md alone with PyPI's cryptography and joserfc: by the service, by a program that
encrypts itself, and by `sceau protect`. Nothing that is altered opens, and who has the key cannot forge."""

import hashlib
import json
import os
import pathlib
import secrets
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from joserfc import jwe, jws, jwt
from joserfc.jwk import KeySet, OKPKey, RSAKey
from protect_house import LOG, PROGRAMS, Files, House, Token, b64, unb64

HERE = pathlib.Path(__file__).resolve().parent


def read(message):
    """A message, by its fields: (name, octets) in their order."""
    at, fields = 0, []
    def take(name, length):
        nonlocal at
        fields.append((name, message[at : at + length]))
        at += length
        return fields[-1][1]
    take("magic", 9), take("version", 1), take("datum", 32), take("iv", 16)
    take("wrapped key", int.from_bytes(take("W", 2), "big"))
    signature = int.from_bytes(message[-2:], "big")
    take("ciphertext", len(message) - 2 - signature - at)
    take("signature", signature), take("S", 2)
    assert at == len(message) and (fields[0][1], fields[1][1]) == (b"cbc-rs256", b"\x01")
    return dict(fields)


def written(fields):
    return b"".join(fields.values())


def unsigned(fields):
    return b"".join(part for name, part in fields.items() if name not in ("signature", "S"))


def encrypted(key, iv, content, name="note.txt", kind="text/plain"):
    metadata = json.dumps({"name": name, "type": kind}).encode()
    metadata += b" " * (-(2 + len(metadata)) % 256)
    padder, cipher = PKCS7(128).padder(), Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    text = len(metadata).to_bytes(2, "big") + metadata + content
    return cipher.update(padder.update(text) + padder.finalize()) + cipher.finalize()


def decrypted(key, fields):
    cipher, padding = Cipher(algorithms.AES256(key), modes.CBC(fields["iv"])).decryptor(), PKCS7(128).unpadder()
    text = padding.update(cipher.update(fields["ciphertext"]) + cipher.finalize()) + padding.finalize()
    length = int.from_bytes(text[:2], "big")
    assert (2 + length) % 256 == 0
    return json.loads(text[2 : 2 + length]), text[2 + length :]


class Contents(unittest.TestCase):
    KEYS = Files

    @classmethod
    def setUpClass(cls):
        cls.house = House(cls.KEYS)
        cls.key, cls.mine = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("X25519")
        cls.signs, cls.opens = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
        keys = ("e", "EdDSA", cls.key), ("s", "RS256", cls.signs), ("o", "RSA-OAEP-256", cls.opens, "enc")
        cls.application = cls.house.register(*keys)
        with urllib.request.urlopen(f"{cls.house.url}/v1/protect/jwks", timeout=30) as answer:
            cls.published = KeySet.import_key_set(json.load(answer))
        with urllib.request.urlopen(f"{cls.house.url}/v1/protect/keyfront", timeout=30) as answer:
            cls.said = json.load(answer)
        public = cls.mine.as_dict(private=False)
        cls.session = {"alg": "ECDH-ES", "jwk": {name: public[name] for name in ("kty", "crv", "x")}}

    @classmethod
    def tearDownClass(cls):
        cls.house.leave()

    def claims(self, user, op):
        now = int(time.time())
        named = {"iss": self.application, "aud": LOG, "sub": user, "op": op}
        return named | {"iat": now, "exp": now + 120, "jti": secrets.token_hex(16)}

    def call(self, user, op):
        header = {"alg": "EdDSA", "kid": "e", "typ": "sceau-protect-call"}
        return jwt.encode(header, self.claims(user, op), self.key, algorithms=["EdDSA"])

    def ask(self, user, op):
        return self.house.post("/v1/protect/calls", self.call(user, op).encode(), "application/jose")

    def data_key(self, message, key=None):
        algorithms = ["ECDH-ES", "RSA-OAEP-256", "A256GCM"]
        return json.loads(jwe.decrypt_compact(message, key or self.mine, algorithms=algorithms).plaintext)

    def create(self, **more):
        return {"create": {"session": self.session, "profile": "cbc-rs256"} | more}

    def opening(self, fields, session=None):
        named = {"datum": b64(fields["datum"]), "wrapped_key": b64(fields["wrapped key"])}
        return {"open": named | {"session": session or self.session, "content": fields["signature"].decode()}}

    def work(self, path, user, op, body):
        headers = {"sceau-call": self.call(user, op), "content-type": "text/plain"}
        headers["content-disposition"] = "attachment; filename*=UTF-8''note.txt"
        asked = urllib.request.Request(f"{self.house.url}/v1/protect/{path}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)["code"]

    def of_service(self, content, **more):
        status, message = self.work("encrypt", "alice", self.create(session=self.said["session"], **more), content)
        self.assertEqual(status, 200, message)
        return read(message)

    def by_service(self, fields, user="alice", opens=None):
        return self.work("decrypt", user, self.opening(opens or fields, self.said["session"]), written(fields))

    def sign(self, datum, permit, digest):
        asked = json.dumps({"datum": datum, "permit": permit, "sha256": b64(digest)})
        return self.house.post("/v1/protect/contents", asked.encode())

    def verify(self, fields):
        """As an outsider does, who has the published keys and no other."""
        signature = jws.deserialize_compact(fields["signature"].decode(), self.published, algorithms=["RS256"])
        self.assertEqual(signature.headers()["typ"], "sceau-content")
        said = json.loads(signature.payload)
        self.assertEqual((said["iss"], said["datum"]), (LOG, b64(fields["datum"])))
        self.assertEqual(said["sha256"], b64(hashlib.sha256(unsigned(fields)).digest()))
        self.assertLess(abs(said["iat"] - time.time()), 60)
        self.assertEqual(len({key.kid for key in self.published.keys}), 3)

    def test_what_the_service_encrypts_is_the_form_and_what_follows_it_the_service_opens(self):
        for length in (0, 1, 15, 16, 17, 3_000_001):
            with self.subTest(length=length):
                content = secrets.token_bytes(length)
                fields = self.of_service(content)
                self.verify(fields)
                status, answer = self.ask("alice", self.opening(fields))
                self.assertEqual(status, 200, answer)
                key = self.data_key(answer["data_key"])
                self.assertEqual((key["alg"], unb64(key["iv"])), ("A256CBC", fields["iv"]))
                self.assertEqual(decrypted(unb64(key["k"]), fields), ({"name": "note.txt", "type": "text/plain"}, content))
                self.assertNotIn("permit", key)
                self.assertEqual(self.by_service(fields), (200, content))

    def own(self, content, user="alice", **more):
        """A message of a program that encrypts itself."""
        status, answer = self.ask(user, self.create(**more))
        self.assertEqual(status, 200, answer)
        key = self.data_key(answer["data_key"])
        wrapped = unb64(answer["wrapped_key"])
        fields = {
            "magic": b"cbc-rs256", "version": b"\x01", "datum": unb64(answer["datum"]), "iv": unb64(key["iv"]),
            "W": len(wrapped).to_bytes(2, "big"), "wrapped key": wrapped,
            "ciphertext": encrypted(unb64(key["k"]), unb64(key["iv"]), content),
        }
        return self.signed(fields, key["permit"]), key

    def signed(self, fields, permit):
        status, answer = self.sign(b64(fields["datum"]), permit, hashlib.sha256(unsigned(fields)).digest())
        self.assertEqual(status, 200, answer)
        signature = answer["signature"].encode()
        return fields | {"signature": signature, "S": len(signature).to_bytes(2, "big")}

    def test_a_program_that_encrypts_itself(self):
        fields, key = self.own(b"Bonjour")
        self.verify(fields)
        self.assertEqual(self.by_service(fields), (200, b"Bonjour"))
        self.assertEqual(self.by_service(fields, "bob"), (403, "user_not_authorised"))
        status, answer = self.sign(b64(fields["datum"]), b64(bytes(40)), bytes(32))
        self.assertEqual((status, answer["code"]), (403, "proof_invalid"))

    def test_whatever_is_altered_is_refused_alike(self):
        fields, _ = self.own(b"Bonjour " * 1000)
        invalid = (422, "content_invalid")
        for name, part in fields.items():
            for at in {0, len(part) // 2, len(part) - 1}:
                with self.subTest(name=name, at=at):
                    altered = fields | {name: part[:at] + bytes([part[at] ^ 1]) + part[at + 1 :]}
                    self.assertEqual(self.by_service(altered, opens=fields), invalid)
        other, _ = self.own(b"Bonjour " * 1000)
        for name in ("ciphertext", "wrapped key", "datum", "iv", "signature"):
            with self.subTest(swapped=name):
                self.assertEqual(self.by_service(fields | {name: other[name]}, opens=fields), invalid)
        message, op = written(fields), self.opening(fields, self.said["session"])
        for cut in (message[:-1], message[16:], message + b"\0", message[: len(unsigned(fields))], b""):
            self.assertEqual(self.work("decrypt", "alice", op, cut), invalid)
        # A signature of the element's of another datum, or none of its, does not even have the key given out.
        for signature in (other["signature"], fields["signature"][:-8] + b"AAAAAAAA"):
            status, answer = self.ask("alice", self.opening(fields | {"signature": signature}))
            self.assertEqual((status, answer["code"]), invalid)

    def test_a_reader_who_has_the_key_cannot_forge(self):
        fields, _ = self.own(b"pay 10", grants=[{"to": {"user": "bob"}}])
        status, answer = self.ask("bob", self.opening(fields))
        self.assertEqual(status, 200, answer)
        key = self.data_key(answer["data_key"])
        self.assertEqual(decrypted(unb64(key["k"]), fields)[1], b"pay 10")
        forged = fields | {"ciphertext": encrypted(unb64(key["k"]), fields["iv"], b"pay 99")}
        self.assertEqual(decrypted(unb64(key["k"]), forged)[1], b"pay 99", "it would be one, but for the signature")
        invalid = (422, "content_invalid")
        self.assertEqual(self.by_service(forged), invalid)
        # Signed by a key of bob's; by one that says it is the element's; by a token that the element did sign.
        own, digest = RSAKey.generate_key(3072), b64(hashlib.sha256(unsigned(forged)).digest())
        claims = {"iss": LOG, "iat": int(time.time()), "datum": b64(fields["datum"]), "sha256": digest}
        named = jws.deserialize_compact(fields["signature"].decode(), self.published, algorithms=["RS256"]).headers()
        for header in (named, {"alg": "RS256", "typ": "sceau-content"}, named | {"jwk": own.as_dict(private=False)}):
            signature = jws.serialize_compact(header, json.dumps(claims), own, algorithms=["RS256"], registry=jws.JWSRegistry(strict_check_header=False)).encode()
            signed = forged | {"signature": signature, "S": len(signature).to_bytes(2, "big")}
            self.assertEqual(self.by_service(signed), invalid)
        # Bob's own datum has a permit, which signs for that one alone.
        _, of_bob = self.own(b"", "bob")
        status, answer = self.sign(b64(fields["datum"]), of_bob["permit"], hashlib.sha256(unsigned(forged)).digest())
        self.assertEqual((status, answer["code"]), (403, "proof_invalid"))
        # Nor does the key open as that of an envelope, which every reader could make.
        op = self.opening(fields)
        del op["open"]["content"]
        status, answer = self.ask("bob", op)
        self.assertEqual((status, answer["code"]), (422, "wrapped_key_invalid"))

    def test_calls_that_are_tokens_do_it_too(self):
        def ask(op):
            token = jwt.encode({"alg": "RS256", "kid": "s", "typ": "JWT"}, self.claims("alice", op), self.signs, algorithms=["RS256"])
            asked = urllib.request.Request(f"{self.house.url}/v1/protect/tokens", data=token.encode(), headers={"content-type": "application/jwt"})
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return jwt.decode(answer.read().decode(), self.published, algorithms=["RS256"]).claims["answer"]
        created = ask({"create": {"profile": "cbc-rs256"}})
        key, wrapped = self.data_key(created["data_key"], self.opens), unb64(created["wrapped_key"])
        fields = {
            "magic": b"cbc-rs256", "version": b"\x01", "datum": unb64(created["datum"]), "iv": unb64(key["iv"]),
            "W": len(wrapped).to_bytes(2, "big"), "wrapped key": wrapped,
            "ciphertext": encrypted(unb64(key["k"]), unb64(key["iv"]), b"Bonjour"),
        }
        fields = self.signed(fields, key["permit"])
        op = self.opening(fields)
        del op["open"]["session"]
        again = self.data_key(ask(op)["data_key"], self.opens)
        self.assertEqual(decrypted(unb64(again["k"]), fields)[1], b"Bonjour")
        self.assertEqual(self.by_service(fields), (200, b"Bonjour"))

    def test_what_was_signed_stays_signed_and_what_was_erased_opens_no_more(self):
        fields, key = self.own(b"Bonjour")
        status, answer = self.sign(b64(fields["datum"]), key["permit"], bytes(32))
        self.assertEqual((status, answer["code"]), (403, "proof_invalid"), "a permit has one content signed")
        self.assertEqual(self.signed(fields, key["permit"]), fields, "the same again, for who did not hear it")
        self.house.end()
        self.house.begin()
        with urllib.request.urlopen(f"{self.house.url}/v1/protect/keyfront", timeout=30) as answer:
            type(self).said = json.load(answer)
        self.verify(fields)
        self.assertEqual(self.by_service(fields), (200, b"Bonjour"))
        status, answer = self.sign(b64(fields["datum"]), key["permit"], bytes(32))
        self.assertEqual((status, answer["code"]), (403, "proof_invalid"), "a permit of the run before")
        self.assertEqual(self.ask("alice", {"erase": {"datum": b64(fields["datum"])}})[0], 200)
        self.assertEqual(self.by_service(fields), (410, "datum_erased"))

    def command(self, *arguments, **more):
        return subprocess.run([PROGRAMS / "sceau", *arguments], capture_output=True, text=True, timeout=60, **more)

    def test_the_command_line(self):
        folder = self.house.at / "files"
        folder.mkdir()
        key = folder / "application.key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True)
        os.chmod(key, 0o600)
        public = OKPKey.import_key(key.read_bytes())
        kid = hashlib.sha256(b"sceau/ed25519\0" + unb64(public.as_dict(private=False)["x"])).hexdigest()
        application = self.house.register((kid, "EdDSA", public))
        said = {"keyfront": self.house.url, "audience": LOG, "application": application, "key": "application.key", "log_key": self.house.log_key}
        (folder / "hr.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items()))
        by = lambda user: ["--application", folder / "hr.toml", "--user", user]
        plain, content = folder / "contrat été.pdf", secrets.token_bytes(2_500_000)
        sealed = folder / "contrat été.pdf.sceau"
        for content in (content, b""):
            plain.write_bytes(content)
            ran = self.command("protect", *by("alice"), "--profile", "cbc-rs256", "--grant-user", "bob", "--force", "--json", plain)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            told, fields = json.loads(ran.stdout), read(sealed.read_bytes())
            self.assertEqual((told["datum"], told["size"], told["profile"]), (b64(fields["datum"]), len(content), "cbc-rs256"))
            self.verify(fields)
            plain.unlink()
            ran = self.command("unprotect", *by("bob"), sealed)
            self.assertEqual((ran.returncode, plain.read_bytes()), (0, content), ran.stderr)
        plain.unlink()
        self.assertEqual(json.loads(self.command("unprotect", *by("mallory"), "--json", sealed).stderr)["code"], "user_not_authorised")
        for name in ("iv", "ciphertext", "signature"):
            part = fields[name]
            (folder / "altered.sceau").write_bytes(written(fields | {name: part[:-1] + bytes([part[-1] ^ 2])}))
            ran = self.command("unprotect", *by("bob"), "--json", folder / "altered.sceau")
            self.assertEqual((ran.returncode, json.loads(ran.stderr)["code"]), (3, "content_invalid"))
            self.assertFalse(plain.exists())
        ran = self.command("grant", *by("alice"), "--to-user", "carol", sealed)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("contrat été.pdf (datum", ran.stderr)
        ran = self.command("unprotect", *by("carol"), "-o", "-", sealed)
        self.assertEqual((ran.returncode, ran.stdout), (0, ""))
        self.by_pipes(by)
        self.assertIn("bob", self.command("accesses", *by("alice"), sealed).stdout)

    def by_pipes(self, by):
        """From a pipe into a pipe: kept until it is verified, and nothing comes out of what is not."""
        piped = lambda message, *arguments: subprocess.run([PROGRAMS / "sceau", *arguments], input=message, capture_output=True, timeout=60)
        content = secrets.token_bytes(2_500_000)
        ran = piped(content, "protect", *by("alice"), "--profile", "cbc-rs256")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        message, fields = ran.stdout, read(ran.stdout)
        self.verify(fields)
        ran = piped(message, "unprotect", *by("alice"))
        self.assertEqual((ran.returncode, ran.stdout == content), (0, True), ran.stderr)
        changed = bytearray(message)
        changed[-len(fields["signature"]) - 40] ^= 1
        for other in (bytes(changed), message[:-1], message[:70], message + b"\0"):
            ran = piped(other, "unprotect", *by("alice"), "--json")
            self.assertEqual((ran.returncode, ran.stdout, json.loads(ran.stderr)["code"]), (3, b"", "content_invalid"))
        said = piped(message, "grant", *by("alice"), "--to-user", "bob", "--json", "-")
        self.assertEqual((said.returncode, json.loads(said.stdout)["datum"]), (0, b64(fields["datum"])), said.stderr)
        self.assertEqual(piped(b"no envelope either, and longer than what is looked at", "unprotect", *by("alice"), "--json").returncode, 3)

    def node(self, act, user, **takes):
        """What the TypeScript client says, as an application in Node has it."""
        pem = self.key.as_pem(private=True).decode()
        settings = {"keyfront": self.house.url, "audience": LOG, "application": self.application, "logKey": self.house.log_key}
        asked = {"settings": settings, "alg": "EdDSA", "kid": "e", "pem": pem, "user": user} | {name: str(value) if name in ("from", "to") else value for name, value in takes.items()}
        ran = subprocess.run(["node", HERE / "protect_node.mjs", act], input=json.dumps(asked), capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return json.loads(ran.stdout)

    def test_the_typescript_client(self):
        folder = self.house.at / "typescript"
        folder.mkdir()
        plain, sealed, out = folder / "plain", folder / "sealed", folder / "out"
        refused = {"code": "content_invalid", "fault": "data", "passing": False}
        for length in (0, 15, 16, 3_000_001):
            content = secrets.token_bytes(length)
            plain.write_bytes(content)
            said = self.node("protectContent", "alice", **{"from": plain, "to": sealed, "name": "été.pdf", "about": {"grants": [{"to": {"user": "bob"}}]}})
            fields = read(sealed.read_bytes())
            self.assertEqual(said, {"datum": b64(fields["datum"])})
            self.verify(fields)
            status, answer = self.ask("bob", self.opening(fields))
            self.assertEqual(status, 200, answer)
            key = unb64(self.data_key(answer["data_key"])["k"])
            self.assertEqual(decrypted(key, fields), ({"name": "été.pdf", "type": "application/pdf"}, content))
            self.assertEqual(self.by_service(fields), (200, content))
            self.assertEqual(self.node("openContent", "bob", **{"from": sealed, "to": out}), said | {"name": "été.pdf", "type": "application/pdf"})
            self.assertEqual(out.read_bytes(), content)
        # What Python wrote, and what the service did.
        for fields, content in ((self.own(b"Bonjour")[0], b"Bonjour"), (self.of_service(b"x" * 70_000), b"x" * 70_000)):
            sealed.write_bytes(written(fields))
            self.assertEqual(self.node("openContent", "alice", **{"from": sealed, "to": out})["name"], "note.txt")
            self.assertEqual(out.read_bytes(), content)
        self.assertEqual(self.node("openContent", "mallory", **{"from": sealed, "to": out})["code"], "user_not_authorised")
        for name, part in fields.items():
            sealed.write_bytes(written(fields | {name: part[:-1] + bytes([part[-1] ^ 1])}))
            said = self.node("openContent", "alice", **{"from": sealed, "to": out})
            # Of a signature whose claims are whole the element alone knows that it is not its own.
            self.assertEqual(said, refused | {"fault": "caller"} if name == "signature" else refused, name)
        # Its digest is the content's and the datum is right, but who has the key made it.
        forged = fields | {"ciphertext": encrypted(key, fields["iv"], b"pay 99")}
        own, digest = RSAKey.generate_key(2048), b64(hashlib.sha256(unsigned(forged)).digest())
        claims = {"iss": LOG, "iat": int(time.time()), "datum": b64(fields["datum"]), "sha256": digest}
        signature = jws.serialize_compact({"alg": "RS256", "typ": "sceau-content"}, json.dumps(claims), own, algorithms=["RS256"], registry=jws.JWSRegistry(strict_check_header=False)).encode()
        sealed.write_bytes(written(forged | {"signature": signature, "S": len(signature).to_bytes(2, "big")}))
        self.assertEqual(self.node("openContent", "alice", **{"from": sealed, "to": out}), refused | {"fault": "caller"})


class ContentsOverAToken(Contents):
    """The same where the key that signs contents is in an HSM."""

    KEYS = Token

    def test_the_key_is_the_tokens(self):
        self.assertIn("element/protect-content-sign/1", self.house.keys.objects())


if __name__ == "__main__":
    unittest.main()
