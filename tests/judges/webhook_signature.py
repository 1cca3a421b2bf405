"""A webhook's signature, verified by a library that is not ours: RFC 9421 as PyPI's http-message-signatures reads it.

The request is the vector that crates/crypto/src/http_signature.rs is held to. The receiver that docs/webhooks.md shows is run as it stands there.
"""

import base64
import datetime
import hashlib
import json
import pathlib
import re
import time
import unittest

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs/webhooks.md"
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


class Private(HTTPSignatureKeyResolver):
    def __init__(self, key):
        self.key = key

    def resolve_private_key(self, key_id):
        return self.key


class Documented(unittest.TestCase):
    """The receiver of the document: takes what we sign, once, and nothing else; goes on when the key is replaced."""

    ADDRESS = "https://rh.example.org/sceau"

    def setUp(self):
        (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        self.document = {}
        exec(compile(code, str(DOCUMENT), "exec"), self.document)
        self.now = time.time()
        self.keys = {"one": Ed25519PrivateKey.generate()}
        self.fetched = 0
        self.receiver = self.document["Receiver"](self.ADDRESS, self.fetch, clock=lambda: self.now)

    def fetch(self):
        self.fetched += 1
        x = lambda key: base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
        return {"keys": [{"kid": name, "x": x(key)} for name, key in self.keys.items()]}

    def signed(self, nonce, key="one", body=b'{"position": 7}', address=ADDRESS, tag="sceau-webhook", age=0, covered=None):
        asked = requests.Request("POST", address, data=body, headers={"Content-Type": "application/json"}).prepare()
        asked.headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        private = self.keys.get(key) or Ed25519PrivateKey.generate()
        signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Private(private))
        moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
        covered = covered or ("@method", "@target-uri", "content-digest", "content-type")
        signer.sign(
            asked, body=body, use_existing_digest=True, key_id=key, tag=tag, nonce=nonce, created=moment, expires=moment + datetime.timedelta(seconds=300), label="sceau",
            covered_component_ids=covered,
        )
        return dict(asked.headers), body

    def test_what_we_sign_is_taken(self):
        vector = json.loads(VECTOR.read_text())
        fetch = lambda: {"keys": [{"kid": vector["key_id"], "x": vector["public_key"]}]}
        ever = datetime.timedelta(days=36_500)
        receiver = self.document["Receiver"](vector["target_uri"], fetch, max_age=ever)
        headers = dict(request(vector).headers)
        self.assertEqual(receiver.accept(headers, vector["body"].encode()), json.loads(vector["body"]))
        with self.assertRaises(InvalidSignature):
            receiver.accept(headers, vector["body"].encode())

    def test_each_is_taken_once(self):
        headers, body = self.signed("a")
        self.assertEqual(self.receiver.accept(headers, body), {"position": 7})
        with self.assertRaisesRegex(InvalidSignature, "before"):
            self.receiver.accept(headers, body)
        self.assertEqual(self.receiver.accept(*self.signed("b")), {"position": 7}, "tried again, it is signed anew")
        self.assertEqual(self.fetched, 1)

    def test_what_is_old_or_not_for_this_or_not_whole_is_refused(self):
        for case, refused in enumerate([
            self.signed("c", age=3600),
            self.signed("d", age=-3600),
            self.signed("e", address="https://rh.example.org/other"),
            self.signed("f", tag="something-else"),
            self.signed("g", covered=("@method", "content-digest", "content-type")),
            self.signed("h", covered=("@method", "@target-uri", "content-digest")),
            (self.signed("i")[0], b'{"position": 8}'),
            self.signed("j", key="unknown"),
            self.signed(None),
        ]):
            with self.subTest(case), self.assertRaises(InvalidSignature):
                self.receiver.accept(*refused)

    def test_a_clock_that_is_five_minutes_off_is_borne_and_each_is_still_taken_once(self):
        for age in (-300, 300):
            headers, body = self.signed(f"off{age}", age=age)
            self.assertEqual(self.receiver.accept(headers, body), {"position": 7})
            # Kept for as long as the signature could be believed.
            self.now += 300
            with self.assertRaisesRegex(InvalidSignature, "before"):
                self.receiver.accept(headers, body)
            self.now -= 300

    def test_a_key_that_is_replaced_is_fetched_and_a_forger_makes_nobody_ask_for_ever(self):
        self.receiver.accept(*self.signed("k"))
        self.keys["two"] = Ed25519PrivateKey.generate()
        self.now += 61
        self.receiver.accept(*self.signed("l", key="two"))
        self.receiver.accept(*self.signed("m", key="one"))
        self.assertEqual(self.fetched, 2)
        for nonce in "nopqrs":
            with self.assertRaises(InvalidSignature):
                self.receiver.accept(*self.signed(nonce, key="forged"))
        self.assertEqual(self.fetched, 2)


if __name__ == "__main__":
    unittest.main()
