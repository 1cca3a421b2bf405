"""An application that knows JWT and RSA alone has its data protected by tokens (docs/protect-by-tokens.md), with PyPI's joserfc and cryptography, against
the element and the keyfront as they are shipped."""

import hashlib
import hmac
import json
import secrets
import time
import unittest
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe, jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from protect_house import LOG, Files, House, Token, b64, unb64

BOTH = ["RSA-OAEP", "RSA-OAEP-256", "A256GCM"]


class Tokens(unittest.TestCase):
    KEYS = Files

    @classmethod
    def setUpClass(cls):
        cls.house = House(cls.KEYS, element=["--protect-rsa-oaep"])
        cls.signs, cls.opens = RSAKey.generate_key(2048), RSAKey.generate_key(3072)
        cls.older = RSAKey.generate_key(2048)
        cls.application = cls.house.register(("s", "RS256", cls.signs), ("e", "RSA-OAEP-256", cls.opens, "enc"))
        # Where both ends know no RSA-OAEP but the first, of SHA-1.
        cls.first = cls.house.register(("s", "RS256", cls.signs), ("e", "RSA-OAEP", cls.older, "enc"))
        with urllib.request.urlopen(f"{cls.house.url}/v1/protect/jwks", timeout=30) as answer:
            published = json.load(answer)
        assert published == cls.house.published_keys, "the keyfront publishes what the element says"
        keys = {key["alg"]: RSAKey.import_key(key) for key in published["keys"] if key["use"] == "enc"}
        cls.calls, cls.first_calls = keys["RSA-OAEP-256"], keys["RSA-OAEP"]
        cls.answers = RSAKey.import_key(published["keys"][0])

    @classmethod
    def tearDownClass(cls):
        cls.house.leave()

    def claims(self, user, op, application=None):
        now = int(time.time())
        named = {"iss": application or self.application, "aud": LOG, "sub": user, "op": op}
        return named | {"iat": now, "exp": now + 120, "jti": secrets.token_hex(16)}

    def sign(self, claims, **header):
        return jwt.encode({"alg": "RS256", "kid": "s", "typ": "JWT"} | header, claims, self.signs, algorithms=["RS256"])

    def encrypt(self, token, key=None, **header):
        key = key or self.calls
        header = {"alg": key.alg, "enc": "A256GCM", "cty": "JWT", "kid": key.kid} | header
        return jwe.encrypt_compact(header, token.encode(), key, algorithms=[*BOTH, "RSA1_5", "A128CBC-HS256", "DEF"])

    def bring(self, call):
        headers = {"content-type": "application/jwt"}
        asked = urllib.request.Request(f"{self.house.url}/v1/protect/tokens", data=call.encode(), headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, answer.headers["content-type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["content-type"], error.read().decode()

    def read(self, token, call, claims):
        """What an answer says, once it is the element's, to this call."""
        verified = jwt.decode(token, KeySet([self.answers]), algorithms=["RS256"])
        self.assertEqual((verified.header["typ"], verified.header["kid"]), ("JWT", self.answers.kid))
        said = verified.claims
        self.assertEqual((said["iss"], said["aud"], said["call"]), (LOG, claims["iss"], claims["jti"]))
        self.assertEqual(said["call_sha256"], b64(hashlib.sha256(call.encode()).digest()))
        self.assertLess(abs(said["iat"] - time.time()), 60)
        return said

    def ask(self, user, op, encrypted=True, **more):
        claims = self.claims(user, op) | more
        call = self.sign(claims)
        status, kind, token = self.bring(self.encrypt(call) if encrypted else call)
        self.assertEqual(kind, "application/jwt", token)
        if encrypted or claims.get("encrypt"):
            message = jwe.decrypt_compact(token, self.opens, algorithms=BOTH)
            self.assertEqual((message.protected["cty"], message.protected["kid"]), ("JWT", "e"))
            token = message.plaintext.decode()
        said = self.read(token, call, claims)
        self.assertEqual(status, said["refused"]["status"] if "refused" in said else 200)
        return said

    def data_key(self, said, key=None):
        jwk = json.loads(jwe.decrypt_compact(said["answer"]["data_key"], key or self.opens, algorithms=BOTH).plaintext)
        self.assertEqual((jwk["kid"], jwk["call"]), (said["answer"]["datum"], said["call"]))
        return OctKey.import_key({"kty": "oct", "k": jwk["k"]}).raw_value, unb64(jwk["iv"])

    def opening(self, created):
        return {"open": {name: created["answer"][name] for name in ("datum", "wrapped_key")}}

    def test_a_message_is_protected_as_the_add_in_does(self):
        for encrypted in (False, True):
            with self.subTest(encrypted=encrypted):
                create = {"create": {"name": "Message", "grants": [{"to": {"user": "denis@example.org"}}]}}
                created = self.ask("jerome@example.org", create, encrypted)
                key, iv = self.data_key(created)
                sealed = AESGCM(key).encrypt(iv, b"Bonjour", None)
                opened = self.ask("denis@example.org", self.opening(created), encrypted)
                key, iv = self.data_key(opened)
                self.assertEqual(AESGCM(key).decrypt(iv, sealed, None), b"Bonjour")
                refused = self.ask("mallory@example.org", self.opening(created), encrypted)
                self.assertEqual(refused["refused"]["code"], "user_not_authorised")

    def test_every_function_there_is(self):
        created = self.ask("alice", {"create": {"name": "Dossier"}})
        of = {"datum": created["answer"]["datum"]}
        bob = {"to": {"user": "bob"}}
        document = lambda op: self.ask("alice", op)["answer"]["document"]
        self.assertEqual(document({"grant": of | {"grant": bob}})["grants"][0]["status"], "active")
        self.assertEqual(document({"deactivate_grant": of | bob})["grants"][0]["status"], "inactive")
        self.assertEqual(self.ask("bob", self.opening(created))["refused"]["code"], "user_not_authorised")
        self.assertEqual(document({"activate_grant": of | bob})["grants"][0]["status"], "active")
        self.assertEqual(self.data_key(self.ask("bob", self.opening(created))), self.data_key(created))
        self.assertEqual(document({"revoke": of | bob})["grants"], [])
        self.assertEqual(document({"deactivate": of})["status"], "inactive")
        self.assertEqual(self.ask("alice", self.opening(created))["refused"]["code"], "datum_inactive")
        self.assertEqual(document({"activate": of})["status"], "active")
        self.assertEqual(document({"describe": of})["name"], "Dossier")
        told = self.ask("alice", {"accesses": of}, False, encrypt=True)["answer"]["accesses"]["list"]
        said = [(one["action"], one["user"], one["refused"]) for one in told[:4]]
        refused = ("datum.open", "alice", "datum_inactive")
        self.assertEqual(said, [("datum.describe", "alice", None), ("datum.activate", "alice", None), refused, ("datum.deactivate", "alice", None)])
        self.assertEqual(document({"erase": of})["status"], "erased")
        self.assertEqual(self.ask("alice", self.opening(created))["refused"]["status"], 410)

    def test_who_knows_the_first_oaep_alone_calls_and_is_answered_by_it(self):
        first = ["RSA-OAEP", "A256GCM"]
        for encrypted in (False, True):
            with self.subTest(encrypted=encrypted):
                claims = self.claims("alice", {"create": {}}, self.first) | ({} if encrypted else {"encrypt": True})
                call = self.sign(claims)
                header = {"alg": "RSA-OAEP", "enc": "A256GCM", "cty": "JWT", "kid": self.first_calls.kid}
                sent = jwe.encrypt_compact(header, call.encode(), self.first_calls, algorithms=first) if encrypted else call
                message = jwe.decrypt_compact(self.bring(sent)[2], self.older, algorithms=first)
                self.data_key(self.read(message.plaintext.decode(), call, claims), self.older)

    def test_a_key_of_calls_is_for_one_algorithm(self):
        self.assertNotEqual(self.calls.as_dict()["n"], self.first_calls.as_dict()["n"])
        call = self.sign(self.claims("alice", {"create": {}}))
        bare = lambda key: RSAKey.import_key({name: value for name, value in key.as_dict().items() if name in ("kty", "n", "e")})
        for key, alg in ((self.calls, "RSA-OAEP"), (self.first_calls, "RSA-OAEP-256")):
            for kid in {self.calls.kid, self.first_calls.kid}:
                header = {"alg": alg, "enc": "A256GCM", "cty": "JWT", "kid": kid}
                message = jwe.encrypt_compact(header, call.encode(), bare(key), algorithms=BOTH)
                with self.subTest(alg=alg, kid=kid):
                    self.refused(self.bring(message), "proof_invalid")

    def refused(self, answer, code):
        status, kind, body = answer
        self.assertEqual((kind, json.loads(body)["code"]), ("application/problem+json", code), body)

    def test_what_no_application_signed_is_refused(self):
        claims = self.claims("alice", {"create": {}})
        part = lambda value: b64(json.dumps(value).encode())
        none = f"{part({'alg': 'none', 'kid': 's', 'typ': 'JWT'})}.{part(claims)}."
        body = f"{part({'alg': 'HS256', 'kid': 's', 'typ': 'JWT'})}.{part(claims)}"
        shared = f"{body}.{b64(hmac.new(self.signs.as_pem(private=False), body.encode(), 'sha256').digest())}"
        stranger = jwt.encode({"alg": "RS256", "kid": "s", "typ": "JWT"}, claims, RSAKey.generate_key(2048), algorithms=["RS256"])
        of_enc = jwt.encode({"alg": "RS256", "kid": "e", "typ": "JWT"}, claims, self.opens, algorithms=["RS256"])
        call = self.sign(claims)
        for name, message in [
            ("none", none), ("HS256", shared), ("a stranger", stranger), ("a key of use enc", of_enc), ("another typ", self.sign(claims, typ="sceau-protect-call")),
            ("nobody signed", self.encrypt(json.dumps(claims))), ("RSA1_5", self.encrypt(call, alg="RSA1_5")), ("zip", self.encrypt(call, zip="DEF")),
            ("another enc", self.encrypt(call, enc="A128CBC-HS256")), ("no cty", self.encrypt(call, cty="json")), ("another kid", self.encrypt(call, kid="x")),
        ]:
            with self.subTest(name):
                self.refused(self.bring(message), "proof_invalid")
        self.refused(self.bring("a" * 100_000), "too_large")
        self.refused(self.bring(self.sign(claims | {"aud": "elsewhere"})), "call_elsewhere")
        # A modern call is none, and the other way round.
        self.assertEqual(self.house.post("/v1/protect/calls", call.encode(), "application/jose")[1]["code"], "proof_invalid")

    def test_a_token_is_good_once_also_after_a_crash(self):
        claims = self.claims("alice", {"create": {}})
        call = self.sign(claims)
        self.assertEqual(self.bring(call)[0], 200)
        self.house.end()
        self.house.begin()
        status, _, token = self.bring(call)
        self.assertEqual((status, self.read(token, call, claims)["refused"]["code"]), (409, "call_replayed"))


class TokensOverAToken(Tokens):
    """The same where the keys that decrypt calls and sign answers are in an HSM."""

    KEYS = Token

    def test_the_keys_are_the_tokens(self):
        held = self.house.keys.objects()
        for key in ("element/protect-token-sign/1", "element/protect-token-open/1", "element/protect-token-open-sha1/1"):
            self.assertIn(key, held)


if __name__ == "__main__":
    unittest.main()
