"""A platform has the checkpoints of its log stamped by OpenSSL; what it gives out as evidence has a stamp that holds, or none."""

import json
import pathlib
import tempfile
import time
import unittest

from platforms import PATIENCE, House, eventually, sceau
from stamp_authority import Authority


class EvidenceIsStamped(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = pathlib.Path(folder.name)

    def test_evidence_that_is_given_out_is_stamped(self):
        authority = Authority(self.at / "tsa")
        self.addCleanup(authority.close)
        # What else stands beside the certificates is not announced.
        (self.at / "anchors").write_text("our root\n" + (self.at / "tsa" / "ca.key").read_text() + (self.at / "tsa" / "ca.pem").read_text())
        trace = f'[trace.stamps]\nauthority = "{authority.url}"\nanchors = "{self.at}/anchors"\n'
        house = House(self, self.at / "one", "one", [], trace)

        def stamped():
            given = house.evidence(0)
            return given if "time-stamps" in json.loads(given)["attachments"] else None

        given = eventually("it is not stamped", stamped)
        (self.at / "e").write_text(given)
        announced = house.announced_anchors()
        house.end()
        self.assertEqual(announced, (self.at / "tsa" / "ca.pem").read_text())
        (self.at / "announced").write_text(announced)
        code, said = sceau("verify", self.at / "e", "--log-key", house.key, "--stamp-anchors", self.at / "announced")
        self.assertEqual(code, 0, said)
        (stamp,) = json.loads(said)["time_stamps"]
        self.assertLess(abs(stamp["time"] / 1000 - time.time()), PATIENCE + 60)

    def test_an_answer_that_does_not_hold_is_not_kept(self):
        authority = Authority(self.at / "tsa")
        self.addCleanup(authority.close)
        authority.replay = b"no time stamp"
        trace = f'[trace.stamps]\nauthority = "{authority.url}"\nanchors = "{self.at}/tsa/ca.pem"\n'
        house = House(self, self.at / "one", "one", [], trace)
        said = lambda: True if "is not stamped" in (house.folder / "said").read_text() else None
        eventually("it is not said", said)
        self.assertFalse((house.folder / "platform" / "stamped").exists())
        self.assertEqual(json.loads(house.evidence(0))["attachments"], {})


if __name__ == "__main__":
    unittest.main()
