"""What lies where a keyfront runs: its database, its other files, its log, its memory, and the element's files. Neither data keys nor what applications
encrypt under them; what it may know is found there, so the search is one that finds."""

import base64
import secrets
import unittest

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from protect_application import Application


def forms(secret):
    """The ways in which octets lie around: raw, in hexadecimal, and in both alphabets of base64 at each of the three offsets in a longer encoding."""
    found = {"raw": [secret], "hexadecimal": [secret.hex().encode(), secret.hex().upper().encode()], "base64": []}
    for offset in range(3):
        # Its first characters are mixed with what stands before, its last one with what comes after.
        text = base64.b64encode(bytes(offset) + secret).rstrip(b"=")
        text = text[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6]
        found["base64"] += [text, text.translate(bytes.maketrans(b"+/", b"-_"))]
    return [(form, octets) for form, all_of in found.items() for octets in all_of]


def memory(pid):
    """Each part of a process's memory that can be read (proc(5))."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as octets:
        for line in maps:
            span, rights, *_ = line.split()
            begins, ends = (int(part, 16) for part in span.split("-"))
            if "r" not in rights or "[v" in line:
                continue
            try:
                octets.seek(begins)
                yield octets.read(ends - begins)
            except OSError:
                pass


class Secrets(Application):
    def places(self):
        for folder in ("data", "state"):
            for path in sorted((self.house.at / folder).rglob("*")):
                if path.is_file():
                    yield str(path.relative_to(self.house.at)), path.read_bytes()
        for name in ("keyfront.log", "element.log"):
            yield name, (self.house.at / name).read_bytes()
        for part in memory(self.house.keyfront.pid):
            yield "the keyfront's memory", part

    def test_neither_keys_nor_texts_lie_where_the_keyfront_runs(self):
        text = ("Metformine 500 mg, " + secrets.token_hex(16)).encode()
        created = self.granted("alice@example.org", {"create": {"name": "Ordonnance 1789", "session": self.session()}})
        key, iv = self.data_key(created)
        sealed = AESGCM(key).encrypt(iv, text, created["datum"].encode())
        self.granted("alice@example.org", self.opening(created))
        self.assertEqual(self.ask("bob", self.opening(created))[1]["code"], "user_not_authorised")
        hidden = {"the data key": key, "the text": text, "what was encrypted": sealed}
        known = {"its name": b"Ordonnance 1789"}
        found = {(what, place) for place, octets in self.places() for what, secret in (hidden | known).items() for form, one in forms(secret) if one in octets}
        self.assertEqual([one for one in found if one[0] in hidden], [])
        self.assertIn(("its name", "the keyfront's memory"), found)
        self.assertTrue(any(place.startswith("data/records.db") for _, place in found), found)


if __name__ == "__main__":
    unittest.main()
