"""A second verifier of evidence files, written from docs/verify-evidence.md and the C2SP documents with other people's cryptography.

It judges what holds, not how a file is spelt: strictness about spelling is the first verifier's own.
"""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(file: str, log_key: str | None) -> dict:
    """Index, size and record (as far as it opens) of an evidence file; raises where something does not hold."""
    evidence = json.loads(file)
    key = log_key or evidence["log_key"]
    assert evidence["log_key"] == key, "another log"
    size, root = checkpoint(evidence["checkpoint"], key)
    leaf = unbase64(evidence["record"])
    proof = [bytes.fromhex(node) for node in evidence["proof"]]
    assert included(leaf, evidence["index"], size, proof) == root, "root"
    record = json.loads(leaf)
    for path, opening in evidence.get("openings", {}).items():
        reveal(record, path, opening)
    return {"index": evidence["index"], "size": size, "record": record}


def checkpoint(note: str, log_key: str) -> tuple[int, bytes]:
    """Size and root, once the log's own line signs the text (C2SP signed-note, tlog-checkpoint)."""
    name, _, rest = log_key.partition("+")
    hint, _, encoded = rest.partition("+")
    typed = base64.b64decode(encoded)
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    assert typed[0] == 1 and key_id.hex() == hint, "not the key of an Ed25519 log"
    text, _, signatures = note.partition("\n\n")
    text += "\n"
    lines = [line.split(" ") for line in signatures.splitlines()]
    ours = [base64.b64decode(said) for dash, signer, said in lines if dash == "—" and signer == name]
    ours = [said[4:] for said in ours if said[:4] == key_id]
    assert ours, "not signed by the log"
    for signature in ours:
        Ed25519PublicKey.from_public_bytes(typed[1:]).verify(signature, text.encode())
    origin, size, root = text.splitlines()[:3]
    assert origin == name, "origin"
    return int(size), base64.b64decode(root)


def included(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root that the proof leads to (RFC 9162, section 2.1.3.2)."""
    assert 0 <= index < size, "index"
    node = hashlib.sha256(b"\x00" + leaf).digest()
    at, last = index, size - 1
    for sibling in proof:
        assert last, "too long"
        if at % 2 or at == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        at, last = at >> 1, last >> 1
    assert last == 0, "too short"
    return node


def reveal(record: dict, path: str, opening: dict) -> None:
    """Puts an opened value in the place of its commitment."""
    *way, field = path.split(".")
    place = record
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    message = b"sceau/trace-field\x00" + path.encode() + b"\x00" + opening["value"].encode()
    made = hmac.new(unbase64(opening["key"]), message, hashlib.sha256).digest()
    said = "hmac:" + base64.urlsafe_b64encode(made).decode().rstrip("=")
    assert hmac.compare_digest(said, place[field]), "opening"
    place[field] = opening["value"]
