"""An application that we did not write, for who judges with it: it signs calls and opens what it is given with PyPI's joserfc. It has no tests."""

import json
import secrets
import time
import unittest

from joserfc import jwe, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from protect_house import House, LOG, unb64


class Application(unittest.TestCase):
    """`HOUSE`: what its house is made with."""

    HOUSE = ()

    @classmethod
    def setUpClass(cls):
        cls.house = House(*cls.HOUSE)
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
        cls.house.leave()

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
        self.assertEqual((key["kid"], key["call"], key.get("item")), (answer["datum"], answer["asked"], answer.get("item")))
        return OctKey.import_key({"kty": "oct", "k": key["k"]}).raw_value, unb64(key["iv"])

    def opening(self, created, alg="ECDH-ES"):
        return {"open": {"datum": created["datum"], "wrapped_key": created["wrapped_key"], "session": self.session(alg)}}
