"""The example in Rust (crates/client/examples/protect_a_field.rs), as it stands: what it protects, PyPI's joserfc and cryptography open, and nobody else."""

import hashlib
import json
import pathlib
import re
import subprocess
import unittest

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import OKPKey
from protect_application import Application
from protect_house import LOG, PROGRAMS, unb64


ROOT = pathlib.Path(__file__).parents[2]


class Rust(Application):
    def test_the_guide_shows_the_example(self):
        example = (ROOT / "crates/client/examples/protect_a_field.rs").read_text()
        shown = re.findall(r"```rust\n(.*?)```", (ROOT / "docs/protect-a-field.md").read_text(), re.DOTALL)
        self.assertTrue(shown)
        for part in shown:
            self.assertIn(part, example)

    def test_what_the_example_protects_opens_elsewhere(self):
        key = self.house.at / "application.key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True)
        public = OKPKey.import_key(key.read_bytes())
        kid = hashlib.sha256(b"sceau/ed25519\0" + unb64(public.as_dict(private=False)["x"])).hexdigest()
        # An application has several keys: the example's, and the one that this judge calls by.
        type(self).application = application = self.house.register((kid, "EdDSA", public), ("es256", "ES256", self.keys["ES256"]))
        example = [PROGRAMS / "examples/protect_a_field", self.house.url, LOG, application, key, "alice"]
        ran = subprocess.run(example, input="Metformine 500 mg, à jeun".encode(), capture_output=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        field = json.loads(ran.stdout)
        secret, iv = self.data_key(self.granted("alice", self.opening(field)))
        text = AESGCM(secret).decrypt(iv, unb64(field["ciphertext"]), field["datum"].encode())
        self.assertEqual(text.decode(), "Metformine 500 mg, à jeun")
        self.refused(self.ask("bob", self.opening(field)), "user_not_authorised")


if __name__ == "__main__":
    unittest.main()
