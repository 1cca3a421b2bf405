"""Other people's code reads our shares and puts them together: the reference Bech32m (BIP 350), and pyshamir, the scheme of HashiCorp Vault."""

import itertools
import json
import pathlib
import unittest

import pyshamir
from bech32m.codecs import Encoding, bech32_decode, convertbits

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "crates/crypto/vectors/shares.json").read_text())


def point(text: str) -> bytearray:
    """A share as pyshamir has it: the value, then its number."""
    hrp, data, encoding = bech32_decode("".join(text.split()))
    assert (hrp, encoding) == ("sceau", Encoding.BECH32M)
    share = bytes(convertbits(data, 5, 8, False))
    assert len(share) == 44 and share[0] == 1
    return bytearray(share[12:] + share[11:12])


class Shares(unittest.TestCase):
    def test_any_three_of_five_open_it(self):
        points = [point(share) for share in VECTORS["shares"]]
        self.assertEqual(len(points), 5)
        for some in itertools.combinations(points, 3):
            self.assertEqual(bytes(pyshamir.combine(list(some))).hex(), VECTORS["secret"])

    def test_two_do_not(self):
        points = [point(share) for share in VECTORS["shares"]]
        for some in itertools.combinations(points, 2):
            self.assertNotEqual(bytes(pyshamir.combine(list(some))).hex(), VECTORS["secret"])


if __name__ == "__main__":
    unittest.main()
