"""A webhook's signature, verified by a library that is not ours: RFC 9421 as PyPI's http-message-signatures reads it.

The request is the vector that crates/crypto/src/http_signature.rs is held to.
"""

import base64
import datetime
import hashlib
import json
import pathlib
import unittest

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

VECTOR = pathlib.Path(__file__).parents[2] / "crates/crypto/vectors/webhook.json"


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, vector):
        self.vector = vector

    def resolve_public_key(self, key_id):
        if key_id != self.vector["key_id"]:
            raise LookupError(key_id)
        x = self.vector["public_key"]
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))


def request(vector):
    asked = requests.Request("POST", vector["target_uri"], data=vector["body"].encode()).prepare()
    asked.headers["Content-Type"] = vector["content_type"]
    asked.headers["Content-Digest"] = vector["content_digest"]
    asked.headers["Signature-Input"] = vector["signature_input"]
    asked.headers["Signature"] = vector["signature"]
    return asked


class Webhook(unittest.TestCase):
    def setUp(self):
        self.vector = json.loads(VECTOR.read_text())
        keys = Keys(self.vector)
        self.verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=keys)

    def verify(self, vector):
        ever = datetime.timedelta(days=36_500)
        return self.verifier.verify(request(vector), expect_tag="sceau-webhook", max_age=ever)

    def test_is_verified(self):
        (found,) = self.verify(self.vector)
        self.assertLessEqual({'"@method"', '"@target-uri"', '"content-digest"', '"content-type"'}, set(found.covered_components))
        digest = base64.b64encode(hashlib.sha256(self.vector["body"].encode()).digest()).decode()
        self.assertEqual(found.covered_components['"content-digest"'], f"sha-256=:{digest}:")

    def test_of_another_address_or_body_is_refused(self):
        for field, value in [
            ("target_uri", "https://rh.example.org/other"),
            ("content_digest", "sha-256=:AAAA:"),
            ("signature_input", self.vector["signature_input"].replace("4102444800", "4102444801")),
        ]:
            with self.subTest(field), self.assertRaises(InvalidSignature):
                self.verify(self.vector | {field: value})


if __name__ == "__main__":
    unittest.main()
