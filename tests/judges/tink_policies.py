"""A verifier that we did not build on says the same of who cosigned, and whether they are a quorum. (It stands in tink's environment, which has the
cryptography that it needs.)"""

import json
import pathlib
import unittest

import evidence
import tlog

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "crates/trace/vectors/policy.json").read_text())
# What no file makes good: too few, or one that lies. What is no policy is for who reads its lines.
TOO_LITTLE = ("policy.no_quorum", "note.bad_signature")


class Vectors(unittest.TestCase):
    def verdict(self, case):
        evidence.verify(case["file"], VECTORS["log_key"])
        return tlog.quorum(case["policy"], json.loads(case["file"])["checkpoint"])

    def test_the_same_witnesses_cosigned(self):
        good = [case for case in VECTORS["cases"] if case["expected"]["code"] == "ok"]
        self.assertGreaterEqual(len(good), 8)
        for case in good:
            with self.subTest(case["name"]):
                note = json.loads(case["file"])["checkpoint"]
                words = [line.split() for line in case["policy"].splitlines() if line.startswith("witness ")]
                times = {name: tlog.cosigned(note, tlog.Key(key)) for _, name, key, _ in words}
                said = {one["name"]: one["time"] for one in case["expected"]["cosigned"]}
                self.assertEqual({name: time for name, time in times.items() if time is not None}, said)
                self.assertEqual(set(self.verdict(case)), set(said))

    def test_too_few_or_a_false_one_are_no_quorum(self):
        bad = [case for case in VECTORS["cases"] if case["expected"]["code"] in TOO_LITTLE]
        self.assertGreaterEqual(len(bad), 6)
        for case in bad:
            with self.subTest(case["name"]), self.assertRaises(Exception):
                self.verdict(case)


if __name__ == "__main__":
    unittest.main()
