"""Authlib's OpenID Connect client logs somebody in by a keyring, against a running `sceau up` and a provider beside it: by a secret and by a key."""

import hashlib
import html
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

SCEAU = str(pathlib.Path(os.environ["SCEAU_BIN"]) / "sceau")
PIN = "402917385516"
PROVIDER = "5b1f6a0e-52f7-4d0c-9a35-6f5a5b0d0e04"
SECRET = "a secret: with signs/in it+"
REDIRECT = "https://site.example/callback"


def free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Provider(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        data = pathlib.Path(folder.name) / "data"
        data.mkdir(mode=0o700)
        names = ["platform", "key_manager", "intake", "keyfront", "keyrings"]
        port, *ports = free_ports(1 + len(names))
        (data / "ports.json").write_text(json.dumps(dict(zip(names, ports, strict=True))))
        up = cls.start("up", "--data", str(data), "--demonstration")
        cls.at = pathlib.Path(up["demonstration"]["keyring"])
        cls.host = ["--at", up["keyrings"]["url"], "--anchors", "host.pem"]
        cls.private("pin", PIN)
        cls.sceau("terminal", "activate", "--folder", "terminal", *cls.host, "--invitation", "invitation", "--code-file", "code", "--pin-file", "pin")
        cls.key = ec.generate_private_key(ec.SECP256R1())
        public = ECKey.import_key(cls.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        cls.private("site.jwks", json.dumps({"keys": [public.as_dict(private=False)]}))
        cls.issuer = f"https://localhost:{port}"
        common = f'redirect_uris = ["{REDIRECT}"]\nscopes = ["openid", "profile"]\n'
        hashed = hashlib.sha256(SECRET.encode()).hexdigest()
        cls.private(
            "provider.toml",
            f'[provider]\nissuer = "{cls.issuer}"\nname = "Lyon"\nid = "{PROVIDER}"\ncertificate_file = "{cls.at}/sp.pem"\nkey_file = "{cls.at}/sp.key"\n'
            f'element_file = "{cls.at}/element.json"\nhost = "{cls.host[1]}"\nhost_ca_file = "{cls.at}/host.pem"\n'
            f'[[provider.clients]]\nid = "secret"\nname = "By a secret"\nauth = "client_secret_basic"\nsecret_sha256 = "{hashed}"\n{common}'
            f'[[provider.clients]]\nid = "key"\nname = "By a key"\nauth = "private_key_jwt"\njwks_file = "{cls.at}/site.jwks"\n{common}',
        )
        cls.start("serve", "provider", "--config", f"{cls.at}/provider.toml", "--data", f"{cls.at}/provider", "--listen", f"127.0.0.1:{port}", "--tls", str(data / "keyrings/tls.pem"))
        began = time.monotonic()
        keyring = json.loads((cls.at / "keyring.json").read_text())["keyring"]
        cls.sceau("provider", "holder", "add", "m.curie", keyring, "--data", f"{cls.at}/provider")
        cls.metadata = OpenIDProviderMetadata(requests.get(f"{cls.issuer}/.well-known/openid-configuration", verify=f"{cls.at}/host.pem", timeout=30).json())
        # A provider that has just begun takes no statement that could be of before it.
        time.sleep(max(0.0, began + 11 - time.monotonic()))

    @classmethod
    def start(cls, *words: str) -> dict:
        process = subprocess.Popen([SCEAU, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def end():
            process.terminate()
            process.communicate(timeout=60)

        cls.addClassCleanup(end)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        return json.loads(line)

    @classmethod
    def private(cls, name: str, text: str):
        path = cls.at / name
        path.touch(mode=0o600)
        path.write_text(text)

    @classmethod
    def sceau(cls, *words: str):
        ran = subprocess.run([SCEAU, *words], cwd=cls.at, capture_output=True, text=True)
        assert ran.returncode == 0, f"{words}: {ran.stdout} {ran.stderr}"
        return json.loads(ran.stdout) if ran.stdout.strip().startswith("{") else ran.stdout

    def session(self, client: str) -> OAuth2Session:
        more = {"scope": "openid profile", "redirect_uri": REDIRECT, "code_challenge_method": "S256"}
        if client == "secret":
            session = OAuth2Session("secret", urllib.parse.quote_plus(SECRET), token_endpoint_auth_method="client_secret_basic", **more)
        else:
            pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            session = OAuth2Session("key", ECKey.import_key(pem), token_endpoint_auth_method="private_key_jwt", **more)
            session.register_client_auth_method(PrivateKeyJWT(self.metadata["token_endpoint"], alg="ES256"))
        return self.trusting(session)

    def trusting(self, session: requests.Session) -> requests.Session:
        """Which believes the host's authority, whatever this machine's settings say."""
        session.trust_env, session.verify = False, f"{self.at}/host.pem"
        return session

    def browser(self, url: str) -> str:
        """Somebody's browser and terminal: where the browser is sent back to."""
        browser = self.trusting(requests.Session())
        page = browser.get(url, timeout=30).text
        sealed = re.search(r'name=request value="([^"]+)"', page)[1]
        began = browser.post(f"{self.issuer}/login", {"request": sealed, "alias": "m.curie"}, headers={"origin": self.issuer}, allow_redirects=False, timeout=30)
        self.assertEqual(began.status_code, 303, began.text)
        waits = self.issuer + began.headers["location"]
        number = re.search(r"to compare: (\d{4})", browser.get(waits, timeout=30).text)[1]
        (waiting,) = self.sceau("terminal", "pending", "--folder", "terminal", *self.host, "--wait", "60")["requests"]
        words = ["terminal", "authenticate", "--folder", "terminal", *self.host, "--request", waiting["request"], "--pin-file", "pin"]
        shown = subprocess.run([SCEAU, *words], cwd=self.at, check=True, capture_output=True, text=True).stderr
        self.assertIn(number, shown)
        while not browser.get(f"{waits}/state", timeout=60).json()["over"]:
            pass
        back = re.search(r'<a class="button wax" href="([^"]+)"', browser.get(waits, timeout=30).text)[1]
        return html.unescape(back)

    def test_a_person_logs_in_by_authlib(self):
        # RS256, which Discovery demands of everybody, is not made: all else is as it demands.
        for key in set(self.metadata.REGISTRY_KEYS) - {"id_token_signing_alg_values_supported"}:
            getattr(self.metadata, f"validate_{key}")()
        self.assertEqual(self.metadata["id_token_signing_alg_values_supported"], ["ES256"])
        for client in ("secret", "key"):
            with self.subTest(client=client):
                self.logged_in(client)

    def logged_in(self, client: str):
        session = self.session(client)
        verifier, nonce = "v" * 50, f"nonce of {client}"
        url, state = session.create_authorization_url(self.metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
        back = self.browser(url)
        self.assertIn(f"iss={urllib.parse.quote_plus(self.issuer)}", back)
        token = session.fetch_token(self.metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
        keys = KeySet.import_key_set(session.get(self.metadata["jwks_uri"], withhold_token=True).json())
        told = jwt.decode(token["id_token"], keys, algorithms=["ES256"])
        options = {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": client}, "nonce": {"essential": True, "value": nonce}}
        CodeIDToken(told.claims, told.header, options, {"nonce": nonce, "client_id": client, "access_token": token["access_token"]}).validate()
        info = session.get(self.metadata["userinfo_endpoint"]).json()
        self.assertEqual(info["sub"], told.claims["sub"])
        # The same code again: refused, and what it became is taken back.
        with self.assertRaises(OAuthError) as refused:
            self.session(client).fetch_token(self.metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
        self.assertEqual(refused.exception.error, "invalid_grant")
        self.assertEqual(session.get(self.metadata["userinfo_endpoint"]).status_code, 401)


if __name__ == "__main__":
    unittest.main()
