"""OpenSSL as the authority of time stamps (RFC 3161): `sceau trace stamp` asks it, `sceau trace verify` believes it, and OpenSSL finds what we kept to be its own."""

import base64
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

import tlog
from stamp_authority import Authority

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCEAU = str(pathlib.Path(os.environ["SCEAU_BIN"]) / "sceau")
CASES = [case for case in json.loads((ROOT / "crates/trace/vectors/evidence.json").read_text())["cases"] if case["expected"] == "ok" and case["log_key"]]


class Stamps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = pathlib.Path(folder.name)
        self.authority = Authority(self.at / "tsa")
        self.addCleanup(self.authority.close)
        self.key = CASES[0]["log_key"]
        (self.at / "e").write_text(CASES[0]["file"])

    def sceau(self, *words: str) -> tuple[int, str]:
        ran = subprocess.run([SCEAU, "trace", *words, "--json"], cwd=self.at, capture_output=True, text=True)
        return ran.returncode, ran.stdout or json.loads(ran.stderr)["code"]

    def stamp(self, evidence: str = "e", to: str = "stamped") -> tuple[int, str]:
        anchors = ["--stamp-anchors", "tsa/ca.pem", "--log-key", self.key]
        return self.sceau("stamp", evidence, "--authority", self.authority.url, *anchors, "-o", to)

    def verify(self, evidence: str = "stamped", anchors: str = "tsa/ca.pem") -> tuple[int, str]:
        return self.sceau("verify", evidence, "--log-key", self.key, "--stamp-anchors", anchors)

    def test_what_is_stamped_is_verified_by_both(self):
        self.assertEqual(self.stamp()[0], 0)
        code, said = self.verify()
        self.assertEqual(code, 0, said)
        (stamp,) = json.loads(said)["time_stamps"]
        self.assertLess(abs(stamp["time"] / 1000 - time.time()), 120)
        self.assertEqual(stamp["signer"], "CN=Clock")
        # What was stamped, put together apart: the checkpoint's text and its log's own line.
        kept = json.loads((self.at / "stamped").read_text())
        text, _, lines = kept["checkpoint"].partition("\n\n")
        own = [line for line in lines.splitlines() if base64.b64decode(line.split(" ")[2])[:4] == tlog.Key(self.key).id]
        (self.at / "tsa" / "data").write_text(f"{text}\n\n{own[0]}\n")
        (self.at / "tsa" / "token").write_bytes(base64.b64decode(kept["attachments"]["time-stamps"][0]))
        self.authority.openssl("ts", "-verify", "-data", "data", "-in", "token", "-token_in", "-CAfile", "ca.pem")
        # A second one beside the first.
        self.assertEqual(self.stamp("stamped", "twice")[0], 0)
        self.assertEqual(len(json.loads(self.verify("twice")[1])["time_stamps"]), 2)

    def test_nothing_else_is_believed(self):
        self.assertEqual(self.verify("e"), (5, "stamp.none"))
        self.assertEqual(self.stamp()[0], 0)
        elsewhere = Authority(self.at / "other")
        self.addCleanup(elsewhere.close)
        self.assertEqual(self.verify(anchors="other/ca.pem"), (5, "stamp.unauthorised"))
        good = json.loads((self.at / "stamped").read_text())
        other = next(json.loads(case["file"]) for case in CASES if case["log_key"] == self.key and json.loads(case["file"])["checkpoint"] != good["checkpoint"])
        other.setdefault("attachments", {})["time-stamps"] = good["attachments"]["time-stamps"]
        (self.at / "moved").write_text(json.dumps(other))
        self.assertEqual(self.verify("moved"), (5, "stamp.another_imprint"))

    def test_an_old_answer_is_not_kept(self):
        self.assertEqual(self.stamp()[0], 0)
        self.authority.replay = self.authority.last
        self.assertEqual(self.stamp(to="again"), (5, "stamp.another_nonce"))
        self.assertFalse((self.at / "again").exists())


if __name__ == "__main__":
    unittest.main()
