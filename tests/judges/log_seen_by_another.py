"""Two elements, each with its platform and its log. One has in its log what it saw of the other's; from its files and the other's it is shown offline when a record was there."""

import json
import pathlib
import tempfile
import time
import unittest

import seen
from platforms import PATIENCE, House, eventually, sceau


class SeenByAnother(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = pathlib.Path(folder.name)

    def test_one_log_shows_when_it_saw_another(self):
        one = House(self, self.at / "one", "one", [])
        peers = f'[trace]\npeers_every_seconds = 1\n[[trace.peers]]\nurl = "{one.url}/trace"\nkey = "{one.key}"\n'
        other = House(self, self.at / "other", "other", [one.key], peers)
        (self.at / "e").write_text(one.evidence(0))
        where = ["--log-key", one.key, "--log", f"{one.url}/trace", "--by", f"{other.url}/trace", "--by-key", other.key]

        def found():
            code, said = sceau("seen", self.at / "e", *where, "-o", self.at / "seen")
            self.assertIn(code, (0, 5), said)
            return said if code == 0 else None

        (said,) = json.loads(eventually("it is not seen: " + (other.folder / "said").read_text(), found))
        # Offline, by both verifiers.
        one.end(), other.end()
        code, verified = sceau("verify", self.at / "seen", "--log-key", one.key, "--seen-by", other.key)
        self.assertEqual(code, 0, verified)
        self.assertEqual(json.loads(verified)["seen"], [said])
        self.assertLess(abs(said["time"] / 1000 - time.time()), PATIENCE + 60)
        whole = (self.at / "seen").read_text()
        self.assertEqual(seen.seen(whole, one.key, other.key), (said["index"], said["log_size"]))
        self.assertEqual(sceau("verify", self.at / "e", "--log-key", one.key, "--seen-by", other.key)[0], 5)
        # Another root than the one that was seen.
        broken = json.loads(whole)
        broken["attachments"]["seen"][0]["proof"] = ["00" * 32] * max(1, len(broken["attachments"]["seen"][0]["proof"]))
        (self.at / "broken").write_text(json.dumps(broken))
        self.assertEqual(sceau("verify", self.at / "broken", "--log-key", one.key, "--seen-by", other.key)[0], 5)


if __name__ == "__main__":
    unittest.main()
