"""Bodies that the keyfront encrypts and decrypts, sent by curl over HTTP/1.1 and HTTP/2."""

import hashlib
import json
import secrets
import subprocess
import unittest
import urllib.request

from protect_application import Application
from protect_house import b64, LOG


class Bodies(Application):
    def work(self, path, call, body, *options):
        """curl, which sends while it reads, and says whether the answer ended as answers do."""
        url = f"{self.house.url}/v1/protect/{path}"
        asked = ["curl", "--silent", "--max-time", "60", "-X", "POST", "-H", f"Sceau-Call: {call}", "-T", "-", "-w", "%{stderr}%{http_code}"]
        ran = subprocess.run([*asked, *options, url], input=body, capture_output=True)
        return ran.returncode, ran.stderr.decode()[-3:], ran.stdout

    def test_the_service_encrypts_and_decrypts_bodies(self):
        with urllib.request.urlopen(f"{self.house.url}/v1/protect/keyfront", timeout=30) as answer:
            said = json.load(answer)
        self.assertEqual(said["audience"], LOG)
        content = secrets.token_bytes(5_000_000)
        bound = {"body": b64(hashlib.sha256(content).digest())}
        create = self.sign(self.claims("alice", {"create": {"session": said["session"]}}) | bound)
        code, status, sealed = self.work("encrypt", create, content, "--http2-prior-knowledge")
        self.assertEqual((code, status, sealed[:5]), (0, "200", b"sceau"))
        # The one stanza of the header (docs/envelope.md): fixed (56), length (4), count (2), suite (2), datum (32), length (2), wrapped key.
        datum, length = b64(sealed[64:96]), int.from_bytes(sealed[96:98], "big")
        op = lambda: {"open": {"datum": datum, "wrapped_key": b64(sealed[98 : 98 + length]), "session": said["session"]}}
        for version in ["--http1.1", "--http2-prior-knowledge"]:
            with self.subTest(version=version):
                opened = self.work("decrypt", self.sign(self.claims("alice", op())), sealed, version)
                self.assertEqual(opened, (0, "200", content))
                altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
                code, _, came = self.work("decrypt", self.sign(self.claims("alice", op())), altered, version)
                self.assertNotEqual(code, 0)
                self.assertTrue(len(came) < len(content) and content.startswith(came))
                code, status, _ = self.work("decrypt", self.sign(self.claims("bob", op())), sealed, version)
                self.assertEqual((code, status), (0, "403"))


if __name__ == "__main__":
    unittest.main()
