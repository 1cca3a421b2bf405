"""A verifier that we did not build on agrees on which evidence holds, and on what its openings say."""

import json
import pathlib
import unittest

import evidence

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = json.loads((ROOT / "crates/trace/vectors/evidence.json").read_text())["cases"]
# What does not hold whoever looks, and however the file is spelt.
BROKEN = ("proof.", "opening.", "note.bad_signature", "note.not_signed", "evidence.other_log", "checkpoint.wrong_origin")


class Vectors(unittest.TestCase):
    def test_what_holds_is_believed_and_opens_alike(self):
        good = [case for case in CASES if case["expected"] == "ok"]
        self.assertGreaterEqual(len(good), 11)
        opened = 0
        for case in good:
            with self.subTest(case["name"]):
                found = evidence.verify(case["file"], case["log_key"])
                self.assertEqual((found["index"], found["size"]), (case["index"], case["size"]))
                if "record" in case:
                    self.assertEqual(found["record"], case["record"])
                    opened += 1
        self.assertGreaterEqual(opened, 3)

    def test_what_does_not_hold_is_not_believed(self):
        bad = [case for case in CASES if case["expected"].startswith(BROKEN)]
        self.assertGreaterEqual(len(bad), 18)
        for case in bad:
            with self.subTest(case["name"]), self.assertRaises(Exception):
                evidence.verify(case["file"], case["log_key"])


if __name__ == "__main__":
    unittest.main()
