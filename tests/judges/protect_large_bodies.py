"""Bodies of more than 4 GiB pass through the keyfront, sent and read by curl: no length is cut at 32 bits, each octet comes back, and the keyfront holds a few parts.
Of the profile cbc-rs256, which is kept on the disk until it is verified, 80 MiB unless SCEAU_LARGE says another size in bytes."""

import json
import os
import subprocess
import threading
import unittest
import urllib.request

from protect_application import Application
from protect_house import b64, Files
from protect_rows import Sqlite

LARGE = (4 << 30) + (5 << 20) + 3
SPOOLED = int(os.environ.get("SCEAU_LARGE", 80 << 20))
# What a body may add to the keyfront's memory, in KiB: BodyLimits says 16 MiB, and two pass at once here.
MEMORY = 40 << 10
PIECE = 1 << 20


class Longer(Sqlite):
    """With room for all of it."""

    settings = f"longest_spooled = {1 << 35}\n"


class LargeBodies(Application):
    HOUSE = (Files, Longer)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with urllib.request.urlopen(f"{cls.house.url}/v1/protect/keyfront", timeout=30) as answer:
            cls.its_session = json.load(answer)["session"]

    def memory(self):
        """The most that the keyfront had in memory, in KiB (proc(5))."""
        with open(f"/proc/{self.house.keyfront.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

    def curl(self, path, op, body, **pipes):
        call = self.sign(self.claims("alice", op))
        url = f"{self.house.url}/v1/protect/{path}"
        return subprocess.Popen(["curl", "--fail", "--silent", "-X", "POST", "-H", f"Sceau-Call: {call}", "-T", body, url], **pipes)

    def ended(self, program):
        self.assertEqual(program.wait(), 0, program.args)
        for pipe in (program.stdin, program.stdout):
            if pipe:
                pipe.close()

    def plain(self, size):
        """A file of holes, but for its ends and where 32 bits end: next to nothing of it is on the disk."""
        path = self.house.at / "plain"
        with open(path, "wb") as file:
            file.truncate(size)
            for at, mark in ((0, b"first"), ((1 << 31) - 3, b"signed"), ((1 << 32) - 5, b"and unsigned"), (size - 4, b"last")):
                if at + len(mark) <= size:
                    file.seek(at)
                    file.write(mark)
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def comes_back(self, stream, path):
        """Compares what comes with a file, to the end of both."""
        with open(path, "rb") as wanted:
            while piece := stream.read(PIECE):
                self.assertEqual(piece, wanted.read(len(piece)), f"before {wanted.tell()}")
            self.assertEqual(wanted.read(1), b"", "it ended early")

    def warm(self):
        """What any body takes, once."""
        self.passes(self.plain(64 << 20))
        return self.memory()

    def passes(self, path):
        """Encrypted with its length said, and decrypted at the same time, without."""
        sealing = self.curl("encrypt", {"create": {"session": self.its_session}}, path, stdout=subprocess.PIPE)
        # The one stanza of the header (docs/envelope.md): fixed (56), length (4), count (2), suite (2), datum (32), length (2), wrapped key.
        head = sealing.stdout.read(98)
        wrapped = sealing.stdout.read(int.from_bytes(head[96:98], "big"))
        named = {"datum": b64(head[64:96]), "wrapped_key": b64(wrapped), "session": self.its_session}
        opening = self.curl("decrypt", {"open": named}, "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def carry():
            opening.stdin.write(head + wrapped)
            while piece := sealing.stdout.read(PIECE):
                opening.stdin.write(piece)
            opening.stdin.close()

        carrying = threading.Thread(target=carry, daemon=True)
        carrying.start()
        self.comes_back(opening.stdout, path)
        carrying.join()
        self.ended(sealing)
        self.ended(opening)

    def test_envelopes_of_more_than_four_gibibytes(self):
        before = self.warm()
        self.passes(self.plain(LARGE))
        self.assertLess(self.memory() - before, MEMORY)

    def test_signed_contents(self):
        before = self.warm()
        path, sealed = self.plain(SPOOLED), self.house.at / "sealed"
        self.addCleanup(sealed.unlink)
        with open(sealed, "wb") as file:
            self.ended(self.curl("encrypt", {"create": {"session": self.its_session, "profile": "cbc-rs256"}}, path, stdout=file))
        # docs/protect-by-tokens.md: magic (9), version (1), datum (32), vector (16), length (2), wrapped key; at the end the signature, its length (2).
        with open(sealed, "rb") as file:
            head = file.read(60)
            wrapped = file.read(int.from_bytes(head[58:60], "big"))
            file.seek(-2, os.SEEK_END)
            length = int.from_bytes(file.read(2), "big")
            file.seek(-2 - length, os.SEEK_END)
            signature = file.read(length).decode()
        op = {"open": {"datum": b64(head[10:42]), "wrapped_key": b64(wrapped), "session": self.its_session, "content": signature}}
        opening = self.curl("decrypt", op, sealed, stdout=subprocess.PIPE)
        self.comes_back(opening.stdout, path)
        self.ended(opening)
        self.assertLess(self.memory() - before, MEMORY)


if __name__ == "__main__":
    unittest.main()
