"""A second reader of `sceau-1`, written from docs/envelope.md with other people's cryptography.

It holds no secret of its own and is not fast: it is here to disagree with us where we are wrong.
"""

import base64
import hashlib
import hmac
import io
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tink import cleartext_keyset_handle, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

FIXED = 56
PART = 1 << 20
RSA_OAEP_256 = 1


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def derive(cek: bytes, label: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=b"", info=label.encode()).derive(cek)


class Header:
    """The header of an envelope, taken apart; nothing in it is believed before `unlock`."""

    def __init__(self, envelope: bytes):
        self.fixed = envelope[:FIXED]
        assert self.fixed[:8] == b"sceau\x01\x00\x01", "not an envelope sceau-1"
        self.file_id, self.commitment = self.fixed[8:24], self.fixed[24:]
        length = int.from_bytes(envelope[FIXED : FIXED + 4], "big")
        body = io.BytesIO(envelope[FIXED + 4 : FIXED + 4 + length])
        number = lambda size: int.from_bytes(body.read(size), "big")
        self.stanzas = {}
        for _ in range(number(2)):
            suite, key_id = number(2), body.read(32)
            self.stanzas[suite, key_id] = body.read(number(2))
        self.sealed_metadata = body.read(number(4))
        assert body.read() == b"", "bytes after the metadata"
        self.authenticated = envelope[: FIXED + 4 + length]
        self.mac = envelope[FIXED + 4 + length :][:32]
        self.length = FIXED + 4 + length + 32

    @property
    def associated_data(self) -> bytes:
        return hashlib.sha256(self.fixed).digest()

    def unwrap_rsa(self, pkcs8: bytes) -> bytes:
        """The content key, for an RSA recipient."""
        private = serialization.load_der_private_key(pkcs8, None)
        spki = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        key_id = hashlib.sha256(RSA_OAEP_256.to_bytes(2, "big") + spki).digest()
        wrapped = self.stanzas[RSA_OAEP_256, key_id]
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        return private.decrypt(wrapped, oaep)

    def unlock(self, cek: bytes) -> dict:
        """Checks commitment and mac in that order, then opens name and type."""
        assert hmac.compare_digest(derive(cek, "sceau-1/commit"), self.commitment), "commitment"
        mac = hmac.new(derive(cek, "sceau-1/header"), self.authenticated, hashlib.sha256).digest()
        assert hmac.compare_digest(mac, self.mac), "mac"
        nonce, sealed = self.sealed_metadata[:12], self.sealed_metadata[12:]
        plain = AESGCM(derive(cek, "sceau-1/metadata")).decrypt(nonce, sealed, self.fixed)
        assert len(plain) % 256 == 0, "padding"
        return json.loads(plain)


def tink(cek: bytes) -> streaming_aead.StreamingAead:
    """Tink's own AES256_GCM_HKDF_1MB over a given key."""
    params = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
        ciphertext_segment_size=PART, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
    )
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(version=0, params=params, key_value=cek)
    data = tink_pb2.KeyData(
        type_url="type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
        value=key.SerializeToString(),
        key_material_type=tink_pb2.KeyData.SYMMETRIC,
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(key_data=data, status=tink_pb2.ENABLED, key_id=1, output_prefix_type=tink_pb2.RAW)
    streaming_aead.register()
    handle = cleartext_keyset_handle.from_keyset(keyset)
    return handle.primitive(streaming_aead.StreamingAead)


def tink_open(cek: bytes, stream: bytes, associated_data: bytes) -> bytes:
    """The plaintext of a content stream, by Tink; raises where Tink refuses."""
    with tink(cek).new_decrypting_stream(io.BytesIO(stream), associated_data) as opened:
        return opened.read()


def parts(stream: bytes) -> list[bytes]:
    return [stream[at : at + PART] for at in range(0, len(stream), PART)]


def envelope_hash(header: Header, stream: bytes) -> bytes:
    metadata = len(header.sealed_metadata).to_bytes(4, "big") + header.sealed_metadata
    leaves = [header.fixed, metadata, *parts(stream)]
    listed = b"".join(hashlib.sha256(leaf).digest() for leaf in leaves)
    return hashlib.sha256(b"sceau-1/envelope\x00" + listed).digest()
