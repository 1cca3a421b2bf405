"""A log that we did not build asks `sceau witness` for cosignatures, as C2SP tlog-witness says, and verifies what it gets."""

import base64
import concurrent.futures
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import tlog

SCEAU = str(pathlib.Path(os.environ["SCEAU_BIN"]) / "sceau")


class Witness:
    """The program, made once and started as often as is asked."""

    def __init__(self, folder: str, logs: list[str]):
        self.folder, self.logs = folder, logs
        secret = pathlib.Path(folder) / "passphrase"
        secret.touch(mode=0o600)
        secret.write_text("a passphrase for one test only")
        self.state = ["--data", f"{folder}/witness", "--passphrase-file", str(secret)]
        made = subprocess.run([SCEAU, "witness", "init", *self.state, "--name", "witness.example/w1"], check=True, capture_output=True)
        self.key = tlog.Key(json.loads(made.stdout)["key"])
        self.process = None

    def start(self) -> None:
        known = [word for log in self.logs for word in ("--log", log)]
        command = [SCEAU, "witness", "run", *self.state, *known, "--listen", "127.0.0.1:0", "--die-with-parent"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        ready = json.loads(self.process.stdout.readline())
        assert ready["key"] == self.key.text
        self.url = ready["url"]

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def ask(self, body: str | bytes) -> tuple[int, str, str]:
        data = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(f"{self.url}/add-checkpoint", data=data, method="POST")
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers["content-type"], answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers["content-type"], refused.read().decode()


class Log:
    """A log with so many entries."""

    def __init__(self, name: str = "log.example/one"):
        self.signer = tlog.Signer(name)
        self.leaves = [tlog.leaf(str(number).encode()) for number in range(300)]

    def note(self, size: int, by: tlog.Signer | None = None) -> str:
        text = tlog.checkpoint_text(self.signer.key.name, self.leaves[:size])
        return f"{text}\n{(by or self.signer).line(text)}"

    def request(self, old: int, new: int) -> str:
        proof = tlog.consistency(old, self.leaves[:new]) if old <= new else []
        hashes = "".join(base64.b64encode(said).decode() + "\n" for said in proof)
        return f"old {old}\n{hashes}\n{self.note(new)}"


class Protocol(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = Log()
        self.witness = Witness(folder.name, [self.log.signer.key.text])
        self.addCleanup(self.witness.kill)
        self.witness.start()

    def cosigned(self, old: int, new: int) -> int:
        """Asks, verifies the cosignature, and says its time."""
        status, _, lines = self.witness.ask(self.log.request(old, new))
        self.assertEqual(status, 200, lines)
        when = tlog.cosigned(self.log.note(new) + lines, self.witness.key)
        self.assertLess(abs(when - time.time()), 60)
        return when

    def size(self) -> int:
        status, media, said = self.witness.ask(self.log.request(0, 300))
        self.assertEqual((status, media), (409, "text/x.tlog.size"))
        return int(said)

    def test_what_extends_is_cosigned(self):
        for old, new in [(0, 1), (1, 2), (2, 7), (7, 8), (8, 255), (255, 256), (256, 257), (257, 300)]:
            self.cosigned(old, new)
        self.cosigned(300, 300)

    def test_each_refusal_has_its_status(self):
        self.cosigned(0, 100)
        status = lambda body: self.witness.ask(body)[0]
        self.assertEqual(status(Log("log.example/other").request(0, 5)), 404)
        forged = self.log.note(120, tlog.Signer("log.example/one"))
        self.assertEqual(status(f"old 100\n\n{forged}"), 403)
        self.assertEqual(status(self.log.request(120, 100)), 400, "back")
        self.assertEqual(self.witness.ask(self.log.request(99, 120)), (409, "text/x.tlog.size", "100\n"))
        self.assertEqual(status(f"old 100\n\n{self.log.note(120)}"), 422, "no proof")
        self.assertEqual(status(self.log.request(100, 120).replace("\n\n", "\nAAAA\n\n", 1)), 400, "no hash")
        for nonsense in ["", "hello", "old 100\n", "old x\n\n" + self.log.note(120), b"\xff\xfe", b"x" * 100_000]:
            self.assertEqual(status(nonsense), 400, nonsense[:20])
        self.assertEqual(self.size(), 100, "nothing of this was taken")

    def test_a_fork_is_not_cosigned(self):
        self.cosigned(0, 100)
        fork = Log()
        fork.signer = self.log.signer
        fork.leaves = [tlog.leaf(b"forked " + said) for said in self.log.leaves]
        self.assertEqual(self.witness.ask(fork.request(100, 100))[0], 409, "the same size")
        self.assertEqual(self.witness.ask(fork.request(100, 200))[0], 422)
        self.cosigned(100, 101)

    def test_what_was_cosigned_is_known_after_a_kill(self):
        for size in (10, 20, 30):
            self.cosigned(size - 10, size)
            self.witness.kill()
            self.witness.start()
            self.assertEqual(self.size(), size)

    def test_of_many_at_once_one_is_taken(self):
        self.cosigned(0, 10)
        asked = [self.log.request(10, size) for size in range(11, 43)]
        with concurrent.futures.ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(self.witness.ask, asked))
        taken = [11 + at for at, (status, _, _) in enumerate(answers) if status == 200]
        self.assertEqual(len(taken), 1)
        self.assertEqual({status for status, _, _ in answers}, {200, 409})
        self.assertEqual(self.size(), taken[0])

    def test_signatures_of_others_are_ignored(self):
        note = self.log.note(50) + tlog.Signer("someone.example/else").line("something else\n")
        self.assertEqual(self.witness.ask(f"old 0\n\n{note}")[0], 200)


class Policies(unittest.TestCase):
    def test_the_judge_itself_refuses(self):
        """A judge that cannot refuse is none."""
        witness = tlog.Signer("w.example/w", kind=4)
        text = tlog.checkpoint_text("log.example/one", [tlog.leaf(b"0")])
        log = tlog.Signer("log.example/one")
        at = 1_800_000_000
        blob = witness.key.id + at.to_bytes(8, "big") + witness.pair.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        note = f"{text}\n{log.line(text)}— w.example/w {base64.b64encode(blob).decode()}\n"
        self.assertEqual(tlog.cosigned(note, witness.key), at)
        policy = f"witness a {witness.key.text}\nwitness b {tlog.Signer('b', kind=4).key.text}\n"
        self.assertEqual(tlog.quorum(policy + "group g any a b\nquorum g\n", note), ["a"])
        with self.assertRaises(AssertionError):
            tlog.quorum(policy + "group g all a b\nquorum g\n", note)
        with self.assertRaises(Exception):
            tlog.cosigned(note.replace("\n1\n", "\n2\n"), witness.key)


if __name__ == "__main__":
    unittest.main()
