"""A log, its verifier and its witnesses' verifier, written from the C2SP documents (tlog-tiles, signed-note, tlog-checkpoint, tlog-cosignature,
tlog-witness, tlog-policy) and RFC 6962 with other people's cryptography. It shares no code with Sceau.

    tlog.py verify PREFIX LOG_KEY [POLICY]      a log that is served at PREFIX: every entry, every tile, what witnesses cosigned
    tlog.py evidence FILE LOG_KEY POLICY        an evidence file whose checkpoint witnesses must have cosigned
"""

import base64
import hashlib
import json
import sys
import urllib.request

import evidence
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = split(len(leaves))
    return node(root(leaves[:half]), root(leaves[half:]))


def split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def consistency(old: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, section 2.1.2."""
    return [] if old in (0, len(leaves)) else subproof(old, leaves, True)


def subproof(old: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    half = split(len(leaves))
    if old <= half:
        return subproof(old, leaves[:half], whole) + [root(leaves[half:])]
    return subproof(old - half, leaves[half:], False) + [root(leaves[:half])]


class Key:
    """A named public key: name+id+base64(type, key)."""

    def __init__(self, vkey: str):
        self.text = vkey
        self.name, self.hint, encoded = vkey.split("+", 2)
        typed = base64.b64decode(encoded, validate=True)
        self.kind, self.public = typed[0], typed[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + typed).digest()[:4]
        assert self.id.hex() == self.hint, "id"

    def verify(self, signature: bytes, message: bytes) -> None:
        Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)


class Signer:
    """The key pair of a log."""

    def __init__(self, name: str, kind: int = 1):
        self.pair = Ed25519PrivateKey.generate()
        typed = bytes([kind]) + self.pair.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        hint = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4].hex()
        self.key = Key(f"{name}+{hint}+{base64.b64encode(typed).decode()}")

    def line(self, text: str) -> str:
        said = base64.b64encode(self.key.id + self.pair.sign(text.encode())).decode()
        return f"— {self.key.name} {said}\n"


def checkpoint_text(origin: str, leaves: list[bytes]) -> str:
    return f"{origin}\n{len(leaves)}\n{base64.b64encode(root(leaves)).decode()}\n"


def signatures(note: str, key: Key) -> list[bytes]:
    """What stands in a note under a key."""
    _, _, lines = note.partition("\n\n")
    said = [line.split(" ") for line in lines.splitlines()]
    blobs = [base64.b64decode(blob) for dash, name, blob in said if dash == "—" and name == key.name]
    return [blob[4:] for blob in blobs if blob[:4] == key.id]


def cosigned(note: str, witness: Key) -> int | None:
    """When a witness cosigned a checkpoint, in unix seconds; raises for a cosignature that does not hold."""
    assert witness.kind == 4, "not a witness's key"
    found = signatures(note, witness)
    if not found:
        return None
    (blob,) = found
    time = int.from_bytes(blob[:8], "big")
    text = note.partition("\n\n")[0] + "\n"
    witness.verify(blob[8:], f"cosignature/v1\ntime {time}\n{text}".encode())
    return time


def quorum(policy: str, note: str) -> list[str]:
    """The names of the policy's witnesses that cosigned; raises where they are no quorum."""
    met: dict[str, bool] = {"none": True}
    asked = None
    names = []
    for line in policy.splitlines():
        words = line.split()
        if not words or words[0].startswith("#") or words[0] == "log":
            continue
        if words[0] == "witness":
            met[words[1]] = cosigned(note, Key(words[2])) is not None
            names += [words[1]] if met[words[1]] else []
        elif words[0] == "group":
            least = {"any": 1, "all": len(words) - 3}.get(words[2]) or int(words[2])
            met[words[1]] = sum(met[name] for name in words[3:]) >= least
        elif words[0] == "quorum":
            asked = words[1]
    assert asked and met[asked], f"no quorum: {names}"
    return names


def tile_path(level: int | str, number: int, width: int) -> str:
    digits = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        digits.insert(0, f"x{number % 1000:03}")
    return f"tile/{level}/{'/'.join(digits)}" + (f".p/{width}" if width < 256 else "")


def served(prefix: str, path: str) -> bytes:
    with urllib.request.urlopen(f"{prefix}/{path}") as answer:
        return answer.read()


def verify(prefix: str, log_key: str, policy: str | None) -> dict:
    """Every entry and every tile of a log under its last checkpoint, and the checkpoint that its witnesses cosigned."""
    # Before the newest, which then has it.
    note = served(prefix, "cosigned").decode() if policy else ""
    size, said = evidence.checkpoint(served(prefix, "checkpoint").decode(), log_key)
    leaves: list[bytes] = []
    for number in range((size + 255) // 256):
        width = min(256, size - 256 * number)
        bundle = served(prefix, tile_path("entries", number, width))
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            leaves.append(leaf(bundle[2 : 2 + length]))
            bundle = bundle[2 + length :]
    assert len(leaves) == size and root(leaves) == said, "root"
    tiles, level, hashes = 0, 0, leaves
    while hashes:
        for number in range((len(hashes) + 255) // 256):
            row = hashes[256 * number : 256 * number + 256]
            assert served(prefix, tile_path(level, number, len(row))) == b"".join(row), f"tile {level}/{number}"
            tiles += 1
        full = range(len(hashes) // 256)
        level, hashes = level + 1, [root(hashes[256 * at : 256 * at + 256]) for at in full]
    found = {"size": size, "tiles": tiles}
    if policy:
        old, old_root = evidence.checkpoint(note, log_key)
        assert old <= size and root(leaves[:old]) == old_root, "what witnesses cosigned is no part of the log"
        found |= {"cosigned": old, "witnesses": quorum(policy, note)}
    return found


def main(what: str, where: str, log_key: str, policy: str | None = None) -> None:
    policy_text = open(policy, encoding="utf-8").read() if policy else None
    if what == "verify":
        print(json.dumps(verify(where, log_key, policy_text)))
    elif what == "evidence":
        text = open(where, encoding="utf-8").read()
        found = evidence.verify(text, log_key)
        names = quorum(policy_text or "", json.loads(text)["checkpoint"])
        print(json.dumps({"index": found["index"], "size": found["size"], "witnesses": names}))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
