"""Tink's own library opens our content streams, given the content key; a reader written from the document agrees on the rest."""

import hashlib
import json
import pathlib
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import reader
from reader import PART, Header, unbase64

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "crates/crypto/vectors/sceau-1.json").read_text())


def stream_of(vector: dict) -> bytes:
    """Builds a vector's stream from its choices, by the document. That it is ours is shown by the hashes of its parts."""
    plain = bytes(i % 251 for i in range(vector["size"]))
    salt, prefix = bytes.fromhex(vector["salt"]), bytes.fromhex(vector["nonce_prefix"])
    cek, associated = bytes.fromhex(vector["cek"]), bytes.fromhex(vector["associated_data"])
    aead = AESGCM(HKDF(hashes.SHA256(), 32, salt=salt, info=associated).derive(cek))
    cuts = [0, *range(PART - 56, len(plain), PART - 16), len(plain)] if plain else [0, 0]
    stream = b"\x28" + salt + prefix
    for i, (start, end) in enumerate(zip(cuts, cuts[1:])):
        last = i == len(cuts) - 2
        stream += aead.encrypt(prefix + i.to_bytes(4, "big") + bytes([last]), plain[start:end], None)
    return stream


class Vectors(unittest.TestCase):
    def each(self):
        self.assertGreaterEqual(len(VECTORS["envelopes"]), 5)
        for vector in VECTORS["envelopes"]:
            with self.subTest(vector["name"]):
                yield vector, stream_of(vector)

    def test_the_parts_are_those_that_we_made(self):
        for vector, stream in self.each():
            self.assertEqual([hashlib.sha256(p).hexdigest() for p in reader.parts(stream)], vector["part_sha256"])

    def test_tink_opens_them(self):
        for vector, stream in self.each():
            cek, associated = bytes.fromhex(vector["cek"]), bytes.fromhex(vector["associated_data"])
            plain = reader.tink_open(cek, stream, associated)
            self.assertEqual(plain, bytes(i % 251 for i in range(vector["size"])))

    def test_tink_refuses_them_once_touched(self):
        for vector, stream in self.each():
            cek, associated = bytes.fromhex(vector["cek"]), bytes.fromhex(vector["associated_data"])
            flipped = stream[:-1] + bytes([stream[-1] ^ 1])
            for name, touched, data in [
                ("flipped", flipped, associated),
                ("cut", stream[:-1], associated),
                ("of another header", stream, hashlib.sha256(associated).digest()),
            ]:
                with self.subTest(name), self.assertRaises(Exception):
                    reader.tink_open(cek, touched, data)

    def test_the_header_says_the_same_to_both_readers(self):
        for vector, stream in self.each():
            header, cek = Header(unbase64(vector["header"])), bytes.fromhex(vector["cek"])
            said = header.unlock(cek)
            self.assertEqual({"name": said["name"], "type": said["type"]}, vector["metadata"])
            self.assertEqual(header.associated_data.hex(), vector["associated_data"])
            self.assertEqual(reader.envelope_hash(header, stream).hex(), vector["envelope_hash"])

    def test_rsa_recipients_unwrap_the_same_key(self):
        unwrapped = 0
        for vector, _ in self.each():
            for name in vector["recipients"]:
                key = VECTORS["keys"][name]
                if key["suite"] == "RSA-OAEP-256":
                    header = Header(unbase64(vector["header"]))
                    self.assertEqual(header.unwrap_rsa(unbase64(key["private_key"])).hex(), vector["cek"])
                    unwrapped += 1
        self.assertGreaterEqual(unwrapped, 3)


if __name__ == "__main__":
    unittest.main()
